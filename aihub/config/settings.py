"""Settings -> Hub: the only place where a hub is put together from its parts."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from ..backends.catalogue import load_catalogue
from ..backends.clocks import ManualClock, SystemClock
from ..backends.ids import RandomIds, SeededIds
from ..backends.providers.mock import Latency, MockProvider
from ..backends.providers.mock.latency import ClockWaiter, LoopWaiter
from ..backends.storage.memory import MemoryStore
from ..backends.tokens import best_counter
from ..errors import NotFound, UsageMistake
from ..hub import Hub
from ..hub.hub import GRACE, MAX_IN_FLIGHT
from ..hub.retention import RETENTION
from ..model.catalogue import Routes
from ..model.ledger import LostPolicy
from ..protocols import Catalogue, Clock, Ids, Observer, Provider, Store

if TYPE_CHECKING:
    from ..sync import SyncHub
    from .file import Config

MEMORY = "memory:"
SQLITE = "sqlite:"
MOCK = "mock"
"""The name of the mock among providers."""


@attrs.frozen(kw_only=True)
class Settings:
    """What the default hub is made of.

    Args:
        store: `memory:`, or `sqlite:PATH`.
        seed: another seed, other texts of the mock.
        region: the home region.
        lenient: whether the mock lets be what a model could not do.
        latency: how long the mock lets callers wait; None is not at all. With a manual clock no
            time passes: who waits moves the clock.
        seeded_ids: with the memory store, ids and secrets are a function of the seed too.
        lost_policy: what a request is charged whose process died.
        max_in_flight: requests open at once.
        grace: seconds that open requests are given at close.
        retention: seconds that details of requests, and ended keys, are kept; None is for good.
        catalogue: the models there are; None is the packaged catalogue.
        clock: what time it is; None is the system's clock.
        observers: who watches.
        config: what a file says of providers, models and routes (see `from_file`); its home region
            stands in place of `region`.
    """

    store: str = MEMORY
    seed: int = 0
    region: str = "local"
    lenient: bool = False
    latency: Latency | None = None
    seeded_ids: bool = False
    lost_policy: LostPolicy = "prompt"
    max_in_flight: int = MAX_IN_FLIGHT
    grace: float = GRACE
    retention: float | None = RETENTION
    catalogue: Catalogue | None = None
    clock: Clock | None = None
    observers: tuple[Observer, ...] = ()
    config: Config | None = None

    @classmethod
    def from_file(cls, path: str | Path = "aihub.toml") -> Settings:
        """Read settings from a configuration file; what it says of a server is for `aihub-serve`.

        Raises:
            UsageMistake: the file cannot be read, or is wrong: each mistake is a line of the text.
        """
        from .file import Mistaken, read_config

        read = read_config(path)
        if isinstance(read, Mistaken):
            raise read.error()
        return cls(config=read, **read.hub)


@asynccontextmanager
async def open_hub(settings: Settings | None = None) -> AsyncIterator[Hub]:
    """Open the default hub: every catalogue model, answered by the mock, kept in memory.

    Args:
        settings: what to have otherwise.

    Raises:
        UsageMistake: a setting is wrong; it is named.
        StoreUnavailable: the store cannot be opened.
    """
    settings = settings or Settings()
    clock = settings.clock or SystemClock()
    async with (
        open_store(settings.store, clock=clock) as store,
        _make_hub(settings, store, clock) as hub,
    ):
        if settings.config is not None:
            await _put_plans(hub, settings.config)
        yield hub


async def reconfigure(hub: Hub, config: Config, settings: Settings) -> None:
    """Have an open hub work by another file from now on; what is in flight ends by the old one.

    Args:
        hub: one that was opened with *settings*.
        config: what the file says.
        settings: what else it was opened with.

    Raises:
        UsageMistake: a provider cannot be made any more; nothing changed.
        StoreUnavailable: plans cannot be written; nothing changed beside them.
    """
    providers, catalogue, routes = _compose(attrs.evolve(settings, config=config), hub.clock)
    await _put_plans(hub, config)
    hub.replace(providers=providers, catalogue=catalogue, routes=routes)


async def _put_plans(hub: Hub, config: Config) -> None:
    """Write the plans that the store does not have so."""
    for plan in config.plans:
        try:
            same = await hub.accounts.plan(plan.name) == plan
        except NotFound:
            same = False
        if not same:
            await hub.accounts.put_plan(plan)


@asynccontextmanager
async def visit_hub(settings: Settings) -> AsyncIterator[Hub]:
    """Open a hub for administration alone, on a store that is there and that others may work on.

    Nothing is made, swept, brought up to date or forgotten that is not asked for.

    Raises:
        UsageMistake: a setting is wrong; it is named.
        StoreUnavailable: the store is not there, or cannot be opened.
    """
    clock = settings.clock or SystemClock()
    # How long things are kept is the business of the hub that lives there.
    settings = attrs.evolve(settings, retention=None)
    async with (
        open_store(settings.store, clock=clock, create=False) as store,
        _make_hub(settings, store, clock).visit() as hub,
    ):
        yield hub


def _make_hub(settings: Settings, store: Store, clock: Clock) -> Hub:
    providers, catalogue, routes = _compose(settings, clock)
    return Hub(
        store=store,
        providers=providers,
        catalogue=catalogue,
        tokens=best_counter(),
        clock=clock,
        ids=_ids(settings, clock),
        routes=routes,
        observers=settings.observers,
        lost_policy=settings.lost_policy,
        max_in_flight=settings.max_in_flight,
        grace=settings.grace,
        retention=settings.retention,
    )


def _compose(settings: Settings, clock: Clock) -> tuple[dict[str, Provider], Catalogue, Routes]:
    """Make what answers, which models there are and where: the mock for all, or as a file says."""
    mock = MockProvider(
        tokens=best_counter(),
        clock=clock,
        seed=settings.seed,
        lenient=settings.lenient,
        latency=settings.latency,
        waiter=ClockWaiter(clock) if isinstance(clock, ManualClock) else LoopWaiter(),
    )
    config = settings.config
    if config is None:
        catalogue = settings.catalogue or load_catalogue()
        return {MOCK: mock}, catalogue, Routes(default=MOCK, region=settings.region)
    providers = {MOCK: mock, **config.make_providers()}
    return providers, settings.catalogue or config.catalogue(), config.routes


@contextmanager
def open_sync_hub(settings: Settings | None = None) -> Iterator[SyncHub]:
    """Open the default hub for synchronous programs; arguments and errors as `open_hub`."""
    from ..sync import SyncHub

    with SyncHub(lambda: open_hub(settings)) as hub:
        yield hub


def _ids(settings: Settings, clock: Clock) -> Ids:
    if not settings.seeded_ids:
        return RandomIds(clock)
    if settings.store != MEMORY:
        raise UsageMistake("seeded ids would repeat in a store that outlives the process")
    return SeededIds(settings.seed, clock)


def open_store(
    url: str, *, clock: Clock, create: bool = True
) -> AbstractAsyncContextManager[Store]:
    """Open a store by its URL, `memory:` or `sqlite:PATH`; without *create* only if it is there.

    Raises:
        UsageMistake: the URL is of no kind that is known.
        StoreUnavailable: it cannot be opened.
    """
    if url == MEMORY:
        return nullcontext(MemoryStore(clock=clock))
    if url.startswith(SQLITE):
        from ..backends.storage.sqlite import SqliteStore

        return SqliteStore.open(sqlite_path(url), clock=clock, create=create)
    raise UsageMistake(f"'{url}' is no store: use '{MEMORY}' or '{SQLITE}PATH'")


def sqlite_path(url: str) -> Path:
    """Return the file that a `sqlite:` URL names.

    `sqlite:hub.db` and `sqlite:///hub.db` are in the working folder, `sqlite:/hub.db` and
    `sqlite:////hub.db` at the root.

    Raises:
        UsageMistake: no file is named.
    """
    path = re.sub("^///", "", url.removeprefix(SQLITE))
    if not path or path.startswith("//"):
        raise UsageMistake(f"'{url}' names no file: use '{SQLITE}PATH'")
    return Path(path).expanduser()
