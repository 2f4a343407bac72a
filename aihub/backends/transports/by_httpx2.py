"""The transport by httpx2: proxies, odd TLS, whatever stands between a program and its provider.

It uses httpx2's transport below the client: redirects, cookies and credentials are not for this
layer, and the client around it costs 60 us a request. Of what httpx2 offers it leaves timeouts and
waiting for a connection aside: phases and slots are those of both our transports. httpx2 tells by
its `trace` when one phase ends and the next begins.

httpx2's pool looks at all its connections for each request, so that many are kept in several pools.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

import anyio
import attrs

from ...errors import UpstreamCut, UpstreamError, UpstreamFailed, UsageMistake
from ...messages import Msg
from ...model.upstream import UpstreamRequest, UpstreamResponse
from .asks import Origin, join_headers, make_headers, read_url
from .body import Body
from .codings import make_unpacker
from .crossing import has_crossed
from .phases import Phases
from .proxies import find_proxy
from .slots import KEEP_IDLE, MAX_CONNECTIONS, Slots
from .trust import make_tls, unreachable

if TYPE_CHECKING:
    import httpx2

Stage: TypeAlias = Literal["connect", "tls", "asked"]

POOL_SIZE = 100
"""Connections in one of httpx2's pools: a look at a hundred costs less than the request itself."""

# What h11 says, which httpx2 hands on: a head without end, a body that stops before its own.
_TOO_LARGE = 431
_STOPPED = ("peer closed connection", "peer unexpectedly closed connection")

# Phases are ours, and a scope less in each call is time saved.
_NO_TIMEOUTS: Mapping[str, None] = {"connect": None, "read": None, "write": None, "pool": None}


@attrs.define(eq=False)
class Pool:
    """One of httpx2's, and how many exchanges are in it.

    A pool that `is_retired` is given to nobody, and is closed when the last exchange has left it.
    """

    by: httpx2.AsyncHTTPTransport
    is_retired: bool = False
    used: int = 0


class Httpx2Transport:
    """Carry requests by httpx2; see `aihub.protocols.Transport`.

    Args:
        connections: how many at once; further calls wait their turn, `Timeouts.pool` at most.
        proxy: URL of a proxy for everything, `http`, `https` or (with `socksio`) `socks5`.
        verify: whom to trust; by default the system's certificates.
        trust_env: follow `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` where *proxy* is
            not given, and `SSL_CERT_FILE` and `SSL_CERT_DIR` where *verify* is not.

    A request that goes out on a kept connection may meet its closing by the provider. Where that
    comes within `CROSSING` of the request and no answer has begun, it is sent once more, on a fresh
    connection: see `aihub.backends.transports.crossing`. httpx2 does not tell a head that broke off
    from one that never began, so there the former is sent again as well. Nor does it look for what
    came along with the end of an answer and was not asked for: it would be the next answer.

    Raises:
        UsageMistake: *connections* or *proxy* cannot be one.
    """

    def __init__(
        self,
        *,
        connections: int = MAX_CONNECTIONS,
        proxy: str | None = None,
        verify: ssl.SSLContext | None = None,
        trust_env: bool = True,
    ) -> None:
        self._slots = Slots(connections)
        self._proxy = proxy
        # To load httpx2 and the system's certificates takes a third of a second, which is no part
        # of the first call.
        self._tls = make_tls(trust_env=trust_env) if verify is None else verify
        self._trust_env = trust_env
        self._pools: dict[str | None, list[Pool]] = {}
        self._proxies: dict[Origin, str | None] = {}
        if proxy is not None:
            self._pools[proxy] = [self._make_pool(proxy, min(POOL_SIZE, connections))]

    def open(self, request: UpstreamRequest) -> Httpx2Exchange:
        """Send *request*; see `Transport.open`."""
        return Httpx2Exchange(self, self._slots, request)

    async def aclose(self) -> None:
        """Close what is idle; see `Transport.aclose`."""
        self._slots.close()
        for pool in [one for pools in self._pools.values() for one in pools]:
            pool.used += 1
            await self.leave(pool)

    def enter(self, origin: Origin) -> Pool:
        """Take a place in a pool: the first with room, so that kept connections are found again."""
        proxy = self._find_proxy(origin)
        pools = [one for one in self._pools.get(proxy, ()) if not one.is_retired]
        self._pools[proxy] = pools
        pool = next((one for one in pools if one.used < POOL_SIZE), None)
        if pool is None:
            pool = self._make_pool(proxy, min(POOL_SIZE, self._slots.size))
            pools.append(pool)
        pool.used += 1
        return pool

    def enter_fresh(self, origin: Origin) -> Pool:
        """Make a pool for one exchange, on a connection that nobody used."""
        pool = self._make_pool(self._find_proxy(origin), 1)
        pool.is_retired = True
        pool.used += 1
        return pool

    async def leave(self, pool: Pool) -> None:
        """Give a place back; close a pool that nobody uses and nobody will."""
        pool.used -= 1
        if not pool.used and (pool.is_retired or self._slots.is_closed):
            with anyio.CancelScope(shield=True):
                await pool.by.aclose()

    def _find_proxy(self, origin: Origin) -> str | None:
        if self._proxy is not None or not self._trust_env:
            return self._proxy
        if origin not in self._proxies:
            self._proxies[origin] = find_proxy(origin)
        return self._proxies[origin]

    def _make_pool(self, proxy: str | None, size: int) -> Pool:
        import httpx2

        limits = httpx2.Limits(
            max_connections=size, max_keepalive_connections=size, keepalive_expiry=KEEP_IDLE
        )
        try:
            by = httpx2.AsyncHTTPTransport(verify=self._tls, limits=limits, proxy=proxy)
        except (ValueError, ImportError, httpx2.InvalidURL):
            # The text of what is wrong would have the proxy's password in it.
            raise UsageMistake(
                "proxy: use a URL such as http://HOST:PORT (socks5 needs the package socksio)"
            ) from None
        return Pool(by)


