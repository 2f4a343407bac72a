"""One attempt while it runs: what has been received, and what that makes of its end.

An attempt is fed events and folds them. Where the provider tells its usage, that is what counts;
where it was cut or ended by us, what was received is counted and said to be estimated.
"""

from __future__ import annotations

from collections.abc import Callable

import attrs

from ..errors import InvalidRequest, UpstreamError, UpstreamRefused
from ..model.catalogue import Deployment, PriceCard
from ..model.chat import FinishReason, ReasoningPart, ToolCall
from ..model.events import (
    Choice,
    Compacted,
    Embedded,
    Finished,
    Moderated,
    Reasoning,
    Refusal,
    Started,
    Text,
    Told,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from ..model.ledger import Attempt, AttemptOutcome
from ..model.units import Json, Micros, Pico
from ..model.usage import Count, Usage
from .pricing import card_json, price


@attrs.define
class _Tool:
    id: str = ""
    name: str = ""
    type: str = "function"
    arguments: list[str] = attrs.field(factory=list)
    signature: str | None = None


@attrs.define
class _Choice:
    text: list[str] = attrs.field(factory=list)
    reasoning: list[str] = attrs.field(factory=list)
    tools: dict[int, _Tool] = attrs.field(factory=dict)
    logprobs: list[Json] = attrs.field(factory=list)
    reason: FinishReason | None = None
    native: str | None = None
    stop: str | None = None
    refusal: list[str] = attrs.field(factory=list)
    # What of the reasoning came before the last signature, and where in `reasoning` that was.
    thoughts: list[ReasoningPart] = attrs.field(factory=list)
    signed: int = 0
    extra: dict[str, Json] = attrs.field(factory=dict)


@attrs.define
class Running:
    """An attempt that has been dispatched."""

    n: int
    deployment: Deployment
    card: PriceCard
    prompt: Count
    started: Micros
    choices: dict[int, _Choice] = attrs.field(factory=dict)
    usage: Usage | None = None
    interim: bool = False
    provider_cost: Pico | None = None
    fingerprint: str | None = None
    answered_by: str | None = None
    dialect: str | None = None
    first_token: Micros | None = None
    extra: dict[str, Json] = attrs.field(factory=dict)
    made: Embedded | Moderated | Compacted | None = None
    """What came where no chat was asked for."""

    @property
    def has_content(self) -> bool:
        """Say whether anything of an answer has been received: after that no other may begin."""
        return bool(self.choices) or self.made is not None

    def see(self, event: Told, now: Callable[[], Micros]) -> None:
        """Fold one event into what has been received."""
        kind = type(event)
        if kind is Text:
            choice = self._choice(event.index, now)  # type: ignore[union-attr, arg-type]
            choice.text.append(event.text)  # type: ignore[union-attr]
            if event.logprobs is not None:  # type: ignore[union-attr]
                choice.logprobs.extend(event.logprobs)  # type: ignore[union-attr]
        elif kind is UsageSeen:
            # A count that cannot be is none: we then count ourselves.
            if event.usage.is_sound:  # type: ignore[union-attr]
                self.usage = event.usage  # type: ignore[union-attr]
                self.provider_cost = event.cost  # type: ignore[union-attr]
                self.interim = event.interim  # type: ignore[union-attr]
        elif kind is Finished:
            choice = self._choice(event.index, now)  # type: ignore[union-attr, arg-type]
            choice.reason = event.reason  # type: ignore[union-attr]
            choice.native = event.native  # type: ignore[union-attr]
            choice.stop = event.stop  # type: ignore[union-attr]
        elif kind is Started:
            self.fingerprint = event.fingerprint  # type: ignore[union-attr]
            self.answered_by = event.model  # type: ignore[union-attr]
            self.dialect = event.dialect  # type: ignore[union-attr]
        else:
            self._see_rarer(event, now)

    def _see_rarer(self, event: Told, now: Callable[[], Micros]) -> None:
        if isinstance(event, Reasoning):
            _reason(self._choice(event.index, now), event)
        elif isinstance(event, ToolDelta):
            tool = self._choice(event.index, now).tools.setdefault(event.position, _Tool())
            tool.id = event.id or tool.id
            tool.name = event.name or tool.name
            tool.type = event.type or tool.type
            tool.signature = event.signature or tool.signature
            tool.arguments.append(event.arguments)
        elif isinstance(event, Refusal):
            self._choice(event.index, now).refusal.append(event.text)
        elif isinstance(event, Embedded | Moderated | Compacted):
            self._make(event, now)
        else:
            assert isinstance(event, Unknown)  # noqa: S101 - nothing else is left
            # By itself it is no content: an attempt may still be followed by another.
            known = None if event.index is None else self.choices.get(event.index)
            (self.extra if known is None else known.extra).update(event.data)

    def _make(self, event: Embedded | Moderated | Compacted, now: Callable[[], Micros]) -> None:
        self.first_token = now()
        self.made = event
        self.answered_by = event.model or self.answered_by
        if event.usage is not None and event.usage.is_sound:
            self.usage = event.usage

    def _choice(self, index: int, now: Callable[[], Micros]) -> _Choice:
        choice = self.choices.get(index)
        if choice is None:
            if self.first_token is None:
                self.first_token = now()
            choice = self.choices[index] = _Choice()
        return choice

    def is_whole(self, n: int) -> bool:
        """Say whether each of *n* choices has ended."""
        ended = [choice for choice in self.choices.values() if choice.reason is not None]
        return len(ended) == n

    def received(self) -> str:
        """Return all output so far as one text, for counting."""
        parts: list[str] = []
        for choice in self.choices.values():
            parts += choice.text
            parts += choice.reasoning
            parts += choice.refusal
            for tool in choice.tools.values():
                parts += [tool.name, *tool.arguments]
        return "".join(parts)

    def answers(self) -> tuple[Choice, ...]:
        """Return the choices as they are, in order."""
        return tuple([_whole(index, choice) for index, choice in sorted(self.choices.items())])

    def ended(
        self, outcome: AttemptOutcome, usage: Usage | None, *, at: Micros, error: str | None
    ) -> Attempt:
        """Say what came of the attempt and price it."""
        return Attempt(
            n=self.n,
            deployment=self.deployment.id,
            upstream_model=self.answered_by or self.deployment.upstream_model,
            region=self.deployment.region,
            outcome=outcome,
            usage=usage,
            card=card_json(self.card),
            cost=0 if usage is None else price(usage, self.card),
            started=self.started,
            ended=at,
            first_token=self.first_token,
            provider_cost=self.provider_cost,
            error=error,
        )


def _reason(choice: _Choice, event: Reasoning) -> None:
    if event.text:
        choice.reasoning.append(event.text)
    if event.redacted is not None:
        choice.thoughts.append(ReasoningPart("", redacted=event.redacted))
    elif event.signature is not None:
        text = "".join(choice.reasoning[choice.signed :])
        choice.signed = len(choice.reasoning)
        choice.thoughts.append(ReasoningPart(text, event.signature))


def _whole(index: int, choice: _Choice) -> Choice:
    # Most answers are text alone.
    tools = _calls(choice.tools) if choice.tools else ()
    return Choice(
        index=index,
        text="".join(choice.text) if choice.text or not (tools or choice.refusal) else None,
        finish_reason=choice.reason or "stop",
        reasoning="".join(choice.reasoning) or None,
        tool_calls=tools,
        logprobs=choice.logprobs or None,
        refusal="".join(choice.refusal) or None,
        thoughts=tuple(choice.thoughts),
        native=choice.native,
        stop=choice.stop,
        extra=choice.extra or None,
    )


def _calls(tools: dict[int, _Tool]) -> tuple[ToolCall, ...]:
    return tuple(
        [
            ToolCall(tool.id, tool.name, "".join(tool.arguments), tool.type, tool.signature)
            for _, tool in sorted(tools.items())
        ]
    )


def failed_outcome(error: UpstreamError | InvalidRequest, *, has_content: bool) -> AttemptOutcome:
    """Name the end of an attempt that its provider ended."""
    if has_content:
        return "cut"
    refused = isinstance(error, UpstreamRefused | InvalidRequest)
    return "refused" if refused else "failed"


def is_billed(error: UpstreamError | InvalidRequest, *, has_content: bool) -> bool:
    """Say whether a provider may bill an attempt that ended so."""
    return has_content or (isinstance(error, UpstreamError) and error.billed)
