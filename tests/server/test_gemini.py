"""Gemini's door, requests as values in: answers, streams, errors, keys, counting, models."""

import json

import pytest

from aihub.errors import UpstreamFailed
from aihub.model.account import Plan
from aihub.model.events import Text
from aihub.server.errors import framing_error
from aihub.testing import ScriptedProvider

from .test_app import open_client
from .test_messages import open_mock

pytestmark = pytest.mark.anyio

MODEL = "/v1beta/models/gpt-4"
PATH = f"{MODEL}:generateContent"
STREAM = f"{MODEL}:streamGenerateContent"
COUNT = f"{MODEL}:countTokens"
HELLO = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "OBJECT",
        "properties": {"city": {"type": "STRING"}},
        "required": ["city"],
    },
}


def pieces_of(text):
    """The pieces of a stream of events."""
    return [json.loads(block.removeprefix("data: ")) for block in text.split("\n\n") if block]


def said(pieces):
    """The text that pieces have together, thoughts aside."""
    parts = [part for one in pieces for part in one["candidates"][0]["content"]["parts"]]
    return "".join(part.get("text", "") for part in parts if not part.get("thought"))


@pytest.mark.parametrize("version", ["v1beta", "v1"])
async def test_contents_are_answered_in_geminis_words(version):
    """Parts, finish reason and counts, with our cost; under both versions."""
    async with open_client() as client:
        path = PATH.replace("v1beta", version)
        status, headers, body = await client.ask("POST", path, HELLO)
        (candidate,) = body["candidates"]
        assert status == 200
        assert candidate["content"] == {"parts": [{"text": "Once upon a time"}], "role": "model"}
        assert (candidate["finishReason"], body["modelVersion"]) == ("STOP", "gpt-4")
        assert body["usageMetadata"]["promptTokenCount"] == 7
        assert body["usageMetadata"]["cost"] == 0.00039
        assert headers["x-request-id"] == "req_" + body["responseId"]
        assert headers["x-ratelimit-limit"] == "500"


async def test_a_stream_is_events_or_a_list():
    """By `alt=sse`; both say the same, and end with why and with the counts."""
    async with open_client() as client:
        _, headers, text = await client.ask("POST", STREAM, HELLO, query="alt=sse")
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        events = pieces_of(text)
        _, headers, listed = await client.ask("POST", STREAM, HELLO)
        assert headers["content-type"] == "application/json"
        assert said(events) == said(listed) == "Once upon a time"
        for pieces in (events, listed):
            assert len(pieces) == 4
            assert pieces[-1]["candidates"][0]["finishReason"] == "STOP"
            assert pieces[-1]["usageMetadata"]["totalTokenCount"] == 10


async def test_a_list_comes_piece_by_piece():
    """It begins with the first piece, and white space keeps it alive before that."""
    async with open_client() as client:
        from aihub.server.http import Request

        headers = {b"x-goog-api-key": client.secret.encode()}
        request = Request("POST", STREAM, "", headers, json.dumps(HELLO).encode(), "")
        async with client.app.open(request) as response:
            chunks = [chunk async for chunk in response.body]
        assert len(chunks) == 4
        assert chunks[0].startswith(b"[{")
        assert response.keep_alive.isspace()
        assert len(json.loads(response.keep_alive + b"".join(chunks))) == 4


@pytest.mark.parametrize(
    ("path", "change", "status", "word", "named"),
    [
        (PATH.replace("gpt-4", "no"), {}, 404, "NOT_FOUND", "model"),
        (PATH, {"contents": []}, 400, "INVALID_ARGUMENT", "contents"),
        (PATH, {"contents": None}, 400, "INVALID_ARGUMENT", "contents"),
        (PATH, {"contents": [{"role": "x"}]}, 400, "INVALID_ARGUMENT", "contents[0].role"),
        (
            PATH,
            {"generationConfig": {"maxOutputTokens": 0}},
            400,
            "INVALID_ARGUMENT",
            "generationConfig.maxOutputTokens",
        ),
        (PATH, {"model": "models/other"}, 400, "INVALID_ARGUMENT", "model"),
        (PATH, {"sessionId": "ses_no"}, 404, "NOT_FOUND", "sessionId"),
    ],
)
async def test_what_is_wrong_is_named_as_google_does(path, change, status, word, named):
    """Whole and streamed: code, status, and the field in the details."""
    async with open_client() as client:
        for asked in (path, path.replace("generate", "streamGenerate")):
            told = await client.ask("POST", asked, {**HELLO, **change}, query="alt=sse")
            error = told[2]["error"]
            assert (told[0], error["code"], error["status"]) == (status, status, word)
            assert named in error["message"]
            kinds = {one["@type"].rpartition(".")[2]: one for one in error["details"]}
            assert kinds["BadRequest"]["fieldViolations"][0]["field"] == named
            assert kinds["RequestInfo"]["requestId"] == told[1]["x-request-id"]


