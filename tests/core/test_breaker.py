"""When a deployment that keeps failing is left alone."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core import breaker as breakers
from aihub.core.breaker import CLOSED, Breaker, began, ended, lets_through, state, verdict
from aihub.errors import (
    InvalidRequest,
    UpstreamCut,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from aihub.model.catalogue import BreakerRules
from aihub.model.units import SECOND

RULES = BreakerRules(sample=4, ratio=0.5, span=30 * SECOND, cool=5 * SECOND, longest=15 * SECOND)


def after(*ends, start=CLOSED, at=0, step=0, rules=RULES):
    """A breaker after attempts that ended so, one after the other."""
    found = start
    for n, end in enumerate(ends):
        found = ended(began(found), rules, end, at + n * step)
    return found


@pytest.mark.parametrize(
    ("ends", "opens"),
    [
        (["failed"] * 3, False),
        (["failed"] * 4, True),
        (["ok", "ok", "failed", "failed"], True),
        (["ok", "ok", "ok", "failed", "failed"], False),
        (["ok", "ok", "ok", "failed", "failed", "failed"], True),
        # A good end opens nothing, however bad it was before.
        (["failed", "failed", "failed", "ok"], False),
        (["neither"] * 9, False),
        (["neither", "failed", "neither", "failed", "neither", "failed"], False),
    ],
)
def test_it_opens_where_enough_of_enough_failed(ends, opens):
    """By share, from a smallest sample on; what says nothing counts for neither."""
    assert (state(after(*ends), 0) == "open") is opens


def test_what_is_long_ago_counts_no_more():
    """Three failures, and half a minute later the fourth: not one span has four."""
    old = after("failed", "failed", "failed")
    assert state(ended(old, RULES, "failed", 31 * SECOND), 31 * SECOND) == "closed"
    assert state(ended(old, RULES, "failed", 20 * SECOND), 20 * SECOND) == "open"


@pytest.mark.parametrize(
    ("at", "said", "through"),
    [
        (0, "open", False),
        (5 * SECOND - 1, "open", False),
        (5 * SECOND, "half_open", True),
        (99 * SECOND, "half_open", True),
    ],
)
def test_open_it_lets_nobody_through_until_it_has_cooled(at, said, through):
    """To the microsecond."""
    opened = after(*["failed"] * 4)
    assert (state(opened, at), lets_through(opened, at)) == (said, through)


def test_half_open_it_lets_one_through_at_a_time():
    """Until the probe has ended, whichever way."""
    probing = began(after(*["failed"] * 4))
    assert not lets_through(probing, 6 * SECOND)
    left = ended(probing, RULES, "neither", 6 * SECOND)
    assert lets_through(left, 6 * SECOND)
    assert ended(began(left), RULES, "ok", 6 * SECOND) == CLOSED


def test_each_failed_probe_doubles_the_wait_up_to_a_bound():
    """Five seconds, ten, fifteen and no more."""
    found = after(*["failed"] * 4)
    now, waits = 0, []
    for _ in range(4):
        waits.append(found.cool // SECOND)
        now += found.cool
        found = ended(began(found), RULES, "failed", now)
    assert waits == [5, 10, 15, 15]


def test_an_attempt_that_began_before_it_opened_changes_nothing():
    """Its end is old news; only a probe says how things are."""
    opened = after(*["failed"] * 4)
    for end in ("ok", "failed", "neither"):
        assert ended(opened, RULES, end, SECOND) == opened


def test_a_clock_that_steps_back_loses_no_count():
    """It is counted in the slice that is there."""
    found = after("failed", "failed", at=10 * SECOND)
    found = after("failed", "failed", start=found, at=0)
    assert found.opened == 0


@given(st.lists(st.tuples(st.sampled_from(["ok", "failed", "neither"]), st.integers(0, 9))))
def test_its_memory_is_bounded_and_its_counts_are_true(steps):
    """No more slices than a span has, and closed it never has a share that would open it."""
    found, now = CLOSED, 0
    for end, seconds in steps:
        now += seconds * SECOND
        if lets_through(found, now):
            found = ended(began(found), RULES, end, now)
        assert len(found.slices) <= breakers.SLICES + 1
        bad = sum(one[2] for one in found.slices)
        good = sum(one[1] for one in found.slices)
        assert found.opened is not None or end == "ok" or bad < 4 or bad < 0.5 * (good + bad)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, "ok"),
        (UpstreamFailed("a"), "failed"),
        (UpstreamFailed("a", code="upstream_credentials", status=401), "failed"),
        (UpstreamTimeout("a"), "failed"),
        (UpstreamCut("a"), "failed"),
        (UpstreamRefused("a"), "neither"),
        (UpstreamLimited("a"), "neither"),
        (InvalidRequest("a"), "neither"),
        (UpstreamFailed("a", code="pool_timeout"), "neither"),
    ],
)
def test_what_an_error_says_of_a_deployment(error, told):
    """The caller's own bad request, a rate limit and our own full pool say nothing of it."""
    assert verdict(error) == told


def test_rules_that_cannot_be_are_refused():
    """A share of none or of more than all, and a sample of nobody."""
    for wrong in ({"ratio": 0}, {"ratio": 1.1}, {"sample": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            attrs.evolve(RULES, **wrong)
    assert Breaker() == CLOSED
