"""Anthropic's door, requests as values in: answers, events, errors, keys, counting, models."""

import json
from contextlib import asynccontextmanager

import pytest

import aihub
from aihub.errors import UpstreamFailed
from aihub.model.account import Plan
from aihub.model.events import Text
from aihub.server.app import App
from aihub.server.errors import framing_error
from aihub.testing import ManualClock, ScriptedProvider

from .test_app import Client, open_client

pytestmark = pytest.mark.anyio

PATH = "/v1/messages"
HELLO = {
    "model": "gpt-4",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hi"}],
}
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


@asynccontextmanager
async def open_mock(plan="enterprise", scopes=("read", "inference"), **options):
    """A client of a hub whose models are all the mock's."""
    clock = ManualClock()
    async with aihub.open_hub(aihub.Settings(clock=clock)) as hub:
        account = await hub.accounts.create("a", plan=plan)
        made = await hub.accounts.create_key(account.id, scopes=scopes)
        client = Client(hub, made.secret, **options)
        client.account = account.id
        yield client


def events_of(text):
    """The events of a stream, each its name and its data."""
    found = []
    for block in text.split("\n\n"):
        if block:
            name, data = block.split("\n")
            found.append((name.removeprefix("event: "), json.loads(data.removeprefix("data: "))))
    return found


async def test_a_message_is_answered_in_anthropics_words():
    """Blocks, stop reason and counts, with our cost; the id is told both ways."""
    async with open_client() as client:
        status, headers, body = await client.ask("POST", PATH, HELLO)

        assert status == 200
        assert body["content"] == [{"type": "text", "text": "Once upon a time", "citations": None}]
        assert (body["stop_reason"], body["model"], body["role"]) == (
            "end_turn",
            "gpt-4",
            "assistant",
        )
        assert (body["usage"]["input_tokens"], body["usage"]["output_tokens"]) == (7, 3)
        assert body["usage"]["cost"] == 0.00039
        assert headers["request-id"] == headers["x-request-id"]
        assert body["id"] == "msg_" + headers["request-id"].removeprefix("req_")


async def test_windows_are_told_in_anthropics_headers_too():
    """The instant is RFC 3339; OpenAI's own are not there."""
    async with open_client(clock=ManualClock(1_640_995_140_000_001)) as client:
        _, headers, _ = await client.ask("POST", PATH, HELLO)
        assert headers["x-ratelimit-limit"] == "500"
        assert headers["anthropic-ratelimit-requests-limit"] == "500"
        assert headers["anthropic-ratelimit-requests-remaining"] == "499"
        assert headers["anthropic-ratelimit-requests-reset"] == "2022-01-01T00:00:01Z"
        assert headers["anthropic-ratelimit-tokens-limit"] == "500000"
        assert "x-ratelimit-limit-requests" not in headers


async def test_a_stream_has_the_published_order_of_events():
    """The prompt's count comes first, a sign of life after the first block's start."""
    async with open_client() as client:
        _, headers, text = await client.ask("POST", PATH, {**HELLO, "stream": True})
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        events = events_of(text)
        assert [name for name, _ in events] == [
            "message_start",
            "content_block_start",
            "ping",
            "content_block_delta",
            "content_block_delta",
            "content_block_delta",
            "content_block_stop",
            "message_delta",
            "message_stop",
        ]
        assert all(name == data["type"] for name, data in events)
        assert events[0][1]["message"]["usage"]["input_tokens"] > 0
        assert events[-2][1]["delta"]["stop_reason"] == "end_turn"
        assert events[-2][1]["usage"]["cost"] == 0.00039


