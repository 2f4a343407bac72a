"""Content to be judged, and the judgement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import attrs

from .chat import OtherPart, TextPart
from .units import Json, Micros, Pico
from .usage import Usage

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
)
"""What is looked for: OpenAI's thirteen."""

DEFAULT_MODERATOR = "omni-moderation-latest"
"""Who judges where nobody is named: OpenAI's own default."""

MAX_JUDGED = 256
"""Pieces of content in one request: each has a result with 39 fields."""

Content: TypeAlias = tuple[TextPart | OtherPart, ...]
"""What is judged as one: texts, and pictures as OpenAI's `image_url` parts."""


@attrs.define(kw_only=True)
class ModerationRequest:
    """Content to be judged, one result for each; `extra` travels on to the provider."""

    model: str
    inputs: tuple[Content, ...]
    user: str | None = None
    extra: Mapping[str, Json] | None = None


@attrs.define(kw_only=True)
class Judgement:
    """What was found in one piece of content.

    `scores` are from 0 to 1, for each category; `types` tells which kinds of input (`text`,
    `image`) were looked at for it. `categories` are those that are flagged.
    """

    flagged: bool
    categories: Mapping[str, bool]
    scores: Mapping[str, float]
    types: Mapping[str, tuple[str, ...]]


@attrs.define(kw_only=True)
class Moderation:
    """The judgements of one request, settled; in the order of its inputs.

    `source` says by what they were made, where that is no model.
    """

    id: str
    created: Micros
    model: str
    served_model: str
    results: tuple[Judgement, ...]
    usage: Usage
    cost: Pico
    source: str | None = None
