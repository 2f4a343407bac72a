"""Values by a JSON Schema, as far as vendors use it: for properties over what they allow."""

import re

from hypothesis import strategies as st

WORDS = [
    *("", "a", "Hi", "What is the weather in Paris?", "e", "aGk=", "né 東京", "f"),
    *("srvtoolu_1", "application/json"),
]
TEXTS = st.sampled_from(WORDS)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | TEXTS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=3,
)
DEEP = 9
"""Levels below which only what must be there is drawn."""


def by_schema(draw, schemas, schema, depth=0):
    """Draw a value of *schema*, which refers to others of *schemas* by their names."""
    if "$ref" in schema:
        return by_schema(draw, schemas, schemas[schema["$ref"].rpartition("/")[2]], depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    union = schema.get("oneOf") or schema.get("anyOf")
    if union:
        plain = [one for one in union if "$ref" not in one and one.get("type") != "array"]
        chosen = draw(st.sampled_from(union if depth < DEEP else plain or union[:1]))
        return by_schema(draw, schemas, chosen, depth + 1)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = draw(st.sampled_from(kind))
    drawn = _KINDS.get(kind)
    return draw(ANYTHING) if drawn is None else drawn(draw, schemas, schema, depth)


def _object(draw, schemas, schema, depth):
    given = schema.get("properties", {})
    required = schema.get("required", [])
    others = sorted(given.keys() - {*required})
    chosen = draw(st.lists(st.sampled_from(others), unique=True, max_size=3)) if others else []
    names = [*required, *(chosen if depth < DEEP else [])]
    made = {
        name: by_schema(draw, schemas, given[name], depth + 1) for name in names if name in given
    }
    more = schema.get("additionalProperties")
    if not given and isinstance(more, dict):
        for name in draw(st.lists(TEXTS, unique=True, max_size=2)):
            made[name] = by_schema(draw, schemas, more, depth + 1)
    return made


def _array(draw, schemas, schema, depth):
    low = schema.get("minItems", 0)
    count = draw(st.integers(low, max(low, 2))) if depth < DEEP else low
    return [by_schema(draw, schemas, schema.get("items", {}), depth + 1) for _ in range(count)]


def _text(draw, _schemas, schema, _depth):
    low, high = schema.get("minLength", 0), schema.get("maxLength", 1000)
    pattern = schema.get("pattern", "")
    right = [one for one in WORDS if low <= len(one) <= high and re.search(pattern, one)]
    return draw(st.sampled_from(right))


def _integer(draw, _schemas, schema, _depth):
    low = schema.get("minimum", schema.get("exclusiveMinimum", -3) + 1)
    return draw(st.integers(low, schema.get("maximum", low + 3)))


def _number(draw, _schemas, schema, _depth):
    low = schema.get("minimum", -1)
    return draw(st.sampled_from([low, low + 0.5, schema.get("maximum", low + 1)]))


_KINDS = {
    "object": _object,
    "array": _array,
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda draw, *_: draw(st.booleans()),
    "null": lambda *_: None,
}
