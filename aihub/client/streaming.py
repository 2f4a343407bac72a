"""A chat's stream read: bytes in, chunks out, and the whole answer at the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import orjson

from ..dialects.sse import SseDecoder, SseEvent
from ..errors import UpstreamError
from ..model.units import Json
from .errors import (
    AIHubError,
    APITimeoutError,
    ConfigurationError,
    FailedStreamError,
    IncompleteStreamError,
)
from .folding import Fold
from .reading import WrongShape, shape
from .settings import ClientSettings
from .talk import MAX_ANSWER, Head, lost, malformed
from .values import ChatCompletion, ChatCompletionChunk

_END = b"[DONE]"


class ChatReader:
    """Read one stream, however its bytes are cut.

    A stream is whole where `[DONE]` has come; what comes behind that is not looked at.
    """

    def __init__(self, head: Head, settings: ClientSettings) -> None:
        self._head = head
        self._settings = settings
        self._events = SseDecoder()
        self._size = 0
        self._fold = Fold()
        self.is_whole = False

    def read(self, data: bytes) -> Iterator[ChatCompletionChunk]:
        """Yield the chunks that *data* completes.

        Raises:
            FailedStreamError: the stream told an error.
            MalformedResponseError: an event is no chunk, or the stream is beyond all bounds.
        """
        self._size += len(data)
        if self._size > MAX_ANSWER:
            raise malformed(f"its stream has more than {MAX_ANSWER} bytes", self._head, b"")
        while True:
            try:
                events = self._events.feed(data)
            except UpstreamError as error:
                raise malformed(error.message.rstrip("."), self._head, b"") from None
            if not events:
                return
            for event in events:
                if self.is_whole or event.data == _END:
                    self.is_whole = True
                    return
                yield self._chunk(event)
            # One too long behind these is told by the next call.
            data = b""

    def end(self) -> Iterator[ChatCompletionChunk]:
        """Nothing more comes.

        Raises:
            IncompleteStreamError: and the end marker has not.
        """
        if not self.is_whole:
            raise IncompleteStreamError(
                "The stream ended without its end marker: the answer is not whole.",
                status=self._head.status,
                request_id=self._head.request_id,
            )
        return iter(())

    def lost(self, error: UpstreamError) -> AIHubError:
        """Say that the connection ended in mid-stream, or took too long."""
        told = lost(error, self._settings)
        if isinstance(told, APITimeoutError):
            return APITimeoutError(told.message, phase=told.phase, request_id=self._head.request_id)
        return IncompleteStreamError(
            f"{told.message} The answer is not whole.",
            status=self._head.status,
            code=told.code,
            request_id=self._head.request_id,
        )

    def completion(self) -> ChatCompletion:
        """Return all that came as one answer."""
        return shape(ChatCompletion, self._fold.whole())

    def _chunk(self, event: SseEvent) -> ChatCompletionChunk:
        try:
            value = orjson.loads(event.data)
        except ValueError:
            why = "an event of its stream is not JSON"
            raise malformed(why, self._head, event.data) from None
        if isinstance(value, dict) and isinstance(value.get("error"), dict):
            raise self._failed(value)
        try:
            chunk = shape(ChatCompletionChunk, value)
        except WrongShape as error:
            why = f"an event of its stream is no chunk, {error}"
            raise malformed(why, self._head, event.data) from None
        self._fold.add(value)
        return chunk

    def _failed(self, value: Mapping[str, Json]) -> FailedStreamError:
        told = {name: one for name, one in value["error"].items() if isinstance(one, str)}
        return FailedStreamError(
            told.get("message") or "The stream told an error, and did not say which.",
            status=self._head.status,
            type=told.get("type"),
            code=told.get("code"),
            param=told.get("param"),
            request_id=self._head.request_id,
            body=value,
        )


def finish(reader: ChatReader | None) -> ChatCompletion:
    """Return the whole answer of a stream that has ended well.

    Raises:
        ConfigurationError: it has not.
    """
    if reader is None or not reader.is_whole:
        raise ConfigurationError("the stream has not come to its end.")
    return reader.completion()
