"""What a request asks a store for, and what a refusal means to its caller."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import attrs

from ..errors import (
    AuthenticationFailed,
    BudgetExceeded,
    ContextLengthExceeded,
    HubError,
    InvalidRequest,
    LimitName,
    OverLimit,
    PermissionDenied,
    RequestExceedsPlan,
)
from ..messages import Msg
from ..model.account import Budget, Identity, Key, Plan, Scope
from ..model.catalogue import Model, PriceCard
from ..model.chat import MAX_CHOICES, Chat, ResponseFormat, Tool, ToolChoice
from ..model.ledger import (
    BudgetFull,
    HoldAsk,
    NotLive,
    SlotAsk,
    SlotsFull,
    WindowAsk,
    WindowFull,
    WindowKind,
)
from ..model.units import Micros, Pico
from ..model.usage import MAX_TOKENS
from .periods import period_end, period_label
from .pricing import dearest, rates
from .reservations import completion_reserve, reserved_tokens

Denied: TypeAlias = WindowFull | SlotsFull | BudgetFull | NotLive

READ_FACTOR = 10
"""Reading models, usage and sessions may be done this many times as often as inference."""

_LIMIT_NAMES: dict[WindowKind, LimitName] = {
    "requests": "requests_per_minute",
    "tokens": "tokens_per_minute",
}


@attrs.define
class Reservation:
    """What one request sets aside."""

    prompt: int
    tokens: int
    prompt_cost: Pico
    cost: Pico


def reserve(
    chat: Chat,
    identity: Identity,
    model: Model,
    cards: tuple[PriceCard, ...],
    *,
    prompt: int,
    estimate: int,
) -> Reservation:
    """Say what *chat* sets aside: tokens by the plan, money at the dearest candidate's price.

    Raises:
        ContextLengthExceeded: the prompt alone does not fit the model.
        RequestExceedsPlan: the prompt alone is more than a minute may ever hold.
    """
    if prompt >= model.context_window:
        raise ContextLengthExceeded(prompt, model.context_window)
    limit = _fitting_limit(identity, prompt)
    completion = completion_reserve(
        max_tokens=chat.bound,
        max_output=model.max_output,
        estimate=estimate,
        mode=identity.plan.token_reserve,
    )
    return Reservation(
        prompt=prompt,
        tokens=reserved_tokens(prompt=prompt, n=chat.n, completion=completion, limit=limit),
        prompt_cost=prompt * rates(cards[0], prompt).prompt,
        cost=dearest(cards, prompt, chat.n * completion),
    )


def reserve_prompt(identity: Identity, cards: tuple[PriceCard, ...], *, prompt: int) -> Reservation:
    """Say what is set aside where no completion follows.

    Raises:
        RequestExceedsPlan: it is more than a minute may ever hold.
    """
    _fitting_limit(identity, prompt)
    first = prompt * rates(cards[0], prompt).prompt
    return Reservation(
        prompt=prompt, tokens=prompt, prompt_cost=first, cost=dearest(cards, prompt, 0)
    )


def _fitting_limit(identity: Identity, prompt: int) -> int | None:
    limit = token_limit(identity)
    if limit is not None and prompt > limit:
        raise RequestExceedsPlan(prompt, limit)
    return limit


def token_limit(identity: Identity) -> int | None:
    """Return the tightest tokens per minute that apply to *identity*."""
    limit = identity.plan.tokens_per_minute
    own = None if identity.key is None else identity.key.tokens_per_minute
    if limit is None or own is None:
        return own if limit is None else limit
    return min(limit, own)


def windows(identity: Identity, tokens: int = 0) -> tuple[WindowAsk, ...]:
    """Name every window that applies: the account's, and a key's own where it is tighter."""
    plan, key = identity.plan, identity.key
    asked = _windows(f"account:{identity.account.id}", plan, tokens)
    if key is not None and (key.requests_per_minute or key.tokens_per_minute):
        asked += _windows(f"key:{key.lineage}", key, tokens)
    return tuple(asked)


def _windows(owner: str, limits: Plan | Key, tokens: int) -> list[WindowAsk]:
    asked = []
    if limits.requests_per_minute is not None:
        asked.append(WindowAsk(f"{owner}:requests", "requests", 1, limits.requests_per_minute))
    if limits.tokens_per_minute is not None:
        asked.append(WindowAsk(f"{owner}:tokens", "tokens", tokens, limits.tokens_per_minute))
    return asked


def slots(identity: Identity) -> tuple[SlotAsk, ...]:
    """Name the bound on requests in parallel, if the plan has one."""
    parallel = identity.plan.parallel
    return () if parallel is None else (SlotAsk(identity.account.id, parallel),)


def holds(identity: Identity, amount: Pico, now: Micros) -> tuple[HoldAsk, ...]:
    """Name every budget's current period; *amount* is set aside in each."""
    if not identity.budgets:
        return ()
    return tuple(
        HoldAsk(budget.id, period_label(budget.period, now), amount, budget.limit)
        for budget in identity.budgets
    )


