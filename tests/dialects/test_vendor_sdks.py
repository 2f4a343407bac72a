"""The vendors' own SDKs judge the codecs: what we say is what they say, what they read is ours.

An SDK is given a transport that keeps its request and gives it an answer; nothing leaves here.
Shapes of answers are those of the vendors' public documentation, in texts and numbers of our own.
"""

import base64
import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.core.repetitions import events as events_of
from aihub.dialects import anthropic as our_anthropic
from aihub.dialects import gemini as our_gemini
from aihub.dialects import sse
from aihub.dialects.gemini import parts, words
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

from . import speaking, test_anthropic, test_gemini

# The SDKs are slow to import, and to make clients of.
pytestmark = pytest.mark.slow

PICTURE = "data:image/png;base64,aGk="
PDF = "data:application/pdf;base64,aGk="
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CONVERSATION = (
    Message("system", "Be brief"),
    Message(
        "user",
        (
            TextPart("What is this?"),
            OtherPart("image_url", {"type": "image_url", "image_url": {"url": PICTURE}}),
            OtherPart("file", {"type": "file", "file": {"file_data": PDF}}),
        ),
    ),
    Message(
        "assistant",
        (ReasoningPart("Let me see", "c2ln"), TextPart("I look.")),
        tool_calls=(ToolCall("c1", "look", '{"a":"x"}'), ToolCall("c2", "look", '{"a":"y"}')),
    ),
    Message("tool", "one", tool_call_id="c1"),
    Message("tool", "two", tool_call_id="c2"),
    Message("user", "And?"),
)


class Wire:
    """A transport of an SDK: it keeps the request and gives *answer*."""

    def __init__(self, answer, *, stream=False, status=200):
        self.httpx2 = pytest.importorskip("httpx2")
        self.answer, self.status = answer, status
        self.type = "text/event-stream" if stream else "application/json"
        self.request = None

    def client(self):
        """An HTTP client with it."""
        return self.httpx2.Client(transport=self.httpx2.MockTransport(self._answer))

    def _answer(self, request):
        self.request = request
        request.read()
        return self.httpx2.Response(
            self.status, headers={"content-type": self.type}, content=self.answer
        )

    @property
    def body(self):
        """The request's body as JSON."""
        return json.loads(self.request.content)


# Anthropic

anthropic_needed = pytest.mark.needs("anthropic")


def anthropic_client(wire):
    """Anthropic's own client, on a wire."""
    sdk = pytest.importorskip("anthropic")
    return sdk.Anthropic(api_key="k", http_client=wire.client(), max_retries=0)


@anthropic_needed
@pytest.mark.parametrize("stream", [False, True])
def test_anthropics_sdk_says_a_call_as_we_do(stream):
    """Body, path and version are the same for the same call."""
    chat = Chat(
        model="claude",
        messages=CONVERSATION,
        max_tokens=300,
        stop=("END",),
        stream=stream,
        user="u",
        tools=(Tool(name="look", description="d", parameters=SCHEMA, strict=True),),
        tool_choice=ToolChoice("auto"),
        parallel_tool_calls=False,
        response_format=ResponseFormat(kind="json_schema", name="n", schema=SCHEMA),
        reasoning_effort="high",
        extra={"thinking": {"type": "adaptive"}},
    )
    answer = test_anthropic.frames(test_anthropic.START) if stream else test_anthropic.whole()
    wire = Wire(answer, stream=stream)
    with anthropic_client(wire) as client:
        client.messages.create(
            model="claude-test",
            max_tokens=300,
            system="Be brief",
            messages=[
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "What is this?"},
                        {
                            "type": "image",
                            "source": {
                                "type": "base64",
                                "media_type": "image/png",
                                "data": "aGk=",
                            },
                        },
                        {
                            "type": "document",
                            "source": {
                                "type": "base64",
                                "media_type": "application/pdf",
                                "data": "aGk=",
                            },
                        },
                    ],
                },
                {
                    "role": "assistant",
                    "content": [
                        {"type": "thinking", "thinking": "Let me see", "signature": "c2ln"},
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "c1", "name": "look", "input": {"a": "x"}},
                        {"type": "tool_use", "id": "c2", "name": "look", "input": {"a": "y"}},
                    ],
                },
                {
                    "role": "user",
                    "content": [
                        {"type": "tool_result", "tool_use_id": "c1", "content": "one"},
                        {"type": "tool_result", "tool_use_id": "c2", "content": "two"},
                        {"type": "text", "text": "And?"},
                    ],
                },
            ],
            stop_sequences=["END"],
            metadata={"user_id": "u"},
            tools=[{"name": "look", "description": "d", "input_schema": SCHEMA, "strict": True}],
            tool_choice={"type": "auto", "disable_parallel_tool_use": True},
            output_config={
                "effort": "high",
                "format": {"type": "json_schema", "schema": SCHEMA},
            },
            thinking={"type": "adaptive"},
            **({"stream": True} if stream else {}),
        )
    ours = our_anthropic.Outbound().encode_call(speaking.call(chat, upstream_model="claude-test"))

    assert json.loads(ours.body) == wire.body
    assert ours.path == wire.request.url.path
    for name, value in ours.headers:
        assert wire.request.headers[name] == value


