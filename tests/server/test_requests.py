"""`/v1/requests`: what an account asked, as the ledger has it."""

import pytest

from aihub.errors import UpstreamFailed
from aihub.testing import ManualClock, ScriptedProvider

from .test_app import HELLO, open_client

pytestmark = pytest.mark.anyio

CHAT = "/v1/chat/completions"


async def test_a_request_is_told_with_its_attempts_and_times():
    """And with nothing of what was said."""
    provider = ScriptedProvider()
    async with open_client(provider) as client:
        _, headers, answer = await client.ask("POST", CHAT, {**HELLO, "user": "u"})
        _, _, page = await client.ask("GET", "/v1/requests")
        status, _, one = await client.ask("GET", f"/v1/requests/{headers['x-request-id']}")
    assert status == 200
    assert page == {
        "object": "list",
        "data": [one],
        "first_id": one["id"],
        "last_id": one["id"],
        "has_more": False,
    }
    usage = {
        "prompt_tokens": 7,
        "completion_tokens": 3,
        "total_tokens": 10,
        "source": "provider",
    }
    assert one == {
        "id": headers["x-request-id"],
        "object": "request",
        "account": one["account"],
        "key": one["key"],
        "kind": "chat",
        "model": "gpt-4",
        "served_model": "gpt-4-0613",
        "state": "ok",
        "code": None,
        "created": answer["created"],
        "latency_ms": 0,
        "first_token_ms": 0,
        "session": None,
        "user": "u",
        "labels": {},
        "usage": usage,
        "cost": answer["usage"]["cost"],
        "attempts": [
            {
                "deployment": "p0/gpt-4-0613",
                "region": "region-0",
                "outcome": "ok",
                "error": None,
                "began_ms": 0,
                "took_ms": 0,
                "first_token_ms": 0,
                "usage": usage,
                "cost": answer["usage"]["cost"],
            }
        ],
    }


async def test_each_attempt_is_told_with_its_cause():
    """What was tried, and in which order."""
    failing = ScriptedProvider([UpstreamFailed("It broke.")])
    async with open_client(failing, ScriptedProvider()) as client:
        await client.ask("POST", CHAT, HELLO)
        _, _, page = await client.ask("GET", "/v1/requests")
    first, second = page["data"][0]["attempts"]
    assert (first["deployment"], first["outcome"]) == ("p0/gpt-4-0613", "failed")
    assert (first["error"], first["usage"]) == ("upstream_failed", None)
    assert (second["deployment"], second["outcome"]) == ("p1/gpt-4-0613", "ok")


async def test_the_newest_come_first_page_by_page():
    """Or the oldest, where that is asked."""
    clock = ManualClock()
    async with open_client(clock=clock) as client:
        ids = []
        for _ in range(5):
            _, headers, _ = await client.ask("POST", CHAT, HELLO)
            ids.append(headers["x-request-id"])
            clock.advance(1)
        seen, query = [], "limit=2"
        for _ in range(3):
            _, _, page = await client.ask("GET", "/v1/requests", query=query)
            seen += [one["id"] for one in page["data"]]
            query = f"limit=2&after={page['last_id']}"
        assert (seen, page["has_more"]) == (ids[::-1], False)
        _, _, page = await client.ask("GET", "/v1/requests", query=f"order=asc&after={ids[2]}")
        assert [one["id"] for one in page["data"]] == ids[3:]


async def test_an_account_sees_its_own():
    """Another's is not there; an operator may name it."""
    async with open_client() as client:
        _, headers, _ = await client.ask("POST", CHAT, HELLO)
        id = headers["x-request-id"]
        account = (await client.ask("GET", "/v1/me"))[2]["account"]["id"]
        other = await client.hub.accounts.create("b")
        theirs = (await client.hub.accounts.create_key(other.id)).secret
        _, _, page = await client.ask("GET", "/v1/requests", key=theirs)
        assert page["data"] == []
        status, _, told = await client.ask("GET", f"/v1/requests/{id}", key=theirs)
        assert (status, told["error"]["code"]) == (404, "request_not_found")
        status, _, told = await client.ask(
            "GET", "/v1/requests", key=theirs, query=f"account={account}"
        )
        assert status in {403, 404}
        root = await client.hub.accounts.create("root", operator=True)
        made = await client.hub.accounts.create_key(root.id, scopes=["read", "admin"])
        for path in ("/v1/requests", f"/v1/requests/{id}"):
            status, _, _ = await client.ask(
                "GET", path, key=made.secret, query=f"account={account}"
            )
            assert status == 200


@pytest.mark.parametrize(
    ("query", "param"), [("order=up", "order"), ("limit=0", "limit"), ("model=gpt-4", "model")]
)
async def test_a_wrong_parameter_is_refused_by_name(query, param):
    """As on every list."""
    async with open_client() as client:
        status, _, told = await client.ask("GET", "/v1/requests", query=query)
        assert (status, told["error"]["param"]) == (400, param)
