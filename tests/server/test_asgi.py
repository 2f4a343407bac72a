"""The ASGI application: what is its own beside the suite for drivers."""

import json
from contextlib import asynccontextmanager
from importlib.util import find_spec
from urllib.parse import quote, unquote

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

httpx2 = pytest.importorskip("httpx2")

from aihub.errors import StoreUnavailable  # noqa: E402 - after what may be missing
from aihub.model.events import Finished, Text  # noqa: E402
from aihub.server.app import App  # noqa: E402
from aihub.server.asgi import ASGIApp, ASGIOptions  # noqa: E402
from aihub.server.proxies import Proxies  # noqa: E402
from aihub.server.scopes import peer_of, raw_part, read_head  # noqa: E402
from aihub.testing import open_test_hub  # noqa: E402
from aihub.testing.drivers import CHAT, Stepwise, Talker, Words  # noqa: E402

from .asgi_engine import open_engine  # noqa: E402

STREAM = {**CHAT, "stream": True}
PATH = "/v1/chat/completions"


@asynccontextmanager
async def asked(*providers, grace=0, **scope):
    """Serve a hub in memory; give the application, a client with a key, and the states asked."""
    async with open_test_hub(*providers) as hub:
        account = await hub.accounts.create("a", plan="enterprise")
        key = (await hub.accounts.create_key(account.id)).secret
        asgi = ASGIApp(App(hub), ASGIOptions(grace=grace))

        async def states():
            return [row.state for row in await hub.requests(account.id)]

        async with open_engine(asgi, **scope) as client:
            client.headers["authorization"] = f"Bearer {key}"
            yield asgi, client, states


@pytest.mark.anyio
async def test_a_peer_that_leaves_amid_its_body_is_not_answered():
    """The app is not asked."""
    sent = []

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    async with open_test_hub() as hub:
        messages = [
            {"type": "http.request", "body": b"{", "more_body": True},
            {"type": "http.disconnect"},
        ]
        await ASGIApp(App(hub))(scope_of("/v1/models"), receive, send)
    assert sent == []


# Ending


@pytest.mark.anyio
async def test_stopping_lets_what_is_under_way_end():
    """Within the grace; then it has ended well."""
    provider = Stepwise()
    async with asked(provider) as (asgi, client, states):
        provider.say(Text("one"))
        async with client.stream("POST", PATH, json=STREAM) as response:
            said = Words(response)
            await said.wait_for("one")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(asgi.stop, 5)
                provider.say(Finished("stop"))
                assert [word async for word in said][-1] == "[DONE]"
        assert await states() == ["ok"]


@pytest.mark.anyio
async def test_what_outlives_the_grace_is_ended_and_told():
    """A stream by the error event, without [DONE]; what has no head yet is a 503."""
    for body in (CHAT, STREAM):
        provider = Stepwise()
        async with asked(provider) as (asgi, client, states):
            answers = []

            async def ask(client=client, body=body, answers=answers):
                answers.append(await client.post(PATH, json=body))

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                await provider.opened.wait()
                await asgi.stop(0)
            assert answers[0].status_code == 503
            assert answers[0].headers["retry-after"] == "1"
            assert answers[0].json()["error"]["code"] == "hub_closed"
            assert await states() == ["aborted"]


@pytest.mark.anyio
async def test_a_stream_that_outlives_the_grace_ends_with_the_error_event():
    """Whether its provider waits, or is caught amid a write, which is let finish."""
    for provider in (Stepwise(), Talker()):
        if isinstance(provider, Stepwise):
            provider.say(Text("one"))
        async with asked(provider) as (asgi, client, states):
            async with client.stream("POST", PATH, json=STREAM) as response:
                said = Words(response)
                await anext(said)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(asgi.stop, 0)
                    told = [word async for word in said]
            assert json.loads(told[-1])["error"]["code"] == "hub_closed"
            assert "[DONE]" not in told
            assert await states() == ["aborted"]


@pytest.mark.anyio
async def test_a_server_that_cancels_lets_the_peer_be_told():
    """Settled as aborted, the error event, the end; and the cancellation goes on."""
    provider = Stepwise()
    provider.say(Text("one"))
    async with asked(provider) as (_, client, states):
        run = client.engine.run
        scope = anyio.CancelScope()

        async def run_in_scope(cycle):
            with scope:
                await run(cycle)

        client.engine.run = run_in_scope
        async with client.stream("POST", PATH, json=STREAM) as response:
            said = Words(response)
            await said.wait_for("one")
            scope.cancel()
            told = [word async for word in said]
        assert json.loads(told[-1])["error"]["code"] == "hub_closed"
        assert scope.cancelled_caught
        assert await states() == ["aborted"]


