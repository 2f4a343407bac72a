"""One connection to a provider: a line, TLS on it where asked for, and the parser."""

from __future__ import annotations

import ssl

import anyio
from anyio.abc import ByteStream
from anyio.lowlevel import checkpoint_if_cancelled
from anyio.streams.tls import TLSAttribute, TLSStream

from ..asks import Origin
from ..trust import unreachable
from .dialing import dial
from .line import READ_BYTES, Line
from .wire import Wire, make_cut

# How a connection is lost. An SSLError is an OSError.
_LOST = (anyio.BrokenResourceError, anyio.ClosedResourceError, OSError)


class Connection:
    """Carry one exchange at a time to *origin*. Closing it is no await."""

    __slots__ = ("_line", "_stream", "idle_since", "is_fresh", "origin", "wire")

    def __init__(self, origin: Origin, line: Line, stream: ByteStream) -> None:
        self.origin = origin
        self._line = line
        self._stream = stream
        self.wire = Wire()
        self.is_fresh = True
        self.idle_since = 0.0

    async def send(self, data: bytes) -> bool:
        """Send a request; False where the peer does not take it, but may still have answered.

        Who is cancelled already has sent nothing.
        """
        await checkpoint_if_cancelled()
        try:
            await self._stream.send(data)
        except _LOST:
            return False
        return True

    async def read(self) -> None:
        """Feed the parser with what comes next, the end too.

        Raises:
            UpstreamCut: the connection is lost.
        """
        try:
            data = await self._stream.receive(READ_BYTES)
        except anyio.EndOfStream:
            data = b""
        except _LOST as error:
            raise make_cut() from error
        self.wire.feed(data)

    def is_usable(self) -> bool:
        """Say whether a kept connection still stands, with nothing in it that nobody asked for."""
        return self._line.is_silent() and self._has_nothing_unread()

    def _has_nothing_unread(self) -> bool:
        if not isinstance(self._stream, TLSStream):
            return True
        try:
            self._stream.extra(TLSAttribute.ssl_object).read(1)  # noqa: S610 - not Django's
        except ssl.SSLWantReadError:
            return True
        except ssl.SSLError:
            pass
        return False

    def close(self) -> None:
        """Close it at once; TLS is not said goodbye to, which HTTP allows."""
        self._line.close()


async def connect(origin: Origin, tls: ssl.SSLContext | None) -> Connection:
    """Open a connection, with TLS where there is a context.

    Raises:
        UpstreamFailed: `connect_failed` or `tls_failed`.
    """
    try:
        line = await dial(origin.host, origin.port)
    except OSError as error:
        raise unreachable("connect_failed", error) from error
    if tls is None:
        return Connection(origin, line, line)
    try:
        stream = await TLSStream.wrap(
            line, hostname=origin.host, ssl_context=tls, standard_compatible=False
        )
    except (*_LOST, anyio.EndOfStream) as error:
        line.close()
        raise unreachable("tls_failed", error) from error
    except BaseException:
        line.close()
        raise
    return Connection(origin, line, stream)
