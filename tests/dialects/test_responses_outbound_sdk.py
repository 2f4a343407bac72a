"""OpenAI's own SDK judges the outbound half of Responses: what we say is what it says."""

import json

import attrs
import orjson
import pytest

from aihub.dialects.openai_responses import Outbound
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

from .folding import call, fold, read_stream
from .test_responses_outbound import (
    CREATED,
    CUSTOM,
    FUNCTION,
    added,
    completed,
    delta,
    done,
    message,
    response,
    thought,
)

httpx2 = pytest.importorskip("httpx2")
openai = pytest.importorskip("openai")

# The SDK is slow to import, and to make clients of.
pytestmark = pytest.mark.slow

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk=", "detail": "low"}}
CHAT = Chat(
    model="m",
    messages=(
        Message("system", "Be brief"),
        Message("user", (TextPart("What is this?"), OtherPart("image_url", IMAGE))),
        Message(
            "assistant",
            (ReasoningPart("Hm.", "rs_1:gAAAA"), TextPart("I look.")),
            tool_calls=(ToolCall("c1", "look", '{"a":"x"}'),),
        ),
        Message("tool", "one", tool_call_id="c1"),
        Message("user", "And?"),
    ),
    max_completion_tokens=300,
    temperature=0.5,
    tools=(Tool(name="look", description="d", parameters=SCHEMA, strict=True),),
    tool_choice=ToolChoice("required", ("look",)),
    parallel_tool_calls=False,
    response_format=ResponseFormat(kind="json_schema", name="n", schema=SCHEMA, strict=True),
    reasoning_effort="high",
    reasoning_summary=True,
    logprobs=True,
    top_logprobs=3,
    extra={"service_tier": "flex", "metadata": {"a": "b"}, "verbosity": "low"},
)
SAID = {
    "model": "upstream-model",
    "instructions": "Be brief",
    "input": [
        {
            "type": "message",
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {
                    "type": "input_image",
                    "image_url": "data:image/png;base64,aGk=",
                    "detail": "low",
                },
            ],
        },
        {
            "type": "reasoning",
            "id": "rs_1",
            "summary": [{"type": "summary_text", "text": "Hm."}],
            "encrypted_content": "gAAAA",
        },
        {"type": "message", "role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "c1", "name": "look", "arguments": '{"a":"x"}'},
        {"type": "function_call_output", "call_id": "c1", "output": "one"},
        {"type": "message", "role": "user", "content": "And?"},
    ],
    "max_output_tokens": 300,
    "temperature": 0.5,
    "tools": [
        {
            "type": "function",
            "name": "look",
            "description": "d",
            "parameters": SCHEMA,
            "strict": True,
        }
    ],
    "tool_choice": {"type": "function", "name": "look"},
    "parallel_tool_calls": False,
    "text": {
        "format": {"type": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
        "verbosity": "low",
    },
    "reasoning": {"effort": "high", "summary": "auto"},
    "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
    "top_logprobs": 3,
    "service_tier": "flex",
    "metadata": {"a": "b"},
    "store": False,
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
    body = CREATED + completed() if stream else orjson.dumps(response())
    server = Server(body, stream=stream)
    with server.client() as client:
        answered = client.responses.create(**SAID, **({"stream": True} if stream else {}))
        if stream:
            list(answered)
    wire = Outbound().encode_call(call(attrs.evolve(CHAT, stream=stream)))
    assert server.path == "/v1" + wire.path
    assert server.asked == orjson.loads(wire.body)


WHOLE = {
    "text": (message("One"), message(" two")),
    "refusal": (message({"type": "refusal", "refusal": "No"}),),
    "calls": (FUNCTION, CUSTOM),
    "reasoning": (thought("Hm.", encrypted_content="gAAAA"), message("One")),
}
STREAMS = {
    "text": (
        added(0, message()),
        delta("output_text", 0, "On"),
        delta("output_text", 0, "e"),
        done(0, message("One")),
        added(1, message()),
        delta("output_text", 1, " two"),
    ),
    "refusal": (added(0, message()), delta("refusal", 0, "No")),
    "calls": (
        added(0, {**FUNCTION, "arguments": ""}),
        delta("function_call_arguments", 0, "{"),
        delta("function_call_arguments", 0, "}"),
        added(1, {**CUSTOM, "input": ""}),
        delta("custom_tool_call_input", 1, "any"),
    ),
    "reasoning": (
        added(0, thought()),
        delta("reasoning_summary_text", 0, "Hm.", summary_index=0),
        done(0, WHOLE["reasoning"][0]),
        added(1, message()),
        delta("output_text", 1, "One"),
    ),
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("kind", WHOLE)
def test_the_sdk_and_we_read_an_answer_alike(kind, stream):
    """Text, refusals, reasoning, calls and usage, by what the SDK makes of them."""
    output = WHOLE[kind]
    body = orjson.dumps(response(*output))
    read = Outbound().decode_answer
    if stream:
        body = b"".join([CREATED, *STREAMS[kind], completed(*output)])
    (ours,), usage, _ = fold(
        read_stream(Outbound().stream(call()), [body]) if stream else read(call(), body)
    )
    with Server(body, stream=stream).client() as client:
        answered = client.responses.create(model="m", input="Hi", stream=stream)
        theirs = list(answered)[-1].response if stream else answered
    parts = [part for item in theirs.output if item.type == "message" for part in item.content]
    refusals = [part.refusal for part in parts if part.type == "refusal"]
    assert (ours.text or "") == theirs.output_text
    assert (ours.refusal or "") == "".join(refusals)
    thoughts = [item for item in theirs.output if item.type == "reasoning"]
    assert (ours.reasoning or "") == "".join(
        part.text for item in thoughts for part in item.summary
    )
    assert [one.signature for one in ours.thoughts] == [
        f"{item.id}:{item.encrypted_content}" for item in thoughts
    ]
    called = [
        (item.call_id, item.name, getattr(item, "arguments", None) or item.input)
        for item in theirs.output
        if item.type in {"function_call", "custom_tool_call"}
    ]
    assert [(one.id, one.name, one.arguments) for one in ours.tool_calls] == called
    assert (usage.prompt, usage.cached, usage.completion, usage.reasoning) == (
        theirs.usage.input_tokens,
        theirs.usage.input_tokens_details.cached_tokens,
        theirs.usage.output_tokens,
        theirs.usage.output_tokens_details.reasoning_tokens,
    )
