"""Server-sent events, as the HTML standard frames them (section 9.2), both ways.

Read over bytes: a line ends at CR, LF or both and at nothing else, so that texts may hold what
other line readers stop at (U+2028, form feeds). What is kept of a stream is the event that is not
complete yet, its line ends already read as LF.
"""

from __future__ import annotations

import attrs

from ..errors import UpstreamFailed
from ..messages import Msg

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: clients skip it, and proxies see that the connection lives."""

DONE = b"data: [DONE]\n\n"
"""How OpenAI's streams say that they are complete."""

MAX_SSE_EVENT = 16 * 1024 * 1024
"""Bytes of one event: a picture comes whole in one, and the largest have a few MiB."""

_BOM = b"\xef\xbb\xbf"
_END = b"\n\n"


def event(data: bytes, name: bytes = b"") -> bytes:
    """Frame one line of JSON as an event, by default without a name."""
    if name:
        return b"event: " + name + b"\ndata: " + data + _END
    return b"data: " + data + _END


@attrs.define
class SseEvent:
    """One event: its data, lines joined by LF, and its name, empty where it has none."""

    data: bytes
    name: str = ""


class SseDecoder:
    """Read a stream of events: bytes in, whole events out, however the bytes are cut.

    An event that the stream's end leaves incomplete is none; `id` and `retry` are for those who
    connect again, which nobody does for an answer.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._after_cr = False
        self._first = True
        self._broken = False

    def feed(self, data: bytes) -> list[SseEvent]:
        """Read the next bytes, and return the events that they complete.

        Raises:
            UpstreamFailed: an event has more than `MAX_SSE_EVENT` bytes. Those before it are
                returned first, and the error is raised by the next call then.
        """
        if self._broken:
            raise _too_long()
        if self._after_cr or b"\r" in data:
            data = self._read_ends(data)
        pending = self._pending
        if not pending and data.endswith(_END):
            return self._events(data.split(_END))
        searched = max(0, len(pending) - 1)
        pending += data
        last = pending.rfind(_END, searched)
        if last < 0:
            return self._bounded([], len(pending))
        blocks = bytes(pending[:last]).split(_END)
        del pending[: last + len(_END)]
        return self._bounded(self._events(blocks), len(pending))

    def _read_ends(self, data: bytes) -> bytes:
        """Read each line end as LF; the LF of a pair may come with the next bytes."""
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
            self._after_cr = False
        if data:
            self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _events(self, blocks: list[bytes]) -> list[SseEvent]:
        if self._first:
            self._first = False
            blocks[0] = blocks[0].removeprefix(_BOM)
        events: list[SseEvent] = []
        for block in blocks:
            if len(block) > MAX_SSE_EVENT:
                return self._bounded(events, len(block))
            # Most are a line of data, or its name and a line of data.
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append(SseEvent(block[6:]))
            elif block:
                one = _event(block)
                if one is not None:
                    events.append(one)
        return events

    def _bounded(self, events: list[SseEvent], size: int) -> list[SseEvent]:
        """Return *events*, after which one of *size* bytes has begun."""
        if size > MAX_SSE_EVENT:
            self._broken = True
            self._pending.clear()
            if not events:
                raise _too_long()
        return events


def _event(block: bytes) -> SseEvent | None:
    """Read the lines of an event; None where it has no data, and is none."""
    name = ""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            name = value.decode(errors="replace")
    return SseEvent(b"\n".join(data), name) if data else None


def _too_long() -> UpstreamFailed:
    return UpstreamFailed(
        Msg("The provider's stream has an event of more than {most} bytes.", most=MAX_SSE_EVENT),
        code="bad_stream",
    )
