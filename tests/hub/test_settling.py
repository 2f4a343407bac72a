"""Exactly one settlement, whatever happens: cancellation at every point, a store that is down."""

import anyio
import pytest

from aihub.errors import Overloaded, SettlementFailed, StoreUnavailable
from aihub.model.account import Plan
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub

from ..slow_store import SlowStore

pytestmark = pytest.mark.anyio


async def state_of(store, account):
    """Windows, slots and budgets of the one account of a test."""
    (budget,) = await store.memory.budgets(account)
    purse = await store.memory.budget_state(budget.id, "total")
    return dict(store.memory._open_slots), purse.held


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_at_any_point_settles_once_and_frees_everything(streamed):
    """Walk through all await points of a request and cancel at each."""
    for point in range(60):
        clock = ManualClock()
        store = SlowStore(clock)
        provider = ScriptedProvider()
        finished = False
        async with open_test_hub(provider, store=store, clock=clock) as hub:
            await hub.accounts.put_plan(Plan(name="p", requests_per_minute=9, parallel=1))
            account = (await hub.accounts.create("a", plan="p")).id
            await hub.accounts.create_budget(account, limit=10**12, period="total")

            async def ask():
                nonlocal finished
                if streamed:
                    async with hub.stream("gpt-4", "Hi", account=account) as stream:
                        async for _ in stream:
                            pass
                else:
                    await hub.chat("gpt-4", "Hi", account=account)
                finished = True

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                for _ in range(point):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()

            rows = await store.memory.rows(account)
            assert {row.state for row in rows} <= {"ok", "aborted"}
            assert set(store.settlements.values()) <= {1}
            assert len(store.settlements) == len(rows)
            assert await state_of(store, account) == ({}, 0)
            assert (provider.open_now, hub.in_flight) == (0, 0)
        if finished:
            break
    assert finished
    assert point > 10


async def test_a_store_that_is_down_admits_nothing(monkeypatch):
    """No provider is called before the row is committed; the caller is told to come again."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 0.001)
    clock = ManualClock()
    store, provider = SlowStore(clock), ScriptedProvider()
    async with open_test_hub(provider, store=store, clock=clock) as hub:
        store.down.add("admit")
        with pytest.raises(StoreUnavailable):
            await hub.chat("gpt-4", "Hi")
        assert not provider.calls
        store.down.clear()
        with anyio.fail_after(5):
            while not hub.ready:
                await anyio.sleep(0.001)
        assert (await hub.chat("gpt-4", "Hi")).text


async def test_a_store_that_hangs_is_given_up_within_bounded_time(monkeypatch):
    """An admission whose outcome is unknown is settled, so that it counts at most one entry."""
    monkeypatch.setattr("aihub.hub.settling.STORE_TIMEOUT", 0.01)
    clock = ManualClock()
    store, provider = SlowStore(clock), ScriptedProvider()
    async with open_test_hub(provider, store=store, clock=clock) as hub:
        store.hang.update(["admit", "settle"])
        with pytest.raises(StoreUnavailable):
            await hub.chat("gpt-4", "Hi")
        assert not provider.calls
        # The caller did not wait for the settlement too: that is the hub's own task's.
        assert hub._settler.unsettled == 1
        store.hang.clear()
        with anyio.fail_after(5):
            while not hub.ready:
                await anyio.sleep(0.001)
        assert not store.settlements


async def test_an_answer_that_could_not_be_settled_is_not_delivered_as_good(monkeypatch):
    """The end is withheld, new requests wait for the store, and when it is back all is settled."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 0.001)
    clock = ManualClock()
    store = SlowStore(clock)
    async with open_test_hub(store=store, clock=clock) as hub:
        seen = []
        store.down.add("settle")
        with pytest.raises(SettlementFailed):
            async with hub.stream("gpt-4", "Hi") as stream:
                async for event in stream:
                    seen.append(event)
        assert [event.text for event in seen] == ["Once", " upon", " a time"]
        assert not hub.ready
        with pytest.raises(Overloaded) as refused:
            await hub.chat("gpt-4", "Hi")
        assert refused.value.code == "unsettled"

        store.down.clear()
        with anyio.fail_after(5):
            while not hub.ready:
                await anyio.sleep(0.001)

        (row,) = await store.memory.rows("acc_local")
        assert (row.state, row.usage.total) == ("ok", 10)
        assert (await hub.chat("gpt-4", "Hi")).text


