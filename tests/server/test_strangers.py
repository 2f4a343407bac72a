"""Keys that open nothing and things that are another's: refused on every path, nothing written."""

import re

import pytest

from aihub.core.keys import format_key
from aihub.model.units import SECOND
from aihub.server.routes import ROUTES
from aihub.testing import ManualClock

from .test_app import HELLO, open_client

pytestmark = pytest.mark.anyio

PLACES = {"model": "gpt-4", "plan": "free"}


async def bad_keys(hub, clock):
    """Give (secret, code) of each kind of key that is none."""
    made = {}
    for name in ("expired", "revoked", "erased"):
        account = (await hub.accounts.create(plan="pro")).id
        expires = clock.now() + SECOND if name == "expired" else None
        made[name] = await hub.accounts.create_key(
            account, expires=expires, scopes=("read", "inference", "admin")
        )
    await hub.accounts.revoke_key(made["revoked"].key.account, made["revoked"].key.id)
    await hub.accounts.delete(made["erased"].key.account)
    clock.advance(2)
    good = format_key(b"x" * 32)
    return [
        ("", "missing_api_key"),
        ("unknown", "invalid_api_key"),
        (good, "invalid_api_key"),
        (good[:-1] + ("0" if good[-1] != "0" else "1"), "invalid_api_key"),
        ("x" * 5000, "invalid_api_key"),
        (made["expired"].secret, "expired_api_key"),
        (made["revoked"].secret, "revoked_api_key"),
        (made["erased"].secret, ("invalid_api_key", "revoked_api_key")),
    ]


async def everything(hub):
    """Give all that a request could have written."""
    accounts = await hub.accounts.list(limit=1000)
    return [
        (
            account,
            await hub.requests(account.id),
            await hub.sessions.list(account=account.id),
            await hub.accounts.keys(account.id),
            await hub.accounts.budgets(account.id),
        )
        for account in accounts
    ]


async def test_a_key_that_opens_nothing_is_refused_everywhere():
    """401 with what is wrong with it; no path tells more, and nothing is written."""
    clock = ManualClock()
    async with open_client(clock=clock) as client:
        keys = await bad_keys(client.hub, clock)
        before = await everything(client.hub)
        for route in (route for route in ROUTES if route.scope is not None):
            names = re.findall(r"{(\w+)}", route.path)
            path = route.path.format(**{name: PLACES.get(name, "x_1") for name in names})
            # The address may be wrong sixty times a minute.
            clock.advance(60)
            for secret, code in keys:
                body = HELLO if "chat" in route.action else {}
                status, headers, refused = await client.ask(route.method, path, body, key=secret)
                error = refused["error"]
                assert status == 401
                if "details" in error:
                    assert error["status"] == "UNAUTHENTICATED"
                    assert error["details"][0]["reason"] in code
                else:
                    assert error["type"] == "authentication_error"
                    assert error["code"] in code
                assert not secret or secret not in str(refused)
                assert headers["x-ratelimit-limit"] == "60"
        assert await everything(client.hub) == before


async def test_things_of_another_account_are_404_everywhere():
    """Sessions, keys, budgets and the account itself: never 403, and nothing is changed."""
    scopes = ("read", "inference", "admin")
    async with open_client(scopes=scopes) as client:
        hub = client.hub
        other = (await hub.accounts.create(plan="pro")).id
        session = (await hub.sessions.create(model="gpt-4", account=other)).id
        key = (await hub.accounts.create_key(other)).key.id
        budget = (await hub.accounts.create_budget(other, limit=10**12)).id
        before = await everything(hub)
        paths = {
            "sessions": f"/v1/sessions/{session}",
            "keys": f"/v1/keys/{key}",
            "budgets": f"/v1/budgets/{budget}",
            "accounts": f"/v1/accounts/{other}",
        }
        asked = [(method, path) for path in paths.values() for method in ("GET", "PUT", "DELETE")]
        asked += [("POST", f"{paths['sessions']}/fork"), ("POST", f"{paths['keys']}/rotate")]
        for method, path in asked:
            body = {"limit": "1"} if "budgets" in path and method == "PUT" else {}
            for query in ("", f"account={other}"):
                if query and ("sessions" in path or "accounts" in path):
                    continue
                status, _, refused = await client.ask(method, path, body, query=query)
                assert status == 404, (method, path, query, refused)
                assert other not in str(refused) or other in path + query
        for path in ("/v1/chat/completions", "/v1/chat/stream"):
            body = {**HELLO, "session_id": session}
            status, _, refused = await client.ask("POST", path, body)
            assert (status, refused["error"]["param"]) == (404, "session_id")
        for path in ("/v1/usage", "/v1/keys", "/v1/budgets"):
            assert (await client.ask("GET", path, query=f"account={other}"))[0] == 404
        assert await everything(hub) == before
