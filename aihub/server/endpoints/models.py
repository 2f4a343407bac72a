"""Models, in the shape of whoever asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...dialects import anthropic, gemini
from ...dialects.queries import read_query
from ...model.catalogue import Model
from ...model.units import Json
from ..call import Call
from ..envelopes import ANTHROPIC, GEMINI, OPENAI, Envelope
from ..http import Response
from ..reading import model_object

_ONE: Mapping[Envelope, Callable[[Model], Json]] = {
    OPENAI: model_object,
    ANTHROPIC: anthropic.model_object,
    GEMINI: gemini.model_object,
}
MODEL_PAGES = {**anthropic.MODEL_PAGES, **gemini.MODEL_PAGES}
"""What may be asked of a list whose shape a header says."""


async def model(call: Call) -> Response:
    """Return one model."""
    found = call.hub.model(call.parameters["model"])
    return await call.answer(_ONE[call.envelope](found))


async def listed(call: Call) -> Response:
    """Return a page of the models in a vendor's shape, the newest first."""
    models = sorted(call.hub.models(), key=lambda model: (-model.created, model.id))
    write = anthropic.models_object if call.envelope is ANTHROPIC else gemini.models_object
    return await call.answer(write(models, call.request.query))


def check_query(query: str) -> None:
    """Refuse what is wrong in a query that asks for pages, whichever shape the list has.

    Raises:
        InvalidRequest: a parameter is.
    """
    if query:
        read_query(query, MODEL_PAGES, others=True)
