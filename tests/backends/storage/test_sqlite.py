"""The SQLite store keeps the contract, and what is its own: files, processes, threads."""

import os
import sqlite3
import stat
import subprocess
import sys
import threading

import anyio
import attrs
import pytest

from aihub.backends.storage.sqlite import SqliteStore, schema
from aihub.errors import StoreTooNew, StoreUnavailable, UsageMistake
from aihub.model.ledger import Admitted, Idempotency
from aihub.testing import AnswersSuite, DurableStoreSuite, ManualClock, RecordsSuite, SessionsSuite
from aihub.testing.answers import DONE
from aihub.testing.sessions import SESSION, ended, turn
from aihub.testing.stores import ACCOUNT, LEASE, NOON, ask, end, requests


@pytest.fixture
def path(tmp_path):
    """A file that does not exist yet."""
    return tmp_path / "hub.db"


@pytest.mark.anyio
class TestSqliteStore(DurableStoreSuite, AnswersSuite, SessionsSuite, RecordsSuite):
    """The contract, in a file of its own per opening unless a test opens twice."""

    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path):
        self.tmp_path = tmp_path
        self.clocks = []

    def open_store(self, clock):
        # One file per clock: a test that opens twice with one clock means the same store.
        if clock not in self.clocks:
            self.clocks.append(clock)
        return SqliteStore.open(self.tmp_path / f"{self.clocks.index(clock)}.db", clock=clock)


pytestmark = pytest.mark.anyio


async def test_a_newer_database_is_refused_by_name_of_both_versions(path):
    """Nothing is touched, and the error says which version is found and which is read."""
    async with SqliteStore.open(path, clock=ManualClock()):
        pass
    newer = schema.VERSION + 1
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {newer}")
    db.close()

    with pytest.raises(StoreTooNew, match=f"version {newer}.*up to {schema.VERSION}"):
        async with SqliteStore.open(path, clock=ManualClock()):
            pass


async def test_an_older_database_is_lifted_with_what_is_in_it(path):
    """Each entry of the list is one step up; what was there stays."""
    db = sqlite3.connect(path)
    for statement in schema.MIGRATIONS[0]:
        db.execute(statement)
    db.execute("INSERT INTO accounts VALUES ('acc_1', 'first', 'free', ?, NULL)", (NOON,))
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()

    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        assert await store.account("acc_1") == ACCOUNT


async def test_a_file_that_is_no_database_is_refused(path):
    """A text file is named as what cannot be opened, and stays as it was."""
    path.write_text("this is not a database, however long it may be" * 100)

    with pytest.raises(StoreUnavailable, match="not a database"):
        async with SqliteStore.open(path, clock=ManualClock()):
            pass


async def test_a_missing_folder_is_named(tmp_path):
    """The error says which file cannot be opened and why."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        async with SqliteStore.open(tmp_path / "no" / "hub.db", clock=ManualClock()):
            pass


async def test_the_files_are_their_owners_alone(path):
    """Digests and sums are nobody else's to read."""
    async with SqliteStore.open(path, clock=ManualClock()) as store:
        await store.enlist("own_1", LEASE)

        for file in [path, *path.parent.glob("hub.db.owners/*")]:
            assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_failing_job_leaves_its_neighbours_alone(path):
    """Each operation of a group commit has its own savepoint."""
    results = []
    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        await store.add_account(ACCOUNT)

        async def one(n):
            try:
                # Three ids for nine requests: of each only one is written.
                results.append(await store.admit(ask(f"r{n % 3}", requests(99))))
            except UsageMistake as error:
                results.append(error)

        async with anyio.create_task_group() as tasks:
            for n in range(9):
                tasks.start_soon(one, n)

        assert sum(isinstance(result, Admitted) for result in results) == 3
        (state,) = await store.peek([requests(99)])
        assert state.used == 3


