"""What calls take, for type checkers: at run time a field is sent as it is given.

None is sent as null, which for a chat is as good as left out and in a change takes a value away.
Fields that only a provider knows go in `extra_body`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from ..model.units import Json


class ChatFields(TypedDict, total=False):
    """The fields of a chat beside `model`, `messages` and `stream`."""

    session_id: str | None
    temperature: float | None
    top_p: float | None
    n: int | None
    max_tokens: int | None
    max_completion_tokens: int | None
    stop: str | Sequence[str] | None
    presence_penalty: float | None
    frequency_penalty: float | None
    logit_bias: Mapping[str, float] | None
    logprobs: bool | None
    top_logprobs: int | None
    user: str | None
    seed: int | None
    tools: Sequence[Mapping[str, Json]] | None
    tool_choice: str | Mapping[str, Json] | None
    parallel_tool_calls: bool | None
    response_format: Mapping[str, Json] | None
    reasoning_effort: str | None
    stream_options: Mapping[str, Json] | None
    prediction: Mapping[str, Json] | None
    metadata: Mapping[str, str] | None
    store: bool | None
    service_tier: str | None
    modalities: Sequence[str] | None
    audio: Mapping[str, Json] | None
    verbosity: str | None


class SessionFields(TypedDict, total=False):
    """The fields of a session, for making one."""

    title: str | None
    model: str | None
    system_prompt: str | None
    metadata: Mapping[str, str] | None
    context_policy: Literal["drop_oldest", "error", "off"] | None


class SessionChanges(SessionFields, total=False):
    """What of a session can be changed; with `version`, only if it is still that one."""

    version: int


class ForkFields(TypedDict, total=False):
    """From which turn a session is forked, and what it is called then."""

    turn: int
    title: str | None
    metadata: Mapping[str, str] | None


class KeyChanges(TypedDict, total=False):
    """What of a key can be changed."""

    name: str
    scopes: Sequence[str]
    expires: int | None
    requests_per_minute: int | None
    tokens_per_minute: int | None


class KeyFields(KeyChanges, total=False):
    """The fields of a key, for making one."""

    account: str


class AccountChanges(TypedDict, total=False):
    """What of an account can be changed."""

    name: str
    plan: str
    operator: bool
    region: str | None


class AccountFields(AccountChanges, total=False):
    """The fields of an account, for making one."""

    id: str


class PlanFields(TypedDict, total=False):
    """The fields of a plan; a limit that is None does not hold."""

    requests_per_minute: int | None
    tokens_per_minute: int | None
    parallel: int | None
    token_reserve: str


class BudgetFields(TypedDict, total=False):
    """Whose budget it is, and how often it renews."""

    account: str
    key: str
    period: Literal["day", "month", "total"]


class PageFields(TypedDict, total=False):
    """Which part of a list: so many, after that id."""

    limit: int
    after: str
