"""One attempt while it runs: what has been received, and what that makes of its end."""

import json

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.attempts import Running, card_json, failed_outcome, is_billed
from aihub.errors import (
    InvalidRequest,
    UpstreamCut,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
)
from aihub.model.catalogue import Deployment, PriceCard, PriceTier
from aihub.model.events import (
    Finished,
    Reasoning,
    Started,
    Text,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from aihub.model.usage import Count, Usage

CARD = PriceCard(prompt=2, completion=3)
PLACE = Deployment(id="p0/m", provider="p0", upstream_model="m", region="eu")


def running(*events, now=lambda: 20):
    """An attempt that has seen *events*."""
    attempt = Running(1, PLACE, CARD, Count(7, "counted"), 10)
    for event in events:
        attempt.see(event, now)
    return attempt


@given(st.lists(st.tuples(st.integers(0, 2), st.text(max_size=4)), min_size=1, max_size=30))
def test_pieces_are_joined_by_choice_however_they_interleave(pieces):
    """Each choice's text is its pieces in order; choices come out by their number."""
    answers = running(*(Text(text, index) for index, text in pieces)).answers()

    assert [choice.index for choice in answers] == sorted({index for index, _ in pieces})
    for choice in answers:
        assert choice.text == "".join(text for index, text in pieces if index == choice.index)


def test_everything_of_a_choice_is_folded():
    """Reasoning, probabilities and tool calls in pieces come out whole."""
    attempt = running(
        Started("up_1", "m", "fp_1"),
        Reasoning("let me "),
        Reasoning("see"),
        ToolDelta(1, "call_b", "second", "{}"),
        ToolDelta(0, "call_a", "first", '{"x"'),
        ToolDelta(0, arguments=":1}"),
        Text("", logprobs=[{"token": "a"}]),
        Text("", logprobs=[{"token": "b"}]),
        Unknown({"type": "ping"}),
        Finished("tool_calls"),
        UsageSeen(Usage(1, 1)),
        UsageSeen(Usage(7, 5)),
    )

    (choice,) = attempt.answers()
    assert (choice.text, choice.reasoning) == ("", "let me see")
    assert [(one.id, one.name, one.arguments) for one in choice.tool_calls] == [
        ("call_a", "first", '{"x":1}'),
        ("call_b", "second", "{}"),
    ]
    assert choice.logprobs == [{"token": "a"}, {"token": "b"}]
    assert choice.finish_reason == "tool_calls"
    assert attempt.fingerprint == "fp_1"
    assert attempt.usage == Usage(7, 5)


def test_a_choice_without_tools_has_a_text_even_if_it_is_empty():
    """Only an answer by tools alone has none."""
    assert running(Finished("stop")).answers()[0].text == ""
    assert running(Text(""), ToolDelta(0, "c", "f", "{}")).answers()[0].text == ""


def test_content_begins_with_the_first_event_of_a_choice():
    """Neither an accepted call, nor usage, nor the unknown is content; the first token is timed."""
    times = iter([20, 30])
    attempt = running(Started(), UsageSeen(Usage(1, 0)), Unknown({}), now=lambda: next(times))
    assert not attempt.has_content
    assert attempt.first_token is None

    attempt.see(Text("a"), lambda: next(times))
    attempt.see(Text("b", 1), lambda: next(times))

    assert attempt.has_content
    assert attempt.first_token == 20


def test_an_answer_is_whole_when_each_choice_has_ended():
    """One end of two is not enough."""
    attempt = running(Text("a"), Finished("stop"), Text("b", 1))
    assert attempt.is_whole(1)
    assert not attempt.is_whole(2)

    attempt.see(Finished("length", 1), lambda: 0)

    assert attempt.is_whole(2)


def test_all_that_was_received_is_counted():
    """Text, reasoning, names and arguments of tools: a provider bills them all."""
    attempt = running(
        Text("abc"), Reasoning("def"), ToolDelta(0, "call", "look", "{1}"), Text("ghi", 1)
    )

    assert attempt.received() == "abcdeflook{1}ghi"


def test_an_attempt_that_ended_is_priced_by_its_card():
    """The row's attempt says where, when, how, at which prices and for how much."""
    attempt = running(Text("a")).ended("ok", Usage(7, 5), at=40, error=None)

    assert (attempt.cost, json.loads(attempt.card)) == (
        7 * 2 + 5 * 3,
        {"prompt": 2, "completion": 3},
    )
    assert (attempt.deployment, attempt.upstream_model, attempt.region) == ("p0/m", "m", "eu")
    assert (attempt.started, attempt.first_token, attempt.ended) == (10, 20, 40)


def test_an_attempt_without_usage_costs_nothing():
    """Refused before any output: nothing is known and nothing is charged."""
    attempt = running().ended("refused", None, at=40, error="upstream_refused")

    assert (attempt.cost, attempt.usage, attempt.first_token) == (0, None, None)
    assert (attempt.outcome, attempt.error) == ("refused", "upstream_refused")


@pytest.mark.parametrize(
    ("error", "outcome", "billed"),
    [
        (UpstreamRefused("no"), "refused", False),
        (InvalidRequest("no"), "refused", False),
        (UpstreamLimited("later"), "failed", False),
        (UpstreamFailed("down"), "failed", False),
        (UpstreamTimeout("slow"), "failed", True),
        (UpstreamCut("gone"), "failed", True),
    ],
)
def test_how_an_attempt_failed_says_whether_it_may_be_billed(error, outcome, billed):
    """Before content a time-out may have been billed, a refusal was not; after it all were."""
    assert failed_outcome(error, has_content=False) == outcome
    assert is_billed(error, has_content=False) == billed
    assert failed_outcome(error, has_content=True) == "cut"
    assert is_billed(error, has_content=True)


def test_a_row_keeps_the_whole_card():
    """Tiers and cache prices too, without what is not set."""
    card = PriceCard(
        prompt=1,
        completion=2,
        cached=0,
        tiers=(PriceTier(above=9, prompt=3, completion=4),),
    )

    assert json.loads(card_json(card)) == {
        "prompt": 1,
        "completion": 2,
        "cached": 0,
        "tiers": [{"above": 9, "prompt": 3, "completion": 4}],
    }


def test_any_number_of_cards_can_be_written():
    """What is remembered of them is bounded, what is written of each stays right."""
    for n in range(3000):
        card = attrs.evolve(CARD, prompt=n)
        assert json.loads(card_json(card))["prompt"] == n
    assert card_json(CARD) == card_json(CARD) == '{"prompt":2,"completion":3}'
