"""What to try next when an attempt failed: another deployment, the same once more, another model.

Theory of operation. Places stand in groups: the deployments of the model that was asked for, then
those of each model that may stand in for it. Within a group every place is tried once, at once,
for another place does not share the fault. Then the group is asked again, after a wait, as often as
the rules allow. Then the next group has its turn. An answer that has begun is never tried again:
the caller has read a part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import attrs

from ..errors import UpstreamError
from ..model.catalogue import Retries

MAX_TRIES = 32
"""Attempts of one request altogether, whatever its places: by then its caller has left."""


@attrs.define
class Failed:
    """An attempt that failed: at which place, and how."""

    place: int
    error: UpstreamError


@attrs.define
class Step:
    """What to do next: wait so many seconds, then try a place."""

    place: int
    wait: float = 0.0


def next_step(
    groups: Sequence[int],
    failed: Sequence[Failed],
    rules: Retries,
    *,
    closed: Collection[int],
    chance: Callable[[], float],
) -> Step | None:
    """Say what to try next; None where nothing is left.

    Args:
        groups: the group of each place, in the order to try them; they never decrease.
        failed: what has been tried, in order.
        rules: how often and how long.
        closed: places that may not be asked now.
        chance: a number from 0 to 1, drawn anew at each call.
    """
    if len(failed) >= MAX_TRIES:
        return None
    tried = {one.place for one in failed}
    group = groups[failed[-1].place] if failed else 0
    for place, its in enumerate(groups):
        if its == group and place not in tried and place not in closed:
            return Step(place)
    here = [one for one in failed if groups[one.place] == group]
    again = _again(here, rules, closed, chance)
    if again is not None:
        return again
    for place, its in enumerate(groups):
        if its > group and place not in closed:
            return Step(place)
    return None


def beside(
    groups: Sequence[int], failed: Sequence[Failed], running: int, *, closed: Collection[int]
) -> int | None:
    """Say which place of the same model to ask beside one that is slow; None where there is none.

    Args:
        groups: the group of each place, in the order to try them.
        failed: what has been tried, in order.
        running: the place that is being asked.
        closed: places that may not be asked now.
    """
    if len(failed) + 2 > MAX_TRIES:
        return None
    taken = {running, *closed, *(one.place for one in failed)}
    same = [n for n, group in enumerate(groups) if group == groups[running]]
    return next((n for n in same if n not in taken), None)


def _again(
    here: Sequence[Failed],
    rules: Retries,
    closed: Collection[int],
    chance: Callable[[], float],
) -> Step | None:
    """Choose the place of a group that was asked least often, of those that may be asked again."""
    last = {one.place: one.error for one in here}
    used = len(here) - len(last)
    able = [
        place
        for place, error in last.items()
        if not error.lasting and place not in closed and _asked(error) <= rules.patience
    ]
    if used >= rules.most or not able:
        return None
    tries = [one.place for one in here]
    place = min(able, key=lambda one: (tries.count(one), one))
    wait = chance() * min(rules.longest, rules.base * 2**used)
    return Step(place, max(wait, _asked(last[place])))


def _asked(error: UpstreamError) -> float:
    """Return the seconds that a provider asked to be left alone for."""
    return error.retry_after or 0
