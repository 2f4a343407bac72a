"""Several chats of one request, answered as one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import attrs

from ..model.events import Completion, Event, Started, Unknown, UsageSeen
from ..model.ledger import WindowState
from ..model.units import Micros
from .flight import Stream


class Several:
    """Chats that were admitted together, answered one after another; their choices number on.

    Each is a request of its own in the ledger. What it tells is as of `Stream`.

    Args:
        streams: at least one.
        n: how many choices each has.
    """

    def __init__(self, streams: Sequence[Stream], n: int) -> None:
        self._streams = streams
        self._n = n

    async def __aiter__(self) -> AsyncIterator[Event]:
        for which, stream in enumerate(self._streams):
            async for event in stream:
                if isinstance(event, UsageSeen):
                    continue
                if isinstance(event, Started | Unknown):
                    # What a provider says of one answer does not hold for all.
                    continue
                yield attrs.evolve(event, index=event.index + which * self._n, raw=None)

    @property
    def _first(self) -> Stream:
        return self._streams[0]

    @property
    def id(self) -> str:
        """The first one's id."""
        return self._first.id

    @property
    def answer_id(self) -> str:
        """The id of the answer."""
        return self._first.answer_id

    @property
    def admitted(self) -> Micros:
        """When the first was admitted."""
        return self._first.admitted

    @property
    def model(self) -> str:
        """The model's name as asked."""
        return self._first.model

    @property
    def windows(self) -> tuple[WindowState, ...]:
        """The caller's windows as they stood when the last was admitted."""
        return self._streams[-1].windows

    @property
    def replayed(self) -> bool:
        """Whether all of them are answers to earlier requests."""
        return all(one.replayed for one in self._streams)

    @property
    def tried(self) -> tuple[tuple[str, str], ...]:
        """Each attempt so far, of all."""
        return tuple([attempt for one in self._streams for attempt in one.tried])

    @property
    def dropped(self) -> int:
        """How many turns of a session were left out: none, for there is no session."""
        return 0

    @property
    def prompt(self) -> int:
        """Tokens of all prompts as counted."""
        return sum([one.prompt for one in self._streams])

    async def finish(self) -> Completion:
        """Wait for all answers; see `Stream.finish`."""
        for one in self._streams:
            await one.finish()
        return self.completion

    @property
    def completion(self) -> Completion:
        """All answers as one: choices in order, usage and cost added up."""
        done = [one.completion for one in self._streams]
        usage = done[0].usage
        for one in done[1:]:
            usage = usage.plus(one.usage)
        choices = [
            attrs.evolve(choice, index=choice.index + which * self._n)
            for which, one in enumerate(done)
            for choice in one.choices
        ]
        return attrs.evolve(
            done[0],
            choices=tuple(choices),
            usage=usage,
            cost=sum([one.cost for one in done]),
            extra=None,
        )
