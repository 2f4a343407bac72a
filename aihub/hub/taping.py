"""What of an answer has come, for whoever follows it while it is worked on."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import anyio

from ..core.pieces import Piece, measure
from ..model.events import Event

MAX_PIECES = 16_384
"""Pieces of an answer that are noted: what comes after is told in one when it is whole. A model's
longest answers have a few times as many tokens, most have a hundredth of that."""


class Tape:
    """The pieces of one answer as they come; `pieces` is how long each was.

    Any number may follow it, each from the beginning. It ends when it is closed.
    """

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self._events: list[Event] = []
        self._closed = False
        self._more = anyio.Event()

    def add(self, event: Event) -> None:
        """Note a piece, as far as there is room."""
        piece = measure(event)
        if piece is None or len(self.pieces) >= MAX_PIECES:
            return
        self.pieces.append(piece)
        self._events.append(event)
        self._wake()

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        self._more.set()
        self._more = anyio.Event()

    async def follow(self) -> AsyncGenerator[Event, None]:
        """Yield all pieces, those that are still to come too."""
        told = 0
        while True:
            while told < len(self._events):
                told += 1
                yield self._events[told - 1]
            if self._closed:
                return
            await self._more.wait()
