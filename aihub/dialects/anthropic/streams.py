"""Streamed answers of the Messages API, read.

Theory of operation: a message begins, its blocks begin, grow and stop, the message is told its end,
and stops. A block that is not known here is put together and given as one `Unknown` when it stops.
What comes after the end is of no interest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

import attrs
import orjson

from ...errors import UpstreamError
from ...model.events import Event, Finished, Reasoning, Text, ToolDelta, Unknown, UsageSeen
from ...model.units import Json
from ..failures import failure
from ..reading import Unreadable, field, json_of, needed, shown
from ..sse import MAX_SSE_EVENT, SseDecoder, SseEvent
from ..streaming import Streamed
from .answers import Counts, besides, call_begun, caller, finished, started
from .words import STATUSES

MAX_OPEN_BLOCKS = 256
"""Blocks that a stream may have open at a time: one, in truth."""


@attrs.define
class _Block:
    """A block that has begun."""

    kind: str
    position: int = 0
    citations: int = 0
    # Of a block that is not known here: as it began, and the pieces of its input.
    other: dict[str, Json] | None = None
    pieces: list[str] = attrs.field(factory=list)
    size: int = 0


class StreamDecoder(Streamed[SseEvent]):
    """Read one streamed answer (see `outbound.StreamDecoder`)."""

    def __init__(self) -> None:
        super().__init__(SseDecoder().feed)
        self._blocks: dict[int, _Block] = {}
        self._calls = 0
        self._counts = Counts()
        self._finished: Finished | None = None

    def _is_whole(self) -> bool:
        return self.ended

    def _read(self, piece: SseEvent, events: list[Event]) -> None:
        data = piece.data
        frame = json_of(data)
        kind = needed(frame, "type")
        read = self._FRAMES.get(kind)
        if read is None:
            events.append(Unknown({kind: frame}, raw=data))
        else:
            read(self, frame, data, events)

    # The message

    def _start(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        message: dict[str, Json] = field(frame, "message", dict, {})
        events.append(started(message))
        usage: dict[str, Json] = field(message, "usage", dict, {})
        self._counts.see(usage)
        events += besides({name: one for name, one in message.items() if name != "stop_details"})
        if "input_tokens" in usage:
            events.append(UsageSeen(self._counts.usage, interim=True))

    def _tell(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        delta: dict[str, Json] = field(frame, "delta", dict, {})
        usage: dict[str, Json] = field(frame, "usage", dict, {})
        self._counts.see(usage)
        word = field(delta, "stop_reason", str, "")
        if word:
            self._finished = finished(word, field(delta, "stop_sequence", str, "") or None)
        events += besides({**delta, "usage": usage})
        if "output_tokens" in usage:
            events.append(UsageSeen(self._counts.usage))

    def _stop(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        if self._finished is None:
            raise Unreadable("The message stops without a reason.")
        self.ended = True
        events.append(self._finished)

    def _raise(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        raise told_error(frame)

    def _skip(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        """Read a sign of life."""

    # Blocks

    def _start_block(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        block: dict[str, Json] = field(frame, "content_block", dict, {})
        index, kind = field(frame, "index", int, -1), needed(block, "type")
        if index in self._blocks or len(self._blocks) >= MAX_OPEN_BLOCKS:
            raise Unreadable("A block begins that has begun, or too many do.")
        begun = self._blocks[index] = _Block(kind)
        if kind == "text":
            if text := field(block, "text", str, ""):
                events.append(Text(text))
        elif kind == "thinking":
            text, signature = field(block, "thinking", str, ""), field(block, "signature", str, "")
            if text or signature:
                events.append(Reasoning(text, signature=signature or None))
        elif kind == "redacted_thinking":
            events.append(Reasoning("", redacted=needed(block, "data")))
        elif kind == "tool_use":
            self._start_call(begun, block, events)
        else:
            begun.other = block

    def _start_call(self, begun: _Block, block: dict[str, Json], events: list[Event]) -> None:
        begun.position = self._calls
        self._calls += 1
        given: dict[str, Json] = field(block, "input", dict, {})
        whole = orjson.dumps(given).decode() if given else ""
        events.append(call_begun(block, begun.position, whole))
        events += caller(block, begun.position)

    def _grow_block(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        index = field(frame, "index", int, -1)
        block = self._blocks.get(index)
        if block is None:
            raise Unreadable("A block grows that has not begun.")
        delta: dict[str, Json] = field(frame, "delta", dict, {})
        kind = needed(delta, "type")
        if block.other is not None:
            self._grow_other(block, delta)
        elif kind == "text_delta":
            events.append(Text(needed(delta, "text"), raw=data))
        elif kind == "thinking_delta":
            events.append(Reasoning(needed(delta, "thinking"), raw=data))
        elif kind == "signature_delta":
            events.append(Reasoning("", raw=data, signature=needed(delta, "signature")))
        elif kind == "input_json_delta":
            piece = needed(delta, "partial_json")
            events.append(ToolDelta(block.position, arguments=piece, raw=data))
        elif kind == "citations_delta":
            name = f"content[{index}].citations[{block.citations}]"
            block.citations += 1
            events.append(Unknown({name: delta.get("citation")}, raw=data, index=0))
        else:
            events.append(Unknown({f"content[{index}].{kind}": delta}, raw=data, index=0))

    def _grow_other(self, block: _Block, delta: Mapping[str, Json]) -> None:
        piece = field(delta, "partial_json", str, "")
        if piece:
            block.pieces.append(piece)
            block.size += len(piece)
        if block.size > MAX_SSE_EVENT:
            raise Unreadable(f"A block of type '{shown(block.kind)}' is too long.")

    def _stop_block(self, frame: dict[str, Json], data: bytes, events: list[Event]) -> None:
        index = field(frame, "index", int, -1)
        block = self._blocks.pop(index, None)
        if block is None:
            raise Unreadable("A block stops that has not begun.")
        if block.other is not None:
            told = block.other
            if whole := "".join(block.pieces):
                told = {**told, "input": json_of(whole.encode())}
            events.append(Unknown({f"content[{index}]": told}, index=0))

    _FRAMES: ClassVar[
        Mapping[str, Callable[[StreamDecoder, dict[str, Json], bytes, list[Event]], None]]
    ] = {
        "message_start": _start,
        "content_block_start": _start_block,
        "content_block_delta": _grow_block,
        "content_block_stop": _stop_block,
        "message_delta": _tell,
        "message_stop": _stop,
        "error": _raise,
        "ping": _skip,
    }


def told_error(frame: Mapping[str, Json]) -> UpstreamError:
    """Read an error in a stream as the answer that it would have been.

    Raises:
        Unreadable: it is none.
    """
    error: dict[str, Json] = field(frame, "error", dict, {})
    kind = field(error, "type", str, "")
    return failure(STATUSES.get(kind, 500), {}, field(error, "message", str, ""), code=kind or None)
