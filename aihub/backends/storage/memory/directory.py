"""Accounts, keys, plans and budgets of the store in memory.

As everywhere in it, a method runs from its first line to its last without awaiting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import TypeVar

import attrs

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

T = TypeVar("T")


class MemoryDirectory:
    """The part of a `MemoryStore` that says who there is."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}
        self._keys: dict[str, Key] = {}
        self._by_digest: dict[bytes, str] = {}
        self._plans: dict[str, Plan] = {}
        self._budgets: dict[str, Budget] = {}

    # Who is who

    async def identify(self, digest: bytes) -> Identity | None:
        """Return a key by its digest with all that belongs to it."""
        key = self._keys.get(self._by_digest.get(digest, ""))
        return None if key is None else self._identity(key.account, key)

    async def identity(self, account: str) -> Identity | None:
        """Return an account with its plan and budgets."""
        return self._identity(account, None)

    def _identity(self, id: str, key: Key | None) -> Identity | None:
        account = self._accounts.get(id)
        if account is None:
            return None
        wanted = (None,) if key is None else (None, key.lineage)
        budgets = tuple(
            budget
            for budget in self._budgets.values()
            if budget.account == id and budget.key in wanted
        )
        plan = self._plan(account.plan)
        assert plan is not None  # noqa: S101 - no account is on a plan that is not there
        return Identity(account=account, plan=plan, key=key, budgets=budgets)

    def _let(self, by: Actor | None) -> None:
        """Ask whether *by* may change something, as they are now."""
        if by is None:
            return
        key = None if by.key is None else self._keys.get(by.key)
        gone = by.key is not None and (key is None or key.account != by.account)
        by.check(None if gone else self._identity(by.account, key))

    # Accounts

    async def add_account(self, account: Account, *, by: Actor | None = None) -> bool:
        """Write a new account; its plan must exist."""
        self._let(by)
        self._check_plan(account)
        return self._accounts.setdefault(account.id, account) is account

    async def change_account(
        self, id: str, change: Callable[[Account], Account], *, by: Actor | None = None
    ) -> Account | None:
        """Change an account in one step."""
        self._let(by)
        account = self._accounts.get(id)
        if account is not None:
            account = change(account)
            self._check_plan(account)
            self._accounts[id] = account
        return account

    async def erase_account(
        self, id: str, at: Micros, *, by: Actor | None = None
    ) -> Account | None:
        """End an account and forget who it was, in one step."""
        self._let(by)
        account = self._accounts.get(id)
        if account is None or account.deleted is not None:
            return None
        for key in [key for key in self._keys.values() if key.account == id]:
            ends = at if key.revoked is None else min(key.revoked, at)
            self._keys[key.id] = attrs.evolve(key, name="", hint="", revoked=ends)
        erased = attrs.evolve(account, name="", plan="free", deleted=at)
        self._accounts[id] = erased
        return erased

    async def account(self, id: str) -> Account | None:
        """Return an account."""
        return self._accounts.get(id)

    async def accounts(self, *, after: str | None = None, limit: int = 100) -> Sequence[Account]:
        """Return accounts by id."""
        living = {id: one for id, one in self._accounts.items() if one.deleted is None}
        return page(living, after, limit)

    # Keys

    async def add_key(self, key: Key, *, by: Actor | None = None) -> bool:
        """Write a new key; its account must exist."""
        self._let(by)
        return self._add_key(key)

    def _add_key(self, key: Key) -> bool:
        account = self._accounts.get(key.account)
        if account is None or account.deleted is not None:
            raise UsageMistake(f"there is no account '{key.account}'")
        if key.id in self._keys or key.digest in self._by_digest:
            return False
        self._keys[key.id] = key
        self._by_digest[key.digest] = key.id
        return True

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
        self._let(by)
        key = await self.key(account, id)
        if key is None:
            return None
        changed = change(key)
        if successor is not None and not self._add_key(successor(key)):
            raise UsageMistake("the successor's secret is another key's")
        self._keys[id] = changed
        return changed

    async def key(self, account: str, id: str) -> Key | None:
        """Return a key of an account."""
        key = self._keys.get(id)
        return key if key is not None and key.account == account else None

    async def keys(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Key]:
        """Return an account's keys by id."""
        own = {id: key for id, key in self._keys.items() if key.account == account}
        return page(own, after, limit)

    async def key_count(self, account: str) -> int:
        """Return how many keys of an account are kept."""
        return sum(key.account == account for key in self._keys.values())

    def _forget_keys(self, before: Micros, limit: int) -> int:
        ended = [key for key in self._keys.values() if key.ends is not None and key.ends < before]
        for key in ended[:limit]:
            del self._keys[key.id]
            del self._by_digest[key.digest]
        return len(ended[:limit])

    # Plans

    def _plan(self, name: str) -> Plan | None:
        return self._plans.get(name) or BUILT_IN_PLANS.get(name)

    def _check_plan(self, account: Account) -> None:
        if self._plan(account.plan) is None:
            raise UsageMistake(f"there is no plan '{account.plan}'")

    async def change_plan(
        self, name: str, change: Callable[[Plan | None], Plan], *, by: Actor | None = None
    ) -> Plan:
        """Make or change a plan in one step."""
        self._let(by)
        plan = self._plans[name] = change(self._plan(name))
        return plan

    async def drop_plan(self, name: str, *, by: Actor | None = None) -> PlanDrop:
        """Delete a plan that no account is on."""
        self._let(by)
        if name not in self._plans:
            return "unknown"
        used = any(account.plan == name for account in self._accounts.values())
        if used and name not in BUILT_IN_PLANS:
            return "in_use"
        del self._plans[name]
        return "dropped"

    async def plans(self) -> Mapping[str, Plan]:
        """Return all plans."""
        return {**BUILT_IN_PLANS, **self._plans}

    # Budgets

    async def put_budget(self, budget: Budget, *, by: Actor | None = None) -> None:
        """Write a budget; its account must exist."""
        self._let(by)
        if budget.account not in self._accounts:
            raise UsageMistake(f"there is no account '{budget.account}'")
        self._budgets[budget.id] = budget

    async def change_budget(
        self,
        account: str,
        id: str,
        change: Callable[[Budget], Budget | None],
        *,
        by: Actor | None = None,
    ) -> Budget | None:
        """Change a budget in one step, or end it."""
        self._let(by)
        budget = await self.budget(account, id)
        if budget is None:
            return None
        changed = change(budget)
        if changed is None:
            return self._budgets.pop(id)
        self._budgets[id] = changed
        return changed

    async def budget(self, account: str, id: str) -> Budget | None:
        """Return a budget of an account."""
        budget = self._budgets.get(id)
        return budget if budget is not None and budget.account == account else None

    async def budget_count(self, account: str, key: str | None) -> int:
        """Return how many budgets an account or a lineage has."""
        return sum((one.account, one.key) == (account, key) for one in self._budgets.values())

    async def budgets(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Budget]:
        """Return an account's budgets by id."""
        own = {id: one for id, one in self._budgets.items() if one.account == account}
        return page(own, after, limit)


def page(
    table: Mapping[str, T], after: str | None, limit: int, *, newest_first: bool = False
) -> list[T]:
    """Return what follows *after* by id, or comes before it, at most *limit* of it."""
    if newest_first:
        ids = sorted([id for id in table if after is None or id < after], reverse=True)
    else:
        ids = sorted([id for id in table if after is None or id > after])
    return [table[id] for id in islice(ids, limit)]
