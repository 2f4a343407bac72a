"""Admission and settlement as steps inside one transaction.

Each function runs in a savepoint of the writer's: to raise, or to return a refusal, undoes it.
What a window means is defined in `core.limits.Window`; here the log is an indexed table with its
running sum beside it, so that a step costs the entries that leave, not those that stay.

Longer than our files are meant to be: what admits, settles and sweeps must agree on a dozen tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence

import attrs
import orjson

from ....core.limits import SPAN, wait_seconds
from ....errors import UsageMistake
from ....model.ledger import (
    SCHEMA_VERSION,
    Admission,
    Admitted,
    AlreadySettled,
    Attempt,
    BudgetFull,
    LostPolicy,
    NotLive,
    Planned,
    Refused,
    Settled,
    Settlement,
    SlotsFull,
    WindowAsk,
    WindowFull,
    WindowState,
    lost_settlement,
    without_record,
)
from ....model.units import HOUR, Micros, Pico
from ....model.usage import Usage
from . import answers, records, sessions

Connection = sqlite3.Connection


# Windows


def _advance(db: Connection, key: str, now: Micros) -> tuple[int, Micros]:
    """Drop what has left the window and return its sum and its time, which never goes back."""
    found = db.execute("SELECT total, latest FROM windows WHERE key = ?", (key,)).fetchone()
    if found is None:
        db.execute("INSERT INTO windows VALUES (?, 0, ?)", (key, now))
        return 0, now
    total, latest = found
    at = max(now, latest)
    gone = db.execute(
        "DELETE FROM entries WHERE window = ? AND at <= ? RETURNING charge", (key, at - SPAN)
    ).fetchall()
    total -= sum(charge for (charge,) in gone)
    if gone or at != latest:
        db.execute("UPDATE windows SET total = ?, latest = ? WHERE key = ?", (total, at, key))
    return total, at


def _retry_after(db: Connection, ask: WindowAsk, total: int, now: Micros) -> int:
    excess = total + ask.amount - ask.limit
    leaves = now
    for at, charge in db.execute(
        "SELECT at, charge FROM entries WHERE window = ? ORDER BY at, id", (ask.key,)
    ):
        if excess <= 0:
            break
        excess -= charge
        leaves = at + SPAN
    return wait_seconds(leaves, now)


def _put(db: Connection, ask: WindowAsk, id: str, at: Micros) -> None:
    db.execute("INSERT INTO entries VALUES (?, ?, ?, ?)", (ask.key, at, id, ask.amount))
    db.execute("UPDATE windows SET total = total + ? WHERE key = ?", (ask.amount, ask.key))


def _charge(db: Connection, key: str, at: Micros, id: str, used: int) -> None:
    """Replace an entry's charge; one that has left is no more."""
    found = db.execute(
        "SELECT charge FROM entries WHERE window = ? AND at = ? AND id = ?", (key, at, id)
    ).fetchone()
    if found is not None:
        db.execute(
            "UPDATE entries SET charge = ? WHERE window = ? AND at = ? AND id = ?",
            (used, key, at, id),
        )
        db.execute("UPDATE windows SET total = total + ? WHERE key = ?", (used - found[0], key))


def peek(db: Connection, asks: Sequence[WindowAsk], now: Micros) -> tuple[WindowState, ...]:
    """Return windows as they stand; reads only."""
    return tuple([_state(db, ask, now) for ask in asks])


def _state(db: Connection, ask: WindowAsk, now: Micros) -> WindowState:
    found = db.execute("SELECT total, latest FROM windows WHERE key = ?", (ask.key,)).fetchone()
    if found is None:
        return WindowState(ask.key, ask.kind, ask.limit, 0, now)
    total, latest = found
    at = max(now, latest)
    (gone,) = db.execute(
        "SELECT coalesce(sum(charge), 0) FROM entries WHERE window = ? AND at <= ?",
        (ask.key, at - SPAN),
    ).fetchone()
    (last,) = db.execute("SELECT max(at) FROM entries WHERE window = ?", (ask.key,)).fetchone()
    resets = at if last is None or last <= at - SPAN else last + SPAN
    return WindowState(ask.key, ask.kind, ask.limit, total - gone, resets)


# Admission


