"""The tables, and how an older file becomes a newer one.

Every index on tenant-owned rows starts with the account. Money is pico-dollars and time is
microseconds, both in SQLite's 64-bit integers. Small lists that are only ever read with their row
(windows taken, holds, usage) are JSON in it.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ....errors import StoreTooNew, StoreUnavailable
from ....messages import Msg

# Each entry lifts the file by one version. Entries are never changed once released, only added.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE owners (id TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID",
        """CREATE TABLE accounts (
            id TEXT PRIMARY KEY, name TEXT NOT NULL, plan TEXT NOT NULL, created INTEGER NOT NULL,
            deleted INTEGER) WITHOUT ROWID""",
        """CREATE TABLE keys (
            id TEXT PRIMARY KEY, account TEXT NOT NULL, digest BLOB NOT NULL UNIQUE,
            hint TEXT NOT NULL, name TEXT NOT NULL, created INTEGER NOT NULL, scopes TEXT NOT NULL,
            expires INTEGER, revoked INTEGER, requests_per_minute INTEGER,
            tokens_per_minute INTEGER, lineage TEXT NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX keys_by_account ON keys (account, id)",
        """CREATE TABLE plans (
            name TEXT PRIMARY KEY, requests_per_minute INTEGER, tokens_per_minute INTEGER,
            parallel INTEGER, token_reserve TEXT NOT NULL) WITHOUT ROWID""",
        """CREATE TABLE budgets (
            id TEXT PRIMARY KEY, account TEXT NOT NULL, key TEXT, period TEXT NOT NULL,
            "limit" INTEGER NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX budgets_by_account ON budgets (account, id)",
        """CREATE TABLE windows (
            key TEXT PRIMARY KEY, total INTEGER NOT NULL, latest INTEGER NOT NULL)
            WITHOUT ROWID""",
        """CREATE TABLE entries (
            window TEXT NOT NULL, at INTEGER NOT NULL, id TEXT NOT NULL, charge INTEGER NOT NULL,
            PRIMARY KEY (window, at, id)) WITHOUT ROWID""",
        "CREATE TABLE slots (key TEXT PRIMARY KEY, open INTEGER NOT NULL) WITHOUT ROWID",
        """CREATE TABLE purses (
            budget TEXT NOT NULL, period TEXT NOT NULL, spent INTEGER NOT NULL,
            held INTEGER NOT NULL, PRIMARY KEY (budget, period)) WITHOUT ROWID""",
        """CREATE TABLE requests (
            id TEXT PRIMARY KEY, account TEXT NOT NULL, key TEXT, kind TEXT NOT NULL,
            model TEXT NOT NULL, served_model TEXT, state TEXT NOT NULL, code TEXT,
            admitted INTEGER NOT NULL, settled INTEGER, owner TEXT NOT NULL,
            prompt_tokens INTEGER NOT NULL, prompt_cost INTEGER NOT NULL,
            reserved_tokens INTEGER NOT NULL, reserved_cost INTEGER NOT NULL,
            held INTEGER NOT NULL, takes TEXT NOT NULL, slots TEXT NOT NULL, holds TEXT NOT NULL,
            planned TEXT NOT NULL, usage TEXT, cost INTEGER NOT NULL, latency INTEGER,
            first_token INTEGER, session TEXT, labels TEXT NOT NULL, end_user TEXT,
            schema_version INTEGER NOT NULL) WITHOUT ROWID""",
        "CREATE INDEX requests_by_account ON requests (account, id)",
        "CREATE INDEX requests_open ON requests (owner) WHERE state = 'open'",
        """CREATE TABLE attempts (
            request TEXT NOT NULL, n INTEGER NOT NULL, deployment TEXT NOT NULL,
            upstream_model TEXT NOT NULL, region TEXT NOT NULL, outcome TEXT NOT NULL, usage TEXT,
            card TEXT NOT NULL, cost INTEGER NOT NULL, started INTEGER NOT NULL,
            ended INTEGER NOT NULL, first_token INTEGER, provider_cost INTEGER, error TEXT,
            PRIMARY KEY (request, n)) WITHOUT ROWID""",
        """CREATE TABLE rollups (
            account TEXT NOT NULL, hour INTEGER NOT NULL, model TEXT NOT NULL,
            served_model TEXT NOT NULL, key TEXT NOT NULL, requests INTEGER NOT NULL,
            prompt INTEGER NOT NULL, completion INTEGER NOT NULL, cost INTEGER NOT NULL,
            PRIMARY KEY (account, hour, model, served_model, key)) WITHOUT ROWID""",
    ),
    (
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY, account TEXT NOT NULL, created INTEGER NOT NULL,
            updated INTEGER NOT NULL, title TEXT, model TEXT, system_prompt TEXT,
            context_policy TEXT NOT NULL, metadata TEXT NOT NULL, version INTEGER NOT NULL,
            origin TEXT, origin_turn INTEGER, turns INTEGER NOT NULL, messages INTEGER NOT NULL,
            prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
            cost INTEGER NOT NULL)""",
        "CREATE INDEX sessions_by_account ON sessions (account, id)",
        """CREATE TABLE spans (
            account TEXT NOT NULL, session TEXT NOT NULL, first INTEGER NOT NULL,
            last INTEGER NOT NULL, line TEXT NOT NULL, PRIMARY KEY (account, session, first))
            WITHOUT ROWID""",
        "CREATE INDEX spans_by_line ON spans (account, line, last)",
        # With a rowid: rows are as long as what was said, and the key is looked up without them.
        """CREATE TABLE turns (
            account TEXT NOT NULL, line TEXT NOT NULL, number INTEGER NOT NULL,
            request TEXT NOT NULL, at INTEGER NOT NULL, messages TEXT NOT NULL,
            size INTEGER NOT NULL, size_source TEXT NOT NULL, encoding TEXT NOT NULL,
            incomplete INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL,
            completion_tokens INTEGER NOT NULL, cost INTEGER NOT NULL,
            PRIMARY KEY (account, line, number))""",
    ),
    (
        "ALTER TABLE requests ADD COLUMN idempotency_key TEXT",
        "ALTER TABLE requests ADD COLUMN digest BLOB",
        """CREATE INDEX requests_by_idempotency ON requests (account, idempotency_key, admitted)
            WHERE idempotency_key IS NOT NULL""",
        """CREATE TABLE answers (
            account TEXT NOT NULL, request TEXT NOT NULL, at INTEGER NOT NULL,
            answer BLOB NOT NULL, PRIMARY KEY (account, request))""",
        "CREATE INDEX answers_by_age ON answers (at)",
    ),
    # Administration: who operates; budgets found by key; what may be forgotten.
    (
        "ALTER TABLE accounts ADD COLUMN operator INTEGER NOT NULL DEFAULT 0",
        "CREATE INDEX budgets_by_key ON budgets (account, key)",
        """CREATE INDEX requests_by_age ON requests (account, admitted)
            WHERE state <> 'open'""",
        """CREATE INDEX requests_personal ON requests (account)
            WHERE end_user IS NOT NULL OR labels <> '{}' OR idempotency_key IS NOT NULL""",
        "CREATE INDEX accounts_deleted ON accounts (id) WHERE deleted IS NOT NULL",
    ),
    # Residency: the region that an account's requests never leave.
    ("ALTER TABLE accounts ADD COLUMN region TEXT",),
    # Answers kept to be read again. What is filtered by stands before what is long.
    (
        """CREATE TABLE records (
            account TEXT NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, created INTEGER NOT NULL,
            model TEXT NOT NULL, request TEXT NOT NULL, metadata TEXT NOT NULL, session TEXT,
            turn INTEGER, messages TEXT NOT NULL, answer BLOB, data TEXT NOT NULL,
            PRIMARY KEY (account, kind, id))""",
        "CREATE INDEX records_by_age ON records (created)",
        """CREATE INDEX records_by_session ON records (account, session)
            WHERE session IS NOT NULL""",
        "ALTER TABLE sessions ADD COLUMN held INTEGER NOT NULL DEFAULT 0",
    ),
)

