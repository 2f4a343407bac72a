"""What a request wants done: a chat answered, texts embedded, content judged.

Theory of operation. An exchange admits, tries, retries and settles in the same way whatever is
wanted. What is particular stands here: how it is checked, counted, and priced beforehand, which
providers can do it, how one is asked, when the answer is whole, and what it is. All answers come as
events; those that no stream can bring come as one.

Longer than our files are meant to be: kinds of work side by side, each the same few methods.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Protocol, TypeAlias

import attrs
from anyio import to_thread

from ..core import asks
from ..core.asks import Reservation
from ..core.attempts import Running
from ..core.routing import Place
from ..errors import ContextLengthExceeded, InvalidRequest
from ..messages import Msg
from ..model.account import Identity
from ..model.catalogue import Model, PriceCard
from ..model.chat import Chat, TextPart
from ..model.compaction import Compaction
from ..model.embedding import MAX_INPUTS, MAX_NUMBERS, EmbeddingRequest, Embeddings
from ..model.events import Completion, Embedded, Moderated, Told
from ..model.moderation import MAX_JUDGED, Moderation, ModerationRequest
from ..model.units import Micros, Pico
from ..model.usage import Count, Source, Usage
from ..protocols import (
    Compactor,
    Embedder,
    EmbeddingCall,
    ModerationCall,
    Moderator,
    Provider,
    ProviderCall,
    RequestChecker,
    Speller,
    TokenCounter,
)
from .counting import LONG_TEXT, count_prompt, make_ready

Opened: TypeAlias = AbstractAsyncContextManager[AsyncIterator[Told]]
Result: TypeAlias = Completion | Embeddings | Moderation | Compaction

OTHER_OUTPUTS = frozenset({"embedding", "moderation"})
"""What a model gives that answers no chats."""


@attrs.define
class Providers:
    """Who is given, and who of them can do what."""

    all: Mapping[str, Provider]
    checkers: Mapping[str, RequestChecker] = attrs.field(init=False)
    embedders: Mapping[str, Embedder] = attrs.field(init=False)
    moderators: Mapping[str, Moderator] = attrs.field(init=False)
    compactors: Mapping[str, Compactor] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # Looked up once: to ask a protocol is dear.
        given = self.all.items()
        self.checkers = {name: one for name, one in given if isinstance(one, RequestChecker)}
        self.embedders = {name: one for name, one in given if isinstance(one, Embedder)}
        self.moderators = {name: one for name, one in given if isinstance(one, Moderator)}
        self.compactors = {name: one for name, one in given if isinstance(one, Compactor)}


@attrs.define(kw_only=True)
class Facts:
    """What is known of an answer apart from what was wanted."""

    id: str
    created: Micros
    model: str
    served_model: str
    usage: Usage
    cost: Pico
    dropped: int = 0
    ended: Micros = 0


class Work(Protocol):
    """Protocol: what a request wants done."""

    kind: str
    prefix: str
    """What the answer's id begins with."""

    @property
    def model(self) -> str:
        """The model's name as asked."""
        ...

    @property
    def user(self) -> str | None:
        """Who it is done for, where the request says so."""
        ...

    def check(self) -> None:
        """Refuse numbers that would make nonsense of a reservation; raises `InvalidRequest`."""
        ...

    def able(self, place: Place, providers: Providers) -> None:
        """Refuse a place that cannot do it; raises `InvalidRequest`."""
        ...

    def count(self, tokens: TokenCounter, model: Model) -> Awaitable[Count]:
        """Count what is sent; what is long, in a worker thread."""
        ...

    def reserve(
        self,
        identity: Identity,
        model: Model,
        cards: tuple[PriceCard, ...],
        *,
        prompt: int,
        estimate: int,
    ) -> Reservation:
        """Say what is set aside (see `core.asks.reserve`)."""
        ...

    def open(
        self, id: str, place: Place, prompt: Count, account: str, providers: Providers
    ) -> Opened:
        """Ask the provider at a place, in an account's name."""
        ...

    def is_whole(self, running: Running) -> bool:
        """Say whether all that was wanted has come."""
        ...

    def result(self, running: Running, facts: Facts) -> Result:
        """Return the answer of an attempt that is whole."""
        ...


