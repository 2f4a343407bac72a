"""When a call gives way to other tasks, though nothing on its way has to wait."""

from __future__ import annotations

from typing import Final

from anyio.lowlevel import checkpoint, checkpoint_if_cancelled

from ..model.units import SECOND, Micros
from ..protocols import Clock

TURN: Final[Micros] = SECOND // 1000
"""How long calls may follow each other before other tasks run: some twelve calls of the mock.

Others notice no millisecond, and to go once round the event loop is a tenth of such a call."""


class Turns:
    """Whose turn it is on a hub's event loop.

    With a store in memory and the mock nothing has to be waited for. A loop of calls must let
    other tasks run all the same.
    """

    __slots__ = ("_clock", "_given")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._given: Micros = 0

    async def take(self) -> None:
        """Give way, unless that was a moment ago.

        By a clock that stands still each call gives way.

        Cancelled: at once where it is by a scope, whether it gives way or not. A task of asyncio's
        that cancels itself is heard when it gives way.
        """
        if 0 < self._clock.now() - self._given < TURN:
            await checkpoint_if_cancelled()
            return
        await checkpoint()
        self._given = self._clock.now()
