"""The reference driver on real sockets, where a write is done at once or has to wait for room."""

import json
from contextlib import aclosing, asynccontextmanager

import pytest

trio = pytest.importorskip("trio")
h11 = pytest.importorskip("h11")
pytest.importorskip("pytest_trio")

from aihub.backends.providers.mock import MockProvider  # noqa: E402 - after what may be missing
from aihub.backends.tokens import EstimateCounter  # noqa: E402
from aihub.model.events import Finished, Text  # noqa: E402
from aihub.server import trio_h11  # noqa: E402
from aihub.server.app import App  # noqa: E402
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub  # noqa: E402

from .test_trio_line import SECONDS, pair  # noqa: E402

pytestmark = pytest.mark.trio

OPTIONS = trio_h11.ServerOptions(grace=0)
LARGE = "large " * 1_000_000
"""More than the sockets of both ends keep."""


class Counting(App):
    """An app that notes whose request it is given; a caller says it in a header."""

    def __init__(self, hub):
        super().__init__(hub)
        self.asked = []

    def open(self, request):
        self.asked.append(request.headers[b"x-from"].decode())
        return super().open(request)


@asynccontextmanager
async def served(provider):
    """A function that connects; it gives the other end and the driver's side of a connection."""
    with trio.fail_after(SECONDS):
        async with open_test_hub(provider) as hub, trio.open_nursery() as nursery:
            account = await hub.accounts.create("a", plan="enterprise")
            key = (await hub.accounts.create_key(account.id)).secret
            app = Counting(hub)
            app.account = account.id
            lines = []

            async def connect():
                ours, theirs = await pair()
                lines.append(ours)
                connection = trio_h11.Connection(app, theirs, OPTIONS)
                nursery.start_soon(connection.serve)
                return ours, connection

            yield app, key, connect
            for line in lines:
                await line.aclose()
            nursery.cancel_scope.cancel()


def request(key, caller, **fields):
    """The bytes of a chat."""
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}], **fields}
    data = json.dumps(body).encode()
    head = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-From: {caller}\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


async def read(line):
    """The body of an answer; one that is cut is a fault that h11 tells."""
    parser = h11.Connection(h11.CLIENT)
    parser.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    parser.send(h11.EndOfMessage())
    body = bytearray()
    while True:
        event = parser.next_event()
        if event is h11.NEED_DATA:
            parser.receive_data(await line.receive_some())
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return bytes(body)


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_that_has_no_room_waits_and_comes_whole(stream):
    """A peer that reads late has all of it."""
    provider = ScriptedProvider([Text(LARGE), Finished("stop")])
    async with served(provider) as (app, key, connect):
        line, _ = await connect()
        await line.send_all(request(key, "a", stream=stream))
        while not app.asked:
            await trio.lowlevel.checkpoint()
        for _ in range(50):
            await trio.lowlevel.checkpoint()
        body = await read(line)
        if not stream:
            assert json.loads(body)["choices"][0]["message"]["content"] == LARGE
        else:
            events = [one.removeprefix(b"data: ") for one in body.split(b"\n\n")[:-1]]
            assert events[-1] == b"[DONE]"
            deltas = [json.loads(one)["choices"][0]["delta"] for one in events[:-1]]
            assert "".join(one.get("content") or "" for one in deltas) == LARGE


async def test_a_stop_amid_a_write_that_waits_lets_its_chunk_end_and_says_why():
    """What has been sent in part is completed: the answer ends well by HTTP, and with an error."""
    provider = ScriptedProvider([Text("one"), Text(LARGE), Text("never"), Finished("stop")])
    async with served(provider) as (app, key, connect):
        line, connection = await connect()
        await line.send_all(request(key, "a", stream=True))
        while connection.deadline == float("inf") or not connection._answering:
            await trio.lowlevel.checkpoint()
        connection.end()
        body = await read(line)
        assert body.count(b"large ") == 1_000_000
        assert b"never" not in body
        assert b"The server stops" in body
        assert b"[DONE]" not in body
        (row,) = await app.hub.requests(app.account)
        assert row.state == "aborted"


async def test_who_sends_ahead_holds_up_nobody():
    """Others have their turn between two of the requests that lie there already."""
    mock = MockProvider(tokens=EstimateCounter(), clock=ManualClock())
    async with served(mock) as (app, key, connect):
        flood, _ = await connect()
        other, _ = await connect()
        many = request(key, "flood") * 100
        assert len(many) < trio_h11.READ
        await flood.send_all(many)
        await other.send_all(request(key, "other"))
        await read(other)
        assert app.asked.index("other") < 10


async def test_streams_that_have_everything_to_say_take_turns():
    """The second begins before the first has ended, though neither has to wait."""
    said = []

    class Fluent(ScriptedProvider):
        @asynccontextmanager
        async def open(self, call):
            async with super().open(call):

                async def talk():
                    for _ in range(100):
                        said.append(call.id)
                        yield Text("word ")
                    yield Finished("stop")

                async with aclosing(talk()) as events:
                    yield events

    async with served(Fluent()) as (_, key, connect):
        lines = [(await connect())[0] for _ in range(2)]
        for line in lines:
            await line.send_all(request(key, "a", stream=True))
        for line in lines:
            await read(line)
    first, second = dict.fromkeys(said)
    assert said.count(first) == said.count(second) == 100
    assert said.index(second) < 20


async def test_what_is_said_after_a_stop_is_not_begun():
    """Even where nothing had to be waited for in between: the peer is told why instead."""

    class Late(ScriptedProvider):
        @asynccontextmanager
        async def open(self, call):
            async with super().open(call):

                async def talk():
                    yield Text("one")
                    self.connection.end()
                    yield Text("never")
                    yield Finished("stop")

                async with aclosing(talk()) as events:
                    yield events

    provider = Late()
    async with served(provider) as (app, key, connect):
        line, provider.connection = await connect()
        await line.send_all(request(key, "a", stream=True))
        body = await read(line)
        assert b"one" in body
        assert b"never" not in body
        assert b"The server stops" in body
        (row,) = await app.hub.requests(app.account)
        assert row.state == "aborted"
