"""Which chats are counted on the event loop, and which in a thread."""

import pytest

from aihub.hub.counting import LONG_TEXT, counts_at_once
from aihub.model.chat import Chat, Message, TextPart, Tool, ToolCall

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