@pytest.mark.anyio
async def test_a_hub_that_is_closed_by_its_holder_tells_those_under_way():
    """As when the application stops: it is not a bug."""
    provider = Stepwise()
    provider.say(Text("one"))
    async with anyio.create_task_group() as tasks:
        closing = anyio.Event()
        asgi = None

        async def hold(*, task_status):
            async with open_test_hub(provider, grace=0) as hub:
                account = await hub.accounts.create("a", plan="enterprise")
                key = (await hub.accounts.create_key(account.id)).secret
                task_status.started((ASGIApp(App(hub)), key))
                await closing.wait()

        asgi, key = await tasks.start(hold)
        async with open_engine(asgi) as client:
            client.headers["authorization"] = f"Bearer {key}"
            async with client.stream("POST", PATH, json=STREAM) as response:
                said = Words(response)
                await said.wait_for("one")
                closing.set()
                told = [word async for word in said]
        assert json.loads(told[-1])["error"]["code"] == "hub_closed"


# Life


class Lifespan:
    """What a server does with an application from its start to its end."""

    def __init__(self, asgi):
        self.asgi = asgi
        self.told, self._say = anyio.create_memory_object_stream(10)[::-1]
        self._hear, self.heard = anyio.create_memory_object_stream(10)

    async def run(self):
        """Run it as servers do."""
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        with self.told, self._say, self._hear, self.heard:
            await self.asgi(scope, self.told.receive, self._hear.send)

    async def phase(self, name):
        """Say that a phase begins and give what is answered."""
        await self._say.send({"type": f"lifespan.{name}"})
        return await self.heard.receive()


def opening(entered, error=None):
    """Something that opens an app, and notes what is open."""

    @asynccontextmanager
    async def open_app():
        if error is not None:
            raise error
        async with open_test_hub() as hub:
            entered.append(hub)
            yield App(hub)
        entered.clear()

    return open_app


@pytest.mark.anyio
async def test_the_lifespan_opens_and_closes_the_hub():
    """Requests are answered in between."""
    entered = []
    asgi = ASGIApp(opening(entered))
    life = Lifespan(asgi)
    async with anyio.create_task_group() as tasks, open_engine(asgi) as client:
        tasks.start_soon(life.run)
        answer = await client.get("/healthz")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "not_open")
        assert await life.phase("startup") == {"type": "lifespan.startup.complete"}
        assert entered
        assert (await client.get("/healthz")).status_code == 200
        assert await life.phase("shutdown") == {"type": "lifespan.shutdown.complete"}
        assert not entered
        assert (await client.get("/healthz")).status_code == 503


@pytest.mark.anyio
@pytest.mark.parametrize("error", [StoreUnavailable("the disk is gone"), ValueError("a bug")])
async def test_a_hub_that_cannot_be_opened_fails_the_start(error, caplog):
    """The server is told why; a bug is logged besides."""
    life = Lifespan(ASGIApp(opening([], error)))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(life.run)
        told = await life.phase("startup")
    assert told == {"type": "lifespan.startup.failed", "message": str(error)}
    assert ("a bug" in caplog.text) == isinstance(error, ValueError)


@pytest.mark.anyio
async def test_websockets_are_refused_and_other_scopes_are_mistakes():
    """A server answers a closed websocket with 403."""
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message["type"])

    asgi = ASGIApp(opening([]))
    await asgi({"type": "websocket"}, receive, send)
    assert sent == ["websocket.close"]
    with pytest.raises(ValueError, match="'mail'"):
        await asgi({"type": "mail"}, receive, send)


@pytest.mark.anyio
async def test_a_bug_costs_its_request_and_no_other(monkeypatch):
    """It comes out to the server, whose business it is to say so."""
    async with open_test_hub() as hub:
        asgi = ASGIApp(App(hub))
        with monkeypatch.context() as patched:
            patched.setattr(App, "open", lambda *_: 1 / 0)
            with pytest.raises(ExceptionGroup) as group:
                async with open_engine(asgi) as client:
                    await client.get("/healthz")
            assert group.group_contains(ZeroDivisionError)
        async with open_engine(asgi) as client:
            assert (await client.get("/healthz")).status_code == 200


# Scopes


def scope_of(target, headers=(), **scope):
    """A scope as a server makes it."""
    return {
        "type": "http",
        "method": "GET",
        "path": unquote(target),
        "raw_path": target.encode(),
        "headers": [(b"host", b"x"), *headers],
        **scope,
    }


NOBODY, PROXY = Proxies(), Proxies.parse(["127.0.0.1"])


@pytest.mark.parametrize(
    ("scope", "path"),
    [
        (scope_of("/v1/models/a%2Fb"), "/v1/models/a%2Fb"),
        (scope_of("/v1/models/a%2Fb", raw_path=None), "/v1/models/a/b"),
        (scope_of("/hub/v1/models/a%2fb", root_path="/hub"), "/v1/models/a%2fb"),
        (scope_of("/v1/models", root_path="/hub"), "/v1/models"),
        (scope_of("/hubs/v1", root_path="/hub"), "/hubs/v1"),
        (scope_of("/hub", root_path="/hub/"), "/"),
        (scope_of("/h%C3%BCb/v1/a%2Fb", path="/v1/a/b"), "/v1/a%2Fb"),
        (scope_of("/hub/v1/a%2Fb", path="/v1/a/b/"), "/v1/a%2Fb"),
        (scope_of("/other", path="/v1/models"), "/v1/models"),
        (scope_of("http://evil.example/v1/models"), "/v1/models"),
    ],
    ids=range(10),
)
def test_the_path_is_the_one_below_the_mount(scope, path):
    """Whether a framework takes the root out of it or leaves it; %2F stays as it was sent."""
    assert read_head(scope, NOBODY).path == path


