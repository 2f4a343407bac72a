"""What is old, or personal of an account that was erased: found by a reader, deleted by the writer.

Looking may take long where there are many accounts; deleting what was found does not. The writer
asks each condition again, for a row may have changed meanwhile.
"""

from __future__ import annotations

import sqlite3

import attrs

from ....model.record import KEPT
from ....model.units import Micros
from . import records

Connection = sqlite3.Connection


@attrs.frozen
class Found:
    """Ids of what may be forgotten."""

    requests: tuple[str, ...]
    personal: tuple[str, ...]
    keys: tuple[str, ...]
    turns: tuple[str, ...]
    answers: tuple[str, ...]
    records: tuple[str, ...]

    def __len__(self) -> int:
        return sum(len(ids) for ids in attrs.astuple(self, recurse=False))


# Each account that has requests, one look-up in the index after the other: to look through all
# requests for their accounts would take as long as there are many.
_OLD = """
    WITH RECURSIVE whose (account) AS (
        SELECT min(account) FROM requests WHERE state <> 'open'
        UNION ALL
        SELECT (SELECT min(account) FROM requests
                WHERE state <> 'open' AND account > whose.account)
        FROM whose WHERE whose.account IS NOT NULL)
    SELECT old.id FROM whose CROSS JOIN requests AS old INDEXED BY requests_by_age
    WHERE old.account = whose.account AND old.state <> 'open' AND old.admitted < ?
    LIMIT ?
"""
_PERSONAL = """
    SELECT told.id FROM accounts CROSS JOIN requests AS told INDEXED BY requests_personal
    WHERE accounts.deleted IS NOT NULL AND told.account = accounts.id
        AND (told.end_user IS NOT NULL OR told.labels <> '{}' OR told.idempotency_key IS NOT NULL)
    LIMIT ?
"""
# Nothing reaches these any more: the spans of its sessions went with the account.
_SAID = """
    SELECT said.rowid FROM accounts CROSS JOIN {} AS said
    WHERE accounts.deleted IS NOT NULL AND said.account = accounts.id LIMIT ?
"""
_KEPT_TOO_LONG = "SELECT rowid FROM records WHERE created <= ? ORDER BY created LIMIT ?"
_ENDED = "(revoked < ? OR expires < ?)"


def find(db: Connection, before: Micros, limit: int, now: Micros) -> Found:
    """Look for at most *limit* things that may be forgotten."""
    requests = _ids(db, _OLD, (before, limit))
    personal = _ids(db, _PERSONAL, (limit - len(requests),))
    left = limit - len(requests) - len(personal)
    ended = f"SELECT id FROM keys WHERE {_ENDED} LIMIT ?"  # noqa: S608 - a condition of ours
    keys = _ids(db, ended, (before, before, left))
    turns = _ids(db, _SAID.format("turns"), (left - len(keys),))
    left -= len(keys) + len(turns)
    answers = _ids(db, _SAID.format("answers"), (left,))
    left -= len(answers)
    old = _ids(db, _KEPT_TOO_LONG, (now - KEPT, left))
    old += _ids(db, _SAID.format("records"), (left - len(old),))
    return Found(requests, personal, keys, turns, answers, tuple(dict.fromkeys(old)))


def _ids(db: Connection, sql: str, values: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(id for (id,) in db.execute(sql, values))


def forget(db: Connection, before: Micros, found: Found) -> None:
    """Forget what was found."""
    for id in found.requests:
        gone = db.execute(
            "DELETE FROM requests WHERE id = ? AND state <> 'open' AND admitted < ?", (id, before)
        )
        if gone.rowcount:
            db.execute("DELETE FROM attempts WHERE request = ?", (id,))
    db.executemany(
        "UPDATE requests SET end_user = NULL, labels = '{}', idempotency_key = NULL, digest = NULL"
        " WHERE id = ? AND EXISTS"
        " (SELECT 1 FROM accounts WHERE id = requests.account AND deleted IS NOT NULL)",
        [(id,) for id in found.personal],
    )
    db.executemany(
        f"DELETE FROM keys WHERE {_ENDED} AND id = ?",  # noqa: S608 - a condition of ours
        [(before, before, id) for id in found.keys],
    )
    for row in found.records:
        records.forget(db, row)
    for table, rows in (("turns", found.turns), ("answers", found.answers)):
        db.executemany(f"DELETE FROM {table} WHERE rowid = ?", [(row,) for row in rows])  # noqa: S608
