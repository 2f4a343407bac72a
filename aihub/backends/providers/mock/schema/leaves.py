"""Makes the writers of strings and numbers from what is known of them."""

from __future__ import annotations

import math

import attrs

from ..choosing import Chooser
from .checking import INSTALLED, matcher, need_checker
from .facts import Facts, refuse_above, refuse_empty_span
from .formats import FORMATS
from .hints import kind_of, kind_said
from .nodes import Writer
from .parsing import BadPattern, parse_pattern
from .patterns import UNBOUNDED
from .refusal import malformed, unsatisfiable, unsupported
from .scalars import Numbers
from .strings import MAX_LENGTH, MAX_PATTERN_LENGTH, Shape, Strings

SAMPLES = 4
"""Texts of a pattern that the validator is shown before its reading is trusted."""


def make_shape(pattern: str, at: str) -> Shape:
    """Read a pattern.

    Raises:
        SchemaRefused: it is none, or not one that texts are written for.
    """
    try:
        parsed = parse_pattern(pattern)
    except BadPattern as error:
        refuse = unsupported if error.known else malformed
        raise refuse("pattern", at, f"{error!s}, in {pattern[:80]!r}") from error
    if parsed.low > MAX_PATTERN_LENGTH:
        raise unsupported("pattern", at, f"asks for more than {MAX_PATTERN_LENGTH:,} characters")
    if not INSTALLED:
        if not parsed.sure:
            need_checker("pattern", at)
        return Shape(parsed, pattern, at)
    try:
        has_it = matcher(pattern)
    except ValueError as error:
        why = f"{pattern[:80]!r} is no pattern to the validator"
        raise malformed("pattern", at, why) from error
    # Dialects differ in odd corners, such as [[:alpha:]]: what is not read alike is checked.
    chooser = Chooser(b"a sample")
    samples = [parsed.write(chooser, parsed.low + more) for more in range(SAMPLES)]
    if not all(map(has_it, samples)):
        parsed = attrs.evolve(parsed, sure=False)
    return Shape(parsed, pattern, at)


def make_strings(facts: Facts, at: str) -> Writer:
    """Make the writer of strings.

    Raises:
        SchemaRefused: there are none, or too long ones are asked for.
    """
    facts.refuse_crossed("minLength", "maxLength")
    refuse_above(facts, "minLength", MAX_LENGTH)
    low, high = facts.bound("minLength", 0), facts.bound("maxLength", UNBOUNDED)
    shapes = [make_shape(pattern, where) for pattern, where in facts.patterns]
    formats = [one for one in facts.formats if one[0] in FORMATS]
    if len(shapes) > 1:
        need_checker("pattern", shapes[1].at)
    if len({name for name, _ in formats}) > 1 or (formats and shapes):
        need_checker("format", formats[-1][1])
    for shape in shapes:
        _refuse_length(shape, low, high)
    examples = [
        one for one in facts.examples if type(one) is str and one and low <= len(one) <= high
    ]
    return Strings(
        low,
        high,
        shapes,
        formats[0][0] if formats else None,
        at,
        kind_of(facts.title) or kind_said(facts.description),
        tuple(examples),
        tuple(name for name, _ in formats[1:]),
    )


def _refuse_length(shape: Shape, low: int, high: int) -> None:
    least, most = shape.pattern.lengths(low, high)
    if low > MAX_PATTERN_LENGTH:
        why = f"asks for more than {MAX_PATTERN_LENGTH:,} characters"
        raise unsupported("pattern", shape.at, why)
    if least > most and shape.pattern.sure:
        raise unsatisfiable("pattern", shape.at, "no string that has it is of the length asked for")


def make_numbers(facts: Facts, at: str, *, whole: bool) -> Writer:
    """Make the writer of numbers.

    Raises:
        SchemaRefused: there are none.
    """
    span = facts.span(whole=whole)
    refuse_empty_span(facts, span)
    examples = [
        one
        for one in facts.examples
        if type(one) in {int, float} and math.isfinite(one) and span.holds(one)
    ]
    low = facts.ranges.get("low") or facts.ranges.get("high")
    where = facts.steps[0][1] if facts.steps else low[2] if low else f"{at}/type"
    return Numbers(span, where, tuple(examples), facts.title)
