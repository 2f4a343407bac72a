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

Call: TypeAlias = Callable[[], Awaitable[object]]

# Enough that caches, lazily made values and the allocator have settled.
WARM_UP = 200


@asynccontextmanager
async def open_call() -> AsyncIterator[Call | None]:
    """Open a hub and give a function that makes one whole call; None if there is no hub yet."""
    yield None


async def measure(calls: int) -> dict[str, float] | None:
    """Make *calls* calls one after the other and give what one took, in microseconds."""
    async with open_call() as call:
        if call is None:
            return None
        for _ in range(WARM_UP):
            await call()
        wall, cpu = perf_counter(), process_time()
        for _ in range(calls):
            await call()
        wall, cpu = perf_counter() - wall, process_time() - cpu
    return {"wall_us": wall * 1e6 / calls, "cpu_us": cpu * 1e6 / calls}


def main() -> int:
    """Print the figures as JSON (`null` if there is no hub)."""
    parser = argparse.ArgumentParser(description="Call the hub in process; print JSON.")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--loop", choices=["trio", "asyncio"], default="trio")
    options = parser.parse_args()
    json.dump(anyio.run(measure, options.calls, backend=options.loop), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
