"""The reference driver: one connection, HTTP/1.1 by h11 on a stream of trio's.

What listens, accepts and stops is in `trio_server`. This file is longer than most: reading,
writing and ending share one small state, and apart nobody could see that they agree on it.

Theory of operation. A connection has two tasks. One alone reads: it feeds h11, wakes the other,
and at end of file cancels what is being answered, for nobody is there any more. The other takes
requests from h11, enters `App.open`, and writes: head and body at once, a stream item by item.
Neither starts a task or a timer per request, and where a socket takes what is written, as most do,
a write does not go round the event loop (`Line.send_now`); others have their turn when the next
request is waited for, or after some chunks (`TURN`).

h11 reads alone; what is written is made in `framing`. So h11 never knows that an answer has ended,
and each request has an h11 of its own, which begins with what the one before has left over. A body
that came with its head, as most do, is taken from there without asking h11 for it.

Time is kept by one task for all connections, which looks round once a second (`TICK`) for a
deadline that has passed or a stream that has been silent; a connection only sets numbers. So every
limit is late by at most a tick, and costs nothing on the way.

A stop lets answers under way end within the grace. What is left then is cancelled, which settles
it, and the peer is told: by an error in place of the answer, or in the middle of the stream. Who is
amid a write is let finish it first, since nobody could say how much of it has left; a peer that
does not read is cut.

The driver knows no JSON and no statuses but those of framing: 400, 408, 413, 431, 501, 505.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from math import inf

import attrs
import h11
import trio

from .app import App, Opened
from .errors import framing_error
from .framing import Writer, keeps_open
from .heads import Refused, check_head, read_target
from .http import (
    BODY_TIMEOUT,
    KEEP_ALIVE_AFTER,
    LINGER,
    MAX_BODY,
    MAX_CHUNKS,
    MAX_HEAD,
    MIN_BODY_RATE,
    WRITE_TIMEOUT,
    Instead,
    Request,
    Response,
)
from .proxies import NOBODY, Proxies
from .trio_line import READ, Line

log = logging.getLogger("aihub.server")

MAX_PIPELINED = 64 * 1024
"""Bytes taken in while a request is being answered; further ones wait in the socket."""

IDLE_TIMEOUT = 75.0
"""Seconds that a connection may be silent between requests: longer than clients' pools keep one."""

HEAD_TIMEOUT = 10.0
"""Seconds from a head's first byte to its last: a real client sends it at once."""

TURN = 4
"""Chunks of a stream that are written before others have their turn, where none has to wait."""

TICK = 1.0
"""Seconds between two looks at the deadlines."""


MAX_CONNECTIONS = 4096
"""Connections open at once: four times what may be in flight, for pools keep idle ones. Each takes
some 30 kB and an open file."""


@attrs.frozen(kw_only=True)
class ServerOptions:
    """How a server serves.

    Args:
        grace: seconds that answers under way are given when it stops.
        max_connections: connections open at once; further ones are turned away.
        max_body: bytes of a body.
        idle_timeout: seconds that a connection may be silent between requests.
        proxies: who is believed about the address of those it speaks for.
        tls: what encrypts connections; None leaves them plain.
    """

    grace: float
    max_connections: int = MAX_CONNECTIONS
    max_body: int = MAX_BODY
    idle_timeout: float = IDLE_TIMEOUT
    proxies: Proxies = NOBODY
    tls: ssl.SSLContext | None = None


class _TimedOut(Exception):
    """The peer took too long to send what it began."""


class _Ended(Exception):
    """The server stops: nothing more of this answer is written."""


