"""granian as the engine of `aihub-serve`: it listens and carries bytes, the rest is ours.

It runs embedded, which granian calls experimental: only so is the hub opened once, on sockets that
were bound before, and ready when we say so.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from typing import Any

import anyio
from granian import net
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from .asgi import ASGIApp
from .listening import BACKLOG, Certificate
from .trio_h11 import ServerOptions

FAREWELL = 0.3
"""Seconds after its end in which granian's own threads end: an interpreter that ends before them
makes them panic (emmett-framework/granian#693)."""


class _OnSocket(Server):
    """A server on a socket that listens already."""

    def __init__(self, app: ASGIApp, own: socket.socket, certificate: Certificate | None) -> None:
        super().__init__(
            app,
            interface=Interfaces.ASGINL,  # no lifespan: the hub is open already
            http=HTTPModes.http1,
            websockets=False,
            log_enabled=False,
            ssl_cert=None if certificate is None else certificate.certificate,
            ssl_key=None if certificate is None else certificate.key,
        )
        self._unix = own.family == getattr(socket, "AF_UNIX", None)
        self._file = own.dup().detach()  # which it closes

    def _init_shared_socket(self) -> None:
        make: Any = net.__dict__["SocketHolder"]  # typed without what it takes
        self._ssp = None
        self._shd = make(self._file, self._unix, BACKLOG)


class Granian:
    """Servers on sockets that listen already; signals are for whoever runs them."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        options: ServerOptions,
        certificate: Certificate | None,
    ) -> None:
        self._servers = [_OnSocket(app, one, certificate) for one in sockets]
        self._sockets = sockets
        self._tasks = anyio.CancelScope()

    async def run_until_stopped(self, started: Callable[[], None]) -> None:
        """Serve until `stop`; *started* is called when connections are accepted."""
        with self._tasks:
            async with anyio.create_task_group() as tasks:
                for server in self._servers:
                    tasks.start_soon(server.serve)
                # What connects before granian accepts waits in the socket.
                started()
        with anyio.CancelScope(shield=True):
            await anyio.sleep(FAREWELL)

    def stop(self) -> None:
        """Accept nothing more; idle connections close."""
        for one in self._sockets:
            one.close()
        for server in self._servers:
            server.stop()  # type: ignore[no-untyped-call]

    def cut(self) -> None:
        """Wait for nobody."""
        self.stop()
        self._tasks.cancel()
