"""The memory store keeps the contract, and the suite catches stores that do not."""

from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.memory import store as memory
from aihub.model.ledger import Admitted, AlreadySettled, WindowFull
from aihub.model.units import SECOND
from aihub.testing import AnswersSuite, ManualClock, RecordsSuite, SessionsSuite
from aihub.testing.records import kept
from aihub.testing.stores import ACCOUNT, NOON, StoreSuite, ask, end, requests


@pytest.mark.anyio
class TestMemoryStore(StoreSuite, AnswersSuite, SessionsSuite, RecordsSuite):
    """The reference."""

    @asynccontextmanager
    async def open_store(self, clock):
        yield MemoryStore(clock=clock)


class ForgetsToRefund(MemoryStore):
    """Broken: a token window keeps the reservation for ever."""

    async def settle(self, final):
        return await super().settle(attrs.evolve(final, used_tokens=10**6))


class Slots(MemoryStore):
    """Broken: counts by calendar minute, so that 2N pass at its edge."""

    async def admit(self, ask):
        minute = self._clock.now() // (60 * SECOND)
        windows = tuple(attrs.evolve(take, key=f"{take.key}:{minute}") for take in ask.windows)
        return await super().admit(attrs.evolve(ask, windows=windows))


class SettlesTwice(MemoryStore):
    """Broken: books every settlement that comes."""

    async def settle(self, final):
        if final.id in self._done:
            row = self._done[final.id]
            self._book(row, final, +1)
            return await super().settle(final)
        return await super().settle(final)


class AdmitsHalf(MemoryStore):
    """Broken: takes the windows before it asks the budget."""

    async def admit(self, ask):
        bare = attrs.evolve(ask, holds=(), slots=())
        result = await super().admit(bare)
        if isinstance(result, Admitted):
            refused = self._refused_by_slots(ask) or self._refused_by_budgets(ask)
            if refused is not None:
                del self._open[ask.id]
                return refused
            for hold in ask.holds:
                self._purse(hold.budget, hold.period).held += hold.amount
            self._open[ask.id].ask = ask
        return result


class SweepsTheLiving(MemoryStore):
    """Broken: whatever is open when somebody sweeps is lost."""

    async def sweep(self, policy):
        self._owners.clear()
        return await super().sweep(policy)


class ForgetsRevocation(MemoryStore):
    """Broken: believes the look-up."""

    def _refused_as_not_live(self, ask, now):
        return None


class LosesATurn(MemoryStore):
    """Broken: appends load, wait and save, so that of two at once one is lost."""

    async def settle(self, final):
        kept = self._find("acc_1", final.turn.session) if final.turn else None
        turns = list(kept.turns) if kept else []
        await anyio.lowlevel.checkpoint()
        if kept:
            kept.turns = turns
        return await super().settle(final)


class AppendsTwice(MemoryStore):
    """Broken: a second settlement adds its turn again."""

    async def settle(self, final):
        settled = await super().settle(final)
        if isinstance(settled, AlreadySettled) and final.turn and settled.state:
            usage = final.usage
            self._append("acc_1", final.turn, request=final.id, at=0, usage=usage, cost=0)
        return settled


class BringsBack(MemoryStore):
    """Broken: a turn that comes late makes its session anew."""

    async def delete_session(self, account, id, check=lambda _: None):
        kept = self._find(account, id)
        gone = await super().delete_session(account, id, check)
        if gone:
            kept.turns.clear()
            self._ghosts = {**getattr(self, "_ghosts", {}), id: kept}
        return gone

    async def settle(self, final):
        ghost = getattr(self, "_ghosts", {}).pop(final.turn.session, None) if final.turn else None
        if ghost:
            self._of("acc_1")[final.turn.session] = ghost
        return await super().settle(final)


class ForksByName(MemoryStore):
    """Broken: a fork has its original's turns, whatever becomes of them."""

    async def fork_session(self, account, id, fork):
        made = await super().fork_session(account, id, fork)
        if made:
            self._find(account, made.id).turns = self._find(account, id).turns
        return made


class ShowsToAll(MemoryStore):
    """Broken: whoever knows a session's id may have it."""

    def _find(self, account, id):
        return next((own[id] for own in self._sessions.values() if id in own), None)


class ForgetsKeys(MemoryStore):
    """Broken: only an open request has its key."""

    def admit_nowait(self, ask):
        if ask.idempotency and not any(row.ask.idempotency for row in self._open.values()):
            self._kept.erase(ask.account)
        return super().admit_nowait(ask)


class KeepsKeysForEver(MemoryStore):
    """Broken: a request that failed is never let try again."""

    def _end(self, row, final, now):
        settled = super()._end(row, final, now)
        if row.ask.idempotency:
            self._kept._promises[row.ask.account, row.ask.idempotency.key].state = "ok"
        return settled


BROKEN_ANSWERS = [ForgetsKeys, KeepsKeysForEver]
BROKEN_SESSIONS = [LosesATurn, AppendsTwice, BringsBack, ForksByName, ShowsToAll]
BROKEN = [ForgetsToRefund, Slots, SettlesTwice, AdmitsHalf, SweepsTheLiving, ForgetsRevocation]


class AsksNobody(MemoryStore):
    """Broken: believes that whoever asked for a change still may."""

    def _let(self, by):
        return None


class KeepsNames(MemoryStore):
    """Broken: ends an account and keeps who it was."""

    async def erase_account(self, id, at, *, by=None):
        return await self.change_account(id, lambda one: attrs.evolve(one, deleted=at), by=by)


