"""Which web pages may read our answers (the Fetch standard's CORS protocol).

Keys travel in a header and never as cookies, so no credentials are allowed, and an origin that is
let in gains no more than the key it already has.
"""

from __future__ import annotations

import re

import attrs

from .http import Headers, Request

MAX_AGE = 600
"""Seconds for which a browser may remember a preflight: Chromium believes no more than 7,200."""

EXPOSED = b", ".join(
    [
        b"anthropic-ratelimit-requests-limit",
        b"anthropic-ratelimit-requests-remaining",
        b"anthropic-ratelimit-requests-reset",
        b"anthropic-ratelimit-tokens-limit",
        b"anthropic-ratelimit-tokens-remaining",
        b"anthropic-ratelimit-tokens-reset",
        b"etag",
        b"idempotent-replayed",
        b"request-id",
        b"retry-after",
        b"x-aihub-session-dropped",
        b"x-ratelimit-limit",
        b"x-ratelimit-limit-requests",
        b"x-ratelimit-limit-tokens",
        b"x-ratelimit-remaining",
        b"x-ratelimit-remaining-requests",
        b"x-ratelimit-remaining-tokens",
        b"x-ratelimit-reset",
        b"x-ratelimit-reset-requests",
        b"x-ratelimit-reset-tokens",
        b"x-request-id",
        b"x-should-retry",
    ]
)
"""Headers of ours that a page may read."""

_NAMES = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z, \t-]{1,2048}")


@attrs.frozen
class Cors:
    """Let pages of *origins* (`https://example.com`; `*` is any) read what we answer."""

    origins: frozenset[str]

    def headers(self, request: Request) -> Headers:
        """Return what an answer says to a page."""
        origin = request.headers.get(b"origin")
        any_origin = "*" in self.origins
        vary: Headers = [] if any_origin else [(b"vary", b"origin")]
        if origin is None or not (any_origin or origin.decode("latin-1") in self.origins):
            return vary
        return [
            *vary,
            (b"access-control-allow-origin", b"*" if any_origin else origin),
            (b"access-control-expose-headers", EXPOSED),
        ]

    def preflight(self, request: Request, methods: list[str]) -> Headers:
        """Return what a page must know before it asks; what it names as headers it may send."""
        wanted = request.headers.get(b"access-control-request-headers", b"")
        answer: Headers = [
            (b"access-control-allow-methods", ", ".join(methods).encode()),
            (b"access-control-max-age", b"%d" % MAX_AGE),
        ]
        if _NAMES.fullmatch(wanted):
            answer.append((b"access-control-allow-headers", wanted))
        return answer
