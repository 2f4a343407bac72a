"""Clients without a socket: transports for httpx2 and httpx, so any SDK on them can ask a hub here.

::

    with aihub.open_sync_hub() as hub, inprocess.http_client(hub) as http:
        client = openai.OpenAI(api_key="aihub-dev-key", http_client=http)

Theory of operation. A request is answered by the ASGI application, so all that it promises holds
here; in place of a server there is a `Cycle`, which keeps what the client has not taken, `AHEAD`
bytes of it and no more, and hands it over piece by piece as it was made. The application runs in a
task of the hub's, because a response outlives the call that gave it and may be closed anywhere. A
response that is closed early, a client that is closed and a call that is cancelled all leave the
cycle, and wait until it has been settled. Synchronous clients do the same through a `SyncHub`.

`library` is the module whose classes are used: httpx2 where nothing is said, or httpx, which is
never imported here.
"""

from __future__ import annotations

import functools
import hmac
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any, Self

import anyio

from ..errors import HubClosed, UsageMistake
from ..hub import Hub
from ..model.account import Identity
from ..sync import SyncHub
from .app import App
from .asgi_exchange import Message
from .cycles import BrokenOff, Cycle, Desk, make_scope
from .http import MAX_BODY
from .words import DEV_KEY

if TYPE_CHECKING:
    import httpx2

BASE_URL = "http://aihub.invalid"
"""Where relative paths lead; which host it is does not matter, nothing is looked up."""


class _Local(App):
    """An app to which the development key is the embedding program itself."""

    async def authenticate(self, secret: str | None) -> Identity:
        if secret is not None and hmac.compare_digest(secret.encode(), DEV_KEY.encode()):
            return await self.hub.local()
        return await super().authenticate(secret)


class _Ask:
    """One request on behalf of a library, in whose errors it says what goes wrong."""

    def __init__(self, library: ModuleType, request: Any) -> None:
        self._library = library
        self._request = request
        self._seconds = request.extensions.get("timeout", {}).get("read")
        self._cycle: Cycle | None = None

    async def begin(self, desk: Desk, body: bytes) -> Message:
        """Ask and return the head."""
        async with self._said_so():
            self._cycle, head = await desk.begin(make_scope(self._request), body)
        return head

    async def pieces(self) -> deque[bytes]:
        """Return what has come of the body when something has; none at its end."""
        async with self._said_so():
            return deque() if self._cycle is None else await self._cycle.pieces()

    async def leave(self) -> None:
        """Want no more of it."""
        if self._cycle is not None:
            await self._cycle.leave()

    def broken_off(self) -> Exception:
        """Return the library's error for an answer without an end."""
        text = "the hub ended before the answer was whole"
        error: Exception = self._library.RemoteProtocolError(text, request=self._request)
        return error

    @asynccontextmanager
    async def _said_so(self) -> AsyncIterator[None]:
        library, request = self._library, self._request
        try:
            with anyio.fail_after(self._seconds):
                yield
        except TimeoutError:
            text = f"nothing was answered for {self._seconds} seconds"
            raise library.ReadTimeout(text, request=request) from None
        except BrokenOff:
            raise self.broken_off() from None
        except HubClosed as error:
            raise library.ConnectError(error.message, request=request) from None


class _AsyncBody:
    """A response's body, as it comes."""

    def __init__(self, ask: _Ask) -> None:
        self._ask = ask
        self._pieces: deque[bytes] = deque()

    def __aiter__(self) -> Self:
        # An object, for an abandoned generator would leak.
        return self

    async def __anext__(self) -> bytes:
        if not self._pieces:
            self._pieces = await self._ask.pieces()
            if not self._pieces:
                raise StopAsyncIteration
        return self._pieces.popleft()

    async def aclose(self) -> None:
        await self._ask.leave()


class _AsyncTransport:
    """Carries requests to a hub in this event loop."""

    library: ModuleType

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def handle_async_request(self, request: Any) -> Any:
        ask = _Ask(self.library, request)
        head = await ask.begin(self._desk, await _collect(request.stream))
        body = _classes(self.library)["AsyncByteStream"](ask)
        return self.library.Response(head["status"], headers=head["headers"], stream=body)

    async def aclose(self) -> None:
        await self._desk.close()


class _Body:
    """The same for a synchronous client."""

    def __init__(self, hub: SyncHub, ask: _Ask) -> None:
        self._hub = hub
        self._ask = ask

    def __iter__(self) -> Iterator[bytes]:
        while pieces := self._next():
            yield from pieces

    def _next(self) -> deque[bytes]:
        try:
            pieces: deque[bytes] = self._hub.run(self._ask.pieces)
        except HubClosed:
            raise self._ask.broken_off() from None
        return pieces

    def close(self) -> None:
        _unless_closed(self._hub, self._ask.leave)


