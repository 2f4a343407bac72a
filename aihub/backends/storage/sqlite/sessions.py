"""Sessions as rows, and how forks share turns.

Theory of operation. Turns belong to a *line*, which has its session's id, and are never changed. A
session is a row and its *spans*: stretches of lines, one after the other, the last of them its own
line, open at the end. A fork takes the spans of its original up to a turn, and begins a line. A
turn is erased when no span reaches it any more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence

import attrs
import orjson

from ....errors import Conflict, NotFound, UsageMistake
from ....messages import Msg
from ....model.session import Conversation, NewTurn, Origin, Session, Turn
from ....model.units import Micros, Pico
from ....model.usage import Count, Usage
from ..messages import from_json, to_json

Connection = sqlite3.Connection

MAX_SPANS = 1_000
"""Stretches that a session's history may come from: forks of forks. Reading walks through them."""

_OPEN_END = 2**62
_SESSION = (
    "SELECT id, account, created, updated, title, model, system_prompt, context_policy, metadata,"
    " version, origin, origin_turn, turns, messages, prompt_tokens, completion_tokens, cost,"
    " held FROM sessions"
)
_TURNS = (
    "SELECT turns.number, request, at, turns.messages, size, size_source, encoding, incomplete,"
    " prompt_tokens, completion_tokens, cost FROM spans CROSS JOIN turns ON turns.account ="
    " spans.account AND turns.line = spans.line AND turns.number BETWEEN spans.first AND spans.last"
    " WHERE spans.account = ? AND spans.session = ?"
)
# CROSS JOIN is SQLite's way to say which table comes first: then nothing needs sorting.
_FORWARD = f"{_TURNS} AND turns.number > ? ORDER BY spans.first, turns.number LIMIT ?"
_BACKWARD = f"{_TURNS} AND turns.number < ? ORDER BY spans.first DESC, turns.number DESC LIMIT ?"
_SUMS = (  # the columns are ours
    "SELECT count(*), coalesce(sum(json_array_length(messages)), 0), coalesce(sum(prompt_tokens),"  # noqa: S608
    f" 0), coalesce(sum(completion_tokens), 0), coalesce(sum(cost), 0) FROM ({_FORWARD})"
)


def add(db: Connection, session: Session) -> bool:
    """Write a new session, with a line of its own, of an account that lives."""
    live = "SELECT 1 FROM accounts WHERE id = ? AND deleted IS NULL"
    if db.execute(live, (session.account,)).fetchone() is None:
        raise NotFound("account", session.account)
    if not _insert(db, session):
        return False
    _add_span(db, session, session.id, 1, _OPEN_END)
    return True


def _insert(db: Connection, session: Session) -> bool:
    origin = session.origin
    values = (
        session.id,
        session.account,
        session.created,
        *_said(session),
        session.version,
        origin and origin.session,
        origin and origin.turn,
        session.turns,
        session.messages,
        session.prompt_tokens,
        session.completion_tokens,
        session.cost,
        session.held,
    )
    places = ", ".join("?" * len(values))
    added = db.execute(f"INSERT OR IGNORE INTO sessions VALUES ({places})", values)  # noqa: S608
    return added.rowcount == 1


def _said(session: Session) -> tuple[object, ...]:
    """Return what a session says of itself."""
    return (
        session.updated,
        session.title,
        session.model,
        session.system_prompt,
        session.context_policy,
        orjson.dumps(dict(session.metadata)).decode(),
    )


def _add_span(db: Connection, session: Session, line: str, first: int, last: int) -> None:
    db.execute(
        "INSERT INTO spans VALUES (?, ?, ?, ?, ?)", (session.account, session.id, first, last, line)
    )


