"""`kill -9` amid 50 concurrent requests, 50 times: nobody is told what is not on the books.

All 50 rounds by default, about a second each; `AIHUB_SHOW_ROUNDS` makes it shorter.
"""

import functools
import json
import os
import random
import time
from collections import Counter
from decimal import Decimal
from hashlib import sha256
from urllib.parse import urlsplit

import anyio
import attrs
import pytest

from aihub import usd
from aihub.backends.clocks import SystemClock
from aihub.backends.storage.sqlite import SqliteStore
from aihub.config import Settings, open_hub
from aihub.model.account import Plan
from aihub.model.units import DAY, HOUR
from aihub.model.usage import GROUPS, Usage

h11 = pytest.importorskip("h11")
pytest.importorskip("trio")

ROUNDS = int(os.environ.get("AIHUB_SHOW_ROUNDS", "50"))
GATEWAY_ROUNDS = 10
CLIENTS = 50
SEED = 11
PATIENCE = 60
"""Seconds that a round may take: it takes one."""

SECRET = "test"
ACCOUNT = f"acc_{sha256(SECRET.encode()).hexdigest()[:16]}"
"""Where `--key` puts the key with this secret."""

PLENTY = 10**12
PURSE = 8_000_000 * 10**12
PAGE = 64
MODELS = ["gpt-4", "gpt-4o", "claude-3-opus"]


@attrs.define
class Told:
    """What a client knows of one request: its id, and whether the answer was whole.

    `usage` and `cost` are None where it was not told them.
    """

    id: str
    whole: bool
    usage: tuple[int, int] | None = None
    cost: int | None = None


# The clients


def make_body(dice, *, stream):
    """A question of some length, with a bound on the answer, as bytes."""
    asked = {
        "model": dice.choice(MODELS),
        "messages": [
            {"role": "user", "content": f"Tell me about {'trains ' * dice.randint(1, 9)}"}
        ],
        "max_tokens": dice.randint(1, 30),
        "stream": stream,
    }
    if stream:
        asked["stream_options"] = {"include_usage": True}
    return json.dumps(asked).encode()


async def read_answer(peer, http):
    """The id in the head (None without one), the body as far as it came, whether that was all."""
    id, body = None, b""
    try:
        while True:
            event = http.next_event()
            if event is h11.NEED_DATA:
                http.receive_data(await peer.receive())
            elif type(event) is h11.Response:
                assert event.status_code == 200
                id = dict(event.headers)[b"x-request-id"].decode()
            elif type(event) is h11.Data:
                body += event.data
            else:
                return id, body, type(event) is h11.EndOfMessage
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return id, body, False


def read_told(id, body, *, ended, stream):
    """Make of an answer what it told; of a stream that was cut, as many events as are whole."""
    if stream:
        events = [line.removeprefix(b"data: ") for line in body.split(b"\n\n")[:-1]]
        whole = b"[DONE]" in events
        chunks = [json.loads(event, parse_float=Decimal) for event in events if event[:1] == b"{"]
        found = [chunk["usage"] for chunk in chunks if chunk["usage"] is not None]
    else:
        whole = ended
        found = [json.loads(body, parse_float=Decimal)["usage"]] if whole else []
    if not found:
        return Told(id, whole)
    (usage,) = found
    return Told(id, whole, (usage["prompt_tokens"], usage["completion_tokens"]), usd(usage["cost"]))


async def ask_until_dead(url, dice, told, *, stream, times):
    """Ask on one connection, at most so many *times*, until the server is no more."""
    try:
        peer = await anyio.connect_tcp(url.hostname, url.port)
    except OSError:
        return
    async with peer:
        http = h11.Connection(h11.CLIENT)
        for _ in range(times):
            body = make_body(dice, stream=stream)
            request = h11.Request(
                method="POST",
                target="/v1/chat/completions",
                headers=[
                    ("Host", url.netloc),
                    ("Authorization", f"Bearer {SECRET}"),
                    ("Content-Type", "application/json"),
                    ("Content-Length", str(len(body))),
                ],
            )
            out = http.send(request) + http.send(h11.Data(body)) + http.send(h11.EndOfMessage())
            try:
                await peer.send(out)
            except anyio.BrokenResourceError:
                return
            id, answer, ended = await read_answer(peer, http)
            if id is not None:
                told.append(read_told(id, answer, ended=ended, stream=stream))
            if not ended:
                return
            http.start_next_cycle()


