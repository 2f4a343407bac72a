"""Values for a JSON Schema: they fit, they are the same each time, or the schema is refused."""

import json
import re
import subprocess
import sys
from hashlib import sha256
from time import thread_time

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aihub.backends.providers.mock.choosing import Chooser
from aihub.backends.providers.mock.schema import (
    SchemaRefused,
    check_strict,
    compile_schema,
    free_object,
    template_of,
)
from aihub.backends.providers.mock.text import Subject

needs_validator = pytest.mark.needs("jsonschema_rs")

WEATHER = Subject("Tell me about the weather in Paris, France for 3 days at 2.5 degrees")
PROMPTS = [WEATHER, Subject(""), Subject("日本語で 天気 を教えて")]


def write(schema, subject=WEATHER, seed=0):
    """A value for *schema*."""
    return compile_schema(schema).write(Chooser(b"%032d" % seed), subject)


def fits(schema, value):
    """Whether a validator with formats on takes *value*; `nullable` is written as it means it."""
    import jsonschema_rs

    schema = without_nullable(schema)
    old = isinstance(schema, dict) and "draft-07" in schema.get("$schema", "")
    kind = jsonschema_rs.Draft7Validator if old else jsonschema_rs.Draft202012Validator
    return kind(schema, validate_formats=True).is_valid(value)


