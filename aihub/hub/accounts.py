"""Accounts, keys, plans and budgets: who may call, and how it is found out that they may."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import attrs

from ..core.asks import check_text
from ..core.keys import MAX_KEY, PREFIX, digest, format_key, hint, well_formed
from ..errors import AuthenticationFailed, InvalidRequest, NotFound
from ..model.account import (
    DEFAULT_SCOPES,
    SCOPES,
    Account,
    Budget,
    Identity,
    Key,
    Period,
    Plan,
    Scope,
)
from ..model.units import SECOND, Micros, Pico
from ..protocols import Clock, Directory, Ids

LOOKUP_TTL: Micros = 5 * SECOND
"""How long a key's look-up is believed. Revocation is exact all the same: admission asks again."""

MAX_LOOKUPS = 10_000
"""Keys remembered at a time, some 10 MB."""


MAX_OVERLAP = 400 * 86_400
"""Seconds that a rotated key may live on: longer is not a rotation."""


@attrs.frozen
class NewKey:
    """A key just made. Its secret is shown here and never again."""

    key: Key
    secret: str = attrs.field(repr=False)


class Gate:
    """Find out who calls."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: OrderedDict[bytes | str, tuple[Identity, Micros]] = OrderedDict()

    async def authenticate(self, secret: str | None) -> Identity:
        """Return whose key *secret* is.

        Raises:
            AuthenticationFailed: missing, unknown, expired or revoked.
            StoreUnavailable: nobody can tell; never taken for a wrong key.
        """
        if not secret:
            raise AuthenticationFailed("missing_api_key")
        if len(secret) > MAX_KEY:
            raise AuthenticationFailed("invalid_api_key")
        now = self._clock.now()
        sum_ = digest(secret)
        found = self._cached(sum_, now)
        if found is None:
            if not well_formed(secret):
                raise AuthenticationFailed("invalid_api_key")
            found = self._remember(sum_, await self._directory.identify(sum_), now)
        if found is None or found.key is None or found.account.deleted is not None:
            raise AuthenticationFailed("invalid_api_key")
        if found.key.revoked_at(now):
            raise AuthenticationFailed("revoked_api_key")
        if found.key.expired_at(now):
            raise AuthenticationFailed("expired_api_key")
        return found

    async def account(self, id: str) -> Identity:
        """Return an account as a caller without a key: the embedding program itself.

        Raises:
            NotFound: there is no such account, or it was deleted.
        """
        now = self._clock.now()
        found = self._cached(id, now)
        if found is None:
            found = self._remember(id, await self._directory.identity(id), now)
        if found is None or found.account.deleted is not None:
            raise NotFound("account", id)
        return found

    def forget(self) -> None:
        """Believe no earlier look-up."""
        self._known.clear()

    def _cached(self, name: bytes | str, now: Micros) -> Identity | None:
        # A dict's look-up of a digest tells nothing by its time: whoever times it would have to
        # choose digests, which means inverting SHA-256.
        found = self._known.get(name)
        return None if found is None or found[1] <= now else found[0]

    def _remember(
        self, name: bytes | str, identity: Identity | None, now: Micros
    ) -> Identity | None:
        if identity is not None:
            self._known[name] = (identity, now + LOOKUP_TTL)
            self._known.move_to_end(name)
            if len(self._known) > MAX_LOOKUPS:
                self._known.popitem(last=False)
        return identity


class Accounts:
    """Accounts, their keys and budgets, and the plans they are on: `hub.accounts`.

    Money is in pico-dollars (`aihub.usd` reads dollars), time in microseconds since the epoch.
    Everything that names an account not there raises `NotFound`. A call that is cancelled
    happened or did not, never half.
    """

    def __init__(self, directory: Directory, gate: Gate, clock: Clock, ids: Ids) -> None:
        self._directory = directory
        self._gate = gate
        self._clock = clock
        self._ids = ids

    async def create(self, name: str = "", *, plan: str = "free", id: str | None = None) -> Account:
        """Make an account on *plan*, `free`, `developer`, `pro`, `enterprise` or one's own.

        Raises:
            InvalidRequest: there is no such plan, or the id is taken.
        """
        await self._check_plan(plan)
        check_text(name, "name")
        check_text(id or "", "id")
        account = Account(
            id=id or self._ids.new("acc"), name=name, plan=plan, created=self._clock.now()
        )
        if not await self._directory.add_account(account):
            raise InvalidRequest(f"The account '{id}' exists.", param="id", code="already_exists")
        return account

    async def get(self, id: str) -> Account:
        """Return an account.

        Raises:
            NotFound: there is none, or it was deleted.
        """
        account = await self._directory.account(id)
        if account is None or account.deleted is not None:
            raise NotFound("account", id)
        return account

    async def list(self, *, after: str | None = None, limit: int = 100) -> Sequence[Account]:
        """Return accounts by id, at most *limit* of those after *after*."""
        return await self._directory.accounts(after=after, limit=limit)

    async def change_plan(self, id: str, plan: str) -> Account:
        """Put an account on another plan; what its windows hold stays.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: there is no such plan.
        """
        await self._check_plan(plan)
        return await self._change(id, lambda account: attrs.evolve(account, plan=plan))

    async def delete(self, id: str) -> Account:
        """End an account: its keys open nothing from now on. Its sums stay.

        Raises:
            NotFound: there is no such account.
        """
        now = self._clock.now()
        return await self._change(id, lambda account: attrs.evolve(account, deleted=now))

    async def _change(self, id: str, change: Callable[[Account], Account]) -> Account:
        def alive(account: Account) -> Account:
            if account.deleted is not None:
                raise NotFound("account", id)
            return change(account)

        changed = await self._directory.change_account(id, alive)
        self._gate.forget()
        if changed is None:
            raise NotFound("account", id)
        return changed

    async def _check_plan(self, plan: str) -> None:
        plans = await self._directory.plans()
        if plan not in plans:
            known = ", ".join(sorted(plans))
            raise InvalidRequest(f"There is no plan '{plan}'. There are: {known}.", param="plan")

    # Plans

    async def put_plan(self, plan: Plan) -> None:
        """Write a plan of one's own; one with a built-in plan's name takes its place."""
        await self._directory.put_plan(plan)
        self._gate.forget()

    async def plans(self) -> Sequence[Plan]:
        """Return all plans."""
        return list((await self._directory.plans()).values())

    # Keys

    async def create_key(
        self,
        account: str,
        *,
        name: str = "",
        scopes: Iterable[Scope] = DEFAULT_SCOPES,
        expires: Micros | None = None,
        requests_per_minute: int | None = None,
        tokens_per_minute: int | None = None,
        secret: str | None = None,
    ) -> NewKey:
        """Make a key for an account.

        Args:
            account: the account's id.
            name: for people.
            scopes: of `read`, `inference` and `admin`.
            expires: when it stops to open anything.
            requests_per_minute: a limit tighter than the account's.
            tokens_per_minute: the same for tokens.
            secret: a fixed secret, for tests; None (the default) makes 256 random bits.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: a scope is unknown, a limit is not positive, or the secret is malformed
                or taken.
        """
        await self.get(account)
        text = format_key(self._ids.secret()) if secret is None else secret
        if not well_formed(text):
            raise InvalidRequest(
                "A secret is printable ASCII; one that begins with "
                f"'{PREFIX}' must end with its checksum.",
                param="secret",
            )
        check_text(name, "name")
        try:
            key = Key(
                id=self._ids.new("key"),
                account=account,
                digest=digest(text),
                hint=hint(text),
                name=name,
                created=self._clock.now(),
                scopes=_scopes(scopes),
                expires=expires,
                requests_per_minute=requests_per_minute,
                tokens_per_minute=tokens_per_minute,
            )
        except ValueError as error:
            raise InvalidRequest(str(error), param=str(error).split()[0]) from None
        if not await self._directory.add_key(key):
            raise InvalidRequest("Another key has this secret.", param="secret")
        return NewKey(key, text)

    async def fix_key(
        self, account: str, secret: str, *, scopes: Iterable[Scope] = DEFAULT_SCOPES
    ) -> Key:
        """Have a key with a secret of one's own: make it, or make it good again.

        For keys that a configuration names: started twice, it says the same.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: a scope is unknown, the secret is malformed or another account's.
        """
        await self.get(account)
        found = await self._directory.identify(digest(secret)) if well_formed(secret) else None
        if found is None or found.key is None:
            return (await self.create_key(account, scopes=scopes, secret=secret)).key
        if found.account.id != account:
            raise InvalidRequest("Another account has this secret.", param="secret")
        given = _scopes(scopes)
        return await self._change_key(
            account,
            found.key.id,
            lambda key: attrs.evolve(key, scopes=given, revoked=None, expires=None),
        )

    async def key(self, account: str, id: str) -> Key:
        """Return one key of an account.

        Raises:
            NotFound: the account has no such key.
        """
        key = await self._directory.key(account, id)
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
        return await self._directory.keys(account, after=after, limit=limit)

    async def rotate_key(self, account: str, id: str, *, overlap: float = 0) -> NewKey:
        """Make a key like another, which ends *overlap* seconds from now.

        Raises:
            NotFound: the account has no such key.
            InvalidRequest: *overlap* is out of range, or the key has ended already.
        """
        if not 0 <= overlap <= MAX_OVERLAP:  # Not a number fails here too.
            raise InvalidRequest(
                f"'overlap' must be from 0 to {MAX_OVERLAP} seconds.", param="overlap"
            )
        old = await self.key(account, id)
        now, secret = self._clock.now(), format_key(self._ids.secret())
        ends = now + round(overlap * SECOND)

        def end(key: Key) -> Key:
            if not key.live_at(now):
                raise InvalidRequest("A key that has ended cannot be rotated.", param="id")
            return attrs.evolve(key, revoked=_sooner(key.revoked, ends))

        new = attrs.evolve(
            old,
            id=self._ids.new("key"),
            digest=digest(secret),
            hint=hint(secret),
            created=now,
            revoked=None,
        )
        await self._change_key(account, id, end, successor=new)
        return NewKey(new, secret)

    async def revoke_key(self, account: str, id: str) -> Key:
        """End a key now; a request that arrives a moment later is refused.

        Raises:
            NotFound: the account has no such key.
        """
        now = self._clock.now()
        # What was revoked stays so, and no later than it was.
        return await self._change_key(
            account, id, lambda key: attrs.evolve(key, revoked=_sooner(key.revoked, now))
        )

    async def expire_key(self, account: str, id: str, at: Micros | None) -> Key:
        """Set when a key expires; None is never.

        Raises:
            NotFound: the account has no such key.
        """
        return await self._change_key(account, id, lambda key: attrs.evolve(key, expires=at))

    async def scope_key(self, account: str, id: str, scopes: Iterable[Scope]) -> Key:
        """Set what a key may do.

        Raises:
            NotFound: the account has no such key.
            InvalidRequest: a scope is unknown.
        """
        given = _scopes(scopes)
        return await self._change_key(account, id, lambda key: attrs.evolve(key, scopes=given))

    async def _change_key(
        self, account: str, id: str, change: Callable[[Key], Key], *, successor: Key | None = None
    ) -> Key:
        changed = await self._directory.change_key(account, id, change, successor=successor)
        self._gate.forget()
        if changed is None:
            raise NotFound("key", id)
        return changed

    # Budgets

    async def create_budget(
        self, account: str, *, limit: Pico, period: Period = "month", key: str | None = None
    ) -> Budget:
        """Bound what an account, or one of its keys, may spend in a calendar period or ever.

        Raises:
            NotFound: there is no such account or key.
            InvalidRequest: the period is unknown, or the limit negative or above `MAX_MONEY`.
        """
        await self.get(account)
        lineage = None if key is None else (await self.key(account, key)).lineage
        try:
            budget = Budget(
                id=self._ids.new("bud"), account=account, key=lineage, period=period, limit=limit
            )
        except ValueError as error:
            raise InvalidRequest(str(error), param=str(error).split()[0]) from None
        await self._directory.put_budget(budget)
        self._gate.forget()
        return budget

    async def budgets(self, account: str) -> Sequence[Budget]:
        """Return an account's budgets, its keys' included.

        Raises:
            NotFound: there is no such account.
        """
        await self.get(account)
        return await self._directory.budgets(account)


def _sooner(one: Micros | None, other: Micros) -> Micros:
    return other if one is None else min(one, other)


def _scopes(scopes: Iterable[Scope]) -> frozenset[Scope]:
    given = frozenset(scopes)
    for unknown in sorted(given - set(SCOPES)):
        raise InvalidRequest(
            f"There is no scope '{unknown}'. There are: {', '.join(SCOPES)}.", param="scopes"
        )
    return given
