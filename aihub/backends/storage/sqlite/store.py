"""Opening the file, and which connection does what.

Theory of operation. One thread writes (`writer.py`); readers have connections of their own, which
WAL lets read the last commit while the next is written. The file is opened with
`synchronous=FULL`: what `admit` and `settle` were told is on disk. Several processes of one machine
may share a file; they are told apart by owners, whose locks and leases say who is alive.

The clock is injected and the same for all processes of the machine; times that must not go back
(a window's) are kept in the file.

A little longer than our files are meant to be: a table of calls, each a line below its contract.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from errno import EACCES, EISDIR, ENOENT
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread

from ....errors import StoreUnavailable, UsageMistake
from ....messages import Msg
from ....model.chat import KeptKind
from ....model.events import Completion
from ....model.ledger import (
    Admission,
    Admitted,
    AlreadySettled,
    BudgetState,
    Idempotency,
    LedgerRow,
    LostPolicy,
    Refused,
    Repeated,
    Settled,
    Settlement,
    WindowAsk,
    WindowState,
)
from ....model.record import Record
from ....model.session import Conversation, Session, Turn
from ....model.units import Micros, Pico
from ....model.usage import GroupBy, UsageReport
from ....protocols import Clock
from . import admissions, answers, forgetting, records, reports, sessions
from .directory import SqliteDirectory
from .locks import OwnerLocks, exclusive
from .schema import check_version, migrate
from .writer import Job, Writer

T = TypeVar("T")

BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for another process's transaction, which takes milliseconds."""

READERS = 4
"""Reading connections: key look-ups are cached, and reports take milliseconds."""

STATEMENTS = 256
"""Prepared statements kept per connection; we have fewer than that."""