def without_nullable(schema):
    if isinstance(schema, list):
        return [without_nullable(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {name: without_nullable(one) for name, one in schema.items()}
    if schema.get("nullable") is True:
        schema["type"] = [schema["type"], "null"]
    return schema


def obj(required=None, **properties):
    """An object schema, all properties required unless said otherwise."""
    names = list(properties) if required is None else required
    return {"type": "object", "properties": properties, "required": names}


STRING, INTEGER, NUMBER = {"type": "string"}, {"type": "integer"}, {"type": "number"}


def nest(depth, wrap, inside=STRING):
    for _ in range(depth):
        inside = wrap(inside)
    return inside


# Keyword by keyword

KEYWORDS = {
    "type list": {"type": ["integer", "null"]},
    "enum": {"enum": [3, "a", None, {"b": 1}]},
    "enum and pattern": {"enum": ["ab", "cd", "xy"], "pattern": "^x"},
    "enum of a type": {"enum": [1, 2.5, "x", None], "type": "number", "maximum": 2},
    "const object": {"const": {"a": [1, 2]}},
    "lengths": {"type": "string", "minLength": 7, "maxLength": 9},
    "no length": {"type": "string", "maxLength": 0},
    "long": {"type": "string", "minLength": 3000},
    "pattern": {"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"},
    "pattern and lengths": {"type": "string", "pattern": "^(ab)+$", "minLength": 9},
    "password": {"type": "string", "pattern": r"^(?=.*[A-Z])(?=.*\d)(?=.*[!#]).{8,}$"},
    "two patterns": {"allOf": [{"type": "string", "pattern": "^a"}, {"pattern": "z$"}]},
    "pattern and format": {"type": "string", "pattern": "^2", "format": "date"},
    "classes": {"type": "string", "pattern": r"^\p{Lu}\w\S[^a-z]\x41\u0042\/$"},
    "named groups": {"type": "string", "pattern": r"^(?<y>\d{4})-(?<m>0[1-9])$"},
    "alternatives with anchors": {"type": "string", "pattern": "^a$|^b$"},
    "boundaries": {"type": "string", "pattern": r"\bword\b"},
    "bounds": {"type": "integer", "minimum": -3, "exclusiveMaximum": -1},
    "between": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.001},
    "multiples": {"type": "integer", "multipleOf": 7, "minimum": 50, "maximum": 60},
    "cents": {"type": "number", "multipleOf": 0.01, "minimum": 0.07, "maximum": 0.09},
    "two multiples": {"allOf": [{"type": "integer", "multipleOf": 6}, {"multipleOf": 4}]},
    "whole halves": {"type": "integer", "multipleOf": 1.5},
    "large": {"type": "integer", "minimum": 10**15},
    "items": {"type": "array", "items": INTEGER, "minItems": 4, "maxItems": 4},
    "no items": {"type": "array", "maxItems": 0},
    "prefix": {"type": "array", "prefixItems": [STRING, INTEGER], "items": False},
    "unique": {"type": "array", "items": {"enum": [1, 2, 3]}, "uniqueItems": True, "minItems": 3},
    "contains": {"type": "array", "contains": {"const": 5}, "minContains": 2, "maxContains": 2},
    "required beyond": {"type": "object", "required": ["a", "b"]},
    "map": {"type": "object", "additionalProperties": INTEGER, "minProperties": 4},
    "patterned": {"type": "object", "patternProperties": {"^x-": INTEGER}, "minProperties": 2},
    "patterns overlap": {
        **obj(ab=NUMBER),
        "patternProperties": {"^a": {"minimum": 5}, "b$": {"maximum": 6}},
    },
    "names": {"type": "object", "propertyNames": {"pattern": "^[A-Z]{2}$"}, "minProperties": 3},
    "most": {**obj(["c"], a=STRING, b=STRING, c=STRING), "maxProperties": 2},
    "dependent": {**obj(["a"], a=STRING, b=STRING), "dependentRequired": {"a": ["b", "c"]}},
    "dependent on a name of its own": {
        "type": "object",
        "patternProperties": {"a": {}},
        "dependentRequired": {"a": ["b"]},
    },
    "no dependent schemas": {"type": "string", "dependentSchemas": {}},
    "dependent schemas": {
        **obj(["a"], a=STRING, b=True),
        "dependentSchemas": {"a": {"properties": {"b": INTEGER}, "required": ["b"]}},
    },
    "anyOf": {"anyOf": [obj(a=STRING), {"type": "array", "items": INTEGER}]},
    "oneOf that overlap": {"oneOf": [INTEGER, NUMBER]},
    "oneOf of multiples": {"type": "integer", "oneOf": [{"multipleOf": 3}, {"multipleOf": 5}]},
    "oneOf required": {
        **obj([], a=STRING, b=STRING),
        "oneOf": [{"required": ["a"]}, {"required": ["b"]}],
    },
    "not": {"type": "integer", "not": {"multipleOf": 2}},
    "not a type": {"not": {"type": ["object", "array", "string"]}},
    "not required": {**obj([], a=STRING, b=STRING), "not": {"required": ["a"]}},
    "if": {
        **obj(["c"], c={"enum": ["US", "DE"]}, z=STRING),
        "if": {"properties": {"c": {"const": "US"}}},
        "then": {"required": ["z"]},
        "else": {"properties": {"z": False}},
    },
    "allOf": {"allOf": [obj(a=INTEGER), obj(b=STRING), {"properties": {"a": {"minimum": 9}}}]},
    "unevaluated items": {
        "allOf": [{"type": "array", "prefixItems": [STRING, INTEGER]}],
        "unevaluatedItems": False,
    },
    "unevaluated": {"allOf": [obj(a=STRING)], "unevaluatedProperties": False, **obj(b=STRING)},
    "escapes": {
        "$ref": "#/$defs/a~1b%20c~0",
        "$defs": {"a/b c~": {"type": "string", "format": "ipv4"}},
    },
    "anchor": {"$ref": "#here", "$defs": {"x": {"$anchor": "here", "type": "boolean"}}},
    "own id": {
        "$id": "https://example.com/s",
        "$ref": "https://example.com/s#/$defs/x",
        "$defs": {"x": INTEGER},
    },
    "nullable": {"type": "string", "nullable": True, "enum": ["a", None]},
    "draft 7": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "t": {"type": "array", "items": [STRING, INTEGER], "additionalItems": False},
            "r": {"$ref": "#/definitions/d", "minimum": 1000},
        },
        "required": ["t", "r"],
        "dependencies": {"t": ["u"]},
        "definitions": {"d": {"type": "integer", "maximum": 5}},
    },
    "all of an enum": {
        "type": "array",
        "items": {"enum": [*range(40)]},
        "uniqueItems": True,
        "minItems": 40,
    },
    "both truths": {
        "type": "array",
        "items": {"type": "boolean"},
        "uniqueItems": True,
        "minItems": 2,
    },
    "no more than one": {"type": "array", "items": {"const": 1}, "uniqueItems": True},
    "many integers": {"type": "array", "items": INTEGER, "uniqueItems": True, "minItems": 300},
    "many words": {"type": "array", "items": STRING, "uniqueItems": True, "minItems": 300},
    "short words": {
        "type": "array",
        "items": {"type": "string", "maxLength": 2},
        "uniqueItems": True,
        "minItems": 30,
    },
    "optional without a value": {
        **obj(["b"], a={"type": "string", "format": "date", "maxLength": 3}, b=STRING, c=STRING),
        "dependentRequired": {"c": ["a"]},
    },
    "few of many": {
        **obj([], a=INTEGER, b=STRING, c=STRING),
        "minProperties": 2,
        "not": {"required": ["a"]},
    },
    "least of recursive": {
        **obj([], a={"$ref": "#"}, b={"type": "array", "items": {"$ref": "#"}, "minItems": 2}),
        "minProperties": 1,
        "properties": {"a": {"$ref": "#"}, "b": INTEGER},
    },
    "oneOf by type": {"oneOf": [{"type": ["integer", "null"]}, STRING, {"type": "array"}]},
    "oneOf by tag": {
        "oneOf": [obj(k={"const": "a"}), obj(k={"enum": ["b", "c"]}), obj(k={"const": 1}, v=STRING)]
    },
    "oneOf of many": {"oneOf": [{**STRING, "minLength": n} for n in range(50, 100)] + [INTEGER]},
    "anyOf with a dead end": {
        "anyOf": [
            {"allOf": [STRING, INTEGER]},
            {**STRING, "format": "date", "maxLength": 2},
            INTEGER,
        ]
    },
    "several types": {"type": ["string", "integer", "null"], "format": "date", "maxLength": 3},
    "a reference into an array": {"allOf": [INTEGER, {"$ref": "#/allOf/0"}]},
    "a name of digits": {
        "type": "object",
        "patternProperties": {r"^\d{3}$": INTEGER},
        "additionalProperties": False,
        "minProperties": 2,
    },
    "below all": {"type": "number", "exclusiveMaximum": -1e300},
    "above all": {"type": "number", "exclusiveMinimum": 1e300},
    "beyond 64 bits": {"type": "integer", "minimum": 2**70 * 1.0},
    "very small": {"type": "number", "exclusiveMinimum": 1e-12, "exclusiveMaximum": 2e-12},
    "negative": {"type": "integer", "maximum": -500},
    "far apart": {"type": "integer", "minimum": -(10**6), "maximum": 10**6},
    "one alternative of few": {"type": "string", "pattern": "^(?:cat|doggy)?$", "minLength": 4},
    "sets": {"type": "string", "pattern": r"^[a\-z][\]^][^\x20-\x7a]\t\u{62}[ж-я]\D\S\P{L}$"},
    "lazy": {"type": "string", "pattern": "^a+?b*?c??x{2,}y{0,3}$"},
    "two formats": {
        "allOf": [
            {"type": "string", "format": "hostname"},
            {"format": "idn-hostname", "pattern": "e"},
        ]
    },
    "nothing": {},
    "true": True,
    "no type": {"properties": {"a": STRING}, "required": ["a"]},
}
FORMATS = [
    *("date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname"),
    *("ipv4", "ipv6", "uri", "uri-reference", "iri", "iri-reference", "uuid", "json-pointer"),
    *("relative-json-pointer", "regex"),
]


