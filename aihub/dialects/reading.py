"""Reading what a provider answers: whatever it is, it is our value or our error.

Accessors return a value of the type that is asked for, or nothing where the field is not there or
null; a field of another type is a broken answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import orjson

from ..errors import UpstreamFailed
from ..messages import Msg
from ..model.units import Json
from ..model.usage import MAX_TOKENS
from .fields import SHOWN

MAX_DEPTH = 128
"""Levels of JSON in an answer: what is written again may have 254, our own included."""

T = TypeVar("T")
D = TypeVar("D")


class Unreadable(Exception):
    """A provider said what is none of its dialect."""


def json_of(data: bytes, *, bounded: bool = True) -> dict[str, Json]:
    """Read an object.

    Args:
        data: what it is told in.
        bounded: whether it may be nested no deeper than can be written again; not to look spares
            the time where there are millions of numbers, of which nothing is written.

    Raises:
        Unreadable: it is none, or nested too deep.
    """
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Unreadable("It is not JSON.") from None
    if not isinstance(value, dict):
        raise Unreadable("It is not a JSON object.")
    # A piece of a stream is mostly too short for that.
    if bounded and len(data) > 2 * MAX_DEPTH and data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _bounded(value)
    return value


def _bounded(value: Json) -> None:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise Unreadable(f"It is nested more than {MAX_DEPTH} deep.")


def _inside(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def field(fields: Mapping[str, Json], name: str, kind: type[T], otherwise: D) -> T | D:
    """Return a field of a type, or *otherwise* where it is not there.

    Raises:
        Unreadable: it is of another type.
    """
    value = fields.get(name)
    if value is None:
        return otherwise
    if type(value) is not kind:
        raise Unreadable(f"'{name}' is no {kind.__name__}.")
    return value


def objects(fields: Mapping[str, Json], name: str) -> list[dict[str, Json]]:
    """Return a list of objects.

    Raises:
        Unreadable: it is none.
    """
    values = field(fields, name, list, [])
    if not all(isinstance(one, dict) for one in values):
        raise Unreadable(f"'{name}' holds what is no object.")
    return values


def needed(fields: Mapping[str, Json], name: str) -> str:
    """Return a text that must be there.

    Raises:
        Unreadable: it is not, or is none.
    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise Unreadable(f"'{name}' is no text.")
    return value


def tokens(fields: Mapping[str, Json], name: str, otherwise: int = 0) -> int:
    """Return a count of tokens.

    Raises:
        Unreadable: it is none, or beyond all reason.
    """
    value = field(fields, name, int, otherwise)
    if not 0 <= value <= MAX_TOKENS:
        raise Unreadable(f"'{name}' is no count of tokens.")
    return value


def bad_answer(error: Unreadable) -> UpstreamFailed:
    """Say that a whole answer could not be read."""
    return UpstreamFailed(
        Msg("The provider's answer cannot be read: {error}", error=error), code="bad_answer"
    )


def bad_stream(error: Unreadable) -> UpstreamFailed:
    """Say that a stream could not be read."""
    return UpstreamFailed(
        Msg("The provider's stream cannot be read: {error}", error=error), code="bad_stream"
    )


def shown(name: str) -> str:
    """Return a provider's word, short enough for an error."""
    return name[:SHOWN]
