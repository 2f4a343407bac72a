"""What a rolling minute means.

Theory of operation. A window is a log of entries (time, id, charge). An entry made at t counts at
t' while 0 <= t' - t < 60 s, so the log answers exactly: no bucket, no refill rate, no edge at
which twice the limit passes. The running sum makes a decision O(1); entries leave at the old end,
each once. `fits` decides and changes nothing, so that several windows can be asked before any is
taken; `put` takes.

A busy minute has a hundred thousand entries, and Python's collector looks at every object that
could hold another. So what an entry is made of are texts and numbers, which it does not look at.

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
class Window:
    """The entries of the last minute, oldest first, and the sum of their charges.

    `times` and `ids` have one for each entry, in order; `charges` are by id.
    """

    total: int = 0
    latest: Micros = 0
    times: deque[Micros] = attrs.field(factory=deque)
    ids: deque[str] = attrs.field(factory=deque)
    charges: dict[str, int] = attrs.field(factory=dict)

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
        times = self.times
        while times and times[0] <= gone:
            times.popleft()
            self.total -= self.charges.pop(self.ids.popleft())
        return now

    def fits(self, amount: int, limit: int, now: Micros) -> bool:
        """Say whether *amount* fits beside what the last minute holds."""
        self.advance(now)
        return self.total + amount <= limit

    def put(self, id: str, amount: int, now: Micros) -> None:
        """Add an entry; the caller has asked `fits` at the same *now*."""
        self.times.append(self.advance(now))
        self.ids.append(id)
        self.charges[id] = amount
        self.total += amount

    def retry_after(self, amount: int, limit: int, now: Micros) -> int:
        """Return whole seconds, 1 to 60, until the entries that must leave have left.

        Waiting suffices if nothing else is admitted meanwhile and no open request settles above
        its reservation. *amount* is at most *limit*: what can never fit is refused before.
        """
        now = self.advance(now)
        excess = self.total + amount - limit
        leaves = now
        for at, id in zip(self.times, self.ids, strict=True):
            if excess <= 0:
                break
            excess -= self.charges[id]
            leaves = at + SPAN
        return wait_seconds(leaves, now)

    def settle(self, id: str, charge: int) -> None:
        """Replace an entry's charge, which stays at its time; one that has left is no more."""
        was = self.charges.get(id)
        if was is not None:
            self.total += charge - was
            self.charges[id] = charge

    def resets_at(self, now: Micros) -> Micros:
        """Return when the window will be empty if nothing else happens."""
        now = self.advance(now)
        return self.times[-1] + SPAN if self.times else now


def wait_seconds(until: Micros, now: Micros) -> int:
    """Round the wait from *now* to *until* up to whole seconds within the bounds."""
    seconds = -((now - until) // SECOND)
    return min(MAX_RETRY, max(MIN_RETRY, seconds))
