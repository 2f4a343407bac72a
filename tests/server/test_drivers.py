"""One suite for every driver, and drivers that are broken, which must fail it."""

from contextlib import asynccontextmanager

import anyio
import pytest

httpx2 = pytest.importorskip("httpx2")

from aihub.server.asgi import ASGIApp  # noqa: E402 - after what may be missing
from aihub.testing import DriverSuite  # noqa: E402

from .asgi_engine import open_engine  # noqa: E402

pytestmark = pytest.mark.anyio

PATIENT = httpx2.Timeout(20)


class TestASGI(DriverSuite):
    """The ASGI application, on a server in memory that keeps nothing."""

    ahead = 2 * 16 * 1024 + 65536

    def open_client(self, app):
        """Ask it without a socket."""
        return open_engine(ASGIApp(app))


class TestReference(DriverSuite):
    """The reference driver, on a socket."""

    @pytest.fixture(params=["trio"])
    def anyio_backend(self, request):
        """Run on trio, the only loop that it is for."""
        return request.param

    @asynccontextmanager
    async def open_client(self, app):
        """Listen on a free port."""
        trio = pytest.importorskip("trio")
        pytest.importorskip("h11")
        from aihub.server import trio_h11, trio_server

        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        port = listeners[0].socket.getsockname()[1]
        server = trio_server.Server(app, trio_h11.ServerOptions(grace=0))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(server.serve, listeners)
            url = f"http://127.0.0.1:{port}"
            async with httpx2.AsyncClient(base_url=url, timeout=PATIENT) as client:
                yield client
            server.cut()
