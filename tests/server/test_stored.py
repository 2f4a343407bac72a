"""Stored chat completions over HTTP, as values: kept, listed, read, changed, erased."""

import pytest

from aihub.errors import UpstreamFailed
from aihub.model.events import Finished, Text
from aihub.testing import ScriptedProvider

from .test_app import Client, open_client
from .test_messages import open_mock

pytestmark = pytest.mark.anyio

PATH = "/v1/chat/completions"


def hi(text="Hi", **more):
    return {"model": "gpt-4", "messages": [{"role": "user", "content": text}], **more}


async def kept(client, text="Hi", **more):
    """Keep a completion and give it."""
    status, _, done = await client.ask("POST", PATH, hi(text, store=True, **more))
    assert status == 200, done
    return done


async def test_a_completion_is_kept_whole_and_streamed():
    """It is read as it was answered, and with its metadata."""
    async with open_mock() as client:
        done = await kept(client, metadata={"ticket": "7"})
        status, _, found = await client.ask("GET", f"{PATH}/{done['id']}")
        assert (status, found) == (200, {**done, "metadata": {"ticket": "7"}})
        status, _, text = await client.ask("POST", PATH, hi("Again", store=True, stream=True))
        assert status == 200
        _, _, listed = await client.ask("GET", PATH)
        assert [one["id"] for one in listed["data"]] == [done["id"], listed["last_id"]]
        last = listed["data"][1]
        assert f'"id":"{last["id"]}"' in text
        assert last["choices"][0]["finish_reason"] == "stop"
        assert last["metadata"] == {}


async def test_without_store_nothing_is_kept():
    """Nor is anything of a request that fails, and nothing is told to the provider."""
    provider = ScriptedProvider(
        [Text("a"), Finished("stop")],
        [UpstreamFailed("no")],
        [Text("a"), UpstreamFailed("no")],
        [Text("a"), Finished("stop")],
    )
    async with open_client(provider) as client:
        await client.ask("POST", PATH, hi(store=False, metadata={"a": "b"}))
        assert (await client.ask("POST", PATH, hi(store=True)))[0] == 502
        await client.ask("POST", PATH, hi(store=True, stream=True))
        assert (await client.ask("GET", PATH))[2]["data"] == []
        await kept(client, metadata={"a": "b"})
    assert provider.calls[0].chat.extra == {"store": False, "metadata": {"a": "b"}}
    assert provider.calls[3].chat.extra is None


async def test_completions_are_listed_by_what_they_say():
    """By model, by pairs of metadata, from either end, page by page."""
    async with open_mock() as client:
        for n in range(3):
            await kept(client, metadata={"n": str(n), "a b": "x"})
        await kept(client, metadata={"n": "2"}, model="gpt-4o")

        async def ns(query):
            status, _, found = await client.ask("GET", PATH, query=query)
            assert status == 200, found
            return [one["metadata"]["n"] for one in found["data"]], found["has_more"]

        assert await ns("limit=2") == (["0", "1"], True)
        assert await ns("order=desc&limit=1") == (["2"], True)
        assert await ns("model=gpt-4") == (["0", "1", "2"], False)
        assert await ns("metadata[n]=2") == (["2", "2"], False)
        assert await ns("metadata%5Bn%5D=2&metadata[a%20b]=x") == (["2"], False)
        assert await ns("metadata[n]=9") == ([], False)
        first = (await client.ask("GET", PATH))[2]["first_id"]
        assert await ns(f"after={first}&limit=2") == (["1", "2"], True)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("order=up", "order"),
        ("metadata=x", "metadata"),
        ("metadata[" + "a" * 65 + "]=x", None),
        ("metadata[a]=" + "x" * 513, "metadata[a]"),
        ("metadata[a]=1&metadata[a]=2", "metadata[a]"),
        ("limit=0", "limit"),
    ],
)
async def test_a_wrong_query_is_refused_by_name(query, param):
    """Never guessed at."""
    async with open_mock() as client:
        status, _, told = await client.ask("GET", PATH, query=query)
    assert status == 400
    assert param is None or told["error"]["param"] == param


async def test_metadata_is_replaced():
    """All of it, within its bounds."""
    async with open_mock() as client:
        done = await kept(client, metadata={"a": "1", "b": "2"})
        path = f"{PATH}/{done['id']}"
        status, _, changed = await client.ask("POST", path, {"metadata": {"a": "3"}})
        assert (status, changed["metadata"]) == (200, {"a": "3"})
        assert (await client.ask("GET", path))[2]["metadata"] == {"a": "3"}
        for body in ({}, {"metadata": {"a": 1}}, {"metadata": {"a": "x" * 513}}, {"other": 1}):
            status, _, told = await client.ask("POST", path, body)
            assert (status, told["error"]["type"]) == (400, "invalid_request_error")
        status, _, told = await client.ask("POST", PATH + "/chatcmpl-x", {"metadata": {}})
        assert (status, told["error"]["code"]) == (404, "chat_completion_not_found")


async def test_a_completion_is_erased():
    """Then there is none."""
    async with open_mock() as client:
        done = await kept(client)
        path = f"{PATH}/{done['id']}"
        status, _, told = await client.ask("DELETE", path)
        assert (status, told) == (
            200,
            {"id": done["id"], "object": "chat.completion.deleted", "deleted": True},
        )
        for method, where in (("GET", path), ("DELETE", path), ("GET", path + "/messages")):
            assert (await client.ask(method, where))[0] == 404


async def test_the_messages_that_were_answered_are_listed():
    """Each with an id, its parts beside its text; in pages, from either end."""
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Look"}, image]},
    ]
    async with open_mock() as client:
        body = {"model": "gpt-4o", "messages": messages, "store": True}
        status, _, done = await client.ask("POST", PATH, body)
        assert status == 200, done
        path = f"{PATH}/{done['id']}/messages"
        _, _, found = await client.ask("GET", path)
        told = [(one["role"], one["content"], one["content_parts"]) for one in found["data"]]
        assert told == [
            ("system", "Be brief.", None),
            ("user", "Look", messages[1]["content"]),
        ]
        _, _, page = await client.ask("GET", path, query=f"after={found['first_id']}")
        assert page["data"] == found["data"][1:]
        _, _, page = await client.ask("GET", path, query="order=desc&limit=1")
        assert (page["data"], page["has_more"]) == (found["data"][1:], True)
        assert (await client.ask("GET", path, query="after=x"))[0] == 400


async def test_another_accounts_completions_do_not_exist():
    """404, as of one that never was; and none is listed."""
    async with open_mock() as client:
        done = await kept(client)
        account = await client.hub.accounts.create("b")
        made = await client.hub.accounts.create_key(account.id)
        other = Client(client.hub, made.secret)
        assert (await other.ask("GET", PATH))[2]["data"] == []
        path = f"{PATH}/{done['id']}"
        for method, where, body in (
            ("GET", path, b""),
            ("POST", path, {"metadata": {}}),
            ("DELETE", path, b""),
            ("GET", path + "/messages", b""),
        ):
            assert (await other.ask(method, where, body))[0] == 404
        assert (await client.ask("GET", path))[0] == 200


async def test_calls_in_the_old_form_are_read_in_the_old_form():
    """As they were answered."""
    async with open_mock() as client:
        functions = [{"name": "f", "parameters": {"type": "object", "properties": {}}}]
        done = await kept(client, functions=functions, function_call={"name": "f"})
        assert "function_call" in done["choices"][0]["message"]
        _, _, found = await client.ask("GET", f"{PATH}/{done['id']}")
        assert found["choices"] == done["choices"]