class SqliteStore(SqliteDirectory):
    """Keep everything in one SQLite file (WAL, `synchronous=FULL`).

    Use `SqliteStore.open`. Methods may be called from many tasks; the store belongs to the
    process that opened it, and says so in a forked child.
    """

    def __init__(self, path: Path, clock: Clock, writer: Writer) -> None:
        self._path = path
        self._clock = clock
        self._writer = writer
        self._locks = OwnerLocks(path.with_name(path.name + ".owners"))
        self._readers: SimpleQueue[sqlite3.Connection] = SimpleQueue()
        self._reading = CapacityLimiter(READERS)
        self._pid = os.getpid()
        self._closed = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: str | os.PathLike[str], *, clock: Clock, create: bool = True
    ) -> AsyncIterator[SqliteStore]:
        """Open or create the database at *path*; leaving finishes what was submitted.

        Args:
            path: a file; it and its neighbours are made readable by their owner only.
            clock: what time it is, the same for every process that shares the file.
            create: whether to make it where it is missing, and to bring an older one up to date.

        Raises:
            StoreUnavailable: the file cannot be opened as a database, or is not there, or older,
                and *create* is false.
            StoreTooNew: a newer aihub wrote it.
        """
        where = Path(path)
        connect = _open_for_writing if create else _open_as_it_is
        connection = await to_thread.run_sync(connect, where)
        store = cls(where, clock, Writer(connection))
        try:
            yield store
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(store._close)

    def _close(self) -> None:
        self._closed = True
        self._writer.close()
        self._locks.release_all()
        while True:
            try:
                self._readers.get_nowait().close()
            except Empty:
                return

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise UsageMistake("a store does not survive a fork: open it in the child")

    async def _write(self, job: Job[T]) -> T:
        self._check_process()
        return await self._writer.submit(job)

    async def _read(self, job: Job[T]) -> T:
        self._check_process()
        if self._closed:
            raise StoreUnavailable(Msg("the store is closed"))
        return await to_thread.run_sync(self._read_sync, job, limiter=self._reading)

    def _read_sync(self, job: Job[T]) -> T:
        with _ours():
            try:
                connection = self._readers.get_nowait()
            except Empty:
                connection = _connect(self._path)
                connection.execute("PRAGMA query_only = ON")
            try:
                return job(connection)
            finally:
                self._readers.put(connection)

    # Admissions

    async def admit(self, ask: Admission) -> Admitted | Refused:
        """Take everything and write the row, or leave no trace."""
        return await self._write(lambda db: admissions.admit(db, ask, self._clock.now()))

    async def hold(self, id: str, more: Pico) -> bool:
        """Raise an open request's holds, all of them or none."""
        return await self._write(lambda db: admissions.hold(db, id, more))

    async def settle(self, final: Settlement) -> Settled | AlreadySettled:
        """Write the end of a request, once; replace a lost one once."""
        return await self._write(lambda db: admissions.settle(db, final, self._clock.now()))

    async def sweep(self, policy: LostPolicy) -> Sequence[Settled]:
        """Mark dead owners' rows lost."""
        settled, dead = await self._write(
            lambda db: admissions.sweep(db, policy, self._clock.now(), self._locks.is_dead)
        )
        for owner in dead:
            if self._locks.is_dead(owner):
                self._locks.bury(owner)
        return settled

    async def peek(self, windows: Sequence[WindowAsk]) -> tuple[WindowState, ...]:
        """Return windows as they stand."""
        return await self._read(lambda db: admissions.peek(db, windows, self._clock.now()))

    # Leases

    async def enlist(self, owner: str, lease: Micros) -> None:
        """Register an owner and take its lock."""
        self._locks.take(owner)
        await self.renew(owner, lease)

    async def renew(self, owner: str, lease: Micros) -> None:
        """Extend a lease."""
        await self._write(
            lambda db: db.execute(
                "INSERT INTO owners VALUES (?, ?)"
                " ON CONFLICT DO UPDATE SET expires = excluded.expires",
                (owner, self._clock.now() + lease),
            )
        )

    async def retire(self, owner: str) -> None:
        """End a lease and let go of the lock."""
        await self._write(lambda db: db.execute("DELETE FROM owners WHERE id = ?", (owner,)))
        self._locks.release(owner)

    # UsageLog

    async def report(
        self, account: str, *, start: Micros, end: Micros, group_by: GroupBy
    ) -> UsageReport:
        """Sum settled requests from the rollups."""
        return await self._read(lambda db: reports.report(db, account, start, end, group_by))

    async def row(self, account: str, id: str) -> LedgerRow | None:
        """Return one ledger row."""
        return await self._read(lambda db: reports.row(db, account, id))

    async def rows(
        self,
        account: str,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[LedgerRow]:
        """Return an account's ledger rows by id."""
        return await self._read(
            lambda db: reports.rows(db, account, after, limit, newest_first=newest_first)
        )

    async def budget_state(self, budget: str, period: str) -> BudgetState:
        """Return what a budget's period has spent and holds."""
        spent, held = await self._read(lambda db: admissions.purse(db, budget, period))
        return BudgetState(budget, period, spent, held)

    # Answers

    async def repeated(self, account: str, asked: Idempotency) -> Repeated | None:
        """Say what a key was used for."""
        return await self._read(lambda db: answers.repeated(db, account, asked, self._clock.now()))

    async def answer(self, account: str, request: str) -> Completion | None:
        """Return an answer that is kept."""
        return await self._read(lambda db: answers.answer(db, account, request))

    # Sessions

    async def add_session(self, session: Session) -> bool:
        """Write a new session."""
        return await self._write(lambda db: sessions.add(db, session))

    async def fork_session(
        self, account: str, id: str, fork: Callable[[Session], Session]
    ) -> Session | None:
        """Write a session that shares another's turns."""
        return await self._write(lambda db: sessions.fork(db, account, id, fork))

    async def session(self, account: str, id: str) -> Session | None:
        """Return one session."""
        return await self._read(lambda db: sessions.find(db, account, id))

    async def sessions(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Session]:
        """Return an account's sessions by id."""
        return await self._read(lambda db: sessions.listed(db, account, after, limit))

    async def change_session(
        self, account: str, id: str, change: Callable[[Session], Session]
    ) -> Session | None:
        """Change a session in one step."""
        return await self._write(lambda db: sessions.change(db, account, id, change))

    async def delete_session(
        self, account: str, id: str, check: Callable[[Session], None] = lambda _: None
    ) -> bool:
        """Erase a session; turns that another reaches stay."""
        return await self._write(lambda db: sessions.delete(db, account, id, check))

    async def turns(
        self, account: str, id: str, *, after: int = 0, limit: int = 100, newest_first: bool = False
    ) -> Sequence[Turn]:
        """Return a session's turns."""
        return await self._read(
            lambda db: sessions.turns(
                db, account, id, after=after, limit=limit, newest_first=newest_first
            )
        )

    async def conversation(
        self, account: str, id: str, *, tokens: int, upto: int | None = None
    ) -> Conversation | None:
        """Return a session with its newest turns."""
        return await self._read(lambda db: sessions.conversation(db, account, id, tokens, upto))

    # Records

    async def add_record(self, record: Record) -> bool:
        """Write a record whose answer is yet to come."""
        return await self._write(lambda db: records.add(db, record))

    async def record(self, account: str, kind: KeptKind, id: str) -> Record | None:
        """Return one record."""
        return await self._read(lambda db: records.find(db, account, kind, id))

    async def records(
        self,
        account: str,
        kind: KeptKind,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Sequence[Record]:
        """Return records by id, and by what they say."""
        asked = records.Asked(after, limit, newest_first, model, metadata or {})
        return await self._read(lambda db: records.listed(db, account, kind, asked))

    async def change_record(
        self, account: str, kind: KeptKind, id: str, change: Callable[[Record], Record]
    ) -> Record | None:
        """Change what a record says of itself in one step."""
        return await self._write(lambda db: records.change(db, account, kind, id, change))

    async def delete_record(self, account: str, kind: KeptKind, id: str) -> bool:
        """Erase a record."""
        return await self._write(lambda db: records.delete(db, account, kind, id))

    # Retention

    async def forget(self, before: Micros, limit: int) -> int:
        """Forget what is old, and what is personal of accounts that were erased."""
        found = await self._read(lambda db: forgetting.find(db, before, limit, self._clock.now()))
        if found:
            await self._write(lambda db: forgetting.forget(db, before, found))
        return len(found)


@contextmanager
def _ours() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnavailable(Msg("the database failed: {error}", error=error)) from error


def _connect(path: Path, *, create: bool = True) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=STATEMENTS,
    )
    try:
        connection.execute("PRAGMA synchronous = FULL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_for_writing(path: Path) -> sqlite3.Connection:
    """Create the file where there is none, and bring it up to date under one lock."""
    try:
        with exclusive(path.with_name(path.name + ".lock")), _ours():
            _create(path)
            connection = _connect(path)
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                migrate(connection)
            except BaseException:
                connection.close()
                raise
            return connection
    except OSError as error:
        raise StoreUnavailable(
            Msg("cannot open the database '{path}': {fault}", path=path, fault=error.strerror)
        ) from error


def _create(path: Path) -> None:
    """Make the file, readable by its owner only, where there is none.

    One that is there is not opened: closing any descriptor of a file gives up all POSIX locks that
    this process holds on it, and with those of SQLite another process would take the write-ahead
    log of a store that is open here for nobody's, and delete it with what was written.
    """
    try:
        made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    os.close(made)


def _open_as_it_is(path: Path) -> sqlite3.Connection:
    """Connect to a database that is there already and of this version; change nothing."""
    # Asked without opening it: see `_create`.
    fault = None
    if not path.exists():
        fault = ENOENT
    elif path.is_dir():
        fault = EISDIR
    elif not os.access(path, os.R_OK | os.W_OK):
        fault = EACCES
    if fault is not None:
        raise StoreUnavailable(
            Msg("cannot open the database '{path}': {fault}", path=path, fault=os.strerror(fault))
        )
    with _ours():
        connection = _connect(path, create=False)
        try:
            check_version(connection, path)
        except BaseException:
            connection.close()
            raise
        return connection
