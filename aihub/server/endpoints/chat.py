"""Chat completions, whole and streamed."""

from __future__ import annotations

from ...dialects import openai_chat as dialect
from ...model.chat import Chat
from ...model.events import Completion
from ..answering import Answer, Door, Encoder, answer
from ..call import Call
from ..envelopes import OPENAI
from ..http import Response


def _complete(chat: Chat, done: Completion) -> bytes:
    return dialect.encode_completion(done, legacy=chat.legacy)


def _encoder(chat: Chat, stream: Answer) -> Encoder:
    return dialect.StreamEncoder(
        id=stream.answer_id,
        created=stream.admitted,
        model=stream.model,
        include_usage=chat.include_usage,
        legacy=chat.legacy,
    )


DOOR = Door(envelope=OPENAI, complete=_complete, encoder=_encoder)


async def chat(call: Call) -> Response:
    """Answer whole, or streamed where the body asks for it."""
    return await answer(call, _decoded(call), DOOR)


async def chat_stream(call: Call) -> Response:
    """Answer streamed, whatever the body says."""
    chat = _decoded(call)
    chat.stream = True
    return await answer(call, chat, DOOR)


def _decoded(call: Call) -> Chat:
    return dialect.decode_request(call.json_body(), lenient=call.lenient)
