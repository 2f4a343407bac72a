"""Asking the mock: calls as a hub makes them, and what a hub makes of the events."""

import json

import attrs

from aihub.backends.catalogue import load_catalogue
from aihub.backends.clocks import ManualClock
from aihub.backends.providers.mock import MockProvider
from aihub.core.attempts import Running
from aihub.model.catalogue import Deployment
from aihub.model.chat import Chat, Message, Tool
from aihub.model.events import Text
from aihub.protocols import ProviderCall
from aihub.testing.providers import MODEL

PLACE = Deployment(id="mock/m", provider="mock", upstream_model="m", region="local")
STORY = "Tell me a long story about rivers and the people who live beside them"
CATALOGUE = load_catalogue()

WEATHER = Tool(
    name="get_weather",
    description="Get the current weather for a city",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
        },
        "required": ["city"],
    },
)
TIME = Tool(
    name="get_time",
    description="Tell the time of day in a place",
    parameters={"type": "object", "properties": {"place": {"type": "string"}}},
)


def model(name):
    """A model of the catalogue."""
    return CATALOGUE.find(name)


def chat(*said, **more):
    """A chat of user messages, or of messages as they are."""
    messages = tuple(one if isinstance(one, Message) else Message("user", one) for one in said)
    return Chat(**{"model": "gpt-4", "messages": messages, **more})


def provider_of(tokens, **settings):
    """A mock."""
    return MockProvider(**{"tokens": tokens, "clock": ManualClock(), **settings})


def make_call(asked, tokens, model=MODEL, account=""):
    """A call as the hub makes it."""
    prompt = tokens.count_prompt(model, asked)
    return ProviderCall("req_1", asked, model, model.id, prompt, account)


async def events_of(asked, tokens, *, model=MODEL, provider=None, account="", **settings):
    """All that the mock says to a chat."""
    provider = provider or provider_of(tokens, **settings)
    async with provider.open(make_call(asked, tokens, model, account)) as events:
        return [event async for event in events]


def fold(events):
    """What a hub makes of events: choices and usage."""
    running = Running(1, PLACE, MODEL.prices, None, 0)
    for event in events:
        running.see(event, lambda: 0)
    return running.answers(), running.usage


async def answer(asked, tokens, **more):
    """The folded answer; streamed, it is the same."""
    whole = fold(await events_of(asked, tokens, **more))
    if "provider" not in more:
        streamed = await events_of(attrs.evolve(asked, stream=True), tokens, **more)
        assert fold(streamed) == whole
        assert all(len(one.text) < 200 for one in streamed if isinstance(one, Text))
    return whole


def arguments(call):
    """A call's arguments, read."""
    return json.loads(call.arguments)
