"""Where a second caller, a strange value or a bad moment once did harm."""

import gc
import math
from contextlib import suppress
from functools import partial

import anyio
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.sqlite import SqliteStore
from aihub.errors import (
    BudgetExceeded,
    Conflict,
    HubClosed,
    InvalidRequest,
    NotFound,
    StoreUnavailable,
    UpstreamFailed,
)
from aihub.hub import Options
from aihub.hub.calls import make_chat
from aihub.hub.work import ChatWork
from aihub.model.events import Finished, Text, UsageSeen
from aihub.model.usage import Usage
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub

from ..slow_store import SlowStore

pytestmark = pytest.mark.anyio


async def test_breaking_out_of_texts_leaks_nothing():
    """An abandoned iterator over texts is no open generator."""
    async with open_test_hub() as hub, hub.stream("gpt-4", "Hi") as stream:
        async for _ in stream.texts():
            break
        gc.collect()


async def test_a_revoked_key_stays_revoked_beside_another_change():
    """Changes at once are made one after the other, each to what the one before left."""
    clock = ManualClock()
    async with open_test_hub(store=SlowStore(clock), clock=clock) as hub:
        account = (await hub.accounts.create()).id
        key = (await hub.accounts.create_key(account)).key.id
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hub.accounts.revoke_key, account, key)
            tasks.start_soon(partial(hub.accounts.change_key, account, key, expires=None))
            tasks.start_soon(partial(hub.accounts.change_key, account, key, scopes=["read"]))
        found = await hub.accounts.key(account, key)
        assert found.revoked is not None


async def test_a_deleted_account_stays_deleted_beside_a_change_of_plan():
    """Whichever comes first, nobody is brought back to life."""
    for point in range(12):
        clock = ManualClock()
        async with open_test_hub(store=SlowStore(clock), clock=clock) as hub:
            account = (await hub.accounts.create()).id

            async def change():
                with suppress(NotFound):
                    await hub.accounts.change(account, plan="pro")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(change)
                for _ in range(point):
                    await anyio.lowlevel.checkpoint()
                await hub.accounts.delete(account)
            assert (await hub._store.account(account)).deleted is not None, point


async def test_two_accounts_never_share_an_id():
    """Of two that ask at once one gets it, and the other is told."""
    clock = ManualClock()
    async with open_test_hub(store=SlowStore(clock), clock=clock) as hub:
        errors = []

        async def create(name):
            try:
                await hub.accounts.create(name, id="acme")
            except Conflict as error:
                errors.append(error)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(create, "one")
            tasks.start_soon(create, "two")
        assert len(errors) == 1


async def test_a_cancelled_rotation_happened_or_did_not():
    """Never two live keys of which one secret is lost."""
    halves = 0
    for point in range(30):
        clock = ManualClock()
        async with open_test_hub(store=SlowStore(clock), clock=clock) as hub:
            account = (await hub.accounts.create()).id
            key = (await hub.accounts.create_key(account)).key.id
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hub.accounts.rotate_key, account, key)
                for _ in range(point):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            keys = await hub.accounts.keys(account)
            halves += len(keys) == 2 and (await hub.accounts.key(account, key)).revoked is None
    assert not halves


@pytest.mark.parametrize("overlap", [math.nan, math.inf])
async def test_a_strange_overlap_is_refused_and_makes_no_key(overlap):
    """Not a number and endless are named, and nothing is written."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        key = (await hub.accounts.create_key(account)).key.id
        try:
            await hub.accounts.rotate_key(account, key, overlap=overlap)
        except (InvalidRequest, ValueError, OverflowError) as error:
            raised = error
        assert len(await hub.accounts.keys(account)) == 1
        assert isinstance(raised, InvalidRequest)


async def test_a_rotated_key_keeps_its_budget():
    """A budget follows the lineage."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        key = (await hub.accounts.create_key(account)).key.id
        await hub.accounts.create_budget(account, limit=0, period="total", key=key)
        new = await hub.accounts.rotate_key(account, key)
        with pytest.raises(BudgetExceeded):
            await hub.chat("gpt-4", "Hi", key=new.secret)


@pytest.mark.parametrize("fields", [{"period": "week", "limit": 1}, {"limit": 1.5}])
async def test_a_budget_of_no_known_kind_is_refused(fields):
    """A period that is not known and a fraction of a pico-dollar are named."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        with pytest.raises(InvalidRequest):
            await hub.accounts.create_budget(account, **fields)


async def test_stop_none_is_not_given():
    """None is as if left out."""
    async with open_test_hub() as hub:
        assert (await hub.chat("gpt-4", "Hi", stop=None)).text


@pytest.mark.parametrize(
    "fields", [{"n": 0}, {"n": -9}, {"max_tokens": -100000}, {"max_tokens": "5"}]
)
async def test_numbers_out_of_range_are_refused_by_name(fields):
    """No negative reservation, whichever door it comes by."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        with pytest.raises(InvalidRequest) as refused:
            await hub.chat("gpt-4", "Hi", account=account, **fields)
        assert refused.value.param == next(iter(fields))
        assert not await hub.requests(account)


