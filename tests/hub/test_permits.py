"""`hub.accounts.as_caller`: what a key may do to accounts, keys, plans and budgets."""

from functools import partial

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.backends.storage.sqlite import SqliteStore
from aihub.errors import (
    AuthenticationFailed,
    CallerError,
    Conflict,
    InvalidRequest,
    NotFound,
    NotPermitted,
    PermissionDenied,
)
from aihub.hub import accounts as module
from aihub.hub.accounts import LOCAL_ACCOUNT
from aihub.model.account import BUILT_IN_PLANS, MAX_NAME, SCOPES, Plan
from aihub.model.units import SECOND, usd
from aihub.testing import ManualClock, open_test_hub

from ..slow_store import SlowStore

pytestmark = pytest.mark.anyio


async def admin(hub, account=None, **fields):
    """Make an account with an admin key, and give (the calls as that key, the key)."""
    account = account or (await hub.accounts.create("tenant", plan="pro")).id
    made = await hub.accounts.create_key(account, **{"scopes": SCOPES, **fields})
    return hub.accounts.as_caller(await hub.authenticate(made.secret, None)), made.key


async def refused(call):
    """Give the code of the refusal."""
    with pytest.raises(CallerError) as error:
        await call
    return error.value.code


async def test_a_tenant_sees_its_own_account_and_nobody_elses():
    """Another's account and everything in it does not exist."""
    async with open_test_hub() as hub:
        mine, key = await admin(hub)
        _, other = await admin(hub)
        budget = await hub.accounts.create_budget(other.account, limit=1)

        assert [one.id for one in await mine.list()] == [key.account]
        assert not await mine.list(after=key.account)
        assert (await mine.get(key.account)).id == key.account
        for call in (
            mine.get(other.account),
            mine.keys(other.account),
            mine.key(other.account, other.id),
            mine.create_key(other.account),
            mine.change_key(other.account, other.id, name="x"),
            mine.rotate_key(other.account, other.id),
            mine.revoke_key(other.account, other.id),
            mine.budgets(other.account),
            mine.budget(other.account, budget.id),
            mine.create_budget(other.account, limit=1),
            mine.change_budget(other.account, budget.id, limit=2),
            mine.drop_budget(other.account, budget.id),
            mine.standing(budget),
            mine.change(other.account, name="x"),
            mine.delete(other.account),
        ):
            assert await refused(call) == "account_not_found"
        # Nor does it under an account of one's own.
        assert await refused(mine.key(key.account, other.id)) == "key_not_found"
        assert await refused(mine.revoke_key(key.account, other.id)) == "key_not_found"
        assert await refused(mine.budget(key.account, budget.id)) == "budget_not_found"
        assert await refused(mine.drop_budget(key.account, budget.id)) == "budget_not_found"


async def test_what_is_the_operators_is_forbidden_to_a_tenant():
    """Accounts, plans and what bounds a whole account."""
    async with open_test_hub() as hub:
        mine, key = await admin(hub)
        budget = await hub.accounts.create_budget(key.account, limit=usd("5"))
        for call in (
            mine.create("another"),
            mine.fix_account(key.account, plan="enterprise"),
            mine.change(key.account, plan="enterprise"),
            mine.delete(key.account),
            mine.put_plan(Plan(name="free")),
            mine.set_plan("gold"),
            mine.drop_plan("free"),
            mine.create_key(key.account, secret="test"),
            mine.fix_key(key.account, "test"),
            mine.create_budget(key.account, limit=usd("9")),
            mine.change_budget(key.account, budget.id, limit=usd("9")),
            mine.change_budget(key.account, budget.id, limit=0),
            mine.drop_budget(key.account, budget.id),
        ):
            assert await refused(call) == "operator_only"
        assert list(await mine.budgets(key.account)) == [budget]
        assert (await mine.standing(budget)).spent == 0
        assert (await hub.accounts.get(key.account)).plan == "pro"


async def test_an_operator_manages_everything_but_its_own_end():
    """Accounts, plans, anybody's keys; not that nobody is left who could undo it."""
    async with open_test_hub() as hub:
        top, key = await admin(hub, (await hub.accounts.create(operator=True)).id)
        account = await top.create("new", plan="free")
        await top.set_plan("gold", requests_per_minute=3)
        assert (await top.change(account.id, plan="gold", name="newer")).plan == "gold"
        made = await top.create_key(account.id, scopes=["admin"], requests_per_minute=None)
        assert await top.rotate_key(account.id, made.key.id)
        assert (await top.revoke_key(account.id, made.key.id)).revoked is not None
        assert {one.id for one in await top.list()} >= {account.id, key.account}
        assert await refused(top.drop_plan("gold")) == "plan_in_use"
        assert (await top.delete(account.id)).name == ""
        await top.drop_plan("gold")
        assert await refused(top.plan("gold")) == "plan_not_found"

        assert await refused(top.delete(key.account)) == "own_account"
        assert await refused(top.change(key.account, operator=False)) == "own_account"
        assert await refused(top.delete(LOCAL_ACCOUNT)) == "reserved_account"
        assert await refused(hub.accounts.delete(LOCAL_ACCOUNT)) == "reserved_account"
        assert (await hub.accounts.get(key.account)).operator


