"""`/openapi.json` is whole, and says of bodies what the decoders do."""

import json
from importlib.metadata import version

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import (
    administration,
    anthropic,
    gemini,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_moderations,
    sessions,
)
from aihub.dialects.objects import object_schema, read_fields
from aihub.errors import InvalidRequest
from aihub.server.openapi import document
from aihub.server.operations import operations
from aihub.server.routes import ROUTES

from ..dialects.test_openai_document import SPOILS, places, spoiled
from .test_app import open_client

jsonschema_rs = pytest.importorskip("jsonschema_rs")

TABLES = {
    "session": (sessions.NEW_SESSION, ()),
    "session change": (sessions.SESSION_CHANGE, ()),
    "fork": (sessions.FORK, ()),
    "account": (administration.NEW_ACCOUNT, ()),
    "key": (administration.NEW_KEY, ()),
    "rotation": (administration.ROTATION, ()),
    "plan": (administration.PLAN, ()),
    "budget": (administration.NEW_BUDGET, ("limit",)),
}
WORDS = ["", "a", "acc_1", "free", "month", "day", "read", "admin", "12.50", "9000000.1", "1e3"]
WORDS += ["drop_oldest", "estimate", "x" * 257, "é" * 256, "a b", "-1", "0"]
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-2, 5),
        st.sampled_from([10**15, 10**15 + 1, 2**62, 253_402_300_799, 253_402_300_800, 9_000_001]),
        st.sampled_from([0.0, 1.0, 1.5, -0.5, 1e15, 34_560_000.5]),
        st.sampled_from(WORDS),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner),
    max_leaves=4,
)


def bodies(table):
    """Draw objects with fields of *table*, and now and then one that it has not."""
    return st.dictionaries(st.sampled_from([*table, "color"]), VALUES, max_size=4)


@pytest.mark.parametrize("name", TABLES)
@given(data=st.data())
def test_a_body_is_right_by_its_schema_iff_it_is_read(name, data):
    """The document promises no more than is taken, and no less."""
    table, required = TABLES[name]
    body = data.draw(bodies(table))
    schema = object_schema(table, required)
    try:
        read_fields(body, table, required)
        read = True
    except InvalidRequest:
        read = False
    assert jsonschema_rs.is_valid(schema, body) == read


CHATS = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["gpt-4", "", 7]),
        "session_id": st.sampled_from(["ses_1", "", None]),
        "messages": st.lists(
            st.fixed_dictionaries(
                {},
                optional={
                    "role": st.sampled_from(["user", "assistant", "tool", "king", None]),
                    "content": st.sampled_from(["a", None, [], [{"type": "text", "text": "a"}], 7]),
                    "tool_call_id": st.sampled_from(["a", None, 7]),
                },
            ),
            max_size=2,
        ),
        "n": VALUES,
        "stop": VALUES,
        "temperature": VALUES,
        "stream_options": VALUES,
        "logit_bias": VALUES,
        "tools": VALUES,
        "color": VALUES,
    },
)


@given(CHATS)
def test_a_chat_that_is_read_is_right_by_its_schema(body):
    """What a role needs besides is said in words alone, so the schema may be wider."""
    try:
        openai_chat.decode_request(json.dumps(body).encode())
    except InvalidRequest:
        return
    assert jsonschema_rs.is_valid(openai_chat.request_schema(), body)


