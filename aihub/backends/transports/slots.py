"""As many exchanges at once as a transport has connections; the others wait their turn."""

from __future__ import annotations

import anyio

from ...errors import UsageMistake
from .phases import Phases

MAX_CONNECTIONS = 100
"""Connections of one transport, and so of one provider: a tenth of what a hub has in flight at
most, so that a provider which hangs holds up its own calls alone."""

KEEP_IDLE = 30.0
"""Seconds that an unused connection is kept: load balancers usually close theirs after 60."""


class Slots:
    """Turns, first come, first served. A cancelled waiter leaves nothing behind."""

    def __init__(self, connections: int) -> None:
        if connections < 1:
            raise UsageMistake("connections: at least 1")
        self.size = connections
        self._free = anyio.Semaphore(connections, fast_acquire=True)
        self.is_closed = False

    @property
    def taken(self) -> int:
        """How many exchanges are open."""
        return self.size - self._free.value

    async def take(self, phases: Phases) -> None:
        """Wait for a slot under the phase `pool`.

        Raises:
            UsageMistake: the transport is closed.
        """
        try:
            self._free.acquire_nowait()
        except anyio.WouldBlock:
            phases.enter("pool")
            await self._free.acquire()
        if self.is_closed:
            self._free.release()
            raise UsageMistake("this transport is closed")

    def give(self) -> None:
        """Hand a slot to whoever waits longest."""
        self._free.release()

    def close(self) -> None:
        """Let nobody begin any more."""
        self.is_closed = True
