"""What tests of every dialect share: calls, folds, cuts, and values that a dialect can say."""

import json
from itertools import pairwise

import attrs
from hypothesis import strategies as st

from aihub.core.attempts import Running
from aihub.model.catalogue import Deployment, PriceCard
from aihub.model.chat import Message, OtherPart, ReasoningPart, TextPart, Tool, ToolCall, ToolChoice
from aihub.model.events import Choice, Completion, Finished, Unknown, UsageSeen
from aihub.model.usage import Count, Usage
from aihub.protocols import ProviderCall
from aihub.testing.providers import MODEL

NO_PRICE = PriceCard(prompt=0, completion=0)
PLACE = Deployment(id="d", provider="p", upstream_model="m", region="r")

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
names = st.from_regex(r"[a-z_]{1,10}", fullmatch=True)
ids = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(names, json_values, max_size=3)
arguments = objects.map(lambda one: json.dumps(one, ensure_ascii=False, separators=(",", ":")))
base64 = st.sampled_from(["aGk=", "AAAA", "/+8="])


def call(chat, model=MODEL, upstream_model="upstream"):
    """An attempt of *chat*."""
    return ProviderCall("req_1", chat, model, upstream_model, Count(1, "counted"))


def fold(events):
    """What events amount to."""
    running = Running(n=1, deployment=PLACE, card=NO_PRICE, prompt=Count(1, "counted"), started=0)
    for one in events:
        running.see(one, lambda: 0)
    return running


def answer(events):
    """Choices and usage of events, which come in the order that providers must keep."""
    events = list(events)
    check_order(events)
    running = fold(events)
    return running.answers(), running.usage


def check_order(events):
    """Nothing of a choice follows its end, and after all ends come only counts."""
    ended = set()
    for one in events:
        index = getattr(one, "index", None)
        assert index not in ended or index is None
        if isinstance(one, Finished):
            ended.add(one.index)
        elif ended and not isinstance(one, UsageSeen | Unknown):
            assert index not in ended
    assert ended


def read(decoder, wire, cuts=()):
    """Feed a stream cut at *cuts*, and end it."""
    ends = [0, *sorted(cut % (len(wire) + 1) for cut in cuts), len(wire)]
    events = []
    for start, end in pairwise(ends):
        events += decoder.feed(wire[start:end])
    return [*events, *decoder.end()]


def every_byte(wire):
    """Cuts after each byte."""
    return range(len(wire))


def without_raw(events):
    """Events as values alone."""
    return [
        attrs.evolve(one, raw=None) if getattr(one, "raw", None) is not None else one
        for one in events
    ]


# Chats


def pictures():
    """Pictures, behind a URL and brought along."""
    brought = base64.map(lambda data: f"data:image/png;base64,{data}")
    return (brought | st.just("https://a.b/c.png")).map(
        lambda url: OtherPart("image_url", {"type": "image_url", "image_url": {"url": url}})
    )


def files():
    """A PDF with a name or none."""
    return st.builds(
        lambda data, name: OtherPart(
            "file",
            {
                "type": "file",
                "file": {"file_data": f"data:application/pdf;base64,{data}", **name},
            },
        ),
        base64,
        st.just({}) | texts.map(lambda name: {"filename": name}),
    )


def calls(**more):
    """Calls of functions."""
    return st.builds(ToolCall, ids, names, arguments, **more)


tools = st.builds(
    Tool,
    name=names,
    description=st.none() | texts,
    parameters=objects.map(lambda one: {"type": "object", "properties": one}),
    strict=st.booleans(),
)


def choices(offered):
    """Choices among tools."""
    modes = st.sampled_from(["auto", "none", "required"]).map(ToolChoice)
    return (
        st.none()
        | modes
        | st.sampled_from(offered).map(lambda tool: ToolChoice("required", (tool.name,)))
    )


def said(*parts):
    """What a message says: a text, or parts."""
    return texts | st.lists(st.one_of(*parts), min_size=1, max_size=3).map(tuple)


def results(call):
    """The result of a call."""
    return st.builds(Message, st.just("tool"), texts, tool_call_id=st.just(call.id))


# Answers


def usages():
    """Counts that can be."""
    small = st.integers(0, 1000)
    return st.builds(
        lambda plain, cached, written, said, thought: Usage(
            plain + cached + written,
            said + thought,
            cached=cached,
            cache_write=written,
            reasoning=thought,
        ),
        small,
        small,
        small,
        small,
        small,
    )


def completions(choice, usage):
    """Whole answers."""
    return st.builds(
        Completion,
        id=ids,
        created=st.just(0),
        model=names,
        served_model=names,
        choices=choice.map(lambda one: (one,)),
        usage=usage,
        cost=st.integers(0, 10**15),
    )


NEVER = st.none()


@st.composite
def whole_choices(draw, endings, thoughts, calls, *, refusal=NEVER):
    """A choice, as a fold makes one: its ending is (reason, native, stop)."""
    pieces = tuple(draw(thoughts))
    called = tuple(draw(st.lists(calls, max_size=3)))
    declined = draw(refusal)
    text = draw(st.none() | texts) if called or declined else draw(texts)
    reason, native, stop = draw(endings) if declined is None else ("content_filter", None, None)
    reasoning = "".join(one.text for one in pieces) + draw(st.just("") | texts)
    return Choice(
        index=0,
        text=text,
        finish_reason=reason,
        native=native,
        stop=stop,
        reasoning=reasoning or None,
        thoughts=pieces,
        tool_calls=called,
        refusal=declined,
    )


signed = st.builds(ReasoningPart, texts, texts) | st.builds(
    ReasoningPart, st.just(""), redacted=texts
)
plain_texts = st.builds(TextPart, texts)
