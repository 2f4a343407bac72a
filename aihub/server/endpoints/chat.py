"""Chat completions, whole and streamed."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from hashlib import sha256

import orjson

from ...dialects import openai_chat as dialect
from ...dialects.sse import DONE, KEEP_ALIVE
from ...errors import HubError
from ...hub import Options, Stream
from ...model.chat import Chat
from ...model.events import UsageSeen
from ..call import Call
from ..errors import JSON, attempts_header, error_object
from ..http import Headers, Instead, Response
from ..limits import add_limits

log = logging.getLogger("aihub.server")

STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

REGION = b"x-aihub-region"
IDEMPOTENCY_KEY = b"idempotency-key"


async def chat(call: Call) -> Response:
    """Answer whole, or streamed where the body asks for it."""
    return await _answer(call, always_stream=False)


async def chat_stream(call: Call) -> Response:
    """Answer streamed, whatever the body says."""
    return await _answer(call, always_stream=True)


async def _answer(call: Call, *, always_stream: bool) -> Response:
    body = call.json_body()
    chat = dialect.decode_request(body, lenient=call.lenient)
    call.model = chat.model or None
    if always_stream and not chat.stream:
        chat.stream = True
    region = call.request.headers.get(REGION)
    options = Options(
        id=call.id, region=region.decode("latin-1") if region else None, near=call.near
    )
    key = call.request.headers.get(IDEMPOTENCY_KEY)
    if key is not None:
        options.idempotency_key = key.decode("latin-1")
        options.digest = sha256(call.request.path.encode() + b"\n" + body).digest()
    if chat.stream:
        return await _stream(call, chat, options)
    answer = await call.hub.answer(chat, call.identity, options)
    headers: Headers = [JSON, *_marks(chat, answer)]
    if answer.tried:
        headers.append(attempts_header(answer.tried))
    add_limits(headers, answer.windows, call.hub.now(), inference=True)
    return Response(200, headers, dialect.encode_completion(answer.completion, legacy=chat.legacy))


async def _stream(call: Call, chat: Chat, options: Options) -> Response:
    call.stack = stack = AsyncExitStack()
    stream = await stack.enter_async_context(call.hub.open(chat, call.identity, options))
    headers = [*STREAM, *_marks(chat, stream)]
    add_limits(headers, stream.windows, call.hub.now(), inference=True)
    body = await stack.enter_async_context(aclosing(_chunks(call, chat, stream, headers)))
    return Response(200, headers, body, keep_alive=KEEP_ALIVE)


def _marks(chat: Chat, stream: Stream) -> Headers:
    """Tell how many turns of the session did not fit, and that an answer is an earlier one."""
    marks: Headers = []
    if chat.session is not None:
        marks.append((b"x-aihub-session-dropped", b"%d" % stream.dropped))
    if stream.replayed:
        marks.append((b"idempotent-replayed", b"true"))
    return marks


async def _chunks(
    call: Call, chat: Chat, stream: Stream, headers: Headers
) -> AsyncGenerator[bytes, None]:
    encoder = dialect.StreamEncoder(
        id=stream.answer_id,
        created=stream.admitted,
        model=stream.model,
        include_usage=chat.include_usage,
        legacy=chat.legacy,
    )
    begun = False
    try:
        async for event in stream:
            if type(event) is UsageSeen:
                continue
            chunk = encoder.encode(event)
            if chunk:
                if not begun and stream.tried:
                    # The head leaves with the first chunk.
                    headers.append(attempts_header(stream.tried))
                begun = True
                yield chunk
    except Exception as error:
        failure, in_band = await _late_failure(call, error)
        if not begun:
            raise Instead(failure, in_band) from error
        yield in_band
        return
    done = stream.completion
    yield encoder.usage(done.usage, done.cost) + DONE


async def _late_failure(call: Call, error: Exception) -> tuple[Response, bytes]:
    """Say an error both ways: as the whole answer, and in the middle of a stream."""
    if isinstance(error, HubError):
        response = await call.failure(error)
        in_band = error_object(error)
    else:
        log.error("request %s failed", call.id, exc_info=error)
        response = await call.bug()
        in_band = orjson.loads(response.body)  # type: ignore[arg-type]
    call.sign(response)
    return response, dialect.encode_stream_error(in_band)
