"""Models as Gemini lists them.

Source: Google's published discovery document, `Model` and `ListModelsResponse`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...errors import InvalidRequest
from ...messages import Msg
from ...model.catalogue import Model
from ...model.units import SECOND, Json, rfc3339
from ..fields import Check
from ..queries import identifier, read_query, whole

GEMINI_PAGE = 50
"""Models on a page where nobody says how many: Google's own number."""

MAX_GEMINI_PAGE = 1000
"""Models on one page, whatever is asked for: Google's own bound."""

_MOST = 999_999_999

MODEL_PAGES: Mapping[str, Check] = {
    "pageSize": whole(0, _MOST, GEMINI_PAGE),
    "pageToken": identifier,
}

_METHODS = ("generateContent", "countTokens")


def model_object(model: Model) -> dict[str, Json]:
    """Write a model; its version is the day it came out, its name for people its id."""
    told: dict[str, Json] = {
        "name": f"models/{model.id}",
        "version": rfc3339(model.created * SECOND)[:10],
        "displayName": model.id,
        "inputTokenLimit": model.context_window,
        "supportedGenerationMethods": list(_METHODS),
        "thinking": "reasoning" in model.features,
    }
    if model.max_output is not None:
        told["outputTokenLimit"] = model.max_output
    return told


def models_object(models: Sequence[Model], query: str) -> dict[str, Json]:
    """Write the page of *models* that a query asks for; a page's token is its last model's id.

    Raises:
        InvalidRequest: a parameter is wrong.
    """
    asked = read_query(query, MODEL_PAGES, others=True)
    size = min(asked.get("pageSize") or GEMINI_PAGE, MAX_GEMINI_PAGE)
    start = _after(models, asked["pageToken"]) if "pageToken" in asked else 0
    shown = models[start : start + size]
    told: dict[str, Json] = {"models": [model_object(one) for one in shown]}
    if start + size < len(models):
        told["nextPageToken"] = shown[-1].id
    return told


def _after(models: Sequence[Model], token: str) -> int:
    for n, one in enumerate(models):
        if one.id == token:
            return n + 1
    raise InvalidRequest(Msg("'pageToken' is none that a page has told."), param="pageToken")