def admit(db: Connection, ask: Admission, now: Micros) -> Admitted | Refused:
    """Take everything and write the row, or write nothing that counts."""
    dead = _not_live(db, ask, now)
    if dead is not None:
        return dead
    if ask.idempotency is not None:
        again = answers.repeated(db, ask.account, ask.idempotency, now)
        if again is not None:
            return again
    # One order of keys for every admission: where rows are locked one by one, two that name the
    # same windows must not wait for each other.
    standing = {
        take.key: _advance(db, take.key, now)
        for take in sorted(ask.windows, key=lambda take: take.key)
    }
    refused = _full_window(db, ask, standing, now) or _full_slot(db, ask) or _full_budget(db, ask)
    if refused is not None:
        return refused
    takes = [(take.key, take.kind, standing[take.key][1]) for take in ask.windows]
    _insert_row(db, ask, takes, now)
    for take in ask.windows:
        _put(db, take, ask.id, standing[take.key][1])
    for slot in ask.slots:
        db.execute(
            "INSERT INTO slots VALUES (?, 1) ON CONFLICT DO UPDATE SET open = open + 1",
            (slot.key,),
        )
    for hold in ask.holds:
        _add_to_purse(db, hold.budget, hold.period, held=hold.amount)
    return Admitted(now, peek(db, ask.windows, now))


def _not_live(db: Connection, ask: Admission, now: Micros) -> NotLive | None:
    account = db.execute("SELECT deleted FROM accounts WHERE id = ?", (ask.account,)).fetchone()
    if account is None:
        return NotLive("unknown")
    if account[0] is not None:
        return NotLive("deleted")
    if ask.key is None:
        return None
    key = db.execute(
        "SELECT revoked, expires FROM keys WHERE id = ? AND account = ?", (ask.key, ask.account)
    ).fetchone()
    if key is None:
        return NotLive("unknown")
    revoked, expires = key
    if revoked is not None and revoked <= now:
        return NotLive("revoked")
    return NotLive("expired") if expires is not None and expires <= now else None


def _full_window(
    db: Connection, ask: Admission, standing: dict[str, tuple[int, Micros]], now: Micros
) -> WindowFull | None:
    worst: WindowFull | None = None
    for take in ask.windows:
        total, at = standing[take.key]
        if total + take.amount <= take.limit:
            continue
        wait = _retry_after(db, take, total, at)
        if worst is None or wait > worst.retry_after:
            worst = WindowFull(take.key, take.kind, wait, ())
    return worst and attrs.evolve(worst, windows=peek(db, ask.windows, now))


def _full_slot(db: Connection, ask: Admission) -> SlotsFull | None:
    for slot in ask.slots:
        found = db.execute("SELECT open FROM slots WHERE key = ?", (slot.key,)).fetchone()
        if found is not None and found[0] >= slot.limit:
            return SlotsFull(slot.key, slot.limit)
    return None


def _full_budget(db: Connection, ask: Admission) -> BudgetFull | None:
    for hold in ask.holds:
        spent, held = purse(db, hold.budget, hold.period)
        if spent + held + hold.amount > hold.limit:
            return BudgetFull(hold.budget)
    return None


def purse(db: Connection, budget: str, period: str) -> tuple[Pico, Pico]:
    """Return what a budget's period has spent and holds."""
    found = db.execute(
        "SELECT spent, held FROM purses WHERE budget = ? AND period = ?", (budget, period)
    ).fetchone()
    return (0, 0) if found is None else (found[0], found[1])


def _add_to_purse(
    db: Connection, budget: str, period: str, *, spent: Pico = 0, held: Pico = 0
) -> None:
    db.execute(
        "INSERT INTO purses VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE"
        " SET spent = spent + excluded.spent, held = held + excluded.held",
        (budget, period, spent, held),
    )


def _insert_row(
    db: Connection, ask: Admission, takes: Sequence[tuple[str, str, Micros]], now: Micros
) -> None:
    row = {
        "id": ask.id,
        "account": ask.account,
        "key": ask.key,
        "kind": ask.kind,
        "model": ask.model,
        "served_model": ask.served_model,
        "state": "open",
        "admitted": now,
        "owner": ask.owner,
        "prompt_tokens": ask.prompt_tokens,
        "prompt_cost": ask.prompt_cost,
        "reserved_tokens": ask.reserved_tokens,
        "reserved_cost": ask.reserved_cost,
        "held": ask.reserved_cost,
        "takes": to_json(takes),
        "slots": to_json([slot.key for slot in ask.slots]),
        "holds": to_json(
            [(hold.budget, hold.period, hold.amount, hold.limit) for hold in ask.holds]
        ),
        "planned": to_json(ask.planned and attrs.astuple(ask.planned)),
        "cost": 0,
        "session": ask.session,
        "labels": to_json(dict(ask.labels or {})),
        "end_user": ask.end_user,
        "idempotency_key": ask.idempotency and ask.idempotency.key,
        "digest": ask.idempotency and ask.idempotency.digest,
        "schema_version": SCHEMA_VERSION,
    }
    try:
        db.execute(_INSERT_ROW, row)
    except sqlite3.IntegrityError:
        raise UsageMistake(f"the request id '{ask.id}' was used before") from None