def anthropic_answer(message):
    """What the SDK understood of a message, as a fold has it."""
    texts = [one.text for one in message.content if one.type == "text"]
    return {
        "text": "".join(texts),
        "thinking": [
            (one.thinking, one.signature) for one in message.content if one.type == "thinking"
        ],
        "redacted": [one.data for one in message.content if one.type == "redacted_thinking"],
        "calls": [
            (one.id, one.name, one.input) for one in message.content if one.type == "tool_use"
        ],
        "usage": (
            message.usage.input_tokens,
            message.usage.cache_read_input_tokens or 0,
            message.usage.cache_creation_input_tokens or 0,
            message.usage.output_tokens,
        ),
        "stop": message.stop_sequence,
    }


def anthropic_fold(choice, usage):
    """The same of what we have."""
    signed = [(one.text, one.signature) for one in choice.thoughts if one.redacted is None]
    rest = (choice.reasoning or "")[sum(len(one.text) for one in choice.thoughts) :]
    return {
        "text": choice.text or "",
        "thinking": [*signed, *([(rest, "")] if rest else [])],
        "redacted": [one.redacted for one in choice.thoughts if one.redacted is not None],
        "calls": [(one.id, one.name, json.loads(one.arguments)) for one in choice.tool_calls],
        "usage": (
            usage.prompt - usage.cached - usage.cache_write,
            usage.cached,
            usage.cache_write,
            usage.completion,
        ),
        "stop": choice.stop,
    }


@anthropic_needed
@settings(max_examples=20)
@given(test_anthropic.completions)
def test_anthropics_sdk_reads_our_answers_and_streams(done):
    """Texts, reasoning, calls and counts are those that we had."""
    expected = anthropic_fold(done.choices[0], done.usage)
    ask = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    with anthropic_client(Wire(our_anthropic.encode_completion(done))) as client:
        message = client.messages.create(**ask)
    assert anthropic_answer(message) == expected
    stream = test_anthropic.stream_of(events_of(done), done.usage)
    with (
        anthropic_client(Wire(stream, stream=True)) as client,
        client.messages.stream(**ask) as streamed,
    ):
        final = streamed.get_final_message()
    assert anthropic_answer(final) == expected
    assert final.stop_reason == message.stop_reason


