"""What several schemas say together of one value.

Everything that applies to a value at one place (a schema, what it refers to, what stands in its
`allOf`, the branches that were decided for) is folded into one record of bounds; a bound remembers
where it comes from, so that a contradiction is refused by keyword and path.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any, TypeAlias

import attrs

from .....model.units import Json
from .document import Document, Part
from .exclusive import are_exclusive, identity
from .numbers import Span, exact
from .refusal import SchemaRefused, unsatisfiable, unsupported

ALL_TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")

_IMPLIED: Mapping[str, tuple[str, ...]] = {
    "object": (
        *("properties", "required", "additionalProperties", "patternProperties", "propertyNames"),
        *("minProperties", "maxProperties", "dependentRequired", "dependentSchemas"),
        "unevaluatedProperties",
    ),
    "array": (
        *("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"),
        *("unevaluatedItems", "minContains", "maxContains"),
    ),
    "string": ("pattern", "format", "minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}


@attrs.frozen
class Bound:
    """A number that a keyword gives."""

    value: int
    word: str
    at: str


@attrs.frozen
class Branch:
    """A choice between schemas: `anyOf`, `oneOf`, `if`, or a property that others depend on."""

    id: str
    options: tuple[tuple[Part, ...], ...]


@attrs.define
class Facts:
    """What holds for one value."""

    types: dict[str, None] = attrs.field(factory=lambda: dict.fromkeys(ALL_TYPES))
    types_at: str = "#"
    typed: bool = False
    options: list[Json] | None = None
    options_at: tuple[str, str] = ("enum", "#")
    bounds: dict[str, Bound] = attrs.field(factory=dict)
    steps: list[tuple[Fraction, str]] = attrs.field(factory=list)
    ranges: dict[str, tuple[Fraction, bool, str]] = attrs.field(factory=dict)
    patterns: list[tuple[str, str]] = attrs.field(factory=list)
    formats: list[tuple[str, str]] = attrs.field(factory=list)
    required: dict[str, str] = attrs.field(factory=dict)
    dependents: dict[str, list[str]] = attrs.field(factory=dict)
    contains: list[str] = attrs.field(factory=list)
    unique_at: str | None = None
    branches: list[Branch] = attrs.field(factory=list)
    unsure: tuple[str, str] | None = None
    examples: list[Json] = attrs.field(factory=list)
    description: str = ""
    title: str = ""

    def doubt(self, word: str, at: str) -> None:
        """Note that only a validator can say whether a value fits."""
        self.unsure = self.unsure or (word, f"{at}/{word}")

    def bound(self, word: str, spare: int) -> int:
        """Return what *word* says, *spare* where it says nothing."""
        found = self.bounds.get(word)
        return spare if found is None else found.value

    def refuse_crossed(self, least: str, most: str) -> None:
        """Refuse a least above its most, by the place of the least."""
        low, high = self.bounds.get(least), self.bounds.get(most)
        if low is not None and high is not None and low.value > high.value:
            raise unsatisfiable(least, low.at, f"{low.value} is above '{most}', {high.value}")

    def span(self, *, whole: bool) -> Span:
        """Return the numbers that fit."""
        low, high = self.ranges.get("low"), self.ranges.get("high")
        step = None
        for one, _ in self.steps:
            step = one if step is None else _common(step, one)
        return Span(
            low=low and low[0],
            high=high and high[0],
            open_low=bool(low and low[1]),
            open_high=bool(high and high[1]),
            step=step,
            whole=whole,
        )


Folder: TypeAlias = Callable[[Facts, str, Any], None]
"""Add what a keyword says, given the pointer to its schema."""


def _common(one: Fraction, other: Fraction) -> Fraction:
    """Return the least common multiple of two fractions."""
    top = math.lcm(one.numerator, other.numerator)
    return Fraction(top, math.gcd(one.denominator, other.denominator))


def fold(document: Document, parts: Iterable[Part], decided: frozenset[str]) -> Facts:
    """Say what *parts* hold together.

    Raises:
        SchemaRefused: two of them contradict each other at the first look.
    """
    facts = Facts()
    for part in parts:
        if part.schema is False:
            raise unsatisfiable("false", part.at, "no value fits a schema that is false")
        if type(part.schema) is dict:
            _fold_one(facts, document, part, part.schema, decided)
    _imply(facts, parts)
    return facts


def _fold_one(
    facts: Facts, document: Document, part: Part, schema: dict[str, Json], decided: frozenset[str]
) -> None:
    for word, said in schema.items():
        folder = _FOLDERS.get(word)
        if folder is not None:
            folder(facts, part.at, said)
    for word in ("anyOf", "oneOf"):
        if word in schema:
            _fold_options(facts, document, part, word, decided)
    branches = _conditions(facts, document, part, schema)
    facts.branches += [branch for branch in branches if branch.id not in decided]


def _fold_type(facts: Facts, at: str, said: Any) -> None:
    wanted = dict.fromkeys(said if type(said) is list else [said])
    at = f"{at}/type"
    if "number" in wanted:
        wanted["integer"] = None
    kept = {one: None for one in (wanted if not facts.typed else facts.types) if one in facts.types}
    facts.types = {one: None for one in kept if one in wanted}
    facts.types_at, facts.typed = at, True
    if not facts.types:
        raise unsatisfiable("type", at, "no type is left")


def _fold_enum(facts: Facts, at: str, said: list[Json]) -> None:
    _options(facts, said, ("enum", f"{at}/enum"))


def _fold_const(facts: Facts, at: str, said: Json) -> None:
    _options(facts, [said], ("const", f"{at}/const"))


def _options(facts: Facts, said: list[Json], at: tuple[str, str]) -> None:
    if facts.options is not None:
        known = {identity(one) for one in facts.options}
        said = [one for one in said if identity(one) in known]
    if not said:
        raise unsatisfiable(*at, "no value is left")
    facts.options, facts.options_at = said, at


def _least(facts: Facts, word: str, at: str, said: float) -> None:
    known = facts.bounds.get(word)
    if known is None or said > known.value:
        facts.bounds[word] = Bound(int(said), word, f"{at}/{word}")


def _most(facts: Facts, word: str, at: str, said: float) -> None:
    known = facts.bounds.get(word)
    if known is None or said < known.value:
        facts.bounds[word] = Bound(int(said), word, f"{at}/{word}")


def _range(facts: Facts, side: str, word: str, at: str, said: float) -> None:
    value, is_open = exact(said), word.startswith("exclusive")
    known = facts.ranges.get(side)
    tighter = known is None or (
        (value, is_open) > known[:2] if side == "low" else (-value, is_open) > (-known[0], known[1])
    )
    if tighter:
        facts.ranges[side] = (value, is_open, f"{at}/{word}")


def _fold_not(facts: Facts, at: str, said: Json) -> None:
    if said is True or said == {}:
        raise unsatisfiable("not", f"{at}/not", "no value fits the opposite of everything")
    if type(said) is dict and set(said) == {"type"}:
        types = said["type"] if type(said["type"]) is list else [said["type"]]
        gone = set(types) | ({"integer"} if "number" in types else set())
        facts.types = {one: None for one in facts.types if one not in gone}
        if "integer" in gone and "number" not in gone:
            facts.doubt("not", at)
        if not facts.types:
            raise unsatisfiable("not", f"{at}/not", "no type is left")
    elif said is not False:
        facts.doubt("not", at)


def _fold_required(facts: Facts, at: str, said: list[str]) -> None:
    for name in said:
        facts.required.setdefault(name, f"{at}/required")


def _fold_dependencies(facts: Facts, _: str, said: dict[str, Json]) -> None:
    for name, others in said.items():
        if type(others) is list:
            facts.dependents.setdefault(name, []).extend(others)


def _fold_examples(facts: Facts, _: str, said: Json) -> None:
    facts.examples += said if type(said) is list else []


def _text(name: str) -> Folder:
    def fold(facts: Facts, _: str, said: Json) -> None:
        if type(said) is str and not getattr(facts, name):
            setattr(facts, name, said)

    return fold


def _fold_unique(facts: Facts, at: str, said: Json) -> None:
    if said:
        facts.unique_at = f"{at}/uniqueItems"


def _doubting(word: str) -> Folder:
    return lambda facts, at, _: facts.doubt(word, at)


def _bound(word: str) -> Folder:
    fold = _least if word.startswith("min") else _most
    return lambda facts, at, said: fold(facts, word, at, said)


def _ranged(word: str) -> Folder:
    side = "low" if word.lower().endswith("minimum") else "high"
    return lambda facts, at, said: _range(facts, side, word, at, said)


_FOLDERS: Mapping[str, Folder] = {
    "type": _fold_type,
    "enum": _fold_enum,
    "const": _fold_const,
    "not": _fold_not,
    "required": _fold_required,
    "dependentRequired": _fold_dependencies,
    "dependencies": _fold_dependencies,
    "examples": _fold_examples,
    "default": lambda facts, _, said: facts.examples.append(said),
    "title": _text("title"),
    "description": _text("description"),
    "uniqueItems": _fold_unique,
    "multipleOf": lambda facts, at, said: facts.steps.append((exact(said), f"{at}/multipleOf")),
    "pattern": lambda facts, at, said: facts.patterns.append((said, f"{at}/pattern")),
    "format": lambda facts, at, said: facts.formats.append((said, f"{at}/format")),
    "contains": lambda facts, at, _: facts.contains.append(at),
    "maxContains": _doubting("maxContains"),
    "unevaluatedProperties": _doubting("unevaluatedProperties"),
    "unevaluatedItems": _doubting("unevaluatedItems"),
    **{
        word: _bound(word)
        for word in (
            *("minLength", "maxLength", "minItems", "maxItems"),
            *("minProperties", "maxProperties"),
        )
    },
    **{
        word: _ranged(word)
        for word in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    },
}


def _fold_options(
    facts: Facts, document: Document, part: Part, word: str, decided: frozenset[str]
) -> None:
    id = f"{part.at}/{word}"
    if word == "oneOf":
        if part.at not in document.exclusive:
            options = document.subparts(part, word)
            document.exclusive[part.at] = are_exclusive(document, options)
        if not document.exclusive[part.at]:
            facts.doubt("oneOf", part.at)
    if id not in decided:
        options = document.subparts(part, word)
        facts.branches.append(Branch(id, tuple((one,) for one in options)))


def _conditions(
    facts: Facts, document: Document, part: Part, schema: dict[str, Json]
) -> Iterable[Branch]:
    """Yield the choices that hang on a condition; all of them need a check."""
    if "if" in schema and ("then" in schema or "else" in schema):
        facts.doubt("if", part.at)
        found = {w: document.part(f"{part.at}/{w}") for w in ("if", "then", "else") if w in schema}
        holds = (found["if"], *([found["then"]] if "then" in found else []))
        yield Branch(f"{part.at}/if", (holds, (found["else"],) if "else" in found else ()))
    for word in ("dependentSchemas", "dependencies"):
        for name, one in (schema.get(word) or {}).items():
            if type(one) is not list:
                facts.doubt(word, part.at)
                then = document.named_one(part, word, name)
                without = Part(f"{then.at}/absent", {"properties": {name: False}})
                yield Branch(then.at, ((then,), (document.adopt(without),)))


def _imply(facts: Facts, parts: Iterable[Part]) -> None:
    """Without a type, put first the one that the keywords are about."""
    if facts.typed or facts.options is not None:
        return
    words = {word for part in parts if type(part.schema) is dict for word in part.schema}
    first = [one for one, about in _IMPLIED.items() if words.intersection(about)]
    if first:
        facts.types = {one: None for one in (*first, *facts.types) if one in facts.types}


def refuse_empty_span(facts: Facts, span: Span) -> None:
    """Refuse bounds between which there is no number."""
    if not span.is_empty():
        return
    low, high = facts.ranges.get("low"), facts.ranges.get("high")
    crossed = (
        low is not None and high is not None and (low[0], low[1] or high[1]) >= (high[0], True)
    )
    if low is not None and (crossed or not facts.steps):
        word = low[2].rpartition("/")[2]
        raise unsatisfiable(word, low[2], "no number is left between it and the maximum")
    at = facts.steps[-1][1]
    raise unsatisfiable("multipleOf", at, "no multiple lies within the bounds")


def refuse_above(facts: Facts, word: str, most: int) -> None:
    """Refuse more than is done here."""
    if facts.bound(word, 0) > most:
        at = facts.bounds[word].at
        raise unsupported(word, at, f"more than {most:,}")


def first_refusal(refusals: list[SchemaRefused]) -> SchemaRefused:
    """Return the refusal that says most: of what is not done here before what cannot be."""
    return next((one for one in refusals if one.kind != "unsatisfiable"), refusals[0])
