"""Requests as values in, responses as values out: statuses, headers and bodies without a socket."""

import json
import logging
import re
from contextlib import asynccontextmanager

import pytest

from aihub.errors import (
    HubError,
    StoreUnavailable,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from aihub.model.account import Plan
from aihub.model.events import Text
from aihub.server import http, routes
from aihub.server.app import HANDLERS, App
from aihub.server.cors import Cors
from aihub.server.errors import error_response, framing_error
from aihub.server.keys import bearer
from aihub.server.problems import STATUS
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub

pytestmark = pytest.mark.anyio

HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}


class Client:
    """Ask an app as a driver does, and keep what it says."""

    def __init__(self, hub, secret, **options):
        self.hub = hub
        self.app = App(hub, **options)
        self.secret = secret

    async def ask(self, method, path, body=None, *, key=None, query="", **headers):
        """Give (status, headers, body) of one exchange."""
        given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
        secret = self.secret if key is None else key
        if secret:
            given[b"authorization"] = b"Bearer " + secret.encode()
        data = body if isinstance(body, bytes) else json.dumps(body or {}).encode()
        request = http.Request(method, path, query, given, data, "203.0.113.9")
        try:
            async with self.app.open(request) as response:
                body = response.body
                if not isinstance(body, bytes):
                    body = b"".join([chunk async for chunk in body])
        except http.Instead as instead:
            response = instead.response
            body = response.body
        told = {name.decode(): value.decode() for name, value in response.headers}
        if told.get("content-type") == "application/json":
            return response.status, told, json.loads(body)
        return response.status, told, body.decode()


@asynccontextmanager
async def open_client(*providers, plan="pro", clock=None, scopes=("read", "inference"), **options):
    """Open a hub with one account and a client that has its key."""
    async with open_test_hub(*providers, clock=clock or ManualClock()) as hub:
        if isinstance(plan, Plan):
            await hub.accounts.put_plan(plan)
            plan = plan.name
        account = await hub.accounts.create("a", plan=plan)
        made = await hub.accounts.create_key(account.id, scopes=scopes)
        yield Client(hub, made.secret, **options)


def all_subclasses(cls):
    """Every class below *cls*, itself included."""
    return {cls}.union(*(all_subclasses(one) for one in cls.__subclasses__()))


async def test_every_error_has_a_status():
    """Adding an error class without an HTTP status fails here, not in production."""
    ours = {one for one in all_subclasses(HubError) if one.__module__.startswith("aihub.")}
    assert ours == set(STATUS)


async def test_a_chat_is_answered_with_its_headers():
    """Status, body, limits both ways, and the request's id."""
    clock = ManualClock(1_640_995_140_000_001)
    async with open_client(clock=clock) as client:
        status, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO)

        assert status == 200
        assert body["choices"][0]["message"]["content"] == "Once upon a time"
        assert body["usage"]["total_tokens"] == 10
        assert headers["x-ratelimit-limit"] == "500"
        assert headers["x-ratelimit-remaining"] == "499"
        assert headers["x-ratelimit-reset"] == "1640995201"
        assert headers["x-ratelimit-limit-requests"] == "500"
        assert headers["x-ratelimit-reset-requests"] == "60.000s"
        assert headers["x-ratelimit-limit-tokens"] == "500000"
        assert headers["x-request-id"] == "req_" + body["id"].removeprefix("chatcmpl-")


