"""What a server starts with: keys from its command line, the development key, the first key."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.config import Settings, open_hub
from aihub.config.serving import DEV_ACCOUNT, DEV_KEY, FIRST_ACCOUNT, FixedKey, furnish
from aihub.core.keys import well_formed
from aihub.errors import AuthenticationFailed, InvalidRequest, NotFound
from aihub.model.account import DEFAULT_SCOPES, SCOPES

# Keys on the command line


def write(key):
    """The text that names *key*."""
    scopes = "" if key.scopes == DEFAULT_SCOPES else f":{'+'.join(sorted(key.scopes))}"
    return f"{key.secret}={key.plan}{scopes}"


secrets = st.text(min_size=1)
plans = st.text(st.characters(exclude_characters="=:"), min_size=1)
scopes = st.frozensets(st.sampled_from(SCOPES), min_size=1)


@given(st.builds(FixedKey, secrets, plans, scopes))
def test_what_is_written_is_read(key):
    """Whatever the secret has in it, '=' and ':' included: the last '=' ends it."""
    assert FixedKey.parse(write(key)) == key


def test_scopes_are_those_of_a_new_key_where_none_are_named():
    """And whoever names them has those alone."""
    assert FixedKey.parse("test=pro") == FixedKey("test", "pro", DEFAULT_SCOPES)
    assert FixedKey.parse("test=pro:admin").scopes == {"admin"}
    assert FixedKey.parse("a=b=c:d=pro:read+read").scopes == {"read"}


@given(st.text())
def test_any_text_is_a_key_or_refused_with_the_form(text):
    """Nothing else is raised, and what is made has a secret and a plan."""
    try:
        key = FixedKey.parse(text)
    except ValueError as error:
        refused = str(error)
    else:
        refused = "a key is SECRET=PLAN"
        assert key.secret
        assert key.plan
        assert text.startswith(f"{key.secret}={key.plan}")
    assert re.match("a key is SECRET=PLAN|there is no scope '", refused)


@pytest.mark.parametrize("text", ["", "=", "a", "a=", "=pro", "a=:read", "a=pro:", "a=pro:nobody"])
def test_a_key_of_no_form_is_refused(text):
    """Half a key is none."""
    with pytest.raises(ValueError, match=r"SECRET=PLAN|no scope 'nobody'"):
        FixedKey.parse(text)


def test_a_key_does_not_show_its_secret():
    """Neither printed nor in the error about it."""
    assert "s3cret" not in repr(FixedKey.parse("s3cret=pro"))
    with pytest.raises(ValueError, match="no scope") as refused:
        FixedKey.parse("s3cret=pro:all")
    assert "s3cret" not in str(refused.value)


# What a server starts with


@pytest.fixture
def settings(tmp_path):
    """A store that outlives its hub."""
    return Settings(store=f"sqlite:{tmp_path / 'hub.db'}")


async def code_of(hub, secret):
    """Why a secret opens nothing; None where it does."""
    try:
        await hub.authenticate(secret)
    except AuthenticationFailed as refused:
        return refused.code
    return None


@pytest.mark.anyio
async def test_keys_of_the_command_line_are_there_and_no_other(settings):
    """Each on its own account and plan; the first is told."""
    keys = [FixedKey("one", "free"), FixedKey("two=2", "pro", frozenset({"read"}))]
    async with open_hub(settings) as hub:
        for local in (True, False):
            assert await furnish(hub, keys, local=local) == "one"
        one = await hub.authenticate("one")
        two = await hub.authenticate("two=2", scope="read")
        assert await code_of(hub, DEV_KEY) == "invalid_api_key"
        for none in (DEV_ACCOUNT, FIRST_ACCOUNT):
            with pytest.raises(NotFound):
                await hub.accounts.get(none)

    assert (one.plan.name, one.key.scopes) == ("free", DEFAULT_SCOPES)
    assert (two.plan.name, two.key.scopes) == ("pro", {"read"})
    assert one.account.id != two.account.id


@pytest.mark.anyio
async def test_a_key_started_again_has_what_it_is_given_then(settings):
    """Another plan and other scopes; what was revoked meanwhile is good again."""
    async with open_hub(settings) as hub:
        await furnish(hub, [FixedKey("one", "free")], local=True)
        before = await hub.authenticate("one")
        await hub.accounts.revoke_key(before.account.id, before.key.id)
    async with open_hub(settings) as hub:
        assert await code_of(hub, "one") == "revoked_api_key"
        await furnish(hub, [FixedKey("one", "pro", frozenset(SCOPES))], local=True)
        after = await hub.authenticate("one")
        assert len(await hub.accounts.keys(after.account.id)) == 1

    assert (after.account.id, after.key.id) == (before.account.id, before.key.id)
    assert (after.plan.name, after.key.scopes) == ("pro", set(SCOPES))


@pytest.mark.anyio
async def test_the_development_key_is_on_where_only_this_machine_can_come(settings):
    """Off with keys of one's own and beyond loopback, and on again after either."""
    modes = [
        ([], True, DEV_KEY, None),
        ([FixedKey("one", "free")], True, "one", "revoked_api_key"),
        ([], True, DEV_KEY, None),
        ([FixedKey("one", "free")], False, "one", "revoked_api_key"),
    ]
    for keys, local, told, code in modes:
        async with open_hub(settings) as hub:
            assert await furnish(hub, keys, local=local) == told
            assert await code_of(hub, DEV_KEY) == code

    async with open_hub(settings) as hub:
        assert await furnish(hub, [], local=False) not in {None, DEV_KEY}
        assert await code_of(hub, DEV_KEY) == "revoked_api_key"
        assert await furnish(hub, [], local=True) == DEV_KEY
        identity = await hub.authenticate(DEV_KEY, scope="admin")
    assert (identity.account.id, identity.plan.name) == (DEV_ACCOUNT, "pro")