class Httpx2Exchange:
    """One request and its answer: entered once, left once."""

    def __init__(self, transport: Httpx2Transport, slots: Slots, request: UpstreamRequest) -> None:
        self._transport = transport
        self._slots = slots
        self._request = request
        self._answer: httpx2.Response | None = None
        self._pieces: AsyncIterator[bytes] | None = None
        self._body: Body | None = None
        self._stage: Stage = "connect"
        self._unfinished: Any = None
        self._is_fresh = False

    async def __aenter__(self) -> UpstreamResponse:
        self._aim = aim = read_url(self._request.url)
        self._headers = make_headers(self._request, aim)
        self._phases = phases = Phases(self._request.timeouts)
        with phases.scope:
            await self._slots.take(phases)
            try:
                self._pool = self._transport.enter(aim.origin)
            except BaseException:
                self._slots.give()
                raise
            try:
                self._answer = await self._ask()
                return self._respond(self._answer)
            except BaseException:
                await self._leave()
                raise
        raise phases.ran_out()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._leave()

    async def _ask(self) -> httpx2.Response:
        """Send the request, twice where it crossed the closing of a kept connection."""
        began = anyio.current_time()
        try:
            return await self._send()
        except UpstreamCut:
            if self._is_fresh or not has_crossed(began):
                raise
        kept, self._pool = self._pool, self._transport.enter_fresh(self._aim.origin)
        await self._transport.leave(kept)
        return await self._send()

    def _make_request(self) -> httpx2.Request:
        import httpx2

        ours = {"trace": self._watch, "target": self._aim.target, "timeout": _NO_TIMEOUTS}
        request = self._request
        try:
            return httpx2.Request(
                request.method,
                request.url,
                headers=self._headers,
                content=request.body,
                extensions=ours,
            )
        except (httpx2.InvalidURL, UnicodeError):
            # Whatever it refuses beside what we do.
            raise UsageMistake("url: httpx2 cannot ask it") from None

    async def _send(self) -> httpx2.Response:
        import httpx2

        request = self._make_request()
        # On a kept connection nothing is told before the request is.
        self._stage = "connect"
        self._phases.enter("first_byte")
        try:
            return await self._pool.by.handle_async_request(request)
        except (httpx2.TransportError, OSError) as error:
            raise self._tell(error) from error

    async def _watch(self, event: str, info: Mapping[str, Any]) -> None:
        """Move on to the phase that httpx2 has come to."""
        if event == "http11.send_request_headers.started":
            # A tunnel through a proxy is asked for in the same way, but is not the request.
            if info["request"].method != b"CONNECT":
                self._stage, self._unfinished = "asked", None
                if self._is_fresh:
                    self._phases.enter("first_byte")
        elif event == "connection.connect_tcp.started":
            self._is_fresh = True
            self._phases.enter("connect")
        elif event == "connection.connect_tcp.complete":
            self._unfinished = info["return_value"]
        elif event.endswith("start_tls.started"):
            self._stage = "tls"
        elif event.endswith("start_tls.complete"):
            self._stage = "connect"

    def _tell(self, error: Exception) -> UpstreamError:
        """Say in our words what came instead of a head."""
        if self._stage != "asked":
            code = "tls_failed" if self._stage == "tls" else "connect_failed"
            return unreachable(code, error)
        garbled = find_garbled(error)
        if garbled is None:
            return make_cut()
        if getattr(garbled, "error_status_hint", None) == _TOO_LARGE:
            return UpstreamFailed(
                Msg("The head of the answer is too large."), code="head_too_large"
            )
        return UpstreamFailed(Msg("What came from the provider is no HTTP."), code="not_http")

    def _respond(self, answer: httpx2.Response) -> UpstreamResponse:
        headers = join_headers(answer.headers.raw)
        unpacker = make_unpacker(headers.get("content-encoding", ""))
        stream = answer.stream
        self._pieces = aiter(cast(AsyncIterable[bytes], stream))
        self._body = Body(self._read, unpacker)
        return UpstreamResponse(status=answer.status_code, headers=headers, body=self._body)

    async def _read(self) -> bytes:
        import httpx2

        assert self._pieces is not None  # noqa: S101 - there is no body before
        with self._phases.wait_piece():
            try:
                return await anext(self._pieces, b"")
            except (httpx2.TransportError, OSError) as error:
                garbled = find_garbled(error)
                if garbled is None or str(garbled).startswith(_STOPPED):
                    raise make_cut() from error
                raise UpstreamCut(
                    Msg("The provider's answer breaks its own framing."), code="broken_body"
                ) from error
        raise self._phases.ran_out()

    async def _leave(self) -> None:
        """Free the connection and the slot."""
        import httpx2

        if self._body is not None:
            self._body.leave()
        try:
            # Who leaves is not told what is wrong with the rest.
            with anyio.CancelScope(shield=True), suppress(httpx2.TransportError, OSError):
                await self._close()
        finally:
            # Whoever has the slot next runs only after the place is free as well.
            self._slots.give()
            await self._transport.leave(self._pool)

    async def _close(self) -> None:
        """Close what is open.

        httpx2's body is a generator around generators, of which those inside are closed by nobody:
        trio warns of each. With its connection closed, one read more ends them all.
        """
        if self._unfinished is not None:
            # Who is cancelled between connecting and asking leaves httpx2 with a connection that it
            # neither closes nor uses, in a place that nobody gets.
            self._pool.is_retired = True
            await self._unfinished.aclose()
        if self._answer is not None:
            await self._answer.aclose()
        if self._pieces is not None:
            async for _ in self._pieces:
                pass


def make_cut() -> UpstreamCut:
    """Make the error of a connection that was lost."""
    return UpstreamCut(Msg("The connection to the provider was lost."), code="connection_lost")


def find_garbled(error: BaseException | None) -> BaseException | None:
    """Find what the parser said, where it was the parser: what was lost has no such cause."""
    while error is not None and type(error).__module__.partition(".")[0] != "h11":
        error = error.__cause__ or error.__context__
    return error
