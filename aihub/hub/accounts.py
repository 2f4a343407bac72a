"""Accounts, keys, plans and budgets: who may call, and who may say so.

Theory of operation. Each call is one step of the store's. A program that calls `hub.accounts` may
do everything; `as_caller` gives the same calls to somebody who has a key, within what that key may
do (`core.rights`). Longer than our files are meant to be: a table of calls, each a few lines below
its contract.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from itertools import islice
from typing import Final, TypeVar

import attrs

from ..core.asks import check_text
from ..core.keys import PREFIX, digest, format_key, hint, well_formed
from ..core.periods import period_ends, period_label
from ..errors import Conflict, InvalidRequest, NotFound, NotPermitted, UsageMistake
from ..messages import Msg
from ..model.account import (
    BUILT_IN_PLANS,
    DEFAULT_SCOPES,
    MAX_NAME,
    MAX_OVERLAP,
    SCOPES,
    Account,
    Budget,
    Identity,
    Key,
    Period,
    Plan,
    Scope,
    Standing,
    TokenReserve,
)
from ..model.units import REGION, SECOND, Micros, Pico
from ..protocols import Clock, Ids, Store
from .gate import Gate
from .permits import Permit

T = TypeVar("T")

LOCAL_ACCOUNT = "acc_local"
"""The account of the embedding program itself, for calls without a key; it has no limits."""


MAX_KEYS = 10_000
"""Keys that an account may have, ended ones that are still kept included: a caller in a loop must
not fill the store, and to erase an account is one transaction over its keys."""

MAX_BUDGETS = 10
"""Budgets of one account, or of one key: every request holds in each of them."""


class Keep(Enum):
    """What a change does not name."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@attrs.frozen
class NewKey:
    """A key just made. Its secret is shown here and never again."""

    key: Key
    secret: str = attrs.field(repr=False)


