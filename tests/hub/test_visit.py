"""A visit to a store: reading and administration beside the hubs that live there."""

import sqlite3
from contextlib import closing

import pytest

from aihub import Settings, open_hub
from aihub.backends.storage.sqlite import schema
from aihub.config.settings import visit_hub
from aihub.errors import HubClosed, StoreTooNew, StoreUnavailable, UsageMistake
from aihub.model.units import DAY, SECOND
from aihub.testing import ManualClock

pytestmark = pytest.mark.anyio

START = 1_767_268_800 * SECOND


@pytest.fixture
def store(tmp_path):
    """The URL of a store in a file that is not there yet."""
    return f"sqlite:{tmp_path / 'hub.db'}"


def rows(tmp_path, query):
    """What the file says by itself."""
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        return connection.execute(query).fetchall()


async def test_a_visit_administers_beside_a_hub_that_lives(store):
    """What a visitor changes holds in the hub, and the other way round."""
    async with open_hub(Settings(store=store)) as hub:
        await hub.accounts.create(id="acme", plan="pro")
        async with visit_hub(Settings(store=store)) as visitor:
            made = await visitor.accounts.create_key("acme", name="search")
            assert (await visitor.accounts.get("acme")).plan == "pro"
        answer = await hub.chat("gpt-4", "Hi", key=made.secret)
        async with visit_hub(Settings(store=store)) as visitor:
            report = await visitor.usage("acme")

    assert (report.requests, report.tokens) == (1, answer.usage.total)


async def test_a_visit_leaves_no_trace(store, tmp_path):
    """No owner, no account of the program's, no file beside the database, nothing forgotten."""
    clock = ManualClock(START)
    async with open_hub(Settings(store=store, clock=clock)) as hub:
        await hub.chat("gpt-4", "Hi")
    clock.advance(1000 * DAY / SECOND)
    tables = [name for (name,) in rows(tmp_path, "SELECT name FROM sqlite_master WHERE sql > ''")]
    tables = [name for name in tables if "_by_" not in name and "requests_" not in name]
    tables.remove("accounts_deleted")
    before = {name: rows(tmp_path, f"SELECT * FROM {name}") for name in tables}
    files = {path.name for path in tmp_path.iterdir()}
    async with visit_hub(Settings(store=store, clock=clock)) as visitor:
        assert len(await visitor.requests()) == 1

    assert before == {name: rows(tmp_path, f"SELECT * FROM {name}") for name in tables}
    assert len(before["requests"]) == 1
    assert before["owners"] == []
    assert files == {path.name for path in tmp_path.iterdir()}


async def test_who_was_deleted_on_a_visit_is_forgotten_on_it(store, tmp_path):
    """Nobody else need run for it; what is only old stays."""
    clock = ManualClock(START)
    async with open_hub(Settings(store=store, clock=clock)) as hub:
        await hub.accounts.create(id="acme")
        for account in ("acme", None):
            await hub.chat("gpt-4", "Hi", account=account, user="somebody")
    clock.advance(1000 * DAY / SECOND)
    async with visit_hub(Settings(store=store, clock=clock)) as visitor:
        await visitor.accounts.delete("acme")

    users = rows(tmp_path, "SELECT account, end_user FROM requests ORDER BY account")
    assert users == [("acc_local", "somebody"), ("acme", None)]


async def test_a_visited_hub_admits_no_request(store):
    """It has no lease by which a request of a dead process would be found."""
    async with open_hub(Settings(store=store)):
        pass
    async with visit_hub(Settings(store=store)) as visitor:
        assert not visitor.ready
        with pytest.raises(HubClosed, match="only visited"):
            await visitor.chat("gpt-4", "Hi")
        with pytest.raises(UsageMistake, match="entered once"):
            await visitor.__aenter__()
    with pytest.raises(HubClosed, match="closing"):
        await visitor.chat("gpt-4", "Hi")


@pytest.mark.parametrize(
    ("version", "raised", "said"),
    [
        (0, StoreUnavailable, "is no database of aihub's"),
        (1, StoreUnavailable, "start aihub-serve on it once"),
        (schema.VERSION + 1, StoreTooNew, "use a newer aihub"),
    ],
)
async def test_a_database_of_another_version_is_not_touched(store, tmp_path, version, raised, said):
    """Lifting it is for who runs a hub on it: an older one may be running."""
    with closing(sqlite3.connect(tmp_path / "hub.db")) as connection:
        connection.execute("CREATE TABLE mine (id)")
        connection.execute(f"PRAGMA user_version = {version}")
    before = (tmp_path / "hub.db").read_bytes()
    with pytest.raises(raised, match=said):
        async with visit_hub(Settings(store=store)):
            pass

    assert (tmp_path / "hub.db").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["hub.db"]


async def test_a_store_that_is_not_there_is_not_made(store, tmp_path):
    """Nor is one made of a file that is something else, or a folder."""
    with pytest.raises(StoreUnavailable, match="No such file"):
        async with visit_hub(Settings(store=store)):
            pass
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "hub.db").write_text("no database at all, but some text" * 40)
    with pytest.raises(StoreUnavailable, match="not a database"):
        async with visit_hub(Settings(store=store)):
            pass
    (tmp_path / "folder").mkdir()
    with pytest.raises(StoreUnavailable, match="Is a directory"):
        async with visit_hub(Settings(store=f"sqlite:{tmp_path / 'folder'}")):
            pass
