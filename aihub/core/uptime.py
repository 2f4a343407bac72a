"""How a deployment has done over the last day: what the status page tells.

Theory of operation. Attempts are counted in slots of a quarter of an hour, as many as a day has:
the oldest leaves when a new one begins, so that what is kept never grows. An incident begins when
the breaker opens, and ends when it closes: in between it may open again any number of times. What
is told of the present is read off the breaker and the newest slots, as routing sees them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import attrs

from ..model.status import Standing
from ..model.units import DAY, SECOND, Micros
from .breaker import State, Verdict

SLOT: Micros = 900 * SECOND
"""What is counted together: a day is 96 of them, about what a line on a page has room for."""

SLOTS = DAY // SLOT

MAX_INCIDENTS = 20
"""Incidents of one deployment that are kept: who has more in a day has one long one."""

BAD_SHARE = 0.05
"""Share of failures, of the last slot and this, from which on a deployment is degraded."""


@attrs.define
class Slot:
    """What came of the attempts of one quarter of an hour; `took` is the sum of `timed` times."""

    began: Micros
    good: int = 0
    bad: int = 0
    took: Micros = 0
    timed: int = 0

    @property
    def latency(self) -> float | None:
        """The mean time to the first content, in microseconds."""
        return self.took / self.timed if self.timed else None


@attrs.define
class Incident:
    """A time for which a deployment was left alone; `ended` of None: it still is."""

    began: Micros
    ended: Micros | None = None


@attrs.define
class Uptime:
    """A deployment's last day. `slots` and `incidents` are oldest first."""

    slots: deque[Slot] = attrs.field(factory=lambda: deque(maxlen=SLOTS))
    incidents: deque[Incident] = attrs.field(factory=lambda: deque(maxlen=MAX_INCIDENTS))

    def count(self, verdict: Verdict, took: Micros | None, now: Micros) -> None:
        """Note how an attempt ended; what says nothing of the deployment is not counted."""
        if verdict == "neither":
            return
        slots = self.slots
        # A clock that steps backwards counts into the newest.
        if not slots or now >= slots[-1].began + SLOT:
            slots.append(Slot(now - now % SLOT))
        slot = slots[-1]
        if verdict == "ok":
            slot.good += 1
            if took is not None:
                slot.took += took
                slot.timed += 1
        else:
            slot.bad += 1

    def turned(self, *, is_open: bool, now: Micros) -> None:
        """Note that the breaker opened, or closed."""
        lasting = self.incidents and self.incidents[-1].ended is None
        if is_open and not lasting:
            self.incidents.append(Incident(now))
        elif lasting and not is_open:
            self.incidents[-1].ended = now

    def last_day(self, now: Micros) -> list[Slot]:
        """Return the slots of the last day."""
        return [one for one in self.slots if one.began > now - DAY]

    def last_incidents(self, now: Micros) -> list[Incident]:
        """Return the incidents that the last day saw, oldest first."""
        return [one for one in self.incidents if one.ended is None or one.ended > now - DAY]


def standing(state: State, uptime: Uptime, now: Micros) -> Standing:
    """Say how a deployment stands."""
    if state == "open":
        return "outage"
    if state == "half_open":
        return "degraded"
    recent = [one for one in uptime.slots if one.began > now - 2 * SLOT]
    good, bad = sum([one.good for one in recent]), sum([one.bad for one in recent])
    return "degraded" if bad and bad >= BAD_SHARE * (good + bad) else "operational"


def together(standings: Iterable[Standing]) -> Standing:
    """Say how several stand that may stand in for each other: all out is an outage."""
    found = set(standings)
    if found == {"outage"}:
        return "outage"
    return "operational" if found <= {"operational"} else "degraded"


def share(slots: Iterable[Slot]) -> float | None:
    """Return which share of the attempts ended well; None where there were none."""
    good = bad = 0
    for one in slots:
        good += one.good
        bad += one.bad
    return good / (good + bad) if good + bad else None


def latency(slots: Iterable[Slot]) -> float | None:
    """Return the mean time to the first content, in microseconds; None where nothing was timed."""
    took = timed = 0
    for one in slots:
        took += one.took
        timed += one.timed
    return took / timed if timed else None
