"""One thread that writes, and commits what has gathered while it last committed.

Theory of operation. A durable commit costs a disk flush, whatever is in it. The thread takes every
job that waits, runs each in a savepoint of its own (one that fails takes only itself back), and
commits once. There is no linger: the running commit is the batching window, so a lone caller
waits for nothing and a crowd shares a flush. Callers are woken once per batch, after the commit:
what a caller was told is on disk.

A caller that is cancelled while its job waits takes the job back. Once it has begun, the job
happens.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar, cast

import anyio
from anyio.lowlevel import EventLoopToken, current_token

from ....errors import StoreUnavailable
from ....messages import Msg

T = TypeVar("T")
Job = Callable[[sqlite3.Connection], T]

MAX_BATCH = 512
"""Jobs in one transaction: at some 50 us each the first waits at most 25 ms for the last."""


class _Ticket(Generic[T]):
    """A job, where its caller waits, and what came of it."""

    __slots__ = ("abandoned", "done", "error", "job", "loop", "result")

    def __init__(self, job: Job[T], loop: EventLoopToken) -> None:
        self.job = job
        self.loop = loop
        self.done = anyio.Event()
        self.abandoned = False
        self.result: T | None = None
        self.error: Exception | None = None


class Writer:
    """Run jobs on *connection* in a thread of their own, in the order they were submitted."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._queue: SimpleQueue[_Ticket[Any] | None] = SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="aihub-sqlite-writer", daemon=True)
        self._thread.start()

    async def submit(self, job: Job[T]) -> T:
        """Run *job* in a transaction and return its result once that is durable.

        Raises:
            StoreUnavailable: the database failed, or the store is closed; nothing was written.
        """
        if self._closed:
            raise StoreUnavailable(Msg("the store is closed"))
        ticket = _Ticket(job, current_token())
        self._queue.put(ticket)
        try:
            await ticket.done.wait()
        except BaseException:
            ticket.abandoned = True
            raise
        if ticket.error is not None:
            raise ticket.error
        return cast(T, ticket.result)

    def close(self) -> None:
        """Finish what was submitted, then end the thread; blocks meanwhile."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        while True:
            batch, last = self._gather()
            if batch:
                self._commit(batch)
                _wake(batch)
            if last:
                self._connection.close()
                return

    def _gather(self) -> tuple[list[_Ticket[Any]], bool]:
        """Wait for a job, then take all that wait already."""
        batch: list[_Ticket[Any]] = []
        try:
            ticket = self._queue.get()
            while ticket is not None:
                batch.append(ticket)
                if len(batch) == MAX_BATCH:
                    return batch, False
                ticket = self._queue.get_nowait()
        except Empty:
            return batch, False
        return batch, True

    def _commit(self, batch: list[_Ticket[Any]]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            for ticket in batch:
                _perform(connection, ticket)
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.rollback()
            for ticket in batch:
                ticket.error = _unavailable(error)


def _perform(connection: sqlite3.Connection, ticket: _Ticket[Any]) -> None:
    if ticket.abandoned:
        return
    connection.execute("SAVEPOINT job")
    try:
        ticket.result = ticket.job(connection)
    except sqlite3.OperationalError:
        raise  # Disk full, file gone: nothing in this batch can be trusted to be written.
    except Exception as error:  # noqa: BLE001 - it is its caller's, whatever it is
        is_ours = not isinstance(error, sqlite3.Error)
        ticket.error = error if is_ours else _unavailable(error)
        connection.execute("ROLLBACK TO job")
    connection.execute("RELEASE job")


def _unavailable(error: Exception) -> StoreUnavailable:
    unavailable = StoreUnavailable(Msg("the database failed: {error}", error=error))
    unavailable.__cause__ = error
    return unavailable


def _wake(batch: list[_Ticket[Any]]) -> None:
    """Wake every caller, with one call into each event loop that has some."""
    loops = {id(ticket.loop.native_token): ticket.loop.native_token for ticket in batch}
    for number, native in loops.items():
        mine = [ticket for ticket in batch if id(ticket.loop.native_token) == number]
        # trio and asyncio name the same thing differently, and anyio's own way waits for the
        # loop to come round, which would hold up the next batch.
        soon = getattr(native, "run_sync_soon", None) or native.call_soon_threadsafe  # type: ignore[attr-defined]
        try:
            soon(_set, mine)
        except RuntimeError:
            # The loop has ended and its callers with it; trio says so by a subclass of this.
            continue


def _set(tickets: list[_Ticket[Any]]) -> None:
    for ticket in tickets:
        ticket.done.set()
