"""Bedrock's Converse, both ways: what is said, what is read, and what is refused."""

import json
import struct
from contextlib import suppress

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.repetitions import events as events_of
from aihub.dialects import bedrock
from aihub.dialects.bedrock.eventstream import EventStreamDecoder, StreamMessage, frame
from aihub.dialects.reading import Unreadable
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

from . import speaking

HI = Message("user", "Hi")
F = Tool(name="f", parameters={"type": "object", "properties": {}})
G = Tool(name="g", parameters={"type": "object", "properties": {}})
OUTBOUND = bedrock.Outbound()
PDF = "data:application/pdf;base64,aGk="
EPHEMERAL = {"type": "ephemeral"}
POINT = {"cachePoint": {"type": "default"}}


def chat(*messages, **fields):
    """A chat in OpenAI's words."""
    return Chat(model="claude", messages=messages or (HI,), **fields)


def said(one, **options):
    """The request that a chat becomes, as JSON."""
    return json.loads(bedrock.Outbound(**options).encode_call(speaking.call(one)).body)


def refused(one, **options):
    """The paths that are refused in a chat."""
    with pytest.raises(InvalidRequest) as caught:
        bedrock.Outbound(**options).check(MODEL, one)
    return [path for path, _ in caught.value.faults]


# Requests said


@pytest.mark.parametrize(
    ("model", "stream", "path"),
    [
        ("amazon.nova-lite-v1:0", False, "/model/amazon.nova-lite-v1%3A0/converse"),
        ("a~b_c/d", True, "/model/a~b_c%2Fd/converse-stream"),
    ],
)
def test_a_call_has_the_model_in_its_path(model, stream, path):
    """Escaped, so that an ARN is one segment; the body does not say whether to stream."""
    one = chat(stream=stream)
    wire = OUTBOUND.encode_call(speaking.call(one, upstream_model=model))

    assert (wire.path, wire.headers) == (path, ())
    assert json.loads(wire.body) == {"messages": [{"role": "user", "content": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        (
            {"temperature": 0.5, "top_p": 0.9, "stop": ("a",), "max_tokens": 7},
            {
                "inferenceConfig": {
                    "temperature": 0.5,
                    "topP": 0.9,
                    "stopSequences": ["a"],
                    "maxTokens": 7,
                }
            },
        ),
        ({"extra": {"service_tier": "flex"}}, {"serviceTier": {"type": "flex"}}),
        ({"extra": {"service_tier": "auto", "store": False, "metadata": {}}}, {}),
        ({"extra": {"top_k": 5}}, {"additionalModelRequestFields": {"top_k": 5}}),
        (
            {"extra": {"top_k": 5, "additionalModelRequestFields": {"x": 1}}},
            {"additionalModelRequestFields": {"top_k": 5, "x": 1}},
        ),
        ({"extra": {"guardrailConfig": {"x": 1}}}, {"guardrailConfig": {"x": 1}}),
        (
            {"extra": {"inferenceConfig": {"x": 1}}, "max_tokens": 5},
            {"inferenceConfig": {"maxTokens": 5, "x": 1}},
        ),
        ({"reasoning_effort": "minimal"}, {"outputConfig": {"effort": "low"}}),
        ({"reasoning_effort": "max"}, {"outputConfig": {"effort": "max"}}),
        ({"response_format": ResponseFormat(kind="text")}, {}),
        (
            {
                "response_format": ResponseFormat(
                    kind="json_schema", name="n", schema={"a": 1}, description="d"
                )
            },
            {
                "outputConfig": {
                    "textFormat": {
                        "type": "json_schema",
                        "structure": {
                            "jsonSchema": {"schema": '{"a":1}', "name": "n", "description": "d"}
                        },
                    }
                }
            },
        ),
        (
            {"response_format": ResponseFormat(kind="json_schema", schema={})},
            {
                "outputConfig": {
                    "textFormat": {
                        "type": "json_schema",
                        "structure": {"jsonSchema": {"schema": "{}"}},
                    }
                }
            },
        ),
        (
            {"response_format": ResponseFormat(kind="x", data={"type": "x"}), "dialect": "bedrock"},
            {"outputConfig": {"textFormat": {"type": "x"}}},
        ),
        ({"n": 1, "presence_penalty": 0.0, "logit_bias": {}}, {}),
        ({"parallel_tool_calls": False}, {}),
    ],
)
def test_what_openai_has_is_said_in_bedrocks_words(fields, body):
    """Each parameter at its place; what asks for nothing special is not said."""
    assert said(chat(**fields)) == {**said(chat()), **body}


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"temperature": 1.5}, "temperature"),
        ({"n": 2}, "n"),
        ({"seed": 1}, "seed"),
        ({"user": "u"}, "user"),
        ({"extra": {"service_tier": "scale"}}, "service_tier"),
        ({"extra": {"store": True}}, "store"),
        (
            {"extra": {"top_k": 5, "additionalModelRequestFields": {"top_k": 6}}},
            "top_k",
        ),
        ({"reasoning_effort": "none"}, "reasoning_effort"),
        ({"response_format": ResponseFormat(kind="json_object")}, "response_format.type"),
        ({"response_format": ResponseFormat(kind="x", data={})}, "response_format.type"),
        ({"tools": (Tool(kind="custom", name="f"),)}, "tools[0].type"),
        ({"tools": (F,), "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tools": (F,), "tool_choice": ToolChoice("auto", ("x",))}, "tool_choice"),
        ({"dialect": "gemini", "extra": {"safetySettings": []}}, "safetySettings"),
        ({"dialect": "anthropic", "extra": {"thinking": {}}}, "thinking"),
        ({"dialect": "gemini", "tools": (Tool(kind="googleSearch", name="g"),)}, "tools[0]"),
        (
            {"tools": (attrs.evolve(F, extra={"cache_control": {"type": "x"}}),)},
            "tools[0].cache_control",
        ),
        (
            {"tools": (attrs.evolve(F, extra={"cache_control": "x"}),)},
            "tools[0].cache_control",
        ),
        (
            {"tools": (attrs.evolve(F, extra={"cache_control": {**EPHEMERAL, "ttl": "2d"}}),)},
            "tools[0].cache_control",
        ),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields, path):
    """Nothing is dropped silently."""
    assert refused(chat(**fields)) == [path]


def test_lenient_leaves_out_what_has_no_place_and_still_refuses_what_is_wrong():
    """A fallback to another vendor may do without a seed, not without a message."""
    one = chat(Message("user", "Hi", name="eve"), seed=1, n=2, extra={"store": True})

    assert refused(one) == ["messages[0].name", "n", "seed", "store"]
    assert said(one, lenient=True) == said(chat())
    assert refused(attrs.evolve(one, temperature=2.0), lenient=True) == ["temperature"]


def test_tools_are_said_with_their_schemas():
    """With strict, what else is told of them, cache points, and tools of the vendor's own."""
    strict = Tool(name="f", description="d", parameters={"a": 1}, strict=True, extra={"x": 1})
    cached = attrs.evolve(G, description="", extra={"cache_control": {**EPHEMERAL, "ttl": "1h"}})
    system = Tool(kind="systemTool", name="", data={"type": "systemTool", "systemTool": {"x": 1}})
    body = said(chat(tools=(strict, Tool(name="h"), cached, system)))

    assert body["toolConfig"] == {
        "tools": [
            {
                "toolSpec": {
                    "name": "f",
                    "description": "d",
                    "inputSchema": {"json": {"type": "object", "a": 1}},
                    "strict": True,
                    "x": 1,
                }
            },
            {
                "toolSpec": {
                    "name": "h",
                    "inputSchema": {"json": {"type": "object", "properties": {}}},
                }
            },
            {
                "toolSpec": {
                    "name": "g",
                    "inputSchema": {"json": {"type": "object", "properties": {}}},
                }
            },
            {"cachePoint": {"type": "default", "ttl": "1h"}},
            {"systemTool": {"x": 1}},
        ]
    }


