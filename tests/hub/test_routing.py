"""Where a hub asks, and where next: what a caller sees, what is billed, what the ledger says."""

from itertools import pairwise

import attrs
import pytest

from aihub.core.breaker import SLICES
from aihub.errors import (
    InvalidRequest,
    NoDeployment,
    RegionUnavailable,
    UpstreamCut,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UsageMistake,
)
from aihub.hub import Options
from aihub.model.catalogue import BreakerRules, Deployment, PriceCard, Retries, Routes
from aihub.model.events import Finished, Text, UsageSeen
from aihub.model.units import SECOND
from aihub.model.usage import Usage
from aihub.testing import ANSWER, ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.providers import MODEL

pytestmark = pytest.mark.anyio

OTHER = attrs.evolve(MODEL, id="other", prices=PriceCard(prompt=1, completion=1))
DOWN = UpstreamFailed("down")


def place(n, region="home", **more):
    return Deployment(id=f"d{n}", provider=f"p{n}", upstream_model="up", region=region, **more)


def routes(count, *, regions=(), **more):
    """Routes of the one model to the first *count* providers."""
    where = [*regions, *["home"] * count]
    places = tuple(place(n, where[n]) for n in range(count))
    return Routes(
        deployments={MODEL.id: places, OTHER.id: (place(count),)},
        **{"region": "home", "retries": Retries(most=0), **more},
    )


async def test_each_attempt_and_its_cause_are_kept():
    """In the ledger, in the order in which they were made, and with the error at its end."""
    first, second = ScriptedProvider([DOWN]), ScriptedProvider([UpstreamTimeout("slow")])
    async with open_test_hub(first, second, ScriptedProvider()) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            assert [event async for event in stream][-1].usage == Usage(7, 3)
            tried = stream.tried
        row = await hub.request(stream.id)

    assert [(one.n, one.outcome, one.error) for one in row.attempts] == [
        (1, "failed", "upstream_failed"),
        (2, "failed", "upstream_timeout"),
        (3, "ok", None),
    ]
    assert tried == (
        ("p0/gpt-4-0613", "upstream_failed"),
        ("p1/gpt-4-0613", "upstream_timeout"),
        ("p2/gpt-4-0613", "ok"),
    )
    # The one that may have been billed is, by its prompt alone.
    assert row.attempts[1].usage.source == "estimated"
    assert row.cost == sum(one.cost for one in row.attempts)


async def test_what_a_provider_says_that_it_costs_is_kept_beside_our_price():
    """The ledger has both; our price is what is charged."""
    provider = ScriptedProvider([Text("a"), Finished("stop"), UsageSeen(Usage(7, 3), cost=5)])
    async with open_test_hub(provider) as hub:
        done = await hub.chat("gpt-4", "Hi")
        [row] = await hub.requests()
    assert row.attempts[0].provider_cost == 5
    card = MODEL.prices
    assert done.cost == row.cost == 7 * card.prompt + 3 * card.completion


async def test_the_error_at_the_end_names_all_that_was_tried():
    """Where nothing answers, its caller is told of each."""
    async with open_test_hub(ScriptedProvider([DOWN]), ScriptedProvider([DOWN])) as hub:
        with pytest.raises(UpstreamFailed) as failed:
            await hub.chat("gpt-4", "Hi")
    assert failed.value.tried == (
        ("p0/gpt-4-0613", "upstream_failed"),
        ("p1/gpt-4-0613", "upstream_failed"),
    )


async def test_the_same_deployment_is_asked_again_after_a_wait():
    """A wait of chance, within its bound; a provider's own wish is waited in full."""
    provider = ScriptedProvider([DOWN], [UpstreamLimited("later", retry_after=3)], ANSWER)
    clock = ManualClock()
    where = routes(1, retries=Retries(most=2, base=0.5))
    async with open_test_hub(provider, ScriptedProvider(), routes=where, clock=clock) as hub:
        begun = clock.now()
        await hub.chat("gpt-4", "Hi")
        [row] = await hub.requests()
    waits = [after.started - before.ended for before, after in pairwise(row.attempts)]
    assert 0 <= waits[0] <= 0.5 * SECOND
    assert waits[1] == 3 * SECOND
    assert clock.now() - begun == sum(waits)
    assert [one.error for one in row.attempts] == ["upstream_failed", "upstream_rate_limited", None]


