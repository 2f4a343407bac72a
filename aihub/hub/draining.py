"""Reading an answer to its end though its caller has left, where its deployment wants that.

Theory of operation. A provider is read by the task that waits for it, and leaving frees it at once.
Where a deployment drains, a task of the hub's reads it instead, and hands each event over; nothing
is read ahead. When the caller leaves, the task reads on by itself, within the deployment's bounds,
to learn what the provider counts, and then settles the request. The hub knows of it as of any
request in flight: closing waits for it, and then ends it.
"""

from __future__ import annotations

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    MutableMapping,
)
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
from anyio.abc import TaskGroup

from ..model.catalogue import Drain
from ..model.events import Event, Reasoning, Text, ToolDelta

if TYPE_CHECKING:
    from .exchange import Exchange


class Yard:
    """Where what reads on goes when its caller has left.

    Args:
        tasks: the hub's own.
        scopes: what is in flight there.
        land: forgets what has ended.
        is_open: whether the hub still is.
    """

    def __init__(
        self,
        tasks: TaskGroup,
        scopes: MutableMapping[anyio.CancelScope, Exchange | None],
        land: Callable[[anyio.CancelScope], None],
        is_open: Callable[[], bool],
    ) -> None:
        self._tasks = tasks
        self._scopes = scopes
        self._is_open = is_open
        self.land = land

    def start(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run *work* in a task of the hub's."""
        self._tasks.start_soon(work)

    def keep(self, scope: anyio.CancelScope) -> bool:
        """Take what goes on in *scope* for a request in flight; False where the hub is closing."""
        if self._is_open():
            self._scopes[scope] = None
        return self._is_open()


class Pump:
    """Reads one provider's answer, for its caller while there is one.

    Args:
        opened: the answer's context.
        drain: how far to read on.
        yard: the hub.
        see: takes in an event that nobody else will.
        settle: ends the request when what is to be read was read.
    """

    def __init__(
        self,
        opened: AbstractAsyncContextManager[AsyncIterator[Event]],
        drain: Drain,
        yard: Yard,
        *,
        see: Callable[[Event], None],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._opened = opened
        self._room = drain.characters
        self._seconds = drain.seconds
        self._yard = yard
        self._see = see
        self._settle = settle
        self._send, self._receive = anyio.create_memory_object_stream[Event](0)
        self._scope = anyio.CancelScope()
        self._error: Exception | None = None
        self._ended = False
        self.drains = False
        """Whether it reads on though nobody waits: it will settle the request."""

    @asynccontextmanager
    async def open(self) -> AsyncIterator[AsyncIterator[Event]]:
        """Give the answer's events; leaving early lets the pump read on."""
        self._yard.start(self._run)
        async with aclosing(self._events()) as events:
            try:
                yield events
            finally:
                self._receive.close()
                if not self._ended:
                    self._leave()

    async def _events(self) -> AsyncGenerator[Event, None]:
        async for event in self._receive:
            yield event
        if self._error is not None:
            raise self._error

    def _leave(self) -> None:
        if self._yard.keep(self._scope):
            self.drains = True
            self._scope.deadline = anyio.current_time() + self._seconds
        else:
            self._scope.cancel()

    async def _run(self) -> None:
        try:
            with self._scope:
                async with self._opened as events:
                    async for event in events:
                        if not await self._hand_on(event):
                            break
        except Exception as error:  # noqa: BLE001 - it is the caller's to see, or nobody's
            self._error = error
        finally:
            self._ended = True
            self._send.close()
            if self.drains:
                with anyio.CancelScope(shield=True):
                    await self._settle()
                self._yard.land(self._scope)

    async def _hand_on(self, event: Event) -> bool:
        """Give an event to the caller, or take it in; False where enough was read."""
        if not self.drains:
            try:
                await self._send.send(event)
            except anyio.BrokenResourceError:
                pass  # The caller has left, perhaps while this was on its way.
            else:
                return True
        self._see(event)
        if isinstance(event, Text | Reasoning):
            self._room -= len(event.text)
        elif isinstance(event, ToolDelta):
            self._room -= len(event.arguments)
        return self._room >= 0