@pytest.mark.parametrize(
    ("choice", "told", "offered"),
    [
        (None, None, ["f", "g"]),
        (ToolChoice("auto"), {"auto": {}}, ["f", "g"]),
        (ToolChoice("required"), {"any": {}}, ["f", "g"]),
        (ToolChoice("required", ("g",)), {"tool": {"name": "g"}}, ["f", "g"]),
        (ToolChoice("auto", ("g",)), {"auto": {}}, ["g"]),
        (ToolChoice("required", ("f", "g")), {"any": {}}, ["f", "g"]),
    ],
)
def test_the_choice_among_tools_is_said_and_a_set_by_naming_no_others(choice, told, offered):
    """A single tool by its name; of a set only its tools are sent."""
    config = said(chat(tools=(F, G), tool_choice=choice))["toolConfig"]

    assert config.get("toolChoice") == told
    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == offered


def test_a_model_that_may_call_no_tools_is_offered_none():
    """There is no such choice; where it has called one, tools must be offered, so it is refused."""
    none = ToolChoice("none")
    called = Message("assistant", None, tool_calls=(ToolCall("c", "f", "{}"),))

    assert "toolConfig" not in said(chat(tools=(F,), tool_choice=none))
    assert refused(chat(HI, called, tools=(F,), tool_choice=none), lenient=True) == ["tool_choice"]


def test_a_conversation_with_tools_is_said_as_turns():
    """Calls end an assistant's turn; their results and the words after them are one user's."""
    call = ToolCall("c1", "f", '{"a": 12345678901234567890123}')
    cached = {"is_error": True, "cache_control": EPHEMERAL}
    body = OUTBOUND.encode_call(
        speaking.call(
            chat(
                Message("system", "s"),
                Message("developer", (TextPart("t", {"cache_control": EPHEMERAL}),)),
                HI,
                Message("assistant", "", tool_calls=(call, ToolCall("c2", "g", ""))),
                Message("tool", "one", tool_call_id="c1"),
                Message("tool", (TextPart("two"), TextPart("")), tool_call_id="c2", extra=cached),
                Message("user", "Go on"),
                Message("system", "Be short"),
                Message("assistant", None, extra={"refusal": "No", "annotations": []}),
            )
        )
    ).body

    assert b'{"a": 12345678901234567890123}' in body
    assert json.loads(body)["system"] == [{"text": "s"}, {"text": "t"}, POINT]
    big = {"a": 12345678901234567890123}
    failed = {"toolUseId": "c2", "content": [{"text": "two"}], "status": "error"}
    assert json.loads(body)["messages"] == [
        {"role": "user", "content": [{"text": "Hi"}]},
        {
            "role": "assistant",
            "content": [
                {"toolUse": {"toolUseId": "c1", "name": "f", "input": big}},
                {"toolUse": {"toolUseId": "c2", "name": "g", "input": {}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "one"}]}},
                {"toolResult": failed},
                POINT,
                {"text": "Go on"},
            ],
        },
        {"role": "system", "content": [{"text": "Be short"}]},
        {"role": "assistant", "content": [{"text": "No"}]},
    ]


def test_a_result_has_no_cache_point_and_no_sound_inside():
    """What a part of it asks to be cached is cached with it; sound has no place there."""
    cached = (TextPart("a", {"cache_control": EPHEMERAL}), TextPart("b"))
    one = chat(Message("tool", cached, tool_call_id="c"))
    heard = chat(Message("tool", (TextPart("a"), sound("mp3")), tool_call_id="c"))
    result = {"toolUseId": "c", "content": [{"text": "a"}, {"text": "b"}]}

    assert said(one)["messages"][0]["content"] == [{"toolResult": result}, POINT]
    assert refused(heard) == ["messages[0].content[1]"]
    [block] = said(heard, lenient=True)["messages"][0]["content"]
    assert block["toolResult"]["content"] == [{"text": "a"}]


def image(url, **more):
    """A picture in OpenAI's form."""
    return OtherPart("image_url", {"type": "image_url", "image_url": {"url": url, **more}})


def file(data, **more):
    """A file in OpenAI's form."""
    return OtherPart("file", {"type": "file", "file": {"file_data": data, **more}})


def sound(form):
    """A sound in OpenAI's form."""
    return OtherPart(
        "input_audio", {"type": "input_audio", "input_audio": {"data": "aGk=", "format": form}}
    )


def document(name, form="pdf"):
    """A document as a block."""
    return {"document": {"format": form, "name": name, "source": {"bytes": "aGk="}}}


@pytest.mark.parametrize(
    ("part", "blocks"),
    [
        (
            image("data:image/jpeg;base64,aGk=", detail="auto"),
            [{"image": {"format": "jpeg", "source": {"bytes": "aGk="}}}],
        ),
        (file(PDF, filename="My_résumé  (1).pdf"), [document("My-r-sum- (1)")]),
        (file(PDF, filename="."), [document("-")]),
        (file(PDF, filename=" "), [document("document")]),
        (file(PDF), [document("messages[0]-content[0]")]),
        (file("data:text/markdown;base64,aGk=", filename="a"), [document("a", "md")]),
        (
            file("data:video/3gpp;base64,aGk="),
            [{"video": {"format": "three_gp", "source": {"bytes": "aGk="}}}],
        ),
        (sound("mp3"), [{"audio": {"format": "mp3", "source": {"bytes": "aGk="}}}]),
        (
            OtherPart("refusal", {"type": "refusal", "refusal": "No", "cache_control": EPHEMERAL}),
            [{"text": "No"}, POINT],
        ),
        (OtherPart("novelty", {"novelty": 1}, "bedrock"), [{"novelty": 1}]),
        (
            ReasoningPart("hm", "sig"),
            [{"reasoningContent": {"reasoningText": {"text": "hm", "signature": "sig"}}}],
        ),
        (ReasoningPart("hm"), [{"reasoningContent": {"reasoningText": {"text": "hm"}}}]),
        (
            ReasoningPart("", redacted="aGk="),
            [{"reasoningContent": {"redactedContent": "aGk="}}],
        ),
    ],
)
def test_parts_are_said_as_blocks(part, blocks):
    """Pictures, documents, films, sound, reasoning, and blocks of the dialect's own."""
    assert said(chat(Message("user", (part,))))["messages"][0]["content"] == blocks


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (image("https://a.b/c.png"), ".image_url.url"),
        (image("data:image/tiff;base64,aGk="), ".image_url.url"),
        (image("data:image/png;base64,aGk=", detail="low"), ".image_url.detail"),
        (OtherPart("image_url", "nonsense"), ".image_url.url"),
        (OtherPart("file", {"type": "file", "file": {"file_id": "f"}}), ".file.file_data"),
        (file("data:application/zip;base64,aGk="), ".file.file_data"),
        (file("data:video/mp4;base64,aGk=", filename="n"), ".file.filename"),
        (sound("midi"), ".input_audio.format"),
        (OtherPart("refusal", {"type": "refusal", "refusal": 5}), ".refusal"),
        (OtherPart("executableCode", {}, "gemini"), ""),
        (OtherPart("x", {"type": "x", "x": 1}), ""),
        (TextPart("a", {"citations": {"enabled": True}}), ".citations"),
        (OtherPart("refusal", {"type": "refusal", "refusal": "a", "x": 1}), ".x"),
    ],
)
def test_parts_that_cannot_be_said_are_refused_by_path(part, path):
    """By message and part."""
    assert refused(chat(HI, Message("user", (TextPart("a"), part)))) == [
        f"messages[1].content[1]{path}"
    ]


