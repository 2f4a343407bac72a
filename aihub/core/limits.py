"""What a rolling minute means.

Theory of operation. A window is a log of entries (time, id, charge). An entry made at t counts at
t' while 0 <= t' - t < 60 s, so the log answers exactly: no bucket, no refill rate, no edge at
which twice the limit passes. The running sum makes a decision O(1); entries leave at the old end,
each once. `fits` decides and changes nothing, so that several windows can be asked before any is
taken; `put` takes.

This class is the definition. The memory store runs it; every other backend is held to it step by
step.
"""

from __future__ import annotations

from collections import deque

import attrs

from ..model.units import MINUTE, SECOND, Micros

SPAN: Micros = MINUTE
"""The length of every window: the API document counts per minute."""

MIN_RETRY = 1
MAX_RETRY = SPAN // SECOND
"""Bounds of `retry_after` in seconds. SDKs ignore a longer wait, and none is ever needed."""


@attrs.define
class Entry:
    """One admission in a window."""

    at: Micros
    id: str
    charge: int


@attrs.define
class Window:
    """The entries of the last minute, oldest first, and the sum of their charges."""

    total: int = 0
    latest: Micros = 0
    entries: deque[Entry] = attrs.field(factory=deque)
    by_id: dict[str, Entry] = attrs.field(factory=dict)

    def advance(self, now: Micros) -> Micros:
        """Drop what has left by *now* and return the window's time.

        A clock that steps backwards must not bring entries back, nor let a new one leave before
        an older: the window's own time never goes back.
        """
        if now > self.latest:
            self.latest = now
        else:
            now = self.latest
        gone = now - SPAN
        entries = self.entries
        while entries and entries[0].at <= gone:
            entry = entries.popleft()
            self.total -= entry.charge
            del self.by_id[entry.id]
        return now

    def fits(self, amount: int, limit: int, now: Micros) -> bool:
        """Say whether *amount* fits beside what the last minute holds."""
        self.advance(now)
        return self.total + amount <= limit

    def put(self, id: str, amount: int, now: Micros) -> None:
        """Add an entry; the caller has asked `fits` at the same *now*."""
        entry = Entry(self.advance(now), id, amount)
        self.entries.append(entry)
        self.by_id[id] = entry
        self.total += amount

    def retry_after(self, amount: int, limit: int, now: Micros) -> int:
        """Return whole seconds, 1 to 60, until the entries that must leave have left.

        Waiting suffices if nothing else is admitted meanwhile and no open request settles above
        its reservation. *amount* is at most *limit*: what can never fit is refused before.
        """
        now = self.advance(now)
        excess = self.total + amount - limit
        leaves = now
        for entry in self.entries:
            if excess <= 0:
                break
            excess -= entry.charge
            leaves = entry.at + SPAN
        return wait_seconds(leaves, now)

    def settle(self, id: str, charge: int) -> None:
        """Replace an entry's charge, which stays at its time; one that has left is no more."""
        entry = self.by_id.get(id)
        if entry is not None:
            self.total += charge - entry.charge
            entry.charge = charge

    def resets_at(self, now: Micros) -> Micros:
        """Return when the window will be empty if nothing else happens."""
        now = self.advance(now)
        return self.entries[-1].at + SPAN if self.entries else now


def wait_seconds(until: Micros, now: Micros) -> int:
    """Round the wait from *now* to *until* up to whole seconds within the bounds."""
    seconds = -((now - until) // SECOND)
    return min(MAX_RETRY, max(MIN_RETRY, seconds))
