"""Idempotency keys are columns of the ledger; the answers to repeat are rows for a day."""

from __future__ import annotations

import sqlite3

from ....model.events import Completion
from ....model.ledger import REPEAT_SPAN, Idempotency, Repeated
from ....model.units import Micros
from ..answers import from_json, to_json

Connection = sqlite3.Connection

MAX_FORGOTTEN = 500
"""Answers that one sweep erases: some milliseconds of the writer's time."""


def repeated(db: Connection, account: str, asked: Idempotency, now: Micros) -> Repeated | None:
    """Say what a key was used for; one whose request failed is free."""
    found = db.execute(
        "SELECT id, state, digest FROM requests WHERE account = ? AND idempotency_key = ?"
        " AND admitted > ? ORDER BY admitted DESC, id DESC LIMIT 1",
        (account, asked.key, now - REPEAT_SPAN),
    ).fetchone()
    if found is None or found[1] not in {"open", "ok"}:
        return None
    request, state, digest = found
    return Repeated(request, state, digest == asked.digest)


def keep(db: Connection, account: str, request: str, answer: Completion, now: Micros) -> None:
    """Keep an answer, if it can be written."""
    text = to_json(answer)
    if text is not None:
        db.execute("INSERT INTO answers VALUES (?, ?, ?, ?)", (account, request, now, text))


def answer(db: Connection, account: str, request: str) -> Completion | None:
    """Return an answer that is kept."""
    found = db.execute(
        "SELECT answer FROM answers WHERE account = ? AND request = ?", (account, request)
    ).fetchone()
    return None if found is None else from_json(found[0])


def forget(db: Connection, now: Micros) -> None:
    """Erase some of what nobody repeats any more."""
    db.execute(
        "DELETE FROM answers WHERE rowid IN"
        " (SELECT rowid FROM answers WHERE at <= ? ORDER BY at LIMIT ?)",
        (now - REPEAT_SPAN, MAX_FORGOTTEN),
    )
