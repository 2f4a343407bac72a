"""Completions of texts (legacy), whole and streamed: each prompt is a chat of its own."""

from __future__ import annotations

from functools import partial

from ...dialects import openai_completions as dialect
from ...errors import InvalidRequest
from ...model.chat import Chat
from ...model.events import Completion
from ..answering import Answer, Door, Encoder, answer_opened
from ..call import Call
from ..envelopes import OPENAI_TEXTS
from ..http import Response


async def create(call: Call) -> Response:
    """Answer whole, or streamed where the body asks for it."""
    request = dialect.decode_request(call.json_body(), lenient=call.lenient)
    call.model = request.chat.model
    prompts = [await _text(call, request, n) for n in range(len(request.prompts))]

    def complete(_chat: Chat, done: Completion) -> bytes:
        return dialect.encode_completion(request, done, prompts)

    def encoder(_chat: Chat, stream: Answer) -> Encoder:
        return dialect.StreamEncoder(
            id=stream.answer_id,
            created=stream.admitted,
            model=stream.model,
            request=request,
            prompts=prompts,
        )

    chats = [request.asked(prompt) for prompt in prompts]
    door = Door(envelope=OPENAI_TEXTS, complete=complete, encoder=encoder)
    opened = partial(call.hub.open_each, chats, call.identity)
    return await answer_opened(call, request.chat, door, opened)


async def _text(call: Call, request: dialect.TextRequest, n: int) -> str:
    """Return a prompt as a text, spelling tokens."""
    prompt = request.prompts[n]
    if isinstance(prompt, str):
        return prompt
    try:
        return await call.hub.spell(request.chat.model, prompt)
    except InvalidRequest as error:
        where = "prompt" if len(request.prompts) == 1 else f"prompt[{n}]"
        raise InvalidRequest(error.message, param=error.param or where, code=error.code) from None
