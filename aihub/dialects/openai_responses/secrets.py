"""What a client carries for us from one request to the next without reading it.

`encrypted_content` is for the client to bring back and for us to understand. What is in it is no
secret of ours: a provider's signature over its reasoning, reasoning that only a provider can read,
or a summary. It says by its first word which, so that another's is known for what it is.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error

from ...model.chat import ReasoningPart
from ...model.units import Json

SIGNED, HIDDEN, SUMMARY = "signed:", "hidden:", "summary:"


def encrypted(part: ReasoningPart) -> str | None:
    """Return what is brought back of a piece of reasoning."""
    if part.redacted is not None:
        return HIDDEN + part.redacted
    return None if part.signature is None else SIGNED + part.signature


def reasoning(item: dict[str, Json]) -> ReasoningPart | None:
    """Read reasoning that is brought back; None where no provider wants it."""
    told = item.get("encrypted_content")
    if told is None:
        return None
    if told.startswith(SIGNED):
        pieces = item.get("content") or item.get("summary") or ()
        text = "".join([one["text"] for one in pieces])
        return ReasoningPart(text, told.removeprefix(SIGNED))
    # Another's is its own business: whoever answers knows its own.
    return ReasoningPart("", redacted=told.removeprefix(HIDDEN))


def signature(item: dict[str, Json]) -> str | None:
    """Return the provider's signature over a call, where one is brought back."""
    told = item.get("encrypted_content")
    return told.removeprefix(SIGNED) if isinstance(told, str) else None


def seal(summary: str) -> str:
    """Return a summary as it is carried."""
    return SUMMARY + urlsafe_b64encode(summary.encode()).decode()


def summary(told: str) -> str | None:
    """Return the summary that is brought back; None where it is another's."""
    if not told.startswith(SUMMARY):
        return None
    try:
        return urlsafe_b64decode(told.removeprefix(SUMMARY)).decode()
    except (Error, ValueError):
        return None