@needs_validator
@pytest.mark.parametrize("schema", KEYWORDS.values(), ids=KEYWORDS)
def test_each_keyword_is_obeyed(schema):
    """What is written fits, whatever the prompt and the seed."""
    for seed in range(12):
        value = write(schema, PROMPTS[seed % 3], seed)
        assert fits(schema, value), value


@needs_validator
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "lengths", [{}, {"minLength": 1, "maxLength": 40}], ids=["free", "bounded"]
)
def test_each_format_is_obeyed(name, lengths):
    """A string of a format passes a validator that asserts formats."""
    schema = {"type": "string", "format": name, **lengths}
    for seed in range(8):
        value = write(schema, PROMPTS[seed % 3], seed)
        assert fits(schema, value), value


@needs_validator
@pytest.mark.parametrize("name", ["email", "hostname", "uri", "json-pointer"])
def test_a_format_stretches_to_the_length_asked_for(name):
    """Addresses can be short and long."""
    for low, high in [(3, 9), (30, 30), (100, 110), (180, 200)]:
        schema = {"type": "string", "format": name, "minLength": low, "maxLength": high}
        assert fits(schema, write(schema))


# What no value fits, and what is not done

UNSATISFIABLE = [
    ({"type": "integer", "minimum": 5, "maximum": 4}, "#/minimum"),
    ({"exclusiveMinimum": 1, "type": "integer", "exclusiveMaximum": 2}, "#/exclusiveMinimum"),
    ({"type": "integer", "multipleOf": 10, "minimum": 1, "maximum": 9}, "#/multipleOf"),
    (obj(a={"type": "string", "minLength": 4, "maxLength": 3}), "#/properties/a/minLength"),
    ({"type": "array", "minItems": 2, "maxItems": 1}, "#/minItems"),
    ({"type": "array", "prefixItems": [True], "items": False, "minItems": 2}, "#/minItems"),
    (
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
        "#/uniqueItems",
    ),
    (obj(a=False), "#/required"),
    ({"type": "object", "required": ["a"], "additionalProperties": False}, "#/required"),
    ({"type": "object", "minProperties": 1, "additionalProperties": False}, "#/minProperties"),
    ({**obj(a=STRING, b=STRING), "maxProperties": 1}, "#/maxProperties"),
    ({"type": "string", "enum": [1, 2]}, "#/enum"),
    ({"enum": []}, "#/enum"),
    ({"allOf": [{"const": 1}, {"const": 2}]}, "#/allOf/1/const"),
    ({"allOf": [STRING, INTEGER]}, "#/allOf/1/type"),
    (
        {
            "type": "array",
            "items": {"type": "integer", "minimum": 1, "maximum": 3},
            "uniqueItems": True,
            "minItems": 4,
        },
        "#/uniqueItems",
    ),
    (
        {"type": "array", "items": {"enum": [1, 1.0]}, "uniqueItems": True, "minItems": 2},
        "#/uniqueItems",
    ),
    ({"type": "array", "contains": INTEGER, "maxItems": 0}, "#/contains"),
    (
        {"allOf": [{"multipleOf": 0.5}, {"type": "number", "minimum": 0.1, "maximum": 0.4}]},
        "#/allOf/0/multipleOf",
    ),
    ({"type": "string", "not": {"type": "string"}}, "#/not"),
    ({"anyOf": [False, {"allOf": [STRING, INTEGER]}]}, "#/anyOf/0"),
    (
        obj(a=obj(b={"type": "array", "minItems": 1, "items": {"$ref": "#"}})),
        "#/properties/a/properties/b/items/$ref",
    ),
    (False, "#"),
    ({"not": {}}, "#/not"),
    ({"$ref": "#"}, "#/$ref"),
    (obj(a={"$ref": "#"}), "#/properties/a/$ref"),
    ({"type": "string", "pattern": "^ab$", "minLength": 3}, "#/pattern"),
    ({"type": "string", "format": "date", "maxLength": 3}, "#/maxLength"),
]
MALFORMED = [
    (obj(**{"a/b": {"type": "strin"}}), "#/properties/a~1b/type"),
    ({"type": "string", "pattern": "["}, "#/pattern"),
    ({"type": "string", "pattern": "a{3,2}"}, "#/pattern"),
    ({"minimum": "1"}, "#/minimum"),
    ({"minLength": -1}, "#/minLength"),
    ({"anyOf": []}, "#/anyOf"),
    ({"properties": {"a": 3}}, "#/properties/a"),
    ({"required": "a"}, "#/required"),
    ({"$ref": "#/$defs/nowhere"}, "#/$ref"),
    ({"$ref": "#nowhere"}, "#/$ref"),
    ({"properties": 3}, "#/properties"),
    ([], "#"),
]
UNSUPPORTED = [
    ({"$ref": "https://example.com/x"}, "#/$ref"),
    ({"$dynamicRef": "#x"}, "#/$dynamicRef"),
    (obj(a={"$id": "x"}), "#/properties/a/$id"),
    ({"const": nest(70, lambda one: [one])}, "#/const"),
    ({"type": "array", "contains": True, "minContains": 10_001}, "#/minContains"),
    (
        obj(a={"type": "string", "minLength": 99_000}, b={"type": "string", "minLength": 99_000}),
        "#/properties/a/minLength",
    ),
    ({"type": "string", "pattern": r"(a)\1"}, "#/pattern"),
    ({"type": "array", "minItems": 10_001}, "#/minItems"),
    ({"type": "string", "minLength": 100_001}, "#/minLength"),
    ({"type": "object", "minProperties": 1_001}, "#/minProperties"),
]
REFUSED = [
    pytest.param(schema, path, kind, id=f"{kind} {json.dumps(schema)[:60]}")
    for kind, table in (
        ("unsatisfiable", UNSATISFIABLE),
        ("malformed", MALFORMED),
        ("unsupported", UNSUPPORTED),
    )
    for schema, path in table
]


