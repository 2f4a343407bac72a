"""What a hub forgets, and when."""

import logging

import anyio
import anyio.lowlevel
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.errors import StoreUnavailable, UsageMistake
from aihub.hub import Options, retention
from aihub.testing import ManualClock, open_test_hub

pytestmark = pytest.mark.anyio

DAY = 86_400


async def test_a_hub_forgets_what_is_old_when_it_starts():
    """Details go after 400 days, sums stay; None keeps everything."""
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    async with open_test_hub(store=store, clock=clock) as hub:
        await hub.chat("gpt-4", "Hi")
        clock.advance(399 * DAY)
        await hub.chat("gpt-4", "Hi")
        clock.advance(2 * DAY)
    for settings, left in (({"retention": None}, 2), ({}, 1), ({"retention": DAY}, 0)):
        async with open_test_hub(store=store, clock=clock, seed=left + 5, **settings) as hub:
            await anyio.wait_all_tasks_blocked()
            assert len(await hub.requests()) == left
            report = await hub.usage(start=0, end=clock.now() - clock.now() % (3600 * 10**6))
            assert report.requests == 2


async def test_many_are_forgotten_batch_by_batch(monkeypatch):
    """Until a batch is not full; then the hub waits."""
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "PAUSE", 0)
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    async with open_test_hub(store=store, clock=clock) as hub:
        for _ in range(7):
            await hub.chat("gpt-4", "Hi")
    clock.advance(2 * DAY)
    batches = []
    forget = store.forget

    async def counted(before, limit):
        batches.append(await forget(before, limit))
        return batches[-1]

    store.forget = counted
    async with open_test_hub(store=store, clock=clock, seed=1, retention=DAY) as hub:
        while len(batches) < 4:
            await anyio.lowlevel.checkpoint()
        await anyio.wait_all_tasks_blocked()
        assert batches == [2, 2, 2, 1]


async def test_what_is_personal_goes_at_once_with_its_account():
    """Labels and end users, though they are young; what was used stays."""
    async with open_test_hub() as hub:
        await anyio.wait_all_tasks_blocked()
        account = (await hub.accounts.create()).id
        options = Options(labels={"team": "a"}, end_user="eve")
        done = await hub.chat("gpt-4", "Hi", account=account, options=options)

        await hub.accounts.delete(account)
        await anyio.wait_all_tasks_blocked()

        row = await hub.request("req_" + done.id.removeprefix("chatcmpl-"), account)
        assert (row.labels, row.end_user, row.cost) == ({}, None, done.cost)


async def test_a_store_that_is_down_is_asked_again_at_the_next_turn(caplog):
    """It is said, and nobody else is disturbed."""
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    forget, asked = store.forget, []

    async def down(before, limit):
        asked.append(before)
        if len(asked) == 1:
            raise StoreUnavailable("down")
        return await forget(before, limit)

    store.forget = down
    caplog.set_level(logging.WARNING, "aihub")
    async with open_test_hub(store=store, clock=clock) as hub:
        await anyio.wait_all_tasks_blocked()
        assert "did not let the hub forget: down" in caplog.text
        await hub.accounts.delete((await hub.accounts.create()).id)
        await anyio.wait_all_tasks_blocked()
        assert len(asked) == 2
        assert hub.ready


@pytest.mark.parametrize("seconds", [0, -1, DAY - 1, float("nan"), float("inf")])
async def test_less_than_a_day_is_a_mistake(seconds):
    """What may still come back must be known."""
    with pytest.raises(UsageMistake, match="retention"):
        async with open_test_hub(retention=seconds):
            pass
