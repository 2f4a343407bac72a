"""Sessions on the wire: what is written of a message is what a request may say."""

import json

from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import sessions
from aihub.dialects.openai_chat import decode_request, message_object
from aihub.model.chat import Message, OtherPart, TextPart, ToolCall
from aihub.model.session import Turn
from aihub.model.usage import Count

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
CALLS = st.lists(st.builds(ToolCall, TEXTS, TEXTS, TEXTS), min_size=1, max_size=2).map(tuple)
PARTS = st.lists(
    st.builds(TextPart, TEXTS)
    | st.builds(
        OtherPart, st.just("image_url"), st.just({"type": "image_url", "image_url": {"url": "u"}})
    ),
    min_size=1,
    max_size=3,
).map(tuple)
MESSAGES = st.one_of(
    st.builds(Message, st.just("user"), TEXTS | PARTS, name=st.none() | TEXTS),
    st.builds(Message, st.just("assistant"), st.none() | TEXTS, tool_calls=CALLS),
    st.builds(Message, st.just("tool"), TEXTS, tool_call_id=TEXTS),
    st.builds(Message, st.just("user"), TEXTS, extra=st.just({"mood": [1, None]})),
)


@given(st.lists(MESSAGES, min_size=1, max_size=3))
def test_what_is_written_of_messages_is_read_again(messages):
    """A conversation can be copied out of a session and sent as it is."""
    body = {"model": "gpt-4", "messages": [message_object(one) for one in messages]}
    assert decode_request(json.dumps(body).encode()).messages == tuple(messages)


def test_a_field_of_a_message_does_not_hide_ours():
    """Whatever a caller called his own fields, the message's place is told."""
    said = Message("user", "a", extra={"id": "mine", "turn": 99, "mood": "good"})
    turn = Turn(
        number=3,
        request="req_1",
        at=5_000_000,
        messages=(said, Message("assistant", "b")),
        size=Count(1, "counted"),
        encoding="x",
        incomplete=True,
        prompt_tokens=0,
        completion_tokens=0,
        cost=0,
    )
    first, second = sessions.message_objects(turn)
    assert (first["id"], first["turn"], first["mood"]) == ("msg_3_0", 3, "good")
    assert (first["incomplete"], second["incomplete"]) == (False, True)
    assert (second["request_id"], second["created"]) == ("req_1", 5)
