"""Accounts, plans, keys and budgets as a program handles them."""

import attrs
import pytest

from aihub.core.keys import format_key, well_formed
from aihub.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    Conflict,
    InvalidRequest,
    NotFound,
    OverLimit,
    PermissionDenied,
)
from aihub.hub import gate as module
from aihub.model.account import BUILT_IN_PLANS, MAX_MONEY, Plan
from aihub.model.units import SECOND, usd
from aihub.testing import ManualClock, open_test_hub

pytestmark = pytest.mark.anyio


def opens(hub, secret):
    """Authenticate."""
    return hub.authenticate(secret)


async def code_of(hub, secret):
    """Say why a key is refused."""
    with pytest.raises(AuthenticationFailed) as failed:
        await hub.authenticate(secret)
    return failed.value.code


# Accounts


async def test_an_account_is_made_found_and_listed():
    """By an id of one's own or a new one that sorts by creation."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        made = await hub.accounts.create("first")
        own = await hub.accounts.create("second", plan="pro", id="acme")

        assert (made.name, made.plan, made.created) == ("first", "free", clock.now())
        assert made.id.startswith("acc_")
        assert await hub.accounts.get(made.id) == made
        assert await hub.accounts.get("acme") == own
        listed = await hub.accounts.list()
        assert [one.id for one in listed] == sorted([made.id, "acc_local", "acme"])
        after = await hub.accounts.list(after=made.id, limit=1)
        assert [one.id for one in after] == ["acc_local"]


@pytest.mark.parametrize("plan", sorted(BUILT_IN_PLANS))
async def test_every_built_in_plan_can_be_had(plan):
    """Free, developer, pro and enterprise need not be written first."""
    async with open_test_hub() as hub:
        account = await hub.accounts.create(plan=plan)
        identity = await hub._gate.account(account.id)
        assert identity.plan == BUILT_IN_PLANS[plan]


async def test_a_taken_id_and_an_unknown_plan_are_refused_by_name():
    """Nothing is overwritten and nothing is written."""
    async with open_test_hub() as hub:
        await hub.accounts.create("first", id="acme")
        with pytest.raises(Conflict, match="'acme' exists") as taken:
            await hub.accounts.create("second", id="acme")
        with pytest.raises(InvalidRequest, match="developer, enterprise, free, pro") as unknown:
            await hub.accounts.create(plan="gold", id="other")
        with pytest.raises(InvalidRequest) as changed:
            await hub.accounts.change("acme", plan="gold")

        assert (taken.value.param, taken.value.code) == ("id", "already_exists")
        assert unknown.value.param == changed.value.param == "plan"
        assert (await hub.accounts.get("acme")).name == "first"
        with pytest.raises(NotFound):
            await hub.accounts.get("other")


async def test_changing_the_plan_keeps_what_was_used():
    """The next request counts against the new limit together with what the window holds."""
    async with open_test_hub() as hub:
        await hub.accounts.put_plan(Plan(name="two", requests_per_minute=2))
        await hub.accounts.put_plan(Plan(name="three", requests_per_minute=3))
        account = (await hub.accounts.create(plan="two")).id
        for _ in range(2):
            await hub.chat("gpt-4", "Hi", account=account)

        assert (await hub.accounts.change(account, plan="three")).plan == "three"

        await hub.chat("gpt-4", "Hi", account=account)
        with pytest.raises(OverLimit):
            await hub.chat("gpt-4", "Hi", account=account)


async def test_a_deleted_account_opens_nothing_and_keeps_its_sums():
    """Its keys are wrong at once, it is not listed, its id is not given again."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create(id="acme")).id
        key = (await hub.accounts.create_key(account)).secret
        await hub.chat("gpt-4", "Hi", key=key)

        deleted = await hub.accounts.delete(account)

        assert deleted.deleted is not None
        assert await code_of(hub, key) == "invalid_api_key"
        for call in (
            hub.accounts.get(account),
            hub.accounts.delete(account),
            hub.accounts.change(account, plan="pro"),
            hub.accounts.create_key(account),
            hub.accounts.create_budget(account, limit=1),
            hub.chat("gpt-4", "Hi", account=account),
        ):
            with pytest.raises(NotFound, match="No such account: 'acme'"):
                await call
        assert account not in [one.id for one in await hub.accounts.list()]
        with pytest.raises(Conflict, match="exists"):
            await hub.accounts.create(id=account)
        assert (await hub.usage(account)).requests == 1


