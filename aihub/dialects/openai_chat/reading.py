"""Answers and streams of chat completions, read.

A chunk is read as a whole, and then told as the events that are in it. Where that is one event, and
the chunk has nothing besides, the event carries the chunk as `raw`. Unknown fields of a choice are
told as `Unknown`; those of the whole are told when they come first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import orjson

from ...errors import UpstreamError
from ...model.chat import ReasoningPart
from ...model.events import (
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
from ..reading import Unreadable, bad_answer, field, json_of, objects
from ..sse import SseDecoder, SseEvent
from ..streaming import Streamed
from .usages import usage_seen

DIALECT = "openai_chat"
T = TypeVar("T")
ErrorReader = Callable[[int, Mapping[str, str], bytes], UpstreamError]

_TOP = frozenset(
    {
        "id", "object", "created", "model", "choices", "usage", "system_fingerprint", "error",
        # Filler that hides how long a chunk is.
        "obfuscation",
    }
)  # fmt: skip
_PIECE = frozenset(
    {
        "role", "content", "refusal", "tool_calls",
        "reasoning_content", "reasoning", "reasoning_details",
    }
)  # fmt: skip
_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_ONCE_REASON = {"function_call": "tool_calls"}


def read_answer(body: bytes, error: ErrorReader) -> list[Event]:
    """Read a whole answer as events, each choice in one piece.

    Raises:
        UpstreamError: it tells an error, or is no chat completion.
    """
    try:
        return _answer(json_of(body), error)
    except Unreadable as why:
        raise bad_answer(why) from None


def _answer(fields: dict[str, Any], error: ErrorReader) -> list[Event]:
    _refuse_error(fields, error)
    events: list[Event] = [_started(fields)]
    extra = {name: value for name, value in fields.items() if name not in _TOP}
    if extra:
        events.append(Unknown(extra))
    ends: list[Event] = []
    for choice in objects(fields, "choices"):
        index = _get(choice, "index", int) or 0
        message = _get(choice, "message", dict)
        if message is None:
            raise Unreadable("A choice has no message.")
        events += _content(message, index, _logprobs(choice), _Heard())
        ends.append(_finished(_get(choice, "finish_reason", str) or "stop", index))
    if not ends:
        raise Unreadable("It has no choices.")
    usage = _get(fields, "usage", dict)
    return [*events, *ends, *([usage_seen(usage)] if usage else [])]


def _refuse_error(fields: dict[str, Any], error: ErrorReader) -> None:
    """Raise what an answer or chunk tells in place of content."""
    told = fields.get("error")
    if not told:
        return
    code = told.get("code") if isinstance(told, dict) else None
    kind = told.get("type") if isinstance(told, dict) else None
    status = _STATUS.get(str(kind)) or _STATUS.get(str(code), 500)
    if isinstance(code, int) and 400 <= code < 600:  # noqa: PLR2004 - HTTP's own
        status = code
    raise error(status, {}, orjson.dumps({"error": told}))


# What an error in the middle of a stream amounts to.
_STATUS = {
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "tokens": 429,
    "requests": 429,
    "insufficient_quota": 429,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "overloaded_error": 503,
}


def _started(fields: dict[str, Any]) -> Started:
    return Started(
        _get(fields, "id", str),
        _get(fields, "model", str),
        _get(fields, "system_fingerprint", str),
        dialect=DIALECT,
    )


def _logprobs(choice: dict[str, Any]) -> Any:
    told = _get(choice, "logprobs", dict)
    return None if told is None else _get(told, "content", list)


def _finished(reason: str, index: int) -> Finished:
    if reason not in _REASONS:
        return Finished("stop", index, native=reason)
    return Finished(_ONCE_REASON.get(reason, reason), index)  # type: ignore[arg-type]


def _get(fields: dict[str, Any], name: str, kind: type[T]) -> T | None:
    return field(fields, name, kind, None)


class _Heard:
    """What one choice has said so far: its calls' positions, and reasoning that is not signed."""

    __slots__ = ("_positions", "thinks")

    def __init__(self) -> None:
        self._positions: dict[str, int] = {}
        self.thinks = False

    def call(self, told: dict[str, Any], index: int) -> ToolDelta:
        """Read a piece; servers that do not number their calls are told by their ids."""
        id, kind = _get(told, "id", str) or None, _get(told, "type", str)
        custom = _get(told, "custom", dict)
        called = custom or _get(told, "function", dict) or {}
        position = _get(told, "index", int)
        if position is None:
            position = self._position(id, new=bool(called.get("name")))
        first = position not in self._positions.values()
        if first:
            id = id or f"call_{index}_{position}"
            self._positions[id] = position
        arguments = called.get("input" if custom else "arguments") or ""
        if isinstance(arguments, dict):
            # As Ollama's own interface has it; the dialect wants text.
            arguments = orjson.dumps(arguments).decode()
        if not isinstance(arguments, str):
            raise Unreadable("A call's arguments are no text.")
        return ToolDelta(
            position,
            id if first else None,
            _get(called, "name", str) or None,
            arguments,
            index,
            type=("custom" if custom else kind or "function") if first else None,
            signature=_signature(told),
        )

    def _position(self, id: str | None, *, new: bool) -> int:
        next = len(self._positions)
        if id is not None:
            return self._positions.get(id, next)
        return next if new or not next else next - 1


