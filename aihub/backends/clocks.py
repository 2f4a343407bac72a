"""Clocks: the system's, and one that a test moves by hand."""

from __future__ import annotations

import time

from ..model.units import SECOND, Micros


class SystemClock:
    """The system's clock, which never goes back even where the system's does."""

    def __init__(self) -> None:
        self._latest = 0

    def now(self) -> Micros:
        """Return microseconds since the epoch."""
        now = time.time_ns() // 1000
        if now < self._latest:
            return self._latest
        self._latest = now
        return now


class ManualClock:
    """A clock that stands still until it is moved.

    >>> clock = ManualClock()
    >>> before = clock.now()
    >>> clock.advance(1.5)
    >>> clock.now() - before
    1500000
    """

    def __init__(self, now: Micros = 1_767_225_600 * SECOND) -> None:
        self._now = now

    def now(self) -> Micros:
        """Return the instant that the clock was last moved to."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forwards by *seconds*, rounded to the microsecond.

        Raises:
            ValueError: *seconds* is negative: a clock never goes back.
        """
        if seconds < 0:
            raise ValueError("a clock never goes back")
        self._now += round(seconds * SECOND)

    def reach(self, at: Micros) -> None:
        """Move the clock forwards to *at*; it stays where that is past."""
        self._now = max(self._now, at)