@pytest.mark.parametrize(("schema", "path", "kind"), REFUSED)
def test_what_cannot_be_is_refused_by_keyword_and_path(schema, path, kind):
    """Each refusal names the keyword, where it stands, and what sort of fault it is."""
    with pytest.raises(SchemaRefused) as raised:
        compile_schema(schema)
    refused = raised.value
    assert (refused.path, refused.kind) == (path, kind)
    assert refused.keyword in {*path.split("/"), "false", "schema"}
    assert refused.keyword in refused.message
    assert path in refused.message


BAD_PATTERNS = {
    "malformed": ["(", ")", "*", "a)", "[", "[b-a]", "(?<x", "\\", r"\xzz", r"\p{L", r"a{3,2}"],
    "unsupported": [
        *(r"(a)\1", r"\k<x>", r"\p{Greek}", r"\q", "(?i)a", "a{2}{3}", "a**", "[]"),
        *("a{20000}", "a" * 3000, "(" * 60 + ")" * 60),
    ],
}


@pytest.mark.parametrize(
    ("pattern", "kind"), [(one, kind) for kind, some in BAD_PATTERNS.items() for one in some]
)
def test_a_pattern_that_is_not_done_is_refused(pattern, kind):
    """A pattern that is none is told from one that no text is written for."""
    with pytest.raises(SchemaRefused) as raised:
        compile_schema(obj(a={"type": "string", "pattern": pattern}))
    assert (raised.value.kind, raised.value.path) == (kind, "#/properties/a/pattern")


@needs_validator
def test_a_pattern_of_names_that_is_none_is_refused():
    """Without the validator no pattern of names is supported, whatever it is."""
    with pytest.raises(SchemaRefused) as raised:
        compile_schema({**obj(a={}), "patternProperties": {"[": {}}})
    assert (raised.value.kind, raised.value.path) == ("malformed", "#/patternProperties/[")


@needs_validator
def test_what_only_the_validator_finds_is_refused_by_its_word():
    """A contradiction that is not seen at a glance is refused after a bounded number of tries."""
    schema = obj(a={"type": "integer", "minimum": 2, "not": {"minimum": 1}})
    with pytest.raises(SchemaRefused) as raised:
        compile_schema(schema)
    assert (raised.value.keyword, raised.value.path) == ("not", "#/properties/a/not")
    assert raised.value.kind == "unsatisfiable"


# Hostile schemas


def chain(length, *names):
    """Definitions that each require the next under all *names*."""
    defs = {
        f"n{n}": obj(**{name: {"$ref": f"#/$defs/n{n + 1}"} for name in names})
        for n in range(length)
    }
    return {"$ref": "#/$defs/n0", "$defs": {**defs, f"n{length}": STRING}}


HOSTILE = {
    "deep": nest(50, lambda one: obj(a=one)),
    "deeper": nest(1000, lambda one: obj(a=one)),
    "deep anyOf": nest(60, lambda one: {"anyOf": [one, {"type": "null"}]}),
    "deep not": nest(60, lambda one: {"not": one}),
    "deep const": {"const": nest(200, lambda one: [one])},
    "long chain": chain(2000, "a"),
    "fan": chain(30, "a", "b", "c"),
    "many items": {"type": "array", "minItems": 10**9},
    "items of items": nest(3, lambda one: {"type": "array", "minItems": 9999, "items": one}),
    "unique items": {"type": "array", "minItems": 5000, "uniqueItems": True, "items": STRING},
    "long text": {"type": "string", "minLength": 10**12},
    "nested repeats": {"type": "string", "pattern": "^(a+)+$", "minLength": 500},
    "repeats of repeats": {"type": "string", "pattern": "((((a{9999}){9999}){9999}){9999})"},
    "look-ahead": {"type": "string", "pattern": "^(?=(a+)+$)(?!(a|aa)+$)", "minLength": 50},
    "deep pattern": {"type": "string", "pattern": "(" * 900 + ")" * 900},
    "long pattern": {"type": "string", "pattern": "a?" * 50_000},
    "loop": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}},
    "loop in anyOf": {"anyOf": [{"$ref": "#"}, STRING]},
    "enormous enum": {"enum": [f"value {n}" for n in range(30_000)]},
    "enum and pattern": {"enum": [f"value {n}" for n in range(30_000)], "pattern": "(a|a)*9$"},
    "many options": {"oneOf": [{"const": n} for n in range(2000)]},
    "options multiply": {"allOf": [{"anyOf": [{"minimum": n}] * 12} for n in range(9)]},
    "impossible": {"type": "array", "minItems": 3000, "items": INTEGER, "not": {"minItems": 1}},
    "too large": {"enum": ["x" * 600_000]},
}  # fmt: skip

