"""SQLite is held to the memory store step by step, over random schedules with a manual clock."""

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
from aihub.model.ledger import SlotAsk
from aihub.model.units import DAY, SECOND
from aihub.testing import ManualClock
from aihub.testing.stores import ACCOUNT, BUDGET, KEY, LEASE, NOON, ask, end, requests, tokens

STEP = st.one_of(st.floats(0, 3), st.floats(59.9, 60.1), st.floats(0, 40))
OWNERS = ("own_1", "own_2")


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
        self.forgot = False
        self.alive = set()

    def teardown(self):
        self.stack.close()

    def both(self, name, *args, **kwargs):
        """Call both, and return what they agree on."""

        async def call(store):
            return await getattr(store, name)(*args, **kwargs)

        mine = self.portal.call(call, self.memory)
        theirs = self.portal.call(call, self.sqlite)
        assert theirs == mine
        return mine

    @initialize()
    def furnish(self):
        for owner in OWNERS:
            self.both("enlist", owner, LEASE)
        self.both("add_account", ACCOUNT)
        self.both("add_key", KEY)
        self.both("put_budget", BUDGET)

    @rule(step=STEP)
    def wait(self, step):
        self.clock.advance(step)

    @rule(
        amount=st.integers(1, 60),
        requests_limit=st.integers(1, 6),
        token_limit=st.integers(60, 150),
        hold=st.one_of(st.none(), st.integers(0, 600)),
        slots=st.one_of(st.none(), st.integers(1, 3)),
        owner=st.sampled_from(OWNERS),
        key=st.sampled_from([None, "key_1"]),
    )
    def admit(self, amount, requests_limit, token_limit, hold, slots, owner, key):
        self.made += 1
        self.both(
            "admit",
            ask(
                f"r{self.made:04}",
                requests(requests_limit),
                tokens(amount, token_limit),
                hold=hold,
                owner=owner,
                key=key,
                slots=() if slots is None else (SlotAsk("acc_1", slots),),
                prompt_tokens=amount // 2,
                prompt_cost=amount,
                reserved_tokens=amount,
            ),
        )

    def _known(self, data):
        return f"r{data.draw(st.integers(max(1, self.made - 8), self.made + 1)):04}"

    @rule(
        data=st.data(),
        used=st.integers(0, 90),
        cost=st.integers(0, 700),
        state=st.sampled_from(["ok", "error", "aborted"]),
    )
    def settle(self, data, used, cost, state):
        self.both("settle", end(self._known(data), used=used, cost=cost, state=state))

    @rule(data=st.data(), more=st.integers(0, 500))
    def hold(self, data, more):
        self.both("hold", self._known(data), more)

    @rule(owner=st.sampled_from(OWNERS))
    def renew(self, owner):
        # Renewing does not take the lock, so an owner that was buried is enlisted again.
        self.both("enlist", owner, LEASE)

    @rule(policy=st.sampled_from(["prompt", "reserved", "nothing"]))
    def sweep(self, policy):
        async def call(store):
            return sorted(await store.sweep(policy), key=lambda lost: lost.id)

        assert self.portal.call(call, self.sqlite) == self.portal.call(call, self.memory)

    @rule(seconds=st.one_of(st.none(), st.integers(0, 20)))
    def revoke(self, seconds):
        when = None if seconds is None else self.clock.now() + seconds * SECOND
        self.both("change_key", "acc_1", "key_1", lambda key: attrs.evolve(key, revoked=when))

    @rule(age=st.integers(0, 120), limit=st.integers(1, 5))
    def forget(self, age, limit):
        self.forgot = True
        # Of several that may go either store may choose; together all of them go.
        while self.portal.call(self.memory.forget, self.clock.now() - age * SECOND, limit):
            pass
        while self.portal.call(self.sqlite.forget, self.clock.now() - age * SECOND, limit):
            pass

    @rule(limit=st.integers(1, 9))
    def replan(self, limit):
        self.both("change_plan", "free", lambda plan: attrs.evolve(plan, requests_per_minute=limit))
        self.both("identify", KEY.digest)

    @invariant()
    def tells_the_same(self):
        self.both("peek", [requests(5), tokens(0, 100)])
        rows = self.both("rows", "acc_1", limit=500)
        purse = self.both("budget_state", "bud_1", "2026-01")
        by_model = self.both("report", "acc_1", start=0, end=NOON + DAY, group_by="model")
        self.both("report", "acc_1", start=0, end=NOON + DAY, group_by="key")
        told = sum(row.cost for row in rows if row.state != "open")
        assert told <= by_model.cost if self.forgot else told == by_model.cost
        assert purse.spent <= by_model.cost
        assert purse.held >= 0


Equivalence.TestCase.settings = settings(stateful_step_count=25, deadline=None)
TestEquivalence = Equivalence.TestCase
