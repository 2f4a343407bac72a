"""What tokens cost: each priced once, in whole pico-dollars."""

import attrs
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.pricing import dearest, price, rates
from aihub.model.catalogue import PriceCard, PriceTier
from aihub.model.usage import Usage

RATE = st.integers(0, 10**9)
MAYBE_RATE = st.one_of(st.none(), RATE)
TOKENS = st.integers(0, 300_000)


@st.composite
def cards(draw, most_tiers=3):
    """A price card whose tiers are in order."""
    above = sorted(draw(st.sets(st.integers(0, 250_000), max_size=most_tiers)))
    tiers = tuple(
        PriceTier(
            above=bound,
            prompt=draw(RATE),
            completion=draw(RATE),
            cached=draw(MAYBE_RATE),
            cache_write=draw(MAYBE_RATE),
        )
        for bound in above
    )
    return PriceCard(
        prompt=draw(RATE),
        completion=draw(RATE),
        cached=draw(MAYBE_RATE),
        cache_write=draw(MAYBE_RATE),
        tiers=tiers,
    )


@st.composite
def usages(draw):
    """A usage whose parts are inside what they are parts of."""
    plain, cached, written = draw(TOKENS), draw(TOKENS), draw(TOKENS)
    completion = draw(TOKENS)
    return Usage(
        plain + cached + written,
        completion,
        cached=cached,
        cache_write=written,
        reasoning=draw(st.integers(0, completion)),
    )


def token_by_token(usage, card):
    """The plainest statement: put each token in one heap, and let each heap have its price."""
    holds = [tier for tier in card.tiers if usage.prompt > tier.above]
    rate = holds[-1] if holds else card
    heaps = {
        "plain": (usage.prompt - usage.cached - usage.cache_write, rate.prompt),
        "cached": (usage.cached, rate.prompt if rate.cached is None else rate.cached),
        "written": (
            usage.cache_write,
            rate.prompt if rate.cache_write is None else rate.cache_write,
        ),
        "completion": (usage.completion, rate.completion),
    }
    assert sum(count for count, _ in heaps.values()) == usage.total
    return sum(count * each for count, each in heaps.values())


@given(usages(), cards())
def test_each_token_is_priced_once(usage, card):
    """Every token lies in exactly one heap, cached and written ones inside the prompt."""
    assert price(usage, card) == token_by_token(usage, card)


@given(usages(), usages(), cards(most_tiers=0))
def test_without_tiers_prices_add_up(one, other, card):
    """Two requests cost what one with the tokens of both would."""
    both = Usage(
        one.prompt + other.prompt,
        one.completion + other.completion,
        cached=one.cached + other.cached,
        cache_write=one.cache_write + other.cache_write,
    )

    assert price(both, card) == price(one, card) + price(other, card)


@given(usages(), cards(), st.integers(0, 10**6))
def test_reasoning_is_inside_the_completion(usage, card, reasoning):
    """How much of a completion was reasoning changes nothing."""
    assert price(attrs.evolve(usage, reasoning=reasoning), card) == price(usage, card)


def test_a_tier_prices_the_whole_request():
    """One token above the bound and every token costs the tier's price, at the bound none does."""
    card = PriceCard(
        prompt=2,
        completion=3,
        tiers=(
            PriceTier(above=100, prompt=5, completion=7),
            PriceTier(above=200, prompt=11, completion=13, cached=1),
        ),
    )

    assert price(Usage(100, 10), card) == 100 * 2 + 10 * 3
    assert price(Usage(101, 10), card) == 101 * 5 + 10 * 7
    assert price(Usage(201, 10, cached=200), card) == 1 * 11 + 200 * 1 + 10 * 13
    assert rates(card, 200) is card.tiers[0]


def test_a_price_of_zero_is_a_price():
    """Cached tokens that are free are not taken for tokens without a price of their own."""
    card = PriceCard(prompt=10, completion=20, cached=0, cache_write=0)

    assert price(Usage(100, 1, cached=60, cache_write=30), card) == 10 * 10 + 20


@given(st.lists(cards(), min_size=1, max_size=3), usages(), st.data())
def test_no_candidate_costs_more_than_the_dearest(candidates, usage, data):
    """A hold covers every candidate, whatever its cache does, up to the completion reserved."""
    most = dearest(tuple(candidates), usage.prompt, usage.completion)
    used = attrs.evolve(usage, completion=data.draw(st.integers(0, usage.completion)), reasoning=0)

    assert all(price(used, card) <= most for card in candidates)
    assert any(most == dearest((card,), usage.prompt, usage.completion) for card in candidates)


def test_nothing_costs_nothing():
    """Without candidates there is nothing to hold."""
    assert dearest((), 10, 10) == 0