async def test_another_model_stands_in_and_is_what_is_billed():
    """Served by the other model at its price; the name as asked stays."""
    where = routes(1, fallbacks={MODEL.id: (OTHER.id,)})
    down, stands_in = ScriptedProvider([DOWN]), ScriptedProvider()
    async with open_test_hub(down, stands_in, routes=where, models=(MODEL, OTHER)) as hub:
        done = await hub.chat("gpt-4", "Hi")
        [row] = await hub.requests()
    assert (done.model, done.served_model, row.served_model) == ("gpt-4", "other", "other")
    assert done.cost == row.cost == 7 + 3
    assert stands_in.calls[0].model.id == "other"


async def test_a_model_whose_window_is_too_small_does_not_stand_in():
    """The prompt would not fit it."""
    small = attrs.evolve(OTHER, context_window=1)
    where = routes(1, fallbacks={MODEL.id: (OTHER.id,)})
    stands_in = ScriptedProvider()
    async with open_test_hub(
        ScriptedProvider([DOWN]), stands_in, routes=where, models=(MODEL, small)
    ) as hub:
        with pytest.raises(UpstreamFailed):
            await hub.chat("gpt-4", "Hi")
    assert not stands_in.calls


async def test_a_refusal_of_one_provider_does_not_speak_for_the_others():
    """Another may take it; none is asked twice, and the last one's words are told."""
    where = routes(2, retries=Retries(most=5))
    first = ScriptedProvider([UpstreamRefused("odd")])
    second = ScriptedProvider([UpstreamRefused("strange")])
    async with open_test_hub(first, second, ScriptedProvider(), routes=where) as hub:
        with pytest.raises(UpstreamRefused, match="strange"):
            await hub.chat("gpt-4", "Hi")
    assert (len(first.calls), len(second.calls)) == (1, 1)


async def test_what_a_provider_cannot_do_is_the_callers_to_mend():
    """No other is tried: the request names a field."""
    first, second = ScriptedProvider([InvalidRequest("no", param="n")]), ScriptedProvider()
    async with open_test_hub(first, second) as hub:
        with pytest.raises(InvalidRequest):
            await hub.chat("gpt-4", "Hi")
    assert not second.calls


async def test_nothing_follows_content():
    """What a caller has read cannot be taken back: the partial answer is billed, and no other is
    asked.
    """
    second = ScriptedProvider()
    first = ScriptedProvider([Text("Once"), UpstreamCut("gone")])
    where = routes(2, retries=Retries(most=5))
    async with open_test_hub(first, second, ScriptedProvider(), routes=where) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            with pytest.raises(UpstreamCut):
                async for _ in stream:
                    pass
        row = await hub.request(stream.id)
    assert not second.calls
    assert (row.state, row.attempts[0].outcome, row.usage.source) == ("error", "cut", "estimated")


# Breakers


RULES = BreakerRules(sample=3, ratio=0.5, cool=5 * SECOND)


async def test_a_deployment_that_keeps_failing_is_left_alone():
    """It is passed over until it has cooled; then one request asks it again."""
    clock = ManualClock()
    first, second = ScriptedProvider([DOWN], [DOWN], [DOWN], ANSWER), ScriptedProvider()
    where = routes(2, breaker=RULES)
    async with open_test_hub(first, second, ScriptedProvider(), routes=where, clock=clock) as hub:
        for _ in range(5):
            await hub.chat("gpt-4", "Hi")
        assert (len(first.calls), len(second.calls)) == (3, 5)
        assert hub.health.state("d0") == "open"
        clock.advance(5)
        assert hub.health.state("d0") == "half_open"
        for _ in range(2):
            await hub.chat("gpt-4", "Hi")
        assert (len(first.calls), len(second.calls)) == (5, 5)
        assert hub.health.state("d0") == "closed"


async def test_where_all_are_left_alone_a_request_is_refused_before_it_is_admitted():
    """At once, without a trace, and saying when to come again."""
    where = routes(1, breaker=RULES)
    provider = ScriptedProvider([DOWN])
    async with open_test_hub(provider, ScriptedProvider(), routes=where) as hub:
        for _ in range(3):
            with pytest.raises(UpstreamFailed):
                await hub.chat("gpt-4", "Hi")
        with pytest.raises(NoDeployment) as refused:
            await hub.chat("gpt-4", "Hi")
        rows = await hub.requests()
    assert (refused.value.code, refused.value.retry_after) == ("no_deployment", 5)
    assert (len(rows), len(provider.calls)) == (3, 3)


