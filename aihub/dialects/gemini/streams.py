"""Streamed answers of `streamGenerateContent`, both ways.

Each event of a stream is a whole answer's object with the parts that are new. There is no end
marker: a stream is complete when each choice has said why it ended.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import orjson

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
)
from ...model.units import Json, Pico
from ...model.usage import Usage
from ..reading import json_of
from ..sse import SseDecoder, SseEvent, event
from ..streaming import Streamed
from .answers import Reading, call_part, ending, error_object, insert_unknown, usage_object
from .errors import told_error
from .logprobs import logprobs_result
from .parts import reasoning_part
from .words import NAME


class StreamDecoder(Streamed[SseEvent]):
    """Read one streamed answer (see `outbound.StreamDecoder`).

    There is no word for its end: counts may come after the last choice's.

    Args:
        fallback: what calls without an id are named after, where the answer has no id either.
        choices: how many were asked for.
    """

    def __init__(self, *, fallback: str = "", choices: int = 1) -> None:
        super().__init__(SseDecoder().feed)
        self._reading = Reading(fallback)
        self._n = choices

    def _is_whole(self) -> bool:
        return self._reading.is_whole(self._n)

    def _read(self, piece: SseEvent, events: list[Event]) -> None:
        told = json_of(piece.data)
        if "error" in told:
            raise told_error(told)
        before = len(events)
        for one in self._reading.read(told):
            events.append(one)  # noqa: PERF402 - what comes before an error counts
        if len(events) == before + 1 and isinstance(events[-1], Text) and _is_bare(told):
            events[-1].raw = piece.data


def _is_bare(piece: Mapping[str, Json]) -> bool:
    """Say whether a piece says nothing beside its candidates, and whose they are."""
    return piece.keys() <= {"candidates", "responseId", "modelVersion"}


# Writing


@attrs.define
class _Call:
    id: str = ""
    name: str = ""
    arguments: list[str] = attrs.field(factory=list)
    signature: str | None = None


@attrs.define
class _Choice:
    """What of a choice is told at its end: calls are told whole."""

    calls: dict[int, _Call] = attrs.field(factory=dict)
    refusal: list[str] = attrs.field(factory=list)
    extra: dict[str, Json] = attrs.field(factory=dict)
    finished: Finished | None = None


class StreamEncoder:
    """Write one stream: events in, bytes out, and at last `end`.

    What an `Unknown` holds is written where the provider speaks this dialect.

    Args:
        id: the answer's id.
        model: the model's name as asked.
    """

    def __init__(self, *, id: str, model: str) -> None:
        self._tail = {"modelVersion": model, "responseId": id}
        self._choices: dict[int, _Choice] = {}
        self._extra: dict[str, Json] = {}
        self._ours = False

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where it is told at the end, or not at all."""
        match one:
            case Text():
                more = {} if one.logprobs is None else _logprobs(one.logprobs)
                return self._piece(one.index, {"text": one.text}, more) if one.text else b""
            case Reasoning():
                said = ReasoningPart(one.text, one.signature, one.redacted)
                return self._piece(one.index, reasoning_part(said), {})
            case ToolDelta():
                self._call(one)
            case Refusal():
                self._choice(one.index).refusal.append(one.text)
            case Finished():
                self._choice(one.index).finished = one
            case Unknown():
                return self._unknown(one) if self._ours else b""
            case Started():
                self._ours = one.dialect == NAME
            case _:
                pass
        return b""

    def _choice(self, index: int) -> _Choice:
        return self._choices.setdefault(index, _Choice())

    def _call(self, one: ToolDelta) -> None:
        call = self._choice(one.index).calls.setdefault(one.position, _Call())
        call.id = one.id or call.id
        call.name = one.name or call.name
        call.signature = one.signature or call.signature
        call.arguments.append(one.arguments)

    def _unknown(self, one: Unknown) -> bytes:
        parts: list[Json] = []
        rest = insert_unknown(parts, one.data)
        (self._extra if one.index is None else self._choice(one.index).extra).update(rest)
        return b"".join([self._piece(one.index or 0, part, {}) for part in parts])

    def _piece(self, index: int, part: Json, more: Mapping[str, Json]) -> bytes:
        content = {"parts": [part], "role": "model"}
        candidate = {"content": content, "index": index, **more}
        return _frame({"candidates": [candidate], **self._tail})

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the end: calls, why each choice ended, and what they used."""
        extra = dict(self._extra)
        more: dict[str, Json] = extra.pop("usageMetadata", None) or {}
        candidates = [_last(index, one) for index, one in sorted(self._choices.items())]
        told = {**usage_object(usage, cost), **more}
        piece = {"candidates": candidates, "usageMetadata": told, **self._tail, **extra}
        return _frame(piece)


class ListEncoder:
    """Write one stream as a JSON array, as it comes where no events are asked for.

    Args:
        id: the answer's id.
        model: the model's name as asked.
    """

    def __init__(self, *, id: str, model: str) -> None:
        self._events = StreamEncoder(id=id, model=model)
        self._begun = False

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where it is told at the end, or not at all."""
        return self._items(self._events.encode(one))

    def _items(self, frames: bytes) -> bytes:
        items = [one.removeprefix(b"data: ") for one in frames.split(b"\n\n") if one]
        if not items:
            return b""
        head = b"\n,\n" if self._begun else b"["
        self._begun = True
        return head + b"\n,\n".join(items)

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the last item, and the end of the array."""
        return self._items(self._events.end(usage, cost)) + b"]\n"


def _logprobs(logprobs: Json) -> dict[str, Json]:
    return {"logprobsResult": logprobs_result(logprobs)}


def _last(index: int, choice: _Choice) -> dict[str, Json]:
    parts = [
        call_part(one.id, one.name, "".join(one.arguments), one.signature)
        for _, one in sorted(choice.calls.items())
    ]
    done = choice.finished or Finished("stop", index)
    declined = "".join(choice.refusal) if choice.refusal else None
    return {
        "content": {"parts": parts, "role": "model"},
        **ending(done.reason, done.native, done.stop, declined),
        "index": index,
        **choice.extra,
    }


def _frame(piece: Mapping[str, Json]) -> bytes:
    return event(orjson.dumps(piece))


def encode_stream_error(code: int, message: str, status: str) -> bytes:
    """Write an error in the middle of a stream, after which nothing comes."""
    return _frame(error_object(code, message, status))