def test_what_a_block_has_no_place_for_is_refused_in_the_dialects_own_words_too():
    """A block has one member."""
    one = chat(Message("user", (TextPart("a", {"x": 1}),)), dialect="bedrock")

    assert refused(one) == ["messages[0].content[0].x"]


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
    ],
)
def test_messages_that_cannot_be_said_are_refused_by_path(message, path):
    """By message and field."""
    assert refused(chat(message)) == [path]


def test_of_anthropics_words_cache_points_are_said_and_its_signatures_are_not():
    """A cache is the same thing in both; reasoning goes back to who signed it."""
    one = chat(
        Message("user", (TextPart("a", {"cache_control": EPHEMERAL}),)),
        Message("assistant", (ReasoningPart("hm", "s"), TextPart("b", {"thoughtSignature": "x"}))),
        dialect="anthropic",
    )

    assert refused(one) == ["messages[1].content[0]"]
    assert [message["content"] for message in said(one, lenient=True)["messages"]] == [
        [{"text": "a"}, POINT],
        [{"text": "b"}],
    ]


# Answers


def whole(*content, **fields):
    """An answer of the provider's."""
    message = {"role": "assistant", "content": content or [{"text": "Hi"}]}
    answer = {
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
        **fields,
    }
    return json.dumps(answer).encode()


def decode(body):
    """The events of an answer."""
    return OUTBOUND.decode_answer(speaking.call(chat()), body)


USAGE = {
    "inputTokens": 10,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 1000,
    "outputTokens": 50,
    "totalTokens": 1160,
    "cacheDetails": [{"ttl": "5m", "inputTokens": 1000}],
}
BLOCKS = (
    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
    {"reasoningContent": {"redactedContent": "aGk="}},
    {"toolUse": {"toolUseId": "s", "name": "search", "input": {}, "type": "server_tool_use"}},
    {"citationsContent": {"content": [{"text": "Hi"}], "citations": [{"x": 1}, {"y": 2}]}},
    {"toolUse": {"toolUseId": "c", "name": "f", "input": {"a": [1]}}},
    {"novelty": 1, "absent": None},
)


def test_an_answer_is_read():
    """Each block as an event, and at their places what is not known here."""
    more = {"stop_sequence": "\n", "refusal": "No", "x": 1}
    events = decode(
        whole(
            *BLOCKS,
            stopReason="stop_sequence",
            usage=USAGE,
            metrics={"latencyMs": 5},
            trace=None,
            additionalModelResponseFields=more,
        )
    )

    assert events == [
        Started(dialect="bedrock"),
        Reasoning("hm", signature="s"),
        Reasoning("", redacted="aGk="),
        Unknown({"content[2]": BLOCKS[2]}, index=0),
        Text("Hi"),
        Unknown({"content[3].citations[0]": {"x": 1}}, index=0),
        Unknown({"content[3].citations[1]": {"y": 2}}, index=0),
        ToolDelta(0, "c", "f", '{"a":[1]}', type="function"),
        Unknown({"content[5]": {"novelty": 1}}, index=0),
        Refusal("No"),
        Unknown(
            {
                "metrics": {"latencyMs": 5},
                "additionalModelResponseFields": {"x": 1},
                "usage": {"cacheDetails": USAGE["cacheDetails"]},
            }
        ),
        Finished("stop", stop="\n"),
        UsageSeen(Usage(1110, 50, cached=100, cache_write=1000)),
    ]


@pytest.mark.parametrize(
    ("word", "reason", "native"),
    [
        ("end_turn", "stop", None),
        ("tool_use", "tool_calls", None),
        ("max_tokens", "length", None),
        ("stop_sequence", "stop", "stop_sequence"),
        ("guardrail_intervened", "content_filter", "guardrail_intervened"),
        ("content_filtered", "content_filter", None),
        ("malformed_tool_use", "stop", "malformed_tool_use"),
        ("malformed_model_output", "stop", "malformed_model_output"),
        ("model_context_window_exceeded", "length", "model_context_window_exceeded"),
        ("novelty", "stop", "novelty"),
    ],
)
def test_why_an_answer_ended_is_told_in_our_words_and_its_own(word, reason, native):
    """The provider's own is kept where ours does not say it all."""
    assert Finished(reason, native=native) in decode(whole(stopReason=word))


def test_an_answer_without_counts_is_an_answer():
    """Then nobody has told them."""
    assert decode(whole(usage=None))[-1] == Finished("stop")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        whole(stopReason=None),
        whole(output=5),
        whole(5),
        whole({}),
        whole({"text": "a", "image": {}}),
        whole({"text": 5}),
        whole({"toolUse": {"toolUseId": "c"}}),
        whole({"reasoningContent": 5}),
        whole({"reasoningContent": {"novelty": 1}}),
        whole({"citationsContent": {"content": [{}]}}),
        whole(usage={"inputTokens": "3", "outputTokens": 1}),
        whole(usage={"inputTokens": 10**12, "outputTokens": 1}),
        whole(additionalModelResponseFields=5),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_broken_one(body):
    """An error page, another API, fields of other types."""
    with pytest.raises(UpstreamFailed, match="cannot be read") as caught:
        decode(body)

    assert caught.value.code == "bad_answer"


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind", "code"),
    [
        (400, {"x-amzn-errortype": "ValidationException:http://x/"}, {}, UpstreamRefused, None),
        (400, {}, {"__type": "a.b#ThrottlingException"}, UpstreamLimited, "upstream_rate_limited"),
        (403, {}, {"Message": "No"}, UpstreamFailed, "upstream_credentials"),
        (
            400,
            {"x-amzn-errortype": "IncompleteSignatureException"},
            {"message": "AKID"},
            UpstreamFailed,
            "upstream_credentials",
        ),
        (404, {}, {"message": "No"}, UpstreamFailed, "upstream_not_found"),
        (424, {"x-amzn-errortype": "ModelErrorException"}, {}, UpstreamFailed, "upstream_failed"),
        (503, {}, {"message": 5}, UpstreamFailed, "upstream_overloaded"),
    ],
)
def test_an_error_is_read_by_its_name_or_else_its_status(status, headers, body, kind, code):
    """From the header, or from the body."""
    error = OUTBOUND.decode_error(status, headers, json.dumps(body).encode())

    assert type(error) is kind
    assert error.code == ("ValidationException" if code is None else code)
    assert OUTBOUND.decode_error(500, {}, b"<html>").status == 500


# Streams


def event(kind, **fields):
    """A message of a stream, padded as the service does."""
    headers = {":event-type": kind, ":message-type": "event"}
    return frame(headers, json.dumps({**fields, "p": "abcdefgh"}).encode())


