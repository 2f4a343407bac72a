"""A provider's compaction passes through: what it wrote goes to the client and back, word for word.

A real server stands for OpenAI; between it and the client are the app, the hub and a provider of
the kind `openai-responses`.
"""

from contextlib import asynccontextmanager
from hashlib import sha256

import anyio
import anyio.lowlevel
import attrs
import httpx2
import orjson
import pytest

from aihub.backends.providers.http import make_provider
from aihub.backends.storage.memory import MemoryStore
from aihub.backends.storage.sqlite import SqliteStore
from aihub.backends.transports.native import NativeTransport
from aihub.config import Settings, open_hub
from aihub.dialects.openai_responses.secrets import seal
from aihub.errors import UpstreamFailed, UpstreamLimited, UpstreamRefused
from aihub.model.upstream import Timeouts
from aihub.server.problems import STATUS
from aihub.testing import ManualClock, open_test_hub
from aihub.testing.upstreams import Deed, answer, chunked, open_upstream

from ..slow_store import SlowStore
from .test_app import Client

pytestmark = pytest.mark.anyio

PATH = "/v1/responses"
PATIENT = Timeouts(pool=20, connect=20, first_byte=20, idle=20, total=60)
JSON = [("content-type", "application/json")]
KEPT = {
    "type": "message",
    "id": "msg_1",
    "status": "completed",
    "role": "user",
    "content": [{"type": "input_text", "text": "My name is Ada."}],
}
SEALED = {
    "id": "cmp_1",
    "type": "compaction",
    "encrypted_content": "gAAAAAB" + "x" * 200,
    "created_by": "up",
    "of_a_later_version": {"a": [1.5, "é", None]},
}
USED = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 10},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 5},
    "total_tokens": 120,
}
SHORT = {
    "id": "resp_up",
    "object": "response.compaction",
    "created_at": 1,
    "output": [KEPT, SEALED],
    "usage": USED,
}
ANSWERED = {
    "id": "resp_up",
    "object": "response",
    "status": "completed",
    "model": "up",
    "output": [
        {
            "type": "message",
            "id": "msg_2",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Ada.", "annotations": []}],
        }
    ],
    "usage": USED,
}
TALK = {
    "model": "gpt-4",
    "instructions": "Be brief.",
    "input": [
        {"role": "user", "content": "My name is Ada."},
        {"role": "assistant", "content": "Hello Ada."},
    ],
}
ASKED = {"role": "user", "content": "Who am I?"}


def whole(body):
    """The script of a whole answer."""
    return answer(orjson.dumps(body), headers=JSON)


@asynccontextmanager
async def open_client(*scripts, timeouts=PATIENT, **more):
    """A client of a hub, and the server behind its models, which plays *scripts*."""
    async with open_upstream(*scripts) as upstream:
        provider = make_provider(
            "openai-responses",
            name="up",
            transport=NativeTransport(),
            base_url=upstream.url + "/v1",
            key="sk-secret",
            timeouts=timeouts,
        )
        async with open_test_hub(provider, **more) as hub:
            account = await hub.accounts.create("a", plan="enterprise")
            key = await hub.accounts.create_key(account.id, scopes=("read", "inference"))
            client = Client(hub, key.secret)
            client.account = account.id
            yield client, upstream
        await upstream.wait_open(0)


@asynccontextmanager
async def opened(kind, folder):
    """A store and its clock."""
    clock = ManualClock()
    if kind is MemoryStore:
        yield MemoryStore(clock=clock), clock
    else:
        async with SqliteStore.open(folder / "hub.db", clock=clock) as store:
            yield store, clock


def said(upstream, n=-1):
    """The body of a request that the server got."""
    return orjson.loads(upstream.asked[n].body)


