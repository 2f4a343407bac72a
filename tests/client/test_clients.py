"""The clients on a hub in process, their options, and what importing them costs."""

import datetime as dt
import subprocess
import sys

import httpx2
import pytest

import ai_hub
import aihub
from aihub.client import clients
from aihub.server import inprocess
from aihub.testing.upstreams import answer, open_upstream

from .asking import (
    CHAT,
    GREETING,
    HELLO,
    KEY,
    WHOLE,
    at_upstream,
    in_process,
)

pytestmark = pytest.mark.anyio

GROUPS = ("chat", "models", "usage", "sessions", "keys", "accounts", "plans", "budgets")


# On a hub in process


async def test_an_answer_has_attributes():
    """The document's way to a text, and what aihub tells besides."""
    async with in_process() as client:
        done = await client.chat.create(**CHAT)

    assert done.choices[0].message.content == done.text == GREETING
    assert done.usage.source in {"counted", "estimated"}
    assert done.to_dict()["choices"][0]["finish_reason"] == "stop"


async def test_a_stream_can_be_taken_in_each_way():
    """Chunk by chunk, as texts, and at once; each folds to the same answer."""
    async with in_process() as client:
        async with client.chat.stream(**CHAT) as stream:
            chunks = [chunk async for chunk in stream]
        async with client.chat.stream(**CHAT) as other:
            texts = [text async for text in other.texts()]
        read = await (await client.chat.create(**CHAT, stream=True)).read()

    assert "".join(chunk.text for chunk in chunks) == "".join(texts) == GREETING
    assert stream.completion.text == other.completion.text == read.text == GREETING
    assert read.choices[0].finish_reason == "stop"


async def test_an_answer_of_a_stream_is_there_at_its_end_only():
    """Before that it is a mistake to ask for it, and so is reading what was not entered."""
    async with in_process() as client:
        stream = client.chat.stream(**CHAT)
        with pytest.raises(ai_hub.ConfigurationError, match="enter the stream"):
            await anext(stream)
        async with stream:
            await anext(stream)
            with pytest.raises(ai_hub.ConfigurationError, match="not come to its end"):
                stream.completion  # noqa: B018 - a property that raises
        with pytest.raises(StopAsyncIteration):
            await anext(stream)


async def test_what_a_model_calls_is_put_together():
    """Tools, streamed: the call is whole at the end, and the answer to it is text."""
    tool = {
        "type": "function",
        "function": {"name": "weather", "parameters": {"type": "object", "properties": {}}},
    }
    asked = {"model": "gpt-4", "messages": HELLO, "tools": [tool], "tool_choice": "required"}
    async with in_process() as client:
        whole = await client.chat.create(**asked)
        async with client.chat.stream(**asked) as stream:
            folded = await stream.read()

    for done in (whole, folded):
        call = done.choices[0].message.tool_calls[0]
        assert (call.type, call.function.name) == ("function", "weather")
        assert call.function.arguments.startswith("{")


async def test_lists_go_on_behind_their_page():
    """A page by itself, the next, and all of them."""
    async with in_process() as client:
        made = [(await client.sessions.create(title=str(n))).id for n in range(5)]
        page = await client.sessions.list(limit=2)
        following = await page.next_page()
        all_of_them = [one.id async for one in page]
        listed = [one.id async for one in client.sessions.list(limit=2)]

    assert [one.id for one in (*page.data, *following.data)] == made[:4]
    assert all_of_them == listed == made
    assert repr(page) == "AsyncPage(<2>, has_more=True)"


async def test_keys_are_made_rotated_and_revoked():
    """A secret is in the answer that made it, and in no `repr`."""
    async with in_process() as client:
        key = await client.keys.create(name="one", scopes=["read"])
        other = await client.keys.rotate(key.id, overlap=60)
        renamed = await client.keys.update(other.id, name="two")
        ended = await client.keys.revoke(key.id)
        seen = await client.keys.get(key.id)

    assert key.secret.startswith("ah_")
    assert key.secret not in repr(key)
    assert renamed.name == "two"
    assert ended.revoked
    assert (seen.status, seen.secret) == ("revoked", None)


