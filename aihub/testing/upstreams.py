r"""An upstream that plays scripts: what a provider's server may send, to the byte, on 127.0.0.1.

::

    async with open_upstream(answer(b"hello"), [b"HTTP/1.1 200 OK\r\n", Deed.CLOSE]) as upstream:
        ...  # upstream.url, upstream.asked, upstream.open_now

It takes requests apart only as far as needed to see where one ends.
"""

from __future__ import annotations

import enum
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import TypeAlias

import anyio
import anyio.lowlevel
import attrs
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSListener

SETTLE_SECONDS = 5.0
"""What a test waits at most for connections to be seen opened or closed."""

TURNS = 4
"""Turns of the event loop between two pieces of an answer that is to come in pieces."""

_GONE = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)


class Deed(enum.Enum):
    """What an upstream may do beside sending bytes."""

    CLOSE = "close"
    """Close the connection as one does who has said everything."""
    RESET = "reset"
    """Break the connection off."""
    HANG = "hang"
    """Do nothing more until the peer leaves."""
    REST = "rest"
    """Do nothing more at all, and do not read either; the end of the test ends it."""


Step: TypeAlias = bytes | float | Deed
"""Bytes to send, seconds to wait, or a deed."""

Script: TypeAlias = Sequence[Step]


@attrs.frozen(kw_only=True)
class Asked:
    """A request as it arrived; `connection` counts from 0. Names of headers are small."""

    connection: int
    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


class ScriptedUpstream:
    """Answer each request with the next script; the last one serves all further requests.

    `asked` are the requests that came, `opened` counts connections, `open_now` those that are open.
    See `open_upstream`.
    """

    def __init__(
        self,
        scripts: Sequence[Script],
        *,
        whole_requests: bool = True,
        piece: int | None = None,
        scheme: str = "http",
    ) -> None:
        self._scripts = [*scripts] or [answer()]
        self._whole_requests = whole_requests
        self._piece = piece
        self._played = 0
        self._changed = anyio.Event()
        self._scheme = scheme
        self.port = 0
        self.asked: list[Asked] = []
        self.opened = 0
        self.open_now = 0

    @property
    def url(self) -> str:
        """Where it listens, without a path."""
        return f"{self._scheme}://127.0.0.1:{self.port}"

    async def wait_open(self, count: int) -> None:
        """Wait until *count* connections are open.

        Raises:
            AssertionError: it does not come to that.
        """
        with anyio.move_on_after(SETTLE_SECONDS):
            while self.open_now != count:
                await self._changed.wait()
        assert self.open_now == count, f"{self.open_now} connections are open, not {count}"

    async def serve(self, stream: ByteStream) -> None:
        """Serve one connection."""
        number, self.opened = self.opened, self.opened + 1
        self._count(1)
        try:
            async with stream:
                with suppress(*_GONE):
                    await self._talk(stream, number)
        finally:
            self._count(-1)

    def _count(self, change: int) -> None:
        self.open_now += change
        self._changed.set()
        self._changed = anyio.Event()

    async def _talk(self, stream: ByteStream, number: int) -> None:
        received = bytearray()
        while True:
            if self._whole_requests:
                self.asked.append(await _read_request(stream, received, number))
            else:
                await stream.receive()
            script = self._scripts[min(self._played, len(self._scripts) - 1)]
            self._played += 1
            for step in script:
                if isinstance(step, bytes):
                    await self._send(stream, step)
                elif isinstance(step, float | int):
                    await anyio.sleep(step)
                elif not await _do(step, stream):
                    return

    async def _send(self, stream: ByteStream, data: bytes) -> None:
        size = self._piece or max(len(data), 1)
        for start in range(0, len(data), size):
            await stream.send(data[start : start + size])
            if self._piece:
                # The peer reads it before the next piece comes: it has turns of the event loop.
                for _ in range(TURNS):
                    await anyio.lowlevel.checkpoint()


async def _do(deed: Deed, stream: ByteStream) -> bool:
    """Carry out a deed; False where the connection is over."""
    if deed is Deed.RESET:
        linger = struct.pack("ii", 1, 0)
        raw = stream.extra(SocketAttribute.raw_socket)  # noqa: S610 - not Django's
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    while deed is Deed.HANG:
        await stream.receive()
    if deed is Deed.REST:
        await anyio.sleep_forever()
    return False


async def _read_request(stream: ByteStream, received: bytearray, number: int) -> Asked:
    while b"\r\n\r\n" not in received:
        received += await stream.receive()
    head, _, rest = received.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    pairs = [line.split(":", 1) for line in lines]
    headers = tuple((name.lower(), value.strip()) for name, value in pairs)
    length = int(dict(headers).get("content-length", "0"))
    while len(rest) < length:
        rest += await stream.receive()
    received[:] = rest[length:]
    return Asked(
        connection=number, method=method, target=target, headers=headers, body=bytes(rest[:length])
    )


def answer(
    body: bytes = b"", *, status: str = "200 OK", headers: Sequence[tuple[str, str]] = ()
) -> Script:
    """Return the script of a whole answer that keeps its connection."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return ["\r\n".join([*lines, "", ""]).encode() + body]


def chunked(*pieces: bytes, headers: Sequence[tuple[str, str]] = ()) -> Script:
    """Return the script of an answer whose body comes in *pieces*, each a chunk of its own."""
    lines = ["HTTP/1.1 200 OK", "Transfer-Encoding: chunked"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join([*lines, "", ""]).encode()
    return [head, *(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


@asynccontextmanager
async def open_upstream(
    *scripts: Script,
    whole_requests: bool = True,
    piece: int | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[ScriptedUpstream]:
    """Listen on a free port of 127.0.0.1 until the context ends.

    Args:
        scripts: what the requests are answered with, one after another.
        whole_requests: whether to read a request to its end before answering; without, whatever
            comes is answered, be it TLS.
        piece: send at most so many bytes at once.
        tls: speak TLS, with this server's context.
    """
    scheme = "http" if tls is None else "https"
    upstream = ScriptedUpstream(scripts, whole_requests=whole_requests, piece=piece, scheme=scheme)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    upstream.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - not Django's
    door = listener if tls is None else TLSListener(listener, tls, standard_compatible=False)
    failure: Exception | None = None
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(door.serve, upstream.serve)
        try:
            yield upstream
        except Exception as error:  # noqa: BLE001 - what a test raises must not come out in a group
            failure = error
        finally:
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
