"""What a repetition is told."""

import pytest

from aihub.core import repetitions
from aihub.errors import Conflict, InvalidRequest
from aihub.model.chat import ReasoningPart, ToolCall
from aihub.model.events import (
    Choice,
    Completion,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolDelta,
    Unknown,
)
from aihub.model.ledger import Repeated
from aihub.model.usage import Usage


def test_an_answer_is_told_choice_by_choice():
    """Only what each choice has, and its end last."""
    call = ToolCall("call_1", "f", "{}")
    first = Choice(index=0, text="a", finish_reason="stop", reasoning="hm", logprobs=[1])
    second = Choice(index=1, text=None, finish_reason="tool_calls", tool_calls=(call, call))
    done = Completion(
        id="chatcmpl-1",
        created=0,
        model="gpt-4",
        served_model="gpt-4",
        choices=(first, second),
        usage=Usage(1, 1),
        cost=0,
    )
    assert list(repetitions.events(done)) == [
        Started(model="gpt-4"),
        Reasoning("hm"),
        Text("a", logprobs=[1]),
        Finished("stop"),
        ToolDelta(0, "call_1", "f", "{}", 1, type="function"),
        ToolDelta(1, "call_1", "f", "{}", 1, type="function"),
        Finished("tool_calls", 1),
    ]


def test_what_else_an_answer_has_is_told_too():
    """Signed reasoning piece by piece, a refusal, and what a provider says besides."""
    thoughts = (ReasoningPart("hm", "sig"), ReasoningPart("", redacted="x"))
    choice = Choice(
        index=0,
        text=None,
        finish_reason="content_filter",
        reasoning="hm and so on",
        thoughts=thoughts,
        refusal="No.",
        native="refusal",
        stop="END",
        extra={"annotations": [1]},
    )
    done = Completion(
        id="chatcmpl-1",
        created=0,
        model="gpt-4",
        served_model="gpt-4",
        choices=(choice,),
        usage=Usage(1, 1),
        cost=0,
        extra={"service_tier": "flex"},
        dialect="openai_chat",
    )
    assert list(repetitions.events(done)) == [
        Started(model="gpt-4", dialect="openai_chat"),
        Unknown({"service_tier": "flex"}),
        Reasoning("hm", signature="sig"),
        Reasoning("", redacted="x"),
        Reasoning(" and so on"),
        Refusal("No."),
        Unknown({"annotations": [1]}, index=0),
        Finished("content_filter", native="refusal", stop="END"),
    ]


@pytest.mark.parametrize(
    ("repeated", "code"),
    [
        (Repeated("req_1", "open", False), "idempotency_mismatch"),
        (Repeated("req_1", "ok", False), "idempotency_mismatch"),
        (Repeated("req_1", "open", True), "request_in_progress"),
    ],
)
def test_what_has_no_answer_is_a_conflict(repeated, code):
    """Another request comes first, then one that is not done."""
    with pytest.raises(Conflict) as refused:
        repetitions.check_repetition(repeated)
    assert (refused.value.code, refused.value.param) == (code, "Idempotency-Key")


def test_a_key_has_bounds_in_bytes():
    """From one to 255, however many characters that is."""
    repetitions.check_key("é" * 127)
    repetitions.check_repetition(Repeated("req_1", "ok", True))
    for key in ("", "é" * 128):
        with pytest.raises(InvalidRequest):
            repetitions.check_key(key)
    assert repetitions.already_processed(Repeated("req_1", "ok", True)).code == "already_processed"
