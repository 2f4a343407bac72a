"""Streamed answers of `ConverseStream`, written.

Theory of operation: one block of text or reasoning is open at a time and ends where another kind
of block begins. Calls stay open to the end, for a provider may tell several of them in turns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

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
from ...model.units import Json, Pico
from ...model.usage import Usage
from .answers import MORE, PLACE, ending, hidden_bytes, joined, usage_object
from .eventstream import frame
from .words import NAME


class StreamEncoder:
    """Write one stream: events in, bytes out, and at last `end`.

    What an `Unknown` holds is written where the provider speaks this dialect. Choices but the
    first have no place in it; the answer's id and model have none either.
    """

    def __init__(self) -> None:
        self._ours = False
        self._begun = False
        self._count = 0
        self._open: str | None = None
        self._calls: dict[int, int] = {}
        self._finished = Finished("stop")
        self._refusal: list[str] = []
        self._extra: dict[str, Json] = {}

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where it is told at another place, or not at all."""
        if getattr(one, "index", 0):
            return b""
        match one:
            case Text():
                return self._grown("text", {"text": one.text})
            case Reasoning():
                return self._reasoning(one)
            case ToolDelta():
                return self._call(one)
            case Unknown():
                return self._unknown(one) if self._ours else b""
            case _:
                self._note(one)
                return b""

    def _note(self, one: Started | UsageSeen | Refusal | Finished) -> None:
        """Keep what is told at the end."""
        if isinstance(one, Refusal):
            self._refusal.append(one.text)
        elif isinstance(one, Started):
            self._ours = one.dialect == NAME
        elif isinstance(one, Finished):
            self._finished = one

    # Blocks

    def _next(self) -> bytes:
        """End the block that is open, and count one that begins."""
        told = self._closed()
        if not self._begun:
            self._begun = True
            told += _event("messageStart", role="assistant")
        self._count += 1
        return told

    def _grown(self, kind: str, delta: dict[str, Json]) -> bytes:
        """Write a piece of a block; one of another kind ends."""
        told = b"" if self._open == kind else self._next()
        self._open = kind
        return told + _delta(self._count - 1, delta)

    def _closed(self) -> bytes:
        if self._open is None:
            return b""
        self._open = None
        return _event("contentBlockStop", contentBlockIndex=self._count - 1)

    def _reasoning(self, one: Reasoning) -> bytes:
        if one.redacted is not None:
            hidden = {"redactedContent": hidden_bytes(one.redacted)}
            told = self._closed() + self._grown("hidden", {"reasoningContent": hidden})
            return told + self._closed()
        told = b""
        if one.text or one.signature is None:
            told += self._grown("reasoning", {"reasoningContent": {"text": one.text}})
        if one.signature is not None:
            signed = {"reasoningContent": {"signature": one.signature}}
            told += self._grown("reasoning", signed) + self._closed()
        return told

    def _call(self, one: ToolDelta) -> bytes:
        told = b""
        index = self._calls.get(one.position)
        if index is None:
            told = self._next()
            index = self._calls[one.position] = self._count - 1
            start = {"toolUse": {"toolUseId": one.id or "", "name": one.name or ""}}
            told += _event("contentBlockStart", contentBlockIndex=index, start=start)
        if one.arguments:
            told += _delta(index, {"toolUse": {"input": one.arguments}})
        return told

    def _unknown(self, one: Unknown) -> bytes:
        told = b""
        for name, value in one.data.items():
            place = PLACE.fullmatch(name)
            if place is None:
                self._extra[name] = value
            elif place[2]:
                told += self._grown("text", {"citation": value})
            else:
                told += self._whole(value)
        return told

    def _whole(self, block: Mapping[str, Json]) -> bytes:
        """Write a block that comes in one piece; an input and a list come after its start."""
        told = self._next()
        index = self._count - 1
        for kind, inner in block.items():
            start = dict(inner) if isinstance(inner, dict) else {}
            pieces = {name: start.pop(name) for name in ("input", "content") if name in start}
            told += _event("contentBlockStart", contentBlockIndex=index, start={kind: start})
            if "input" in pieces:
                given = {"input": orjson.dumps(pieces["input"]).decode()}
                told += _delta(index, {kind: given})
            if "content" in pieces:
                told += _delta(index, {kind: pieces["content"]})
        return told + _event("contentBlockStop", contentBlockIndex=index)

    # The message

    def end(self, usage: Usage, cost: Pico, *, latency_ms: int = 0) -> bytes:
        """Write the end of a message that has finished: why it ended, and what it used."""
        told = self._closed()
        if not self._begun:
            told += _event("messageStart", role="assistant")
        for index in self._calls.values():
            told += _event("contentBlockStop", contentBlockIndex=index)
        extra = dict(self._extra)
        more: dict[str, Json] = extra.pop("usage", None) or {}
        done = self._finished
        declined = "".join(self._refusal) if self._refusal else None
        ended = ending(done.reason, done.native, done.stop, declined)
        told += _event("messageStop", **joined(ended, {MORE: extra.pop(MORE, None)}))
        counted = {**usage_object(usage, cost), **more}
        metrics = {"latencyMs": latency_ms}
        return told + _event("metadata", **{"usage": counted, "metrics": metrics, **extra})


def _delta(index: int, delta: dict[str, Json]) -> bytes:
    return _event("contentBlockDelta", contentBlockIndex=index, delta=delta)


def _event(kind: str, **fields: Any) -> bytes:
    headers = {":event-type": kind, **_JSON, ":message-type": "event"}
    return frame(headers, orjson.dumps(fields))


_JSON = {":content-type": "application/json"}


def encode_stream_error(kind: str, message: str) -> bytes:
    """Write an exception in the middle of a stream, after which nothing comes."""
    name = kind[:1].lower() + kind[1:]
    headers = {":exception-type": name, **_JSON, ":message-type": "exception"}
    return frame(headers, orjson.dumps({"message": message}))
