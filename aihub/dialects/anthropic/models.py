"""Models as Anthropic lists them.

Source: Anthropic's published OpenAPI document, `ModelInfo` and `ListResponse_ModelInfo_`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import InvalidRequest
from ...messages import Msg
from ...model.catalogue import Model
from ...model.units import SECOND, Json, rfc3339
from ..fields import Check
from ..queries import identifier, read_query, whole

MODELS_PAGE = 20
"""Models on a page where nobody says how many."""

MAX_MODELS_PAGE = 1000
"""Models on one page: Anthropic's own bound."""

MODEL_PAGES: Mapping[str, Check] = {
    "limit": whole(1, MAX_MODELS_PAGE, MODELS_PAGE),
    "after_id": identifier,
    "before_id": identifier,
}


def model_object(model: Model) -> dict[str, Json]:
    """Write a model; its name for people is its id."""
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.id,
        "created_at": rfc3339(model.created * SECOND),
        "max_input_tokens": model.context_window,
        "max_tokens": model.max_output,
        "capabilities": None,
    }


def models_object(models: Sequence[Model], query: str) -> dict[str, Json]:
    """Write the page of *models* that a query asks for: after an id, or just before one.

    Raises:
        InvalidRequest: a parameter is wrong.
    """
    asked = read_query(query, MODEL_PAGES, others=True)
    limit = asked.get("limit", MODELS_PAGE)
    if "before_id" in asked:
        end = _place(models, asked["before_id"], "before_id")
        start = max(0, end - limit)
        more = start > 0
    else:
        start = 0
        if "after_id" in asked:
            start = _place(models, asked["after_id"], "after_id") + 1
        end = start + limit
        more = end < len(models)
    shown = models[start:end]
    return {
        "data": [model_object(one) for one in shown],
        "has_more": more,
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def _place(models: Sequence[Model], id: str, param: str) -> int:
    for n, one in enumerate(models):
        if one.id == id:
            return n
    raise InvalidRequest(Msg("'{param}' is the id of no model.", param=param), param=param)