def begun(index, **start):
    """A block begins."""
    return event("contentBlockStart", contentBlockIndex=index, start=start)


def grown(index, **delta):
    """A block grows."""
    return event("contentBlockDelta", contentBlockIndex=index, delta=delta)


def stopped(index):
    """A block stops."""
    return event("contentBlockStop", contentBlockIndex=index)


START = event("messageStart", role="assistant")
STOP = event("messageStop", stopReason="end_turn")
METADATA = event(
    "metadata",
    usage={"inputTokens": 3, "outputTokens": 2, "totalTokens": 5},
    metrics={"latencyMs": 5},
)


def test_a_stream_is_read():
    """Each event as ours, and what is not known here when it is whole."""
    search = {"toolUseId": "s", "name": "search", "type": "server_tool_use"}
    wire = b"".join(
        [
            START,
            grown(0, reasoningContent={"text": "hm"}),
            grown(0, reasoningContent={"signature": "s"}),
            stopped(0),
            grown(1, reasoningContent={"redactedContent": "aGk="}),
            stopped(1),
            begun(2),
            grown(2, text="Hi"),
            grown(2, citation={"x": 1}),
            grown(2, novelty=1),
            stopped(2),
            begun(3, toolUse={"toolUseId": "c", "name": "f"}),
            grown(3, toolUse={"input": '{"a":'}),
            grown(3, toolUse={"input": "1}"}),
            stopped(3),
            begun(4, toolUse=search),
            grown(4, toolUse={"input": '{"q"'}),
            grown(4, toolUse={"input": ":1}"}),
            stopped(4),
            begun(5, toolResult={"toolUseId": "s"}),
            grown(5, toolResult=[{"text": "a"}]),
            grown(5, toolResult=[{"text": "b"}]),
            stopped(5),
            begun(6, image={"format": "png"}),
            grown(6, image={"source": {"bytes": "aGk="}}),
            grown(6, image=5),
            stopped(6),
            begun(7, toolUse={"toolUseId": "d", "name": "g"}),
            stopped(7),
            event("novelty", x=1),
            event(
                "messageStop",
                stopReason="tool_use",
                additionalModelResponseFields={"stop_sequence": None},
            ),
            METADATA,
            START,
        ]
    )
    decoder = OUTBOUND.stream(speaking.call(chat(stream=True)))
    events = speaking.read(decoder, wire)

    assert decoder.ended
    assert events == [
        Started(dialect="bedrock"),
        Reasoning("hm"),
        Reasoning("", signature="s"),
        Reasoning("", redacted="aGk="),
        Text("Hi"),
        Unknown({"content[2].citations[0]": {"x": 1}}, index=0),
        Unknown({"content[2].novelty": 1}, index=0),
        ToolDelta(0, "c", "f", "", type="function"),
        ToolDelta(0, arguments='{"a":'),
        ToolDelta(0, arguments="1}"),
        Unknown({"content[4]": {"toolUse": {**search, "input": {"q": 1}}}}, index=0),
        Unknown(
            {
                "content[5]": {
                    "toolResult": {"toolUseId": "s", "content": [{"text": "a"}, {"text": "b"}]}
                }
            },
            index=0,
        ),
        Unknown({"content[6]": {"image": {"format": "png", "source": {"bytes": "aGk="}}}}, index=0),
        ToolDelta(1, "d", "g", "", type="function"),
        Unknown({"novelty": {"x": 1, "p": "abcdefgh"}}),
        Finished("tool_calls"),
        Unknown({"metrics": {"latencyMs": 5}}),
        UsageSeen(Usage(3, 2)),
    ]
    assert speaking.read(bedrock.StreamDecoder(), wire, speaking.every_byte(wire)) == events


def test_a_stream_without_metadata_is_whole_and_without_an_end_it_is_cut():
    """Counts are no part of an answer."""
    decoder = bedrock.StreamDecoder()
    assert decoder.feed(START + grown(0, text="Hi")) == [Started(dialect="bedrock"), Text("Hi")]
    with pytest.raises(UpstreamCut):
        decoder.end()
    decoder.feed(stopped(0) + STOP)
    assert not decoder.ended
    assert decoder.end() == []


@pytest.mark.parametrize(
    ("kind", "error", "status"),
    [
        ("ThrottlingException", UpstreamLimited, 429),
        ("ValidationException", UpstreamRefused, 400),
        ("ServiceUnavailableException", UpstreamFailed, 503),
        ("ModelStreamErrorException", UpstreamFailed, 424),
        ("NovelException", UpstreamFailed, 500),
    ],
)
def test_an_error_in_a_stream_is_the_answer_that_it_would_have_been(kind, error, status):
    """After what came before it in the same bytes."""
    decoder = bedrock.StreamDecoder()
    wire = START + bedrock.encode_stream_error(kind, "No")

    assert len(decoder.feed(wire)) == 1
    with pytest.raises(error, match="No") as caught:
        decoder.feed(b"")
    assert caught.value.status == status
    with pytest.raises(error):
        decoder.end()
    with pytest.raises(error):
        bedrock.StreamDecoder().feed(bedrock.encode_stream_error(kind, "No"))


def test_an_error_of_the_framing_is_told():
    """AWS has errors without a payload too."""
    headers = {":message-type": "error", ":error-code": "InternalError", ":error-message": "Oh."}

    with pytest.raises(UpstreamFailed, match=r"Oh\."):
        bedrock.StreamDecoder().feed(frame(headers, b""))


@pytest.mark.parametrize(
    "told",
    [
        [frame({":event-type": "messageStart"}, b"{")],
        [STOP, grown(0, text="a")],
        [event("messageStop")],
        [grown(0, toolUse={"input": "a"})],
        [begun(0, toolUse={"name": "f"})],
        [begun(0, toolUse=5)],
        [begun(0, image={}, audio={})],
        [begun(0, toolUse={"toolUseId": "c", "name": "f"}), begun(0, image={})],
        [begun(0, image={}), begun(0, image={})],
        [grown(0, text=5)],
        [grown(0, text="a"), stopped(0), grown(0, text="b")],
        [begun(0, toolUse={"type": "x"}), grown(0, toolUse={"input": "["}), stopped(0)],
        [event("contentBlockDelta", contentBlockIndex="0")],
        [event("metadata", usage={"outputTokens": -1})],
        [START[:-1] + b"x"],
        [b"x" * 12],
    ],
)
def test_a_stream_that_makes_no_sense_is_a_broken_one(told):
    """Our own words, and nobody's KeyError."""
    decoder = bedrock.StreamDecoder()
    with pytest.raises(UpstreamFailed, match="cannot be read") as caught:
        decoder.feed(b"".join(told))
        decoder.feed(b"")

    assert caught.value.code == "bad_stream"


def test_blocks_are_bounded_in_number_and_in_size(monkeypatch):
    """A stream of blocks without end is broken, as is one block that grows without end."""
    monkeypatch.setattr("aihub.dialects.bedrock.streams.MAX_BLOCKS", 2)
    monkeypatch.setattr("aihub.dialects.bedrock.streams.MAX_MESSAGE", 10)
    many = bedrock.StreamDecoder()
    many.feed(stopped(0) + stopped(1))
    long = bedrock.StreamDecoder()
    long.feed(begun(0, image={}))

    with pytest.raises(UpstreamFailed, match="too many blocks"):
        many.feed(stopped(2))
    with pytest.raises(UpstreamFailed, match="too long"):
        long.feed(grown(0, image={"x": "y" * 10}))


