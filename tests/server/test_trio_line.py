"""A plain connection is a stream as trio asks for one, and sends at once what there is room for."""

import socket

import pytest

trio = pytest.importorskip("trio")
pytest.importorskip("pytest_trio")
pytest.importorskip("h11")

from trio.testing import check_half_closeable_stream  # noqa: E402 - after what may be missing

from aihub.server.trio_line import Line  # noqa: E402

pytestmark = pytest.mark.trio

SECONDS = 60
"""What any of it takes at most on a busy machine."""


async def pair(kind="tcp"):
    """Two ends of a connection."""
    if kind == "unix":
        one, other = trio.socket.socketpair()
    else:
        with trio.socket.socket() as listening:
            await listening.bind(("127.0.0.1", 0))
            listening.listen()
            one = trio.socket.socket()
            await one.connect(listening.getsockname())
            other, _ = await listening.accept()
    return Line(trio.SocketStream(one)), Line(trio.SocketStream(other))


def fill(line):
    """Send until the socket takes no more; give how much it took."""
    sent = 0
    while (now := line.send_now(b"x" * 65536)) > 0:
        sent += now
    return sent


@pytest.mark.parametrize("kind", ["tcp", "unix"])
async def test_it_is_a_stream_as_trio_asks_for_one(kind):
    """Checkpoints, conflicts, closing, half closing, backpressure: trio's own suite."""

    async def make():
        return await pair(kind)

    async def make_clogged():
        left, right = await pair(kind)
        fill(left)
        fill(right)
        return left, right

    with trio.fail_after(SECONDS):
        await check_half_closeable_stream(make, make_clogged)


async def test_what_there_is_room_for_is_sent_at_once_and_the_rest_later():
    """Nothing is lost and nothing sent twice."""
    left, right = await pair()
    async with left, right:
        assert left.send_now(b"one") == 3
        assert await right.receive_some() == b"one"
        sent = fill(left)
        assert sent > 0
        assert left.send_now(b"more") == 0
        async with trio.open_nursery() as nursery:
            nursery.start_soon(left.send_all, b"end")
            got = b""
            while len(got) < sent + 3:
                got += await right.receive_some()
        assert got == b"x" * sent + b"end"


async def test_who_has_left_is_not_sent_anything():
    """A connection that was reset is broken, and one that this side closed is closed."""
    left, right = await pair()
    linger = (1).to_bytes(4, "little") + bytes(4)
    right._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    await right.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await left.receive_some()
    with pytest.raises(trio.BrokenResourceError):
        left.send_now(b"x")
    await left.aclose()
    with pytest.raises(trio.ClosedResourceError):
        left.send_now(b"x")
