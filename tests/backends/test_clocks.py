"""Clocks go forwards."""

import time

import pytest

from aihub.backends.clocks import ManualClock, SystemClock


def test_the_systems_clock_stands_still_where_the_systems_goes_back(monkeypatch):
    """And goes on when the system has caught up."""
    clock, told = SystemClock(), []
    for nanos in (5_000_000, 4_000_999, 5_000_999, 6_000_000):
        monkeypatch.setattr(time, "time_ns", lambda nanos=nanos: nanos)
        told.append(clock.now())

    assert told == [5_000, 5_000, 5_000, 6_000]


def test_a_manual_clock_refuses_to_go_back():
    """Not by a microsecond, and it stays where it was."""
    clock = ManualClock(7)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-0.000_001)
    clock.advance(0)
    assert clock.now() == 7


def test_a_manual_clock_reaches_what_is_ahead_and_stays_where_that_is_past():
    """To the microsecond."""
    clock = ManualClock(7)
    clock.reach(9)
    clock.reach(8)
    assert clock.now() == 9
