"""The mock writes JSON that keeps to its schema: through OpenAI's SDK, whole and streamed."""

import json
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Literal

import pytest

pytest.importorskip("jsonschema_rs")
pytest.importorskip("openai")
pytest.importorskip("trio")

import jsonschema_rs
import openai
import pydantic

from ..openai_sdk import ask, asked, only, plain, refusal, user

pytestmark = pytest.mark.slow

PROMPT = user("Describe a trip of 3 days to Paris for 2 people, please")


def in_form(schema, **more):
    """A `response_format` of a schema."""
    return {"type": "json_schema", "json_schema": {"name": "it", "schema": schema, **more}}


def obj(**properties):
    """A schema of an object with these properties, all of them, and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }


def text(done):
    """The text of the only choice."""
    return only(done).message.content


STRING, INTEGER = {"type": "string"}, {"type": "integer"}
TREE = {
    **obj(root={"$ref": "#/$defs/node"}),
    "$defs": {
        "node": obj(name=STRING, children={"type": "array", "items": {"$ref": "#/$defs/node"}})
    },
}
# What both strict and other schemas may say.
COMMON = {
    "plain": obj(name=STRING, days=INTEGER, price={"type": "number"}, open={"type": "boolean"}),
    "nested": obj(trip=obj(stops={"type": "array", "items": obj(city=STRING, days=INTEGER)})),
    "enum": obj(unit={"enum": ["celsius", "fahrenheit"]}, size={"type": "integer", "enum": [3]}),
    "const": obj(kind={"const": "trip"}),
    "pattern": obj(code={"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"}),
    "formats": obj(
        **{
            name: {"type": "string", "format": name}
            for name in ("date-time", "date", "time", "duration", "email", "hostname", "uuid")
        },
        four={"type": "string", "format": "ipv4"},
        six={"type": "string", "format": "ipv6"},
    ),
    "bounds": obj(
        whole={"type": "integer", "minimum": 7, "maximum": 9},
        part={"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        by={"type": "integer", "multipleOf": 7, "minimum": 100},
        few={"type": "array", "items": STRING, "minItems": 2, "maxItems": 3},
    ),
    "any of": obj(it={"anyOf": [obj(city=STRING), obj(number=INTEGER)]}),
    "may be null": obj(
        note={"type": ["string", "null"]}, more={"anyOf": [STRING, {"type": "null"}]}
    ),
    "recursion": TREE,
    "recursion to the root": obj(name=STRING, next={"anyOf": [{"$ref": "#"}, {"type": "null"}]}),
}
# What `strict` has no room for.
LOOSE = {
    "one of": {"oneOf": [obj(city=STRING), obj(number=INTEGER)]},
    "nullable": obj(note={"type": "string", "nullable": True}),
    "optional": {"type": "object", "properties": {"a": STRING, "b": INTEGER}, "required": ["a"]},
    "all of": {"allOf": [obj(a=STRING), {"properties": {"a": {"minLength": 30}}}]},
    "not": obj(a={"type": "integer", "not": {"multipleOf": 2}}),
    "an array at the root": {"type": "array", "items": INTEGER, "minItems": 2, "uniqueItems": True},
    "lengths": obj(a={"type": "string", "minLength": 40, "maxLength": 45}),
    "more properties": {"type": "object", "minProperties": 2, "additionalProperties": INTEGER},
    "anything": {},
}
SCHEMAS = [
    *[pytest.param(schema, True, id=f"{name}, strict") for name, schema in COMMON.items()],
    *[pytest.param(schema, False, id=name) for name, schema in (COMMON | LOOSE).items()],
]


@pytest.mark.parametrize(("schema", "strict"), SCHEMAS)
def test_what_is_written_fits_the_schema(sdk, schema, strict):
    """Keyword by keyword, formats included."""
    done = ask(sdk, messages=PROMPT, response_format=in_form(schema, strict=strict))

    # OpenAPI's `nullable` only allows more than a validator that does not know it.
    kind = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
    kind.validate(json.loads(text(done)))
    assert only(done).finish_reason == "stop"


def test_json_objects(sdk):
    """`json_object` asks for any object."""
    done = ask(sdk, messages=PROMPT, response_format={"type": "json_object"})

    assert isinstance(json.loads(text(done)), dict)


def test_a_format_of_text_is_a_text(sdk):
    """Which is what there is without one."""
    done = ask(sdk, messages=PROMPT, response_format={"type": "text"})

    with pytest.raises(json.JSONDecodeError):
        json.loads(text(done))


def test_what_is_written_is_about_the_prompt(sdk):
    """Its names, numbers and words, where they fit."""
    schema = obj(city=STRING, days=INTEGER, people=INTEGER, kind={"enum": ["job", "trip"]})

    done = ask(sdk, messages=PROMPT, response_format=in_form(schema, strict=True))

    assert json.loads(text(done)) == {"city": "Paris", "days": 3, "people": 2, "kind": "trip"}


def test_a_bound_cuts_json_as_it_cuts_text(sdk):
    """In its middle; the SDK's parser says so by its own error."""
    form = in_form(COMMON["plain"])
    done = ask(sdk, messages=PROMPT, response_format=form, max_tokens=5)

    assert only(done).finish_reason == "length"
    assert done.usage.completion_tokens == 5
    with pytest.raises(openai.LengthFinishReasonError):
        sdk.chat.completions.parse(
            **asked({"messages": PROMPT}), response_format=Trip, max_tokens=5
        )