ANTHROPIC_SHAPES = [
    test_anthropic.frames(
        test_anthropic.START,
        test_anthropic.begun(0, type="thinking", thinking="", signature=""),
        test_anthropic.grown(0, "thinking_delta", thinking="I think "),
        test_anthropic.grown(0, "thinking_delta", thinking="so."),
        test_anthropic.grown(0, "signature_delta", signature="c2ln"),
        test_anthropic.stopped(0),
        {"type": "ping"},
        test_anthropic.begun(1, type="text", text=""),
        test_anthropic.grown(1, "text_delta", text="It is "),
        test_anthropic.grown(1, "text_delta", text="so."),
        test_anthropic.stopped(1),
        test_anthropic.begun(2, type="tool_use", id="toolu_1", name="look", input={}),
        test_anthropic.grown(2, "input_json_delta", partial_json=""),
        test_anthropic.grown(2, "input_json_delta", partial_json='{"a": "'),
        test_anthropic.grown(2, "input_json_delta", partial_json='x"}'),
        test_anthropic.stopped(2),
        test_anthropic.begun(3, type="tool_use", id="toolu_2", name="wait", input={}),
        test_anthropic.grown(3, "input_json_delta", partial_json="{}"),
        test_anthropic.stopped(3),
        test_anthropic.told("tool_use", {"output_tokens": 89}),
        test_anthropic.STOP,
    ),
    test_anthropic.frames(
        test_anthropic.START,
        test_anthropic.begun(0, type="redacted_thinking", data="RW5j"),
        test_anthropic.stopped(0),
        test_anthropic.begun(1, type="text", text=""),
        test_anthropic.grown(1, "text_delta", text="One, two, "),
        test_anthropic.stopped(1),
        test_anthropic.told(
            "stop_sequence",
            {
                "output_tokens": 4,
                "input_tokens": 12,
                "cache_read_input_tokens": 5,
                "cache_creation_input_tokens": 7,
            },
            stop_sequence="three",
        ),
        test_anthropic.STOP,
    ),
]


@anthropic_needed
@pytest.mark.parametrize("wire", ANTHROPIC_SHAPES)
def test_anthropics_sdk_and_we_read_a_stream_alike(wire):
    """Shapes that the vendor's guide on streaming shows."""
    events = speaking.read(our_anthropic.StreamDecoder(), wire)
    choice, usage = speaking.answer(events)[0][0], speaking.fold(events).usage
    ask = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    with (
        anthropic_client(Wire(wire, stream=True)) as client,
        client.messages.stream(**ask) as streamed,
    ):
        final = streamed.get_final_message()

    assert anthropic_answer(final) == anthropic_fold(choice, usage)


@anthropic_needed
@pytest.mark.parametrize("kind", ["invalid_request_error", "overloaded_error"])
def test_anthropics_sdk_reads_our_errors(kind):
    """In an answer and in a stream."""
    sdk = pytest.importorskip("anthropic")
    ask = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "Hi"}]}
    status = our_anthropic.STATUSES[kind]
    body = json.dumps(our_anthropic.error_object(kind, "No")).encode()
    with (
        anthropic_client(Wire(body, status=status)) as client,
        pytest.raises(sdk.APIStatusError, match="No") as caught,
    ):
        client.messages.create(**ask)
    assert caught.value.status_code == status
    assert caught.value.type == kind
    wire = test_anthropic.frames(test_anthropic.START)
    wire += our_anthropic.encode_stream_error(kind, "No")
    with (
        anthropic_client(Wire(wire, stream=True)) as client,
        pytest.raises(sdk.APIStatusError, match="No"),
    ):
        list(client.messages.create(**ask, stream=True))


# Gemini

gemini_needed = pytest.mark.needs("google.genai")
ANSWER = test_gemini.whole()


def gemini_client(wire):
    """Google's own client, on a wire."""
    genai = pytest.importorskip("google.genai")
    types = pytest.importorskip("google.genai.types")
    # Its default is v1; the document that Google publishes, to which we keep, is that of v1beta.
    options = types.HttpOptions(httpx_client=wire.client(), api_version="v1beta")
    return genai.Client(api_key="k", http_options=options)


