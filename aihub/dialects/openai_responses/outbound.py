"""OpenAI's Responses as a provider's client speaks them, its compaction included.

Source: OpenAI's published OpenAPI document, `CreateResponse`, `Response`, `ResponseStreamEvent`,
`CompactResponseMethodPublicBody`, `CompactResource`.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from ...errors import UpstreamError
from ...model.catalogue import Model
from ...model.chat import Chat
from ...model.events import Compacted, Event
from ...model.units import Json
from ...protocols import ProviderCall
from ..openai_chat.errors import error_of
from ..outbound import Wire
from ..reading import Unreadable, bad_answer
from .bodies import request_object
from .frames import StreamDecoder
from .reading import read_answer, read_compaction
from .words import NAME


class Outbound:
    """Say calls and read answers (see `outbound.Outbound`).

    Args:
        lenient: leave out what the dialect cannot say instead of refusing it.
    """

    name = NAME

    def __init__(self, *, lenient: bool = False) -> None:
        self._lenient = lenient

    def check(self, model: Model, chat: Chat) -> None:
        """Refuse what cannot be said.

        Raises:
            InvalidRequest: it names the field; `faults` lists all.
        """
        request_object(chat, model, lenient=self._lenient)

    def encode_call(self, call: ProviderCall) -> Wire:
        """Write a call; nothing of it is kept there.

        Raises:
            InvalidRequest: it holds what cannot be said.
        """
        said = request_object(call.chat, call.model, lenient=self._lenient)
        fields: dict[str, Json] = {"model": call.upstream_model, **said, "store": False}
        if call.chat.stream:
            fields["stream"] = True
        return Wire(path="/responses", body=orjson.dumps(fields))

    def decode_answer(self, call: ProviderCall, body: bytes) -> list[Event]:
        """Read a whole answer.

        Raises:
            UpstreamError: it tells an error, or is none of this dialect.
        """
        try:
            return read_answer(body)
        except Unreadable as error:
            raise bad_answer(error) from None

    def stream(self, call: ProviderCall) -> StreamDecoder:
        """Return what reads a streamed answer."""
        return StreamDecoder()

    def encode_compaction(self, call: ProviderCall) -> Wire:
        """Write a call for its conversation to be made short.

        Raises:
            InvalidRequest: it holds what cannot be said.
        """
        said = request_object(call.chat, call.model, lenient=self._lenient)
        # Nothing is answered that there could be more of.
        said.pop("include", None)
        fields: dict[str, Json] = {"model": call.upstream_model, **said}
        return Wire(path="/responses/compact", body=orjson.dumps(fields))

    def decode_compaction(self, body: bytes) -> Compacted:
        """Read what stands for a conversation: items, as they came.

        Raises:
            UpstreamError: it tells an error, or is none of this dialect.
        """
        try:
            return read_compaction(body)
        except Unreadable as error:
            raise bad_answer(error) from None

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """Say what an answer with a status of 400 or more means."""
        return error_of(status, headers, body)
