"""Schemas beside each other: what applies together, what is equal, and what excludes the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import attrs

from .....model.units import Json
from .document import Document, Part

MOST_COMPARED = 40
"""Options of a `oneOf` that are compared two by two; more are left to the validator."""


def gather(document: Document, parts: Iterable[Part]) -> list[Part]:
    """List *parts* with all that applies beside them: what they refer to, and `allOf`."""
    found: dict[str, Part] = {}
    waiting = list(parts)[::-1]
    while waiting:
        part = waiting.pop()
        if part.at in found:
            continue
        found[part.at] = part
        if type(part.schema) is dict:
            beside = document.subparts(part, "allOf") if "allOf" in part.schema else []
            target = document.target(part)
            waiting += ([] if target is None else [target]) + beside[::-1]
    return list(found.values())


def identity(value: Json) -> object:
    """Return what two values share that JSON Schema holds to be equal: 1 and 1.0, not 1 and true.

    >>> identity(1) == identity(1.0), identity(1) == identity(True)
    (True, False)
    """
    if type(value) is bool:
        return ("boolean", value)
    if type(value) is list:
        return ("array", *map(identity, value))
    if type(value) is dict:
        return ("object", frozenset((name, identity(one)) for name, one in value.items()))
    return value


@attrs.frozen
class _Traits:
    """What is seen of a schema at a glance: types, values, and values of required properties."""

    types: frozenset[str] | None
    values: frozenset[object] | None
    properties: dict[str, frozenset[object]]


def are_exclusive(document: Document, options: Sequence[Part]) -> bool:
    """Say whether no value can fit two of *options*; False where that is not seen at a glance."""
    traits = [_traits(document, one) for one in options]
    if _are_apart([one.values for one in traits]):
        return True
    names = set.intersection(*(set(one.properties) for one in traits))
    objects = all(one.types == frozenset(("object",)) for one in traits)
    if objects and any(_are_apart([one.properties[name] for one in traits]) for name in names):
        return True
    if len(traits) > MOST_COMPARED:
        return False
    return all(_differ(one, other) for n, one in enumerate(traits) for other in traits[:n])


def _are_apart(values: Sequence[frozenset[object] | None]) -> bool:
    known = [one for one in values if one is not None]
    return len(known) == len(values) and sum(map(len, known)) == len(frozenset().union(*known))


def _differ(one: _Traits, other: _Traits) -> bool:
    if one.types is None or other.types is None:
        return False
    common = one.types & other.types
    if not common:
        return True
    names = one.properties.keys() & other.properties.keys()
    return common == {"object"} and any(
        not one.properties[name] & other.properties[name] for name in names
    )


def _traits(document: Document, part: Part) -> _Traits:
    types: frozenset[str] | None = None
    values: frozenset[object] | None = None
    properties: dict[str, frozenset[object]] = {}
    for schema in [one.schema for one in gather(document, [part]) if type(one.schema) is dict]:
        if "type" in schema:
            said = schema["type"]
            wanted = frozenset(said if type(said) is list else [said])
            wanted |= {"integer"} if "number" in wanted else frozenset()
            types = wanted if types is None else types & wanted
        values = _values(schema) if values is None else values
        for name in schema.get("required", ()):
            within = (schema.get("properties") or {}).get(name)
            found = _values(within) if type(within) is dict else None
            if found is not None:
                properties[name] = found
    return _Traits(types, values, properties)


def _values(schema: dict[str, Json]) -> frozenset[object] | None:
    if "const" in schema:
        return frozenset([identity(schema["const"])])
    return frozenset(map(identity, schema["enum"])) if "enum" in schema else None