class LosesPlans(MemoryStore):
    """Broken: drops a plan that accounts are on."""

    async def drop_plan(self, name, *, by=None):
        return "unknown" if self._plans.pop(name, None) is None else "dropped"


class ForgetsWhatIsOpen(MemoryStore):
    """Broken: old is old, settled or not."""

    async def forget(self, before, limit):
        for id in [id for id, row in self._open.items() if row.at < before]:
            del self._open[id]
        return await super().forget(before, limit)


class ForgetsSums(MemoryStore):
    """Broken: what is forgotten was never used."""

    async def forget(self, before, limit):
        self._sums.clear()
        return await super().forget(before, limit)


BROKEN = [
    ForgetsWhatIsOpen,
    ForgetsSums,
    ForgetsToRefund,
    Slots,
    SettlesTwice,
    AdmitsHalf,
    SweepsTheLiving,
    ForgetsRevocation,
    AsksNobody,
    KeepsNames,
    LosesPlans,
]


@pytest.mark.anyio
async def test_records_are_kept_within_bounds(monkeypatch):
    """The oldest make room, by their number and by their size; a record too large keeps nobody."""
    from aihub.backends.storage.memory import records

    monkeypatch.setattr(records, "MAX_RECORDS", 3)
    monkeypatch.setattr(records, "MAX_RECORDS_SIZE", 1000)
    store = MemoryStore(clock=ManualClock(NOON))
    await store.add_account(ACCOUNT)

    async def ids():
        return [one.id[-1] for one in await store.records("acc_1", "completion")]

    for n in range(5):
        await store.add_record(kept(n, messages=(), answer=None, data=[{"a": "x"}]))
    assert await ids() == ["2", "3", "4"]
    await store.add_record(kept(5, messages=(), answer=None, data=["x" * 999]))
    assert await ids() == ["4", "5"]
    await store.add_record(kept(6, messages=(), answer=None, data=["x" * 1001]))
    assert await ids() == []
    await store.add_record(kept(7))
    assert await ids() == ["7"]


class KeepsAtOnce(MemoryStore):
    """Broken: keeps an answer whether its settlement counts or not."""

    async def settle(self, final):
        if final.record is not None:
            self._keep_record(final.record)
        return await super().settle(final)


class FindsAnything(MemoryStore):
    """Broken: one pair of metadata that fits is enough."""

    async def records(self, account, kind, *, metadata=None, **asked):
        found = await super().records(account, kind, **asked)
        pairs = set((metadata or {}).items())
        return [one for one in found if not pairs or pairs & set(one.metadata.items())]


class HasNoWalls(MemoryStore):
    """Broken: whoever knows a record's id may have it."""

    async def record(self, account, kind, id):
        own = [one for one in self._records.values() if (one.kind, one.id) == (kind, id)]
        return own[0] if own else None


class HoldsForGood(MemoryStore):
    """Broken: what was said stays when nobody can go on from it any more."""

    def _let_go(self, account, session):
        pass


class BringsBack(MemoryStore):
    """Broken: an answer that comes late makes its record anew."""

    async def settle(self, final):
        return await super().settle(attrs.evolve(final, awaited=False))


class KeepsForGood(MemoryStore):
    """Broken: forgets no record."""

    def _forget_records(self, now, limit):
        return 0


BROKEN_RECORDS = [KeepsAtOnce, FindsAnything, HasNoWalls, HoldsForGood, BringsBack, KeepsForGood]


@pytest.mark.parametrize(
    ("suite", "broken"),
    [
        *((StoreSuite, broken) for broken in BROKEN),
        *((AnswersSuite, broken) for broken in BROKEN_ANSWERS),
        *((SessionsSuite, broken) for broken in BROKEN_SESSIONS),
        *((RecordsSuite, broken) for broken in BROKEN_RECORDS),
    ],
    ids=lambda one: one.__name__,
)
def test_the_suite_catches_a_broken_store(suite, broken):
    """Each way of being wrong fails at least one test of its suite."""

    class Suite(suite):
        @asynccontextmanager
        async def open_store(self, clock):
            yield broken(clock=clock)

    failed = []
    for name in (name for name in dir(Suite) if name.startswith("test_")):
        try:
            anyio.run(getattr(Suite(), name))
        except AssertionError:
            failed.append(name)

    assert failed


@pytest.mark.anyio
async def test_details_are_bounded_and_sums_are_not_lost(monkeypatch):
    """Old rows make room, what they cost stays in the report."""
    monkeypatch.setattr(memory, "MAX_ROWS", 3)
    store = MemoryStore(clock=ManualClock(NOON))
    await store.add_account(ACCOUNT)
    for n in range(5):
        await store.admit(ask(f"r{n}"))
        await store.settle(end(f"r{n}", cost=1))

    report = await store.report("acc_1", start=0, end=NOON * 2, group_by="model")

    assert [row.id for row in await store.rows("acc_1")] == ["r2", "r3", "r4"]
    assert (report.requests, report.cost) == (5, 5)


@pytest.mark.anyio
async def test_windows_that_hold_nothing_are_forgotten():
    """A sweep drops idle windows; a new one starts as empty as they were."""
    clock = ManualClock(NOON)
    store = MemoryStore(clock=clock)
    await store.add_account(ACCOUNT)
    await store.admit(ask("r0", requests(1)))
    clock.advance(61)
    await store.sweep("prompt")

    assert not store._windows
    assert isinstance(await store.admit(ask("r1", requests(1))), Admitted)
    assert isinstance(await store.admit(ask("r2", requests(1))), WindowFull)
