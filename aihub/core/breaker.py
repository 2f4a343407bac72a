"""A circuit breaker: when a deployment that keeps failing is left alone.

Theory of operation. Closed, it counts how attempts ended over a rolling span, in a few slices, so
that old ones leave. Where enough of enough failed it opens: nobody is let through until it has
cooled. Then it is half open: one attempt at a time is a probe; a good end closes it, a bad one
opens it again for twice as long. Attempts that say nothing of the deployment (the caller's request
was wrong, the caller left) count for neither.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from ..errors import HubError, InvalidRequest, UpstreamError, UpstreamLimited, UpstreamRefused
from ..model.catalogue import BreakerRules
from ..model.units import Micros

SLICES = 6
"""Slices of a span: an old failure is forgotten at most a sixth of it late."""

Verdict: TypeAlias = Literal["ok", "failed", "neither"]
State: TypeAlias = Literal["closed", "open", "half_open"]

_OURS = frozenset({"pool_timeout"})


@attrs.define
class Breaker:
    """How a deployment has done of late. Treated as a value: it is replaced, not changed.

    `slices` are (beginning, good, bad), oldest first. `opened` is when it opened, `cool` for how
    long; `probing` says that a probe is under way.
    """

    slices: tuple[tuple[Micros, int, int], ...] = ()
    opened: Micros | None = None
    cool: Micros = 0
    probing: bool = False


CLOSED = Breaker()


def state(breaker: Breaker, now: Micros) -> State:
    """Say which of its three states it is in."""
    if breaker.opened is None:
        return "closed"
    return "open" if now < breaker.opened + breaker.cool else "half_open"


def lets_through(breaker: Breaker, now: Micros) -> bool:
    """Say whether an attempt may be made now."""
    if breaker.opened is None:
        return True
    return now >= breaker.opened + breaker.cool and not breaker.probing


def began(breaker: Breaker) -> Breaker:
    """Note that an attempt was let through: of one that is half open, a probe."""
    return breaker if breaker.opened is None else attrs.evolve(breaker, probing=True)


def ended(breaker: Breaker, rules: BreakerRules, verdict: Verdict, now: Micros) -> Breaker:
    """Note how an attempt ended."""
    if breaker.opened is not None:
        return _probed(breaker, rules, verdict, now)
    if verdict == "neither":
        return breaker
    slices = _counted(breaker.slices, rules, verdict, now)
    if verdict == "failed":
        bad = sum([one[2] for one in slices])
        all = bad + sum([one[1] for one in slices])
        if all >= rules.sample and bad >= rules.ratio * all:
            return Breaker(opened=now, cool=rules.cool)
    return Breaker(slices)


def _probed(breaker: Breaker, rules: BreakerRules, verdict: Verdict, now: Micros) -> Breaker:
    """Note the end of a probe, or of an attempt that had begun before the breaker opened."""
    if not breaker.probing:
        return breaker
    if verdict == "ok":
        return CLOSED
    if verdict == "neither":
        return attrs.evolve(breaker, probing=False)
    return Breaker(opened=now, cool=min(rules.longest, 2 * breaker.cool))


def _counted(
    slices: tuple[tuple[Micros, int, int], ...], rules: BreakerRules, verdict: Verdict, now: Micros
) -> tuple[tuple[Micros, int, int], ...]:
    good, bad = (1, 0) if verdict == "ok" else (0, 1)
    if slices:
        # A clock that steps backwards must not begin a slice before the last.
        began, ok, failed = slices[-1]
        if now < began + rules.span // SLICES:
            return (*slices[:-1], (began, ok + good, failed + bad))
        slices = tuple([one for one in slices if one[0] > now - rules.span])
    return (*slices, (now, good, bad))


def verdict(error: HubError | None) -> Verdict:
    """Say what an attempt's end tells of its deployment; None is a good one.

    A provider's limit is no fault of it: it says by itself when to come again.
    """
    if error is None:
        return "ok"
    if isinstance(error, UpstreamRefused | UpstreamLimited | InvalidRequest):
        return "neither"
    return "failed" if isinstance(error, UpstreamError) and error.code not in _OURS else "neither"
