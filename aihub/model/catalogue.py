"""Models, what they can do and what they cost."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .units import Pico


@attrs.frozen(kw_only=True)
class PriceTier:
    """Prices for a request whose prompt is longer than `above` tokens; they price all of it."""

    above: int
    prompt: Pico
    completion: Pico
    cached: Pico | None = None
    cache_write: Pico | None = None


@attrs.frozen(kw_only=True)
class PriceCard:
    """Prices in pico-dollars a token.

    A cached or cache-write price of None means such tokens cost as any prompt token. `tiers` are
    sorted by `above`.
    """

    prompt: Pico
    completion: Pico
    cached: Pico | None = None
    cache_write: Pico | None = None
    tiers: tuple[PriceTier, ...] = ()


@attrs.frozen(kw_only=True)
class Model:
    """A chat model.

    `created` is in epoch seconds. `encoding` names the tokenizer that counts for it: exactly
    where `exact_tokens` says so, else as the nearest public one. `features` are those the
    catalogue knows of: `tools`, `reasoning`, `structured_output`, `temperature`, `attachment`.
    """

    id: str
    owned_by: str
    created: int
    context_window: int
    max_output: int | None
    prices: PriceCard
    encoding: str
    exact_tokens: bool
    inputs: frozenset[str] = frozenset({"text"})
    outputs: frozenset[str] = frozenset({"text"})
    features: frozenset[str] = frozenset()


@attrs.frozen(kw_only=True)
class Deployment:
    """A place where a model is served: a provider under its own name for the model, in a region.

    `prices` of None means the model's own.
    """

    id: str
    provider: str
    upstream_model: str
    region: str
    prices: PriceCard | None = None


@attrs.frozen(kw_only=True)
class Routes:
    """Where models are served.

    A model named in `deployments` (by its id) is served there; every other by `default`, a
    provider's name, under the model's own id in the home `region`. `default` of None leaves other
    models without a place.
    """

    deployments: Mapping[str, tuple[Deployment, ...]] = attrs.field(factory=dict)
    default: str | None = None
    region: str = "local"
