"""What readers ask: rows, sums, accounts and keys. Reads only, each on its own connection."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

import orjson

from ....model.account import BUILT_IN_PLANS, Account, Budget, Identity, Key, Plan
from ....model.ledger import Attempt, LedgerRow
from ....model.units import Micros
from ....model.usage import GroupBy, UsageReport, UsageSum
from .admissions import usage_from_json

Connection = sqlite3.Connection

_ACCOUNT = "SELECT id, name, plan, created, deleted, operator, region FROM accounts"
_KEY = (
    "SELECT id, account, digest, hint, name, created, scopes, expires, revoked,"
    " requests_per_minute, tokens_per_minute, lineage FROM keys"
)
_PLAN = "SELECT name, requests_per_minute, tokens_per_minute, parallel, token_reserve FROM plans"
_BUDGET = 'SELECT id, account, key, period, "limit" FROM budgets'
_ROW = (
    "SELECT id, account, key, kind, model, served_model, state, code, admitted, settled, owner,"
    " prompt_tokens, prompt_cost, reserved_tokens, reserved_cost, usage, cost, latency,"
    " first_token, session, labels, end_user, idempotency_key, digest, schema_version FROM requests"
)
_ATTEMPT = (
    "SELECT n, deployment, upstream_model, region, outcome, usage, card, cost, started, ended,"
    " first_token, provider_cost, error FROM attempts WHERE request = ? ORDER BY n"
)
_GROUP = {
    "day": "strftime('%Y-%m-%d', hour / 1000000, 'unixepoch')",
    "model": "model",
    "served_model": "served_model",
    "key": "key",
}
# A sum of pico-dollars over a group may pass 64 bits, where SUM would raise: two halves do not.
_HALF = 10**9


def _named(db: Connection, sql: str, values: Iterable[object]) -> list[dict[str, object]]:
    cursor = db.execute(sql, tuple(values))
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _key(fields: dict[str, object]) -> Key:
    scopes = frozenset(str(fields.pop("scopes")).split())
    return Key(**fields, scopes=scopes)  # type: ignore[arg-type]


def identify(db: Connection, digest: bytes) -> Identity | None:
    """Return a key by its digest with all that belongs to it."""
    found = _named(db, f"{_KEY} WHERE digest = ?", [digest])
    if not found:
        return None
    key = _key(found[0])
    return _identity(db, key.account, key)


def actor(db: Connection, account: str, id: str | None) -> Identity | None:
    """Return an account, or a key of it by its id, with all that belongs to it."""
    found = None if id is None else key(db, account, id)
    return None if id is not None and found is None else _identity(db, account, found)


def _identity(db: Connection, id: str, key: Key | None) -> Identity | None:
    owner = account(db, id)
    if owner is None:
        return None
    terms = plan(db, owner.plan)
    assert terms is not None  # noqa: S101 - no account is on a plan that is not there
    found = _named(
        db,
        f"{_BUDGET} WHERE account = ? AND (key IS NULL OR key = ?) ORDER BY id",
        [id, key and key.lineage],
    )
    own = tuple(Budget(**fields) for fields in found)  # type: ignore[arg-type]
    return Identity(account=owner, plan=terms, key=key, budgets=own)


def account(db: Connection, id: str) -> Account | None:
    """Return one account."""
    found = _named(db, f"{_ACCOUNT} WHERE id = ?", [id])
    return _account(found[0]) if found else None


def _account(fields: dict[str, object]) -> Account:
    operator = bool(fields.pop("operator"))
    return Account(**fields, operator=operator)  # type: ignore[arg-type]


def accounts(db: Connection, after: str | None, limit: int) -> list[Account]:
    """Return accounts by id."""
    found = _named(
        db, f"{_ACCOUNT} WHERE id > ? AND deleted IS NULL ORDER BY id LIMIT ?", [after or "", limit]
    )
    return [_account(fields) for fields in found]


def key(db: Connection, account: str, id: str) -> Key | None:
    """Return one key of an account."""
    found = _named(db, f"{_KEY} WHERE account = ? AND id = ?", [account, id])
    return _key(found[0]) if found else None


def keys(db: Connection, account: str, after: str | None, limit: int) -> list[Key]:
    """Return an account's keys by id."""
    sql = f"{_KEY} WHERE account = ? AND id > ? ORDER BY id LIMIT ?"
    return [_key(fields) for fields in _named(db, sql, [account, after or "", limit])]


