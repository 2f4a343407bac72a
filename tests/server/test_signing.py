"""Signing in to our own pages: a key in a cookie that counts for them alone."""

import pytest

from aihub.model.account import Plan
from aihub.server.signing import COOKIE
from aihub.testing import ManualClock

from .test_app import HELLO, open_client

pytestmark = pytest.mark.anyio

HOST = "127.0.0.1:8484"
PAGE = {"x_aihub_page": "1", "host": HOST}


async def sign_in(client, key=None, **headers):
    body = {"key": client.secret if key is None else key}
    return await client.ask("POST", "/v1/me", body, key="", **{**PAGE, **headers})


def cookie_of(headers):
    return headers["set-cookie"].partition(";")[0]


async def test_who_signs_in_gets_a_cookie_that_scripts_cannot_read():
    """For the API's paths, until the browser ends; and the answer says who it is."""
    async with open_client() as client:
        status, headers, told = await sign_in(client)
        assert status == 200
        name, *flags = headers["set-cookie"].split("; ")
        assert name.startswith(f"{COOKIE}=")
        assert flags == ["Path=/v1", "HttpOnly", "SameSite=Strict"]
        assert headers["cache-control"] == "no-store"
        assert client.secret not in headers["set-cookie"]
        assert told["account"]["name"] == "a"
        assert told["key"]["hint"] == client.secret[-4:]
        assert "secret" not in told["key"]


async def test_the_cookie_of_a_page_that_came_by_https_stays_on_https():
    """A server behind a proxy cannot see that; the page's origin says it."""
    async with open_client() as client:
        _, headers, _ = await sign_in(client, origin=f"https://{HOST}")
        assert headers["set-cookie"].endswith("; Secure")


async def test_a_page_asks_with_the_cookie_as_with_the_key():
    """Reading and inference, by the key's own rights."""
    async with open_client(scopes=("read", "inference")) as client:
        _, headers, _ = await sign_in(client)
        given = {**PAGE, "cookie": f"other=1; {cookie_of(headers)}"}
        status, _, told = await client.ask("GET", "/v1/me", key="", **given)
        assert (status, told["object"]) == (200, "me")
        status, _, told = await client.ask("POST", "/v1/chat/completions", HELLO, key="", **given)
        assert (status, told["object"]) == (200, "chat.completion")
        status, _, told = await client.ask("GET", "/v1/keys", key="", **given)
        assert (status, told["error"]["code"]) == (403, "missing_scope")


@pytest.mark.parametrize(
    "headers",
    [
        {"host": HOST},
        {**PAGE, "origin": "http://127.0.0.1:9999"},
        {**PAGE, "origin": "null"},
        {**PAGE, "origin": "https://evil.example"},
        {**PAGE, "origin": f"https://evil.example/{HOST}"},
        {**PAGE, "sec_fetch_site": "same-site"},
        {**PAGE, "sec_fetch_site": "cross-site"},
        {**PAGE, "sec_fetch_site": "none"},
    ],
)
async def test_a_cookie_counts_for_nobody_elses_page(headers):
    """Another port of the same machine is the same site to a browser, and is not us."""
    async with open_client() as client:
        _, told, _ = await sign_in(client)
        cookie = cookie_of(told)
        for method, path in [("GET", "/v1/me"), ("POST", "/v1/chat/completions")]:
            status, _, error = await client.ask(
                method, path, HELLO, key="", cookie=cookie, **headers
            )
            assert (status, error["error"]["code"]) == (401, "missing_api_key")
        status, _, error = await client.ask(
            "POST", "/v1/me", {"key": client.secret}, key="", **headers
        )
        assert (status, error["error"]["code"]) == (403, "not_a_page")
        status, _, error = await client.ask("DELETE", "/v1/me", key="", **headers)
        assert (status, error["error"]["code"]) == (403, "not_a_page")


async def test_a_page_of_ours_may_say_where_it_is_from():
    """As browsers do with what changes something."""
    async with open_client() as client:
        _, headers, _ = await sign_in(client)
        more = {"origin": f"http://{HOST}", "sec_fetch_site": "same-origin"}
        given = {**PAGE, **more, "cookie": cookie_of(headers)}
        assert (await client.ask("GET", "/v1/me", key="", **given))[0] == 200


