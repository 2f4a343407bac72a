"""Mixed traffic against one server for a long time: does anything grow, is anything lost?

`python -m bench.soak --minutes 30`: whole answers, streams, streams that are left half way, chats
with sessions, repetitions, administration, and requests that are wrong in every usual way, at a
pace that a laptop can bear. Afterwards memory and file descriptors must be where they were early
in the run, and the ledger must say what the answers said, to the last digit of the cost. The
traffic is a function of the seed, so that a short run is the beginning of a long one.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from random import Random
from statistics import median
from typing import Any

import anyio
import httpx2

from aihub.backends.clocks import SystemClock
from aihub.backends.storage.sqlite import SqliteStore
from aihub.model.ledger import LedgerRow
from aihub.model.units import format_usd

from .servers import Server, Target, open_server

CLIENTS = 12
# Pauses of a client between two requests: together some 60 requests a second.
LONGEST_PAUSE = 0.3
SAMPLE_SECONDS = 2.0
KEY, LIMITED = "soak", "limited"
SESSIONS_KEPT = 20
# Memory may settle by this much between the first third and the last; it grew by more if it leaks.
MEMORY_SLACK = 1.10
MEMORY_MARGIN_MIB = 6.0
ACCOUNTS_PAGE = 1000
TIMEOUT = 60.0

HELLO = {"role": "user", "content": "Tell me something about the sea, the wind and the stars."}


@dataclass
class Seen:
    """What clients were told: costs by request, how many of each status, what was left half way."""

    costs: dict[str, Decimal] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    statuses: Counter[str] = field(default_factory=Counter)
    strange: list[str] = field(default_factory=list)


def _cost(body: bytes | str) -> Decimal:
    usage: dict[str, Any] = json.loads(body, parse_float=Decimal, parse_int=Decimal)["usage"]
    return Decimal(usage["cost"])


class Client:
    """One of many clients, who does one thing after the other."""

    def __init__(self, http: httpx2.AsyncClient, seen: Seen, random: Random) -> None:
        self._http = http
        self._seen = seen
        self._random = random
        self._sessions: list[str] = []
        self._auth = {"Authorization": f"Bearer {KEY}"}

    async def run(self) -> None:
        """Do things until cancelled."""
        deeds: list[tuple[int, str, Callable[[], Awaitable[None]]]] = [
            (30, "whole", self.whole),
            (20, "stream", self.stream),
            (15, "left", self.leave),
            (15, "session", self.session),
            (5, "twice", self.twice),
            (5, "read", self.read),
            (3, "keys", self.keys),
            (15, "wrong", self.wrong),
            (4, "limited", self.limited),
        ]
        weights = [weight for weight, _, _ in deeds]
        while True:
            ((_, name, deed),) = self._random.choices(deeds, weights)
            await deed()
            self._seen.statuses[name] += 1
            await anyio.sleep(self._random.uniform(0, LONGEST_PAUSE))

    def _chat(self, **more: object) -> dict[str, object]:
        return {
            "model": self._random.choice(["gpt-4", "gpt-4o", "claude-3-opus"]),
            "messages": [HELLO],
            "max_tokens": self._random.randint(1, 60),
            **more,
        }

    async def _post(self, path: str, body: object, **headers: str) -> httpx2.Response:
        return await self._http.post(path, json=body, headers={**self._auth, **headers})

    def _expect(self, response: httpx2.Response, status: int) -> bool:
        if response.status_code == status:
            return True
        self._seen.strange.append(
            f"{response.request.method} {response.request.url.path}: {response.status_code}"
            f" instead of {status}: {response.text[:200]}"
        )
        return False

    def _note(self, response: httpx2.Response) -> None:
        if self._expect(response, httpx2.codes.OK):
            self._seen.costs[response.headers["x-request-id"]] = _cost(response.content)

    async def whole(self) -> None:
        """Ask for a whole answer."""
        self._note(await self._post("/v1/chat/completions", self._chat()))

    async def stream(self) -> None:
        """Read a stream to its end."""
        body = self._chat(stream=True, stream_options={"include_usage": True})
        last = ""
        async with self._http.stream(
            "POST", "/v1/chat/completions", json=body, headers=self._auth
        ) as response:
            id = response.headers["x-request-id"]
            async for line in response.aiter_lines():
                if '"usage":{' in line:
                    last = line.removeprefix("data: ")
        if not last:
            self._seen.strange.append(f"the stream {id} did not end")
            return
        self._seen.costs[id] = _cost(last)

    async def leave(self) -> None:
        """Leave a stream after some of it."""
        wanted = self._random.randint(0, 5)
        body = self._chat(stream=True, max_tokens=400)
        async with self._http.stream(
            "POST", "/v1/chat/stream", json=body, headers=self._auth
        ) as response:
            self._seen.left.add(response.headers["x-request-id"])
            async for _ in response.aiter_lines():
                wanted -= 1
                if wanted < 0:
                    break

    async def session(self) -> None:
        """Go on with a session, fork one, or begin one and delete the oldest."""
        if not self._sessions or self._random.random() < 0.1:  # noqa: PLR2004
            made = await self._post("/v1/sessions", {"model": "gpt-4", "system_prompt": "Be kind."})
            if self._expect(made, httpx2.codes.OK):
                self._sessions.append(made.json()["id"])
        if len(self._sessions) > SESSIONS_KEPT:
            gone = f"/v1/sessions/{self._sessions.pop(0)}"
            self._expect(await self._http.delete(gone, headers=self._auth), httpx2.codes.OK)
        id = self._random.choice(self._sessions)
        if self._random.random() < 0.1:  # noqa: PLR2004
            forked = await self._post(f"/v1/sessions/{id}/fork", {})
            if self._expect(forked, httpx2.codes.OK):
                self._sessions.append(forked.json()["id"])
        body = {"session_id": id, "messages": [HELLO], "max_tokens": 20}
        self._note(await self._post("/v1/chat/completions", body))

    async def twice(self) -> None:
        """Ask the same twice under one name: the second is free and the same."""
        name = f"{self._random.getrandbits(64):x}"
        body = self._chat()
        first = await self._post("/v1/chat/completions", body, **{"Idempotency-Key": name})
        self._note(first)
        again = await self._post("/v1/chat/completions", body, **{"Idempotency-Key": name})
        if self._expect(again, httpx2.codes.OK) and again.content != first.content:
            self._seen.strange.append("a repetition was answered otherwise")

    async def read(self) -> None:
        """Read what there is."""
        for path in ("/v1/models/gpt-4", "/v1/usage?group_by=day", "/v1/sessions?limit=5"):
            self._expect(await self._http.get(path, headers=self._auth), httpx2.codes.OK)

    async def keys(self) -> None:
        """Make a key, use it, revoke it, and be refused."""
        made = (await self._post("/v1/keys", {"name": "soak"})).json()
        auth = {"Authorization": f"Bearer {made['secret']}"}
        body = self._chat()
        self._note(await self._http.post("/v1/chat/completions", json=body, headers=auth))
        await self._http.delete(f"/v1/keys/{made['id']}", headers=self._auth)
        refused = await self._http.post("/v1/chat/completions", json=body, headers=auth)
        # Sixty of these a minute, and the address is told to wait.
        if refused.status_code not in {401, 429}:
            self._expect(refused, httpx2.codes.UNAUTHORIZED)

    async def wrong(self) -> None:
        """Ask for what cannot be had."""
        status, body = self._random.choice(
            [
                (400, b"{"),
                (400, b'{"model": "gpt-4", "messages": "x"}'),
                (400, json.dumps(self._chat(temperature=9)).encode()),
                (400, json.dumps(self._chat(model="gpt-none")).encode()),
                (404, json.dumps(self._chat(session_id="ses_none")).encode()),
                (400, b"\xff\xfe"),
                (400, json.dumps(self._chat(tools=[{"type": "function"}])).encode()),
            ]
        )
        headers = {**self._auth, "Content-Type": "application/json"}
        answer = await self._http.post("/v1/chat/completions", content=body, headers=headers)
        self._expect(answer, status)
        self._expect(await self._http.get("/v1/nothing", headers=self._auth), 404)

    async def limited(self) -> None:
        """Ask with a key that has ten requests a minute."""
        auth = {"Authorization": f"Bearer {LIMITED}"}
        body = self._chat(max_tokens=5)
        answer = await self._http.post("/v1/chat/completions", json=body, headers=auth)
        if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS:
            if not 1 <= int(answer.headers["retry-after"]) <= 60:  # noqa: PLR2004
                self._seen.strange.append("a wait out of bounds")
            return
        self._note(answer)


@dataclass
class Sample:
    """The server at one moment."""

    memory: float
    files: int


async def _watch(server: Server, samples: list[Sample]) -> None:
    files = Path(f"/proc/{server.pid}/fd")
    while True:
        await anyio.sleep(SAMPLE_SECONDS)
        # The system's own account of a process: no disk is waited for.
        open_now = len(list(files.iterdir()))  # noqa: ASYNC240
        samples.append(Sample(server.memory_mib(), open_now))


async def _drive(server: Server, seconds: float, seed: int) -> tuple[Seen, list[Sample]]:
    seen, samples = Seen(), list[Sample]()
    limits = httpx2.Limits(max_connections=CLIENTS, max_keepalive_connections=CLIENTS)
    url = f"http://127.0.0.1:{server.port}"
    async with httpx2.AsyncClient(base_url=url, limits=limits, timeout=TIMEOUT) as http:
        with anyio.move_on_after(seconds):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(_watch, server, samples)
                for n in range(CLIENTS):
                    client = Client(http, seen, Random(f"{seed} {n}"))  # noqa: S311
                    tasks.start_soon(client.run)
    return seen, samples


async def _ledger(path: Path) -> list[LedgerRow]:
    """Read all rows of all accounts."""
    rows: list[LedgerRow] = []
    async with SqliteStore.open(path, clock=SystemClock()) as store:
        for account in await store.accounts(limit=ACCOUNTS_PAGE):
            after: str | None = None
            while page := await store.rows(account.id, after=after, limit=ACCOUNTS_PAGE):
                rows += page
                after = page[-1].id
    return rows


async def _sums(path: Path) -> tuple[int, int]:
    """Return requests and cost in the rollups of all accounts."""
    async with SqliteStore.open(path, clock=SystemClock()) as store:
        reports = [
            await store.report(account.id, start=0, end=2**62, group_by="model")
            for account in await store.accounts(limit=ACCOUNTS_PAGE)
        ]
    return sum(one.requests for one in reports), sum(one.cost for one in reports)


def faults_of_ledger(seen: Seen, rows: list[LedgerRow], requests: int, cost: int) -> list[str]:
    """Say where ledger, rollups and answers differ."""
    faults = []
    by_id = {row.id: row for row in rows}
    for id, told in seen.costs.items():
        row = by_id.get(id)
        if row is None or row.state != "ok":
            faults.append(f"{id} was answered and is {row.state if row else 'not'} on the ledger")
        elif Decimal(format_usd(row.cost)) != told:
            faults.append(f"{id} was told to cost {told} and costs {format_usd(row.cost)}")
    lost = sorted(seen.left - by_id.keys())
    faults += [f"{id} was begun and is not on the ledger" for id in lost]
    known = seen.costs.keys() | seen.left
    # When the time is up, each client has one request at most that it hears no more of.
    unheard = [row for row in rows if row.id not in known and row.state in {"ok", "aborted"}]
    if len(unheard) > 2 * CLIENTS:
        faults.append(f"{len(unheard)} rows that nobody heard of")
    faults += [f"{row.id} is {row.state}" for row in rows if row.state in {"open", "lost"}]
    if (len(rows), sum(row.cost for row in rows)) != (requests, cost):
        faults.append("rows and rollups differ")
    return faults


def faults_of_growth(samples: list[Sample], left: Sample) -> list[str]:
    """Say what grew."""
    third = len(samples) // 3
    early, late = samples[third : 2 * third], samples[2 * third :]
    faults = []
    before = median(one.memory for one in early)
    after = median(one.memory for one in late)
    print(f"memory: {before:.1f} MiB in the second third, {after:.1f} MiB in the last")
    if after > before * MEMORY_SLACK + MEMORY_MARGIN_MIB:
        faults.append(f"memory grew from {before:.1f} to {after:.1f} MiB")
    most = max(one.files for one in early)
    print(f"files: at most {most} in the second third, {left.files} when all had left")
    if left.files > most or max(one.files for one in late) > most + CLIENTS:
        # A client that has just left may stand beside the one that takes its place; what leaks is
        # still there when all have left.
        faults.append(f"open files grew from {most}: {left.files} are left")
    return faults


def soak(minutes: float, seed: int) -> list[str]:
    """Run it, and return what is wrong."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "hub.db"
        target = Target(
            "aihub",
            [
                *(str(Path(sys.executable).with_name("aihub-serve")), "--port", "0"),
                *("--store", f"sqlite:{path}", "--log-level", "warning"),
                *("--key", f"{KEY}=enterprise:read+inference+admin", "--key", f"{LIMITED}=free"),
            ],
            stream_path="/v1/chat/stream",
        )
        with open_server(target) as server:
            seen, samples = anyio.run(_drive, server, minutes * 60, seed)
            anyio.run(anyio.sleep, 2 * SAMPLE_SECONDS)
            files = len(list(Path(f"/proc/{server.pid}/fd").iterdir()))
            left = Sample(server.memory_mib(), files)
        rows = anyio.run(_ledger, path)
        requests, cost = anyio.run(_sums, path)
        states = Counter(row.state for row in rows)
        print(f"{sum(seen.statuses.values())} deeds: {dict(seen.statuses)}")
        print(f"{len(rows)} rows: {dict(states)}; {len(seen.costs)} answers; ${format_usd(cost)}")
        print(f"the store has {path.stat().st_size / 2**20:.0f} MiB")
        return [
            *seen.strange[:20],
            *faults_of_ledger(seen, rows, requests, cost)[:20],
            *faults_of_growth(samples, left),
        ]


def main() -> int:
    """Say what was found; exit with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description="Soak a server in mixed traffic.")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    faults = soak(options.minutes, options.seed)
    for fault in faults:
        print(re.sub(r"\s+", " ", fault), file=sys.stderr)
    print("something is wrong" if faults else "flat, and nothing was lost")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