def read_limit(identity: Identity) -> int | None:
    """Return how often a minute an account may read; None is no limit."""
    limit = identity.plan.requests_per_minute
    return None if limit is None else READ_FACTOR * limit


def refusal(refused: Denied, budgets: tuple[Budget, ...], now: Micros) -> HubError:
    """Say a store's refusal in the caller's terms."""
    match refused:
        case WindowFull():
            return OverLimit(
                _LIMIT_NAMES[refused.kind], refused.retry_after, windows=refused.windows
            )
        case SlotsFull():
            return OverLimit("parallel_requests", 1)
        case BudgetFull():
            period = next(one.period for one in budgets if one.id == refused.budget)
            return BudgetExceeded(refused.budget, period_end(period, now))
        case NotLive("revoked"):
            return AuthenticationFailed("revoked_api_key")
        case NotLive("expired"):
            return AuthenticationFailed("expired_api_key")
    return AuthenticationFailed("invalid_api_key")


def check_scope(identity: Identity, scope: Scope) -> None:
    """Refuse a caller whose key may not do *scope*; one without a key may do all.

    Raises:
        PermissionDenied: it lacks the scope.
    """
    if identity.key is not None and scope not in identity.key.scopes:
        raise PermissionDenied(scope)


def check_chat(chat: Chat) -> None:
    """Refuse numbers that would make nonsense of a reservation, whichever door they came by.

    Raises:
        InvalidRequest: a number is not whole, or out of range.
    """
    # On the way of every request: the usual case is three comparisons.
    if type(chat.n) is not int or not 1 <= chat.n <= MAX_CHOICES:
        raise InvalidRequest(
            Msg("'n' must be a whole number from 1 to {most}.", most=MAX_CHOICES), param="n"
        )
    most = chat.bound
    if most is not None and (type(most) is not int or not 1 <= most <= MAX_TOKENS):
        name = "max_tokens" if chat.max_completion_tokens is None else "max_completion_tokens"
        raise InvalidRequest(
            Msg("'{name}' must be a whole number from 1 to {most}.", name=name, most=MAX_TOKENS),
            param=name,
        )
    if not chat.messages:
        raise InvalidRequest(Msg("There must be at least one message."), param="messages")
    if chat.tools or chat.tool_choice is not None or chat.response_format is not None:
        _check_forms(chat)


def _check_forms(chat: Chat) -> None:
    """Refuse JSON where there must be values: the slip of who comes from another library."""
    if not all(isinstance(tool, Tool) for tool in chat.tools):
        raise InvalidRequest(Msg("'tools' must be values of aihub.Tool."), param="tools")
    if not isinstance(chat.tool_choice, ToolChoice | None):
        raise InvalidRequest(Msg("'tool_choice' must be an aihub.ToolChoice."), param="tool_choice")
    if not isinstance(chat.response_format, ResponseFormat | None):
        raise InvalidRequest(
            Msg("'response_format' must be an aihub.ResponseFormat."), param="response_format"
        )


def check_text(text: str, param: str) -> None:
    """Refuse a text that no file or wire can hold.

    Raises:
        InvalidRequest: it has a lone surrogate, or is no text.
    """
    try:
        text.encode()
    except (UnicodeEncodeError, AttributeError):
        raise InvalidRequest(
            Msg("'{param}' is not valid text.", param=param), param=param
        ) from None


def check_labels(labels: Mapping[Any, Any]) -> None:
    """Refuse labels that a ledger row has no room for.

    Raises:
        InvalidRequest: more than `MAX_LABELS`, or one longer than `MAX_LABEL`.
    """
    if len(labels) > MAX_LABELS:
        raise InvalidRequest(
            Msg("At most {most} labels can be given.", most=MAX_LABELS), param="labels"
        )
    for name, value in labels.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidRequest(Msg("A label is a pair of texts."), param=f"labels.{name}")
        if len(name) > MAX_LABEL or len(value) > MAX_LABEL:
            raise InvalidRequest(
                Msg("A label is longer than {most}.", most=MAX_LABEL), param=f"labels.{name}"
            )
        check_text(name + value, "labels")


MAX_LABELS = 16
"""Labels of a request: enough to attribute costs, too few to store documents."""

MAX_LABEL = 256
"""Characters of a label's name or value."""
