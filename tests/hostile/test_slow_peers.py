"""Peers that are slow, silent or gone, on memory streams and a clock that jumps."""

import json
from contextlib import asynccontextmanager

import pytest

trio = pytest.importorskip("trio")
pytest.importorskip("h11")
pytest.importorskip("pytest_trio")

from aihub.model.events import Finished, Text  # noqa: E402 - after what may be missing
from aihub.server import trio_h11  # noqa: E402
from aihub.server.app import App  # noqa: E402
from aihub.testing import ScriptedProvider, open_test_hub  # noqa: E402

from . import corpus  # noqa: E402
from .answers import Reader  # noqa: E402

pytestmark = pytest.mark.trio

OPTIONS = trio_h11.ServerOptions(grace=0)
HELLO = json.dumps(corpus.HELLO).encode()


class Place:
    """Where peers connect to: a hub, a key, and connections with one clock."""

    def __init__(self, hub, provider, key, nursery):
        self.hub = hub
        self.provider = provider
        self.key = key
        self.nursery = nursery
        self.connections = {}

    def connect(self, pair=trio.testing.memory_stream_pair):
        """Give the other end of a new connection."""
        ours, theirs = pair()
        connection = trio_h11.Connection(App(self.hub), theirs, OPTIONS)
        self.connections[ours] = connection
        self.nursery.start_soon(self._serve, ours, connection)
        return ours

    async def _serve(self, ours, connection):
        await connection.serve()
        del self.connections[ours]

    async def keep_time(self):
        """Look at the deadlines as the server does."""
        while True:
            await trio.sleep(trio_h11.TICK)
            now = trio.current_time()
            for connection in list(self.connections.values()):
                connection.look(now)

    def chat(self, path="/v1/chat/completions", body=HELLO):
        """The bytes of a good request."""
        return corpus.request("POST", path, body, key=self.key)

    async def states(self):
        """How requests ended."""
        return [row.state for row in await self.hub.requests("a")]

    async def left(self):
        """Wait until nothing happens any more; nothing may be open then."""
        await trio.testing.wait_all_tasks_blocked()
        assert self.connections == {}
        assert self.hub.in_flight == 0
        assert self.provider.open_now == 0


@asynccontextmanager
async def place(provider=None):
    """Open a hub that peers may connect to."""
    provider = provider or ScriptedProvider()
    async with open_test_hub(provider) as hub, trio.open_nursery() as nursery:
        await hub.accounts.create("a", plan="enterprise", id="a")
        key = (await hub.accounts.create_key("a")).secret
        made = Place(hub, provider, key, nursery)
        nursery.start_soon(made.keep_time)
        yield made
        nursery.cancel_scope.cancel()


async def rest(stream):
    """All that comes until the server closes, and when it came."""
    told = b""
    while data := await stream.receive_some(65536):
        told += data
    return told, trio.current_time()


async def answer(stream, reader=None):
    """One answer."""
    reader = reader or Reader()
    reader.ask()
    told = None
    while told is None:
        told = reader.feed(await stream.receive_some(65536))
    return told


async def test_two_hundred_half_heads_hold_up_nobody(autojump_clock):
    """Each is a 408 after HEAD_TIMEOUT, and others are answered at once meanwhile."""
    async with place() as here:
        began = trio.current_time()
        halves = [here.connect() for _ in range(200)]
        for stream in halves:
            await stream.send_all(here.chat()[:40])
        honest = here.connect()
        reader = Reader()
        for _ in range(50):
            await honest.send_all(here.chat())
            asked = trio.current_time()
            assert (await answer(honest, reader))[0] == 200
            assert trio.current_time() == asked
            await trio.sleep(1)
        for stream in halves:
            told, _ = await rest(stream)
            assert told.startswith(b"HTTP/1.1 408 ")
            await stream.aclose()
        assert trio.current_time() - began < 60
        await honest.aclose()
        await here.left()
        assert await here.states() == ["ok"] * 50


async def _drip(stream, data, every):
    for n in range(len(data)):
        try:
            await stream.send_all(data[n : n + 1])
        except trio.BrokenResourceError:
            return
        await trio.sleep(every)


async def test_a_head_of_one_byte_a_second_is_given_up(autojump_clock):
    """The whole head has HEAD_TIMEOUT, however often a byte comes."""
    async with place() as here:
        stream = here.connect()
        here.nursery.start_soon(_drip, stream, here.chat(), 1)
        told, at = await rest(stream)
        assert told.startswith(b"HTTP/1.1 408 ")
        assert at < trio_h11.HEAD_TIMEOUT + 2 * trio_h11.TICK


