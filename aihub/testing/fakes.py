"""A provider that does what a test tells it, and what a hub needs around it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from random import Random

import anyio.lowlevel

from ..backends.catalogue import StaticCatalogue
from ..backends.clocks import ManualClock
from ..backends.ids import SeededIds
from ..backends.storage.memory import MemoryStore
from ..backends.tokens import EstimateCounter
from ..hub import Hub
from ..model.catalogue import Deployment, Model, Retries, Routes
from ..model.events import Event, Finished, Text, UsageSeen
from ..model.usage import Usage
from ..protocols import Observer, Provider, ProviderCall, Store
from .providers import MODEL

ANSWER: tuple[Event, ...] = (
    Text("Once"),
    Text(" upon"),
    Text(" a time"),
    Finished("stop"),
    UsageSeen(Usage(7, 3)),
)
"""A good answer of three chunks, with the provider's own count."""


class ScriptedProvider:
    """Answer each call with the next script; the last one serves all further calls.

    A script is a sequence of events and exceptions; an exception is raised where it stands.
    `calls` are those that were opened, `open_now` how many have not been left.
    """

    def __init__(self, *scripts: Iterable[Event | Exception]) -> None:
        self._scripts = [tuple(script) for script in scripts or (ANSWER,)]
        self.calls: list[ProviderCall] = []
        self.open_now = 0

    @asynccontextmanager
    async def open(self, call: ProviderCall) -> AsyncIterator[AsyncIterator[Event]]:
        """Play the next script."""
        script = self._scripts[min(len(self.calls), len(self._scripts) - 1)]
        self.calls.append(call)
        self.open_now += 1
        events = _play(script)
        try:
            yield events
        finally:
            self.open_now -= 1
            await events.aclose()


async def _play(script: Sequence[Event | Exception]) -> AsyncGenerator[Event, None]:
    for step in script:
        await anyio.lowlevel.checkpoint()
        if isinstance(step, Exception):
            raise step
        yield step


@asynccontextmanager
async def open_test_hub(
    *providers: Provider,
    store: Store | None = None,
    clock: ManualClock | None = None,
    observers: Sequence[Observer] = (),
    seed: int = 0,
    routes: Routes | None = None,
    models: Sequence[Model] = (MODEL,),
    sleep: Callable[[float], Awaitable[None]] | None = None,
    **settings: object,
) -> AsyncIterator[Hub]:
    """Open a hub whose every model is served by *providers*, in their order.

    Ids and chance are seeded and the clock is manual, moved by waits between attempts: two runs are
    the same to the byte. Nothing is asked twice, unless *routes* say so; they name the providers
    `p0`, `p1` and so on. Another *sleep* than that moves the clock itself.
    """
    clock = clock or ManualClock()

    async def advance(seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        clock.advance(seconds)

    given: Sequence[Provider] = providers or (ScriptedProvider(),)
    places = tuple(
        Deployment(
            id=f"p{n}/{MODEL.id}", provider=f"p{n}", upstream_model=MODEL.id, region=f"region-{n}"
        )
        for n, _ in enumerate(given)
    )
    async with Hub(
        store=store or MemoryStore(clock=clock),
        providers={f"p{n}": provider for n, provider in enumerate(given)},
        catalogue=StaticCatalogue(models, {"gpt-4": MODEL.id}),
        tokens=EstimateCounter(),
        clock=clock,
        ids=SeededIds(seed, clock),
        routes=routes
        or Routes(deployments={MODEL.id: places}, region="region-0", retries=Retries(most=0)),
        chance=Random(seed).random,  # noqa: S311 - no secret: the same in each run
        sleep=sleep or advance,
        observers=observers,
        **settings,  # type: ignore[arg-type]
    ) as hub:
        yield hub