def closed(**more):
    """A schema that `strict` takes, but for *more*."""
    return {**obj(a=STRING), **more}


REFUSED = {
    "bounds": (obj(a={"type": "integer", "minimum": 3, "maximum": 1}), False, "minimum", "/a/"),
    "lengths": (
        obj(a={"type": "string", "minLength": 5, "maxLength": 3}),
        False,
        "minLength",
        "/a",
    ),
    "a pattern that refers back": (
        obj(a={"type": "string", "pattern": r"(a)\1"}),
        False,
        "pattern",
        "#/properties/a/pattern",
    ),
    "another document": (
        obj(a={"$ref": "https://example.com/a.json"}),
        False,
        "$ref",
        "#/properties/a/$ref",
    ),
    "no such place": (obj(a={"$ref": "#/$defs/a"}), False, "$ref", "#/properties/a/$ref"),
    "no end": (obj(a={"$ref": "#"}), False, "", "#"),
    "no type": (obj(a={"type": "text"}), False, "type", "#/properties/a/type"),
    "strict, open": (closed(additionalProperties=True), True, "additionalProperties", ""),
    "strict, optional": (closed(required=[]), True, "required", ""),
    "strict, no object": ({"type": "array", "items": STRING}, True, "object", ""),
    "strict, allOf": (obj(a={"allOf": [STRING]}), True, "allOf", "a"),
}


@pytest.mark.parametrize(("schema", "strict", "keyword", "path"), REFUSED.values(), ids=REFUSED)
def test_schemas_that_cannot_be_kept_to_are_refused(sdk, schema, strict, keyword, path):
    """By keyword and path; the field is `response_format`, as OpenAI names it."""
    form = in_form(schema, strict=strict)

    param, code, said = refusal(sdk, messages=PROMPT, response_format=form)

    assert (param, code) == ("response_format", "invalid_json_schema")
    assert said.startswith("Invalid schema for response_format 'it': ")
    assert keyword in said
    assert path in said


# Models of pydantic, through `parse` and `stream`


class Kind(Enum):
    """What a trip is for."""

    HOLIDAY = "holiday"
    WORK = "work"


class Stop(pydantic.BaseModel):
    """A place and how long to stay."""

    city: str
    days: int
    arrival: date


class Trip(pydantic.BaseModel):
    """Nested, with lists, an enum and what may be missing."""

    title: str
    kind: Kind
    stops: list[Stop]
    note: str | None
    budget: float
    mood: Literal["calm", "busy"]


class Folder(pydantic.BaseModel):
    """A model that holds itself."""

    name: str
    inside: "list[Folder]"


class Chain(pydantic.BaseModel):
    """A model that may hold itself."""

    value: int
    rest: "Chain | None"


class Cat(pydantic.BaseModel):
    """One of two that are told apart by a field."""

    animal: Literal["cat"]
    lives: int


