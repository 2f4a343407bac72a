"""Google's Gemini API: contents generated, whole and streamed, and how many tokens they are."""

from __future__ import annotations

from urllib.parse import parse_qsl

import attrs

from ...dialects import gemini as dialect
from ...dialects.queries import MAX_PARAMETERS
from ...model.chat import Chat
from ...model.events import Completion
from ..answering import Answer, Door, Encoder, answer
from ..call import Call
from ..envelopes import GEMINI_CHAT, GEMINI_LIST
from ..errors import JSON
from ..http import Response


def response_id(id: str) -> str:
    """Return an answer's id as Google's are: without a word for what it is."""
    return id.removeprefix("chatcmpl-")


def _complete(_chat: Chat, done: Completion) -> bytes:
    return dialect.encode_completion(attrs.evolve(done, id=response_id(done.id)))


def _encoder(_chat: Chat, stream: Answer) -> Encoder:
    return dialect.StreamEncoder(id=response_id(stream.answer_id), model=stream.model)


def _list_encoder(_chat: Chat, stream: Answer) -> Encoder:
    return dialect.ListEncoder(id=response_id(stream.answer_id), model=stream.model)


DOOR = Door(envelope=GEMINI_CHAT, complete=_complete, encoder=_encoder)
LIST_DOOR = Door(
    envelope=GEMINI_LIST,
    complete=_complete,
    encoder=_list_encoder,
    kind=JSON,
    # White space says nothing between the items of a list.
    keep_alive=b"\n",
)


async def generate(call: Call) -> Response:
    """Answer whole."""
    return await answer(call, _decoded(call, stream=False), DOOR)


async def stream(call: Call) -> Response:
    """Answer streamed: as events where the query says `alt=sse`, else as a list."""
    return await answer(
        call, _decoded(call, stream=True), DOOR if _wants_events(call.request.query) else LIST_DOOR
    )


def _decoded(call: Call, *, stream: bool) -> Chat:
    return dialect.decode_request(call.json_body(), model=call.parameters["model"], stream=stream)


def _wants_events(query: str) -> bool:
    if not query:
        return False
    try:
        pairs = parse_qsl(query, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return False
    return any(name in {"alt", "$alt"} and value == "sse" for name, value in pairs)


async def count_tokens(call: Call) -> Response:
    """Say how many tokens contents would be charged with before their answer."""
    chat = dialect.decode_count(call.json_body(), model=call.parameters["model"])
    call.model, call.envelope = chat.model, DOOR.envelope
    count = await call.hub.count(chat, call.identity)
    return await call.answer({"totalTokens": count.tokens})
