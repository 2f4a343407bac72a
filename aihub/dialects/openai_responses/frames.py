"""Streamed answers of the Responses API, read.

What items tell in pieces is told as it comes. All other events are let be: what they say is said
again at the end of their item, or of the response, with which the answer is whole.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from ...model.events import Event, Refusal, ToolDelta
from ...model.units import Json
from ..reading import field, json_of, needed
from ..sse import SseDecoder, SseEvent
from ..streaming import Streamed
from .reading import Reading, started, text_of, told_error


class StreamDecoder(Streamed[SseEvent]):
    """Read one streamed answer (see `outbound.StreamDecoder`)."""

    def __init__(self) -> None:
        super().__init__(SseDecoder().feed)
        self._reading = Reading()
        self._begun = False

    def _is_whole(self) -> bool:
        return self.ended

    def _read(self, piece: SseEvent, events: list[Event]) -> None:
        if piece.data == b"[DONE]":
            # Some servers end all their streams with it; it says nothing of how this one ended.
            return
        frame = json_of(piece.data)
        kind = needed(frame, "type")
        if kind == "error":
            raise told_error(frame.get("error") or frame)
        if not self._begun:
            # Mostly it is the event that says so.
            self._begun = True
            events.append(started(_response(frame)))
        read = self._FRAMES.get(kind)
        if read is not None:
            read(self, frame, events)

    # The response

    def _end(self, frame: dict[str, Json], events: list[Event]) -> None:
        events += self._reading.finish(_response(frame))
        self.ended = True

    # Items

    def _item(self, frame: dict[str, Json], events: list[Event]) -> None:
        events += self._reading.begin(_at(frame), _told(frame))

    def _item_done(self, frame: dict[str, Json], events: list[Event]) -> None:
        events += self._reading.end(_at(frame), _told(frame))

    def _text(self, frame: dict[str, Json], events: list[Event]) -> None:
        item = self._reading.open_item(_at(frame))
        events += text_of(needed(frame, "delta"), frame)
        item.told = True

    def _refusal(self, frame: dict[str, Json], events: list[Event]) -> None:
        item = self._reading.open_item(_at(frame))
        item.told = True
        if delta := needed(frame, "delta"):
            events.append(Refusal(delta))

    def _summary(self, frame: dict[str, Json], events: list[Event]) -> None:
        self._thought(frame, ("summary", field(frame, "summary_index", int, 0)), events)

    def _reasoning(self, frame: dict[str, Json], events: list[Event]) -> None:
        self._thought(frame, ("content", field(frame, "content_index", int, 0)), events)

    def _thought(self, frame: dict[str, Json], place: tuple[str, int], events: list[Event]) -> None:
        item = self._reading.open_item(_at(frame))
        events += self._reading.thought(item, place, needed(frame, "delta"))

    def _input(self, frame: dict[str, Json], events: list[Event]) -> None:
        item = self._reading.open_item(_at(frame))
        if delta := needed(frame, "delta"):
            item.told = True
            events.append(ToolDelta(item.position, arguments=delta))

    _FRAMES: ClassVar[
        Mapping[str, Callable[[StreamDecoder, dict[str, Json], list[Event]], None]]
    ] = {
        "response.output_item.added": _item,
        "response.output_text.delta": _text,
        "response.refusal.delta": _refusal,
        "response.reasoning_summary_text.delta": _summary,
        "response.reasoning_text.delta": _reasoning,
        "response.function_call_arguments.delta": _input,
        "response.custom_tool_call_input.delta": _input,
        "response.output_item.done": _item_done,
        "response.completed": _end,
        "response.incomplete": _end,
        "response.failed": _end,
    }


def _response(frame: Mapping[str, Json]) -> dict[str, Json]:
    return field(frame, "response", dict, {})


def _told(frame: Mapping[str, Json]) -> dict[str, Json]:
    return field(frame, "item", dict, {})


def _at(frame: Mapping[str, Json]) -> int:
    return field(frame, "output_index", int, 0)
