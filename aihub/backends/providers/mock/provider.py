"""The mock provider: a model that obeys the request, without a model.

It answers every model of the catalogue as a function of (seed, request) alone: text that is cut
where `stop` and `max_tokens` say, JSON by a schema, calls of tools; chunked by the model's tokens,
counted by a real tokenizer where one is installed. What the model could not do it refuses, as the
model's provider would.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    aclosing,
    nullcontext,
)
from functools import partial
from hashlib import blake2b
from types import TracebackType

import anyio.lowlevel

from ....errors import InvalidRequest
from ....messages import Msg
from ....model.catalogue import Model
from ....model.chat import Chat
from ....model.embedding import Vector
from ....model.events import (
    AtOnce,
    Compacted,
    Embedded,
    Event,
    Finished,
    Moderated,
    Started,
    UsageSeen,
)
from ....model.usage import Usage
from ....protocols import Clock, EmbeddingCall, ModerationCall, ProviderCall
from ...tokens import CuttingCounter, Vocabulary
from .bias import meaning
from .caching import PromptCache
from .compacting import compacted
from .facts import check, check_readable, check_room
from .judging import SOURCE, judge
from .latency import Latency, LoopWaiter, Pace, Pacer, Waiter
from .reply import Reply, Writer
from .text import request_digest
from .vectors import PLAIN, vector

TURN = 32
"""Tokens written without letting others run: some 100 us, and a caller who sends them waits more
often by itself."""


class _Given:
    """The context of an answer that is there already, once it has been waited for."""

    def __init__(self, events: list[Event], wait: Callable[[], Awaitable[None]]) -> None:
        self._events = events
        self._wait = wait

    async def __aenter__(self) -> AtOnce:
        await self._wait()
        return AtOnce(self._events)

    async def __aexit__(self, *raised: object) -> None:
        return


class _Several:
    """Several choices, written one after the other so that others have their turn between."""

    def __init__(
        self,
        writer: Writer,
        n: int,
        opened: Callable[[list[Reply]], AbstractAsyncContextManager[AsyncIterator[Event]]],
    ) -> None:
        self._writer = writer
        self._n = n
        self._open = opened

    async def __aenter__(self) -> AsyncIterator[Event]:
        replies = []
        for index in range(self._n):
            await anyio.lowlevel.checkpoint()
            replies.append(self._writer.reply(index))
        self._opened = self._open(replies)
        return await self._opened.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._opened.__aexit__(kind, error, traceback)


class MockProvider:
    """Answer offline, at once, and the same each time.

    Args:
        tokens: who counts and cuts.
        clock: by which beginnings of prompts are forgotten.
        seed: another seed, other texts.
        latency: how long to let callers wait; None is not at all.
        waiter: how they wait; None is in real time.
        lenient: whether to let be what the model could not do.
    """

    def __init__(
        self,
        *,
        tokens: CuttingCounter,
        clock: Clock,
        seed: int = 0,
        latency: Latency | None = None,
        waiter: Waiter | None = None,
        lenient: bool = False,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._seed = seed
        self._pacer = Pacer(latency, waiter or LoopWaiter()) if latency else None
        self._lenient = lenient
        self._cache = PromptCache()
        self._fingerprint = f"fp_mock_{seed}"
        # What was let pass last: a hub asks `check` first, and then opens the same chat.
        self._passed: tuple[Model, Chat] | None = None

    def check(self, model: Model, chat: Chat) -> None:
        """Refuse what *model* could not do, and schemas that no answer could keep to.

        Raises:
            InvalidRequest: with the field's name.
        """
        if self._lenient:
            check_readable(chat)
        else:
            check(model, chat)
        if chat.tools or chat.response_format is not None:
            # Compiling schemas is the larger half of the mock; a server starts without.
            from .schemas import check_schemas

            check_schemas(chat)
        if chat.logit_bias:
            meaning(chat.logit_bias, self._tokens, model.encoding)
        self._passed = (model, chat)

    def open(self, call: ProviderCall) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Answer *call*; see `Provider`.

        Raises:
            InvalidRequest: as `check`, or prompt and answer have no room.
        """
        # It is not kept: what somebody asked is nobody's to hold on to.
        passed, self._passed = self._passed, None
        if passed is None or passed[1] is not call.chat or passed[0] is not call.model:
            self.check(call.model, call.chat)
        if not self._lenient:
            check_room(call)
        writer = Writer(call, self._tokens, self._seed)
        if call.chat.n == 1:
            return self._opened(call, [writer.reply(0)])
        return _Several(writer, call.chat.n, partial(self._opened, call))

    async def embed(self, call: EmbeddingCall) -> Embedded:
        """Return vectors that are near where texts share words; see `Embedder`."""
        own = call.model.dimensions or PLAIN
        wanted = min(call.request.dimensions or own, own)
        vectors: list[Vector] = []
        for one in call.request.inputs:
            # Others have their turn between two texts.
            await anyio.lowlevel.checkpoint()
            text = one if isinstance(one, str) else self._text(call.model, one)
            vectors.append(vector(self._seed, text, own=own, wanted=wanted))
        await self._wait_for_first(repr(call.request), call.prompt.tokens)
        usage = Usage(call.prompt.tokens, 0, source=call.prompt.source)
        return Embedded(vectors=tuple(vectors), usage=usage, model=call.upstream_model)

    def _text(self, model: Model, tokens: tuple[int, ...]) -> str:
        """Spell tokens where there is somebody who can; else they are words of their own."""
        counter = self._tokens
        if not isinstance(counter, Vocabulary):
            return " ".join([str(one) for one in tokens])
        size = counter.size(model.encoding)
        if max(tokens) >= size:
            raise InvalidRequest(
                Msg("There is no token beyond {last}.", last=size - 1), param="input"
            )
        return b"".join(counter.spell(model.encoding, tokens)).decode("utf-8", "replace")

    async def moderate(self, call: ModerationCall) -> Moderated:
        """Judge by lists of words; see `Moderator`."""
        results = []
        for one in call.request.inputs:
            await anyio.lowlevel.checkpoint()
            results.append(judge(one))
        await self._wait_for_first(repr(call.request), call.prompt.tokens)
        usage = Usage(call.prompt.tokens, 0, source=call.prompt.source)
        return Moderated(
            results=tuple(results), usage=usage, model=call.upstream_model, source=SOURCE
        )

    async def compact(self, call: ProviderCall) -> Compacted:
        """Say that a conversation was left out; see `Compactor`."""
        await anyio.lowlevel.checkpoint()
        self.check(call.model, call.chat)
        summary = compacted(call.chat)
        await self._wait_for_first(summary, call.prompt.tokens)
        written = self._tokens.count_text(call.model, summary)
        usage = Usage(call.prompt.tokens, written.tokens, source=call.prompt.source)
        return Compacted(summary=summary, usage=usage, model=call.upstream_model)

    async def _wait_for_first(self, asked: str, prompt: int) -> None:
        """Wait as long as a chat of the same length waits for its first token."""
        if self._pacer is not None:
            digest = blake2b(f"{self._seed}:{asked}".encode()).digest()
            with self._pacer.pace(digest, prompt) as pace:
                await pace.wait(0)

    def _opened(
        self, call: ProviderCall, replies: list[Reply]
    ) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        started = Started(f"mock-{call.id}", call.upstream_model, self._fingerprint)
        usage = UsageSeen(self._usage(call, replies))
        if call.chat.stream:
            return aclosing(self._stream(call, started, replies, usage))
        wait: Callable[[], Awaitable[None]] = anyio.lowlevel.checkpoint_if_cancelled
        if self._pacer is not None:
            wait = partial(self._wait_for_all, call, replies)
        return _Given([started, *_whole(replies), usage], wait)

    def _usage(self, call: ProviderCall, replies: list[Reply]) -> Usage:
        prompt = call.prompt.tokens
        cached = 0
        if call.model.prices.cached is not None:
            cached = self._cache.read(call.account, call.chat, prompt, self._clock.now())
        usage = Usage(prompt, 0, cached=cached, source=call.prompt.source)
        for reply in replies:
            usage.completion += reply.tokens
            usage.reasoning += reply.reasoning
            usage.accepted += reply.accepted
            usage.rejected += reply.rejected
        return usage

    async def _stream(
        self, call: ProviderCall, started: Started, replies: list[Reply], usage: UsageSeen
    ) -> AsyncGenerator[Event, None]:
        """Yield a token of each choice in turn, as providers do."""
        turns = max(len(reply.events) for reply in replies)
        thought = max(reply.reasoning for reply in replies)
        said = max(reply.tokens for reply in replies) - thought
        with self._paced(call) as pace:
            await _wait(pace, 0)
            yield started
            for turn in range(turns + 1):
                if pace is not None:
                    # A piece may be several tokens: the end comes when all of them have.
                    await pace.wait(thought + turn * said // turns)
                elif turn % TURN == 0 and turn:
                    # Streams of one loop take turns, and a cancelled caller is heard.
                    await anyio.lowlevel.checkpoint()
                for index, reply in enumerate(replies):
                    if turn < len(reply.events):
                        yield reply.events[turn]
                    elif turn == len(reply.events):
                        yield Finished(reply.reason, index, stop=reply.stop)
            yield usage

    async def _wait_for_all(self, call: ProviderCall, replies: list[Reply]) -> None:
        """Wait as long as a stream of the same answers takes."""
        with self._paced(call) as pace:
            await _wait(pace, max(reply.tokens for reply in replies))

    def _paced(self, call: ProviderCall) -> AbstractContextManager[Pace | None]:
        if self._pacer is None:
            return nullcontext()
        return self._pacer.pace(request_digest(self._seed, call.chat, 0), call.prompt.tokens)


async def _wait(pace: Pace | None, tokens: int) -> None:
    if pace is None:
        await anyio.lowlevel.checkpoint_if_cancelled()
    else:
        await pace.wait(tokens)


def _whole(replies: list[Reply]) -> list[Event]:
    """Return everything at once, each choice before the next."""
    events: list[Event] = []
    for index, reply in enumerate(replies):
        events += reply.events
        events.append(Finished(reply.reason, index, stop=reply.stop))
    return events
