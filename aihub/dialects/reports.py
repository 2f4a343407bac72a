"""What a caller is told of itself: who it is, how its windows stand, which requests it made."""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ..model.account import Identity
from ..model.ledger import Attempt, LedgerRow, WindowState
from ..model.units import SECOND, Json, Micros, format_usd
from ..model.usage import Usage
from .administration import account_object, key_object
from .fields import one_of, text_of
from .objects import read_object
from .queries import WHOSE, Page, read_page

MAX_SECRET = 4096
"""Characters of a key that somebody signs in with: no header could carry a longer one."""

SIGN_IN = {"key": text_of(1, MAX_SECRET)}
REQUESTS = {**WHOSE, "order": one_of(frozenset({"asc", "desc"}))}


def read_sign_in(body: bytes) -> str:
    """Read the key that somebody signs in with.

    Raises:
        InvalidRequest: there is none, or something else besides.
    """
    return str(read_object(body, SIGN_IN, required=["key"])["key"])


def read_requests_page(query: str) -> tuple[Page, str | None, bool]:
    """Return which requests are asked for, of which account, and whether the newest come first.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    page, more = read_page(query, REQUESTS)
    return page, more.get("account"), more.get("order", "desc") == "desc"


def me_object(identity: Identity, windows: Sequence[WindowState], now: Micros) -> dict[str, Json]:
    """Return who a caller is, and how its windows stand."""
    return {
        "object": "me",
        "account": account_object(identity.account),
        "key": None if identity.key is None else key_object(identity.key, now),
        "windows": [_window_object(one) for one in windows],
    }


def _window_object(window: WindowState) -> dict[str, Json]:
    return {
        "of": "key" if window.key.startswith("key:") else "account",
        "kind": window.kind,
        "limit": window.limit,
        "used": window.used,
        "remaining": window.remaining,
        "resets": -(-window.resets_at // SECOND),
    }


def request_object(row: LedgerRow) -> dict[str, Json]:
    """Return a request as the ledger has it; costs are exact numbers of USD."""
    return {
        "id": row.id,
        "object": "request",
        "account": row.account,
        "key": row.key,
        "kind": row.kind,
        "model": row.model,
        "served_model": row.served_model,
        "state": row.state,
        "code": row.code,
        "created": row.admitted // SECOND,
        "latency_ms": _ms(row.latency),
        "first_token_ms": _ms(row.first_token),
        "session": row.session,
        "user": row.end_user,
        "labels": dict(row.labels),
        "usage": _usage(row.usage),
        "cost": orjson.Fragment(format_usd(row.cost)),
        "attempts": [_attempt(one, row.admitted) for one in row.attempts],
    }


def _attempt(attempt: Attempt, admitted: Micros) -> dict[str, Json]:
    first = attempt.first_token
    return {
        "deployment": attempt.deployment,
        "region": attempt.region,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "began_ms": _ms(attempt.started - admitted),
        "took_ms": _ms(attempt.ended - attempt.started),
        "first_token_ms": None if first is None else _ms(first - attempt.started),
        "usage": _usage(attempt.usage),
        "cost": orjson.Fragment(format_usd(attempt.cost)),
    }


def _usage(usage: Usage | None) -> dict[str, Json] | None:
    if usage is None:
        return None
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "source": usage.source,
    }


def _ms(time: Micros | None) -> float | None:
    return None if time is None else max(0, time) / 1000