class _Transport:
    """Carries requests of synchronous clients to a hub in its own thread."""

    library: ModuleType

    def __init__(self, hub: SyncHub, desk: Desk) -> None:
        self._hub = hub
        self._desk = desk

    def handle_request(self, request: Any) -> Any:
        ask, asked = _Ask(self.library, request), _join(request.stream)
        try:
            head = self._hub.run(lambda: ask.begin(self._desk, asked))
        except HubClosed as error:
            raise self.library.ConnectError(error.message, request=request) from None
        body = _classes(self.library)["SyncByteStream"](self._hub, ask)
        return self.library.Response(head["status"], headers=head["headers"], stream=body)

    def close(self) -> None:
        _unless_closed(self._hub, self._desk.close)


_OURS: Mapping[str, type[Any]] = {
    "AsyncBaseTransport": _AsyncTransport,
    "AsyncByteStream": _AsyncBody,
    "BaseTransport": _Transport,
    "SyncByteStream": _Body,
}
"""What stands for which class of a library, whose clients ask for instances of theirs."""


@functools.cache
def _classes(library: ModuleType) -> Mapping[str, type[Any]]:
    return {
        name: type(name, (ours, getattr(library, name)), {"library": library})
        for name, ours in _OURS.items()
    }


async def _collect(stream: Any) -> bytes:
    """Read a request's body, no more than it takes to see that it is too large."""
    body, parts = bytearray(), aiter(stream)
    if not hasattr(parts, "aclose"):
        return b"".join([part async for part in parts])
    async with aclosing(parts):
        async for part in parts:
            body += part
            if len(body) > MAX_BODY:
                break
    return bytes(body)


def _join(stream: Any) -> bytes:
    body = bytearray()
    for part in stream:
        body += part
        if len(body) > MAX_BODY:
            break
    return bytes(body)


def _unless_closed(hub: SyncHub, function: Callable[[], Any]) -> None:
    """Call in the hub's loop; with the hub everything there has ended."""
    try:
        hub.run(function)
    except HubClosed:
        return


def _default(library: ModuleType | None) -> ModuleType:
    if library is not None:
        return library
    import httpx2

    return httpx2


def transport(
    hub: SyncHub, library: ModuleType | None = None, *, dev_key: bool = True
) -> httpx2.BaseTransport:
    """Return a transport by which synchronous clients ask *hub*; arguments as `http_client`."""
    if not isinstance(hub, SyncHub):
        raise UsageMistake("a synchronous client needs a SyncHub; with a Hub use async_transport")
    desk = Desk(_Local(hub.hub) if dev_key else App(hub.hub))
    made: httpx2.BaseTransport = _classes(_default(library))["BaseTransport"](hub, desk)
    return made


def async_transport(
    hub: Hub | App, library: ModuleType | None = None, *, dev_key: bool = True
) -> httpx2.AsyncBaseTransport:
    """Return the same for clients in *hub*'s own event loop; as `async_http_client`."""
    if not isinstance(hub, Hub | App):
        raise UsageMistake("an asynchronous client needs a Hub; with a SyncHub use transport")
    if isinstance(hub, Hub):
        hub = _Local(hub) if dev_key else App(hub)
    made: httpx2.AsyncBaseTransport = _classes(_default(library))["AsyncBaseTransport"](Desk(hub))
    return made


def http_client(
    hub: SyncHub, library: ModuleType | None = None, *, dev_key: bool = True, **options: Any
) -> httpx2.Client:
    """Return a client that asks *hub* whatever URL it is given: what SDKs take as `http_client`.

    Args:
        hub: who answers, an entered one; everything of the client's ends with it.
        library: the module whose client it is: httpx2, or httpx where an SDK wants that.
        dev_key: whether the development key is the program itself, as `hub.chat` without a key;
            not for a program that passes on other people's keys. Others are looked up.
        **options: further arguments of the client's, such as `timeout`.

    Raises:
        UsageMistake: it is a `Hub`, which needs `async_http_client`.
    """
    library = _default(library)
    options = {"base_url": BASE_URL, **options}
    made: httpx2.Client = library.Client(
        transport=transport(hub, library, dev_key=dev_key), **options
    )
    return made


def async_http_client(
    hub: Hub | App, library: ModuleType | None = None, *, dev_key: bool = True, **options: Any
) -> httpx2.AsyncClient:
    """Return an asynchronous client, for *hub*'s event loop; arguments as `http_client`.

    An `App` in place of a hub answers as it is, whatever *dev_key* says.

    Raises:
        UsageMistake: it is a `SyncHub`, which needs `http_client`.
    """
    library = _default(library)
    options = {"base_url": BASE_URL, **options}
    made: httpx2.AsyncClient = library.AsyncClient(
        transport=async_transport(hub, library, dev_key=dev_key), **options
    )
    return made