async def test_both_paths_stream():
    """`stream: true` streams on /chat/completions; /chat/stream always does."""
    async with open_client() as client:
        for path, body in (
            ("/v1/chat/completions", {**HELLO, "stream": True}),
            ("/v1/chat/stream", HELLO),
            ("/v1/chat/stream", {**HELLO, "stream": False}),
        ):
            status, headers, told = await client.ask("POST", path, body)

            assert (status, headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
            events = told.strip().split("\n\n")
            assert events[-1] == "data: [DONE]"
            chunks = [json.loads(event.removeprefix("data: ")) for event in events[:-1]]
            texts = [c["choices"][0]["delta"].get("content") or "" for c in chunks]
            assert "".join(texts) == "Once upon a time"
            assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
            assert headers["x-ratelimit-limit"] == "500"


async def test_usage_is_told_in_the_last_chunk():
    """With include_usage the stream tells what was used and what it cost."""
    async with open_client() as client:
        body = {**HELLO, "stream": True, "stream_options": {"include_usage": True}}
        _, _, told = await client.ask("POST", "/v1/chat/completions", body)

        last = json.loads(told.strip().split("\n\n")[-2].removeprefix("data: "))
        assert (last["choices"], last["usage"]["total_tokens"]) == ([], 10)
        assert last["usage"]["cost"] == 0.00039


async def test_models_are_listed_and_found():
    """Under ids and aliases, with context and prices as decimal text."""
    async with open_client() as client:
        status, headers, listed = await client.ask("GET", "/v1/models")
        _, _, again = await client.ask("GET", "/v1/models")
        _, _, one = await client.ask("GET", "/v1/models/gpt-4")
        missing, _, error = await client.ask("GET", "/v1/models/no/such")

        assert (status, listed["object"]) == (200, "list")
        assert [model["id"] for model in listed["data"]] == ["gpt-4", "gpt-4-0613"]
        assert listed == again
        assert one == {
            "id": "gpt-4",
            "object": "model",
            "created": 1686588896,
            "owned_by": "openai",
            "context_window": 8192,
            "max_output": 8192,
            "pricing": {
                "prompt": "0.00003",
                "completion": "0.00006",
                "cached": None,
                "cache_write": None,
            },
        }
        assert (missing, error["error"]["code"]) == (404, "model_not_found")
        assert headers["x-ratelimit-remaining"] == "500"


async def test_usage_has_the_documents_shape():
    """The calendar month, totals, and models by the name as asked."""
    async with open_client(clock=ManualClock(1_733_000_000_000_000)) as client:
        await client.ask("POST", "/v1/chat/completions", HELLO)
        await client.ask("POST", "/v1/chat/completions", {**HELLO, "model": "gpt-4-0613"})
        status, _, told = await client.ask("GET", "/v1/usage")

        assert status == 200
        assert told == {
            "period": {"start": "2024-11-01T00:00:00Z", "end": "2024-11-30T23:59:59Z"},
            "usage": {
                "total_requests": 2,
                "total_tokens": 20,
                "total_cost": 0.00078,
                "models": {
                    "gpt-4": {"requests": 1, "tokens": 10, "cost": 0.00039},
                    "gpt-4-0613": {"requests": 1, "tokens": 10, "cost": 0.00039},
                },
            },
        }


async def test_the_documents_rate_limit_error():
    """429 word for word as the API document has it, with the header SDKs obey."""
    clock = ManualClock()
    async with open_client(plan=Plan(name="one", requests_per_minute=1), clock=clock) as client:
        await client.ask("POST", "/v1/chat/completions", HELLO)
        status, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO)

        assert status == 429
        assert body["error"] == {
            "message": "Rate limit exceeded. Try again in 60 seconds.",
            "type": "rate_limit_exceeded",
            "param": None,
            "code": "requests_per_minute",
            "retry_after": 60,
        }
        assert headers["retry-after"] == "60"
        assert headers["x-ratelimit-remaining"] == "0"


async def test_a_budget_that_is_used_up_is_not_retried():
    """No wait is suggested, and the SDKs are told not to try again."""
    async with open_client() as client:
        (account, *_) = [a for a in await client.hub.accounts.list() if a.name == "a"]
        await client.hub.accounts.create_budget(account.id, limit=0)
        status, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO)

        assert (status, body["error"]["type"]) == (429, "rate_limit_exceeded")
        assert (body["error"]["code"], body["error"]["retry_after"]) == ("budget_exceeded", None)
        assert "retry-after" not in headers
        assert headers["x-should-retry"] == "false"


