"""What a key may hand on: never more than it has itself.

A key that is limited itself (tighter limits, or budgets of its own) shares its lineage with the
keys that it makes: they draw on the same windows and budgets, so that ten keys are not ten times
the limit.
"""

from __future__ import annotations

import attrs

from ..errors import AuthenticationFailed, NotFound, NotPermitted
from ..messages import Msg
from ..model.account import Budget, Identity, Key
from ..model.units import Micros, Pico
from .asks import check_scope


def check_reach(
    caller: Identity | None, now: Micros, *, account: str | None, operator: bool
) -> Identity:
    """Return the caller if they may administer *account*; None names none in particular.

    Args:
        caller: who they are at this moment; None where there is no such key any more.
        now: what time it is.
        account: whose things are meant. Another account's do not exist but for operators.
        operator: whether only operators may do this.

    Raises:
        AuthenticationFailed: the key or its account has ended.
        PermissionDenied: the key lacks the scope `admin`.
        NotFound: the account is another's.
        NotPermitted: only operators may do this.
    """
    if caller is None or caller.account.deleted is not None:
        raise AuthenticationFailed("invalid_api_key")
    if caller.key is not None and caller.key.revoked_at(now):
        raise AuthenticationFailed("revoked_api_key")
    if caller.key is not None and caller.key.expired_at(now):
        raise AuthenticationFailed("expired_api_key")
    check_scope(caller, "admin")
    if caller.account.operator:
        return caller
    if account is not None and account != caller.account.id:
        raise NotFound("account", account)
    if operator:
        raise operator_only()
    return caller


def operator_only() -> NotPermitted:
    """Say that the caller's account is no operator."""
    return NotPermitted(Msg("Only an operator's key may do this."), code="operator_only")


def check_key(key: Key, caller: Identity, *, before: Key | None = None) -> None:
    """Refuse a key that would reach further than its maker's.

    A change of a key that was there (*before*) may always narrow it.

    Raises:
        NotPermitted: it goes beyond; `param` says in what.
    """
    if caller.account.operator:
        return
    field = beyond(key, caller)
    if field is None or (before is not None and further(key, before) is None):
        return
    raise NotPermitted(
        Msg("A key cannot give more than it has itself: '{field}' goes beyond it.", field=field),
        code="beyond_own_rights",
        param=field,
    )


def check_budget(budget: Budget, limit: Pico | None, caller: Identity) -> None:
    """Refuse to change a budget to *limit*, or with None to end it.

    Budgets of whole accounts are the operators'. Whoever has a budget of its own may only lower.

    Raises:
        NotPermitted: it is not theirs to change.
    """
    if caller.account.operator:
        return
    if budget.key is None:
        raise operator_only()
    if has_own_budget(caller) and (limit is None or limit > budget.limit):
        raise NotPermitted(
            Msg("A key that has a budget of its own may only lower budgets."),
            code="beyond_own_rights",
            param="limit",
        )


def is_bound(caller: Identity) -> bool:
    """Say whether the caller's key has limits or budgets of its own."""
    key = caller.key
    if key is None:
        return False
    return bool(key.requests_per_minute or key.tokens_per_minute) or has_own_budget(caller)


def has_own_budget(caller: Identity) -> bool:
    """Say whether a budget bounds the caller's key rather than its whole account."""
    return any(budget.key is not None for budget in caller.budgets)


def handed_on(key: Key, caller: Identity) -> Key:
    """Return a new key as *caller* may make it: what it leaves open is the caller's own."""
    own = caller.key
    if own is None or caller.account.operator:
        return key
    return attrs.evolve(
        key,
        lineage=own.lineage if is_bound(caller) else key.lineage,
        expires=own.ends if key.expires is None else key.expires,
        requests_per_minute=key.requests_per_minute or own.requests_per_minute,
        tokens_per_minute=key.tokens_per_minute or own.tokens_per_minute,
    )


def beyond(key: Key, caller: Identity) -> str | None:
    """Name the first field in which *key* reaches further than the caller's; None: in none."""
    own = caller.key
    if own is None:
        return None
    if is_bound(caller) and key.lineage != own.lineage:
        return "lineage"
    return further(key, own)


def further(key: Key, other: Key) -> str | None:
    """Name the first field in which *key* allows more than *other*; None where in none."""
    if key.scopes - other.scopes:
        return "scopes"
    if _above(key.ends, other.ends):
        return "expires"
    if _above(key.requests_per_minute, other.requests_per_minute):
        return "requests_per_minute"
    if _above(key.tokens_per_minute, other.tokens_per_minute):
        return "tokens_per_minute"
    return None


def _above(one: int | Micros | None, other: int | Micros | None) -> bool:
    """Say whether one bound lets more through than another; None is no bound."""
    return other is not None and (one is None or one > other)
