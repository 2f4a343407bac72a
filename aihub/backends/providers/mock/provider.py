"""The mock provider: a model that obeys the request, without a model.

It answers every model of the catalogue with text that depends on (seed, request) alone, cut where
`stop` and `max_tokens` say, chunked by the model's tokens, counted by a real tokenizer where one is
installed. What it does not do it refuses beforehand, by the name of the field.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    nullcontext,
)
from functools import partial
from itertools import pairwise
from typing import NoReturn, Self

import anyio.lowlevel
import attrs

from ....errors import InvalidRequest
from ....model.catalogue import Model
from ....model.chat import Chat, FinishReason, Message, OtherPart
from ....model.events import Event, Finished, Started, Text, UsageSeen
from ....model.usage import Usage
from ....protocols import ProviderCall
from ...tokens import CuttingCounter
from .latency import Latency, LoopWaiter, Pace, Pacer, Waiter
from .text import request_digest, write

LONGEST = 4096
"""Tokens that the mock ever writes for one choice; its texts end long before."""


TURN = 32
"""Tokens written without letting others run: some 100 us, and a caller who sends them waits more
often by itself."""


@attrs.define
class _Answer:
    pieces: list[str]
    tokens: int
    reason: FinishReason


class _Given:
    """Events that are there already, as an asynchronous iterator in a context of its own."""

    def __init__(self, events: list[Event], wait: Callable[[], Awaitable[None]]) -> None:
        self._events = iter(events)
        self._wait = wait

    async def __aenter__(self) -> Self:
        await self._wait()
        return self

    async def __aexit__(self, *raised: object) -> None:
        return

    def __aiter__(self) -> _Given:
        return self

    async def __anext__(self) -> Event:
        for event in self._events:
            return event
        raise StopAsyncIteration


class MockProvider:
    """Answer offline, at once, and the same each time.

    Args:
        tokens: who counts and cuts.
        seed: another seed, other texts.
        latency: how long to let callers wait; None is not at all.
        waiter: how they wait; None is in real time.
    """

    def __init__(
        self,
        *,
        tokens: CuttingCounter,
        seed: int = 0,
        latency: Latency | None = None,
        waiter: Waiter | None = None,
    ) -> None:
        self._tokens = tokens
        self._seed = seed
        self._pacer = Pacer(latency, waiter or LoopWaiter()) if latency else None
        self._fingerprint = f"fp_mock_{seed}"

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

    def open(self, call: ProviderCall) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Answer *call*; see `Provider`."""
        self.check(call.model, call.chat)
        answers = [self._answer(call, index) for index in range(call.chat.n)]
        started = Started(f"mock-{call.id}", call.upstream_model, self._fingerprint)
        usage = UsageSeen(_usage(call, answers))
        if call.chat.stream:
            return aclosing(self._stream(call, started, answers, usage))
        return _Given(
            [started, *_whole(answers), usage], partial(self._wait_for_all, call, answers)
        )

    def _answer(self, call: ProviderCall, index: int) -> _Answer:
        """Write a choice's text and cut it, first by `stop`, then by length."""
        model, chat, most = call.model, call.chat, _most(call)
        text = _stopped(write(self._seed, chat, index), chat.stop)
        if not chat.stream:
            tokens = self._tokens.count_text(model, text).tokens
            if tokens <= most:
                return _Answer([text], tokens, "stop")
        ends = self._tokens.ends(model.encoding, text)
        kept = [(at, used) for at, used in ends if used <= most]
        places = [0, *(at for at, _ in kept)]
        return _Answer(
            [text[start:end] for start, end in pairwise(places)],
            kept[-1][1] if kept else 0,
            "stop" if len(kept) == len(ends) else "length",
        )

    async def _stream(
        self, call: ProviderCall, started: Started, answers: list[_Answer], usage: UsageSeen
    ) -> AsyncGenerator[Event, None]:
        """Yield a token of each choice in turn, as providers do."""
        turns = max(len(answer.pieces) for answer in answers)
        tokens = max(answer.tokens for answer in answers)
        with self._paced(call) as pace:
            await _wait(pace, 0)
            yield started
            for turn in range(turns + 1):
                if turn and pace is not None:
                    # A piece may be several tokens: the end comes when all of them have.
                    await pace.wait(turn * tokens // turns)
                elif turn % TURN == 0 and turn:
                    # Streams of one loop take turns, and a cancelled caller is heard.
                    await anyio.lowlevel.checkpoint()
                for index, answer in enumerate(answers):
                    if turn < len(answer.pieces):
                        yield Text(answer.pieces[turn], index)
                    elif turn == len(answer.pieces):
                        yield Finished(answer.reason, index)
            yield usage

    async def _wait_for_all(self, call: ProviderCall, answers: list[_Answer]) -> None:
        """Wait as long as a stream of the same answers takes."""
        with self._paced(call) as pace:
            await _wait(pace, max(answer.tokens for answer in answers))

    def _paced(self, call: ProviderCall) -> AbstractContextManager[Pace | None]:
        if self._pacer is None:
            return nullcontext()
        return self._pacer.pace(request_digest(self._seed, call.chat, 0), call.prompt.tokens)


async def _wait(pace: Pace | None, tokens: int) -> None:
    if pace is None:
        await anyio.lowlevel.checkpoint_if_cancelled()
    else:
        await pace.wait(tokens)


def _whole(answers: list[_Answer]) -> Iterator[Event]:
    for index, answer in enumerate(answers):
        yield Text("".join(answer.pieces), index)
        yield Finished(answer.reason, index)


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
    return Usage(
        call.prompt.tokens, sum([answer.tokens for answer in answers]), source=call.prompt.source
    )
