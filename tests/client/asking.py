"""Clients to ask with: on a hub in this event loop, and at an upstream that plays scripts."""

from contextlib import asynccontextmanager

import ai_hub
import aihub
from aihub.server import inprocess
from aihub.testing.upstreams import chunked, open_upstream

KEY = "aihub-dev-key"
HELLO = [{"role": "user", "content": "Hello!"}]
GREETING = "Hello! How can I assist you today?"
CHAT = {"model": "gpt-4", "messages": HELLO}
WHOLE = b'{"id": "x", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}}]}'
EVENTS = [("Content-Type", "text/event-stream")]
CHUNK = b'data: {"id": "x", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
DONE = b"data: [DONE]\n\n"
STREAM = chunked(CHUNK, CHUNK, DONE, headers=EVENTS)


@asynccontextmanager
async def in_process():
    """Give a client on a hub in this event loop."""
    async with (
        aihub.open_hub() as hub,
        inprocess.async_http_client(hub) as http,
        ai_hub.AsyncAIHubClient(api_key=KEY, http_client=http) as client,
    ):
        yield client


@asynccontextmanager
async def at_upstream(*scripts, **options):
    """Give a client and the upstream that plays *scripts*."""
    async with (
        open_upstream(*scripts) as upstream,
        ai_hub.AsyncAIHubClient(api_key="k", base_url=upstream.url, **options) as client,
    ):
        yield client, upstream
