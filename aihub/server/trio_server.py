"""The reference driver: what accepts connections, keeps their time, and ends them.

Theory of operation. Each connection is a task of the server's, which ends after all of them. A
stop closes the listening sockets first, then idle connections; what has begun is given the grace.
Then it is ended, connection by connection, and what cannot be told is cut.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager

import trio

from .app import App
from .http import FAREWELL_TICK, FAREWELL_TIMEOUT
from .orders import Orders, obey, take_order
from .proxies import UNIX
from .trio_h11 import TICK, Connection, ServerOptions
from .trio_line import Line

MAX_TURNED_AWAY = 64
"""Connections too many that are told so at a time; others are closed without a word."""

HANDSHAKE_TIMEOUT = 10.0
"""Seconds for a TLS handshake: two round trips, and a slow phone's arithmetic."""


class Server:
    """Connections, their clock, and how they end.

    Args:
        app: who answers.
        options: how they are served.
    """

    def __init__(self, app: App, options: ServerOptions) -> None:
        self._app = app
        self._options = options
        self._connections: set[Connection] = set()
        self._handshakes: set[trio.CancelScope] = set()
        self._turned_away: set[Connection] = set()
        self._accepting = trio.CancelScope()
        self._serving = trio.CancelScope()

    async def serve(self, listeners: Sequence[trio.SocketListener]) -> None:
        """Serve until `stop` is called; answers under way are then given the grace."""
        with self._serving:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._keep_time)
                async with trio.open_nursery() as connections:
                    with self._accepting:
                        await trio.serve_listeners(
                            self._serve_one, list(listeners), handler_nursery=connections
                        )
                    for handshake in list(self._handshakes):
                        handshake.cancel()
                    for connection in [*self._connections, *self._turned_away]:
                        connection.close_soon()
                    nursery.start_soon(self._end_late)
                nursery.cancel_scope.cancel()

    async def _end_late(self) -> None:
        """End what outlives the grace; cut what then cannot be told."""
        await trio.sleep(self._options.grace)
        with trio.move_on_after(FAREWELL_TIMEOUT):
            while True:
                for connection in [*self._connections, *self._turned_away]:
                    connection.end()
                await trio.sleep(FAREWELL_TICK)
        self._serving.cancel()

    def stop(self) -> None:
        """Accept nothing more and end within the grace."""
        self._accepting.cancel()

    def cut(self) -> None:
        """End at once: what is under way is settled, and nobody is told."""
        self._accepting.cancel()
        self._serving.cancel()

    async def _serve_one(self, stream: trio.SocketStream) -> None:
        if self._accepting.cancel_called:
            await trio.aclose_forcefully(stream)
            return
        peer = _peer_of(stream)
        if len(self._connections) + len(self._handshakes) >= self._options.max_connections:
            await self._turn_away(stream)
            return
        if self._options.tls is None:
            await self._serve_stream(Line(stream), peer)
            return
        async with stream:
            secure = trio.SSLStream(
                stream, self._options.tls, server_side=True, https_compatible=True
            )
            if await self._shake_hands(secure):
                await self._serve_stream(secure, peer)

    async def _turn_away(self, stream: trio.SocketStream) -> None:
        """Tell a peer that there is no room; by TLS it would cost what there is no room for."""
        if self._options.tls is not None or len(self._turned_away) >= MAX_TURNED_AWAY:
            await trio.aclose_forcefully(stream)
            return
        connection = Connection(self._app, stream, self._options)
        self._turned_away.add(connection)
        try:
            await connection.refuse()
        finally:
            self._turned_away.discard(connection)

    async def _shake_hands(self, stream: trio.SSLStream[trio.SocketStream]) -> bool:
        """Agree on keys, in the connection's own task; False where the peer cannot or is slow."""
        with trio.move_on_after(HANDSHAKE_TIMEOUT) as scope:
            self._handshakes.add(scope)
            try:
                await stream.do_handshake()
            except trio.BrokenResourceError:
                return False
            finally:
                self._handshakes.discard(scope)
            return not self._accepting.cancel_called
        return False

    async def _serve_stream(self, stream: trio.abc.Stream, peer: str) -> None:
        # Whether a peer is trusted is decided here, once, and not at each request.
        proxies = self._options.proxies
        through = proxies if proxies and proxies.trusts(peer) else None
        connection = Connection(self._app, stream, self._options, peer, through)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)

    async def _keep_time(self) -> None:
        while True:
            await trio.sleep(TICK)
            now = trio.current_time()
            for connection in [*self._connections, *self._turned_away]:
                connection.look(now)


