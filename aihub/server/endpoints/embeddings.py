"""Texts embedded."""

from __future__ import annotations

from typing import cast

from ...dialects import openai_embeddings as dialect
from ...hub import EmbeddingWork
from ...model.embedding import Embeddings
from ..answering import answer_work
from ..call import Call
from ..http import Response


async def create(call: Call) -> Response:
    """Answer with a vector for each input."""
    request, as_base64 = dialect.decode_request(call.json_body())
    return await answer_work(
        call,
        EmbeddingWork(request),
        lambda done: dialect.encode_embeddings(cast(Embeddings, done), as_base64=as_base64),
    )
