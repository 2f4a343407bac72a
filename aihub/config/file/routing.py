"""Models, where they are served, and what follows what: the routes that a file describes.

A little longer than our files are meant to be: a table of keys for each part of a route.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from typing import Any

import attrs

from ...backends.catalogue import StaticCatalogue, card_from, models_from_json
from ...backends.catalogue.own import FEATURES, MAX_TOKENS, MODALITIES, OUTPUTS
from ...model.catalogue import (
    POLICIES,
    BreakerRules,
    Deployment,
    Drain,
    Model,
    PriceCard,
    Retries,
    Routes,
)
from ...model.units import SECOND
from ...server.words import check_region
from ..settings import MOCK
from .providers import ProviderConfig
from .secrets import Sources
from .spots import Reader, Spot, array, by, meant, near_to, number, one_of, text, whole

NONE = "none"

MAX_MODELS_FILE = 16 * 1024 * 1024
"""Bytes of a file of models: the packaged one has 90 thousand."""

MAX_WEIGHT = 1_000_000
MAX_PRIORITY = 1000
MAX_PER_MINUTE = 10**12
MAX_DRAINED = 10**8
LONGEST_WAIT = 3600
MOST_RETRIES = 10
"""A mistake beyond these: shares, levels, rates, seconds and repetitions that nobody means."""

UNKNOWN = Model(
    id="",
    owned_by="",
    created=0,
    context_window=128_000,
    max_output=None,
    prices=PriceCard(prompt=0, completion=0),
    encoding="o200k_base",
    exact_tokens=False,
    inputs=frozenset({"text", "image"}),
    features=frozenset({"tools", "structured_output", "temperature"}),
)
"""What is supposed of a model that only its provider's table names: it costs nothing."""

NO_PRICE = UNKNOWN.prices

# Keys


def _prices(spot: Spot) -> PriceCard:
    return card_from(spot.table())


def _names_of(known: frozenset[str]) -> Reader:
    return lambda spot: frozenset(spot.items(one_of(known)))


DEPLOYMENT_KEYS: Mapping[str, Reader] = {
    "provider": text,
    "upstream_model": text,
    "id": text,
    "region": by(check_region),
    "priority": whole(0, MAX_PRIORITY),
    "weight": whole(0, MAX_WEIGHT),
    "usd_per_million": _prices,
    "requests_per_minute": whole(1, MAX_PER_MINUTE),
    "tokens_per_minute": whole(1, MAX_PER_MINUTE),
    "drain": lambda spot: Drain(**spot.keys(DRAIN_KEYS)),
    "hedge_after": number(0.001, LONGEST_WAIT),
}
"""The keys of a deployment."""

DRAIN_KEYS: Mapping[str, Reader] = {
    "seconds": number(0.001, LONGEST_WAIT),
    "characters": whole(0, MAX_DRAINED),
}
"""The keys of a deployment's `drain`."""

DESCRIPTION_KEYS: Mapping[str, Reader] = {
    "owned_by": text,
    "context_window": whole(1, MAX_TOKENS),
    "max_output": whole(1, MAX_TOKENS),
    "usd_per_million": _prices,
    "inputs": _names_of(MODALITIES),
    "outputs": _names_of(OUTPUTS),
    "dimensions": whole(1, MAX_TOKENS),
    "features": _names_of(FEATURES),
}
"""The keys of `[models.NAME]` that say what it is."""


def _deployments(spot: Spot) -> list[tuple[Spot, dict[str, Any]]]:
    return spot.items(lambda one: (one, one.keys(DEPLOYMENT_KEYS, needed=["provider"])))


MODEL_KEYS: Mapping[str, Reader] = {
    "deployments": _deployments,
    "policy": one_of(POLICIES),
    "fallbacks": array(text),
    **DESCRIPTION_KEYS,
}
"""The keys of `[models.NAME]`."""

RETRY_KEYS: Mapping[str, Reader] = {
    "most": whole(0, MOST_RETRIES),
    "base": number(0, LONGEST_WAIT),
    "longest": number(0, LONGEST_WAIT),
    "patience": number(0, LONGEST_WAIT),
}
"""The keys of `routing.retries`."""


def _micros(spot: Spot) -> int:
    seconds: float = number(0.001, LONGEST_WAIT)(spot)
    return round(seconds * SECOND)


BREAKER_KEYS: Mapping[str, Reader] = {
    "span": _micros,
    "sample": whole(1, MAX_WEIGHT),
    "ratio": number(0.01, 1),
    "cool": _micros,
    "longest": _micros,
}
"""The keys of `routing.breaker`; its times are seconds."""

