"""The pieces that an answer came in: measured as they come, so that it can be told in them again.

Theory of operation. What is kept of an answer is whole; of its pieces only their kinds and lengths
are noted. Cut by those, the same answer makes the same events, and a stream of them has the same
numbers. What was not measured is told after that, each part of the answer in one piece.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, count
from typing import TypeAlias

from ..model.chat import ReasoningPart
from ..model.events import Choice, Event, Finished, Reasoning, Refusal, Text, ToolDelta
from ..model.units import Json

Piece: TypeAlias = list[Json]
"""A kind, and how much of it came: JSON, for it is kept beside the answer."""

TEXT, REFUSAL, CALL = "text", "refusal", "call"
THOUGHT, SIGNED, HIDDEN = "thought", "signed", "hidden"


def measure(event: object) -> Piece | None:
    """Return how much an event brings of an answer; None where it brings nothing of it."""
    match event:
        case Text() if event.text or event.logprobs:
            return [TEXT, len(event.text), len(event.logprobs or ())]
        case Refusal() if event.text:
            return [REFUSAL, len(event.text)]
        case Reasoning(redacted=str()):
            return [HIDDEN, len(event.text)]
        case Reasoning(signature=str()):
            return [SIGNED, len(event.text)]
        case Reasoning() if event.text:
            return [THOUGHT, len(event.text)]
        case ToolDelta():
            return [CALL, len(event.arguments), event.position]
    return None


def retell(choice: Choice, pieces: Sequence[Sequence[Json]] = ()) -> Iterator[Event]:
    """Say a whole answer again as events, in the pieces that were measured of it."""
    left = _Left(choice, sorted({one[2] for one in pieces if one[0] == CALL}))
    for piece in pieces:
        yield left.take(*piece)
    yield from left.rest()
    yield Finished(choice.finish_reason, native=choice.native, stop=choice.stop)


class _Left:
    """What of an answer has yet to be told."""

    def __init__(self, choice: Choice, positions: Sequence[int]) -> None:
        self._text = choice.text or ""
        self._logprobs = list(choice.logprobs or ())
        self._refusal = choice.refusal or ""
        self._reasoning = choice.reasoning or ""
        self._thoughts = list(_ends(choice))
        # Calls are kept in the order of their positions; those that were not measured came last.
        following = count(positions[-1] + 1 if positions else 0)
        self._calls = dict(zip(chain(positions, following), choice.tool_calls, strict=False))
        self._said: dict[int, int] = {}

    def take(self, kind: str, length: int, more: int = 0) -> Event:
        """Take the next piece of a kind."""
        if kind == TEXT:
            likely, self._logprobs = self._logprobs[:more], self._logprobs[more:]
            said, self._text = _cut(self._text, length)
            return Text(said, logprobs=likely or None)
        if kind == REFUSAL:
            said, self._refusal = _cut(self._refusal, length)
            return Refusal(said)
        if kind == CALL:
            return self._call(more, length)
        return self._think(kind, length)

    def _think(self, kind: str, length: int) -> Reasoning:
        said, self._reasoning = _cut(self._reasoning, length)
        if kind == THOUGHT:
            return Reasoning(said)
        ended, _ = self._thoughts.pop(0)
        return Reasoning(said, signature=ended.signature, redacted=ended.redacted)

    def _call(self, position: int, length: int) -> ToolDelta:
        call = self._calls[position]
        begun = self._said.get(position)
        start = begun or 0
        self._said[position] = start + length
        said = call.arguments[start : start + length]
        if begun is not None:
            return ToolDelta(position, arguments=said, signature=call.signature)
        return ToolDelta(
            position, call.id, call.name, said, type=call.type, signature=call.signature
        )

    def rest(self) -> Iterator[Event]:
        """Tell what is left: each part that has not been told, or not to its end."""
        yield from self._reasoned()
        if self._text or self._logprobs:
            yield Text(self._text, logprobs=self._logprobs or None)
        if self._refusal:
            yield Refusal(self._refusal)
        for position, call in self._calls.items():
            left = len(call.arguments) - self._said.get(position, 0)
            if left or position not in self._said:
                yield self._call(position, left)

    def _reasoned(self) -> Iterator[Reasoning]:
        for one, after in tuple(self._thoughts):
            length = max(0, len(self._reasoning) - after)
            yield self._think(HIDDEN if one.redacted else SIGNED, length)
        if self._reasoning:
            yield Reasoning(self._reasoning)


def _ends(choice: Choice) -> Iterator[tuple[ReasoningPart, int]]:
    """Pair the signed and hidden pieces of reasoning with how much of it comes after them."""
    after = len(choice.reasoning or "")
    for one in choice.thoughts:
        after -= len(one.text)
        yield one, after


def _cut(text: str, at: int) -> tuple[str, str]:
    return text[:at], text[at:]