async def test_what_is_unsettled_is_tried_once_more_at_close(monkeypatch):
    """A store that comes back in time gets everything; otherwise it is the sweeper's."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 100)
    clock = ManualClock()
    store = SlowStore(clock)
    async with open_test_hub(store=store, clock=clock) as hub:
        store.down.add("settle")
        with pytest.raises(SettlementFailed):
            await hub.chat("gpt-4", "Hi")
        store.down.clear()
    (row,) = await store.memory.rows("acc_local")
    assert row.state == "ok"

    async with open_test_hub(store=store, clock=clock, seed=1) as hub:
        store.down.add("settle")
        with pytest.raises(SettlementFailed):
            await hub.chat("gpt-4", "Hi")
    store.down.clear()
    async with open_test_hub(store=store, clock=clock, seed=2):
        states = [row.state for row in await store.memory.rows("acc_local")]
    assert sorted(states) == ["lost", "ok"]


async def test_two_that_write_what_is_unsettled_lose_nothing(monkeypatch):
    """The hub's own task and its closing may try at once: each entry is written, and told once."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 100)
    clock, told = ManualClock(), []

    class Sees:
        def call_finished(self, done):
            told.append(done.id)

    store = SlowStore(clock)
    async with open_test_hub(store=store, clock=clock, observers=[Sees()]) as hub:
        store.down.add("settle")
        async with anyio.create_task_group() as tasks:

            async def ask():
                with pytest.raises(SettlementFailed):
                    await hub.chat("gpt-4", "Hi")

            for _ in range(5):
                tasks.start_soon(ask)
        store.down.clear()
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(hub._settler.flush)

        rows = await store.memory.rows("acc_local")
        assert [row.state for row in rows] == ["ok"] * 5
        assert sorted(told) == [row.id for row in rows]


async def test_an_observer_sees_each_end_and_one_that_raises_is_reported_once(caplog):
    """Watching changes nothing: not the answer, not the settlement."""
    seen = []

    class Sees:
        def call_finished(self, done):
            seen.append(done)

    class Raises:
        def call_finished(self, done):
            raise RuntimeError("observer")

    async with open_test_hub(observers=[Raises(), Sees()]) as hub:
        for _ in range(2):
            assert (await hub.chat("gpt-4", "Hi")).text

    assert [(done.model, done.row.state, done.settled.cost) for done in seen] == [
        ("gpt-4", "ok", seen[0].row.cost)
    ] * 2
    assert len([record for record in caplog.records if "observer failed" in record.message]) == 1


async def test_a_hub_keeps_its_lease_and_sweeps(monkeypatch):
    """While it is open it renews; a dead neighbour's requests are settled as lost."""
    monkeypatch.setattr("aihub.hub.settling.LEASE", 3_000)
    clock = ManualClock()
    store = SlowStore(clock)
    async with open_test_hub(store=store, clock=clock):
        calls = []
        monkeypatch.setattr(store.memory, "renew", record(calls, "renew"))
        monkeypatch.setattr(store.memory, "sweep", record(calls, "sweep"))
        with anyio.fail_after(5):
            while len(calls) < 8:
                await anyio.sleep(0.001)
    assert calls[:8] == ["renew", "renew", "renew", "sweep"] * 2


def record(calls, name):
    """A method that notes that it was called."""

    async def method(*args):
        calls.append(name)

    return method
