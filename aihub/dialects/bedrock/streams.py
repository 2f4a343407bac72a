"""Streamed answers of `ConverseStream`, read.

Theory of operation: a message begins, its blocks grow and stop, the message stops, and at last its
metadata tells what it used. Only a block that is no text and no reasoning says that it begins. One
that is not known here is put together and given as one `Unknown` when it stops. An answer is whole
when its message has stopped; without metadata nobody has told the counts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import attrs
import orjson

from ...model.events import Event, Reasoning, Started, Text, ToolDelta, Unknown
from ...model.units import Json
from ..reading import Unreadable, field, json_of, needed, shown
from ..streaming import Streamed
from .answers import besides, call_begun, counts, ending_of
from .errors import told_error
from .eventstream import MAX_MESSAGE, EventStreamDecoder, StreamMessage
from .words import NAME

MAX_BLOCKS = 4096
"""Blocks of a stream: an answer has a few, and as many calls as it makes."""


@attrs.define
class _Block:
    """A block that grows: `position` is a call's, `other` what is not known here."""

    position: int | None = None
    citations: int = 0
    other: dict[str, Json] | None = None
    kind: str = ""
    pieces: list[str] = attrs.field(factory=list)
    size: int = 0


class StreamDecoder(Streamed[StreamMessage]):
    """Read one streamed answer (see `outbound.StreamDecoder`)."""

    def __init__(self) -> None:
        super().__init__(EventStreamDecoder().feed)
        self._blocks: dict[int, _Block | None] = {}
        self._calls = 0
        self._finished = False

    def _is_whole(self) -> bool:
        return self._finished

    def _read(self, piece: StreamMessage, events: list[Event]) -> None:
        kind = piece.headers.get(":message-type", "event")
        if kind == "exception":
            raise told_error(piece.headers.get(":exception-type", ""), piece.payload)
        if kind == "error":
            told = {"message": piece.headers.get(":error-message", "")}
            raise told_error(piece.headers.get(":error-code", ""), orjson.dumps(told))
        name = piece.headers.get(":event-type", "")
        told = json_of(piece.payload)
        read = self._EVENTS.get(name)
        if read is None:
            events.append(Unknown({shown(name): told}))
            return
        if self._finished and name != "metadata":
            raise Unreadable("The message goes on after its end.")
        read(self, told, events)

    # The message

    def _start(self, told: dict[str, Json], events: list[Event]) -> None:
        events.append(Started(dialect=NAME))
        events += besides(told, frozenset({"role"}))

    def _stop(self, told: dict[str, Json], events: list[Event]) -> None:
        events += besides(told, frozenset({"stopReason"}))
        events += ending_of(told)
        self._finished = True

    def _metadata(self, told: dict[str, Json], events: list[Event]) -> None:
        events += besides(told, frozenset({"usage"}))
        events += counts(told)
        self.ended = self._finished

    # Blocks

    def _block(self, told: Mapping[str, Json]) -> tuple[int, _Block]:
        """Return the block that an event is of; one that does not say that it begins does so."""
        index = field(told, "contentBlockIndex", int, 0)
        if index not in self._blocks and len(self._blocks) >= MAX_BLOCKS:
            raise Unreadable("There are too many blocks.")
        block = self._blocks.setdefault(index, _Block())
        if block is None:
            raise Unreadable("A block goes on after its end.")
        return index, block

    def _start_block(self, told: dict[str, Json], events: list[Event]) -> None:
        _, block = self._block(told)
        start: dict[str, Json] = field(told, "start", dict, {})
        if len(start) > 1 or block.position is not None or block.other is not None:
            raise Unreadable("A block begins that has begun, or is several things.")
        for kind in start:
            inner: dict[str, Json] = field(start, kind, dict, {})
            if kind == "toolUse" and inner.get("type") is None:
                block.position = self._calls
                self._calls += 1
                events.append(call_begun(inner, block.position))
            else:
                block.kind, block.other = kind, dict(inner)

    def _grow_block(self, told: dict[str, Json], events: list[Event]) -> None:
        index, block = self._block(told)
        delta: dict[str, Json] = field(told, "delta", dict, {})
        for kind, inner in delta.items():
            if block.other is not None:
                _grow_other(block, block.other, inner)
            elif kind == "text":
                events.append(Text(needed(delta, kind)))
            elif kind == "reasoningContent":
                events.append(_reasoning(field(delta, kind, dict, {})))
            elif kind == "toolUse" and block.position is not None:
                piece: dict[str, Json] = field(delta, kind, dict, {})
                events.append(ToolDelta(block.position, arguments=needed(piece, "input")))
            elif kind == "toolUse":
                raise Unreadable("A call grows that has not begun.")
            elif kind == "citation":
                name = f"content[{index}].citations[{block.citations}]"
                block.citations += 1
                events.append(Unknown({name: inner}, index=0))
            else:
                events.append(Unknown({f"content[{index}].{shown(kind)}": inner}, index=0))

    def _stop_block(self, told: dict[str, Json], events: list[Event]) -> None:
        index, block = self._block(told)
        self._blocks[index] = None
        if block.other is not None:
            other = block.other
            if whole := "".join(block.pieces):
                other = {**other, "input": json_of(whole.encode())}
            events.append(Unknown({f"content[{index}]": {block.kind: other}}, index=0))

    _EVENTS: ClassVar[
        Mapping[str, Callable[[StreamDecoder, dict[str, Any], list[Event]], None]]
    ] = {
        "messageStart": _start,
        "contentBlockStart": _start_block,
        "contentBlockDelta": _grow_block,
        "contentBlockStop": _stop_block,
        "messageStop": _stop,
        "metadata": _metadata,
    }


def _reasoning(delta: Mapping[str, Json]) -> Reasoning:
    """Read a piece of reasoning: a text, a signature, or bytes that only the provider can read."""
    redacted = field(delta, "redactedContent", str, "")
    if redacted:
        return Reasoning("", redacted=redacted)
    text, signature = field(delta, "text", str, ""), field(delta, "signature", str, "")
    return Reasoning(text, signature=signature or None)


def _grow_other(block: _Block, other: dict[str, Json], inner: Json) -> None:
    """Put a piece to a block that is not known here: a call's input, a result's list, fields."""
    block.size += len(orjson.dumps(inner))
    if block.size > MAX_MESSAGE:
        raise Unreadable(f"A block of type '{shown(block.kind)}' is too long.")
    if isinstance(inner, list):
        content: list[Json] = field(other, "content", list, [])
        content += inner
        other["content"] = content
    elif isinstance(inner, dict) and isinstance(inner.get("input"), str):
        block.pieces.append(inner["input"])
    elif isinstance(inner, dict):
        other.update(inner)
