"""How the deployments are doing, as far as this process has seen.

Theory of operation. For each deployment that was asked there is a breaker, a pace, a count of what
is open there, when a provider wants to be asked again, and the windows of its own limits, if it has
any. All live in memory: they are about what this process should try next, and two processes may
well see a network differently. What they mean is decided in `core`; here they are kept.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs

from ..core import breaker as breakers
from ..core import latency, uptime
from ..core.limits import Window
from ..core.routing import Place
from ..errors import UpstreamError
from ..model.catalogue import BreakerRules, Deployment
from ..model.units import SECOND, Micros
from ..protocols import Clock

MAX_REST: Micros = 60 * SECOND
"""How long a deployment is passed over at most because its provider asked for it."""

NOBODY: frozenset[int] = frozenset()


@attrs.define
class Vital:
    """What is known of one deployment."""

    breaker: breakers.Breaker = breakers.CLOSED
    pace: latency.Pace = latency.UNKNOWN
    open: int = 0
    rests_until: Micros = 0
    requests: Window = attrs.field(factory=Window)
    tokens: Window = attrs.field(factory=Window)
    uptime: uptime.Uptime = attrs.field(factory=uptime.Uptime)


class Health:
    """Know which deployments may be asked, and note how that went.

    Args:
        clock: what time it is.
        chance: a number from 0 to 1, another at each call.
    """

    def __init__(self, clock: Clock, chance: Callable[[], float]) -> None:
        self._clock = clock
        self.chance = chance
        self._vitals: dict[str, Vital] = {}

    def keep(self, deployments: Collection[str], default: str | None = None) -> None:
        """Forget the deployments that are not named: they are configured no more.

        Those of the *default* provider are called by it.
        """
        for id in self._vitals.keys() - set(deployments):
            by_default = default is not None and id.startswith(f"{default}/")
            if not by_default and not self._vitals[id].open:
                del self._vitals[id]

    def vital(self, deployment: str) -> Vital | None:
        """Return what is known of a deployment; None where it was never asked."""
        return self._vitals.get(deployment)

    @property
    def known(self) -> Collection[str]:
        """The deployments that were asked."""
        return self._vitals.keys()

    def state(self, deployment: str) -> breakers.State:
        """Say which state a deployment's breaker is in."""
        return breakers.state(self._of(deployment).breaker, self._clock.now())

    def closed(self, places: Sequence[Place], tokens: int) -> Collection[int]:
        """Return the numbers of those *places* that may not be asked now.

        Args:
            places: where a request may be tried.
            tokens: what it would take of a deployment's own limit.
        """
        now = self._clock.now()
        closed = [n for n, place in enumerate(places) if not self._may(place, tokens, now)]
        return frozenset(closed) if closed else NOBODY

    def is_well(self, place: Place, tokens: int) -> bool:
        """Say whether a place may be asked now, and has not asked to be left alone."""
        where = place.deployment
        vital = self._vitals.get(where.id)
        if vital is None:
            return True
        if (
            vital.breaker.opened is None
            and not vital.rests_until
            and where.requests_per_minute is None
            and where.tokens_per_minute is None
        ):
            # On the way of every request: what never failed and has no limits needs no clock.
            return True
        now = self._clock.now()
        return vital.rests_until <= now and self._may(place, tokens, now)

    def resting(self, places: Sequence[Place]) -> Collection[int]:
        """Return the numbers of those *places* that want to be left alone if others can do."""
        now = self._clock.now()
        resting = [
            n
            for n, place in enumerate(places)
            if (vital := self._vitals.get(place.deployment.id)) and vital.rests_until > now
        ]
        return frozenset(resting) if resting else NOBODY

    def _may(self, place: Place, tokens: int, now: Micros) -> bool:
        where = place.deployment
        vital = self._vitals.get(where.id)
        if vital is None:
            return True
        if not breakers.lets_through(vital.breaker, now):
            return False
        most, size = where.requests_per_minute, where.tokens_per_minute
        if most is not None and not vital.requests.fits(1, most, now):
            return False
        # What alone is more than a minute may hold passes when the minute is empty.
        return size is None or vital.tokens.fits(min(tokens, size), size, now)

    def began(self, place: Place, attempt: str, tokens: int) -> None:
        """Note that a place is asked; *attempt* names it until it has ended."""
        where = place.deployment
        vital = self._of(where.id)
        vital.open += 1
        if vital.breaker.opened is not None:
            vital.breaker = breakers.began(vital.breaker)
        if where.requests_per_minute is not None:
            vital.requests.put(attempt, 1, self._clock.now())
        if where.tokens_per_minute is not None:
            most = min(tokens, where.tokens_per_minute)
            vital.tokens.put(attempt, most, self._clock.now())

    def ended(
        self,
        place: Place,
        attempt: str,
        rules: BreakerRules,
        now: Micros,
        *,
        verdict: breakers.Verdict,
        error: UpstreamError | None = None,
        took: Micros | None = None,
        used: int = 0,
    ) -> None:
        """Note how an attempt ended.

        Args:
            place: where.
            attempt: as `began` had it.
            rules: when a breaker opens.
            now: when it did.
            verdict: what that tells of the deployment.
            error: what it failed with.
            took: how long its first content took, if there was any.
            used: tokens that it took of the deployment's own limit.
        """
        vital = self._of(place.deployment.id)
        vital.open -= 1
        was = vital.breaker.opened is not None
        vital.breaker = breakers.ended(vital.breaker, rules, verdict, now)
        if was is not (is_open := vital.breaker.opened is not None):
            vital.uptime.turned(is_open=is_open, now=now)
        vital.uptime.count(verdict, took, now)
        if took is not None:
            vital.pace = latency.measured(vital.pace, took, now)
        if place.deployment.tokens_per_minute is not None:
            vital.tokens.settle(attempt, used)
        if error is not None and error.retry_after:
            rest = min(MAX_REST, error.retry_after * SECOND)
            vital.rests_until = max(vital.rests_until, now + rest)

    def expected(self, deployment: Deployment) -> float:
        """Return about how many microseconds the next answer of a deployment will take."""
        vital = self._vitals.get(deployment.id)
        if vital is None:
            return 1.0
        return latency.expected(vital.pace, vital.open, self._clock.now())

    def wait(self, places: Sequence[Place]) -> int | None:
        """Return the seconds until the first of *places* may be asked again, where known."""
        now = self._clock.now()
        waits = [until - now for one in places if (until := self._until(one)) > now]
        return None if not waits else -(-min(waits) // SECOND)

    def _until(self, place: Place) -> Micros:
        vital = self._of(place.deployment.id)
        opened = vital.breaker.opened
        return 0 if opened is None else opened + vital.breaker.cool

    def _of(self, deployment: str) -> Vital:
        vital = self._vitals.get(deployment)
        if vital is None:
            vital = self._vitals[deployment] = Vital()
        return vital
