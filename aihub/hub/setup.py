"""Everything configured, as one value that a request reads once."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..core.routing import Places, candidates
from ..errors import InvalidRequest, ModelNotFound, UsageMistake
from ..model.catalogue import Deployment, Model, Routes
from ..model.chat import Chat
from ..protocols import Catalogue, Provider, RequestChecker, TokenCounter


@attrs.frozen(kw_only=True)
class Setup:
    """What a hub works with: models, providers, where models are served, who counts."""

    catalogue: Catalogue
    providers: Mapping[str, Provider]
    routes: Routes
    tokens: TokenCounter
    _checkers: Mapping[str, RequestChecker] = attrs.field(init=False)
    # The usual answer of `places`, by model: at most as many as the catalogue has.
    _known: dict[str, Places] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        checkers = {
            name: provider
            for name, provider in self.providers.items()
            if isinstance(provider, RequestChecker)
        }
        object.__setattr__(self, "_checkers", checkers)
        named = {one.provider for places in self.routes.deployments.values() for one in places}
        if self.routes.default is not None:
            named.add(self.routes.default)
        for name in sorted(named - set(self.providers)):
            raise UsageMistake(f"the routes name the provider '{name}', which is not given")

    def model(self, name: str) -> Model:
        """Return the model that goes by *name*.

        Raises:
            ModelNotFound: there is none.
        """
        model = self.catalogue.find(name)
        if model is None:
            raise ModelNotFound(name)
        return model

    def places(self, model: Model, chat: Chat, region: str | None) -> Places:
        """Return the deployments that can do what *chat* asks for, in the order to try them.

        Raises:
            InvalidRequest: none can; the first one's reason.
            RegionUnavailable: none is in the region that the request is pinned to.
        """
        places = self._known.get(model.id) if region is None else None
        if places is None:
            places = Places.of(candidates(self.routes, model, region=region), model)
            if region is None:
                self._known[model.id] = places
        able = self._able(places.deployments, model, chat)
        return places if len(able) == len(places.deployments) else Places.of(able, model)

    def _able(
        self, places: tuple[Deployment, ...], model: Model, chat: Chat
    ) -> tuple[Deployment, ...]:
        able, reason = [], None
        for place in places:
            checker = self._checkers.get(place.provider)
            try:
                if checker is not None:
                    checker.check(model, chat)
                able.append(place)
            except InvalidRequest as error:
                reason = reason or error
        if reason is not None and not able:
            raise reason
        return tuple(able)
