"""How bytes get to a server: httpx2's clients as transports, one for each way to wait.

What goes wrong is told in the words of `aihub.protocols.Transport`, so that whoever carries a
request, a transport of ours or a client that was given, a call reads the same errors. httpx2's
clients add nothing to a request here: no cookies, no credentials of a `.netrc`, no redirects.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import anyio
import attrs

from ..backends.transports.by_httpx2 import find_garbled
from ..errors import UpstreamCut, UpstreamError, UpstreamFailed, UpstreamTimeout
from ..model.upstream import UpstreamRequest, UpstreamResponse
from .errors import ConfigurationError
from .settings import is_local

if TYPE_CHECKING:
    import httpx2

    from ..protocols import Transport

MAX_CONNECTIONS = 100
"""Connections of one client; more calls wait, `Timeouts.pool` at most."""

CLOSING = 1.0
"""Seconds for a body of somebody else's to end after it has been closed."""

MOMENT = 0.01
"""Seconds that a wait has at least, and by which one that ended with the total may seem short."""

KEEP_IDLE = 30.0
"""Seconds that an unused connection is kept: less than servers and proxies on the way do."""


def make_http_client(base_url: str, *, uds: str | None = None) -> httpx2.Client:
    """Return a client for a server; what goes to this machine goes to no proxy."""
    import httpx2

    limits = httpx2.Limits(
        max_connections=MAX_CONNECTIONS,
        max_keepalive_connections=MAX_CONNECTIONS,
        keepalive_expiry=KEEP_IDLE,
    )
    # To read the system's certificates takes long, and plain HTTP wants none.
    verify = ssl.create_default_context() if base_url.startswith("https:") else False
    if uds is not None:
        return httpx2.Client(transport=httpx2.HTTPTransport(uds=uds), trust_env=False)
    return httpx2.Client(limits=limits, verify=verify, trust_env=not is_local(base_url))


def check_http_client(http: Any, wanted: type[Any]) -> None:
    """Refuse a client of another kind, whose first call would fail in words of nobody's.

    Raises:
        ConfigurationError: it is one.
    """
    if not isinstance(http, wanted):
        raise ConfigurationError(f"http_client: this client needs an httpx2.{wanted.__name__}.")


def make_transport() -> Transport:
    """Return the transport of an asynchronous client: one from which nothing leaks."""
    from ..backends.transports.by_httpx2 import Httpx2Transport

    return Httpx2Transport(connections=MAX_CONNECTIONS)


# What h11 says of a body that stops before its end, which httpx2 hands on.
_STOPPED = ("peer closed connection", "peer unexpectedly closed connection")


@attrs.frozen(kw_only=True)
class Response:
    """An answer as it comes, to be read without an event loop."""

    status: int
    headers: Mapping[str, str]
    body: Iterator[bytes]


@attrs.frozen
class BlockingTransport:
    """Carry requests by a synchronous client of httpx2's.

    httpx2 looks at a timeout where it waits: the total bounds each wait, so that a call may last
    longer by one pause of its answer, and by no more.
    """

    http: httpx2.Client

    def __attrs_post_init__(self) -> None:
        import httpx2

        check_http_client(self.http, httpx2.Client)

    @contextmanager
    def open(self, request: UpstreamRequest) -> Iterator[Response]:
        """Send *request* and give its answer; raises as `aihub.protocols.Transport.open`."""
        import httpx2

        told = _Told(request)
        with told.errors():
            made = told.make(httpx2)
            response = self.http.send(made, stream=True, auth=httpx2.Auth(), follow_redirects=False)
        try:
            told.begins_body()
            body = _pieces(response, told)
            yield Response(status=response.status_code, headers=_small(response.headers), body=body)
        finally:
            response.close()


def _pieces(response: httpx2.Response, told: _Told) -> Iterator[bytes]:
    with told.errors():
        for piece in response.iter_bytes():
            told.check()
            yield piece


@attrs.frozen
class ClientTransport:
    """Carry requests by an asynchronous client of httpx2's: see `aihub.protocols.Transport`."""

    http: httpx2.AsyncClient

    def __attrs_post_init__(self) -> None:
        import httpx2

        check_http_client(self.http, httpx2.AsyncClient)

    @asynccontextmanager
    async def open(self, request: UpstreamRequest) -> AsyncIterator[UpstreamResponse]:
        """Send *request*; see `Transport.open`."""
        import httpx2

        told = _Told(request)
        with told.errors():
            made = told.make(httpx2)
            response = await self.http.send(
                made, stream=True, auth=httpx2.Auth(), follow_redirects=False
            )
        told.begins_body()
        body = _AsyncPieces(response, told)
        try:
            yield UpstreamResponse(
                status=response.status_code, headers=_small(response.headers), body=body
            )
        finally:
            with anyio.CancelScope(shield=True):
                await body.leave()

    async def aclose(self) -> None:
        """Leave the client to whom it belongs."""


