"""What an ASGI scope says of a request: its path, its headers, who asks. No awaiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

import attrs

from .heads import Refused, check_repeated, read_target
from .proxies import UNIX, Proxies

_PERCENT = ord("%")
_HEX = frozenset(b"0123456789abcdefABCDEF")


@attrs.define
class Head:
    """A request but for its body; `length` is what it says of that, 0 where it says nothing."""

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    peer: str
    length: int


def read_head(scope: Mapping[str, Any], proxies: Proxies) -> Head:
    """Read a scope of type `http`.

    Raises:
        Refused: a header that means one thing is there twice, or the length is no number.
    """
    given = [(bytes(name), bytes(value)) for name, value in scope["headers"]]
    headers = dict(given)
    check_repeated(given, headers)
    path = _read_path(scope, headers)
    query = scope.get("query_string", b"").decode("latin-1")
    peer = peer_of(scope)
    if proxies and b"x-forwarded-for" in headers and proxies.trusts(peer):
        # Each proxy may write a line of its own: they are one list.
        lines = [value for name, value in given if name == b"x-forwarded-for"]
        peer = proxies.client(peer, b",".join(lines).decode("latin-1"))
    return Head(scope["method"], path, query, headers, peer, _length(headers))


def peer_of(scope: Mapping[str, Any]) -> str:
    """Return the address of whoever is connected; empty where the server does not say."""
    client = scope.get("client")
    if client and client[0]:
        return str(client[0])
    server = scope.get("server")
    return UNIX if server and server[1] is None else ""


def _length(headers: Mapping[bytes, bytes]) -> int:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit():
        raise Refused(400)
    return int(length)


def _read_path(scope: Mapping[str, Any], headers: dict[bytes, bytes]) -> str:
    """Return the path below where the application is mounted, decoded save for `%2F`."""
    path: str = scope["path"]
    sent = scope.get("raw_path") or b""
    raw = raw_part(sent, path)
    if raw is None and path.endswith("/"):
        raw = raw_part(sent, path[:-1])  # Litestar's mounts add one.
    if raw is not None:
        path, _ = read_target(raw.decode("latin-1"), headers)
    root = scope.get("root_path", "").rstrip("/")
    # Some servers and frameworks leave the root in the path, as the specification has it, and
    # others have taken it out.
    if root and (path == root or path.startswith(f"{root}/")):
        path = path[len(root) :]
    return path or "/"


def raw_part(raw: bytes, path: str) -> bytes | None:
    """Return the end of *raw* that is *path* when decoded; None where there is none.

    A framework may have taken a prefix out of the path, and leaves what was sent as it was.

    >>> raw_part(b"/hub/v1/models/a%2Fb", "/v1/models/a/b")
    b'/v1/models/a%2Fb'
    """
    decoded, wanted = unquote_to_bytes(raw), path.encode("utf-8", "surrogatepass")
    skip = len(decoded) - len(wanted)
    if not wanted or skip < 0 or decoded[skip:] != wanted:
        return None
    at = 0
    for _ in range(skip):
        at += 3 if raw[at] == _PERCENT and _HEX.issuperset(raw[at + 1 : at + 3]) else 1
    return raw[at:]
