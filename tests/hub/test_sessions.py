"""Chats that go on with a session: what the provider is told, what is kept, what does not fit."""

import anyio
import attrs
import pytest

from aihub.backends.storage.memory import MemoryStore
from aihub.config import Settings, open_hub
from aihub.errors import (
    Conflict,
    ContextLengthExceeded,
    InvalidRequest,
    ModelNotFound,
    NotFound,
    OverLimit,
    StoreUnavailable,
    UpstreamCut,
    UpstreamFailed,
)
from aihub.hub import Options
from aihub.model.account import Plan
from aihub.model.chat import Message, OtherPart, ToolCall
from aihub.model.events import Finished, Text, ToolDelta, UsageSeen
from aihub.model.session import Origin
from aihub.model.usage import Usage
from aihub.testing import ManualClock, ScriptedProvider, open_test_hub

from ..slow_store import SlowStore

pytestmark = pytest.mark.anyio


def said(messages):
    """Give (role, text) of messages."""
    return [(one.role, one.text) for one in messages]


def reply(*texts, reason="stop"):
    """Make a script that answers with *texts*."""
    return [*(Text(text) for text in texts), Finished(reason)]


async def everything(hub, id, **more):
    """Give all that a session has, as (role, text)."""
    turns = await hub.sessions.turns(id, limit=1000, **more)
    return [pair for turn in turns for pair in said(turn.messages)]


async def test_a_chat_goes_on_with_what_was_said():
    """The provider gets the prompt, the history and what is new; the session the turn."""
    provider = ScriptedProvider(reply("Hello, Ann."), reply("Ann."))
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(
            title="Names", model="gpt-4", system_prompt="Be brief.", metadata={"a": "b"}
        )
        first = await hub.chat(None, "I am Ann.", session=session.id)
        second = await hub.chat(None, "Who am I?", session=session.id)
        kept = await hub.sessions.get(session.id)
        rows = await hub.requests()

    assert said(provider.calls[0].chat.messages) == [("system", "Be brief."), ("user", "I am Ann.")]
    assert said(provider.calls[1].chat.messages) == [
        ("system", "Be brief."),
        ("user", "I am Ann."),
        ("assistant", "Hello, Ann."),
        ("user", "Who am I?"),
    ]
    assert (first.model, second.model, second.text, second.dropped) == ("gpt-4", "gpt-4", "Ann.", 0)
    assert (kept.turns, kept.messages, kept.version) == (2, 4, 3)
    assert kept.cost == first.cost + second.cost == sum(row.cost for row in rows)
    assert kept.prompt_tokens == first.usage.prompt + second.usage.prompt
    assert {row.session for row in rows} == {session.id}


async def test_a_sessions_prompt_counts_as_the_same_chat_sent_whole():
    """History costs what it would cost if the caller sent it himself."""
    provider = ScriptedProvider(reply("One two three."), reply("x"))
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4", system_prompt="Count.")
        for text in ("first", "second one", "the third and last"):
            await hub.chat(None, text, session=session.id)
        sent = provider.calls[-1]
        await hub.chat("gpt-4", sent.chat.messages)

    assert provider.calls[-1].prompt == sent.prompt


@pytest.mark.needs("tiktoken")
async def test_it_counts_so_by_the_real_tokenizer_too():
    """Also where the turns were counted for a model with another one."""
    async with open_hub(Settings(store="memory:")) as hub:
        session = await hub.sessions.create(model="gpt-4", system_prompt="Naïve 😀 counting.")
        for text in ("first", "zweite Frage: größer?", "三番目の質問"):
            await hub.chat(None, text, session=session.id, max_tokens=40)
        history = [one for turn in await hub.sessions.turns(session.id) for one in turn.messages]
        whole = [Message("system", "Naïve 😀 counting."), *history, Message("user", "End.")]
        for model in ("gpt-4", "gpt-4o"):
            expected = await hub.chat(model, whole, max_tokens=1)
            fork = await hub.sessions.fork(session.id)
            done = await hub.chat(model, "End.", session=fork.id, max_tokens=1)
            assert done.usage.prompt == expected.usage.prompt
            assert done.text == expected.text


