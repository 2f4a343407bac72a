"""Requests of clients in the same process: what stands there in place of a server.

See `inprocess` for the theory.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any
from urllib.parse import unquote

import anyio

from .app import App
from .asgi import ASGIApp
from .asgi_exchange import Message

log = logging.getLogger("aihub.server")

AHEAD = 16 * 1024
"""Bytes of an answer that are kept for a client: beside those that it has taken and not yet read it
is half of what a driver may keep. Keeping none would cost two turns of the event loop a piece."""

LEAVE_TIMEOUT = 10.0
"""Seconds that leaving waits for a request to be settled: twice what a store is given."""

_CALLER = "in-process"


class BrokenOff(Exception):
    """An answer ended before its end."""


class Cycle:
    """One request from both sides: the application's and the client's."""

    def __init__(self, scope: dict[str, Any], body: bytes) -> None:
        self._scope = scope
        self._body: bytes | None = body
        self._kept: deque[Message] = deque()
        self._size = 0
        self._news: anyio.Event | None = None
        self._room: anyio.Event | None = None
        self._gone = anyio.Event()
        self._ended = anyio.Event()
        self._whole = False

    # The application's side

    async def run(self, app: ASGIApp) -> None:
        """Have it answered."""
        try:
            await app(self._scope, self._receive, self._send)
        except Exception:
            # The client is told by an answer that breaks off.
            log.exception("a request in process failed")
        finally:
            self._ended.set()
            self._tell()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if self._gone.is_set():
            raise OSError("the client has left")
        self._kept.append(message)
        self._size += len(message.get("body", b""))
        self._tell()
        while self._size > AHEAD and not self._gone.is_set():
            self._room = anyio.Event()
            await self._room.wait()

    def _tell(self) -> None:
        if self._news is not None:
            self._news.set()
            self._news = None

    # The client's side

    async def head(self) -> Message:
        """Return the head when it comes.

        Raises:
            BrokenOff: there is no answer.
        """
        await self._wait()
        return self._kept.popleft()

    async def pieces(self) -> deque[bytes]:
        """Return what has come of the body, piece by piece, when something has; none at its end.

        Raises:
            BrokenOff: the answer ends before its end.
        """
        pieces: deque[bytes] = deque()
        while not pieces and not self._whole:
            await self._wait()
            for message in self._kept:
                self._whole = not message["more_body"]
                if message["body"]:
                    pieces.append(message["body"])
            self._kept.clear()
            self._size = 0
            if self._room is not None:
                self._room.set()
        return pieces

    async def _wait(self) -> None:
        while not self._kept:
            if self._ended.is_set() or self._gone.is_set():
                raise BrokenOff
            self._news = anyio.Event()
            await self._news.wait()

    def let_go(self) -> None:
        """Want no more of it."""
        self._gone.set()
        self._kept.clear()
        self._tell()
        if self._room is not None:
            self._room.set()

    async def leave(self) -> None:
        """Want no more of it, and wait until it has been settled."""
        self.let_go()
        if not self._ended.is_set():
            with anyio.move_on_after(LEAVE_TIMEOUT, shield=True):
                await self._ended.wait()


class Desk:
    """Begins cycles with a hub, in its event loop, and ends those that are left."""

    def __init__(self, app: App) -> None:
        self._hub = app.hub
        self._app = ASGIApp(app)
        self._cycles: set[Cycle] = set()

    async def begin(self, scope: dict[str, Any], body: bytes) -> tuple[Cycle, Message]:
        """Ask, and return the cycle and its head when it comes.

        Raises:
            HubClosed: nothing is answered any more.
            BrokenOff: there is no answer.
        """
        cycle = Cycle(scope, body)

        async def run() -> None:
            try:
                await cycle.run(self._app)
            finally:
                self._cycles.discard(cycle)

        self._hub.start_soon(run)
        self._cycles.add(cycle)
        try:
            return cycle, await cycle.head()
        except BaseException:
            await cycle.leave()
            raise

    async def close(self) -> None:
        """Leave all that is under way."""
        cycles = list(self._cycles)
        for cycle in cycles:
            cycle.let_go()
        for cycle in cycles:
            await cycle.leave()


def make_scope(request: Any) -> dict[str, Any]:
    """Return the scope of a request of httpx2's or httpx's."""
    raw, _, query = request.url.raw_path.partition(b"?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.url.scheme,
        "path": unquote(raw.decode("ascii")),
        "raw_path": raw,
        "query_string": query,
        "root_path": "",
        # How long it is says its body; more than the bound is not even taken.
        "headers": [
            (name.lower(), value)
            for name, value in request.headers.raw
            if name.lower() not in {b"content-length", b"transfer-encoding"}
        ],
        "client": (_CALLER, 0),
        "server": None,
    }
