"""Requests that come twice under one idempotency key."""

import anyio
import pytest

from aihub.backends.storage.answers import MAX_ANSWER, from_json, to_json
from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.memory import answers as memory_answers
from aihub.errors import Conflict, InvalidRequest, OverLimit, UpstreamCut, UpstreamFailed
from aihub.hub import Options
from aihub.model.account import Plan
from aihub.model.events import Finished, Reasoning, Started, Text, ToolDelta, UsageSeen
from aihub.model.ledger import Repeated
from aihub.model.usage import Usage
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub
from aihub.testing.answers import DONE

pytestmark = pytest.mark.anyio

AGAIN = Options(idempotency_key="order 7")
RICH = [
    Reasoning("hm"),
    Text("a"),
    Text("b", logprobs=[{"token": "a"}]),
    ToolDelta(0, id="call_1", name="f", arguments="{}"),
    Finished("tool_calls"),
    UsageSeen(Usage(7, 3, cached=1, reasoning=1)),
]


async def test_the_same_request_is_answered_once_and_told_again():
    """The provider is asked once, one row is written, and the answer is the same value."""
    provider = ScriptedProvider(RICH)
    async with open_test_hub(provider) as hub:
        first = await hub.chat("gpt-4", "Hi", options=AGAIN)
        second = await hub.chat("gpt-4", "Hi", options=AGAIN)
        async with hub.stream("gpt-4", "Hi", options=Options(idempotency_key="s")) as stream:
            events = [event async for event in stream]
        async with hub.stream("gpt-4", "Hi", options=Options(idempotency_key="s")) as again:
            told = [event async for event in again]
        rows = await hub.requests()
        used = await hub.usage()

    assert second == first
    assert len(provider.calls) == len(rows) == used.requests == 2
    assert (stream.replayed, again.replayed, again.answer_id) == (False, True, stream.answer_id)
    assert again.completion == stream.completion
    assert len(events) == 6
    assert told == [
        Started(model="gpt-4-0613"),
        Reasoning("hm"),
        Text("ab", logprobs=[{"token": "a"}]),
        ToolDelta(0, "call_1", "f", "{}", type="function"),
        Finished("tool_calls"),
    ]
    assert rows[0].idempotency_key == "order 7"