async def test_a_prompt_in_the_request_replaces_the_sessions_and_is_not_kept():
    """For this call alone; `developer` counts as one too."""
    provider = ScriptedProvider(reply("ok"))
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4", system_prompt="Be brief.")
        messages = [
            {"role": "developer", "content": "Shout."},
            {"role": "user", "content": "Hi"},
        ]
        await hub.chat(None, messages, session=session.id)
        await hub.chat(None, "Again", session=session.id)
        kept = await everything(hub, session.id)

    assert said(provider.calls[0].chat.messages) == [("developer", "Shout."), ("user", "Hi")]
    assert said(provider.calls[1].chat.messages)[0] == ("system", "Be brief.")
    assert kept == [("user", "Hi"), ("assistant", "ok"), ("user", "Again"), ("assistant", "ok")]


async def test_two_hundred_chats_at_once_lose_no_turn():
    """Each saw the conversation as of its start; all turns stand, numbered without a gap."""
    async with open_test_hub(ScriptedProvider(reply("a", "b", "c"))) as hub:
        session = await hub.sessions.create(model="gpt-4")

        async def chat(n):
            await hub.chat(None, f"text {n}", session=session.id)

        async with anyio.create_task_group() as tasks:
            for n in range(200):
                tasks.start_soon(chat, n)
        turns = await hub.sessions.turns(session.id, limit=1000)
        kept = await hub.sessions.get(session.id)

    assert [turn.number for turn in turns] == list(range(1, 201))
    assert {turn.messages[0].text for turn in turns} == {f"text {n}" for n in range(200)}
    assert (kept.turns, kept.version) == (200, 201)


async def test_the_turn_is_there_before_the_last_word_is_out():
    """Whoever reads the end of a stream and asks again is remembered."""
    async with open_test_hub(ScriptedProvider(reply("a", "b"))) as hub:
        session = await hub.sessions.create(model="gpt-4")
        seen = []
        async with hub.stream(None, "Hi", session=session.id) as events:
            async for event in events:
                turns = await hub.sessions.turns(session.id)
                seen.append((type(event).__name__, len(turns)))

    assert seen == [("Text", 0), ("Text", 0), ("Finished", 1)]


async def test_a_request_that_failed_before_content_adds_nothing():
    """Neither does one that was refused; the version stays as it was."""
    provider = ScriptedProvider([UpstreamFailed("down")])
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4")
        with pytest.raises(UpstreamFailed):
            await hub.chat(None, "Hi", session=session.id)
        with pytest.raises(InvalidRequest):
            await hub.chat(None, "Hi", session=session.id, n=0)
        assert await hub.sessions.get(session.id) == session


async def test_a_partial_answer_is_kept_and_said_to_be():
    """Cut by the provider or left by the caller: its text is prepended, its calls are not."""
    call = ToolDelta(0, id="call_1", name="f", arguments='{"a"')
    provider = ScriptedProvider(
        [Text("Half an "), call, UpstreamCut("gone")], reply("left ", "over"), reply("ok")
    )
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4")
        with pytest.raises(UpstreamCut):
            await hub.chat(None, "one", session=session.id)
        async with hub.stream(None, "two", session=session.id) as events:
            async for _ in events:
                break
        await hub.chat(None, "three", session=session.id)
        turns = await hub.sessions.turns(session.id)

    assert [turn.incomplete for turn in turns] == [True, True, False]
    assert turns[0].messages[1].tool_calls == (ToolCall("call_1", "f", '{"a"'),)
    sent = provider.calls[-1].chat.messages
    assert said(sent) == [
        ("user", "one"),
        ("assistant", "Half an "),
        ("user", "two"),
        ("assistant", "left "),
        ("user", "three"),
    ]
    assert not any(message.tool_calls for message in sent)


