"""Bedrock's exceptions, read: by name where it is known, else by the answer's status."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import UpstreamError
from ..failures import failure
from ..reading import Unreadable, field, json_of
from .words import STATUSES

_CREDENTIALS = frozenset(
    {
        "ExpiredTokenException",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationTokenException",
        "RequestExpired",
        "UnrecognizedClientException",
    }
)
"""Exceptions of AWS's door, before any service: some have a status as if the caller were wrong."""


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Read an answer with a status of 400 or more.

    The exception's name is in a header, or in the body; there may be an address behind it, or a
    namespace before it.
    """
    kind = headers.get("x-amzn-errortype", "")
    text = ""
    try:
        told = json_of(body)
        kind = kind or field(told, "__type", str, "")
        # A gateway before the service writes it large.
        text = field(told, "message", str, "") or field(told, "Message", str, "")
    except Unreadable:
        pass
    kind = kind.partition(":")[0].rpartition("#")[2]
    status = 401 if kind in _CREDENTIALS else STATUSES.get(kind, status)
    return failure(status, headers, text, code=kind or None)


def told_error(kind: str, body: bytes) -> UpstreamError:
    """Read an exception in a stream as the answer that it would have been; its name is small."""
    return error_of(500, {"x-amzn-errortype": kind[:1].upper() + kind[1:]}, body)
