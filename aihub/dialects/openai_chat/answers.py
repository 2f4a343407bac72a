"""Answers and streams of chat completions, written."""

from __future__ import annotations

import orjson

from ...model.chat import ReasoningPart
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
)
from ...model.units import SECOND, Json, Micros, Pico, format_usd
from ...model.usage import Usage
from ..sse import DONE
from .messages import call_object, signed, thought_object
from .passing import Passed


def encode_completion(done: Completion, *, legacy: bool = False) -> bytes:
    """Write a whole answer; calls in the old form where the request was *legacy*."""
    return orjson.dumps(completion_object(done, legacy=legacy))


def completion_object(done: Completion, *, legacy: bool = False) -> dict[str, Json]:
    """Return a whole answer as an object, otherwise as `encode_completion`."""
    fields: dict[str, Json] = {
        "id": done.id,
        "object": "chat.completion",
        "created": done.created // SECOND,
        "model": done.model,
        "choices": [
            _choice(choice, legacy=legacy, extra=done.dialect == DIALECT) for choice in done.choices
        ],
        "usage": usage_object(done.usage, done.cost),
    }
    # OpenAI's document has it as a text or not at all.
    if done.fingerprint is not None:
        fields["system_fingerprint"] = done.fingerprint
    if done.extra and done.dialect == DIALECT:
        fields = {**done.extra, **fields}
    return fields


def _choice(choice: Choice, *, legacy: bool, extra: bool) -> dict[str, Json]:
    message: dict[str, Json] = {
        "role": "assistant",
        "content": choice.text,
        "refusal": choice.refusal,
    }
    if extra and choice.extra:
        message = {**choice.extra, **message}
    if choice.thoughts:
        message["reasoning_details"] = [
            thought_object(one, n) for n, one in enumerate(choice.thoughts)
        ]
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        if legacy:
            call = choice.tool_calls[0]
            message["function_call"] = {"name": call.name, "arguments": call.arguments}
        else:
            message["tool_calls"] = [call_object(call) for call in choice.tool_calls]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": None
        if choice.logprobs is None
        else {"content": choice.logprobs, "refusal": None},
        "finish_reason": _reason(choice.finish_reason, legacy),
    }


def _reason(reason: str, legacy: bool) -> str:
    return "function_call" if legacy and reason == "tool_calls" else reason