async def test_a_key_in_a_header_goes_before_the_cookie():
    """Who sends one means it."""
    async with open_client() as client:
        _, headers, _ = await sign_in(client)
        given = {**PAGE, "cookie": cookie_of(headers)}
        status, _, told = await client.ask("GET", "/v1/me", key="wrong", **given)
        assert (status, told["error"]["code"]) == (401, "invalid_api_key")


@pytest.mark.parametrize("value", ["", "!", "YQ", "/////w==", "gA==", "%00", "a" * 9000])
async def test_a_cookie_that_is_none_is_no_key(value):
    """Whatever stands in it."""
    async with open_client() as client:
        status, _, told = await client.ask(
            "GET", "/v1/me", key="", **PAGE, cookie=f"{COOKIE}={value}"
        )
        assert status == 401
        assert told["error"]["type"] == "authentication_error"


async def test_signing_out_forgets_the_cookie():
    """Also where there is none any more."""
    async with open_client() as client:
        status, headers, told = await client.ask("DELETE", "/v1/me", key="", **PAGE)
        assert (status, told["signed_out"]) == (200, True)
        assert headers["set-cookie"] == (
            f"{COOKIE}=; Max-Age=0; Path=/v1; HttpOnly; SameSite=Strict"
        )


@pytest.mark.parametrize(
    ("body", "param"),
    [({}, "key"), ({"key": 1}, "key"), ({"key": ""}, "key"), ({"key": "a", "b": 1}, "b")],
)
async def test_a_body_without_a_key_is_refused_by_name(body, param):
    """And nothing is kept."""
    async with open_client() as client:
        status, headers, told = await client.ask("POST", "/v1/me", body, key="", **PAGE)
        assert (status, told["error"]["param"]) == (400, param)
        assert "set-cookie" not in headers


async def test_who_guesses_keys_is_slowed_down():
    """By address, as at every path."""
    async with open_client() as client:
        statuses = {(await sign_in(client, "wrong"))[0] for _ in range(200)}
        status, headers, told = await sign_in(client, "wrong")
        assert 401 in statuses
        assert (status, told["error"]["type"]) == (429, "rate_limit_exceeded")
        assert "set-cookie" not in headers


async def test_a_revoked_key_is_out_at_once():
    """The cookie is the key, and no session of its own."""
    clock = ManualClock()
    async with open_client(clock=clock) as client:
        _, headers, told = await sign_in(client)
        given = {**PAGE, "cookie": cookie_of(headers)}
        await client.hub.accounts.revoke_key(told["key"]["account"], told["key"]["id"])
        status, _, error = await client.ask("GET", "/v1/me", key="", **given)
        assert (status, error["error"]["code"]) == (401, "revoked_api_key")


async def test_a_caller_is_told_how_its_windows_stand():
    """The account's, and the key's own where it has some; asking counts in neither."""
    plan = Plan(name="small", requests_per_minute=5, tokens_per_minute=1_000)
    async with open_client(plan=plan) as client:
        await client.ask("POST", "/v1/chat/completions", HELLO)
        for _ in range(2):
            _, _, told = await client.ask("GET", "/v1/me")
        requests, tokens = told["windows"]
        assert (requests["of"], requests["kind"]) == ("account", "requests")
        assert (requests["limit"], requests["used"], requests["remaining"]) == (5, 1, 4)
        assert requests["resets"] == client.hub.now() // 1_000_000 + 60
        assert (tokens["kind"], tokens["limit"]) == ("tokens", 1_000)
        assert tokens["used"] > 0
        account = told["account"]["id"]
        made = await client.hub.accounts.create_key(account, requests_per_minute=2)
        _, _, told = await client.ask("GET", "/v1/me", key=made.secret)
        assert [(one["of"], one["limit"]) for one in told["windows"]] == [
            ("account", 5),
            ("account", 1_000),
            ("key", 2),
        ]
