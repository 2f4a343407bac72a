"""Admissions, attempts and settlements: what the storage protocols are asked and answer.

What a request makes is frozen by convention alone, for `attrs.frozen` costs several microseconds a
request; what readers are given is frozen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .events import Completion
from .record import Record
from .session import NewTurn
from .units import DAY, Micros, Pico
from .usage import Usage

SCHEMA_VERSION = 1
"""Version of a ledger row's meaning; grows when a column changes what it says."""

WindowKind: TypeAlias = Literal["requests", "tokens"]
State: TypeAlias = Literal["open", "ok", "error", "aborted", "lost"]
LostPolicy: TypeAlias = Literal["prompt", "reserved", "nothing"]
LOST_POLICIES: tuple[LostPolicy, ...] = ("prompt", "reserved", "nothing")


REPEAT_SPAN: Micros = DAY
"""How long an idempotency key is remembered: any retry has given up by then."""


@attrs.frozen
class Idempotency:
    """A caller's name for a request, by which a repetition is known, and the request's SHA-256."""

    key: str
    digest: bytes


@attrs.define
class WindowAsk:
    """A wish to put *amount* into the rolling minute *key*, which holds at most *limit*.

    The charge of a `tokens` window is corrected at settlement; that of a `requests` window stays.
    """

    key: str
    kind: WindowKind
    amount: int
    limit: int


@attrs.define
class SlotAsk:
    """A wish to be one of at most *limit* open requests under *key*."""

    key: str
    limit: int


@attrs.define
class HoldAsk:
    """A wish to set *amount* aside in one period of a budget that may spend *limit*."""

    budget: str
    period: str
    amount: Pico
    limit: Pico


@attrs.define
class WindowState:
    """A window as it stands: `used` of `limit`, full again (empty) at `resets_at`."""

    key: str
    kind: WindowKind
    limit: int
    used: int
    resets_at: Micros

    @property
    def remaining(self) -> int:
        """What still fits; 0 where a settlement over-shot."""
        return max(0, self.limit - self.used)


@attrs.frozen
class Planned:
    """Where a request is going first; what a lost row says of its attempt.

    `card` is the price card's JSON.
    """

    deployment: str
    upstream_model: str
    region: str
    card: str


@attrs.define(kw_only=True)
class Admission:
    """Everything a store must decide and write at once to admit a request.

    `prompt_cost` is what the counted prompt alone costs, `reserved_cost` the most that the
    reservation may: what a lost request is charged is fixed here, while the prices are known.
    """

    id: str
    owner: str
    account: str
    key: str | None
    model: str
    kind: str = "chat"
    windows: tuple[WindowAsk, ...] = ()
    slots: tuple[SlotAsk, ...] = ()
    holds: tuple[HoldAsk, ...] = ()
    prompt_tokens: int = 0
    prompt_cost: Pico = 0
    reserved_tokens: int = 0
    reserved_cost: Pico = 0
    served_model: str | None = None
    planned: Planned | None = None
    session: str | None = None
    labels: Mapping[str, str] | None = None
    end_user: str | None = None
    idempotency: Idempotency | None = None


@attrs.define
class Admitted:
    """The row is written; *windows* stand as after the admission."""

    at: Micros
    windows: tuple[WindowState, ...]


@attrs.frozen
class WindowFull:
    """A window has no room until *retry_after* whole seconds (1 to 60) have passed."""

    key: str
    kind: WindowKind
    retry_after: int
    windows: tuple[WindowState, ...]


@attrs.frozen
class SlotsFull:
    """As many requests are open under *key* as may be."""

    key: str
    limit: int


@attrs.frozen
class BudgetFull:
    """The budget has no room for the hold."""

    budget: str


@attrs.frozen
class NotLive:
    """The key or account was revoked, expired or deleted since it was looked up."""

    what: Literal["revoked", "expired", "deleted", "unknown"]


@attrs.frozen
class Repeated:
    """The account has used the idempotency key before, for *request*; *same*: with this digest."""

    request: str
    state: State
    same: bool


Refused: TypeAlias = WindowFull | SlotsFull | BudgetFull | NotLive | Repeated

AttemptOutcome: TypeAlias = Literal["ok", "failed", "refused", "cut", "aborted", "lost"]


