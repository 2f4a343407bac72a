"""What carrying a request to a provider costs: by both transports, and by httpx2 as it comes.

Run as a process of its own (`python -m bench.carrying`), as `bench.inprocess` is. The upstream is
another process and sends the same bytes every time; only this one's processor time counts. All ways
take turns, so that noise falls on each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from time import process_time
from typing import TypeAlias

import anyio
import httpx2

from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.model.upstream import UpstreamRequest
from aihub.protocols import Transport
from aihub.testing import open_upstream
from aihub.testing.upstreams import answer, chunked

from .ceiling import COMPLETION

Deed: TypeAlias = Callable[[], Awaitable[object]]

WARM_UP = 100
TURNS = 10
EVENTS = 500
"""Events of one stream; they are there at once, so that the reader is what is measured."""

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":" word"},"finish_reason":null}]}\n\n'
BODY = b'{"model":"gpt-4","messages":[{"role":"user","content":"%b"}]}' % (b"Why? " * 100)
HEADERS = (
    ("authorization", "Bearer sk-" + "x" * 48),
    ("content-type", "application/json"),
    ("accept", "application/json"),
    ("user-agent", "aihub"),
)
PROVIDERS = (
    ("content-type", "application/json"),
    ("date", "Mon, 23 Nov 2026 00:00:00 GMT"),
    ("x-request-id", "req_0197f6a0b1c27d3e8f4a5b6c7d8e9f00"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("cf-ray", "9a1b2c3d4e5f6789-FRA"),
)


async def serve() -> None:
    """Answer wholly on one port and by a stream on another until standard input ends."""
    whole = answer(COMPLETION, headers=PROVIDERS)
    stream = [b"".join(step for step in chunked(*[EVENT] * EVENTS) if isinstance(step, bytes))]
    async with open_upstream(whole) as first, open_upstream(stream) as second:
        print(json.dumps([first.url, second.url]), flush=True)
        await anyio.to_thread.run_sync(sys.stdin.read)


@contextmanager
def open_upstreams() -> Iterator[tuple[str, str]]:
    """Run `serve` in a process of its own and give its two URLs."""
    command = [sys.executable, "-m", "bench.carrying", "--upstream"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        whole, stream = json.loads(process.stdout.readline())
        yield whole, stream
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.close()


def by(transport: Transport, url: str) -> Deed:
    """Return one exchange by *transport*."""
    request = UpstreamRequest(method="POST", url=f"{url}/v1/chat", headers=HEADERS, body=BODY)

    async def once() -> None:
        async with transport.open(request) as response:
            async for _ in response.body:
                pass

    return once


def bare(client: httpx2.AsyncClient, url: str) -> Deed:
    """Return one exchange by httpx2 as its documentation has it."""

    async def once() -> None:
        asked = client.stream("POST", f"{url}/v1/chat", headers=dict(HEADERS), content=BODY)
        async with asked as response:
            async for _ in response.aiter_raw():
                pass

    return once


async def spend(deeds: dict[str, Deed], times: int) -> dict[str, float]:
    """Do each deed *times* times, in turns, and give the microseconds that one took."""
    spent, each = dict.fromkeys(deeds, 0.0), max(times // TURNS, 1)
    for deed in deeds.values():
        for _ in range(min(WARM_UP, times)):
            await deed()
    for _ in range(TURNS):
        for name, deed in deeds.items():
            began = process_time()
            for _ in range(each):
                await deed()
            spent[name] += process_time() - began
    return {name: one * 1e6 / (each * TURNS) for name, one in spent.items()}


async def measure(calls: int) -> dict[str, dict[str, float]]:
    """Give processor time: microseconds a request, and of one event of a stream."""
    transports: dict[str, Transport] = {"by httpx2": Httpx2Transport(), "native": NativeTransport()}
    with open_upstreams() as urls:
        async with httpx2.AsyncClient() as client:
            found = []
            for url, times in zip(urls, (calls, calls // 20), strict=True):
                deeds = {name: by(one, url) for name, one in transports.items()}
                found.append(await spend({**deeds, "bare": bare(client, url)}, times))
        for transport in transports.values():
            await transport.aclose()
    whole, stream = found
    return {"request": whole, "event": {name: one / EVENTS for name, one in stream.items()}}


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Carry requests to an upstream; print JSON.")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--loop", choices=["trio", "asyncio"], default="asyncio")
    parser.add_argument("--upstream", action="store_true", help="be the upstream")
    options = parser.parse_args()
    if options.upstream:
        anyio.run(serve)
        return 0
    json.dump(anyio.run(measure, options.calls, backend=options.loop), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
