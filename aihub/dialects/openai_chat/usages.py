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
from ..readers import count, take

MAX_COST = 10**6
"""Dollars that one answer may be said to cost: above it something is wrong."""


def usage_seen(fields: dict[str, Any]) -> UsageSeen:
    """Read a `usage` object.

    Raises:
        UpstreamFailed: its parts are of other types (`bad_answer`).
    """
    inside = take(fields, "prompt_tokens_details", dict)
    output = take(fields, "completion_tokens_details", dict)
    prompt, completion = count(fields, "prompt_tokens"), count(fields, "completion_tokens")
    reasoning = count(output, "reasoning_tokens")
    if reasoning and count(fields, "total_tokens") == prompt + completion + reasoning:
        completion += reasoning
    usage = Usage(
        prompt,
        completion,
        cached=count(inside, "cached_tokens") or count(fields, "prompt_cache_hit_tokens"),
        cache_write=count(inside, "cache_write_tokens"),
        reasoning=reasoning,
        accepted=count(output, "accepted_prediction_tokens"),
        rejected=count(output, "rejected_prediction_tokens"),
    )
    return UsageSeen(usage, cost=_cost(fields.get("cost")))


def _cost(told: Any) -> Pico | None:
    if type(told) not in {int, float} or not 0 <= told <= MAX_COST:
        return None
    # The shortest decimal of a float is what was written, in all but absurd cases.
    return int(Decimal(repr(told)) * PICO_PER_USD)
