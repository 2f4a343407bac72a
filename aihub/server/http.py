"""Requests and responses as values; what app and driver promise each other.

The app never sees a socket and the driver never sees JSON. A driver reads a request wholly, enters
`App.open`, writes the response, and leaves; when its peer goes away it cancels.

A body of bytes is the whole answer. A body that is an iterator is a stream:

- one `send` per item, and the head goes with the first item;
- nothing written for `KEEP_ALIVE_AFTER` seconds: the driver writes the head, if it has not yet, and
  `keep_alive`;
- before its first item the iterator may raise `Instead`: the driver sends `Instead.response` in its
  place, or, where the head has left already, writes `Instead.in_band` and ends the body.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import TypeAlias

import attrs

Headers: TypeAlias = list[tuple[bytes, bytes]]

KEEP_ALIVE_AFTER = 15.0
"""Seconds of silence after which a stream says that it lives: proxies give up after 30 to 60."""

MAX_BODY = 4 * 1024 * 1024
"""413 beyond this. Chat requests are text; 4 MiB is far above any we have seen."""

MAX_HEAD = 64 * 1024
"""431 beyond this: request line and headers together."""

BODY_TIMEOUT = 30.0
"""Seconds between two reads of a body, and what the whole may take beside `MIN_BODY_RATE`."""

MIN_BODY_RATE = 8 * 1024
"""Bytes of a body a second, on the whole: the slowest phone's line has twice that. Who sends less
would hold a connection, and what has come of the body, for as long as he likes."""

MAX_CHUNKS = 16 * 1024
"""Chunks of one body: the largest then still comes in pieces of 256 bytes, and clients send
thousands. Each costs some 4 us of h11's time, a byte in a chunk of its own a thousand times what
it costs in company."""

WRITE_TIMEOUT = 60.0
"""Seconds that one write may wait for a peer that does not read."""

LINGER = 2.0
"""Seconds that a refused peer is given to read why."""

FAREWELL_TIMEOUT = 2.0
"""Seconds after the grace in which what is left is settled and its peers are told why it ends."""

FAREWELL_TICK = 0.05
"""Seconds between two looks, then, at who has finished a write."""


@attrs.define
class Request:
    """A request, read wholly.

    `path` is decoded, save for `%2F`, and has no query; `headers` have lower-case names, the last
    of a repeated one standing for all; `peer` is the address of whoever asks, empty where there is
    none.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    body: bytes
    peer: str = ""


@attrs.define
class Response:
    """What to answer. `keep_alive` is written into a stream that has been silent."""

    status: int
    headers: Headers
    body: bytes | AsyncIterator[bytes]
    keep_alive: bytes = b""


class Instead(Exception):
    """A stream failed before its first item: send *response* in its place.

    `in_band` is what to write where the head has left already.
    """

    def __init__(self, response: Response, in_band: bytes) -> None:
        super().__init__(response.status)
        self.response = response
        self.in_band = in_band


class Refusal(Exception):
    """An answer of HTTP's own, such as 415, in place of what was being made."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response
