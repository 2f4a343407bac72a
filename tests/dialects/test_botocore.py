"""AWS's own SDK judges the dialect: what we say is what it says, what it reads is ours.

A hook of botocore's keeps its request and gives it an answer; nothing leaves here. Its model of the
service lists the members of each shape, so what we write is held to that too.
"""

import io
import json
from base64 import b64decode

import pytest
from hypothesis import given, settings

from aihub.core.repetitions import events as events_of
from aihub.dialects import bedrock
from aihub.dialects.bedrock import words
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

from . import speaking, test_bedrock

# The SDK is slow to import, and to make clients of.
pytestmark = [pytest.mark.slow, pytest.mark.needs("botocore")]

MODEL = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.some.model-v1:0"
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
HI = [{"role": "user", "content": [{"text": "Hi"}]}]


class Wire:
    """A client of the SDK whose requests are kept, and answered with *answer*."""

    def __init__(self, answer=b"{}", *, kind="application/json", status=200, **headers):
        session = pytest.importorskip("botocore.session").get_session()
        config = pytest.importorskip("botocore.config").Config(retries={"max_attempts": 0})
        self.client = session.create_client(
            "bedrock-runtime",
            region_name="eu-west-1",
            aws_access_key_id="AKID",
            aws_secret_access_key="secret",
            config=config,
        )
        self.client.meta.events.register("before-send.bedrock-runtime", self._answer)
        self.answer, self.status = answer, status
        self.headers = {"content-type": kind, **headers}
        self.request = None

    def _answer(self, request, **kwargs):
        response = pytest.importorskip("botocore.awsrequest").AWSResponse
        self.request = request
        return response(request.url, self.status, self.headers, _Raw(self.answer))

    @property
    def model(self):
        """The SDK's model of the service."""
        return self.client.meta.service_model


class _Raw(io.BytesIO):
    """A body as the SDK reads it."""

    def stream(self, amt=7, decode_content=None):
        while data := self.read(amt):
            yield data


STREAM = {"kind": "application/vnd.amazon.eventstream"}
CONVERSATION = (
    Message("system", (TextPart("Be brief", {"cache_control": {"type": "ephemeral"}}),)),
    Message(
        "user",
        (
            TextPart("What is this?"),
            OtherPart(
                "image_url",
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
            ),
            OtherPart(
                "file",
                {
                    "type": "file",
                    "file": {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
                },
            ),
        ),
    ),
    Message(
        "assistant",
        (ReasoningPart("Let me see", "c2ln"), ReasoningPart("", redacted="aGk="), TextPart("I do")),
        tool_calls=(ToolCall("c1", "look", '{"a":"x"}'), ToolCall("c2", "look", '{"a":"y"}')),
    ),
    Message("tool", "one", tool_call_id="c1"),
    Message("tool", "two", tool_call_id="c2", extra={"is_error": True}),
    Message("user", "And?"),
)
SAID = {
    "modelId": MODEL,
    "system": [{"text": "Be brief"}, {"cachePoint": {"type": "default"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"text": "What is this?"},
                {"image": {"format": "png", "source": {"bytes": b"hi"}}},
                {"document": {"format": "pdf", "name": "a", "source": {"bytes": b"hi"}}},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {
                    "reasoningContent": {
                        "reasoningText": {"text": "Let me see", "signature": "c2ln"}
                    }
                },
                {"reasoningContent": {"redactedContent": b"hi"}},
                {"text": "I do"},
                {"toolUse": {"toolUseId": "c1", "name": "look", "input": {"a": "x"}}},
                {"toolUse": {"toolUseId": "c2", "name": "look", "input": {"a": "y"}}},
            ],
        },
        {
            "role": "user",
            "content": [
                {"toolResult": {"toolUseId": "c1", "content": [{"text": "one"}]}},
                {
                    "toolResult": {
                        "toolUseId": "c2",
                        "content": [{"text": "two"}],
                        "status": "error",
                    }
                },
                {"text": "And?"},
            ],
        },
    ],
    "inferenceConfig": {"maxTokens": 300, "temperature": 0.5, "topP": 0.5, "stopSequences": ["E"]},
    "toolConfig": {
        "tools": [
            {"toolSpec": {"name": "look", "description": "d", "inputSchema": {"json": SCHEMA}}}
        ],
        "toolChoice": {"tool": {"name": "look"}},
    },
    "additionalModelRequestFields": {"thinking": {"type": "enabled"}},
}


@pytest.mark.parametrize("stream", [False, True])
def test_botocore_says_a_call_as_we_do(stream):
    """Body and path are the same for the same call, and it takes ours for valid."""
    chat = Chat(
        model="m",
        messages=CONVERSATION,
        max_tokens=300,
        temperature=0.5,
        top_p=0.5,
        stop=("E",),
        stream=stream,
        tools=(Tool(name="look", description="d", parameters=SCHEMA),),
        tool_choice=ToolChoice("required", ("look",)),
        extra={"thinking": {"type": "enabled"}},
    )
    wire = Wire(test_bedrock.whole())
    wire.client.converse_stream(**SAID) if stream else wire.client.converse(**SAID)
    ours = bedrock.Outbound().encode_call(speaking.call(chat, upstream_model=MODEL))

    assert json.loads(ours.body) == json.loads(wire.request.body)
    assert wire.request.url == f"https://bedrock-runtime.eu-west-1.amazonaws.com{ours.path}"
    assert wire.request.headers["content-type"] == b"application/json"
    read = bedrock.decode_request(wire.request.body, model="m", stream=stream)
    again = bedrock.Outbound().encode_call(speaking.call(read, upstream_model=MODEL))
    assert json.loads(again.body) == json.loads(ours.body)


