"""Whole answers of the Messages API, both ways, and how it counts tokens.

What has no place in a `Choice` is kept in its `extra` under the name of where it stood: a block
that is not known here as `content[2]`, a field of a known one as `content[2].citations[0]`, a
call's caller as `tool_calls[0].caller`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs
import orjson

from ...model.chat import FinishReason
from ...model.events import (
    Choice,
    Completion,
    Event,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from ...model.units import Json, Pico, format_usd
from ...model.usage import Usage
from ..reading import Unreadable, field, needed, objects, tokens
from ..saying import fragment, is_object
from .words import FINISHES, NAME, stop_reason, usual_reason

DIRECT = {"type": "direct"}
"""The caller of a tool where it is the model itself."""

# Usage: Anthropic counts what it read from its cache and wrote to it beside `input_tokens`.

_COUNTS = frozenset(
    {
        "input_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "output_tokens",
        "output_tokens_details",
    }
)


@attrs.define
class Counts:
    """The counts of one answer so far: what comes later replaces what came before."""

    input: int = 0
    read: int = 0
    written: int = 0
    output: int = 0
    thinking: int = 0

    def see(self, usage: Mapping[str, Json]) -> None:
        """Take what a `usage` object tells; a count that is not there stays as it was.

        Raises:
            Unreadable: a count is none.
        """
        self.input = tokens(usage, "input_tokens", self.input)
        self.read = tokens(usage, "cache_read_input_tokens", self.read)
        self.written = tokens(usage, "cache_creation_input_tokens", self.written)
        self.output = tokens(usage, "output_tokens", self.output)
        details: dict[str, Json] = field(usage, "output_tokens_details", dict, {})
        self.thinking = tokens(details, "thinking_tokens", self.thinking)

    @property
    def usage(self) -> Usage:
        """They under our convention: what the cache has to do with is inside the prompt."""
        return Usage(
            self.input + self.read + self.written,
            self.output,
            cached=self.read,
            cache_write=self.written,
            # It is counted anew from the text, so it may be more by a few.
            reasoning=min(self.thinking, self.output),
        )


def usage_object(usage: Usage) -> dict[str, Json]:
    """Write the counts that every usage of the dialect has."""
    return {
        "input_tokens": usage.prompt - usage.cached - usage.cache_write,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cached,
        "output_tokens": usage.completion,
        "output_tokens_details": {"thinking_tokens": usage.reasoning} if usage.reasoning else None,
        "server_tool_use": None,
    }


def priced(usage: Usage, cost: Pico) -> dict[str, Json]:
    """Write a usage with what it costs, exactly and in USD, and who counted."""
    told = usage_object(usage)
    return {**told, "cost": orjson.Fragment(format_usd(cost)), "source": usage.source}


_WHOLE: dict[str, Json] = {"cache_creation": None, "inference_geo": None, "service_tier": None}


# Reading

_MESSAGE = frozenset(
    {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
)


def read_message(message: Mapping[str, Json]) -> Iterator[Event]:
    """Read a whole answer.

    Raises:
        Unreadable: it is none.
    """
    if message.get("type") != "message":
        raise Unreadable("It is no message.")
    yield started(message)
    position = 0
    for index, block in enumerate(objects(message, "content")):
        yield from _read_block(block, index, position)
        position += block.get("type") == "tool_use"
    counts = Counts()
    usage: dict[str, Json] = field(message, "usage", dict, {})
    counts.see(usage)
    yield from besides(message)
    if "output_tokens" in usage:
        yield UsageSeen(counts.usage)
    yield finished(needed(message, "stop_reason"), field(message, "stop_sequence", str, "") or None)


def started(message: Mapping[str, Json]) -> Started:
    """Read who answers.

    Raises:
        Unreadable: it does not say.
    """
    id, model = field(message, "id", str, "") or None, field(message, "model", str, "") or None
    return Started(id, model, dialect=NAME)


def _read_block(block: dict[str, Json], index: int, position: int) -> Iterator[Event]:
    kind = needed(block, "type")
    if kind == "text":
        yield Text(needed(block, "text"))
        for n, one in enumerate(field(block, "citations", list, [])):
            yield Unknown({f"content[{index}].citations[{n}]": one}, index=0)
    elif kind == "thinking":
        signature = field(block, "signature", str, "") or None
        yield Reasoning(needed(block, "thinking"), signature=signature)
    elif kind == "redacted_thinking":
        yield Reasoning("", redacted=needed(block, "data"))
    elif kind == "tool_use":
        given: dict[str, Json] = field(block, "input", dict, {})
        yield call_begun(block, position, orjson.dumps(given).decode())
        yield from caller(block, position)
    else:
        yield Unknown({f"content[{index}]": block}, index=0)


def call_begun(block: Mapping[str, Json], position: int, arguments: str = "") -> ToolDelta:
    """Read the head of a call.

    Raises:
        Unreadable: it has no id or name.
    """
    id, name = needed(block, "id"), needed(block, "name")
    return ToolDelta(position, id, name, arguments, type="function")


def caller(block: Mapping[str, Json], position: int) -> Iterator[Event]:
    """Tell who calls a tool, where it is not the model itself."""
    if block.get("caller") not in (None, DIRECT):
        yield Unknown({f"tool_calls[{position}].caller": block["caller"]}, index=0)


def besides(message: Mapping[str, Json]) -> Iterator[Event]:
    """Tell what else a message says of itself: the text of a refusal, and fields not known here.

    Raises:
        Unreadable: of fields that are known here one is of another type.
    """
    details: dict[str, Json] = field(message, "stop_details", dict, {})
    explanation = field(details, "explanation", str, "")
    if explanation:
        yield Refusal(explanation)
    rest = {name: one for name, one in message.items() if name not in _MESSAGE and one is not None}
    if rest.get("stop_details") == refusal_details(explanation):
        del rest["stop_details"]
    usage: dict[str, Json] = field(message, "usage", dict, {})
    more = {name: one for name, one in usage.items() if name not in _COUNTS and one is not None}
    if more:
        rest["usage"] = more
    if rest:
        yield Unknown(rest)


def refusal_details(explanation: str) -> dict[str, Json]:
    """Write why a model declines."""
    return {"type": "refusal", "category": None, "explanation": explanation}


def finished(word: str, stop: str | None) -> Finished:
    """Read why an answer ended; a word of tomorrow is a plain end, and kept."""
    reason = FINISHES.get(word, "stop")
    return Finished(reason, native=None if usual_reason(reason, stop) == word else word, stop=stop)


# Writing


def encode_completion(done: Completion) -> bytes:
    """Write a whole answer: its first choice, for the dialect knows one.

    What `extra` has is written where it is in this dialect.
    """
    choice = done.choices[0]
    ours = done.dialect == NAME
    extra = dict(done.extra or {}) if ours else {}
    # What came before the first text has no choice to stand in.
    early = {name: extra.pop(name) for name in tuple(extra) if PLACE.fullmatch(name)}
    usage = {**_WHOLE, **priced(done.usage, done.cost), **(extra.pop("usage", None) or {})}
    fields: dict[str, Json] = {
        "id": done.id,
        "type": "message",
        "role": "assistant",
        "model": done.model,
        "content": _blocks(choice, {**early, **((choice.extra if ours else None) or {})}),
        **ending(choice.finish_reason, choice.native, choice.stop, choice.refusal),
        "container": None,
        "usage": usage,
        **extra,
    }
    return orjson.dumps(fields)


def ending(
    reason: FinishReason, native: str | None, stop: str | None, refusal: str | None
) -> dict[str, Json]:
    """Write why an answer ended."""
    word = stop_reason(reason, native, stop) if refusal is None else "refusal"
    return {
        "stop_reason": word,
        "stop_sequence": stop,
        "stop_details": None if refusal is None else refusal_details(refusal),
    }


PLACE = re.compile(r"content\[(\d+)\](\.citations\[\d+\])?")


def _blocks(choice: Choice, extra: Mapping[str, Json]) -> list[Json]:
    """Write the blocks: reasoning, text, calls, and at their places those not known here."""
    blocks: list[Json] = [*_reasoning(choice)]
    citations: list[Json] = []
    others: list[tuple[int, Json]] = []
    for name, value in extra.items():
        place = PLACE.fullmatch(name)
        if place is not None and place[2]:
            citations.append(value)
        elif place is not None:
            others.append((int(place[1]), value))
    if choice.text or citations:
        blocks.append({"type": "text", "text": choice.text or "", "citations": citations or None})
    for n, call in enumerate(choice.tool_calls):
        block = call_object(call.id, call.name, call.arguments)
        blocks.append({**block, "caller": extra.get(f"tool_calls[{n}].caller", DIRECT)})
    for index, block in sorted(others, key=lambda one: one[0]):
        blocks.insert(index, block)
    return blocks


def call_object(id: str, name: str, arguments: str) -> dict[str, Json]:
    """Write a call of a tool; arguments that are no object are kept beside, in one."""
    given = fragment(arguments) if is_object(arguments) else {"invalid_arguments": arguments}
    return {"type": "tool_use", "id": id, "name": name, "input": given}


def _reasoning(choice: Choice) -> Iterator[dict[str, Json]]:
    told = 0
    for one in choice.thoughts:
        told += len(one.text)
        if one.redacted is not None:
            yield {"type": "redacted_thinking", "data": one.redacted}
        else:
            yield {"type": "thinking", "thinking": one.text, "signature": one.signature or ""}
    rest = (choice.reasoning or "")[told:]
    if rest:
        yield {"type": "thinking", "thinking": rest, "signature": ""}


def error_object(kind: str, message: str, request_id: str | None = None) -> dict[str, Json]:
    """Write an error: *kind* is one of the dialect's own, such as `invalid_request_error`."""
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error, "request_id": request_id}
