"""What every dialect does alike where it reads a streamed answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from ..errors import UpstreamCut, UpstreamError
from ..messages import Msg
from ..model.events import Event
from .reading import Unreadable, bad_stream

Piece = TypeVar("Piece")
"""What the dialect's framing gives: an event of SSE, a message of an event stream."""


class Streamed(Generic[Piece]):
    """The half of a stream decoder that is no dialect's own (see `outbound.StreamDecoder`).

    A dialect says what a piece means, in `_read`, and when all has been said, in `_is_whole`. An
    error that comes after other events of the same bytes is raised by the next call, so that these
    are not lost.

    Args:
        split: parts the bytes of a body, however they come, into pieces.
    """

    ended = False
    """Whether the answer has told its end; what comes after it is of no interest."""

    def __init__(self, split: Callable[[bytes], Iterable[Piece]]) -> None:
        self._split = split
        self._failed: UpstreamError | None = None

    def _read(self, piece: Piece, events: list[Event]) -> None:
        """Add what a piece tells to *events*; raises `Unreadable` or `UpstreamError`."""
        raise NotImplementedError

    def _is_whole(self) -> bool:
        """Say whether nothing is missing if the body ends now."""
        raise NotImplementedError

    def feed(self, data: bytes) -> list[Event]:
        """Read the next bytes, and return the events that they complete.

        Raises:
            UpstreamError: the provider tells an error, or says what nobody can read.
        """
        if self._failed is not None:
            raise self._failed
        events: list[Event] = []
        if not data:
            return events
        try:
            for piece in self._split(data):
                if self.ended:
                    break
                self._read(piece, events)
        except Unreadable as error:
            self._fail(bad_stream(error), events)
        except UpstreamError as error:
            self._fail(error, events)
        return events

    def _fail(self, error: UpstreamError, events: list[Event]) -> None:
        self._failed = error
        if not events:
            raise error

    def end(self) -> list[Event]:
        """Say that the body has ended.

        Raises:
            UpstreamCut: something is missing.
        """
        if self._failed is not None:
            raise self._failed
        if not self._is_whole():
            raise UpstreamCut(Msg("The provider's stream ended before its answer did."))
        return []
