"""Reading an answer to its end though its caller has left, where its deployment wants that.

Theory of operation. A provider is read by the task that waits for it, and leaving frees it at once.
Where a deployment drains, or may be asked beside another (`hedging`), a task of the hub's reads it
instead, and hands each event over; nothing is read ahead. When the caller leaves, the task ends, or
reads on by itself, within the deployment's bounds, to learn what the provider counts, and then
settles the request. The hub knows of it as of any request in flight: closing waits for it, and then
ends it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, MutableMapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import TYPE_CHECKING, Any, TypeAlias

import anyio
from anyio.abc import TaskGroup
from anyio.streams.memory import MemoryObjectSendStream

from ..model.catalogue import Drain
from ..model.events import Reasoning, Text, Told, ToolDelta

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


Said: TypeAlias = "tuple[Pump | None, Told | None]"
"""Who says what; no event is its end, and nobody is the clock."""

Line: TypeAlias = MemoryObjectSendStream[Said]

# What a line raises whose reader has left.
_GONE = (anyio.BrokenResourceError, anyio.ClosedResourceError)


class Pump:
    """Reads one provider's answer, for its caller while there is one.

    Args:
        opened: the answer's context.
        drain: how far to read on when the caller leaves; None is not at all.
        yard: the hub.
        line: takes each event, and the end.
        see: takes in an event that nobody else will.
        settle: ends the request when what is to be read was read.
    """

    def __init__(
        self,
        opened: AbstractAsyncContextManager[AsyncIterator[Told]],
        drain: Drain | None,
        yard: Yard,
        line: Line,
        *,
        see: Callable[[Told], None],
        settle: Callable[[], Awaitable[None]],
    ) -> None:
        self._opened = opened
        self._drain = drain
        self._room = drain.characters if drain else 0
        self._yard = yard
        self._line = line
        self._see = see
        self._settle = settle
        self._scope = anyio.CancelScope()
        self._ended = anyio.Event()
        self.error: Exception | None = None
        """What ended it, once it has said its end."""
        self.drains = False
        """Whether it reads on though nobody waits: it will settle the request."""

    def start(self) -> None:
        """Begin to read, in a task of the hub's."""
        self._yard.start(self._run)

    async def leave(self) -> None:
        """Say that nobody waits any more: it reads on where that is wanted, and else ends."""
        if self._ended.is_set():
            return
        if self._drain is None or not self._yard.keep(self._scope):
            await self.stop()
            return
        self.drains = True
        self._scope.deadline = anyio.current_time() + self._drain.seconds

    async def stop(self) -> None:
        """End it, and wait until the provider is free."""
        self._scope.cancel()
        with anyio.CancelScope(shield=True):
            await self._ended.wait()

    async def _run(self) -> None:
        try:
            with self._scope:
                try:
                    await self._read()
                except Exception as error:  # noqa: BLE001 - it is the caller's to see, or nobody's
                    self.error = error
                if not self.drains:
                    with suppress(*_GONE):
                        await self._line.send((self, None))
        finally:
            self._ended.set()
            if self.drains:
                with anyio.CancelScope(shield=True):
                    await self._settle()
                self._yard.land(self._scope)

    async def _read(self) -> None:
        async with self._opened as events:
            async for event in events:
                if not await self._hand_on(event):
                    return

    async def _hand_on(self, event: Told) -> bool:
        """Give an event to the caller, or take it in; False where enough was read."""
        if not self.drains:
            try:
                await self._line.send((self, event))
            except _GONE:
                pass  # The caller has left, perhaps while this was on its way.
            else:
                return True
        self._see(event)
        if isinstance(event, Text | Reasoning):
            self._room -= len(event.text)
        elif isinstance(event, ToolDelta):
            self._room -= len(event.arguments)
        return self._room >= 0