async def test_unknown_models_and_sessions_in_a_body():
    """The contract's statuses: 400 for a model, 404 for a session, each with its param."""
    async with open_client() as client:
        status, _, body = await client.ask(
            "POST", "/v1/chat/completions", {**HELLO, "model": "gpt-9"}
        )
        assert status == 400
        assert body["error"]["param"] == "model"
        assert body["error"]["code"] == "model_not_found"
        assert body["error"]["type"] == "invalid_request_error"
        status, _, body = await client.ask(
            "POST", "/v1/chat/completions", {**HELLO, "session_id": "ses_1"}
        )
        assert (status, body["error"]["param"]) == (404, "session_id")
        assert body["error"]["code"] == "session_not_found"
        assert (await client.ask("GET", "/v1/usage"))[2]["usage"]["total_requests"] == 0


@pytest.mark.parametrize(
    ("error", "status", "kind", "code"),
    [
        (UpstreamRefused("no"), 400, "model_error", "upstream_refused"),
        (UpstreamFailed("no"), 502, "model_error", "upstream_failed"),
        (UpstreamTimeout("no"), 504, "model_error", "upstream_timeout"),
        (UpstreamLimited("no", retry_after=7), 429, "rate_limit_error", "upstream_rate_limited"),
        (RuntimeError("bug"), 500, "api_error", "internal_error"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
async def test_a_providers_failure_before_the_first_content(error, status, kind, code, caplog):
    """Whole or streamed, it is a plain JSON error with its status and the usual headers."""
    for path in ("/v1/chat/completions", "/v1/chat/stream"):
        async with open_client(ScriptedProvider([error])) as client:
            told, headers, body = await client.ask("POST", path, HELLO)

            assert (told, body["error"]["type"], body["error"]["code"]) == (status, kind, code)
            assert "x-request-id" in headers
            assert headers["x-ratelimit-limit"] == "500"
            assert "bug" not in body["error"]["message"]


async def test_a_failure_in_mid_stream_is_told_in_band():
    """After the head: an error event without a name, and no [DONE]."""
    script = [Text("Once"), UpstreamFailed("reset")]
    async with open_client(ScriptedProvider(script)) as client:
        status, _, told = await client.ask("POST", "/v1/chat/stream", HELLO)

        events = told.strip().split("\n\n")
        assert status == 200
        assert json.loads(events[-1].removeprefix("data: "))["error"]["code"] == "upstream_failed"
        assert "[DONE]" not in told
        assert "event:" not in told


async def test_a_bug_in_mid_stream_tells_nothing_but_its_id(caplog):
    """The log has the traceback, the client has the id."""
    async with open_client(ScriptedProvider([Text("Once"), RuntimeError("secret")])) as client:
        _, headers, told = await client.ask("POST", "/v1/chat/stream", HELLO)

        assert headers["x-request-id"] in told.split("\n\n")[-2]
        assert "secret" not in told
        assert "secret" in caplog.text


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [("", 401, "missing_api_key"), ("sk-nobody", 401, "invalid_api_key")],
)
async def test_without_a_valid_key_the_address_counts(key, status, code):
    """401, and headers tell the address's window; past it 429, before anything is looked up."""
    async with open_client() as client:
        told, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO, key=key)
        assert (told, body["error"]["code"]) == (status, code)
        assert body["error"]["type"] == "authentication_error"
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("60", "59")

        for _ in range(59):
            await client.ask("GET", "/v1/models", key=key)
        told, headers, body = await client.ask("GET", "/v1/models", key=key)
        assert (told, headers["x-ratelimit-remaining"]) == (429, "0")
        assert (await client.ask("GET", "/v1/models"))[0] == 200


async def test_a_key_without_the_scope_is_forbidden():
    """403 with the account's own limits in the headers."""
    async with open_client(scopes=["read"]) as client:
        status, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO)

        assert (status, body["error"]["type"]) == (403, "permission_error")
        assert headers["x-ratelimit-limit"] == "500"


async def test_reading_has_a_window_of_its_own():
    """Ten times the plan's requests; the headers go on telling the plan's."""
    async with open_client(plan=Plan(name="one", requests_per_minute=1)) as client:
        for _ in range(10):
            assert (await client.ask("GET", "/v1/usage"))[0] == 200
        status, headers, body = await client.ask("GET", "/v1/usage")

        assert (status, body["error"]["code"]) == (429, "reads_per_minute")
        assert (headers["x-ratelimit-limit"], headers["x-ratelimit-remaining"]) == ("1", "1")
        assert (await client.ask("POST", "/v1/chat/completions", HELLO))[0] == 200