PATIENCE = 20.0
"""Seconds of processor time: a hundred times what the worst takes, and far less than a stall."""


@needs_validator
@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_is_answered_or_refused_soon(schema):
    """Neither a stall nor an error of ours, whatever is asked for."""
    began = thread_time()
    try:
        value = write(schema)
    except SchemaRefused:
        value = None
    assert thread_time() - began < PATIENCE
    assert value is None or fits(schema, value)


def test_recursion_ends():
    """A tree has leaves, and a list an end."""
    tree = {
        "$ref": "#/$defs/node",
        "$defs": {
            "node": obj(
                name=STRING,
                left={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                children={"type": "array", "items": {"$ref": "#/$defs/node"}},
            )
        },
    }
    for seed in range(20):
        assert len(orjson.dumps(write(tree, seed=seed))) < 100_000


# Determinism

PROGRAM = """
import sys, orjson
from aihub.backends.providers.mock.choosing import Chooser
from aihub.backends.providers.mock.schema import compile_schema, free_object
from aihub.backends.providers.mock.text import Subject
subject = Subject("Tell me about Paris, France in 3 days")
for schema in orjson.loads(sys.argv[1]):
    print(orjson.dumps(compile_schema(schema).write(Chooser(b"x" * 32), subject)).decode())
print(free_object(Chooser(b"x" * 32), subject))
"""


@pytest.mark.slow
@needs_validator
def test_every_process_writes_the_same():
    """No order of a set or a hash shows: the same bytes under different hash seeds."""
    schemas = orjson.dumps([*KEYWORDS.values()]).decode()
    printed = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, schemas],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4711")
    }
    assert len(printed) == 1


class Fixed:
    """Words that depend on the choices alone."""

    numbers = (3, 2.5)

    def quoted(self, kind):
        return ()

    def mentions(self, text):
        return text == "red"

    def word(self, chooser):
        return chooser.pick(("tea", "water", "leaf"))

    name = phrase = sentence = word


@needs_validator
def test_every_version_of_python_writes_the_same():
    """What this one writes is what was written when the digest was taken, on another."""
    written = [compile_schema(one).write(Chooser(b"x" * 32), Fixed()) for one in KEYWORDS.values()]
    # Not by orjson, whose versions write 1e300 in two ways.
    assert sha256(json.dumps(written).encode()).hexdigest()[:16] == "60a596ee0e3bb8c4"


def test_the_schema_of_the_caller_is_left_alone_and_kept():
    """Compiling changes nothing of what it is given, and a kept template is used again."""
    schema = {"type": "string", "nullable": True}
    first = template_of(schema)
    assert schema == {"type": "string", "nullable": True}
    assert template_of({"type": "string", "nullable": True}) is first


def test_a_value_may_be_changed_by_who_gets_it():
    """What a schema lists is copied out."""
    template = compile_schema({"const": {"a": [1]}})
    template.write(Chooser(b"x" * 32), WEATHER)["a"].append(2)
    assert template.write(Chooser(b"x" * 32), WEATHER) == {"a": [1]}


# What it says


def test_numbers_are_those_of_the_prompt_in_their_order():
    """`add 2 and 3` gives a=2 and b=3, where they fit."""
    schema = obj(a=INTEGER, b=INTEGER)
    assert write(schema, Subject("add 2 and 3")) == {"a": 2, "b": 3}
    bounded = obj(a={"type": "integer", "minimum": 3}, b=INTEGER)
    assert write(bounded, Subject("add 2 and 3")) == {"a": 3, "b": 2}
    assert write({"type": "array", "items": NUMBER}, Subject("sum 4, 5 and 6.5")) == [4, 5, 6.5]


def test_an_option_that_the_prompt_mentions_wins():
    """An enum follows the prompt."""
    schema = {"enum": ["kelvin", "celsius", "fahrenheit"]}
    for seed in range(9):
        assert write(schema, Subject("In Celsius please"), seed) == "celsius"


def test_names_of_properties_steer_what_is_written():
    """A city is a name of the prompt's, a description a sentence, an address an address."""
    names = ("city", "description", "contactEmail", "image_url", "created_at")
    said = write(obj(**dict.fromkeys(names, STRING)))
    assert said["city"] in {"Paris", "France"}
    assert said["description"].endswith(".")
    assert re.fullmatch(r"[a-z]+@example\.com", said["contactEmail"])
    assert said["image_url"].startswith("https://")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", said["created_at"])