# Plans


async def test_a_plan_of_ones_own_holds_from_the_next_request_on():
    """It is listed beside the built-in ones, may replace one, and is not remembered wrongly."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        await hub.chat("gpt-4", "Hi", account=account)

        await hub.accounts.put_plan(Plan(name="free", requests_per_minute=1))
        await hub.accounts.put_plan(Plan(name="gold", parallel=3))

        with pytest.raises(OverLimit):
            await hub.chat("gpt-4", "Hi", account=account)
        plans = {plan.name: plan for plan in await hub.accounts.plans()}
        assert set(plans) == {*BUILT_IN_PLANS, "gold"}
        assert plans["free"].requests_per_minute == 1


@pytest.mark.parametrize("field", ["requests_per_minute", "tokens_per_minute", "parallel"])
async def test_a_plans_limits_are_positive(field):
    """A limit of nought is a mistake: who wants no limit says None."""
    with pytest.raises(ValueError, match=field):
        Plan(name="none", **{field: 0})


# Keys


async def test_a_new_key_opens_and_shows_its_secret_once():
    """The secret is well-formed, opens, and is nowhere but in the answer."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account, name="laptop")

        identity = await opens(hub, made.secret)

        assert well_formed(made.secret)
        assert made.secret.startswith("ah_")
        assert identity.key == made.key == await hub.accounts.key(account, made.key.id)
        assert made.key.hint == made.secret[-4:]
        assert (made.key.name, made.key.scopes) == ("laptop", {"read", "inference"})


async def test_no_representation_shows_a_secret_or_digest():
    """What a log or traceback prints of a key opens nothing and is looked up by nothing."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account)
        identity = await opens(hub, made.secret)

        for shown in (repr(made), repr(made.key), repr(identity), str(made)):
            assert made.secret not in shown
            assert made.secret[3:-6] not in shown
            assert repr(made.key.digest) not in shown
            assert made.key.digest.hex() not in shown


async def test_keys_are_listed_by_account():
    """Another account's keys do not exist."""
    async with open_test_hub() as hub:
        one, other = [(await hub.accounts.create()).id for _ in range(2)]
        keys = [(await hub.accounts.create_key(one)).key for _ in range(3)]
        foreign = (await hub.accounts.create_key(other)).key

        assert list(await hub.accounts.keys(one)) == keys
        assert list(await hub.accounts.keys(one, after=keys[0].id, limit=1)) == [keys[1]]
        for call in (
            hub.accounts.key(one, foreign.id),
            hub.accounts.revoke_key(one, foreign.id),
            hub.accounts.rotate_key(one, foreign.id),
            hub.accounts.change_key(one, foreign.id, expires=None),
            hub.accounts.change_key(one, foreign.id, scopes=["read"]),
            hub.accounts.create_budget(one, limit=1, key=foreign.id),
        ):
            with pytest.raises(NotFound, match="No such key"):
                await call
        assert await hub.accounts.key(other, foreign.id) == foreign


async def test_a_rotated_key_lives_on_for_its_overlap():
    """Both open until the overlap has passed, then only the new one, which is like the old."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        account = (await hub.accounts.create()).id
        old = await hub.accounts.create_key(
            account,
            name="ci",
            scopes=["inference"],
            expires=clock.now() + 3600 * SECOND,
            requests_per_minute=5,
            tokens_per_minute=500,
        )

        new = await hub.accounts.rotate_key(account, old.key.id, overlap=60)

        assert new.secret != old.secret
        same = ("name", "scopes", "expires", "requests_per_minute", "tokens_per_minute")
        assert [getattr(new.key, field) for field in same] == [
            getattr(old.key, field) for field in same
        ]
        clock.advance(59.999999)
        await opens(hub, old.secret)
        await opens(hub, new.secret)
        clock.advance(0.000001)
        assert await code_of(hub, old.secret) == "revoked_api_key"
        await opens(hub, new.secret)


async def test_a_rotation_without_overlap_ends_the_old_key_at_once():
    """And one that has ended cannot be rotated: its successor is."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        old = await hub.accounts.create_key(account)
        new = await hub.accounts.rotate_key(account, old.key.id)

        assert await code_of(hub, old.secret) == "revoked_api_key"
        with pytest.raises(Conflict, match="ended") as ended:
            await hub.accounts.rotate_key(account, old.key.id)
        with pytest.raises(InvalidRequest, match="overlap") as negative:
            await hub.accounts.rotate_key(account, new.key.id, overlap=-1)
        assert (ended.value.code, negative.value.param) == ("key_ended", "overlap")
        assert len(await hub.accounts.keys(account)) == 2