# The framing

HEADER_TEXTS = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
MESSAGES = st.lists(
    st.tuples(st.dictionaries(HEADER_TEXTS, HEADER_TEXTS, max_size=3), st.binary(max_size=40)),
    max_size=4,
)


def parsed(wire, cuts=()):
    """The messages of a stream that comes in pieces."""
    decoder = EventStreamDecoder()
    ends = [*sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    return [
        one
        for start, end in zip([0, *ends], ends, strict=False)
        for one in decoder.feed(wire[start:end])
    ]


@given(MESSAGES, st.lists(st.integers(0, 1000), max_size=6))
def test_messages_that_are_framed_are_read_back_however_they_are_cut(told, cuts):
    """Headers and payloads, whole, byte by byte, and at random."""
    wire = b"".join(frame(*one) for one in told)
    expected = [StreamMessage(*one) for one in told]

    assert parsed(wire) == parsed(wire, cuts) == parsed(wire, range(len(wire))) == expected


@given(MESSAGES.filter(bool), st.integers(0), st.integers(1, 255))
def test_a_byte_that_is_changed_is_noticed(told, at, by):
    """Nothing damaged is handed on: by its sum, or because a length then promises more."""
    wire = bytearray(b"".join(frame(*one) for one in told))
    wire[at % len(wire)] ^= by
    read = []
    with suppress(Unreadable):
        for one in EventStreamDecoder().feed(bytes(wire)):
            read.append(one)  # noqa: PERF402 - what comes before an error counts

    assert len(read) < len(told)
    assert read == [StreamMessage(*one) for one in told[: len(read)]]


def raw_message(headers, *, length=0):
    """A message with headers of any bytes, and sums that are right."""
    prelude = struct.pack(">II", 16 + len(headers) + length, len(headers))
    prelude += struct.pack(">I", bedrock_crc(prelude))
    whole = prelude + headers
    return whole + struct.pack(">I", bedrock_crc(whole))


def bedrock_crc(data):
    """The sum that guards a message."""
    from zlib import crc32

    return crc32(data)


def test_headers_of_other_types_are_passed_over():
    """Whatever their sizes."""
    kinds = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
    headers = b"".join(b"\x01a" + bytes([kind]) + bytes(n) for kind, n in kinds.items())
    headers += b"\x01b\x06\x00\x02hi" + b"\x01c\x07\x00\x02hi"

    assert parsed(raw_message(headers)) == [StreamMessage({"c": "hi"}, b"")]


@pytest.mark.parametrize(
    "wire",
    [
        raw_message(b"\x05a"),
        raw_message(b"\x01a"),
        raw_message(b"\x01a\x0a"),
        raw_message(b"\x01a\x05abc"),
        raw_message(b"\x01a\x07\x00\x05a"),
        raw_message(b"\x01a\x07\x00"),
        raw_message(b"\x01a\x07\x00\x01\xff"),
        raw_message(b"", length=17 * 1024 * 1024)[:12],
        struct.pack(">II", 10, 0) + struct.pack(">I", bedrock_crc(struct.pack(">II", 10, 0))),
        raw_message(b"x" * (129 * 1024)),
    ],
)
def test_headers_and_lengths_that_are_none_are_refused(wire):
    """Cut, of no type, of other encodings, or beyond all bounds: before they are waited for."""
    with pytest.raises(Unreadable):
        parsed(wire)


KEYS = st.sampled_from(
    [
        *("contentBlockIndex", "start", "delta", "toolUse", "toolUseId", "name", "input", "text"),
        *("reasoningContent", "signature", "redactedContent", "citation", "stopReason", "usage"),
        *("inputTokens", "outputTokens", "metrics", "additionalModelResponseFields", "output"),
        *("message", "content", "citationsContent", "reasoningText", "refusal", "type"),
    ]
)
KINDS = st.sampled_from(
    [
        *("messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop"),
        *("messageStop", "metadata", "novelty"),
    ]
)
NONSENSE = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | KINDS | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=12,
)


@given(st.lists(st.tuples(KINDS, st.dictionaries(KEYS, NONSENSE, max_size=5)), max_size=6))
def test_whatever_a_provider_says_is_an_event_or_our_error(told):
    """The right keys with wrong values, in streams, answers and errors."""
    decoder = bedrock.StreamDecoder()
    with suppress(UpstreamError):
        for kind, fields in told:
            decoder.feed(event(kind, **fields))
        decoder.end()
    for _, fields in told:
        data = json.dumps(fields).encode()
        with suppress(UpstreamError):
            decode(data)
        assert isinstance(OUTBOUND.decode_error(500, {}, data), UpstreamError)


# Answers there and back

ENDINGS = st.sampled_from(
    [
        ("stop", None, None),
        ("stop", None, "\n"),
        ("stop", "stop_sequence", None),
        ("stop", "malformed_tool_use", None),
        ("length", None, None),
        ("length", "model_context_window_exceeded", None),
        ("tool_calls", None, None),
        ("content_filter", None, None),
        ("content_filter", "guardrail_intervened", None),
    ]
)
thoughts = st.builds(ReasoningPart, speaking.texts, speaking.texts) | st.builds(
    ReasoningPart, st.just(""), redacted=speaking.base64
)
completions = speaking.completions(
    speaking.whole_choices(
        ENDINGS,
        st.lists(thoughts, max_size=2),
        speaking.calls(),
        refusal=st.none() | speaking.texts,
    ),
    speaking.usages(),
)


@given(completions)
def test_an_answer_that_is_written_is_read_back(done):
    """With its reasoning, calls, end and counts."""
    events = decode(bedrock.encode_completion(done))

    assert speaking.answer(events) == (done.choices, done.usage)


def stream_of(events, usage):
    """A stream's bytes."""
    encoder = bedrock.StreamEncoder()
    return b"".join([*map(encoder.encode, events), encoder.end(usage, 7)])