async def test_a_dead_process_is_swept_at_once_and_a_living_one_is_not(path):
    """The lock of a killed process can be taken; a living one's cannot, lease or not."""
    script = (
        "import anyio, sys\n"
        "from aihub.backends.storage.sqlite import SqliteStore\n"
        "from aihub.testing.stores import *\n"
        "async def main():\n"
        "    async with SqliteStore.open(sys.argv[1], clock=ManualClock(NOON)) as store:\n"
        "        await store.enlist('own_child', LEASE)\n"
        "        await store.add_account(ACCOUNT)\n"
        "        await store.admit(ask('r0', owner='own_child'))\n"
        "        print('open', flush=True)\n"
        "        await anyio.sleep_forever()\n"
        "anyio.run(main)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE)
    try:
        assert await anyio.to_thread.run_sync(child.stdout.readline) == b"open\n"
        async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
            alive = await store.sweep("nothing")
            child.kill()
            await anyio.to_thread.run_sync(child.wait)
            dead = await store.sweep("nothing")

            assert not alive
            assert [lost.id for lost in dead] == ["r0"]
            assert not list(path.parent.glob("hub.db.owners/*"))
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


async def test_a_locked_database_is_unavailable_within_bounded_time(path, monkeypatch):
    """Somebody else's endless transaction is our 503, not our hang; afterwards all is well."""
    monkeypatch.setattr("aihub.backends.storage.sqlite.store.BUSY_TIMEOUT", 0.05)
    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        await store.add_account(ACCOUNT)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked"):
            await store.admit(ask("r0"))
        other.execute("ROLLBACK")
        other.close()

        assert isinstance(await store.admit(ask("r0")), Admitted)


async def test_a_closed_store_says_so(path):
    """Nothing waits for a thread that has ended."""
    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        pass

    with pytest.raises(StoreUnavailable, match="closed"):
        await store.settle(end("r0"))


async def test_a_store_in_a_forked_child_raises(path):
    """A child must open its own: sharing a connection over a fork corrupts the file."""
    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        store._pid = os.getpid() + 1

        with pytest.raises(UsageMistake, match="fork"):
            await store.peek([])
        with pytest.raises(UsageMistake, match="fork"):
            await store.settle(end("r0"))


async def test_the_writing_thread_ends_with_the_store(path):
    """No thread outlives its store."""
    async with SqliteStore.open(path, clock=ManualClock()):
        assert any(thread.name == "aihub-sqlite-writer" for thread in threading.enumerate())

    assert not any(thread.name == "aihub-sqlite-writer" for thread in threading.enumerate())


async def test_many_rows_share_a_flush(path):
    """Requests at once are committed in far fewer transactions than there are requests."""
    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        await store.add_account(ACCOUNT)
        commits = []
        store._writer._connection.set_trace_callback(
            lambda sql: commits.append(sql) if sql == "COMMIT" else None
        )

        async with anyio.create_task_group() as tasks:
            for n in range(200):
                tasks.start_soon(store.admit, ask(f"r{n}"))

        assert len(commits) < 40
        assert len(await store.rows("acc_1", limit=300)) == 200


async def test_what_was_said_is_forgotten_in_batches_when_its_account_is_erased(path):
    """No turn and no answer is left in the file; another account's stay."""
    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        await store.enlist("own_1", LEASE)
        for account in ("acc_1", "acc_2"):
            await store.add_account(attrs.evolve(ACCOUNT, id=account))
            await store.add_session(attrs.evolve(SESSION, id=f"ses_{account}", account=account))
            for n in range(25):
                id = f"req_{account}_{n}"
                asked = Idempotency(f"key {n}", b"d" * 32)
                await store.admit(ask(id, account=account, idempotency=asked))
                final = ended(id, turn(f"text {n}", f"ses_{account}"))
                await store.settle(attrs.evolve(final, answer=DONE))
        await store.erase_account("acc_1", NOON)
        batches = 0
        while await store.forget(0, 10) >= 10:
            batches += 1

    assert batches == 7
    db = sqlite3.connect(path)
    for table in ("turns", "answers", "sessions", "spans"):
        (left,) = db.execute(f"SELECT count(DISTINCT account) FROM {table}").fetchone()
        assert left == 1, table
    db.close()


@pytest.mark.slow
async def test_opening_a_file_twice_in_one_process_keeps_its_locks(path):
    """What a first store writes after a second was opened is seen by other processes.

    POSIX gives up all of a process's locks on a file when it closes any descriptor of it. SQLite
    knows; whoever opens the file beside it must know too, or another process may take the
    write-ahead log for nobody's.
    """
    child = (
        "import sqlite3, sys\n"
        "db = sqlite3.connect(sys.argv[1])\n"
        "print(db.execute('SELECT count(*) FROM accounts').fetchone()[0])\n"
        "db.close()\n"
    )

    async def seen():
        done = await anyio.run_process([sys.executable, "-c", child, str(path)])
        return int(done.stdout)

    async with SqliteStore.open(path, clock=ManualClock(NOON)) as store:
        await store.add_account(ACCOUNT)
        async with SqliteStore.open(path, clock=ManualClock(NOON)) as other:
            assert await other.account(ACCOUNT.id) == ACCOUNT
            for n in range(3):
                assert await seen() == n + 1
                await store.add_account(attrs.evolve(ACCOUNT, id=f"acc_more_{n}"))
        assert await seen() == 4