def key_count(db: Connection, account: str) -> int:
    """Return how many keys of an account are kept."""
    (count,) = db.execute("SELECT count(*) FROM keys WHERE account = ?", (account,)).fetchone()
    return int(count)


def plan(db: Connection, name: str) -> Plan | None:
    """Return the plan that goes by *name*, stored or built in."""
    found = _named(db, f"{_PLAN} WHERE name = ?", [name])
    return Plan(**found[0]) if found else BUILT_IN_PLANS.get(name)  # type: ignore[arg-type]


def plans(db: Connection) -> dict[str, Plan]:
    """Return all plans, the built-in ones where none of that name is stored."""
    stored = {str(fields["name"]): Plan(**fields) for fields in _named(db, _PLAN, [])}  # type: ignore[arg-type]
    return {**BUILT_IN_PLANS, **stored}


def budget(db: Connection, account: str, id: str) -> Budget | None:
    """Return one budget of an account."""
    found = _named(db, f"{_BUDGET} WHERE account = ? AND id = ?", [account, id])
    return Budget(**found[0]) if found else None  # type: ignore[arg-type]


def budget_count(db: Connection, account: str, key: str | None) -> int:
    """Return how many budgets an account or a lineage has."""
    found = db.execute(
        "SELECT count(*) FROM budgets WHERE account = ? AND key IS ?", (account, key)
    ).fetchone()
    return int(found[0])


def budgets(db: Connection, account: str, after: str | None, limit: int) -> list[Budget]:
    """Return an account's budgets by id."""
    sql = f"{_BUDGET} WHERE account = ? AND id > ? ORDER BY id LIMIT ?"
    found = _named(db, sql, [account, after or "", limit])
    return [Budget(**fields) for fields in found]  # type: ignore[arg-type]


def rows(
    db: Connection, account: str, after: str | None, limit: int, *, newest_first: bool = False
) -> list[LedgerRow]:
    """Return an account's ledger rows by id, one way or the other."""
    follows, order = ("<", "DESC") if newest_first else (">", "ASC")
    since = "" if after is None else f"AND id {follows} ?"
    sql = f"{_ROW} WHERE account = ? {since} ORDER BY id {order} LIMIT ?"
    asked = [account, limit] if after is None else [account, after, limit]
    return [_row(db, fields) for fields in _named(db, sql, asked)]


def row(db: Connection, account: str, id: str) -> LedgerRow | None:
    """Return one ledger row."""
    found = _named(db, f"{_ROW} WHERE account = ? AND id = ?", [account, id])
    return _row(db, found[0]) if found else None


def _row(db: Connection, fields: dict[str, object]) -> LedgerRow:
    attempts = tuple(_attempt(found) for found in _named(db, _ATTEMPT, [fields["id"]]))
    usage = usage_from_json(fields.pop("usage"))  # type: ignore[arg-type]
    labels = orjson.loads(fields.pop("labels"))  # type: ignore[arg-type]
    return LedgerRow(**fields, usage=usage, labels=labels, attempts=attempts)  # type: ignore[arg-type]


def _attempt(fields: dict[str, object]) -> Attempt:
    usage = usage_from_json(fields.pop("usage"))  # type: ignore[arg-type]
    return Attempt(**fields, usage=usage)  # type: ignore[arg-type]


def report(
    db: Connection, account: str, start: Micros, end: Micros, group_by: GroupBy
) -> UsageReport:
    """Sum settled requests from the rollups."""
    found = db.execute(
        f"SELECT {_GROUP[group_by]} AS name, SUM(requests), SUM(prompt), SUM(completion),"  # noqa: S608 - a column of ours
        f" SUM(cost / {_HALF}), SUM(cost % {_HALF}) FROM rollups"
        " WHERE account = ? AND hour >= ? AND hour < ? AND requests > 0"
        " GROUP BY name ORDER BY name",
        (account, start, end),
    )
    groups = tuple(
        UsageSum(
            group=name,
            requests=requests,
            prompt=prompt,
            completion=completion,
            cost=high * _HALF + low,
        )
        for name, requests, prompt, completion, high, low in found
    )
    return UsageReport(account=account, start=start, end=end, group_by=group_by, groups=groups)
