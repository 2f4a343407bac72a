"""Where a request has its key: in the header of whichever vendor's client it came from."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import parse_qsl

from ..dialects.queries import MAX_PARAMETERS
from ..errors import AuthenticationFailed
from .envelopes import GOOGLE_KEY, Envelope
from .http import Request
from .signing import cookie_secret

ANTHROPIC_KEY = b"x-api-key"


def secret_of(request: Request, envelope: Envelope) -> str | None:
    """Return the key that a request is made with; None where it has none.

    Where no header has one, a page of ours may have signed in with one.
    Each vendor's header is known at every path. A key in the query is taken where Google's clients
    ask, for older ones of them know no other way.

    Raises:
        AuthenticationFailed: there are two, and they differ: nobody could say whose request it is.
    """
    headers = request.headers
    found = bearer(headers.get(b"authorization"))
    if ANTHROPIC_KEY in headers or GOOGLE_KEY in headers or (envelope.query_key and request.query):
        others = {*_others(request, envelope), *([found] if found else [])}
        if len(others) > 1:
            raise AuthenticationFailed("ambiguous_api_key")
        return others.pop() if others else found
    if found is None and b"cookie" in headers:
        return cookie_secret(request)
    return found


def _others(request: Request, envelope: Envelope) -> Iterator[str]:
    for name in (ANTHROPIC_KEY, GOOGLE_KEY):
        value = request.headers.get(name, b"").decode("latin-1").strip()
        if value:
            yield value
    if envelope.query_key and request.query:
        try:
            pairs = parse_qsl(request.query, max_num_fields=MAX_PARAMETERS)
        except ValueError:
            return
        yield from (value for name, value in pairs if name == "key")


def bearer(header: bytes | None) -> str | None:
    """Return the token of an `Authorization: Bearer` header (RFC 6750); None if there is none."""
    if header is None:
        return None
    scheme, _, token = header.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
