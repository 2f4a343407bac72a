"""What the hub takes of a call by an SDK in the same process, without a socket, and what SDKs take.

Run as a process of its own (`python -m bench.sdk`), as `bench.inprocess` is. Beside it stands the
same SDK on a transport that always answers the same bytes, frame by frame as the hub sent them, in
turns: what is left is the hub, the mock, and the way between the two. On that transport AI Hub's
own SDK is asked the same as well.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from time import process_time
from typing import Any, TypeAlias

import anyio
import httpx2
import openai

import ai_hub
import aihub
from aihub.server import inprocess

Deed: TypeAlias = Callable[[], Awaitable[object]]

WARM_UP = 50
TURNS = 10
KEY = "aihub-dev-key"
PATH = "/v1/chat/completions"
STORY: Any = [{"role": "user", "content": "Tell me a long story about trains."}]
ASKED: dict[str, dict[str, Any]] = {
    "answered whole": {"stream": False, "max_tokens": 100},
    "a stream of 100 chunks": {"stream": True, "max_tokens": 100},
}


class Frames(httpx2.AsyncByteStream, httpx2.SyncByteStream):
    """A body that comes as it came."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for frame in self._frames:
            yield frame

    def __iter__(self) -> Iterator[bytes]:
        yield from self._frames


async def record(http: httpx2.AsyncClient, fields: dict[str, Any]) -> httpx2.MockTransport:
    """Ask once and return what always answers so."""
    body = {"model": "gpt-4", "messages": STORY, **fields}
    headers = {"authorization": f"Bearer {KEY}"}
    async with http.stream("POST", PATH, json=body, headers=headers) as response:
        frames = [frame async for frame in response.aiter_raw()]
    status, told = response.status_code, response.headers
    return httpx2.MockTransport(
        lambda _: httpx2.Response(status, headers=told, stream=Frames(frames))
    )


def asking(http: httpx2.AsyncClient, fields: dict[str, Any]) -> Deed:
    """Return a call by the SDK, read to its end."""
    client = openai.AsyncOpenAI(api_key=KEY, http_client=http, max_retries=0)

    async def ask() -> None:
        answer = await client.chat.completions.create(model="gpt-4", messages=STORY, **fields)
        if fields["stream"]:
            async for _ in answer:
                pass

    return ask


def asking_by_ours(http: httpx2.AsyncClient, fields: dict[str, Any]) -> Deed:
    """Return the same call by our own SDK."""
    client = ai_hub.AsyncAIHubClient(api_key=KEY, http_client=http, max_retries=0)
    rest = {name: value for name, value in fields.items() if name != "stream"}

    async def ask() -> None:
        if not fields["stream"]:
            await client.chat.create(model="gpt-4", messages=STORY, **rest)
            return
        async with client.chat.stream(model="gpt-4", messages=STORY, **rest) as stream:
            async for _ in stream:
                pass

    return ask


async def take(deed: Deed, calls: int) -> float:
    """Return the microseconds of processor time of one call."""
    began = process_time()
    for _ in range(calls):
        await deed()
    return (process_time() - began) * 1e6 / calls


async def compare(hub: aihub.Hub, fields: dict[str, Any], calls: int) -> dict[str, float]:
    """Take both in turns."""
    async with inprocess.async_http_client(hub) as http:
        constant = await record(http, fields)
        async with httpx2.AsyncClient(transport=constant) as other:
            deeds = {
                "hub": asking(http, fields),
                "constant": asking(other, fields),
                "our SDK, constant": asking_by_ours(other, fields),
            }
            took = dict.fromkeys(deeds, 0.0)
            for deed in deeds.values():
                await take(deed, WARM_UP)
            for _ in range(TURNS):
                for name, deed in deeds.items():
                    took[name] += await take(deed, max(calls // TURNS, 1)) / TURNS
    return took


async def measure(calls: int) -> dict[str, dict[str, float]]:
    """Measure all that is asked."""
    async with aihub.open_hub() as hub:
        return {name: await compare(hub, fields, calls) for name, fields in ASKED.items()}


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Ask a hub in process by the SDK; print JSON.")
    parser.add_argument("--calls", type=int, default=500)
    options = parser.parse_args()
    json.dump(anyio.run(measure, options.calls, backend="asyncio"), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
