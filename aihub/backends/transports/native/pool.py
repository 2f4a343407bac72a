"""Idle connections by where they lead, the newest first to go out again.

The newest is the likeliest to stand still, and the others get old and are closed. There is no task
that watches: what is too old is found when the next one looks. Nothing here waits.
"""

from __future__ import annotations

from ..asks import Origin
from ..slots import KEEP_IDLE
from .connection import Connection


class Pool:
    """The connections that nobody uses."""

    def __init__(self) -> None:
        self._idle: dict[Origin, list[Connection]] = {}
        self.size = 0

    def take(self, origin: Origin, now: float) -> Connection | None:
        """Return a connection that stands, or None; close those that do not."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            self.size -= 1
            if now - connection.idle_since <= KEEP_IDLE and connection.is_usable():
                return connection
            connection.close()
        self._idle.pop(origin, None)
        return None

    def put(self, connection: Connection, now: float) -> None:
        """Keep *connection*, and close the oldest beside it where that has been idle for long."""
        connection.idle_since = now
        connection.is_fresh = False
        idle = self._idle.setdefault(connection.origin, [])
        idle.append(connection)
        self.size += 1
        if now - idle[0].idle_since > KEEP_IDLE:
            idle.pop(0).close()
            self.size -= 1

    def drop_oldest(self) -> None:
        """Close the connection that has been idle for longest, wherever it leads."""
        idle = min(self._idle.values(), key=lambda one: one[0].idle_since)
        idle.pop(0).close()
        self.size -= 1
        self._idle = {origin: idle for origin, idle in self._idle.items() if idle}

    def close(self) -> None:
        """Close all."""
        for idle in self._idle.values():
            for connection in idle:
                connection.close()
        self._idle.clear()
        self.size = 0
