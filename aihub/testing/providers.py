"""What every provider must do, on every event loop.

Subclass, give a provider, a call it can answer and a call it refuses::

    @pytest.mark.anyio
    class TestMyProvider(ProviderSuite):
        def provider(self):
            return MyProvider(transport)
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress

import anyio
import anyio.lowlevel
import attrs

from ..errors import InvalidRequest, UpstreamRefused
from ..model.catalogue import Model, PriceCard
from ..model.chat import Chat, Message
from ..model.events import Event, Finished, Text, Unknown, UsageSeen
from ..model.usage import Count
from ..protocols import Provider, ProviderCall

MODEL = Model(
    id="gpt-4-0613",
    owned_by="openai",
    created=1_686_588_896,
    context_window=8192,
    max_output=8192,
    prices=PriceCard(prompt=30_000_000, completion=60_000_000),
    encoding="cl100k_base",
    exact_tokens=True,
)
"""A model to make calls with."""


class ProviderSuite:
    """The contract of `Provider`, test by test."""

    def provider(self) -> Provider:
        """Return the provider; asked once per test."""
        raise NotImplementedError

    def call(self) -> ProviderCall:
        """Return a call that the provider answers with some text."""
        chat = Chat(model="gpt-4", messages=(Message("user", "Tell me a story"),))
        return ProviderCall("req_1", chat, MODEL, MODEL.id, Count(4, "counted"))

    def refused(self) -> ProviderCall:
        """Return a call that the provider refuses."""
        raise NotImplementedError

    async def test_text_comes_then_each_choice_finishes_once(self) -> None:
        """Every choice has content and exactly one end, and nothing of it follows that."""
        await self._check(self.call())

    async def test_streamed_and_whole_answers_can_both_be_had(self) -> None:
        """A call that asks to stream is answered by the same rules."""
        call = self.call()
        await self._check(attrs.evolve(call, chat=attrs.evolve(call.chat, stream=True)))

    async def test_two_opens_are_independent(self) -> None:
        """Leaving one answer early does not disturb another that is open beside it."""
        provider = self.provider()
        async with provider.open(self.call()) as first:
            async with provider.open(self.call()) as second:
                async for _ in second:
                    break
            events = [event async for event in first]

        _check_order(events, self.call().chat.n)

    async def test_leaving_early_leaks_nothing(self) -> None:
        """An abandoned answer is closed with its context; what is left open is found."""
        provider = self.provider()
        call = self.call()
        for one in (call, attrs.evolve(call, chat=attrs.evolve(call.chat, stream=True))):
            async with provider.open(one) as events:
                async for _ in events:
                    break
            if isinstance(events, AsyncGenerator):
                with suppress(StopAsyncIteration):
                    raise AssertionError(f"left open: {await anext(events)} came after leaving")
        assert await self._all(self.call(), provider)

    async def test_cancelling_at_any_point_leaves_the_provider_whole(self) -> None:
        """A cancelled answer ends as cancelled, and the next call is answered."""
        provider = self.provider()
        for turns in range(4):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._all, self.call(), provider)
                for _ in range(turns):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()
        with anyio.CancelScope() as scope:
            scope.cancel()
            await self._all(self.call(), provider)
            raise AssertionError("the provider answered a caller who had left")
        assert await self._all(self.call(), provider)

    async def test_a_refused_call_raises_before_the_first_event(self) -> None:
        """What cannot be done is said at once, by one of the two errors that say so."""
        seen: list[Event] = []
        try:
            async with self.provider().open(self.refused()) as events:
                async for event in events:
                    seen.append(event)  # noqa: PERF401 - what came before the error counts
            raise AssertionError("the provider answered a call that it refuses")
        except (InvalidRequest, UpstreamRefused):
            pass
        assert not seen, "the provider refused only after it had begun to answer"

    async def _check(self, call: ProviderCall) -> None:
        events = await self._all(call)
        assert any(isinstance(event, Text) and event.text for event in events)
        _check_order(events, call.chat.n)

    async def _all(self, call: ProviderCall, provider: Provider | None = None) -> list[Event]:
        async with (provider or self.provider()).open(call) as events:
            return [event async for event in events]


def _check_order(events: Sequence[Event], n: int) -> None:
    """Each of *n* choices ends once, nothing of it follows, and after the last come only counts."""
    ended: set[int] = set()
    for event in events:
        index = getattr(event, "index", None)
        assert index not in ended, f"{event} comes after the end of its choice"
        if isinstance(event, Finished):
            ended.add(event.index)
        elif len(ended) == n:
            assert isinstance(event, UsageSeen | Unknown), f"{event} comes after the last end"
    assert ended == set(range(n)), f"of {n} choices those ended: {sorted(ended)}"
