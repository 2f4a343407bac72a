"""The native transport: slots, phases and pool around one exchange.

Leaving an exchange, however that happens, closes the connection or puts it back and gives the slot
on, in one step without an await: there is no moment at which a cancellation could lose either.
"""

from __future__ import annotations

import ssl
from types import TracebackType
from typing import TYPE_CHECKING

from anyio import current_time

from ....errors import UpstreamCut, UsageMistake
from ....model.upstream import UpstreamRequest, UpstreamResponse
from ..asks import Aim, join_headers, make_headers, read_url
from ..body import Body
from ..codings import make_unpacker
from ..crossing import has_crossed
from ..phases import Phases
from ..slots import MAX_CONNECTIONS, Slots
from ..trust import make_tls

if TYPE_CHECKING:
    from .connection import Connection
    from .pool import Pool


class NativeTransport:
    """Carry requests by h11 over plain sockets or TLS; see `aihub.protocols.Transport`.

    It knows no proxies, no HTTP/2 and no environment: where one of these is needed, or where TLS is
    odd, take `Httpx2Transport`. A request costs a third of what it costs there.

    Args:
        connections: how many at once, idle ones included; further calls wait their turn,
            `Timeouts.pool` at most.
        tls: whom to trust; by default the system's certificates. Not changed.

    A request that goes out on a kept connection may meet its closing by the provider. Where that
    comes within `CROSSING` of the request and not a byte of an answer came, it is sent once more,
    on a fresh connection: see `aihub.backends.transports.crossing`.

    Raises:
        UsageMistake: *connections* is less than 1, or h11 is missing.
    """

    def __init__(
        self, *, connections: int = MAX_CONNECTIONS, tls: ssl.SSLContext | None = None
    ) -> None:
        try:
            from .pool import Pool
        except ModuleNotFoundError as error:
            raise UsageMistake(
                "the native transport needs h11: pip install 'ai-hub[server]'"
            ) from error
        self._slots = Slots(connections)
        self._pool: Pool = Pool()
        self._tls = tls

    def open(self, request: UpstreamRequest) -> NativeExchange:
        """Send *request*; see `Transport.open`."""
        return NativeExchange(self, self._slots, request)

    async def aclose(self) -> None:
        """Close what is idle; see `Transport.aclose`."""
        self._slots.close()
        self._pool.close()

    def take_kept(self, aim: Aim) -> Connection | None:
        """Return a kept connection that still stands."""
        return self._pool.take(aim.origin, current_time()) if self._pool.size else None

    async def connect(self, aim: Aim, phases: Phases) -> Connection:
        """Open a connection, in place of the oldest idle one where there would be too many."""
        from .connection import connect

        phases.enter("connect")
        while self._pool.size and self._pool.size + self._slots.taken > self._slots.size:
            self._pool.drop_oldest()
        return await connect(aim.origin, self._trust() if aim.origin.scheme == "https" else None)

    def leave(self, connection: Connection | None, *, keep: bool) -> None:
        """Keep or close what an exchange had, and give its slot to the next."""
        if connection is not None:
            if keep and not self._slots.is_closed:
                self._pool.put(connection, current_time())
            else:
                connection.close()
        self._slots.give()

    def _trust(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = make_tls()
        return self._tls


class NativeExchange:
    """One request and its answer: entered once, left once."""

    __slots__ = ("_body", "_connection", "_is_sent", "_phases", "_request", "_slots", "_transport")

    def __init__(self, transport: NativeTransport, slots: Slots, request: UpstreamRequest) -> None:
        self._transport = transport
        self._slots = slots
        self._request = request
        self._connection: Connection | None = None
        self._body: Body | None = None
        self._is_sent = False

    async def __aenter__(self) -> UpstreamResponse:
        aim = read_url(self._request.url)
        headers = make_headers(self._request, aim)
        self._phases = phases = Phases(self._request.timeouts)
        with phases.scope:
            await self._slots.take(phases)
            try:
                return self._respond(*await self._ask(aim, headers))
            except BaseException:
                self._transport.leave(self._connection, keep=False)
                raise
        raise phases.ran_out()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        connection = self._connection
        assert connection is not None  # noqa: S101 - it was entered
        assert self._body is not None  # noqa: S101 - it was entered
        self._body.leave()
        keep = self._is_sent and connection.wire.is_finished() and connection.wire.renew()
        self._transport.leave(connection, keep=keep)

    async def _ask(
        self, aim: Aim, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Send the request, twice where it crossed the closing of a kept connection."""
        kept = self._connection = self._transport.take_kept(aim)
        if kept is not None:
            began = current_time()
            try:
                return await self._exchange(kept, aim, headers)
            except UpstreamCut:
                if kept.wire.heard or not has_crossed(began):
                    raise
            kept.close()
            self._connection = None
        self._connection = fresh = await self._transport.connect(aim, self._phases)
        return await self._exchange(fresh, aim, headers)

    async def _exchange(
        self, connection: Connection, aim: Aim, headers: list[tuple[bytes, bytes]]
    ) -> tuple[int, list[tuple[bytes, bytes]]]:
        request, wire = self._request, connection.wire
        self._phases.enter("first_byte")
        asked = wire.ask(request.method, aim.target, headers, request.body)
        self._is_sent = await connection.send(asked)
        while True:
            await connection.read()
            head = wire.head()
            if head is not None:
                return head

    def _respond(self, status: int, raw: list[tuple[bytes, bytes]]) -> UpstreamResponse:
        headers = join_headers(raw)
        self._body = Body(self._read, make_unpacker(headers.get("content-encoding", "")))
        return UpstreamResponse(status=status, headers=headers, body=self._body)

    async def _read(self) -> bytes:
        """Return the next piece: what is there already without waiting, `b""` at the end."""
        connection = self._connection
        assert connection is not None  # noqa: S101 - there is no body before
        wire = connection.wire
        while True:
            if wire.is_over:
                return b""
            piece = wire.body()
            if piece or wire.is_over:
                return piece
            with self._phases.wait_piece() as wait:
                await connection.read()
            if wait.cancelled_caught:
                raise self._phases.ran_out()
