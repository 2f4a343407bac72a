"""The reference driver, byte by byte: on memory streams, with a clock that jumps."""

import json
from contextlib import asynccontextmanager

import pytest

trio = pytest.importorskip("trio")
h11 = pytest.importorskip("h11")
pytest.importorskip("pytest_trio")

from aihub.errors import UpstreamFailed  # noqa: E402 - after what may be missing
from aihub.model.events import Finished, Text  # noqa: E402
from aihub.server import trio_h11, trio_server  # noqa: E402
from aihub.server.app import App  # noqa: E402
from aihub.server.http import MAX_BODY, MAX_HEAD, Response  # noqa: E402
from aihub.testing import ScriptedProvider, open_test_hub  # noqa: E402

pytestmark = pytest.mark.trio

OPTIONS = trio_h11.ServerOptions(grace=0)
HELLO = json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}).encode()


class Peer:
    """The other end of a connection, with the hub and key behind it."""

    def __init__(self, hub, key, stream, connection):
        self.hub = hub
        self.key = key
        self.stream = stream
        self.connection = connection
        self.h11 = h11.Connection(h11.CLIENT)

    def request(self, path="/v1/chat/completions", body=HELLO, method="POST", headers=()):
        """The bytes of a request."""
        head = [
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Authorization: Bearer {self.key}",
            f"Content-Length: {len(body)}",
            *headers,
        ]
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body

    async def send(self, data):
        """Send bytes as they are."""
        await self.stream.send_all(data)

    async def receive(self):
        """Give (status, headers, body) of one answer that ends by its own length."""
        self.h11.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
        self.h11.send(h11.EndOfMessage())
        head, body = None, b""
        while True:
            event = self.h11.next_event()
            if event is h11.NEED_DATA:
                self.h11.receive_data(await self.stream.receive_some(65536))
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                break
            elif isinstance(event, h11.ConnectionClosed):
                raise EOFError
        if self.h11.their_state is h11.DONE:
            self.h11.start_next_cycle()
        return head.status_code, {k.decode(): v.decode() for k, v in head.headers}, body

    async def rest(self):
        """Everything until the server closes."""
        parts = []
        while data := await self.stream.receive_some(65536):
            parts.append(data)
        return b"".join(parts)

    async def states(self):
        """How the account's requests ended."""
        (account,) = [one for one in await self.hub.accounts.list() if one.name == "a"]
        return [row.state for row in await self.hub.requests(account.id)]


@asynccontextmanager
async def connected(*providers):
    """Open a hub, serve one connection, and give its other end."""
    async with open_test_hub(*providers) as hub, trio.open_nursery() as nursery:
        account = await hub.accounts.create("a", plan="pro")
        key = (await hub.accounts.create_key(account.id)).secret
        ours, theirs = trio.testing.memory_stream_pair()
        connection = trio_h11.Connection(App(hub), theirs, OPTIONS, "203.0.113.9")

        async def keep_time():
            while True:
                await trio.sleep(trio_h11.TICK)
                connection.look(trio.current_time())

        nursery.start_soon(keep_time)
        nursery.start_soon(connection.serve)
        yield Peer(hub, key, ours, connection)
        nursery.cancel_scope.cancel()


class Slow(ScriptedProvider):
    """A provider that waits before each event."""

    def __init__(self, seconds, *scripts):
        super().__init__(*scripts)
        self.seconds = seconds

    @asynccontextmanager
    async def open(self, call):
        async with super().open(call) as events:

            async def slowly():
                while True:
                    await trio.sleep(self.seconds)
                    try:
                        event = await anext(events)
                    except StopAsyncIteration:
                        return
                    yield event

            slow = slowly()
            try:
                yield slow
            finally:
                await slow.aclose()


async def test_a_connection_carries_one_request_after_another(autojump_clock):
    """Keep-alive, with a length, a reason and the request's id each time."""
    async with connected() as peer:
        for _ in range(3):
            await peer.send(peer.request())
            status, headers, body = await peer.receive()
            assert status == 200
            assert json.loads(body)["choices"][0]["message"]["content"] == "Once upon a time"
            assert int(headers["content-length"]) == len(body)


