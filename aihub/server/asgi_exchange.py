"""One request of an ASGI server's while it is answered: its messages, and the tasks about them.

See `asgi` for the theory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any, TypeAlias

import anyio

from ..errors import HubClosed
from .app import Opened
from .heads import Refused
from .http import (
    BODY_TIMEOUT,
    FAREWELL_TIMEOUT,
    KEEP_ALIVE_AFTER,
    LINGER,
    MAX_CHUNKS,
    MIN_BODY_RATE,
    WRITE_TIMEOUT,
    Headers,
    Instead,
    Response,
)

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]

TICK = 1.0
"""Seconds between two looks at a stream's deadlines."""

_NO_CONTENT = 204


class Left(Exception):
    """The peer went away."""


class _Ended(Exception):
    """The application stops: nothing more of this answer is written."""


class Reader:
    """Takes the messages of one request."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def _next(self) -> bytes:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise Left
        self._ended = not message.get("more_body", False)
        part: bytes = message.get("body", b"")
        return part

    async def body(self, length: int, most: int) -> bytes:
        """Collect the body, which says that it has *length* bytes.

        Raises:
            Refused: it has more than *most*, which one that says so itself is at once, or is slow.
            Left: the peer went away before its end.
        """
        if length > most:
            raise Refused(413)
        began, body, chunks = anyio.current_time(), bytearray(), 0
        with anyio.move_on_after(BODY_TIMEOUT) as scope:
            while True:
                body += await self._next()
                chunks += 1
                if len(body) > most or chunks > MAX_CHUNKS:
                    raise Refused(413)
                if self._ended:
                    return bytes(body)
                whole = began + BODY_TIMEOUT + len(body) / MIN_BODY_RATE
                scope.deadline = min(anyio.current_time() + BODY_TIMEOUT, whole)
        raise Refused(408)

    async def discard(self) -> None:
        """Read on for a moment what is left of the body, and keep nothing."""
        with suppress(Left), anyio.move_on_after(LINGER):
            while not self._ended:
                await self._next()

    async def wait_left(self) -> None:
        """Wait until the peer goes away."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class Writer:
    """Sends the messages of one answer, never two at a time."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._send = send
        self._head_only = scope["method"] == "HEAD"
        self._closes = scope.get("http_version", "1.1").startswith("1.")
        self.turn = anyio.Lock(fast_acquire=True)
        self.begun = self.done = False

    async def refuse(self, response: Response, reader: Reader) -> None:
        """Answer what was not read to its end."""
        if not self._closes:
            # In HTTP/2 a connection is not for one answer to close.
            response.headers = [one for one in response.headers if one[0] != b"connection"]
        with suppress(OSError), anyio.move_on_after(WRITE_TIMEOUT):
            # Servers that close on bytes that nobody has read reset the connection, and the answer
            # is lost with it.
            await self._most(response, more=True)
            await reader.discard()
            await self._body(b"", more=False)

    async def whole(self, response: Response) -> None:
        """Send head and body."""
        async with self.turn:
            await self._most(response, more=False)

    async def _most(self, response: Response, *, more: bool) -> None:
        assert isinstance(response.body, bytes)  # noqa: S101 - the caller has looked
        headers = list(response.headers)
        if response.status != _NO_CONTENT:
            headers.append((b"content-length", b"%d" % len(response.body)))
        await self._begin(response.status, headers)
        # The answer to HEAD says how long a body would be, and has none.
        await self._body(b"" if self._head_only else response.body, more=more)

    async def item(self, response: Response, data: bytes, *, more: bool = True) -> None:
        """Send one item of a stream, before the first the head; the caller has the turn."""
        if not self.begun:
            await self._begin(response.status, list(response.headers))
        await self._body(data, more=more)

    async def _begin(self, status: int, headers: Headers) -> None:
        self.begun = True
        await self._send({"type": "http.response.start", "status": status, "headers": headers})

    async def _body(self, data: bytes, *, more: bool) -> None:
        self.done = not more
        await self._send({"type": "http.response.body", "body": data, "more_body": more})


class Exchange:
    """One request while it is answered."""

    def __init__(self, opened: Opened, reader: Reader, writer: Writer) -> None:
        self._opened = opened
        self._reader = reader
        self._writer = writer
        self._scope = anyio.CancelScope()
        self._response: Response | None = None
        self._wrote = self._deadline = 0.0
        self._last_words: Instead | None = None

    async def run(self) -> None:
        """Answer it until it is done, its peer leaves, or it is ended."""
        try:
            await self._respond()
        except anyio.get_cancelled_exc_class():
            # The server stops: it cancels what it does not want to wait for.
            self._last_words = self._opened.stop()
            with anyio.CancelScope(shield=True):
                await self._say_last()
            raise
        await self._say_last()

    async def _respond(self) -> None:
        async with anyio.create_task_group() as tasks:
            self._scope = tasks.cancel_scope
            tasks.start_soon(self._watch)
            try:
                async with self._opened as response:
                    if isinstance(response.body, bytes):
                        await self._write_whole(response)
                    else:
                        tasks.start_soon(self._keep_time)
                        await self._write_stream(response, response.body)
            except _Ended:
                pass  # What is left to say is said when it has been settled.
            except HubClosed:
                # Whoever holds the hub closed it before this ended.
                self._last_words = self._opened.stop()
            except OSError:
                pass  # The peer left while it was written to: so servers say it.
            tasks.cancel_scope.cancel()

    async def _watch(self) -> None:
        """Cancel when the peer leaves."""
        await self._reader.wait_left()
        self._scope.cancel()

    # Writing

    async def _write_whole(self, response: Response) -> None:
        # All else has ended by then; a scope of its own would cost more than the write.
        self._scope.deadline = anyio.current_time() + WRITE_TIMEOUT
        await self._writer.whole(response)

    async def _write_stream(self, response: Response, body: AsyncIterator[bytes]) -> None:
        self._wrote, self._response = anyio.current_time(), response
        try:
            async for chunk in body:
                await self._write_item(response, chunk)
        except Instead as instead:
            if not self._writer.begun:
                self._response = None
                await self._write_whole(instead.response)
                return
            await self._write_item(response, instead.in_band, more=False)
            return
        await self._write_item(response, b"", more=False)

    async def _write_item(self, response: Response, data: bytes, *, more: bool = True) -> None:
        async with self._writer.turn:
            if self._last_words is not None:
                raise _Ended
            now = anyio.current_time()
            self._deadline = now + WRITE_TIMEOUT
            await self._writer.item(response, data, more=more)
            self._wrote, self._deadline = now, 0.0

    async def _keep_time(self) -> None:
        """Cancel when the peer does not read; write the keep-alive into a silence."""
        while True:
            await anyio.sleep(TICK)
            now, response = anyio.current_time(), self._response
            if self._deadline and now > self._deadline:
                self._scope.cancel()
            elif response is not None and now - self._wrote > KEEP_ALIVE_AFTER:
                with suppress(OSError), anyio.move_on_after(WRITE_TIMEOUT):
                    await self._say_alive(response)
                    continue
                self._scope.cancel()

    async def _say_alive(self, response: Response) -> None:
        async with self._writer.turn:
            # Meanwhile the failure may have begun that is sent in its place.
            if self._response is not None and not self._writer.done:
                await self._writer.item(response, response.keep_alive)
                self._wrote = anyio.current_time()

    # Ending

    def end(self) -> None:
        """End it and tell the peer; to be called again until it has ended."""
        if self._last_words is None:
            self._last_words = self._opened.stop()
        # Who is amid a write is let finish it: nobody could say how much of it has left.
        if not self._writer.turn.locked():
            self._scope.cancel()

    def cut(self) -> None:
        """End it without a word."""
        self._last_words = None
        self._scope.cancel()

    async def _say_last(self) -> None:
        """Tell why the answer ends, where it has not been written whole."""
        words, writer = self._last_words, self._writer
        if words is None or writer.done:
            return
        with suppress(OSError), anyio.move_on_after(FAREWELL_TIMEOUT):
            if not writer.begun:
                await writer.whole(words.response)
            elif self._response is not None:
                await writer.item(self._response, words.in_band, more=False)