async def test_only_the_first_choice_is_kept():
    """Of several answers one goes on; a broken answer without it leaves nothing."""
    both = [Text("b", index=1), Text("a"), Finished("stop"), Finished("stop", index=1)]
    provider = ScriptedProvider(both, [Text("b", index=1), UpstreamCut("gone")])
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4")
        await hub.chat(None, "Hi", session=session.id, n=2)
        with pytest.raises(UpstreamCut):
            await hub.chat(None, "Hi", session=session.id, n=2)
        assert await everything(hub, session.id) == [("user", "Hi"), ("assistant", "a")]


async def test_an_empty_answer_is_a_turn_too():
    """It was whole, and the model had nothing to say."""
    async with open_test_hub(ScriptedProvider([Finished("stop")])) as hub:
        session = await hub.sessions.create(model="gpt-4")
        await hub.chat(None, "Hi", session=session.id)
        assert await everything(hub, session.id) == [("user", "Hi"), ("assistant", "")]


async def test_tool_calls_are_kept_and_sent_with_their_results():
    """A call that nobody answered is not sent: providers refuse it."""
    call = [ToolDelta(0, id="call_1", name="f", arguments="{}"), Finished("tool_calls")]
    provider = ScriptedProvider(call, reply("Seven."), call, reply("ok"))
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4")
        await hub.chat(None, "Look it up", session=session.id)
        await hub.chat(None, [Message("tool", "7", tool_call_id="call_1")], session=session.id)
        other = await hub.sessions.create(model="gpt-4")
        await hub.chat(None, "Look it up", session=other.id)
        await hub.chat(None, "Never mind", session=other.id)

    answered = provider.calls[1].chat.messages
    assert [one.role for one in answered] == ["user", "assistant", "tool"]
    assert answered[1].tool_calls == (ToolCall("call_1", "f", "{}"),)
    assert said(provider.calls[3].chat.messages) == [("user", "Look it up"), ("user", "Never mind")]


async def test_a_conversation_that_outgrows_its_model_loses_its_oldest_turns():
    """Whole turns, told in `dropped`, until prompt and reservation fit; nothing is deleted."""
    text = "word " * 400
    provider = ScriptedProvider(reply("ok"))
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4", system_prompt="Be brief.")
        dropped = []
        for n in range(40):
            done = await hub.chat(None, f"{n} {text}", session=session.id, max_tokens=100)
            dropped.append(done.dropped)
        kept = await hub.sessions.get(session.id)
        window = hub.model("gpt-4").context_window

    assert dropped[0] == 0
    assert dropped[-1] > 5
    assert dropped == sorted(dropped)
    assert kept.turns == 40
    for call in provider.calls:
        assert call.prompt.tokens + 100 <= window
        assert call.chat.messages[0].text == "Be brief."
        assert call.chat.messages[1].role == "user"
    last = provider.calls[-1].chat.messages
    assert last[1].text.startswith(f"{dropped[-1]} ")
    # What fits is not left out.
    sizes = {call.chat.messages[-1].text: call.prompt for call in provider.calls}
    assert sizes
    assert provider.calls[-1].prompt.tokens + 100 > window - 700


async def test_other_policies_refuse_or_leave_it_to_the_model():
    """`error` refuses what does not fit with its reservation, `off` only what cannot fit at all."""
    text = "word " * 1000
    async with open_test_hub(ScriptedProvider(reply("ok"))) as hub:
        window = hub.model("gpt-4").context_window
        for policy in ("error", "off"):
            session = await hub.sessions.create(model="gpt-4", context_policy=policy)
            while True:
                try:
                    await hub.chat(None, text, session=session.id, max_tokens=2000)
                except ContextLengthExceeded as error:
                    tokens = error.tokens
                    break
            before = await hub.sessions.get(session.id)
            assert tokens > (window - 2000 if policy == "error" else window)
            again = await hub.sessions.update(session.id, context_policy="drop_oldest")
            done = await hub.chat(None, text, session=session.id, max_tokens=2000)
            assert (before.turns, again.turns, done.dropped > 0) == (
                again.turns,
                before.turns,
                True,
            )