def test_hints_of_the_schema_are_taken():
    """Examples, defaults and descriptions fill what the prompt leaves open."""
    plain = Subject("hello")
    assert write({**STRING, "examples": ["left", "right"]}, plain) in {"left", "right"}
    assert write({**STRING, "examples": ["left", "right"]}, Subject("turn right")) == "right"
    assert write({**INTEGER, "default": 10}, plain) == 10
    assert write({**INTEGER, "default": 10}, Subject("give me 4")) == 4
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", write({**STRING, "description": "YYYY-MM-DD"}, plain))
    assert 1990 <= write(obj(year=INTEGER), plain)["year"] <= 2026
    assert 0 <= write(obj(confidence=NUMBER), plain)["confidence"] <= 1


def test_text_is_cut_at_a_word():
    """A bound does not tear a word apart."""
    text = write(obj(summary={"type": "string", "maxLength": 30}))["summary"]
    assert len(text) <= 30
    assert not text.endswith(" ")
    assert all(re.fullmatch(r"[\w.,]+", word) for word in text.split())


def test_what_may_be_null_is_not():
    """Of a value or null, the value is written; optional properties are there, in order."""
    schema = obj([], b={"anyOf": [STRING, {"type": "null"}]}, a={"type": ["null", "integer"]})
    for seed in range(9):
        said = write(schema, seed=seed)
        assert list(said) == ["b", "a"]
        assert None not in said.values()


def test_a_pattern_of_letters_takes_words_of_the_prompt():
    """Where any letters will do, they are words."""
    words = {"tell", "weather", "paris", "france", "days", "degrees", "about"}
    text = write({"type": "string", "pattern": "^[a-z ]+$"})
    assert any(word[1:] in text for word in words)


def test_free_json_is_about_the_prompt():
    """An object without a schema has words of the prompt in its keys and values."""
    found = free_object(Chooser(b"x" * 32), WEATHER)
    assert {"topic", "summary"} < found.keys()
    assert any(name in json.dumps(found).lower() for name in ("paris", "weather", "france"))
    assert isinstance(write({}), dict)


# With `strict: true`

STRICT = {
    "title": "Reply",
    "type": "object",
    "properties": {
        "a": {"type": ["string", "null"], "pattern": "^x", "minLength": 1},
        "b": {"anyOf": [{"$ref": "#/$defs/d"}, {"type": "null"}]},
        "c": {"type": "array", "items": {"type": "number", "minimum": 1}, "minItems": 1},
    },
    "required": ["a", "b", "c"],
    "additionalProperties": False,
    "$defs": {"d": {"enum": ["x", "y"], "type": "string", "description": "one of two"}},
}
NEEDS_FALSE = "'additionalProperties' is required to be supplied and to be false."
NEEDS_ALL = (
    "'required' is required to be supplied and to be an array including every key in properties."
)


def strict(required=None, **properties):
    return {**obj(required, **properties), "additionalProperties": False}


NOT_STRICT = {
    "array": (
        {"type": "array"},
        "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"array\"'.",
    ),
    "root anyOf": ({"anyOf": [STRICT]}, "schema must not have 'anyOf' at the top level."),
    "open": (obj(a=STRING), f"In context=(), {NEEDS_FALSE}"),
    "open within": (strict(a=obj()), f"In context=('properties', 'a'), {NEEDS_FALSE}"),
    "open in items": (
        strict(a={"type": "array", "items": obj()}),
        f"In context=('properties', 'a', 'items'), {NEEDS_FALSE}",
    ),
    "optional": (strict(["a"], a=STRING, b=STRING), f"In context=(), {NEEDS_ALL} Missing 'b'."),
    "too much required": (
        strict(["a", "z"], a=STRING),
        f"In context=(), {NEEDS_ALL} Extra required key 'z' supplied.",
    ),
    "allOf": (
        strict(a={"allOf": [STRING]}),
        "In context=('properties', 'a'), 'allOf' is not permitted.",
    ),
    "default": (
        strict(a={"type": "string", "default": "x"}),
        "In context=('properties', 'a'), 'default' is not permitted.",
    ),
    "no type": (strict(a={}), "In context=('properties', 'a'), schema must have a 'type' key."),
    "no items": (
        strict(a={"type": "array"}),
        "In context=('properties', 'a'), array schema missing items.",
    ),
    "format": (
        strict(a={"type": "string", "format": "uri"}),
        "In context=('properties', 'a'), 'uri' is not a supported format.",
    ),
    "beside a reference": (
        strict(a={"$ref": "#", "description": "x"}),
        "In context=('properties', 'a'), $ref cannot have keywords {'description'}.",
    ),
    "deep": (nest(10, lambda one: strict(a=one), strict(a=STRING)), "11 levels of nesting exceeds"),
    "many options": (
        strict(a={"enum": [*range(600)]}, b={"enum": [*range(520)]}),
        "Expected at most 1000 enum values in total within a single schema",
    ),
    "long options": (strict(a={"enum": [f"{n:0100}" for n in range(251)]}), "25100 characters"),
    "many properties": (strict(**{f"p{n}": STRING for n in range(5001)}), "Expected at most 5000"),
    "long names": (strict(**{"p" * 120_001: STRING}), "Expected at most 120000"),
}


def test_what_openai_takes_with_strict_is_taken():
    """The documented keywords pass, and what passes can be written."""
    check_strict(STRICT)
    assert list(write(STRICT)) == ["a", "b", "c"]
    check_strict(nest(9, lambda one: strict(a=one), strict(a=STRING)))