async def test_faults_of_http_are_told_as_google_does():
    """An unknown path, another method, another type of body, bytes that are no request."""
    async with open_client() as client:
        for method, path, headers, status, word in (
            ("POST", "/v1beta/no", {}, 404, "NOT_FOUND"),
            ("GET", PATH, {}, 405, "INVALID_ARGUMENT"),
            ("DELETE", "/v1/models/gpt-4:countTokens", {}, 405, "INVALID_ARGUMENT"),
            ("POST", PATH, {"content_type": "text/plain"}, 415, "INVALID_ARGUMENT"),
        ):
            told = await client.ask(method, path, HELLO, **headers)
            assert (told[0], told[2]["error"]["status"]) == (status, word)
    body = json.loads(framing_error(413, "req_1", path=PATH).body)
    assert (body["error"]["code"], body["error"]["status"]) == (413, "INVALID_ARGUMENT")


async def test_a_key_comes_by_header_or_query(caplog):
    """`x-goog-api-key`, Bearer or `?key=`, which no log of ours repeats."""
    caplog.set_level("DEBUG")
    async with open_client() as client:
        key = client.secret
        for headers, query, status in (
            ({"x_goog_api_key": key}, "", 200),
            ({}, f"key={key}&alt=json", 200),
            ({"x_goog_api_key": key}, f"key={key}", 200),
            ({"x_goog_api_key": key}, "key=other", 401),
            ({}, "key=other", 401),
            ({}, "alt=json", 401),
        ):
            told = await client.ask("POST", PATH, HELLO, key="", query=query, **headers)
            assert told[0] == status, (headers, query)
            if status == 401:
                assert told[2]["error"]["status"] == "UNAUTHENTICATED"
                assert key not in str(told)
        assert (await client.ask("POST", PATH, HELLO))[0] == 200
        assert caplog.records
        assert key not in "".join(str(record.__dict__) for record in caplog.records)


async def test_a_full_window_is_exhausted_and_says_how_long():
    """As a header, and as Google's clients read it."""
    tight = Plan(name="tight", requests_per_minute=1, tokens_per_minute=10_000)
    async with open_client(plan=tight) as client:
        assert (await client.ask("POST", PATH, HELLO))[0] == 200
        status, headers, body = await client.ask("POST", PATH, HELLO)
        assert (status, body["error"]["status"]) == (429, "RESOURCE_EXHAUSTED")
        assert headers["retry-after"] == "60"
        assert body["error"]["details"][-1]["retryDelay"] == "60s"


async def test_a_late_failure_is_the_last_piece():
    """In a stream of events, and in a list, which stays one."""
    for query in ("alt=sse", ""):
        provider = ScriptedProvider([Text("Once"), UpstreamFailed("boom")])
        async with open_client(provider) as client:
            _, _, told = await client.ask("POST", STREAM, HELLO, query=query)
            *_, last = pieces_of(told) if query else told
            assert (last["error"]["code"], last["error"]["message"]) == (502, "boom")


async def test_a_failure_before_the_first_word_is_a_plain_answer():
    """With its status, however it was asked for."""
    async with open_client(ScriptedProvider([UpstreamFailed("boom")])) as client:
        for path in (PATH, STREAM):
            status, _, body = await client.ask("POST", path, HELLO)
            assert (status, body["error"]["status"]) == (502, "INTERNAL")


# What the mock makes of it