class Connection:
    """One peer.

    Args:
        app: who answers.
        stream: bytes from and to the peer.
        options: how it is served.
        peer: its address, empty where it has none.
        proxies: how to read whom it speaks for, where it is a proxy that is trusted.
    """

    def __init__(
        self,
        app: App,
        stream: trio.abc.Stream,
        options: ServerOptions,
        peer: str = "",
        proxies: Proxies | None = None,
    ) -> None:
        self._app = app
        self._stream = stream
        self._send_now = stream.send_now if isinstance(stream, Line) else _nothing
        # Chunks that were written since others had their turn.
        self._ahead = 0
        self._h11 = _parser()
        # Whether it was given anything: to ask it for nothing is a tenth of what reading costs.
        self._fed = False
        # How many of the bytes that it has left over are the body, and have been taken.
        self._taken = 0
        self._writer = Writer()
        self._max_body = options.max_body
        self._idle_timeout = options.idle_timeout
        self._peer = peer
        self._proxies = proxies
        self._waiting: trio.lowlevel.Task | None = None
        self._held_back: trio.Event | None = None
        self._pipelined = 0
        self._body_began = 0.0
        self._body_size = 0
        self._timed_out = False
        self._discard = False
        self._gone = trio.Event()
        self._answering = False
        self._response: Response | None = None
        self._wrote = inf
        self._saying_alive = False
        # What the next write has to wait for.
        self._hold: trio.Event | None = None
        self._opened: Opened | None = None
        # Of the request that is being read: in which dialect to refuse it.
        self._asked: tuple[str, Mapping[bytes, bytes]] = ("", {})
        self._last_words: Instead | None = None
        self._unsent = b""
        self.deadline = inf
        self.closing = False

    async def serve(self) -> None:
        """Serve requests until either side is done."""
        await self._live(self._requests)

    async def refuse(self) -> None:
        """Tell the peer that there is no room for it."""
        await self._live(partial(self._refuse, 503))

    async def _live(self, life: Callable[[], Awaitable[None]]) -> None:
        try:
            async with self._stream, trio.open_nursery() as nursery:
                self._nursery = nursery
                nursery.start_soon(self._read)
                await life()
                nursery.cancel_scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass  # The peer left; there is nobody to tell.
        except* Exception:
            log.exception("a connection failed")

    # Reading

    async def _read(self) -> None:
        while True:
            try:
                data = await self._stream.receive_some(READ)
            except trio.BrokenResourceError:
                data = b""
            if self._discard:
                if not data:
                    self._gone.set()
                    return
                continue
            self._h11.receive_data(bytes(data))
            self._fed = True
            if self._answering:
                if not data:
                    self._nursery.cancel_scope.cancel()
                    return
                await self._hold_back(len(data))
            elif data:
                self._set_read_deadline(len(data))
            self._wake()
            if not data:
                return

    def _set_read_deadline(self, size: int) -> None:
        now = trio.current_time()
        if self._h11.their_state is h11.SEND_BODY:
            self._body_size += size
            whole = BODY_TIMEOUT + self._body_size / MIN_BODY_RATE
            self.deadline = min(now + BODY_TIMEOUT, self._body_began + whole)
        elif self.deadline > now + HEAD_TIMEOUT:
            # The first bytes of a head: later ones do not buy more time.
            self.deadline = now + HEAD_TIMEOUT

    async def _hold_back(self, size: int) -> None:
        """Stop reading when a peer sends far ahead of its answers."""
        self._pipelined += size
        if self._pipelined > MAX_PIPELINED:
            self._held_back = trio.Event()
            await self._held_back.wait()

    def _wake(self) -> None:
        if self._waiting is not None:
            task, self._waiting = self._waiting, None
            trio.lowlevel.reschedule(task)

    async def _wait_for_data(self) -> None:
        def abort(_: object) -> trio.lowlevel.Abort:
            self._waiting = None
            return trio.lowlevel.Abort.SUCCEEDED

        self._waiting = trio.lowlevel.current_task()
        await trio.lowlevel.wait_task_rescheduled(abort)
        if self._timed_out:
            raise _TimedOut

    # Requests

    async def _requests(self) -> None:
        # What is ended has been settled; what is left is to say so.
        with trio.CancelScope() as self._answers, suppress(_Ended):
            await self._exchanges()
        if self._last_words is not None:
            await self._say_last(self._last_words)

    async def _exchanges(self) -> None:
        try:
            while await self._one_exchange():
                self._begin_next()
                if self._fed:
                    # It sends ahead of its answers: others have their turn.
                    await trio.lowlevel.checkpoint()
        except h11.RemoteProtocolError as error:
            await self._refuse(error.error_status_hint)
        except Refused as refused:
            await self._refuse(refused.status, refused.why)
        except _TimedOut:
            await self._refuse(408)

    async def _one_exchange(self) -> bool:
        """Serve one request. True if the connection can carry another."""
        self.deadline = trio.current_time() + self._idle_timeout
        self._pipelined = 0
        # What comes may be no request at all, and is refused then.
        self._writer = Writer()
        self._asked = ("", {})
        head = await self._next_event()
        if type(head) is not h11.Request:
            return False
        # Once, and as they came: h11's own list is slow to walk through.
        given = [(name.lower(), value) for name, value in head.headers.raw_items()]
        headers = dict(given)
        self._asked = (head.target.decode("ascii"), headers)
        version = head.http_version
        self._writer = Writer(version=version, head_only=head.method == b"HEAD")
        check_head(version, given, headers)
        self._body_began, self._body_size = trio.current_time(), 0
        self.deadline = self._body_began + BODY_TIMEOUT
        body = await self._read_body(headers)
        self.deadline = inf
        self._writer.keeps = keeps_open(version, given, headers)
        self._answering = True
        self._opened = self._app.open(self._to_request(head, headers, body))
        async with self._opened as response:
            await self._write(response)
        self._answering = False
        if self._held_back is not None:
            self._held_back.set()
            self._held_back = None
        return not self.closing and self._writer.ended and self._writer.keeps

    def _begin_next(self) -> None:
        """Make ready for another request, of which something may have come already."""
        data, closed = self._h11.trailing_data
        data, self._taken = data[self._taken :], 0
        self._h11 = _parser()
        self._fed = bool(data) or closed
        if data:
            self._h11.receive_data(data)
        if closed:
            self._h11.receive_data(b"")

    async def _next_event(self) -> h11.Event | type[h11.PAUSED]:
        if not self._fed:
            await self._wait_for_data()
        while True:
            event = self._h11.next_event()
            if event is not h11.NEED_DATA:
                return event  # type: ignore[return-value]
            if self._h11.they_are_waiting_for_100_continue:
                # To h11 it matters that it is told.
                told = h11.InformationalResponse(status_code=100, headers=[])
                await self._send(self._h11.send(told))
                self.deadline = trio.current_time() + BODY_TIMEOUT
            await self._wait_for_data()

    async def _read_body(self, headers: Mapping[bytes, bytes]) -> bytes:
        """Read the body.

        Raises:
            Refused: it is too large, which one that says so itself is at once.
        """
        size = int(headers.get(b"content-length", 0))
        if size > self._max_body:
            raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if b"transfer-encoding" not in headers and b"expect" not in headers:
            waiting = self._h11.trailing_data[0]
            if len(waiting) >= size:
                self._taken = size
                return waiting[:size]
        body, chunks = bytearray(), 0
        while True:
            event = await self._next_event()
            if type(event) is h11.Data:
                body += event.data
                chunks += event.chunk_start
                if len(body) > self._max_body or chunks > MAX_CHUNKS:
                    raise Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            elif type(event) is h11.EndOfMessage:
                return bytes(body)
            else:
                raise trio.BrokenResourceError("the peer left in the middle of a request")

    def _to_request(self, head: h11.Request, headers: dict[bytes, bytes], body: bytes) -> Request:
        path, query = read_target(head.target.decode("ascii"), headers)
        peer = self._peer if self._proxies is None else self._client(self._proxies, head)
        return Request(head.method.decode("ascii"), path, query, headers, body, peer)

    def _client(self, proxies: Proxies, head: h11.Request) -> str:
        # Each proxy may write a line of its own: they are one list.
        lines = [value for name, value in head.headers if name == b"x-forwarded-for"]
        if not lines:
            return self._peer
        return proxies.client(self._peer, b",".join(lines).decode("latin-1"))

    # Writing

    async def _send(self, data: bytes, *, unsent: bytes | None = None) -> None:
        """Write *data*; who is cancelled before the first byte of it has *unsent* left to write."""
        try:
            await trio.lowlevel.checkpoint_if_cancelled()
            sent = self._send_now(data)
            if sent < len(data):
                self.deadline = trio.current_time() + WRITE_TIMEOUT
                await self._stream.send_all(data[sent:])
        except trio.Cancelled:
            self._unsent = data if unsent is None else unsent
            raise
        self.deadline = inf

    async def _write(self, response: Response) -> None:
        if isinstance(response.body, bytes):
            await self._write_whole(response, response.body)
        else:
            await self._write_stream(response)

    async def _write_whole(self, response: Response, body: bytes) -> None:
        writer = self._writer
        writer.keeps = writer.keeps and not self.closing
        await self._send(writer.whole(response.status, response.headers, body))

    async def _write_stream(self, response: Response) -> None:
        assert not isinstance(response.body, bytes)  # noqa: S101 - the caller has looked
        self._response, self._wrote = response, trio.current_time()
        try:
            async for chunk in response.body:
                await self._write_chunk(chunk)
        except Instead as instead:
            await self._kept_alive()
            if not self._writer.begun:
                self._response = None
                await self._write(instead.response)
                return
            await self._write_chunk(instead.in_band)
        await self._kept_alive()
        out = self._open_head()
        self._response, self._wrote = None, inf
        await self._send(out + self._writer.end())

    async def _kept_alive(self) -> None:
        """Wait for a keep-alive that is being written.

        Raises:
            _Ended: nothing more is to be written.
        """
        if self._hold is not None:
            if self._last_words is not None:
                raise _Ended
            await self._hold.wait()

    async def _write_chunk(self, chunk: bytes) -> None:
        if self._hold is not None:
            await self._kept_alive()
        head = self._open_head()
        # While a write is under way nothing else may be written, the keep-alive neither.
        self._wrote, now = inf, trio.current_time()
        # The chunk is left out where it was cancelled: it may say that the answer is whole.
        await self._send(head + self._writer.chunk(chunk), unsent=head)
        self._wrote = now
        self._ahead += 1
        if self._ahead == TURN:
            self._ahead = 0
            await trio.lowlevel.checkpoint()

    def _open_head(self) -> bytes:
        """Return the stream's head the first time, nothing later."""
        writer, response = self._writer, self._response
        if writer.begun or response is None:
            return b""
        writer.keeps = writer.keeps and not self.closing
        return writer.head(response.status, response.headers)

    async def _say_alive(self) -> None:
        if self._response is None or self._wrote == inf:
            return
        self._hold = trio.Event()
        self._saying_alive, self._wrote = True, inf
        try:
            out = self._open_head() + self._writer.chunk(self._response.keep_alive)
            await self._send(out)
            self._wrote = trio.current_time()
        finally:
            self._hold.set()
            self._hold, self._saying_alive = None, False

    async def _refuse(self, status: int, why: str | None = None) -> None:
        """Answer bytes that are no request, if there is still somebody to answer."""
        if self._writer.begun:
            return
        target, headers = self._asked
        path, _ = read_target(target, dict(headers))
        id = self._app.hub.new_id()
        await self._write(framing_error(status, id, why, path=path, headers=headers))
        # Closing on bytes that nobody has read resets the connection, and the answer is lost with
        # it: read on for a moment, and keep nothing.
        self._discard = True
        if isinstance(self._stream, trio.abc.HalfCloseableStream):  # TLS has no such half.
            await self._stream.send_eof()
        with trio.move_on_after(LINGER):
            await self._gone.wait()

    # What the server's one clock does

    def look(self, now: float) -> None:
        """Act on a deadline that has passed and on a stream that has been silent."""
        if now > self.deadline:
            self._expire()
        elif now - self._wrote > KEEP_ALIVE_AFTER and self._response is not None:
            self._nursery.start_soon(self._say_alive)

    def _expire(self) -> None:
        self.deadline = inf
        if self._waiting is not None and self._has_begun():
            self._timed_out = True
            self._wake()
        else:
            self._nursery.cancel_scope.cancel()

    def _has_begun(self) -> bool:
        """Say whether anything of a request has come."""
        return bool(self._h11.trailing_data[0]) or self._h11.their_state is not h11.IDLE

    def close_soon(self) -> None:
        """Close now if idle, else after the request that has begun."""
        self.closing = True
        if not self._answering and not self._has_begun():
            self._nursery.cancel_scope.cancel()

    # How the server ends what outlives its grace

    def end(self) -> None:
        """End what is under way, and tell the peer; to be called again until it has ended."""
        self.closing = True
        if not self._answering or self._opened is None:
            self._nursery.cancel_scope.cancel()
            return
        if self._last_words is None:
            self._last_words = self._opened.stop()
        if self._saying_alive or self.deadline == inf:
            # The answer is not being written, so of what is cancelled now nothing has left.
            self._answers.cancel()
        else:
            self._hold = trio.Event()

    async def _say_last(self, words: Instead) -> None:
        """Tell why the answer ends, where it has not been written whole."""
        if self._saying_alive and self._hold is not None:
            await self._hold.wait()
        writer = self._writer
        if not writer.begun:
            await self._write(words.response)
            return
        out = self._unsent
        if not writer.ended:
            out += writer.chunk(words.in_band) + writer.end()
        if out:
            await self._send(out)


def _parser() -> h11.Connection:
    return h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEAD)


def _nothing(_data: bytes) -> int:
    """Send nothing without waiting: what encrypts cannot."""
    return 0
