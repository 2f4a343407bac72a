"""Reading fields of a JSON object: type, range, and an error that names the path.

A check takes a value and its path and returns the value, or raises `Fault`. Nothing is coerced:
`"1"` is not a number, `1.0` is an integer because JSON Schema says so (it has no fraction), and a
boolean is never a number. Texts and codes are those of OpenAI's API, which clients know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypeVar

from ..messages import Msg
from ..model.units import Json

Check: TypeAlias = Callable[[Json, str], Json]
C = TypeVar("C", bound=Callable[[Any, str], Any])

_SCHEMAS: dict[Check, Json] = {}


def described(schema: Json, check: C) -> C:
    """Note which JSON Schema says what *check* takes, and return it."""
    _SCHEMAS[check] = schema
    return check


def schema_of(check: Check) -> Json:
    """Return the JSON Schema of what *check* takes; a check says it where it is made."""
    return _SCHEMAS[check]


_KINDS = {
    bool: Msg("a boolean"),
    int: Msg("an integer"),
    float: Msg("a decimal"),
    str: Msg("a string"),
    list: Msg("an array"),
    dict: Msg("an object"),
    type(None): Msg("null"),
}

EXACT = 2.0**53
"""Beyond it a decimal stands for several whole numbers, and is none of them."""

MAX_NAME = 64
"""Characters of the name of a function or schema: OpenAI's own bound."""

MAX_SESSION_ID = 128
"""Characters of a session's id: ours have 40."""

SHOWN = 64
"""Characters of a wrong value that an error repeats: enough to find it."""


class Fault(Exception):
    """One field is wrong."""

    def __init__(self, path: str, message: str, code: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message
        self.code = code


def wrong_type(path: str, expected: str, value: Json) -> Fault:
    """Say that a value is of another type."""
    return Fault(
        path,
        Msg(
            "Invalid type for '{path}': expected {expected}, but got {found} instead.",
            path=path,
            expected=expected,
            found=_KINDS[type(value)],
        ),
        "invalid_type",
    )


def missing(path: str) -> Fault:
    """Say that a required field is not there."""
    return Fault(
        path, Msg("Missing required parameter: '{path}'.", path=path), "missing_required_parameter"
    )


def boolean(value: Json, path: str) -> bool:
    """Take true or false."""
    if value is True or value is False:
        return bool(value)
    raise wrong_type(path, Msg("a boolean"), value)


def string(value: Json, path: str) -> str:
    """Take a text."""
    if isinstance(value, str):
        return value
    raise wrong_type(path, Msg("a string"), value)


def text_of(low: int, high: int) -> Check:
    """Take a text of *low* to *high* characters."""

    def check(value: Json, path: str) -> str:
        text = string(value, path)
        if not low <= len(text) <= high:
            raise Fault(
                path,
                Msg(
                    "Invalid '{path}': string of {length} characters. Expected {low} to {high} "
                    "characters.",
                    path=path,
                    length=len(text),
                    low=low,
                    high=high,
                ),
                "string_above_max_length" if len(text) > high else "string_below_min_length",
            )
        return text

    return described({"type": "string", "minLength": low, "maxLength": high}, check)


def integer(low: int | None = None, high: int | None = None) -> Check:
    """Take a whole number within bounds."""

    def check(value: Json, path: str) -> int:
        if type(value) is float and value.is_integer():
            _bound(value, path, low, high, Msg("integer"))
            if abs(value) <= EXACT:
                value = int(value)
        if type(value) is not int:
            raise wrong_type(path, Msg("an integer"), value)
        _bound(value, path, low, high, Msg("integer"))
        return value

    return described({"type": "integer", **_bounds(low, high)}, check)


def number(low: float, high: float) -> Check:
    """Take a number within bounds."""

    def check(value: Json, path: str) -> float:
        if type(value) not in (int, float):
            raise wrong_type(path, Msg("a decimal"), value)
        _bound(value, path, low, high, Msg("decimal"))
        return float(value)

    return described({"type": "number", **_bounds(low, high)}, check)


def _bounds(low: float | None, high: float | None) -> dict[str, Json]:
    given = {"minimum": low, "maximum": high}
    return {name: bound for name, bound in given.items() if bound is not None}


def _bound(value: float, path: str, low: float | None, high: float | None, kind: str) -> None:
    if low is not None and value < low:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': {kind} below minimum value. Expected a value >= {low}, but "
                "got {value} instead.",
                path=path,
                kind=kind,
                low=low,
                value=value,
            ),
            f"{kind}_below_min_value",
        )
    if high is not None and value > high:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': {kind} above maximum value. Expected a value <= {high}, but "
                "got {value} instead.",
                path=path,
                kind=kind,
                high=high,
                value=value,
            ),
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
            Msg(
                "Invalid value: '{value}'. Supported values are: {known}.",
                value=text[:SHOWN],
                known=known,
            ),
            "invalid_value",
        )

    return described({"type": "string", "enum": sorted(values)}, check)


