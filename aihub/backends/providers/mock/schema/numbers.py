"""Numbers within bounds: exact where the schema is, in fractions."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache

import attrs

from .hints import pieces_of
from .pen import Pen

EXACT = (1 << 63) - 1
"""Whole numbers up to here are written as such; beyond, not every reader has room for them."""

_RANGES: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("probability", "confidence", "ratio", "fraction", "likelihood"), (0, 1)),
    **dict.fromkeys(("percent", "percentage", "score", "humidity", "progress"), (1, 99)),
    **dict.fromkeys(("age",), (18, 80)),
    **dict.fromkeys(("year", "annee", "jahr", "anno", "ano"), (1990, 2026)),
    **dict.fromkeys(("month",), (1, 12)),
    **dict.fromkeys(("day", "temperature", "quantity", "count"), (1, 28)),
    **dict.fromkeys(("hour",), (0, 23)),
    **dict.fromkeys(("minute", "second", "minutes", "seconds"), (0, 59)),
    **dict.fromkeys(("rating", "stars", "priority", "level"), (1, 5)),
    **dict.fromkeys(("index", "offset"), (0, 9)),
    **dict.fromkeys(("latitude", "lat"), (-60, 60)),
    **dict.fromkeys(("longitude", "lon", "lng"), (-120, 120)),
    **dict.fromkeys(("limit", "size", "max", "min"), (1, 20)),
}
USUAL = (1, 100)

FAR = 10
"""Bounds that are this many times as far apart as is usual say nothing of what is likely."""

WIDEST = 6
"""Digits by which later attempts range further."""


@lru_cache(maxsize=4096)
def usual_range(name: str) -> tuple[int, int]:
    """Return between what a number of that *name* is likely to be.

    >>> usual_range("publicationYear")
    (1990, 2026)
    """
    pieces = reversed(pieces_of(name))
    return next((_RANGES[one] for one in pieces if one in _RANGES), USUAL)


def exact(number: float) -> Fraction:
    """Return what a number of JSON stands for, not what a float makes of it.

    >>> exact(0.1)
    Fraction(1, 10)
    """
    return Fraction(repr(number))


@attrs.frozen
class Span:
    """Numbers between two bounds, of which each may be left out, and a multiple of a step."""

    low: Fraction | None = None
    high: Fraction | None = None
    open_low: bool = False
    open_high: bool = False
    step: Fraction | None = None
    whole: bool = False

    def holds(self, number: float) -> bool:
        """Say whether *number* is within."""
        value = number if type(number) is int else exact(number)
        if self.low is not None and (value < self.low or (self.open_low and value == self.low)):
            return False
        if self.high is not None and (value > self.high or (self.open_high and value == self.high)):
            return False
        if self.whole and type(value) is not int and value.denominator != 1:
            return False
        return self.step is None or (value / self.step).denominator == 1

    def grid(self) -> Fraction | None:
        """Return the step between one number and the next; None where there is always another."""
        if not self.whole:
            return self.step
        # In lowest terms, the whole ones among the multiples of p/q are those of p.
        return Fraction(1 if self.step is None else self.step.numerator)

    def places(self, step: Fraction) -> tuple[int | None, int | None]:
        """Return the first and the last multiple of *step* within the bounds."""
        first = last = None
        if self.low is not None:
            first = math.ceil(self.low / step)
            first += self.open_low and first * step == self.low
        if self.high is not None:
            last = math.floor(self.high / step)
            last -= self.open_high and last * step == self.high
        return first, last

    def is_empty(self) -> bool:
        """Say whether there is no such number."""
        step = self.grid()
        if step is not None:
            first, last = self.places(step)
            return first is not None and last is not None and first > last
        if self.low is None or self.high is None:
            return False
        return self.low > self.high or (self.low == self.high and (self.open_low or self.open_high))


def choose(span: Span, usual: tuple[int, int], pen: Pen) -> float:
    """Choose a number within *span*, if it can be within what is *usual*."""
    step = span.grid()
    if step is None:
        return _choose_any(span, usual, pen)
    # A multiple that is whole reads better, and every validator agrees on it.
    if step.denominator != 1 and pen.attempt % 2 == 0:
        whole = Fraction(step.numerator)
        first, last = span.places(whole)
        if first is None or last is None or first <= last:
            step = whole
    return _number(_multiple(span, step, usual, pen) * step)


def _multiple(span: Span, step: Fraction, usual: tuple[int, int], pen: Pen) -> int:
    """Choose a multiple of *step*: a usual one, else near a bound; wider with each attempt."""
    first, last = span.places(step)
    wide = 10 ** min(pen.attempt, WIDEST)
    low, high = math.ceil(usual[0] / step), math.floor(usual[1] * wide / step)
    high = max(low, high)
    width = high - low
    if first is not None and last is not None and _are_telling(span, usual, pen):
        low, high = first, last
    elif first is not None and high < first:
        low, high = first, first + width
    elif last is not None and low > last:
        low, high = last - width, last
    low = low if first is None else max(low, first)
    high = high if last is None else min(high, last)
    return low + pen.chooser.below(high - low + 1)


def _are_telling(span: Span, usual: tuple[int, int], pen: Pen) -> bool:
    """Say whether the bounds say more of a number than its name does."""
    if span.low is None or span.high is None or span.high - span.low > FAR * (usual[1] - usual[0]):
        return False
    return usual == USUAL or bool(pen.attempt)


def _choose_any(span: Span, usual: tuple[int, int], pen: Pen) -> float:
    """Choose where every number between the bounds will do: a whole one, or one with a decimal."""
    bounded = span.low is not None and span.high is not None and span.high - span.low <= 1
    first_try = (100 if bounded or usual[1] - usual[0] <= 1 else 10) * 10 ** min(
        pen.attempt, WIDEST
    )
    for digits in (first_try, 1, 10, 1000, 10**6):
        step = Fraction(1, digits)
        first, last = span.places(step)
        if first is not None and last is not None and first > last:
            continue
        value = _number(_multiple(span, step, usual, pen) * step)
        if span.holds(value):
            return value
    return _between(span)


def _between(span: Span) -> float:
    """Choose where the bounds are so close, or so far out, that no short decimal is within."""
    low, high = span.low, span.high
    if low is not None and high is not None:
        return _number((low + high) / 2)
    edge = low if low is not None else high or Fraction(0)
    outwards = Fraction(11, 10) if (edge > 0) == (low is not None) else Fraction(9, 10)
    return _number(edge * outwards)


def _number(value: Fraction) -> float:
    if value.denominator == 1 and abs(value) <= EXACT:
        return int(value)
    try:
        return float(value)
    except OverflowError:
        return sys.float_info.max if value > 0 else -sys.float_info.max
