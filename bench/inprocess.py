"""One call to the hub in the same process, on the mock provider: no sockets, no JSON.

Run as a process of its own (`python -m bench.inprocess`), so that nothing else is in its memory or
on its event loop.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter, process_time
from typing import TypeAlias

import anyio

import aihub

Call: TypeAlias = Callable[[], Awaitable[object]]

# Enough that caches, lazily made values and the allocator have settled.
WARM_UP = 200


@asynccontextmanager
async def open_call() -> AsyncIterator[Call]:
    """Open a hub and give a function that makes one whole call with a key, limits and metering."""
    async with aihub.open_hub() as hub:
        # Limits that are there and are not reached: their cost is part of a call.
        plan = aihub.Plan(name="bench", requests_per_minute=10**9, tokens_per_minute=10**12)
        await hub.accounts.put_plan(plan)
        account = await hub.accounts.create("bench", plan="bench")
        key = (await hub.accounts.create_key(account.id)).secret

        async def call() -> object:
            return await hub.chat("gpt-4", "What is a monad?", key=key)

        yield call


async def measure(calls: int) -> dict[str, float]:
    """Make *calls* calls one after the other and give what one took, in microseconds."""
    async with open_call() as call:
        for _ in range(WARM_UP):
            await call()
        wall, cpu = perf_counter(), process_time()
        for _ in range(calls):
            await call()
        wall, cpu = perf_counter() - wall, process_time() - cpu
    return {"wall_us": wall * 1e6 / calls, "cpu_us": cpu * 1e6 / calls}


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Call the hub in process; print JSON.")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--loop", choices=["trio", "asyncio"], default="trio")
    options = parser.parse_args()
    json.dump(anyio.run(measure, options.calls, backend=options.loop), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
