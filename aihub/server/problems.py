"""What went wrong, before any dialect says it: a status, a type, a text, and what there is to do.

The table has a row for every class of `aihub.errors`; a test fails when one is added without.
"""

from __future__ import annotations

import attrs

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
from ..messages import Msg

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

TOO_MANY = 429
UNAVAILABLE = 503
_OURS = 500
"""Statuses from here on are no fault of the caller's."""

RETRY_SOON = 1
"""Seconds after which a hub that was too busy may be asked again."""


@attrs.frozen(kw_only=True)
class Problem:
    """Something that is wrong.

    `status` and `kind` are those of our own contract; a dialect may have others. `no_model`: it is
    the model's name that is wrong; `busy`: there is nothing wrong but that too much goes on.
    `retry_after` are whole seconds, where waiting helps, `retry` False where asking again cannot.
    """

    status: int
    kind: str
    message: str
    code: str
    param: str | None = None
    retry_after: int | None = None
    retry: bool = True
    no_model: bool = False
    busy: bool = False


def problem_of(error: HubError) -> Problem:
    """Say an error as a problem."""
    status, kind = STATUS[type(error)]
    soon = isinstance(error, Overloaded | HubClosed)
    return Problem(
        status=status,
        kind=kind,
        message=error.message,
        code=error.code,
        param=getattr(error, "param", None),
        retry_after=RETRY_SOON if soon else getattr(error, "retry_after", None),
        # What is in the way must go first, or the budget renew; clients retry each 409 and 429.
        retry=not (
            isinstance(error, BudgetExceeded)
            or (isinstance(error, Conflict) and error.code != "request_in_progress")
        ),
        no_model=isinstance(error, ModelNotFound),
        busy=soon or isinstance(error, NoDeployment),
    )


def http_problem(status: int, message: str, *, code: str) -> Problem:
    """Say a fault of HTTP's own."""
    kind = "api_error" if status >= _OURS else "invalid_request_error"
    return Problem(status=status, kind=kind, message=message, code=code)


_FRAMING = {
    400: (Msg("The request is not valid HTTP."), "bad_request"),
    408: (Msg("The request took too long to arrive."), "request_timeout"),
    413: (Msg("The body is larger than this server takes."), "body_too_large"),
    431: (Msg("The request's head is too large."), "head_too_large"),
    503: (Msg("Too many connections are open."), "too_many_connections"),
    505: (Msg("This version of HTTP is not supported."), "http_version_not_supported"),
    501: (Msg("This transfer encoding is not supported."), "not_implemented"),
}


def framing_problem(status: int, why: str | None = None) -> Problem:
    """Say what is wrong with bytes that are no request."""
    message, code = _FRAMING.get(status, _FRAMING[400])
    after = RETRY_SOON if status == UNAVAILABLE else None
    return attrs.evolve(http_problem(status, why or message, code=code), retry_after=after)