def usage_object(usage: Usage, cost: Pico) -> dict[str, Json]:
    """Write a usage; `cost` is exact, in USD, and `source` says who counted."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": usage.accepted,
            "rejected_prediction_tokens": usage.rejected,
        },
        "cost": orjson.Fragment(format_usd(cost)),
        "source": usage.source,
    }


class StreamEncoder:
    """Write one stream's chunks: events in, bytes out.

    What a stream's chunks share is written once; a text then costs a join. A chunk that a provider
    of this dialect wrote is written on, with our id, model and date in place of its own.

    Args:
        id: the completion's id.
        created: when the request was admitted.
        model: the model's name as asked.
        include_usage: whether a last chunk tells the usage, and the others that they do not.
        legacy: whether calls of tools are told in the old form.
    """

    def __init__(
        self, *, id: str, created: Micros, model: str, include_usage: bool, legacy: bool = False
    ) -> None:
        head = orjson.dumps(
            {
                "id": id,
                "object": "chat.completion.chunk",
                "created": created // SECOND,
                "model": model,
            }
        )
        self._head = b"data: " + head[:-1]
        self._include_usage = include_usage
        self._legacy = legacy
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._text_tail = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._text_heads: dict[int, bytes] = {}
        self._custom: set[tuple[int, int]] = set()
        self._thoughts: dict[int, _Thoughts] = {}
        self._passed = Passed(self._head, include_usage=include_usage)
        # Whether the provider speaks this dialect, and its chunks are passed on as they are.
        self._same = self._passes = False
        self._rest = False

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where the dialect has no chunk for it."""
        if self._passes and one.raw is not None:
            chunk = self._passed.chunk(one.raw)
            if chunk is not None:
                index: int = one.index  # type: ignore[union-attr, assignment]
                return chunk if index in self._text_heads else self._opened(index) + chunk
        if type(one) is Text and one.logprobs is None:
            head = self._text_heads.get(one.index)
            if head is None:
                return self._begin(one.index, _OPENING) + self.encode(one)
            return head + orjson.dumps(one.text) + self._text_tail
        return self._encode_rarer(one)

    def _encode_rarer(self, one: Event) -> bytes:
        match one:
            case Started():
                self._passes = one.dialect == DIALECT and not self._legacy
                self._same = one.dialect == DIALECT
                if one.fingerprint is not None:
                    self._head += b',"system_fingerprint":' + orjson.dumps(one.fingerprint)
                return b""
            case Refusal():
                return self._opened(one.index) + self._chunk(one.index, {"refusal": one.text})
            case Unknown():
                return self._unknown(one)
            case ToolDelta():
                delta = _function_delta(one) if self._legacy else self._tool_delta(one)
                if one.index not in self._text_heads:
                    return self._begin(one.index, {**_CALLING, **delta})
                return self._chunk(one.index, delta)
            case Text():
                logprobs = {"content": one.logprobs, "refusal": None}
                delta = {"content": one.text}
                return self._opened(one.index) + self._chunk(one.index, delta, logprobs=logprobs)
            case Reasoning():
                delta = self._reasoning(one)
                return self._opened(one.index) + self._chunk(one.index, delta)
            case Finished():
                reason = _reason(one.reason, self._legacy)
                return self._opened(one.index) + self._chunk(one.index, {}, reason)
            case _:
                return b""

    def _tool_delta(self, one: ToolDelta) -> dict[str, Json]:
        call = one.index, one.position
        # Only a call's first piece tells its type; the others are written as it was.
        if one.type == "custom":
            self._custom.add(call)
        return _tool_delta(one, custom=call in self._custom)

    def _reasoning(self, one: Reasoning) -> dict[str, Json]:
        """Write a piece of reasoning; what a signature ends is told whole, as it is wanted back."""
        thoughts = self._thoughts.setdefault(one.index, _Thoughts())
        part = thoughts.see(one)
        delta: dict[str, Json] = {"reasoning_content": one.text} if one.text else {}
        if part is not None:
            delta["reasoning_details"] = [thought_object(part, thoughts.told - 1)]
        return delta

    def _unknown(self, one: Unknown) -> bytes:
        """Write what a provider of this dialect says besides: of a choice, or in each chunk."""
        if not self._same:
            return b""
        if one.index is not None:
            return self._opened(one.index) + self._chunk(one.index, dict(one.data))
        rest = {name: value for name, value in one.data.items() if name not in _OURS}
        if rest and not self._rest:
            self._rest = True
            self._head += b"," + orjson.dumps(rest)[1:-1]
        return b""

    def _opened(self, index: int) -> bytes:
        return b"" if index in self._text_heads else self._begin(index, _OPENING)

    def _begin(self, index: int, delta: dict[str, Json]) -> bytes:
        """Write a choice's first chunk, which names its role."""
        self._text_heads[index] = (
            self._head + b',"choices":[{"index":%d,"delta":{"content":' % index
        )
        return self._chunk(index, delta)

    def _chunk(
        self,
        index: int,
        delta: dict[str, Json],
        reason: str | None = None,
        logprobs: Json = None,
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return self._head + b',"choices":[' + orjson.dumps(choice) + b"]" + self._tail

    def usage(self, usage: Usage, cost: Pico) -> bytes:
        """Write the chunk that tells the usage; empty where it was not asked for."""
        if not self._include_usage:
            return b""
        told = orjson.dumps(usage_object(usage, cost))
        return self._head + b',"choices":[],"usage":' + told + b"}\n\n"

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the end: the usage, if it was asked for, and that the stream is complete."""
        return self.usage(usage, cost) + DONE


DIALECT = "openai_chat"
_OURS = frozenset({"id", "object", "created", "model", "choices", "usage", "system_fingerprint"})


class _Thoughts:
    """The reasoning of one choice, as far as no signature has ended it."""

    __slots__ = ("_texts", "told")

    def __init__(self) -> None:
        self._texts: list[str] = []
        self.told = 0

    def see(self, one: Reasoning) -> ReasoningPart | None:
        """Take a piece; return the whole that it ends, if it ends one."""
        if one.redacted is not None:
            self.told += 1
            return ReasoningPart("", redacted=one.redacted)
        self._texts.append(one.text)
        if one.signature is None:
            return None
        whole = ReasoningPart("".join(self._texts), one.signature)
        self._texts.clear()
        self.told += 1
        return whole


_OPENING: dict[str, Json] = {"role": "assistant", "content": "", "refusal": None}
_CALLING: dict[str, Json] = {"role": "assistant", "content": None, "refusal": None}


def _tool_delta(one: ToolDelta, *, custom: bool) -> dict[str, Json]:
    call: dict[str, Json] = {"index": one.position}
    if one.id is not None:
        call["id"] = one.id
    if custom:
        # OpenAI's document knows no type of a chunk but `function`, and lets it be left out.
        call["custom"] = _named({"input": one.arguments}, one.name)
    else:
        if one.id is not None:
            call["type"] = "function"
        call["function"] = _named({"arguments": one.arguments}, one.name)
    if one.signature is not None:
        call["extra_content"] = signed(one.signature)
    return {"tool_calls": [call]}


def _function_delta(one: ToolDelta) -> dict[str, Json]:
    return {"function_call": _named({"arguments": one.arguments}, one.name)}


def _named(piece: dict[str, Json], name: str | None) -> dict[str, Json]:
    return piece if name is None else {"name": name, **piece}
