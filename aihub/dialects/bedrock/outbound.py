"""Bedrock's Converse as a provider's client speaks it."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from ...errors import UpstreamError
from ...model.catalogue import Model
from ...model.chat import Chat
from ...model.events import Event
from ...protocols import ProviderCall
from ..outbound import Wire
from ..reading import Unreadable, bad_answer, json_of
from .answers import read_answer
from .calls import path_of, request_object
from .errors import error_of
from .streams import StreamDecoder
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
        request_object(chat, lenient=self._lenient)

    def encode_call(self, call: ProviderCall) -> Wire:
        """Write a call.

        Raises:
            InvalidRequest: it holds what cannot be said.
        """
        said = request_object(call.chat, lenient=self._lenient)
        path = path_of(call.upstream_model, stream=call.chat.stream)
        return Wire(path=path, body=orjson.dumps(said))

    def decode_answer(self, call: ProviderCall, body: bytes) -> list[Event]:
        """Read a whole answer.

        Raises:
            UpstreamError: it is none of this dialect.
        """
        try:
            return list(read_answer(json_of(body)))
        except Unreadable as error:
            raise bad_answer(error) from None

    def stream(self, call: ProviderCall) -> StreamDecoder:
        """Return what reads a streamed answer."""
        return StreamDecoder()

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """Say what an answer with a status of 400 or more means."""
        return error_of(status, headers, body)