def fork(
    db: Connection, account: str, id: str, make: Callable[[Session], Session]
) -> Session | None:
    """Write a session that shares another's turns."""
    original = find(db, account, id)
    if original is None:
        return None
    made = make(original)
    turn = made.origin.turn if made.origin else 0
    spans = db.execute(
        "SELECT line, first, last FROM spans WHERE account = ? AND session = ? AND first <= ?"
        " ORDER BY first",
        (account, id, turn),
    ).fetchall()
    if len(spans) >= MAX_SPANS:
        raise Conflict(
            Msg("A session can be forked from a fork at most {most} times.", most=MAX_SPANS),
            code="too_many_forks",
        )
    if not _insert(db, made):
        raise UsageMistake(f"the session id '{made.id}' was used before")
    for line, first, last in spans:
        _add_span(db, made, line, first, min(last, turn))
    _add_span(db, made, made.id, turn + 1, _OPEN_END)
    sums = db.execute(_SUMS, (account, made.id, 0, turn)).fetchone()
    db.execute(
        "UPDATE sessions SET turns = ?, messages = ?, prompt_tokens = ?, completion_tokens = ?,"
        " cost = ? WHERE id = ?",
        (*sums, made.id),
    )
    return find(db, account, made.id)


def find(db: Connection, account: str, id: str) -> Session | None:
    """Return one session."""
    found = db.execute(f"{_SESSION} WHERE account = ? AND id = ?", (account, id)).fetchone()
    return _read(found) if found else None


def listed(db: Connection, account: str, after: str | None, limit: int) -> list[Session]:
    """Return an account's sessions by id."""
    found = db.execute(
        f"{_SESSION} WHERE account = ? AND id > ? AND NOT held ORDER BY id LIMIT ?",
        (account, after or "", limit),
    )
    return [_read(row) for row in found]


def _read(row: Sequence[object]) -> Session:
    id, account, created, updated, title, model, prompt, policy, metadata = row[:9]
    version, origin, origin_turn, turns, messages, prompt_tokens, completion_tokens = row[9:16]
    cost, held = row[16:]
    return Session(
        id=id,  # type: ignore[arg-type]
        account=account,  # type: ignore[arg-type]
        created=created,  # type: ignore[arg-type]
        updated=updated,  # type: ignore[arg-type]
        title=title,  # type: ignore[arg-type]
        model=model,  # type: ignore[arg-type]
        system_prompt=prompt,  # type: ignore[arg-type]
        context_policy=policy,  # type: ignore[arg-type]
        metadata=orjson.loads(metadata),  # type: ignore[arg-type]
        version=version,  # type: ignore[arg-type]
        origin=None if origin is None else Origin(session=origin, turn=origin_turn),  # type: ignore[arg-type]
        turns=turns,  # type: ignore[arg-type]
        messages=messages,  # type: ignore[arg-type]
        prompt_tokens=prompt_tokens,  # type: ignore[arg-type]
        completion_tokens=completion_tokens,  # type: ignore[arg-type]
        cost=cost,  # type: ignore[arg-type]
        held=bool(held),
    )


def change(
    db: Connection, account: str, id: str, make: Callable[[Session], Session]
) -> Session | None:
    """Change what a session says of itself."""
    session = find(db, account, id)
    if session is None:
        return None
    session = make(session)
    db.execute(
        "UPDATE sessions SET updated = ?, title = ?, model = ?, system_prompt = ?,"
        " context_policy = ?, metadata = ?, version = ? WHERE account = ? AND id = ?",
        (*_said(session), session.version, account, id),
    )
    return session


def delete(db: Connection, account: str, id: str, check: Callable[[Session], None]) -> bool:
    """Erase a session, and the turns that no other reaches."""
    session = find(db, account, id)
    if session is None:
        return False
    check(session)
    db.execute("DELETE FROM sessions WHERE account = ? AND id = ?", (account, id))
    gone = db.execute(
        "DELETE FROM spans WHERE account = ? AND session = ? RETURNING line", (account, id)
    ).fetchall()
    for (line,) in gone:
        (reached,) = db.execute(
            "SELECT coalesce(max(last), 0) FROM spans WHERE account = ? AND line = ?",
            (account, line),
        ).fetchone()
        db.execute(
            "DELETE FROM turns WHERE account = ? AND line = ? AND number > ?",
            (account, line, reached),
        )
    return True


