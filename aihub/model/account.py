"""Who calls, under which plan, with which key and budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import attrs

from ..messages import Msg
from .units import PICO_PER_USD, Micros, Pico

Scope: TypeAlias = Literal["read", "inference", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "inference", "admin")
DEFAULT_SCOPES: frozenset[Scope] = frozenset({"read", "inference"})

TokenReserve: TypeAlias = Literal["estimate", "maximum"]
TOKEN_RESERVES: tuple[TokenReserve, ...] = ("estimate", "maximum")
Period: TypeAlias = Literal["day", "month", "total"]
PERIODS: tuple[Period, ...] = ("day", "month", "total")

MAX_NAME = 256
"""Characters of an account's, key's or plan's name: to be read by people, not to hold documents."""

MAX_LIMIT = 10**15
"""In one limit of a plan or key: beyond any use, and small enough to add up in 64 bits."""


def _positive(_: object, field: attrs.Attribute[int | None], value: int | None) -> None:
    if value is None:
        return
    if type(value) is not int or not 1 <= value <= MAX_LIMIT:
        raise ValueError(
            Msg(
                "{name} must be a whole number from 1 to {most}, or None for no limit; "
                "it is {value}",
                name=field.name,
                most=MAX_LIMIT,
                value=repr(value),
            )
        )


def _known(values: tuple[str, ...]) -> Callable[[object, attrs.Attribute[str], str], None]:
    def check(_: object, field: attrs.Attribute[str], value: str) -> None:
        if value not in values:
            raise ValueError(
                Msg(
                    "{name} must be one of {known}; it is {value}",
                    name=field.name,
                    known=", ".join(values),
                    value=repr(value),
                )
            )

    return check


@attrs.frozen(kw_only=True)
class Plan:
    """Limits that an account buys; None is no limit.

    `parallel` bounds requests open at once. `token_reserve` says what an admission sets aside for
    its answer: an `estimate` (the default), or the `maximum` it may use, for over-shoot 0.
    """

    name: str
    requests_per_minute: int | None = attrs.field(default=None, validator=_positive)
    tokens_per_minute: int | None = attrs.field(default=None, validator=_positive)
    parallel: int | None = attrs.field(default=None, validator=_positive)
    token_reserve: TokenReserve = attrs.field(default="estimate", validator=_known(TOKEN_RESERVES))


BUILT_IN_PLANS: Mapping[str, Plan] = {
    plan.name: plan
    for plan in (
        Plan(name="free", requests_per_minute=10, tokens_per_minute=10_000),
        Plan(name="developer", requests_per_minute=100, tokens_per_minute=100_000),
        Plan(name="pro", requests_per_minute=500, tokens_per_minute=500_000),
        Plan(name="enterprise"),
    )
}


MAX_OVERLAP = 400 * 86_400
"""Seconds that a rotated key may live on: longer is not a rotation."""

LOCAL_ACCOUNT = "acc_local"
"""The account of the embedding program itself, for calls without a key; it has no limits."""


@attrs.frozen(kw_only=True)
class Account:
    """A tenant. Limits belong to it; its keys share them.

    The `admin` keys of an `operator` account manage every account and the plans; those of another
    manage their own account's keys. The requests of one with a `region` never leave that.
    """

    id: str
    name: str
    plan: str
    created: Micros
    deleted: Micros | None = None
    operator: bool = False
    region: str | None = None


@attrs.frozen(kw_only=True)
class Key:
    """An API key as it is kept: its digest, never its secret.

    `hint` is its last four characters, for people to tell keys apart. Limits of its own are
    tighter than the account's and come on top of them. `lineage` is the id of the first key of
    those that were rotated into each other: they share budgets and limits.
    """

    id: str
    account: str
    digest: bytes = attrs.field(repr=False)
    hint: str
    name: str
    created: Micros
    scopes: frozenset[Scope] = DEFAULT_SCOPES
    expires: Micros | None = None
    revoked: Micros | None = None
    requests_per_minute: int | None = attrs.field(default=None, validator=_positive)
    tokens_per_minute: int | None = attrs.field(default=None, validator=_positive)
    lineage: str = attrs.field()

    @lineage.default
    def _first(self) -> str:
        return self.id

    def live_at(self, now: Micros) -> bool:
        """Say whether the key opens anything at *now*."""
        return not self.revoked_at(now) and not self.expired_at(now)

    @property
    def ends(self) -> Micros | None:
        """When the key stops to open anything, as things stand; None is never."""
        return min((at for at in (self.expires, self.revoked) if at is not None), default=None)

    def revoked_at(self, now: Micros) -> bool:
        """Say whether the key has been revoked by *now* (a rotation revokes in the future)."""
        return self.revoked is not None and self.revoked <= now

    def expired_at(self, now: Micros) -> bool:
        """Say whether the key has run out by *now*."""
        return self.expires is not None and self.expires <= now


MAX_MONEY: Pico = 9_000_000 * PICO_PER_USD
"""Dollars in one budget: pico-dollars in the 64-bit integers of SQL end at 9.2 million."""


def _money(_: object, field: attrs.Attribute[int], value: int) -> None:
    if type(value) is not int or not 0 <= value <= MAX_MONEY:
        raise ValueError(
            Msg(
                "{name} must be a whole number from 0 to {most} pico-dollars",
                name=field.name,
                most=MAX_MONEY,
            )
        )


@attrs.frozen(kw_only=True)
class Budget:
    """Money that an account, or one of its keys, may spend in a calendar period (UTC) or ever.

    `key` is a key's lineage, so that rotating the key keeps its budget.
    """

    id: str
    account: str
    period: Period = attrs.field(validator=_known(PERIODS))
    limit: Pico = attrs.field(validator=_money)
    key: str | None = None


@attrs.frozen(kw_only=True)
class Standing:
    """A budget with what its present period has spent and holds; `renews` is that period's end."""

    budget: Budget
    spent: Pico
    held: Pico
    renews: Micros | None


@attrs.frozen(kw_only=True)
class Identity:
    """Everything one request needs to know of its caller, read at once.

    `key` is None for the embedding program itself, which needs none.
    """

    account: Account
    plan: Plan
    key: Key | None = None
    budgets: tuple[Budget, ...] = ()


@attrs.frozen(kw_only=True)
class Actor:
    """Whose change it is: a key of an account, or with None the account itself.

    A store calls `check` with what they are in the transaction that writes the change (None: they
    are no more); what it raises is raised, with nothing written. It is a plain function and may
    run in another thread, and more than once.
    """

    account: str
    key: str | None
    check: Callable[[Identity | None], None]


PlanDrop: TypeAlias = Literal["dropped", "in_use", "unknown"]
"""What became of a wish to drop a plan: accounts may be on it, or it may not be stored at all."""
