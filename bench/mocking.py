"""The mock's own share of a request in process: plain, with tools, by a schema, with probabilities.

Run as a process of its own (`python -m bench.mocking`), as `bench.inprocess` is. What the hub takes
altogether and what the mock takes alone are measured in turns, so that noise falls on both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from time import process_time
from typing import Any, TypeAlias

import anyio

import aihub
from aihub.backends.catalogue import load_catalogue
from aihub.backends.providers.mock import MockProvider
from aihub.backends.tokens import best_counter
from aihub.protocols import ProviderCall

from .writing import PROMPT, SCHEMA

Deed: TypeAlias = Callable[[], Awaitable[object]]

WARM_UP = 200
TURNS = 10
MODEL = "gpt-4o"

WEATHER = aihub.Tool(
    name="get_weather",
    description="Get the weather for a city",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "unit": {"enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
)
TIME = aihub.Tool(name="get_time", parameters={"type": "object", "properties": {}})

ASKED: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "two tools, one called": {"tools": (WEATHER, TIME)},
    "by a schema": {
        "response_format": aihub.ResponseFormat(kind="json_schema", name="report", schema=SCHEMA)
    },
    "with probabilities": {"logprobs": True, "top_logprobs": 5},
}


async def _asked(asked: Mapping[str, Any], calls: int) -> dict[str, float]:
    tokens, clock = best_counter(), aihub.SystemClock()
    model = load_catalogue().find(MODEL)
    assert model is not None  # noqa: S101 - the catalogue has it
    chat = aihub.Chat(model=MODEL, messages=(aihub.Message("user", PROMPT),), **asked)
    call = ProviderCall("req_1", chat, model, model.id, tokens.count_prompt(model, chat))
    mock = MockProvider(tokens=tokens, clock=clock)

    async def alone() -> object:
        async with mock.open(call) as events:
            return [event async for event in events]

    async with aihub.open_hub() as hub:

        async def whole() -> object:
            return await hub.chat(MODEL, PROMPT, **asked)

        spent = {"whole": 0.0, "mock": 0.0}
        deeds: dict[str, Deed] = {"whole": whole, "mock": alone}
        for deed in deeds.values():
            for _ in range(WARM_UP):
                await deed()
        for _ in range(TURNS):
            for name, deed in deeds.items():
                began = process_time()
                for _ in range(calls // TURNS):
                    await deed()
                spent[name] += process_time() - began
    return {name: one * 1e6 / (calls // TURNS * TURNS) for name, one in spent.items()}


async def measure(calls: int) -> dict[str, dict[str, float]]:
    """Ask *calls* times in each way and give what one took, in microseconds."""
    return {name: await _asked(asked, calls) for name, asked in ASKED.items()}


def main() -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description="Ask the mock in process; print JSON.")
    parser.add_argument("--calls", type=int, default=2000)
    parser.add_argument("--loop", choices=["trio", "asyncio"], default="asyncio")
    options = parser.parse_args()
    json.dump(anyio.run(measure, options.calls, backend=options.loop), sys.stdout)
    print()
    return 0


if __name__ == "__main__":
    sys.exit(main())
