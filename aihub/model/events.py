"""What a provider says while it answers, and the whole answer it amounts to.

`Finished` comes exactly once per choice. `raw` is the provider's own JSON for the event, where it
has all of it and nothing else; where the inbound dialect is the same it is written on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

import attrs

from .chat import FinishReason, ReasoningPart, ToolCall
from .embedding import Vector
from .moderation import Judgement
from .units import Json, Micros, Pico
from .usage import Usage


@attrs.define
class Started:
    """The provider accepted the call; *dialect* is that of `raw` and `Unknown` in what follows."""

    upstream_id: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    raw: bytes | None = None
    dialect: str | None = None


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
    """A piece of a choice's visible reasoning.

    A *signature* is the provider's, for all of the reasoning since the one before, which it ends.
    *redacted* is a piece that only the provider can read.
    """

    text: str
    index: int = 0
    raw: bytes | None = None
    signature: str | None = None
    redacted: str | None = None


@attrs.define
class Refusal:
    """A piece of the text by which a model declines to answer, in place of its text."""

    text: str
    index: int = 0
    raw: bytes | None = None


@attrs.define
class ToolDelta:
    """A piece of a tool call; `position` numbers the calls of one choice.

    `id`, `name` and `type` (`function` or `custom`) come with a call's first piece; a `signature`
    with any.
    """

    position: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""
    index: int = 0
    raw: bytes | None = None
    type: str | None = None
    signature: str | None = None


@attrs.define
class UsageSeen:
    """The provider's own count; a later one replaces an earlier one.

    *cost* is what it says that the answer costs, in pico-dollars, where it says. An *interim* count
    is of what there was when it was made: of an answer that goes on, its prompt alone is to be
    relied on.
    """

    usage: Usage
    raw: bytes | None = None
    cost: Pico | None = None
    interim: bool = False


@attrs.define
class Finished:
    """A choice ended.

    *native* is the provider's own word for why, where it is another; *stop* the stop sequence that
    was met, where it tells.
    """

    reason: FinishReason
    index: int = 0
    raw: bytes | None = None
    native: str | None = None
    stop: str | None = None


@attrs.define
class Unknown:
    """Fields that this version does not know, in the provider's dialect: of a choice, or of all.

    They are passed on where the dialect is the same.
    """

    data: Mapping[str, Json]
    raw: bytes | None = None
    index: int | None = None


class AtOnce:
    """Events that are all there already, as the asynchronous iterator that a provider gives.

    Who has no need to wait between them takes `events`, which are all of them.
    """

    __slots__ = ("_left", "events")

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = events
        self._left = iter(events)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        for event in self._left:
            return event
        raise StopAsyncIteration


@attrs.define(kw_only=True)
class Embedded:
    """The vectors that were asked for, in order; what the provider does not tell is None."""

    vectors: tuple[Vector, ...]
    usage: Usage | None = None
    model: str | None = None


@attrs.define(kw_only=True)
class Moderated:
    """The judgements that were asked for, in order; `source` is as of `Moderation`."""

    results: tuple[Judgement, ...]
    usage: Usage | None = None
    model: str | None = None
    source: str | None = None


@attrs.define(kw_only=True)
class Compacted:
    """A conversation made short: a text that stands for it, or items that do.

    `items` are the provider's own, in the words of OpenAI's Responses, as it wrote them: who reads
    them is that provider alone. Where there are some, there is no `summary`.
    """

    summary: str = ""
    items: tuple[Json, ...] = ()
    usage: Usage | None = None
    model: str | None = None


Event: TypeAlias = Started | Text | Reasoning | Refusal | ToolDelta | UsageSeen | Finished | Unknown

Told: TypeAlias = Event | Embedded | Moderated | Compacted
"""What a provider may tell; the last three come alone, in answer to what is no chat."""


@attrs.define(kw_only=True)
class Choice:
    """One of the answers asked for with `n`.

    `reasoning` is all of its visible reasoning; `thoughts` are those pieces of it that a provider
    signed or hid, and wants back. `native` and `stop` are as of `Finished`. `extra` are fields of
    the provider's dialect that have no place of their own.
    """

    index: int
    text: str | None
    finish_reason: FinishReason
    reasoning: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: Json = None
    refusal: str | None = None
    thoughts: tuple[ReasoningPart, ...] = ()
    native: str | None = None
    stop: str | None = None
    extra: Mapping[str, Json] | None = None


@attrs.define(kw_only=True)
class Completion:
    """A whole, settled answer.

    `usage` is what the delivered attempt used; `cost` is what the request cost altogether, in
    pico-dollars. `model` is the name as asked, `served_model` the catalogue's id. `dropped` is how
    many turns of its session were left out of the prompt, for they did not fit. `ended` is when it
    was whole. `extra` are fields
    of the provider's `dialect` that have no place of their own.
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
    ended: Micros | None = None
    extra: Mapping[str, Json] | None = None
    dialect: str | None = None

    @property
    def text(self) -> str:
        """The first choice's text; empty where it has none."""
        return self.choices[0].text or ""