@pytest.mark.parametrize(
    ("change", "status", "kind", "named"),
    [
        ({"model": "no"}, 404, "not_found_error", "model"),
        ({"max_tokens": 0}, 400, "invalid_request_error", "max_tokens"),
        ({"max_tokens": None}, 400, "invalid_request_error", "max_tokens"),
        ({"messages": []}, 400, "invalid_request_error", "messages"),
        ({"messages": [{"role": "x"}]}, 400, "invalid_request_error", "messages[0].role"),
        ({"stop_sequences": "a"}, 400, "invalid_request_error", "stop_sequences"),
        ({"top_k": -1}, 400, "invalid_request_error", "top_k"),
        ({"thinking": {"type": "enabled"}}, 400, "invalid_request_error", "budget_tokens"),
        ({"thinking": {}}, 400, "invalid_request_error", "thinking.type"),
        ({"thinking": {"type": "hard"}}, 400, "invalid_request_error", "thinking.type"),
        ({"tools": [{"name": "f"}]}, 400, "invalid_request_error", "tools[0].input_schema"),
        ({"session_id": "ses_no"}, 404, "not_found_error", "session_id"),
    ],
)
async def test_what_is_wrong_is_named_in_anthropics_envelope(change, status, kind, named):
    """Whole and streamed: the type by the status, the field in the text and as `param`."""
    async with open_client() as client:
        for stream in (False, True):
            asked = await client.ask("POST", PATH, {**HELLO, **change, "stream": stream})
            assert asked[0] == status
            assert asked[2]["type"] == "error"
            assert asked[2]["error"]["type"] == kind
            assert named in asked[2]["error"]["message"]
            assert named in asked[2]["error"]["param"]
            assert asked[2]["request_id"] == asked[1]["request-id"]


async def test_faults_of_http_are_told_in_the_envelope_too():
    """An unknown path below, another method, another type of body, another host, bytes."""
    async with open_client(allowed_hosts=frozenset({"localhost"})) as client:
        for method, path, headers, status, kind in (
            ("POST", f"{PATH}/batches", {}, 404, "not_found_error"),
            ("GET", PATH, {}, 405, "invalid_request_error"),
            ("POST", PATH, {"content_type": "text/plain"}, 415, "invalid_request_error"),
            ("POST", PATH, {"host": "evil.example"}, 421, "invalid_request_error"),
        ):
            told = await client.ask(method, path, HELLO, **headers)
            assert (told[0], told[2]["error"]["type"]) == (status, kind)
    response = framing_error(413, "req_1", path=PATH)
    assert response.status == 413
    assert json.loads(response.body)["request_id"] == "req_1"
    assert (b"request-id", b"req_1") in response.headers


async def test_a_key_comes_by_either_header():
    """`x-api-key` or Bearer; both where they are the same, a refusal where they differ."""
    async with open_client() as client:
        key = client.secret
        for headers, bearer, status in (
            ({"x_api_key": key}, "", 200),
            ({}, key, 200),
            ({"x_api_key": key}, key, 200),
            ({"x_api_key": "other"}, key, 401),
            ({"x_api_key": "other"}, "", 401),
            ({}, "", 401),
        ):
            told = await client.ask("POST", PATH, HELLO, key=bearer, **headers)
            assert told[0] == status, headers
            if status == 401:
                assert told[2]["error"]["type"] == "authentication_error"
                assert key not in str(told)
        two = await client.ask("POST", PATH, HELLO, x_api_key="other")
        assert two[2]["error"]["code"] == "ambiguous_api_key"
        # A key in the query is Google's way alone.
        assert (await client.ask("POST", PATH, HELLO, key="", query=f"key={key}"))[0] == 401


async def test_a_full_window_is_anthropics_rate_limit():
    """With the wait in `retry-after`, and what is left."""
    tight = Plan(name="tight", requests_per_minute=1, tokens_per_minute=10_000)
    async with open_client(plan=tight) as client:
        assert (await client.ask("POST", PATH, HELLO))[0] == 200
        status, headers, body = await client.ask("POST", PATH, HELLO)
        assert (status, body["error"]["type"]) == (429, "rate_limit_error")
        assert headers["retry-after"] == "60"
        assert headers["anthropic-ratelimit-requests-remaining"] == "0"


async def test_a_hub_that_is_too_busy_is_overloaded():
    """529, to be asked again soon."""
    async with open_client() as client:
        client.hub._max_in_flight = 0
        status, headers, body = await client.ask("POST", PATH, HELLO)
        assert (status, body["error"]["type"]) == (529, "overloaded_error")
        assert headers["retry-after"] == "1"


