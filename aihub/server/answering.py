"""A chat answered, whole or streamed: one path for every dialect that chats come in.

What differs from one to the next is a `Door`. An endpoint reads the request into a chat, names its
door, and is done.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from hashlib import sha256
from typing import Protocol

import attrs

from ..dialects.sse import KEEP_ALIVE
from ..errors import HubError
from ..hub import Options, Stream
from ..model.chat import Chat
from ..model.events import Completion, Event, UsageSeen
from ..model.units import Pico
from ..model.usage import Usage
from .call import Call
from .envelopes import Envelope
from .errors import JSON, attempts_header
from .http import Headers, Instead, Response

log = logging.getLogger("aihub.server")

EVENTS: tuple[bytes, bytes] = (b"content-type", b"text/event-stream; charset=utf-8")

REGION = b"x-aihub-region"
IDEMPOTENCY_KEY = b"idempotency-key"


class Encoder(Protocol):
    """One stream being written: events in, bytes out, and at last its end."""

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where there is nothing to say yet."""
        ...

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the end of a stream that is whole."""
        ...


@attrs.frozen(kw_only=True, eq=False)
class Door:
    """A dialect as chats come in by it: how it is answered.

    Args:
        envelope: how it says errors of a request that has been read.
        complete: writes a whole answer to a chat.
        encoder: makes what writes a stream.
        kind: the header that says what a stream is.
        keep_alive: what says in a stream that it lives.
    """

    envelope: Envelope
    complete: Callable[[Chat, Completion], bytes]
    encoder: Callable[[Chat, Stream], Encoder]
    kind: tuple[bytes, bytes] = EVENTS
    keep_alive: bytes = KEEP_ALIVE


async def answer(call: Call, chat: Chat, door: Door) -> Response:
    """Answer *chat*, as a stream where it asks for one."""
    call.model = chat.model or None
    call.envelope = door.envelope
    options = read_options(call)
    if chat.stream:
        return await _stream(call, chat, options, door)
    stream = await call.hub.answer(chat, call.identity, options)
    headers: Headers = [JSON, *_marks(chat, stream)]
    if stream.tried:
        headers.append(attempts_header(stream.tried))
    call.tell(headers, stream.windows)
    return Response(200, headers, door.complete(chat, stream.completion))


def read_options(call: Call) -> Options:
    """Read what the headers say of a request."""
    headers = call.request.headers
    region = headers.get(REGION)
    options = Options(
        id=call.id, region=region.decode("latin-1") if region else None, near=call.near
    )
    key = headers.get(IDEMPOTENCY_KEY)
    if key is not None:
        options.idempotency_key = key.decode("latin-1")
        asked = call.request.path.encode() + b"\n" + call.request.body
        options.digest = sha256(asked).digest()
    return options


async def _stream(call: Call, chat: Chat, options: Options, door: Door) -> Response:
    call.stack = stack = AsyncExitStack()
    stream = await stack.enter_async_context(call.hub.open(chat, call.identity, options))
    headers: Headers = [
        door.kind,
        (b"cache-control", b"no-cache"),
        (b"x-accel-buffering", b"no"),
        *_marks(chat, stream),
    ]
    call.tell(headers, stream.windows)
    encoder = door.encoder(chat, stream)
    body = await stack.enter_async_context(aclosing(_chunks(call, encoder, stream, headers)))
    return Response(200, headers, body, keep_alive=door.keep_alive)


def _marks(chat: Chat, stream: Stream) -> Headers:
    """Tell how many turns of the session did not fit, and that an answer is an earlier one."""
    marks: Headers = []
    if chat.session is not None:
        marks.append((b"x-aihub-session-dropped", b"%d" % stream.dropped))
    if stream.replayed:
        marks.append((b"idempotent-replayed", b"true"))
    return marks


async def _chunks(
    call: Call, encoder: Encoder, stream: Stream, headers: Headers
) -> AsyncGenerator[bytes, None]:
    begun = False
    try:
        async for event in stream:
            if type(event) is UsageSeen:
                continue
            chunk = encoder.encode(event)
            if chunk:
                if not begun:
                    begun = call.begun = True
                    if stream.tried:
                        # The head leaves with the first chunk.
                        headers.append(attempts_header(stream.tried))
                yield chunk
    except Exception as error:
        failure = await _late_failure(call, error)
        assert isinstance(failure.body, bytes)  # noqa: S101 - an error is no stream
        in_band = call.envelope.in_band(failure.body, begun)
        if not begun:
            raise Instead(failure, in_band) from error
        yield in_band
        return
    done = stream.completion
    yield encoder.end(done.usage, done.cost)


async def _late_failure(call: Call, error: Exception) -> Response:
    """Say an error as the answer that it would have been."""
    if isinstance(error, HubError):
        response = await call.failure(error)
    else:
        log.error("request %s failed", call.id, exc_info=error)
        response = await call.bug()
    call.sign(response)
    return response
