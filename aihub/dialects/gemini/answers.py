"""Answers of `generateContent`, both ways: a whole one is a stream's only piece.

What has no place in a `Choice` is kept in its `extra`: a part that is not known here under the name
of where it stood, `parts[2]`, a field of the candidate under its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import attrs
import orjson

from ...errors import UpstreamRefused
from ...messages import Msg
from ...model.chat import MAX_CHOICES, FinishReason, ReasoningPart
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
from ..reading import Unreadable, field, needed, objects, shown, tokens
from ..saying import fragment, is_object
from .logprobs import logprobs_of, logprobs_result
from .parts import reasoning_part
from .words import FINISHES, NAME, USUAL, finish_reason

# Usage: thoughts are counted beside the candidates, a tool's prompt beside the prompt.

_COUNTS = frozenset(
    {
        "promptTokenCount",
        "cachedContentTokenCount",
        "candidatesTokenCount",
        "toolUsePromptTokenCount",
        "thoughtsTokenCount",
        "totalTokenCount",
        "cacheWriteTokenCount",
    }
)


def usage_of(told: Mapping[str, Json]) -> Usage:
    """Read counts; under our convention all that was thought is inside the completion.

    Raises:
        Unreadable: a count is none.
    """
    thoughts = tokens(told, "thoughtsTokenCount")
    return Usage(
        tokens(told, "promptTokenCount") + tokens(told, "toolUsePromptTokenCount"),
        tokens(told, "candidatesTokenCount") + thoughts,
        cached=tokens(told, "cachedContentTokenCount"),
        cache_write=tokens(told, "cacheWriteTokenCount"),
        reasoning=thoughts,
    )


def usage_object(usage: Usage, cost: Pico) -> dict[str, Json]:
    """Write counts with the cost, exactly and in USD, and who counted."""
    told: dict[str, Json] = {
        "promptTokenCount": usage.prompt,
        "candidatesTokenCount": usage.completion - usage.reasoning,
        "totalTokenCount": usage.total,
    }
    if usage.cached:
        told["cachedContentTokenCount"] = usage.cached
    if usage.reasoning:
        told["thoughtsTokenCount"] = usage.reasoning
    if usage.cache_write:
        # Gemini bills no writing to a cache; what another provider wrote is inside the prompt.
        told["cacheWriteTokenCount"] = usage.cache_write
    return {**told, "cost": orjson.Fragment(format_usd(cost)), "source": usage.source}


# Reading


@attrs.define
class _Seen:
    """What has come of a choice: how many calls and parts, and whether it has ended."""

    calls: int = 0
    parts: int = 0
    ended: bool = False


@attrs.define
class Reading:
    """One answer while its pieces come.

    Args:
        fallback: what calls without an id are named after, where the answer has no id either.
    """

    fallback: str
    id: str = ""
    begun: bool = False
    choices: dict[int, _Seen] = attrs.field(factory=dict)
    usage: UsageSeen | None = None
    rest: dict[str, Json] = attrs.field(factory=dict)

    def is_whole(self, n: int) -> bool:
        """Say whether each of *n* choices has ended."""
        return sum(one.ended for one in self.choices.values()) == n

    def read(self, piece: Mapping[str, Json]) -> Iterator[Event]:
        """Read a piece: some of the parts of some choices, and the counts so far.

        Raises:
            Unreadable: it is none.
            UpstreamRefused: the prompt is blocked.
        """
        candidates = objects(piece, "candidates")
        if not self.begun:
            self.begun = True
            self.id = field(piece, "responseId", str, "")
            model = field(piece, "modelVersion", str, "") or None
            yield Started(self.id or None, model, dialect=NAME)
        feedback: dict[str, Json] = field(piece, "promptFeedback", dict, {})
        reason = field(feedback, "blockReason", str, "")
        if reason and not self.choices and not candidates:
            raise blocked(reason)
        for one in candidates:
            yield from self._candidate(one)
        yield from self._counts(field(piece, "usageMetadata", dict, {}))
        yield from self._besides({n: one for n, one in piece.items() if n not in _PIECE})

    def _candidate(self, candidate: dict[str, Json]) -> Iterator[Event]:
        index = field(candidate, "index", int, 0)
        if not 0 <= index < MAX_CHOICES:
            raise Unreadable("There are more candidates than can be asked for.")
        seen = self.choices.setdefault(index, _Seen())
        if seen.ended:
            raise Unreadable("A candidate goes on after its end.")
        content: dict[str, Json] = field(candidate, "content", dict, {})
        told = field(candidate, "logprobsResult", dict, {})
        logprobs = logprobs_of(told) if told else None
        for one in objects(content, "parts"):
            for event in self._part(one, index, seen):
                if logprobs and isinstance(event, Text):
                    event.logprobs, logprobs = logprobs, None
                yield event
            seen.parts += 1
        yield from self._ended(candidate, index, seen)

    def _part(self, part: dict[str, Json], index: int, seen: _Seen) -> Iterator[Event]:
        signature = field(part, "thoughtSignature", str, "") or None
        if "functionCall" in part:
            call: dict[str, Json] = field(part, "functionCall", dict, {})
            yield self._call(call, index, seen, signature)
        elif "text" in part:
            yield from _text(needed(part, "text"), part, index, signature)
        elif part.keys() - {"thoughtSignature", "thought"}:
            yield Unknown({f"parts[{seen.parts}]": part}, index=index)
        elif signature:
            yield Reasoning("", index, signature=signature)

    def _call(
        self, call: Mapping[str, Json], index: int, seen: _Seen, signature: str | None
    ) -> ToolDelta:
        given: dict[str, Json] = field(call, "args", dict, {})
        of = f"{index}_" if index else ""
        id = field(call, "id", str, "") or f"call_{self.id or self.fallback}_{of}{seen.calls}"
        arguments = orjson.dumps(given).decode()
        seen.calls += 1
        return ToolDelta(
            seen.calls - 1,
            id,
            needed(call, "name"),
            arguments,
            index,
            type="function",
            signature=signature,
        )

    def _ended(self, candidate: Mapping[str, Json], index: int, seen: _Seen) -> Iterator[Event]:
        word = field(candidate, "finishReason", str, "")
        rest = {name: one for name, one in candidate.items() if name not in _CANDIDATE}
        reason: FinishReason = FINISHES.get(word, "stop")
        told = field(candidate, "finishMessage", str, "")
        if told and reason == "content_filter":
            yield Refusal(told, index)
        elif told:
            rest["finishMessage"] = told
        if rest:
            yield Unknown(rest, index=index)
        if word:
            seen.ended = True
            stop = field(candidate, "stopSequence", str, "") or None
            if reason == "stop" and word == "STOP" and seen.calls:
                reason = "tool_calls"
            yield Finished(reason, index, native=None if USUAL[reason] == word else word, stop=stop)

    def _counts(self, told: dict[str, Json]) -> Iterator[Event]:
        """Tell the counts where they are news: each piece has them."""
        if "promptTokenCount" in told:
            open = any(not one.ended for one in self.choices.values())
            seen = UsageSeen(usage_of(told), interim=open or not self.choices)
            if seen != self.usage:
                self.usage = seen
                yield seen
        more = {n: one for n, one in told.items() if n not in _COUNTS and one is not None}
        if more:
            yield from self._besides({"usageMetadata": more})

    def _besides(self, rest: Mapping[str, Json]) -> Iterator[Event]:
        """Tell what else there is where it has changed."""
        fresh = {n: one for n, one in rest.items() if one is not None and self.rest.get(n) != one}
        if fresh:
            self.rest.update(fresh)
            yield Unknown(fresh)


_PIECE = frozenset({"candidates", "usageMetadata", "responseId", "modelVersion"})
_CANDIDATE = frozenset(
    {"content", "index", "finishReason", "finishMessage", "logprobsResult", "stopSequence"}
)


def _text(
    text: str, part: Mapping[str, Json], index: int, signature: str | None
) -> Iterator[Event]:
    if part.get("thought") is True:
        metadata: dict[str, Json] = field(part, "partMetadata", dict, {})
        redacted = field(metadata, "redacted", str, "") or None
        if text or signature or redacted:
            yield Reasoning(text, index, signature=signature, redacted=redacted)
        return
    if text:
        yield Text(text, index)
    if signature:
        yield Reasoning("", index, signature=signature)


def blocked(reason: str) -> UpstreamRefused:
    """Say that a prompt was blocked: nothing was answered, and another provider may."""
    return UpstreamRefused(
        Msg("The provider blocked the prompt: {reason}.", reason=shown(reason)),
        code="content_filter",
        param="messages",
        status=200,
    )


# Writing


def encode_completion(done: Completion) -> bytes:
    """Write a whole answer; what `extra` has is written where it is in this dialect."""
    ours = done.dialect == NAME
    extra = dict(done.extra or {}) if ours else {}
    more: dict[str, Json] = extra.pop("usageMetadata", None) or {}
    # What came before the first text has no choice to stand in.
    early = {name: extra.pop(name) for name in tuple(extra) if _PLACE.fullmatch(name)}
    return orjson.dumps(
        {
            "candidates": [
                _candidate(one, {**({} if n else early), **((one.extra if ours else None) or {})})
                for n, one in enumerate(done.choices)
            ],
            "usageMetadata": {**usage_object(done.usage, done.cost), **more},
            "modelVersion": done.model,
            "responseId": done.id,
            **extra,
        }
    )


def _candidate(choice: Choice, extra: Mapping[str, Json]) -> dict[str, Json]:
    parts: list[Json] = [*_reasoning(choice)]
    if choice.text:
        parts.append({"text": choice.text})
    parts += [
        call_part(one.id, one.name, one.arguments, one.signature) for one in choice.tool_calls
    ]
    rest = insert_unknown(parts, extra)
    candidate: dict[str, Json] = {
        "content": {"parts": parts, "role": "model"},
        **ending(choice.finish_reason, choice.native, choice.stop, choice.refusal),
        "index": choice.index,
        **rest,
    }
    if choice.logprobs is not None:
        candidate["logprobsResult"] = logprobs_result(choice.logprobs)
    return candidate


_PLACE = re.compile(r"parts\[(\d+)\]")


def insert_unknown(parts: list[Json], extra: Mapping[str, Json]) -> dict[str, Json]:
    """Put parts that are not known here at their places, and return what else there is."""
    rest: dict[str, Json] = {}
    places: list[tuple[int, Json]] = []
    for name, value in extra.items():
        place = _PLACE.fullmatch(name)
        if place is None:
            rest[name] = value
        else:
            places.append((int(place[1]), value))
    for index, part in sorted(places, key=lambda one: one[0]):
        parts.insert(index, part)
    return rest


def _reasoning(choice: Choice) -> Iterator[Json]:
    told = 0
    for one in choice.thoughts:
        told += len(one.text)
        yield reasoning_part(one)
    rest = (choice.reasoning or "")[told:]
    if rest:
        yield reasoning_part(ReasoningPart(rest))


def call_part(id: str, name: str, arguments: str, signature: str | None) -> dict[str, Json]:
    """Write a call; arguments that are no object are kept beside, in one."""
    given = fragment(arguments) if is_object(arguments) else {"invalid_arguments": arguments}
    part: dict[str, Json] = {"functionCall": {"id": id, "name": name, "args": given}}
    if signature is not None:
        part["thoughtSignature"] = signature
    return part


def ending(
    reason: FinishReason, native: str | None, stop: str | None, refusal: str | None
) -> dict[str, Json]:
    """Write why a choice ended; what declines has its text as the message."""
    told: dict[str, Json] = {"finishReason": finish_reason(reason, native)}
    if refusal is not None:
        word = told["finishReason"]
        told["finishReason"] = word if FINISHES[word] == "content_filter" else "SAFETY"
        told["finishMessage"] = refusal
    if stop is not None:
        told["stopSequence"] = stop
    return told


def error_object(code: int, message: str, status: str) -> dict[str, Json]:
    """Write an error: its HTTP status, its text, and Google's word, such as `INVALID_ARGUMENT`."""
    return {"error": {"code": code, "message": message, "status": status}}
