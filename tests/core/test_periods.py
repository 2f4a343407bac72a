"""Calendar periods in UTC, over ends of months and years."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.periods import hour_of, month_of, period_end, period_label
from aihub.model.units import DAY, HOUR, SECOND, from_datetime, rfc3339, to_datetime

MOMENT = st.integers(0, 13_569_465_600 * SECOND)  # 1970 to 2400


def at(*when):
    """An instant in UTC."""
    return from_datetime(dt.datetime(*when, tzinfo=dt.UTC))


@pytest.mark.parametrize(
    ("when", "day", "month"),
    [
        (at(2026, 1, 31, 23, 59, 59, 999_999), "2026-02-01", "2026-02-01"),
        (at(2026, 12, 31, 12), "2027-01-01", "2027-01-01"),
        (at(2024, 2, 28, 1), "2024-02-29", "2024-03-01"),
        (at(2024, 2, 29), "2024-03-01", "2024-03-01"),
        (at(2100, 2, 28), "2100-03-01", "2100-03-01"),
        (at(2026, 3, 1), "2026-03-02", "2026-04-01"),
    ],
)
def test_a_budget_renews_when_its_period_ends(when, day, month):
    """Midnight UTC of the next day, or of the first of the next month, leap years included."""
    assert period_end("day", when) == f"{day}T00:00:00Z"
    assert period_end("month", when) == f"{month}T00:00:00Z"


def test_a_total_budget_never_renews():
    """It has one period, without an end."""
    assert period_label("total", at(2026, 1, 1)) == "total"
    assert period_end("total", at(2026, 1, 1)) is None


@given(MOMENT)
def test_a_label_names_the_day_or_month_of_its_instant(when):
    """Labels are what RFC 3339 begins with."""
    assert period_label("day", when) == rfc3339(when)[:10]
    assert period_label("month", when) == rfc3339(when)[:7]


@given(MOMENT, MOMENT, st.sampled_from(["day", "month"]))
def test_instants_share_a_label_iff_they_share_an_end(one, other, period):
    """What is spent under one label renews at one time."""
    same = period_label(period, one) == period_label(period, other)
    assert same == (period_end(period, one) == period_end(period, other))


@given(MOMENT)
def test_months_tile_time(when):
    """Each instant lies in one month, half open, and the next begins where it ends."""
    start, end = month_of(when)

    assert start <= when < end
    assert month_of(end)[0] == month_of(end - 1)[1] == end
    assert to_datetime(start).day == 1
    assert 28 * DAY <= end - start <= 31 * DAY


@given(MOMENT)
def test_an_hour_begins_at_or_before_its_instant(when):
    """Whole hours since the epoch."""
    assert hour_of(when) % HOUR == 0
    assert 0 <= when - hour_of(when) < HOUR
