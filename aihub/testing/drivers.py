"""What every driver of `aihub.server.app.App` must do, on every event loop that it runs on.

Subclass and say how to be served by yours::

    @pytest.mark.anyio
    class TestMyDriver(DriverSuite):
        @asynccontextmanager
        async def open_client(self, app):
            async with my_driver(app) as url, httpx2.AsyncClient(base_url=url) as client:
                yield client

A driver may be a server with sockets or a transport without any: the suite sees a client alone.
One class says all that a driver promises, so this is longer than other files.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
    suppress,
)
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import anyio
import anyio.lowlevel
import attrs

from ..errors import UpstreamFailed
from ..hub import Hub
from ..model.account import Plan
from ..model.events import Event, Finished, Text
from ..model.ledger import State
from ..protocols import Provider, ProviderCall
from ..server.app import App, Opened
from ..server.http import MAX_BODY, Request, Response
from .fakes import ScriptedProvider, open_test_hub

if TYPE_CHECKING:
    import httpx2

PATIENCE = 10.0
"""Seconds that anything may take on a busy machine; what takes longer hangs."""

STILL = 0.1
"""Seconds without a further item after which a provider is held to stand still."""

CHAT = {"model": "gpt-4", "messages": [{"role": "user", "content": "Tell me a story"}]}
OK: tuple[State, ...] = ("ok",)
ITEM = 16 * 1024
"""Characters of one item where a reader does not read."""


class Stepwise:
    """A provider that says the next word when it is told to, and `left` when it was let go."""

    def __init__(self) -> None:
        self.opened, self.left = anyio.Event(), anyio.Event()
        self._say, self._said = anyio.create_memory_object_stream[Event](100)

    def say(self, *events: Event) -> None:
        """Let it say *events*."""
        for event in events:
            self._say.send_nowait(event)
            if type(event) is Finished:
                self._say.close()

    @asynccontextmanager
    async def open(self, call: ProviderCall) -> AsyncIterator[AsyncIterator[Event]]:
        """Say what is told."""
        self.opened.set()
        try:
            yield self._said
        finally:
            self._say.close()
            self._said.close()
            self.left.set()


class Talker:
    """A provider that talks without end, `said` counting, and never waits for anything."""

    def __init__(self) -> None:
        self.said = 0
        self.left = anyio.Event()

    @asynccontextmanager
    async def open(self, call: ProviderCall) -> AsyncIterator[AsyncIterator[Event]]:
        """Talk."""
        try:
            async with aclosing(self._talk()) as events:
                yield events
        finally:
            self.left.set()

    async def _talk(self) -> AsyncGenerator[Event, None]:
        while True:
            await anyio.lowlevel.checkpoint()
            self.said += 1
            yield Text("x" * ITEM)


class Watched(App):
    """An app that counts what a driver has entered and not left."""

    def __init__(self, hub: Hub) -> None:
        super().__init__(hub)
        self.asked: list[Request] = []
        self.open_now = 0
        self._changed = anyio.Event()

    def open(self, request: Request) -> Opened:
        """Return a context that is counted."""
        return _Counted(self, request)

    def count(self, change: int) -> None:
        """Note that one was entered, or left."""
        self.open_now += change
        self._changed.set()
        self._changed = anyio.Event()

    async def wait_left(self) -> None:
        """Wait until all that was entered has been left."""
        while self.open_now:
            await self._changed.wait()


class _Counted(Opened):
    def __init__(self, app: Watched, request: Request) -> None:
        super().__init__(app, request)
        self._watched = app

    async def __aenter__(self) -> Response:
        self._watched.asked.append(self.request)
        response = await super().__aenter__()
        self._watched.count(1)
        return response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return await super().__aexit__(kind, error, traceback)
        finally:
            self._watched.count(-1)


@attrs.frozen
class Served:
    """An app that is served, who asks it, and with what key."""

    hub: Hub
    app: Watched
    client: httpx2.AsyncClient
    account: str

    async def ask(self, path: str = "/v1/chat/completions", **options: Any) -> httpx2.Response:
        """Ask for a whole answer; a chat where nothing else is said."""
        options = {"json": CHAT, **options} if path.endswith("completions") else options
        method = options.pop("method", "POST" if options.keys() & {"json", "content"} else "GET")
        return await self.client.request(method, path, **options)

    def stream(self) -> AbstractAsyncContextManager[httpx2.Response]:
        """Ask for a stream."""
        return self.client.stream("POST", "/v1/chat/completions", json={**CHAT, "stream": True})

    async def wait_ended(self, *states: State) -> None:
        """Wait until every context was left, and see that the ledger has requests in *states*."""
        with anyio.fail_after(PATIENCE):
            await self.app.wait_left()
            # One that was cancelled on being entered is not counted, and settles by itself.
            while self.hub.in_flight:  # noqa: ASYNC110 - the hub has no event for it
                await anyio.sleep(0.01)
        assert tuple(row.state for row in await self.hub.requests(self.account)) == states


class Words:
    """What a stream says, event by event, as it comes."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._data = response.aiter_raw()
        self._events: list[bytes] = []
        self._rest = b""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> str:
        while not self._events:
            *self._events, self._rest = (self._rest + await anext(self._data)).split(b"\n\n")
        return self._events.pop(0).removeprefix(b"data: ").decode()

    async def wait_for(self, word: str) -> None:
        """Read on until *word* is said."""
        while f'"{word}"' not in await anext(self):
            pass

    async def leave(self) -> None:
        """Close the response before its end."""
        await self._response.aclose()
        # Its client's generators stand within each other: only going on leaves them all.
        with suppress(Exception):
            await anext(self._data)


