"""An answer told again in the pieces that it came in says exactly what was said."""

from hypothesis import given
from hypothesis import strategies as st

from aihub.core.attempts import Running
from aihub.core.pieces import measure, retell
from aihub.dialects.openai_responses import StreamEncoder
from aihub.model.events import (
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from aihub.model.usage import Usage

words = st.text("abc", max_size=4)
likely = st.none() | st.lists(st.just({"token": "a", "logprob": -1.0, "bytes": None}), max_size=2)
pieces = st.one_of(
    st.builds(Text, words, logprobs=likely),
    st.builds(Refusal, words),
    st.builds(Reasoning, words, signature=st.none() | st.just("sig")),
    st.builds(Reasoning, st.just(""), redacted=st.just("xyz")),
    st.builds(ToolDelta, st.sampled_from([0, 1, 7]), arguments=words),
    st.builds(Unknown, st.just({"a": 1})),
    st.just(UsageSeen(Usage(1, 1))),
)


@st.composite
def answers(draw, *, gaps=True):
    """What a provider says; a call's first piece has its name."""
    events, begun, places = [Started()], set(), {}
    for one in draw(st.lists(pieces, max_size=12)):
        if isinstance(one, ToolDelta) and not gaps:
            one.position = places.setdefault(one.position, 3 * len(places))
        if isinstance(one, ToolDelta) and one.position not in begun:
            begun.add(one.position)
            kind = draw(st.sampled_from(["function", "custom"]))
            one.id, one.name, one.type = f"call_{one.position}", f"f{one.position}", kind
        events.append(one)
    return [*events, Finished("stop")]


def fold(events):
    """The choice that events amount to."""
    running = Running(1, None, None, None, 0)
    for one in events:
        running.see(one, lambda: 0)
    return running.answers()[0]


def told(events):
    """The stream that events make."""
    encoder = StreamEncoder(
        id="resp_1", created=0, model="m", repeated={"background": True}, ended=lambda: 0
    )
    text = encoder.begin() + b"".join([encoder.encode(one) for one in events])
    return text + encoder.end(Usage(1, 1), 0)


def written(events):
    """What is written of events while there may be more."""
    encoder = StreamEncoder(id="resp_1", created=0, model="m", repeated={}, ended=lambda: 0)
    return [encoder.encode(one) for one in events]


@given(answers())
def test_the_same_pieces_make_the_same_stream(events):
    """To the byte: its events have the same numbers."""
    measured = [piece for one in events if (piece := measure(one)) is not None]
    assert told(retell(fold(events), measured)) == told(events)


@given(answers(gaps=False), st.integers(0, 12))
def test_what_was_not_measured_follows_in_one_piece(events, room):
    """What is told before that is the same, and nothing is missing in the end."""
    measured = [piece for one in events if (piece := measure(one)) is not None][:room]
    choice = fold(events)
    again = list(retell(choice, measured))
    known = [one for one in events if measure(one) is not None][: len(measured)]
    assert [measure(one) for one in known] == measured
    assert written(again[: len(known)]) == written(known)
    other = fold(again)
    assert (other.text or "", other.refusal) == (choice.text or "", choice.refusal)
    assert other.reasoning == choice.reasoning
    assert other.logprobs == choice.logprobs
    assert len(other.tool_calls) == len(choice.tool_calls)


def test_a_kept_answer_that_was_not_measured_is_told_in_whole_parts():
    """One event for each part, the reasoning first."""
    events = [
        Reasoning("a", signature="s"),
        Reasoning("", redacted="x"),
        Reasoning("b"),
        Text("cd"),
        Refusal("e"),
        ToolDelta(3, "call_1", "f", "{}", type="function"),
        Finished("stop"),
    ]
    again = list(retell(fold(events)))
    kinds = [type(one) for one in again]
    assert kinds == [*[Reasoning] * 3, Text, Refusal, ToolDelta, Finished]
    assert fold(again) == fold(events)
