"""Calendar periods and whole hours in UTC."""

from __future__ import annotations

import datetime as dt

from ..model.account import Period
from ..model.units import HOUR, Micros, from_datetime, rfc3339, to_datetime


def period_label(period: Period, at: Micros) -> str:
    """Name the period that *at* falls into, such as `2026-11` or `2026-11-22`."""
    if period == "total":
        return "total"
    moment = to_datetime(at)
    return moment.strftime("%Y-%m-%d" if period == "day" else "%Y-%m")


def period_ends(period: Period, at: Micros) -> Micros | None:
    """Return when the period of *at* ends; None if never."""
    if period == "total":
        return None
    day = to_datetime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return from_datetime(day + dt.timedelta(days=1) if period == "day" else _next_month(day))


def period_end(period: Period, at: Micros) -> str | None:
    """Return when the period of *at* ends, as RFC 3339; None if never."""
    ends = period_ends(period, at)
    return None if ends is None else rfc3339(ends)


def month_of(at: Micros) -> tuple[Micros, Micros]:
    """Return the calendar month around *at*, half open."""
    start = to_datetime(at).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return from_datetime(start), from_datetime(_next_month(start))


def hour_of(at: Micros) -> Micros:
    """Return the start of the hour around *at*."""
    return at - at % HOUR


def _next_month(day: dt.datetime) -> dt.datetime:
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)
