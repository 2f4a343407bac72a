"""What reading endpoints show: models and usage, as the API document has them."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from ..model.catalogue import Model
from ..model.status import DeploymentStatus, IncidentStatus, SlotStatus, Status
from ..model.units import SECOND, Json, Micros, format_usd, rfc3339
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


# How it stands


def status_object(status: Status) -> dict[str, Json]:
    """Return how a hub stands; it tells names, and no addresses, keys or errors."""
    return {
        "object": "status",
        "status": status.standing,
        "ready": status.ready,
        "updated": status.at // SECOND,
        "regions": [{"id": id, "status": one} for id, one in status.regions.items()],
        "providers": [{"id": id, "status": one} for id, one in status.providers.items()],
        "deployments": [_deployment_object(one) for one in status.deployments],
        "incidents": [_incident_object(one) for one in status.incidents],
    }


def _deployment_object(told: DeploymentStatus) -> dict[str, Json]:
    return {
        "id": told.id,
        "provider": told.provider,
        "region": told.region,
        "model": told.model,
        "status": told.standing,
        "requests": told.requests,
        "uptime": told.uptime,
        "latency_ms": _ms(told.latency),
        "slots": [_slot_object(one) for one in told.slots],
    }


def _slot_object(told: SlotStatus) -> dict[str, Json]:
    return {
        "began": told.began // SECOND,
        "requests": told.requests,
        "failed": told.failed,
        "latency_ms": _ms(told.latency),
    }


def _incident_object(told: IncidentStatus) -> dict[str, Json]:
    return {
        "deployment": told.deployment,
        "provider": told.provider,
        "region": told.region,
        "began": told.began // SECOND,
        "ended": None if told.ended is None else told.ended // SECOND,
    }


def _ms(time: Micros | float | None) -> float | None:
    return None if time is None else round(time / 1000, 3)
