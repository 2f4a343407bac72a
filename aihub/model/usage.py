"""Token counts that say where they come from, and sums of them.

Counts are made several times a request and are frozen by convention alone: `attrs.frozen` would
make them three times as dear.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from .units import Micros, Pico

Source: TypeAlias = Literal["provider", "counted", "estimated"]
SOURCES: tuple[Source, ...] = ("provider", "counted", "estimated")
"""The most certain first."""
"""Who counted: the provider, our own tokenizer, or a rule of thumb."""


MAX_TOKENS = 40_000_000
"""Tokens that a prompt or answer may have: ten times the largest context window there is, and few
enough that the dearest price a catalogue may have fits a ledger's 64 bits."""


@attrs.define(hash=True)
class Usage:
    """Tokens of one answer, under one convention.

    `cached` and `cache_write` are inside `prompt`, `reasoning` is inside `completion`: each token
    is in exactly one place when it is priced. A dialect whose provider counts beside converts.
    Of a prediction that the request brought, `accepted` tokens are in the answer and `rejected`
    ones were thrown away; both are inside `completion`.
    """

    prompt: int
    completion: int
    cached: int = 0
    cache_write: int = 0
    reasoning: int = 0
    source: Source = "provider"
    accepted: int = 0
    rejected: int = 0

    @property
    def total(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion

    def plus(self, other: Usage) -> Usage:
        """Return both together; the source is that of the less certain."""
        return Usage(
            self.prompt + other.prompt,
            self.completion + other.completion,
            cached=self.cached + other.cached,
            cache_write=self.cache_write + other.cache_write,
            reasoning=self.reasoning + other.reasoning,
            source=max(self.source, other.source, key=SOURCES.index),
            accepted=self.accepted + other.accepted,
            rejected=self.rejected + other.rejected,
        )

    @property
    def is_sound(self) -> bool:
        """Whether these can be counts at all: no part negative or larger than its whole."""
        return (
            self.cached >= 0
            and self.cache_write >= 0
            and self.reasoning >= 0
            and self.cached + self.cache_write <= self.prompt <= MAX_TOKENS
            and min(self.accepted, self.rejected) >= 0
            and self.reasoning + self.accepted + self.rejected <= self.completion <= MAX_TOKENS
        )


@attrs.define(hash=True)
class Count:
    """A number of tokens and who counted them."""

    tokens: int
    source: Source


@attrs.frozen(kw_only=True)
class UsageSum:
    """What a group of settled requests used; `group` names it (see `UsageReport`)."""

    group: str
    requests: int
    prompt: int
    completion: int
    cost: Pico

    @property
    def tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt + self.completion


GroupBy: TypeAlias = Literal["day", "model", "served_model", "key"]
GROUPS: tuple[GroupBy, ...] = ("day", "model", "served_model", "key")


@attrs.frozen(kw_only=True)
class UsageReport:
    """Usage of one account between two whole UTC hours, half open, grouped one way."""

    account: str
    start: Micros
    end: Micros
    group_by: GroupBy
    groups: tuple[UsageSum, ...]

    @property
    def requests(self) -> int:
        """Admitted requests, whatever their end, once settled."""
        return sum(group.requests for group in self.groups)

    @property
    def tokens(self) -> int:
        """Tokens of all groups."""
        return sum(group.tokens for group in self.groups)

    @property
    def cost(self) -> Pico:
        """Cost of all groups in pico-dollars."""
        return sum(group.cost for group in self.groups)
