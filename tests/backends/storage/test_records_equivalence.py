"""SQLite's records are held to those in memory step by step, over random schedules."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import anyio.from_thread
import attrs
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.sqlite import SqliteStore
from aihub.model.record import KEPT
from aihub.model.session import Origin
from aihub.model.units import SECOND
from aihub.testing import ManualClock
from aihub.testing.records import kept, settled
from aihub.testing.sessions import SESSION, turn
from aihub.testing.stores import ACCOUNT, LEASE, NOON, OTHER, OWNER, ask

ACCOUNTS = st.sampled_from(["acc_1", "acc_1", "acc_2"])
KINDS = st.sampled_from(["completion", "completion", "response"])
MODELS = st.sampled_from(["gpt-4", "gpt-4o"])
PAIRS = st.dictionaries(st.sampled_from(["a", 'b"', "c.d"]), st.sampled_from(["", "1"]), max_size=2)
IDS = st.integers(0, 12).map("chatcmpl-{}".format)


class Equivalence(RuleBasedStateMachine):
    """Two stores are told the same things and must say the same."""

    def __init__(self):
        super().__init__()
        self.stack = ExitStack()
        self.portal = self.stack.enter_context(anyio.from_thread.start_blocking_portal())
        folder = self.stack.enter_context(tempfile.TemporaryDirectory())
        self.clock = ManualClock(NOON)
        self.memory = MemoryStore(clock=self.clock)
        opened = SqliteStore.open(Path(folder) / "hub.db", clock=self.clock)
        self.sqlite = self.stack.enter_context(self.portal.wrap_async_context_manager(opened))
        self.made = 0

    def teardown(self):
        self.stack.close()

    def both(self, name, *args, **kwargs):
        """Call both, and return what they agree on."""

        async def call(store):
            found = await getattr(store, name)(*args, **kwargs)
            return list(found) if name in {"records", "turns"} else found

        mine = self.portal.call(call, self.memory)
        assert self.portal.call(call, self.sqlite) == mine
        return mine

    @initialize()
    def furnish(self):
        self.both("enlist", OWNER, LEASE * 1_000_000)
        self.both("add_account", ACCOUNT)
        self.both("add_account", OTHER)

    @rule(account=ACCOUNTS, kind=KINDS, model=MODELS, metadata=PAIRS, id=IDS, twice=st.booleans())
    def keep(self, account, kind, model, metadata, id, twice):
        self.made += 1
        made = {"kind": kind, "model": model, "metadata": metadata, "id": id}
        record = kept(self.made, account, created=self.clock.now(), **made)
        self.both("admit", ask(record.request, account=account))
        self.both("settle", settled(record))
        if twice:
            self.both("settle", settled(attrs.evolve(record, metadata={})))

    @rule(account=ACCOUNTS, id=IDS, data=st.data())
    def go_on(self, account, id, data):
        self.made += 1
        held = attrs.evolve(SESSION, id=f"ses_{self.made}", account=account, held=True)
        before = data.draw(st.integers(0, self.made - 1))
        if before:
            where = Origin(session=f"ses_{before}", turn=data.draw(st.integers(1, 2)))
            held = attrs.evolve(held, origin=where)
        record = kept(self.made, account, created=self.clock.now(), kind="response", id=id)
        self.both("admit", ask(record.request, account=account))
        self.both("settle", settled(record, turn=turn("a", "", begins=held)))
        for n in range(1, self.made + 1):
            self.both("session", account, f"ses_{n}")
        found = self.both("record", account, "response", id)
        if found.session is not None:
            self.both("turns", account, found.session)
            self.both("conversation", account, found.session, tokens=99, upto=found.turn)

    @rule(account=ACCOUNTS, kind=KINDS, id=IDS)
    def read(self, account, kind, id):
        self.both("record", account, kind, id)

    @rule(
        account=ACCOUNTS,
        kind=KINDS,
        after=st.none() | IDS,
        limit=st.integers(1, 9),
        newest_first=st.booleans(),
        model=st.none() | MODELS,
        metadata=st.none() | PAIRS,
    )
    def find(self, account, kind, **asked):
        self.both("records", account, kind, **asked)

    @rule(account=ACCOUNTS, kind=KINDS, id=IDS, metadata=PAIRS)
    def change(self, account, kind, id, metadata):
        self.both(
            "change_record", account, kind, id, lambda one: attrs.evolve(one, metadata=metadata)
        )

    @rule(account=ACCOUNTS, kind=KINDS, id=IDS)
    def delete(self, account, kind, id):
        self.both("delete_record", account, kind, id)

    @rule(share=st.sampled_from([0.1, 0.5, 1]))
    def forget(self, share):
        self.clock.advance(share * KEPT / SECOND)
        while self.both("forget", 0, 3):
            pass


TestEquivalence = Equivalence.TestCase
TestEquivalence.settings = settings(stateful_step_count=20, deadline=None)
