"""What a driver makes of a request's head: what it refuses, and which path is meant.

Pure, and apart from any parser. A parser takes what one reader can make sense of; here is refused
what two readers, a proxy and this server, could read differently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence
from http import HTTPStatus
from urllib.parse import unquote

from ..messages import Msg

SINGLE = frozenset(
    {
        b"anthropic-version",
        b"authorization",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"if-match",
        b"x-aihub-region",
        b"x-api-key",
        b"x-goog-api-key",
    }
)
"""Headers that mean one thing: a proxy before us may have read the other of two."""

_VERSIONS = frozenset({b"1.0", b"1.1"})
_ABSOLUTE = re.compile(r"https?://([^/?#@]+)((?:[/?].*)?)", re.IGNORECASE)
_SLASH = re.compile("%(2f)", re.IGNORECASE)


class Refused(Exception):
    """This is no request that can be answered: say so, and close.

    Args:
        status: what is answered.
        why: a message in place of the status's own.
    """

    def __init__(self, status: int, why: str | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.why = why


def check_head(
    version: bytes, given: Sequence[tuple[bytes, bytes]], headers: Mapping[bytes, bytes]
) -> None:
    """Refuse a head that leaves open what is asked, or where the request ends.

    Args:
        version: that of HTTP, such as `1.1`.
        given: the headers as they came, names in small letters.
        headers: the same, the last of a repeated one standing for all.

    Raises:
        Refused: it does.
    """
    if version not in _VERSIONS:
        raise Refused(HTTPStatus.HTTP_VERSION_NOT_SUPPORTED)
    if b"transfer-encoding" in headers:
        if b"content-length" in headers:
            raise Refused(400, Msg("Content-Length and Transfer-Encoding exclude each other."))
        if version == b"1.0":
            raise Refused(400, Msg("HTTP/1.0 has no Transfer-Encoding."))
    check_repeated(given, headers)


def check_repeated(given: Sequence[tuple[bytes, bytes]], headers: Mapping[bytes, bytes]) -> None:
    """Refuse a head that says twice what means one thing; arguments as `check_head`.

    Raises:
        Refused: it does.
    """
    if len(headers) != len(given):
        names = [name for name, _ in given]
        for name in sorted(SINGLE & headers.keys()):
            if names.count(name) > 1:
                raise Refused(
                    400, Msg("The header '{name}' is there more than once.", name=name.decode())
                )


def read_target(target: str, headers: MutableMapping[bytes, bytes]) -> tuple[str, str]:
    """Return path, decoded save for `%2F`, and query.

    A slash that was written `%2F` is part of a name and parts no path: otherwise a proxy that
    guards some paths would see another one than we. A target with a host in it, such as proxies are
    asked, is the same as its path, and its host counts (RFC 9112, 3.2.2): it is put into *headers*.
    """
    if not target.startswith("/"):
        found = _ABSOLUTE.fullmatch(target)
        if found is not None:
            headers[b"host"] = found[1].encode()
            target = found[2] if found[2].startswith("/") else f"/{found[2]}"
    path, _, query = target.partition("?")
    if "%" in path:
        path = unquote(_SLASH.sub(r"%25\1", path))
    return path, query
