"""Our own pages, as files: what is sent for which path, and what a browser is told beside."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest

from aihub.server import http, pages
from aihub.server.app import App
from aihub.testing import open_test_hub

pytestmark = pytest.mark.anyio

FILES = Path(pages.__file__).parent / "static"
NOTICES = Path(__file__).parents[2] / "NOTICES.md"


async def ask(path, method="GET", **headers):
    given = {name.replace("_", "-").encode(): value.encode() for name, value in headers.items()}
    async with open_test_hub() as hub:
        request = http.Request(method, path, "", given, b"", "203.0.113.9")
        async with App(hub).open(request) as response:
            return response.status, dict(response.headers), response.body


@pytest.mark.parametrize("path", pages.PAGES)
async def test_a_page_may_do_the_least_that_it_needs(path):
    """No script but ours, no other host, no frame around it, nothing cached unasked."""
    status, headers, body = await ask(path)
    assert status == 200
    assert headers[b"content-type"] == b"text/html; charset=utf-8"
    assert body.startswith(b"<!doctype html>")
    policy = headers[b"content-security-policy"].decode().split("; ")
    assert policy[0] == "default-src 'none'"
    assert "script-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in str(policy)
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"referrer-policy"] == b"no-referrer"
    assert headers[b"cache-control"] == b"no-cache"
    assert b"set-cookie" not in headers


async def test_the_root_leads_to_the_dashboard():
    """By a relative address: the server may stand below a path of somebody else's."""
    status, headers, body = await ask("/")
    assert (status, headers[b"location"], body) == (302, b"dashboard", b"")


@pytest.mark.parametrize("name", sorted(pages.names()))
async def test_each_file_is_sent_packed_and_not(name):
    """And with a mark by which it is not sent twice."""
    status, headers, plain = await ask(f"/assets/{name}")
    assert status == 200
    assert plain == (FILES / name).read_bytes()
    assert b"content-encoding" not in headers
    status, packed_headers, packed = await ask(f"/assets/{name}", accept_encoding="br, gzip")
    assert packed_headers[b"content-encoding"] == b"gzip"
    assert gzip.decompress(packed) == plain
    etag = headers[b"etag"].decode()
    for given in (etag, f'W/{etag}, "other"', "*"):
        status, headers, body = await ask(f"/assets/{name}", if_none_match=given)
        assert (status, body) == (304, b"")
        assert headers[b"etag"].decode() == etag
    assert (await ask(f"/assets/{name}", if_none_match='"other"'))[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/none.js",
        "/assets/../__init__.py",
        "/assets/__init__.py",
        "/assets/vendor",
        "/assets//dashboard.js",
        "/assets/vendor/../../../app.py",
        "/assets/dashboard.html",
        "/assets/dashboard.html/",
        "/assets/words/en.json",
        "assets/aihub.css",
        "/dashboard/",
        "/Dashboard",
    ],
)
async def test_nothing_else_is_sent(path):
    """Only what is known by its name; where that is, is never asked of the path."""
    status, _, _ = await ask(path)
    assert status == 404


@pytest.mark.parametrize("path", ["/", "/dashboard", "/assets/aihub.css"])
async def test_a_page_is_read_and_nothing_else(path):
    """Other methods are refused as they are where there is nothing."""
    assert (await ask(path, "POST"))[0] == 404
    assert (await ask(path, "HEAD"))[0] == (await ask(path))[0]


@pytest.mark.parametrize("path", ["/", *pages.PAGES, "/assets/aihub.css"])
async def test_who_wants_no_pages_has_none(path):
    """The API is all that there is then."""
    async with open_test_hub() as hub:
        app = App(hub, pages=False)
        for asked, status in ((path, 404), ("/v1/status", 200)):
            async with app.open(http.Request("GET", asked, "", {}, b"", "203.0.113.9")) as told:
                assert told.status == status


def test_pages_refer_to_files_that_are_there_by_relative_addresses():
    """Each script, style and picture, and each module that a module wants."""
    for path in FILES.glob("*.html"):
        found = re.findall(r'(?:src|href)="([^"#]+)"', path.read_text())
        assert found
        for one in found:
            assert not one.startswith(("/", "http"))
            name = one.removeprefix("assets/")
            assert name in pages.names() or f"/{one}" in pages.PAGES or one == "v1/status", one
    for path in FILES.glob("*.js"):
        for one in re.findall(r'from "\./([^"]+)"', path.read_text()):
            assert one in pages.names()


def test_commands_that_a_page_names_are_there():
    """Who has no JavaScript is sent to one that exists: there is no `aihub chat`."""
    named = {
        name
        for path in FILES.glob("*.html")
        for name in re.findall(r"<code>(.+?)</code>", path.read_text())
    }
    assert named == {"aihub", "curl"}


def test_nothing_is_ever_read_as_html():
    """In our own scripts: elements are made, and texts are texts."""
    for path in FILES.glob("*.js"):
        text = path.read_text()
        for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert word not in text, (path.name, word)


def test_what_is_vendored_is_as_it_was_published():
    """By the checksums in the notices."""
    notices = NOTICES.read_text()
    for path in (FILES / "vendor").iterdir():
        told = hashlib.sha256(path.read_bytes()).hexdigest()
        assert f"`{path.name}` {told}" in notices
