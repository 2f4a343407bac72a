"""uvicorn as the engine of `aihub-serve`: it listens and carries bytes, the rest is ours."""

from __future__ import annotations

import math
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from .asgi import ASGIApp
from .http import FAREWELL_TIMEOUT, MAX_HEAD
from .listening import BACKLOG, Certificate
from .trio_h11 import ServerOptions


class Uvicorn(uvicorn.Server):
    """A server on sockets that listen already; signals are for whoever runs it."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        options: ServerOptions,
        certificate: Certificate | None,
    ) -> None:
        config = uvicorn.Config(
            app,
            lifespan="off",  # the hub is open already
            ws="none",
            log_config=None,
            access_log=False,  # the app has one, with what uvicorn cannot know
            proxy_headers=False,  # the app reads them, by --trusted-proxy
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=math.ceil(options.idle_timeout),
            limit_concurrency=options.max_connections + 1,  # it counts the one that asks
            # The app ends what outlives the grace; who does not read then is left behind.
            timeout_graceful_shutdown=math.ceil(options.grace + 3 * FAREWELL_TIMEOUT),
            h11_max_incomplete_event_size=MAX_HEAD,
        )
        config.load()
        config.ssl = None if certificate is None else certificate.context()
        super().__init__(config)
        self._listeners = list(sockets)
        self._started: Callable[[], None] = lambda: None

    async def run_until_stopped(self, started: Callable[[], None]) -> None:
        """Serve until `stop`; *started* is called when connections are accepted."""
        self._started = started
        await self.serve(self._listeners)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self._started()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield

    def stop(self) -> None:
        """Accept nothing more; idle connections close."""
        self.should_exit = True

    def cut(self) -> None:
        """Wait for nobody."""
        self.should_exit = self.force_exit = True
