"""A conversation made short, to be gone on from."""

from __future__ import annotations

import attrs

from .units import Json, Micros, Pico
from .usage import Usage


@attrs.define(kw_only=True)
class Compaction:
    """A settled compaction: what stands for the conversation from now on, and what it cost.

    `summary` is a text that any model understands. Where the provider gave `items` of its own in
    its place, which only it can read, they are as it wrote them, in the words of OpenAI's
    Responses.
    `cost` is in pico-dollars, `model` the name as asked, `served_model` the catalogue's id.
    """

    id: str
    created: Micros
    model: str
    served_model: str
    summary: str
    usage: Usage
    cost: Pico
    items: tuple[Json, ...] = ()