ROUTING_KEYS: Mapping[str, Reader] = {
    "default": text,
    "policy": one_of(POLICIES),
    "retries": lambda spot: Retries(**spot.keys(RETRY_KEYS)),
    "breaker": lambda spot: BreakerRules(**spot.keys(BREAKER_KEYS)),
}
"""The keys of `[routing]`."""


def catalogue_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the keys of `[catalogue]`."""
    return {"file": by(lambda named: models_from_json(sources.read(named, MAX_MODELS_FILE)))}


# Reading


@attrs.frozen(kw_only=True)
class Parts:
    """What a file says about routes, before it is put together.

    Args:
        top: the document.
        home: the home region.
        catalogue: the models that there are without those that the file describes.
        providers: who is asked, by name.
        models: what stands in `[models]`.
        routing: what stands in `[routing]`.
        aliases: what stands in `[aliases]`.
    """

    top: Spot
    home: str
    catalogue: StaticCatalogue
    providers: Mapping[str, ProviderConfig]
    models: Mapping[str, Mapping[str, Any]]
    routing: Mapping[str, Any]
    aliases: Mapping[str, str]

    def spot(self, *path: str) -> Spot:
        """Return a place in the document that may not be there."""
        return Spot(None, path, self.top.book)


@attrs.frozen
class Described:
    """The models that a file adds or changes, its aliases, and its routes.

    `listed` says that the models without a place are not shown: nobody answers for them.
    """

    models: tuple[Model, ...]
    aliases: Mapping[str, str]
    routes: Routes
    listed: bool


def describe(parts: Parts) -> Described:
    """Put together what a file says about models and routes; what is wrong is noted."""
    models = {one.id: one for one in _described(parts)}
    aliases = _aliases(parts, models)
    full = parts.catalogue.with_models(models.values(), aliases)
    default = _default(parts)
    places = _places(parts, full)
    _note_idle(parts, {one.provider for found in places.values() for one in found} | {default})
    routes = Routes(
        deployments=places,
        default=default,
        region=parts.home,
        policies={name: given["policy"] for name, given in _by_id(parts, full, "policy")},
        fallbacks=_fallbacks(parts, full, places, default),
        **{key: value for key, value in parts.routing.items() if key != "default"},
    )
    if default is None:
        for name in parts.models:
            model = full.find(name)
            if model is not None and model.id not in places:
                parts.spot("models", name).wrong("is served nowhere: give it deployments")
        for name, id in aliases.items():
            if id not in places:
                parts.spot("aliases", name).wrong(f"'{id}' is served nowhere")
    return Described(tuple(models.values()), aliases, routes, listed=default is None)


def _described(parts: Parts) -> Iterator[Model]:
    """Yield the models that a file describes: those of `[models]`, and names nobody knows."""
    told = set()
    for name, given in parts.models.items():
        said = {key: value for key, value in given.items() if key in DESCRIPTION_KEYS}
        if "usd_per_million" in said:
            said["prices"] = said.pop("usd_per_million")
        known = parts.catalogue.find(name)
        if known is None and not said and not _names(parts, name):
            near = near_to(name, _catalogue_names(parts))
            near = near or ": describe it, at least by context_window"
            parts.spot("models", name).wrong(f"is no model that is known{near}")
        elif known is not None and known.id != name and known.id in parts.models:
            parts.spot("models", name).wrong(f"is another name of '{known.id}', which is here too")
        elif said or known is None:
            told.add(name)
            yield attrs.evolve(known or _supposed(parts, name), **said)
    for provider in parts.providers.values():
        for n, name in enumerate(provider.models):
            if name in told or name in parts.models or parts.catalogue.find(name) is not None:
                continue
            if provider.is_at_home:
                near = near_to(name, _catalogue_names(parts)) or ": describe it in [models]"
                _models_spot(parts, provider, n).wrong(f"'{name}' is no model that is known{near}")
            else:
                told.add(name)
                yield _supposed(parts, name)


def _catalogue_names(parts: Parts) -> list[str]:
    return [one.id for one in parts.catalogue.models()]


def _names(parts: Parts, name: str) -> list[ProviderConfig]:
    return [one for one in parts.providers.values() if name in one.models]


def _supposed(parts: Parts, name: str) -> Model:
    named = _names(parts, name)
    return attrs.evolve(UNKNOWN, id=name, owned_by=named[0].name if named else "me")


def _models_spot(parts: Parts, provider: ProviderConfig, n: int) -> Spot:
    return Spot(None, ("providers", provider.name, "models", n), parts.top.book)


def _aliases(parts: Parts, models: Mapping[str, Model]) -> dict[str, str]:
    """Return the aliases that can be; an alias of an alias is one of its model."""
    good = {}
    for name, named in parts.aliases.items():
        model = models.get(named) or parts.catalogue.find(named)
        here = parts.spot("aliases", name)
        known = parts.catalogue.find(name)
        if name in models or (known is not None and known.id == name):
            here.wrong("is a model already: an alias cannot hide it")
        elif model is None:
            near = near_to(named, [*models, *_catalogue_names(parts)])
            here.wrong(f"there is no model '{named}'{near}")
        else:
            good[name] = model.id
    return good


def _places(parts: Parts, full: StaticCatalogue) -> dict[str, tuple[Deployment, ...]]:
    """Return where each model is served: as its own table says, then by providers in order."""
    places: dict[str, list[Deployment]] = {}
    ids: set[str] = set()
    for spot, model, given in _stated(parts, full):
        deployment = _deployment(parts, model, given)
        if deployment.id in ids:
            spot.wrong(f"there are two deployments '{deployment.id}': give one an id of its own")
        ids.add(deployment.id)
        places.setdefault(model.id, []).append(deployment)
    return {name: tuple(found) for name, found in places.items()}


def _note_idle(parts: Parts, used: Container[str | None]) -> None:
    """Note providers that nothing leads to; where models are named, what is wrong is told there."""
    for name in parts.providers:
        if name not in used and "models" not in parts.top.value["providers"][name]:
            parts.spot("providers", name).wrong("is asked for no model: give it models")


def _stated(parts: Parts, full: StaticCatalogue) -> Iterator[tuple[Spot, Model, Mapping[str, Any]]]:
    """Yield each deployment that is stated, where it is, and of which model."""
    for name, given in _by_id(parts, full, "deployments"):
        model = full.find(name)
        for spot, stated in given["deployments"]:
            provider = stated.get("provider")
            if provider is not None and provider not in {*parts.providers, MOCK}:
                hint = meant(provider, [*parts.providers, MOCK])
                spot.wrong(f"there is no provider '{provider}'{hint}", "provider")
            elif provider is not None and model is not None:
                yield spot, model, stated
    for provider in parts.providers.values():
        names = _all_of(provider, full) if provider.every else provider.models
        for n, name in enumerate(names):
            model = full.find(name)
            if model is not None:
                stated = {"provider": provider.name, "upstream_model": name}
                yield _models_spot(parts, provider, n), model, stated


def _all_of(provider: ProviderConfig, full: StaticCatalogue) -> Sequence[str]:
    """Return the ids, without aliases, of the catalogue's models that a provider's kind owns."""
    found = {one.id: one for one in full.models() if one.owned_by == provider.owner}
    return [id for id in found if _is_id(full, id)]


def _is_id(full: StaticCatalogue, name: str) -> bool:
    model = full.find(name)
    return model is not None and model.id == name


def _deployment(parts: Parts, model: Model, given: Mapping[str, Any]) -> Deployment:
    name = given["provider"]
    provider = parts.providers.get(name)
    usual = parts.home if provider is None or provider.region is None else provider.region
    said = {key: value for key, value in given.items() if key != "usd_per_million"}
    return Deployment(
        **{
            "id": f"{name}/{model.id}",
            "upstream_model": model.id,
            "region": usual,
            "prices": given.get("usd_per_million"),
            **said,
        }
    )


def _by_id(
    parts: Parts, full: StaticCatalogue, key: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tables of `[models]` that have a key, each by its model's id."""
    for name, given in parts.models.items():
        model = full.find(name)
        if model is not None and key in given:
            yield model.id, given