@gemini_needed
@pytest.mark.parametrize("stream", [False, True])
def test_googles_sdk_says_a_call_as_we_do(stream):
    """Body and path are the same for the same call."""
    types = pytest.importorskip("google.genai.types")
    chat = Chat(
        model="gemini",
        messages=(
            *CONVERSATION[:2],
            Message(
                "assistant",
                (ReasoningPart("Let me see", "c2ln"), TextPart("I look.")),
                tool_calls=(
                    ToolCall("c1", "look", '{"a":"x"}', signature="c2ln"),
                    ToolCall("c2", "look", '{"a":"y"}'),
                ),
            ),
            Message("tool", "one", tool_call_id="c1"),
            Message("tool", '{"b":2}', tool_call_id="c2"),
            Message("user", "And?"),
        ),
        max_tokens=300,
        temperature=0.5,
        top_p=0.5,
        seed=7,
        stop=("END",),
        stream=stream,
        tools=(Tool(name="look", description="d", parameters=SCHEMA),),
        tool_choice=ToolChoice("required", ("look",)),
        response_format=ResponseFormat(kind="json_schema", name="n", schema=SCHEMA),
        reasoning_effort="high",
        extra={"generationConfig": {"topK": 4}},
    )
    content, part = types.Content, types.Part
    ask = {
        "model": "gemini-test",
        "contents": [
            content(
                role="user",
                parts=[
                    part(text="What is this?"),
                    part(inline_data=types.Blob(mime_type="image/png", data=b"hi")),
                    part(inline_data=types.Blob(mime_type="application/pdf", data=b"hi")),
                ],
            ),
            content(
                role="model",
                parts=[
                    part(text="Let me see", thought=True, thought_signature=b"sig"),
                    part(text="I look."),
                    part(
                        function_call=types.FunctionCall(id="c1", name="look", args={"a": "x"}),
                        thought_signature=b"sig",
                    ),
                    part(function_call=types.FunctionCall(id="c2", name="look", args={"a": "y"})),
                ],
            ),
            content(
                role="user",
                parts=[
                    part(
                        function_response=types.FunctionResponse(
                            id="c1", name="look", response={"output": "one"}
                        )
                    ),
                    part(
                        function_response=types.FunctionResponse(
                            id="c2", name="look", response={"b": 2}
                        )
                    ),
                ],
            ),
            content(role="user", parts=[part(text="And?")]),
        ],
        "config": types.GenerateContentConfig(
            system_instruction=content(parts=[part(text="Be brief")]),
            max_output_tokens=300,
            temperature=0.5,
            top_p=0.5,
            top_k=4,
            seed=7,
            stop_sequences=["END"],
            tools=[
                types.Tool(
                    function_declarations=[
                        types.FunctionDeclaration(
                            name="look", description="d", parameters_json_schema=SCHEMA
                        )
                    ]
                )
            ],
            tool_config=types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(
                    mode="ANY", allowed_function_names=["look"]
                )
            ),
            response_mime_type="application/json",
            response_json_schema=SCHEMA,
            thinking_config=types.ThinkingConfig(thinking_level="HIGH"),
        ),
    }
    wire = Wire(sse.event(ANSWER) if stream else ANSWER, stream=stream)
    with gemini_client(wire) as client:
        if stream:
            list(client.models.generate_content_stream(**ask))
        else:
            client.models.generate_content(**ask)
    ours = our_gemini.Outbound().encode_call(speaking.call(chat, upstream_model="gemini-test"))

    assert json.loads(ours.body) == json.loads(spelled(wire.request.content))
    assert ours.path == wire.request.url.raw_path.decode()
    read = our_gemini.decode_request(wire.request.content, model="gemini", stream=stream)
    assert json.loads(our_gemini.Outbound().encode_call(speaking.call(read)).body) == json.loads(
        ours.body
    )


def spelled(body):
    """A body of the SDK, some of whose fields keep Python's spelling: Google takes both."""
    return re.sub(
        rb'"[a-z]+(_[a-z]+)+":', lambda found: parts.camel(found[0].decode()).encode(), body
    )


def gemini_answer(pieces):
    """What the SDK understood of an answer's pieces."""
    given = [
        part
        for piece in pieces
        for candidate in piece.candidates or []
        for part in (candidate.content.parts if candidate.content else None) or []
    ]
    usage = pieces[-1].usage_metadata
    return {
        "text": "".join([one.text for one in given if one.text and not one.thought]),
        "thoughts": "".join([one.text for one in given if one.text and one.thought]),
        "calls": [
            (
                one.function_call.id,
                one.function_call.name,
                one.function_call.args or {},
                one.thought_signature,
            )
            for one in given
            if one.function_call
        ],
        "usage": (
            usage.prompt_token_count,
            usage.cached_content_token_count or 0,
            usage.candidates_token_count or 0,
            usage.thoughts_token_count or 0,
        ),
        "reason": pieces[-1].candidates[0].finish_reason.name,
    }


