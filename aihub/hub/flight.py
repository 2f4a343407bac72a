"""A request in its caller's hands: the context it lives in, and the stream that comes out of it.

Theory of operation. A request runs in its caller's task, inside a cancel scope that closing the hub
can reach. Entering the context admits it, leaving it settles it, however it is left.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Self, cast

import anyio

from ..errors import HubClosed, UsageMistake
from ..messages import Msg
from ..model.events import Completion, Event, Text
from ..model.ledger import WindowState
from ..model.units import Micros
from .exchange import Exchange
from .work import Result


class Stream:
    """An answer as it comes: iterate over it for events, inside its context.

    The last events come after the request was settled. Then `completion` is the whole answer.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._events: AsyncGenerator[Event, None] | None = None

    def __aiter__(self) -> AsyncIterator[Event]:
        # Made when it is wanted: who waits for the whole answer has no need of it.
        if self._events is None:
            self._events = cast(AsyncGenerator[Event, None], self._exchange.events())
        return self._events

    async def aclose(self) -> None:
        """Let go of the provider, where events are still being read."""
        if self._events is not None:
            await self._events.aclose()

    @property
    def id(self) -> str:
        """The request's id, by which the ledger knows it."""
        return self._exchange.id

    @property
    def windows(self) -> tuple[WindowState, ...]:
        """The caller's windows as they stood when the request was admitted."""
        return self._exchange.windows

    @property
    def admitted(self) -> Micros:
        """When the request was admitted."""
        return self._exchange.admitted

    @property
    def answer_id(self) -> str:
        """The id of the answer."""
        return self._exchange.answer_id

    @property
    def replayed(self) -> bool:
        """Whether it is the answer to an earlier request with the same idempotency key."""
        return self._exchange.replayed

    @property
    def model(self) -> str:
        """The model's name as asked, or its session's."""
        return self._exchange.model

    @property
    def tried(self) -> tuple[tuple[str, str], ...]:
        """Each attempt so far: its deployment, and the code of its error, or `ok`."""
        return self._exchange.tried

    @property
    def prompt(self) -> int:
        """Tokens of the prompt, as counted when the request was admitted."""
        return self._exchange.prompt

    @property
    def dropped(self) -> int:
        """How many turns of its session were left out of the prompt, for they did not fit."""
        return self._exchange.dropped

    @property
    def completion(self) -> Completion:
        """The whole answer.

        Raises:
            UsageMistake: the events have not all been read.
        """
        done = self.result
        assert isinstance(done, Completion)  # noqa: S101 - only chats are streamed
        return done

    @property
    def result(self) -> Result:
        """The whole answer, whatever was asked for.

        Raises:
            UsageMistake: the events have not all been read.
        """
        if self._exchange.result is None:
            raise UsageMistake("the answer is whole only after its last event")
        return self._exchange.result

    async def finish(self) -> Completion:
        """Wait for the whole answer without looking at its events; call it before reading any.

        Raises:
            HubError: what reading would have raised.
        """
        await self._exchange.run()
        return self.completion

    async def wait(self) -> Result:
        """Wait for the whole answer, whatever was asked for; as `finish`."""
        await self._exchange.run()
        return self.result

    def texts(self) -> AsyncIterator[str]:
        """Return an iterator over the first choice's text as it comes."""
        return _Texts(aiter(self))


class _Texts:
    """The texts among events; an object, for an abandoned generator would leak."""

    def __init__(self, events: AsyncIterator[Event]) -> None:
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        async for event in self._events:
            if type(event) is Text and event.index == 0:
                return event.text
        raise StopAsyncIteration


class Flight:
    """What is in flight: a scope per request, by which closing reaches it.

    One that only reads on, its caller having left, has no exchange here: it settles by itself.
    """

    def __init__(self) -> None:
        self.scopes: dict[anyio.CancelScope, Exchange | None] = {}
        self._landed = anyio.Event()
        # Of the event loop that the hub lives in: to find that out anew costs as much as a scope.
        self._scope: type[anyio.CancelScope] | None = None

    def take_off(self, exchange: Exchange) -> anyio.CancelScope:
        """Return the scope in which a request is to run."""
        if self._scope is None:
            self._scope = type(anyio.CancelScope())
        scope = self._scope()
        self.scopes[scope] = exchange
        return scope

    def land(self, scope: anyio.CancelScope) -> None:
        """Forget a request that has ended."""
        self.scopes.pop(scope, None)
        if not self.scopes:
            self._landed.set()

    async def wait_empty(self) -> None:
        """Wait until nothing is in flight."""
        while self.scopes:
            self._landed = anyio.Event()
            await self._landed.wait()


class Open:
    """A request's context: admitted on entering, settled on leaving, within reach of closing.

    A class and not a generator, for it is on the way of every request.
    """

    __slots__ = ("_exchange", "_flight", "_scope", "_stream")

    def __init__(self, flight: Flight, exchange: Exchange) -> None:
        self._flight = flight
        self._exchange = exchange

    async def __aenter__(self) -> Stream:
        self._scope = scope = self._flight.take_off(self._exchange)
        scope.__enter__()
        try:
            await self._exchange.begin()
        except BaseException as error:
            await self._exchange.close()
            if not self._leave(type(error), error, error.__traceback__):
                raise
            raise HubClosed(Msg("the hub closed before the request began")) from None
        self._stream = Stream(self._exchange)
        return self._stream

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            try:
                await self._stream.aclose()
            finally:
                await self._exchange.close()
        except BaseException as late:
            if not self._leave(type(late), late, late.__traceback__):
                raise
            raise HubClosed(Msg("the hub closed before the answer was whole")) from None
        if self._leave(kind, error, traceback):
            raise HubClosed(Msg("the hub closed before the answer was whole"))
        return None

    def _leave(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        """Leave the cancel scope; say whether it was what ended the request."""
        self._flight.land(self._scope)
        # trio's scope says that it swallowed also where there was nothing to swallow.
        return bool(self._scope.__exit__(kind, error, traceback)) and error is not None
