"""Leave for one change of accounts, keys, plans or budgets.

It is looked at twice: when it is asked for, and by `Actor.check` in the transaction that writes the
change. So a key that was revoked a moment ago changes nothing, and one that was narrowed hands on
no more than it still has.
"""

from __future__ import annotations

from ..core.rights import check_budget, check_key, check_reach, handed_on
from ..model.account import Actor, Budget, Identity, Key
from ..model.units import Pico
from ..protocols import Clock


class Permit:
    """What one caller may do to one account; the program itself (None) may do everything."""

    def __init__(
        self, caller: Identity | None, clock: Clock, account: str | None, *, operator: bool
    ) -> None:
        self._caller = caller
        self._clock = clock
        self._account = account
        self._operator = operator
        self._made: Key | None = None
        if caller is not None:
            self._check(caller)

    @property
    def actor(self) -> Actor | None:
        """The caller, to be looked at again in the transaction."""
        caller = self._caller
        if caller is None:
            return None
        key = None if caller.key is None else caller.key.id
        return Actor(account=caller.account.id, key=key, check=self._check)

    def _check(self, caller: Identity | None) -> None:
        self._caller = caller = check_reach(
            caller, self._clock.now(), account=self._account, operator=self._operator
        )
        if self._made is not None:
            check_key(self._made, caller)

    def make(self, key: Key) -> Key:
        """Return a new key as the caller may make it.

        Raises:
            NotPermitted: it would reach further than theirs.
        """
        if self._caller is None:
            return key
        self._made = key = handed_on(key, self._caller)
        check_key(key, self._caller)
        return key

    def check_key(self, key: Key, *, before: Key | None = None) -> None:
        """Refuse a key that reaches further than the caller's; see `core.rights.check_key`."""
        if self._caller is not None:
            check_key(key, self._caller, before=before)

    def check_budget(self, budget: Budget, limit: Pico | None) -> None:
        """Refuse a change of a budget; see `core.rights.check_budget`."""
        if self._caller is not None:
            check_budget(budget, limit, self._caller)