_COLUMNS = """
    id account key kind model served_model state admitted owner prompt_tokens prompt_cost
    reserved_tokens reserved_cost held takes slots holds planned cost session labels end_user
    idempotency_key digest schema_version
""".split()  # noqa: SIM905 - a list of so many is read better so
_INSERT_ROW = (  # the columns are ours
    f"INSERT INTO requests ({', '.join(_COLUMNS)}) "  # noqa: S608
    f"VALUES ({', '.join(':' + column for column in _COLUMNS)})"
)


def hold(db: Connection, id: str, more: Pico) -> bool:
    """Raise an open request's holds, all of them or none."""
    found = db.execute(
        "SELECT holds FROM requests WHERE id = ? AND state = 'open'", (id,)
    ).fetchone()
    if found is None:
        return False
    holds = orjson.loads(found[0])
    for budget, period, _, limit in holds:
        if sum(purse(db, budget, period)) + more > limit:
            return False
    for budget, period, _, _ in holds:
        _add_to_purse(db, budget, period, held=more)
    db.execute("UPDATE requests SET held = held + ? WHERE id = ?", (more, id))
    return True


# Settlement


def settle(db: Connection, final: Settlement, now: Micros) -> Settled | AlreadySettled:
    """End an open request, or replace the end of a lost one once."""
    found = db.execute(
        "SELECT state, takes, slots, holds, held, reserved_cost FROM requests WHERE id = ?",
        (final.id,),
    ).fetchone()
    if found is None or found[0] not in {"open", "lost"}:
        return AlreadySettled(final.id, found and found[0])
    state, takes, slots, holds, held, reserved = found
    if state == "open":
        for slot in orjson.loads(slots):
            db.execute("UPDATE slots SET open = open - 1 WHERE key = ?", (slot,))
        for budget, period, amount, _ in orjson.loads(holds):
            _add_to_purse(db, budget, period, held=-(amount + held - reserved))
    else:
        _unbook(db, final.id, orjson.loads(holds))
    for key, kind, at in orjson.loads(takes):
        if kind == "tokens":
            _charge(db, key, at, final.id, final.used_tokens)
    _write_end(db, final, now)
    _book(db, final.id, orjson.loads(holds), +1)
    number = None
    if final.turn is not None or final.answer is not None or final.record is not None:
        number = _keep(db, final, now)
    return Settled(id=final.id, state=final.state, cost=final.cost, turn=number)


def _keep(db: Connection, final: Settlement, now: Micros) -> int | None:
    """Keep what was said: the answer for repetitions, the turn in its session."""
    (account,) = db.execute("SELECT account FROM requests WHERE id = ?", (final.id,)).fetchone()
    if final.awaited and final.record is not None and not records.is_there(db, final.record):
        final = without_record(final)
    if final.answer is not None:
        answers.keep(db, account, final.id, final.answer, now)
    place = None
    if final.turn is not None:
        usage = final.usage or Usage(0, 0)
        place = sessions.append(
            db, account, final.turn, request=final.id, at=now, usage=usage, cost=final.cost
        )
    if final.record is not None:
        session, turn = place or (None, None)
        records.keep(db, attrs.evolve(final.record, session=session, turn=turn))
    return place and place[1]


def _unbook(db: Connection, id: str, holds: Iterable[Sequence[str]]) -> None:
    """Take a lost row's provisional charge back."""
    _book(db, id, holds, -1)
    db.execute("DELETE FROM attempts WHERE request = ?", (id,))


def _write_end(db: Connection, final: Settlement, now: Micros) -> None:
    db.execute(
        "UPDATE requests SET state = ?, code = ?, settled = ?, usage = ?, cost = ?, latency = ?,"
        " first_token = ?, served_model = coalesce(?, served_model) WHERE id = ?",
        (
            final.state,
            final.code,
            now,
            usage_to_json(final.usage),
            final.cost,
            final.latency,
            final.first_token,
            final.served_model,
            final.id,
        ),
    )
    db.executemany(
        "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(final.id, *_attempt_values(attempt)) for attempt in final.attempts],
    )


