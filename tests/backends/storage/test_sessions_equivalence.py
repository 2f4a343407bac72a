"""SQLite's sessions are held to those in memory step by step, over random schedules."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import anyio.from_thread
import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.sqlite import SqliteStore
from aihub.model.session import Origin
from aihub.testing import ManualClock
from aihub.testing.sessions import SESSION, ended, turn
from aihub.testing.stores import ACCOUNT, LEASE, NOON, OTHER, OWNER, ask

ACCOUNTS = st.sampled_from(["acc_1", "acc_1", "acc_1", "acc_2"])


class Equivalence(RuleBasedStateMachine):
    """Two stores are told the same things and must say the same."""

    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.portal = self.stack.enter_context(anyio.from_thread.start_blocking_portal())
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.clock = ManualClock(NOON)
        self.path = Path(folder) / "hub.db"
        self.memory = MemoryStore(clock=self.clock)
        opened = SqliteStore.open(self.path, clock=self.clock)
        self.sqlite = self.stack.enter_context(self.portal.wrap_async_context_manager(opened))
        self.sessions = []
        self.requests = []

    def teardown(self):
        self.stack.close()

    def both(self, name, *args, **kwargs):
        """Call both, and return what they agree on."""

        async def call(store):
            found = await getattr(store, name)(*args, **kwargs)
            return list(found) if name in {"turns", "sessions"} else found

        mine = self.portal.call(call, self.memory)
        assert self.portal.call(call, self.sqlite) == mine
        return mine

    def any_session(self, data):
        return data.draw(st.sampled_from([*self.sessions[-6:], "ses_none"]))

    def name(self):
        self.sessions.append(f"ses_{len(self.sessions)}")
        return self.sessions[-1]

    @initialize()
    def furnish(self):
        self.both("enlist", OWNER, LEASE * 1000)
        self.both("add_account", ACCOUNT)
        self.both("add_account", OTHER)

    @rule(account=ACCOUNTS)
    def create(self, account):
        self.both("add_session", attrs.evolve(SESSION, id=self.name(), account=account))

    @rule(data=st.data(), account=ACCOUNTS, at_once=st.booleans())
    def say(self, data, account, at_once):
        id = f"req_{len(self.requests)}"
        self.requests.append((id, self.any_session(data)))
        self.both("admit", ask(id, account=account, session=self.requests[-1][1]))
        if at_once:
            self.settle(len(self.requests) - 1, 10, False)

    @rule(data=st.data(), size=st.integers(1, 30), incomplete=st.booleans())
    def end(self, data, size, incomplete):
        if self.requests:
            self.settle(data.draw(st.integers(0, len(self.requests) - 1)), size, incomplete)

    def settle(self, n, size, incomplete):
        id, session = self.requests[n]
        new = turn(f"text {n}", session, size=size, incomplete=incomplete)
        self.clock.advance(1)
        self.both("settle", ended(id, new, cost=n))

    @rule(data=st.data(), account=ACCOUNTS, upto=st.integers(0, 6))
    def fork(self, data, account, upto):
        new, old = self.name(), self.any_session(data)

        def make(session):
            origin = Origin(session=old, turn=min(upto, session.turns))
            return attrs.evolve(SESSION, id=new, account=account, origin=origin)

        self.both("fork_session", account, old, make)

    @rule(data=st.data(), account=ACCOUNTS, title=st.text(max_size=3))
    def change(self, data, account, title):
        def make(session):
            return attrs.evolve(session, title=title, version=session.version + 1)

        self.both("change_session", account, self.any_session(data), make)

    @rule(data=st.data(), account=ACCOUNTS)
    def delete(self, data, account):
        self.both("delete_session", account, self.any_session(data))

    @rule(
        data=st.data(),
        account=ACCOUNTS,
        after=st.integers(0, 5),
        limit=st.integers(1, 4),
        back=st.booleans(),
    )
    def page(self, data, account, after, limit, back):
        id = self.any_session(data)
        self.both("turns", account, id, after=after, limit=limit, newest_first=back)

    @rule(data=st.data(), account=ACCOUNTS, tokens=st.integers(0, 60))
    def recall(self, data, account, tokens):
        self.both("conversation", account, self.any_session(data), tokens=tokens)

    @invariant()
    def tells_the_same(self):
        for account in ("acc_1", "acc_2"):
            for session in self.both("sessions", account, limit=1000):
                self.both("turns", account, session.id, limit=1000)

    @invariant()
    def keeps_no_turn_that_nobody_reaches(self):
        async def count(store):
            return await store._read(
                lambda db: db.execute("SELECT count(*) FROM turns").fetchone()[0]
            )

        kept = {
            id(one)
            for own in self.memory._sessions.values()
            for session in own.values()
            for one in session.turns
        }
        assert self.portal.call(count, self.sqlite) == len(kept)


TestEquivalence = Equivalence.TestCase
TestEquivalence.settings = settings(stateful_step_count=20, deadline=None)
