"""Any ASGI 3 server as the driver (granian, uvicorn, hypercorn), or mounted into another program.

Theory of operation. The body is collected first, within the bounds of the reference driver. Then
two tasks: one awaits `http.disconnect` and cancels, the other enters `App.open` and sends, one
`send` per item of a stream. A stream has a third, which once a second (`TICK`) looks whether it has
been silent or its peer has stopped reading. `send` returns when the server has room, so nothing
runs ahead of a slow reader but what the server keeps of it.

A stop lets answers under way end within the grace. What is left then is cancelled, which settles
it, and the peer is told, as in the reference driver; so it is where the server cancels by itself.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TypeAlias, cast

import anyio
import attrs

from ..errors import HubError
from ..messages import Msg
from .app import App
from .asgi_exchange import Exchange, Left, Reader, Receive, Scope, Send, Writer
from .errors import framing_error, plain_error
from .heads import Refused
from .http import FAREWELL_TICK, FAREWELL_TIMEOUT, MAX_BODY, Request, Response
from .proxies import NOBODY, Proxies
from .scopes import read_head

log = logging.getLogger("aihub.server")

Opens: TypeAlias = Callable[[], AbstractAsyncContextManager[App]]

GRACE = 10.0
"""Seconds that answers under way are given when the application stops: as `aihub-serve` has it."""


@attrs.frozen(kw_only=True)
class ASGIOptions:
    """How an ASGI application serves.

    Args:
        grace: seconds that answers under way are given when it stops.
        max_body: bytes of a body.
        proxies: who is believed about the address of those it speaks for.
    """

    grace: float = GRACE
    max_body: int = MAX_BODY
    proxies: Proxies = NOBODY


class ASGIApp:
    """Answer as an ASGI 3 application, on trio and asyncio.

    Args:
        app: who answers; or what opens it, which the server's `lifespan` then does, or the program
            by `open`.
        options: how it is served.
    """

    def __init__(self, app: App | Opens, options: ASGIOptions | None = None) -> None:
        self._app = app if isinstance(app, App) else None
        self._opens: Opens = (lambda: nullcontext(app)) if isinstance(app, App) else app
        self._held = self._app
        self.options = options or ASGIOptions()
        self._exchanges: set[Exchange] = set()
        self._idle: anyio.Event | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of the server's: a request, its lifespan, or a refusal."""
        kind = scope["type"]
        if kind == "http":
            await self._answer(scope, receive, send)
        elif kind == "lifespan":
            await self._live(receive, send)
        elif kind == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
        else:
            raise ValueError(f"there is no answer to a scope of type '{kind}'")

    # Life

    @asynccontextmanager
    async def open(self) -> AsyncIterator[App]:
        """Open who answers, for a program that mounts this and has a lifespan of its own.

        At the end what is under way is given the grace, and then ended.

        Raises:
            HubError: it cannot be opened.
        """
        async with self._opens() as app:
            self._app = app
            try:
                yield app
                await self.stop(self.options.grace)
            finally:
                with anyio.CancelScope(shield=True):
                    await self.stop(0)
                self._app = self._held

    async def stop(self, grace: float) -> None:
        """Give what is under way *grace* seconds to end; then end it, and tell its peers."""
        with anyio.move_on_after(grace):
            await self._wait_idle()
        with anyio.move_on_after(FAREWELL_TIMEOUT):
            while self._exchanges:
                for exchange in list(self._exchanges):
                    exchange.end()
                with anyio.move_on_after(FAREWELL_TICK):
                    await self._wait_idle()
        self.cut()
        with anyio.move_on_after(FAREWELL_TIMEOUT):
            await self._wait_idle()

    def cut(self) -> None:
        """End what is under way at once: it is settled, and nobody is told."""
        for exchange in list(self._exchanges):
            exchange.cut()

    async def _wait_idle(self) -> None:
        while self._exchanges:
            self._idle = self._idle or anyio.Event()
            await self._idle.wait()

    async def _live(self, receive: Receive, send: Send) -> None:
        phase, failure = "startup", cast(Exception | None, None)
        await receive()
        try:
            async with self.open():
                await send({"type": "lifespan.startup.complete"})
                await receive()
                phase = "shutdown"
        except (HubError, OSError) as error:
            failure = error
        except Exception as error:
            log.exception("the hub's %s failed", phase)
            failure = error
        # The server says the text and ends.
        if failure is None:
            await send({"type": "lifespan.shutdown.complete"})
        else:
            await send({"type": f"lifespan.{phase}.failed", "message": str(failure)})

    # Requests

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        app, reader, writer = self._app, Reader(receive), Writer(scope, send)
        if app is None:
            log.error("a request came before the hub was open: enter ASGIApp.open() at the start")
            await writer.whole(_not_open())
            return
        path, headers = scope["path"], cast(Mapping[bytes, bytes] | None, None)
        try:
            head = read_head(scope, self.options.proxies)
            path, headers = head.path, head.headers
            body = await reader.body(head.length, self.options.max_body)
        except Refused as refused:
            told = framing_error(
                refused.status, app.hub.new_id(), refused.why, path=path, headers=headers
            )
            await writer.refuse(told, reader)
            return
        except Left:
            return
        request = Request(head.method, head.path, head.query, head.headers, body, head.peer)
        exchange = Exchange(app.open(request), reader, writer)
        self._exchanges.add(exchange)
        try:
            await exchange.run()
        finally:
            self._exchanges.discard(exchange)
            if not self._exchanges and self._idle is not None:
                self._idle.set()
                self._idle = None


def _not_open() -> Response:
    return plain_error(
        503, Msg("The hub is not open."), code="not_open", headers=[(b"retry-after", b"1")]
    )