async def test_requests_sent_ahead_are_answered_in_order(autojump_clock):
    """Pipelining: three requests in one write, three answers."""
    async with connected() as peer:
        paths = ["/healthz", "/v1/models", "/readyz"]
        await peer.send(b"".join(peer.request(path, b"", "GET") for path in paths))
        bodies = [(await peer.receive())[2] for _ in paths]
        assert bodies[0] == b'{"status":"ok"}'
        assert b'"list"' in bodies[1]
        assert bodies[2] == b'{"status":"ready"}'


async def test_byte_by_byte_equals_whole(autojump_clock):
    """However a request arrives, it is the same request."""
    async with connected() as peer:
        for byte in peer.request():
            await peer.send(bytes([byte]))
        status, _, _ = await peer.receive()
        assert status == 200
        assert await peer.states() == ["ok"]


async def test_however_several_requests_are_cut_in_two_they_are_the_same_requests(autojump_clock):
    """With a length, in chunks, with no body, sent ahead: each takes its own bytes alone."""
    async with connected() as peer:
        chunked = peer.request(body=b"").replace(
            b"Content-Length: 0", b"Transfer-Encoding: chunked"
        )
        wire = b"".join(
            [
                peer.request(),
                peer.request("/healthz", b"", "GET"),
                chunked + b"5\r\n" + HELLO[:5] + b"\r\n",
                b"%x\r\n%b\r\n0\r\n\r\n" % (len(HELLO) - 5, HELLO[5:]),
                peer.request("/healthz", b"not asked for", "GET"),
                peer.request(),
            ]
        )
        for cut in range(0, len(wire), 11):
            await peer.send(wire[:cut])
            await trio.testing.wait_all_tasks_blocked()
            await peer.send(wire[cut:])
            answers = [await peer.receive() for _ in range(5)]
            assert [status for status, _, _ in answers] == [200] * 5, cut
            assert [b"choices" in body for _, _, body in answers] == [True, False] * 2 + [True]


async def test_a_stream_is_chunked_and_ends(autojump_clock):
    """Events come in chunks, the connection lives on."""
    async with connected() as peer:
        await peer.send(peer.request("/v1/chat/stream"))
        status, headers, body = await peer.receive()
        assert (status, headers["transfer-encoding"]) == (200, "chunked")
        assert body.endswith(b"data: [DONE]\n\n")
        await peer.send(peer.request("/healthz", b"", "GET"))
        assert (await peer.receive())[0] == 200


async def test_an_old_client_gets_its_answer_and_the_connection_closes(autojump_clock):
    """HTTP/1.0 without keep-alive."""
    async with connected() as peer:
        await peer.send(b"GET /healthz HTTP/1.0\r\n\r\n")
        told = await peer.rest()
        assert told.startswith(b"HTTP/1.1 200 OK\r\n")
        assert told.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GARBAGE\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"x" * (MAX_HEAD + 1), 431),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (MAX_BODY + 1), 413),
        (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % 10**30, 400),
    ],
    ids=range(13),
)
async def test_bytes_that_are_no_request_are_refused_in_json(autojump_clock, data, status):
    """The error the contract names, and then the connection closes."""
    async with connected() as peer:
        await peer.send(data)
        head, _, body = (await peer.rest()).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 %d " % status)
        assert b"connection: close" in head.lower()
        assert set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
        assert await peer.states() == []


