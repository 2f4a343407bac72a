"""Checks of what is told again as it came: exact, for an answer that has it must be valid too.

Unlike those of `fields`, they take null only where the published document has it.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...messages import Msg
from ...model.units import Json
from ..fields import (
    SHOWN,
    Check,
    Fault,
    described,
    missing,
    obj,
    one_of,
    schema_of,
    typed,
    wrong_type,
)


def words(told: str) -> Check:
    """Take one of the words in *told*."""
    return one_of(frozenset(told.split()))


def exact(required: Mapping[str, Check], others: Mapping[str, Check], *, closed: bool) -> Check:
    """Take an object that has all that is required, and unless it is *closed* what else it says."""
    fields = {**required, **others}

    def check(value: Json, path: str) -> dict[str, Json]:
        given = obj(value, path)
        for one in required:
            if one not in given:
                raise missing(f"{path}.{one}")
        for one, inner in given.items():
            found = fields.get(one)
            if found is not None:
                found(inner, f"{path}.{one}")
            elif closed:
                where = f"{path}.{one[:SHOWN]}"
                raise Fault(
                    where, Msg("Unknown parameter: '{path}'.", path=where), "unknown_parameter"
                )
        return given

    return described(
        {
            "type": "object",
            "properties": {one: schema_of(check) for one, check in fields.items()},
            "required": [*required],
            **({"additionalProperties": False} if closed else {}),
        },
        check,
    )


def having(required: Mapping[str, Check], others: Mapping[str, Check] | None = None) -> Check:
    """Take an object with *required* and perhaps *others*; what else it says is let be."""
    return exact(required, others or {}, closed=False)


def only(required: Mapping[str, Check], others: Mapping[str, Check] | None = None) -> Check:
    """Take an object with *required* and perhaps *others*, and nothing else."""
    return exact(required, others or {}, closed=True)


def maybe(inner: Check) -> Check:
    """Take null, or what *inner* takes."""

    def check(value: Json, path: str) -> Json:
        return None if value is None else inner(value, path)

    return described({"anyOf": [schema_of(inner), {"type": "null"}]}, check)


def each(inner: Check) -> Check:
    """Take an object all of whose values *inner* takes."""

    def check(value: Json, path: str) -> Json:
        return {one: inner(x, f"{path}.{one[:SHOWN]}") for one, x in obj(value, path).items()}

    return described({"type": "object", "additionalProperties": schema_of(inner)}, check)


def either(*checks: Check) -> Check:
    """Take what one of *checks* takes; the last says what is wrong."""

    def check(value: Json, path: str) -> Json:
        for one in checks[:-1]:
            try:
                return one(value, path)
            except Fault:
                continue
        return checks[-1](value, path)

    return described({"anyOf": [schema_of(one) for one in checks]}, check)


def union(kinds: Mapping[str, Check]) -> Check:
    """Take an object whose `type` is one of *kinds*, which says what else it has."""
    known = one_of(frozenset(kinds))

    def check(value: Json, path: str) -> Json:
        given = obj(value, path)
        if "type" not in given:
            raise missing(f"{path}.type")
        return kinds[known(given["type"], f"{path}.type")](given, path)

    return described({"anyOf": [typed({"const": kind}, one) for kind, one in kinds.items()]}, check)


def real(value: Json, path: str) -> Json:
    """Take a number, whole or not."""
    if type(value) not in (int, float):
        raise wrong_type(path, Msg("a decimal"), value)
    return value


described({"type": "number"}, real)
