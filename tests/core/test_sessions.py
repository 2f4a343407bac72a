"""What of a conversation goes into the next prompt."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core import sessions
from aihub.errors import ContextLengthExceeded, InvalidRequest
from aihub.model.chat import Message, OtherPart, ReasoningPart, TextPart, ToolCall
from aihub.model.events import Choice
from aihub.model.session import Conversation, Session, Turn
from aihub.model.usage import Count

NAMES = ("call_1", "call_2", "call_3")


def make(*turns, policy="drop_oldest", more=0, size=10):
    """Make a conversation of turns, each a tuple of messages; *more* older ones were not loaded."""
    made = tuple(
        Turn(
            number=more + n,
            request=f"req_{n}",
            at=n,
            messages=messages,
            size=Count(size, "counted"),
            encoding="cl100k_base",
            incomplete=False,
            prompt_tokens=0,
            completion_tokens=0,
            cost=0,
        )
        for n, messages in enumerate(turns, 1)
    )
    session = Session(
        id="ses_1",
        account="acc_1",
        created=0,
        updated=0,
        context_policy=policy,
        turns=more + len(made),
    )
    return Conversation(session=session, turns=made)


def fit(conversation, *said, window, fixed=0, reserve=0):
    """Fit what *said* after a conversation into *window*; give the numbers of the turns kept."""
    sizes = [turn.size.tokens for turn in conversation.turns]
    kept = sessions.fit(conversation, sizes, said, fixed=fixed, reserve=reserve, window=window)
    return [turn.number for turn in kept]


def talk(text="Hi"):
    return (Message("user", text), Message("assistant", text.upper()))


def calls(*names):
    made = tuple(ToolCall(name, "f", "{}") for name in names)
    return (Message("user", "look"), Message("assistant", None, tool_calls=made))


def results(*names):
    told = tuple(Message("tool", "7", tool_call_id=name) for name in names)
    return (*told, Message("assistant", "seven"))


def test_all_turns_that_fit_are_kept():
    """To the last token of the window; one less, and the oldest is left out."""
    conversation = make(talk(), talk(), talk())
    assert fit(conversation, fixed=5, reserve=5, window=40) == [1, 2, 3]
    assert fit(conversation, fixed=5, reserve=5, window=39) == [2, 3]
    assert fit(conversation, fixed=5, reserve=5, window=10) == []
    assert fit(conversation, fixed=5, reserve=5, window=1) == []


def test_a_result_is_never_without_its_call():
    """The turn with the result goes with the turn that made the call, and those between."""
    conversation = make(calls("call_1"), talk(), results("call_1"), talk())
    assert fit(conversation, window=40) == [1, 2, 3, 4]
    assert fit(conversation, window=39) == [4]


def test_a_chain_of_calls_goes_as_one():
    """A turn with a result and a further call drags the next with it."""
    chain = (*results("call_1")[:-1], *calls("call_2")[1:])
    conversation = make(calls("call_1"), chain, results("call_2"), talk())
    assert fit(conversation, window=39) == [4]


def test_a_result_whose_call_was_not_even_loaded_goes_too():
    """What is not there cannot be sent."""
    conversation = make(talk(), results("call_9"), talk(), more=7)
    assert fit(conversation, window=100) == [10]


def test_a_result_brought_now_keeps_its_call_or_is_refused():
    """The call fits, or the request does not."""
    conversation = make(talk(), calls("call_1"))
    result = Message("tool", "7", tool_call_id="call_1")
    assert fit(conversation, result, window=10) == [2]
    with pytest.raises(ContextLengthExceeded):
        fit(conversation, result, window=9)
    # Where nothing is left out, whether a result has a call is the provider's to say.
    assert fit(make(talk()), result, window=10) == [1]


def test_policies_that_leave_nothing_out():
    """`error` looks at the reservation too, `off` only at whether all is there."""
    for policy in ("error", "off"):
        whole = make(talk(), talk(), policy=policy)
        assert fit(whole, fixed=5, reserve=5, window=30) == [1, 2]
        with pytest.raises(ContextLengthExceeded):
            fit(make(talk(), policy=policy, more=1), window=1000)
    assert fit(make(talk(), talk(), policy="off"), fixed=5, reserve=5, window=1) == [1, 2]
    with pytest.raises(ContextLengthExceeded):
        fit(make(talk(), talk(), policy="error"), fixed=5, reserve=5, window=29)


def test_loose_calls_are_left_out_and_the_text_beside_them_stays():
    """A message of nothing but calls that nobody answered is left out whole."""
    first = Message("assistant", "Look:", tool_calls=(ToolCall("call_1", "f", "{}"),))
    both = Message(
        "assistant",
        None,
        tool_calls=(ToolCall("call_2", "f", "{}"), ToolCall("call_3", "f", "{}")),
    )
    conversation = make((Message("user", "a"), first), (Message("user", "b"), both))
    told = sessions.history(conversation.turns, [Message("tool", "7", tool_call_id="call_3")])
    assert [(one.text, [call.id for call in one.tool_calls]) for one in told] == [
        ("a", []),
        ("Look:", []),
        ("b", []),
        ("", ["call_3"]),
    ]
    assert [one.text for one in sessions.history(conversation.turns, [])] == ["a", "Look:", "b"]


def test_what_is_no_answer_is_none():
    """Neither text nor calls: nothing to keep."""
    assert sessions.answer(_choice(None)) is None
    assert sessions.answer(_choice("")) is None
    assert sessions.answer(_choice("a")) == Message("assistant", "a")
    call = ToolCall("call_1", "f", "{}")
    assert sessions.answer(_choice(None, tool_calls=(call,))) == Message(
        "assistant", None, tool_calls=(call,)
    )


def test_signed_reasoning_and_a_refusal_are_kept():
    """A provider wants back what it signed; that a model declined is part of the conversation."""
    thought = ReasoningPart("Hm.", "sig")
    assert sessions.answer(_choice("a", thoughts=(thought,))) == Message(
        "assistant", (thought, TextPart("a"))
    )
    call = ToolCall("call_1", "f", "{}")
    assert sessions.answer(_choice(None, thoughts=(thought,), tool_calls=(call,))) == Message(
        "assistant", (thought,), tool_calls=(call,)
    )
    assert sessions.answer(_choice(None, refusal="No.")) == Message(
        "assistant", None, extra={"refusal": "No."}
    )


def _choice(text, **fields):
    return Choice(index=0, text=text, finish_reason="stop", **fields)


@st.composite
def conversations(draw):
    """Draw turns that talk, call tools, and bring results of calls made before or never."""
    turns = []
    for _ in range(draw(st.integers(0, 8))):
        kind = draw(st.sampled_from(["talk", "calls", "results"]))
        names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True))
        turns.append({"talk": talk(), "calls": calls(*names), "results": results(*names)}[kind])
    return make(*turns, more=draw(st.sampled_from([0, 3])))


@given(conversations(), st.integers(0, 100), st.integers(0, 20), st.integers(0, 20))
def test_what_is_kept_is_the_end_and_fits(conversation, window, fixed, reserve):
    """A suffix; within the window; and where anything is left out, every result has its call."""
    kept = fit(conversation, window=window, fixed=fixed, reserve=reserve)
    numbers = [turn.number for turn in conversation.turns]
    assert kept == numbers[len(numbers) - len(kept) :]
    turns = conversation.turns[len(numbers) - len(kept) :]
    if turns:
        assert fixed + reserve + 10 * len(turns) <= window
    if len(turns) < conversation.session.turns:
        called = set()
        for message in (one for turn in turns for one in turn.messages):
            called |= {call.id for call in message.tool_calls}
            assert message.tool_call_id is None or message.tool_call_id in called


@given(conversations())
def test_no_call_is_sent_without_a_result(conversation):
    """Whatever was said, each call in the history is answered, and no text is lost."""
    told = sessions.history(conversation.turns, [])
    answered = {one.tool_call_id for one in told}
    assert all(call.id in answered for one in told for call in one.tool_calls)
    texts = [one.text for turn in conversation.turns for one in turn.messages if one.text]
    assert [one.text for one in told if one.text] == texts


def parts(*data):
    """Make a message with one part of another kind for each of *data*."""
    return Message("user", (TextPart("see"), *(OtherPart("x", one) for one in data)))


@pytest.mark.parametrize(
    "message",
    [
        Message("user", "né 😀", name="ann", extra={"a": [1, 2.5, None, True, {"b": "c"}]}),
        Message("assistant", None, tool_calls=(ToolCall("call_1", "f", "{}"),)),
        Message("tool", "7", tool_call_id="call_1"),
        parts({"image_url": {"url": "x"}}, ["a", (1, 2)], None, 2**64 - 1, -(2**63)),
    ],
)
def test_what_json_can_say_can_be_kept(message):
    """All of it, to the ends of 64 bits."""
    sessions.check_messages([message])


DEEP = []
for _ in range(100):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "message",
    [
        Message("user", "\ud800"),
        Message("user", "a", name="\ud800"),
        Message("tool", "a", tool_call_id="\ud800"),
        Message("assistant", None, tool_calls=(ToolCall("call_1", "f", "\ud800"),)),
        Message("user", "a", extra={"\ud800": 1}),
        Message("user", "a", extra={"a": ["\ud800"]}),
        parts({"a": b"bytes"}),
        parts(2**64),
        parts(-(2**63) - 1),
        parts(DEEP),
        parts({"a": {1, 2}}),
    ],
)
def test_what_no_file_can_hold_is_refused_by_its_place(message):
    """The second message, wherever in it."""
    with pytest.raises(InvalidRequest) as refused:
        sessions.check_messages([Message("user", "fine"), message])
    assert refused.value.param.startswith("messages[1]")


def test_a_request_may_say_how_much_of_it_holds_for_itself_alone():
    """Else it is what has the roles for it, wherever it stands."""
    rule, hi, other = Message("system", "a"), Message("user", "b"), Message("developer", "c")
    assert sessions.split([rule, hi, other]) == ((rule, other), (hi,))
    assert sessions.split([rule, hi, other], 1) == ((rule,), (hi, other))
    assert sessions.split([rule, hi], 0) == ((), (rule, hi))