async def test_what_is_said_now_must_fit_by_itself():
    """No policy can help: 400, and nothing is billed."""
    async with open_test_hub() as hub:
        session = await hub.sessions.create(model="gpt-4")
        with pytest.raises(ContextLengthExceeded):
            await hub.chat(None, "word " * 20_000, session=session.id)
        assert await hub.requests() == []


async def test_a_session_of_another_account_does_not_exist():
    """Neither to read nor to chat with: not found, whoever asks."""
    async with open_test_hub() as hub:
        mine = (await hub.accounts.create(plan="pro")).id
        other = (await hub.accounts.create(plan="pro")).id
        key = (await hub.accounts.create_key(other)).secret
        session = await hub.sessions.create(model="gpt-4", account=mine)
        with pytest.raises(NotFound) as refused:
            await hub.chat(None, "Hi", key=key, session=session.id)
        assert (refused.value.code, refused.value.param) == ("session_not_found", "session_id")
        with pytest.raises(NotFound):
            await hub.chat("gpt-4", "Hi", account=other, session=session.id)
        for call in (
            hub.sessions.get,
            hub.sessions.turns,
            hub.sessions.update,
            hub.sessions.delete,
            hub.sessions.fork,
        ):
            with pytest.raises(NotFound):
                await call(session.id, account=other)
        assert await hub.sessions.list(account=other) == []
        assert [one.id for one in await hub.sessions.list(account=mine)] == [session.id]


async def test_a_model_must_be_named_by_one_of_them():
    """The request's own wins over the session's; without any it is refused by its name."""
    async with open_test_hub() as hub:
        bare = await hub.sessions.create()
        with pytest.raises(InvalidRequest) as refused:
            await hub.chat(None, "Hi", session=bare.id)
        assert (refused.value.param, refused.value.code) == ("model", "missing_required_parameter")
        with pytest.raises(InvalidRequest):
            await hub.chat(None, "Hi")
        assert (await hub.chat("gpt-4", "Hi", session=bare.id)).model == "gpt-4"
        with pytest.raises(ModelNotFound):
            await hub.sessions.create(model="gpt-none")
        with pytest.raises(ModelNotFound):
            await hub.sessions.update(bare.id, model="gpt-none")


