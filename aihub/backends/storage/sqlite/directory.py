"""Accounts, keys, plans and budgets: each change is one job of the writer's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from ....errors import UsageMistake
from ....model.account import (
    BUILT_IN_PLANS,
    Account,
    Actor,
    Budget,
    Identity,
    Key,
    Plan,
    PlanDrop,
)
from ....model.units import Micros
from . import reports, sessions
from .writer import Job

T = TypeVar("T")


class SqliteDirectory:
    """The part of a `SqliteStore` that says who there is."""

    async def _write(self, job: Job[T]) -> T:
        raise NotImplementedError

    async def _read(self, job: Job[T]) -> T:
        raise NotImplementedError

    async def _change(self, job: Job[T], by: Actor | None) -> T:
        """Run *job* in a transaction in which *by* may do it."""

        def checked(db: sqlite3.Connection) -> T:
            if by is not None:
                by.check(reports.actor(db, by.account, by.key))
            return job(db)

        return await self._write(checked)

    # Who is who

    async def identify(self, digest: bytes) -> Identity | None:
        """Return a key by its digest with all that belongs to it."""
        return await self._read(lambda db: reports.identify(db, digest))

    async def identity(self, account: str) -> Identity | None:
        """Return an account with its plan and budgets."""
        return await self._read(lambda db: reports.actor(db, account, None))

    # Accounts

    async def add_account(self, account: Account, *, by: Actor | None = None) -> bool:
        """Write a new account; its plan must exist."""

        def job(db: sqlite3.Connection) -> bool:
            _check_plan(db, account)
            return db.execute(_ADD_ACCOUNT, _account_values(account)).rowcount == 1

        return await self._change(job, by)

    async def change_account(
        self, id: str, change: Callable[[Account], Account], *, by: Actor | None = None
    ) -> Account | None:
        """Change an account in one step."""

        def job(db: sqlite3.Connection) -> Account | None:
            account = reports.account(db, id)
            if account is not None:
                account = change(account)
                _check_plan(db, account)
                _replace_account(db, account)
            return account

        return await self._change(job, by)

    async def erase_account(
        self, id: str, at: Micros, *, by: Actor | None = None
    ) -> Account | None:
        """End an account and forget who it was and what was said, in one step."""

        def job(db: sqlite3.Connection) -> Account | None:
            ended = db.execute(
                "UPDATE accounts SET name = '', plan = 'free', deleted = ?"
                " WHERE id = ? AND deleted IS NULL",
                (at, id),
            )
            if not ended.rowcount:
                return None
            db.execute(
                "UPDATE keys SET name = '', hint = '', revoked = min(coalesce(revoked, ?), ?)"
                " WHERE account = ?",
                (at, at, id),
            )
            sessions.erase_all(db, id)
            return reports.account(db, id)

        return await self._change(job, by)

    async def account(self, id: str) -> Account | None:
        """Return an account."""
        return await self._read(lambda db: reports.account(db, id))

    async def accounts(self, *, after: str | None = None, limit: int = 100) -> Sequence[Account]:
        """Return accounts by id."""
        return await self._read(lambda db: reports.accounts(db, after, limit))

    # Keys

    async def add_key(self, key: Key, *, by: Actor | None = None) -> bool:
        """Write a new key; its account must exist."""
        return await self._change(lambda db: _add_key(db, key), by)

    async def change_key(
        self,
        account: str,
        id: str,
        change: Callable[[Key], Key],
        *,
        successor: Callable[[Key], Key] | None = None,
        by: Actor | None = None,
    ) -> Key | None:
        """Change a key in one step, and write its successor with it."""

        def job(db: sqlite3.Connection) -> Key | None:
            key = reports.key(db, account, id)
            if key is None:
                return None
            changed = change(key)
            if successor is not None and not _add_key(db, successor(key)):
                raise UsageMistake("the successor's secret is another key's")
            db.execute("DELETE FROM keys WHERE id = ?", (id,))
            db.execute(_ADD_KEY, _key_values(changed))
            return changed

        return await self._change(job, by)

    async def key(self, account: str, id: str) -> Key | None:
        """Return a key of an account."""
        return await self._read(lambda db: reports.key(db, account, id))

    async def keys(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Key]:
        """Return an account's keys by id."""
        return await self._read(lambda db: reports.keys(db, account, after, limit))

    async def key_count(self, account: str) -> int:
        """Return how many keys of an account are kept."""
        return await self._read(lambda db: reports.key_count(db, account))

    # Plans

    async def change_plan(
        self, name: str, change: Callable[[Plan | None], Plan], *, by: Actor | None = None
    ) -> Plan:
        """Make or change a plan in one step."""

        def job(db: sqlite3.Connection) -> Plan:
            plan = change(reports.plan(db, name))
            db.execute(
                "INSERT OR REPLACE INTO plans (name, requests_per_minute, tokens_per_minute,"
                " parallel, token_reserve) VALUES (?, ?, ?, ?, ?)",
                (
                    name,
                    plan.requests_per_minute,
                    plan.tokens_per_minute,
                    plan.parallel,
                    plan.token_reserve,
                ),
            )
            return plan

        return await self._change(job, by)

    async def drop_plan(self, name: str, *, by: Actor | None = None) -> PlanDrop:
        """Delete a plan that no account is on."""

        def job(db: sqlite3.Connection) -> PlanDrop:
            if not db.execute("SELECT 1 FROM plans WHERE name = ?", (name,)).fetchone():
                return "unknown"
            used = db.execute("SELECT 1 FROM accounts WHERE plan = ? LIMIT 1", (name,)).fetchone()
            if used and name not in BUILT_IN_PLANS:
                return "in_use"
            db.execute("DELETE FROM plans WHERE name = ?", (name,))
            return "dropped"

        return await self._change(job, by)

    async def plans(self) -> Mapping[str, Plan]:
        """Return all plans."""
        return await self._read(reports.plans)

    # Budgets

    async def put_budget(self, budget: Budget, *, by: Actor | None = None) -> None:
        """Write a budget; its account must exist."""

        def job(db: sqlite3.Connection) -> None:
            if reports.account(db, budget.account) is None:
                raise UsageMistake(f"there is no account '{budget.account}'")
            _put_budget(db, budget)

        await self._change(job, by)

    async def change_budget(
        self,
        account: str,
        id: str,
        change: Callable[[Budget], Budget | None],
        *,
        by: Actor | None = None,
    ) -> Budget | None:
        """Change a budget in one step, or end it."""

        def job(db: sqlite3.Connection) -> Budget | None:
            budget = reports.budget(db, account, id)
            if budget is None:
                return None
            changed = change(budget)
            if changed is None:
                db.execute("DELETE FROM budgets WHERE id = ?", (id,))
                return budget
            _put_budget(db, changed)
            return changed

        return await self._change(job, by)

    async def budget(self, account: str, id: str) -> Budget | None:
        """Return a budget of an account."""
        return await self._read(lambda db: reports.budget(db, account, id))

    async def budget_count(self, account: str, key: str | None) -> int:
        """Return how many budgets an account or a lineage has."""
        return await self._read(lambda db: reports.budget_count(db, account, key))

    async def budgets(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Budget]:
        """Return an account's budgets by id."""
        return await self._read(lambda db: reports.budgets(db, account, after, limit))