async def test_a_second_rotation_does_not_lengthen_the_first():
    """What is to end at a time ends no later, whatever overlap comes afterwards."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        account = (await hub.accounts.create()).id
        old = await hub.accounts.create_key(account)
        await hub.accounts.rotate_key(account, old.key.id, overlap=10)
        await hub.accounts.rotate_key(account, old.key.id, overlap=100)

        clock.advance(10)

        assert await code_of(hub, old.secret) == "revoked_api_key"


async def test_a_revoked_key_is_refused_a_moment_later():
    """Revoking again changes nothing, not even the time."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account)
        await opens(hub, made.secret)

        revoked = await hub.accounts.revoke_key(account, made.key.id)
        clock.advance(5)
        again = await hub.accounts.revoke_key(account, made.key.id)

        assert await code_of(hub, made.secret) == "revoked_api_key"
        assert revoked.revoked == again.revoked == clock.now() - 5 * SECOND


async def test_a_key_expires_when_it_is_told_to():
    """The instant itself is too late; None is never."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account)
        await hub.accounts.change_key(account, made.key.id, expires=clock.now() + SECOND)
        clock.advance(0.999999)
        await opens(hub, made.secret)
        clock.advance(0.000001)
        assert await code_of(hub, made.secret) == "expired_api_key"

        await hub.accounts.change_key(account, made.key.id, expires=None)

        await opens(hub, made.secret)


async def test_scopes_say_what_a_key_may_do():
    """They hold from the next call on; an unknown one is named."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account, scopes=["admin"])
        await hub.authenticate(made.secret, "admin")
        for scope in ("read", "inference"):
            with pytest.raises(PermissionDenied, match=f"'{scope}'"):
                await hub.authenticate(made.secret, scope)

        await hub.accounts.change_key(account, made.key.id, scopes=["read"])

        await hub.authenticate(made.secret, "read")
        with pytest.raises(PermissionDenied):
            await hub.authenticate(made.secret, "admin")
        for call in (
            hub.accounts.change_key(account, made.key.id, scopes=["write"]),
            hub.accounts.create_key(account, scopes=["write"]),
        ):
            with pytest.raises(InvalidRequest, match="no scope 'write'") as unknown:
                await call
            assert unknown.value.param == "scopes"
        assert len(await hub.accounts.keys(account)) == 1


async def test_a_fixed_secret_is_for_tests():
    """Any printable text will do, ours only with their checksum; and no two keys share one."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account, secret="test")
        ours = format_key(b"7" * 32)
        await hub.accounts.create_key(account, secret=ours)

        assert (await opens(hub, "test")).key == made.key
        assert made.key.hint == ""
        await opens(hub, ours)
        for secret in ("", "ключ", "two\nlines", "x" * 513, "ah_mine", ours[:-1], "test"):
            with pytest.raises(InvalidRequest) as refused:
                await hub.accounts.create_key(account, secret=secret)
            assert refused.value.param == "secret"
            assert len(secret) < 4 or secret not in str(refused.value)


async def test_a_key_of_the_configuration_is_there_after_every_start():
    """Made at the first, the same at the next, and good again where it had ended."""
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        one, other = [(await hub.accounts.create()).id for _ in range(2)]
        first = await hub.accounts.fix_key(one, "test")
        assert await hub.accounts.fix_key(one, "test") == first
        await hub.accounts.revoke_key(one, first.id)
        await hub.accounts.change_key(one, first.id, expires=clock.now())
        assert await code_of(hub, "test") == "revoked_api_key"

        again = await hub.accounts.fix_key(one, "test", scopes=["admin"])

        assert again == attrs.evolve(first, scopes=frozenset({"admin"}))
        await hub.authenticate("test", "admin")
        for secret in ("ah_mine", "two\nlines", ""):
            with pytest.raises(InvalidRequest) as malformed:
                await hub.accounts.fix_key(one, secret)
            assert malformed.value.param == "secret"
        with pytest.raises(InvalidRequest, match="Another account") as taken:
            await hub.accounts.fix_key(other, "test")
        assert taken.value.param == "secret"
        with pytest.raises(InvalidRequest, match="no scope"):
            await hub.accounts.fix_key(one, "test", scopes=["all"])
        with pytest.raises(NotFound):
            await hub.accounts.fix_key("acc_9", "new")


async def test_two_keys_never_share_a_secret():
    """The store refuses it too: whoever gives out ids and secrets must not repeat them."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account)
        with pytest.raises(InvalidRequest, match="secret") as refused:
            await hub.accounts.create_key(account, secret=made.secret)
        assert made.secret not in str(refused.value)


