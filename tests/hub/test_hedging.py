"""A second deployment beside one that is slow to begin: who is followed, and what is billed."""

from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.errors import InvalidRequest, UpstreamCut, UpstreamFailed, UpstreamTimeout
from aihub.hub.hedging import MAX_KEPT
from aihub.model.catalogue import Deployment, Drain, Retries, Routes
from aihub.model.events import Finished, Started, Text, Unknown, UsageSeen
from aihub.model.units import SECOND
from aihub.model.usage import Usage
from aihub.testing import ANSWER, ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio

AFTER = 2.0
OTHER = attrs.evolve(MODEL, id="other")


class Gated(ScriptedProvider):
    """A provider that waits before the first event until its gate is opened."""

    def __init__(self, *scripts):
        super().__init__(*scripts)
        self.gate = anyio.Event()

    @asynccontextmanager
    async def open(self, call):
        async with super().open(call) as events:

            async def later():
                await self.gate.wait()
                async for event in events:
                    yield event

            answer = later()
            try:
                yield answer
            finally:
                await answer.aclose()


class Alarm:
    """The time to hedge: it comes when a test says so."""

    def __init__(self, clock):
        self.clock = clock
        self.waited = []
        self._due = anyio.Event()

    async def sleep(self, seconds):
        """Wait until it is due."""
        self.waited.append(seconds)
        await self._due.wait()
        self.clock.advance(seconds)

    def ring(self):
        """Let the time have come."""
        self._due.set()


def routes(count=2, *, drain=None, hedge=AFTER, **more):
    """Routes to so many deployments; the first is hedged."""
    places = [
        Deployment(id=f"d{n}", provider=f"p{n}", upstream_model="up", region="r")
        for n in range(count)
    ]
    places[0] = attrs.evolve(places[0], hedge_after=hedge, drain=drain)
    return Routes(
        **{"deployments": {MODEL.id: tuple(places)}, "region": "r", "retries": Retries(most=0)}
        | more
    )


@asynccontextmanager
async def racing(*providers, routes=None, **settings):
    """A hub, and the alarm of its races."""
    clock = ManualClock()
    alarm = Alarm(clock)
    where = routes or _routes(len(providers))
    async with open_test_hub(
        *providers, routes=where, clock=clock, sleep=alarm.sleep, **settings
    ) as hub:
        yield hub, alarm


_routes = routes


async def ask(hub, heard, **options):
    """Stream, and note what comes."""
    try:
        async with hub.stream("gpt-4", "Hi", **options) as stream:
            heard.append(stream)
            async for event in stream:
                heard.append(event)
            heard.append(stream.tried)
    except (UpstreamFailed, UpstreamTimeout, UpstreamCut, InvalidRequest, ValueError) as error:
        heard.append(error)


@asynccontextmanager
async def asking(hub, **options):
    """Have a caller who streams beside the test; what it heard is there afterwards."""
    heard = []
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: ask(hub, heard, **options))
        await anyio.wait_all_tasks_blocked()
        yield heard


def told(row):
    """What the ledger says of each attempt."""
    return [(one.n, one.deployment, one.outcome, one.error) for one in row.attempts]


async def test_one_that_begins_in_time_is_alone():
    """Nothing else is asked, and the row is as any other."""
    first, second = ScriptedProvider(), ScriptedProvider()
    async with racing(first, second) as (hub, alarm):
        async with asking(hub) as heard:
            pass
        done = await hub.chat("gpt-4", "Hi")
        rows = await hub.requests()
    assert heard[1:-1] == list(ANSWER)
    assert done.text == "Once upon a time"
    assert [told(row) for row in rows] == [[(1, "d0", "ok", None)]] * 2
    assert not second.calls
    assert set(alarm.waited) == {AFTER}


