"""How an answer is written as HTTP/1.1 (RFC 9112, 6 and 7): its head, its chunks, its end.

Pure, and only for answers: requests are read by a parser. Whoever writes its own answers knows that
they are right, and a parser's library checks each header as if a stranger had made it, which was a
tenth of what an answer cost. What is checked here is what would let a value become a header: a line
break in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from .http import Headers

# Their answers have no body, and do not say how long it is.
_BODILESS = frozenset({204, 304})
_PHRASES = {int(status): status.phrase for status in HTTPStatus} | {529: "Overloaded"}
_LINES = {number: f"HTTP/1.1 {number} {name}\r\n".encode() for number, name in _PHRASES.items()}
_END = b"0\r\n\r\n"


def keeps_open(
    version: bytes, given: Sequence[tuple[bytes, bytes]], headers: Mapping[bytes, bytes]
) -> bool:
    """Say whether a connection may carry another request after this one (RFC 9112, 9.3).

    Args:
        version: that of HTTP, such as `1.1`; an older one's connections are closed.
        given: the request's headers as they came, names in small letters.
        headers: the same, the last of a repeated one standing for all.
    """
    if version != b"1.1":
        return False
    if b"connection" not in headers:
        return True
    said = b",".join([value for name, value in given if name == b"connection"])
    return b"close" not in [option.strip().lower() for option in said.split(b",")]


class Writer:
    """One answer as it is written, which is written once.

    Args:
        version: that of the request, which says whether its client knows chunks.
        head_only: whether the answer has no body, for nobody asked for one (`HEAD`).
        keeps: whether the connection may carry another request.

    `begun` says that its head has been made, `ended` that its end has.
    """

    __slots__ = ("_chunked", "_head_only", "begun", "ended", "keeps")

    def __init__(
        self, *, version: bytes = b"1.1", head_only: bool = False, keeps: bool = False
    ) -> None:
        self._chunked = version == b"1.1"
        self._head_only = head_only
        self.keeps = keeps
        self.begun = False
        self.ended = False

    def whole(self, status: int, headers: Headers, body: bytes) -> bytes:
        """Return an answer from its first byte to its last."""
        self.begun = self.ended = True
        if status in _BODILESS:
            return self._head(status, headers)
        # The answer to HEAD says how long a body would be, and has none.
        head = self._head(status, [*headers, (b"content-length", b"%d" % len(body))])
        return head if self._head_only else head + body

    def head(self, status: int, headers: Headers) -> bytes:
        """Return the head of an answer that comes in chunks; a client of HTTP/1.0 reads to the end.

        Its connection ends with it, for there is no other end.
        """
        self.begun = True
        if self._chunked:
            return self._head(status, [*headers, (b"transfer-encoding", b"chunked")])
        self.keeps = False
        return self._head(status, headers)

    def chunk(self, data: bytes) -> bytes:
        """Return a piece of a body."""
        if self._head_only or not data:
            return b""
        return b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data

    def end(self) -> bytes:
        """Return the end of a body that came in chunks."""
        self.ended = True
        return _END if self._chunked and not self._head_only else b""

    def _head(self, status: int, headers: Headers) -> bytes:
        if not self.keeps:
            headers = [*headers, (b"connection", b"close")]
        lines = [b"%b: %b\r\n" % header for header in headers]
        head = b"%b%b\r\n" % (_LINES[status], b"".join(lines))
        breaks = len(lines) + 2
        if head.count(b"\n") != breaks or head.count(b"\r") != breaks or b"\x00" in head:
            raise ValueError("a header of an answer has a line break or a zero in it")
        return head
