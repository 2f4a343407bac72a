"""Everything configured, as one value that a request reads once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import anyio
import attrs

from ..core.routing import Place, Places, Weights, candidates, ordered
from ..errors import InvalidRequest, ModelNotFound, RegionUnavailable, UsageMistake
from ..model.catalogue import Model, Routes
from ..protocols import Catalogue, Provider, TokenCounter
from .health import Health
from .work import Providers, Work


@attrs.frozen(kw_only=True)
class Setup:
    """What a hub works with: models, providers, where models are served, who counts.

    `users` are the requests that began with it and have not ended; what it alone holds is closed
    when the last of them has.
    """

    catalogue: Catalogue
    providers: Mapping[str, Provider]
    routes: Routes
    tokens: TokenCounter
    able: Providers = attrs.field(init=False)
    # The usual answers of `places`, by model and home: as many as there are of both at most.
    _known: dict[tuple[str, str], Places] = attrs.field(init=False, factory=dict)
    _regions: frozenset[str] = attrs.field(init=False)
    users: Users = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "users", Users())
        object.__setattr__(self, "able", Providers(self.providers))
        places = [one for found in self.routes.deployments.values() for one in found]
        object.__setattr__(self, "_regions", frozenset(one.region for one in places))
        named = {one.provider for one in places}
        if self.routes.default is not None:
            named.add(self.routes.default)
        for name in sorted(named - set(self.providers)):
            raise UsageMistake(f"the routes name the provider '{name}', which is not given")
        for model, others in self.routes.fallbacks.items():
            for other in others:
                if self.catalogue.find(other) is None:
                    raise UsageMistake(
                        f"the routes let '{other}' stand in for '{model}': there is no such model"
                    )

    def model(self, name: str) -> Model:
        """Return the model that goes by *name*.

        Raises:
            ModelNotFound: there is none.
        """
        model = self.catalogue.find(name)
        if model is None:
            raise ModelNotFound(name)
        return model

    def home(self, near: str | None) -> str:
        """Return the region that a request prefers: *near*, where anything is served there."""
        return near if near is not None and near in self._regions else self.routes.region

    def places(self, model: Model, work: Work, region: str | None, home: str) -> Places:
        """Return the deployments that can do what is wanted, as they are configured.

        Those of the region *home* come first; none is of another than *region*, where it is given.

        Raises:
            InvalidRequest: none can; the first one's reason.
            RegionUnavailable: none is in the region that the request is pinned to.
        """
        places = self._known.get((model.id, home)) if region is None else None
        if places is None:
            places = Places.of(*self._groups(model, region, home))
            if region is None:
                self._known[model.id, home] = places
        if len(places.all) == 1:
            work.able(places.all[0], self.able)
            return places
        able = self._able(places.all, work)
        return places if able == places.all else _regrouped(able)

    def _groups(self, model: Model, region: str | None, home: str) -> list[tuple[Place, ...]]:
        """Return where *model* is served, and where each of those that may stand in for it is."""
        groups = [candidates(self.routes, model, region=region, home=home)]
        for name in self.routes.fallbacks.get(model.id, ()):
            with suppress(RegionUnavailable):
                other = self.model(name)
                groups.append(candidates(self.routes, other, region=region, home=home))
        return groups

    def _able(self, places: tuple[Place, ...], work: Work) -> tuple[Place, ...]:
        able, reason = [], None
        for place in places:
            try:
                work.able(place, self.able)
                able.append(place)
            except InvalidRequest as error:
                reason = reason or error
        if reason is not None and not able:
            raise reason
        return tuple(able)

    def ordered(
        self, places: Places, prompt: int, completion: int, health: Health, home: str
    ) -> Places:
        """Put places in the order in which one request is to try them, each group by its policy.

        Those of another model are left out where the prompt does not fit it.
        """
        if len(places.all) == 1:
            return places
        by = Weights(prompt, completion, health.expected, health.chance)
        groups: list[list[Place]] = []
        for model, group in _by_model(places.all):
            policy = self.routes.policies.get(model.id, self.routes.policy)
            if not groups or prompt < model.context_window:
                groups.append(ordered(group, home, policy, by))
        return Places.of(*groups)


@attrs.define
class Users:
    """How many requests use a setup, and who waits for the last of them to end."""

    count: int = 0
    _gone: anyio.Event | None = None

    def leave(self) -> None:
        """Be one fewer."""
        self.count -= 1
        if not self.count and self._gone is not None:
            self._gone.set()

    async def wait_none(self) -> None:
        """Wait until there is none."""
        while self.count:
            self._gone = anyio.Event()
            await self._gone.wait()


def _by_model(places: Sequence[Place]) -> list[tuple[Model, list[Place]]]:
    groups: dict[str, tuple[Model, list[Place]]] = {}
    for place in places:
        groups.setdefault(place.model.id, (place.model, []))[1].append(place)
    return list(groups.values())


def _regrouped(places: Sequence[Place]) -> Places:
    return Places.of(*[group for _, group in _by_model(places)])