async def test_the_callers_own_bad_requests_open_nothing():
    """However many there are."""
    where = routes(1, breaker=RULES)
    async with open_test_hub(
        ScriptedProvider([UpstreamRefused("odd")]), ScriptedProvider(), routes=where
    ) as hub:
        for _ in range(2 * SLICES):
            with pytest.raises(UpstreamRefused):
                await hub.chat("gpt-4", "Hi")
        assert hub.health.state("d0") == "closed"


async def test_a_caller_who_leaves_opens_nothing_and_ends_a_probe():
    """Its end says nothing of the deployment, and the next may probe."""
    clock = ManualClock()
    provider = ScriptedProvider([DOWN], [DOWN], [DOWN], ANSWER)
    where = routes(1, breaker=RULES)
    async with open_test_hub(provider, ScriptedProvider(), routes=where, clock=clock) as hub:
        for _ in range(3):
            with pytest.raises(UpstreamFailed):
                await hub.chat("gpt-4", "Hi")
        clock.advance(5)
        async with hub.stream("gpt-4", "Hi") as stream:
            await anext(aiter(stream))
            with pytest.raises(NoDeployment):
                await hub.chat("gpt-4", "Hi")
        assert hub.health.state("d0") == "half_open"
        await hub.chat("gpt-4", "Hi")
        assert hub.health.state("d0") == "closed"


async def test_a_provider_that_asks_to_be_left_alone_is():
    """For as long as it says, where another can do; a minute at most."""
    clock = ManualClock()
    first = ScriptedProvider([UpstreamLimited("later", retry_after=20)], ANSWER)
    second = ScriptedProvider()
    async with open_test_hub(first, second, clock=clock) as hub:
        for _ in range(3):
            await hub.chat("gpt-4", "Hi")
        assert (len(first.calls), len(second.calls)) == (1, 3)
        clock.advance(20)
        await hub.chat("gpt-4", "Hi")
    assert (len(first.calls), len(second.calls)) == (2, 3)


async def test_the_only_one_is_asked_though_it_wants_to_be_left_alone():
    """Its own words are what a caller is told."""
    provider = ScriptedProvider([UpstreamLimited("later", retry_after=20)])
    async with open_test_hub(provider) as hub:
        for _ in range(2):
            with pytest.raises(UpstreamLimited):
                await hub.chat("gpt-4", "Hi")
    assert len(provider.calls) == 2


# Limits of a deployment


async def test_a_deployment_that_is_full_is_passed_over():
    """Its own limit is no fault of the caller's, and no 429."""
    places = (place(0, requests_per_minute=2), place(1))
    where = Routes(deployments={MODEL.id: places}, region="home", retries=Retries(most=0))
    clock = ManualClock()
    first, second = ScriptedProvider(), ScriptedProvider()
    async with open_test_hub(first, second, routes=where, clock=clock) as hub:
        for _ in range(5):
            await hub.chat("gpt-4", "Hi")
        assert (len(first.calls), len(second.calls)) == (2, 3)
        clock.advance(60)
        await hub.chat("gpt-4", "Hi")
    assert (len(first.calls), len(second.calls)) == (3, 3)


async def test_a_deployments_tokens_are_counted_as_they_were_used():
    """A reservation becomes what was used, as in a plan's window."""
    places = (place(0, tokens_per_minute=600), place(1))
    where = Routes(deployments={MODEL.id: places}, region="home", retries=Retries(most=0))
    long = [Text("a"), Finished("stop"), UsageSeen(Usage(7, 580))]
    first, second = ScriptedProvider(ANSWER, long, ANSWER), ScriptedProvider()
    async with open_test_hub(first, second, routes=where) as hub:
        for _ in range(3):
            await hub.chat("gpt-4", "Hi")
    assert (len(first.calls), len(second.calls)) == (2, 1)


# Policies and regions


async def test_the_fastest_is_asked_once_it_is_known():
    """Under the policy `latency` a slow one is left for when others are busy or gone."""
    clock = ManualClock()

    class Slow(ScriptedProvider):
        def open(self, call):
            clock.advance(3)
            return super().open(call)

    slow, fast = Slow(), ScriptedProvider()
    where = routes(2, policy="latency")
    async with open_test_hub(slow, fast, ScriptedProvider(), routes=where, clock=clock) as hub:
        for _ in range(6):
            await hub.chat("gpt-4", "Hi")
    assert (len(slow.calls), len(fast.calls)) == (1, 5)


async def test_the_cheapest_is_asked_where_that_is_the_policy_of_the_model():
    """A model's own policy comes before that of all."""
    dear, cheap = place(0), place(1, prices=PriceCard(prompt=1, completion=1))
    where = Routes(
        deployments={MODEL.id: (dear, cheap)}, region="home", policies={MODEL.id: "cheapest"}
    )
    async with open_test_hub(ScriptedProvider(), ScriptedProvider(), routes=where) as hub:
        assert (await hub.chat("gpt-4", "Hi")).cost == 10