async def test_an_unlimited_plan_has_no_limit_headers():
    """A limit that does not exist has no header."""
    async with open_client(plan="enterprise") as client:
        _, headers, _ = await client.ask("POST", "/v1/chat/completions", HELLO)
        assert not [name for name in headers if name.startswith("x-ratelimit")]


async def test_unknown_paths_and_methods():
    """404 for a path, 405 with Allow for a method, in the usual four fields."""
    async with open_client() as client:
        status, _, body = await client.ask("GET", "/v2/models")
        assert (status, set(body["error"])) == (404, {"message", "type", "param", "code"})
        status, headers, _ = await client.ask("DELETE", "/v1/chat/completions")
        assert (status, headers["allow"]) == (405, "GET, HEAD, OPTIONS, POST")
        assert (await client.ask("GET", "/v1/models/"))[0] == 404


async def test_a_body_that_is_not_json_by_its_own_word_is_refused():
    """415 names the type to send; a missing type is taken for JSON."""
    async with open_client() as client:
        for kind, expected in (
            ("application/x-www-form-urlencoded", 415),
            ("Application/JSON; charset=utf-8", 200),
        ):
            status, _, _ = await client.ask(
                "POST", "/v1/chat/completions", HELLO, content_type=kind
            )
            assert status == expected


async def test_a_pinned_request_never_leaves_its_region():
    """X-AIHub-Region pins; where nothing serves there it is 503."""
    first, second = ScriptedProvider(), ScriptedProvider()
    async with open_client(first, second) as client:
        path = "/v1/chat/completions"
        status, _, _ = await client.ask("POST", path, HELLO, x_aihub_region="region-1")
        assert (status, len(first.calls), len(second.calls)) == (200, 0, 1)
        status, _, body = await client.ask("POST", path, HELLO, x_aihub_region="mars")
        assert (status, body["error"]["code"]) == (503, "region_unavailable")


async def test_the_name_that_is_asked_for_may_prefer_a_region():
    """`Host` leads to its region first, is allowed with it, and may be another from now on."""
    first, second = ScriptedProvider(), ScriptedProvider()
    regions = {"api-far.example": "region-1"}
    async with open_client(
        first, second, allowed_hosts=frozenset({"localhost"}), regions=regions
    ) as client:
        path = "/v1/chat/completions"
        for host, asked in (("localhost:80", (1, 0)), ("API-far.example:80", (1, 1))):
            status, _, _ = await client.ask("POST", path, HELLO, host=host)
            assert (status, len(first.calls), len(second.calls)) == (200, *asked)
        client.app.regions = {}
        assert (await client.ask("POST", path, HELLO, host="api-far.example"))[0] == 421


async def test_only_our_own_names_are_served_on_loopback():
    """A page that makes a browser ask us under its own name is refused: 421."""
    names = frozenset({"localhost", "127.0.0.1", "[::1]"})
    async with open_client(allowed_hosts=names) as client:
        for host, expected in {
            "localhost:8484": 200,
            "LOCALHOST": 200,
            "127.0.0.1:1": 200,
            "[::1]:8484": 200,
            "[::1]": 200,
            "evil.example": 421,
            "evil.example:8484": 421,
            "localhost.evil.example": 421,
        }.items():
            assert (await client.ask("GET", "/v1/models", host=host))[0] == expected


async def test_health_and_readiness_need_no_key():
    """Both are for machines; readiness follows the hub."""
    async with open_client() as client:
        assert (await client.ask("GET", "/healthz", key=""))[0] == 200
        status, headers, _ = await client.ask("GET", "/readyz", key="")
        assert status == 200
        assert "x-ratelimit-limit" not in headers
        client.hub._state = 2
        assert (await client.ask("GET", "/readyz", key=""))[0] == 503
        status, headers, body = await client.ask("POST", "/v1/chat/completions", HELLO)
        assert (status, headers["retry-after"]) == (503, "1")
        assert body["error"]["code"] == "hub_closed"
        client.hub._state = 1