async def test_a_late_failure_is_an_error_event():
    """After it nothing comes, `message_stop` neither."""
    provider = ScriptedProvider([Text("Once"), UpstreamFailed("boom")])
    async with open_client(provider) as client:
        _, _, text = await client.ask("POST", PATH, {**HELLO, "stream": True})
        *_, (name, data) = events_of(text)
        assert (name, data["error"]["type"]) == ("error", "api_error")
        assert data["error"]["message"] == "boom"
        assert "message_stop" not in text


async def test_a_failure_before_the_first_word_is_a_plain_answer():
    """With its status, on a stream too."""
    async with open_client(ScriptedProvider([UpstreamFailed("boom")])) as client:
        for stream in (False, True):
            status, _, body = await client.ask("POST", PATH, {**HELLO, "stream": stream})
            assert (status, body["error"]["type"]) == (502, "api_error")


async def test_a_server_that_stops_says_so_in_the_dialect():
    """Both ways: as a whole answer, and in the middle of a stream."""
    async with open_client() as client:
        headers = {b"authorization": f"Bearer {client.secret}".encode()}
        data = json.dumps({**HELLO, "stream": True}).encode()
        request = type_request(headers, data)
        opened = App(client.hub).open(request)
        async with opened as response:
            async for _ in response.body:
                break
            instead = opened.stop()
        assert instead.response.status == 529
        ((name, data),) = events_of(instead.in_band.decode())
        assert (name, data["error"]["type"]) == ("error", "overloaded_error")


def type_request(headers, data):
    """A request of messages as a value."""
    from aihub.server.http import Request

    return Request("POST", PATH, "", headers, data, "203.0.113.9")


# What the mock makes of it


async def test_the_count_is_that_of_the_answer():
    """Of tools, pictures, documents and thinking too; nothing is admitted, but reading counts."""
    pdf = {"type": "base64", "media_type": "application/pdf", "data": "JVBERi0xLjQK"}
    bodies = [
        {},
        {"system": "Be brief."},
        {"tools": [WEATHER], "tool_choice": {"type": "any"}},
        {"thinking": {"type": "adaptive"}},
        {"messages": [{"role": "user", "content": [{"type": "document", "source": pdf}]}]},
        {"messages": [{"role": "user", "content": "long " * 5000}]},
    ]
    async with open_mock() as client:
        for change in bodies:
            asked = {**HELLO, "model": "claude-sonnet-4-5", **change}
            whole = {name: value for name, value in asked.items() if name != "max_tokens"}
            counted = await client.ask("POST", f"{PATH}/count_tokens", whole)
            answered = await client.ask("POST", PATH, asked)
            assert (counted[0], answered[0]) == (200, 200)
            usage = answered[2]["usage"]
            assert counted[2]["input_tokens"] == (
                usage["input_tokens"]
                + usage["cache_read_input_tokens"]
                + usage["cache_creation_input_tokens"]
            )
        assert len(await client.hub.requests(client.account)) == len(bodies)
        lost = await client.ask("POST", f"{PATH}/count_tokens", {**HELLO, "model": "no"})
        assert (lost[0], lost[2]["error"]["type"]) == (404, "not_found_error")