async def test_what_the_provider_wrote_is_told_and_said_again_word_for_word():
    """The conversation goes there in its own dialect; what stands for it comes back to it."""
    async with open_client(whole(SHORT), whole(ANSWERED)) as (client, upstream):
        status, _, short = await client.ask("POST", PATH + "/compact", TALK)
        assert (status, short["object"]) == (200, "response.compaction")
        assert short["output"] == [KEPT, SEALED]
        assert (short["usage"]["input_tokens"], short["usage"]["source"]) == (100, "provider")
        assert short["id"] != "resp_up"
        (asked,) = upstream.asked
        assert (asked.method, asked.target) == ("POST", "/v1/responses/compact")
        assert said(upstream) == {
            "model": "gpt-4-0613",
            "instructions": "Be brief.",
            "input": [
                {"type": "message", "role": "user", "content": "My name is Ada."},
                {"type": "message", "role": "assistant", "content": "Hello Ada."},
            ],
        }

        status, _, done = await client.ask(
            "POST", PATH, {"model": "gpt-4", "input": [*short["output"], ASKED]}
        )
        assert (status, done["output"][0]["content"][0]["text"]) == (200, "Ada.")
        kept, sealed, question = said(upstream)["input"]
        assert kept["content"] == KEPT["content"]
        assert sealed == SEALED
        assert question["content"] == "Who am I?"


async def test_it_is_billed_once_as_the_provider_counted():
    """At the model's prices, in one row of its own kind."""
    async with open_client(whole(SHORT)) as (client, _):
        _, _, short = await client.ask("POST", PATH + "/compact", TALK)
        (row,) = await client.hub.requests(client.account)
    assert (row.kind, row.state, len(row.attempts)) == ("compaction", "ok", 1)
    assert (row.usage.prompt, row.usage.cached, row.usage.completion) == (100, 10, 20)
    assert row.cost == row.attempts[0].cost > 0
    assert short["usage"]["cost"] == row.cost / 10**12


@pytest.mark.parametrize("kind", [MemoryStore, SqliteStore])
async def test_it_is_kept_with_the_conversation(kind, tmp_path):
    """Whoever goes on from a response, or with a session, sends it without saying it again."""
    async with (
        opened(kind, tmp_path) as (store, clock),
        open_client(whole(ANSWERED), store=store, clock=clock) as (client, upstream),
    ):
        first = {"model": "gpt-4", "input": [SEALED, ASKED]}
        _, _, done = await client.ask("POST", PATH, first)
        _, _, listed = await client.ask("GET", f"{PATH}/{done['id']}/input_items")
        (item,) = [one for one in listed["data"] if one["type"] == "compaction"]
        assert item["encrypted_content"] == SEALED["encrypted_content"]
        again = {"input": "And now?", "previous_response_id": done["id"]}
        assert (await client.ask("POST", PATH, again))[0] == 200
        assert said(upstream)["input"][0] == SEALED
        assert len(said(upstream)["input"]) == 4

        _, _, session = await client.ask("POST", "/v1/sessions", {"model": "gpt-4"})
        for asked in ([SEALED, ASKED], "And now?"):
            body = {"input": asked, "conversation": session["id"]}
            assert (await client.ask("POST", PATH, body))[0] == 200
        assert said(upstream)["input"][0] == SEALED


async def test_what_was_kept_may_be_all_there_is_to_make_short():
    """Nothing is added to it."""
    async with open_client(whole(ANSWERED), whole(SHORT)) as (client, upstream):
        _, _, done = await client.ask("POST", PATH, {"model": "gpt-4", "input": "My name is Ada."})
        body = {"model": "gpt-4", "previous_response_id": done["id"]}
        status, _, short = await client.ask("POST", PATH + "/compact", body)
        assert (status, short["output"]) == (200, [KEPT, SEALED])
        told = [one["content"] for one in said(upstream)["input"]]
        assert told == ["My name is Ada.", "Ada."]


