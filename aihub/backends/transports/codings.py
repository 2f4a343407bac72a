"""Content codings of an answer, undone piece by piece.

Transports ask for none (`identity`). Some servers compress all the same, and who asks for it gets
it. What comes out of one piece is handed on in parts, so that a body which unfolds a thousandfold
never lies in memory whole; how much of it to keep is for the reader to bound.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from ...errors import UpstreamCut, UpstreamFailed
from ...messages import Msg

PART = 64 * 1024
"""Bytes of one part of what was compressed: as much as one read from a socket gives."""

# What zlib is told: gzip's frame, or zlib's own, which is what `deflate` means.
_FRAMES = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


class Unpacker:
    """Undo one coding."""

    def __init__(self, coding: str) -> None:
        self._frame = _FRAMES[coding]
        self._zlib = zlib.decompressobj(self._frame)
        self._is_empty = True

    def unpack(self, piece: bytes) -> Iterator[bytes]:
        """Yield what *piece* brings, none of it empty.

        Raises:
            UpstreamCut: this is not what the coding looks like.
        """
        self._is_empty = self._is_empty and not piece
        try:
            while piece:
                if self._zlib.eof:  # gzip may have several members
                    self._zlib = zlib.decompressobj(self._frame)
                part = self._zlib.decompress(piece, PART)
                piece = self._zlib.unconsumed_tail or self._zlib.unused_data
                if part:
                    yield part
            while part := self._zlib.decompress(b"", PART):
                yield part
        except zlib.error as error:
            raise UpstreamCut(
                Msg("The provider's answer is not compressed as it says."), code="broken_body"
            ) from error

    def finish(self) -> None:
        """Make sure that nothing is missing.

        Raises:
            UpstreamCut: the compressed body breaks off.
        """
        if not (self._zlib.eof or self._is_empty):
            raise UpstreamCut(
                Msg("The provider's compressed answer breaks off."), code="broken_body"
            )


def make_unpacker(coding: str) -> Unpacker | None:
    """Return what undoes *coding*, or None where there is nothing to undo.

    Raises:
        UpstreamFailed: nobody asked for such a coding.
    """
    coding = coding.strip().lower()
    if coding in {"", "identity"}:
        return None
    if coding not in _FRAMES:
        raise UpstreamFailed(
            Msg(
                "The provider's answer comes in a coding that was not asked for: {coding}.",
                coding=f"{coding[:32]!r}",
            ),
            code="unknown_coding",
        )
    return Unpacker(coding)