async def play(server, seed, *, after=None):
    """Ask with all clients at once and kill the server *after* seconds; return what was told.

    Without a time, each client asks once and nobody is killed.
    """
    told, url = [], urlsplit(server.url)
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as clients:
            for n in range(CLIENTS):
                dice = random.Random(f"{seed}:{n}")
                times = 1 if after is None else 10**6

                async def ask(dice=dice, stream=n % 2 == 1, times=times):
                    await ask_until_dead(url, dice, told, stream=stream, times=times)

                clients.start_soon(ask)
            if after is not None:
                await anyio.sleep(after)
                server.process.kill()
    return told


# The books


async def prepare(url):
    """Make the account that the key will be on, with windows, slots and two budgets; give those."""
    async with open_hub(Settings(store=url)) as hub:
        await hub.accounts.put_plan(
            Plan(name="show", requests_per_minute=PLENTY, tokens_per_minute=PLENTY, parallel=10**6)
        )
        await hub.accounts.create(id=ACCOUNT, plan="show")
        key = await hub.accounts.fix_key(ACCOUNT, SECRET)
        budgets = [
            await hub.accounts.create_budget(ACCOUNT, limit=PURSE, period="total", key=owner)
            for owner in (None, key.id)
        ]
    return [budget.id for budget in budgets]


async def read_rows(store, after=None):
    """All rows later than *after*, page by page."""
    rows = []
    while True:
        page = await store.rows(ACCOUNT, after=after, limit=PAGE)
        rows += page
        if len(page) < PAGE:
            return rows
        after = page[-1].id


async def look(path, after):
    """The rows that a round has added, as the server that came after it has left them."""
    async with SqliteStore.open(path, clock=SystemClock()) as store:
        return await read_rows(store, after)