async def test_a_body_of_one_byte_a_second_is_given_up(autojump_clock):
    """Between two reads there is time, but on the whole a body keeps to MIN_BODY_RATE."""
    async with place() as here:
        stream = here.connect()
        head, _, body = here.chat(body=HELLO + b" " * 1000).partition(b"\r\n\r\n")
        await stream.send_all(head + b"\r\n\r\n")
        here.nursery.start_soon(_drip, stream, body, 1)
        told, at = await rest(stream)
        assert told.startswith(b"HTTP/1.1 408 ")
        assert at < trio_h11.BODY_TIMEOUT + 2 * trio_h11.TICK
        assert await here.states() == []


async def test_a_body_whose_reads_each_come_just_in_time_is_given_up(autojump_clock):
    """What was sent buys time by its size, not by its pieces."""
    async with place() as here:
        stream = here.connect()
        head, _, body = here.chat(body=HELLO + b" " * 200_000).partition(b"\r\n\r\n")
        await stream.send_all(head + b"\r\n\r\n")
        for at in range(0, len(body), 20_000):
            try:
                await stream.send_all(body[at : at + 20_000])
            except trio.BrokenResourceError:
                break
            await trio.sleep(trio_h11.BODY_TIMEOUT - 2)
        told, at = await rest(stream)
        assert told.startswith(b"HTTP/1.1 408 ")
        assert at < 4 * trio_h11.BODY_TIMEOUT


async def test_a_body_at_the_slowest_pace_that_is_allowed_arrives(autojump_clock):
    """A minute of it: what is slow and steady is served."""
    async with place() as here:
        stream = here.connect()
        size = 60 * trio_h11.MIN_BODY_RATE
        head, _, body = here.chat(body=HELLO + b" " * size).partition(b"\r\n\r\n")
        await stream.send_all(head + b"\r\n\r\n")
        for at in range(0, len(body), trio_h11.MIN_BODY_RATE):
            await stream.send_all(body[at : at + trio_h11.MIN_BODY_RATE])
            await trio.sleep(1)
        assert (await answer(stream))[0] == 200


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat/stream"])
async def test_a_reader_that_never_reads_is_cut_and_settled(autojump_clock, path):
    """A write waits WRITE_TIMEOUT; the provider is asked for no more meanwhile."""
    async with place(ScriptedProvider([Text("a" * 1000)] * 500 + [Finished("stop")])) as here:
        stream = here.connect(trio.testing.lockstep_stream_pair)
        await stream.send_all(here.chat(path))
        await trio.sleep(trio_h11.WRITE_TIMEOUT + 2 * trio_h11.TICK)
        await here.left()
        # A whole answer is settled before it is written.
        assert await here.states() == ["aborted" if path.endswith("stream") else "ok"]


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat/stream"])
async def test_a_peer_may_leave_after_every_byte_of_its_request(autojump_clock, path):
    """Not admitted before the last one; then settled once. Nothing is left open."""
    async with place() as here:
        data = here.chat(path)
        for cut in range(len(data) + 1):
            stream = here.connect()
            await stream.send_all(data[:cut])
            await stream.aclose()
            await here.left()
        states = await here.states()
        assert len(states) <= 1
        assert set(states) <= {"aborted", "ok"}


async def _read_exactly(stream, size):
    while size:
        data = await stream.receive_some(size)
        assert data
        size -= len(data)


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/chat/stream"])
async def test_a_peer_may_leave_after_every_byte_of_its_answer(autojump_clock, path):
    """Each request is settled exactly once, whatever of it was read."""
    async with place() as here:
        data = here.chat(path).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        whole = here.connect()
        await whole.send_all(data)
        size = len((await rest(whole))[0])
        await whole.aclose()
        for cut in range(0, size, 3):
            stream = here.connect()
            await stream.send_all(data)
            await _read_exactly(stream, cut)
            await stream.aclose()
            await here.left()
        states = await here.states()
        assert set(states) <= {"aborted", "ok"}
        assert len(states) <= 1 + len(range(0, size, 3))
        assert "ok" in states


async def test_good_and_bad_requests_sent_ahead_are_answered_in_order(autojump_clock):
    """Pipelined: what is wrong in one is said of that one, and the next is answered."""
    async with place() as here:
        stream, reader = here.connect(), Reader()
        bad = corpus.request("POST", "/v1/chat/completions", b"{", key=here.key)
        await stream.send_all(here.chat() + bad + here.chat("/v1/chat/stream") + bad)
        statuses = []
        for _ in range(4):
            reader.ask()
            told = reader.next()
            while told is None:
                told = reader.feed(await stream.receive_some(65536))
            statuses.append(told[0])
        assert statuses == [200, 400, 200, 400]
        await stream.aclose()
        await here.left()
