"""What the SDK gives has types: mypy reads this file, nothing runs it."""
# ruff: noqa: INP001 - a script for the type checker, not a package

from collections.abc import AsyncIterator, Iterator
from typing import assert_type

import ai_hub
from ai_hub import AIHubClient, AsyncAIHubClient

HELLO = [{"role": "user", "content": "Hello!"}]


def answers(client: AIHubClient) -> None:
    """A whole answer or a stream, as `stream` says."""
    whole = client.chat.create(model="gpt-4", messages=HELLO, temperature=0.5)
    assert_type(whole, ai_hub.ChatCompletion)
    assert_type(whole.choices[0].message.content, str | None)
    assert_type(client.chat.create(messages=HELLO, stream=True), ai_hub.ChatStream)
    with client.chat.stream(messages=HELLO, session_id="ses_1") as stream:
        assert_type(stream.texts(), Iterator[str])
        for chunk in stream:
            assert_type(chunk, ai_hub.ChatCompletionChunk)
    assert_type(stream.completion, ai_hub.ChatCompletion)


def lists(client: AIHubClient) -> None:
    """Items have the type of what is listed."""
    assert_type(client.models.list(), ai_hub.Page[ai_hub.Model])
    for session in client.sessions.list(limit=2):
        assert_type(session, ai_hub.Session)


async def answers_async(client: AsyncAIHubClient) -> None:
    """The same on an event loop."""
    whole = await client.chat.create(model="gpt-4", messages=HELLO)
    assert_type(whole, ai_hub.ChatCompletion)
    assert_type(await client.chat.create(messages=HELLO, stream=True), ai_hub.AsyncChatStream)
    async with client.chat.stream(messages=HELLO) as stream:
        assert_type(stream.texts(), AsyncIterator[str])
        async for chunk in stream:
            assert_type(chunk, ai_hub.ChatCompletionChunk)
    async for session in client.sessions.list():
        assert_type(session, ai_hub.Session)
    assert_type(await client.keys.list(), ai_hub.AsyncPage[ai_hub.Key])


def mistakes(client: AIHubClient) -> None:
    """A field that is misspelt, or of another type, is seen before it is sent."""
    client.chat.create(messages=HELLO, temprature=1)  # type: ignore[call-overload]
    client.sessions.create(title=7)  # type: ignore[arg-type]
    client.keys.update("key_1", overlap=1)  # type: ignore[call-arg]
