"""A chat answered, whole or streamed: one path for every dialect that chats come in.

What differs from one to the next is a `Door`. An endpoint reads the request into a chat, names its
door, and is done.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from functools import partial
from hashlib import sha256
from typing import Protocol, TypeAlias

import attrs

from ..dialects.sse import KEEP_ALIVE
from ..errors import HubError
from ..hub import Options, Result, Several, Stream, Work
from ..model.chat import Chat
from ..model.events import Completion, Event, UsageSeen
from ..model.units import Pico
from ..model.usage import Usage
from .call import Call
from .envelopes import OPENAI_INPUTS, Envelope
from .errors import JSON, attempts_header
from .http import Headers, Instead, Response

log = logging.getLogger("aihub.server")

EVENTS: tuple[bytes, bytes] = (b"content-type", b"text/event-stream; charset=utf-8")

REGION = b"x-aihub-region"
IDEMPOTENCY_KEY = b"idempotency-key"


Answer: TypeAlias = Stream | Several
"""What is answered: one chat, or several as one."""

Opened: TypeAlias = AbstractAsyncContextManager[Answer]


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
    encoder: Callable[[Chat, Answer], Encoder]
    kind: tuple[bytes, bytes] = EVENTS
    keep_alive: bytes = KEEP_ALIVE


async def answer(call: Call, chat: Chat, door: Door) -> Response:
    """Answer *chat*, as a stream where it asks for one."""
    opened = partial(call.hub.open, chat, call.identity)
    return await answer_opened(call, chat, door, opened)


async def answer_opened(
    call: Call, chat: Chat, door: Door, opened: Callable[[Options], Opened]
) -> Response:
    """Answer what *opened* opens, in the way that *chat* asks for."""
    call.model = chat.model or None
    call.envelope = door.envelope
    options = read_options(call)
    if chat.stream:
        return await _stream(call, chat, door, opened(options))
    async with opened(options) as stream:
        await stream.finish()
    headers: Headers = [JSON, *_marks(chat, stream)]
    tell_attempts(headers, stream)
    call.tell(headers, stream.windows)
    return Response(200, headers, door.complete(chat, stream.completion))


async def answer_work(call: Call, work: Work, encode: Callable[[Result], bytes]) -> Response:
    """Do what is no chat, and answer with what came of it."""
    call.model, call.envelope = work.model, OPENAI_INPUTS
    stream = await call.hub.do(work, call.identity, read_options(call))
    headers: Headers = [JSON]
    tell_attempts(headers, stream)
    call.tell(headers, stream.windows)
    return Response(200, headers, encode(stream.result))


def tell_attempts(headers: Headers, stream: Answer) -> None:
    """Say what was tried, if anything was."""
    tried = stream.tried
    if tried:
        headers.append(attempts_header(tried))


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


async def _stream(call: Call, chat: Chat, door: Door, opened: Opened) -> Response:
    call.stack = stack = AsyncExitStack()
    stream = await stack.enter_async_context(opened)
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


def _marks(chat: Chat, stream: Answer) -> Headers:
    """Tell how many turns of the session did not fit, and that an answer is an earlier one."""
    marks: Headers = []
    if chat.session is not None:
        marks.append((b"x-aihub-session-dropped", b"%d" % stream.dropped))
    if stream.replayed:
        marks.append((b"idempotent-replayed", b"true"))
    return marks


async def _chunks(
    call: Call, encoder: Encoder, stream: Answer, headers: Headers
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
                    # The head leaves with the first chunk.
                    tell_attempts(headers, stream)
                yield chunk
    except Exception as error:
        failure = await late_failure(call, error)
        assert isinstance(failure.body, bytes)  # noqa: S101 - an error is no stream
        in_band = call.envelope.in_band(failure.body, begun)
        if not begun:
            raise Instead(failure, in_band) from error
        yield in_band
        return
    done = stream.completion
    yield encoder.end(done.usage, done.cost)


async def late_failure(call: Call, error: Exception) -> Response:
    """Say an error as the answer that it would have been."""
    if isinstance(error, HubError):
        response = await call.failure(error)
    else:
        log.error("request %s failed", call.id, exc_info=error)
        response = await call.bug()
    call.sign(response)
    return response