TEXT = [{"type": "text", "text": "a"}]
CALLING = [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]
MESSAGE = {
    "model": "gpt-4",
    "session_id": "ses_1",
    "max_tokens": 7,
    "messages": [
        {"role": "user", "content": TEXT},
        {"role": "assistant", "content": CALLING},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a"}]},
        {"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "x"}}]},
    ],
    "system": TEXT,
    "stop_sequences": ["a"],
    "stream": True,
    "temperature": 0.5,
    "top_k": 3,
    "tools": [{"name": "f", "input_schema": {}}, {"type": "bash_20250124", "name": "bash"}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "metadata": {"user_id": "u"},
    "thinking": {"type": "enabled", "budget_tokens": 2000},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": {}}},
    "cache_control": {"type": "ephemeral"},
}
CONTENT = {
    "contents": [
        {"role": "user", "parts": [{"text": "a"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
        {"parts": [{"functionResponse": {"name": "f", "response": {}}}]},
        {"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}, "thought": False}]},
    ],
    "systemInstruction": {"parts": [{"text": "a"}]},
    "tools": [{"functionDeclarations": [{"name": "f", "parameters": {"type": "OBJECT"}}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
    "generationConfig": {
        "maxOutputTokens": 7,
        "candidateCount": 2,
        "stopSequences": ["a"],
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT"},
        "thinkingConfig": {"includeThoughts": True, "thinkingBudget": 5},
    },
    "sessionId": "ses_1",
}
TEXTS = {
    "model": "gpt-4",
    "prompt": ["a", [1]],
    "suffix": "b",
    "echo": True,
    "best_of": 2,
    "n": 1,
    "logprobs": 2,
    "max_tokens": 7,
    "stop": ["a"],
    "temperature": 0.5,
    "user": "u",
}
EMBEDDED = {"model": "m", "input": ["a", [1]], "encoding_format": "base64", "dimensions": 3}
JUDGED = {"model": "m", "input": ["a", "b"]}
PICTURED = {
    "input": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "a"}}]
}
READ = {
    "TextRequest": (TEXTS, openai_completions.decode_request),
    "EmbeddingRequest": (EMBEDDED, openai_embeddings.decode_request),
    "ModerationRequest": (JUDGED, openai_moderations.decode_request),
    "ModerationRequest of parts": (PICTURED, openai_moderations.decode_request),
    "AnthropicRequest": (MESSAGE, anthropic.decode_request),
    "AnthropicCountRequest": (MESSAGE, anthropic.decode_count),
    "GeminiRequest": (CONTENT, lambda body: gemini.decode_request(body, model="m")),
    "GeminiCountRequest": (
        {"generateContentRequest": CONTENT},
        lambda body: gemini.decode_count(body, model="m"),
    ),
}


@pytest.mark.parametrize("name", READ)
@given(data=st.data())
def test_what_the_vendors_doors_read_is_right_by_the_schema(name, data):
    """Whatever is changed or left out in a place or two: the schema refuses no more than we do."""
    body, read = READ[name]
    for _ in range(data.draw(st.integers(0, 2))):
        path = data.draw(st.sampled_from(sorted(places(body), key=repr)[1:] or [()]))
        if path:
            spoil = data.draw(SPOILS | st.none())
            body = spoiled(body, path, spoil, drop=data.draw(st.booleans()))
    try:
        read(json.dumps(body).encode())
    except InvalidRequest:
        return
    components = document("1")["components"]
    named = name.partition(" ")[0]
    schema = {"$ref": f"#/components/schemas/{named}", "components": components}
    assert jsonschema_rs.is_valid(schema, body), body


def references(value):
    """Yield every reference in a document."""
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from references(one)
    elif isinstance(value, list):
        for one in value:
            yield from references(one)


def arrays(value, path=()):
    """Where arrays are described, and each description."""
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    for name, one in inner:
        if isinstance(one, dict | list):
            yield from arrays(one, (*path, name))
    kinds = value.get("type", ()) if isinstance(value, dict) else ()
    if kinds == "array" or (isinstance(kinds, list) and "array" in kinds):
        yield path, value


def test_every_array_says_what_it_holds():
    """What makes clients of the document cannot make one of less."""
    assert [path for path, one in arrays(document("1")) if "items" not in one] == []


def test_every_route_is_in_the_document():
    """With an operation of its own, its scope, and nothing that there is not."""
    made = document("1")
    assert set(operations()) == {route.action for route in ROUTES}
    listed = {(method.upper(), path) for path, known in made["paths"].items() for method in known}
    assert listed == {(route.method, route.path) for route in ROUTES}
    for route in ROUTES:
        operation = made["paths"][route.path][route.method.lower()]
        assert bool(operation["security"]) == (route.scope is not None)
        names = {one["name"] for one in operation["parameters"] if one["in"] == "path"}
        assert all("{" + name + "}" in route.path for name in names)
        assert len(names) == route.path.count("{")


def test_every_reference_leads_somewhere():
    """And everything defined is used."""
    made = document("1")
    used = set(references(made))
    for reference in used:
        found = made
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
    defined = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in made["components"][kind]
    }
    # What events are is said in words: OpenAPI 3.1 has no place for it.
    events = {"ChatCompletionChunk", "TextCompletionChunk", "ResponseEvent", "AnthropicEvent"}
    assert defined - used == {f"#/components/schemas/{name}" for name in events}


@pytest.mark.anyio
async def test_it_is_served_to_anybody():
    """Without a key, with the version of the package, and twice the same."""
    async with open_client() as client:
        status, headers, made = await client.ask("GET", "/openapi.json", key="")
        assert (status, made["openapi"]) == (200, "3.1.0")
        assert made["info"]["version"] == version("ai-hub")
        assert "x-ratelimit-limit" not in headers
        assert (await client.ask("GET", "/openapi.json", key=""))[2] == made
