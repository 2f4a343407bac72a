"""What keeping things costs, and whether it grows with how much is kept.

`python -m bench.storing`: chats with sessions of 10 to 10,000 turns, `/usage` over 10 thousand and
10 million ledger rows, admission and settlement on SQLite, one and two workers. Each figure stands
beside that of the smallest size, made in the same run; nothing passes or fails.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import anyio

import aihub
from aihub.backends.clocks import SystemClock
from aihub.backends.storage.sqlite import SqliteStore
from aihub.config import Settings
from aihub.model.account import Account
from aihub.model.chat import Message
from aihub.model.ledger import Admission, Settlement, WindowAsk
from aihub.model.session import NewTurn
from aihub.model.units import HOUR
from aihub.model.usage import Count, Usage
from aihub.protocols import Store

from .run import Row
from .servers import AIHUB, KEY, Target, open_server
from .table import show

TURNS = (10, 1_000, 10_000)
CHATS = 40
# Its window takes some 1,600 of the turns below, so that the longest conversation is cut.
MODEL = "gpt-4o"
SAID = (
    "Tell me more about it, and about what comes after; I am not sure I understood the last part."
)
TURN_TOKENS = 80
OWNER = "own_bench"
ACCOUNT = "acc_bench"
LEASE = HOUR * 10**6
TASKS = (1, 64)
ADMISSIONS = 4_000
HOURS = 24 * 400
REPORTS = 20
WORKERS = (1, 2)
ANSWERS = 4_000
SERVE = [
    str(Path(sys.executable).with_name("aihub-serve")),
    *("--port", "0", "--key", f"{KEY}=enterprise", "--log-level", "warning"),
]


async def _median(call: Callable[[], Awaitable[object]], times: int) -> float:
    """Call *times* times and give the median in microseconds."""
    took = []
    for _ in range(times):
        began = perf_counter()
        await call()
        took.append(perf_counter() - began)
    return median(took) * 1e6


def _row(group: str, name: str, figure: float, base: float) -> Row:
    return Row(group, name, "us", round(figure, 1), round(base, 1), round(figure / base, 2))


# Sessions


@asynccontextmanager
async def _open(kind: str, folder: Path) -> AsyncIterator[tuple[aihub.Hub, Store]]:
    path = "memory:" if kind == "memory" else f"sqlite:{folder / 'sessions.db'}"
    async with aihub.open_hub(Settings(store=path)) as hub:
        yield hub, hub._store  # noqa: SLF001 - to fill it without ten thousand chats


async def _fill(store: Store, session: str, account: str, turns: int) -> None:
    """Append *turns* turns, as many at once as one commit takes."""

    async def one(n: int) -> None:
        id = f"req_{session}_{n}"
        said = (Message("user", SAID), Message("assistant", SAID * 3))
        await store.admit(
            Admission(id=id, owner=OWNER, account=account, key=None, model=MODEL, session=session)
        )
        turn = NewTurn(
            session=session,
            messages=said,
            size=Count(TURN_TOKENS, "counted"),
            encoding="o200k_base",
        )
        await store.settle(Settlement(id=id, state="ok", usage=Usage(60, 60), turn=turn))

    for start in range(0, turns, 500):
        async with anyio.create_task_group() as tasks:
            for n in range(start, min(turns, start + 500)):
                tasks.start_soon(one, n)


async def sessions(kind: str, folder: Path) -> list[Row]:
    """Chat with sessions of each length, beside a chat without one."""
    rows = []
    async with _open(kind, folder) as (hub, store):
        await store.enlist(OWNER, LEASE)
        await hub.chat(MODEL, SAID)
        plain = await _median(lambda: hub.chat(MODEL, SAID, max_tokens=20), CHATS)
        for turns in TURNS:
            session = await hub.sessions.create(model=MODEL)
            await _fill(store, session.id, session.account, turns)
            chat = partial(hub.chat, None, SAID, max_tokens=20, session=session.id)
            await chat()
            rows.append(
                _row(
                    f"a chat, {kind} (beside one without a session)",
                    f"session of {turns:,} turns",
                    await _median(chat, CHATS),
                    plain,
                )
            )
    return rows


# Usage


async def usage(most: int, folder: Path) -> list[Row]:
    """Sum a month's usage over ledgers of two sizes."""
    rows: list[Row] = []
    base = 0.0
    for count in (10_000, most):
        path = folder / f"ledger-{count}.db"
        clock = SystemClock()
        async with SqliteStore.open(path, clock=clock) as store:
            await store.add_account(Account(id=ACCOUNT, name="", plan="pro", created=0))
        end = clock.now() // HOUR * HOUR
        await anyio.to_thread.run_sync(_write_ledger, path, count, end)
        async with SqliteStore.open(path, clock=clock) as store:
            for months, name in ((1, "a month"), (13, "400 days")):
                report = partial(
                    store.report,
                    ACCOUNT,
                    start=end - months * 31 * 24 * HOUR,
                    end=end,
                    group_by="model",
                )
                took = await _median(report, REPORTS)
                base = base or took
                rows.append(_row("/usage", f"{name} of {count:,} rows", took, base))
        path.unlink()
    return rows


