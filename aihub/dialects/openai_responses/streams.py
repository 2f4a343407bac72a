"""Streams of responses, written: each event numbered, each item begun, told piece by piece, ended.

Theory of operation. One item of the model's reasoning or text is open at a time; calls of tools may
come interleaved, and stay open until something else begins. What has ended is kept as it was
told, for the last event has the whole response.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import orjson

from ...model.chat import ReasoningPart, ToolCall
from ...model.events import Event, Finished, Reasoning, Refusal, Text, ToolDelta
from ...model.units import SECOND, Json, Micros, Pico
from ...model.usage import Usage
from ..sse import event
from .answers import (
    CUT,
    call_item,
    message_item,
    reasoning_item,
    reasoning_kind,
    response_object,
    text_part,
    usage_object,
    wants_summary,
)

Tell = Callable[..., bytes]
"""Writes an event: its type, and its fields."""

FAILURES: Mapping[str, str] = {
    "rate_limit_exceeded": "rate_limit_exceeded",
    "rate_limit_error": "rate_limit_exceeded",
    "invalid_request_error": "invalid_prompt",
}
"""What a response that failed says of the reason, by an error's type; else that it is ours."""


def failure(error: Mapping[str, Json]) -> dict[str, Json]:
    """Return the error of a response that failed, in the few codes that its document has."""
    code = FAILURES.get(error.get("type") or "", "server_error")
    return {"code": code, "message": error.get("message") or ""}


class _Item(Protocol):
    """An item of the output that is open, at its place."""

    at: int

    def end(self, tell: Tell, *, cut: bool) -> tuple[bytes, dict[str, Json]]:
        """Write what ends it; return also what it has become."""
        ...


