"""Accounts, keys, plans, budgets and usage over HTTP, as values."""

import json
from contextlib import asynccontextmanager

import attrs
import pytest

from aihub.model.account import SCOPES
from aihub.model.units import HOUR, SECOND
from aihub.server import http, routes
from aihub.server.app import App
from aihub.testing import ManualClock, open_test_hub

pytestmark = pytest.mark.anyio

HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}
NOON = 1_767_268_800


@attrs.define
class Client:
    """Somebody with a key."""

    hub: object
    secret: str
    account: str
    key: str

    async def ask(self, method, target, body=None):
        """Give (status, body) of one exchange."""
        status, _, told = await self.exchange(method, target, body)
        return status, told

    async def exchange(self, method, target, body=None):
        """Give (status, headers, body)."""
        path, _, query = target.partition("?")
        headers = {b"authorization": b"Bearer " + self.secret.encode()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body else b""
        request = http.Request(method, path, query, headers, data, "203.0.113.9")
        async with App(self.hub).open(request) as response:
            told = {name.decode(): value.decode() for name, value in response.headers}
            return response.status, told, json.loads(response.body)

    async def good(self, method, target, body=None):
        """Give the body of an exchange that went well."""
        status, told = await self.ask(method, target, body)
        assert status == 200, told
        return told

    async def bad(self, method, target, body=None):
        """Give (status, code, param) of one that did not."""
        status, told = await self.ask(method, target, body)
        error = told["error"]
        assert set(error) >= {"message", "type", "param", "code"}
        return status, error["code"], error["param"]


async def client_of(hub, *, operator=False, plan="pro", **fields):
    """Make an account with a key."""
    account = await hub.accounts.create("a", plan=plan, operator=operator)
    made = await hub.accounts.create_key(account.id, **{"scopes": SCOPES, **fields})
    return Client(hub, made.secret, account.id, made.key.id)


@asynccontextmanager
async def open_clients():
    """Open a hub and give (an operator, a tenant, another tenant)."""
    async with open_test_hub(clock=ManualClock(NOON * SECOND)) as hub:
        yield await client_of(hub, operator=True), await client_of(hub), await client_of(hub)


async def test_an_account_from_its_making_to_its_end():
    """Made, found, changed, listed and deleted by an operator."""
    async with open_clients() as (top, tenant, _):
        made = await top.good("POST", "/v1/accounts", {"name": "acme", "id": "acme"})
        assert made == {
            "id": "acme",
            "object": "account",
            "name": "acme",
            "plan": "free",
            "operator": False,
            "region": None,
            "created": NOON,
        }
        assert await top.good("GET", "/v1/accounts/acme") == made
        changed = await top.good("PUT", "/v1/accounts/acme", {"plan": "pro"})
        assert changed == {**made, "plan": "pro"}
        assert await top.bad("POST", "/v1/accounts", {"id": "acme"}) == (
            409,
            "already_exists",
            "id",
        )
        assert await top.bad("PUT", "/v1/accounts/acme", {"plan": "gold"}) == (
            400,
            "invalid_value",
            "plan",
        )
        listed = await top.good("GET", "/v1/accounts?limit=100")
        assert changed in listed["data"]
        assert not listed["has_more"]
        key = await top.good("POST", "/v1/keys", {"account": "acme"})
        assert await top.good("DELETE", "/v1/accounts/acme") == {
            "id": "acme",
            "object": "account.deleted",
            "deleted": True,
        }
        assert await top.bad("GET", "/v1/accounts/acme") == (404, "account_not_found", None)
        assert await top.bad("DELETE", f"/v1/accounts/{top.account}") == (403, "own_account", None)
        gone = Client(top.hub, key["secret"], "acme", key["id"])
        assert (await gone.bad("POST", "/v1/chat/completions", HELLO))[:2] == (
            401,
            "invalid_api_key",
        )
        assert (await tenant.good("GET", f"/v1/accounts/{tenant.account}"))["plan"] == "pro"


async def test_the_life_of_a_key():
    """Made, used, listed, changed, rotated and revoked; its secret is shown once."""
    async with open_clients() as (_, tenant, _):
        status, headers, made = await tenant.exchange(
            "POST", "/v1/keys", {"name": "ci", "requests_per_minute": 5}
        )
        assert (status, headers["cache-control"]) == (200, "no-store")
        secret = made.pop("secret")
        assert (made["scopes"], made["status"], made["hint"]) == (
            ["read", "inference"],
            "live",
            secret[-4:],
        )
        path = f"/v1/keys/{made['id']}"
        status, headers, shown = await tenant.exchange("GET", path)
        assert shown == made
        assert "cache-control" not in headers
        child = Client(tenant.hub, secret, tenant.account, made["id"])
        await child.good("POST", "/v1/chat/completions", HELLO)

        changed = await tenant.good("PUT", path, {"expires": NOON + 60, "name": "ci 2"})
        assert changed == {**made, "expires": NOON + 60, "name": "ci 2"}
        status, headers, new = await tenant.exchange("POST", f"{path}/rotate", {"overlap": 30})
        assert headers["cache-control"] == "no-store"
        assert (new["name"], new["expires"], new["lineage"]) == ("ci 2", NOON + 60, made["id"])
        old = await tenant.good("GET", path)
        assert (old["status"], old["revoked"]) == ("live", NOON + 30)
        assert await tenant.good("DELETE", path) == {
            "id": made["id"],
            "object": "key.revoked",
            "revoked": True,
        }
        assert await child.bad("GET", "/v1/models") == (401, "revoked_api_key", None)
        assert await tenant.bad("POST", f"{path}/rotate") == (409, "key_ended", None)
        successor = Client(tenant.hub, new["secret"], tenant.account, new["id"])
        await successor.good("GET", "/v1/models")
        assert await successor.bad("GET", "/v1/keys") == (403, "missing_scope", None)

        first = await tenant.good("GET", "/v1/keys?limit=2")
        rest = await tenant.good("GET", f"/v1/keys?limit=2&after={first['last_id']}")
        ids = [key["id"] for key in first["data"] + rest["data"]]
        assert ids == [tenant.key, made["id"], new["id"]]
        assert (first["has_more"], rest["has_more"]) == (True, False)
        assert "secret" not in json.dumps(first) + json.dumps(rest)


async def test_tenants_are_walls():
    """404 for another's account and all in it; 403 for what is the operators'."""
    async with open_clients() as (top, tenant, other):
        budget = await other.good("POST", "/v1/budgets", {"limit": "1", "key": other.key})
        elsewhere = f"?account={other.account}"
        for method, target, body in (
            ("GET", f"/v1/accounts/{other.account}", None),
            ("PUT", f"/v1/accounts/{other.account}", {"plan": "free"}),
            ("DELETE", f"/v1/accounts/{other.account}", None),
            ("POST", "/v1/keys", {"account": other.account}),
            ("GET", f"/v1/keys{elsewhere}", None),
            ("GET", f"/v1/keys/{other.key}{elsewhere}", None),
            ("PUT", f"/v1/keys/{other.key}{elsewhere}", {"name": "x"}),
            ("DELETE", f"/v1/keys/{other.key}{elsewhere}", None),
            ("POST", f"/v1/keys/{other.key}/rotate{elsewhere}", {}),
            ("POST", "/v1/budgets", {"account": other.account, "limit": "1"}),
            ("GET", f"/v1/budgets{elsewhere}", None),
            ("GET", f"/v1/budgets/{budget['id']}{elsewhere}", None),
            ("PUT", f"/v1/budgets/{budget['id']}{elsewhere}", {"limit": "2"}),
            ("DELETE", f"/v1/budgets/{budget['id']}{elsewhere}", None),
            ("GET", f"/v1/usage{elsewhere}", None),
        ):
            assert await tenant.bad(method, target, body) == (404, "account_not_found", None)
            nowhere = target.replace(other.account, "acc_none")
            named = body and {k: "acc_none" if k == "account" else v for k, v in body.items()}
            assert (await tenant.ask(method, nowhere, named))[0] == 404
        for method, target, body in (
            ("GET", f"/v1/keys/{other.key}", None),
            ("PUT", f"/v1/keys/{other.key}", {"name": "x"}),
            ("DELETE", f"/v1/keys/{other.key}", None),
            ("POST", f"/v1/keys/{other.key}/rotate", {}),
            ("POST", "/v1/budgets", {"key": other.key, "limit": "1"}),
        ):
            assert await tenant.bad(method, target, body) == (404, "key_not_found", None)
        for method in ("GET", "DELETE"):
            target = f"/v1/budgets/{budget['id']}"
            assert await tenant.bad(method, target) == (404, "budget_not_found", None)
        for method, target, body in (
            ("POST", "/v1/accounts", {}),
            ("PUT", f"/v1/accounts/{tenant.account}", {"plan": "enterprise"}),
            ("DELETE", f"/v1/accounts/{tenant.account}", None),
            ("PUT", "/v1/plans/pro", {"requests_per_minute": None}),
            ("DELETE", "/v1/plans/pro", None),
            ("POST", "/v1/budgets", {"limit": "9"}),
        ):
            assert await tenant.bad(method, target, body) == (403, "operator_only", None)
        own = await tenant.good("GET", "/v1/accounts")
        assert [one["id"] for one in own["data"]] == [tenant.account]
        assert (await top.good("GET", f"/v1/keys/{other.key}{elsewhere}"))["status"] == "live"
        # The same, but for an account that is not there: an operator is told so.
        assert (await top.ask("GET", "/v1/keys?account=acc_none"))[0] == 404


async def test_a_key_cannot_climb():
    """What goes beyond is a 403 that names the field."""
    async with open_clients() as (_, tenant, _):
        made = await tenant.good(
            "POST", "/v1/keys", {"scopes": ["admin", "read"], "requests_per_minute": 50}
        )
        climber = Client(tenant.hub, made["secret"], tenant.account, made["id"])
        for method, target, body, param in (
            ("POST", "/v1/keys", {"scopes": ["inference"]}, "scopes"),
            ("POST", "/v1/keys", {"requests_per_minute": 51}, "requests_per_minute"),
            ("PUT", f"/v1/keys/{made['id']}", {"requests_per_minute": None}, "requests_per_minute"),
            ("PUT", f"/v1/keys/{made['id']}", {"scopes": list(SCOPES)}, "scopes"),
            ("POST", f"/v1/keys/{tenant.key}/rotate", {}, "lineage"),
        ):
            assert await climber.bad(method, target, body) == (403, "beyond_own_rights", param)
        child = await climber.good("POST", "/v1/keys", {"requests_per_minute": None})
        assert (child["scopes"], child["requests_per_minute"]) == (["read"], 50)
        assert child["lineage"] == made["id"]


async def test_plans_are_made_changed_and_dropped():
    """At once for those who are on them; one in use stays."""
    async with open_clients() as (top, tenant, _):
        assert await top.good("PUT", "/v1/plans/gold", {"requests_per_minute": 1}) == {
            "id": "gold",
            "object": "plan",
            "requests_per_minute": 1,
            "tokens_per_minute": None,
            "parallel": None,
            "token_reserve": "estimate",
            "built_in": False,
        }
        await tenant.good("POST", "/v1/chat/completions", HELLO)
        await top.good("PUT", f"/v1/accounts/{tenant.account}", {"plan": "gold"})
        assert (await tenant.bad("POST", "/v1/chat/completions", HELLO))[0] == 429
        await top.good("PUT", "/v1/plans/gold", {"requests_per_minute": 2, "parallel": 3})
        await tenant.good("POST", "/v1/chat/completions", HELLO)
        seen = await tenant.good("GET", "/v1/plans")
        assert [plan["id"] for plan in seen["data"]] == [
            "developer",
            "enterprise",
            "free",
            "gold",
            "pro",
        ]
        assert (await tenant.good("GET", "/v1/plans/gold"))["parallel"] == 3

        assert await top.bad("DELETE", "/v1/plans/gold") == (409, "plan_in_use", None)
        assert await top.bad("DELETE", "/v1/plans/free") == (409, "built_in_plan", None)
        assert await top.bad("DELETE", "/v1/plans/none") == (404, "plan_not_found", None)
        assert await top.bad("PUT", "/v1/plans/a b", {}) == (400, "invalid_value", "plan")
        await top.good("PUT", f"/v1/accounts/{tenant.account}", {"plan": "pro"})
        ended = await top.good("DELETE", "/v1/plans/gold")
        assert ended == {"id": "gold", "object": "plan.deleted", "deleted": True}
        assert not (await top.good("PUT", "/v1/plans/free", {"parallel": 1}))["built_in"]
        await top.good("DELETE", "/v1/plans/free")
        assert (await top.good("GET", "/v1/plans/free"))["built_in"]


async def test_a_budget_tells_how_it_stands():
    """Exact dollars, what is spent in the present period, and when it renews."""
    async with open_clients() as (top, tenant, _):
        made = await tenant.good(
            "POST", "/v1/budgets", {"limit": "0.0311", "period": "day", "key": tenant.key}
        )
        await tenant.good("POST", "/v1/chat/completions", HELLO)
        path = f"/v1/budgets/{made['id']}"
        assert await tenant.good("GET", path) == {
            "id": made["id"],
            "object": "budget",
            "account": tenant.account,
            "key": tenant.key,
            "period": "day",
            "limit": "0.0311",
            "spent": "0.00039",
            "held": "0.0",
            "renews": 1_767_312_000,
        }
        assert (await tenant.bad("POST", "/v1/chat/completions", HELLO))[1] == "budget_exceeded"
        assert await tenant.bad("PUT", path, {"limit": "9"}) == (403, "beyond_own_rights", "limit")
        whose = f"?account={tenant.account}"
        raised = await top.good("PUT", path + whose, {"limit": "9"})
        assert (raised["limit"], raised["spent"]) == ("9.0", "0.00039")
        await tenant.good("POST", "/v1/chat/completions", HELLO)

        whole = await top.good("POST", "/v1/budgets", {"account": tenant.account, "limit": 0})
        assert (whole["key"], whole["period"]) == (None, "month")
        assert (await tenant.bad("POST", "/v1/chat/completions", HELLO))[1] == "budget_exceeded"
        listed = await tenant.good("GET", "/v1/budgets")
        assert [one["id"] for one in listed["data"]] == [made["id"], whole["id"]]
        assert await top.good("DELETE", f"/v1/budgets/{whole['id']}{whose}") == {
            "id": whole["id"],
            "object": "budget.deleted",
            "deleted": True,
        }
        await tenant.good("POST", "/v1/chat/completions", HELLO)


async def test_usage_by_range_and_group():
    """The document's shape without parameters; the groups' field says what they are."""
    async with open_clients() as (top, tenant, _):
        await tenant.good("POST", "/v1/chat/completions", HELLO)
        group = {"requests": 1, "tokens": 10, "cost": 0.00039}
        for name, field, of in (
            ("model", "models", "gpt-4"),
            ("served_model", "served_models", "gpt-4-0613"),
            ("day", "days", "2026-01-01"),
            ("key", "keys", tenant.key),
        ):
            told = await tenant.good("GET", f"/v1/usage?group_by={name}")
            assert told["usage"] == {
                "total_requests": 1,
                "total_tokens": 10,
                "total_cost": 0.00039,
                field: {of: group},
            }
        window = "start=2026-01-01T12:00:00Z&end=2026-01-01T13:00:00Z"
        told = await tenant.good("GET", f"/v1/usage?{window}")
        assert told["period"] == {"start": "2026-01-01T12:00:00Z", "end": "2026-01-01T12:59:59Z"}
        assert told["usage"]["total_requests"] == 1
        told = await tenant.good("GET", "/v1/usage?start=2026-01-01T13:00:00Z")
        assert told["usage"] == {
            "total_requests": 0,
            "total_tokens": 0,
            "total_cost": 0,
            "models": {},
        }
        seen = await top.good("GET", f"/v1/usage?account={tenant.account}")
        assert seen["usage"]["total_requests"] == 1
        for query, param in (
            ("start=2026-01-01T12:30:00Z", "start"),
            ("end=2025-01-01T00:00:00Z", "end"),
            ("group_by=hour", "group_by"),
            ("from=2026", "from"),
        ):
            status, _, named = await tenant.bad("GET", f"/v1/usage?{query}")
            assert (status, named) == (400, param)


async def test_bad_bodies_and_queries_are_named():
    """Unknown fields and parameters, types and forms: 400, on every endpoint."""
    async with open_clients() as (top, _, _):
        for route in routes.ROUTES:
            if route.scope != "admin":
                continue
            path = route.path.format(account="acc_x", key="key_x", plan="gold", budget="bud_x")
            status, _, param = await top.bad(route.method, f"{path}?nonsense=1")
            assert (status, param) == (400, "nonsense"), path
            if route.method in {"POST", "PUT"}:
                status, _, param = await top.bad(route.method, path, {"nonsense": 1, "limit": "1"})
                assert (status, param) == (400, "nonsense"), path
                assert (await top.bad(route.method, path, b"[1]"))[:2] == (400, "invalid_json")


async def test_administration_counts_as_reading():
    """It takes no place in the window of requests, and has the same bound as reading."""
    async with open_test_hub(clock=ManualClock(NOON * SECOND)) as hub:
        mine = await client_of(hub, plan="free")
        for _ in range(100):
            await mine.good("GET", "/v1/keys")
        status, headers, told = await mine.exchange("GET", "/v1/keys")
        assert (status, told["error"]["code"]) == (429, "reads_per_minute")
        assert headers["x-ratelimit-remaining"] == "10"


async def test_one_who_only_reads_cannot_look_at_others():
    """An operator's key needs `admin` to see another account's usage."""
    async with open_clients() as (top, tenant, _):
        made = await top.good("POST", "/v1/keys", {"scopes": ["read"]})
        reader = Client(top.hub, made["secret"], top.account, made["id"])
        await reader.good("GET", "/v1/usage")
        status, code, _ = await reader.bad("GET", f"/v1/usage?account={tenant.account}")
        assert (status, code) == (403, "missing_scope")
        assert NOON * SECOND % HOUR == 0
