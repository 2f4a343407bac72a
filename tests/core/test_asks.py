"""What a request asks a store for, and what a refusal is called."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core import asks
from aihub.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    ContextLengthExceeded,
    InvalidRequest,
    OverLimit,
    PermissionDenied,
    RequestExceedsPlan,
)
from aihub.model.account import Account, Budget, Identity, Key, Plan
from aihub.model.catalogue import PriceCard
from aihub.model.chat import Chat, Message, ResponseFormat, Tool, ToolChoice
from aihub.model.ledger import (
    BudgetFull,
    HoldAsk,
    NotLive,
    SlotAsk,
    SlotsFull,
    WindowAsk,
    WindowFull,
    WindowState,
)
from aihub.testing.providers import MODEL
from aihub.testing.stores import NOON

CHAT = Chat(model="gpt-4", messages=(Message("user", "Hi"),))
ACCOUNT = Account(id="acc_1", name="one", plan="own", created=0)
KEY = Key(id="key_1", account="acc_1", digest=b"1", hint="", name="", created=0)
BUDGETS = tuple(
    Budget(id=f"bud_{period}", account="acc_1", period=period, limit=7)
    for period in ("day", "month", "total")
)
CARDS = (MODEL.prices, PriceCard(prompt=40_000_000, completion=50_000_000))
MAYBE = st.one_of(st.none(), st.integers(1, 20_000))


def caller(plan=None, **more):
    """An identity on a plan of its own."""
    return Identity(account=ACCOUNT, plan=Plan(name="own", **(plan or {})), **more)


def reserve(chat=CHAT, identity=None, prompt=10, estimate=100):
    """Reserve with the usual model and two candidates."""
    return asks.reserve(chat, identity or caller(), MODEL, CARDS, prompt=prompt, estimate=estimate)


def test_a_reservation_is_the_prompt_and_an_estimate_for_each_choice():
    """Tokens for n answers; money at the dearest candidate, the prompt's at the first."""
    made = reserve(attrs.evolve(CHAT, n=3, max_tokens=50))

    assert (made.prompt, made.tokens) == (10, 10 + 3 * 50)
    assert made.prompt_cost == 10 * 30_000_000
    assert made.cost == max(10 * 30 + 150 * 60, 10 * 40 + 150 * 50) * 1_000_000


def test_the_plan_may_ask_for_the_maximum():
    """Then all that the model may say is set aside, and `max_tokens` only makes it less."""
    careful = caller({"token_reserve": "maximum"})

    assert reserve(identity=careful).tokens == 10 + 8192
    assert reserve(attrs.evolve(CHAT, max_tokens=9), careful).tokens == 10 + 9


def test_a_prompt_as_large_as_the_context_leaves_no_room():
    """At least one token of answer must fit."""
    assert reserve(prompt=8191).prompt == 8191
    with pytest.raises(ContextLengthExceeded) as refused:
        reserve(prompt=8192)
    assert (refused.value.tokens, refused.value.window) == (8192, 8192)


def test_a_prompt_larger_than_a_minute_can_never_pass():
    """At the limit it may, above it no waiting helps."""
    tight = caller({"tokens_per_minute": 1000})

    assert reserve(identity=tight, prompt=1000).tokens == 1000
    with pytest.raises(RequestExceedsPlan) as refused:
        reserve(identity=tight, prompt=1001)
    assert (refused.value.tokens, refused.value.limit) == (1001, 1000)


@given(MAYBE, MAYBE, st.integers(1, 8191), st.integers(1, 4), st.integers(1, 9000), st.booleans())
def test_what_is_reserved_can_pass_every_window_that_is_asked(
    plan, key, prompt, n, estimate, by_key
):
    """No window is asked for more than its limit, or the request is refused for good."""
    own = attrs.evolve(KEY, tokens_per_minute=key) if by_key else None
    identity = caller({"tokens_per_minute": plan}, key=own)
    limits = [limit for limit in (plan, key if by_key else None) if limit is not None]
    if prompt > min(limits, default=prompt):
        with pytest.raises(RequestExceedsPlan):
            reserve(attrs.evolve(CHAT, n=n), identity, prompt, estimate)
        return

    made = reserve(attrs.evolve(CHAT, n=n), identity, prompt, estimate)

    asked = asks.windows(identity, made.tokens)
    assert [one.limit for one in asked] == limits
    assert all(prompt <= one.amount <= one.limit for one in asked)


def test_every_window_that_applies_is_named():
    """The account's two, and a key's own two on top."""
    key = attrs.evolve(KEY, requests_per_minute=3, tokens_per_minute=4)
    identity = caller({"requests_per_minute": 1, "tokens_per_minute": 2}, key=key)

    assert asks.windows(identity, 9) == (
        WindowAsk("account:acc_1:requests", "requests", 1, 1),
        WindowAsk("account:acc_1:tokens", "tokens", 9, 2),
        WindowAsk("key:key_1:requests", "requests", 1, 3),
        WindowAsk("key:key_1:tokens", "tokens", 9, 4),
    )


