"""A key kept by a browser: for our own pages, and for nobody else's.

Theory of operation. Who signs in gets the key back as a cookie that no script can read, that goes
to the API's paths alone, and that the browser forgets when it ends. A browser sends a cookie on its
own accord, so one alone proves nothing of who made a request: it counts only beside a header that a
page of another origin cannot send without asking first (`X-AIHub-Page`), and only where the
browser's own word, if it gives one (`Origin`, `Sec-Fetch-Site`), is that the page is ours. A port
of the same machine is the same site to a browser, so `SameSite` by itself would let its pages in.

There is nothing to keep here: the key is looked up anew with each request, so what was revoked is
out at once, in every process.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

from .http import Headers, Request

COOKIE = "aihub_key"
PAGE = b"x-aihub-page"

_PATH = "/v1"


def is_page(request: Request) -> bool:
    """Say whether a request is a page's of ours, as far as its browser can be believed."""
    headers = request.headers
    if PAGE not in headers:
        return False
    if headers.get(b"sec-fetch-site", b"same-origin") != b"same-origin":
        return False
    origin = headers.get(b"origin")
    if origin is None:
        return True
    _, _, place = origin.partition(b"://")
    return place.lower() == headers.get(b"host", b"").lower()


def cookie_secret(request: Request) -> str | None:
    """Return the key that a page of ours has signed in with; None where there is none."""
    if not is_page(request):
        return None
    for part in request.headers.get(b"cookie", b"").decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == COOKIE:
            return _decoded(value)
    return None


def _decoded(value: str) -> str | None:
    try:
        return urlsafe_b64decode(value.encode("latin-1")).decode() or None
    except (NotBase64, ValueError):
        return None


def keep(secret: str, request: Request) -> Headers:
    """Return the header by which a browser keeps a key until it ends."""
    value = urlsafe_b64encode(secret.encode()).decode()
    return _cookie(f"{COOKIE}={value}", request)


def forget(request: Request) -> Headers:
    """Return the header by which a browser forgets a key."""
    return _cookie(f"{COOKIE}=; Max-Age=0", request)


def _cookie(pair: str, request: Request) -> Headers:
    # How a request came is known to its browser, not to a server behind a proxy.
    secure = request.headers.get(b"origin", b"").startswith(b"https://")
    flags = "; HttpOnly; SameSite=Strict" + ("; Secure" if secure else "")
    return [
        (b"set-cookie", f"{pair}; Path={_PATH}{flags}".encode("latin-1")),
        (b"cache-control", b"no-store"),
    ]
