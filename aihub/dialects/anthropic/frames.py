"""Streamed answers of the Messages API, written.

Theory of operation: one block of text or reasoning is open at a time and ends where another kind
of block begins. Calls stay open to the end, for a provider may tell several of them in turns.
"""

from __future__ import annotations

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
from ..sse import event
from .answers import DIRECT, PLACE, call_object, ending, error_object, priced, usage_object
from .words import NAME

PING = event(b'{"type":"ping"}', b"ping")
"""A sign of life, as this dialect gives it."""


class StreamEncoder:
    """Write one stream: events in, bytes out, and at last `end`.

    What an `Unknown` holds is written where the provider speaks this dialect. Choices but the
    first have no place in it.

    Args:
        id: the message's id.
        model: the model's name as asked.
        prompt: tokens of the prompt as counted, told until the provider's own count is known.
    """

    def __init__(self, *, id: str, model: str, prompt: int = 0) -> None:
        self._id = id
        self._model = model
        self._usage = Usage(prompt, 0)
        self._ours = False
        self._begun = False
        self._count = 0
        self._open: tuple[str, int] | None = None
        self._calls: dict[int, int] = {}
        self._finished: Finished | None = None
        self._refusal: list[str] = []
        self._extra: dict[str, Json] = {}

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where it is told at another place, or not at all."""
        if getattr(one, "index", 0):
            return b""
        match one:
            case Text():
                opened = self._opened("text", _TEXT)
                return opened + self._delta(self._count - 1, type="text_delta", text=one.text)
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
        """Keep what is told at the end, or at the start."""
        if isinstance(one, UsageSeen):
            self._usage = one.usage
        elif isinstance(one, Refusal):
            self._refusal.append(one.text)
        elif isinstance(one, Started):
            self._ours = one.dialect == NAME
        else:
            self._finished = one

    # Blocks

    def _opened(self, kind: str, block: dict[str, Json]) -> bytes:
        """Begin a block, unless one of its kind is open."""
        if self._open is not None and self._open[0] == kind:
            return b""
        begun = self._closed() + self._start(block)
        self._open = (kind, self._count - 1)
        return begun

    def _start(self, block: dict[str, Json]) -> bytes:
        first = not self._begun
        begun = self._message() if first else b""
        self._count += 1
        begun += _frame("content_block_start", index=self._count - 1, content_block=block)
        # Anthropic's own streams have one here.
        return begun + PING if first else begun

    def _closed(self) -> bytes:
        if self._open is None:
            return b""
        index = self._open[1]
        self._open = None
        return _frame("content_block_stop", index=index)

    def _delta(self, index: int, **delta: Json) -> bytes:
        return _frame("content_block_delta", index=index, delta=delta)

    def _whole(self, block: dict[str, Json]) -> bytes:
        """Write a block that comes in one piece; an input comes after its start."""
        given = block.get("input")
        begun = self._closed()
        if isinstance(given, dict):
            begun += self._start({**block, "input": {}})
            piece = orjson.dumps(given).decode()
            begun += self._delta(self._count - 1, type="input_json_delta", partial_json=piece)
        else:
            begun += self._start(block)
        return begun + _frame("content_block_stop", index=self._count - 1)

    def _reasoning(self, one: Reasoning) -> bytes:
        if one.redacted is not None:
            return self._whole({"type": "redacted_thinking", "data": one.redacted})
        told = self._opened("thinking", _THINKING)
        index = self._count - 1
        if one.text:
            told += self._delta(index, type="thinking_delta", thinking=one.text)
        if one.signature is not None:
            told += self._delta(index, type="signature_delta", signature=one.signature)
            told += self._closed()
        return told

    def _call(self, one: ToolDelta) -> bytes:
        told = b""
        index = self._calls.get(one.position)
        if index is None:
            head = call_object(one.id or "", one.name or "", "")
            told = self._closed() + self._start({**head, "caller": DIRECT})
            index = self._calls[one.position] = self._count - 1
        if one.arguments:
            told += self._delta(index, type="input_json_delta", partial_json=one.arguments)
        return told

    def _unknown(self, one: Unknown) -> bytes:
        told = b""
        for name, value in one.data.items():
            place = PLACE.fullmatch(name)
            if place is None:
                self._extra[name] = value
            elif place[2]:
                told += self._opened("text", _TEXT)
                told += self._delta(self._count - 1, type="citations_delta", citation=value)
            else:
                told += self._whole(value)
        return told

    # The message

    def _message(self) -> bytes:
        self._begun = True
        usage = {**usage_object(self._usage), **_STARTING}
        return _frame(
            "message_start",
            message={
                "id": self._id,
                "type": "message",
                "role": "assistant",
                "model": self._model,
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "stop_details": None,
                "container": None,
                "usage": usage,
            },
        )

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the end of a message that has finished: why it ended, and what it used."""
        told = (b"" if self._begun else self._message()) + self._closed()
        for index in self._calls.values():
            told += _frame("content_block_stop", index=index)
        extra = dict(self._extra)
        more: dict[str, Json] = extra.pop("usage", None) or {}
        delta = {**_ending(self._finished, self._refusal), "container": None}
        told += _frame(
            "message_delta",
            delta={**delta, **{name: extra[name] for name in delta.keys() & extra}},
            usage={**priced(usage, cost), **more},
        )
        return told + _frame("message_stop")


_TEXT: dict[str, Json] = {"type": "text", "text": "", "citations": None}
_THINKING: dict[str, Json] = {"type": "thinking", "thinking": "", "signature": ""}
_STARTING: dict[str, Json] = {
    "cache_creation": None,
    "inference_geo": None,
    "service_tier": None,
    "output_tokens": 0,
    "output_tokens_details": None,
}


def _ending(done: Finished | None, refusal: list[str]) -> dict[str, Json]:
    declined = "".join(refusal) if refusal else None
    if done is None:
        return ending("stop", None, None, declined)
    return ending(done.reason, done.native, done.stop, declined)


def _frame(kind: str, **fields: Any) -> bytes:
    return event(orjson.dumps({"type": kind, **fields}), kind.encode())


def encode_stream_error(kind: str, message: str, request_id: str | None = None) -> bytes:
    """Write an error in the middle of a stream, after which nothing comes."""
    return event(orjson.dumps(error_object(kind, message, request_id)), b"error")
