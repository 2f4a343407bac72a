"""Answers, read; and what of them may reach a terminal."""

from __future__ import annotations

import json
import re
from decimal import Decimal

from ..client.desk import AskFailed
from ..model.units import Json

MAX_DIGITS = 60
"""Of a number before or after its point: written out, `1e999999999` would fill the memory."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Return *text* without what would steer a terminal, or turn the direction of writing."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _exact(text: str) -> Decimal:
    number = Decimal(text)
    if abs(number.adjusted()) > MAX_DIGITS:
        raise ValueError(text)
    return number


def read_object(told: bytes) -> dict[str, Json]:
    """Read an answer, numbers exactly.

    Raises:
        AskFailed: it is no object.
    """
    try:
        value = json.loads(told, parse_float=_exact)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise AskFailed("the answer is not one of aihub's: it is no object")
    return value


def read_list(value: dict[str, Json], within: str | None = None) -> dict[str, Json]:
    """Return the list that *value* is, or has *within*.

    Raises:
        AskFailed: it is none.
    """
    found = value if within is None else value.get(within)
    data = found.get("data") if isinstance(found, dict) else None
    if not isinstance(data, list) or not all(isinstance(one, dict) for one in data):
        raise AskFailed("the answer is not one of aihub's: it is no list")
    return found  # type: ignore[return-value]