@given(completions, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_stream_that_is_written_is_read_back_however_it_is_cut(done, cuts):
    """Whole, byte by byte, and at random."""
    wire = stream_of(events_of(done), done.usage)
    whole = speaking.read(bedrock.StreamDecoder(), wire)

    assert speaking.answer(whole) == (done.choices, done.usage)
    assert speaking.read(bedrock.StreamDecoder(), wire, cuts) == whole
    assert speaking.read(bedrock.StreamDecoder(), wire, speaking.every_byte(wire)) == whole


COMPLETION = Completion(
    id="x",
    created=0,
    model="m",
    served_model="m",
    choices=(Choice(index=0, text="Hi", finish_reason="stop"),),
    usage=Usage(3, 2),
    cost=7,
)


def test_an_answer_is_written_with_its_cost_and_who_counted():
    """Exactly, in USD, beside the vendor's fields."""
    body = json.loads(bedrock.encode_completion(COMPLETION, latency_ms=12))

    assert body == {
        "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
        "stopReason": "end_turn",
        "usage": {
            "inputTokens": 3,
            "outputTokens": 2,
            "totalTokens": 5,
            "cacheReadInputTokens": 0,
            "cacheWriteInputTokens": 0,
            "cost": 7e-12,
            "source": "provider",
        },
        "metrics": {"latencyMs": 12},
    }


def test_an_answer_with_all_there_is_goes_there_and_back():
    """Without a property's luck; hidden reasoning of another vendor becomes bytes."""
    choice = Choice(
        index=0,
        text="Hi",
        finish_reason="tool_calls",
        reasoning="hm, so",
        thoughts=(ReasoningPart("hm", "s"), ReasoningPart("", redacted="aGk=")),
        tool_calls=(ToolCall("c", "f", "{}"), ToolCall("d", "g", '{"a":1}')),
    )
    declined = Choice(index=0, text=None, finish_reason="content_filter", refusal="No")
    for one in (choice, declined):
        done = attrs.evolve(COMPLETION, choices=(one,), usage=Usage(9, 5, 2, 3, 1))
        read = speaking.read(bedrock.StreamDecoder(), stream_of(events_of(done), done.usage))
        assert speaking.answer(decode(bedrock.encode_completion(done))) == ((one,), done.usage)
        assert speaking.answer(read) == ((one,), done.usage)
    hidden = attrs.evolve(choice, thoughts=(ReasoningPart("", redacted="é"),), tool_calls=())
    body = bedrock.encode_completion(attrs.evolve(COMPLETION, choices=(hidden,)))
    assert b'"redactedContent":"w6k="' in body


def test_what_has_no_place_of_its_own_goes_back_where_it_stood():
    """In whole answers and in streams; to another dialect it does not go."""
    body = whole(
        *BLOCKS[2:],
        usage=USAGE,
        metrics={"latencyMs": 5},
        additionalModelResponseFields={"x": 1, "refusal": "No"},
    )
    running = speaking.fold(decode(body))
    done = attrs.evolve(
        COMPLETION,
        choices=running.answers(),
        usage=running.usage,
        extra=running.extra,
        dialect="bedrock",
    )
    again = json.loads(bedrock.encode_completion(done))
    wire = stream_of(decode(body), running.usage)
    streamed = speaking.fold(speaking.read(bedrock.StreamDecoder(), wire))

    assert again["output"]["message"]["content"] == [*BLOCKS[2:5], {"novelty": 1}]
    assert again["metrics"] == {"latencyMs": 5}
    assert again["additionalModelResponseFields"] == {"x": 1, "refusal": "No"}
    assert again["usage"]["cacheDetails"] == USAGE["cacheDetails"]
    assert streamed.answers()[0].refusal == "No"
    assert streamed.extra["metrics"] == {"latencyMs": 5}
    assert streamed.extra["additionalModelResponseFields"] == {"x": 1}
    assert streamed.extra["content[0]"] == BLOCKS[2]
    elsewhere = json.loads(bedrock.encode_completion(attrs.evolve(done, dialect="gemini")))
    assert [*elsewhere["output"]["message"]["content"][0]] == ["text"]


def test_whole_blocks_go_into_a_stream_as_pieces():
    """A result's list and a picture too; what another dialect does not know is left out."""
    blocks = {
        "content[0]": {"toolResult": {"toolUseId": "s", "content": [{"text": "a"}]}},
        "content[1]": {"image": {"format": "png"}},
        "content[2]": {"novelty": 1},
    }
    ours = [Started(dialect="bedrock"), Unknown(blocks), Finished("stop")]
    read = speaking.fold(speaking.read(bedrock.StreamDecoder(), stream_of(ours, Usage(1, 1))))
    theirs = [Started(dialect="gemini"), Unknown(blocks), Finished("stop")]
    other = speaking.read(bedrock.StreamDecoder(), stream_of(theirs, Usage(1, 1)))

    assert {name: read.extra[name] for name in ("content[0]", "content[1]")} == {
        name: blocks[name] for name in ("content[0]", "content[1]")
    }
    assert not any(isinstance(one, Unknown) and "content[0]" in one.data for one in other)


pieces = st.one_of(
    st.builds(Text, speaking.texts),
    st.builds(Reasoning, speaking.texts),
    st.builds(Reasoning, st.just(""), signature=speaking.texts),
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
    order = list(dict.fromkeys(one.position for one in events if isinstance(one, ToolDelta)))
    # A decoder numbers calls as they come.
    events = [
        attrs.evolve(one, position=order.index(one.position), id=f"c{order.index(one.position)}")
        if isinstance(one, ToolDelta)
        else one
        for one in events
    ]
    events.append(Finished("stop"))
    read = speaking.read(bedrock.StreamDecoder(), stream_of(events, Usage(3, 2)))

    ours, theirs = speaking.fold(events).answers()[0], speaking.fold(read).answers()[0]
    # Reasoning that text interrupts before it is signed is another block: its signature is for it.
    assert attrs.evolve(theirs, thoughts=()) == attrs.evolve(ours, thoughts=())


def test_a_call_in_turns_and_a_signature_alone_are_written():
    """Without a property's luck; a piece that is not known has no place in a whole answer."""
    events = [
        Reasoning("", signature="s"),
        ToolDelta(0, "c", "f", "", type="function"),
        ToolDelta(1, "d", "g", "{", type="function"),
        ToolDelta(0, arguments="{}"),
        ToolDelta(1, arguments="}"),
        Finished("tool_calls"),
    ]
    read = speaking.read(bedrock.StreamDecoder(), stream_of(events, Usage(1, 1)))
    choice = attrs.evolve(COMPLETION.choices[0], extra={"content[0].novelty": 1})
    done = attrs.evolve(COMPLETION, choices=(choice,), dialect="bedrock")

    assert speaking.fold(read).answers() == speaking.fold(events).answers()
    assert b"novelty" not in bedrock.encode_completion(done)


def test_only_the_first_choice_has_a_place_in_a_stream():
    """And an empty answer is still one."""
    events = [Text("a", 1), Text("b"), Reasoning(""), Finished("stop", 1), Finished("stop")]
    read = speaking.read(bedrock.StreamDecoder(), stream_of(events, Usage(1, 1)))
    empty = speaking.read(bedrock.StreamDecoder(), stream_of([], Usage(1, 0)))

    assert [one.text for one in read if isinstance(one, Text)] == ["b"]
    assert speaking.fold(empty).answers()[0].text == ""


def test_an_error_is_written_and_read_back():
    """With the exception's name in the body, as in the header."""
    body = json.dumps(bedrock.error_object("ThrottlingException", "Slow")).encode()
    error = OUTBOUND.decode_error(429, {"retry-after": "3"}, body)

    assert (type(error), error.message, error.retry_after) == (UpstreamLimited, "Slow", 3)


# Requests read


def decoded(**fields):
    """A chat read from a request with *fields*."""
    body = {"messages": [{"role": "user", "content": [{"text": "Hi"}]}], **fields}
    return bedrock.decode_request(json.dumps(body).encode(), model="m")


def spoken(*content, role="user"):
    """The messages read from one with *content*."""
    return decoded(messages=[{"role": role, "content": content}]).messages


def test_a_request_is_read():
    """Each field at its place, the rest in the dialect's words."""
    schema = {"type": "object", "properties": {}}
    one = decoded(
        system=[{"text": "s"}, POINT],
        inferenceConfig={
            "maxTokens": 5,
            "temperature": 0.5,
            "topP": 1,
            "stopSequences": ["a"],
            "x": 1,
        },
        toolConfig={
            "tools": [
                {
                    "toolSpec": {
                        "name": "f",
                        "description": "d",
                        "inputSchema": {"json": schema},
                        "strict": True,
                        "x": 1,
                    }
                },
                {"systemTool": {"name": "grounding"}},
                POINT,
            ],
            "toolChoice": {"tool": {"name": "f"}},
        },
        outputConfig={
            "effort": "max",
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": "{}", "name": "n", "description": "d"}},
            },
        },
        additionalModelRequestFields={"top_k": 5},
        guardrailConfig=None,
    )

    assert one == Chat(
        model="m",
        messages=(
            Message("system", (TextPart("s"), OtherPart("cachePoint", POINT, "bedrock"))),
            HI,
        ),
        max_tokens=5,
        temperature=0.5,
        top_p=1.0,
        stop=("a",),
        tools=(
            attrs.evolve(F, description="d", strict=True, extra={"x": 1}),
            Tool(kind="systemTool", name="", data={"systemTool": {"name": "grounding"}}),
            Tool(kind="cachePoint", name="", data=POINT),
        ),
        tool_choice=ToolChoice("required", ("f",)),
        reasoning_effort="max",
        response_format=ResponseFormat(
            kind="json_schema", name="n", description="d", schema={}, strict=True
        ),
        extra={"inferenceConfig": {"x": 1}, "additionalModelRequestFields": {"top_k": 5}},
        dialect="bedrock",
    )
    assert bedrock.decode_request(orjson.dumps(said(one)), model="m") == one


def test_a_stream_is_asked_for_by_the_path():
    """As is the model."""
    one = bedrock.decode_request(orjson.dumps(said(chat())), model="m", stream=True)

    assert (one.model, one.stream) == ("m", True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"auto": {}}, ToolChoice("auto")),
        ({"any": {}}, ToolChoice("required")),
        ({"tool": {"name": "f"}, "any": None}, ToolChoice("required", ("f",))),
    ],
)
def test_choices_among_tools_are_read(given, expected):
    """A member that is null is none."""
    assert decoded(toolConfig={"toolChoice": given}).tool_choice == expected


