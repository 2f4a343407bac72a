"""Callers who leave, where a deployment wants its answer read to the end."""

import anyio
import anyio.lowlevel
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.errors import UpstreamCut, UpstreamFailed
from aihub.model.account import LOCAL_ACCOUNT
from aihub.model.catalogue import Deployment, Drain, Retries, Routes
from aihub.model.events import Finished, Text, UsageSeen
from aihub.model.usage import Usage
from aihub.testing import ANSWER, ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio


def routes(drain, **more):
    """Routes to one deployment that drains."""
    place = Deployment(id="d", provider="p0", upstream_model="up", region="r", drain=drain, **more)
    return Routes(deployments={MODEL.id: (place,)}, region="r", retries=Retries(most=0))


class Stuck(ScriptedProvider):
    """A provider that says a word and then nothing more."""

    def open(self, call):
        opened = super().open(call)

        class Context:
            async def __aenter__(self):
                events = await opened.__aenter__()

                async def endless():
                    yield await anext(events)
                    await anyio.sleep_forever()

                self.events = endless()
                return self.events

            async def __aexit__(self, *error):
                await self.events.aclose()
                return await opened.__aexit__(*error)

        return Context()


async def one_row(hub):
    """The only row, once nothing is in flight."""
    with anyio.fail_after(5):
        while hub.in_flight:
            await anyio.lowlevel.checkpoint()
    [row] = await hub.requests()
    return row


async def test_a_stream_that_nobody_left_is_as_any_other():
    """The same events, one row, nothing left."""
    provider = ScriptedProvider()
    async with open_test_hub(provider, routes=routes(Drain())) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            events = [event async for event in stream]
        done = await hub.chat("gpt-4", "Hi")
        rows = await hub.requests()
    assert events == list(ANSWER)
    assert done.text == "Once upon a time"
    assert [row.state for row in rows] == ["ok", "ok"]
    assert provider.open_now == 0


async def test_who_leaves_lets_the_answer_be_read_on():
    """The row tells what the provider counted, and that its caller had left."""
    provider = ScriptedProvider()
    async with open_test_hub(provider, routes=routes(Drain())) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            await anext(aiter(stream))
        row = await one_row(hub)
    assert (row.state, row.usage) == ("aborted", Usage(7, 3, source="provider"))
    assert [one.outcome for one in row.attempts] == ["aborted"]
    assert provider.open_now == 0


async def test_who_is_cancelled_leaves_at_once():
    """Neither the caller nor the reservation waits for a provider that does not end."""
    provider = Stuck()
    async with open_test_hub(provider, routes=routes(Drain(seconds=0.05))) as hub:
        with anyio.move_on_after(0.01) as scope:
            await hub.chat("gpt-4", "Hi")
        assert scope.cancelled_caught
        assert (provider.open_now, hub.in_flight) == (1, 1)
        row = await one_row(hub)
    assert (row.state, row.usage.source, provider.open_now) == ("aborted", "estimated", 0)


async def test_an_answer_is_read_on_no_further_than_its_bound():
    """So many characters: then the provider is let go, and what came is counted."""
    provider = ScriptedProvider(
        [Text("a"), *[Text("b" * 10)] * 50, Finished("stop"), UsageSeen(Usage(7, 500))]
    )
    async with open_test_hub(provider, routes=routes(Drain(characters=35))) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            await anext(aiter(stream))
        row = await one_row(hub)
    assert (row.state, row.usage.source) == ("aborted", "estimated")
    assert row.usage.completion < 50


@pytest.mark.parametrize("error", [UpstreamCut("gone"), RuntimeError("a bug")])
async def test_what_breaks_while_nobody_waits_is_settled_as_it_is(error):
    """Nobody is told, and the row is there."""
    provider = ScriptedProvider([Text("a"), Text("b"), error])
    async with open_test_hub(provider, routes=routes(Drain())) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            await anext(aiter(stream))
        row = await one_row(hub)
    assert (row.state, row.usage.source) == ("aborted", "estimated")


async def test_errors_reach_a_caller_who_waits():
    """As without draining: before content and after it."""
    provider = ScriptedProvider([UpstreamFailed("down")], [Text("a"), UpstreamCut("gone")])
    async with open_test_hub(provider, routes=routes(Drain())) as hub:
        with pytest.raises(UpstreamFailed):
            await hub.chat("gpt-4", "Hi")
        async with hub.stream("gpt-4", "Hi") as stream:
            with pytest.raises(UpstreamCut):
                async for _ in stream:
                    pass
        rows = await hub.requests()
    assert [row.state for row in rows] == ["error", "error"]


async def test_closing_ends_what_reads_on():
    """After the grace that any request has; the row is settled."""
    provider = Stuck()
    clock = ManualClock()
    store = MemoryStore(clock=clock)
    drain = Drain(seconds=60)
    async with (
        open_test_hub(provider, routes=routes(drain), grace=0.01, store=store, clock=clock) as hub,
        hub.stream("gpt-4", "Hi") as stream,
    ):
        await anext(aiter(stream))
    row = await store.row(LOCAL_ACCOUNT, stream.id)
    assert (row.state, provider.open_now) == ("aborted", 0)


async def test_who_leaves_while_the_hub_closes_is_not_read_on():
    """Closing has no time for that."""
    provider = Stuck()
    async with open_test_hub(provider, routes=routes(Drain(seconds=60)), grace=0.01) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            await anext(aiter(stream))
            await hub.drain(0)
        with anyio.fail_after(5):
            while provider.open_now:
                await anyio.lowlevel.checkpoint()


async def test_cancelled_at_any_turn_it_is_settled_once():
    """However far the answer had come."""
    for turns in range(30):
        provider = ScriptedProvider()
        async with open_test_hub(provider, routes=routes(Drain())) as hub:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(hub.chat, "gpt-4", "Hi")
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            with anyio.fail_after(5):
                while hub.in_flight:
                    await anyio.lowlevel.checkpoint()
            rows = await hub.requests()
        assert len(rows) <= 1
        assert all(row.state in {"ok", "aborted"} for row in rows)
        assert provider.open_now == 0
