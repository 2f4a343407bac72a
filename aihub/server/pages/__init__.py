"""Our own pages: dashboard, console and status. Static files, and the headers that go with them.

They come from here and ask only here, by the public API. What a page may do is the least that it
needs (`POLICY`): a text that somebody smuggled in finds no script to run and no host to tell.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import attrs
import orjson

from ..errors import ACCEPT_LANGUAGE
from ..http import Headers, Request, Response
from ..languages import ENGLISH, RIGHT_TO_LEFT, language_of

PAGES: Mapping[str, str] = MappingProxyType(
    {
        "/dashboard": "dashboard.html",
        "/console": "console.html",
        "/status": "status.html",
    }
)
"""The file of each page by its path."""

HOME = b"dashboard"
"""Where `/` leads: relative, for the server may stand under a path of another's."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
"""What a page may load, ask and be put in (Content Security Policy, level 3)."""

_ASSETS = "/assets/"
# Not importlib.resources: it takes longer to import than the files to read.
_FILES = Path(__file__).parent / "static"
_TYPES: Mapping[str, bytes] = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".json": b"application/json",
    ".svg": b"image/svg+xml",
}
_TEXT = re.compile(r"\{\{(.+?)\}\}")
_ALWAYS: Headers = [
    # Asked for anew each time, and mostly answered without a body: a server that was upgraded
    # never shows half of an old page.
    (b"cache-control", b"no-cache"),
    (b"vary", b"accept-encoding, accept-language"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]


@attrs.frozen
class Asset:
    """A file as it is sent, packed and not, and what tells it from an earlier one."""

    kind: bytes
    plain: bytes
    packed: bytes
    etag: bytes


def answer(request: Request) -> Response | None:
    """Return a page, or a file of one; None where there is nothing of ours at the path."""
    if request.path == "/":
        return Response(302, [(b"location", HOME)], b"")
    headers = [*_ALWAYS]
    page = PAGES.get(request.path)
    if page is not None:
        language = language_of(request.headers.get(ACCEPT_LANGUAGE))
        asset = load(page, language)
        headers.append((b"content-security-policy", POLICY.encode()))
        headers.append((b"content-language", language.encode()))
    else:
        name = request.path.removeprefix(_ASSETS)
        if name == request.path or name not in names():
            return None
        asset = load(name)
    headers.append((b"etag", asset.etag))
    if _is_known(request.headers.get(b"if-none-match", b""), asset.etag):
        return Response(304, headers, b"")
    headers.append((b"content-type", asset.kind))
    if b"gzip" not in request.headers.get(b"accept-encoding", b""):
        return Response(200, headers, asset.plain)
    return Response(200, [*headers, (b"content-encoding", b"gzip")], asset.packed)


@cache
def names() -> frozenset[str]:
    """Return the names of all files of pages that may be asked for."""
    files = [path for path in _FILES.rglob("*") if path.suffix in _TYPES.keys() - {".html"}]
    return frozenset([path.relative_to(_FILES).as_posix() for path in files])


@cache
def load(name: str, language: str = ENGLISH) -> Asset:
    """Return a page in a language, or another file by its name, which is one of `names`."""
    path = _FILES / name
    plain = path.read_bytes()
    if path.suffix == ".html":
        plain = _TEXT.sub(lambda found: _said(found[1], language), plain.decode()).encode()
    return Asset(
        kind=_TYPES[path.suffix],
        plain=plain,
        packed=gzip.compress(plain, 9, mtime=0),
        etag=b'"%s"' % hashlib.sha256(plain).hexdigest()[:32].encode(),
    )


def _said(text: str, language: str) -> str:
    """Return what stands for a text in braces: one of the page's language, or that itself."""
    if text == "*language":
        return language
    if text == "*direction":
        return "rtl" if language in RIGHT_TO_LEFT else "ltr"
    return html.escape(_words(language).get(text, text))


@cache
def _words(language: str) -> Mapping[str, str]:
    if language == ENGLISH:
        return {}
    words: Mapping[str, str] = orjson.loads(load(f"words/{language}.json").plain)
    return words


def _is_known(given: bytes, etag: bytes) -> bool:
    """Say whether `If-None-Match` names what we would send (RFC 9110, 13.1.2)."""
    known = [one.strip().removeprefix(b"W/") for one in given.split(b",")]
    return etag in known or b"*" in known
