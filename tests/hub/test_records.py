"""Answers kept in process: `keep=` in a chat, and `hub.completions`."""

import pytest

import aihub
from aihub import Keep
from aihub.errors import InvalidRequest, NotFound
from aihub.testing import open_test_hub

pytestmark = pytest.mark.anyio


async def test_an_answer_is_kept_and_found():
    """With what was said, whole and streamed; by its metadata."""
    async with open_test_hub() as hub:
        done = await hub.chat("gpt-4", "Hi", keep=Keep(metadata={"ticket": "7"}))
        async with hub.stream("gpt-4", "Hi", keep=Keep()) as stream:
            async for _ in stream:
                pass
        found = await hub.completions.get(done.id)
        assert (found.answer, found.messages[0].text) == (done, "Hi")
        assert [one.answer for one in await hub.completions.list()] == [done, stream.completion]
        assert await hub.completions.list(metadata={"ticket": "7"}) == [found]
        await hub.completions.update(done.id, metadata={})
        assert await hub.completions.list(metadata={"ticket": "7"}) == []
        await hub.completions.delete(done.id)
        for call in (hub.completions.get, hub.completions.delete):
            with pytest.raises(NotFound):
                await call(done.id)
        with pytest.raises(NotFound):
            await hub.completions.update(done.id, metadata={})


async def test_what_cannot_be_kept_is_refused_beforehand():
    """Metadata out of its bounds, and texts that no file can hold."""
    async with open_test_hub() as hub:
        for pairs in ({"a": 1}, {1: "a"}, {"a" * 65: ""}, {str(n): "" for n in range(17)}):
            with pytest.raises(InvalidRequest):
                await hub.chat("gpt-4", "Hi", keep=Keep(metadata=pairs))
        with pytest.raises(InvalidRequest):
            await hub.chat("gpt-4", "\ud800", keep=Keep())
        assert await hub.requests() == []


async def test_with_a_session_only_what_is_new_is_kept():
    """The history is the session's; the record says which turn it is."""
    async with open_test_hub() as hub:
        session = await hub.sessions.create(model="gpt-4")
        await hub.chat(None, "One", session=session.id)
        done = await hub.chat(None, "Two", session=session.id, keep=Keep())
        found = await hub.completions.get(done.id)
        assert [one.text for one in found.messages] == ["Two"]
        assert (found.session, found.turn) == (session.id, 2)


async def test_an_answer_that_is_told_again_is_kept_once():
    """A repetition is no new answer."""
    options = aihub.hub.Options(idempotency_key="a")
    async with open_test_hub() as hub:
        for _ in range(2):
            await hub.chat("gpt-4", "Hi", options=options, keep=Keep())
        assert len(await hub.completions.list()) == 1