class ChatWork:
    """A chat that wants an answer."""

    __slots__ = ("chat", "model", "user")
    kind = "chat"
    prefix = "chatcmpl-"

    def __init__(self, chat: Chat) -> None:
        # Asked for several times on the way of every chat.
        self.chat = chat
        self.model = chat.model
        self.user = chat.user

    def __repr__(self) -> str:
        return f"ChatWork({self.chat!r})"

    def check(self) -> None:
        """See `core.asks.check_chat`."""
        asks.check_chat(self.chat)

    def able(self, place: Place, providers: Providers) -> None:
        """Refuse models of another kind, and what the provider says that it cannot do."""
        if not place.model.outputs.isdisjoint(OTHER_OUTPUTS):
            raise wrong_model(Msg("The model '{model}' answers no chats.", model=place.model.id))
        checker = providers.checkers.get(place.deployment.provider)
        if checker is not None:
            checker.check(place.model, self.chat)

    def count(self, tokens: TokenCounter, model: Model) -> Awaitable[Count]:
        """Count the conversation as *model* would be charged for it."""
        return count_prompt(tokens, model, self.chat)

    def reserve(
        self,
        identity: Identity,
        model: Model,
        cards: tuple[PriceCard, ...],
        *,
        prompt: int,
        estimate: int,
    ) -> Reservation:
        """Set aside the prompt, and an estimate of each answer."""
        return asks.reserve(self.chat, identity, model, cards, prompt=prompt, estimate=estimate)

    def open(
        self, id: str, place: Place, prompt: Count, account: str, providers: Providers
    ) -> Opened:
        """Open the provider's answer."""
        where = place.deployment
        return providers.all[where.provider].open(
            ProviderCall(
                id,
                self.chat,
                place.model,
                where.upstream_model,
                prompt,
                account,
            )
        )

    def is_whole(self, running: Running) -> bool:
        """Say whether each choice has its end."""
        return running.is_whole(self.chat.n)

    def result(self, running: Running, facts: Facts) -> Completion:
        """Return the completion."""
        return Completion(
            id=facts.id,
            created=facts.created,
            model=facts.model,
            served_model=facts.served_model,
            choices=running.answers(),
            usage=facts.usage,
            cost=facts.cost,
            fingerprint=running.fingerprint,
            extra=running.extra or None,
            dialect=running.dialect,
            dropped=facts.dropped,
            ended=facts.ended,
        )


@attrs.define(eq=False)
class EmbeddingWork:
    """Texts that want vectors."""

    request: EmbeddingRequest
    kind = "embedding"
    prefix = "embd-"

    @property
    def model(self) -> str:
        """The model's name as asked."""
        return self.request.model

    @property
    def user(self) -> str | None:
        """Who it is done for."""
        return self.request.user

    def check(self) -> None:
        """Refuse too many inputs, or empty ones."""
        inputs = self.request.inputs
        if not 1 <= len(inputs) <= MAX_INPUTS:
            raise InvalidRequest(
                Msg("There must be 1 to {most} inputs.", most=MAX_INPUTS), param="input"
            )
        for n, one in enumerate(inputs):
            if not one:
                where = "input" if len(inputs) == 1 else f"input[{n}]"
                raise InvalidRequest(Msg("'{where}' must not be empty.", where=where), param=where)
            if isinstance(one, str):
                asks.check_text(one, "input")
        wanted = self.request.dimensions
        if wanted is not None and (type(wanted) is not int or wanted < 1):
            raise InvalidRequest(
                Msg("'dimensions' must be a whole number, at least 1."), param=_DIMS
            )

    def able(self, place: Place, providers: Providers) -> None:
        """Refuse models that make no vectors, or none so long, and providers that make none."""
        model, request = place.model, self.request
        if "embedding" not in model.outputs:
            raise wrong_model(Msg("The model '{model}' makes no embeddings.", model=model.id))
        if place.deployment.provider not in providers.embedders:
            raise wrong_model(
                Msg("The model '{model}' is served where no embeddings are made.", model=model.id)
            )
        own, wanted = model.dimensions, request.dimensions
        if wanted is not None and own is not None and wanted != own:
            if "dimensions" not in model.features:
                raise InvalidRequest(
                    Msg("The vectors of '{model}' cannot be shortened.", model=model.id),
                    param=_DIMS,
                    code="unsupported_parameter",
                )
            if wanted > own:
                raise InvalidRequest(
                    Msg(
                        "The vectors of '{model}' have {own} dimensions at most.",
                        model=model.id,
                        own=own,
                    ),
                    param=_DIMS,
                )
        if (wanted or own or 0) * len(request.inputs) > MAX_NUMBERS:
            raise InvalidRequest(
                Msg(
                    "The vectors would have more than {most} numbers: send fewer at a time.",
                    most=MAX_NUMBERS,
                ),
                param="input",
            )

    async def count(self, tokens: TokenCounter, model: Model) -> Count:
        """Count each input; each must fit the model by itself.

        Raises:
            ContextLengthExceeded: one does not.
        """
        await make_ready(tokens, model)
        size = sum([len(one) for one in self.request.inputs])
        if size <= LONG_TEXT:
            return self._counted(tokens, model)
        return await to_thread.run_sync(self._counted, tokens, model)

    def _counted(self, tokens: TokenCounter, model: Model) -> Count:
        total, source = 0, _COUNTED
        for n, one in enumerate(self.request.inputs):
            if isinstance(one, str):
                count = tokens.count_text(model, one)
                size = count.tokens
                source = source if count.source == _COUNTED else count.source
            else:
                size = len(one)
                if isinstance(tokens, Speller) and max(one) >= tokens.size(model.encoding):
                    raise InvalidRequest(Msg("There is no such token."), param=f"input[{n}]")
            if size > model.context_window:
                raise ContextLengthExceeded(size, model.context_window)
            total += size
        return Count(total, source)

    def reserve(
        self,
        identity: Identity,
        model: Model,
        cards: tuple[PriceCard, ...],
        *,
        prompt: int,
        estimate: int,
    ) -> Reservation:
        """Set aside what is sent: nothing else is charged."""
        return asks.reserve_prompt(identity, cards, prompt=prompt)

    def open(
        self, id: str, place: Place, prompt: Count, account: str, providers: Providers
    ) -> Opened:
        """Ask the provider for vectors."""
        where = place.deployment
        call = EmbeddingCall(
            id,
            self.request,
            place.model,
            where.upstream_model,
            prompt,
            account,
        )
        return aclosing(_told(lambda: providers.embedders[where.provider].embed(call)))

    def is_whole(self, running: Running) -> bool:
        """Say whether each input has its vector."""
        made = running.made
        return isinstance(made, Embedded) and len(made.vectors) == len(self.request.inputs)

    def result(self, running: Running, facts: Facts) -> Embeddings:
        """Return the vectors."""
        assert isinstance(running.made, Embedded)  # noqa: S101 - it is whole
        return Embeddings(
            id=facts.id,
            created=facts.created,
            model=facts.model,
            served_model=facts.served_model,
            vectors=running.made.vectors,
            usage=facts.usage,
            cost=facts.cost,
        )


