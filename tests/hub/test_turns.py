"""Calls that wait for nothing let others run all the same, and hear that they are cancelled."""

import anyio
import anyio.lowlevel
import pytest

from aihub.backends.providers.mock import MockProvider
from aihub.backends.tokens import EstimateCounter
from aihub.testing import ManualClock, open_test_hub

pytestmark = pytest.mark.anyio

CALLS = 100


async def turns_beside(step):
    """How often another task runs beside so many calls, each of which takes *step* seconds."""
    clock, turns = ManualClock(), 0
    mock = MockProvider(tokens=EstimateCounter(), clock=clock)

    async def count():
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with open_test_hub(mock, clock=clock) as hub, anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        for _ in range(CALLS):
            await hub.chat("gpt-4", "Hi")
            clock.advance(step)
        tasks.cancel_scope.cancel()
    return turns


@pytest.mark.parametrize(("step", "fewest"), [(0.0001, 8), (0.0004, 30), (0.001, 95)])
async def test_others_run_once_a_millisecond(step, fewest):
    """Not after each call, which would be a tenth of it; and not less often."""
    assert fewest <= await turns_beside(step) <= fewest + 10


async def test_by_a_clock_that_stands_still_others_run_at_each_call():
    """It cannot tell how long ago their last turn was."""
    assert await turns_beside(0) >= 95


async def test_who_is_cancelled_has_asked_nothing_even_when_it_is_nobodys_turn():
    """There is no row."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        await hub.chat("gpt-4", "Hi")
        clock.advance(0.0001)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await hub.chat("gpt-4", "Hi")
        assert scope.cancelled_caught
        assert len(await hub.requests()) == 1
