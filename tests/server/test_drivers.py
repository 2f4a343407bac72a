"""One suite for every driver, and drivers that are broken, which must fail it."""

import socket
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module

import anyio
import pytest
import sniffio

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


@asynccontextmanager
async def open_socket_client(sock):
    """A client of what listens on *sock*; it gives up late."""
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    async with httpx2.AsyncClient(base_url=url, timeout=PATIENT) as client:
        yield client


class OnAsyncio(DriverSuite):
    """Runs on asyncio, the only loop that it is for."""

    engine = ""
    __test__ = False

    @pytest.fixture(params=["asyncio"])
    def anyio_backend(self, request):
        """Give the loop."""
        return request.param

    @asynccontextmanager
    async def open_client(self, app):
        """Run the engine as aihub-serve does, in this process."""
        pytest.importorskip(self.engine)
        pytest.importorskip("trio")
        from aihub.server.engines import make_engine
        from aihub.server.trio_h11 import ServerOptions

        options = ServerOptions(grace=0)
        with socket.create_server(("127.0.0.1", 0)) as sock:
            running = make_engine(self.engine, app, [sock], options, None)
            started = anyio.Event()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(running.run, started.set)
                await started.wait()
                async with open_socket_client(sock) as client:
                    yield client
                running.stop()


class TestUvicorn(OnAsyncio):
    """uvicorn."""

    engine = "uvicorn"
    __test__ = True


class TestGranian(OnAsyncio):
    """granian."""

    engine = "granian"
    __test__ = True


class TestHypercorn(DriverSuite):
    """hypercorn, which has both loops."""

    @asynccontextmanager
    async def open_client(self, app):
        """Run it in this process."""
        pytest.importorskip("hypercorn")
        import hypercorn

        with socket.create_server(("127.0.0.1", 0)) as sock:
            config = hypercorn.Config()
            config.bind = [f"fd://{sock.dup().detach()}"]
            config.errorlog = None
            config.graceful_timeout = 1
            ended = anyio.Event()
            library = sniffio.current_async_library()
            serve = import_module(f"hypercorn.{library}").serve
            async with anyio.create_task_group() as tasks:
                run = partial(serve, ASGIApp(app), config, shutdown_trigger=ended.wait)
                tasks.start_soon(run)
                async with open_socket_client(sock) as client:
                    yield client
                ended.set()