async def test_an_update_changes_what_it_names():
    """And nothing else; a stale version is a conflict, a current one is not."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        session = await hub.sessions.create(
            title="One", model="gpt-4", system_prompt="Be brief.", metadata={"a": "b"}
        )
        clock.advance(5)
        changed = await hub.sessions.update(session.id, title="Two", version=1)
        assert changed == attrs.evolve(
            session, title="Two", version=2, updated=session.updated + 5_000_000
        )
        with pytest.raises(Conflict) as refused:
            await hub.sessions.update(session.id, title="Three", version=1)
        assert refused.value.code == "session_conflict"
        with pytest.raises(Conflict):
            await hub.sessions.delete(session.id, version=1)
        cleared = await hub.sessions.update(
            session.id, title=None, model=None, system_prompt=None, metadata={}
        )
        assert (cleared.title, cleared.model, cleared.system_prompt) == (None, None, None)
        assert (cleared.metadata, cleared.version) == ({}, 3)
        await hub.sessions.delete(session.id, version=3)
        with pytest.raises(NotFound):
            await hub.sessions.get(session.id)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"title": "x" * 257}, "title"),
        ({"title": "\ud800"}, "title"),
        ({"system_prompt": "x" * 262_145}, "system_prompt"),
        ({"context_policy": "forget"}, "context_policy"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata"),
        ({"metadata": {"x" * 65: ""}}, "metadata"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"metadata": {"a": 7}}, "metadata.a"),
    ],
)
async def test_what_a_session_may_not_say_is_refused_by_name(fields, param):
    """At creation and later; nothing is changed."""
    async with open_test_hub() as hub:
        with pytest.raises(InvalidRequest) as refused:
            await hub.sessions.create(**fields)
        assert refused.value.param == param
        session = await hub.sessions.create()
        with pytest.raises(InvalidRequest) as refused:
            await hub.sessions.update(session.id, **fields)
        assert refused.value.param == param
        assert await hub.sessions.get(session.id) == session


async def test_a_fork_goes_its_own_way_from_a_turn():
    """It is the original in all else; a turn that is not there is refused."""
    provider = ScriptedProvider(reply("ok"))
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(title="One", model="gpt-4", metadata={"a": "b"})
        for text in ("a", "b", "c"):
            await hub.chat(None, text, session=session.id)
        fork = await hub.sessions.fork(session.id, turn=1, title="Two")
        assert fork.origin == Origin(session=session.id, turn=1)
        assert (fork.title, fork.model, fork.metadata, fork.version) == (
            "Two",
            "gpt-4",
            {"a": "b"},
            1,
        )
        assert (fork.turns, fork.messages) == (1, 2)
        await hub.chat(None, "x", session=fork.id)
        assert said(provider.calls[-1].chat.messages) == [
            ("user", "a"),
            ("assistant", "ok"),
            ("user", "x"),
        ]
        assert (await hub.sessions.fork(session.id)).turns == 3
        for turn in (-1, 4):
            with pytest.raises(InvalidRequest) as refused:
                await hub.sessions.fork(session.id, turn=turn)
            assert refused.value.param == "turn"
        await hub.sessions.delete(session.id)
        assert (await everything(hub, fork.id))[0] == ("user", "a")


async def test_a_session_deleted_meanwhile_is_billed_and_not_appended():
    """The answer is delivered and settled; the session stays away."""
    async with open_test_hub(ScriptedProvider(reply("a", "b"))) as hub:
        session = await hub.sessions.create(model="gpt-4")
        async with hub.stream(None, "Hi", session=session.id) as stream:
            async for _ in stream:
                if await hub.sessions.list():
                    await hub.sessions.delete(session.id)
        row = await hub.request(stream.id)
        assert (row.state, row.cost > 0) == ("ok", True)
        assert await hub.sessions.list() == []


async def test_what_cannot_be_kept_is_refused_before_admission():
    """A lone surrogate, a part that is no JSON, a number no file can hold."""
    deep = []
    for _ in range(200):
        deep = [deep]
    async with open_test_hub() as hub:
        session = await hub.sessions.create(model="gpt-4")
        for message in (
            Message("user", "\ud800"),
            Message("user", "x", name="\ud800"),
            Message("user", (OtherPart("image", {"data": b"bytes"}),)),
            Message("user", (OtherPart("image", {"n": 2**64}),)),
            Message("user", "x", extra={"deep": deep}),
            Message("assistant", None, tool_calls=(ToolCall("\ud800", "f", "{}"),)),
        ):
            with pytest.raises(InvalidRequest) as refused:
                await hub.chat(None, [message], session=session.id)
            assert refused.value.param.startswith("messages[0]")
        assert await hub.requests() == []


async def test_a_provider_that_says_what_no_file_can_hold_does_no_harm():
    """What cannot be written is replaced; the answer itself is delivered as it came."""
    async with open_test_hub(ScriptedProvider(reply("a\ud800b"))) as hub:
        session = await hub.sessions.create(model="gpt-4")
        await hub.chat(None, "Hi", session=session.id)
        assert (await everything(hub, session.id))[1] == ("assistant", "a?b")


async def test_a_full_window_refuses_before_the_session_is_loaded():
    """A request that has no chance costs no reading."""
    reads = []

    class Watched(MemoryStore):
        async def conversation(self, account, id, **asked):
            reads.append(id)
            return await super().conversation(account, id, **asked)

    clock = ManualClock()
    async with open_test_hub(store=Watched(clock=clock), clock=clock) as hub:
        await hub.accounts.put_plan(Plan(name="tiny", requests_per_minute=1))
        account = (await hub.accounts.create(plan="tiny")).id
        session = await hub.sessions.create(model="gpt-4", account=account)
        await hub.chat(None, "Hi", account=account, session=session.id)
        for _ in range(3):
            with pytest.raises(OverLimit):
                await hub.chat(None, "Hi", account=account, session=session.id)

    # The first refusal was the store's own; what it said is remembered.
    assert len(reads) == 2


@pytest.mark.slow
async def test_a_store_that_does_not_answer_is_unavailable():
    """The caller is not kept for ever, and nothing was admitted."""

    class Hangs(MemoryStore):
        async def conversation(self, account, id, **asked):
            await anyio.sleep_forever()

    clock = ManualClock()
    async with open_test_hub(store=Hangs(clock=clock), clock=clock) as hub:
        session = await hub.sessions.create(model="gpt-4")
        with pytest.raises(StoreUnavailable):
            await hub.chat(None, "Hi", session=session.id)
        assert await hub.requests() == []


async def test_labels_and_usage_of_a_chat_with_a_session_are_as_of_any_other():
    """What the provider counts is what is charged."""
    provider = ScriptedProvider([Text("a"), Finished("stop"), UsageSeen(Usage(50, 9))])
    async with open_test_hub(provider) as hub:
        session = await hub.sessions.create(model="gpt-4")
        done = await hub.chat(None, "Hi", session=session.id, options=Options(labels={"x": "y"}))
        kept = await hub.sessions.get(session.id)
        (row,) = await hub.requests()
    assert (kept.prompt_tokens, kept.completion_tokens, kept.cost) == (50, 9, done.cost)
    assert row.labels == {"x": "y"}


@pytest.mark.parametrize("streamed", [False, True])
async def test_cancelling_at_any_point_leaves_a_whole_turn_a_part_of_one_or_none(streamed):
    """What the ledger says of the request is what the session has; a repetition then fits."""
    again = Options(idempotency_key="once")
    for point in range(80):
        clock = ManualClock()
        store = SlowStore(clock)
        provider = ScriptedProvider(reply("Once ", "upon ", "a time"))
        async with open_test_hub(provider, store=store, clock=clock) as hub:
            session = await hub.sessions.create(model="gpt-4")
            finished = False

            async def ask(hub=hub, id=session.id):
                nonlocal finished
                if streamed:
                    async with hub.stream(None, "Hi", session=id, options=again) as stream:
                        async for _ in stream:
                            pass
                else:
                    await hub.chat(None, "Hi", session=id, options=again)
                finished = True

            async with anyio.create_task_group() as tasks:
                tasks.start_soon(ask)
                for _ in range(point):
                    await anyio.lowlevel.checkpoint()
                tasks.cancel_scope.cancel()

            rows = await hub.requests()
            turns = await hub.sessions.turns(session.id)
            kept = await hub.sessions.get(session.id)
            assert kept.version == 1 + len(turns)
            assert [turn.incomplete for turn in turns if not turn.incomplete] == [
                False for row in rows if row.state == "ok"
            ]
            assert len(turns) <= len(rows)
            assert sum(turn.cost for turn in turns) <= sum(row.cost for row in rows)
            assert provider.open_now == 0

            asked = len(provider.calls)
            await hub.chat(None, "Hi", session=session.id, stream=streamed, options=again)
            whole = [turn for turn in await hub.sessions.turns(session.id) if not turn.incomplete]
            assert len(whole) == 1
            assert len(provider.calls) == asked + (not any(row.state == "ok" for row in rows))
        if finished:
            break
    assert finished
    assert point > 15
