"""An ASGI server in memory that holds the application to the specification, as httpx2's transport.

Nothing of an answer is kept: `send` returns when the client has taken what was sent.
"""

from contextlib import asynccontextmanager
from urllib.parse import unquote

import anyio
import httpx2

START, BODY = "http.response.start", "http.response.body"


class Cycle(httpx2.AsyncByteStream):
    """One request, from both sides."""

    def __init__(self, request, **scope):
        self.request = request
        url = request.url
        raw, _, query = url.raw_path.partition(b"?")
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": unquote(raw.decode()),
            "raw_path": raw,
            "query_string": query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("203.0.113.9", 5),
            "server": ("localhost", 80),
            **scope,
        }
        self.gone = anyio.Event()
        self.started = anyio.Event()
        self.sent, self.taken = anyio.create_memory_object_stream(0)
        self.head = None
        self.ended = False
        self.sending = False
        self.body = None

    async def receive(self):
        """Give the body piece by piece, and then the disconnect when it comes."""
        if self.body is None:
            self.body = aiter(self.request.stream)
        try:
            return {"type": "http.request", "body": await anext(self.body), "more_body": True}
        except StopAsyncIteration:
            self.body = Rest()
            return {"type": "http.request"}
        except EOFError:
            await self.gone.wait()
            return {"type": "http.disconnect"}

    async def send(self, message):
        """Take one message, in its order and of its form."""
        assert not self.sending, "two sends at a time"
        if self.gone.is_set():
            raise OSError("the client has left")
        self.sending = True
        try:
            await self._take(message)
        finally:
            self.sending = False

    async def _take(self, message):
        assert not self.ended, "a message after the end"
        if self.head is None:
            assert set(message) == {"type", "status", "headers"}
            assert message["type"] == START
            for name, value in message["headers"]:
                assert type(name) is bytes
                assert type(value) is bytes
                assert name == name.lower()
            self.head = message
            # As servers do, for all that they know a body may be long in coming.
            self.started.set()
            return
        assert message["type"] == BODY
        assert type(message["body"]) is bytes
        self.ended = not message["more_body"]
        if message["body"]:
            assert self.request.method != "HEAD"
            try:
                await self.sent.send(message["body"])
            except (anyio.BrokenResourceError, anyio.ClosedResourceError):
                raise OSError("the client has left") from None
        if self.ended:
            self.sent.close()

    async def __aiter__(self):
        async for data in self.taken:
            yield data
        assert self.ended, "the answer broke off"

    async def aclose(self):
        """Leave."""
        self.gone.set()
        self.taken.close()
        self.sent.close()


class Rest:
    """What comes after a body."""

    async def __anext__(self):
        raise EOFError


class Engine(httpx2.AsyncBaseTransport):
    """Runs the application, a task for each request; *scope* is what a mount changes of it."""

    def __init__(self, app, tasks, **scope):
        self.app = app
        self.tasks = tasks
        self.scope = scope
        self.cycles = []

    async def run(self, cycle):
        try:
            await self.app(cycle.scope, cycle.receive, cycle.send)
        finally:
            if hasattr(cycle.body, "aclose"):
                await cycle.body.aclose()
            cycle.started.set()
            cycle.sent.close()

    async def handle_async_request(self, request):
        cycle = Cycle(request, **self.scope)
        self.cycles.append(cycle)
        self.tasks.start_soon(self.run, cycle)
        try:
            await cycle.started.wait()
            if cycle.head is None:
                raise httpx2.RemoteProtocolError("there was no answer")
        except BaseException:
            await cycle.aclose()
            raise
        return httpx2.Response(cycle.head["status"], headers=cycle.head["headers"], stream=cycle)


@asynccontextmanager
async def open_engine(app, **scope):
    """Run an ASGI application in memory and give a client of its."""
    async with anyio.create_task_group() as tasks:
        engine = Engine(app, tasks, **scope)
        async with httpx2.AsyncClient(transport=engine, base_url="http://localhost") as client:
            client.engine = engine
            yield client
        tasks.cancel_scope.cancel()