async def test_one_that_is_slow_loses_to_another():
    """It is let go before the first word, and has cost its prompt."""
    slow, fast = Gated(), ScriptedProvider()
    async with racing(slow, fast) as (hub, alarm):
        async with asking(hub) as heard:
            assert (slow.open_now, fast.calls) == (1, [])
            alarm.ring()
        [row] = await hub.requests()
        pace = hub.health.expected(hub._setup.routes.deployments[MODEL.id][0])
    assert heard[1:-1] == list(ANSWER)
    assert heard[-1] == (("d0", "hedge_lost"), ("d1", "ok"))
    assert told(row) == [(1, "d0", "aborted", "hedge_lost"), (2, "d1", "ok", None)]
    lost, won = row.attempts
    assert lost.usage == Usage(row.prompt_tokens, 0, source="estimated")
    assert lost.cost == row.prompt_tokens * MODEL.prices.prompt
    assert row.cost == lost.cost + won.cost
    assert row.usage == won.usage == Usage(7, 3)
    assert won.started - lost.started == AFTER * SECOND
    # That it was slow is known, though nobody waited to see how slow.
    assert pace >= AFTER * SECOND
    assert (slow.open_now, fast.open_now) == (0, 0)


async def test_whoever_begins_first_is_followed_though_it_was_asked_first():
    """The second has then lost; its end is not waited for by the caller's first word."""
    slow, slower = Gated(), Gated()
    async with racing(slow, slower) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            assert (slow.open_now, slower.open_now) == (1, 1)
            slow.gate.set()
        [row] = await hub.requests()
    assert heard[1:-1] == list(ANSWER)
    assert told(row) == [(1, "d0", "ok", None), (2, "d1", "aborted", "hedge_lost")]
    assert row.cost == sum(one.cost for one in row.attempts)
    assert (slow.open_now, slower.open_now) == (0, 0)


async def test_what_the_loser_said_before_its_answer_is_counted_and_not_told():
    """Its count of the prompt is billed; the caller hears who answers alone."""
    slow = Gated([Started(model="slow"), UsageSeen(Usage(50, 0), interim=True)])
    fast = Gated([Started(model="fast"), *ANSWER])
    async with racing(slow, fast) as (hub, alarm):
        async with asking(hub) as heard:
            slow.gate.set()
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            fast.gate.set()
        [row] = await hub.requests()
    # A provider that ends without an answer has failed.
    assert told(row)[0] == (1, "d0", "failed", "upstream_cut")
    assert row.attempts[0].usage.prompt == 50
    assert heard[1] == Started(model="fast")
    assert Started(model="slow") not in heard


async def test_who_talks_on_without_an_answer_has_begun():
    """What is kept before the first content is bounded."""
    chatty = Gated([*[Unknown({"x": 1})] * (MAX_KEPT + 1), *ANSWER])
    async with racing(chatty, Gated()) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            chatty.gate.set()
        [row] = await hub.requests()
    assert heard[1:-1] == [*[Unknown({"x": 1})] * (MAX_KEPT + 1), *ANSWER]
    assert told(row) == [(1, "d0", "ok", None), (2, "d1", "aborted", "hedge_lost")]


@pytest.mark.parametrize("error", [UpstreamFailed("down"), InvalidRequest("no", param="x")])
async def test_a_second_that_fails_leaves_the_first_alone(error):
    """Its failure is in the ledger, and the caller waits for the first."""
    slow, broken = Gated(), ScriptedProvider([error])
    async with racing(slow, broken) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            slow.gate.set()
        [row] = await hub.requests()
    assert heard[1:-1] == list(ANSWER)
    assert row.attempts[1].error == error.code
    assert row.attempts[0].outcome == "ok"
    assert row.state == "ok"


async def test_a_first_that_fails_leaves_the_second_alone():
    """What it may have billed is billed."""
    broken, slow = Gated([UpstreamTimeout("slow")]), Gated()
    async with racing(broken, slow) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            broken.gate.set()
            await anyio.wait_all_tasks_blocked()
            assert not heard[1:]
            slow.gate.set()
        [row] = await hub.requests()
    assert heard[1:-1] == list(ANSWER)
    assert told(row) == [(1, "d0", "failed", "upstream_timeout"), (2, "d1", "ok", None)]
    assert row.cost == row.attempts[0].cost + row.attempts[1].cost > row.attempts[1].cost