@pytest.mark.anyio
async def test_who_starts_a_server_operates_it(settings):
    """With the keys it begins with; one without the scope `admin` operates nothing."""
    async with open_hub(settings) as hub:
        await furnish(hub, [], local=True)
        assert (await hub.authenticate(DEV_KEY)).account.operator
        secret = await furnish(hub, [], local=False)
        assert (await hub.authenticate(secret)).account.operator
        for scope, operates in (("admin", True), ("read", False)):
            await furnish(hub, [FixedKey("one", "pro", frozenset({scope}))], local=True)
            assert (await hub.authenticate("one", None)).account.operator is operates
        await hub.accounts.delete((await hub.authenticate("one", None)).account.id)
        await furnish(hub, [FixedKey("one", "pro")], local=True)
        assert await code_of(hub, "one") is None


@pytest.mark.anyio
async def test_the_first_key_is_random_and_told_once(settings):
    """Later starts tell nothing, and it still opens everything."""
    async with open_hub(settings) as hub:
        secret = await furnish(hub, [], local=False)
    async with open_hub(settings) as hub:
        assert await furnish(hub, [], local=False) is None
        identity = await hub.authenticate(secret, scope="admin")
        assert len(await hub.accounts.keys(FIRST_ACCOUNT)) == 1
    async with open_hub() as other:
        assert await furnish(other, [], local=False) != secret

    assert secret.startswith("ah_")
    assert well_formed(secret)
    assert identity.account.id == FIRST_ACCOUNT


@pytest.mark.anyio
@pytest.mark.parametrize("key", [FixedKey("s3cret", "nought"), FixedKey("ah_s3cret", "pro")])
async def test_a_key_that_cannot_be_is_refused_without_its_secret(key):
    """A plan that is not there, and our prefix without its checksum."""
    async with open_hub() as hub:
        with pytest.raises(InvalidRequest) as refused:
            await furnish(hub, [key], local=True)
    assert key.secret not in refused.value.message


@pytest.mark.anyio
async def test_the_documented_key_may_be_named_and_then_left_out(settings):
    """A store that had it on an account of its own still starts without a word about keys."""
    async with open_hub(settings) as hub:
        await furnish(hub, [FixedKey(DEV_KEY, "free")], local=True)
        assert await code_of(hub, DEV_KEY) is None
    async with open_hub(settings) as hub:
        await furnish(hub, [], local=False)
        assert await code_of(hub, DEV_KEY) == "revoked_api_key"
    async with open_hub(settings) as hub:
        assert await furnish(hub, [], local=True) == DEV_KEY
        assert await code_of(hub, DEV_KEY) is None
    async with open_hub(settings) as hub:
        assert await furnish(hub, [FixedKey(DEV_KEY, "pro")], local=True) == DEV_KEY
        assert (await hub.authenticate(DEV_KEY)).plan.name == "pro"
