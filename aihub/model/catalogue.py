"""Models, what they can do and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .units import SECOND, Micros, Pico


@attrs.frozen(kw_only=True)
class PriceTier:
    """Prices for a request whose prompt is longer than `above` tokens; they price all of it."""

    above: int
    prompt: Pico
    completion: Pico
    cached: Pico | None = None
    cache_write: Pico | None = None


@attrs.frozen(kw_only=True, cache_hash=True)
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
    """A model: of chats, or of what `outputs` says besides (`embedding`, `moderation`).

    `created` is in epoch seconds. `encoding` names the tokenizer that counts for it: exactly
    where `exact_tokens` says so, else as the nearest public one. `features` are those the
    catalogue knows of: `tools`, `reasoning`, `structured_output`, `temperature`, `attachment`,
    and `dimensions` where vectors may be asked for that are shorter than its own `dimensions`.
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
    dimensions: int | None = None


@attrs.frozen(kw_only=True)
class Drain:
    """How far an answer is read on when its caller has left, to learn what the provider counts.

    At most so many `seconds`, and so many `characters` more.
    """

    seconds: float = attrs.field(default=10.0, validator=attrs.validators.gt(0))
    characters: int = attrs.field(default=100_000, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class Deployment:
    """A place where a model is served: a provider under its own name for the model, in a region.

    `prices` of None means the model's own. Of the deployments of one model those with the lowest
    `priority` are asked first; `weight` is a share under the policy `weighted`. What a minute may
    hold at most is `requests_per_minute` and `tokens_per_minute`, counted by each process for
    itself: one that is full is passed over. A caller who leaves frees the provider at once, unless
    there is a `drain`. Where nothing of an answer has come `hedge_after` seconds after it was asked
    for, another deployment of the model is asked beside it, and the one that is slower to begin is
    let go, and billed for the prompt; None never asks two.
    """

    id: str
    provider: str
    upstream_model: str
    region: str
    prices: PriceCard | None = None
    priority: int = 0
    weight: int = attrs.field(default=1, validator=attrs.validators.ge(0))
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    drain: Drain | None = None
    hedge_after: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(0))
    )


Policy: TypeAlias = Literal["priority", "weighted", "latency", "cheapest"]
POLICIES: tuple[Policy, ...] = ("priority", "weighted", "latency", "cheapest")


@attrs.frozen(kw_only=True)
class Retries:
    """When a model's deployments are asked again, all of them having failed.

    A wait is random between nothing and `base` seconds, a bound that doubles each time up to
    `longest`; what a provider's `Retry-After` asks for is waited too, where it is no more than
    `patience` seconds. `most` is how often a request asks again for each model.
    """

    most: int = attrs.field(default=2, validator=attrs.validators.ge(0))
    base: float = attrs.field(default=0.25, validator=attrs.validators.ge(0))
    longest: float = attrs.field(default=4.0, validator=attrs.validators.ge(0))
    patience: float = attrs.field(default=5.0, validator=attrs.validators.ge(0))


@attrs.frozen(kw_only=True)
class BreakerRules:
    """When a deployment is left alone for a while.

    Of at least `sample` attempts in the last `span`, a share of `ratio` failed. It is left alone
    for `cool`, and then asked by one request at a time: if that fails, for twice as long as before,
    up to `longest`. Times are in microseconds.
    """

    span: Micros = 30 * SECOND
    sample: int = attrs.field(default=10, validator=attrs.validators.ge(1))
    ratio: float = attrs.field(
        default=0.5, validator=[attrs.validators.gt(0), attrs.validators.le(1)]
    )
    cool: Micros = 5 * SECOND
    longest: Micros = 60 * SECOND


@attrs.frozen(kw_only=True)
class Routes:
    """Where models are served.

    A model named in `deployments` (by its id) is served there; every other by `default`, a
    provider's name, under the model's own id in the home `region`. `default` of None leaves other
    models without a place.

    Among a model's deployments those of the home region come first, then those of lower `priority`;
    the rest is for the policy: as written (`priority`), by chance according to their weights
    (`weighted`), the one that has answered fastest of two taken by chance (`latency`), or by price
    (`cheapest`). `policies` are those of single models. Where none of its own deployments
    answers, a model is followed by its `fallbacks`, other models' ids, in order.
    """

    deployments: Mapping[str, tuple[Deployment, ...]] = attrs.field(factory=dict)
    default: str | None = None
    region: str = "local"
    policy: Policy = "priority"
    policies: Mapping[str, Policy] = attrs.field(factory=dict)
    fallbacks: Mapping[str, tuple[str, ...]] = attrs.field(factory=dict)
    retries: Retries = Retries()
    breaker: BreakerRules = BreakerRules()