async def test_where_both_fail_a_third_is_asked():
    """As after any failure; the error at the end names all."""
    broken = Gated([UpstreamFailed("a")])
    worse = Gated([UpstreamFailed("b")])
    for third, last in ((ScriptedProvider(), "ok"), (ScriptedProvider([UpstreamFailed("c")]), "")):
        broken.gate, worse.gate = anyio.Event(), anyio.Event()
        async with racing(broken, worse, third) as (hub, alarm):
            async with asking(hub) as heard:
                alarm.ring()
                await anyio.wait_all_tasks_blocked()
                broken.gate.set()
                await anyio.wait_all_tasks_blocked()
                worse.gate.set()
            [row] = await hub.requests()
        assert [one.deployment for one in row.attempts] == ["d0", "d1", "d2"]
        if last:
            assert heard[1:-1] == list(ANSWER)
        else:
            assert heard[-1].message == "c"
            assert [where for where, _ in heard[-1].tried] == ["d0", "d1", "d2"]


async def test_one_that_fails_in_time_is_followed_as_ever():
    """Hedging is for the slow; a failure is answered by the next deployment at once."""
    broken, good = ScriptedProvider([UpstreamFailed("down")]), ScriptedProvider()
    async with racing(broken, good) as (hub, _):
        async with asking(hub) as heard:
            pass
        [row] = await hub.requests()
    assert heard[1:-1] == list(ANSWER)
    assert told(row) == [(1, "d0", "failed", "upstream_failed"), (2, "d1", "ok", None)]


async def test_without_another_deployment_there_is_nothing_to_hedge_with():
    """A fallback is another model: it stands in for what failed, not for what is slow."""
    slow = Gated()
    alone = routes(
        1,
        fallbacks={MODEL.id: (OTHER.id,)},
        deployments={
            MODEL.id: routes(1).deployments[MODEL.id],
            OTHER.id: (Deployment(id="d1", provider="p1", upstream_model="o", region="r"),),
        },
    )
    other = ScriptedProvider()
    async with racing(slow, other, routes=alone, models=(MODEL, OTHER)) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            slow.gate.set()
        [row] = await hub.requests()
    assert heard[1:-1] == list(ANSWER)
    assert told(row) == [(1, "d0", "ok", None)]
    assert not other.calls


async def test_without_room_in_the_budget_nobody_is_asked_beside():
    """Two attempts may cost two prompts."""
    slow, fast = Gated(), ScriptedProvider()
    slow.gate.set()
    async with racing(slow, fast) as (hub, alarm):
        account = (await hub.accounts.create("a", plan="pro")).id
        async with hub.stream("gpt-4", "Hi", account=account) as probe:
            hold = (await hub.request(probe.id, account)).reserved_cost
            [_ async for _ in probe]
        slow.gate = anyio.Event()
        await hub.accounts.create_budget(account, limit=hold, period="total")
        async with asking(hub, account=account) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            assert not fast.calls
            slow.gate.set()
        [row, *_] = await hub.requests(account=account)
    assert heard[1:-1] == list(ANSWER)
    assert told(row) == [(1, "d0", "ok", None)]
    assert row.cost == row.attempts[0].cost


async def test_whoever_leaves_frees_both():
    """Both have cost their prompt, and the row says that its caller had left."""
    slow, slower = Gated(), Gated()
    async with racing(slow, slower, routes=routes(drain=Drain())) as (hub, alarm):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hub.chat, "gpt-4", "Hi")
            await anyio.wait_all_tasks_blocked()
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            assert (slow.open_now, slower.open_now) == (1, 1)
            tasks.cancel_scope.cancel()
        assert (slow.open_now, slower.open_now, hub.in_flight) == (0, 0, 0)
        [row] = await hub.requests()
    assert told(row) == [(1, "d0", "aborted", "aborted"), (2, "d1", "aborted", "aborted")]
    assert row.state == "aborted"
    assert row.cost == 2 * row.prompt_tokens * MODEL.prices.prompt


async def landed(hub):
    """The only row, once nothing is in flight."""
    with anyio.fail_after(5):
        while hub.in_flight:
            await anyio.lowlevel.checkpoint()
    [row] = await hub.requests()
    return row


