"""Where a model may be asked, in which order."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.routing import Places, candidates, card_of
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

    order = [int(one.id[1:]) for one in found]
    assert sorted(order) == list(range(len(regions)))
    assert order == [n for n, region in enumerate(regions) if region == home] + [
        n for n, region in enumerate(regions) if region != home
    ]


@given(
    st.lists(st.sampled_from(REGIONS), min_size=1, max_size=6),
    st.sampled_from(REGIONS),
    st.sampled_from(REGIONS),
)
def test_a_pinned_request_never_leaves_its_region(regions, home, pin):
    """With a pin only that region is tried; where it serves nothing, the request is refused."""
    where = routes(*regions, home=home, default="p0")
    if pin in regions:
        assert {one.region for one in candidates(where, MODEL, region=pin)} == {pin}
    else:
        with pytest.raises(RegionUnavailable, match=f"'{pin}'"):
            candidates(where, MODEL, region=pin)


def test_other_models_are_served_by_the_default_at_home():
    """A model that no deployment names goes to the default under its own id."""
    other = attrs.evolve(MODEL, id="other")

    (only,) = candidates(routes("us", default="mock"), other, region=None)

    assert (only.id, only.provider, only.region) == ("mock/other", "mock", "eu")
    assert only.upstream_model == "other"
    assert candidates(routes("us", default="mock"), other, region="eu") == (only,)
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

    assert card_of(place(0, "eu", own), MODEL) is own
    assert card_of(place(0, "eu"), MODEL) is MODEL.prices


def test_places_are_priced_once_for_all_requests():
    """Each deployment has its card, and what a lost row says of the first one is ready."""
    own = PriceCard(prompt=1, completion=2)
    first, second = place(0, "eu", own), place(1, "us")

    places = Places.of((first, second), MODEL)

    assert places.deployments == (first, second)
    assert places.cards == (own, MODEL.prices)
    assert places.planned == Planned("d0", "m", "eu", '{"prompt":1,"completion":2}')