def array(item: Check, low: Literal[0, 1] = 0, high: int | None = None) -> Check:
    """Take a list of *low* to *high* items."""

    def check(value: Json, path: str) -> tuple[Json, ...]:
        if not isinstance(value, list):
            raise wrong_type(path, Msg("an array"), value)
        if len(value) < low:
            raise Fault(
                path,
                Msg(
                    "Invalid '{path}': empty array. Expected an array with minimum length {low}, "
                    "but got an empty array instead.",
                    path=path,
                    low=low,
                ),
                "empty_array",
            )
        if high is not None and len(value) > high:
            raise Fault(
                path,
                Msg(
                    "Invalid '{path}': array too long. Expected an array with maximum length "
                    "{high}, but got one with length {length} instead.",
                    path=path,
                    high=high,
                    length=len(value),
                ),
                "array_above_max_length",
            )
        return tuple([item(one, f"{path}[{n}]") for n, one in enumerate(value)])

    schema: dict[str, Json] = {"type": "array", "items": schema_of(item), "minItems": low}
    return described(schema if high is None else {**schema, "maxItems": high}, check)


def pairs(value: Json, path: str) -> dict[str, str]:
    """Take an object whose values are texts."""
    return {name: string(one, f"{path}.{name[:SHOWN]}") for name, one in obj(value, path).items()}


def obj(value: Json, path: str) -> dict[str, Json]:
    """Take an object, whatever is in it."""
    if isinstance(value, dict):
        return value
    raise wrong_type(path, Msg("an object"), value)


NAME = re.compile(r"[a-zA-Z0-9_-]+")


def name(value: Json, path: str) -> str:
    """Take a name as OpenAI gives them to functions: letters, digits, underscores and dashes."""
    text: str = _short(value, path)
    if NAME.fullmatch(text) is None:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': string does not match pattern. Expected a string that "
                "matches the pattern '^[a-zA-Z0-9_-]+$'.",
                path=path,
            ),
            "invalid_value",
        )
    return text


def shape(fields: Mapping[str, Check], required: Iterable[str] = ()) -> Check:
    """Take an object whose *fields* are right, and return it as it is; others are let be.

    Null counts as not there.
    """
    needed = tuple(required)

    def check(value: Json, path: str) -> dict[str, Json]:
        given = obj(value, path)
        for one in needed:
            if given.get(one) is None:
                raise missing(f"{path}.{one}")
        for one, inner in given.items():
            found = fields.get(one)
            if found is not None and inner is not None:
                found(inner, f"{path}.{one}")
        return given

    return described(shape_schema(fields, needed), check)


def shape_schema(fields: Mapping[str, Check], required: Iterable[str] = ()) -> dict[str, Json]:
    """Return the JSON Schema of an object with *fields*, those not *required* perhaps null."""
    needed = list(required)
    properties = {
        one: schema_of(check) if one in needed else {"anyOf": [schema_of(check), {"type": "null"}]}
        for one, check in fields.items()
    }
    return {"type": "object", "properties": properties, "required": needed}


def variants(kinds: Mapping[str, Check]) -> Check:
    """Take an object whose `type` says what else it has; types that are not known are let be."""

    def check(value: Json, path: str) -> dict[str, Json]:
        given = obj(value, path)
        if given.get("type") is None:
            raise missing(f"{path}.type")
        found = kinds.get(string(given["type"], f"{path}.type"))
        if found is not None:
            found(given, path)
        return given

    other = {"type": "string", "not": {"enum": [*kinds]}}
    return described(
        {
            "anyOf": [
                *(typed({"const": kind}, one) for kind, one in kinds.items()),
                {"type": "object", "properties": {"type": other}, "required": ["type"]},
            ]
        },
        check,
    )


def typed(kind: Json, check: Check) -> dict[str, Json]:
    """Return the schema of what *check* takes, with a type that *kind* is the schema of."""
    schema = schema_of(check)
    needed = [one for one in schema.get("required", ()) if one != "type"]
    properties = {**schema.get("properties", {}), "type": kind}
    return {**schema, "properties": properties, "required": ["type", *needed]}


described({"type": "boolean"}, boolean)
described({"type": "string"}, string)
described({"type": "object"}, obj)
described({"type": "object", "additionalProperties": {"type": "string"}}, pairs)
_short = text_of(1, MAX_NAME)
described({**schema_of(_short), "pattern": f"^{NAME.pattern}$"}, name)
session_id: Check = text_of(1, MAX_SESSION_ID)
"""Take the id of a session to go on with: ours, in whatever dialect."""
