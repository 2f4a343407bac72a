"""How long a deployment is likely to take: the peak EWMA of Finagle.

A slow answer counts at once and in full, and is forgotten over `MEMORY`; a fast one moves the
average as far as the time since the last one lets it. Requests that are open there already
multiply what is expected of the next.
"""

from __future__ import annotations

import math

import attrs

from ..model.units import SECOND, Micros

MEMORY: Micros = 10 * SECOND
"""The time constant: after it, a third of an old measurement is left."""


@attrs.define
class Pace:
    """How long answers took, and when that was measured. Treated as a value."""

    took: float = 0.0
    at: Micros = 0


UNKNOWN = Pace()


def measured(pace: Pace, took: Micros, now: Micros) -> Pace:
    """Take in how long an answer took."""
    if took >= pace.took:
        return Pace(float(took), now)
    weight = math.exp(-max(0, now - pace.at) / MEMORY)
    return Pace(pace.took * weight + took * (1 - weight), max(now, pace.at))


def expected(pace: Pace, open_now: int, now: Micros) -> float:
    """Return about how many microseconds the next answer will take; less is better.

    What is not known is expected to be fast, so that it gets known, but by one request at a time.
    """
    weight = math.exp(-max(0, now - pace.at) / MEMORY)
    return (pace.took * weight + 1) * (open_now + 1)
