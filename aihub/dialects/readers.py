"""Reading a provider's answer: what is of another type than it must be is no answer.

Unlike a request, whose every fault is named to who made it, an answer is right or it is not: who
asked cannot mend it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeVar

import orjson

from ..errors import UpstreamFailed
from ..model.units import Json

T = TypeVar("T")


def bad_answer(why: str) -> UpstreamFailed:
    """Say that a whole answer is none of its dialect."""
    return UpstreamFailed(f"The provider's answer cannot be read: {why}.", code="bad_answer")


def answer_object(body: bytes) -> dict[str, Any]:
    """Read a body that must be a JSON object.

    Raises:
        UpstreamFailed: it is none (`bad_answer`).
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise bad_answer("it is empty" if not body.strip() else "it is not JSON") from None
    if not isinstance(fields, dict):
        raise bad_answer("it is no JSON object")
    return fields


def take(fields: dict[str, Any], name: str, kind: type[T]) -> T | None:
    """Return a field of *fields* that is a *kind*, or None where it is null or not there.

    Raises:
        UpstreamFailed: it is something else (`bad_answer`).
    """
    value = fields.get(name)
    if value is None or (isinstance(value, kind) and type(value) is not bool):
        return value
    raise bad_answer(f"'{name}' is of another type")


def objects(fields: dict[str, Any], name: str) -> Iterator[dict[str, Any]]:
    """Yield the objects of a list that is a field of *fields*; none where it is not there.

    Raises:
        UpstreamFailed: it is no list, or has something else in it (`bad_answer`).
    """
    for one in take(fields, name, list) or ():
        if not isinstance(one, dict):
            raise bad_answer(f"'{name}' has in it what is no object")
        yield one


def count(fields: dict[str, Json] | None, name: str) -> int:
    """Return a number of tokens; 0 where there is none that could be one."""
    value = (fields or {}).get(name)
    return value if type(value) is int else 0
