"""Answers of `Converse`, both ways.

What has no place in a `Choice` is kept in its `extra` under the name of where it stood: a block
that is not known here as `content[2]`, a citation as `content[2].citations[0]`. What Converse has
no field for (a refusal's text, the stop sequence that was met) stands in
`additionalModelResponseFields`, where models put what is their own.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping

import orjson

from ...model.chat import FinishReason, ReasoningPart
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
from .parts import reasoning_block
from .words import FINISHES, NAME, stop_reason, usual_reason

MORE = "additionalModelResponseFields"

# Usage: what was read from a cache and written to one is counted beside `inputTokens`.

_COUNTS = frozenset(
    {
        "inputTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
        "outputTokens",
        "reasoningTokens",
        "totalTokens",
        # Older answers count the same twice.
        "cacheReadInputTokenCount",
        "cacheWriteInputTokenCount",
    }
)


def usage_of(told: Mapping[str, Json]) -> Usage:
    """Read counts; under our convention what the cache has to do with is inside the prompt.

    Raises:
        Unreadable: a count is none.
    """
    read, written = tokens(told, "cacheReadInputTokens"), tokens(told, "cacheWriteInputTokens")
    return Usage(
        tokens(told, "inputTokens") + read + written,
        tokens(told, "outputTokens"),
        cached=read,
        cache_write=written,
        reasoning=tokens(told, "reasoningTokens"),
    )


def usage_object(usage: Usage, cost: Pico) -> dict[str, Json]:
    """Write counts with the cost, exactly and in USD, and who counted."""
    told: dict[str, Json] = {
        "inputTokens": usage.prompt - usage.cached - usage.cache_write,
        "outputTokens": usage.completion,
        "totalTokens": usage.total,
        "cacheReadInputTokens": usage.cached,
        "cacheWriteInputTokens": usage.cache_write,
    }
    if usage.reasoning:
        # Bedrock does not tell them apart; another provider does.
        told["reasoningTokens"] = usage.reasoning
    return {**told, "cost": orjson.Fragment(format_usd(cost)), "source": usage.source}


# Reading

_ANSWER = frozenset({"output", "stopReason", "usage"})
_PADDING = "p"
"""A member of a stream's events that hides how long they are."""


def read_answer(answer: Mapping[str, Json]) -> Iterator[Event]:
    """Read a whole answer.

    Raises:
        Unreadable: it is none.
    """
    output: dict[str, Json] = field(answer, "output", dict, {})
    message: dict[str, Json] = field(output, "message", dict, {})
    yield Started(dialect=NAME)
    position = 0
    for index, block in enumerate(objects(message, "content")):
        kind, inner = _member(block)
        if kind == "toolUse" and isinstance(inner, dict) and inner.get("type") is None:
            given: dict[str, Json] = field(inner, "input", dict, {})
            yield call_begun(inner, position, orjson.dumps(given).decode())
            position += 1
        else:
            yield from _block(kind, inner, index)
    yield from besides(answer, _ANSWER)
    yield from ending_of(answer)
    yield from counts(answer)


def _member(block: Mapping[str, Json]) -> tuple[str, Json]:
    """Return the one member that a block has, by which it is what it is."""
    told = [(name, one) for name, one in block.items() if one is not None]
    if len(told) != 1:
        raise Unreadable("A block must be one thing.")
    return told[0]


def _block(kind: str, inner: Json, index: int) -> Iterator[Event]:
    if kind == "text":
        yield Text(needed({kind: inner}, kind))
    elif kind == "reasoningContent":
        yield _reasoning(*_member(field({kind: inner}, kind, dict, {})))
    elif kind == "citationsContent":
        cited: dict[str, Json] = field({kind: inner}, kind, dict, {})
        for one in objects(cited, "content"):
            yield Text(needed(one, "text"))
        for n, one in enumerate(objects(cited, "citations")):
            yield Unknown({f"content[{index}].citations[{n}]": one}, index=0)
    else:
        yield Unknown({f"content[{index}]": {kind: inner}}, index=0)


def _reasoning(kind: str, inner: Json) -> Reasoning:
    if kind == "redactedContent":
        return Reasoning("", redacted=needed({kind: inner}, kind))
    if kind != "reasoningText":
        raise Unreadable("Its reasoning is of no kind that is known.")
    text: dict[str, Json] = field({kind: inner}, kind, dict, {})
    return Reasoning(needed(text, "text"), signature=field(text, "signature", str, "") or None)


def call_begun(use: Mapping[str, Json], position: int, arguments: str = "") -> ToolDelta:
    """Read the head of a call.

    Raises:
        Unreadable: it has no id or name.
    """
    id, name = needed(use, "toolUseId"), needed(use, "name")
    return ToolDelta(position, id, name, arguments, type="function")


def besides(told: Mapping[str, Json], known: frozenset[str]) -> Iterator[Event]:
    """Tell what else an answer or event says: metrics, traces, fields not known here.

    Raises:
        Unreadable: of fields that are known here one is of another type.
    """
    known |= {_PADDING, MORE}
    rest = {name: one for name, one in told.items() if name not in known and one is not None}
    more: dict[str, Json] = dict(field(told, MORE, dict, {}))
    declined = field(more, "refusal", str, "")
    if declined:
        yield Refusal(declined)
    more = {name: one for name, one in more.items() if name not in _MORE}
    if more:
        rest[MORE] = more
    usage: dict[str, Json] = field(told, "usage", dict, {})
    counted = {name: one for name, one in usage.items() if name not in _COUNTS and one is not None}
    if counted:
        rest["usage"] = counted
    if rest:
        yield Unknown(rest)