@pytest.mark.parametrize(("schema", "text"), NOT_STRICT.values(), ids=NOT_STRICT)
def test_what_openai_refuses_with_strict_is_refused_in_its_words(schema, text):
    """The context and the reason are OpenAI's; the path is ours too."""
    with pytest.raises(SchemaRefused) as raised:
        check_strict(schema)
    assert text in raised.value.message
    assert raised.value.kind == "unsupported"
    assert raised.value.path.startswith("#/")


# Without the validator

WITHOUT = """
import sys
sys.modules["jsonschema_rs"] = None
import importlib.util as util
find = util.find_spec
util.find_spec = lambda name: None if name == "jsonschema_rs" else find(name)
from aihub.backends.providers.mock.schema import SchemaRefused, compile_schema
for schema in ({"type": "string", "pattern": "^[a-f]{4}$"}, {"not": {"minimum": 3}}):
    try:
        compile_schema(schema)
        print("written")
    except SchemaRefused as refused:
        print(refused.kind, refused.message)
"""


@pytest.mark.slow
def test_without_the_extra_only_what_needs_it_is_refused():
    """What the way of writing vouches for is written; the rest names the extra."""
    done = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, check=True)
    first, second = done.stdout.decode().splitlines()
    assert first == "written"
    assert second.startswith("unsupported 'not' at #/not: needs the extra 'schema'")


# Random schemas

NAMES = st.sampled_from(
    ["name", "title", "id", "count", "email", "createdAt", "x", "tags", "a b", "ä/~%"]
)
PATTERNS = [
    r"^[A-Z]{3}-\d{4}$", "^(foo|bar)+$", "[a-z]{2,}", r"^\+?[1-9]\d{1,14}$", "^#[0-9a-f]{6}$",
    r"^(?=.*[A-Z])(?=.*\d).{8,}$", r"\bword\b", r"^\S+$", "^(a+)+$", r"^[^\s@]+@[^\s@]+$",
    "^a$|^b$",
]  # fmt: skip
SCALARS = st.one_of(
    st.integers(-5, 5),
    st.sampled_from([0.5, 1.0, 1e3, "a", "red", "", None]),
    st.booleans(),
)


def between(least, most, low, high):
    """Two bounds, the first not above the second, each there or not."""
    return st.tuples(st.integers(low, high), st.integers(0, high - low)).flatmap(
        lambda two: st.fixed_dictionaries(
            {}, optional={least: st.just(two[0]), most: st.just(two[0] + two[1])}
        )
    )


def of(type_, *more):
    return st.one_of(*more).map(lambda one: {"type": type_, **one})


LEAVES = st.one_of(
    of(
        "string",
        between("minLength", "maxLength", 0, 60),
        st.sampled_from(PATTERNS).map(lambda one: {"pattern": one}),
        st.sampled_from([*FORMATS, "unknown"]).map(lambda one: {"format": one}),
    ),
    of(
        "number",
        between("minimum", "maximum", -100, 100),
        st.sampled_from([1, 3, 0.5, 0.01, 0.1, 7]).map(lambda one: {"multipleOf": one}),
        st.just({"exclusiveMinimum": 0.1, "exclusiveMaximum": 0.2}),
    ),
    of(
        "integer",
        between("minimum", "maximum", -100, 100),
        st.just({"multipleOf": 7, "minimum": 3}),
    ),
    st.sampled_from(
        [{"type": "boolean"}, {"type": "null"}, True, {}, {"type": ["string", "null"]}]
    ),
    st.just({"type": "string", "nullable": True}),
    st.lists(SCALARS, min_size=1, max_size=4).map(lambda some: {"enum": some}),
    SCALARS.map(lambda one: {"const": one}),
)


@st.composite
def objects(draw, inner):
    """Objects with one of the keywords that objects have."""
    properties = draw(st.dictionaries(NAMES, inner, max_size=4))
    names = sorted(properties)
    required = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    room = len(required) + draw(st.integers(0, 3))
    more = draw(
        st.sampled_from([
            {}, {"additionalProperties": False}, {"minProperties": len(names) + 2},
            {"maxProperties": room}, {"patternProperties": {"^x-": STRING}, "minProperties": 2},
            {"propertyNames": {"maxLength": 20}, "minProperties": 1},
            {"dependentRequired": {names[0]: [names[-1]]}} if names else {},
            {"dependentSchemas": {names[0]: {"required": [names[-1]]}}} if names else {},
        ])
    )  # fmt: skip
    return {"type": "object", "properties": properties, "required": required, **more}


def arrays(inner):
    """Arrays with each of the keywords that arrays have."""
    kinds = st.sampled_from([STRING, INTEGER, {"enum": [1, 2, 3, 4]}, {**NUMBER, "minimum": 0}])
    return of(
        "array",
        st.tuples(inner, between("minItems", "maxItems", 0, 4)).map(
            lambda two: {"items": two[0], **two[1]}
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"prefixItems": some}),
        inner.map(lambda one: {"contains": one, "minContains": 2}),
        kinds.map(lambda one: {"items": one, "uniqueItems": True, "minItems": 3}),
    )