class DriverSuite:
    """The contract of a driver, test by test: what `aihub.server.http` says.

    `ahead` is how many bytes may lie between a provider and a client that does not read: the
    buffers of sockets and of a server, beside the 64 KiB that a driver may keep.
    """

    ahead = 8 * 1024 * 1024

    def open_client(self, app: App) -> AbstractAsyncContextManager[httpx2.AsyncClient]:
        """Serve *app* until the context ends, and give a client whose base URL it answers.

        Its requests may take `PATIENCE` seconds at least.
        """
        raise NotImplementedError

    @asynccontextmanager
    async def _serve(self, *providers: Provider, plan: Plan | None = None) -> AsyncIterator[Served]:
        failure: Exception | None = None
        async with AsyncExitStack() as stack:
            hub = await stack.enter_async_context(open_test_hub(*providers))
            if plan is not None:
                await hub.accounts.put_plan(plan)
            name = "enterprise" if plan is None else plan.name
            account = await hub.accounts.create("suite", plan=name)
            key = (await hub.accounts.create_key(account.id)).secret
            app = Watched(hub)
            client = await stack.enter_async_context(self.open_client(app))
            client.headers["authorization"] = f"Bearer {key}"
            try:
                yield Served(hub, app, client, account.id)
                # Whoever answers must have left what it entered.
                with anyio.fail_after(PATIENCE):
                    await app.wait_left()
            except Exception as error:  # noqa: BLE001 - a test's own must not come out in a group
                failure = error
        if failure is not None:
            raise failure

    # Whole answers

    async def test_a_whole_answer_says_its_length(self) -> None:
        """Status, type, the request's id and a length that is true; it was settled before."""
        async with self._serve() as served:
            answer = await served.ask()
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "application/json"
            assert answer.headers["x-request-id"].startswith("req_")
            assert int(answer.headers["content-length"]) == len(answer.content)
            assert answer.json()["choices"][0]["message"]["content"] == "Once upon a time"
            await served.wait_ended("ok")

    async def test_what_is_wrong_is_told(self) -> None:
        """Statuses and errors are the app's, word for word."""
        async with self._serve() as served:
            stranger = {"authorization": "Bearer nobody"}
            answers = [
                (await served.ask(content=b"{", json=None), 400),
                (await served.ask("/v1/models", headers=stranger), 401),
                (await served.ask("/v1/nothing"), 404),
                (await served.ask("/v1/models", method="DELETE"), 405),
            ]
            for answer, status in answers:
                assert answer.status_code == status
                assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
            await served.wait_ended()

    async def test_a_full_window_is_told_and_when_to_come_again(self) -> None:
        """429 with Retry-After, and the headers of the windows."""
        async with self._serve(plan=Plan(name="one", requests_per_minute=1)) as served:
            assert (await served.ask()).status_code == 200
            answer = await served.ask()
            assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
            assert answer.headers["x-ratelimit-remaining"] == "0"

    async def test_one_request_follows_another_and_many_are_under_way_at_once(self) -> None:
        """Each has its own answer."""
        async with self._serve() as served:
            ids = {(await served.ask()).headers["x-request-id"] for _ in range(3)}
            async with anyio.create_task_group() as tasks:

                async def ask() -> None:
                    ids.add((await served.ask()).headers["x-request-id"])

                for _ in range(10):
                    tasks.start_soon(ask)
            assert len(ids) == 13
            await served.wait_ended(*OK * 13)

    async def test_head_has_no_body_and_options_no_length(self) -> None:
        """The length is that of the body which GET would have."""
        async with self._serve() as served:
            for method, status in (("HEAD", 200), ("GET", 200), ("OPTIONS", 204)):
                answer = await served.ask("/healthz", method=method)
                assert (answer.status_code, bool(answer.content)) == (status, method == "GET")
                assert answer.headers.get("content-length") == (None if status == 204 else "15")

    # Requests as they arrive

    async def test_a_request_arrives_as_it_was_sent(self) -> None:
        """Method, query, body; a slash that was written as %2F parts no path."""
        async with self._serve() as served:
            answer = await served.ask("/v1/models/meta%2Fllama%20%C3%A9?a=%20b&c")
            assert answer.status_code == 404
            (asked,) = served.app.asked
            assert (asked.method, asked.query, asked.body) == ("GET", "a=%20b&c", b"")
            assert asked.path == "/v1/models/meta%2Fllama é"
            body = bytes(range(256)) * 1000
            await served.ask("/healthz", content=body, headers={"x-one": "é".encode("latin-1")})
            assert served.app.asked[1].body == body
            assert served.app.asked[1].headers[b"x-one"] == b"\xe9"

    async def test_a_body_that_comes_in_pieces_is_one_body(self) -> None:
        """Without a length, too."""

        async def pieces() -> AsyncIterator[bytes]:
            for piece in (b"one ", b"two ", b"three"):
                yield piece

        async with self._serve() as served:
            await served.ask("/healthz", content=pieces())
            assert served.app.asked[0].body == b"one two three"

    async def test_a_header_that_means_one_thing_is_there_once(self) -> None:
        """Of two keys a proxy may have read the other: 400, and the app is not asked."""
        async with self._serve() as served:
            twice = [("content-type", "application/json"), ("content-type", "text/plain")]
            answer = await served.ask(headers=twice, content=b"{}", json=None)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
            assert "content-type" in answer.json()["error"]["message"]
            assert served.app.asked == []

    async def test_a_body_that_is_too_large_is_refused(self) -> None:
        """Whether it says so or it turns out: 413, the app is not asked, others are served."""

        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(MAX_BODY // 65536 + 1):
                yield b"x" * 65536

        bodies: list[Any] = [b"x" * (MAX_BODY + 1), pieces()]
        async with self._serve() as served:
            for body in bodies:
                answer = await served.ask(content=body, json=None)
                assert (answer.status_code, answer.json()["error"]["code"]) == (
                    413,
                    "body_too_large",
                )
            assert served.app.asked == []
            assert (await served.ask()).status_code == 200

    async def test_what_is_refused_is_said_in_the_words_of_the_path(self) -> None:
        """A client that asks as Anthropic's do reads Anthropic's form of an error."""
        async with self._serve() as served:
            body = b"x" * (MAX_BODY + 1)
            answer = await served.ask("/v1/messages", content=body)
            told = answer.json()
            assert (answer.status_code, told["type"]) == (413, "error")
            assert told["request_id"] == answer.headers["request-id"]
            assert served.app.asked == []

    # Streams

    async def test_a_stream_comes_item_by_item(self) -> None:
        """What a provider has said is read before it says more; the last word is [DONE]."""
        provider = Stepwise()
        async with self._serve(provider) as served:
            told = ["one", "two", "three"]
            provider.say(Text(told[0]))
            with anyio.fail_after(PATIENCE):
                async with served.stream() as response:
                    assert response.headers["content-type"].startswith("text/event-stream")
                    assert "content-length" not in response.headers
                    said = Words(response)
                    for n, word in enumerate(told):
                        await said.wait_for(word)
                        provider.say(Text(told[n + 1]) if n < 2 else Finished("stop"))
                    rest = [word async for word in said]
            assert rest[-1] == "[DONE]"
            await served.wait_ended("ok")

    async def test_a_failure_before_the_first_item_is_a_plain_error(self) -> None:
        """Nothing has been sent yet: the status is still free."""
        async with self._serve(ScriptedProvider([UpstreamFailed("down")])) as served:
            async with served.stream() as response:
                await response.aread()
            assert response.status_code == 502
            assert response.json()["error"]["code"] == "upstream_failed"
            assert int(response.headers["content-length"]) == len(response.content)
            await served.wait_ended("error")

    async def test_a_failure_after_it_is_told_in_the_stream(self) -> None:
        """The error is the last event, and there is no [DONE]."""
        script: Iterable[Event | Exception] = [Text("half"), UpstreamFailed("down")]
        async with self._serve(ScriptedProvider(script)) as served:
            async with served.stream() as response:
                said = [word async for word in Words(response)]
            assert response.status_code == 200
            assert '"upstream_failed"' in said[-1]
            await served.wait_ended("error")

    # Leaving

    async def test_who_leaves_amid_a_stream_frees_the_provider(self) -> None:
        """At once; the request is settled as aborted, and others are served."""
        provider = Stepwise()
        async with self._serve(provider) as served:
            provider.say(Text("one"))
            with anyio.fail_after(PATIENCE):
                async with served.stream() as response:
                    said = Words(response)
                    await said.wait_for("one")
                    await said.leave()
                await provider.left.wait()
            await served.wait_ended("aborted")
            assert (await served.ask("/healthz")).status_code == 200

    async def test_who_leaves_before_the_answer_frees_the_provider(self) -> None:
        """Whether it was to be whole or a stream: there is nobody to answer."""
        for body in (CHAT, {**CHAT, "stream": True}):
            provider = Stepwise()
            async with self._serve(provider) as served:
                with anyio.fail_after(PATIENCE):
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(_ask_in_vain, served, body)
                        await provider.opened.wait()
                        tasks.cancel_scope.cancel()
                    await provider.left.wait()
                await served.wait_ended("aborted")

    async def test_who_does_not_read_stops_the_provider_and_frees_it_on_leaving(self) -> None:
        """A provider is asked for no more than buffers hold; leaving ends the write under way."""
        provider = Talker()
        async with self._serve(provider) as served:
            with anyio.fail_after(PATIENCE):
                async with served.stream() as response:
                    assert response.status_code == 200
                    before = -1
                    while provider.said != before:
                        before = provider.said
                        assert before * ITEM < self.ahead, "it is not waited for who reads"
                        await anyio.sleep(STILL)
                await provider.left.wait()
            await served.wait_ended("aborted")


async def _ask_in_vain(served: Served, body: object) -> None:
    await served.ask(json=body)
    raise AssertionError("there was an answer")
