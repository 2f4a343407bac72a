"""Reading fields of a JSON object: type, range, and an error that names the path.

A check takes a value and its path and returns the value, or raises `Fault`. Nothing is coerced:
`"1"` is not a number, `1.0` is an integer because JSON Schema says so (it has no fraction), and a
boolean is never a number. Texts and codes are those of OpenAI's API, which clients know.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias

import orjson

from ..errors import InvalidRequest
from ..model.units import Json

Check: TypeAlias = Callable[[Json, str], Json]

_KINDS = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}

SHOWN = 64
"""Characters of a wrong value that an error repeats: enough to find it."""


class Fault(Exception):
    """One field is wrong."""

    def __init__(self, path: str, message: str, code: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.code = code


def refusal(faults: list[Fault]) -> InvalidRequest:
    """Say all that is wrong; the first fault is the error's own."""
    first = faults[0]
    return InvalidRequest(
        first.message,
        param=first.path,
        code=first.code,
        faults=[(fault.path, fault.message) for fault in faults],
    )


def load_object(body: bytes) -> dict[str, Json]:
    """Read a body that is a JSON object.

    Raises:
        InvalidRequest: it is no JSON, or something else.
    """
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(
            f"We could not parse the JSON body of your request: {error}.", code="invalid_json"
        ) from None
    if not isinstance(fields, dict):
        raise InvalidRequest("The body of your request must be a JSON object.", code="invalid_json")
    return fields


def read_fields(
    fields: Mapping[str, Json],
    table: Mapping[str, Check],
    *,
    required: Collection[str] = (),
    nullable: Collection[str] = (),
) -> dict[str, Any]:
    """Read an object of ours: what it names, each by its check, and nothing else.

    Null stands for itself where a field is *nullable*, elsewhere it is a wrong type.

    Raises:
        InvalidRequest: fields are wrong, missing or unknown; `faults` lists them all.
    """
    values: dict[str, Any] = {}
    faults = [missing(name) for name in required if name not in fields]
    for name, value in fields.items():
        check = table.get(name)
        if check is None:
            faults.append(unknown(name))
        elif value is None and name in nullable:
            values[name] = None
        else:
            try:
                values[name] = check(value, name)
            except Fault as fault:
                faults.append(fault)
    if faults:
        raise refusal(faults)
    return values


def unknown(path: str) -> Fault:
    """Say that there is no such field."""
    return Fault(path, f"Unknown parameter: '{path[:SHOWN]}'.", "unknown_parameter")


def wrong_type(path: str, expected: str, value: Json) -> Fault:
    """Say that a value is of another type."""
    return Fault(
        path,
        f"Invalid type for '{path}': expected {expected}, but got {_KINDS[type(value)]} instead.",
        "invalid_type",
    )


def missing(path: str) -> Fault:
    """Say that a required field is not there."""
    return Fault(path, f"Missing required parameter: '{path}'.", "missing_required_parameter")


def boolean(value: Json, path: str) -> bool:
    """Take true or false."""
    if value is True or value is False:
        return bool(value)
    raise wrong_type(path, "a boolean", value)


def string(value: Json, path: str) -> str:
    """Take a text."""
    if isinstance(value, str):
        return value
    raise wrong_type(path, "a string", value)


def text_of(low: int, high: int) -> Check:
    """Take a text of *low* to *high* characters."""

    def check(value: Json, path: str) -> str:
        text = string(value, path)
        if not low <= len(text) <= high:
            raise Fault(
                path,
                f"Invalid '{path}': string of {len(text)} characters. "
                f"Expected {low} to {high} characters.",
                "string_above_max_length" if len(text) > high else "string_below_min_length",
            )
        return text

    return check


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Take a whole number within bounds."""

    def check(value: Json, path: str) -> int:
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int:
            raise wrong_type(path, "an integer", value)
        _bound(value, path, low, high, "integer")
        return value

    return check


def number(low: float, high: float) -> Check:
    """Take a number within bounds."""

    def check(value: Json, path: str) -> float:
        if type(value) not in (int, float):
            raise wrong_type(path, "a decimal", value)
        _bound(value, path, low, high, "decimal")
        return float(value)

    return check


def _bound(value: float, path: str, low: float | None, high: float | None, kind: str) -> None:
    if low is not None and value < low:
        raise Fault(
            path,
            f"Invalid '{path}': {kind} below minimum value. "
            f"Expected a value >= {low}, but got {value} instead.",
            f"{kind}_below_min_value",
        )
    if high is not None and value > high:
        raise Fault(
            path,
            f"Invalid '{path}': {kind} above maximum value. "
            f"Expected a value <= {high}, but got {value} instead.",
            f"{kind}_above_max_value",
        )


def one_of(values: Mapping[str, object] | frozenset[str]) -> Check:
    """Take one of a few texts."""

    def check(value: Json, path: str) -> str:
        text = string(value, path)
        if text in values:
            return text
        known = ", ".join(f"'{one}'" for one in sorted(values))
        raise Fault(
            path,
            f"Invalid value: '{text[:SHOWN]}'. Supported values are: {known}.",
            "invalid_value",
        )

    return check


def array(item: Check, low: int = 0, high: int | None = None) -> Check:
    """Take a list of *low* to *high* items."""

    def check(value: Json, path: str) -> tuple[Json, ...]:
        if not isinstance(value, list):
            raise wrong_type(path, "an array", value)
        if len(value) < low:
            raise Fault(
                path,
                f"Invalid '{path}': array too short. Expected an array with minimum length "
                f"{low}, but got one with length {len(value)} instead.",
                "array_below_min_length",
            )
        if high is not None and len(value) > high:
            raise Fault(
                path,
                f"Invalid '{path}': array too long. Expected an array with maximum length "
                f"{high}, but got one with length {len(value)} instead.",
                "array_above_max_length",
            )
        return tuple([item(one, f"{path}[{n}]") for n, one in enumerate(value)])

    return check


def pairs(value: Json, path: str) -> dict[str, str]:
    """Take an object whose values are texts."""
    return {name: string(one, f"{path}.{name[:SHOWN]}") for name, one in obj(value, path).items()}


def anything(value: Json, _path: str) -> Json:
    """Take what is there: the user's own JSON."""
    return value


def obj(value: Json, path: str) -> dict[str, Json]:
    """Take an object, whatever is in it."""
    if isinstance(value, dict):
        return value
    raise wrong_type(path, "an object", value)