@attrs.define(kw_only=True)
class Attempt:
    """One call to a provider: what it used and what it cost.

    `card` is the price card's JSON as of admission, so a row explains its own cost.
    `provider_cost` is what the provider itself said, where it says.
    """

    n: int
    deployment: str
    upstream_model: str
    region: str
    outcome: AttemptOutcome
    usage: Usage | None
    card: str
    cost: Pico
    started: Micros
    ended: Micros
    first_token: Micros | None = None
    provider_cost: Pico | None = None
    error: str | None = None


@attrs.define(kw_only=True)
class Settlement:
    """How an admitted request ended.

    `used_tokens` is what its token windows are charged in place of the reservation. The cost is
    the sum of the attempts' costs. `code` is an error's code, None for a good end. `turn` is
    appended to its session in the same step, if the session is still there. `answer` is kept for
    repetitions, `record` for who reads it again; its session and turn are the store's to say. An
    `awaited` one is written only in the place of one that is there; else no session is begun for it
    either.
    """

    id: str
    state: State
    attempts: tuple[Attempt, ...] = ()
    served_model: str | None = None
    usage: Usage | None = None
    used_tokens: int = 0
    code: str | None = None
    latency: Micros = 0
    first_token: Micros | None = None
    turn: NewTurn | None = None
    answer: Completion | None = None
    record: Record | None = None
    awaited: bool = False

    @property
    def cost(self) -> Pico:
        """The sum of what the attempts cost."""
        if len(self.attempts) == 1:
            return self.attempts[0].cost
        return sum([attempt.cost for attempt in self.attempts])


def without_record(final: Settlement) -> Settlement:
    """Return an end whose record nobody awaits any more, nor the session that it would begin."""
    begins = final.turn is not None and final.turn.begins is not None
    return attrs.evolve(final, record=None, turn=None if begins else final.turn)


def lost_settlement(ask: Admission, policy: LostPolicy, *, admitted: Micros) -> Settlement:
    """Say what a request is charged whose hub died before it could tell.

    Its end is not known, so nothing about time is claimed: the attempt ends when it began.
    """
    completion = max(0, ask.reserved_tokens - ask.prompt_tokens)
    tokens, cost = {
        "prompt": (Usage(ask.prompt_tokens, 0, source="estimated"), ask.prompt_cost),
        "reserved": (Usage(ask.prompt_tokens, completion, source="estimated"), ask.reserved_cost),
        "nothing": (Usage(0, 0, source="estimated"), 0),
    }[policy]
    planned = ask.planned or Planned("unknown", ask.model, "unknown", "{}")
    attempt = Attempt(
        n=1,
        deployment=planned.deployment,
        upstream_model=planned.upstream_model,
        region=planned.region,
        outcome="lost",
        usage=tokens,
        card=planned.card,
        cost=cost,
        started=admitted,
        ended=admitted,
    )
    return Settlement(
        id=ask.id,
        state="lost",
        attempts=(attempt,),
        served_model=ask.served_model,
        usage=tokens,
        used_tokens=tokens.total,
        code="lost",
    )


@attrs.define(kw_only=True)
class Settled:
    """The settlement is written, or was replaced once if the row was `lost`.

    `turn` is the number that its turn was given in the session, None where none was appended.
    """

    id: str
    state: State
    cost: Pico
    turn: int | None = None


@attrs.frozen
class AlreadySettled:
    """The row had ended before; nothing was changed. `state` None: there is no such row."""

    id: str
    state: State | None


@attrs.frozen(kw_only=True)
class LedgerRow:
    """One admitted request as the ledger has it; money in pico-dollars, time in microseconds."""

    id: str
    account: str
    key: str | None
    kind: str
    model: str
    served_model: str | None
    state: State
    code: str | None
    admitted: Micros
    settled: Micros | None
    owner: str
    prompt_tokens: int
    prompt_cost: Pico
    reserved_tokens: int
    reserved_cost: Pico
    usage: Usage | None
    cost: Pico
    latency: Micros | None
    first_token: Micros | None
    session: str | None
    labels: Mapping[str, str]
    end_user: str | None
    idempotency_key: str | None = None
    digest: bytes | None = None
    attempts: tuple[Attempt, ...] = ()
    schema_version: int = SCHEMA_VERSION


@attrs.frozen
class BudgetState:
    """What one period of a budget has spent and holds, in pico-dollars."""

    budget: str
    period: str
    spent: Pico
    held: Pico