async def test_the_count_is_that_of_the_answer():
    """Of contents alone, and of all that would be sent."""
    bodies = [
        {},
        {"systemInstruction": {"parts": [{"text": "Be brief."}]}},
        {"tools": [{"functionDeclarations": [WEATHER]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": "aGk="}}]}]},
    ]
    async with open_mock() as client:
        for change in bodies:
            asked = {**HELLO, **change}
            path = "/v1beta/models/gemini-2.5-flash"
            whole = {"generateContentRequest": {"model": path[8:], **asked}}
            _, _, counted = await client.ask("POST", f"{path}:countTokens", whole)
            _, _, answered = await client.ask("POST", f"{path}:generateContent", asked)
            assert counted["totalTokens"] == answered["usageMetadata"]["promptTokenCount"]
            if "contents" in change or not change:
                _, _, plain = await client.ask("POST", f"{path}:countTokens", asked)
                assert plain == counted
        both = {**HELLO, "generateContentRequest": HELLO}
        assert (await client.ask("POST", COUNT, both))[0] == 400
        assert (await client.ask("POST", COUNT, {"generateContentRequest": 7}))[0] == 400


async def test_functions_are_called_and_their_results_taken():
    """By mode and name; arguments by Google's form of a schema; a result goes on."""
    async with open_mock() as client:
        asked = {**HELLO, "tools": [{"functionDeclarations": [WEATHER]}]}
        forced = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}}
        _, _, body = await client.ask("POST", PATH, {**asked, "toolConfig": forced})
        content = body["candidates"][0]["content"]
        call = content["parts"][0]["functionCall"]
        assert isinstance(call["args"]["city"], str)
        result = {"name": "get_weather", "response": {"output": "Rain, 12 degrees"}}
        told = [
            *HELLO["contents"],
            content,
            {"role": "user", "parts": [{"functionResponse": result}]},
        ]
        _, _, body = await client.ask("POST", PATH, {**asked, "contents": told})
        assert "Rain, 12 degrees" in said([body])


async def test_a_form_needs_no_more_than_google_asks_of_it():
    """`responseSchema` without `additionalProperties`; `VALIDATED` functions too."""
    form = {
        "responseMimeType": "application/json",
        "responseSchema": {"type": "OBJECT", "properties": {"n": {"type": "INTEGER"}}},
    }
    async with open_mock() as client:
        _, _, body = await client.ask("POST", PATH, {**HELLO, "generationConfig": form})
        assert isinstance(json.loads(said([body])), dict)
        asked = {
            **HELLO,
            "tools": [{"functionDeclarations": [WEATHER]}, {"googleSearch": {}}],
            "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}},
        }
        assert (await client.ask("POST", PATH, asked))[0] == 200


async def test_thoughts_are_shown_where_they_are_asked_for():
    """As parts of their own, signed, counted apart; taken back."""
    thinking = {"generationConfig": {"thinkingConfig": {"includeThoughts": True}}}
    path = "/v1beta/models/gemini-2.5-flash:generateContent"
    async with open_mock() as client:
        _, _, body = await client.ask("POST", path, {**HELLO, **thinking})
        content = body["candidates"][0]["content"]
        assert content["parts"][0]["thought"] is True
        assert content["parts"][0]["thoughtSignature"]
        assert body["usageMetadata"]["thoughtsTokenCount"] > 0
        again = {**HELLO, **thinking, "contents": [*HELLO["contents"], content, *HELLO["contents"]]}
        assert (await client.ask("POST", path, again))[0] == 200


async def test_a_session_and_a_repetition():
    """`sessionId` goes on with a conversation; a key of repetition tells the same again."""
    async with open_mock() as client:
        session = (await client.hub.sessions.create(model="gpt-4", account=client.account)).id
        asked = {**HELLO, "sessionId": session}
        _, _, first = await client.ask("POST", PATH, asked)
        _, _, second = await client.ask("POST", PATH, asked)
        counts = [one["usageMetadata"]["promptTokenCount"] for one in (first, second)]
        assert counts[1] > counts[0]
        told = [await client.ask("POST", PATH, HELLO, idempotency_key="k") for _ in range(2)]
        assert told[0][2] == told[1][2]
        assert told[1][1]["idempotent-replayed"] == "true"
        other = await client.ask("POST", STREAM, HELLO, idempotency_key="k")
        assert (other[0], other[2]["error"]["status"]) == (409, "ABORTED")


async def test_models_are_listed_as_google_does():
    """Page by page, under `/v1beta`, and under `/v1` where Google's key is sent."""
    async with open_mock() as client:
        names, token = [], ""
        while token is not None:
            query = f"pageSize=100&key={client.secret}" + (f"&pageToken={token}" if token else "")
            _, _, page = await client.ask("GET", "/v1beta/models", query=query)
            names += [one["name"] for one in page["models"]]
            token = page.get("nextPageToken")
        assert len(names) == len(set(names)) == len(client.hub.models())
        _, _, one = await client.ask("GET", "/v1beta/models/gemini-2.5-flash")
        assert (one["name"], one["thinking"]) == ("models/gemini-2.5-flash", True)
        _, _, page = await client.ask("GET", "/v1/models", key="", x_goog_api_key=client.secret)
        assert len(page["models"]) == 50
        for query, status in (("pageToken=no", 400), ("pageSize=-1", 400), ("pageSize=0", 200)):
            assert (await client.ask("GET", "/v1beta/models", query=query))[0] == status
        lost = await client.ask("GET", "/v1beta/models/no")
        assert (lost[0], lost[2]["error"]["status"]) == (404, "NOT_FOUND")


async def test_a_query_without_end_is_read_as_none():
    """More parameters than anybody sends: a list, not events, and no key."""
    async with open_client() as client:
        query = "&".join(f"a{n}=1" for n in range(30))
        status, headers, _ = await client.ask("POST", STREAM, HELLO, query=f"alt=sse&{query}")
        assert (status, headers["content-type"]) == (200, "application/json")
        asked = f"key={client.secret}&{query}"
        assert (await client.ask("POST", PATH, HELLO, key="", query=asked))[0] == 401