async def test_a_key_without_the_scope_administers_nothing():
    """An operator's neither."""
    async with open_test_hub() as hub:
        mine, key = await admin(hub, (await hub.accounts.create(operator=True)).id)
        weak, _ = await admin(hub, key.account, scopes=["read", "inference"])
        for call in (weak.list, weak.plans, partial(weak.revoke_key, key.account, key.id)):
            with pytest.raises(PermissionDenied, match="'admin'"):
                await call()
        assert await mine.list()


async def test_plans_are_seen_as_far_as_they_concern_one():
    """The built-in ones and one's own; what others are sold is not told."""
    async with open_test_hub() as hub:
        await hub.accounts.put_plan(Plan(name="gold"))
        await hub.accounts.put_plan(Plan(name="for-acme"))
        mine, _ = await admin(hub, (await hub.accounts.create(plan="gold")).id)

        assert [plan.name for plan in await mine.plans()] == sorted([*BUILT_IN_PLANS, "gold"])
        assert [plan.name for plan in await mine.plans(after="free", limit=1)] == ["gold"]
        assert await refused(mine.plan("for-acme")) == "plan_not_found"
        assert (await mine.plan("gold")).name == "gold"


async def test_a_plan_is_changed_in_what_is_named():
    """The rest stays, None takes a limit away, and a built-in one shows again when dropped."""
    async with open_test_hub() as hub:
        await hub.accounts.set_plan("gold", requests_per_minute=5, token_reserve="maximum")
        changed = await hub.accounts.set_plan("gold", requests_per_minute=None, parallel=2)
        assert changed == Plan(name="gold", parallel=2, token_reserve="maximum")
        tighter = await hub.accounts.set_plan("free", parallel=1)
        assert tighter == attrs.evolve(BUILT_IN_PLANS["free"], parallel=1)
        await hub.accounts.drop_plan("free")
        assert await hub.accounts.plan("free") == BUILT_IN_PLANS["free"]
        assert await refused(hub.accounts.drop_plan("free")) == "built_in_plan"
        assert await refused(hub.accounts.drop_plan("none")) == "plan_not_found"
        with pytest.raises(InvalidRequest) as wrong:
            await hub.accounts.set_plan("gold", parallel=0)
        assert wrong.value.param == "parallel"


async def test_a_key_makes_keys_that_are_no_more_than_itself():
    """What is left open is its own; what is asked beyond is named."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        ends = clock.now() + 60 * SECOND
        mine, key = await admin(hub, scopes=["admin", "read"], requests_per_minute=5, expires=ends)
        made = (await mine.create_key(key.account, name="child")).key
        assert made.scopes == {"read"}
        assert (made.requests_per_minute, made.expires, made.lineage) == (5, ends, key.lineage)

        for field, value in {
            "scopes": ["inference"],
            "requests_per_minute": 6,
            "expires": ends + 1,
        }.items():
            for call in (
                mine.create_key(key.account, **{field: value}),
                mine.change_key(key.account, made.id, **{field: value}),
                mine.change_key(key.account, key.id, **{field: value}),
            ):
                with pytest.raises(NotPermitted) as beyond:
                    await call
                assert (beyond.value.code, beyond.value.param) == ("beyond_own_rights", field)
        # A stronger key may be narrowed and ended, not rotated: that would show its secret.
        _, strong = await admin(hub, key.account)
        assert await refused(mine.rotate_key(key.account, strong.id)) == "beyond_own_rights"
        await mine.change_key(key.account, strong.id, requests_per_minute=1)
        assert (
            await refused(mine.change_key(key.account, strong.id, requests_per_minute=2))
            == "beyond_own_rights"
        )
        await mine.revoke_key(key.account, strong.id)


async def test_a_tenant_bounds_its_keys_with_budgets():
    """It may undo what it did, unless its own key has one."""
    async with open_test_hub() as hub:
        mine, key = await admin(hub)
        child = (await mine.create_key(key.account)).key
        budget = await mine.create_budget(key.account, limit=usd("1"), key=child.id)
        more = await mine.change_budget(key.account, budget.id, limit=usd("2"))
        assert await mine.budget(key.account, budget.id) == more
        standing = await mine.standing(more)
        assert (standing.budget, standing.spent, standing.held) == (more, 0, 0)
        assert standing.renews > hub.now()
        with pytest.raises(InvalidRequest) as negative:
            await mine.change_budget(key.account, budget.id, limit=-1)
        assert negative.value.param == "limit"

        await mine.create_budget(key.account, limit=usd("3"), key=key.id)
        for call in (
            partial(mine.change_budget, limit=usd("9")),
            mine.drop_budget,
        ):
            assert await refused(call(key.account, budget.id)) == "beyond_own_rights"
        await mine.change_budget(key.account, budget.id, limit=0)
        bound = (await mine.create_key(key.account)).key
        assert bound.lineage == key.lineage
        assert await hub.accounts.drop_budget(key.account, budget.id)
        assert await refused(hub.accounts.drop_budget(key.account, budget.id)) == "budget_not_found"


async def test_a_key_that_has_ended_changes_nothing_whatever_is_remembered():
    """Revoked behind our back, expired or deleted: seen in the step itself."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        mine, key = await admin(hub, expires=clock.now() + 60 * SECOND)
        await hub._store.change_key(
            key.account, key.id, lambda one: attrs.evolve(one, revoked=clock.now())
        )
        for call in (
            partial(mine.create_key, key.account),
            partial(mine.revoke_key, key.account, key.id),
            partial(mine.create_budget, key.account, limit=1, key=key.id),
        ):
            assert await refused(call()) == "revoked_api_key"
        clock.advance(60)
        assert await refused(mine.list()) == "expired_api_key"
        assert len(await hub.accounts.keys(key.account)) == 1
        assert not await hub.accounts.budgets(key.account)


