"""Bodies that are objects of our own: strict, every fault named by its path.

A table says which fields there are and how each is checked. What it does not name is refused: a
misspelt limit that is silently ignored is no limit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import orjson

from ..errors import InvalidRequest
from ..messages import Msg
from ..model.units import Json
from .fields import SHOWN, Check, Fault, described, missing, schema_of

MAX_FAULTS = 20
"""Faults that are looked for in one body: whoever mends those sees the next."""


MAX_VALUES = 100_000
"""JSON values in one body, a member's name aside. A conversation of ten thousand messages has a
third of that. Small values are what costs time: 4 MiB of `[]` take 0.4 s of one request, during
which nobody else is served."""

_CONTAINERS_AND_COMMAS = (b",", b"[", b"{")


def _too_many_values(body: bytes) -> bool:
    """Say whether *body* has more than `MAX_VALUES`: each but the first follows one of three signs.

    Counting in the raw bytes first settles nearly every body; only where signs in texts may be to
    blame are texts taken out.
    """
    if len(body) <= MAX_VALUES or _signs(body) <= MAX_VALUES:
        return False
    bare = body.replace(rb"\\", b"").replace(rb"\"", b"")
    # A value has a name and a text at most: four quotation marks.
    if bare.count(b'"') > 4 * MAX_VALUES:
        return True
    return _signs(b"".join(bare.split(b'"')[::2])) > MAX_VALUES


def _signs(body: bytes) -> int:
    return sum([body.count(sign) for sign in _CONTAINERS_AND_COMMAS])


def json_object(body: bytes) -> dict[str, Json]:
    """Read a body that is a JSON object; of a name that is there twice the last value counts.

    Raises:
        InvalidRequest: it is none, or has more than `MAX_VALUES` values.
    """
    if _too_many_values(body):
        raise InvalidRequest(
            Msg("The body of your request has more than {most} JSON values.", most=MAX_VALUES),
            code="too_many_values",
        )
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(
            Msg("We could not parse the JSON body of your request: {error}.", error=error),
            code="invalid_json",
        ) from None
    if not isinstance(fields, dict):
        raise InvalidRequest(
            Msg("The body of your request must be a JSON object."), code="invalid_json"
        )
    return fields


def refusal(faults: list[Fault]) -> InvalidRequest:
    """Return the error that names the first fault and lists all."""
    first = faults[0]
    return InvalidRequest(
        first.message,
        param=first.path,
        code=first.code,
        faults=[(fault.path, fault.message) for fault in faults],
    )


def unknown(name: str) -> Fault:
    """Say that there is no such field."""
    shown = name[:SHOWN]
    return Fault(shown, Msg("Unknown parameter: '{path}'.", path=shown), "unknown_parameter")


def nullable(check: Check) -> Check:
    """Take null too."""
    return described(
        {"anyOf": [schema_of(check), {"type": "null"}]},
        lambda value, path: None if value is None else check(value, path),
    )


def object_schema(
    table: Mapping[str, Check], required: Iterable[str] = (), *, closed: bool = True
) -> dict[str, Json]:
    """Return the JSON Schema of the bodies that `read_object` takes, or `read_open`."""
    return {
        "type": "object",
        "properties": {name: schema_of(check) for name, check in table.items()},
        "required": list(required),
        **({"additionalProperties": False} if closed else {}),
    }


def read_fields(
    fields: Mapping[str, Json], table: Mapping[str, Check], required: Iterable[str] = ()
) -> dict[str, Json]:
    """Return what *table* makes of *fields*.

    Raises:
        InvalidRequest: fields are wrong, unknown or missing; `faults` lists them all.
    """
    values: dict[str, Json] = {}
    faults: list[Fault] = []
    for name, value in fields.items():
        check = table.get(name)
        try:
            if check is None:
                raise unknown(name)
            values[name] = check(value, name)
        except Fault as fault:
            faults.append(fault)
        if len(faults) == MAX_FAULTS:
            break
    faults += [missing(name) for name in required if name not in fields]
    if faults:
        raise refusal(faults)
    return values


def read_object(
    body: bytes, table: Mapping[str, Check], required: Iterable[str] = ()
) -> dict[str, Json]:
    """Read a body by *table*; an empty body is an empty object.

    Raises:
        InvalidRequest: it is no JSON object, or a field is wrong, unknown or missing.
    """
    return read_fields(json_object(body) if body else {}, table, required)


def read_open(
    body: bytes, table: Mapping[str, Check], required: Iterable[str] = ()
) -> tuple[dict[str, Json], dict[str, Json] | None]:
    """Read a body by *table*; return also what it does not name, which is to travel on.

    Raises:
        InvalidRequest: it is no JSON object, or a field is wrong or missing.
    """
    fields = json_object(body)
    known = {name: value for name, value in fields.items() if name in table}
    extra = {name: value for name, value in fields.items() if name not in table}
    return read_fields(known, table, required), extra or None
