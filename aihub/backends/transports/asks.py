"""What both transports make of a request before anything is opened: where it goes, and whether.

What is wrong here is the program's mistake, not a provider's. No text repeats a value: a header may
be a key, and so may a query.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from urllib.parse import urlsplit

import attrs

from ...errors import UsageMistake
from ...model.upstream import UpstreamRequest

PORTS = {"http": 80, "https": 443}

MAX_URL = 8 * 1024
"""Characters of a URL: servers take no longer ones, and a provider's are a hundred."""

# Names as RFC 9110 has them, in small letters; values are what Latin-1 has and no control reaches.
_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_VALUE = re.compile(r"(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?)?")
_URL = re.compile(r"[!-~]+")
_PLACE = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z_.-]+)(?::[0-9]*)?")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")

TRANSPORTS_OWN = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"}
)
"""Headers that say how a request is carried: giving one is refused."""

WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
"""Methods that say `Content-Length: 0` where there is no body."""


@attrs.frozen
class Origin:
    """Where a connection leads."""

    scheme: str
    host: str
    port: int


@attrs.frozen
class Aim:
    """Where a request goes: the connection it needs, its `Host`, its path with the query."""

    origin: Origin
    host: bytes
    target: bytes


# A provider has a handful of URLs; where a query makes each its own, the oldest are forgotten.
@lru_cache(maxsize=256)
def read_url(url: str) -> Aim:
    """Take *url* apart.

    Raises:
        UsageMistake: it is no absolute http or https URL that can be asked as it stands.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageMistake("url: this is no URL") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise UsageMistake("url: it has to be absolute, and http or https")
    if parts.username is not None or parts.password is not None:
        raise UsageMistake("url: no user and no password can be in it; use a header")
    if len(url) > MAX_URL:
        raise UsageMistake(f"url: more than {MAX_URL} characters")
    if not _URL.fullmatch(url):
        raise UsageMistake("url: only ASCII without blanks can be sent; quote the rest")
    if not (_PLACE.fullmatch(parts.netloc) and _is_host(parts.hostname)):
        raise UsageMistake("url: its host is neither a name nor an address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = host if port in {None, PORTS[parts.scheme]} else f"{host}:{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    origin = Origin(parts.scheme, parts.hostname, port or PORTS[parts.scheme])
    return Aim(origin, shown.encode(), target.encode())


def _is_host(host: str) -> bool:
    """Say whether *host* is a name or an address; what ends in a number has to be the latter."""
    if ":" not in host and not host.rpartition(".")[2].isdecimal():
        return bool(_HOST.fullmatch(host))
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def make_headers(request: UpstreamRequest, aim: Aim) -> list[tuple[bytes, bytes]]:
    """Give all headers as they are sent.

    An answer is asked for as it is: what a provider writes is small, and compressing holds a stream
    back. Who gives `accept-encoding` gets what it brings, decoded.

    Raises:
        UsageMistake: a name or a value cannot be sent, or is the transport's own business.
    """
    if not _METHOD.fullmatch(request.method):
        raise UsageMistake("method: this is no name of a method")
    headers, plain = [(b"host", aim.host)], True
    for name, value in request.headers:
        _check_header(name, value)
        plain = plain and name != "accept-encoding"
        headers.append((name.encode(), value.encode("latin-1")))
    if plain:
        headers.append((b"accept-encoding", b"identity"))
    if request.body or request.method in WITH_LENGTH:
        headers.append((b"content-length", b"%d" % len(request.body)))
    return headers


def _check_header(name: str, value: str) -> None:
    if not _NAME.fullmatch(name):
        raise UsageMistake("headers: a name has characters that cannot be in one, or capitals")
    if name in TRANSPORTS_OWN:
        raise UsageMistake(f"headers: {name} is for the transport to say")
    if not _VALUE.fullmatch(value):
        raise UsageMistake(f"headers: the value of {name} cannot be sent in a header")


def join_headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Give headers by their small names, those that came twice joined."""
    found: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found
