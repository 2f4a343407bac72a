"""What a window means, against the plainest statement of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.limits import Window, wait_seconds
from aihub.model.units import MINUTE, SECOND

# Steps of time around what matters: within a second, and around a minute.
STEP = st.one_of(
    st.integers(0, 2 * SECOND),
    st.integers(MINUTE - 2, MINUTE + 2),
    st.integers(0, 30 * SECOND),
    st.integers(-90 * SECOND, 0),
)
MOVE = st.tuples(STEP, st.integers(1, 6), st.booleans(), st.integers(0, 9))


def counted(log, now):
    """The charges that count at *now*, by the sentence in the contract."""
    return [(at, id, charge) for at, id, charge in log if 0 <= now - at < MINUTE]


@given(st.lists(MOVE, max_size=60), st.integers(1, 12))
def test_a_window_is_the_log_of_its_last_minute(moves, limit):
    """Sum, decision, wait and reset are those of a list that is searched from its start."""
    window, log, now, time = Window(), [], 1_000 * SECOND, 0
    for n, (step, wanted, settle, used) in enumerate(moves):
        amount = min(wanted, limit)
        now = max(0, now + step)
        time = max(time, now)  # its time never goes back
        live = counted(log, time)
        total = sum(charge for _, _, charge in live)

        fits = window.fits(amount, limit, now)

        assert fits == (total + amount <= limit)
        assert window.total == total
        assert (
            window.resets_at(now) == max((at for at, _, _ in live), default=time - MINUTE) + MINUTE
        )
        if fits:
            window.put(f"r{n}", amount, now)
            log.append((time, f"r{n}", amount))
        else:
            assert window.retry_after(amount, limit, now) == expected_wait(
                live, amount, limit, time
            )
        if settle and log:
            at, id, _ = log[-1]
            window.settle(id, used)
            log[-1] = (at, id, used)


def expected_wait(live, amount, limit, now):
    """The first whole second at which it fits if nothing else happens."""
    return next(
        seconds
        for seconds in range(1, 61)
        if sum(charge for *_, charge in counted(live, now + seconds * SECOND)) + amount <= limit
    )


@given(
    st.lists(st.tuples(st.integers(0, 20 * SECOND), st.integers(1, 5)), min_size=1, max_size=80),
    st.integers(1, 8),
)
def test_no_interval_of_a_minute_holds_more_than_the_limit(moves, limit):
    """However requests arrive, every half-open interval of 60 s holds at most N admissions."""
    window, now, admitted = Window(), 0, []
    for n, (step, burst) in enumerate(moves):
        now += step
        for m in range(burst):
            if window.fits(1, limit, now):
                window.put(f"r{n}.{m}", 1, now)
                admitted.append(now)

    for start in admitted:
        assert sum(start <= at < start + MINUTE for at in admitted) <= limit


@given(
    st.lists(
        st.tuples(st.integers(0, 9 * SECOND), st.integers(1, 50), st.integers(0, 80)),
        min_size=1,
        max_size=60,
    )
)
def test_consumption_passes_the_limit_by_no_more_than_the_over_shoot(moves):
    """In any window what was used is at most N plus what its entries used above reservations."""
    limit, window, now, entries = 100, Window(), 0, []
    for n, (step, reserved, used) in enumerate(moves):
        now += step
        if window.fits(reserved, limit, now):
            window.put(f"r{n}", reserved, now)
            window.settle(f"r{n}", used)
            entries.append((now, reserved, used))

    for start, _, _ in entries:
        inside = [(r, u) for at, r, u in entries if start <= at < start + MINUTE]
        over = sum(max(0, u - r) for r, u in inside)
        assert sum(u for _, u in inside) <= limit + over


@pytest.mark.parametrize(
    ("until", "now", "seconds"),
    [
        (0, 0, 1),
        (1, 0, 1),
        (SECOND, 0, 1),
        (SECOND + 1, 0, 2),
        (MINUTE, 0, 60),
        (MINUTE + 9, 0, 60),
    ],
)
def test_waits_are_whole_seconds_between_1_and_60(until, now, seconds):
    """Rounded up, never 0, never more than an SDK obeys."""
    assert wait_seconds(until, now) == seconds


def test_an_unknown_id_settles_nothing():
    """An entry that has left, or never was, is no more."""
    window = Window()
    window.put("r0", 5, 0)
    window.settle("r1", 9)
    window.advance(MINUTE)
    window.settle("r0", 9)

    assert (window.total, list(window.times)) == (0, [])


def test_a_wait_ends_with_the_last_entry_that_must_leave():
    """Those that may stay are not waited for."""
    window = Window()
    for n in range(3):
        window.put(f"r{n}", 2, n * 10 * SECOND)

    now = 20 * SECOND
    assert [window.retry_after(amount, 6, now) for amount in (1, 2, 3, 6)] == [40, 40, 50, 60]