def _attempt_values(one: Attempt) -> tuple[object, ...]:
    return (
        one.n,
        one.deployment,
        one.upstream_model,
        one.region,
        one.outcome,
        usage_to_json(one.usage),
        one.card,
        one.cost,
        one.started,
        one.ended,
        one.first_token,
        one.provider_cost,
        one.error,
    )


def _book(db: Connection, id: str, holds: Iterable[Sequence[str]], sign: int) -> None:
    """Add the row as it is written to budgets and rollups, or with *sign* -1 take it away."""
    account, admitted, model, served, key, usage, cost = db.execute(
        "SELECT account, admitted, model, coalesce(served_model, ''), coalesce(key, ''), usage,"
        " cost FROM requests WHERE id = ?",
        (id,),
    ).fetchone()
    for budget, period, *_ in holds:
        _add_to_purse(db, budget, period, spent=sign * cost)
    tokens = usage_from_json(usage) or Usage(0, 0)
    db.execute(
        "INSERT INTO rollups VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
        " requests = requests + excluded.requests, prompt = prompt + excluded.prompt,"
        " completion = completion + excluded.completion, cost = cost + excluded.cost",
        (
            account,
            admitted - admitted % HOUR,
            model,
            served,
            key,
            sign,
            sign * tokens.prompt,
            sign * tokens.completion,
            sign * cost,
        ),
    )


# The dead


def sweep(
    db: Connection, policy: LostPolicy, now: Micros, is_dead: Callable[[str], bool]
) -> tuple[list[Settled], list[str]]:
    """Mark the open rows of dead owners lost; return them and the owners found dead."""
    _forget_idle(db, now)
    answers.forget(db, now)
    leases: dict[str, Micros] = dict(db.execute("SELECT id, expires FROM owners"))
    working = {
        owner for (owner,) in db.execute("SELECT DISTINCT owner FROM requests WHERE state = 'open'")
    }
    dead = [
        owner
        for owner in sorted(working | leases.keys())
        if leases.get(owner, 0) <= now or is_dead(owner)
    ]
    settled = [result for owner in dead for result in _bury(db, owner, policy, now)]
    return settled, dead


_LOST_COLUMNS = """
    id owner account key model kind admitted prompt_tokens prompt_cost reserved_tokens
    reserved_cost served_model planned
""".split()  # noqa: SIM905 - as above
_OPEN_ROWS = (  # the columns are ours
    f"SELECT {', '.join(_LOST_COLUMNS)} FROM requests WHERE owner = ? AND state = 'open'"  # noqa: S608
)


def _bury(db: Connection, owner: str, policy: LostPolicy, now: Micros) -> list[Settled]:
    rows = db.execute(_OPEN_ROWS, (owner,)).fetchall()
    settled = [settle(db, _lost(row, policy), now) for row in rows]
    db.execute("DELETE FROM owners WHERE id = ?", (owner,))
    return [result for result in settled if isinstance(result, Settled)]


def _lost(row: Sequence[object], policy: LostPolicy) -> Settlement:
    fields = dict(zip(_LOST_COLUMNS, row, strict=True))
    admitted = fields.pop("admitted")
    planned = orjson.loads(fields.pop("planned"))  # type: ignore[arg-type]
    ask = Admission(**fields, planned=planned and Planned(*planned))  # type: ignore[arg-type]
    return lost_settlement(ask, policy, admitted=admitted)  # type: ignore[arg-type]


def _forget_idle(db: Connection, now: Micros) -> None:
    """Drop windows that hold nothing, so that the table does not grow with every tenant ever."""
    idle = db.execute("SELECT key FROM windows WHERE latest <= ?", (now - SPAN,)).fetchall()
    db.executemany("DELETE FROM entries WHERE window = ?", idle)
    db.executemany("DELETE FROM windows WHERE key = ?", idle)
    db.execute("DELETE FROM slots WHERE open = 0")


# JSON inside rows


def to_json(value: object) -> str:
    """Write a small list or mapping for a column."""
    return orjson.dumps(value).decode()


def usage_to_json(usage: Usage | None) -> str | None:
    """Write a usage for a column."""
    return None if usage is None else to_json(attrs.asdict(usage))


def usage_from_json(text: str | None) -> Usage | None:
    """Read a usage from a column."""
    return None if text is None else Usage(**orjson.loads(text))
