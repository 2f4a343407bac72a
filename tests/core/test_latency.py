"""How long a deployment is likely to take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.latency import MEMORY, UNKNOWN, Pace, expected, measured


def test_a_slow_answer_counts_at_once():
    """In full: it may be the first of many."""
    assert measured(Pace(100.0, 0), 900, 5) == Pace(900.0, 5)


def test_a_fast_answer_moves_the_average_by_how_long_ago_the_last_was():
    """Little at once, nearly all the way after a while."""
    slow = Pace(1000.0, 0)
    assert measured(slow, 0, 1).took == pytest.approx(1000, rel=0.001)
    assert measured(slow, 0, MEMORY).took == pytest.approx(1000 / 2.71828, rel=0.001)
    assert measured(slow, 0, 20 * MEMORY).took == pytest.approx(0, abs=0.001)


def test_what_is_open_there_multiplies_what_is_expected():
    """Two that wait already make the third wait three times as long."""
    pace = Pace(100.0, 0)
    assert expected(pace, 2, 0) == pytest.approx(3 * expected(pace, 0, 0))
    assert expected(UNKNOWN, 0, 0) < expected(pace, 0, 0)
    assert expected(UNKNOWN, 1, 0) > expected(UNKNOWN, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(-5, 10**8)), min_size=1, max_size=20))
def test_an_average_lies_between_the_least_and_the_most(answers):
    """Whatever the clock does."""
    pace, now = UNKNOWN, 0
    for took, step in answers:
        now += step
        pace = measured(pace, took, now)
        assert 0 <= pace.took <= max(one for one, _ in answers)
        assert expected(pace, 0, now) >= 1