class Dog(pydantic.BaseModel):
    """The other."""

    animal: Literal["dog"]
    name: str


class Shelter(pydantic.BaseModel):
    """A union, and times."""

    guests: list[Cat | Dog]
    opened: datetime
    rooms: dict[str, int] | None = None


class Bounded(pydantic.BaseModel):
    """Bounds, as pydantic writes them into a schema."""

    stars: Annotated[int, pydantic.Field(ge=1, le=5)]
    code: Annotated[str, pydantic.Field(pattern=r"^[A-Z]{2}\d{2}$")]
    tags: Annotated[list[str], pydantic.Field(min_length=1, max_length=3)]
    price: Annotated[Decimal, pydantic.Field(gt=0)]


MODELS = [Trip, Folder, Chain, Bounded]


@pytest.mark.parametrize("kind", MODELS)
def test_parse_gives_a_model(sdk, kind):
    """Whole by `parse`, streamed by `stream`: the same instance of the program's own class."""
    fields = asked({"messages": PROMPT, "response_format": kind})

    done = sdk.chat.completions.parse(**fields)
    with sdk.chat.completions.stream(**fields) as stream:
        events = list(stream)
        streamed = stream.get_final_completion()

    found = only(done).message.parsed
    assert isinstance(found, kind)
    assert only(streamed).message.parsed == found
    (ended,) = [event for event in events if event.type == "content.done"]
    assert ended.parsed == found
    assert len([event for event in events if event.type == "content.delta"]) > 3


def test_a_schema_of_a_model_need_not_be_strict(sdk):
    """What pydantic writes by itself: defaults, open dictionaries, unions."""
    schema = Shelter.model_json_schema()

    done = ask(sdk, messages=PROMPT, response_format=in_form(schema))

    assert isinstance(Shelter.model_validate_json(text(done)), Shelter)


def test_what_strict_cannot_say_is_refused_as_openai_does(sdk):
    """An open dictionary: the SDK sends it, and gets OpenAI's answer."""
    with pytest.raises(openai.BadRequestError) as refused:
        sdk.chat.completions.parse(**asked({"messages": PROMPT}), response_format=Shelter)

    assert refused.value.code == "invalid_json_schema"
    assert "additionalProperties" in refused.value.body["message"]


class GetWeather(pydantic.BaseModel):
    """Get the weather in a city."""

    city: str
    unit: Literal["celsius", "fahrenheit"]
    days: int


def test_a_tool_may_be_a_model(sdk):
    """`pydantic_function_tool`: arguments come back as the class, whole and streamed."""
    tools = [openai.pydantic_function_tool(GetWeather, name="get_weather")]
    fields = asked({"messages": user("The weather in Paris for 3 days in celsius"), "tools": tools})

    done = sdk.chat.completions.parse(**fields)
    with sdk.chat.completions.stream(**fields) as stream:
        streamed = stream.get_final_completion()

    for answer in (done, streamed):
        (call,) = only(answer).message.tool_calls
        assert call.function.parsed_arguments == GetWeather(city="Paris", unit="celsius", days=3)


def test_tools_and_a_form_go_together(sdk):
    """A call where a tool is asked for, and the form for the text after its result."""
    tools = [openai.pydantic_function_tool(GetWeather, name="get_weather")]
    messages = user("What is the weather in Paris?")
    fields = {"tools": tools, "response_format": Trip}
    called = only(sdk.chat.completions.parse(**asked({"messages": messages}), **fields)).message
    (call,) = called.tool_calls
    messages += [
        {"role": "assistant", "tool_calls": [call.to_dict()]},
        {"role": "tool", "tool_call_id": call.id, "content": "19 degrees"},
    ]

    done = sdk.chat.completions.parse(**asked({"messages": messages}), **fields)

    assert isinstance(only(done).message.parsed, Trip)


def test_the_same_request_has_the_same_json(sdk):
    """And with another seed another."""
    fields = {"messages": PROMPT, "response_format": in_form(COMMON["nested"])}

    one, same, other = [ask(sdk, seed=seed, **fields) for seed in (1, 1, 2)]

    assert plain(one) == plain(same)
    assert text(one) != text(other)
