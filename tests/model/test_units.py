"""Time and money are whole numbers, and reading and writing them loses nothing."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.model.units import (
    PICO_PER_USD,
    format_usd,
    from_datetime,
    rfc3339,
    to_datetime,
    usd,
)

MONEY = st.integers(-(10**24), 10**24)
MICROS = st.integers(-60_000_000_000_000_000, 200_000_000_000_000_000)


@given(MONEY)
def test_money_is_read_as_it_was_written(amount):
    """Every number of pico-dollars survives being written and read."""
    text = format_usd(amount)

    assert usd(text) == usd(Decimal(text)) == amount
    assert Fraction(text) == Fraction(amount, PICO_PER_USD)


@given(MONEY)
def test_money_is_a_plain_decimal_number(amount):
    """No exponent, a digit on each side of the point, no zeros to spare: JSON takes it as it is."""
    whole, point, digits = format_usd(amount).removeprefix("-").partition(".")

    assert point == "."
    assert whole.isdigit()
    assert digits.isdigit()
    assert digits == "0" or not digits.endswith("0")
    assert len(digits) <= 12


@given(st.integers(-(10**9), 10**9))
def test_whole_dollars_may_be_integers(dollars):
    """Text, int and Decimal say the same."""
    assert usd(dollars) == usd(str(dollars)) == usd(Decimal(dollars)) == dollars * PICO_PER_USD


@pytest.mark.parametrize(
    ("text", "pico"),
    [("0.000000000001", 1), ("1e-12", 1), ("-0.15", -150_000_000_000), (" 2.50 ", 25 * 10**11)],
)
def test_dollars_are_read_to_the_last_digit(text, pico):
    """The finest amount is a pico-dollar, however it is written."""
    assert usd(text) == pico


@pytest.mark.parametrize(
    "text", ["", "free", "1,5", "nan", "inf", "-Infinity", "1e-13", "0.1234567890123"]
)
def test_what_is_no_exact_amount_is_refused(text):
    """Not a number, not finite, or finer than a pico-dollar."""
    with pytest.raises(ValueError, match=r"not an amount|finer"):
        usd(text)


def test_a_float_is_never_money():
    """Its digits are not what was written."""
    with pytest.raises(TypeError, match="never as float"):
        usd(0.1)


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=20, min_value=-1000, max_value=1000)
)
def test_no_amount_is_rounded(amount):
    """What has more digits than a pico-dollar is refused, all else is exact."""
    exact = Fraction(amount) * PICO_PER_USD
    if exact.denominator == 1:
        assert usd(amount) == exact
    else:
        with pytest.raises(ValueError, match="finer than a pico-dollar"):
            usd(amount)


@given(MICROS)
def test_instants_survive_as_datetimes_and_as_text(at):
    """Exactly, to the microsecond."""
    assert from_datetime(to_datetime(at)) == at
    assert from_datetime(dt.datetime.fromisoformat(rfc3339(at))) == at
    assert rfc3339(at).endswith("Z")


@given(MICROS, MICROS)
def test_text_sorts_as_time_does(one, other):
    """Within whole seconds, where the texts are of one length."""
    one, other = one - one % 1_000_000, other - other % 1_000_000
    assert (one < other) == (rfc3339(one) < rfc3339(other))


def test_a_time_zone_is_needed_and_honoured():
    """A naive datetime is ambiguous; any zone is converted."""
    noon = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))

    assert rfc3339(from_datetime(noon)) == "2026-01-01T10:00:00Z"
    with pytest.raises(ValueError, match="time zone"):
        from_datetime(dt.datetime(2026, 1, 1))  # noqa: DTZ001 - its lack of a zone is the point
