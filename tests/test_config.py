"""Settings -> hub: what the default hub is made of."""

from pathlib import Path

import attrs
import pytest

from aihub.backends.clocks import ManualClock
from aihub.config import Settings, open_hub, open_store, open_sync_hub
from aihub.config.settings import sqlite_path
from aihub.errors import ModelNotFound, OverLimit, Overloaded, StoreUnavailable, UsageMistake
from aihub.hub import Options
from aihub.model.account import Plan

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:hub.db", "hub.db"),
        ("sqlite:data/hub.db", "data/hub.db"),
        ("sqlite:///hub.db", "hub.db"),
        ("sqlite:/var/hub.db", "/var/hub.db"),
        ("sqlite:////var/hub.db", "/var/hub.db"),
        ("sqlite:~/hub.db", str(Path("~/hub.db").expanduser())),
    ],
)
def test_a_sqlite_url_names_a_file(url, path):
    """Relative and absolute, in the short form and in the one with slashes."""
    assert sqlite_path(url) == Path(path)


@pytest.mark.parametrize(
    "url", ["sqlite:", "sqlite://", "sqlite:///", "sqlite://hub.db", "sqlite://host/hub.db"]
)
def test_a_sqlite_url_without_a_file_is_refused(url):
    """A host is no file, and no file is no file."""
    with pytest.raises(UsageMistake, match="names no file"):
        sqlite_path(url)


@pytest.mark.parametrize(
    "url", ["", "memory", "postgres://localhost/hub", "hub.db", "SQLITE:hub.db"]
)
def test_a_store_of_no_known_kind_is_refused(url):
    """The error names what was given and what there is."""
    with pytest.raises(UsageMistake, match=r"is no store: use 'memory:' or 'sqlite:PATH'"):
        open_store(url, clock=ManualClock())


async def test_the_default_hub_answers_every_model_from_memory():
    """Without any setting: the catalogue's models, the mock, and this program's own account."""
    async with open_hub() as hub:
        done = await hub.chat("gpt-4", "Hello, AI Hub!")

        assert done.text == "Hello! I'm here to help you with AI Hub. How can I assist you today?"
        assert len(hub.models()) > 10
        assert (await hub.usage()).requests == 1
        assert hub.region == "local"
        with pytest.raises(ModelNotFound):
            await hub.chat("gpt-nought", "Hi")


async def test_a_sqlite_hub_remembers(tmp_path):
    """Accounts, keys and the ledger are there after reopening."""
    settings = Settings(store=f"sqlite:{tmp_path / 'hub.db'}")
    async with open_hub(settings) as hub:
        account = (await hub.accounts.create("a")).id
        key = (await hub.accounts.create_key(account)).secret
        done = await hub.chat("gpt-4", "Hi", key=key)

    async with open_hub(settings) as hub:
        (row,) = await hub.requests(account)
        assert (row.state, row.cost) == ("ok", done.cost)
        assert (await hub.chat("gpt-4", "Hi", key=key)).text == done.text
        assert (await hub.usage(account)).requests == 2


async def test_a_store_that_cannot_be_opened_says_why(tmp_path):
    """The folder is missing: nothing is opened half."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        async with open_hub(Settings(store=f"sqlite:{tmp_path}/none/hub.db")):
            pytest.fail("the body ran")


async def test_seeded_ids_are_refused_where_they_would_repeat(tmp_path):
    """A database outlives the process, and the next run would begin with the same ids."""
    settings = Settings(store=f"sqlite:{tmp_path / 'hub.db'}", seeded_ids=True)
    with pytest.raises(UsageMistake, match="seeded ids"):
        async with open_hub(settings):
            pytest.fail("the body ran")


async def transcript(settings):
    """Everything that a session with the hub shows, as text."""
    clock = ManualClock()
    lines = []
    async with open_hub(attrs.evolve(settings, clock=clock)) as hub:
        await hub.accounts.put_plan(Plan(name="three", requests_per_minute=3))
        account = await hub.accounts.create("a", plan="three")
        made = await hub.accounts.create_key(account.id)
        await hub.accounts.create_budget(account.id, limit=10**12)
        lines += [account, made, made.secret]
        options = Options(labels={"team": "a"})
        lines.append(await hub.chat("gpt-4", "Tell me a story", key=made.secret, options=options))
        clock.advance(1.5)
        async with hub.stream("claude-3-opus", "And then?", key=made.secret, n=2) as stream:
            async for event in stream:
                clock.advance(0.01)
                lines.append(event)
        lines += [stream.id, stream.completion, stream.windows]
        async with hub.stream("gpt-4", "Stop me", key=made.secret) as stream:
            async for event in stream:
                lines.append(event)
                break
        with pytest.raises(OverLimit) as refused:
            await hub.chat("gpt-4", "Hi", key=made.secret)
        lines += [refused.value, refused.value.windows]
        lines += await hub.requests(account.id)
        lines.append(await hub.usage(account.id, group_by="key"))
    return "\n".join(map(repr, lines)).encode()


async def test_a_transcript_is_the_same_to_the_byte():
    """Under a manual clock and seeded ids two runs say the same: ids, secrets, texts, rows."""
    settings = Settings(seeded_ids=True, seed=7)

    assert await transcript(settings) == await transcript(settings)


async def test_another_seed_tells_another_story():
    """The seed is in ids, secrets and texts."""
    one, other = [await transcript(Settings(seeded_ids=True, seed=seed)) for seed in (7, 8)]

    assert one != other


async def test_without_seeded_ids_texts_repeat_and_secrets_do_not():
    """What opens something is random unless asked for."""
    async with open_hub() as one, open_hub() as other:
        texts = [(await hub.chat("gpt-4", "Tell me a story")).text for hub in (one, other)]
        keys = [(await hub.accounts.create_key("acc_local")).secret for hub in (one, other)]
        requests = [(await hub.requests())[0].id for hub in (one, other)]

    assert texts[0] == texts[1]
    assert keys[0] != keys[1]
    assert requests[0] != requests[1]


async def test_settings_reach_the_hub():
    """Region, bound on requests in flight, and who watches."""
    seen = []

    class Sees:
        def call_finished(self, done):
            seen.append(done.row.state)

    settings = Settings(region="eu", max_in_flight=1, observers=(Sees(),), grace=0, seed=3)
    async with open_hub(settings) as hub:
        assert hub.region == "eu"
        async with hub.stream("gpt-4", "Hi") as stream:
            with pytest.raises(Overloaded):
                await hub.chat("gpt-4", "Hi")
            async for _ in stream:
                pass
        (row,) = await hub.requests()
        assert (row.attempts[0].region, row.attempts[0].deployment) == (
            "eu",
            "mock/" + row.served_model,
        )
        assert stream.completion.fingerprint == "fp_mock_3"
    assert seen == ["ok"]


def test_a_synchronous_hub_takes_the_same_settings():
    """And raises the same errors."""
    with open_sync_hub(Settings(region="eu")) as hub:
        assert hub.chat("gpt-4", "Hello!").text == "Hello! How can I assist you today?"
    with pytest.raises(UsageMistake, match="is no store"), open_sync_hub(Settings(store="none")):
        pytest.fail("the body ran")


def test_settings_do_not_change():
    """They are a value."""
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Settings().seed = 1
