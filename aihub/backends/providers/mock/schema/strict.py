"""What OpenAI takes as a schema with `strict: true`: a part of JSON Schema, with bounds of its own.

As documented for Structured Outputs in 2026. Texts are in the style of OpenAI's own; what stands
before them (`Invalid schema for response_format 'x':`) is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from .....model.units import Json
from .document import MAX_SCHEMAS
from .refusal import SchemaRefused

MAX_STRICT_PROPERTIES = 5_000
MAX_STRICT_LEVELS = 10
MAX_STRICT_ENUM = 1_000
MAX_STRICT_CHARACTERS = 120_000
"""Characters of all names of properties and definitions, values of enums and consts."""
LARGE_ENUM = 250
MAX_LARGE_ENUM_CHARACTERS = 15_000
"""Characters of the strings of one enum that has more than `LARGE_ENUM` values."""

FORMATS = frozenset(
    "date-time time date duration email hostname ipv4 ipv6 uuid".split()  # noqa: SIM905
)

_EVERYWHERE = frozenset(
    "title description examples $comment $schema $id $defs definitions $ref $anchor".split()  # noqa: SIM905
)
_TYPED = frozenset("type enum const anyOf nullable".split())  # noqa: SIM905
_BY_TYPE = frozenset(
    """
    properties required additionalProperties items minItems maxItems pattern format minLength
    maxLength multipleOf minimum maximum exclusiveMinimum exclusiveMaximum
    """.split()  # noqa: SIM905 - a list of so many is read better so
)
PERMITTED = _EVERYWHERE | _TYPED | _BY_TYPE

KNOWN = PERMITTED | frozenset(
    """
    allOf oneOf not if then else dependentRequired dependentSchemas dependencies patternProperties
    propertyNames minProperties maxProperties contains minContains maxContains uniqueItems
    unevaluatedItems unevaluatedProperties additionalItems prefixItems default
    """.split()  # noqa: SIM905 - as above
)
"""Keywords of JSON Schema: of those, what is not permitted is refused."""


@attrs.frozen
class _Place:
    """A schema within a schema: the steps to it, and how many objects it is within."""

    steps: tuple[str | int, ...]
    schema: Any
    level: int


@attrs.define
class _Totals:
    properties: int = 0
    options: int = 0
    characters: int = 0


def check_strict(schema: Json) -> None:
    """Refuse what OpenAI does not take with `strict: true`.

    Raises:
        SchemaRefused: of the kind `unsupported`; the message is in OpenAI's words.
    """
    if type(schema) is not dict:
        raise _refuse("type", (), "schema must be an object.")
    if "anyOf" in schema:
        raise _refuse("anyOf", (), "schema must not have 'anyOf' at the top level.", plain=True)
    if schema.get("type") != "object" and "$ref" not in schema:
        said = schema.get("type")
        text = f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{said}\"'."
        raise _refuse("type", (), text, plain=True)
    totals = _Totals()
    waiting = [_Place((), schema, 1)]
    seen = 0
    while waiting:
        place = waiting.pop()
        seen += 1
        if seen > MAX_SCHEMAS:
            raise _refuse("properties", (), f"more than {MAX_SCHEMAS} schemas.", plain=True)
        _check(place, totals)
        waiting += list(_within(place))[::-1]
    _check_totals(totals)


def _check(place: _Place, totals: _Totals) -> None:
    schema, steps = place.schema, place.steps
    if type(schema) is not dict:
        raise _refuse("type", steps, "schema must have a 'type' key.")
    beside = sorted(schema.keys() - {"$ref", "$defs", "definitions"}) if "$ref" in schema else []
    if beside:
        raise _refuse("$ref", steps, f"$ref cannot have keywords {set(beside[:1])}.")
    for word in schema:
        if word in KNOWN and word not in PERMITTED:
            raise _refuse(word, steps, f"'{word}' is not permitted.")
    if not schema.keys() & {"type", "$ref", "anyOf", "enum", "const"}:
        raise _refuse("type", steps, "schema must have a 'type' key.")
    if place.level > MAX_STRICT_LEVELS:
        text = f"{place.level} levels of nesting exceeds limit of {MAX_STRICT_LEVELS}."
        raise _refuse("properties", steps, text, plain=True)
    types = schema["type"] if type(schema.get("type")) is list else [schema.get("type")]
    if "object" in types or "properties" in schema:
        _check_object(place, totals)
    if "array" in types and "items" not in schema:
        raise _refuse("items", steps, "array schema missing items.")
    said = schema.get("format")
    if type(said) is str and said not in FORMATS:
        raise _refuse("format", steps, f"'{said}' is not a supported format.")
    _count_values(place, totals)


def _check_object(place: _Place, totals: _Totals) -> None:
    schema, steps = place.schema, place.steps
    if schema.get("additionalProperties") is not False:
        raise _refuse(
            "additionalProperties",
            steps,
            "'additionalProperties' is required to be supplied and to be false.",
        )
    properties = schema.get("properties", {})
    if type(properties) is not dict:
        raise _refuse("properties", steps, "'properties' must be an object.")
    required = schema.get("required", [])
    known = {one for one in required if type(one) is str} if type(required) is list else set()
    base = (
        "'required' is required to be supplied and to be an array including every key in "
        "properties."
    )
    for name in properties:
        if name not in known:
            raise _refuse("required", steps, f"{base} Missing '{name}'.")
    extra = sorted(known - properties.keys())
    if extra:
        raise _refuse("required", steps, f"{base} Extra required key '{extra[0]}' supplied.")
    totals.properties += len(properties)
    totals.characters += sum(map(len, properties))


def _count_values(place: _Place, totals: _Totals) -> None:
    schema, steps = place.schema, place.steps
    for word in ("$defs", "definitions"):
        if type(schema.get(word)) is dict:
            totals.characters += sum(map(len, schema[word]))
    if type(schema.get("const")) is str:
        totals.characters += len(schema["const"])
    options = schema.get("enum")
    if type(options) is not list:
        return
    characters = sum([len(one) for one in options if type(one) is str])
    totals.options += len(options)
    totals.characters += characters
    if len(options) > LARGE_ENUM and characters > MAX_LARGE_ENUM_CHARACTERS:
        text = (
            f"the strings of an enum of more than {LARGE_ENUM} values have {characters} characters,"
            f" which exceeds limit of {MAX_LARGE_ENUM_CHARACTERS}."
        )
        raise _refuse("enum", steps, text)


def _check_totals(totals: _Totals) -> None:
    rows = (
        ("properties", totals.properties, MAX_STRICT_PROPERTIES, "object properties"),
        ("enum", totals.options, MAX_STRICT_ENUM, "enum values"),
        ("properties", totals.characters, MAX_STRICT_CHARACTERS, "characters of names and values"),
    )
    for word, found, most, what in rows:
        if found > most:
            text = (
                f"Expected at most {most} {what} in total within a single schema when using "
                f"structured outputs, but received {found}."
            )
            raise _refuse(word, (), text, plain=True)


def _within(place: _Place) -> Iterator[_Place]:
    """Yield the schemas directly within one, and how many objects each is within."""
    schema, steps = place.schema, place.steps
    for word in ("properties", "$defs", "definitions"):
        named = schema.get(word)
        if type(named) is dict:
            for name, one in named.items():
                level = place.level if word == "properties" else 0
                yield _Place((*steps, word, name), one, level + _is_object(one))
    if type(schema.get("anyOf")) is list:
        for n, one in enumerate(schema["anyOf"]):
            yield _Place((*steps, "anyOf", n), one, place.level + _is_object(one))
    if "items" in schema:
        one = schema["items"]
        yield _Place((*steps, "items"), one, place.level + _is_object(one))


def _is_object(schema: Any) -> bool:
    return type(schema) is dict and "properties" in schema


def _refuse(
    word: str, steps: tuple[str | int, ...], text: str, *, plain: bool = False
) -> SchemaRefused:
    """Refuse in OpenAI's words, with the context that they give."""
    path = "/".join(
        ["#", *(str(step).replace("~", "~0").replace("/", "~1") for step in (*steps, word))]
    )
    said = tuple(str(step) for step in steps)
    error = SchemaRefused(word, path, text, kind="unsupported")
    error.message = text if plain else f"In context={said}, {text}"
    error.args = (error.message,)
    return error
