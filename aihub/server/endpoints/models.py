"""Models, in the shape of whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import ModuleType

from ...dialects.fields import Check
from ...dialects.queries import read_query
from ..call import Call
from ..envelopes import ANTHROPIC, OPENAI, Envelope
from ..http import Response
from ..reading import model_object


def model_pages() -> Mapping[str, Check]:
    """Return what may be asked of a list whose shape a header says."""
    # Vendors' dialects are loaded where somebody asks in their words.
    from ...dialects import anthropic, gemini

    return {**anthropic.MODEL_PAGES, **gemini.MODEL_PAGES}


def _vendor(envelope: Envelope) -> ModuleType:
    from ...dialects import anthropic, gemini

    return anthropic if envelope is ANTHROPIC else gemini


async def model(call: Call) -> Response:
    """Return one model."""
    found = call.hub.model(call.parameters["model"])
    if call.envelope is OPENAI:
        return await call.answer(model_object(found))
    return await call.answer(_vendor(call.envelope).model_object(found))


async def listed(call: Call) -> Response:
    """Return a page of the models in a vendor's shape, the newest first."""
    models = sorted(call.hub.models(), key=lambda model: (-model.created, model.id))
    return await call.answer(_vendor(call.envelope).models_object(models, call.request.query))


def check_query(query: str) -> None:
    """Refuse what is wrong in a query that asks for pages, whichever shape the list has.

    Raises:
        InvalidRequest: a parameter is.
    """
    if query:
        read_query(query, model_pages(), others=True)
