"""A conversation that wants to be made short: the work of `Hub.compact`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import attrs

from ..core.asks import Reservation
from ..core.attempts import Running
from ..core.routing import Place
from ..messages import Msg
from ..model.account import Identity
from ..model.catalogue import Model, PriceCard
from ..model.compaction import Compaction
from ..model.events import Compacted, Told
from ..model.usage import Count
from ..protocols import Compactor, ProviderCall, TokenCounter
from .work import ChatWork, Facts, Opened, Providers, wrong_model


@attrs.frozen
class CompactionWork:
    """A conversation that wants to be made short; it is counted and reserved for as a chat."""

    asked: ChatWork
    kind = "compaction"
    prefix = "cmp-"

    @property
    def model(self) -> str:
        """The model's name as asked."""
        return self.asked.model

    @property
    def user(self) -> str | None:
        """Who it is done for."""
        return self.asked.user

    def check(self) -> None:
        """See `core.asks.check_chat`."""
        self.asked.check()

    def able(self, place: Place, providers: Providers) -> None:
        """Refuse providers that compact nothing, and what they could not answer."""
        if place.deployment.provider not in providers.compactors:
            raise wrong_model(
                Msg(
                    "The model '{model}' is served where no conversation is compacted.",
                    model=place.model.id,
                )
            )
        self.asked.able(place, providers)

    async def count(self, tokens: TokenCounter, model: Model) -> Count:
        """Count the conversation."""
        return await self.asked.count(tokens, model)

    def reserve(
        self,
        identity: Identity,
        model: Model,
        cards: tuple[PriceCard, ...],
        *,
        prompt: int,
        estimate: int,
    ) -> Reservation:
        """Set aside the conversation, and an estimate of what it becomes."""
        return self.asked.reserve(identity, model, cards, prompt=prompt, estimate=estimate)

    def open(
        self, id: str, place: Place, prompt: Count, account: str, providers: Providers
    ) -> Opened:
        """Ask the provider."""
        where = place.deployment
        call = ProviderCall(id, self.asked.chat, place.model, where.upstream_model, prompt, account)
        return aclosing(_told(providers.compactors[where.provider], call))

    def is_whole(self, running: Running) -> bool:
        """Say whether it has come."""
        return isinstance(running.made, Compacted)

    def result(self, running: Running, facts: Facts) -> Compaction:
        """Return what stands for the conversation."""
        assert isinstance(running.made, Compacted)  # noqa: S101 - it is whole
        return Compaction(
            id=facts.id,
            created=facts.created,
            model=facts.model,
            served_model=facts.served_model,
            summary=running.made.summary,
            items=running.made.items,
            usage=facts.usage,
            cost=facts.cost,
        )


async def _told(provider: Compactor, call: ProviderCall) -> AsyncGenerator[Told, None]:
    yield await provider.compact(call)
