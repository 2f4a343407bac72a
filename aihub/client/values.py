"""What a server answers, as values with attributes.

A field that an answer left out is None, or empty. Fields that are not known here are kept:
`extra` has them, and `to_dict()` is the whole answer as it came.
"""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import attrs

from ..model.units import Json

T = TypeVar("T")


SHOWN = 40
"""Characters of a text that a `repr` shows: enough to tell one answer from another."""


def _show(value: object) -> str:
    if isinstance(value, list | dict):
        return f"<{len(value)}>"
    if isinstance(value, str) and len(value) > SHOWN:
        return f"{value[:SHOWN]!r}..."
    return f"<{type(value).__name__}>" if isinstance(value, Answer) else repr(value)


@attrs.define(repr=False)
class Answer:
    """An answer of a server, or an object in one."""

    _raw: dict[str, Json] = attrs.field(factory=dict, init=False, eq=False)

    @property
    def extra(self) -> dict[str, Json]:
        """The fields that came and are not known here."""
        known = attrs.fields_dict(type(self))
        return {name: value for name, value in self._raw.items() if name not in known}

    def to_dict(self) -> dict[str, Json]:
        """Return the JSON as it came; it may be changed."""
        return copy.deepcopy(self._raw)

    def __repr__(self) -> str:
        """Show what is there and short; never a secret."""
        shown = [
            f"{field.name}={_show(value)}"
            for field in attrs.fields(type(self))
            if field.repr
            and field.name != "_raw"
            and (value := getattr(self, field.name)) not in (None, "", [], {})
        ]
        return f"{type(self).__name__}({', '.join(shown)})"


# Chats


@attrs.define(repr=False, kw_only=True)
class FunctionCall(Answer):
    """A function that the model calls; `arguments` is JSON as text, as the model wrote it."""

    name: str | None = None
    arguments: str | None = None


@attrs.define(repr=False, kw_only=True)
class CustomCall(Answer):
    """A custom tool that the model calls with free text."""

    name: str | None = None
    input: str | None = None


@attrs.define(repr=False, kw_only=True)
class ToolCall(Answer):
    """A call of a tool, or in a stream a piece of the one with this `index`."""

    id: str | None = None
    type: str | None = None
    index: int | None = None
    function: FunctionCall | None = None
    custom: CustomCall | None = None


@attrs.define(repr=False, kw_only=True)
class Message(Answer):
    """What the model said, or in a stream a piece of it."""

    role: str | None = None
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: FunctionCall | None = None


@attrs.define(repr=False, kw_only=True)
class TokenDetails(Answer):
    """Of what kinds the tokens were."""

    cached_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


@attrs.define(repr=False, kw_only=True)
class CompletionUsage(Answer):
    """What an answer took; `cost` in USD, `source` says who counted."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    cost: float | None = None
    source: str | None = None
    prompt_tokens_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None


@attrs.define(repr=False, kw_only=True)
class Choice(Answer):
    """One of the answers that were asked for."""

    message: Message
    index: int = 0
    finish_reason: str | None = None
    logprobs: Json = None


@attrs.define(repr=False, kw_only=True)
class ChatCompletion(Answer):
    """An answer to a chat."""

    choices: list[Choice]
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None

    @property
    def text(self) -> str:
        """The first choice's text, empty where it has none."""
        return (self.choices[0].message.content or "") if self.choices else ""


@attrs.define(repr=False, kw_only=True)
class ChunkChoice(Answer):
    """A piece of one of the answers."""

    delta: Message = attrs.field(factory=Message)
    index: int = 0
    finish_reason: str | None = None
    logprobs: Json = None


@attrs.define(repr=False, kw_only=True)
class ChatCompletionChunk(Answer):
    """A piece of an answer to a chat."""

    choices: list[ChunkChoice]
    id: str | None = None
    object: str | None = None
    created: int | None = None
    model: str | None = None
    usage: CompletionUsage | None = None
    system_fingerprint: str | None = None

    @property
    def text(self) -> str:
        """What of the first choice's text came with it, often nothing."""
        return "".join(one.delta.content or "" for one in self.choices if one.index == 0)


# Models and usage


@attrs.define(repr=False, kw_only=True)
class Pricing(Answer):
    """USD a token as decimal text; None where there is no such price."""

    prompt: str | None = None
    completion: str | None = None
    cached: str | None = None
    cache_write: str | None = None


