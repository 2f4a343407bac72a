"""Responses that are kept, told as they stand: whole, or as the events that they came in.

Theory of operation. The events of a response are made of its pieces, never kept as they were
written: whoever comes back is told those after the last one known, and goes on with what is still
to come. How it ended is read off what is kept, so that it is the same whoever worked on it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, aclosing

import orjson

from ...dialects.openai_responses import StreamEncoder, response_object
from ...dialects.openai_responses.answers import answered
from ...dialects.openai_responses.streams import failure
from ...dialects.sse import KEEP_ALIVE
from ...model.record import Record
from ...model.units import Json
from ..answering import EVENTS, late_failure
from ..call import Call
from ..envelopes import RESPONSES
from ..http import Headers, Response

LOST: Mapping[str, Json] = {"message": "The work on the response broke off."}
CANCELLED: Mapping[str, Json] = {"code": "cancelled", "message": "The response was cancelled."}


async def told(call: Call, record: Record) -> dict[str, Json]:
    """Return a response as it stands."""
    if record.answer is not None:
        return whole(record)
    return unanswered(record, await call.hub.background.standing(record))


def whole(record: Record) -> dict[str, Json]:
    """Return a response that is answered."""
    assert record.answer is not None  # noqa: S101 - it is kept when it is whole
    return answered(record.id, record.answer, _repeated(record))


def unanswered(record: Record, status: str) -> dict[str, Json]:
    """Return a response that has no answer, be it yet or at all."""
    error = failure(_why(record)) if status == "failed" else None
    return response_object(
        record.id,
        record.created,
        record.model,
        _repeated(record),
        status=status,
        output=[],
        error=error,
    )


def _repeated(record: Record) -> dict[str, Json]:
    return {**record.data["repeated"], "metadata": dict(record.metadata)}


def _why(record: Record) -> Mapping[str, Json]:
    return record.data.get("error") or LOST


async def streamed(call: Call, record: Record, after: int = -1) -> Response:
    """Answer with the events of a response: those that follow the one with the number *after*."""
    call.envelope = RESPONSES
    call.stack = stack = AsyncExitStack()
    headers: Headers = [EVENTS, (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    await call.add_limits(headers)
    body = await stack.enter_async_context(aclosing(_events(call, record, after)))
    return Response(200, headers, body, keep_alive=KEEP_ALIVE)


async def _events(call: Call, record: Record, after: int) -> AsyncGenerator[bytes, None]:
    ended = record.created
    encoder = StreamEncoder(
        id=record.id,
        created=record.created,
        model=record.model,
        repeated=_repeated(record),
        ended=lambda: ended,
        after=after,
    )
    try:
        if begun := encoder.begin():
            yield begun
        async with aclosing(call.hub.background.follow(record)) as events:
            async for event in events:
                if chunk := encoder.encode(event):
                    yield chunk
        record = await call.hub.responses.get(record.id, account=record.account)
        status = await call.hub.background.standing(record)
    except Exception as error:  # noqa: BLE001 - it is logged, and told in the stream
        body = (await late_failure(call, error)).body
        assert isinstance(body, bytes)  # noqa: S101 - an error is no stream
        yield encoder.break_off(orjson.loads(body)["error"])
        return
    done = record.answer
    if done is None:
        yield encoder.fail(CANCELLED if status == "cancelled" else _why(record), status)
        return
    ended = done.ended or done.created
    if end := encoder.end(done.usage, done.cost):
        yield end