async def test_an_operator_manages_accounts_plans_and_budgets():
    """By a key of an operator account, with the scope for it."""
    async with aihub.open_hub() as hub, inprocess.async_http_client(hub) as http:
        operator = await hub.accounts.create("us", operator=True)
        key = await hub.accounts.create_key(operator.id, scopes=("admin",))
        client = ai_hub.AsyncAIHubClient(api_key=key.secret, http_client=http)
        plan = await client.plans.update("tiny", requests_per_minute=3)
        account = await client.accounts.create(name="Team", plan="tiny")
        budget = await client.budgets.create(limit="2.5", account=account.id)
        raised = await client.budgets.update(budget.id, limit=3, account=account.id)
        moved = await client.accounts.update(account.id, plan="free")
        budgets = [one.id async for one in client.budgets.list(account=account.id)]
        await client.budgets.delete(budget.id, account=account.id)
        ended = await client.accounts.delete(account.id)

    assert (plan.requests_per_minute, plan.built_in) == (3, False)
    assert (budget.limit, raised.limit, budgets) == ("2.5", "3.0", [budget.id])
    assert (account.plan, moved.plan, ended.deleted) == ("tiny", "free", True)


def test_a_client_without_an_event_loop_does_the_same():
    """On a hub in its own thread; the two clients' methods have the same names and arguments."""
    with (
        aihub.open_sync_hub() as hub,
        inprocess.http_client(hub) as http,
        ai_hub.AIHubClient(api_key=KEY, http_client=http) as client,
    ):
        assert client.chat.create(**CHAT).text == GREETING
        with client.chat.stream(**CHAT) as stream:
            assert "".join(stream.texts()) == stream.completion.text == GREETING
        assert client.chat.create(**CHAT, stream=True).read().text == GREETING
        made = [client.sessions.create(title=str(n)).id for n in range(3)]
        assert [one.id for one in client.sessions.list(limit=2)] == made
        assert client.models.retrieve("gpt-4").pricing.prompt


async def test_both_clients_have_the_same_methods():
    """What one can be asked the other can."""
    names = {}
    for kind in (clients.AIHubClient, clients.AsyncAIHubClient):
        client = kind(api_key="k")
        names[kind] = {
            f"{group}.{name}"
            for group in GROUPS
            for name in dir(getattr(client, group))
            if not name.startswith("_")
        }
        await client.aclose() if hasattr(client, "aclose") else client.close()

    assert names[clients.AIHubClient] == names[clients.AsyncAIHubClient]
    assert len(names[clients.AIHubClient]) == 31


async def test_instants_are_told_with_their_time_zone():
    """A datetime goes out in UTC; one without a zone is nobody's instant."""
    summer = dt.timezone(dt.timedelta(hours=2))
    async with in_process() as client:
        report = await client.usage.get(
            start=dt.datetime(2026, 7, 1, 2, tzinfo=summer),
            end=dt.datetime(2026, 7, 2, tzinfo=dt.UTC),
            group_by="key",
        )
        with pytest.raises(ai_hub.ConfigurationError, match=r"start: .* time zone"):
            await client.usage.get(start=dt.datetime(2026, 7, 1))  # noqa: DTZ001 - the mistake

    assert (report.period.start, report.usage.keys) == ("2026-07-01T00:00:00Z", {})


def test_a_stream_without_an_event_loop_has_the_same_rules():
    """It is entered first, ends once, and its client's options change as the other's do."""
    with (
        aihub.open_sync_hub() as hub,
        inprocess.http_client(hub) as http,
        ai_hub.AIHubClient(api_key=KEY, http_client=http) as client,
    ):
        stream = client.with_options(timeout=5).chat.stream(**CHAT)
        with pytest.raises(ai_hub.ConfigurationError, match="enter the stream"):
            next(stream)
        with stream:
            assert next(stream).choices[0].delta.role == "assistant"
        with pytest.raises(StopIteration):
            next(stream)
        assert repr(client.sessions.list()) == "Page(<0>, has_more=False)"


