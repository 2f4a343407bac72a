"""What a key may hand on, as plain functions."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.core.rights import (
    beyond,
    check_budget,
    check_key,
    check_reach,
    further,
    handed_on,
    is_bound,
)
from aihub.errors import AuthenticationFailed, NotFound, NotPermitted, PermissionDenied
from aihub.model.account import BUILT_IN_PLANS, SCOPES, Account, Budget, Identity, Key

NOW = 1000
bounds = st.one_of(st.none(), st.integers(1, 5))
ends = st.one_of(st.none(), st.integers(NOW + 1, NOW + 5))


def make_key(id="key_1", **fields):
    """A key of `acc_1` with all scopes."""
    given = {"scopes": frozenset(SCOPES), **fields}
    return Key(id=id, account="acc_1", digest=id.encode(), hint="", name="", created=0, **given)


keys = st.builds(
    make_key,
    st.sampled_from(["key_1", "key_2"]),
    scopes=st.frozensets(st.sampled_from(SCOPES)),
    expires=ends,
    revoked=ends,
    requests_per_minute=bounds,
    tokens_per_minute=bounds,
)


def who(key=None, *, operator=False, deleted=None, budgets=()):
    """A caller."""
    account = Account(
        id="acc_1", name="", plan="pro", created=0, operator=operator, deleted=deleted
    )
    return Identity(account=account, plan=BUILT_IN_PLANS["pro"], key=key, budgets=budgets)


def own_budget(limit=10, key="key_1"):
    """A budget of the key, or with None of the account."""
    return Budget(id="bud_1", account="acc_1", period="month", limit=limit, key=key)


@pytest.mark.parametrize(
    ("caller", "code"),
    [
        (None, "invalid_api_key"),
        (who(make_key(), deleted=1), "invalid_api_key"),
        (who(make_key(revoked=NOW)), "revoked_api_key"),
        (who(make_key(expires=NOW)), "expired_api_key"),
    ],
)
def test_whoever_has_ended_reaches_nothing(caller, code):
    """At the very moment, operator or not."""
    with pytest.raises(AuthenticationFailed) as refused:
        check_reach(caller, NOW, account="acc_1", operator=False)
    assert refused.value.code == code


def test_an_admin_reaches_its_own_account_and_an_operator_all():
    """Another's does not exist; what is the operators' is forbidden."""
    tenant, operator = who(make_key()), who(make_key(), operator=True)
    for account in ("acc_1", "acc_2", None):
        assert check_reach(operator, NOW, account=account, operator=True) is operator
    for account in ("acc_1", None):
        assert check_reach(tenant, NOW, account=account, operator=False) is tenant
        with pytest.raises(NotPermitted) as refused:
            check_reach(tenant, NOW, account=account, operator=True)
        assert refused.value.code == "operator_only"
    with pytest.raises(NotFound, match="acc_2"):
        check_reach(tenant, NOW, account="acc_2", operator=True)
    with pytest.raises(PermissionDenied, match="'admin'"):
        check_reach(who(make_key(scopes=frozenset())), NOW, account="acc_1", operator=False)
    assert check_reach(who(), NOW, account="acc_1", operator=False)


@given(keys, keys)
def test_what_is_handed_on_is_never_more(wanted, own):
    """Where it is let through, every bound of the maker holds for what it made."""
    caller = who(own)
    made = handed_on(attrs.evolve(wanted, revoked=None), caller)
    if beyond(made, caller) is None:
        assert made.scopes <= own.scopes
        assert own.ends is None or made.ends <= own.ends
        for field in ("requests_per_minute", "tokens_per_minute"):
            bound = getattr(own, field)
            assert bound is None or getattr(made, field) <= bound
        assert not is_bound(caller) or made.lineage == own.lineage


@given(keys, keys, keys)
def test_to_reach_further_is_an_order(one, two, three):
    """No key reaches further than itself, and what is within what is within is within."""
    assert further(one, one) is None
    if further(one, two) is None and further(two, three) is None:
        assert further(one, three) is None


@given(keys)
def test_what_is_left_open_is_the_makers_own(own):
    """A wish that names nothing is always within."""
    caller = who(own)
    wish = make_key("key_9", scopes=own.scopes)

    assert beyond(handed_on(wish, caller), caller) is None
    assert handed_on(wish, who()) == wish
    assert handed_on(wish, who(own, operator=True)) == wish


def test_a_key_with_a_budget_shares_its_lineage():
    """And may touch no key of another, save to narrow it."""
    caller = who(make_key(), budgets=(own_budget(),))
    other = make_key("key_2")

    assert handed_on(other, caller).lineage == "key_1"
    with pytest.raises(NotPermitted) as refused:
        check_key(other, caller)
    assert (refused.value.code, refused.value.param) == ("beyond_own_rights", "lineage")
    narrowed = attrs.evolve(other, requests_per_minute=1)
    check_key(narrowed, caller, before=other)
    with pytest.raises(NotPermitted):
        check_key(other, caller, before=narrowed)
    check_key(other, who(make_key(), operator=True, budgets=(own_budget(),)))
    check_key(other, who(make_key(), budgets=(own_budget(key=None),)))
    check_key(other, who())
    assert not is_bound(who())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("scopes", frozenset({"read", "admin"})),
        ("expires", None),
        ("requests_per_minute", 6),
        ("tokens_per_minute", None),
    ],
)
def test_what_goes_beyond_is_named(field, value):
    """The first field that reaches further than the caller's."""
    own = make_key(
        scopes=frozenset({"admin"}), expires=NOW + 9, requests_per_minute=5, tokens_per_minute=5
    )
    wish = attrs.evolve(own, **{field: value})

    assert beyond(wish, who(own)) == field
    assert beyond(own, who(own)) is None
    assert beyond(wish, who()) is None


def test_budgets_of_accounts_are_the_operators():
    """A tenant may change those of its keys, only downwards where it has one itself."""
    tenant, spender = who(make_key()), who(make_key(), budgets=(own_budget(),))
    for limit in (5, 15, None):
        check_budget(own_budget(), limit, tenant)
        check_budget(own_budget(key=None), limit, who(make_key(), operator=True))
        with pytest.raises(NotPermitted) as refused:
            check_budget(own_budget(key=None), limit, tenant)
        assert refused.value.code == "operator_only"
    check_budget(own_budget(), 10, spender)
    for limit in (11, None):
        with pytest.raises(NotPermitted) as refused:
            check_budget(own_budget(), limit, spender)
        assert refused.value.param == "limit"