async def test_an_early_count_does_not_hide_what_came_after_it():
    """What was received after the provider last told is charged."""
    script = [UsageSeen(Usage(7, 1)), *[Text("word ")] * 50, UpstreamFailed("reset")]
    async with open_test_hub(ScriptedProvider(script)) as hub:
        with pytest.raises(UpstreamFailed):
            await hub.chat("gpt-4", "Hi")
        (row,) = await hub.requests()
        assert row.usage.completion >= 50


async def test_what_names_an_account_not_there_says_so():
    """Nothing is listed for nobody."""
    async with open_test_hub() as hub:
        for call in (hub.accounts.keys, hub.accounts.budgets, hub.usage, hub.requests):
            with pytest.raises(NotFound):
                await call("acc_9")


async def test_deleted_accounts_do_not_end_a_listing():
    """A page is full while there is more."""
    async with open_test_hub() as hub:
        ids = sorted([(await hub.accounts.create()).id for _ in range(4)])
        for id in ids[:2]:
            await hub.accounts.delete(id)
        assert [one.id for one in await hub.accounts.list(limit=2)] == ids[2:]


async def test_an_unknown_grouping_is_named():
    """A report is grouped one of four ways."""
    async with open_test_hub() as hub:
        await hub.chat("gpt-4", "Hi")
        with pytest.raises(InvalidRequest):
            await hub.usage(group_by="week")


async def test_fixing_a_key_of_a_deleted_account_is_refused():
    """What has ended stays so."""
    async with open_test_hub() as hub:
        await hub.accounts.create(id="acme")
        await hub.accounts.fix_key("acme", "test")
        await hub.accounts.delete("acme")
        with pytest.raises(NotFound):
            await hub.accounts.fix_key("acme", "test")


async def test_an_accounts_id_cannot_take_a_keys_window():
    """Windows of accounts and of keys have names of their own."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        one = (await hub.accounts.create(plan="pro")).id
        key = await hub.accounts.create_key(one, requests_per_minute=1)
        other = await hub.accounts.create(id=key.key.id, plan="free")
        await hub.chat("gpt-4", "Hi", account=other.id)
        await hub.chat("gpt-4", "Hi", key=key.secret)


async def test_a_closed_store_does_not_open_again_for_reading(tmp_path):
    """A read after the end is told so and leaves no connection."""
    async with SqliteStore.open(tmp_path / "hub.db", clock=ManualClock()) as store:
        pass
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.account("acc_1")
    assert store._readers.empty()


@pytest.mark.parametrize("options", [Options(end_user="\ud800"), Options(labels={"a": "\ud800"})])
async def test_text_that_cannot_be_written_is_refused_by_name(tmp_path, options):
    """A lone surrogate has no UTF-8 form."""
    clock = ManualClock()
    async with (
        SqliteStore.open(tmp_path / "hub.db", clock=clock) as store,
        open_test_hub(store=store, clock=clock) as hub,
    ):
        with suppress(InvalidRequest):
            await hub.chat("gpt-4", "Hi", options=options)


@pytest.mark.parametrize("usage", [Usage(10**30, 3), Usage(7, -3), Usage(10, 1, cached=5000)])
async def test_an_impossible_count_is_settled_all_the_same(tmp_path, usage):
    """A provider that tells nonsense is counted by us."""
    clock = ManualClock()
    script = [Text("a"), Finished("stop"), UsageSeen(usage)]
    async with (
        SqliteStore.open(tmp_path / "hub.db", clock=clock) as store,
        open_test_hub(ScriptedProvider(script), store=store, clock=clock) as hub,
    ):
        with suppress(InvalidRequest):
            await hub.chat("gpt-4", "Hi")
        (row,) = await hub.requests()
        assert row.state != "open"
        assert row.cost >= 0


async def test_a_closed_hub_touches_no_closed_store(tmp_path):
    """It says that it is closed before it looks anything up."""
    clock = ManualClock()
    async with (
        SqliteStore.open(tmp_path / "hub.db", clock=clock) as store,
        open_test_hub(store=store, clock=clock) as hub,
    ):
        pass
    with pytest.raises(HubClosed):
        await hub.chat("gpt-4", "Hi")
    assert store._readers.empty()


async def test_a_request_that_nobody_leaves_is_settled_at_close(monkeypatch):
    """Closing does not wait for ever for a context that is never left."""
    monkeypatch.setattr("aihub.hub.hub.LEAVE_TIMEOUT", 0.01)
    store = MemoryStore(clock=ManualClock())
    async with open_test_hub(store=store, grace=0) as hub:
        identity = await hub._caller(None, None)
        exchange = hub._exchange(ChatWork(make_chat("gpt-4", "Hi", {})), identity, Options())
        await exchange.begin()
        hub._flight.scopes[anyio.CancelScope()] = exchange

    (row,) = await store.rows("acc_local")
    assert row.state == "aborted"