def run(
    open_app: Callable[[], AbstractAsyncContextManager[App]],
    sockets: Sequence[socket.socket],
    *,
    options: ServerOptions,
    started: Callable[[], None],
    orders: Orders | None = None,
    reread: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Open an app and serve it until SIGINT or SIGTERM.

    Args:
        open_app: opens what answers, inside the event loop; it is closed at the end.
        sockets: those that listen already.
        options: how it is served.
        started: called once, when connections are accepted.
        orders: where a parent says when to stop, in place of signals.
        reread: called at SIGHUP; without it that signal ends the process, as it does by default.
    """

    async def main() -> None:
        async with open_app() as app:
            await serve(
                app, sockets, options=options, started=started, orders=orders, reread=reread
            )

    trio.run(main)


async def serve(
    app: App,
    sockets: Sequence[socket.socket],
    *,
    options: ServerOptions,
    started: Callable[[], None] = lambda: None,
    orders: Orders | None = None,
    reread: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Serve *app* until SIGINT or SIGTERM; a second signal does not wait for the grace.

    Args:
        app: who answers.
        sockets: those that listen already.
        options: how it is served.
        started: called once when signals are watched and connections accepted.
        orders: where a parent says when to stop, in place of signals.
        reread: called at SIGHUP; without it that signal ends the process, as it does by default.
    """
    server = Server(app, options)
    listeners = [trio.SocketListener(trio.socket.from_stdlib_socket(one)) for one in sockets]
    again = () if reread is None else (signal.SIGHUP,)
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, *again) as signals:
        async with trio.open_nursery() as nursery:
            if orders is None:
                nursery.start_soon(_heed_signals, server, signals, reread)
            else:
                nursery.start_soon(_heed_one_signal, server, signals, orders)
                nursery.start_soon(_heed_orders, server, orders)
            started()
            await server.serve(listeners)
            nursery.cancel_scope.cancel()


async def _heed_signals(
    server: Server, signals: AsyncIterator[int], reread: Callable[[], Awaitable[None]] | None
) -> None:
    async for number in signals:
        if number == signal.SIGHUP and reread is not None:
            await reread()
            continue
        server.stop()
        async for later in signals:
            if later != signal.SIGHUP:
                server.cut()


async def _heed_one_signal(server: Server, signals: AsyncIterator[int], orders: Orders) -> None:
    """Let a worker be ended by SIGTERM; how often it comes, and SIGINT, is for its parent."""
    async for number in signals:
        if number == signal.SIGTERM:
            orders.stopping()
            server.stop()


async def _heed_orders(server: Server, orders: Orders) -> None:
    """Do what a parent says; when its pipe ends it is dead, and there is nobody to serve for."""
    said = bytearray()
    async with trio.lowlevel.FdStream(os.dup(orders.pipe)) as pipe:
        async for data in pipe:
            said += data
            while (found := take_order(said)) is not None:
                await obey(server, orders, *found)
    server.stop()


def _peer_of(stream: trio.SocketStream) -> str:
    if stream.socket.family == getattr(socket, "AF_UNIX", None):
        return UNIX
    try:
        name = stream.socket.getpeername()
    except OSError:
        return ""
    return str(name[0]) if isinstance(name, tuple) else ""
