"""What h11 makes of the bytes of one connection. There is no socket here."""

from __future__ import annotations

from contextlib import suppress

import h11

from ....errors import UpstreamCut, UpstreamError, UpstreamFailed
from ....messages import Msg

MAX_HEAD = 64 * 1024
"""Bytes of an answer's head, and of a chunk's own head: providers send one or two KiB."""

_TOO_LARGE = 431


class Wire:
    """The client's side of HTTP/1.1 on one connection.

    `heard` says whether anything came since the request, `is_over` whether the answer has ended.
    """

    __slots__ = ("_fault", "_h11", "_is_at_end", "heard", "is_over")

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        self._fault: UpstreamError | None = None
        self._is_at_end = False
        self.heard = False
        self.is_over = False

    def ask(
        self, method: str, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
    ) -> bytes:
        """Return a request's bytes, head and body in one."""
        self.heard = self.is_over = False
        send = self._h11.send
        # h11's types know lists of any pair of bytes or text, but not of bytes alone.
        head = send(h11.Request(method=method, target=target, headers=list(headers)))
        parts = [head, send(h11.Data(data=body)) if body else b"", send(h11.EndOfMessage())]
        return b"".join(part for part in parts if part)

    def feed(self, data: bytes) -> None:
        """Take what was read; `b""` says that the peer sends nothing more."""
        self.heard = self.heard or bool(data)
        self._is_at_end = not data
        self._h11.receive_data(data)

    def head(self) -> tuple[int, list[tuple[bytes, bytes]]] | None:
        """Return status and headers of the answer, or None where more has to be read.

        Raises:
            UpstreamFailed: this is no HTTP, or its head is too large.
            UpstreamCut: the connection ended before the head did.
        """
        try:
            # 1xx says only that the answer is still to come.
            while type(event := self._h11.next_event()) is h11.InformationalResponse:
                pass
        except h11.RemoteProtocolError as error:
            raise self._refuse(error) from error
        if isinstance(event, h11.Response):
            return event.status_code, list(event.headers)
        return None

    def body(self) -> bytes:
        """Return all of the body that is there already; `b""` where nothing is, or it is over.

        Raises:
            UpstreamCut: the connection ended before the body, or its framing makes no sense. What
                came before that is returned first.
        """
        if self._fault is not None:
            raise self._fault
        if self.is_over:
            return b""
        pieces: list[bytes] = []
        try:
            while type(event := self._h11.next_event()) is h11.Data:
                pieces.append(event.data)
        except h11.RemoteProtocolError as error:
            self._fault = self._break(error)
            if not pieces:
                raise self._fault from error
        else:
            self.is_over = type(event) is h11.EndOfMessage
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def is_finished(self) -> bool:
        """Say whether nothing of the answer is left to read, though its end may not be looked at.

        Who stops at the last event of a stream has often been sent the end along with it. What is
        wrong with the rest is nobody's concern any more.
        """
        with suppress(UpstreamCut):
            if self.body():
                return False
        return self.is_over

    def renew(self) -> bool:
        """Make ready for another request. False where the connection cannot carry one."""
        ours, theirs = self._h11.our_state, self._h11.their_state
        # Bytes after the end of an answer would be taken for the next caller's.
        if ours is not h11.DONE or theirs is not h11.DONE or self._h11.trailing_data[0]:
            return False
        self._h11.start_next_cycle()
        return True

    def _refuse(self, error: h11.RemoteProtocolError) -> UpstreamError:
        if self._is_at_end:
            return make_cut()
        if error.error_status_hint == _TOO_LARGE:
            return UpstreamFailed(
                Msg("The head of the answer is too large."), code="head_too_large"
            )
        return UpstreamFailed(Msg("What came from the provider is no HTTP."), code="not_http")

    def _break(self, error: h11.RemoteProtocolError) -> UpstreamError:
        if self._is_at_end:
            return make_cut()
        return UpstreamCut(Msg("The provider's answer breaks its own framing."), code="broken_body")


def make_cut() -> UpstreamCut:
    """Make the error of a connection that was lost."""
    return UpstreamCut(Msg("The connection to the provider was lost."), code="connection_lost")