def test_a_form_of_an_answer_has_a_name_here_or_gets_one():
    """One that is not known goes on as it is."""
    bare = {"type": "json_schema", "structure": {"jsonSchema": {"schema": "{}"}}}
    form = {"type": "grammar", "grammar": "x"}
    read = decoded(outputConfig={"textFormat": bare}).response_format
    other = decoded(outputConfig={"textFormat": form})

    assert (read.name, read.description) == ("response", None)
    assert said(other)["outputConfig"] == {"textFormat": form}


def test_blocks_are_read_as_parts():
    """In OpenAI's form where they have one, else as they are; and they are said again as such."""
    blocks = [
        {"text": "a"},
        {"image": {"format": "png", "source": {"bytes": "aGk="}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://a/b"}}}},
        {"image": {"format": "png", "source": {"bytes": "aGk="}, "error": {"message": "x"}}},
        {"image": {"format": "novelty", "source": {"bytes": "aGk="}}},
        {"video": {"format": "mpeg", "source": {"bytes": "aGk="}}},
        {"video": {"format": "mpg", "source": {"bytes": "aGk="}}},
        {"audio": {"format": "mp3", "source": {"bytes": "aGk="}}},
        {"audio": {"format": "pcm", "source": {"bytes": "aGk="}}},
        {"document": {**document("d")["document"], "citations": {"enabled": True}}},
        {"document": {"format": "txt", "name": "d", "source": {"text": "hi"}}},
        {"guardContent": {"text": {"text": "x"}}},
        {"reasoningContent": {"novelty": 1}},
    ]
    [message] = spoken(*blocks)

    assert [(one.type if isinstance(one, OtherPart) else "text") for one in message.content] == [
        *("text", "image_url", "image", "image", "image", "file", "video", "input_audio", "audio"),
        *("file", "document", "guardContent", "reasoningContent"),
    ]
    assert message.content[1] == image("data:image/png;base64,aGk=")
    assert message.content[5] == file("data:video/mpeg;base64,aGk=")
    assert message.content[7] == sound("mp3")
    assert message.content[9] == OtherPart(
        "file",
        {
            "citations": {"enabled": True},
            "type": "file",
            "file": {"file_data": PDF, "filename": "d"},
        },
    )
    again = said(Chat(model="m", messages=(message,), dialect="bedrock"))
    assert again["messages"][0]["content"] == blocks


def test_calls_and_results_are_read():
    """Results are messages of their own, and what an assistant says after a call another one."""
    server = {"toolUseId": "s", "name": "search", "input": {}, "type": "server_tool_use"}
    one = decoded(
        messages=[
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                    {"reasoningContent": {"reasoningText": {"text": "so"}}},
                    {"reasoningContent": {"redactedContent": "aGk="}},
                    {"toolUse": server},
                    {"toolUse": {"toolUseId": "c1", "name": "f", "input": {"a": [1]}}},
                    POINT,
                    {"toolUse": {"toolUseId": "c2", "name": "g", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"text": "before"},
                    {
                        "toolResult": {
                            "toolUseId": "c1",
                            "content": [{"json": {"b": 2}}],
                            "status": "success",
                        }
                    },
                    POINT,
                    {"toolResult": {"toolUseId": "c2", "status": "error", "type": "x"}},
                    {"text": "after"},
                ],
            },
            {"role": "system", "content": [{"text": "d"}]},
            {"role": "assistant", "content": []},
            {"role": "user", "content": []},
        ]
    )
    point = OtherPart("cachePoint", POINT, "bedrock")

    assert one.messages == (
        Message(
            "assistant",
            (
                ReasoningPart("hm", "s"),
                ReasoningPart("so"),
                ReasoningPart("", redacted="aGk="),
                OtherPart("toolUse", {"toolUse": server}, "bedrock"),
            ),
            tool_calls=(ToolCall("c1", "f", '{"a":[1]}'),),
        ),
        Message("assistant", (point,), tool_calls=(ToolCall("c2", "g", "{}"),)),
        Message("user", "before"),
        Message("tool", '{"b":2}', tool_call_id="c1"),
        Message("user", (point,)),
        Message("tool", "", tool_call_id="c2", extra={"type": "x", "is_error": True}),
        Message("user", "after"),
        Message("system", "d"),
        Message("assistant", ()),
        Message("user", ()),
    )
    assert [len(message["content"]) for message in said(one)["messages"]] == [7, 5, 1, 0, 0]


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"messages": None}, ["messages"]),
        ({"messages": []}, ["messages"]),
        ({"messages": "x"}, ["messages"]),
        ({"messages": [5]}, ["messages[0]"]),
        ({"messages": [{}]}, ["messages[0].role"]),
        ({"messages": [{"role": "user"}]}, ["messages[0].content"]),
        ({"messages": [{"role": "tool", "content": []}]}, ["messages[0].role"]),
        ({"messages": [{"role": "user", "content": "x"}]}, ["messages[0].content"]),
        ({"messages": [{"role": "user", "content": [], "x": 1}]}, ["messages[0].x"]),
        ({"system": "s"}, ["system"]),
        ({"system": [{}]}, ["system[0]"]),
        (
            {"inferenceConfig": {"maxTokens": 0, "temperature": 2, "topP": "x"}},
            ["inferenceConfig.maxTokens", "inferenceConfig.temperature", "inferenceConfig.topP"],
        ),
        ({"inferenceConfig": 5}, ["inferenceConfig"]),
        ({"inferenceConfig": {"stopSequences": [5]}}, ["inferenceConfig.stopSequences[0]"]),
        ({"toolConfig": {"tools": {}}}, ["toolConfig.tools"]),
        (
            {"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}},
            ["toolConfig.tools[0].toolSpec.inputSchema"],
        ),
        (
            {"toolConfig": {"tools": [{"toolSpec": {"name": "", "inputSchema": {}}}]}},
            ["toolConfig.tools[0].toolSpec.name"],
        ),
        (
            {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {}}}]}},
            ["toolConfig.tools[0].toolSpec.inputSchema.json"],
        ),
        ({"toolConfig": {"toolChoice": {"none": {}}}}, ["toolConfig.toolChoice"]),
        ({"toolConfig": {"toolChoice": {"tool": {}}}}, ["toolConfig.toolChoice.tool.name"]),
        ({"outputConfig": {"effort": "huge"}}, ["outputConfig.effort"]),
        ({"outputConfig": {"textFormat": {}}}, ["outputConfig.textFormat.type"]),
        (
            {"outputConfig": {"textFormat": {"type": "json_schema"}}},
            ["outputConfig.textFormat.structure.jsonSchema.schema"],
        ),
        (
            {
                "outputConfig": {
                    "textFormat": {
                        "type": "json_schema",
                        "structure": {"jsonSchema": {"schema": "["}},
                    }
                }
            },
            ["outputConfig.textFormat.structure.jsonSchema.schema"],
        ),
    ],
)
def test_a_wrong_request_is_refused_by_path(fields, paths):
    """All fields at fault are listed."""
    with pytest.raises(InvalidRequest) as caught:
        decoded(**fields)

    assert [path for path, _ in caught.value.faults] == paths


