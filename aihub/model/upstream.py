"""What goes to a provider over HTTP, and what comes back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping

import attrs


@attrs.frozen(kw_only=True)
class Timeouts:
    """How many seconds a provider may take, phase by phase.

    `pool` is waiting for one of the connections that the provider may have, `connect` reaching it,
    TLS included, `first_byte` from the request's first byte written until the head of the answer is
    there, `idle` between two pieces of the answer, `total` all of it together. What the reader does
    between two pieces does not count in `idle`. A `total` that runs out before the request was sent
    is called by its phase, since nothing was asked.
    """

    pool: float = 10.0
    connect: float = 5.0
    first_byte: float = 120.0
    idle: float = 60.0
    total: float = 600.0


TIMEOUTS = Timeouts()
"""As OpenAI's own client has it in total; an answer that is not streamed comes in one piece."""


@attrs.define(kw_only=True)
class UpstreamRequest:
    """A request to a provider; `url` is absolute, http or https, and names of headers are small.

    Values of headers are text that Latin-1 has; a name may come more than once. `Host`,
    `Content-Length` and what belongs to a connection are the transport's business: giving them is a
    mistake. Without an `accept-encoding` of the caller's, none is asked for.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    body: bytes = attrs.field(default=b"", repr=False)
    timeouts: Timeouts = TIMEOUTS


@attrs.define(kw_only=True)
class UpstreamResponse:
    """A provider's answer: names of headers are small, one that came twice is joined by a comma.

    `body` yields pieces as they come, none of them empty, after transfer and content codings.
    """

    status: int
    headers: Mapping[str, str]
    body: AsyncIterator[bytes]
