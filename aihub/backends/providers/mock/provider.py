"""The mock provider: a model that obeys the request, without a model.

It answers every model of the catalogue with text that depends on (seed, request) alone, cut where
`stop` and `max_tokens` say, chunked by the model's tokens, counted by a real tokenizer where one is
installed. What it does not do it refuses beforehand, by the name of the field.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import NoReturn

import anyio
import anyio.lowlevel
import attrs

from ....errors import InvalidRequest
from ....model.catalogue import Model
from ....model.chat import Chat, FinishReason, Message, OtherPart
from ....model.events import Event, Finished, Started, Text, UsageSeen
from ....model.usage import Count, Source, Usage
from ....protocols import ProviderCall
from ...tokens import CuttingCounter
from .text import write

LONGEST = 4096
"""Tokens that the mock ever writes for one choice; its texts end long before."""


@attrs.frozen
class Delays:
    """Seconds before the first token and between two."""

    first: float = 0.0
    between: float = 0.0


@attrs.define
class _Answer:
    text: str
    tokens: Count
    reason: FinishReason


class MockProvider:
    """Answer offline, at once, and the same each time.

    Args:
        tokens: who counts and cuts.
        seed: another seed, other texts.
        delays: how long to let the caller wait, for tests of patience.
    """

    def __init__(self, *, tokens: CuttingCounter, seed: int = 0, delays: Delays = Delays()) -> None:
        self._tokens = tokens
        self._seed = seed
        self._delays = delays

    def check(self, model: Model, chat: Chat) -> None:
        """Refuse what the mock does not do.

        Raises:
            InvalidRequest: with the field's name and the code `unsupported_parameter`.
        """
        for field in _REFUSED:
            if getattr(chat, field):
                _refuse(field)
        if chat.tool_choice not in (None, "none"):
            _refuse("tool_choice")
        if chat.response_format and chat.response_format != {"type": "text"}:
            _refuse("response_format")
        if chat.extra:
            for field in _REFUSED_EXTRAS:
                if chat.extra.get(field):
                    _refuse(field)
        for n, message in enumerate(chat.messages):
            if message.content.__class__ is tuple:
                _refuse_other_parts(n, message)

    def open(self, call: ProviderCall) -> aclosing[AsyncGenerator[Event, None]]:
        """Answer *call*; see `Provider`."""
        self.check(call.model, call.chat)
        return aclosing(self._events(call))

    async def _events(self, call: ProviderCall) -> AsyncGenerator[Event, None]:
        answers = [self._answer(call, index) for index in range(call.chat.n)]
        await self._wait(self._delays.first)
        yield Started(f"mock-{call.id}", call.upstream_model, f"fp_mock_{self._seed}")
        if call.chat.stream:
            async for event in self._pieces(call, answers):
                yield event
        else:
            for index, answer in enumerate(answers):
                yield Text(answer.text, index)
                yield Finished(answer.reason, index)
        yield UsageSeen(_usage(call, answers))

    def _answer(self, call: ProviderCall, index: int) -> _Answer:
        """Write a choice's text and cut it, first by `stop`, then by length."""
        model, chat = call.model, call.chat
        text = _stopped(write(self._seed, chat, index), chat.stop)
        tokens = self._tokens.count_text(model, text)
        most = _most(call)
        if tokens.tokens <= most:
            return _Answer(text, tokens, "stop")
        cut = self._tokens.cut(model.encoding, text, most)
        return _Answer(cut, self._tokens.count_text(model, cut), "length")

    async def _pieces(
        self, call: ProviderCall, answers: list[_Answer]
    ) -> AsyncGenerator[Event, None]:
        """Yield a token of each choice in turn, as providers do."""
        encoding = call.model.encoding
        open_ = [
            (index, iter(self._tokens.pieces(encoding, answer.text)))
            for index, answer in enumerate(answers)
        ]
        first = True
        while open_:
            if not first:
                await self._wait(self._delays.between)
            first = False
            for index, pieces in list(open_):
                piece = next(pieces, None)
                if piece is None:
                    open_.remove((index, pieces))
                    yield Finished(answers[index].reason, index)
                else:
                    yield Text(piece, index)

    @staticmethod
    async def _wait(seconds: float) -> None:
        if seconds:
            await anyio.sleep(seconds)
        else:
            # Streams of one loop take turns, and a cancelled caller is heard.
            await anyio.lowlevel.checkpoint()


_REFUSED = ("tools", "logprobs", "top_logprobs", "logit_bias")
# Fields of OpenAI's that change what is answered and have no place of their own in `Chat`.
_REFUSED_EXTRAS = ("functions", "function_call", "audio", "prediction", "web_search_options")


def _refuse(field: str) -> NoReturn:
    raise InvalidRequest(
        f"The mock provider does not support '{field}'.",
        param=field,
        code="unsupported_parameter",
    )


def _refuse_other_parts(n: int, message: Message) -> None:
    for m, part in enumerate(message.content or ()):
        if isinstance(part, OtherPart):
            raise InvalidRequest(
                f"The mock provider does not read parts of type '{part.type}'.",
                param=f"messages[{n}].content[{m}].type",
                code="unsupported_content",
            )


def _most(call: ProviderCall) -> int:
    model, chat = call.model, call.chat
    room = max(1, model.context_window - call.prompt.tokens)
    bounds = (chat.max_tokens, model.max_output, room, LONGEST)
    return min(bound for bound in bounds if bound is not None)


def _stopped(text: str, stops: tuple[str, ...]) -> str:
    """Cut *text* before the first stop string that would have been produced."""
    found = [at for at in (text.find(stop) for stop in stops if stop) if at >= 0]
    return text[: min(found)] if found else text


def _usage(call: ProviderCall, answers: list[_Answer]) -> Usage:
    sources = {call.prompt.source, *(answer.tokens.source for answer in answers)}
    source: Source = "estimated" if "estimated" in sources else "counted"
    return Usage(call.prompt.tokens, sum(answer.tokens.tokens for answer in answers), source=source)