def _signature(told: dict[str, Any]) -> str | None:
    extra = _get(told, "extra_content", dict)
    google = None if extra is None else _get(extra, "google", dict)
    return None if google is None else _get(google, "thought_signature", str)


def _content(piece: dict[str, Any], index: int, logprobs: Any, heard: _Heard) -> Iterator[Event]:
    """Yield what a message, or a piece of one, says."""
    yield from _reasoning(piece, index, heard)
    refusal = _get(piece, "refusal", str)
    if refusal:
        yield Refusal(refusal, index)
    text = _get(piece, "content", str)
    if text or logprobs:
        yield Text(text or "", index, logprobs=logprobs)
    for call in objects(piece, "tool_calls"):
        yield heard.call(call, index)
    if not piece.keys() <= _PIECE:
        extra = {name: value for name, value in piece.items() if name not in _PIECE}
        if any(extra.values()):
            yield Unknown(extra, index=index)


def _reasoning(piece: dict[str, Any], index: int, heard: _Heard) -> Iterator[Event]:
    """Yield reasoning, whose text may be told twice: by itself, and beside its signature."""
    text = _get(piece, "reasoning_content", str) or _get(piece, "reasoning", str) or ""
    signed = [one for one in map(_thought, objects(piece, "reasoning_details")) if one]
    told = "".join([one.text for one in signed])
    if text and not text.startswith(told or "\0"):
        heard.thinks = True
        yield Reasoning(text, index)
        text = ""
    for one in signed:
        if one.redacted is not None:
            yield Reasoning("", index, redacted=one.redacted)
            continue
        yield Reasoning("" if heard.thinks else one.text, index, signature=one.signature)
        heard.thinks = False
    rest = text[len(told) :]
    if rest:
        heard.thinks = True
        yield Reasoning(rest, index)


def _thought(one: dict[str, Any]) -> ReasoningPart | None:
    """Read a piece that is signed or hidden; any other is told by the text beside it."""
    signature, hidden = _get(one, "signature", str), _get(one, "data", str)
    if hidden is not None:
        return ReasoningPart("", redacted=hidden)
    return ReasoningPart(_get(one, "text", str) or "", signature) if signature else None


class StreamReader(Streamed[SseEvent]):
    """One streamed answer while it comes (see `aihub.dialects.outbound.StreamDecoder`)."""

    def __init__(self, n: int, error: ErrorReader) -> None:
        super().__init__(SseDecoder().feed)
        self._n = n
        self._error = error
        self._heard: dict[int, _Heard] = {}
        self._ended: set[int] = set()
        self._started = False

    def _is_whole(self) -> bool:
        return len(self._ended) == self._n

    def _read(self, piece: SseEvent, events: list[Event]) -> None:
        data = piece.data
        if data == b"[DONE]":
            self.ended = True
            return
        before = len(events)
        fields = json_of(data)
        text = self._bare_text(fields)
        if text is not None:
            text.raw = data
            events.append(text)
            return
        plain = self._chunk(fields, events)
        if plain and len(events) == before + 1:
            one = events[before]
            if not isinstance(one, Started | UsageSeen) and one.index is not None:
                one.raw = data

    def _bare_text(self, fields: dict[str, Any]) -> Text | None:
        """Return what nearly every chunk is: a piece of one choice's text, and nothing besides."""
        choices = fields.get("choices")
        if not self._started or type(choices) is not list or len(choices) != 1:
            return None
        choice = choices[0]
        if type(choice) is not dict or choice.get("finish_reason") or choice.get("logprobs"):
            return None
        delta, index = choice.get("delta"), choice.get("index")
        if type(delta) is not dict or len(delta) != 1 or fields.get("usage") or "error" in fields:
            return None
        text = delta.get("content")
        if type(text) is not str or not text or type(index) is not int or index in self._ended:
            return None
        return Text(text, index)

    def _chunk(self, fields: dict[str, Any], events: list[Event]) -> bool:
        """Tell a chunk; say whether its events, if it is one, may carry it as it is."""
        if "error" in fields:
            _refuse_error(fields, self._error)
        if not self._started:
            self._started = True
            events.append(_started(fields))
            self._tell_rest(fields, events)
        usage = _get(fields, "usage", dict)
        plain = True
        for choice in objects(fields, "choices"):
            plain &= self._choice(choice, events)
        if usage:
            events.append(usage_seen(usage))
            self._tell_rest(fields, events)
        return plain

    def _tell_rest(self, fields: dict[str, Any], events: list[Event]) -> None:
        extra = {name: value for name, value in fields.items() if name not in _TOP}
        if extra:
            events.append(Unknown(extra))

    def _choice(self, choice: dict[str, Any], events: list[Event]) -> bool:
        index = _get(choice, "index", int) or 0
        if index in self._ended:
            # Some repeat the end, or send an empty piece after it; content would be out of order.
            if any(_content(_get(choice, "delta", dict) or {}, index, None, _Heard())):
                raise Unreadable("Content comes after its end.")
            return False
        heard = self._heard.get(index)
        if heard is None:
            heard = self._heard[index] = _Heard()
        delta = _get(choice, "delta", dict) or {}
        events += _content(delta, index, _logprobs(choice), heard)
        reason = _get(choice, "finish_reason", str)
        if reason:
            self._ended.add(index)
            events.append(_finished(reason, index))
        # A role would be said twice: by us when a choice begins, and by the chunk.
        return "role" not in delta
