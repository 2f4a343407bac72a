"""How much is set aside before an answer's length is known."""

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.reservations import (
    FEWEST,
    SAMPLE,
    UNKNOWN,
    Lengths,
    completion_reserve,
    reserved_tokens,
)

MAYBE = st.one_of(st.none(), st.integers(1, 200_000))


def remember(lengths):
    """Feed completions in the order they came."""
    memory = Lengths()
    for length in lengths:
        memory.add(length)
    return memory


@given(st.lists(st.integers(0, 5000), min_size=FEWEST, max_size=SAMPLE + 60))
def test_the_estimate_is_the_95th_percentile_of_the_last_completions(lengths):
    """By the nearest rank, among the last 256; what is older is forgotten."""
    last = sorted(lengths[-SAMPLE:])
    rank = ceil(Fraction(95, 100) * len(last))

    assert remember(lengths).estimate() == last[rank - 1]


def test_old_completions_are_forgotten_one_by_one():
    """After as many new ones as are remembered nothing of the old is left."""
    memory = remember([9000] * SAMPLE)
    for _ in range(SAMPLE):
        memory.add(3)

    assert memory.estimate() == 3
    assert len(memory.ages) == len(memory.sizes) == SAMPLE


@given(st.lists(st.integers(0, 5000), max_size=FEWEST - 1))
def test_few_completions_say_nothing(lengths):
    """Below sixteen a model counts as unknown."""
    assert remember(lengths).estimate() == UNKNOWN


@given(MAYBE, MAYBE, st.integers(1, 5000))
def test_an_estimate_is_bounded_by_what_is_allowed(max_tokens, max_output, estimate):
    """Request and model bound what an answer can be, so they bound what is set aside."""
    reserve = completion_reserve(
        max_tokens=max_tokens, max_output=max_output, estimate=estimate, mode="estimate"
    )

    bounds = [bound for bound in (max_tokens, max_output) if bound is not None]
    assert reserve <= estimate
    assert all(reserve <= bound for bound in bounds)
    assert reserve in {estimate, *bounds}


@given(MAYBE, MAYBE, st.integers(1, 5000))
def test_the_maximum_never_falls_short(max_tokens, max_output, estimate):
    """In mode `maximum` no answer that keeps its bounds is longer than what was set aside."""
    reserve = completion_reserve(
        max_tokens=max_tokens, max_output=max_output, estimate=estimate, mode="maximum"
    )

    bounds = [bound for bound in (max_tokens, max_output) if bound is not None]
    assert reserve == (min(bounds) if bounds else estimate)


@pytest.mark.parametrize(
    ("n", "limit", "reserved"), [(1, None, 510), (3, None, 1510), (3, 1000, 1000), (1, 1000, 510)]
)
def test_a_window_is_never_asked_for_more_than_it_can_hold(n, limit, reserved):
    """Every choice counts; what passes the limit is capped, for else it could never pass."""
    assert reserved_tokens(prompt=10, n=n, completion=500, limit=limit) == reserved