async def test_who_cannot_read_it_is_not_asked():
    """A model that is served by others alone refuses it by name."""
    ours = {"type": "compaction", "encrypted_content": seal("They met.")}
    talk = [{"role": "assistant", "content": one} for one in ("Hi", "Yes?")]
    body = {"model": "gpt-4", "instructions": "Be brief.", "input": [ours, *talk, SEALED, ASKED]}
    async with open_upstream(whole(ANSWERED)) as upstream:
        chats = make_provider(
            "openai", name="up", transport=NativeTransport(), base_url=upstream.url, key="k"
        )
        async with open_test_hub(chats) as hub:
            account = await hub.accounts.create("a", plan="pro")
            key = await hub.accounts.create_key(account.id, scopes=("inference",))
            client = Client(hub, key.secret)
            for more in ({}, {"stream": True}, {"background": True}):
                status, _, told = await client.ask("POST", PATH, {**body, **more})
                assert (status, told["error"]["param"]) == (400, "input[3]")
                start = "Invalid 'input[3]' for OpenAI: a 'compaction' can only be read by"
                assert told["error"]["message"].startswith(start)
            _, _, session = await client.ask("POST", "/v1/sessions", {"model": "gpt-4"})
            body["conversation"] = session["id"]
            status, _, told = await client.ask("POST", PATH, body)
            assert (status, told["error"]["param"]) == (400, "input")
        assert upstream.asked == []


FAULTS = [
    ("400 Bad Request", {"error": {"message": "No.", "param": "input"}}, UpstreamRefused),
    ("401 Unauthorized", {"error": {"message": "sk-secret"}}, UpstreamFailed),
    ("404 Not Found", {"error": {"message": "No such path."}}, UpstreamFailed),
    ("429 Too Many Requests", {"error": {"message": "Slowly."}}, UpstreamLimited),
    ("500 Oh", {}, UpstreamFailed),
    ("200 OK", {"error": {"code": "server_error", "message": "Oh."}}, UpstreamFailed),
    ("200 OK", {**SHORT, "output": [KEPT]}, UpstreamFailed),
    ("200 OK", {**SHORT, "output": 7}, UpstreamFailed),
    ("200 OK", {**SHORT, "output": [{"type": "compaction"}]}, UpstreamFailed),
    ("200 OK", [], UpstreamFailed),
]


async def failed(*script, **more):
    """The status and the row of a compaction that fails."""
    async with open_client(script, **more) as (client, upstream):
        status, _, told = await client.ask("POST", PATH + "/compact", TALK)
        (row,) = await client.hub.requests(client.account)
        assert len(upstream.asked) == 1
    assert set(told) == {"error"}
    assert "secret" not in told["error"]["message"]
    assert (row.kind, row.state) == ("compaction", "error")
    assert row.cost == sum(one.cost for one in row.attempts)
    return status, row


@pytest.mark.parametrize(("status", "body", "kind"), FAULTS, ids=lambda one: str(one)[:12])
async def test_what_the_provider_refuses_costs_nothing(status, body, kind):
    """It is our error, by whose fault it is, and settled once."""
    script = answer(orjson.dumps(body), status=status, headers=JSON)
    told, row = await failed(*script)
    assert (told, row.cost) == (STATUS[kind][0], 0)


@pytest.mark.parametrize(
    "script",
    [
        (Deed.CLOSE,),
        (Deed.RESET,),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{", Deed.CLOSE),
        [*chunked(b"{", headers=JSON)[:-1], Deed.CLOSE],
    ],
    ids=["nothing", "reset", "short", "chunked"],
)
async def test_an_answer_that_is_cut_is_an_error(script):
    """It was asked, so its prompt may be billed; once."""
    told, row = await failed(*script)
    assert told == 502
    assert len(row.attempts) == 1


async def test_an_answer_that_does_not_come_is_a_timeout():
    """And the connection is freed."""
    told, _ = await failed(Deed.HANG, timeouts=attrs.evolve(PATIENT, first_byte=0.1))
    assert told == 504


@pytest.mark.parametrize("begun", [[], chunked(b"{", headers=JSON)[:-1]], ids=["asked", "begun"])
async def test_a_caller_that_leaves_frees_the_provider(begun):
    """Before its answer or in the middle of it: one row, at its prompt, and no connection."""
    async with open_client([*begun, Deed.HANG]) as (client, upstream):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.ask, "POST", PATH + "/compact", TALK)
            with anyio.fail_after(20):
                while not upstream.asked:
                    await anyio.lowlevel.checkpoint()
            tasks.cancel_scope.cancel()
        await upstream.wait_open(0)
        (row,) = await client.hub.requests(client.account)
    assert (row.kind, row.state, len(row.attempts)) == ("compaction", "aborted", 1)
    assert (row.usage.source, row.usage.completion) == ("estimated", 0)
    assert row.cost == row.attempts[0].cost > 0


