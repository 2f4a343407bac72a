"""Asking a second deployment beside one that is slow to begin.

Theory of operation. Each attempt is read by a task of the hub's (`draining.Pump`), and all of them
speak into one line, which the caller's own task reads. Until one begins its answer, what they say
is kept; who begins first is followed, and the other is ended before the caller sees a word. One
that fails meanwhile leaves the race to the other. A clock in the line says when to ask a second;
there are never more than two. Whoever leaves the race ends both; only one that is alone is drained.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import TYPE_CHECKING

import anyio

from ..errors import InvalidRequest, UpstreamCut, UpstreamError
from ..messages import Msg
from ..model.events import Started, Told, Unknown, UsageSeen
from .draining import Pump, Said, Yard

if TYPE_CHECKING:
    from .exchange import Exchange, Try

MAX_KEPT = 64
"""Events before the first content that are kept; who says more than that has begun."""

PREAMBLE = (Started, UsageSeen, Unknown)
"""What may come before an answer begins."""


class Race:
    """One attempt, and perhaps a second beside it, as one answer.

    Args:
        exchange: begins attempts and books them.
        yard: the hub.
    """

    def __init__(self, exchange: Exchange, yard: Yard) -> None:
        self._exchange = exchange
        self._yard = yard
        self._line, self._heard = anyio.create_memory_object_stream[Said](0)
        self._racing: dict[Pump, tuple[Try, list[Told]]] = {}
        self._clock = anyio.CancelScope()

    @property
    def drains(self) -> bool:
        """Whether an answer is read on though nobody waits: that will settle the request."""
        return any(pump.drains for pump in self._racing)

    @asynccontextmanager
    async def open(self, first: Try) -> AsyncIterator[AsyncIterator[Told]]:
        """Give the events of whichever attempt begins first; leaving frees all providers."""
        self._enter(first)
        after = first.place.deployment.hedge_after
        if after is not None:
            self._yard.start(lambda: self._ring(after))
        async with aclosing(self._events()) as events:
            try:
                yield events
            finally:
                await self._leave()

    def _enter(self, one: Try) -> None:
        pump = self._exchange.pump(one, self._line)
        self._racing[pump] = (one, [])
        pump.start()

    async def _ring(self, after: float) -> None:
        with self._clock:
            if await self._exchange.wait_to_hedge(after):
                await self._line.send((None, None))

    async def _events(self) -> AsyncGenerator[Told, None]:
        winner, kept = await self._first()
        while kept:
            yield kept.pop(0)
        async for _, event in self._heard:
            if event is None:
                break
            yield event
        if winner.error is not None:
            raise winner.error

    async def _first(self) -> tuple[Pump, list[Told]]:
        """Wait until an answer begins, and let the other attempt go."""
        while True:
            pump, event = await self._heard.receive()
            if pump is None:
                rival = self._exchange.rival()
                if rival is not None:
                    self._enter(rival)
            elif event is None:
                self._drop(pump)
            else:
                kept = self._racing[pump][1]
                kept.append(event)
                if not isinstance(event, PREAMBLE) or len(kept) > MAX_KEPT:
                    await self._follow(pump)
                    return pump, kept

    def _drop(self, pump: Pump) -> None:
        """Go on without an attempt that ended before it began.

        Raises:
            Exception: what ended it, where no other is left, or it is a fault of ours.
        """
        one, _ = self._racing[pump]
        error = pump.error or UpstreamCut(
            Msg("the answer broke off"), provider=one.place.deployment.provider
        )
        self._take_in(pump)
        del self._racing[pump]
        if not self._racing or not isinstance(error, UpstreamError | InvalidRequest):
            self._exchange.follow(one)
            raise error
        self._exchange.failed(one, error)
        [(other, _)] = self._racing.values()
        self._exchange.follow(other)

    async def _follow(self, winner: Pump) -> None:
        """Let the others go."""
        self._clock.cancel()
        for pump, (one, _) in tuple(self._racing.items()):
            if pump is not winner:
                await pump.stop()
                self._take_in(pump)
                del self._racing[pump]
                self._exchange.lost(one)
        self._exchange.follow(self._racing[winner][0])

    async def _leave(self) -> None:
        self._clock.cancel()
        self._heard.close()
        self._line.close()
        alone = len(self._racing) == 1
        for pump in tuple(self._racing):
            self._take_in(pump)
            await (pump.leave() if alone else pump.stop())

    def _take_in(self, pump: Pump) -> None:
        """Count what an attempt said that nobody was told."""
        one, kept = self._racing[pump]
        for event in kept:
            self._exchange.see(one, event)
        kept.clear()
