"""Answers kept to be read again, as rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import orjson

from ....errors import NotFound
from ....model.chat import KeptKind
from ....model.record import Record
from .. import answers, messages
from . import sessions

Connection = sqlite3.Connection

_COLUMNS = (
    "account, kind, id, created, model, request, metadata, session, turn, messages, answer, data"
)
_RECORDS = f"SELECT {_COLUMNS} FROM records WHERE account = ? AND kind = ?"  # noqa: S608 - ours
_PAIR = " AND EXISTS (SELECT 1 FROM json_each(records.metadata) WHERE key = ? AND value = ?)"


@attrs.frozen
class Asked:
    """Which records are asked for."""

    after: str | None
    limit: int
    newest_first: bool
    model: str | None
    metadata: Mapping[str, str]


def keep(db: Connection, record: Record) -> None:
    """Write a record; one that cannot be written is not kept."""
    answer = None if record.answer is None else answers.to_json(record.answer, None)
    if answer is None and record.answer is not None:
        return
    db.execute(
        f"INSERT OR REPLACE INTO records ({_COLUMNS})"  # noqa: S608 - the columns are ours
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            record.account,
            record.kind,
            record.id,
            record.created,
            record.model,
            record.request,
            _text(dict(record.metadata)),
            record.session,
            record.turn,
            messages.to_json(record.messages),
            answer,
            _text(record.data),
        ),
    )


def add(db: Connection, record: Record) -> bool:
    """Write a record whose answer is yet to come, of an account that lives."""
    live = "SELECT 1 FROM accounts WHERE id = ? AND deleted IS NULL"
    if db.execute(live, (record.account,)).fetchone() is None:
        raise NotFound("account", record.account)
    if is_there(db, record):
        return False
    keep(db, record)
    return True


def is_there(db: Connection, record: Record) -> bool:
    """Say whether there is a record of this id."""
    found = db.execute(
        "SELECT 1 FROM records WHERE account = ? AND kind = ? AND id = ?",
        (record.account, record.kind, record.id),
    )
    return found.fetchone() is not None


def find(db: Connection, account: str, kind: KeptKind, id: str) -> Record | None:
    """Return one record."""
    found = db.execute(f"{_RECORDS} AND id = ?", (account, kind, id)).fetchone()
    return None if found is None else _read(found)


def listed(db: Connection, account: str, kind: KeptKind, asked: Asked) -> list[Record]:
    """Return records by id, and by what they say."""
    sql, values = _RECORDS, [account, kind]
    if asked.after is not None:
        sql += f" AND id {'<' if asked.newest_first else '>'} ?"
        values.append(asked.after)
    if asked.model is not None:
        sql += " AND model = ?"
        values.append(asked.model)
    for pair in asked.metadata.items():
        sql += _PAIR
        values += pair
    sql += f" ORDER BY id {'DESC' if asked.newest_first else 'ASC'} LIMIT ?"
    return [_read(row) for row in db.execute(sql, (*values, asked.limit))]


def change(
    db: Connection, account: str, kind: KeptKind, id: str, make: Callable[[Record], Record]
) -> Record | None:
    """Change what a record says of itself."""
    found = find(db, account, kind, id)
    if found is None:
        return None
    made = make(found)
    db.execute(
        "UPDATE records SET metadata = ?, data = ? WHERE account = ? AND kind = ? AND id = ?",
        (_text(dict(made.metadata)), _text(made.data), account, kind, id),
    )
    return attrs.evolve(found, metadata=made.metadata, data=made.data)


def delete(db: Connection, account: str, kind: KeptKind, id: str) -> bool:
    """Erase a record."""
    return _erase(db, "account = ? AND kind = ? AND id = ?", (account, kind, id))


def forget(db: Connection, row: str) -> None:
    """Erase the record that is a row."""
    _erase(db, "rowid = ?", (row,))


def _erase(db: Connection, which: str, values: tuple[str, ...]) -> bool:
    gone = db.execute(
        f"DELETE FROM records WHERE {which} RETURNING account, session",  # noqa: S608 - ours
        values,
    ).fetchall()
    for account, session in gone:
        if session is not None:
            sessions.let_go(db, account, session)
    return bool(gone)


def _text(value: Any) -> str:
    return orjson.dumps(value).decode()


def _read(row: Sequence[Any]) -> Record:
    account, kind, id, created, model, request, metadata, session, turn, said, answer, data = row
    return Record(
        id=id,
        account=account,
        kind=kind,
        created=created,
        model=model,
        request=request,
        metadata=orjson.loads(metadata),
        messages=messages.from_json(said),
        answer=None if answer is None else answers.from_json(answer),
        data=orjson.loads(data),
        session=session,
        turn=turn,
    )