@pytest.mark.parametrize(
    ("block", "path"),
    [
        (5, ""),
        ({"text": "a", "image": {}}, ""),
        ({"text": 5}, ".text"),
        ({"image": 5}, ".image"),
        ({"image": {"source": 5}}, ".image.source"),
        ({"image": {"source": {"bytes": 5}}}, ".image.source.bytes"),
        ({"document": {"format": "pdf", "source": {"bytes": "a"}}}, ".document.name"),
        ({"reasoningContent": {"reasoningText": {}}}, ".reasoningContent.reasoningText.text"),
        ({"toolUse": {"toolUseId": "c", "name": "f"}}, ".toolUse.input"),
        ({"toolUse": {"name": "f", "input": {}}}, ".toolUse.toolUseId"),
        ({"toolUse": {"toolUseId": "c", "name": "f", "input": []}}, ".toolUse.input"),
    ],
)
def test_a_wrong_block_is_refused_by_path(block, path):
    """By message, block and member."""
    with pytest.raises(InvalidRequest) as caught:
        spoken(block, role="assistant")

    assert caught.value.param == f"messages[0].content[0]{path}"


@pytest.mark.parametrize(
    ("result", "path"),
    [
        ({}, ".toolUseId"),
        ({"toolUseId": "c", "status": "x"}, ".status"),
        ({"toolUseId": "c", "content": "x"}, ".content"),
        ({"toolUseId": "c", "content": [{}]}, ".content[0]"),
    ],
)
def test_a_wrong_result_is_refused_by_path(result, path):
    """As any block."""
    with pytest.raises(InvalidRequest) as caught:
        spoken({"toolResult": result})

    assert caught.value.param == f"messages[0].content[0].toolResult{path}"


# Chats there and back


def brought():
    """Pictures and documents that come with the request, with names that Bedrock takes."""
    return st.one_of(
        speaking.base64.map(lambda data: image(f"data:image/png;base64,{data}")),
        st.builds(
            lambda data, name: file(f"data:application/pdf;base64,{data}", filename=name),
            speaking.base64,
            st.from_regex(r"[A-Za-z0-9-]{1,10}", fullmatch=True),
        ),
    )


several = st.lists(st.one_of(speaking.plain_texts, brought()), min_size=2, max_size=3).map(tuple)
pointed = several.map(lambda parts: (*parts, OtherPart("cachePoint", POINT, "bedrock")))
reasoned = st.lists(
    st.one_of(speaking.plain_texts, thoughts, st.builds(ReasoningPart, speaking.texts)),
    min_size=2,
    max_size=3,
).map(tuple)
forms = st.builds(
    ResponseFormat,
    kind=st.just("json_schema"),
    name=speaking.names,
    description=st.none() | speaking.texts,
    schema=speaking.objects,
    strict=st.just(True),
)


@st.composite
def chats(draw):
    """Chats that the dialect can say, as it reads them."""
    messages = []
    if draw(st.booleans()):
        messages.append(Message("system", draw(speaking.texts)))
    for _ in range(draw(st.integers(1, 3))):
        messages.append(Message("user", draw(speaking.texts | several | pointed)))
        calls = tuple(draw(st.lists(speaking.calls(), max_size=3, unique_by=lambda one: one.id)))
        content = draw(speaking.texts | reasoned | (st.none() if calls else speaking.texts))
        messages.append(Message("assistant", content, tool_calls=calls))
        for one in calls:
            failed = draw(st.sampled_from([None, {"is_error": True}]))
            told = draw(speaking.texts | several)
            messages.append(Message("tool", told, tool_call_id=one.id, extra=failed))
        if calls:
            messages.append(Message("assistant", draw(speaking.texts)))
    offered = tuple(draw(st.lists(speaking.tools, max_size=2, unique_by=lambda one: one.name)))
    choice = draw(speaking.choices(offered)) if offered else None
    return Chat(
        model="m",
        messages=tuple(messages),
        max_tokens=draw(st.none() | st.integers(1, 1000)),
        temperature=draw(st.none() | st.floats(0, 1)),
        top_p=draw(st.none() | st.floats(0, 1)),
        stop=tuple(draw(st.lists(speaking.texts, max_size=2))),
        tools=offered,
        tool_choice=None if choice == ToolChoice("none") else choice,
        reasoning_effort=draw(st.sampled_from([None, "low", "max"])),
        response_format=draw(st.none() | forms),
        extra=draw(st.sampled_from([None, {"serviceTier": {"type": "flex"}}])),
        dialect="bedrock",
    )


@given(chats())
def test_a_chat_that_is_said_is_read_back(one):
    """Decode undoes encode."""
    body = OUTBOUND.encode_call(speaking.call(one)).body

    assert bedrock.decode_request(body, model="m") == one


REQUEST_KEYS = st.sampled_from(
    [
        *("messages", "system", "inferenceConfig", "toolConfig", "outputConfig", "role", "content"),
        *("text", "image", "document", "source", "bytes", "format", "toolUse", "toolUseId", "name"),
        *(
            "toolResult",
            "input",
            "status",
            "reasoningContent",
            "reasoningText",
            "tools",
            "toolSpec",
        ),
        *("inputSchema", "json", "toolChoice", "textFormat", "structure", "jsonSchema", "schema"),
    ]
)
REQUEST = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["user", "assistant", "png"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(REQUEST_KEYS, inner, max_size=3),
    max_leaves=15,
)


@given(st.dictionaries(REQUEST_KEYS, REQUEST))
def test_whatever_a_client_says_is_a_chat_or_a_clear_refusal(fields):
    """No other error escapes; and what was read can be said again, or is refused."""
    with suppress(InvalidRequest):
        one = bedrock.decode_request(orjson.dumps(fields), model="m")
        OUTBOUND.encode_call(speaking.call(one))
