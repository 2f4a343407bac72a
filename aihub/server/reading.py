"""What reading endpoints show: models and usage, as the API document has them."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from ..model.catalogue import Model
from ..model.units import SECOND, Json, format_usd, rfc3339
from ..model.usage import GroupBy, UsageReport


def model_object(model: Model) -> dict[str, Json]:
    """Return a model; prices are USD a token as decimal text."""
    prices = {
        "prompt": model.prices.prompt,
        "completion": model.prices.completion,
        "cached": model.prices.cached,
        "cache_write": model.prices.cache_write,
    }
    return {
        "id": model.id,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
        "context_window": model.context_window,
        "max_output": model.max_output,
        "pricing": {
            name: None if price is None else format_usd(price) for name, price in prices.items()
        },
    }


def models_object(models: Iterable[Model]) -> dict[str, Json]:
    """Return the list of models, by name."""
    data = sorted((model_object(model) for model in models), key=lambda model: str(model["id"]))
    return {"object": "list", "data": data}


GROUP_FIELDS: dict[GroupBy, str] = {
    "model": "models",
    "served_model": "served_models",
    "day": "days",
    "key": "keys",
}
"""Where a report's groups stand: the field says what they are grouped by."""


def usage_object(report: UsageReport) -> dict[str, Json]:
    """Return a usage report; costs are exact numbers of USD, the period's end its last second."""
    return {
        "period": {"start": rfc3339(report.start), "end": rfc3339(report.end - SECOND)},
        "usage": {
            "total_requests": report.requests,
            "total_tokens": report.tokens,
            "total_cost": orjson.Fragment(format_usd(report.cost)),
            GROUP_FIELDS[report.group_by]: {
                group.group: {
                    "requests": group.requests,
                    "tokens": group.tokens,
                    "cost": orjson.Fragment(format_usd(group.cost)),
                }
                for group in report.groups
            },
        },
    }