async def test_a_store_that_is_down_is_503_and_never_401(monkeypatch):
    """Nobody is taken for unknown because we cannot look; no limits are claimed."""
    async with open_client() as client:

        async def down(*args):
            raise StoreUnavailable("down")

        monkeypatch.setattr(client.hub._store, "identify", down)
        monkeypatch.setattr(client.hub._store, "peek", down)
        client.hub._gate.forget()
        status, headers, body = await client.ask("GET", "/v1/models")

        assert (status, body["error"]["type"]) == (503, "api_error")
        assert "x-ratelimit-limit" not in headers


async def test_each_request_is_logged_without_its_secret(caplog):
    """Method, path, status and ids are; the key is not."""
    caplog.set_level(logging.INFO, "aihub.access")
    async with open_client() as client:
        await client.ask("POST", "/v1/chat/completions", HELLO)

        (record,) = caplog.records
        assert (record.method, record.path, record.status) == ("POST", "/v1/chat/completions", 200)
        assert record.account.startswith("acc_")
        assert client.secret not in json.dumps(record.__dict__, default=str)


async def test_leaving_a_stream_early_settles_it():
    """A driver that cancels or leaves has the request aborted."""
    provider = ScriptedProvider()
    async with open_client(provider) as client:
        headers = {b"authorization": b"Bearer " + client.secret.encode()}
        request = http.Request(
            "POST", "/v1/chat/stream", "", headers, json.dumps(HELLO).encode(), ""
        )
        async with client.app.open(request) as response:
            async for _ in response.body:
                break

        (account,) = [a for a in await client.hub.accounts.list() if a.name == "a"]
        (row,) = await client.hub.requests(account.id)
        assert (row.state, provider.open_now) == ("aborted", 0)


async def test_bearer_tokens_are_read_as_the_rfc_says():
    """The scheme's case is of no account; other schemes are no key."""
    assert bearer(b"Bearer abc") == "abc"
    assert bearer(b"bearer  abc ") == "abc"
    assert bearer(b"Basic abc") is None
    assert bearer(None) is None


async def test_framing_errors_close_and_say_why():
    """What a driver sends for bytes that are no request; an unknown status is a 400's text."""
    for status in (400, 408, 413, 431, 501):
        response = framing_error(status, "req_1")
        assert (response.status, (b"connection", b"close") in response.headers) == (status, True)
        assert json.loads(response.body)["error"]["code"]


async def test_every_route_is_found_by_its_own_path():
    """The table and the look-up agree, and there is something that answers each."""
    for route in routes.ROUTES:
        names = re.findall(r"{(\w+)}", route.path)
        # A model's id may have slashes; nothing else may.
        values = {name: "x/y" if name == "model" else f"{name}_1" for name in names}
        path = route.path.format(**values)
        assert routes.find(route.method, path) == (route, values)
        assert route.method in routes.methods(path)
        assert route.action in HANDLERS


async def test_errors_have_four_fields_whatever_they_are():
    """message, type, param and code are always there; a 429 has retry_after besides."""
    made = [UpstreamLimited("x"), StoreUnavailable("x"), UpstreamRefused("x", param="p")]
    for error in made:
        fields = json.loads(error_response(error).body)["error"]
        expected = {"message", "type", "param", "code"}
        if error_response(error).status == 429:
            expected.add("retry_after")
        assert set(fields) == expected