class StreamEncoder:
    """Write one stream's events: what the hub says in, bytes out.

    Args:
        id: the response's.
        created: when the request was admitted.
        model: the model's name as asked.
        repeated: what the response repeats of its request.
        ended: says when the answer was whole.
    """

    def __init__(
        self,
        *,
        id: str,
        created: Micros,
        model: str,
        repeated: Mapping[str, Json],
        ended: Callable[[], Micros],
    ) -> None:
        self._id = id
        self._place = id.removeprefix("resp_")
        self._told = (id, created, model, repeated)
        self._ended = ended
        self._summarized = wants_summary(repeated)
        self._sequence = 0
        self._output: list[Json] = []
        self._message: _Message | None = None
        self._thought: _Thought | None = None
        self._calls: dict[int, _Call] = {}
        self._counts = {"message": 0, "thought": 0}
        self._reason = "stop"
        # Whether there is more than reasoning: an answer is never nothing.
        self._answers = False

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where the dialect has none for it."""
        match one:
            case Text() if one.text or one.logprobs:
                message = self._said()
                return message[0] + message[1].text(self._tell, one)
            case Refusal() if one.text:
                message = self._said()
                return message[0] + message[1].refusal(self._tell, one.text)
            case Reasoning():
                return self._reasoning(one)
            case ToolDelta():
                return self._call(one)
            case Finished():
                self._reason = one.reason
        return b""

    def begin(self) -> bytes:
        """Write that the response has begun, once."""
        if self._sequence:
            return b""
        response = self._response("in_progress", [])
        return self._tell("response.created", response=response) + self._tell(
            "response.in_progress", response=response
        )

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the end of all that is open, and the whole response."""
        told = self.begin()
        if not self._answers:
            told += self._said()[0]
        why = CUT.get(self._reason)
        told += self._close()
        status = "incomplete" if why else "completed"
        response = self._response(
            status,
            self._output,
            completed_at=None if why else self._ended() // SECOND,
            incomplete_details={"reason": why} if why else None,
            usage=usage_object(usage, cost),
        )
        return told + self._tell(f"response.{status}", response=response)

    def fail(self, error: Mapping[str, Json]) -> bytes:
        """Write that the stream broke off; what was told of the output stands."""
        begun = bool(self._sequence)
        told = self._tell(
            "error",
            code=error.get("code"),
            message=error.get("message") or "",
            param=error.get("param"),
        )
        if not begun:
            return told
        for one in self._open():
            _, self._output[one.at] = one.end(_silent, cut=True)
        response = self._response("failed", self._output, error=failure(error))
        return told + self._tell("response.failed", response=response)

    def _response(self, status: str, output: list[Json], **more: Json) -> dict[str, Json]:
        return response_object(*self._told, status=status, output=output, **more)

    def _tell(self, kind: str, **fields: Json) -> bytes:
        data = {"type": kind, "sequence_number": self._sequence, **fields}
        self._sequence += 1
        return event(orjson.dumps(data), kind.encode())

    # Items

    def _said(self) -> tuple[bytes, _Message]:
        """Return the message that is open, and what begins it where none was."""
        if self._message is not None:
            return b"", self._message
        self._answers = True
        told = self.begin() + self._close()
        n = self._counts["message"]
        self._counts["message"] += 1
        id = f"msg_{self._place}" + (f"_{n}" if n else "")
        self._message = _Message(id, len(self._output))
        self._output.append(None)
        return told + self._message.begin(self._tell), self._message

    def _reasoning(self, one: Reasoning) -> bytes:
        if not (one.text or one.signature or one.redacted):
            return b""
        told = b""
        if self._thought is None or one.redacted is not None:
            told = self.begin() + self._close()
            id = f"rs_{self._place}_{self._counts['thought']}"
            self._counts["thought"] += 1
            self._thought = _Thought(id, len(self._output), summarized=self._summarized)
            self._output.append(None)
            told += self._thought.begin(self._tell)
        told += self._thought.see(self._tell, one)
        return told + (self._close() if one.redacted or one.signature else b"")

    def _call(self, one: ToolDelta) -> bytes:
        call, told = self._calls.get(one.position), b""
        if call is None:
            self._answers = True
            told = self.begin()
            if self._message or self._thought:
                told += self._close()
            made = ToolCall(one.id or "", one.name or "", "", one.type or "function")
            call = _Call(f"{self._place}_{one.position}", len(self._output), made)
            self._calls[one.position] = call
            self._output.append(None)
            told += call.begin(self._tell)
        return told + call.see(self._tell, one)

    def _open(self) -> list[_Item]:
        items = [one for one in (self._thought, self._message) if one is not None]
        return [*items, *self._calls.values()]

    def _close(self) -> bytes:
        """Write the end of whatever is open."""
        told = b""
        for one in self._open():
            ended, item = one.end(self._tell, cut=self._reason in CUT)
            self._output[one.at] = item
            told += ended + self._tell("response.output_item.done", output_index=one.at, item=item)
        self._thought = self._message = None
        self._calls.clear()
        return told


def _silent(_kind: str, **_fields: Json) -> bytes:
    return b""


class _Message:
    """A message: a part of text, and one of refusal where the model declines."""

    def __init__(self, id: str, at: int) -> None:
        self._id = id
        self.at = at
        self._where = {"item_id": id, "output_index": at}
        self._texts: list[str] = []
        self._logprobs: list[Json] = []
        self._refusals: list[str] = []
        self._indexes: dict[str, int] = {}

    def begin(self, tell: Tell) -> bytes:
        item = message_item(self._id, [], "in_progress")
        return tell("response.output_item.added", output_index=self.at, item=item)

    def _part(self, tell: Tell, kind: str, empty: dict[str, Json]) -> bytes:
        if kind in self._indexes:
            return b""
        index = self._indexes[kind] = len(self._indexes)
        return tell("response.content_part.added", **self._where, content_index=index, part=empty)

    def text(self, tell: Tell, one: Text) -> bytes:
        told = self._part(tell, "text", text_part(""))
        self._texts.append(one.text)
        logprobs = text_part("", one.logprobs)["logprobs"]
        self._logprobs += logprobs
        return told + tell(
            "response.output_text.delta",
            **self._where,
            content_index=self._indexes["text"],
            delta=one.text,
            logprobs=logprobs,
        )

    def refusal(self, tell: Tell, text: str) -> bytes:
        told = self._part(tell, "refusal", {"type": "refusal", "refusal": ""})
        self._refusals.append(text)
        return told + tell(
            "response.refusal.delta",
            **self._where,
            content_index=self._indexes["refusal"],
            delta=text,
        )

    def end(self, tell: Tell, *, cut: bool) -> tuple[bytes, dict[str, Json]]:
        told = b""
        if not self._indexes:
            told = self._part(tell, "text", text_part(""))
        parts: list[Json] = []
        for kind, index in self._indexes.items():
            where = {**self._where, "content_index": index}
            if kind == "text":
                text = "".join(self._texts)
                part = {**text_part(text), "logprobs": self._logprobs}
                told += tell(
                    "response.output_text.done", **where, text=text, logprobs=self._logprobs
                )
            else:
                text = "".join(self._refusals)
                part = {"type": "refusal", "refusal": text}
                told += tell("response.refusal.done", **where, refusal=text)
            told += tell("response.content_part.done", **where, part=part)
            parts.append(part)
        return told, message_item(self._id, parts, "incomplete" if cut else "completed")