_MORE = frozenset({"refusal", "stop_sequence"})


def ending_of(told: Mapping[str, Json]) -> Iterator[Event]:
    """Read why an answer ended; a word of tomorrow is a plain end, and kept.

    Raises:
        Unreadable: it does not say.
    """
    word = needed(told, "stopReason")
    reason = FINISHES.get(word, "stop")
    more: dict[str, Json] = field(told, MORE, dict, {})
    stop = field(more, "stop_sequence", str, "") or None
    yield Finished(reason, native=None if usual_reason(reason, stop) == word else word, stop=stop)


def counts(told: Mapping[str, Json]) -> Iterator[Event]:
    """Read the counts, where there are any.

    Raises:
        Unreadable: a count is none.
    """
    usage: dict[str, Json] = field(told, "usage", dict, {})
    if "outputTokens" in usage:
        yield UsageSeen(usage_of(usage))


# Writing


def encode_completion(done: Completion, *, latency_ms: int = 0) -> bytes:
    """Write a whole answer: its first choice, for the dialect knows one.

    What `extra` has is written where it is in this dialect.
    """
    choice = done.choices[0]
    ours = done.dialect == NAME
    extra = dict(done.extra or {}) if ours else {}
    # What came before the first text has no choice to stand in.
    early = {name: extra.pop(name) for name in tuple(extra) if PLACE.fullmatch(name)}
    usage = {**usage_object(done.usage, done.cost), **(extra.pop("usage", None) or {})}
    mine = {**early, **((choice.extra if ours else None) or {})}
    ended = ending(choice.finish_reason, choice.native, choice.stop, choice.refusal)
    return orjson.dumps(
        {
            "output": {"message": {"role": "assistant", "content": _blocks(choice, mine)}},
            "usage": usage,
            "metrics": {"latencyMs": latency_ms},
            **joined(ended, extra),
        }
    )


def joined(ended: dict[str, Json], extra: Mapping[str, Json]) -> dict[str, Json]:
    """Put what else a provider told beside an ending."""
    more = {**(extra.get(MORE) or {}), **ended.get(MORE, {})}
    told = {**ended, **{name: one for name, one in extra.items() if name != MORE}}
    return {**told, MORE: more} if more else told


def ending(
    reason: FinishReason, native: str | None, stop: str | None, refusal: str | None
) -> dict[str, Json]:
    """Write why an answer ended."""
    told: dict[str, Json] = {"stopReason": stop_reason(reason, native, stop)}
    more = {"refusal": refusal, "stop_sequence": stop}
    given = {name: one for name, one in more.items() if one is not None}
    return {**told, MORE: given} if given else told


PLACE = re.compile(r"content\[(\d+)\](\.citations\[\d+\])?")


def _blocks(choice: Choice, extra: Mapping[str, Json]) -> list[Json]:
    """Write the blocks: reasoning, text, calls, and at their places those not known here."""
    blocks: list[Json] = [*_thoughts(choice)]
    citations: list[Json] = []
    others: list[tuple[int, Json]] = []
    for name, value in extra.items():
        place = PLACE.fullmatch(name)
        if place is not None and place[2]:
            citations.append(value)
        elif place is not None:
            others.append((int(place[1]), value))
    if citations:
        cited = {"content": [{"text": choice.text or ""}], "citations": citations}
        blocks.append({"citationsContent": cited})
    elif choice.text:
        blocks.append({"text": choice.text})
    blocks += [call_block(one.id, one.name, one.arguments) for one in choice.tool_calls]
    for index, block in sorted(others, key=lambda one: one[0]):
        blocks.insert(index, block)
    return blocks


def call_block(id: str, name: str, arguments: str) -> dict[str, Json]:
    """Write a call of a tool; arguments that are no object are kept beside, in one."""
    given = fragment(arguments) if is_object(arguments) else {"invalid_arguments": arguments}
    return {"toolUse": {"toolUseId": id, "name": name, "input": given}}


def _thoughts(choice: Choice) -> Iterator[Json]:
    told = 0
    for one in choice.thoughts:
        told += len(one.text)
        hidden = None if one.redacted is None else hidden_bytes(one.redacted)
        yield reasoning_block(ReasoningPart(one.text, one.signature, hidden))
    rest = (choice.reasoning or "")[told:]
    if rest:
        yield reasoning_block(ReasoningPart(rest))


def hidden_bytes(redacted: str) -> str:
    """Write hidden reasoning, which is bytes here: another provider's text may be no base64."""
    try:
        b64decode(redacted, validate=True)
    except ValueError:
        return b64encode(redacted.encode()).decode()
    return redacted


def error_object(kind: str, message: str) -> dict[str, Json]:
    """Write an error: *kind* is an exception's name, which goes in `x-amzn-ErrorType` too."""
    return {"__type": kind, "message": message}
