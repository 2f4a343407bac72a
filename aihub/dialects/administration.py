"""Accounts, keys, plans and budgets as JSON: what may be asked, and how they are shown.

Time is epoch seconds, money is dollars as decimal text: both are read as they are written. What a
request does not name is left out, so that a change changes nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..messages import Msg
from ..model.account import (
    BUILT_IN_PLANS,
    MAX_LIMIT,
    MAX_MONEY,
    MAX_NAME,
    MAX_OVERLAP,
    PERIODS,
    SCOPES,
    TOKEN_RESERVES,
    Account,
    Key,
    Plan,
    Standing,
)
from ..model.units import PICO_PER_USD, REGION, SECOND, Json, Micros, Pico, format_usd, usd
from .fields import (
    EXACT,
    Check,
    Fault,
    array,
    boolean,
    described,
    integer,
    number,
    one_of,
    string,
    text_of,
    wrong_type,
)
from .objects import nullable, read_fields, read_object
from .queries import identifier

LAST_SECOND = 253_402_300_799
"""The end of the year 9999, in epoch seconds; one who gives milliseconds is told by it."""

_NAME_IN_PATH = re.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
_DOLLARS = re.compile(r"\d{1,7}(\.\d{1,12})?", re.ASCII)


def name_in_path(value: Json, path: str) -> str:
    """Take a name that may stand in a path."""
    text = identifier(value, path)
    if _NAME_IN_PATH.fullmatch(text) is None:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': use letters, digits, '_', '.' and '-', at most 64, the first "
                "a letter or digit.",
                path=path,
            ),
            "invalid_value",
        )
    return text  # type: ignore[no-any-return]


def _dollars(value: Json, path: str) -> Pico:
    if type(value) is int or (type(value) is float and value.is_integer() and abs(value) <= EXACT):
        # JSON Schema calls 2.0 an integer; a decimal that is none would not be exact.
        value = str(int(value))
    if not isinstance(value, str):
        raise wrong_type(path, Msg('dollars as a string, such as "12.50"'), value)
    amount = usd(value) if _DOLLARS.fullmatch(value) else -1
    if not 0 <= amount <= MAX_MONEY:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': expected dollars from 0 to {most}, with at most 12 digits "
                "after the point.",
                path=path,
                most=format_usd(MAX_MONEY),
            ),
            "invalid_value",
        )
    return amount


def _region(value: Json, path: str) -> str:
    text = string(value, path)
    if REGION.fullmatch(text) is None:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': expected 1 to 64 printable ASCII characters without spaces.",
                path=path,
            ),
            "invalid_value",
        )
    return text


def _instant(value: Json, path: str) -> Micros:
    seconds: int = integer(0, LAST_SECOND)(value, path)
    return seconds * SECOND


described({"type": "string", "pattern": f"^{_NAME_IN_PATH.pattern}$"}, name_in_path)
described(
    {
        "anyOf": [
            # Up to `MAX_MONEY`, which is nine million, and no more.
            {
                "type": "string",
                "pattern": r"^([0-8]?[0-9]{1,6}(\.[0-9]{1,12})?|9000000(\.0{1,12})?)$",
            },
            {"type": "integer", "minimum": 0, "maximum": MAX_MONEY // PICO_PER_USD},
        ]
    },
    _dollars,
)
described({"type": "integer", "minimum": 0, "maximum": LAST_SECOND}, _instant)
described({"type": "string", "pattern": f"^{REGION.pattern}$"}, _region)

_name = text_of(0, MAX_NAME)
_count = nullable(integer(1, MAX_LIMIT))
_scopes = array(one_of(frozenset(SCOPES)), low=1, high=len(SCOPES))

ACCOUNT: Mapping[str, Check] = {
    "name": _name,
    "plan": identifier,
    "operator": boolean,
    "region": nullable(_region),
}
NEW_ACCOUNT: Mapping[str, Check] = {**ACCOUNT, "id": name_in_path}
KEY: Mapping[str, Check] = {
    "name": _name,
    "scopes": _scopes,
    "expires": nullable(_instant),
    "requests_per_minute": _count,
    "tokens_per_minute": _count,
}
NEW_KEY: Mapping[str, Check] = {**KEY, "account": identifier}
ROTATION: Mapping[str, Check] = {"overlap": number(0, MAX_OVERLAP)}
PLAN: Mapping[str, Check] = {
    "requests_per_minute": _count,
    "tokens_per_minute": _count,
    "parallel": _count,
    "token_reserve": one_of(frozenset(TOKEN_RESERVES)),
}
BUDGET: Mapping[str, Check] = {"limit": _dollars}
NEW_BUDGET: Mapping[str, Check] = {
    **BUDGET,
    "account": identifier,
    "key": nullable(identifier),
    "period": one_of(frozenset(PERIODS)),
}


def read_new_account(body: bytes) -> dict[str, Json]:
    """Read what an account shall be; all of these raise `InvalidRequest` where a field is wrong."""
    return read_object(body, NEW_ACCOUNT)


def read_account_change(body: bytes) -> dict[str, Json]:
    """Read what shall change of an account."""
    return read_object(body, ACCOUNT)


def read_new_key(body: bytes) -> dict[str, Json]:
    """Read what a key shall be, and with `account` whose."""
    return read_object(body, NEW_KEY)


def read_key_change(body: bytes) -> dict[str, Json]:
    """Read what shall change of a key."""
    return read_object(body, KEY)


def read_rotation(body: bytes) -> dict[str, Json]:
    """Read how a key shall be rotated."""
    return read_object(body, ROTATION)


def read_plan_change(body: bytes) -> dict[str, Json]:
    """Read what shall change of a plan, or what it shall be."""
    return read_object(body, PLAN)


def read_plan_name(name: str) -> str:
    """Read the name of a plan that may be new."""
    return str(read_fields({"plan": name}, {"plan": name_in_path})["plan"])


def read_new_budget(body: bytes) -> dict[str, Json]:
    """Read what a budget shall be, and with `account` and `key` whose."""
    return read_object(body, NEW_BUDGET, required=["limit"])


def read_budget_change(body: bytes) -> dict[str, Json]:
    """Read what shall change of a budget."""
    return read_object(body, BUDGET, required=["limit"])


def account_object(account: Account) -> dict[str, Json]:
    """Return an account."""
    return {
        "id": account.id,
        "object": "account",
        "name": account.name,
        "plan": account.plan,
        "operator": account.operator,
        "region": account.region,
        "created": _seconds(account.created),
    }


def key_object(key: Key, now: Micros, *, secret: str | None = None) -> dict[str, Json]:
    """Return a key; its *secret* where it has just been made, and never else."""
    shown: dict[str, Json] = {
        "id": key.id,
        "object": "key",
        "account": key.account,
        "name": key.name,
        "hint": key.hint,
        "status": key_status(key, now),
        "scopes": [scope for scope in SCOPES if scope in key.scopes],
        "created": _seconds(key.created),
        "expires": _seconds(key.expires),
        "revoked": _seconds(key.revoked),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "lineage": key.lineage,
    }
    return shown if secret is None else {**shown, "secret": secret}


def key_status(key: Key, now: Micros) -> str:
    """Say whether a key is `live`, `revoked` or `expired`."""
    if key.revoked_at(now):
        return "revoked"
    return "expired" if key.expired_at(now) else "live"


def plan_object(plan: Plan) -> dict[str, Json]:
    """Return a plan; null is no limit."""
    return {
        "id": plan.name,
        "object": "plan",
        "requests_per_minute": plan.requests_per_minute,
        "tokens_per_minute": plan.tokens_per_minute,
        "parallel": plan.parallel,
        "token_reserve": plan.token_reserve,
        "built_in": BUILT_IN_PLANS.get(plan.name) == plan,
    }


def budget_object(standing: Standing) -> dict[str, Json]:
    """Return a budget and how it stands in its present period."""
    budget = standing.budget
    return {
        "id": budget.id,
        "object": "budget",
        "account": budget.account,
        "key": budget.key,
        "period": budget.period,
        "limit": format_usd(budget.limit),
        "spent": format_usd(standing.spent),
        "held": format_usd(standing.held),
        "renews": _seconds(standing.renews),
    }


def _seconds(at: Micros | None) -> int | None:
    return None if at is None else at // SECOND
