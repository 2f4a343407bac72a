"""Errors on the wire: a status, a type, and always the same four fields.

The table has a row for every class of `aihub.errors`; a test fails when one is added without.
"""

from __future__ import annotations

from collections.abc import Sequence

import orjson

from ..errors import (
    AuthenticationFailed,
    BudgetExceeded,
    CallerError,
    Conflict,
    ContextLengthExceeded,
    HubClosed,
    HubError,
    InvalidRequest,
    ModelNotFound,
    NoDeployment,
    NotFound,
    NotPermitted,
    OverLimit,
    Overloaded,
    PermissionDenied,
    RegionUnavailable,
    RequestExceedsPlan,
    SettlementFailed,
    StorageError,
    StoreTooNew,
    StoreUnavailable,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UsageMistake,
)
from ..model.units import Json
from .http import Headers, Response

STATUS: dict[type[HubError], tuple[int, str]] = {
    HubError: (500, "api_error"),
    CallerError: (400, "invalid_request_error"),
    InvalidRequest: (400, "invalid_request_error"),
    ModelNotFound: (400, "invalid_request_error"),
    RequestExceedsPlan: (400, "invalid_request_error"),
    ContextLengthExceeded: (400, "invalid_request_error"),
    AuthenticationFailed: (401, "authentication_error"),
    PermissionDenied: (403, "permission_error"),
    NotPermitted: (403, "permission_error"),
    NotFound: (404, "invalid_request_error"),
    Conflict: (409, "invalid_request_error"),
    OverLimit: (429, "rate_limit_exceeded"),
    BudgetExceeded: (429, "rate_limit_exceeded"),
    UpstreamError: (502, "model_error"),
    UpstreamRefused: (400, "model_error"),
    UpstreamLimited: (429, "rate_limit_error"),
    UpstreamTimeout: (504, "model_error"),
    UpstreamFailed: (502, "model_error"),
    UpstreamCut: (502, "model_error"),
    NoDeployment: (503, "api_error"),
    RegionUnavailable: (503, "api_error"),
    StorageError: (503, "api_error"),
    StoreUnavailable: (503, "api_error"),
    SettlementFailed: (503, "api_error"),
    StoreTooNew: (503, "api_error"),
    Overloaded: (503, "api_error"),
    HubClosed: (503, "api_error"),
    UsageMistake: (500, "api_error"),
}

JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
RETRY_SOON = 1
"""Seconds after which a hub that was too busy may be asked again."""


def error_object(error: HubError) -> dict[str, Json]:
    """Return the body of an error."""
    _, kind = STATUS[type(error)]
    fields: dict[str, Json] = {
        "message": error.message,
        "type": kind,
        "param": getattr(error, "param", None),
        "code": error.code,
    }
    if STATUS[type(error)][0] == 429:  # noqa: PLR2004 - as the API document has it
        fields["retry_after"] = getattr(error, "retry_after", None)
    return {"error": fields}


ATTEMPTS = b"x-aihub-attempts"


def attempts_header(tried: Sequence[tuple[str, str]]) -> tuple[bytes, bytes]:
    """Tell each attempt, its deployment and what came of it: a list by RFC 9651.

    >>> attempts_header([("a/gpt-4", "upstream_timeout"), ("b/gpt-4", "ok")])[1]
    b'"a/gpt-4";outcome=upstream_timeout, "b/gpt-4";outcome=ok'
    """
    told = [f'"{_quoted(where)}";outcome={came}' for where, came in tried]
    return ATTEMPTS, ", ".join(told).encode("ascii", "replace")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def error_response(error: HubError) -> Response:
    """Return the whole answer to an error."""
    status, _ = STATUS[type(error)]
    headers: Headers = [JSON]
    after = getattr(error, "retry_after", None)
    if after is None and isinstance(error, Overloaded | HubClosed):
        after = RETRY_SOON
    if isinstance(error, UpstreamError) and error.tried:
        headers.append(attempts_header(error.tried))
    if after is not None:
        headers.append((b"retry-after", b"%d" % after))
    if isinstance(error, BudgetExceeded) or (
        isinstance(error, Conflict) and error.code != "request_in_progress"
    ):
        # Retrying cannot help before the budget renews, or what is in the way has gone; the SDKs,
        # which retry each 409 and 429, obey this header.
        headers.append((b"x-should-retry", b"false"))
    return Response(status, headers, orjson.dumps(error_object(error)))


def describe(error: UpstreamError) -> str:
    """Say for a log what a provider did, and what was tried before.

    >>> describe(UpstreamTimeout("Too slow.", provider="up"))
    'upstream_timeout from up: Too slow.'
    """
    told = f"{error.code} from {error.provider}" if error.provider else error.code
    text = f"{told}: {' '.join([error.message, *getattr(error, '__notes__', ())])}"
    if len(error.tried) > 1:
        tried = ", ".join(f"{where} {came}" for where, came in error.tried)
        text += f" (tried: {tried})"
    return text.replace("\n", " ")


def plain_error(
    status: int, message: str, *, code: str, headers: Headers | None = None
) -> Response:
    """Return an error of HTTP's own, in the same four fields."""
    kind = "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's own
    fields = {"message": message, "type": kind, "param": None, "code": code}
    return Response(status, [JSON, *(headers or [])], orjson.dumps({"error": fields}))


_FRAMING = {
    400: ("The request is not valid HTTP.", "bad_request"),
    408: ("The request took too long to arrive.", "request_timeout"),
    413: ("The body is larger than this server takes.", "body_too_large"),
    431: ("The request's head is too large.", "head_too_large"),
    503: ("Too many connections are open.", "too_many_connections"),
    505: ("This version of HTTP is not supported.", "http_version_not_supported"),
    501: ("This transfer encoding is not supported.", "not_implemented"),
}


def framing_error(status: int, id: str, why: str | None = None) -> Response:
    """Return the answer to bytes that are no request; a driver sends it and closes."""
    message, code = _FRAMING.get(status, _FRAMING[400])
    message = why or message
    headers = [(b"connection", b"close"), (b"x-request-id", id.encode())]
    if status == 503:  # noqa: PLR2004 - HTTP's own
        headers.append((b"retry-after", b"%d" % RETRY_SOON))
    return plain_error(status, message, code=code, headers=headers)