class _AsyncPieces:
    """A body, read within its time; an object, for an abandoned generator would leak."""

    def __init__(self, response: httpx2.Response, told: _Told) -> None:
        self._response = response
        self._pieces = response.aiter_bytes()
        self._told = told
        self._is_begun = False

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        self._is_begun = True
        with self._told.errors():
            piece = await anext(self._pieces)
            self._told.check()
            return piece

    async def leave(self) -> None:
        """Close the answer.

        What is read from is generators in generators, of which httpx2 closes none and trio warns:
        with their source closed, one read more ends them all.
        """
        import httpx2

        await self._response.aclose()
        if self._is_begun:
            with suppress(httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError, OSError):
                with anyio.move_on_after(CLOSING):
                    async for _ in self._pieces:
                        pass


class _Told:
    """A request on its way, and what its failing means in each part of that."""

    def __init__(self, request: UpstreamRequest) -> None:
        self._request = request
        self._ends = time.monotonic() + request.timeouts.total
        self._limits: dict[str, float] = {}
        self._has_begun = False

    def make(self, library: Any) -> Any:
        """Write it for httpx2."""
        request, span = self._request, self._request.timeouts
        self._limits = {
            "pool": span.pool,
            "connect": span.connect,
            "write": span.first_byte,
            "read": span.first_byte,
        }
        self._bound()
        return library.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.body or None,
            extensions={"timeout": self._limits},
        )

    def begins_body(self) -> None:
        """From now on a wait is a pause: httpx2 looks at the limits when it begins to read."""
        self._has_begun = True
        self._limits["read"] = self._request.timeouts.idle
        self._bound()

    def _bound(self) -> None:
        left = max(self._ends - time.monotonic(), MOMENT)
        for name, seconds in self._limits.items():
            self._limits[name] = min(seconds, left)

    def check(self) -> None:
        """Refuse a piece that comes after the end of the time."""
        if time.monotonic() > self._ends:
            raise UpstreamTimeout("The call took too long.", code="total_timeout")

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Say httpx2's errors in our words."""
        import httpx2

        try:
            yield
        except (httpx2.TransportError, httpx2.DecodingError, httpx2.InvalidURL, OSError) as error:
            raise self._say(httpx2, error) from error

    def _say(self, httpx2: Any, error: Exception) -> UpstreamError:
        if isinstance(error, httpx2.TimeoutException):
            return self._ran_out(httpx2, error)
        if isinstance(error, httpx2.ConnectError | httpx2.ProxyError | httpx2.UnsupportedProtocol):
            told = UpstreamFailed("There is no connection.", code=_connecting(error))
            told.add_note(str(error) or type(error).__name__)
            return told
        garbled = find_garbled(error)
        if isinstance(error, httpx2.DecodingError) or (garbled and self._has_begun):
            stopped = garbled is not None and str(garbled).startswith(_STOPPED)
            code = "connection_lost" if stopped else "broken_body"
            return UpstreamCut("The answer broke off.", code=code)
        if garbled is not None and not str(garbled).startswith(_STOPPED):
            return UpstreamFailed("What came is no HTTP.", code="not_http")
        return UpstreamCut("The connection was lost.", code="connection_lost")

    def _ran_out(self, httpx2: Any, error: Exception) -> UpstreamError:
        if isinstance(error, httpx2.PoolTimeout | httpx2.ConnectTimeout):
            phase = "pool" if isinstance(error, httpx2.PoolTimeout) else "connect"
            return UpstreamFailed("There was no connection in time.", code=f"{phase}_timeout")
        phase = "idle" if self._has_begun else "first_byte"
        if time.monotonic() >= self._ends - MOMENT:
            phase = "total"
        return UpstreamTimeout("There was no answer in time.", code=f"{phase}_timeout")


def _connecting(error: BaseException | None) -> str:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return "tls_failed"
        error = error.__cause__ or error.__context__
    return "connect_failed"


def _small(headers: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