def test_botocore_says_the_form_of_an_answer_as_we_do():
    """Where its model of the service knows them: older versions do not."""
    chat = Chat(
        model="m",
        messages=(Message("user", "Hi"),),
        tools=(Tool(name="f", parameters=SCHEMA, strict=True),),
        response_format=ResponseFormat(kind="json_schema", name="n", schema=SCHEMA),
        reasoning_effort="high",
        extra={"service_tier": "flex"},
    )
    schema = json.dumps(SCHEMA, separators=(",", ":"))
    asked = {
        "modelId": MODEL,
        "messages": HI,
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}, "strict": True}}]
        },
        "outputConfig": {
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": schema, "name": "n"}},
            },
            "effort": "high",
        },
        "serviceTier": {"type": "flex"},
    }
    wire = Wire(test_bedrock.whole())
    shapes = wire.model.shape_names
    if "OutputConfig" in shapes and "effort" in wire.model.shape_for("OutputConfig").members:
        wire.client.converse(**asked)
        ours = bedrock.Outbound().encode_call(speaking.call(chat, upstream_model=MODEL))
        assert json.loads(ours.body) == json.loads(wire.request.body)


def test_our_words_are_those_of_the_services_model():
    """Why an answer ends, which exceptions there are, and which formats of media."""
    model = Wire().model

    assert {*model.shape_for("StopReason").enum} <= words.FINISHES.keys()
    assert {*model.shape_for("ImageFormat").enum} == {*words.IMAGES.values()}
    assert {*model.shape_for("DocumentFormat").enum} == {*words.DOCUMENTS.values()}
    assert {*model.shape_for("VideoFormat").enum} == {*words.VIDEOS.values(), "mpg"}
    if "AudioFormat" in model.shape_names:
        assert {*model.shape_for("AudioFormat").enum} >= words.SOUNDS
    stream = model.shape_for("ConverseStreamOutput").members.values()
    errors = [*model.operation_model("Converse").error_shapes]
    errors += [one for one in stream if one.metadata.get("exception")]
    assert {one.name: one.metadata["error"]["httpStatusCode"] for one in errors} == words.STATUSES


def understood(message, stop, usage):
    """What the SDK understood of an answer, as a fold has it."""
    content = message["content"]
    thoughts = [one["reasoningContent"] for one in content if "reasoningContent" in one]
    signed = [one["reasoningText"] for one in thoughts if "reasoningText" in one]
    return {
        "text": "".join(one.get("text", "") for one in content),
        "thoughts": [(one["text"], one.get("signature")) for one in signed],
        "hidden": [one["redactedContent"] for one in thoughts if "redactedContent" in one],
        "calls": [
            (one["toolUse"]["toolUseId"], one["toolUse"]["name"], one["toolUse"]["input"])
            for one in content
            if "toolUse" in one
        ],
        "stop": stop,
        "usage": (
            usage["inputTokens"],
            usage.get("cacheReadInputTokens", 0),
            usage.get("cacheWriteInputTokens", 0),
            usage["outputTokens"],
        ),
    }


def put_together(stream):
    """The message that the SDK's events of a stream amount to."""
    blocks, told = {}, {}
    for one in stream:
        told.update(one)
        start = one.get("contentBlockStart") or one.get("contentBlockDelta") or {}
        block = blocks.setdefault(start.get("contentBlockIndex"), {})
        for use in [start.get("start", {}).get("toolUse", {})]:
            block.update({"toolUse": {**use, "input": ""}} if use else {})
        delta = start.get("delta", {})
        if "text" in delta:
            block["text"] = block.get("text", "") + delta["text"]
        if "toolUse" in delta:
            block["toolUse"]["input"] += delta["toolUse"]["input"]
        thought = delta.get("reasoningContent", {})
        if "redactedContent" in thought:
            block["reasoningContent"] = thought
        elif thought:
            inner = block.setdefault("reasoningContent", {"reasoningText": {"text": ""}})
            inner["reasoningText"]["text"] += thought.get("text", "")
            if "signature" in thought:
                inner["reasoningText"]["signature"] = thought["signature"]
    content = [one for index, one in sorted(blocks.items(), key=lambda one: one[0] or 0) if one]
    for one in content:
        if "toolUse" in one:
            one["toolUse"]["input"] = json.loads(one["toolUse"]["input"] or "{}")
    stop, usage = told["messageStop"]["stopReason"], told["metadata"]["usage"]
    return understood({"content": content}, stop, usage)


