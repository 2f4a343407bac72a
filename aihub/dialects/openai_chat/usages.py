"""What an answer used, as OpenAI and those who speak its dialect tell it.

Cached tokens are inside `prompt_tokens`. Reasoning tokens are inside `completion_tokens`, but for
those (xAI) whose `total_tokens` shows that they are counted beside it. DeepSeek names its cache in
fields of its own; OpenRouter tells what was written to one, and what the answer costs.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ...model.events import UsageSeen
from ...model.units import PICO_PER_USD, Pico
from ...model.usage import Usage
from ..reading import field

MAX_COST = 10**6
"""Dollars that one answer may be said to cost: above it something is wrong."""


def usage_seen(fields: dict[str, Any]) -> UsageSeen:
    """Read a `usage` object.

    Raises:
        Unreadable: its parts are of other types.
    """
    inside: dict[str, Any] = field(fields, "prompt_tokens_details", dict, {})
    output: dict[str, Any] = field(fields, "completion_tokens_details", dict, {})
    prompt, completion = count_of(fields, "prompt_tokens"), count_of(fields, "completion_tokens")
    reasoning = count_of(output, "reasoning_tokens")
    if reasoning and count_of(fields, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning
    usage = Usage(
        prompt,
        completion,
        cached=count_of(inside, "cached_tokens") or count_of(fields, "prompt_cache_hit_tokens"),
        cache_write=count_of(inside, "cache_write_tokens"),
        reasoning=reasoning,
        accepted=count_of(output, "accepted_prediction_tokens"),
        rejected=count_of(output, "rejected_prediction_tokens"),
    )
    return UsageSeen(usage, cost=cost_of(fields.get("cost")))


def count_of(fields: dict[str, Any], name: str) -> int:
    """Return a number of tokens; 0 where there is none that could be one.

    Usage that is odd is no reason to give a good answer up: it is not believed then.
    """
    value = fields.get(name)
    return value if type(value) is int else 0


def cost_of(told: Any) -> Pico | None:
    """Return what an answer is said to cost; None where nothing is that can be believed."""
    if type(told) not in {int, float} or not 0 <= told <= MAX_COST:
        return None
    # The shortest decimal of a float is what was written, in all but absurd cases.
    return int(Decimal(repr(told)) * PICO_PER_USD)