async def audit(path, rows, budgets, began):
    """Hold the final books against each other and against the *rows* as seen on the way."""
    async with open_hub(Settings(store=f"sqlite:{path}")):
        pass  # Whatever was open still is swept.
    async with SqliteStore.open(path, clock=SystemClock()) as store:
        assert await read_rows(store) == rows
        hours = {"start": began // HOUR * HOUR, "end": began // HOUR * HOUR + 2 * DAY}
        reports = [await store.report(ACCOUNT, group_by=by, **hours) for by in GROUPS]
        purses = [await store.budget_state(budget, "total") for budget in budgets]
    check_sums(rows, reports, purses)


def check_rows(rows):
    """Each row has one end, good or lost, and costs what its attempts cost."""
    assert len({row.id for row in rows}) == len(rows)
    for row in rows:
        assert row.state in {"ok", "lost"}
        assert row.settled is not None
        assert [attempt.n for attempt in row.attempts] == [1]
        assert row.cost == sum(attempt.cost for attempt in row.attempts)
        if row.state == "lost":
            assert (row.cost, row.usage.completion) == (row.prompt_cost, 0)


def check_told(rows, told):
    """Whoever had a head is on the books; whoever had the whole answer, with what it was told."""
    by_id = {row.id: row for row in rows}
    assert len({one.id for one in told}) == len(told)
    for one in told:
        row = by_id[one.id]
        assert (one.usage is not None) or not one.whole
        if one.usage is not None:
            assert (row.state, row.cost) == ("ok", one.cost)
            assert (row.usage.prompt, row.usage.completion) == one.usage


def check_sums(rows, reports, purses):
    """Rows, rollups however grouped, and budgets agree to the pico-dollar; nothing is held."""
    cost = sum(row.cost for row in rows)
    for report in reports:
        assert (report.requests, report.cost) == (len(rows), cost)
        assert report.tokens == sum(row.usage.total for row in rows)
    for purse in purses:
        assert (purse.spent, purse.held) == (cost, 0)


@pytest.mark.slow
def test_a_server_that_is_killed_has_told_nobody_what_is_not_on_the_books(
    run_server, tmp_path, record_property
):
    """After each of the kills every request has one settlement, and all sums agree."""
    kill_often(run_server, tmp_path, record_property, ROUNDS, "--latency", "5ms,2ms")


@pytest.mark.slow
def test_a_gateway_that_is_killed_has_told_nobody_what_is_not_on_the_books(
    run_server, tmp_path, record_property
):
    """The same with a provider over HTTP, which has answered more than was delivered."""
    up = ["--ephemeral", "--key", f"{SECRET}=enterprise", "--latency", "5ms,2ms"]
    with run_server(*up, "--log-level", "warning") as provider:
        path = tmp_path / "aihub.toml"
        path.write_text(
            f'[providers.up]\nbase_url = "{provider.url}/v1"\nmodels = {json.dumps(MODELS)}\n'
            f'key = {{ env = "UPSTREAM_KEY" }}\n'
        )
        env = {**os.environ, "UPSTREAM_KEY": SECRET}
        run = functools.partial(run_server, env=env)
        rounds = min(ROUNDS, GATEWAY_ROUNDS)
        kill_often(run, tmp_path, record_property, rounds, "--config", str(path))


def kill_often(run_server, tmp_path, record_property, rounds, *more):
    """Kill a server so many times amid requests, and hold what was told to the books."""
    path, began = tmp_path / "hub.db", time.time_ns() // 1000
    budgets = anyio.run(prepare, f"sqlite:{path}")
    options = ["--store", f"sqlite:{path}", "--key", f"{SECRET}=show", *more]
    dice, rows, told, usual = random.Random(SEED), [], [], None
    for n in range(rounds + 1):
        with run_server(*options, "--log-level", "warning") as server:
            if n > 0:
                # This one has swept what the one before it left.
                rows += anyio.run(look, path, rows[-1].id if rows else None)
                check_rows(rows)
                check_told(rows, told)
            if usual is None:
                start = time.monotonic()
                told += anyio.run(play, server, n)
                usual = time.monotonic() - start
                continue
            told += anyio.run(lambda: play(server, n, after=dice.uniform(0, 2 * usual)))
    with run_server(*options):
        rows += anyio.run(look, path, rows[-1].id)

    check_rows(rows)
    check_told(rows, told)
    anyio.run(audit, path, rows, budgets, began)
    states = Counter(row.state for row in rows)
    for name, value in (("told", len(told)), ("usual", usual), *states.items()):
        record_property(name, value)
    assert states["ok"] >= CLIENTS
    assert states["lost"] >= rounds
    assert sum(one.whole for one in told) >= CLIENTS
    assert sum(not one.whole for one in told) >= rounds


@attrs.frozen
class Part:
    """As much of an attempt as the checkers read."""

    n: int = 1
    cost: int = 7


@attrs.frozen
class Row:
    """As much of a row as the checkers read."""

    id: str = "req_1"
    state: str = "ok"
    cost: int = 7
    usage: Usage = attrs.field(factory=lambda: Usage(2, 3))
    settled: int | None = 1
    prompt_cost: int = 4
    attempts: tuple[Part, ...] = (Part(),)


GOOD = Row()


@pytest.mark.parametrize(
    "rows",
    [
        [GOOD, GOOD],
        [attrs.evolve(GOOD, state="open")],
        [attrs.evolve(GOOD, state="aborted")],
        [attrs.evolve(GOOD, cost=8)],
        [attrs.evolve(GOOD, attempts=())],
        [attrs.evolve(GOOD, attempts=(Part(1, 3), Part(1, 4)))],
        [attrs.evolve(GOOD, state="lost")],
    ],
)
def test_the_checker_sees_a_row_that_is_wrong(rows):
    """Twice there, open, given up by nobody, a pico too dear, or settled twice."""
    check_rows([GOOD])
    with pytest.raises(AssertionError):
        check_rows(rows)


@pytest.mark.parametrize(
    "told",
    [
        Told("req_1", whole=True),
        Told("req_1", True, (2, 4), 7),
        Told("req_1", True, (2, 3), 8),
        Told("req_2", whole=False),
    ],
)
def test_the_checker_sees_an_answer_that_is_not_on_the_books(told):
    """Without its usage, with another, at another cost, or not at all."""
    check_told([GOOD], [Told("req_1", True, (2, 3), 7)])
    with pytest.raises((AssertionError, KeyError)):
        check_told([GOOD], [told])
    with pytest.raises(AssertionError):
        check_told([attrs.evolve(GOOD, state="lost")], [Told("req_1", True, (2, 3), 7)])


def test_a_stream_that_was_cut_tells_only_what_came_whole():
    """Half an event is none; the usage counts once its event is there, and [DONE] ends it."""
    chunk = b'data: {"usage":null}\n\n'
    usage = b'data: {"usage":{"prompt_tokens":2,"completion_tokens":3,"cost":0.000000000007}}\n\n'
    done = b"data: [DONE]\n\n"

    def read(body):
        return read_told("req_1", body, ended=False, stream=True)

    assert read(chunk + usage[:-1]) == Told("req_1", whole=False)
    assert read(chunk + usage) == Told("req_1", False, (2, 3), 7)
    assert read(chunk + usage + done) == Told("req_1", True, (2, 3), 7)
