"""Content judged."""

from __future__ import annotations

from typing import cast

from ...dialects import openai_moderations as dialect
from ...hub import ModerationWork
from ...model.moderation import Moderation
from ..answering import answer_work
from ..call import Call
from ..http import Response


async def create(call: Call) -> Response:
    """Answer with a judgement of each input."""
    request = dialect.decode_request(call.json_body())
    return await answer_work(
        call,
        ModerationWork(request),
        lambda done: dialect.encode_moderation(cast(Moderation, done)),
    )
