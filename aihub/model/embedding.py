"""Texts to embed, and their vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import attrs

from .units import Json, Micros, Pico
from .usage import Usage

Vector: TypeAlias = Sequence[float]

MAX_INPUTS = 2048
"""Texts of one request: OpenAI's own bound."""

MAX_NUMBERS = 2**22
"""Numbers of one answer, all its vectors together: a thousand of the longest. Writing that many
takes some 0.3 s, during which nobody else is served."""


@attrs.define(kw_only=True)
class EmbeddingRequest:
    """Texts to be embedded; one that is a tuple of numbers has been cut into tokens already.

    `dimensions` is how long the vectors are to be; None is as long as the model's are. `extra`
    holds what has no place of its own here, and travels on.
    """

    model: str
    inputs: tuple[str | tuple[int, ...], ...]
    dimensions: int | None = None
    user: str | None = None
    extra: Mapping[str, Json] | None = None


@attrs.define(kw_only=True)
class Embeddings:
    """The vectors of one request, settled; in the order of its inputs.

    `usage` has no completion tokens. `model` is the name as asked, `served_model` the catalogue's
    id; `cost` is what the request cost altogether, in pico-dollars.
    """

    id: str
    created: Micros
    model: str
    served_model: str
    vectors: tuple[Vector, ...]
    usage: Usage
    cost: Pico