# Options


async def test_other_options_go_on_the_same_connections():
    """`with_options` changes what it names, and the first client stays as it was."""
    async with at_upstream(answer(WHOLE)) as (client, upstream):
        other = client.with_options(headers={"x-mine": "1"}, max_retries=0, timeout=3)
        await other.chat.create(**CHAT)
        await other.aclose()
        await client.chat.create(**CHAT)

        assert [dict(one.headers).get("x-mine") for one in upstream.asked] == ["1", None]
        assert upstream.opened == 1
        with pytest.raises(ai_hub.ConfigurationError, match="max_retries"):
            client.with_options(max_retries=99)


async def test_a_given_http_client_is_its_owners():
    """It outlives the client, and may be closed by whoever made it only."""
    async with open_upstream(answer(WHOLE)) as upstream, httpx2.AsyncClient() as http:
        for _ in range(2):
            async with ai_hub.AsyncAIHubClient(
                api_key="k", base_url=upstream.url, http_client=http
            ) as client:
                await client.chat.create(**CHAT)
        assert not http.is_closed


async def test_an_http_client_of_another_kind_is_refused():
    """When the client is made, and not at its first call."""
    async with httpx2.AsyncClient(verify=False) as http:
        with pytest.raises(ai_hub.ConfigurationError, match=r"http_client: .*httpx2\.Client"):
            ai_hub.AIHubClient(api_key="k", http_client=http)
    with (
        httpx2.Client(verify=False) as http,
        pytest.raises(ai_hub.ConfigurationError, match=r"http_client: .*httpx2\.AsyncClient"),
    ):
        ai_hub.AsyncAIHubClient(api_key="k", http_client=http)


async def test_what_is_no_conversation_is_refused():
    """A text in place of messages, and what JSON has not; nothing is asked."""
    async with at_upstream(answer(WHOLE)) as (client, upstream):
        with pytest.raises(ai_hub.ConfigurationError, match="messages"):
            await client.chat.create(model="gpt-4", messages="Hello!")
        with pytest.raises(ai_hub.ConfigurationError, match="JSON"):
            await client.chat.create(model="gpt-4", messages=HELLO, user=object())
        with pytest.raises(ai_hub.ConfigurationError, match="extra_body"):
            await client.chat.create(**CHAT, extra_body={"stream": True})

        assert upstream.asked == []


def test_a_client_shows_no_key():
    """Neither it, nor its settings."""
    with ai_hub.AIHubClient(api_key="hidden", base_url="http://127.0.0.1:1") as client:
        assert repr(client) == "AIHubClient(base_url='http://127.0.0.1:1/v1')"
        assert "hidden" not in repr(client._line.common)


# Importing


def test_importing_loads_no_http():
    """`from ai_hub import AIHubClient` costs no HTTP client before one is made."""
    code = (
        "import sys; before = set(sys.modules); import ai_hub; loaded = set(sys.modules) - before\n"
        "packages = {one.partition('.')[0] for one in loaded} - set(sys.stdlib_module_names)\n"
        "print(sorted(one for one in packages if not one.startswith('_') and 'aihub' not in one))\n"
        "from ai_hub import AIHubClient, RateLimitError\n"
        "print(sorted({'httpx2', 'cattrs', 'ssl'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['ai_hub']\n[]\n"


def test_every_name_of_the_facade_is_there():
    """What `__all__` promises can be imported, and nothing else."""
    assert all(getattr(ai_hub, name).__name__ for name in ai_hub.__all__ if name != "REGIONS")
    assert set(ai_hub.__all__) <= set(dir(ai_hub))
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        ai_hub.nonsense  # noqa: B018 - an attribute that is not there
