"""A schema as it came: checked for form, its references resolved, its parts known by pointer.

What is here is decided once, without recursion, so that the deepest schema costs no stack. The
document is a copy and is brought into one form on the way: `nullable` becomes a type, references
become pointers, the root's `$id` goes. The validator sees the same form.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote, unquote

import attrs

from .....model.units import Json
from .refusal import malformed, unsatisfiable, unsupported

MAX_SCHEMAS = 10_000
"""Schemas within a schema. OpenAI takes 5,000 properties; each is one."""

MAX_SCHEMA_DEPTH = 64
"""Levels of schemas within schemas. OpenAI takes ten; the validator and the writer recurse."""

ROOT = "d"
"""Where the document stands in the schemas that are given to the validator."""

Check: TypeAlias = Callable[[Any], bool]

ONE = (
    *("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then"),
    *("additionalItems", "unevaluatedItems", "unevaluatedProperties"),
)
SEVERAL = ("allOf", "anyOf", "oneOf", "prefixItems")
NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def _count(value: Any) -> bool:
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return whole and value >= 0


def _number(value: Any) -> bool:
    return type(value) in {int, float}


def _text(value: Any) -> bool:
    return type(value) is str


def _names(value: Any) -> bool:
    return type(value) is list and all(type(one) is str for one in value)


def _schema(value: Any) -> bool:
    return type(value) in {dict, bool}


def _types(value: Any) -> bool:
    several = value if type(value) is list else [value]
    return bool(several) and all(type(one) is str and one in TYPES for one in several)


_A_COUNT = (_count, "must be a whole number that is not negative")
_A_NUMBER = (_number, "must be a number")
_A_TEXT = (_text, "must be a string")
_A_SCHEMA = (_schema, "must be a schema: an object, true or false")

FORMS: Mapping[str, tuple[Check, str]] = {
    "type": (_types, f"must be one or more of {', '.join(TYPES)}"),
    "enum": (lambda v: type(v) is list, "must be an array"),
    "required": (_names, "must be an array of strings"),
    "uniqueItems": (lambda v: type(v) is bool, "must be true or false"),
    "multipleOf": (lambda v: _number(v) and v > 0, "must be a number above 0"),
    "dependentRequired": (
        lambda v: type(v) is dict and all(map(_names, v.values())),
        "must be an object of arrays of strings",
    ),
    "dependencies": (
        lambda v: type(v) is dict and all(_names(one) or _schema(one) for one in v.values()),
        "must be an object of schemas or arrays of strings",
    ),
    **dict.fromkeys(("pattern", "format", "$ref", "$schema", "$id", "$anchor"), _A_TEXT),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems"), _A_COUNT),
    **dict.fromkeys(("minContains", "maxContains", "minProperties", "maxProperties"), _A_COUNT),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _A_NUMBER),
    **dict.fromkeys(ONE, _A_SCHEMA),
    **dict.fromkeys(
        SEVERAL, (lambda v: type(v) is list and bool(v), "must be an array of at least one schema")
    ),
    **dict.fromkeys(NAMED, (lambda v: type(v) is dict, "must be an object of schemas")),
}

_DYNAMIC = ("$dynamicRef", "$recursiveRef")


@attrs.frozen(eq=False)
class Part:
    """A schema within the document, and the pointer to it."""

    at: str
    schema: Mapping[str, Json] | bool


class Document:
    """A schema, its parts, and where its references lead.

    Raises:
        SchemaRefused: it is not of the form of a schema, too large, or refers to nothing.
    """

    def __init__(self, schema: Json) -> None:
        if not _schema(schema):
            raise malformed("schema", "#", "must be an object, true or false")
        self.json = schema
        self.old = _is_old(schema)
        self._base = _root_id(schema)
        self._anchors: dict[str, str] = {}
        self._parts: dict[str, Part] = {}
        self._targets: dict[str, str] = {}
        self.adopted: set[str] = set()
        """Parts that are not in the document, which the validator does not know."""
        self.exclusive: dict[str, bool] = {}
        """Of the parts with a `oneOf` that were looked at: whether no value fits two options."""
        self._walk()
        self._refuse_loops()
        self.root = self._parts["#"]

    def part(self, at: str) -> Part:
        """Return the part at the pointer *at*."""
        return self._parts[at]

    def target(self, part: Part) -> Part | None:
        """Return what the `$ref` of *part* refers to."""
        at = self._targets.get(part.at)
        return None if at is None else self._parts[at]

    def subparts(self, part: Part, keyword: str) -> list[Part]:
        """Return the schemas of an array such as `anyOf`."""
        return [self._parts[f"{part.at}/{keyword}/{n}"] for n in range(len(part.schema[keyword]))]  # type: ignore[index]

    def named(self, part: Part, keyword: str) -> dict[str, Part]:
        """Return the schemas of an object such as `properties`."""
        named = part.schema.get(keyword, {})  # type: ignore[union-attr]
        return {name: self._parts[f"{part.at}/{keyword}/{_escape(name)}"] for name in named}

    def named_one(self, part: Part, keyword: str, name: str) -> Part:
        """Return one schema of an object such as `properties`."""
        return self._parts[f"{part.at}/{keyword}/{_escape(name)}"]

    def adopt(self, part: Part) -> Part:
        """Keep a part that no pointer leads to, and those within it."""
        for at, schema, _ in [
            (part.at, part.schema, 0),
            *_within(part.at, part.schema, 0, old=False),
        ]:
            self._parts.setdefault(at, Part(at, schema))
            self.adopted.add(at)
        return self._parts[part.at]

    def _walk(self) -> None:
        waiting: list[tuple[str, Json, int]] = [("#", self.json, 0)]
        referring: list[str] = []
        while waiting or referring:
            while waiting:
                at, schema, depth = waiting.pop()
                if at not in self._parts:
                    self._take(at, schema, depth, referring)
                    waiting += _within(at, schema, depth + 1, old=self.old)
            while referring:
                at = referring.pop()
                found = self._resolve(at)
                self._targets[at] = found[0]
                self._parts[at].schema["$ref"] = reference(found[0])  # type: ignore[index]
                waiting.append((*found, 0))

    def _take(self, at: str, schema: Json, depth: int, referring: list[str]) -> None:
        if len(self._parts) == MAX_SCHEMAS:
            raise unsupported(keyword_of(at), at, f"more than {MAX_SCHEMAS} schemas within one")
        if depth > MAX_SCHEMA_DEPTH:
            raise unsupported(keyword_of(at), at, f"nested deeper than {MAX_SCHEMA_DEPTH} schemas")
        if not _schema(schema):
            raise malformed(keyword_of(at), at, "must be a schema: an object, true or false")
        self._parts[at] = Part(at, schema)
        if type(schema) is not dict:
            return
        _check_form(at, schema, old=self.old)
        _make_nullable(schema)
        if "$ref" in schema:
            referring.append(at)
            if self.old:
                _drop_siblings(schema)
        if "$anchor" in schema:
            self._anchors[schema["$anchor"]] = at
        if "$id" in schema and at != "#":
            raise unsupported("$id", f"{at}/$id", "a schema with an $id within another")

    def _resolve(self, at: str) -> tuple[str, Json]:
        """Find what a reference refers to: its pointer and its schema."""
        ref: str = self._parts[at].schema["$ref"]  # type: ignore[index]
        where = f"{at}/$ref"
        base, _, fragment = ref.partition("#")
        if base not in {"", self._base}:
            raise unsupported("$ref", where, f"refers to another document, {ref[:80]!r}")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            if fragment not in self._anchors:
                raise malformed("$ref", where, f"there is no anchor {fragment[:80]!r}")
            fragment = self._anchors[fragment][1:]
        return _follow(self.json, fragment, where)

    def _refuse_loops(self) -> None:
        """Refuse references that lead to themselves without a step into the value."""
        state: dict[str, int] = {}
        for start in self._targets:
            path: list[tuple[str, Iterator[str]]] = [(start, iter(self._same_place(start)))]
            if state.setdefault(start, 1) == 2:  # noqa: PLR2004 - done with before
                continue
            while path:
                at, following = path[-1]
                beside = next(following, None)
                if beside is None:
                    state[at] = 2
                    path.pop()
                elif state.get(beside) == 1:
                    ref = next(one for one, _ in reversed(path) if one in self._targets)
                    raise unsatisfiable("$ref", f"{ref}/$ref", "refers to itself without end")
                elif beside not in state:
                    state[beside] = 1
                    path.append((beside, iter(self._same_place(beside))))

    def _same_place(self, at: str) -> Iterator[str]:
        """Yield the schemas that hold for the same value as the one at *at*."""
        schema = self._parts[at].schema
        if type(schema) is not dict:
            return
        if at in self._targets:
            yield self._targets[at]
        for keyword in IN_PLACE:
            value = schema.get(keyword)
            if type(value) is list:
                yield from (f"{at}/{keyword}/{n}" for n in range(len(value)))
            elif keyword == "dependentSchemas":
                yield from (f"{at}/{keyword}/{_escape(name)}" for name in value or ())
            elif value is not None:
                yield f"{at}/{keyword}"


def reference(at: str) -> str:
    """Write the pointer *at* as a reference from beside the document."""
    return f"#/{ROOT}{quote(at[1:], safe='/~')}"


def _is_old(schema: Json) -> bool:
    """Say whether *schema* is of draft 7 or before: it says so, or has an array for `items`."""
    if type(schema) is not dict:
        return False
    said = schema.get("$schema")
    if type(said) is str:
        return any(f"draft-0{n}" in said for n in (3, 4, 6, 7))
    waiting, seen = [schema], 0
    while waiting and seen <= MAX_SCHEMAS:
        one = waiting.pop()
        seen += 1
        if type(one) is dict:
            if type(one.get("items")) is list and "prefixItems" not in one:
                return True
            waiting += [sub for _, sub, _ in _within("", one, 0, old=False)]
    return False


def _root_id(schema: Json) -> str:
    said = schema.pop("$id", "") if type(schema) is dict else ""
    return said.partition("#")[0] if type(said) is str else ""


def _within(at: str, schema: Json, depth: int, *, old: bool) -> list[tuple[str, Json, int]]:
    """List the schemas directly within *schema*: pointer, schema, depth."""
    if type(schema) is not dict:
        return []
    found = [(f"{at}/{word}", schema[word], depth) for word in ONE if word in schema]
    if old and type(schema.get("items")) is list:
        found = [one for one in found if not one[0].endswith("/items")]
    for word in (*SEVERAL, "items"):
        if type(schema.get(word)) is list:
            found += [(f"{at}/{word}/{n}", one, depth) for n, one in enumerate(schema[word])]
    for word in (*NAMED, "dependencies"):
        if type(schema.get(word)) is dict:
            found += [
                (f"{at}/{word}/{_escape(name)}", one, depth)
                for name, one in schema[word].items()
                if not (word == "dependencies" and type(one) is list)
            ]
    return found


def _check_form(at: str, schema: Mapping[str, Json], *, old: bool) -> None:
    for word in schema.keys() & FORMS.keys():
        fits, why = FORMS[word]
        if word == "items" and old and type(schema[word]) is list:
            continue
        if not fits(schema[word]):
            raise malformed(word, f"{at}/{word}", why)
    if _depth([schema.get("const"), schema.get("enum")]) > MAX_SCHEMA_DEPTH:
        word = "const" if "const" in schema else "enum"
        raise unsupported(word, f"{at}/{word}", f"a value deeper than {MAX_SCHEMA_DEPTH} levels")
    for word in _DYNAMIC:
        if word in schema:
            raise unsupported(word, f"{at}/{word}", "dynamic references")


def _depth(value: Json) -> int:
    """Count the levels of *value*, without recursion."""
    level, depth = [value], 0
    while level and depth <= MAX_SCHEMA_DEPTH + 2:
        depth += 1
        level = [
            within
            for one in level
            if type(one) in {list, dict}
            for within in (one.values() if type(one) is dict else one)
            if type(within) in {list, dict}
        ]
    return depth - 2


def _make_nullable(schema: dict[str, Json]) -> None:
    """Write OpenAPI's `nullable: true` as JSON Schema does."""
    if schema.get("nullable") is not True or "type" not in schema:
        return
    said = schema["type"]
    types = said if type(said) is list else [said]
    schema["type"] = [*types, *(["null"] if "null" not in types else [])]
    if "enum" in schema and None not in schema["enum"]:
        schema["enum"] = [*schema["enum"], None]


def _drop_siblings(schema: dict[str, Json]) -> None:
    """Up to draft 7 what stands beside a `$ref` says nothing; definitions are still found."""
    for word in set(schema) - {"$ref", "definitions", "$defs", "title", "description"}:
        del schema[word]


def _follow(json: Json, fragment: str, where: str) -> tuple[str, Json]:
    at, found = "#", json
    for token in fragment.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if type(found) is dict and name in found:
            found = found[name]
        elif type(found) is list and name.isdecimal() and name.isascii() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise malformed("$ref", where, f"there is nothing at '#{fragment[:200]}'")
        at = f"{at}/{_escape(name)}"
    return at, found


def _escape(name: str) -> str:
    """Write a name as a step of a pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def keyword_of(at: str) -> str:
    """Return the keyword that the schema at the pointer *at* is given by.

    >>> keyword_of("#/properties/type/items"), keyword_of("#/properties/type")
    ('items', 'properties')
    """
    steps = at.split("/")[1:]
    place, word = 0, "schema"
    while place < len(steps):
        word = steps[place]
        numbered = word == "items" and steps[place + 1 : place + 2] and steps[place + 1].isdecimal()
        place += 2 if word in NAMED or word in SEVERAL or numbered else 1
    return word