@attrs.define(repr=False, kw_only=True)
class Model(Answer):
    """A model that can be asked."""

    id: str
    object: str | None = None
    created: int | None = None
    owned_by: str | None = None
    context_window: int | None = None
    max_output: int | None = None
    pricing: Pricing | None = None


@attrs.define(repr=False, kw_only=True)
class Period(Answer):
    """From when to when, as RFC 3339 text."""

    start: str
    end: str


@attrs.define(repr=False, kw_only=True)
class GroupUsage(Answer):
    """What one group used: a model, a day, a key."""

    requests: int
    tokens: int
    cost: float


@attrs.define(repr=False, kw_only=True)
class UsageTotals(Answer):
    """What was used in all, and by the group that was asked for."""

    total_requests: int
    total_tokens: int
    total_cost: float
    models: dict[str, GroupUsage] = attrs.field(factory=dict)
    served_models: dict[str, GroupUsage] = attrs.field(factory=dict)
    days: dict[str, GroupUsage] = attrs.field(factory=dict)
    keys: dict[str, GroupUsage] = attrs.field(factory=dict)


@attrs.define(repr=False, kw_only=True)
class UsageReport(Answer):
    """What an account used in a period."""

    period: Period
    usage: UsageTotals


# Sessions and keys


@attrs.define(repr=False, kw_only=True)
class SessionTotals(Answer):
    """What a session has come to."""

    turns: int = 0
    messages: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cost: float = 0.0


@attrs.define(repr=False, kw_only=True)
class Fork(Answer):
    """Where a session was forked from."""

    session: str
    turn: int


@attrs.define(repr=False, kw_only=True)
class SessionMessage(Answer):
    """A message of a session; `content` is text or a list of parts."""

    role: str
    content: Json = None
    id: str | None = None
    turn: int | None = None
    created: int | None = None
    request_id: str | None = None
    incomplete: bool = False
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


@attrs.define(repr=False, kw_only=True)
class ListOf(Answer, Generic[T]):
    """A page of a list."""

    data: list[T]
    has_more: bool = False
    first_id: str | None = None
    last_id: str | None = None


@attrs.define(repr=False, kw_only=True)
class Session(Answer):
    """A conversation that the server keeps; `messages` is a page of it where it was read alone."""

    id: str
    title: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    context_policy: str | None = None
    metadata: dict[str, str] | None = None
    created: int | None = None
    updated: int | None = None
    version: int | None = None
    forked_from: Fork | None = None
    totals: SessionTotals | None = None
    messages: ListOf[SessionMessage] | None = None


@attrs.define(repr=False, kw_only=True)
class Key(Answer):
    """An API key; its `secret` is there only in the answer that made it."""

    id: str
    account: str | None = None
    name: str | None = None
    hint: str | None = None
    status: str | None = None
    scopes: list[str] | None = None
    created: int | None = None
    expires: int | None = None
    revoked: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    lineage: str | None = None
    secret: str | None = attrs.field(default=None, repr=False)


@attrs.define(repr=False, kw_only=True)
class Account(Answer):
    """An account."""

    id: str
    name: str | None = None
    plan: str | None = None
    operator: bool = False
    region: str | None = None
    created: int | None = None


@attrs.define(repr=False, kw_only=True)
class Plan(Answer):
    """What an account may do in a minute; a limit that there is not is None."""

    id: str
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    parallel: int | None = None
    token_reserve: str | None = None
    built_in: bool = False


@attrs.define(repr=False, kw_only=True)
class Budget(Answer):
    """What may be spent in a period; money is USD as decimal text."""

    id: str
    account: str | None = None
    key: str | None = None
    period: str | None = None
    limit: str | None = None
    spent: str | None = None
    held: str | None = None
    renews: int | None = None


@attrs.define(repr=False, kw_only=True)
class Ended(Answer):
    """What was erased or revoked."""

    id: str
    object: str | None = None
    deleted: bool = False
    revoked: bool = False


@attrs.frozen(kw_only=True)
class RateLimit:
    """How a limit stood when the last answer came.

    Requests a minute, what is left of them, and when the window is empty again in epoch seconds.
    """

    limit: int
    remaining: int
    reset: int
