"""Server-sent events, as the HTML standard frames them (section 9.2)."""

from __future__ import annotations

KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: clients skip it, and proxies see that the connection lives."""

DONE = b"data: [DONE]\n\n"
"""How OpenAI's streams say that they are complete."""


def event(data: bytes) -> bytes:
    """Frame one line of JSON as an event without a name."""
    return b"data: " + data + b"\n\n"