async def test_a_request_that_comes_twice_is_answered_once():
    """Whole and streamed: the same id and text, marked, and counted by no window."""
    provider = ScriptedProvider()
    async with open_client(provider) as client:
        for path in ("/v1/chat/completions", "/v1/chat/stream"):
            asked = {"idempotency_key": path}
            _, first_headers, first = await client.ask("POST", path, HELLO, **asked)
            status, headers, again = await client.ask("POST", path, HELLO, **asked)
            assert (status, headers["idempotent-replayed"]) == (200, "true")
            assert "idempotent-replayed" not in first_headers
            left = first_headers["x-ratelimit-remaining-requests"]
            assert headers["x-ratelimit-remaining-requests"] == left
            assert headers["x-request-id"] != first_headers["x-request-id"]
            if path.endswith("completions"):
                assert again == first
            else:
                ids = {json.loads(line[6:])["id"] for line in again.split("\n\n")[:-2]}
                assert ids == {json.loads(first.split("\n\n")[0][6:])["id"]}
                assert again.endswith("data: [DONE]\n\n")
                assert '"content":"Once upon a time"' in again
        assert len(provider.calls) == 2
        # The same body on another path is another request.
        asked = {"idempotency_key": "/v1/chat/stream"}
        status, headers, refused = await client.ask("POST", "/v1/chat/completions", HELLO, **asked)
        assert (status, refused["error"]["code"]) == (409, "idempotency_mismatch")
        assert headers["x-should-retry"] == "false"
        status, _, refused = await client.ask(
            "POST", "/v1/chat/completions", HELLO, idempotency_key="x" * 256
        )
        assert (status, refused["error"]["param"]) == (400, "Idempotency-Key")


async def test_what_answers_get_answers_head_and_every_path_knows_its_options():
    """`Allow` names them all; `OPTIONS` needs no key and has no windows."""
    async with open_client() as client:
        status, headers, _ = await client.ask("HEAD", "/v1/models")
        assert (status, headers["x-ratelimit-limit"]) == (200, "500")
        assert (await client.ask("HEAD", "/v1/models", key="wrong"))[0] == 401
        for path, allow in (
            ("/v1/models", "GET, HEAD, OPTIONS"),
            ("/v1/chat/completions", "GET, HEAD, OPTIONS, POST"),
            ("/v1/sessions/ses_1", "DELETE, GET, HEAD, OPTIONS, PUT"),
            ("*", "OPTIONS"),
        ):
            status, headers, body = await client.ask("OPTIONS", path, b"", key="")
            assert (status, headers["allow"], body) == (204, allow, "")
            assert set(headers) == {"allow", "x-request-id"}
        assert (await client.ask("OPTIONS", "/v1/nothing", key=""))[0] == 404
        status, headers, _ = await client.ask("HEAD", "/v1/chat/stream")
        assert (status, headers["allow"]) == (405, "OPTIONS, POST")


async def test_pages_may_read_only_where_they_are_let_in():
    """Errors too; without an origin, or with another's, nothing is said but that it varies."""
    page = {"origin": "https://page.example"}
    async with open_client(cors=Cors(frozenset({"https://page.example"}))) as client:
        for key, path in ((None, "/v1/models"), ("wrong", "/v1/models"), (None, "/v1/none")):
            _, headers, _ = await client.ask("GET", path, key=key, **page)
            assert headers["access-control-allow-origin"] == "https://page.example"
            assert headers["vary"] == "origin"
            assert "x-request-id" in headers["access-control-expose-headers"]
            assert "access-control-allow-credentials" not in headers
        for other in ({}, {"origin": "https://evil.example"}, {"origin": "null"}):
            _, headers, _ = await client.ask("GET", "/v1/models", **other)
            assert "access-control-allow-origin" not in headers
            assert headers["vary"] == "origin"
        asks = {
            "access_control_request_method": "POST",
            "access_control_request_headers": "authorization, x-stainless-lang",
        }
        path = "/v1/chat/completions"
        status, headers, _ = await client.ask("OPTIONS", path, b"", key="", **page, **asks)
        assert status == 204
        assert headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS, POST"
        assert headers["access-control-allow-headers"] == "authorization, x-stainless-lang"
        assert headers["access-control-max-age"] == "600"
        asks["access_control_request_headers"] = "a\x00b"
        _, headers, _ = await client.ask("OPTIONS", path, b"", key="", **page, **asks)
        assert "access-control-allow-headers" not in headers
    async with open_client(ScriptedProvider([UpstreamFailed("down")]), cors=Cors({"*"})) as client:
        body = {**HELLO, "stream": True}
        status, headers, _ = await client.ask("POST", "/v1/chat/stream", body, **page)
        assert (status, headers["access-control-allow-origin"]) == (502, "*")
        assert "vary" not in headers
    async with open_client() as client:
        _, headers, _ = await client.ask("GET", "/v1/models", **page)
        assert "access-control-allow-origin" not in headers