def gemini_fold(choice, usage):
    """The same of what we have."""
    return {
        "text": choice.text or "",
        "thoughts": choice.reasoning or "",
        "calls": [
            (
                one.id,
                one.name,
                json.loads(one.arguments),
                None if one.signature is None else base64.b64decode(one.signature),
            )
            for one in choice.tool_calls
        ],
        "usage": (
            usage.prompt,
            usage.cached,
            usage.completion - usage.reasoning,
            usage.reasoning,
        ),
        "reason": words.finish_reason(choice.finish_reason, choice.native),
    }


signatures = st.binary(min_size=1, max_size=6).map(lambda data: base64.b64encode(data).decode())
signed = st.builds(ReasoningPart, speaking.texts, signatures)
gemini_completions = speaking.completions(
    speaking.whole_choices(
        test_gemini.ENDINGS,
        st.lists(signed, max_size=2),
        speaking.calls(signature=st.none() | signatures),
        refusal=st.none() | speaking.texts,
    ).map(test_gemini.ended_as_called),
    speaking.usages(),
)


@gemini_needed
@settings(max_examples=20)
@given(gemini_completions)
def test_googles_sdk_reads_our_answers_and_streams(done):
    """Texts, thoughts, calls with their signatures and counts are those that we had."""
    expected = gemini_fold(done.choices[0], done.usage)
    with gemini_client(Wire(our_gemini.encode_completion(done))) as client:
        answer = client.models.generate_content(model="m", contents="Hi")
    assert gemini_answer([answer]) == expected
    stream = test_gemini.stream_of(events_of(done), done.usage)
    with gemini_client(Wire(stream, stream=True)) as client:
        pieces = list(client.models.generate_content_stream(model="m", contents="Hi"))
    assert gemini_answer(pieces) == expected


GEMINI_SHAPES = [
    [
        {"text": "Think", "thought": True},
        {"text": "It is"},
        {"text": " so."},
    ],
    [
        {
            "functionCall": {"id": "i1", "name": "look", "args": {"a": "x"}},
            "thoughtSignature": "c2ln",
        },
        {"functionCall": {"id": "i2", "name": "wait"}},
    ],
]


@gemini_needed
@pytest.mark.parametrize("told", GEMINI_SHAPES)
def test_googles_sdk_and_we_read_a_stream_alike(told):
    """Shapes that the vendor's guides on thinking and on calling functions show."""
    counts = {
        "promptTokenCount": 12,
        "cachedContentTokenCount": 4,
        "candidatesTokenCount": 5,
        "thoughtsTokenCount": 6,
        "totalTokenCount": 23,
    }
    pieces = [
        {
            "candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}],
            "usageMetadata": counts,
            "modelVersion": "gemini-x",
            "responseId": "r1",
        }
        for part in told
    ]
    pieces[-1]["candidates"][0]["finishReason"] = "STOP"
    wire = b"".join(sse.event(json.dumps(one).encode()) for one in pieces)
    events = speaking.read(our_gemini.StreamDecoder(), wire)
    choices, usage = speaking.answer(events)
    with gemini_client(Wire(wire, stream=True)) as client:
        read = list(client.models.generate_content_stream(model="m", contents="Hi"))

    assert gemini_answer(read) == gemini_fold(choices[0], usage)


@gemini_needed
def test_googles_sdk_reads_our_errors():
    """With code, word and text."""
    errors = pytest.importorskip("google.genai.errors")
    body = json.dumps(our_gemini.error_object(429, "Too much", "RESOURCE_EXHAUSTED")).encode()
    with (
        gemini_client(Wire(body, status=429)) as client,
        pytest.raises(errors.ClientError, match="Too much") as caught,
    ):
        client.models.generate_content(model="m", contents="Hi")
    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