def _write_ledger(path: Path, count: int, end: int) -> None:
    """Write *count* settled requests over 400 days on three models, and their rollups."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous = OFF")
    db.execute(
        "WITH RECURSIVE one(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM one WHERE n + 1 < ?)"
        " INSERT INTO requests (id, account, kind, model, served_model, state, admitted, owner,"
        " prompt_tokens, prompt_cost, reserved_tokens, reserved_cost, held, takes, slots, holds,"
        " planned, cost, labels, schema_version)"
        " SELECT printf('req_%012d', n), ?, 'chat', 'gpt-' || (n % 3), 'gpt-' || (n % 3), 'ok',"
        " ? - (? - n) * (? / ?), 'own', 10, 1, 20, 1, 0, '[]', '[]', '[]', 'null', 1000, '{}', 1"
        " FROM one",
        (count, ACCOUNT, end, count, HOURS * HOUR, count),
    )
    db.execute(
        "INSERT INTO rollups SELECT account, admitted / ? * ?, model, served_model, '', count(*),"
        " 10 * count(*), 10 * count(*), sum(cost) FROM requests GROUP BY 1, 2, 3, 4",
        (HOUR, HOUR),
    )
    db.commit()
    db.close()


# Admission and settlement


async def admissions(folder: Path) -> list[Row]:
    """Admit and settle on SQLite, durably, by one task and by many."""
    rows: list[Row] = []
    clock = SystemClock()
    base = 0.0
    async with SqliteStore.open(folder / "admissions.db", clock=clock) as store:
        await store.enlist(OWNER, LEASE)
        await store.add_account(Account(id=ACCOUNT, name="", plan="pro", created=0))
        for tasks in TASKS:
            each = ADMISSIONS // tasks // (8 if tasks == 1 else 1)
            began = perf_counter()
            async with anyio.create_task_group() as group:
                for task in range(tasks):
                    group.start_soon(_requests, store, f"{tasks}_{task}", each)
            took = (perf_counter() - began) * 1e6 / (each * tasks)
            base = base or took
            rows.append(_row("admission and settlement on SQLite", f"{tasks} at once", took, base))
    return rows


async def _requests(store: Store, name: str, count: int) -> None:
    windows = (
        WindowAsk("account:bench:requests", "requests", 1, 10**9),
        WindowAsk("account:bench:tokens", "tokens", 100, 10**12),
    )
    for n in range(count):
        id = f"req_{name}_{n}"
        await store.admit(
            Admission(id=id, owner=OWNER, account=ACCOUNT, key=None, model=MODEL, windows=windows)
        )
        await store.settle(Settlement(id=id, state="ok", usage=Usage(50, 50), used_tokens=100))


# Workers


def workers(folder: Path) -> list[Row]:
    """Ask a server with one and with two workers on one file, from 32 connections."""
    rows: list[Row] = []
    base = 0.0
    for count in WORKERS:
        store = f"sqlite:{folder / f'workers-{count}.db'}"
        command = [*SERVE, "--store", store, "--workers", str(count)]
        target = Target("aihub", command, stream_path=AIHUB.stream_path)
        with open_server(target) as server:
            server.load({"connections": 32, "answers": ANSWERS // 4})
            result = server.load({"connections": 32, "answers": ANSWERS})
        took = 1e6 / float(str(result["answers_per_second"]))
        base = base or took
        name = f"{count} worker{'s' if count > 1 else ''}"
        rows.append(_row("an answer of a server on SQLite, 32 connections", name, took, base))
    return rows


async def measure(most_rows: int) -> list[Row]:
    """Do all of it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [*await sessions("memory", folder), *await sessions("SQLite", folder)]
        rows += await admissions(folder)
        rows += await anyio.to_thread.run_sync(workers, folder)
        return rows + await usage(most_rows, folder)


def main() -> int:
    """Print a table, or JSON."""
    parser = argparse.ArgumentParser(description="Measure what keeping things costs.")
    parser.add_argument("--rows", type=int, default=10_000_000, help="of the larger ledger")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = anyio.run(measure, options.rows, backend="trio")
    if options.json:
        json.dump([asdict(row) for row in rows], sys.stdout, indent=1)
    else:
        show(rows, "figure", against="smallest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
