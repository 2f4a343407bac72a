"""Where a model may be asked, in which order."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import attrs

from ..errors import RegionUnavailable
from ..model.catalogue import Deployment, Model, Policy, PriceCard, Routes
from ..model.ledger import Planned
from .pricing import card_json, dearest


@attrs.frozen
class Place:
    """A deployment that a request may try, of which model, and what it costs there."""

    deployment: Deployment
    model: Model
    card: PriceCard

    @classmethod
    def of(cls, deployment: Deployment, model: Model) -> Place:
        """Price a deployment."""
        return cls(deployment, model, deployment.prices or model.prices)


@attrs.frozen
class Places:
    """Where a request may be tried, in order.

    `groups` has each place's number: 0 for those of the model that was asked for, then one for each
    model that may stand in for it.
    """

    all: tuple[Place, ...]
    groups: tuple[int, ...]
    cards: tuple[PriceCard, ...]
    planned: Planned

    @classmethod
    def of(cls, *groups: Sequence[Place]) -> Places:
        """Join groups of places, of which there is at least one."""
        places = tuple([one for group in groups for one in group])
        numbers = tuple([n for n, group in enumerate(groups) for _ in group])
        first = places[0]
        where = first.deployment
        planned = Planned(where.id, where.upstream_model, where.region, card_json(first.card))
        return cls(places, numbers, tuple([one.card for one in places]), planned)


def candidates(
    routes: Routes, model: Model, *, region: str | None, home: str | None = None
) -> tuple[Place, ...]:
    """Return where *model* is served, those of the home region first, then by their priority.

    Args:
        routes: what is configured.
        model: the model asked for.
        region: a region that the request must not leave; None prefers home and goes anywhere.
        home: the region to prefer; None is that of the routes.

    Raises:
        RegionUnavailable: nothing serves the model there.
    """
    served = routes.deployments.get(model.id) or _default(routes, model)
    found = [one for one in served if region is None or one.region == region]
    if not found:
        raise RegionUnavailable(region or routes.region, model.id)
    home = home or routes.region
    found.sort(key=lambda one: _level(one, home))
    return tuple([Place.of(one, model) for one in found])


def _level(one: Deployment, home: str) -> tuple[bool, int]:
    return one.region != home, one.priority


def _default(routes: Routes, model: Model) -> tuple[Deployment, ...]:
    if routes.default is None:
        raise RegionUnavailable(routes.region, model.id)
    name = routes.default
    return (
        Deployment(
            id=f"{name}/{model.id}", provider=name, upstream_model=model.id, region=routes.region
        ),
    )


# The order within a level


@attrs.define
class Weights:
    """What a policy goes by: tokens of the request, how long each place takes, and chance.

    `expected` is about how many microseconds a deployment's next answer will take; `chance` gives
    a number from 0 to 1, another at each call.
    """

    prompt: int
    completion: int
    expected: Callable[[Deployment], float]
    chance: Callable[[], float]


def ordered(places: Sequence[Place], home: str, policy: Policy, by: Weights) -> list[Place]:
    """Put *places*, as `candidates` gave them for *home*, in the order to try them."""
    levels: dict[tuple[bool, int], list[Place]] = {}
    for place in places:
        levels.setdefault(_level(place.deployment, home), []).append(place)
    return [place for level in levels.values() for place in _ORDERS[policy](level, by)]


def _as_written(places: list[Place], _by: Weights) -> list[Place]:
    return places


def _by_chance(places: list[Place], by: Weights) -> list[Place]:
    """Draw without putting back, by the weights: the sampling of Efraimidis and Spirakis."""
    drawn = {place.deployment.id: _draw(place.deployment.weight, by.chance()) for place in places}
    return sorted(places, key=lambda place: drawn[place.deployment.id], reverse=True)


def _draw(weight: int, chance: float) -> float:
    return math.log(max(chance, 1e-300)) / weight if weight else -math.inf


def _by_latency(places: list[Place], by: Weights) -> list[Place]:
    """Take the faster of two by chance, so that not all who ask at once go to the same one."""
    left = sorted(places, key=lambda place: by.expected(place.deployment))
    if len(left) > 2:  # noqa: PLR2004 - the two random choices
        first = min(int(by.chance() * len(left)), len(left) - 1)
        second = min(int(by.chance() * (len(left) - 1)), len(left) - 2)
        best = min(first, second + (second >= first))
        left.insert(0, left.pop(best))
    return left


def _by_price(places: list[Place], by: Weights) -> list[Place]:
    return sorted(places, key=lambda place: dearest((place.card,), by.prompt, by.completion))


_ORDERS: dict[Policy, Callable[[list[Place], Weights], list[Place]]] = {
    "priority": _as_written,
    "weighted": _by_chance,
    "latency": _by_latency,
    "cheapest": _by_price,
}
