"""What tokens cost: integers only, each token priced once."""

from __future__ import annotations

import json

import attrs

from ..model.catalogue import PriceCard, PriceTier
from ..model.units import Pico
from ..model.usage import Usage


def rates(card: PriceCard, prompt: int) -> PriceCard | PriceTier:
    """Return the prices that hold for a request with *prompt* tokens; a tier prices all of it."""
    found: PriceCard | PriceTier = card
    for tier in card.tiers:
        if prompt <= tier.above:
            break
        found = tier
    return found


def price(usage: Usage, card: PriceCard) -> Pico:
    """Price *usage*. Reasoning tokens cost as completion, inside which they are counted."""
    rate = rates(card, usage.prompt)
    cached = rate.prompt if rate.cached is None else rate.cached
    written = rate.prompt if rate.cache_write is None else rate.cache_write
    plain = usage.prompt - usage.cached - usage.cache_write
    return (
        plain * rate.prompt
        + usage.cached * cached
        + usage.cache_write * written
        + usage.completion * rate.completion
    )


def dearest(cards: tuple[PriceCard, ...], prompt: int, completion: int) -> Pico:
    """Return the most that a request may cost on any of *cards*, caches being written or not."""
    return max([_most(card, prompt, completion) for card in cards], default=0)


def _most(card: PriceCard, prompt: int, completion: int) -> Pico:
    rate = rates(card, prompt)
    dear = max(rate.prompt, rate.cache_write or 0, rate.cached or 0)
    return prompt * dear + completion * rate.completion


def card_json(card: PriceCard) -> str:
    """Write a price card as JSON; a row keeps it, so that it explains its own cost."""
    text = _CARDS.get(card)
    if text is None:
        if len(_CARDS) >= _MAX_CARDS:
            _CARDS.clear()
        text = _CARDS[card] = _card_json(card)
    return text


# The same few cards are written again with every request.
_CARDS: dict[PriceCard, str] = {}
_MAX_CARDS = 1024


def _card_json(card: PriceCard) -> str:
    fields = attrs.asdict(card, filter=lambda _, value: value is not None and value != ())
    return json.dumps(fields, separators=(",", ":"))