async def test_another_request_under_the_same_name_is_refused():
    """By any field of the chat; another account's or another name is another request."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create(plan="pro")).id
        await hub.chat("gpt-4", "Hi", options=AGAIN)
        for text, more in (("Ho", {}), ("Hi", {"max_tokens": 5})):
            with pytest.raises(Conflict) as refused:
                await hub.chat("gpt-4", text, options=AGAIN, **more)
            assert refused.value.code == "idempotency_mismatch"
            assert refused.value.param == "Idempotency-Key"
        await hub.chat("gpt-4", "Ho", options=Options(idempotency_key="order 8"))
        await hub.chat("gpt-4", "Ho", account=account, options=AGAIN)


async def test_a_request_in_progress_is_refused_and_then_told():
    """While the first is under way the second is a conflict; afterwards it is the answer."""
    async with open_test_hub() as hub:
        async with hub.stream("gpt-4", "Hi", options=AGAIN) as stream:
            with pytest.raises(Conflict) as refused:
                async with hub.stream("gpt-4", "Hi", options=AGAIN):
                    pass
            assert refused.value.code == "request_in_progress"
            async for _ in stream:
                pass
        async with hub.stream("gpt-4", "Hi", options=AGAIN) as again:
            assert "".join([text async for text in again.texts()]) == "Once upon a time"


async def test_what_failed_or_was_left_may_be_tried_again():
    """Each is a request of its own, and is charged as one."""
    provider = ScriptedProvider(
        [UpstreamFailed("down")], [Text("a"), UpstreamCut("gone")], [Text("a"), Text("b")]
    )
    async with open_test_hub(provider) as hub:
        for error in (UpstreamFailed, UpstreamCut):
            with pytest.raises(error):
                await hub.chat("gpt-4", "Hi", options=AGAIN)
        async with hub.stream("gpt-4", "Hi", stream=True, options=AGAIN) as stream:
            async for _ in stream:
                break
        rows = await hub.requests()

    assert [row.state for row in rows] == ["error", "error", "aborted"]


async def test_a_repetition_is_told_where_nothing_is_left_and_takes_nothing():
    """A full window refuses a new request, and not an answer that is there."""
    async with open_test_hub() as hub:
        await hub.accounts.put_plan(Plan(name="tiny", requests_per_minute=1))
        account = (await hub.accounts.create(plan="tiny")).id
        first = await hub.chat("gpt-4", "Hi", account=account, options=AGAIN)
        for _ in range(3):
            with pytest.raises(OverLimit):
                await hub.chat("gpt-4", "Hi", account=account)
            assert await hub.chat("gpt-4", "Hi", account=account, options=AGAIN) == first
        assert (await hub.usage(account)).requests == 1


async def test_a_turn_is_appended_once():
    """A repetition says the same and adds nothing; it is told even if the session has gone."""
    async with open_test_hub() as hub:
        session = await hub.sessions.create(model="gpt-4")
        first = await hub.chat(None, "Hi", session=session.id, options=AGAIN)
        assert await hub.chat(None, "Hi", session=session.id, options=AGAIN) == first
        assert (await hub.sessions.get(session.id)).turns == 1
        await hub.sessions.delete(session.id)
        assert await hub.chat(None, "Hi", session=session.id, options=AGAIN) == first


async def test_of_many_at_once_one_is_answered():
    """The others are told that it is in progress, or its answer."""
    provider = ScriptedProvider()
    async with open_test_hub(provider) as hub:
        texts, codes = [], []

        async def chat():
            try:
                texts.append((await hub.chat("gpt-4", "Hi", options=AGAIN)).text)
            except Conflict as error:
                codes.append(error.code)

        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(chat)
        assert len(provider.calls) == 1
        assert set(texts) == {"Once upon a time"}
        assert set(codes) <= {"request_in_progress"}


async def test_one_that_comes_between_look_up_and_admission_is_told_too():
    """Admission has the last word."""

    class Late(MemoryStore):
        async def repeated(self, account, asked):
            await anyio.lowlevel.checkpoint()

    clock = ManualClock()
    async with open_test_hub(store=Late(clock=clock), clock=clock) as hub:
        first = await hub.chat("gpt-4", "Hi", options=AGAIN)
        assert await hub.chat("gpt-4", "Hi", options=AGAIN) == first
        with pytest.raises(Conflict):
            await hub.chat("gpt-4", "Ho", options=AGAIN)


async def test_an_answer_that_was_not_kept_is_not_made_again(monkeypatch):
    """It was charged; the conflict names the request it was."""
    monkeypatch.setattr(memory_answers, "MAX_KEPT", 5)
    async with open_test_hub() as hub:
        await hub.chat("gpt-4", "Hi", options=AGAIN)
        (row,) = await hub.requests()
        with pytest.raises(Conflict, match=row.id) as refused:
            await hub.chat("gpt-4", "Hi", options=AGAIN)
        assert refused.value.code == "already_processed"


@pytest.mark.parametrize("key", ["", "x" * 256, "é" * 128, "\ud800"])
async def test_a_key_that_is_none_is_refused_by_name(key):
    """Empty, too long, or no text."""
    async with open_test_hub() as hub:
        with pytest.raises(InvalidRequest) as refused:
            await hub.chat("gpt-4", "Hi", options=Options(idempotency_key=key))
        assert refused.value.param == "Idempotency-Key"
        await hub.chat("gpt-4", "Hi", options=Options(idempotency_key="é" * 127))


def test_answers_are_written_as_they_were():
    """One that is too large, or has what no file can hold, is not written."""
    import attrs

    assert from_json(to_json(DONE)) == DONE
    choice = DONE.choices[0]
    for text in ("x" * MAX_ANSWER, "\ud800"):
        assert to_json(attrs.evolve(DONE, choices=(attrs.evolve(choice, text=text),))) is None
    assert Repeated("r", "ok", True)
