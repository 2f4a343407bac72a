"""One process of `test_processes.py`: eight threads that ask and settle until they are killed.

Each thread has an event loop and a store of its own on the one file; some go through a hub. What
they are told is appended to a log, a line each, written before anything else happens:

    A id at         admitted
    R seconds       refused, come again after so long
    S id            this settlement was the one
    L id            found dead and settled as lost
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time

import anyio

from aihub.backends.catalogue import StaticCatalogue
from aihub.backends.clocks import SystemClock
from aihub.backends.ids import RandomIds
from aihub.backends.storage.sqlite import SqliteStore
from aihub.backends.tokens import EstimateCounter
from aihub.errors import HubError, OverLimit, StoreUnavailable, UpstreamTimeout
from aihub.hub import Hub
from aihub.model.events import Text
from aihub.model.ledger import Admitted, HoldAsk, Settled, SlotAsk, WindowFull
from aihub.model.units import SECOND
from aihub.testing import ScriptedProvider
from aihub.testing.fakes import ANSWER
from aihub.testing.providers import MODEL
from aihub.testing.stores import ask, end, requests, tokens

ACCOUNT = "acc_show"
BUDGET = "bud_show"
PLENTY = 10**18
THREADS = 8
TASKS = 3
PAUSE = 0.01
"""Seconds that a task waits after a refusal: eager enough to be there when a place is free."""


class ScaledClock:
    """A clock that runs *scale* times as fast as the machine's, the same in every process."""

    def __init__(self, start: int, zero: int, scale: int) -> None:
        self._start = start
        self._zero = zero
        self._scale = scale

    def now(self) -> int:
        """Return microseconds since the epoch, as this clock has it."""
        return self._start + (time.monotonic_ns() - self._zero) * self._scale // 1000


def make_clock(start: int, zero: int, scale: int) -> SystemClock | ScaledClock:
    """Return the system's clock where nothing is scaled."""
    return SystemClock() if scale == 1 else ScaledClock(start, zero, scale)


class Log:
    """A file that whole lines are appended to, from any thread."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def write(self, *words: object) -> None:
        """Append one line."""
        os.write(self._fd, (" ".join(map(str, words)) + "\n").encode())


class Worker:
    """One thread."""

    def __init__(self, asked: dict[str, int | str], n: int, log: Log) -> None:
        self.limit = int(asked["limit"])
        self.path = str(asked["path"])
        self.until = float(asked["until"])
        self.lease = 60 * SECOND * int(asked["scale"])
        self.clock = make_clock(int(asked["start"]), int(asked["zero"]), int(asked["scale"]))
        self.random = random.Random(f"{asked['seed']}:{n}")
        self.name = f"{os.getpid()}.{n}"
        self.ids = RandomIds(self.clock)
        self.log = log
        self.work = self.through_a_hub if n % 4 == 3 else self.through_the_store

    def run(self, backend: str) -> None:
        """Work in an event loop of this thread's own."""
        anyio.run(self.main, backend=backend)

    async def main(self) -> None:
        while time.monotonic() < self.until:
            try:
                async with SqliteStore.open(self.path, clock=self.clock) as store:
                    await self.work(store)
            except* StoreUnavailable:
                # Another process had the file for too long. Nothing was written.
                await anyio.sleep(PAUSE)

    async def through_the_store(self, store: SqliteStore) -> None:
        owner = self.ids.new("own")
        await store.enlist(owner, self.lease)
        async with anyio.create_task_group() as tasks:
            for _ in range(TASKS):
                tasks.start_soon(self.ask_the_store, store, owner)
        await store.retire(owner)

    async def ask_the_store(self, store: SqliteStore, owner: str) -> None:
        while time.monotonic() < self.until:
            id = self.ids.new("req")
            amount = self.random.randrange(10**9)
            answer = await store.admit(
                ask(
                    id,
                    requests(self.limit, f"account:{ACCOUNT}:requests"),
                    tokens(9, PLENTY, f"account:{ACCOUNT}:tokens"),
                    owner=owner,
                    account=ACCOUNT,
                    holds=(HoldAsk(BUDGET, "total", amount, PLENTY),),
                    slots=(SlotAsk(ACCOUNT, 10_000),),
                    reserved_cost=amount,
                    prompt_tokens=5,
                    prompt_cost=self.random.randrange(10**6),
                    reserved_tokens=9,
                )
            )
            if isinstance(answer, Admitted):
                self.log.write("A", id, answer.at)
                await self.end_in_the_store(store, id)
            elif isinstance(answer, WindowFull):
                self.log.write("R", answer.retry_after)
                await anyio.sleep(self.random.random() * PAUSE)
            if self.random.random() < 0.01:
                for lost in await store.sweep("prompt"):
                    self.log.write("L", lost.id)

    async def end_in_the_store(self, store: SqliteStore, id: str) -> None:
        chance = self.random.random()
        if chance < 0.05:
            return  # Left open: whoever sweeps finds it when this owner is dead.
        if chance < 0.3:
            await store.hold(id, self.random.randrange(10**6))
        final = end(id, used=self.random.randrange(20), cost=self.random.randrange(10**9))

        async def settle() -> None:
            if isinstance(await store.settle(final), Settled):
                self.log.write("S", id)

        async with anyio.create_task_group() as tasks:
            for _ in range(2):  # Two at once, of which one counts.
                tasks.start_soon(settle)

    async def through_a_hub(self, store: SqliteStore) -> None:
        slow = UpstreamTimeout("slow")
        provider = ScriptedProvider(ANSWER, [slow], ANSWER, [Text("Once"), slow], ANSWER)
        async with (
            Hub(
                store=store,
                providers={"p": provider},
                catalogue=StaticCatalogue([MODEL], {"gpt-4": MODEL.id}),
                tokens=EstimateCounter(),
                clock=self.clock,
                ids=self.ids,
                grace=1,
            ) as hub,
            anyio.create_task_group() as tasks,
        ):
            for _ in range(TASKS):
                tasks.start_soon(self.ask_the_hub, hub)

    async def ask_the_hub(self, hub: Hub) -> None:
        while time.monotonic() < self.until:
            try:
                async with hub.stream("gpt-4", "Hi", account=ACCOUNT) as stream:
                    self.log.write("A", stream.id, stream.admitted)
                    async for _ in stream:
                        if self.random.random() < 0.1:
                            break
            except OverLimit as refused:
                self.log.write("R", refused.retry_after)
                await anyio.sleep(self.random.random() * PAUSE)
            except HubError:
                await anyio.sleep(PAUSE)


def main() -> None:
    """Read what to do from the command line, and do it in eight threads."""
    asked = json.loads(sys.argv[1])
    log = Log(asked["log"])
    threads = [
        threading.Thread(
            target=Worker(asked, n, log).run, args=[asked["loops"][n % len(asked["loops"])]]
        )
        for n in range(THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