def erase_all(db: Connection, account: str) -> None:
    """Erase an account's sessions; what was said in them, which nothing reaches now, is for
    `forgetting`.
    """
    for table in ("sessions", "spans"):
        db.execute(f"DELETE FROM {table} WHERE account = ?", (account,))  # noqa: S608 - ours


def append(
    db: Connection,
    account: str,
    turn: NewTurn,
    *,
    request: str,
    at: Micros,
    usage: Usage,
    cost: Pico,
) -> tuple[str, int] | None:
    """Append a turn where it belongs, if that is still there; return the session and number."""
    session = turn.session if turn.begins is None else _begun(db, account, turn.begins)
    found = db.execute(
        "UPDATE sessions SET updated = max(updated, ?), version = version + 1, turns = turns + 1,"
        " messages = messages + ?, prompt_tokens = prompt_tokens + ?,"
        " completion_tokens = completion_tokens + ?, cost = cost + ?"
        " WHERE account = ? AND id = ? RETURNING turns",
        (at, len(turn.messages), usage.prompt, usage.completion, cost, account, session),
    ).fetchone()
    if found is None:
        return None
    (number,) = found
    db.execute(
        "INSERT INTO turns VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            account,
            session,
            number,
            request,
            at,
            to_json(turn.messages),
            turn.size.tokens,
            turn.size.source,
            turn.encoding,
            turn.incomplete,
            usage.prompt,
            usage.completion,
            cost,
        ),
    )
    assert session is not None  # noqa: S101 - it was found
    return session, int(number)


def _begun(db: Connection, account: str, new: Session) -> str | None:
    """Return the session that a turn begins, or that it follows at once; None where there is none.

    A settlement never fails for it.
    """
    origin = new.origin
    try:
        if origin is None:
            return new.id if add(db, new) else None
        found = find(db, account, origin.session)
        if found is None or found.turns < origin.turn:
            return None
        if found.held and found.turns == origin.turn:
            return found.id
        fork(db, account, found.id, lambda _: new)
    except (Conflict, NotFound, UsageMistake):
        return None
    return new.id


def let_go(db: Connection, account: str, id: str) -> None:
    """Erase a session that is held, where no record is a turn of it any more."""
    found = db.execute(
        "SELECT held AND NOT EXISTS (SELECT 1 FROM records WHERE account = sessions.account AND"
        " session = sessions.id) FROM sessions WHERE account = ? AND id = ?",
        (account, id),
    ).fetchone()
    if found is not None and found[0]:
        delete(db, account, id, lambda _: None)


def turns(
    db: Connection, account: str, id: str, *, after: int, limit: int, newest_first: bool
) -> list[Turn]:
    """Return a session's turns."""
    if newest_first:
        return list(_turns(db, _BACKWARD, (account, id, after or _OPEN_END, limit)))
    return list(_turns(db, _FORWARD, (account, id, after, limit)))


def _turns(db: Connection, sql: str, values: tuple[str, str, int, int]) -> Iterator[Turn]:
    for row in db.execute(sql, values):
        number, request, at, messages, size, source, encoding, incomplete, *spent = row
        yield Turn(
            number=number,
            request=request,
            at=at,
            messages=from_json(messages),
            size=Count(size, source),
            encoding=encoding,
            incomplete=bool(incomplete),
            prompt_tokens=spent[0],
            completion_tokens=spent[1],
            cost=spent[2],
        )


def conversation(
    db: Connection, account: str, id: str, tokens: int, upto: int | None
) -> Conversation | None:
    """Return a session with its newest turns; both as of one moment."""
    db.execute("BEGIN")
    try:
        session = find(db, account, id)
        if session is None:
            return None
        end = session.turns if upto is None else min(upto, session.turns)
        newest: list[Turn] = []
        room = tokens
        for turn in _turns(db, _BACKWARD, (account, id, end + 1, _OPEN_END)):
            newest.append(turn)
            room -= turn.size.tokens
            if room < 0:
                break
        session = attrs.evolve(session, turns=end)
        return Conversation(session=session, turns=tuple(reversed(newest)))
    finally:
        db.execute("COMMIT")