def test_a_target_with_a_host_in_it_counts():
    """As with the reference driver: the host of the target stands for the header's."""
    head = read_head(scope_of("http://evil.example/v1/models"), NOBODY)
    assert head.headers[b"host"] == b"evil.example"


@given(st.text(), st.text(min_size=1))
def test_the_raw_part_of_a_path_is_what_decodes_to_it(before, path):
    """Whatever was taken off its beginning."""
    raw = (quote(before) + quote(path, safe="")).encode()
    assert raw_part(raw, path) == quote(path, safe="").encode()


@pytest.mark.parametrize(
    ("scope", "peer"),
    [
        ({"client": ("203.0.113.9", 5)}, "203.0.113.9"),
        ({"client": None, "server": ("/run/hub.sock", None)}, "unix"),
        ({"client": ("", 0), "server": ("/run/hub.sock", None)}, "unix"),
        ({"client": None, "server": ("localhost", 80)}, ""),
        ({}, ""),
    ],
)
def test_who_asks_is_read_from_the_scope(scope, peer):
    """A socket file has no addresses; where nothing is said nobody is known."""
    assert peer_of(scope) == peer


def test_a_trusted_proxy_is_believed_and_nobody_else():
    """Each proxy's line counts, and the last that is not trusted is the client."""
    told = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"198.51.100.2")]
    near = scope_of("/", told, client=("127.0.0.1", 5))
    far = scope_of("/", told, client=("203.0.113.9", 5))
    assert read_head(near, PROXY).peer == "198.51.100.2"
    assert read_head(near, NOBODY).peer == "127.0.0.1"
    assert read_head(far, PROXY).peer == "203.0.113.9"


@pytest.mark.anyio
async def test_a_length_that_is_no_number_is_refused():
    """Some server may let it through."""
    sent = []

    async def receive():
        return {"type": "http.request"}

    async def send(message):
        sent.append(message)

    async with open_test_hub() as hub:
        scope = scope_of("/healthz", [(b"content-length", b"-1")], http_version="2")
        await ASGIApp(App(hub))(scope, receive, send)
    assert sent[0]["status"] == 400
    # In HTTP/2 there is no such header.
    assert b"connection" not in dict(sent[0]["headers"])


# Mounted


def mounted_in_fastapi(asgi, lifespan):
    """A FastAPI application with the hub below /llm."""
    from fastapi import FastAPI

    app = FastAPI(lifespan=lifespan)
    app.mount("/llm", asgi)
    return app


def mounted_in_starlette(asgi, lifespan):
    """The same of Starlette's."""
    from starlette.applications import Starlette
    from starlette.routing import Mount

    return Starlette(routes=[Mount("/llm", asgi)], lifespan=lifespan)


def mounted_in_litestar(asgi, lifespan):
    """The same of Litestar's."""
    from litestar import Litestar
    from litestar.handlers import asgi as handler

    mounted = handler("/llm", is_mount=True, copy_scope=True)(asgi)
    return Litestar([mounted], lifespan=[lifespan], openapi_config=None)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("framework", "mount"),
    [
        ("fastapi", mounted_in_fastapi),
        ("starlette", mounted_in_starlette),
        ("litestar", mounted_in_litestar),
    ],
)
async def test_a_framework_mounts_it(framework, mount):
    """Below a path, with the framework's own lifespan; answers come item by item all the same."""
    if find_spec(framework) is None:
        pytest.skip(f"{framework} is there only with the group of frameworks")
    provider = Stepwise()
    held = []

    @asynccontextmanager
    async def open_app():
        async with open_test_hub(provider) as hub:
            yield App(hub)

    asgi = ASGIApp(open_app)

    @asynccontextmanager
    async def lifespan(_):
        async with asgi.open() as app:
            held.append(app.hub)
            yield

    app = mount(asgi, lifespan)
    life = Lifespan(app)
    async with anyio.create_task_group() as tasks, open_engine(app) as client:
        tasks.start_soon(life.run)
        assert await life.phase("startup") == {"type": "lifespan.startup.complete"}
        account = await held[0].accounts.create("a", plan="enterprise")
        key = (await held[0].accounts.create_key(account.id)).secret
        client.headers["authorization"] = f"Bearer {key}"
        assert (await client.get("/llm/v1/models/gpt-4")).json()["id"] == "gpt-4"
        told = (await client.get("/llm/v1/models/a%2Fb")).json()["error"]
        assert "a/b" in told["message"] or "a%2Fb" in told["message"]
        provider.say(Text("one"))
        async with client.stream("POST", f"/llm{PATH}", json=STREAM) as response:
            said = Words(response)
            await said.wait_for("one")
            await said.leave()
        await provider.left.wait()
        assert await life.phase("shutdown") == {"type": "lifespan.shutdown.complete"}
