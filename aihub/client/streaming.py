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
from .reading import WrongShape, shape
from .settings import ClientSettings
from .talk import MAX_ANSWER, Head, lost, malformed
from .values import ChatCompletion, ChatCompletionChunk

_END = b"[DONE]"
_JOINED = ("content", "refusal", "reasoning_content")
_CALLED = ("function", "custom")
_WRITTEN = ("arguments", "input")


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


class Fold:
    """Put chunks together again, as JSON; what is not known here is kept as it came last."""

    def __init__(self) -> None:
        self._top: dict[str, Json] = {}
        self._choices: dict[int, dict[str, Json]] = {}

    def add(self, chunk: Mapping[str, Json]) -> None:
        """Take the next chunk."""
        for name, value in chunk.items():
            if name != "choices" and value is not None:
                self._top[name] = value
        for one in chunk["choices"]:
            self._add_choice(one)

    def whole(self) -> dict[str, Json]:
        """Return the answer."""
        choices = [self._choices[index] for index in sorted(self._choices)]
        return {**self._top, "object": "chat.completion", "choices": choices}

    def _add_choice(self, one: Mapping[str, Json]) -> None:
        index = one.get("index") or 0
        empty = {"role": "assistant", "content": None}
        choice = self._choices.setdefault(
            index, {"index": index, "message": empty, "finish_reason": None}
        )
        for name, value in one.items():
            if name == "logprobs" and value is not None:
                _add_logprobs(choice, value)
            elif name not in {"delta", "logprobs"} and value is not None:
                choice[name] = value
        for name, value in (one.get("delta") or {}).items():
            if value is not None:
                _add_field(choice["message"], name, value)


def _add_field(message: dict[str, Json], name: str, value: Json) -> None:
    if name in _JOINED:
        message[name] = (message.get(name) or "") + value
    elif name == "tool_calls":
        for call in value:
            _add_call(message.setdefault(name, []), call)
    elif name == "function_call":
        _add_pieces(message.setdefault(name, {}), value)
    elif isinstance(value, list):
        message[name] = [*message.get(name, []), *value]
    else:
        message[name] = value


def _add_call(calls: list[Json], piece: Mapping[str, Json]) -> None:
    """Add a piece to the call that it is of: the one with its index."""
    index = piece.get("index") or 0
    call = next((one for one in calls if one["index"] == index), None)
    if call is None:
        call = {"index": index}
        calls.append(call)
    for name, value in piece.items():
        if name in _CALLED and isinstance(value, dict):
            _add_pieces(call.setdefault(name, {}), value)
        elif value is not None:
            call[name] = value


def _add_pieces(called: dict[str, Json], piece: Mapping[str, Json]) -> None:
    """Add to a call's text, be it arguments or free; its name comes whole."""
    for name, value in piece.items():
        if name in _WRITTEN and value is not None:
            called[name] = called.get(name, "") + value
        elif value is not None:
            called[name] = value


def _add_logprobs(choice: dict[str, Json], piece: Mapping[str, Json]) -> None:
    kept = choice.setdefault("logprobs", {})
    for name, value in piece.items():
        if isinstance(value, list):
            kept[name] = [*(kept.get(name) or []), *value]
        else:
            kept.setdefault(name, value)
