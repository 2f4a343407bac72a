"""What a provider says, in any dialect: read whole and byte by byte, folded, and said again.

Whatever the bytes, a reader gives events or raises `UpstreamError`, the same however they come; and
what was read can be written in every dialect.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from aihub.core.attempts import Running
from aihub.dialects import anthropic, bedrock, gemini, openai_chat, openai_responses
from aihub.dialects.outbound import Outbound
from aihub.dialects.sse import event
from aihub.errors import UpstreamError
from aihub.model.catalogue import Deployment
from aihub.model.chat import Chat, Message
from aihub.model.events import Completion, Event, Finished, Reasoning, Text, ToolDelta, UsageSeen
from aihub.model.usage import Count, Usage
from aihub.protocols import ProviderCall
from aihub.testing.providers import MODEL

VENDORS: tuple[Outbound, ...] = (
    openai_chat.Outbound(),
    anthropic.Outbound(),
    gemini.Outbound(),
    bedrock.Outbound(),
    openai_responses.Outbound(),
)
STREAMED, WHOLE, REFUSED, RAW = range(4)
"""What the second byte of an input says that the rest is; RAW is a stream byte by byte."""

CALL = ProviderCall(
    "req_1", Chat(model="m", messages=(Message("user", "Hi"),)), MODEL, "m", Count(1, "counted")
)
PLACE = Deployment(id="d", provider="p", upstream_model="m", region="r")
ENCODERS: Mapping[str, Callable[[Completion], bytes]] = {
    "openai": openai_chat.encode_completion,
    "anthropic": anthropic.encode_completion,
    "gemini": gemini.encode_completion,
    "bedrock": bedrock.encode_completion,
    "responses": lambda done: openai_responses.response_bytes("resp_1", done, {}),
}
RICH: tuple[Event, ...] = (
    Reasoning("Hm.", signature="c2ln"),
    Text("Once"),
    Text(" upon"),
    ToolDelta(position=0, arguments='{"a": 1}', id="call_1", name="f"),
    Finished("tool_calls"),
    UsageSeen(Usage(7, 3)),
)


def vendors(data: bytes) -> None:
    """Read an answer: the first byte says whose, the second what."""
    if len(data) < 2:  # noqa: PLR2004 - the two bytes
        return
    which, what, rest = data[0] % len(VENDORS), data[1] % 4, data[2:]
    vendor = VENDORS[which]
    if what == REFUSED:
        assert isinstance(vendor.decode_error(400 + len(rest) % 200, {}, rest), UpstreamError)
        return
    if what == WHOLE:
        events, error = _tell(lambda: vendor.decode_answer(CALL, rest))
    else:
        wire = rest if what == RAW else b"".join(_framed(which, rest))
        events, error = _stream(vendor, [wire])
        bits = _stream(vendor, [wire[at : at + 1] for at in range(len(wire))])
        # A comparison of values would take NaN for another; their text does not.
        assert (repr(events), repr(error)) == (repr(bits[0]), repr(bits[1]))
    if error is None:
        _say_again(events)


def _framed(which: int, lines: bytes) -> Iterable[bytes]:
    """Frame each line as its dialect does: fuzzed frames alone would never get past the framing."""
    for line in lines.split(b"\n"):
        if VENDORS[which].name == bedrock.Outbound.name:
            name, _, payload = line.partition(b" ")
            headers = {":message-type": "event", ":event-type": name.decode("ascii", "replace")}
            yield bedrock.frame(headers, payload)
        else:
            yield event(line)


def _stream(vendor: Outbound, pieces: Sequence[bytes]) -> tuple[list[Event], UpstreamError | None]:
    decoder = vendor.stream(CALL)
    events: list[Event] = []
    try:
        for piece in pieces:
            events += decoder.feed(piece)
        events += decoder.end()
    except UpstreamError as error:
        return events, error
    return events, None


def _tell(read: Callable[[], Sequence[Event]]) -> tuple[Sequence[Event], UpstreamError | None]:
    try:
        return read(), None
    except UpstreamError as error:
        return (), error


def _say_again(events: Sequence[Event]) -> None:
    running = Running(1, PLACE, MODEL.prices, CALL.prompt, 0)
    for one in events:
        running.see(one, lambda: 0)
    done = Completion(
        id="chatcmpl-1",
        created=0,
        model="m",
        served_model="m",
        choices=running.answers(),
        usage=running.usage or Usage(0, 0),
        cost=0,
        fingerprint=running.fingerprint,
        extra=running.extra or None,
        dialect=running.dialect,
    )
    for encode in ENCODERS.values():
        orjson.loads(encode(done))


def seeds() -> list[bytes]:
    """Return an answer and an error in each dialect."""
    done = Running(1, PLACE, MODEL.prices, CALL.prompt, 0)
    for one in RICH:
        done.see(one, lambda: 0)
    whole = Completion(
        id="chatcmpl-1",
        created=0,
        model="m",
        served_model="m",
        choices=done.answers(),
        usage=Usage(7, 3),
        cost=0,
    )
    found = [
        bytes([which, WHOLE]) + encode(whole) for which, encode in enumerate(ENCODERS.values())
    ]
    found += [bytes([which, STREAMED]) + lines for which, lines in enumerate(_streams())]
    error = orjson.dumps({"error": {"message": "no", "type": "t", "param": "p", "code": "c"}})
    return found + [bytes([which, REFUSED]) + error for which in range(len(VENDORS))]


def _streams() -> Iterable[bytes]:
    chunks = openai_chat.StreamEncoder(id="c", created=0, model="m", include_usage=True)
    lines = [chunks.encode(one) for one in RICH if not isinstance(one, UsageSeen)]
    yield _payloads(b"".join([*lines, chunks.usage(Usage(7, 3), 0), b"data: [DONE]\n\n"]))
    frames = anthropic.StreamEncoder(id="m", model="m")
    told = [frames.encode(one) for one in RICH]
    yield _payloads(b"".join([*told, frames.end(Usage(7, 3), 0)]))
    parts = gemini.StreamEncoder(id="m", model="m")
    told = [parts.encode(one) for one in RICH]
    yield _payloads(b"".join([*told, parts.end(Usage(7, 3), 0)]))
    blocks = bedrock.StreamEncoder()
    wire = b"".join([*(blocks.encode(one) for one in RICH), blocks.end(Usage(7, 3), 0)])
    messages = bedrock.EventStreamDecoder().feed(wire)
    yield b"\n".join(one.headers[":event-type"].encode() + b" " + one.payload for one in messages)
    items = openai_responses.StreamEncoder(
        id="resp_1", created=0, model="m", repeated={}, ended=lambda: 0
    )
    told = [items.encode(one) for one in RICH]
    yield _payloads(b"".join([*told, items.end(Usage(7, 3), 0)]))


def _payloads(wire: bytes) -> bytes:
    lines = [line for line in wire.split(b"\n") if line.startswith(b"data: ")]
    return b"\n".join(line.removeprefix(b"data: ") for line in lines)