def combined(inner):
    """Choices, merges, conditions and references."""
    tagged = inner.map(lambda one: {"oneOf": [obj(k={"const": "a"}, v=one), obj(k={"const": "b"})]})
    merged = st.tuples(inner, inner).map(
        lambda two: {"allOf": [obj(left=two[0]), obj([], right=two[1])]}
    )
    fixed = [KEYWORDS[name] for name in KEYWORDS if name.startswith(("oneOf", "not", "if"))]
    references = [{"$ref": f"#/$defs/{name}"} for name in ("node", "list%20of")]
    return st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda some: {"anyOf": some}),
        inner.map(lambda one: {"anyOf": [one, {"type": "null"}]}),
        tagged,
        merged,
        st.sampled_from([*fixed, *references, {"$ref": "#anchored"}]),
    )


DEFINITIONS = {
    "node": {
        **obj(value=INTEGER, next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}),
        "additionalProperties": False,
    },
    "list of": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2},
    "other": {"$anchor": "anchored", "type": "string", "maxLength": 5},
}
SCHEMAS = st.recursive(
    LEAVES, lambda inner: st.one_of(objects(inner), arrays(inner), combined(inner)), max_leaves=8
).map(lambda one: {**one, "$defs": DEFINITIONS} if isinstance(one, dict) else one)


@pytest.mark.slow
@needs_validator
@given(SCHEMAS, st.integers(0, 10**9))
@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_schemas_are_answered(schema, seed):
    """Five hundred schemas, each satisfiable: what is written passes with formats asserted."""
    template = compile_schema(schema)
    for subject in PROMPTS:
        value = template.write(Chooser(b"%032d" % seed), subject)
        assert fits(schema, value), value


FIELDS = st.one_of(
    st.sampled_from([
        {"title": "Name", "type": "string"},
        {"default": 3, "title": "Count", "type": "integer"},
        {"exclusiveMinimum": 0, "title": "Price", "type": "number"},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "Note"},
        {"format": "date-time", "title": "When", "type": "string"},
        {"enum": ["red", "green"], "title": "Color", "type": "string"},
        {"const": "cat", "title": "Kind", "type": "string"},
        {"$ref": "#/$defs/Address"},
        {"items": {"$ref": "#/$defs/Address"}, "title": "Places", "type": "array"},
        {"additionalProperties": {"type": "integer"}, "title": "Scores", "type": "object"},
        {
            "maxItems": 2, "minItems": 2, "title": "Point", "type": "array",
            "prefixItems": [{"type": "number"}, {"type": "number"}],
        },
        {
            "discriminator": {"propertyName": "kind"}, "title": "Pet",
            "oneOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}],
        },
        {"items": {"type": "string"}, "title": "Tags", "type": "array", "uniqueItems": True},
        {"anyOf": [{"$ref": "#/$defs/Tree"}, {"type": "null"}]},
        {"title": "Anything"},
    ])
)  # fmt: skip
MODELS = {
    "Address": {
        **obj(["city"], city=STRING, zip={"pattern": "^\\d{5}$", **STRING}),
        "title": "Address",
    },
    "Cat": obj(kind={"const": "cat", **STRING}, lives={"maximum": 9, "minimum": 1, **INTEGER}),
    "Dog": obj(kind={"const": "dog", **STRING}, tricks={"items": STRING, "type": "array"}),
    "Tree": obj(children={"items": {"$ref": "#/$defs/Tree"}, "type": "array"}),
}


@pytest.mark.slow
@needs_validator
@given(st.dictionaries(NAMES, FIELDS, min_size=1, max_size=8), st.booleans(), st.integers(0, 999))
@settings(max_examples=300, deadline=None)
def test_schemas_as_pydantic_writes_them_are_answered(fields, closed, seed):
    """Models with optional fields, tuples, unions with a discriminator, and recursion."""
    required = [name for name, field in fields.items() if "default" not in field]
    schema = {"$defs": MODELS, "title": "Model", **obj(required, **fields)}
    if closed:
        schema["additionalProperties"] = False
    value = write(schema, seed=seed)
    assert fits(schema, value), value
    assert set(value) == set(fields)


def test_addresses_and_dates_are_those_of_the_prompt():
    """Each once, in the prompt's order, where it has the length; then made-up ones again."""
    said = (
        "Mail alice@example.org or bob.b@mail.example.org by 2026-01-31, see https://a.example/b."
    )
    text = {"type": "string"}
    schema = {
        "type": "object",
        "properties": {
            "email": text,
            "backup": {"type": "string", "format": "email"},
            "emails": {
                "type": "array",
                "items": {"type": "string", "format": "email"},
                "minItems": 3,
                "uniqueItems": True,
            },
            "deadline": {"type": "string", "format": "date"},
            "link": {"type": "string", "format": "uri"},
            "short": {"type": "string", "format": "uri", "maxLength": 8},
            "year": {"type": "integer"},
        },
    }
    value = template_of(schema).write(Chooser(b"x" * 32), Subject(said))

    assert (value["email"], value["backup"]) == ("alice@example.org", "bob.b@mail.example.org")
    assert len(set(value["emails"])) >= 3
    assert (value["deadline"], value["link"]) == ("2026-01-31", "https://a.example/b")
    assert len(value["short"]) <= 8
    assert value["year"] not in {31, 1, -1}


@pytest.mark.parametrize(
    "said",
    [
        "a..b@c.de",
        "a@b",
        "@b.cd",
        "2026-02-31",
        "2026-13-01",
        "12026-01-01",
        "ftp://a.bc",
        "http://",
    ],
)
def test_what_is_no_address_or_date_is_not_taken_for_one(said):
    """What a validator would not take is not quoted."""
    assert not any(Subject(said).quoted(kind) for kind in ("email", "url", "date", "colour"))
