"""What to try next when an attempt failed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.retrying import MAX_TRIES, Failed, Step, beside, next_step
from aihub.errors import UpstreamFailed, UpstreamLimited, UpstreamRefused, UpstreamTimeout
from aihub.model.catalogue import Retries

RULES = Retries(most=2, base=1.0, longest=3.0, patience=5.0)
DOWN = UpstreamFailed("down")
SLOW = UpstreamTimeout("slow")
KEYLESS = UpstreamFailed("keyless", status=401, lasting=True)
REFUSED = UpstreamRefused("wrong")


def limited(seconds):
    return UpstreamLimited("later", retry_after=seconds)


# Two deployments of the model, one of a model that may stand in, one of a second.
PLACES = (0, 0, 1, 2)


@pytest.mark.parametrize(
    ("failed", "closed", "step"),
    [
        ([], [], Step(0)),
        ([], [0], Step(1)),
        ([], [0, 1], Step(2)),
        ([], [0, 1, 2, 3], None),
        # Another place at once, whatever the fault.
        ([(0, DOWN)], [], Step(1)),
        ([(0, REFUSED)], [], Step(1)),
        ([(0, KEYLESS)], [], Step(1)),
        ([(0, limited(60))], [], Step(1)),
        # Then the same again after a wait: half of one second, half of two.
        ([(0, DOWN), (1, DOWN)], [], Step(0, 0.5)),
        ([(0, DOWN)], [1], Step(0, 0.5)),
        ([(0, DOWN), (1, DOWN), (0, SLOW)], [], Step(1, 1.0)),
        ([(0, DOWN), (1, DOWN)], [0], Step(1, 0.5)),
        # Not where it cannot help.
        ([(0, KEYLESS), (1, DOWN)], [], Step(1, 0.5)),
        ([(0, REFUSED), (1, KEYLESS)], [], Step(2)),
        # What a provider asks for is waited, if it is not too long.
        ([(0, limited(4)), (1, REFUSED)], [], Step(0, 4)),
        ([(0, limited(6)), (1, REFUSED)], [], Step(2)),
        ([(0, limited(6)), (1, limited(2))], [], Step(1, 2)),
        # Then another model, asked again as often as the first.
        ([(0, DOWN), (1, DOWN), (0, DOWN), (1, DOWN)], [], Step(2)),
        ([(0, DOWN), (1, DOWN), (0, DOWN), (1, DOWN)], [2], Step(3)),
        ([(0, REFUSED), (1, REFUSED), (2, DOWN)], [], Step(2, 0.5)),
        ([(0, REFUSED), (1, REFUSED), (2, REFUSED)], [], Step(3)),
        ([(0, REFUSED), (1, REFUSED), (2, REFUSED), (3, REFUSED)], [], None),
        # A place that has opened meanwhile is first asked as others are.
        ([(1, DOWN)], [], Step(0)),
    ],
)
def test_what_follows(failed, closed, step):
    """The table of what is tried after what."""
    tried = [Failed(place, error) for place, error in failed]
    assert next_step(PLACES, tried, RULES, closed=closed, chance=lambda: 0.5) == step


def test_without_retries_each_place_is_asked_once():
    """Other places and other models are still tried."""
    rules = Retries(most=0)
    tried = []
    while step := next_step(PLACES, tried, rules, closed=(), chance=lambda: 1.0):
        assert not step.wait
        tried.append(Failed(step.place, DOWN))
    assert [one.place for one in tried] == [0, 1, 2, 3]


def test_however_much_is_allowed_there_is_an_end():
    """A request that goes round and round is worth nothing to anybody."""
    tried = [Failed(0, DOWN)] * MAX_TRIES
    assert next_step((0,), tried, Retries(most=1000), closed=(), chance=lambda: 0.5) is None
    assert next_step((0,), tried[1:], Retries(most=1000), closed=(), chance=lambda: 0.5)


@pytest.mark.parametrize(
    ("failed", "running", "closed", "place"),
    [
        ([], 0, [], 1),
        ([], 1, [], 0),
        # Another model stands in for what failed, not for what is slow.
        ([], 2, [], None),
        # Nor is one asked that may not be, or that has failed already.
        ([], 0, [1], None),
        ([(1, DOWN)], 0, [], None),
        ([(0, DOWN)], 1, [], None),
        ([(3, DOWN)], 0, [], 1),
        ([(3, DOWN)] * (MAX_TRIES - 2), 0, [], 1),
        ([(3, DOWN)] * (MAX_TRIES - 1), 0, [], None),
    ],
)
def test_who_is_asked_beside_one_that_is_slow(failed, running, closed, place):
    """The next deployment of the same model, as long as a request has tries left."""
    tried = [Failed(*one) for one in failed]
    assert beside(PLACES, tried, running, closed=closed) == place


@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=8).map(sorted).map(tuple),
    st.integers(0, 40),
    st.lists(st.sampled_from([DOWN, SLOW, KEYLESS, REFUSED, limited(1), limited(90)]), min_size=40),
    st.floats(0, 1),
    st.sets(st.integers(0, 7)),
)
def test_every_request_comes_to_an_end(groups, most, errors, chance, closed):
    """In few attempts, each after a bounded wait, and never at a place that is closed."""
    groups = tuple(sorted(set(groups)).index(one) for one in groups)
    rules = Retries(most=most, base=1.0, longest=3.0, patience=5.0)
    tried = []
    while step := next_step(groups, tried, rules, closed=closed, chance=lambda: chance):
        assert step.place not in closed
        assert 0 <= step.wait <= 5
        tried.append(Failed(step.place, errors[len(tried) % len(errors)]))
        assert len(tried) <= MAX_TRIES
    of = [groups[one.place] for one in tried]
    assert of == sorted(of)
    for group in set(of):
        assert of.count(group) <= most + groups.count(group)