async def test_one_that_is_alone_is_read_on_where_it_drains():
    """Its caller has left before the first word."""
    slow, other = Gated(), Gated()
    async with racing(slow, other, routes=routes(drain=Drain())) as (hub, _):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hub.chat, "gpt-4", "Hi")
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        assert (slow.open_now, hub.in_flight) == (1, 1)
        slow.gate.set()
        row = await landed(hub)
    assert (row.state, row.usage) == ("aborted", Usage(7, 3))
    assert not other.calls


async def test_one_that_has_won_is_read_on_where_it_drains():
    """Its caller leaves in the middle of the answer."""
    slow, other = Gated(), Gated()
    async with racing(slow, other, routes=routes(drain=Drain())) as (hub, alarm):
        async with anyio.create_task_group() as tasks:
            left = anyio.Event()

            async def leave_early():
                async with hub.stream("gpt-4", "Hi") as stream:
                    await anext(aiter(stream))
                left.set()

            tasks.start_soon(leave_early)
            await anyio.wait_all_tasks_blocked()
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            slow.gate.set()
            await left.wait()
        row = await landed(hub)
    assert (row.state, row.usage) == ("aborted", Usage(7, 3))
    assert told(row) == [(1, "d0", "aborted", "aborted"), (2, "d1", "aborted", "hedge_lost")]
    assert (slow.open_now, other.open_now) == (0, 0)


async def test_a_fault_of_ours_ends_both():
    """It is no reason to go on, and nothing stays open."""
    broken, slow = Gated([ValueError("a bug")]), Gated()
    async with racing(broken, slow) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            broken.gate.set()
        [row] = await hub.requests()
    assert isinstance(heard[-1], ValueError)
    assert (row.state, row.code) == ("error", "internal_error")
    assert len(row.attempts) == 2
    assert (broken.open_now, slow.open_now) == (0, 0)


async def test_what_breaks_after_the_first_word_is_cut_as_ever():
    """There is nobody left to turn to."""
    cut, slow = Gated([Text("Once"), UpstreamCut("gone")]), Gated()
    async with racing(cut, slow) as (hub, alarm):
        async with asking(hub) as heard:
            alarm.ring()
            await anyio.wait_all_tasks_blocked()
            cut.gate.set()
        [row] = await hub.requests()
    assert heard[1] == Text("Once")
    assert isinstance(heard[-1], UpstreamCut)
    assert told(row) == [(1, "d0", "cut", "upstream_cut"), (2, "d1", "aborted", "hedge_lost")]


class Turning(ScriptedProvider):
    """A provider that takes its time: so many turns of the event loop."""

    def __init__(self, turns):
        super().__init__([Text("a"), Finished("stop"), UsageSeen(Usage(7, 1))])
        self.turns = turns

    @asynccontextmanager
    async def open(self, call):
        async with super().open(call) as events:
            for _ in range(self.turns):
                await anyio.lowlevel.checkpoint()
            yield events


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("turns", [(30, 2), (6, 5), (5, 30)])
async def test_cancelled_at_any_turn_it_is_settled_once(streamed, turns):
    """Whoever was ahead: nothing stays open, and each attempt that was made is in the row."""
    for point in range(60):
        providers = [Turning(one) for one in turns]
        clock = ManualClock()
        store = MemoryStore(clock=clock)
        where = routes()
        async with open_test_hub(*providers, routes=where, store=store, clock=clock) as hub:

            async def ask_one(hub=hub):
                if streamed:
                    async with hub.stream("gpt-4", "Hi") as stream:
                        async for _ in stream:
                            pass
                else:
                    await hub.chat("gpt-4", "Hi")

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask_one)
                for _ in range(point):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
            rows = await hub.requests()
            assert [one.open_now for one in providers] == [0, 0]
            assert hub.in_flight == 0
            for row in rows:
                assert row.state in {"ok", "aborted"}
                assert [one.n for one in row.attempts] == list(range(1, len(row.attempts) + 1))
                assert row.cost == sum(one.cost for one in row.attempts)
                assert sum(one.outcome == "ok" for one in row.attempts) == (row.state == "ok")
