"""Our own objects on the wire: strict bodies and queries, and what is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import administration as dialect
from aihub.dialects import queries
from aihub.dialects.objects import MAX_FAULTS, json_object
from aihub.errors import InvalidRequest
from aihub.model.account import (
    BUILT_IN_PLANS,
    MAX_MONEY,
    MAX_NAME,
    Account,
    Budget,
    Key,
    Plan,
    Standing,
)
from aihub.model.units import SECOND, format_usd, from_rfc3339, rfc3339

READERS = {
    "account": dialect.read_new_account,
    "account change": dialect.read_account_change,
    "key": dialect.read_new_key,
    "key change": dialect.read_key_change,
    "rotation": dialect.read_rotation,
    "plan": dialect.read_plan_change,
    "budget": dialect.read_new_budget,
    "budget change": dialect.read_budget_change,
}


def read(reader, value):
    """Read a value as a body."""
    return READERS[reader](json.dumps(value).encode())


def test_what_is_named_is_read_and_nothing_else():
    """Null takes away what can be none; what is not named stays out."""
    wish = {
        "account": "acc_1",
        "name": "laptop",
        "scopes": ["read", "admin"],
        "expires": 1_800_000_000,
        "requests_per_minute": 5,
        "tokens_per_minute": None,
    }
    assert read("key", wish) == {
        **wish,
        "scopes": ("read", "admin"),
        "expires": 1_800_000_000 * SECOND,
    }
    assert read("key change", {"expires": None}) == {"expires": None}
    assert read("account", {"id": "acme", "operator": True}) == {"id": "acme", "operator": True}
    assert read("account", {"region": "eu-west"}) == {"region": "eu-west"}
    assert read("budget", {"limit": "12.50", "period": "day"}) == {
        "limit": 12_500_000_000_000,
        "period": "day",
    }
    assert read("budget change", {"limit": 3}) == {"limit": 3 * 10**12}
    assert read("budget change", {"limit": 3.0}) == {"limit": 3 * 10**12}
    assert read("plan", {"parallel": None, "token_reserve": "maximum"}) == {
        "parallel": None,
        "token_reserve": "maximum",
    }
    assert read("rotation", {"overlap": 60}) == {"overlap": 60.0}
    assert dialect.read_rotation(b"") == {}
    assert dialect.read_plan_name("gold") == "gold"


@pytest.mark.parametrize(
    ("reader", "value", "param"),
    [
        ("key", {"scope": ["read"]}, "scope"),
        ("key", {"secret": "test"}, "secret"),
        ("key", {"scopes": []}, "scopes"),
        ("key", {"scopes": ["write"]}, "scopes[0]"),
        ("key", {"scopes": "read"}, "scopes"),
        ("key", {"expires": "2026-01-01T00:00:00Z"}, "expires"),
        ("key", {"expires": 1_800_000_000_000}, "expires"),
        ("key", {"requests_per_minute": "5"}, "requests_per_minute"),
        ("key", {"requests_per_minute": 0}, "requests_per_minute"),
        ("key", {"tokens_per_minute": True}, "tokens_per_minute"),
        ("key", {"name": None}, "name"),
        ("key", {"name": "x" * (MAX_NAME + 1)}, "name"),
        ("key", {"account": ""}, "account"),
        ("account", {"id": "a/b"}, "id"),
        ("account", {"id": ".."}, "id"),
        ("account", {"id": "x" * 65}, "id"),
        ("account", {"operator": 1}, "operator"),
        ("account", {"region": "a b"}, "region"),
        ("account", {"region": 7}, "region"),
        ("account change", {"region": ""}, "region"),
        ("account change", {"id": "acme"}, "id"),
        ("account change", {"plan": 5}, "plan"),
        ("rotation", {"overlap": -1}, "overlap"),
        ("rotation", {"overlap": "60"}, "overlap"),
        ("plan", {"token_reserve": "none"}, "token_reserve"),
        ("plan", {"name": "gold"}, "name"),
        ("budget", {}, "limit"),
        ("budget", {"limit": 12.5}, "limit"),
        ("budget", {"limit": "-1"}, "limit"),
        ("budget", {"limit": "1e9"}, "limit"),
        ("budget", {"limit": "0.0000000000001"}, "limit"),
        ("budget", {"limit": "9000000.01"}, "limit"),
        ("budget", {"limit": True}, "limit"),
        ("budget", {"limit": "1", "period": "week"}, "period"),
        ("budget change", {"limit": None}, "limit"),
        ("budget change", {"limit": "1", "period": "day"}, "period"),
    ],
)
def test_what_is_wrong_is_named(reader, value, param):
    """Nothing is coerced, and nothing is ignored."""
    with pytest.raises(InvalidRequest) as wrong:
        read(reader, value)
    assert wrong.value.param == param
    assert param.partition("[")[0] in wrong.value.message or wrong.value.code == "invalid_value"


def test_all_faults_are_listed_and_long_names_are_cut():
    """The first is the error's own."""
    with pytest.raises(InvalidRequest) as wrong:
        read("key", {"name": 1, "x" * 500: 2, "expires": "no"})
    assert [path for path, _ in wrong.value.faults] == ["name", "x" * 64, "expires"]
    with pytest.raises(InvalidRequest) as wrong:
        read("key", {f"field {n}": n for n in range(1000)})
    assert len(wrong.value.faults) == MAX_FAULTS
    with pytest.raises(InvalidRequest):
        dialect.read_plan_name("a b")


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_a_body_that_is_no_object_is_refused(body):
    """In the words that chat requests get."""
    with pytest.raises(InvalidRequest) as wrong:
        json_object(body)
    assert wrong.value.code == "invalid_json"