class Accounts:
    """Accounts, their keys and budgets, and the plans they are on: `hub.accounts`.

    Money is in pico-dollars (`aihub.usd` reads dollars), time in microseconds since the epoch.
    Everything that names an account not there raises `NotFound`. A call that is cancelled
    happened or did not, never half. What is changed holds at once in this process, and in others
    that share the store as soon as their look-ups are older than `LOOKUP_TTL`.
    """

    def __init__(
        self,
        store: Store,
        gate: Gate,
        clock: Clock,
        ids: Ids,
        *,
        erased: Callable[[], None] = lambda: None,
        caller: Identity | None = None,
    ) -> None:
        self._store = store
        self._gate = gate
        self._clock = clock
        self._ids = ids
        self._erased = erased
        self._caller = caller

    def as_caller(self, identity: Identity) -> Accounts:
        """Return the same calls for somebody else, who may do what their key may.

        An operator's key with the scope `admin` may do everything. Another account's key with
        that scope sees its own account, reads the built-in plans and its own, and manages its
        account's keys and their budgets: never a key that reaches further than itself. Besides
        what each call says, they raise:

        Raises:
            AuthenticationFailed: the key has ended meanwhile.
            PermissionDenied: the key lacks the scope `admin`.
            NotFound: the account is another's.
            NotPermitted: only operators may do this, or it goes beyond the key's own rights.
        """
        return Accounts(
            self._store, self._gate, self._clock, self._ids, erased=self._erased, caller=identity
        )

    def _permit(self, account: str | None, *, operator: bool = False) -> Permit:
        return Permit(self._caller, self._clock, account, operator=operator)

    async def _write(self, step: Awaitable[T]) -> T:
        try:
            return await step
        finally:
            # Also where it failed: it may be that our look-ups are what was wrong.
            self._gate.forget()

    # Accounts

    async def create(
        self,
        name: str = "",
        *,
        plan: str = "free",
        id: str | None = None,
        operator: bool = False,
        region: str | None = None,
    ) -> Account:
        """Make an account on *plan*, `free`, `developer`, `pro`, `enterprise` or one's own.

        Args:
            name: for people.
            plan: its limits.
            id: an id of one's own.
            operator: whether its `admin` keys manage every account.
            region: one that its requests never leave.

        Raises:
            InvalidRequest: there is no such plan, or that can be no region.
            Conflict: the id is taken.
        """
        permit = self._permit(None, operator=True)
        await self._check_plan(plan)
        _check_name(name)
        check_text(id or "", "id")
        _check_region(region)
        account = Account(
            id=id or self._ids.new("acc"),
            name=name,
            plan=plan,
            created=self._clock.now(),
            operator=operator,
            region=region,
        )
        with _plan_is_there(plan):
            added = await self._write(self._store.add_account(account, by=permit.actor))
        if not added:
            raise Conflict(
                Msg("The account '{id}' exists.", id=id), param="id", code="already_exists"
            )
        return account

    async def fix_account(self, id: str, *, plan: str, operator: bool = False) -> Account:
        """Have an account with an id of one's own: make it, or make it good again.

        For accounts that a configuration names: started twice, it says the same.

        Raises:
            InvalidRequest: there is no such plan.
        """
        permit = self._permit(None, operator=True)
        await self._check_plan(plan)

        async def mend() -> Account | None:
            return await self._write(
                self._store.change_account(
                    id,
                    lambda one: attrs.evolve(one, plan=plan, operator=operator, deleted=None),
                    by=permit.actor,
                )
            )

        found = await mend()
        if found is not None:
            return found
        try:
            return await self.create(id=id, plan=plan, operator=operator)
        except Conflict:
            # Another process, told the same, was faster.
            return await mend() or await self.get(id)

    async def get(self, id: str) -> Account:
        """Return an account.

        Raises:
            NotFound: there is none, or it was deleted.
        """
        self._permit(id)
        account = await self._store.account(id)
        if account is None or account.deleted is not None:
            raise NotFound("account", id)
        return account

    async def list(self, *, after: str | None = None, limit: int = 100) -> Sequence[Account]:
        """Return accounts by id, at most *limit* of those after *after*."""
        self._permit(None)
        caller = self._caller
        if caller is None or caller.account.operator:
            return await self._store.accounts(after=after, limit=limit)
        own = caller.account
        return [own][:limit] if after is None or own.id > after else []

    async def change(
        self,
        id: str,
        *,
        name: str | None = None,
        plan: str | None = None,
        operator: bool | None = None,
        region: str | Keep | None = KEEP,
    ) -> Account:
        """Change what is named of an account; on another plan, what its windows hold stays.

        A *region* of None lets its requests go anywhere.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: there is no such plan, or that can be no region.
            NotPermitted: a caller wants to take the right to operate from their own account.
        """
        permit = self._permit(id, operator=True)
        if operator is False and self._is_own(id):
            raise _own_account(
                Msg(
                    "An account cannot be taken the right to operate with a key of its own: "
                    "nobody might be left who could undo it."
                )
            )
        if plan is not None:
            await self._check_plan(plan)
        if name is not None:
            _check_name(name)
        given = {"name": name, "plan": plan, "operator": operator}
        changes: dict[str, object] = {
            field: value for field, value in given.items() if value is not None
        }
        if region is not KEEP:
            _check_region(region)
            changes["region"] = region

        def change(account: Account) -> Account:
            if account.deleted is not None:
                raise NotFound("account", id)
            return attrs.evolve(account, **changes)  # type: ignore[arg-type]

        with _plan_is_there(plan):
            changed = await self._write(self._store.change_account(id, change, by=permit.actor))
        if changed is None:
            raise NotFound("account", id)
        return changed

    async def delete(self, id: str) -> Account:
        """End an account and forget who it was; its sums stay.

        Its keys open nothing from now on; its name, and its keys' names and hints, are erased
        with it. Labels and end users of its requests follow within moments, in batches.

        Raises:
            NotFound: there is no such account.
            Conflict: it is the program's own.
            NotPermitted: it is the caller's own.
        """
        permit = self._permit(id, operator=True)
        if id == LOCAL_ACCOUNT:
            raise Conflict(Msg("The program's own account stays."), code="reserved_account")
        if self._is_own(id):
            raise _own_account(
                Msg(
                    "An account cannot be deleted with a key of its own: nobody might be left "
                    "who could undo it."
                )
            )
        now = self._clock.now()
        erased = await self._write(self._store.erase_account(id, now, by=permit.actor))
        if erased is None:
            raise NotFound("account", id)
        self._erased()
        return erased

    def _is_own(self, id: str) -> bool:
        return self._caller is not None and self._caller.account.id == id

    async def _check_plan(self, plan: str) -> None:
        plans = await self._store.plans()
        if plan not in plans:
            known = ", ".join(sorted(plans))
            raise InvalidRequest(
                Msg("There is no plan '{plan}'. There are: {known}.", plan=plan, known=known),
                param="plan",
            )

    # Plans

    async def put_plan(self, plan: Plan) -> None:
        """Write a plan of one's own; one with a built-in plan's name takes its place."""
        permit = self._permit(None, operator=True)
        _check_name(plan.name)
        await self._write(self._store.change_plan(plan.name, lambda _: plan, by=permit.actor))

    async def set_plan(
        self,
        name: str,
        *,
        requests_per_minute: int | Keep | None = KEEP,
        tokens_per_minute: int | Keep | None = KEEP,
        parallel: int | Keep | None = KEEP,
        token_reserve: TokenReserve | Keep = KEEP,
    ) -> Plan:
        """Change what is named of a plan, or make it; None is no limit.

        It holds from the next request on, and what the windows of its accounts hold stays.

        Raises:
            InvalidRequest: a limit is not positive.
        """
        permit = self._permit(None, operator=True)
        _check_name(name)
        changes = _named(
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
            parallel=parallel,
            token_reserve=token_reserve,
        )

        def change(plan: Plan | None) -> Plan:
            with _checks():
                return attrs.evolve(plan or Plan(name=name), **changes)  # type: ignore[arg-type]

        return await self._write(self._store.change_plan(name, change, by=permit.actor))

    async def drop_plan(self, name: str) -> None:
        """Delete a plan; a built-in one that was replaced shows again.

        Raises:
            NotFound: there is no such plan.
            Conflict: accounts are on it, or it is built in.
        """
        permit = self._permit(None, operator=True)
        done = await self._write(self._store.drop_plan(name, by=permit.actor))
        if done == "in_use":
            raise Conflict(Msg("Accounts are on the plan '{name}'.", name=name), code="plan_in_use")
        if done == "unknown":
            if name in BUILT_IN_PLANS:
                raise Conflict(
                    Msg("The plan '{name}' is built in.", name=name), code="built_in_plan"
                )
            raise NotFound("plan", name)

    async def plan(self, name: str) -> Plan:
        """Return a plan.

        Raises:
            NotFound: there is none of that name.
        """
        found = (await self._plans()).get(name)
        if found is None:
            raise NotFound("plan", name)
        return found

    async def plans(self, *, after: str | None = None, limit: int = 100) -> Sequence[Plan]:
        """Return plans by name, at most *limit* of those after *after*."""
        found = await self._plans()
        names = sorted(name for name in found if after is None or name > after)
        return [found[name] for name in islice(names, limit)]

    async def _plans(self) -> dict[str, Plan]:
        self._permit(None)
        plans, caller = await self._store.plans(), self._caller
        if caller is None or caller.account.operator:
            return dict(plans)
        # What else is sold, and to whom, is nobody's business.
        own = {*BUILT_IN_PLANS, caller.account.plan}
        return {name: plan for name, plan in plans.items() if name in own}

    # Keys

    async def create_key(
        self,
        account: str,
        *,
        name: str = "",
        scopes: Iterable[Scope] | None = None,
        expires: Micros | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        secret: str | None = None,
    ) -> NewKey:
        """Make a key for an account.

        Args:
            account: the account's id.
            name: for people.
            scopes: of `read`, `inference` and `admin`; by default the first two, as far as the
                caller has them.
            expires: when it stops to open anything. None: never, or when the caller's key does.
            requests_per_minute: a limit tighter than the account's. None: none, or the caller's.
            tokens_per_minute: the same for tokens.
            secret: a fixed secret, for tests; None (the default) makes 256 random bits.

        A key that has limits or budgets of its own shares them with the keys it makes.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: a scope is unknown, a limit is not positive, or the secret is malformed
                or taken.
            Conflict: the account has `MAX_KEYS`.
        """
        caller = await self._caller_now()
        permit = Permit(caller, self._clock, account, operator=secret is not None)
        await self.get(account)
        text = format_key(self._ids.secret()) if secret is None else secret
        if not well_formed(text):
            raise InvalidRequest(
                Msg(
                    "A secret is printable ASCII; one that begins with '{prefix}' must end with "
                    "its checksum.",
                    prefix=PREFIX,
                ),
                param="secret",
            )
        _check_name(name)
        with _checks():
            key = Key(
                id=self._ids.new("key"),
                account=account,
                digest=digest(text),
                hint=hint(text),
                name=name,
                created=self._clock.now(),
                scopes=_default_scopes(caller) if scopes is None else _scopes(scopes),
                expires=expires,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
            )
        key = permit.make(key)
        if await self._store.key_count(account) >= MAX_KEYS:
            raise Conflict(Msg("The account has {most} keys.", most=MAX_KEYS), code="too_many_keys")
        try:
            added = await self._write(self._store.add_key(key, by=permit.actor))
        except UsageMistake:  # Deleted since we looked.
            raise NotFound("account", account) from None
        if not added:
            raise InvalidRequest(Msg("Another key has this secret."), param="secret")
        return NewKey(key, text)

    async def _caller_now(self) -> Identity | None:
        """Return the caller as they stand: what they hand on depends on it."""
        caller = self._caller
        if caller is None or caller.key is None:
            return caller
        return await self._store.identify(caller.key.digest) or caller

    async def fix_key(
        self, account: str, secret: str, *, scopes: Iterable[Scope] = DEFAULT_SCOPES
    ) -> Key:
        """Have a key with a secret of one's own: make it, or make it good again.

        For keys that a configuration names: started twice, it says the same.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: a scope is unknown, the secret is malformed or another account's.
        """
        permit = self._permit(account, operator=True)
        await self.get(account)
        found = await self._store.identify(digest(secret)) if well_formed(secret) else None
        if found is None or found.key is None:
            return (await self.create_key(account, scopes=scopes, secret=secret)).key
        if found.account.id != account:
            raise InvalidRequest(Msg("Another account has this secret."), param="secret")
        given = _scopes(scopes)
        return await self._change_key(
            account,
            found.key.id,
            lambda key: attrs.evolve(key, scopes=given, revoked=None, expires=None),
            permit,
        )

    async def key(self, account: str, id: str) -> Key:
        """Return one key of an account.

        Raises:
            NotFound: the account has no such key.
        """
        self._permit(account)
        key = await self._store.key(account, id)
        if key is None:
            raise NotFound("key", id)
        return key

    async def keys(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Key]:
        """Return an account's keys by id, at most *limit* of those after *after*.

        Raises:
            NotFound: there is no such account.
        """
        await self.get(account)
        return await self._store.keys(account, after=after, limit=limit)

    async def change_key(
        self,
        account: str,
        id: str,
        *,
        name: str | Keep = KEEP,
        scopes: Iterable[Scope] | Keep = KEEP,
        expires: Micros | Keep | None = KEEP,
        requests_per_minute: int | Keep | None = KEEP,
        tokens_per_minute: int | Keep | None = KEEP,
    ) -> Key:
        """Change what is named of a key: what it is called, what it may do, when it expires.

        Raises:
            NotFound: the account has no such key.
            InvalidRequest: a scope is unknown, or a limit is not positive.
        """
        permit = self._permit(account)
        if not isinstance(name, Keep):
            _check_name(name)
        changes = _named(
            name=name,
            scopes=scopes if isinstance(scopes, Keep) else _scopes(scopes),
            expires=expires,
            requests_per_minute=requests_per_minute,
            tokens_per_minute=tokens_per_minute,
        )

        def change(key: Key) -> Key:
            with _checks():
                changed = attrs.evolve(key, **changes)  # type: ignore[arg-type]
            permit.check_key(changed, before=key)
            return changed

        return await self._change_key(account, id, change, permit)

    async def rotate_key(self, account: str, id: str, *, overlap: float = 0) -> NewKey:
        """Make a key like another, which ends *overlap* seconds from now.

        Raises:
            NotFound: the account has no such key.
            InvalidRequest: *overlap* is out of range.
            Conflict: the key has ended already, or the account has `MAX_KEYS`.
        """
        permit = self._permit(account)
        if not 0 <= overlap <= MAX_OVERLAP:  # Not a number fails here too.
            raise InvalidRequest(
                Msg("'overlap' must be from 0 to {most} seconds.", most=MAX_OVERLAP),
                param="overlap",
            )
        if await self._store.key_count(account) >= MAX_KEYS:
            raise Conflict(Msg("The account has {most} keys.", most=MAX_KEYS), code="too_many_keys")
        now, secret = self._clock.now(), format_key(self._ids.secret())
        ends, new_id = now + round(overlap * SECOND), self._ids.new("key")
        made: list[Key] = []

        def end(key: Key) -> Key:
            if not key.live_at(now):
                raise Conflict(Msg("A key that has ended cannot be rotated."), code="key_ended")
            return attrs.evolve(key, revoked=_sooner(key.revoked, ends))

        def succeed(key: Key) -> Key:
            new = attrs.evolve(
                key, id=new_id, digest=digest(secret), hint=hint(secret), created=now, revoked=None
            )
            permit.check_key(new)
            made[:] = [new]
            return new

        await self._change_key(account, id, end, permit, successor=succeed)
        return NewKey(made[0], secret)

    async def revoke_key(self, account: str, id: str) -> Key:
        """End a key now; a request that arrives a moment later is refused.

        Raises:
            NotFound: the account has no such key.
        """
        permit, now = self._permit(account), self._clock.now()
        # What was revoked stays so, and no later than it was.
        return await self._change_key(
            account, id, lambda key: attrs.evolve(key, revoked=_sooner(key.revoked, now)), permit
        )

    async def _change_key(
        self,
        account: str,
        id: str,
        change: Callable[[Key], Key],
        permit: Permit,
        *,
        successor: Callable[[Key], Key] | None = None,
    ) -> Key:
        changed = await self._write(
            self._store.change_key(account, id, change, successor=successor, by=permit.actor)
        )
        if changed is None:
            raise NotFound("key", id)
        return changed

    # Budgets

    async def create_budget(
        self, account: str, *, limit: Pico, period: Period = "month", key: str | None = None
    ) -> Budget:
        """Bound what an account, or one of its keys, may spend in a calendar period or ever.

        A key's budget goes with its lineage: the keys that are rotated into each other.

        Raises:
            NotFound: there is no such account or key.
            InvalidRequest: the period is unknown, or the limit negative or above `MAX_MONEY`.
            Conflict: the account, or the key, has `MAX_BUDGETS`.
        """
        permit = self._permit(account, operator=key is None)
        await self.get(account)
        lineage = None if key is None else (await self.key(account, key)).lineage
        with _checks():
            budget = Budget(
                id=self._ids.new("bud"), account=account, key=lineage, period=period, limit=limit
            )
        if await self._store.budget_count(account, lineage) >= MAX_BUDGETS:
            raise Conflict(
                Msg("There are {most} budgets.", most=MAX_BUDGETS), code="too_many_budgets"
            )
        await self._write(self._store.put_budget(budget, by=permit.actor))
        return budget

    async def budget(self, account: str, id: str) -> Budget:
        """Return one budget of an account.

        Raises:
            NotFound: the account has no such budget.
        """
        self._permit(account)
        found = await self._store.budget(account, id)
        if found is None:
            raise NotFound("budget", id)
        return found

    async def budgets(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Budget]:
        """Return an account's budgets by id, its keys' included.

        Raises:
            NotFound: there is no such account.
        """
        await self.get(account)
        return await self._store.budgets(account, after=after, limit=limit)

    async def standing(self, budget: Budget) -> Standing:
        """Return what a budget has spent and holds in its period of now.

        Raises:
            NotFound: it is another account's.
        """
        self._permit(budget.account)
        now = self._clock.now()
        label = period_label(budget.period, now)
        state = await self._store.budget_state(budget.id, label)
        return Standing(
            budget=budget,
            spent=state.spent,
            held=state.held,
            renews=period_ends(budget.period, now),
        )

    async def change_budget(self, account: str, id: str, *, limit: Pico) -> Budget:
        """Set what a budget may spend; below what is spent already, it is used up.

        Raises:
            NotFound: the account has no such budget.
            InvalidRequest: the limit is negative or above `MAX_MONEY`.
        """

        def change(budget: Budget) -> Budget:
            permit.check_budget(budget, limit)
            with _checks():
                return attrs.evolve(budget, limit=limit)

        permit = self._permit(account)
        return await self._change_budget(account, id, change, permit)

    async def drop_budget(self, account: str, id: str) -> Budget:
        """End a budget; requests in flight settle all the same.

        Raises:
            NotFound: the account has no such budget.
        """

        def drop(budget: Budget) -> None:
            permit.check_budget(budget, None)

        permit = self._permit(account)
        return await self._change_budget(account, id, drop, permit)

    async def _change_budget(
        self, account: str, id: str, change: Callable[[Budget], Budget | None], permit: Permit
    ) -> Budget:
        changed = await self._write(self._store.change_budget(account, id, change, by=permit.actor))
        if changed is None:
            raise NotFound("budget", id)
        return changed