def _default(parts: Parts) -> str | None:
    """Return who answers for all other models: without providers the mock, with them nobody."""
    given = parts.routing.get("default")
    if given is None:
        return None if parts.providers else MOCK
    if given == NONE:
        return None
    if given != MOCK and given not in parts.providers:
        hint = meant(given, [*parts.providers, MOCK, NONE])
        parts.spot("routing", "default").wrong(f"there is no provider '{given}'{hint}")
        return None
    return str(given)


def _fallbacks(
    parts: Parts, full: StaticCatalogue, places: Iterable[str], default: str | None
) -> dict[str, tuple[str, ...]]:
    served = set(places)
    fallbacks = {}
    for id, given in _by_id(parts, full, "fallbacks"):
        good = []
        for n, name in enumerate(given["fallbacks"]):
            model = full.find(name)
            here = Spot(None, ("models", id, "fallbacks", n), parts.top.book)
            if model is None:
                here.wrong(f"there is no model '{name}'")
            elif model.id == id:
                here.wrong("a model does not stand in for itself")
            elif default is None and model.id not in served:
                here.wrong(f"'{name}' is served nowhere")
            else:
                good.append(model.id)
        fallbacks[id] = tuple(good)
    return fallbacks


def known_regions(described: Described) -> frozenset[str]:
    """Return the regions in which something is served."""
    routes = described.routes
    named = {one.region for found in routes.deployments.values() for one in found}
    return frozenset(named | ({routes.region} if routes.default is not None else set()))