_ADD_ACCOUNT = (
    "INSERT OR IGNORE INTO accounts (id, name, plan, created, deleted, operator, region)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def _account_values(account: Account) -> tuple[object, ...]:
    return (
        account.id,
        account.name,
        account.plan,
        account.created,
        account.deleted,
        account.operator,
        account.region,
    )


def _replace_account(db: sqlite3.Connection, account: Account) -> None:
    db.execute("DELETE FROM accounts WHERE id = ?", (account.id,))
    db.execute(_ADD_ACCOUNT, _account_values(account))


def _check_plan(db: sqlite3.Connection, account: Account) -> None:
    if reports.plan(db, account.plan) is None:
        raise UsageMistake(f"there is no plan '{account.plan}'")


_ADD_KEY = (
    "INSERT OR IGNORE INTO keys (id, account, digest, hint, name, created, scopes, expires,"
    " revoked, requests_per_minute, tokens_per_minute, lineage)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def _add_key(db: sqlite3.Connection, key: Key) -> bool:
    account = reports.account(db, key.account)
    if account is None or account.deleted is not None:
        raise UsageMistake(f"there is no account '{key.account}'")
    return db.execute(_ADD_KEY, _key_values(key)).rowcount == 1


def _key_values(key: Key) -> tuple[object, ...]:
    return (
        key.id,
        key.account,
        key.digest,
        key.hint,
        key.name,
        key.created,
        " ".join(sorted(key.scopes)),
        key.expires,
        key.revoked,
        key.requests_per_minute,
        key.tokens_per_minute,
        key.lineage,
    )


def _put_budget(db: sqlite3.Connection, budget: Budget) -> None:
    db.execute(
        'INSERT OR REPLACE INTO budgets (id, account, key, period, "limit") VALUES (?, ?, ?, ?, ?)',
        (budget.id, budget.account, budget.key, budget.period, budget.limit),
    )
