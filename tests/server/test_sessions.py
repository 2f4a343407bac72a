"""Sessions over HTTP, as values: created, read in pages, changed, forked, gone, chatted with."""

import json

import pytest

from aihub.model.events import Finished, Text, ToolDelta
from aihub.testing import ScriptedProvider

from .test_app import open_client

pytestmark = pytest.mark.anyio


def hi(session, text="Hi", **more):
    return {"session_id": session, "messages": [{"role": "user", "content": text}], **more}


async def test_a_session_is_created_as_the_document_has_it():
    """What the document names comes back, and what else a session is."""
    async with open_client() as client:
        body = {
            "title": "Customer Support Chat",
            "model": "gpt-4",
            "system_prompt": "You are a helpful customer support assistant.",
        }
        status, headers, made = await client.ask("POST", "/v1/sessions", body)
        assert (status, headers["etag"]) == (200, '"1"')
        created = made["created"]
        assert made == {
            **body,
            "id": made["id"],
            "object": "session",
            "context_policy": "drop_oldest",
            "metadata": {},
            "created": created,
            "updated": created,
            "version": 1,
            "forked_from": None,
            "totals": {
                "turns": 0,
                "messages": 0,
                "prompt_tokens": 0,
                "completion_tokens": 0,
                "total_tokens": 0,
                "cost": 0,
            },
        }
        assert made["id"].startswith("ses_")
        status, _, bare = await client.ask("POST", "/v1/sessions", b"")
        assert (status, bare["title"], bare["model"]) == (200, None, None)


async def test_a_chat_goes_on_with_a_session():
    """`session_id` is enough; whole and streamed alike, and told how much did not fit."""
    provider = ScriptedProvider([Text("a"), Text("b"), Finished("stop")])
    async with open_client(provider) as client:
        session = (await client.ask("POST", "/v1/sessions", {"model": "gpt-4"}))[2]["id"]
        status, headers, done = await client.ask("POST", "/v1/chat/completions", hi(session))
        assert (status, done["model"], headers["x-aihub-session-dropped"]) == (200, "gpt-4", "0")
        status, headers, text = await client.ask("POST", "/v1/chat/stream", hi(session, "Again"))
        assert (status, headers["x-aihub-session-dropped"]) == (200, "0")
        first = json.loads(text.split("\n\n")[0].removeprefix("data: "))
        assert first["model"] == "gpt-4"
        assert text.endswith("data: [DONE]\n\n")
        _, _, found = await client.ask("GET", f"/v1/sessions/{session}")

    told = [(one["turn"], one["role"], one["content"]) for one in found["messages"]["data"]]
    assert told == [
        (1, "user", "Hi"),
        (1, "assistant", "ab"),
        (2, "user", "Again"),
        (2, "assistant", "ab"),
    ]
    assert [one.role for one in provider.calls[1].chat.messages] == ["user", "assistant", "user"]
    assert provider.calls[1].chat.extra is None
    assert found["totals"]["turns"] == 2
    assert found["totals"]["cost"] > 0


async def test_a_session_that_is_not_there_is_404_by_its_place():
    """Unknown or another account's: in a body with its param, by path without."""
    async with open_client() as client:
        other = (await client.hub.accounts.create(plan="pro")).id
        theirs = (await client.hub.sessions.create(model="gpt-4", account=other)).id
        for id in ("ses_none", theirs):
            for path in ("/v1/chat/completions", "/v1/chat/stream"):
                status, _, body = await client.ask("POST", path, hi(id, model="gpt-4"))
                error = body["error"]
                assert (status, error["param"]) == (404, "session_id")
                assert (error["code"], error["type"]) == (
                    "session_not_found",
                    "invalid_request_error",
                )
            for method, path in (
                ("GET", f"/v1/sessions/{id}"),
                ("PUT", f"/v1/sessions/{id}"),
                ("DELETE", f"/v1/sessions/{id}"),
                ("POST", f"/v1/sessions/{id}/fork"),
            ):
                status, _, body = await client.ask(method, path, {})
                assert (status, body["error"]["code"]) == (404, "session_not_found")
        assert await client.hub.sessions.list(account=other)
        status, _, body = await client.ask("GET", "/v1/sessions")
        assert body["data"] == []


