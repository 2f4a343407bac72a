"""Responses that nobody waits for: queued, read until they have ended, cancelled, lost."""

from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.core.records import waiting
from aihub.errors import HubClosed, UpstreamFailed
from aihub.hub import background
from aihub.model.chat import Chat, Keep, Message
from aihub.model.events import Finished, Started, Text
from aihub.model.units import SECOND
from aihub.testing import ScriptedProvider, open_test_hub
from aihub.testing.stores import LEASE, ask

from .test_app import open_client
from .test_responses import PATH, hi, owner

pytestmark = pytest.mark.anyio

SECONDS = 30
"""Nothing here takes longer, on a busy machine neither."""


class Held(ScriptedProvider):
    """A provider that answers when it is let."""

    def __init__(self, *script):
        super().__init__(script or [Text("ok"), Finished("stop")])
        self.asked = anyio.Event()
        self.let = anyio.Event()

    @asynccontextmanager
    async def open(self, call):
        self.asked.set()
        await self.let.wait()
        async with super().open(call) as events:
            yield events


async def begun(client, **more):
    """A response in the background that is queued."""
    status, _, queued = await client.ask("POST", PATH, hi(background=True, **more))
    assert (status, queued["status"], queued["output"]) == (200, "queued", [])
    return queued["id"]


async def read(client, id):
    """The response as it stands."""
    status, _, found = await client.ask("GET", f"{PATH}/{id}")
    assert status == 200
    return found


async def ended(client, id):
    """The response when it has ended."""
    with anyio.fail_after(SECONDS):
        while (found := await read(client, id))["status"] == "in_progress":
            await anyio.lowlevel.checkpoint()
    return found


async def test_a_response_is_read_until_it_has_ended():
    """Then it is like any other: it can be gone on from."""
    provider = Held()
    async with open_client(provider) as client:
        id = await begun(client, metadata={"a": "b"})
        assert (await read(client, id))["status"] == "in_progress"
        provider.let.set()
        found = await ended(client, id)
        assert (found["status"], found["background"]) == ("completed", True)
        assert found["output"][0]["content"][0]["text"] == "ok"
        assert found["metadata"] == {"a": "b"}
        status, _, _ = await client.ask("POST", PATH, hi(previous_response_id=id))
        assert status == 200
        rows = await client.hub.requests(await owner(client))
        assert [row.state for row in rows] == ["ok", "ok"]


async def test_what_is_refused_is_refused_at_once():
    """No record stands for it; nor is it streamed, or left unkept."""
    async with open_client() as client:
        for more in (
            {"model": "gpt-0"},
            {"stream": True},
            {"store": False},
            {"previous_response_id": "resp_1"},
        ):
            status, _, _ = await client.ask("POST", PATH, hi(background=True, **more))
            assert status in {400, 404}
        assert await client.hub.responses.list(account=await owner(client)) == []


async def test_a_cancelled_response_is_settled_as_aborted():
    """As often as one likes; one that has ended stays as it is."""
    provider = Held()
    async with open_client(provider) as client:
        id = await begun(client)
        await provider.asked.wait()
        for _ in range(2):
            status, _, told = await client.ask("POST", f"{PATH}/{id}/cancel")
            assert (status, told["status"], told["error"]) == (200, "cancelled", None)
        assert (await read(client, id))["status"] == "cancelled"
        (row,) = await client.hub.requests(await owner(client))
        assert (row.state, row.code) == ("aborted", "aborted")
        provider.let.set()
        done = await ended(client, await begun(client))
        status, _, told = await client.ask("POST", f"{PATH}/{done['id']}/cancel")
        assert (status, told) == (200, done)


async def test_only_what_is_in_the_background_is_cancelled():
    """Another's, or what is not there, is a 404."""
    async with open_client() as client:
        _, _, done = await client.ask("POST", PATH, hi())
        status, _, told = await client.ask("POST", f"{PATH}/{done['id']}/cancel")
        assert (status, told["error"]["code"]) == (400, "not_background")
        assert (await client.ask("POST", f"{PATH}/resp_1/cancel"))[0] == 404