@attrs.define(eq=False)
class ModerationWork:
    """Content that wants to be judged."""

    request: ModerationRequest
    kind = "moderation"
    prefix = "modr-"

    @property
    def model(self) -> str:
        """The model's name as asked."""
        return self.request.model

    @property
    def user(self) -> str | None:
        """Who it is done for."""
        return self.request.user

    def check(self) -> None:
        """Refuse too much content, or none."""
        if not 1 <= len(self.request.inputs) <= MAX_JUDGED:
            raise InvalidRequest(
                Msg("There must be 1 to {most} inputs.", most=MAX_JUDGED), param="input"
            )

    def able(self, place: Place, providers: Providers) -> None:
        """Refuse models and providers that judge nothing, and pictures where only text is seen."""
        model = place.model
        if "moderation" not in model.outputs:
            raise wrong_model(Msg("The model '{model}' judges no content.", model=model.id))
        if place.deployment.provider not in providers.moderators:
            raise wrong_model(
                Msg("The model '{model}' is served where no content is judged.", model=model.id)
            )
        if "image" not in model.inputs:
            for n, content in enumerate(self.request.inputs):
                if not all(isinstance(part, TextPart) for part in content):
                    raise InvalidRequest(
                        Msg("The model '{model}' looks at text alone.", model=model.id),
                        param=f"input[{n}]",
                        code="unsupported_value",
                    )

    async def count(self, tokens: TokenCounter, model: Model) -> Count:
        """Count the texts."""
        await make_ready(tokens, model)
        text = "\n".join(
            [
                part.text
                for content in self.request.inputs
                for part in content
                if isinstance(part, TextPart)
            ]
        )
        if len(text) <= LONG_TEXT:
            return tokens.count_text(model, text)
        return await to_thread.run_sync(tokens.count_text, model, text)

    def reserve(
        self,
        identity: Identity,
        model: Model,
        cards: tuple[PriceCard, ...],
        *,
        prompt: int,
        estimate: int,
    ) -> Reservation:
        """Set aside what is sent: nothing else is charged."""
        return asks.reserve_prompt(identity, cards, prompt=prompt)

    def open(
        self, id: str, place: Place, prompt: Count, account: str, providers: Providers
    ) -> Opened:
        """Ask the provider for judgements."""
        where = place.deployment
        call = ModerationCall(
            id,
            self.request,
            place.model,
            where.upstream_model,
            prompt,
            account,
        )
        return aclosing(_told(lambda: providers.moderators[where.provider].moderate(call)))

    def is_whole(self, running: Running) -> bool:
        """Say whether each input has its judgement."""
        made = running.made
        return isinstance(made, Moderated) and len(made.results) == len(self.request.inputs)

    def result(self, running: Running, facts: Facts) -> Moderation:
        """Return the judgements."""
        assert isinstance(running.made, Moderated)  # noqa: S101 - it is whole
        return Moderation(
            id=facts.id,
            created=facts.created,
            model=facts.model,
            served_model=facts.served_model,
            results=running.made.results,
            usage=facts.usage,
            cost=facts.cost,
            source=running.made.source,
        )


_DIMS = "dimensions"
_COUNTED: Source = "counted"


def wrong_model(why: Msg) -> InvalidRequest:
    """Return that a model cannot do what is wanted."""
    return InvalidRequest(why, param="model", code="unsupported_value")


async def _told(ask: Callable[[], Awaitable[Embedded | Moderated]]) -> AsyncGenerator[Told, None]:
    """Give what comes at once as a stream of one event."""
    yield await ask()
