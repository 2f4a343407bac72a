"""Responses, read: items of an output as events, whole or as they grow.

Theory of operation. An item begins, grows, and is told whole at its end; of a whole answer each
item begins and ends at once. What an item has told in pieces is not told again at its end, and
what no piece told is. Items and parts that are not known here, and what is said of a text besides,
become `Unknown` under the name of where they stood: `output[2]`, `output[0].content[1]`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs
import orjson

from ...errors import UpstreamError
from ...model.chat import COMPACTION
from ...model.events import (
    Compacted,
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
from ...model.units import Json
from ...model.usage import Usage
from ..openai_chat.errors import error_of
from ..openai_chat.usages import cost_of, count_of
from ..reading import Unreadable, field, json_of, needed, objects, shown
from .turns import sealed
from .words import NAME, STATUSES

MAX_OUTPUT_ITEMS = 4096
"""Items of one answer: reasoning and calls by turns have some hundreds at most."""

CALLS: Mapping[str, tuple[str, str]] = {
    "function_call": ("function", "arguments"),
    "custom_tool_call": ("custom", "input"),
}
"""Items that are calls: their types as ours, and where their input stands."""

_GAP = "\n\n"
"""What stands between two pieces of reasoning that are told apart."""


@attrs.define
class Item:
    """An item that has begun: what it is, what it has told, and whether it has ended."""

    kind: str
    position: int = 0
    told: bool = False
    ended: bool = False
    place: tuple[str, int] | None = None


class Reading:
    """The items of one answer, in whatever pieces they come."""

    def __init__(self) -> None:
        self._items: dict[int, Item] = {}
        self._calls = 0

    def open_item(self, n: int) -> Item:
        """Return an item that has begun and not ended.

        Raises:
            Unreadable: it has not, or has.
        """
        item = self._items.get(n)
        if item is None or item.ended:
            raise Unreadable("A piece comes of an item that is not open.")
        return item

    def begin(self, n: int, told: Mapping[str, Json]) -> list[Event]:
        """Read the beginning of an item.

        Raises:
            Unreadable: it has begun, or is one too many.
        """
        if n in self._items or len(self._items) >= MAX_OUTPUT_ITEMS:
            raise Unreadable("An item begins that has begun, or too many do.")
        item = self._items[n] = Item(needed(told, "type"))
        if item.kind not in CALLS:
            return []
        kind, place = CALLS[item.kind]
        item.position = self._calls
        self._calls += 1
        begun = field(told, place, str, "")
        item.told = bool(begun)
        return [
            ToolDelta(
                item.position,
                needed(told, "call_id"),
                needed(told, "name"),
                begun,
                type=kind,
            )
        ]

    def thought(self, item: Item, place: tuple[str, int], text: str) -> list[Event]:
        """Read a piece of reasoning, which stands at a place in its item."""
        if not text:
            return []
        apart = item.place not in (None, place)
        item.place, item.told = place, True
        return [Reasoning(_GAP + text if apart else text)]

    def end(self, n: int, told: Mapping[str, Json]) -> list[Event]:
        """Read an item's end, at which it is told whole."""
        item = self.open_item(n)
        item.ended = True
        if item.kind == "message":
            return list(self._message(item, told, f"output[{n}]"))
        if item.kind == "reasoning":
            return list(self._reasoning(item, told))
        if item.kind in CALLS:
            given = field(told, CALLS[item.kind][1], str, "")
            unsaid = given and not item.told
            return [ToolDelta(item.position, arguments=given)] if unsaid else []
        return [Unknown({f"output[{n}]": told}, index=0)]

    def _message(self, item: Item, told: Mapping[str, Json], path: str) -> Iterator[Event]:
        for m, part in enumerate(objects(told, "content")):
            where = f"{path}.content[{m}]"
            kind = needed(part, "type")
            if kind == "output_text":
                if not item.told:
                    yield from text_of(needed(part, "text"), part)
                notes = objects(part, "annotations")
                if notes:
                    yield Unknown({f"{where}.annotations": notes}, index=0)
            elif kind == "refusal":
                declined = needed(part, "refusal")
                if declined and not item.told:
                    yield Refusal(declined)
            else:
                yield Unknown({where: part}, index=0)

    def _reasoning(self, item: Item, told: Mapping[str, Json]) -> Iterator[Event]:
        if not item.told:
            for name in ("summary", "content"):
                for m, part in enumerate(objects(told, name)):
                    yield from self.thought(item, (name, m), needed(part, "text"))
        encrypted = field(told, "encrypted_content", str, "")
        if encrypted:
            carried = sealed(field(told, "id", str, None), encrypted)
            if item.told:
                yield Reasoning("", signature=carried)
            else:
                yield Reasoning("", redacted=carried)

    def finish(self, response: Mapping[str, Json]) -> list[Event]:
        """Read a response that is whole: what of it was not told, why it ended, what it used.

        Raises:
            UpstreamError: it failed.
            Unreadable: it has not ended.
        """
        refuse_error(response)
        status = field(response, "status", str, "completed")
        if status not in {"completed", "incomplete"}:
            raise Unreadable(f"Its status is '{shown(status)}'.")
        events: list[Event] = []
        for n, told in enumerate(objects(response, "output")):
            if n not in self._items:
                events += self.begin(n, told)
            if not self._items[n].ended:
                events += self.end(n, told)
        events.append(self._finished(response, status))
        usage: dict[str, Json] = field(response, "usage", dict, {})
        return [*events, usage_seen(usage)] if usage else events

    def _finished(self, response: Mapping[str, Json], status: str) -> Finished:
        if status == "completed":
            return Finished("tool_calls" if self._calls else "stop")
        why: dict[str, Json] = field(response, "incomplete_details", dict, {})
        reason = field(why, "reason", str, "")
        if reason == "max_output_tokens":
            return Finished("length")
        if reason == "content_filter":
            return Finished("content_filter")
        return Finished("stop", native=reason or status)