def folded(choice, usage):
    """The same of what we have."""
    signed = [(one.text, one.signature) for one in choice.thoughts if one.redacted is None]
    rest = (choice.reasoning or "")[sum(len(one.text) for one in choice.thoughts) :]
    return {
        "text": choice.text or "",
        "thoughts": [*signed, *([(rest, None)] if rest else [])],
        "hidden": [b64decode(one.redacted) for one in choice.thoughts if one.redacted is not None],
        "calls": [(one.id, one.name, json.loads(one.arguments)) for one in choice.tool_calls],
        "stop": words.stop_reason(choice.finish_reason, choice.native, choice.stop),
        "usage": (
            usage.prompt - usage.cached - usage.cache_write,
            usage.cached,
            usage.cache_write,
            usage.completion,
        ),
    }


def test_botocore_reads_our_answers_and_streams():
    """Texts, reasoning, calls and counts are those that we had."""
    whole, streamed = Wire(), Wire(**STREAM)
    # The client would hold the members that the stream's shape does not list against us.
    ask = {"modelId": "m", "messages": HI}

    @settings(max_examples=30, deadline=None)
    @given(test_bedrock.completions)
    def read(done):
        expected = folded(done.choices[0], done.usage)
        whole.answer = bedrock.encode_completion(done)
        got = whole.client.converse(**ask)
        assert understood(got["output"]["message"], got["stopReason"], got["usage"]) == expected
        streamed.answer = test_bedrock.stream_of(events_of(done), done.usage)
        assert put_together(streamed.client.converse_stream(**ask)["stream"]) == expected

    read()


def test_botocore_and_we_read_a_stream_alike():
    """A shape that the vendor's guides on streams and on reasoning show."""
    wire = b"".join(
        [
            test_bedrock.START,
            test_bedrock.grown(0, reasoningContent={"text": "I think "}),
            test_bedrock.grown(0, reasoningContent={"text": "so."}),
            test_bedrock.grown(0, reasoningContent={"signature": "c2ln"}),
            test_bedrock.stopped(0),
            test_bedrock.grown(1, text="It is "),
            test_bedrock.grown(1, text="so."),
            test_bedrock.stopped(1),
            test_bedrock.begun(2, toolUse={"toolUseId": "t1", "name": "look"}),
            test_bedrock.grown(2, toolUse={"input": '{"a": "'}),
            test_bedrock.grown(2, toolUse={"input": 'x"}'}),
            test_bedrock.stopped(2),
            test_bedrock.begun(3, toolUse={"toolUseId": "t2", "name": "wait"}),
            test_bedrock.grown(3, toolUse={"input": "{}"}),
            test_bedrock.stopped(3),
            test_bedrock.event("messageStop", stopReason="tool_use"),
            test_bedrock.event("metadata", usage=test_bedrock.USAGE, metrics={"latencyMs": 5}),
        ]
    )
    [choice], usage = speaking.answer(speaking.read(bedrock.StreamDecoder(), wire))
    stream = Wire(wire, **STREAM).client.converse_stream(modelId="m", messages=HI)["stream"]

    assert put_together(stream) == folded(choice, usage)


def test_botocore_reads_our_errors():
    """In an answer, by its name, and in a stream."""
    body = json.dumps(bedrock.error_object("ThrottlingException", "Slow")).encode()
    ask = {"modelId": "m", "messages": HI}
    for headers in ({}, {"x-amzn-errortype": "ThrottlingException"}):
        wire = Wire(body, status=429, **headers)
        with pytest.raises(wire.client.exceptions.ThrottlingException, match="Slow"):
            wire.client.converse(**ask)
    errors = pytest.importorskip("botocore.exceptions")
    wire = test_bedrock.START + bedrock.encode_stream_error("ThrottlingException", "Slow")
    stream = Wire(wire, **STREAM).client.converse_stream(**ask)["stream"]
    with pytest.raises(errors.EventStreamError, match=r"throttlingException.*Slow"):
        list(stream)


def test_botocore_takes_what_we_say_for_valid():
    """Each member is one of the service's, and of its type: its own check of a request judges."""
    model = Wire().model
    shape = model.operation_model("Converse").input_shape
    validate = pytest.importorskip("botocore.validate").ParamValidator().validate
    known = "OutputConfig" in model.shape_names

    @settings(max_examples=50, deadline=None)
    @given(test_bedrock.chats())
    def check(one):
        body = json.loads(bedrock.Outbound().encode_call(speaking.call(one)).body)
        if not known:  # Older versions do not know how an answer is formed.
            body.pop("outputConfig", None)
        report = validate({"modelId": "m", **body}, shape)
        assert not report.has_errors(), report.generate_report()

    check()


@given(test_bedrock.MESSAGES)
def test_botocores_framing_is_ours(told):
    """What we frame it reads, whole messages and headers alike."""
    buffer = pytest.importorskip("botocore.eventstream").EventStreamBuffer()
    buffer.add_data(b"".join(bedrock.frame(*one) for one in told))

    assert [(one.headers, one.payload) for one in buffer] == told