async def test_a_body_that_turns_out_too_large_is_refused(autojump_clock):
    """Without a length the bound holds as bytes arrive."""
    async with connected() as peer:
        await peer.send(b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"%x\r\n" % 2**20 + b"x" * 2**20 + b"\r\n"
        for _ in range(5):
            await peer.send(chunk)
        assert (await peer.rest()).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("sent", [b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: x\r\n"])
async def test_half_a_head_is_given_up(autojump_clock, sent):
    """408 after HEAD_TIMEOUT, however slowly further bytes drip."""
    async with connected() as peer:
        began = trio.current_time()
        for byte in sent:
            await peer.send(bytes([byte]))
            await trio.sleep(0.1)
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")
        assert trio.current_time() - began < trio_h11.HEAD_TIMEOUT + 2 * trio_h11.TICK


async def test_half_a_body_is_given_up(autojump_clock):
    """408 when BODY_TIMEOUT passes between two reads; nothing is written."""
    async with connected() as peer:
        await peer.send(peer.request()[:-20])
        assert (await peer.rest()).startswith(b"HTTP/1.1 408 ")
        assert await peer.states() == []


async def test_a_silent_connection_is_closed(autojump_clock):
    """Between requests IDLE_TIMEOUT holds, and nobody is told anything."""
    async with connected() as peer:
        await peer.send(peer.request("/healthz", b"", "GET"))
        await peer.receive()
        began = trio.current_time()
        assert await peer.rest() == b""
        waited = trio.current_time() - began
        assert trio_h11.IDLE_TIMEOUT <= waited <= trio_h11.IDLE_TIMEOUT + 2 * trio_h11.TICK


async def test_a_client_that_waits_for_100_continue_is_told(autojump_clock):
    """Expect: 100-continue is answered before the body is read."""
    async with connected() as peer:
        head, _, body = peer.request(headers=["Expect: 100-continue"]).partition(b"\r\n\r\n")
        await peer.send(head + b"\r\n\r\n")
        assert (await peer.stream.receive_some(100)).startswith(b"HTTP/1.1 100 ")
        await peer.send(body)
        assert (await peer.receive())[0] == 200


async def test_a_peer_that_leaves_cancels_its_request(autojump_clock):
    """The provider is let go at once, and the request is settled as aborted."""
    provider = Slow(100)
    async with connected(provider) as peer:
        await peer.send(peer.request("/v1/chat/stream"))
        await trio.testing.wait_all_tasks_blocked()
        assert provider.open_now == 1
        await peer.stream.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert provider.open_now == 0
        assert await peer.states() == ["aborted"]


async def test_a_peer_may_leave_at_every_byte(autojump_clock):
    """Of a request or of its answer: nothing is left open, and no row stays open."""
    whole = 400
    for cut in range(0, whole, 7):
        provider = ScriptedProvider()
        async with connected(provider) as peer:
            request = peer.request("/v1/chat/stream")
            await peer.send(request[: min(cut, len(request))])
            if cut > len(request):
                await peer.stream.receive_some(cut - len(request))
            await peer.stream.aclose()
            await trio.testing.wait_all_tasks_blocked()
            assert provider.open_now == 0
            assert set(await peer.states()) <= {"aborted", "ok"}


async def test_a_peer_that_never_reads_is_given_up(autojump_clock):
    """A write that waits WRITE_TIMEOUT ends the connection; the request is settled."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    provider = ScriptedProvider()
    async with open_test_hub(provider) as hub, trio.open_nursery() as nursery:
        account = await hub.accounts.create("a", plan="pro")
        key = (await hub.accounts.create_key(account.id)).secret
        connection = trio_h11.Connection(App(hub), theirs, OPTIONS)
        peer = Peer(hub, key, ours, connection)
        nursery.start_soon(connection.serve)
        await peer.send(peer.request("/v1/chat/stream"))
        while await peer.states() != ["aborted"]:
            await trio.sleep(trio_h11.TICK)
            connection.look(trio.current_time())
        assert trio.current_time() > trio_h11.WRITE_TIMEOUT
        assert provider.open_now == 0


async def test_a_silent_stream_says_that_it_lives(autojump_clock):
    """After 15 s the head and a comment, then a comment every 15 s; then the answer."""
    slow = Slow(40, [Text("Once"), Finished("stop")])
    async with connected(slow) as peer:
        await peer.send(peer.request("/v1/chat/stream"))
        began = trio.current_time()
        first = await peer.stream.receive_some(65536)
        assert 15 <= trio.current_time() - began <= 17
        assert first.startswith(b"HTTP/1.1 200 OK\r\n")
        assert b": keep-alive\n\n" in first
        peer.h11.receive_data(first)
        _, _, body = await peer.receive()
        assert body.count(b": keep-alive") == 6
        assert body.endswith(b"data: [DONE]\n\n")
        assert b'"Once"' in body


async def test_a_failure_before_the_head_is_a_plain_error(autojump_clock):
    """Nothing has been sent yet: the status is still free."""
    async with connected(Slow(1, [UpstreamFailed("down")])) as peer:
        await peer.send(peer.request("/v1/chat/stream"))
        status, headers, body = await peer.receive()
        assert (status, headers["content-type"]) == (502, "application/json")
        assert json.loads(body)["error"]["code"] == "upstream_failed"


async def test_a_failure_after_the_head_is_told_in_band(autojump_clock):
    """The head went with a keep-alive: the error is an event, without [DONE]."""
    async with connected(Slow(20, [UpstreamFailed("down")])) as peer:
        await peer.send(peer.request("/v1/chat/stream"))
        status, _, body = await peer.receive()
        assert status == 200
        comment, _, event = body.partition(b"\n\n")
        assert comment == b": keep-alive"
        assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == "upstream_failed"


async def test_a_bug_costs_its_connection_and_no_other(autojump_clock, caplog, monkeypatch):
    """It is logged; the process lives."""
    async with connected() as peer:
        monkeypatch.setattr(App, "open", lambda *_: 1 / 0)
        await peer.send(peer.request())
        assert await peer.rest() == b""
        await trio.testing.wait_all_tasks_blocked()
    assert "a connection failed" in caplog.text


async def test_a_bug_in_the_middle_of_a_stream_cuts_it(autojump_clock, caplog, monkeypatch):
    """The peer sees the connection end without the end of the body, and does not wait."""
    once = [b"data: {}\n\n"]

    class Broken:
        def __aiter__(self):
            return self

        async def __anext__(self):
            await trio.lowlevel.checkpoint()
            if once:
                return once.pop()
            raise RuntimeError("a bug")

        async def aclose(self):
            return

    @asynccontextmanager
    async def opened(*_):
        yield Response(200, [(b"content-type", b"text/event-stream")], Broken())

    async with connected() as peer:
        monkeypatch.setattr(App, "open", opened)
        await peer.send(peer.request("/v1/chat/stream"))
        told = await peer.rest()
        assert b"data: {}" in told
        assert not told.endswith(b"0\r\n\r\n")
        await trio.testing.wait_all_tasks_blocked()
    assert "a connection failed" in caplog.text


async def test_a_flood_of_requests_ahead_waits_in_the_socket(autojump_clock):
    """While one is answered no more than MAX_PIPELINED is taken in; all are answered."""
    async with connected(Slow(1)) as peer:
        many = 40
        request = peer.request(body=HELLO + b" " * 8000)

        async def send():
            for _ in range(many):
                await peer.send(request)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            for _ in range(many):
                assert (await peer.receive())[0] == 200


@asynccontextmanager
async def serving(provider, *, grace, **options):
    """Serve on a real socket; give the server, its port and a key."""
    async with open_test_hub(provider) as hub, trio.open_nursery() as nursery:
        account = await hub.accounts.create("a", plan="pro")
        key = (await hub.accounts.create_key(account.id)).secret
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server = trio_server.Server(App(hub), trio_h11.ServerOptions(grace=grace, **options))
        nursery.start_soon(server.serve, listeners)
        port = listeners[0].socket.getsockname()[1]
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            yield server, Peer(hub, key, stream, None)


async def test_stopping_lets_what_is_under_way_end():
    """Idle connections close, a running answer ends well, new ones are refused."""
    async with serving(Slow(0.02), grace=10) as (server, peer):
        await peer.send(peer.request("/v1/chat/stream"))
        await peer.stream.receive_some(1)
        async with await trio.open_tcp_stream(*peer.stream.socket.getpeername()) as idle:
            server.stop()
            assert await idle.receive_some() == b""
        assert (await peer.rest()).endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert await peer.states() == ["ok"]


async def test_cutting_does_not_wait():
    """It ends what is under way; it is settled all the same."""
    async with serving(Slow(1000, [Text("a"), Finished("stop")]), grace=1000) as (server, peer):
        await peer.send(peer.request("/v1/chat/stream"))
        while not peer.hub.in_flight:
            await trio.sleep(0.01)
        server.stop()
        server.cut()
        assert await peer.rest() == b""
        assert await peer.states() == ["aborted"]


HEAD = b"HTTP/1.1 200 "


async def stop_at(server, peer, path, *, after=0):
    """Ask, stop once the provider is at work, and give all that comes."""
    await peer.send(peer.request(path))
    while not peer.hub.in_flight:
        await trio.sleep(0.01)
    if after:
        await peer.stream.receive_some(after)
    server.stop()
    return await peer.rest()


async def test_an_answer_that_outlives_the_grace_is_a_503():
    """Where the head has not left, whether a stream was asked for or not; it is settled."""
    for path in ("/v1/chat/completions", "/v1/chat/stream"):
        async with serving(Slow(1000), grace=0) as (server, peer):
            told = await stop_at(server, peer, path)
            head, _, body = told.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 1\r\n" in head.lower()
            assert b"x-request-id: req_" in head.lower()
            assert json.loads(body)["error"]["code"] == "hub_closed"
            assert await peer.states() == ["aborted"]


async def test_a_stream_that_outlives_the_grace_ends_with_the_error_event():
    """The body ends as chunked bodies do, without [DONE], and the connection closes."""
    texts = [Text("a")] * 200
    async with serving(Slow(0.02, texts), grace=0) as (server, peer):
        told = await stop_at(server, peer, "/v1/chat/stream", after=1)
        *_, size, event, end, _, _ = told.split(b"\r\n")
        assert int(size, 16) == len(event)
        assert json.loads(event.removeprefix(b"data: "))["error"]["type"] == "api_error"
        assert end == b"0"
        assert b"[DONE]" not in told
        assert await peer.states() == ["aborted"]


async def test_a_stream_that_never_waits_is_ended_between_two_writes():
    """A provider as fast as the wire is caught amid a write, which is let finish."""
    async with serving(ScriptedProvider([Text("a")] * 500_000), grace=0) as (server, peer):
        told = await stop_at(server, peer, "/v1/chat/stream", after=100)
        assert told.endswith(b"\n\n\r\n0\r\n\r\n")
        assert b'"code":"hub_closed"' in told
        assert told.count(b"hub_closed") == 1
        assert await peer.states() == ["aborted"]


@pytest.mark.slow
async def test_a_peer_that_does_not_read_does_not_hold_the_stop():
    """Its stream is cut after FAREWELL_TIMEOUT, and settled."""
    async with serving(ScriptedProvider([Text("a" * 1000)] * 500_000), grace=0) as (server, peer):
        await peer.send(peer.request("/v1/chat/stream"))
        while not peer.hub.in_flight:
            await trio.sleep(0.01)
        await trio.sleep(0.1)
        began = trio.current_time()
        server.stop()
        while peer.hub.in_flight:
            await trio.sleep(0.01)
        assert trio.current_time() - began < trio_server.FAREWELL_TIMEOUT + 1
        assert await peer.states() == ["aborted"]


async def test_a_keep_alive_under_way_is_written_before_the_last_words(autojump_clock):
    """Nothing is torn: the head, a whole comment, the error event, the end."""
    ours, theirs = trio.testing.lockstep_stream_pair()
    async with open_test_hub(Slow(1000)) as hub, trio.open_nursery() as nursery:
        account = await hub.accounts.create("a", plan="pro")
        key = (await hub.accounts.create_key(account.id)).secret
        connection = trio_h11.Connection(App(hub), theirs, OPTIONS)
        peer = Peer(hub, key, ours, connection)
        nursery.start_soon(connection.serve)
        await peer.send(peer.request("/v1/chat/stream"))
        await trio.testing.wait_all_tasks_blocked()
        connection.look(trio.current_time() + 16)
        await trio.testing.wait_all_tasks_blocked()
        connection.end()
        told = await peer.rest()
        assert told.startswith(HEAD)
        comment, event = told.index(b": keep-alive\n\n\r\n"), told.index(b"hub_closed")
        assert comment < event
        assert told.endswith(b"\r\n0\r\n\r\n")
        assert await peer.states() == ["aborted"]


async def test_a_request_half_sent_when_the_server_stops_is_answered():
    """It has begun, so it has the grace; the answer says that the connection closes."""
    async with serving(ScriptedProvider(), grace=10) as (server, peer):
        request = peer.request()
        await peer.send(request[:-5])
        await trio.sleep(0.05)
        server.stop()
        await trio.sleep(0.05)
        await peer.send(request[-5:])
        told = await peer.rest()
        assert told.startswith(HEAD)
        assert b"connection: close" in told.lower()
        assert await peer.states() == ["ok"]


async def test_a_connection_too_many_is_turned_away():
    """A 503 in JSON that says when to come again; those that are open are served."""
    async with serving(ScriptedProvider(), grace=1, max_connections=1) as (server, peer):
        await peer.send(peer.request("/healthz", b"", "GET"))
        assert (await peer.receive())[0] == 200
        async with await trio.open_tcp_stream(*peer.stream.socket.getpeername()) as second:
            await second.send_all(peer.request())
            told = b"".join([part async for part in second])
        head, _, body = told.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 503 ")
        assert b"retry-after: 1" in head.lower()
        assert json.loads(body)["error"]["code"] == "too_many_connections"
        assert await peer.states() == []
        await peer.send(peer.request("/healthz", b"", "GET"))
        assert (await peer.receive())[0] == 200
        server.stop()


async def test_of_very_many_too_many_only_some_are_told(monkeypatch):
    """The others are closed: who waits to be told costs a task, too."""
    monkeypatch.setattr(trio_server, "MAX_TURNED_AWAY", 0)
    async with serving(ScriptedProvider(), grace=1, max_connections=1) as (server, peer):
        await peer.send(peer.request("/healthz", b"", "GET"))
        await peer.receive()
        async with await trio.open_tcp_stream(*peer.stream.socket.getpeername()) as second:
            assert await second.receive_some() == b""
        server.stop()


async def test_a_body_may_be_as_large_as_the_options_say():
    """To the byte; MAX_BODY is only where nothing is said."""
    async with serving(ScriptedProvider(), grace=1, max_body=len(HELLO)) as (server, peer):
        await peer.send(peer.request())
        assert (await peer.receive())[0] == 200
        await peer.send(peer.request(body=HELLO + b" "))
        assert (await peer.receive())[0] == 413
        server.stop()


async def test_head_has_no_body_and_options_no_length():
    """The length is that of the body which GET would have; the connection carries on."""
    async with connected() as peer:
        for _ in range(2):
            await peer.send(peer.request("/healthz", b"", "HEAD"))
            data = bytes(await peer.stream.receive_some(65536))
            head, _, rest = data.partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200")
            assert b"content-length: 15" in head.lower()
            assert rest == b""
        await peer.send(peer.request("/healthz", b"", "OPTIONS"))
        data = bytes(await peer.stream.receive_some(65536))
        assert data.startswith(b"HTTP/1.1 204")
        assert b"content-length" not in data.lower()
        await peer.send(peer.request("/healthz", b"", "GET"))
        assert (await peer.receive())[0] == 200


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/v1/messages", {"type", "message", "param", "code"}),
        (
            "http://localhost/v1beta/models/gpt-4:generateContent",
            {"code", "message", "status", "details"},
        ),
        ("/v1/chat/completions", {"message", "type", "param", "code"}),
    ],
)
async def test_a_refused_body_is_told_in_the_dialect_of_its_path(autojump_clock, path, names):
    """413 before the body is read: the head has said who asks."""
    async with connected() as peer:
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {MAX_BODY + 1}\r\n\r\n"
        await peer.send(head.encode())
        answered = await peer.rest()
        body = json.loads(answered.partition(b"\r\n\r\n")[2])
        assert answered.startswith(b"HTTP/1.1 413 ")
        assert body["error"].keys() == names
        assert ("request_id" in body) == (path == "/v1/messages")


async def test_a_silent_stream_says_alive_as_its_dialect_does(autojump_clock):
    """A ping for Anthropic's clients, white space in a list for Google's."""
    hello = {"messages": [{"role": "user", "content": "Hi"}], "model": "gpt-4", "max_tokens": 9}
    contents = {"contents": [{"parts": [{"text": "Hi"}]}]}
    for path, body, alive in (
        ("/v1/messages", {**hello, "stream": True}, b'event: ping\ndata: {"type":"ping"}\n\n'),
        ("/v1beta/models/gpt-4:streamGenerateContent", contents, b"\n"),
    ):
        async with connected(Slow(20, [UpstreamFailed("boom")])) as peer:
            data = json.dumps(body).encode()
            await peer.send(peer.request(path, data))
            status, _, told = await peer.receive()
            assert status == 200
            assert told.startswith(alive)
            last = told.removeprefix(alive).rpartition(b"data: ")[2]
            last = json.loads(last)
            (error,) = [one["error"] for one in (last if isinstance(last, list) else [last])]
            assert error["message"] == "boom"


async def test_a_busy_hub_is_529_for_anthropics_clients():
    """A status that HTTP's registry does not have."""
    async with connected() as peer:
        peer.hub._max_in_flight = 0
        body = json.dumps({"model": "gpt-4", "max_tokens": 9, "messages": []}).encode()
        body = body.replace(b"[]", b'[{"role": "user", "content": "Hi"}]')
        await peer.send(peer.request("/v1/messages", body))
        status, _, told = await peer.receive()
        assert (status, json.loads(told)["error"]["type"]) == (529, "overloaded_error")
