"""Time and money as whole numbers: microseconds since the epoch, and pico-dollars.

Money is never a float. A list price such as $0.075 a million tokens is 75,000 pico-dollars a
token; some prices are not whole nano-dollars, none is finer than a pico-dollar.
"""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

Micros: TypeAlias = int
"""Microseconds: since the epoch in UTC for an instant, or the length of a span."""

Pico: TypeAlias = int
"""Money in pico-dollars (10**-12 USD)."""

Json: TypeAlias = Any
"""JSON that is the user's own; we carry it and do not look inside."""

SECOND: Micros = 1_000_000
MINUTE: Micros = 60 * SECOND
HOUR: Micros = 60 * MINUTE
DAY: Micros = 24 * HOUR

PICO_PER_USD: Pico = 10**12
_PICO_DIGITS = 12
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_ONE_MICRO = dt.timedelta(microseconds=1)


def usd(amount: str | int | Decimal) -> Pico:
    """Read an amount of dollars exactly.

    Raises:
        ValueError: *amount* is not a finite number, or is finer than a pico-dollar (the caller's
            fault). A float is refused with `TypeError`: its digits are not what was written.

    >>> usd("0.15")
    150000000000
    """
    if isinstance(amount, float):
        raise TypeError("money is given as text, int or Decimal, never as float")
    try:
        value = Decimal(amount) * PICO_PER_USD
        whole = int(value)
    except (InvalidOperation, OverflowError, ValueError):
        raise ValueError(f"not an amount of dollars: {amount!r}") from None
    if whole != value:
        raise ValueError(f"finer than a pico-dollar: {amount!r}")
    return whole


def format_usd(amount: Pico) -> str:
    """Write *amount* as an exact decimal number of dollars, without an exponent.

    >>> format_usd(150_000), format_usd(25_500_000_000_000)
    ('0.00000015', '25.5')
    """
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), PICO_PER_USD)
    digits = f"{rest:0{_PICO_DIGITS}d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}.0"


def to_datetime(at: Micros) -> dt.datetime:
    """Convert an instant to an aware UTC datetime, exactly."""
    return _EPOCH + dt.timedelta(microseconds=at)


def from_datetime(moment: dt.datetime) -> Micros:
    """Convert an aware datetime to an instant, exactly.

    Raises:
        ValueError: *moment* has no time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    return (moment - _EPOCH) // _ONE_MICRO


def rfc3339(at: Micros) -> str:
    """Write an instant as RFC 3339 in UTC, with a fraction only where there is one.

    >>> rfc3339(1_640_995_200_000_000)
    '2022-01-01T00:00:00Z'
    """
    return to_datetime(at).isoformat().replace("+00:00", "Z")


_RFC3339 = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def from_rfc3339(text: str) -> Micros:
    """Read an instant; digits below a microsecond are dropped.

    Raises:
        ValueError: *text* is not of that form, or no date.

    >>> from_rfc3339("2022-01-01T01:00:00+01:00")
    1640995200000000
    """
    if _RFC3339.fullmatch(text) is None:
        raise ValueError(f"not a date and time: {text!r}")
    return from_datetime(dt.datetime.fromisoformat(text.upper()))


REGION = re.compile("[!-~]{1,64}")
"""What can be a region: it stands in headers and in configurations."""