def _sooner(one: Micros | None, other: Micros) -> Micros:
    return other if one is None else min(one, other)


def _check_name(name: str) -> None:
    check_text(name, "name")
    if len(name) > MAX_NAME:
        raise InvalidRequest(
            Msg("'name' has more than {most} characters.", most=MAX_NAME), param="name"
        )


def _own_account(why: Msg) -> NotPermitted:
    return NotPermitted(why, code="own_account")


def _named(**fields: object) -> dict[str, object]:
    """Return what a change names."""
    return {name: value for name, value in fields.items() if not isinstance(value, Keep)}


def _check_region(region: str | None) -> None:
    if region is not None and REGION.fullmatch(region) is None:
        raise InvalidRequest(
            Msg("'region' must be 1 to 64 printable ASCII characters without spaces."),
            param="region",
        )


@contextmanager
def _plan_is_there(plan: str | None) -> Iterator[None]:
    """Say that a plan was dropped since we looked."""
    try:
        yield
    except UsageMistake:
        raise InvalidRequest(Msg("There is no plan '{plan}'.", plan=plan), param="plan") from None


@contextmanager
def _checks() -> Iterator[None]:
    """Say what a value's own checks find wrong in the caller's terms."""
    try:
        yield
    except ValueError as error:
        raise InvalidRequest(error.args[0], param=str(error).split()[0]) from None


def _default_scopes(caller: Identity | None) -> frozenset[Scope]:
    if caller is None or caller.key is None or caller.account.operator:
        return DEFAULT_SCOPES
    return DEFAULT_SCOPES & caller.key.scopes


def _scopes(scopes: Iterable[Scope]) -> frozenset[Scope]:
    given = frozenset(scopes)
    for unknown in sorted(given - set(SCOPES)):
        raise InvalidRequest(
            Msg(
                "There is no scope '{unknown}'. There are: {known}.",
                unknown=unknown,
                known=", ".join(SCOPES),
            ),
            param="scopes",
        )
    return given
