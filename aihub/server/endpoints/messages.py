"""Anthropic's Messages API: messages, whole and streamed, and how many tokens they are."""

from __future__ import annotations

import attrs

from ...dialects import anthropic as dialect
from ...model.chat import Chat
from ...model.events import Completion
from ..answering import Answer, Door, Encoder, answer
from ..call import Call
from ..envelopes import ANTHROPIC_CHAT
from ..http import Response


def message_id(id: str) -> str:
    """Return an answer's id as Anthropic's clients know them."""
    return "msg_" + id.removeprefix("chatcmpl-")


def _complete(_chat: Chat, done: Completion) -> bytes:
    return dialect.encode_completion(attrs.evolve(done, id=message_id(done.id)))


def _encoder(_chat: Chat, stream: Answer) -> Encoder:
    id = message_id(stream.answer_id)
    return dialect.StreamEncoder(id=id, model=stream.model, prompt=stream.prompt)


DOOR = Door(envelope=ANTHROPIC_CHAT, complete=_complete, encoder=_encoder, keep_alive=dialect.PING)


async def create(call: Call) -> Response:
    """Answer whole, or streamed where the body asks for it."""
    return await answer(call, dialect.decode_request(call.json_body()), DOOR)


async def count_tokens(call: Call) -> Response:
    """Say how many tokens a message would be charged with before its answer."""
    chat = dialect.decode_count(call.json_body())
    call.model, call.envelope = chat.model or None, DOOR.envelope
    count = await call.hub.count(chat, call.identity)
    return await call.answer({"input_tokens": count.tokens})