def test_without_limits_nothing_is_asked():
    """No windows, no slots, no holds, no bound on reading."""
    for identity in (caller(), caller(key=KEY)):
        assert asks.windows(identity, 9) == asks.slots(identity) == ()
        assert asks.holds(identity, 9, NOON) == ()
        assert asks.token_limit(identity) is asks.read_limit(identity) is None


def test_slots_and_reading_follow_the_plan():
    """One bound on requests in parallel; reading ten times as often as inference."""
    identity = caller({"parallel": 2, "requests_per_minute": 10})

    assert asks.slots(identity) == (SlotAsk("acc_1", 2),)
    assert asks.read_limit(identity) == 100


def test_each_budget_is_asked_for_its_current_period():
    """Day, month and total each by their label."""
    assert asks.holds(caller(budgets=BUDGETS), 5, NOON) == (
        HoldAsk("bud_day", "2026-01-01", 5, 7),
        HoldAsk("bud_month", "2026-01", 5, 7),
        HoldAsk("bud_total", "total", 5, 7),
    )


@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_a_full_window_is_called_by_its_limit(kind):
    """With the seconds to wait and the windows as they stand."""
    states = (WindowState("account:acc_1:requests", "requests", 5, 5, NOON),)

    error = asks.refusal(WindowFull("acc_1:x", kind, 17, states), (), NOON)

    assert isinstance(error, OverLimit)
    assert (error.code, error.retry_after) == (f"{kind}_per_minute", 17)
    assert error.windows == states


def test_full_slots_ask_to_come_again_soon():
    """Nobody knows when a request will end; a second is the least that can be said."""
    error = asks.refusal(SlotsFull("acc_1", 2), (), NOON)

    assert isinstance(error, OverLimit)
    assert (error.code, error.retry_after) == ("parallel_requests", 1)


@pytest.mark.parametrize(
    ("budget", "renews"),
    [
        ("bud_day", "2026-01-02T00:00:00Z"),
        ("bud_month", "2026-02-01T00:00:00Z"),
        ("bud_total", None),
    ],
)
def test_a_full_budget_says_when_it_renews(budget, renews):
    """It is named, with the end of its own period."""
    error = asks.refusal(BudgetFull(budget), BUDGETS, NOON)

    assert isinstance(error, BudgetExceeded)
    assert (error.budget, error.renews) == (budget, renews)


@pytest.mark.parametrize(
    ("what", "code"),
    [
        ("revoked", "revoked_api_key"),
        ("expired", "expired_api_key"),
        ("deleted", "invalid_api_key"),
        ("unknown", "invalid_api_key"),
    ],
)
def test_a_key_that_died_meanwhile_is_refused_as_at_the_gate(what, code):
    """What the store found is what the look-up would have said."""
    error = asks.refusal(NotLive(what), (), NOON)

    assert isinstance(error, AuthenticationFailed)
    assert error.code == code


def test_labels_have_room_for_sixteen_pairs_of_texts():
    """At the bounds they pass, beyond them the label is named."""
    asks.check_labels({str(n): "" for n in range(16)})
    asks.check_labels({"k" * 256: "v" * 256})
    for labels, param in (
        ({str(n): "" for n in range(17)}, "labels"),
        ({"a": 1}, "labels.a"),
        ({1: "a"}, "labels.1"),
        ({"a": "v" * 257}, "labels.a"),
        ({"k" * 257: ""}, "labels." + "k" * 257),
    ):
        with pytest.raises(InvalidRequest) as refused:
            asks.check_labels(labels)
        assert refused.value.param == param


@pytest.mark.parametrize("scope", ["read", "inference", "admin"])
def test_a_key_may_do_what_its_scopes_say(scope):
    """A key without the scope is refused by the scope's name; the program itself may do all."""
    asks.check_scope(caller(), scope)
    asks.check_scope(caller(key=attrs.evolve(KEY, scopes=frozenset({scope}))), scope)
    others = frozenset({"read", "inference", "admin"} - {scope})
    with pytest.raises(PermissionDenied) as refused:
        asks.check_scope(caller(key=attrs.evolve(KEY, scopes=others)), scope)
    assert refused.value.scope == scope


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"n": 0}, "n"),
        ({"n": 129}, "n"),
        ({"n": True}, "n"),
        ({"n": 1.0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"max_tokens": 40_000_001}, "max_tokens"),
        ({"max_tokens": "7"}, "max_tokens"),
        ({"max_completion_tokens": 0, "max_tokens": 5}, "max_completion_tokens"),
        ({"messages": ()}, "messages"),
        ({"tools": ({"type": "function"},)}, "tools"),
        ({"tools": (Tool(name="f"),), "tool_choice": "auto"}, "tool_choice"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
    ],
)
def test_a_chat_that_would_make_nonsense_of_a_reservation_is_refused(fields, param):
    """Whichever door it came by; the bounds themselves are in."""
    forms = {"tool_choice": ToolChoice("none"), "response_format": ResponseFormat(kind="text")}
    for fine in ({}, {"n": 128, "max_tokens": 40_000_000}, {"max_tokens": 1}, forms):
        asks.check_chat(attrs.evolve(CHAT, **fine))
    with pytest.raises(InvalidRequest) as refused:
        asks.check_chat(attrs.evolve(CHAT, **fields))
    assert refused.value.param == param