class _Thought:
    """A piece of reasoning: shown as a summary, as it is, or not at all."""

    def __init__(self, id: str, at: int, *, summarized: bool) -> None:
        self._id = id
        self.at = at
        self._summarized = summarized
        self._index = "summary_index" if summarized else "content_index"
        self._where = {"item_id": id, "output_index": at, self._index: 0}
        self._word = "reasoning_summary_text" if summarized else "reasoning_text"
        self._part = "reasoning_summary_part" if summarized else "content_part"
        self._texts: list[str] = []
        self._signature: str | None = None
        self._redacted: str | None = None

    def _shown(self, text: str) -> dict[str, Json]:
        return {"type": reasoning_kind(summarized=self._summarized), "text": text}

    def begin(self, tell: Tell) -> bytes:
        item = reasoning_item(self._id, ReasoningPart(""), summarized=self._summarized)
        return tell("response.output_item.added", output_index=self.at, item=item)

    def see(self, tell: Tell, one: Reasoning) -> bytes:
        self._signature = one.signature or self._signature
        self._redacted = one.redacted or self._redacted
        if not one.text:
            return b""
        told = b""
        if not self._texts:
            told = tell(f"response.{self._part}.added", **self._where, part=self._shown(""))
        self._texts.append(one.text)
        return told + tell(f"response.{self._word}.delta", **self._where, delta=one.text)

    def end(self, tell: Tell, *, cut: bool) -> tuple[bytes, dict[str, Json]]:
        text, told = "".join(self._texts), b""
        if text:
            told = tell(f"response.{self._word}.done", **self._where, text=text)
            told += tell(f"response.{self._part}.done", **self._where, part=self._shown(text))
        part = ReasoningPart(text, self._signature, self._redacted)
        return told, reasoning_item(self._id, part, summarized=self._summarized)


class _Call:
    """A call of a tool."""

    def __init__(self, place: str, at: int, call: ToolCall) -> None:
        self._place = place
        self.at = at
        self._call = call
        self._item = call_item(place, call, "in_progress")
        self._where = {"item_id": self._item["id"], "output_index": at}
        custom = call.type == "custom"
        self._word = "custom_tool_call_input" if custom else "function_call_arguments"
        self._pieces: list[str] = []

    def begin(self, tell: Tell) -> bytes:
        return tell("response.output_item.added", output_index=self.at, item=self._item)

    def see(self, tell: Tell, one: ToolDelta) -> bytes:
        self._call.signature = one.signature or self._call.signature
        if not one.arguments:
            return b""
        self._pieces.append(one.arguments)
        return tell(f"response.{self._word}.delta", **self._where, delta=one.arguments)

    def end(self, tell: Tell, *, cut: bool) -> tuple[bytes, dict[str, Json]]:
        self._call.arguments = text = "".join(self._pieces)
        said = {"input": text}
        if self._call.type != "custom":
            said = {"name": self._call.name, "arguments": text}
        told = tell(f"response.{self._word}.done", **self._where, **said)
        return told, call_item(self._place, self._call, "incomplete" if cut else "completed")
