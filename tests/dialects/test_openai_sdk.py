"""OpenAI's own SDK judges our codec: what we say is what it says, what it reads we read alike."""

import json

import attrs
import httpx2
import orjson
import pytest

from aihub.dialects.openai_chat import Outbound
from aihub.model.chat import (
    Chat,
    Message,
    OtherPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)

from .folding import call, fold, read_stream
from .test_openai_outbound import DONE, answer, chunk

openai = pytest.importorskip("openai")

PICTURE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CHAT = Chat(
    model="gpt-4",
    messages=(
        Message("developer", "Be brief"),
        Message("user", (TextPart("What is this?"), OtherPart("image_url", PICTURE))),
        Message(
            "assistant",
            "I look.",
            tool_calls=(ToolCall("c1", "look", '{"a":"x"}'), ToolCall("c2", "look", '{"a":"y"}')),
        ),
        Message("tool", "one", tool_call_id="c1"),
        Message("tool", "two", tool_call_id="c2"),
        Message("user", "And?", name="ann"),
    ),
    max_completion_tokens=300,
    temperature=0.5,
    stop=("END",),
    seed=7,
    n=2,
    tools=(Tool(name="look", description="d", parameters=SCHEMA, strict=True),),
    tool_choice=ToolChoice("required", ("look",)),
    parallel_tool_calls=False,
    response_format=ResponseFormat(kind="json_schema", name="n", schema=SCHEMA, strict=True),
    reasoning_effort="high",
    logprobs=True,
    top_logprobs=3,
    extra={"service_tier": "flex", "metadata": {"a": "b"}},
)
SAID = {
    "model": "upstream-model",
    "messages": [
        {"role": "developer", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "What is this?"}, PICTURE]},
        {
            "role": "assistant",
            "content": "I look.",
            "tool_calls": [
                {
                    "id": id,
                    "type": "function",
                    "function": {"name": "look", "arguments": f'{{"a":"{value}"}}'},
                }
                for id, value in (("c1", "x"), ("c2", "y"))
            ],
        },
        {"role": "tool", "content": "one", "tool_call_id": "c1"},
        {"role": "tool", "content": "two", "tool_call_id": "c2"},
        {"role": "user", "content": "And?", "name": "ann"},
    ],
    "max_completion_tokens": 300,
    "temperature": 0.5,
    "stop": ["END"],
    "seed": 7,
    "n": 2,
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "look",
                "description": "d",
                "parameters": SCHEMA,
                "strict": True,
            },
        }
    ],
    "tool_choice": {"type": "function", "function": {"name": "look"}},
    "parallel_tool_calls": False,
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "n", "schema": SCHEMA, "strict": True},
    },
    "reasoning_effort": "high",
    "logprobs": True,
    "top_logprobs": 3,
    "service_tier": "flex",
    "metadata": {"a": "b"},
}


class Server:
    """What an SDK talks to: it keeps the request, and gives *body*."""

    def __init__(self, body, *, stream):
        self.body, self.type = body, "text/event-stream" if stream else "application/json"
        self.path, self.asked = "", {}

    def client(self):
        """The SDK's client of it."""
        http = httpx2.Client(transport=httpx2.MockTransport(self._answer))
        return openai.OpenAI(api_key="k", base_url="https://up.test/v1", http_client=http)

    def _answer(self, request):
        self.path, self.asked = request.url.path, json.loads(request.read())
        return httpx2.Response(200, headers={"content-type": self.type}, content=self.body)


@pytest.mark.parametrize("stream", [False, True])
def test_the_sdk_says_a_call_as_we_do(stream):
    """The same path and the same body."""
    body = chunk(reason="stop") + DONE if stream else orjson.dumps(answer())
    server = Server(body, stream=stream)
    asked = {**SAID, "stream": True, "stream_options": {"include_usage": True}} if stream else SAID
    with server.client() as client:
        answered = client.chat.completions.create(**asked)
        if stream:
            list(answered)
    wire = Outbound().encode_call(call(attrs.evolve(CHAT, stream=stream)))
    assert server.path == "/v1" + wire.path
    assert server.asked == orjson.loads(wire.body)


CALLS = [
    {"id": "c1", "type": "function", "function": {"name": "look", "arguments": '{"a":"x"}'}},
    {"id": "c2", "type": "function", "function": {"name": "look", "arguments": "{}"}},
]
WHOLE = [
    answer(),
    answer({"content": None, "refusal": "I cannot."}),
    answer({"content": None, "tool_calls": CALLS}),
]


@pytest.mark.parametrize("body", WHOLE, ids=["text", "refusal", "calls"])
def test_the_sdk_and_we_read_an_answer_alike(body):
    """Text, refusal, calls, reason and usage."""
    with Server(orjson.dumps(body), stream=False).client() as client:
        theirs = client.chat.completions.create(model="m", messages=[])
    (ours,), usage, _ = fold(Outbound().decode_answer(call(), orjson.dumps(body)))
    message = theirs.choices[0].message
    assert (ours.text, ours.refusal) == (message.content, message.refusal)
    assert [(one.id, one.name, one.arguments) for one in ours.tool_calls] == [
        (one.id, one.function.name, one.function.arguments) for one in message.tool_calls or ()
    ]
    assert ours.finish_reason == theirs.choices[0].finish_reason
    assert (usage.prompt, usage.completion) == (
        theirs.usage.prompt_tokens,
        theirs.usage.completion_tokens,
    )


def _piece(index, **function):
    return {"index": index, "function": function}


STREAMS = {
    "text": [chunk({"content": "On"}), chunk({"content": "ce"}), chunk(reason="stop")],
    "refusal": [chunk({"refusal": "I "}), chunk({"refusal": "cannot"}), chunk(reason="stop")],
    "calls": [
        chunk({"tool_calls": [{**_piece(0, name="look", arguments=""), "id": "c1"}]}),
        chunk({"tool_calls": [_piece(0, arguments='{"a"')]}),
        chunk({"tool_calls": [_piece(0, arguments=':"x"}')]}),
        chunk({"tool_calls": [{**_piece(1, name="look", arguments="{}"), "id": "c2"}]}),
        chunk(reason="tool_calls"),
    ],
}


@pytest.mark.parametrize("frames", STREAMS.values(), ids=STREAMS)
def test_the_sdk_and_we_read_a_stream_alike(frames):
    """What the SDK puts together of it is what we fold it to."""
    body = chunk({"role": "assistant", "content": None}) + b"".join(frames) + DONE
    with (
        Server(body, stream=True).client() as client,
        client.chat.completions.stream(model="m", messages=[]) as stream,
    ):
        theirs = stream.get_final_completion().choices[0]
    (ours,), _, _ = fold(read_stream(Outbound().stream(call()), [body]))
    assert (ours.text or None, ours.refusal) == (theirs.message.content, theirs.message.refusal)
    assert [(one.id, one.name, one.arguments) for one in ours.tool_calls] == [
        (one.id, one.function.name, one.function.arguments)
        for one in theirs.message.tool_calls or ()
    ]
    assert ours.finish_reason == theirs.finish_reason