async def test_a_key_may_end_itself():
    """And is then refused like any other."""
    async with open_test_hub() as hub:
        mine, key = await admin(hub)
        await mine.revoke_key(key.account, key.id)
        with pytest.raises(AuthenticationFailed):
            await mine.create_key(key.account)


async def test_an_account_keeps_so_many_keys_and_budgets(monkeypatch):
    """More are a conflict, not a full disk."""
    monkeypatch.setattr(module, "MAX_KEYS", 2)
    monkeypatch.setattr(module, "MAX_BUDGETS", 1)
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        key = (await hub.accounts.create_key(account)).key
        await hub.accounts.create_key(account)
        await hub.accounts.create_budget(account, limit=1)
        await hub.accounts.create_budget(account, limit=1, key=key.id)
        for call in (hub.accounts.create_key(account), hub.accounts.rotate_key(account, key.id)):
            assert await refused(call) == "too_many_keys"
        for key_id in (None, key.id):
            call = hub.accounts.create_budget(account, limit=1, key=key_id)
            assert await refused(call) == "too_many_budgets"
        with pytest.raises(InvalidRequest) as long:
            await hub.accounts.create("x" * (MAX_NAME + 1))
        assert long.value.param == "name"


async def test_an_account_of_the_configuration_is_there_after_every_start():
    """Made, the same again, and good again after it was deleted."""
    async with open_test_hub() as hub:
        first = await hub.accounts.fix_account("acme", plan="free")
        assert await hub.accounts.fix_account("acme", plan="free") == first
        await hub.accounts.delete("acme")
        again = await hub.accounts.fix_account("acme", plan="pro", operator=True)
        assert (again.plan, again.operator, again.deleted) == ("pro", True, None)
        with pytest.raises(InvalidRequest, match="no plan"):
            await hub.accounts.fix_account("acme", plan="gold")


async def test_several_that_start_at_once_have_one_account_of_the_configuration():
    """Each is told the same account; none fails because another was faster."""
    clock = ManualClock()
    async with open_test_hub(store=SlowStore(clock), clock=clock) as hub:
        made = []

        async def start():
            made.append(await hub.accounts.fix_account("acme", plan="free"))

        async with anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(start)
    assert len(made) == 5
    assert len(set(made)) == 1


async def test_a_new_key_and_the_end_of_its_account_at_once():
    """There is never a key on an account that has ended."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id

        async def count(_):
            await hub.accounts.delete(account)
            return 0

        hub._store.key_count = count
        with pytest.raises(NotFound):
            await hub.accounts.create_key(account)
        assert not await hub._store.keys(account)


async def test_an_account_and_the_end_of_its_plan_at_once():
    """The plan is named, as if it had been gone before."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        plans = hub._store.plans

        async def drop():
            found = await plans()
            await hub.accounts.drop_plan("gold")
            return found

        for call in (
            lambda: hub.accounts.create(plan="gold"),
            lambda: hub.accounts.change(account, plan="gold"),
        ):
            await hub.accounts.set_plan("gold")
            hub._store.plans = drop
            with pytest.raises(InvalidRequest) as gone:
                await call()
            hub._store.plans = plans
            assert gone.value.param == "plan"