async def test_messages_come_in_pages_both_ways():
    """Page after page is all of it, once, whatever the size of a page."""
    call = [ToolDelta(0, id="call_1", name="f", arguments="{}"), Finished("tool_calls")]
    provider = ScriptedProvider([Text("a"), Finished("stop")], call, [Text("b"), Finished("stop")])
    async with open_client(provider) as client:
        session = (await client.ask("POST", "/v1/sessions", {"model": "gpt-4"}))[2]["id"]
        await client.ask("POST", "/v1/chat/completions", hi(session))
        await client.ask("POST", "/v1/chat/completions", hi(session, "two"))
        result = {"role": "tool", "tool_call_id": "call_1", "content": "7"}
        body = {"session_id": session, "messages": [result, {"role": "user", "content": "so?"}]}
        await client.ask("POST", "/v1/chat/completions", body)
        path = f"/v1/sessions/{session}"
        whole = (await client.ask("GET", path, query="limit=100"))[2]["messages"]
        assert [one["role"] for one in whole["data"]] == [
            *("user", "assistant", "user", "assistant", "tool", "user", "assistant")
        ]
        assert whole["data"][3]["tool_calls"][0]["id"] == "call_1"
        assert whole["data"][4]["tool_call_id"] == "call_1"
        assert (whole["has_more"], whole["first_id"]) == (False, whole["data"][0]["id"])
        for order in ("asc", "desc"):
            expected = whole["data"] if order == "asc" else whole["data"][::-1]
            for limit in range(1, 9):
                seen, after = [], ""
                for _ in range(9):
                    query = f"limit={limit}&order={order}" + (f"&after={after}" if after else "")
                    page = (await client.ask("GET", path, query=query))[2]["messages"]
                    seen += page["data"]
                    after = page["last_id"]
                    assert len(page["data"]) <= limit
                    if not page["has_more"]:
                        break
                assert seen == expected


async def test_lists_of_sessions_come_in_pages():
    """By creation, each once; an empty page says so."""
    async with open_client() as client:
        assert (await client.ask("GET", "/v1/sessions"))[2] == {
            "object": "list",
            "data": [],
            "first_id": None,
            "last_id": None,
            "has_more": False,
        }
        made = [(await client.ask("POST", "/v1/sessions", {}))[2] for _ in range(5)]
        first = (await client.ask("GET", "/v1/sessions", query="limit=3"))[2]
        assert (first["data"], first["has_more"]) == (made[:3], True)
        query = f"limit=3&after={first['last_id']}"
        rest = (await client.ask("GET", "/v1/sessions", query=query))[2]
        assert (rest["data"], rest["has_more"]) == (made[3:], False)


async def test_an_update_changes_what_it_names_if_nobody_was_faster():
    """By `version` in the body or `If-Match`; a stale one is a 409."""
    async with open_client() as client:
        body = {"title": "One", "model": "gpt-4", "metadata": {"a": "b"}}
        made = (await client.ask("POST", "/v1/sessions", body))[2]
        path = f"/v1/sessions/{made['id']}"
        status, headers, changed = await client.ask("PUT", path, {"title": "Two"})
        assert (status, headers["etag"], changed["version"]) == (200, '"2"', 2)
        assert (changed["title"], changed["model"]) == ("Two", "gpt-4")
        for body, header in (
            ({"version": 1}, {}),
            ({}, {"if_match": '"1"'}),
            ({"version": 2}, {"if_match": '"1"'}),
        ):
            status, _, refused = await client.ask("PUT", path, {**body, "title": "x"}, **header)
            assert (status, refused["error"]["code"]) == (409, "session_conflict")
        status, _, _ = await client.ask("DELETE", path, b"", if_match='"1"')
        assert status == 409
        status, _, refused = await client.ask("PUT", path, {}, if_match="W/x")
        assert (status, refused["error"]["param"]) == (400, "If-Match")
        ok = {"title": None, "metadata": {}, "version": 2}
        status, _, changed = await client.ask("PUT", path, ok, if_match='"2"')
        assert (status, changed["title"], changed["metadata"]) == (200, None, {})
        status, _, gone = await client.ask("DELETE", path, b"", if_match="*")
        assert (status, gone) == (
            200,
            {"id": made["id"], "object": "session.deleted", "deleted": True},
        )
        assert (await client.ask("GET", path))[0] == 404
        assert (await client.ask("DELETE", path))[0] == 404