@pytest.mark.parametrize("field", ["requests_per_minute", "tokens_per_minute"])
async def test_a_keys_own_limits_are_positive(field):
    """The field is named, and no key is made."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        with pytest.raises(InvalidRequest, match="from 1 to") as refused:
            await hub.accounts.create_key(account, **{field: 0})

        assert refused.value.param == field
        assert not await hub.accounts.keys(account)


async def test_look_ups_are_remembered_for_a_while_only(monkeypatch):
    """What another process changed is seen within seconds; what is remembered is bounded."""
    monkeypatch.setattr(module, "MAX_LOOKUPS", 2)
    clock = ManualClock()
    async with open_test_hub(clock=clock) as hub:
        account = (await hub.accounts.create()).id
        made = [await hub.accounts.create_key(account) for _ in range(3)]
        for one in made:
            await opens(hub, one.secret)
        assert len(hub._gate._known) == 2
        await hub._store.change_key(
            account, made[2].key.id, lambda key: attrs.evolve(key, name="renamed")
        )
        assert (await opens(hub, made[2].secret)).key.name == ""

        clock.advance(5)

        assert (await opens(hub, made[2].secret)).key.name == "renamed"


async def test_unknown_secrets_are_not_remembered():
    """Guessing fills no memory."""
    async with open_test_hub() as hub:
        for n in range(20):
            assert await code_of(hub, f"guess-{n}") == "invalid_api_key"
        assert not hub._gate._known


# Budgets


async def test_a_budget_bounds_an_account_or_one_key():
    """It is listed with its account and holds from the next request on."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        made = await hub.accounts.create_key(account)
        await hub.chat("gpt-4", "Hi", key=made.secret)

        whole = await hub.accounts.create_budget(account, limit=usd("100"))
        own = await hub.accounts.create_budget(account, limit=0, period="day", key=made.key.id)

        assert list(await hub.accounts.budgets(account)) == [whole, own]
        assert (whole.period, whole.key, whole.limit) == ("month", None, 100 * 10**12)
        with pytest.raises(BudgetExceeded) as refused:
            await hub.chat("gpt-4", "Hi", key=made.secret)
        assert refused.value.budget == own.id
        await hub.chat("gpt-4", "Hi", account=account)


@pytest.mark.parametrize("limit", [-1, MAX_MONEY + 1])
async def test_a_budget_fits_the_ledger(limit):
    """Negative or more than the ledger can count: the field is named, and none is made."""
    async with open_test_hub() as hub:
        account = (await hub.accounts.create()).id
        with pytest.raises(InvalidRequest, match="limit") as refused:
            await hub.accounts.create_budget(account, limit=limit)

        assert refused.value.param == "limit"
        assert not await hub.accounts.budgets(account)


async def test_what_names_no_account_is_not_found():
    """The account is named, and `param` stays free for the wire's own field."""
    async with open_test_hub() as hub:
        for call in (
            hub.accounts.get("acc_9"),
            hub.accounts.delete("acc_9"),
            hub.accounts.change("acc_9", plan="pro"),
            hub.accounts.create_key("acc_9"),
            hub.accounts.create_budget("acc_9", limit=1),
        ):
            with pytest.raises(NotFound, match="No such account: 'acc_9'") as missing:
                await call
            assert (missing.value.what, missing.value.id) == ("account", "acc_9")