async def test_another_process_may_cancel(monkeypatch):
    """It marks the record, which whoever works on it sees."""
    monkeypatch.setattr(background, "WATCH", 0.001)
    provider = Held()
    async with open_client(provider) as client:
        id = await begun(client)
        account = await owner(client)
        await client.hub.responses._store.change_record(
            account,
            "response",
            id,
            lambda one: attrs.evolve(one, data={**one.data, "cancelled": 1}),
        )
        with anyio.fail_after(SECONDS):
            while (await client.hub.requests(account))[0].state == "open":
                await anyio.lowlevel.checkpoint()
        assert (await read(client, id))["status"] == "cancelled"


async def test_an_erased_response_is_worked_on_no_more():
    """And does not come back."""
    provider = Held()
    async with open_client(provider) as client:
        id = await begun(client)
        await client.ask("DELETE", f"{PATH}/{id}")
        assert (await client.ask("GET", f"{PATH}/{id}"))[0] == 404
        (row,) = await client.hub.requests(await owner(client))
        assert row.state == "aborted"


async def test_a_response_that_failed_says_why():
    """In the words of its document, which are few."""
    async with open_client(ScriptedProvider([Started(), UpstreamFailed("It broke.")])) as client:
        found = await ended(client, await begun(client))
        assert found["status"] == "failed"
        assert found["error"] == {"code": "server_error", "message": "It broke."}


async def test_as_many_are_worked_on_as_there_is_room_for(monkeypatch):
    """The next is told to come again."""
    monkeypatch.setattr(background, "MAX_BACKGROUND", 1)
    provider = Held()
    async with open_client(provider) as client:
        await begun(client)
        status, headers, _ = await client.ask("POST", PATH, hi(background=True))
        assert (status, headers["retry-after"]) == (503, "1")
        provider.let.set()


async def test_a_repetition_is_told_of_the_same_response():
    """Once it has ended; before that it is in progress."""
    provider = Held()
    async with open_client(provider) as client:
        _, _, queued = await client.ask("POST", PATH, hi(background=True), idempotency_key="a")
        status, _, _ = await client.ask("POST", PATH, hi(background=True), idempotency_key="a")
        assert status == 409
        provider.let.set()
        done = await ended(client, queued["id"])
        _, _, again = await client.ask("POST", PATH, hi(background=True), idempotency_key="a")
        assert again == done


CHAT = Chat(
    model="gpt-4",
    messages=(Message("user", "Hi"),),
    keep=Keep(kind="response", data={"repeated": {"background": True}}),
)


async def test_a_hub_that_closes_ends_its_work():
    """It is settled, and stands as cancelled."""
    provider = Held()
    async with open_test_hub(provider, grace=0) as hub:
        local = await hub.local()
        made = await hub.background.begin(CHAT, local)
        await provider.asked.wait()
    row = await hub._store.row(made.account, made.request)
    assert row.state == "aborted"
    with pytest.raises(HubClosed):
        await hub.background.begin(CHAT, local)


async def test_what_died_with_its_hub_has_failed():
    """Once its request was swept."""
    async with open_test_hub() as hub:
        store = hub._store
        await store.enlist("own_dead", LEASE)
        await store.admit(ask("req_1", account="acc_local", owner="own_dead"))
        made = waiting(
            CHAT.keep, "req_1", created=0, model="gpt-4", account="acc_local", request="req_1"
        )
        await store.add_record(made)
        assert await hub.background.standing(made) == "in_progress"
        hub.clock.advance(LEASE / SECOND + 1)
        await store.sweep("prompt")
        assert await hub.background.standing(made) == "failed"
        unknown = attrs.evolve(made, request="req_2")
        assert await hub.background.standing(unknown) == "failed"


async def test_a_caller_who_leaves_before_it_stands_leaves_nothing():
    """Nobody would know its id."""
    async with open_test_hub() as hub:
        with anyio.CancelScope() as scope:
            scope.cancel()
            await hub.background.begin(CHAT, await hub.local())
        with anyio.fail_after(SECONDS):
            while any(row.state == "open" for row in await hub.requests()):
                await anyio.lowlevel.checkpoint()
        assert not any(one.answer for one in await hub.responses.list())