# No sequence of calls gives a key more than its creator has.

amounts = st.one_of(st.none(), st.integers(1, 6))
times = st.one_of(st.none(), st.integers(1, 6).map(lambda n: n * 1000 * SECOND))
scope_sets = st.one_of(st.none(), st.sets(st.sampled_from(SCOPES)).map(sorted))
wishes = st.fixed_dictionaries(
    {},
    optional={
        "scopes": scope_sets,
        "expires": times,
        "requests_per_minute": amounts,
        "tokens_per_minute": amounts,
    },
)
steps = st.one_of(
    st.tuples(st.just("create"), st.integers(0, 9), st.none(), wishes),
    st.tuples(st.just("change"), st.integers(0, 9), st.integers(0, 9), wishes),
    st.tuples(st.just("rotate"), st.integers(0, 9), st.integers(0, 9), st.just({})),
    st.tuples(
        st.sampled_from(["budget", "raise", "drop"]),
        st.integers(0, 9),
        st.integers(0, 9),
        st.fixed_dictionaries({"limit": st.integers(0, 9)}),
    ),
)


@given(
    first=st.fixed_dictionaries(
        {"expires": times, "requests_per_minute": amounts, "tokens_per_minute": amounts}
    ),
    scopes=st.sets(st.sampled_from(["read", "inference"])),
    budget=st.one_of(st.none(), st.integers(0, 5)),
    plan=st.lists(steps, max_size=14),
)
@settings(deadline=None)
def test_no_sequence_of_calls_gives_a_key_more_than_its_creator(first, scopes, budget, plan):
    """Whoever begins with one admin key ends with none whose secret opens more."""
    anyio.run(_climb, first, {"admin", *scopes}, budget, plan)


async def _climb(first, scopes, budget, plan):
    clock = ManualClock(0)
    async with open_test_hub(clock=clock) as hub:
        account = (await hub.accounts.create(plan="pro")).id
        strong = (await hub.accounts.create_key(account, scopes=SCOPES)).key
        held = [await hub.accounts.create_key(account, scopes=scopes, **first)]
        origin = held[0].key
        if budget is not None:
            await hub.accounts.create_budget(account, limit=budget, key=origin.id)
        for step in plan:
            await _try(hub, account, strong, held, step)

        for made in held:
            identity = await hub._store.identify(made.key.digest)
            key = identity.key
            assert key.scopes <= origin.scopes
            assert origin.ends is None or key.ends <= origin.ends
            for field in ("requests_per_minute", "tokens_per_minute"):
                bound = getattr(origin, field)
                assert bound is None or getattr(key, field) <= bound
            limits = [one.limit for one in identity.budgets if one.key == origin.lineage]
            assert budget is None or min(limits) <= budget
            if budget is not None or origin.requests_per_minute or origin.tokens_per_minute:
                assert key.lineage == origin.lineage


async def _try(hub, account, strong, held, step):
    """Let one of the keys held do something to one that it holds, or to the strong one."""
    what, who, whom, given = step
    mine = hub.accounts.as_caller(await hub._store.identify(held[who % len(held)].key.digest))
    targets = [*(made.key for made in held), strong]
    target = targets[(whom or 0) % len(targets)].id
    try:
        if what == "create":
            held.append(await mine.create_key(account, **given))
        elif what == "change":
            changes = {k: v for k, v in given.items() if (k, v) != ("scopes", None)}
            await mine.change_key(account, target, **changes)
        elif what == "rotate":
            held.append(await mine.rotate_key(account, target, overlap=10))
        elif what == "budget":
            await mine.create_budget(account, key=target, **given)
        else:
            budgets = await mine.budgets(account)
            if budgets:
                call = mine.drop_budget if what == "drop" else partial(mine.change_budget, **given)
                await call(account, budgets[whom % len(budgets)].id)
    except (NotPermitted, AuthenticationFailed, PermissionDenied, Conflict):
        return


async def test_who_revokes_last_is_right_in_sqlite_too(tmp_path):
    """A key that another hub revoked makes no key here, though it is remembered as good."""
    clock = ManualClock()
    path = tmp_path / "hub.db"
    async with (
        SqliteStore.open(path, clock=clock) as one,
        SqliteStore.open(path, clock=clock) as other,
        open_test_hub(store=one, clock=clock) as here,
        open_test_hub(store=other, clock=clock, seed=1) as there,
    ):
        mine, key = await admin(here)
        await there.accounts.revoke_key(key.account, key.id)

        assert await refused(mine.create_key(key.account)) == "revoked_api_key"
        assert len(await there.accounts.keys(key.account)) == 1
