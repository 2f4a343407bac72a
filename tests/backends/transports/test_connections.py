"""How each transport gets, keeps and gives up connections, beside what the suite says of both."""

import socket
import sys

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.errors import UpstreamCut, UpstreamFailed
from aihub.model.upstream import UpstreamRequest
from aihub.testing import Deed, open_upstream
from aihub.testing.transports import BRISK, OK, ask, closing, expect, fault, read

pytest.importorskip("h11")
pytestmark = pytest.mark.anyio
BOTH = pytest.mark.parametrize("make", [Httpx2Transport, NativeTransport])


@BOTH
async def test_what_ends_later_than_a_crossing_is_not_sent_again(make, monkeypatch):
    """A provider that worked on a request before it broke off may bill it."""
    monkeypatch.setattr("aihub.backends.transports.crossing.CROSSING", 0.01)
    async with (
        open_upstream(OK, [0.03, Deed.CLOSE], OK) as upstream,
        closing(make()) as transport,
    ):
        await read(transport, ask(upstream))
        await expect(transport, ask(upstream), UpstreamCut, "connection_lost")
    assert len(upstream.asked) == 2


async def test_a_head_that_broke_off_is_not_sent_again():
    """An answer had begun: the native transport sees a single byte of it."""
    async with (
        open_upstream(OK, [b"H", Deed.CLOSE], OK) as upstream,
        closing(NativeTransport()) as transport,
    ):
        await read(transport, ask(upstream))
        await expect(transport, ask(upstream), UpstreamCut, "connection_lost")
    assert len(upstream.asked) == 2


async def test_more_connections_than_one_pool_has_are_in_several(monkeypatch):
    """httpx2's pools are small, the transport's bound is the sum of them."""
    monkeypatch.setattr("aihub.backends.transports.by_httpx2.POOL_SIZE", 2)
    async with open_upstream([Deed.HANG]) as upstream, anyio.create_task_group() as tasks:
        async with closing(Httpx2Transport(connections=5)) as transport:
            for _ in range(8):
                tasks.start_soon(fault, transport, ask(upstream))
            await upstream.wait_open(5)
            tasks.cancel_scope.cancel()
        with anyio.CancelScope(shield=True):
            await upstream.wait_open(0)
            assert upstream.opened == 5


async def test_the_connection_used_last_is_used_next_and_old_ones_are_closed(monkeypatch):
    """So that those which nobody needs any more get old together."""
    monkeypatch.setattr("aihub.backends.transports.native.pool.KEEP_IDLE", 0.05)
    async with open_upstream([0.01, *OK]) as upstream, closing(NativeTransport()) as transport:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(read, transport, ask(upstream))
        assert upstream.open_now == 3
        for _ in range(12):
            await read(transport, ask(upstream))
        await upstream.wait_open(1)
        assert upstream.opened == 3
        await anyio.sleep(0.06)
        await read(transport, ask(upstream))
        assert upstream.opened == 4


async def test_leaving_at_the_last_event_keeps_a_connection_whose_end_is_there():
    """Who stops at `[DONE]` has often been sent the end along with it."""
    wire = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n"
    async with open_upstream([wire]) as upstream, closing(NativeTransport()) as transport:
        for _ in range(3):
            async with transport.open(ask(upstream)) as response:
                async for piece in response.body:
                    assert piece == b"done"
                    break
        assert upstream.opened == 1


# Names with several addresses


@pytest.fixture
def resolve(monkeypatch):
    """Give a function that says which addresses `many.example` has."""
    real = socket.getaddrinfo

    def put(*addresses):
        def getaddrinfo(host, port, *args, **kwargs):
            if host not in {"many.example", b"many.example"}:
                return real(host, port, *args, **kwargs)
            if kwargs.get("flags", 0) & socket.AI_NUMERICHOST:
                raise socket.gaierror(socket.EAI_NONAME, "no address")
            return [
                (
                    socket.AF_INET6 if ":" in one else socket.AF_INET,
                    socket.SOCK_STREAM,
                    6,
                    "",
                    (one, port, 0, 0) if ":" in one else (one, port),
                )
                for one in addresses
            ]

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)

    return put


def many(upstream, **limits):
    timeouts = attrs.evolve(BRISK, **limits)
    url = f"http://many.example:{upstream.port}/"
    return UpstreamRequest(method="GET", url=url, timeouts=timeouts)


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("::1", "127.0.0.1"),
        ("127.0.0.3", "127.0.0.2", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
    ],
)
async def test_an_address_that_refuses_is_followed_by_the_next(addresses, resolve):
    """At once, and whatever the order; the upstream listens on 127.0.0.1 alone."""
    resolve(*addresses)
    async with open_upstream(OK) as upstream, closing(NativeTransport()) as transport:
        assert await read(transport, many(upstream)) == b"ok"
        await upstream.wait_open(1)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no 127.0.0.5")
async def test_an_address_that_says_nothing_has_a_head_start_only(resolve, monkeypatch):
    """The next is tried beside it, and what is left of it is closed."""
    monkeypatch.setattr("aihub.backends.transports.native.dialing.HEAD_START", 0.02)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.5", 0))
        deaf.listen(0)
        port = deaf.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.5", port))
        resolve("127.0.0.5", "127.0.0.1")
        listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, answer_once)
            async with closing(NativeTransport()) as transport:
                url = f"http://many.example:{port}/"
                request = UpstreamRequest(method="GET", url=url, timeouts=BRISK)
                assert await read(transport, request) == b"ok"
                # And where there is no other, connecting takes no longer than it may.
                resolve("127.0.0.5")
                await transport.aclose()
            async with closing(NativeTransport()) as transport:
                short = attrs.evolve(request, timeouts=attrs.evolve(BRISK, connect=0.05))
                await expect(transport, short, UpstreamFailed, "connect_timeout")
            tasks.cancel_scope.cancel()
        for filler in fillers:
            filler.close()


async def answer_once(stream):
    async with stream:
        await stream.receive()
        for step in OK:
            await stream.send(step)


async def test_where_every_address_refuses_the_last_is_told(resolve):
    """No route to any is one failure."""
    async with open_upstream(OK) as upstream, closing(NativeTransport()) as transport:
        resolve("127.0.0.2", "127.0.0.3")
        await expect(transport, many(upstream), UpstreamFailed, "connect_failed")


async def test_cancelling_a_race_closes_all_who_run(resolve):
    """Whatever turn it is."""
    async with open_upstream(OK) as upstream, closing(NativeTransport()) as transport:
        resolve("127.0.0.2", "127.0.0.1", "127.0.0.1")
        for turns in range(25):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(read, transport, many(upstream))
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        await transport.aclose()
        await upstream.wait_open(0)