async def test_counting_is_bounded_as_reading_is():
    """Ten times the plan's requests, without touching those."""
    tight = Plan(name="tight", requests_per_minute=1, tokens_per_minute=10_000)
    async with open_client(plan=tight) as client:
        statuses = [(await client.ask("POST", f"{PATH}/count_tokens", HELLO))[0] for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        assert (await client.ask("POST", PATH, HELLO))[0] == 200


@pytest.mark.parametrize("way", [{"type": "enabled", "budget_tokens": 1024}, {"type": "adaptive"}])
async def test_thinking_is_shown_signed_and_taken_back(way):
    """A block before the text, counted inside the output, whole and streamed alike."""
    async with open_mock() as client:
        asked = {**HELLO, "model": "claude-sonnet-4-5", "max_tokens": 2000, "thinking": way}
        _, _, body = await client.ask("POST", PATH, asked)
        thought, said = body["content"]
        assert (thought["type"], said["type"]) == ("thinking", "text")
        assert thought["thinking"]
        assert thought["signature"]
        assert body["usage"]["output_tokens_details"]["thinking_tokens"] > 0
        _, _, text = await client.ask("POST", PATH, {**asked, "stream": True})
        deltas = [data["delta"] for name, data in events_of(text) if name == "content_block_delta"]
        assert "".join(d.get("thinking", "") for d in deltas) == thought["thinking"]
        assert [d["signature"] for d in deltas if "signature" in d] == [thought["signature"]]
        more = [{"role": "assistant", "content": body["content"]}, *HELLO["messages"]]
        again = {**asked, "messages": [*HELLO["messages"], *more]}
        assert (await client.ask("POST", PATH, again))[0] == 200
        hidden = {**asked, "thinking": {**way, "display": "omitted"}}
        _, _, body = await client.ask("POST", PATH, hidden)
        assert body["content"][0]["thinking"] == ""
        assert body["content"][0]["signature"]


async def test_a_model_that_cannot_think_says_so():
    """By the parameter's name; not to think is no matter."""
    async with open_mock() as client:
        asked = {**HELLO, "model": "claude-3-opus", "thinking": {"type": "adaptive"}}
        status, _, body = await client.ask("POST", PATH, asked)
        assert (status, body["error"]["param"]) == (400, "thinking")
        asked["thinking"] = {"type": "disabled"}
        assert (await client.ask("POST", PATH, asked))[0] == 200


async def test_the_sequence_that_was_met_is_told():
    """As the stop reason and by name, and cut before it."""
    async with open_mock() as client:
        asked = {**HELLO, "stop_sequences": ["zzz", "e"]}
        _, _, body = await client.ask("POST", PATH, asked)
        assert (body["stop_reason"], body["stop_sequence"]) == ("stop_sequence", "e")
        assert "e" not in body["content"][0]["text"]
        _, _, text = await client.ask("POST", PATH, {**asked, "stream": True})
        ending = next(data for name, data in events_of(text) if name == "message_delta")
        assert ending["delta"]["stop_sequence"] == "e"
        _, _, body = await client.ask("POST", PATH, {**HELLO, "max_tokens": 1})
        assert body["stop_reason"] == "max_tokens"


async def test_tools_are_called_and_their_results_taken():
    """One by name, any, none; arguments by the schema; a result goes on."""
    async with open_mock() as client:
        asked = {**HELLO, "tools": [WEATHER]}
        for choice, reason in (
            ({"type": "tool", "name": "get_weather"}, "tool_use"),
            ({"type": "any"}, "tool_use"),
            ({"type": "none"}, "end_turn"),
        ):
            _, _, body = await client.ask("POST", PATH, {**asked, "tool_choice": choice})
            assert body["stop_reason"] == reason
        _, _, body = await client.ask("POST", PATH, {**asked, "tool_choice": {"type": "any"}})
        (call,) = body["content"]
        assert isinstance(call["input"]["city"], str)
        result = {"type": "tool_result", "tool_use_id": call["id"], "content": "Rain, 12 degrees"}
        told = [
            *HELLO["messages"],
            {"role": "assistant", "content": body["content"]},
            {"role": "user", "content": [result]},
        ]
        _, _, body = await client.ask("POST", PATH, {**asked, "messages": told})
        assert "Rain, 12 degrees" in body["content"][0]["text"]


async def test_a_vendors_own_tools_are_let_be():
    """The mock has no search and no shell: it answers without, also where it should use them."""
    search = {"type": "web_search_20250305", "name": "web_search"}
    async with open_mock() as client:
        asked = {**HELLO, "model": "claude-sonnet-4-5", "tools": [search]}
        for more in ({}, {"tool_choice": {"type": "any"}}):
            status, _, body = await client.ask("POST", PATH, {**asked, **more})
            assert (status, body["stop_reason"]) == (200, "end_turn")


async def test_an_answer_keeps_to_its_schema():
    """`output_config.format`, without what OpenAI's strict schemas must have besides."""
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form = {"format": {"type": "json_schema", "schema": schema}}
    async with open_mock() as client:
        _, _, body = await client.ask("POST", PATH, {**HELLO, "output_config": form})
        assert isinstance(json.loads(body["content"][0]["text"])["n"], int)


# The hub's own


async def test_a_session_goes_on_across_doors():
    """What was said by one is remembered by another; the session's model is used."""
    async with open_mock() as client:
        session = (await client.hub.sessions.create(model="gpt-4", account=client.account)).id
        asked = {**HELLO, "session_id": session}
        del asked["model"]
        status, headers, body = await client.ask("POST", PATH, asked)
        assert (status, body["model"], headers["x-aihub-session-dropped"]) == (200, "gpt-4", "0")
        chat = {"session_id": session, "messages": HELLO["messages"]}
        _, _, again = await client.ask("POST", "/v1/chat/completions", chat)
        assert again["usage"]["prompt_tokens"] > body["usage"]["input_tokens"]
        counted = await client.ask("POST", f"{PATH}/count_tokens", asked)
        assert counted[2]["input_tokens"] > again["usage"]["prompt_tokens"]


async def test_a_repetition_is_told_again_in_the_same_words():
    """Whole and streamed; the id, the blocks and the counts are those of the first time."""
    async with open_mock() as client:
        asked = {**HELLO, "model": "claude-sonnet-4-5", "thinking": {"type": "adaptive"}}
        for stream in (False, True):
            body = {**asked, "stream": stream}
            first, again = [
                await client.ask("POST", PATH, body, idempotency_key=f"k{stream}") for _ in range(2)
            ]
            assert again[1]["idempotent-replayed"] == "true"
            if stream:
                told = [
                    "".join(
                        data["delta"].get("text", "") + data["delta"].get("thinking", "")
                        for name, data in events_of(one[2])
                        if name == "content_block_delta"
                    )
                    for one in (first, again)
                ]
                assert told[0] == told[1]
            else:
                assert first[2] == again[2]
        other = await client.ask("POST", PATH, HELLO, idempotency_key="kFalse")
        assert (other[0], other[2]["error"]["code"]) == (409, "idempotency_mismatch")
        assert other[1]["x-should-retry"] == "false"


async def test_models_are_listed_as_anthropic_does():
    """Where `anthropic-version` is sent: newest first, page by page, both ways."""
    async with open_mock() as client:

        async def page(query):
            return await client.ask("GET", "/v1/models", query=query, anthropic_version="x")

        _, _, first = await page("limit=3")
        assert (len(first["data"]), first["has_more"]) == (3, True)
        assert first["last_id"] == first["data"][-1]["id"]
        _, _, second = await page(f"limit=3&after_id={first['last_id']}")
        _, _, back = await page(f"limit=3&before_id={second['first_id']}")
        assert (back["data"], back["has_more"]) == (first["data"], False)
        created = [one["created_at"] for one in first["data"] + second["data"]]
        assert created == sorted(created, reverse=True)
        _, _, everything = await page("limit=1000")
        assert everything["has_more"] is False
        assert len(everything["data"]) == len(client.hub.models())
        status, _, error = await page("after_id=no")
        assert (status, error["error"]["param"]) == (400, "after_id")
        assert (await page("limit=0"))[0] == 400
        one = await client.ask("GET", "/v1/models/claude-3-opus", anthropic_version="x")
        assert (one[2]["type"], one[2]["id"]) == ("model", "claude-3-opus")
        lost = await client.ask("GET", "/v1/models/no", anthropic_version="x")
        assert (lost[0], lost[2]["error"]["type"]) == (404, "not_found_error")
        _, _, ours = await client.ask("GET", "/v1/models")
        assert ours["object"] == "list"
        assert (await client.ask("GET", "/v1/models", query="limit=no"))[0] == 400
