"""Where a model may be asked, in which order."""

from collections import Counter
from random import Random

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.routing import Place, Places, Weights, candidates, ordered
from aihub.errors import RegionUnavailable
from aihub.model.catalogue import Deployment, PriceCard, Routes
from aihub.model.ledger import Planned
from aihub.testing.providers import MODEL

REGIONS = ["eu", "us", "asia"]


def place(n, region, prices=None):
    """A deployment."""
    return Deployment(
        id=f"d{n}", provider=f"p{n}", upstream_model="m", region=region, prices=prices
    )


def routes(*regions, home="eu", **more):
    """Routes of the one model, with a deployment in each region."""
    places = tuple(place(n, region) for n, region in enumerate(regions))
    return Routes(deployments={MODEL.id: places}, region=home, **more)


@given(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=6), st.sampled_from(REGIONS))
def test_home_comes_first_and_order_stays_otherwise(regions, home):
    """Nothing is left out, home goes first, and within each the order is as configured."""
    found = candidates(routes(*regions, home=home), MODEL, region=None)

    order = [int(one.deployment.id[1:]) for one in found]
    assert sorted(order) == list(range(len(regions)))
    assert order == [n for n, region in enumerate(regions) if region == home] + [
        n for n, region in enumerate(regions) if region != home
    ]


@given(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=6), st.sampled_from(REGIONS))
def test_another_home_may_be_preferred(regions, home):
    """It is as if the routes had that home."""
    assert candidates(routes(*regions), MODEL, region=None, home=home) == candidates(
        routes(*regions, home=home), MODEL, region=None
    )


@given(
    st.lists(st.sampled_from(REGIONS), min_size=1, max_size=6),
    st.sampled_from(REGIONS),
    st.sampled_from(REGIONS),
)
def test_a_pinned_request_never_leaves_its_region(regions, home, pin):
    """With a pin only that region is tried; where it serves nothing, the request is refused."""
    where = routes(*regions, home=home, default="p0")
    if pin in regions:
        found = candidates(where, MODEL, region=pin)
        assert {one.deployment.region for one in found} == {pin}
    else:
        with pytest.raises(RegionUnavailable, match=f"'{pin}'"):
            candidates(where, MODEL, region=pin)


def test_other_models_are_served_by_the_default_at_home():
    """A model that no deployment names goes to the default under its own id."""
    other = attrs.evolve(MODEL, id="other")

    (place,) = candidates(routes("us", default="mock"), other, region=None)
    only = place.deployment

    assert (only.id, only.provider, only.region) == ("mock/other", "mock", "eu")
    assert only.upstream_model == "other"
    assert candidates(routes("us", default="mock"), other, region="eu") == (place,)
    with pytest.raises(RegionUnavailable, match="'us'"):
        candidates(routes("us", default="mock"), other, region="us")


def test_without_a_default_other_models_have_no_place():
    """The error names model and region, and says that it may pass."""
    with pytest.raises(RegionUnavailable, match=r"`other`.*'eu'") as refused:
        candidates(routes("us"), attrs.evolve(MODEL, id="other"), region=None)

    assert refused.value.retryable


def test_a_deployments_own_prices_come_before_the_models():
    """Where a deployment names prices they hold there."""
    own = PriceCard(prompt=1, completion=2)

    assert Place.of(place(0, "eu", own), MODEL).card is own
    assert Place.of(place(0, "eu"), MODEL).card is MODEL.prices


def test_places_are_priced_once_for_all_requests():
    """Each deployment has its card, and what a lost row says of the first one is ready."""
    own = PriceCard(prompt=1, completion=2)
    first, second = Place.of(place(0, "eu", own), MODEL), Place.of(place(1, "us"), MODEL)

    places = Places.of((first,), (second,))

    assert places.all == (first, second)
    assert places.groups == (0, 1)
    assert places.cards == (own, MODEL.prices)
    assert places.planned == Planned("d0", "m", "eu", '{"prompt":1,"completion":2}')


# The order within a level

CHEAP, DEAR = PriceCard(prompt=1, completion=2), PriceCard(prompt=9, completion=9)


def served(*deployments, **more):
    """Routes of the one model by deployments written out, and their places."""
    where = Routes(deployments={MODEL.id: deployments}, region="eu", **more)
    return where, candidates(where, MODEL, region=None)


def by(*chances, expected=None):
    """What a policy goes by: chances one after the other, and how long each place takes."""
    draws = iter(chances)
    return Weights(10, 10, lambda one: (expected or {}).get(one.id, 0.0), lambda: next(draws))


def ids(places):
    return [one.deployment.id for one in places]


def test_a_lower_priority_comes_after_all_of_a_higher():
    """Whatever the policy says within each, and home before both."""
    where, places = served(
        attrs.evolve(place(0, "eu", DEAR), priority=1),
        attrs.evolve(place(1, "us", CHEAP)),
        attrs.evolve(place(2, "eu", CHEAP), priority=2),
        attrs.evolve(place(3, "eu", DEAR), priority=1),
    )
    assert ids(ordered(places, where.region, "cheapest", by())) == ["d0", "d3", "d2", "d1"]
    assert ids(ordered(places, where.region, "priority", by())) == ["d0", "d3", "d2", "d1"]


def test_the_cheapest_for_this_request_comes_first():
    """By what its prompt and a usual answer would cost there."""
    dear_prompt = PriceCard(prompt=5, completion=0)
    where, places = served(place(0, "eu", DEAR), place(1, "eu", dear_prompt), place(2, "eu", CHEAP))
    assert ids(ordered(places, where.region, "cheapest", by())) == ["d2", "d1", "d0"]


def test_weights_are_shares():
    """Drawn by chance: over many draws each comes first as often as its weight says."""
    draws = Random(7)
    where, places = served(
        attrs.evolve(place(0, "eu"), weight=3),
        attrs.evolve(place(1, "eu"), weight=1),
        attrs.evolve(place(2, "eu"), weight=0),
    )
    weights = Weights(1, 1, lambda _: 0.0, draws.random)
    first = Counter(ids(ordered(places, where.region, "weighted", weights))[0] for _ in range(4000))
    assert first["d2"] == 0
    assert 0.72 < first["d0"] / 4000 < 0.78


def test_a_chance_of_nothing_breaks_no_draw():
    """Zero is a chance like any other."""
    where, places = served(place(0, "eu"), place(1, "eu"))
    assert ids(ordered(places, where.region, "weighted", by(0.0, 0.5))) == ["d1", "d0"]


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=6),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1, exclude_max=True),
)
def test_the_faster_of_two_by_chance_comes_first_and_the_rest_by_pace(paces, one, two):
    """Never the slowest of three or more, all are there, and the rest is sorted."""
    expected = {f"d{n}": pace for n, pace in enumerate(paces)}
    where, places = served(*[place(n, "eu") for n in range(len(paces))])
    found = ids(ordered(places, where.region, "latency", by(one, two, expected=expected)))

    assert sorted(found) == sorted(expected)
    rest = [expected[id] for id in found[1:]]
    assert rest == sorted(rest)
    if len(paces) > 2:
        assert expected[found[0]] < max(paces) or len(set(paces)) < len(paces)
    else:
        assert expected[found[0]] == min(paces)
