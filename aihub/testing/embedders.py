"""What every provider must do that embeds texts, judges content or compacts, on every event loop.

Subclass, and give a provider, a call that it can do and one that it refuses::

    @pytest.mark.anyio
    class TestMyEmbedder(EmbedderSuite):
        def embedder(self):
            return MyProvider(transport)
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import attrs

from ..errors import InvalidRequest, UpstreamRefused
from ..model.catalogue import Model, PriceCard
from ..model.chat import Chat, Message, TextPart
from ..model.embedding import EmbeddingRequest
from ..model.moderation import CATEGORIES, ModerationRequest
from ..model.usage import Count
from ..protocols import (
    Compactor,
    Embedder,
    EmbeddingCall,
    ModerationCall,
    Moderator,
    ProviderCall,
)
from .providers import MODEL

EMBEDDING_MODEL = Model(
    id="text-embedding-3-small",
    owned_by="openai",
    created=1_706_140_800,
    context_window=8192,
    max_output=None,
    prices=PriceCard(prompt=20_000, completion=0),
    encoding="cl100k_base",
    exact_tokens=True,
    outputs=frozenset({"embedding"}),
    features=frozenset({"dimensions"}),
    dimensions=1536,
)
"""A model to embed with."""

MODERATION_MODEL = attrs.evolve(
    EMBEDDING_MODEL,
    id="omni-moderation-latest",
    prices=PriceCard(prompt=0, completion=0),
    inputs=frozenset({"text", "image"}),
    outputs=frozenset({"moderation"}),
    features=frozenset(),
    dimensions=None,
)
"""A model to judge with."""


class EmbedderSuite:
    """The contract of `Embedder`, test by test."""

    def embedder(self) -> Embedder:
        """Return the provider; asked once per test."""
        raise NotImplementedError

    def call(self, *inputs: str) -> EmbeddingCall:
        """Return a call that the provider can do."""
        request = EmbeddingRequest(model=EMBEDDING_MODEL.id, inputs=inputs or ("One", "Two words"))
        model = EMBEDDING_MODEL
        return EmbeddingCall("req_1", request, model, model.id, Count(3, "counted"))

    def refused(self) -> EmbeddingCall:
        """Return a call that the provider refuses."""
        raise NotImplementedError

    async def test_each_text_has_its_vector(self) -> None:
        """As many as texts, all of one length, and none of them empty."""
        told = await self.embedder().embed(self.call())
        assert len(told.vectors) == len(self.call().request.inputs)
        assert len({len(one) for one in told.vectors}) == 1
        assert all(math.isfinite(number) for one in told.vectors for number in one)
        assert all(any(one) for one in told.vectors)

    async def test_one_text_is_embedded_alone_as_among_others(self) -> None:
        """A vector is of its text, whatever else is asked beside it."""
        embedder = self.embedder()
        together = await embedder.embed(self.call("One", "Two words"))
        alone = await embedder.embed(self.call("Two words"))
        assert list(alone.vectors[0]) == list(together.vectors[1])

    async def test_cancelling_at_any_point_leaves_the_embedder_whole(self) -> None:
        """A cancelled call ends as cancelled, and the next one is answered."""
        embedder = self.embedder()
        await _cancel_often(lambda: embedder.embed(self.call()))
        assert (await embedder.embed(self.call())).vectors

    async def test_a_refused_call_raises_one_of_the_two_errors_that_say_so(self) -> None:
        """Never another one, and never a vector."""
        try:
            await self.embedder().embed(self.refused())
            raise AssertionError("the provider embedded what it refuses")
        except (InvalidRequest, UpstreamRefused):
            pass


class CompactorSuite:
    """The contract of `Compactor`, test by test."""

    def compactor(self) -> Compactor:
        """Return the provider; asked once per test."""
        raise NotImplementedError

    def call(self) -> ProviderCall:
        """Return a call that the provider can do."""
        said = (Message("user", "Hi"), Message("assistant", "Hello"), Message("user", "Bye"))
        chat = Chat(model=MODEL.id, messages=said)
        return ProviderCall("req_1", chat, MODEL, MODEL.id, Count(9, "counted"))

    async def test_something_stands_for_a_conversation(self) -> None:
        """A text, which is never empty, or items of the provider's own, and not both."""
        told = await self.compactor().compact(self.call())
        assert bool(told.summary) != bool(told.items)

    async def test_cancelling_at_any_point_leaves_the_compactor_whole(self) -> None:
        """A cancelled call ends as cancelled, and the next one is answered."""
        compactor = self.compactor()
        await _cancel_often(lambda: compactor.compact(self.call()))
        told = await compactor.compact(self.call())
        assert told.summary or told.items


class ModeratorSuite:
    """The contract of `Moderator`, test by test."""

    def moderator(self) -> Moderator:
        """Return the provider; asked once per test."""
        raise NotImplementedError

    def call(self) -> ModerationCall:
        """Return a call that the provider can do."""
        inputs = ((TextPart("Good morning"),), (TextPart("Good night"),))
        request = ModerationRequest(model=MODERATION_MODEL.id, inputs=inputs)
        model = MODERATION_MODEL
        return ModerationCall("req_1", request, model, model.id, Count(4, "counted"))

    async def test_each_content_has_its_judgement(self) -> None:
        """Each tells of all categories; it is flagged if one of them is."""
        told = await self.moderator().moderate(self.call())
        assert len(told.results) == len(self.call().request.inputs)
        for one in told.results:
            assert set(one.categories) == set(one.scores) == set(one.types) == set(CATEGORIES)
            assert all(0 <= score <= 1 for score in one.scores.values())
            assert one.flagged == any(one.categories.values())

    async def test_cancelling_at_any_point_leaves_the_moderator_whole(self) -> None:
        """A cancelled call ends as cancelled, and the next one is answered."""
        moderator = self.moderator()
        await _cancel_often(lambda: moderator.moderate(self.call()))
        assert (await moderator.moderate(self.call())).results


async def _cancel_often(ask: Callable[[], Awaitable[object]]) -> None:
    for turns in range(6):
        async with anyio.create_task_group() as tasks:

            async def once() -> None:
                await ask()

            tasks.start_soon(once)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
