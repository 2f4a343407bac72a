"""Which chats are counted on the event loop, which in a thread, and that a count is the count."""

import pytest

from aihub.errors import HubClosed, InvalidRequest, ModelNotFound, NotFound
from aihub.hub.counting import LONG_TEXT, counts_at_once
from aihub.model.chat import Chat, Message, TextPart, Tool, ToolCall
from aihub.testing import ScriptedProvider, open_test_hub

LONG = "a" * LONG_TEXT


def test_a_usual_chat_is_counted_at_once():
    """A hop to a thread would cost more than it saves."""
    call = ToolCall("1", "f", "{}")
    said = (Message("user", "Hi", "Ann"), Message("assistant", None, None, (call,)))
    assert counts_at_once(Chat(model="m", messages=said))


@pytest.mark.parametrize(
    "messages",
    [
        (Message("user", LONG),),
        (Message("user", (TextPart(LONG),)),),
        (Message("user", "Hi", LONG),),
        (Message("assistant", None, None, (ToolCall("1", "f", LONG),)),),
        (Message("assistant", None, None, (ToolCall("1", LONG, "{}"),)),),
        (Message("user", ""),) * LONG_TEXT,
    ],
    ids=["text", "part", "name", "arguments", "function", "many"],
)
def test_whatever_is_long_in_a_chat_is_counted_in_a_thread(messages):
    """Texts, names, what tools are called with, and messages by the thousand."""
    assert not counts_at_once(Chat(model="m", messages=messages))


DEEP = {"a": [{"b": LONG}]}


@pytest.mark.parametrize(
    "tool",
    [
        Tool(name="f", description=LONG),
        Tool(name="f", parameters=DEEP),
        Tool(name="f", parameters=dict.fromkeys(map(str, range(LONG_TEXT)))),
        Tool(name="f", parameters={"enum": list(range(LONG_TEXT))}),
        Tool(kind="other", name="", data={"a": LONG}),
    ],
    ids=["description", "deep", "names", "values", "data"],
)
def test_large_tools_are_counted_in_a_thread(tool):
    """Whatever it is that is long in them; small ones need no thread."""
    messages = (Message("user", "Hi"),)
    small = Tool(name="f", description="d", parameters={"type": "object", "required": ["a"]})
    assert counts_at_once(Chat(model="m", messages=messages, tools=(small,)))
    assert not counts_at_once(Chat(model="m", messages=messages, tools=(small, tool)))


@pytest.mark.anyio
async def test_a_count_is_what_an_admission_would_say():
    """Short and long, with a session's history; nothing is admitted, and nothing asked."""
    provider = ScriptedProvider()
    async with open_test_hub(provider) as hub:
        account = await hub.accounts.create("a", plan="enterprise")
        identity = await hub.authenticate((await hub.accounts.create_key(account.id)).secret)
        session = (await hub.sessions.create(model="gpt-4", account=account.id)).id
        for text, more in (("Hi", {}), (LONG, {}), ("Hi", {"session": session})):
            chat = Chat(model="gpt-4", messages=(Message("user", text),), **more)
            for _ in range(2):
                counted = await hub.count(chat, identity)
                asked = len(provider.calls)
                async with hub.open(chat, identity) as stream:
                    assert stream.prompt == counted.tokens
                    await stream.finish()
                assert len(provider.calls) == asked + 1
        assert len(await hub.requests(account.id)) == 6


@pytest.mark.anyio
async def test_what_cannot_be_counted_is_refused():
    """A model or a session that there is not, no messages, a hub that is closed."""
    hello = (Message("user", "Hi"),)
    async with open_test_hub() as hub:
        account = await hub.accounts.create("a", plan="pro")
        identity = await hub.authenticate((await hub.accounts.create_key(account.id)).secret)
        for chat, error in (
            (Chat(model="no", messages=hello), ModelNotFound),
            (Chat(model="gpt-4", messages=()), InvalidRequest),
            (Chat(model="gpt-4", messages=hello, session="ses_no"), NotFound),
        ):
            with pytest.raises(error):
                await hub.count(chat, identity)
    with pytest.raises(HubClosed):
        await hub.count(Chat(model="gpt-4", messages=hello), identity)