@given(st.integers(0, MAX_MONEY))
def test_money_is_read_as_it_is_shown(limit):
    """To the pico-dollar, both ways."""
    budget = Budget(id="bud_1", account="acc_1", period="month", limit=limit)
    shown = dialect.budget_object(Standing(budget=budget, spent=1, held=0, renews=None))
    assert read("budget change", {"limit": shown["limit"]}) == {"limit": limit}
    assert shown["spent"] == format_usd(1)


def test_what_is_shown():
    """Fields, epoch seconds, and no digest."""
    account = Account(id="acc_1", name="a", plan="pro", created=5 * SECOND + 1, operator=True)
    assert dialect.account_object(account) == {
        "id": "acc_1",
        "object": "account",
        "name": "a",
        "plan": "pro",
        "operator": True,
        "region": None,
        "created": 5,
    }
    key = Key(
        id="key_1",
        account="acc_1",
        digest=b"d" * 32,
        hint="abcd",
        name="k",
        created=0,
        scopes=frozenset({"inference", "read"}),
        expires=9 * SECOND,
        revoked=7 * SECOND,
    )
    shown = dialect.key_object(key, 6 * SECOND)
    assert shown == {
        "id": "key_1",
        "object": "key",
        "account": "acc_1",
        "name": "k",
        "hint": "abcd",
        "status": "live",
        "scopes": ["read", "inference"],
        "created": 0,
        "expires": 9,
        "revoked": 7,
        "requests_per_minute": None,
        "tokens_per_minute": None,
        "lineage": "key_1",
    }
    assert dialect.key_object(key, 6 * SECOND, secret="s") == {**shown, "secret": "s"}
    assert dialect.key_status(key, 7 * SECOND) == "revoked"
    plain = Key(id="k", account="a", digest=b"", hint="", name="", created=0, expires=9)
    assert dialect.key_status(plain, 9) == "expired"
    assert dialect.plan_object(BUILT_IN_PLANS["free"])["built_in"]
    assert not dialect.plan_object(Plan(name="free"))["built_in"]


# Queries


def test_a_page_is_asked_and_told():
    """Ids of the first and last, and whether there is more."""
    page, more = queries.read_page(
        "after=key_1&limit=2&account=acc_1", {"account": queries.identifier}
    )
    assert (page, more) == (queries.Page("key_1", 2), {"account": "acc_1"})
    assert queries.read_page("")[0] == queries.Page(None, queries.PAGE)
    objects = [{"id": f"key_{n}"} for n in range(3)]
    assert queries.list_object(objects, page) == {
        "object": "list",
        "data": objects[:2],
        "first_id": "key_0",
        "last_id": "key_1",
        "has_more": True,
    }
    assert queries.list_object([], page) == {
        "object": "list",
        "data": [],
        "first_id": None,
        "last_id": None,
        "has_more": False,
    }


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-5", "limit"),
        ("limit=1.0", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=%D9%A3", "limit"),
        ("after=", "after"),
        ("after=" + "x" * 257, "after"),
        ("before=x", "before"),
        ("limit=1&limit=2", "limit"),
        ("&".join(f"p{n}=" for n in range(25)), None),
    ],
)
def test_a_wrong_query_is_named(query, param):
    """Unknown, twice, or out of range."""
    with pytest.raises(InvalidRequest) as wrong:
        queries.read_page(query)
    assert wrong.value.param == param


def test_usage_is_asked_by_range_and_group():
    """RFC 3339 in any zone; by default everything is."""
    asked = queries.read_usage(
        "start=2026-01-01T01:00:00%2B01:00&end=2026-01-02T00:00:00Z&group_by=day&account=acc_1"
    )
    assert rfc3339(asked.start) == "2026-01-01T00:00:00Z"
    assert rfc3339(asked.end) == "2026-01-02T00:00:00Z"
    assert (asked.group_by, asked.account) == ("day", "acc_1")
    assert queries.read_usage("") == queries.UsageAsk(None, None, None, "model")


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-13-01T00:00:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01T00:00:00 01:00",
        "0001-01-01T00:00:00%2B14:00",
        "9999-12-31T23:00:00-14:00",
        "1767225600",
        "",
    ],
)
def test_a_time_of_another_form_is_refused(text):
    """Also one that no calendar of ours has."""
    for name in ("start", "end"):
        with pytest.raises(InvalidRequest) as wrong:
            queries.read_usage(f"{name}={text}")
        assert wrong.value.param == name


@given(st.integers(0, 253_402_300_799_999_999))
def test_an_instant_is_read_as_it_is_written(at):
    """To the microsecond."""
    assert from_rfc3339(rfc3339(at)) == at