async def test_a_request_may_prefer_a_region_and_leaves_it_where_it_must():
    """`near` stands in place of home: tried first, for this request alone, and no pin."""
    eu, home = ScriptedProvider(ANSWER, [DOWN], ANSWER), ScriptedProvider()
    async with open_test_hub(eu, home, ScriptedProvider(), routes=routes(2, regions=["eu"])) as hub:
        await hub.chat("gpt-4", "Hi")
        assert (len(eu.calls), len(home.calls)) == (0, 1)
        await hub.chat("gpt-4", "Hi", options=Options(near="eu"))
        assert (len(eu.calls), len(home.calls)) == (1, 1)
        await hub.chat("gpt-4", "Hi", options=Options(near="eu"))
        assert (len(eu.calls), len(home.calls)) == (2, 2)
        await hub.chat("gpt-4", "Hi", options=Options(near="mars"))
        assert (len(eu.calls), len(home.calls)) == (2, 3)


async def test_a_pinned_request_never_leaves_its_region():
    """Not for a fallback either: a place elsewhere is none, and that is said."""
    where = routes(2, regions=("eu", "home"), fallbacks={MODEL.id: (OTHER.id,)})
    eu, home, other = ScriptedProvider([DOWN]), ScriptedProvider(), ScriptedProvider()
    async with open_test_hub(eu, home, other, routes=where, models=(MODEL, OTHER)) as hub:
        with pytest.raises(UpstreamFailed):
            await hub.chat("gpt-4", "Hi", options=Options(region="eu"))
        with pytest.raises(RegionUnavailable):
            await hub.chat("gpt-4", "Hi", options=Options(region="asia"))
        await hub.chat("gpt-4", "Hi")
    assert (len(eu.calls), len(home.calls), len(other.calls)) == (1, 1, 0)


async def test_an_account_may_be_bound_to_a_region():
    """For good: until it is changed, none of its requests leaves it, whatever they ask for."""
    where = routes(2, regions=("eu", "home"))
    eu, home = ScriptedProvider(), ScriptedProvider()
    async with open_test_hub(eu, home, ScriptedProvider(), routes=where) as hub:
        bound = (await hub.accounts.create(region="eu")).id
        for options in (Options(), Options(region="eu")):
            await hub.chat("gpt-4", "Hi", account=bound, options=options)
        with pytest.raises(RegionUnavailable):
            await hub.chat("gpt-4", "Hi", account=bound, options=Options(region="home"))
        assert (len(eu.calls), len(home.calls)) == (2, 0)
        await hub.accounts.change(bound, region=None)
        await hub.chat("gpt-4", "Hi", account=bound, options=Options(region="home"))
        for wrong in ("", "a b", "x" * 65):
            with pytest.raises(InvalidRequest):
                await hub.accounts.change(bound, region=wrong)
    assert (len(eu.calls), len(home.calls)) == (2, 1)


# Replacing what is configured


class Held(ScriptedProvider):
    """A provider that holds something until it is closed."""

    closed = 0

    async def aclose(self):
        assert not self.open_now
        self.closed += 1


async def test_what_is_replaced_closes_when_its_last_request_has_ended():
    """Requests in flight finish on the old; what both have stays open; all closes with the hub."""
    old, kept, new = Held(), Held(), Held()
    where = routes(1)
    providers = {"p0": old, "p1": kept}
    async with open_test_hub(old, kept, routes=where) as hub:
        async with hub.stream("gpt-4", "Hi") as stream:
            await anext(aiter(stream))
            hub.replace(providers={**providers, "p0": new})
            await hub.chat("gpt-4", "Hi")
            assert (old.closed, len(new.calls)) == (0, 1)
            async for _ in stream:
                pass
        await hub.chat("gpt-4", "Hi")
        assert (old.closed, kept.closed, new.closed) == (1, 0, 0)
    assert (old.closed, kept.closed, new.closed) == (1, 1, 1)


async def test_routes_that_name_no_model_are_refused():
    """Before anything is replaced."""
    async with open_test_hub(ScriptedProvider(), ScriptedProvider()) as hub:
        with pytest.raises(UsageMistake, match="'nope'"):
            hub.replace(routes=routes(1, fallbacks={MODEL.id: ("nope",)}))
        await hub.chat("gpt-4", "Hi")
