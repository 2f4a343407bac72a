"""Where a model may be asked, in which order."""

from __future__ import annotations

import attrs

from ..errors import RegionUnavailable
from ..model.catalogue import Deployment, Model, PriceCard, Routes
from ..model.ledger import Planned
from .pricing import card_json


@attrs.frozen
class Places:
    """Deployments that a request may try, in order, with what they cost."""

    deployments: tuple[Deployment, ...]
    cards: tuple[PriceCard, ...]
    planned: Planned

    @classmethod
    def of(cls, deployments: tuple[Deployment, ...], model: Model) -> Places:
        """Price *deployments*, of which there is at least one."""
        cards = tuple(card_of(place, model) for place in deployments)
        first = deployments[0]
        planned = Planned(first.id, first.upstream_model, first.region, card_json(cards[0]))
        return cls(deployments, cards, planned)


def candidates(routes: Routes, model: Model, *, region: str | None) -> tuple[Deployment, ...]:
    """Return the deployments to try, those of the home region first.

    Args:
        routes: what is configured.
        model: the model asked for.
        region: a region that the request must not leave; None prefers home and goes anywhere.

    Raises:
        RegionUnavailable: nothing serves the model there.
    """
    places = routes.deployments.get(model.id) or _default(routes, model)
    if region is None:
        if len(places) == 1:
            return places
        return tuple(sorted(places, key=lambda place: place.region != routes.region))
    pinned = tuple(place for place in places if place.region == region)
    if not pinned:
        raise RegionUnavailable(region, model.id)
    return pinned


def card_of(deployment: Deployment, model: Model) -> PriceCard:
    """Return the prices that hold at *deployment*."""
    return deployment.prices or model.prices


def _default(routes: Routes, model: Model) -> tuple[Deployment, ...]:
    if routes.default is None:
        raise RegionUnavailable(routes.region, model.id)
    name = routes.default
    return (
        Deployment(
            id=f"{name}/{model.id}", provider=name, upstream_model=model.id, region=routes.region
        ),
    )