def read_answer(body: bytes) -> list[Event]:
    """Read a whole answer.

    Raises:
        UpstreamError: it tells an error.
        Unreadable: it is none of this dialect.
    """
    response = json_of(body)
    refuse_error(response)
    if not isinstance(response.get("output"), list):
        raise Unreadable("It has no output.")
    return [started(response), *Reading().finish(response)]


def read_compaction(body: bytes) -> Compacted:
    """Read what stands for a conversation: items that are sent in its place, as they came.

    Raises:
        UpstreamError: it tells an error.
        Unreadable: it is none of this dialect, or nothing in it is a compaction.
    """
    told = json_of(body)
    refuse_error(told)
    items = objects(told, "output")
    made = [one for one in items if needed(one, "type") == COMPACTION]
    if not made:
        raise Unreadable("Nothing in its output is a compaction.")
    for one in made:
        needed(one, "encrypted_content")
    used: dict[str, Json] = field(told, "usage", dict, {})
    return Compacted(items=tuple(items), usage=usage_seen(used).usage if used else None)


def started(response: Mapping[str, Json]) -> Started:
    """Read who answers."""
    return Started(
        field(response, "id", str, None), field(response, "model", str, None), dialect=NAME
    )


def text_of(text: str, told: Mapping[str, Json]) -> list[Event]:
    """Read a text, or a piece of one, with the probabilities of its tokens where it has them."""
    likely = [_logprob(one) for one in objects(told, "logprobs")]
    return [Text(text, logprobs=likely or None)] if text or likely else []


def _logprob(one: dict[str, Json]) -> dict[str, Json]:
    """Read a token's probability; in a stream it does not say which bytes it is."""
    others = [{**other, "bytes": other.get("bytes")} for other in objects(one, "top_logprobs")]
    return {**one, "bytes": one.get("bytes"), "top_logprobs": others}


def usage_seen(told: dict[str, Json]) -> UsageSeen:
    """Read a `usage` object.

    Raises:
        Unreadable: its parts are of other types.
    """
    inside: dict[str, Json] = field(told, "input_tokens_details", dict, {})
    output: dict[str, Json] = field(told, "output_tokens_details", dict, {})
    usage = Usage(
        count_of(told, "input_tokens"),
        count_of(told, "output_tokens"),
        cached=count_of(inside, "cached_tokens"),
        cache_write=count_of(inside, "cache_write_tokens"),
        reasoning=count_of(output, "reasoning_tokens"),
    )
    return UsageSeen(usage, cost=cost_of(told.get("cost")))


def refuse_error(response: Mapping[str, Json]) -> None:
    """Raise what a response tells in place of an output.

    Raises:
        UpstreamError: it tells an error, or failed without one.
    """
    told = response.get("error")
    if told or response.get("status") == "failed":
        raise told_error(told)


def told_error(told: Json) -> UpstreamError:
    """Return an error in an answer as that which its status would have been."""
    code = told.get("code") if isinstance(told, Mapping) else None
    kind = told.get("type") if isinstance(told, Mapping) else None
    status = STATUSES.get(str(code)) or STATUSES.get(str(kind), 500)
    return error_of(status, {}, orjson.dumps({"error": told}))