VERSION = len(MIGRATIONS)
"""The version that this code reads and writes."""


def migrate(connection: sqlite3.Connection) -> None:
    """Lift the database to `VERSION`, wholly or not at all.

    Raises:
        StoreTooNew: it was written by a newer aihub; nothing was touched.
    """
    connection.execute("BEGIN EXCLUSIVE")
    try:
        found = _version(connection)
        for statements in MIGRATIONS[found:]:
            for statement in statements:
                connection.execute(statement)
        if found < VERSION:
            connection.execute(f"PRAGMA user_version = {VERSION:d}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """See that the database at *path* has `VERSION` already; nothing is touched.

    Raises:
        StoreTooNew: it was written by a newer aihub.
        StoreUnavailable: it was written by an older one, or by something else.
    """
    found = _version(connection)
    if found == 0:
        raise StoreUnavailable(Msg("'{path}' is no database of aihub's", path=path))
    if found < VERSION:
        raise StoreUnavailable(
            Msg(
                "the database '{path}' has version {found}, this aihub works on {version}: "
                "start aihub-serve on it once, which brings it up to date",
                path=path,
                found=found,
                version=VERSION,
            )
        )


def _version(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > VERSION:
        raise StoreTooNew(
            Msg(
                "the database has version {found}, this aihub reads up to {version}: use a "
                "newer aihub, or another database",
                found=found,
                version=VERSION,
            )
        )
    return int(found)
