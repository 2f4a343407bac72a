"""What a provider says while it answers, and the whole answer it amounts to.

`Finished` comes exactly once per choice. `raw` is the provider's own bytes for the event; where
the inbound dialect is the same they are written on as they are.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from .chat import FinishReason, ToolCall
from .units import Json, Micros, Pico
from .usage import Usage


@attrs.define
class Started:
    """The provider accepted the call."""

    upstream_id: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    raw: bytes | None = None


@attrs.define
class Text:
    """A piece of a choice's text; the whole of it where the caller did not ask to stream.

    `logprobs` are the probabilities of its tokens, in OpenAI's shape: a list with one entry each.
    """

    text: str
    index: int = 0
    raw: bytes | None = None
    logprobs: Json = None


@attrs.define
class Reasoning:
    """A piece of a choice's visible reasoning."""

    text: str
    index: int = 0
    raw: bytes | None = None


@attrs.define
class ToolDelta:
    """A piece of a tool call; `position` numbers the calls of one choice.

    `id`, `name` and `type` (`function` or `custom`) come with a call's first piece.
    """

    position: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    index: int = 0
    raw: bytes | None = None
    type: str | None = None


@attrs.define
class UsageSeen:
    """The provider's own count; a later one replaces an earlier one."""

    usage: Usage
    raw: bytes | None = None


@attrs.define
class Finished:
    """A choice ended."""

    reason: FinishReason
    index: int = 0
    raw: bytes | None = None


@attrs.define
class Unknown:
    """Something this version does not know; passed on where the dialect is the same."""

    data: Json
    raw: bytes | None = None


Event: TypeAlias = Started | Text | Reasoning | ToolDelta | UsageSeen | Finished | Unknown


@attrs.define(kw_only=True)
class Choice:
    """One of the answers asked for with `n`."""

    index: int
    text: str | None
    finish_reason: FinishReason
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: Json = None


@attrs.define(kw_only=True)
class Completion:
    """A whole, settled answer.

    `usage` is what the delivered attempt used; `cost` is what the request cost altogether, in
    pico-dollars. `model` is the name as asked, `served_model` the catalogue's id. `dropped` is how
    many turns of its session were left out of the prompt, for they did not fit.
    """

    id: str
    created: Micros
    model: str
    served_model: str
    choices: tuple[Choice, ...]
    usage: Usage
    cost: Pico
    fingerprint: str | None = None
    dropped: int = 0

    @property
    def text(self) -> str:
        """The first choice's text; empty where it has none."""
        return self.choices[0].text or ""