async def until_ready(hub):
    """Wait until what could not be settled has been."""
    with anyio.fail_after(20):
        while not hub.ready:
            await anyio.sleep(0.001)


async def test_a_store_that_is_down_asks_nobody(monkeypatch):
    """No provider is asked before the request is on the books, and the caller is told so."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 0.001)
    store = SlowStore(ManualClock())
    async with open_client(whole(SHORT), store=store) as (client, upstream):
        store.down.add("admit")
        status, _, told = await client.ask("POST", PATH + "/compact", TALK)
        assert (status, told["error"]["type"]) == (503, "api_error")
        assert upstream.asked == []
        store.down.clear()
        await until_ready(client.hub)
        assert (await client.ask("POST", PATH + "/compact", TALK))[2]["output"] == [KEPT, SEALED]


async def test_what_could_not_be_settled_is_not_delivered(monkeypatch):
    """The caller is told an error, and once the store is back there is one row, paid for."""
    monkeypatch.setattr("aihub.hub.settling.FIRST_RETRY", 0.001)
    store = SlowStore(ManualClock())
    async with open_client(whole(SHORT), store=store) as (client, _):
        store.down.add("settle")
        status, _, told = await client.ask("POST", PATH + "/compact", TALK)
        assert (status, set(told)) == (503, {"error"})
        store.down.clear()
        await until_ready(client.hub)
        (row,) = await client.hub.requests(client.account)
        assert set(store.settlements.values()) == {1}
    assert (row.kind, row.state, row.usage.prompt) == ("compaction", "ok", 100)
    assert row.cost == row.attempts[0].cost > 0


@pytest.mark.slow
@pytest.mark.needs("click", "trio", "h11")
async def test_a_server_that_is_killed_meanwhile_has_one_lost_row(run_server, tmp_path):
    """Whoever opens the store next settles it at its prompt."""
    store, file = f"sqlite:{tmp_path}/hub.db", tmp_path / "aihub.toml"
    async with open_upstream([Deed.HANG]) as upstream:
        file.write_text(
            f'[providers.up]\nkind = "openai-responses"\nbase_url = "{upstream.url}/v1"\n'
            'models = ["gpt-4"]\n'
        )
        options = ("--config", str(file), "--store", store, "--key", "test=enterprise")
        with run_server(*options, "--log-level", "warning") as server:
            async with httpx2.AsyncClient(timeout=60) as http, anyio.create_task_group() as tasks:

                async def ask():
                    with pytest.raises(httpx2.TransportError):
                        await http.post(
                            f"{server.url}{PATH}/compact",
                            json=TALK,
                            headers={"authorization": "Bearer test"},
                        )

                tasks.start_soon(ask)
                with anyio.fail_after(60):
                    while not upstream.asked:
                        await anyio.sleep(0.01)
                server.process.kill()
    async with open_hub(Settings(store=store)) as hub:
        (row,) = await hub.requests(f"acc_{sha256(b'test').hexdigest()[:16]}")
    assert (row.kind, row.state, len(row.attempts)) == ("compaction", "lost", 1)
    assert row.cost == row.prompt_cost > 0