async def test_a_fork_shares_history_up_to_a_turn():
    """And says where it comes from."""
    async with open_client() as client:
        session = (await client.ask("POST", "/v1/sessions", {"model": "gpt-4"}))[2]["id"]
        for text in ("one", "two"):
            await client.ask("POST", "/v1/chat/completions", hi(session, text))
        path = f"/v1/sessions/{session}/fork"
        status, _, forked = await client.ask("POST", path, {"turn": 1, "title": "Other"})
        assert (status, forked["forked_from"]) == (200, {"session": session, "turn": 1})
        assert (forked["title"], forked["totals"]["turns"]) == ("Other", 1)
        assert (await client.ask("POST", path, b""))[2]["totals"]["turns"] == 2
        status, _, refused = await client.ask("POST", path, {"turn": 3})
        assert (status, refused["error"]["param"]) == (400, "turn")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"title": 7}, "title"),
        ({"title": "x" * 257}, "title"),
        ({"model": "gpt-none"}, "model"),
        ({"model": ""}, "model"),
        ({"context_policy": "x"}, "context_policy"),
        ({"context_policy": None}, "context_policy"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": []}, "metadata"),
        ({"metadata": {"k" * 65: "x"}}, "metadata"),
        ({"messages": []}, "messages"),
        ({"id": "ses_mine"}, "id"),
        (b"[]", None),
        (b"{", None),
    ],
)
async def test_a_wrong_field_is_named(body, param):
    """Nothing is created, nothing is changed."""
    async with open_client() as client:
        status, _, refused = await client.ask("POST", "/v1/sessions", body)
        assert (status, refused["error"]["param"]) == (400, param)
        made = (await client.ask("POST", "/v1/sessions", {}))[2]
        status, _, refused = await client.ask("PUT", f"/v1/sessions/{made['id']}", body)
        assert (status, refused["error"]["param"]) == (400, param)
        assert (await client.ask("GET", "/v1/sessions"))[2]["data"] == [made]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=\u0661", "limit"),
        ("order=up", "order"),
        ("after=ses_1", "after"),
        ("after=msg_0_0", "after"),
        ("color=red", "color"),
    ],
)
async def test_a_wrong_query_is_named(query, param):
    """By the parameter that is to blame."""
    async with open_client() as client:
        session = (await client.ask("POST", "/v1/sessions", {}))[2]["id"]
        status, _, refused = await client.ask("GET", f"/v1/sessions/{session}", query=query)
        assert (status, refused["error"]["param"]) == (400, param)


async def test_scopes_and_windows_of_sessions():
    """Reading takes `read`, writing `inference`; both count as reading, not as inference."""
    async with open_client(scopes=("read",)) as client:
        assert (await client.ask("GET", "/v1/sessions"))[0] == 200
        for method, path in (("POST", "/v1/sessions"), ("DELETE", "/v1/sessions/x")):
            status, _, refused = await client.ask(method, path, {})
            assert (status, refused["error"]["type"]) == (403, "permission_error")
    async with open_client(plan="free") as client:
        for _ in range(100):
            status, headers, _ = await client.ask("POST", "/v1/sessions", {})
            assert (status, headers["x-ratelimit-remaining"]) == (200, "10")
            assert "x-ratelimit-limit-requests" not in headers
        assert (await client.ask("POST", "/v1/sessions", {}))[0] == 429


async def test_a_session_or_a_model_must_be_named():
    """Without either, or with a session that has none: 400 by `model`."""
    async with open_client() as client:
        session = (await client.ask("POST", "/v1/sessions", {}))[2]["id"]
        body = {"messages": [{"role": "user", "content": "Hi"}]}
        for more in ({}, {"session_id": session}):
            status, _, refused = await client.ask("POST", "/v1/chat/completions", {**body, **more})
            error = refused["error"]
            assert (status, error["param"]) == (400, "model")
            assert error["code"] == "missing_required_parameter"
        for bad in (7, "", "x" * 200):
            status, _, refused = await client.ask("POST", "/v1/chat/completions", hi(bad))
            assert (status, refused["error"]["param"]) == (400, "session_id")
