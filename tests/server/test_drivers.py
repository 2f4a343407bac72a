"""One suite for every driver, and drivers that are broken, which must fail it."""

import socket
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module

import anyio
import pytest

httpx2 = pytest.importorskip("httpx2")

from aihub.server import inprocess  # noqa: E402 - after what may be missing
from aihub.server.app import App  # noqa: E402
from aihub.server.asgi import ASGIApp, ASGIOptions  # noqa: E402
from aihub.testing import DriverSuite, drivers  # noqa: E402

from .asgi_engine import open_engine  # noqa: E402

pytestmark = pytest.mark.anyio

PATIENT = httpx2.Timeout(20)


class TestASGI(DriverSuite):
    """The ASGI application, on a server in memory that keeps nothing."""

    ahead = 2 * 16 * 1024 + 65536

    def open_client(self, app):
        """Ask it without a socket."""
        return open_engine(ASGIApp(app))


@pytest.mark.needs("trio", "h11")
class TestReference(DriverSuite):
    """The reference driver, on a socket."""

    @pytest.fixture(params=["trio"])
    def anyio_backend(self, request):
        """Run on trio, the only loop that it is for."""
        return request.param

    @asynccontextmanager
    async def open_client(self, app):
        """Listen on a free port."""
        import trio

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


@pytest.mark.slow
@pytest.mark.needs("trio", "uvicorn")
class TestUvicorn(OnAsyncio):
    """uvicorn."""

    engine = "uvicorn"
    __test__ = True


@pytest.mark.slow
@pytest.mark.needs("trio", "granian")
class TestGranian(OnAsyncio):
    """granian."""

    engine = "granian"
    __test__ = True


def _loop():
    return "trio" if "trio" in str(anyio.get_cancelled_exc_class()) else "asyncio"


@pytest.mark.needs("hypercorn")
class TestHypercorn(DriverSuite):
    """hypercorn, which has both loops."""

    @asynccontextmanager
    async def open_client(self, app):
        """Run it in this process."""
        import hypercorn

        with socket.create_server(("127.0.0.1", 0)) as sock:
            config = hypercorn.Config()
            config.bind = [f"fd://{sock.dup().detach()}"]
            config.errorlog = None
            config.graceful_timeout = 1
            async with self.open_told(config, sock) as client:
                ended = anyio.Event()
                serve = import_module(f"hypercorn.{_loop()}").serve
                run = partial(serve, ASGIApp(app), config, shutdown_trigger=ended.wait)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(run)
                    yield client
                    await client.aclose()
                    ended.set()

    def open_told(self, config, sock):
        """Say in *config* how to listen, and give a client that asks so."""
        del config
        return open_socket_client(sock)


class TestInProcess(DriverSuite):
    """A transport of httpx2's, without a socket."""

    ahead = 2 * 16 * 1024 + 65536

    def open_client(self, app):
        """Ask the app itself."""
        return inprocess.async_http_client(app, base_url="http://localhost")


@pytest.mark.needs("httpx")
class TestInProcessHttpx(DriverSuite):
    """The same of httpx's."""

    ahead = 2 * 16 * 1024 + 65536

    def open_client(self, app):
        """Ask the app itself."""
        import httpx

        return inprocess.async_http_client(app, httpx, base_url="http://localhost")


# Drivers that are broken


def swallows_the_disconnect(asgi):
    """Who leaves is not noticed, neither by what is received nor by what is sent."""

    async def app(scope, receive, send):
        async def deaf():
            message = await receive()
            if message["type"] == "http.disconnect":
                await anyio.sleep_forever()
            return message

        async def blind(message):
            with suppress(OSError):
                await send(message)

        await asgi(scope, deaf, blind)

    return app


def buffers_the_stream(asgi):
    """All of an answer is sent at its end."""

    async def app(scope, receive, send):
        kept = []

        async def keep(message):
            kept.append(message)

        await asgi(scope, receive, keep)
        for message in kept:
            await send(message)

    return app


def takes_any_body(asgi):
    """What a body says of its length is taken out, and the bound is far away."""
    asgi.options = ASGIOptions(max_body=10**9)
    return asgi


def says_nothing_of_lengths(asgi):
    """A whole answer has no length."""

    async def app(scope, receive, send):
        async def without(message):
            if "headers" in message:
                kept = [one for one in message["headers"] if one[0] != b"content-length"]
                message["headers"] = kept
            await send(message)

        await asgi(scope, receive, without)

    return app


class NeverLeaves(App):
    """Its contexts are entered, and what leaves them is lost on the way."""

    def __init__(self, app):
        super().__init__(app.hub)
        self._app = app

    def open(self, request):
        """Give a context that is not left."""
        return Forgotten(self._app.open(request))


class Forgotten:
    """A context that is entered and never left."""

    def __init__(self, opened):
        self._opened = opened
        self.stop = opened.stop

    async def __aenter__(self):
        return await self._opened.__aenter__()

    async def __aexit__(self, *_):
        return None


SUITE = [name for name in dir(DriverSuite) if name.startswith("test_")]


async def failures(suite, only=SUITE):
    """Name the tests that a driver fails, hanging included."""
    failed = []
    for name in only:
        try:
            await getattr(suite, name)()
        except (AssertionError, TimeoutError, httpx2.HTTPError, KeyError):
            failed.append(name)
    return failed


@pytest.mark.parametrize(
    ("breaks", "by"),
    [
        (swallows_the_disconnect, "test_who_leaves_amid_a_stream_frees_the_provider"),
        (buffers_the_stream, "test_a_stream_comes_item_by_item"),
        (takes_any_body, "test_a_body_that_is_too_large_is_refused"),
        (says_nothing_of_lengths, "test_a_whole_answer_says_its_length"),
    ],
)
async def test_the_suite_finds_a_broken_driver(breaks, by, monkeypatch):
    """Each fails the test that is about what it breaks."""
    monkeypatch.setattr(drivers, "PATIENCE", 0.2)

    class Broken(DriverSuite):
        def open_client(self, app):
            return open_engine(breaks(ASGIApp(app)))

    assert await failures(Broken(), [by]) == [by]


async def test_the_suite_finds_a_driver_that_forgets_to_leave(monkeypatch):
    """Even with whole answers, of which nothing else would tell."""
    monkeypatch.setattr(drivers, "PATIENCE", 0.2)

    class Broken(DriverSuite):
        def open_client(self, app):
            return open_engine(ASGIApp(NeverLeaves(app)))

    by = "test_a_whole_answer_says_its_length"
    assert await failures(Broken(), [by]) == [by]
