"""Responses that nobody waits for: queued, read until they have ended, cancelled, lost."""

import json
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import attrs
import pytest

from aihub.core.records import waiting
from aihub.errors import HubClosed, UpstreamFailed
from aihub.hub import background, taping
from aihub.model.chat import Chat, Keep, Message
from aihub.model.events import Finished, Started, Text
from aihub.model.units import SECOND
from aihub.server import http
from aihub.testing import ScriptedProvider, open_test_hub
from aihub.testing.stores import LEASE, ask

from .test_app import open_client
from .test_messages import events_of, open_mock
from .test_responses import PATH, WEATHER, hi, owner

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
    """No record stands for it; nor is it left unkept."""
    async with open_client() as client:
        for more in (
            {"model": "gpt-0"},
            {"model": "gpt-0", "stream": True},
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


# Streamed


async def stream(client, id=None, after=None, **more):
    """The events of a new response, or of one that is there."""
    if id is None:
        status, _, text = await client.ask("POST", PATH, hi(background=True, stream=True, **more))
    else:
        query = "stream=true" + ("" if after is None else f"&starting_after={after}")
        status, _, text = await client.ask("GET", f"{PATH}/{id}", query=query)
    assert status == 200, text
    return [data for _, data in events_of(text)]


async def test_a_stream_from_the_background_is_told_again_with_the_same_numbers():
    """From any event on, in the pieces that it came in; it begins with that it is queued."""
    async with open_mock() as client:
        events = await stream(client, tools=[WEATHER])
        names = [one["type"] for one in events]
        assert names[:3] == ["response.created", "response.queued", "response.in_progress"]
        assert [one["response"]["status"] for one in events[:3]] == [
            *["queued"] * 2,
            "in_progress",
        ]
        assert [one["sequence_number"] for one in events] == list(range(len(events)))
        assert sum(name.endswith(".delta") for name in names) > 1
        id = events[0]["response"]["id"]
        assert events[-1]["response"] == await read(client, id)
        assert await stream(client, id) == events
        for after in (0, 2, 5, len(events) - 2):
            assert await stream(client, id, after) == events[after + 1 :]
        assert await stream(client, id, len(events)) == []


async def test_a_client_that_leaves_does_not_end_the_work():
    """It comes back for the rest, which goes on live."""
    provider = Held()
    async with open_client(provider) as client, anyio.create_task_group() as tasks:
        body = json.dumps(hi(background=True, stream=True)).encode()
        headers = {b"authorization": f"Bearer {client.secret}".encode()}
        request = http.Request("POST", PATH, "", headers, body, "203.0.113.9")
        async with client.app.open(request) as response:
            first = await anext(response.body)
        (_, made), *_ = events_of(first.decode())
        id, found = made["response"]["id"], []

        async def come_back():
            found.append(await stream(client, id, 2))

        for _ in range(2):
            tasks.start_soon(come_back)
        await provider.asked.wait()
        assert (await read(client, id))["status"] == "in_progress"
        provider.let.set()
        with anyio.fail_after(SECONDS):
            while len(found) < 2:
                await anyio.lowlevel.checkpoint()
        assert found[0] == found[1]
        assert found[0][0]["sequence_number"] == 3
        assert found[0][-1]["response"] == await read(client, id)


async def test_what_another_process_works_on_is_told_when_it_is_there(monkeypatch):
    """With the same numbers."""
    monkeypatch.setattr(background, "WATCH", 0.001)
    provider = Held(Text("a"), Text("b"), Finished("stop"))
    async with open_client(provider) as client, anyio.create_task_group() as tasks:
        id = await begun_streamed(client, tasks)
        working = dict(client.hub.background._working)
        client.hub.background._working.clear()
        found = []

        async def elsewhere():
            found.extend(await stream(client, id))

        tasks.start_soon(elsewhere)
        await provider.asked.wait()
        client.hub.background._working.update(working)
        provider.let.set()
        with anyio.fail_after(SECONDS):
            while not found:
                await anyio.lowlevel.checkpoint()
        assert [one["delta"] for one in found if one["type"].endswith("text.delta")] == ["a", "b"]
        assert found == await stream(client, id)


async def begun_streamed(client, tasks, found=None):
    """A response whose stream somebody else reads, into *found*."""

    async def follow():
        events = await stream(client)
        if found is not None:
            found.extend(events)

    tasks.start_soon(follow)
    with anyio.fail_after(SECONDS):
        while not (kept := await client.hub.responses.list(account=await owner(client))):
            await anyio.lowlevel.checkpoint()
    return kept[0].id


async def test_a_stream_that_is_cancelled_or_erased_does_not_end_well():
    """An error, and a response that says how it stands where there is one."""
    for method, more in (("POST", "/cancel"), ("DELETE", "")):
        provider = Held()
        async with open_client(provider) as client, anyio.create_task_group() as tasks:
            found = []
            id = await begun_streamed(client, tasks, found)
            await provider.asked.wait()
            assert (await client.ask(method, f"{PATH}/{id}{more}"))[0] == 200
            with anyio.fail_after(SECONDS):
                while not found:
                    await anyio.lowlevel.checkpoint()
        if more:
            assert found[-2]["type"] == "error"
            assert found[-1]["type"] == "response.failed"
            assert found[-1]["response"]["status"] == "cancelled"
        else:
            # It says that no more is told here, not that the response ended; nothing is skipped.
            assert (found[-1]["type"], found[-1]["code"]) == ("error", "response_not_found")
            assert found[-1]["sequence_number"] == found[-2]["sequence_number"]


async def test_a_stream_whose_work_failed_says_so_to_whoever_comes_back():
    """What had come is not kept: the end follows whatever is known."""
    script = [Started(), Text("a"), UpstreamFailed("It broke.")]
    async with open_client(ScriptedProvider(script)) as client:
        events = await stream(client)
        assert [one["type"] for one in events[-2:]] == ["error", "response.failed"]
        assert events[-1]["response"]["error"]["message"] == "It broke."
        id = events[0]["response"]["id"]
        for after in (None, 4, 100):
            error, last = (await stream(client, id, after))[-2:]
            assert error["message"] == "It broke."
            assert last["sequence_number"] > (after or 0)


async def test_more_pieces_than_are_noted_are_told_as_one(monkeypatch):
    """When the answer is whole, live and later alike."""
    monkeypatch.setattr(taping, "MAX_PIECES", 2)
    script = [Text("a"), Text("b"), Text("c"), Text("d"), Finished("stop")]
    async with open_client(ScriptedProvider(script)) as client:
        events = await stream(client)
        said = [one["delta"] for one in events if one["type"].endswith("text.delta")]
        assert said == ["a", "b", "cd"]
        assert await stream(client, events[0]["response"]["id"]) == events


async def test_a_repetition_of_a_stream_is_told_the_same_events():
    """Those of the response that is kept."""
    async with open_mock() as client:
        body = hi(background=True, stream=True)
        _, _, first = await client.ask("POST", PATH, body, idempotency_key="a")
        _, _, again = await client.ask("POST", PATH, body, idempotency_key="a")
        assert again == first


async def test_any_response_that_is_kept_can_be_told_as_a_stream():
    """One that was not streamed from the background has each of its parts in one piece."""
    async with open_mock() as client:
        _, _, done = await client.ask("POST", PATH, hi())
        events = await stream(client, done["id"])
        assert events[-1]["response"] == done
        assert sum(one["type"].endswith(".delta") for one in events) == 1
        for query in ("starting_after=1", "stream=true&starting_after=x", "stream=1"):
            status, _, told = await client.ask("GET", f"{PATH}/{done['id']}", query=query)
            assert status == 400
            assert told["error"]["param"] in {"starting_after", "stream"}
        status, _, told = await client.ask("HEAD", f"{PATH}/{done['id']}", query="stream=true")
        assert (status, told) == (200, done)
