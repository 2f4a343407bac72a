"""Anthropic's Messages API as a provider's client speaks it."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import UpstreamError
from ...model.catalogue import Model
from ...model.chat import Chat
from ...model.events import Event
from ...model.units import Json
from ...protocols import ProviderCall
from ..failures import failure
from ..outbound import Wire
from ..reading import Unreadable, bad_answer, field, json_of
from .answers import read_message
from .calls import encode, request_object
from .streams import StreamDecoder, told_error
from .words import NAME

VERSION = "2026-10-21"
"""The version of the API that is spoken: the newest, as the vendor's own SDKs do."""

SAMPLING_VERSION = "2023-06-01"
"""The version before it, the last in which a request may say how to sample."""

_SAMPLING = frozenset({"temperature", "top_p", "top_k"})


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
        request_object(chat, model, model.id, lenient=self._lenient)

    def encode_call(self, call: ProviderCall) -> Wire:
        """Write a call.

        Raises:
            InvalidRequest: it holds what cannot be said.
        """
        said = request_object(call.chat, call.model, call.upstream_model, lenient=self._lenient)
        version = VERSION if _SAMPLING.isdisjoint(said) else SAMPLING_VERSION
        return Wire(
            path="/v1/messages", body=encode(said), headers=(("anthropic-version", version),)
        )

    def decode_answer(self, call: ProviderCall, body: bytes) -> list[Event]:
        """Read a whole answer.

        Raises:
            UpstreamError: it tells an error, or is none of this dialect.
        """
        try:
            message = json_of(body)
            if message.get("type") == "error":
                raise told_error(message)
            return list(read_message(message))
        except Unreadable as error:
            raise bad_answer(error) from None

    def stream(self, call: ProviderCall) -> StreamDecoder:
        """Return what reads a streamed answer."""
        return StreamDecoder()

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """Say what an answer with a status of 400 or more means."""
        try:
            error: dict[str, Json] = field(json_of(body), "error", dict, {})
            kind = field(error, "type", str, "")
            return failure(status, headers, field(error, "message", str, ""), code=kind or None)
        except Unreadable:
            return failure(status, headers, "")
