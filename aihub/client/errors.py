"""What can go wrong with a call to a server, by what the caller can do about it.

::

    AIHubError
    ├── ConfigurationError          the client was made with what cannot be
    ├── APIConnectionError          no answer: not reached, or lost on the way
    │   └── APITimeoutError         a phase took longer than it may
    ├── APIStatusError              an answer with an error's status
    │   ├── BadRequestError         400
    │   ├── AuthenticationError     401
    │   ├── PermissionDeniedError   403
    │   ├── NotFoundError           404
    │   ├── ConflictError           409
    │   ├── RateLimitError          429
    │   │   └── BudgetExceededError     and waiting does not help
    │   └── InternalServerError     500 and above
    │       └── ServiceUnavailableError     503
    ├── MalformedResponseError      a good status, and not an answer
    └── StreamError                 a stream that began well
        ├── IncompleteStreamError   and ended without its end marker
        └── FailedStreamError       and ended with an error
"""

from __future__ import annotations

from ..model.units import Json


class AIHubError(Exception):
    """Whatever goes wrong with a call.

    What is not known is None: `status`, `type`, `code` and `param` as the server said them,
    `request_id` by which it can be asked about, `retry_after` in seconds, and `body`, the answer's
    JSON, or the beginning of its text. None of them, and no text, ever has an API key of ours.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        request_id: str | None = None,
        retry_after: int | None = None,
        body: Json = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.type = type
        self.code = code
        self.param = param
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body


class ConfigurationError(AIHubError, ValueError):
    """A client cannot be made of this, or a request cannot be built; nothing was asked."""


class APIConnectionError(AIHubError):
    """There is no answer.

    `code` says why: `connect_failed`, `tls_failed`, `connection_lost`, `broken_body`, `not_http`,
    `head_too_large`, `unknown_coding`.
    """


class APITimeoutError(APIConnectionError):
    """A phase took longer than `Timeouts` allow.

    `phase` is one of their fields: `pool`, `connect`, `first_byte`, `idle`, `total`.
    """

    def __init__(self, message: str, *, phase: str, request_id: str | None = None) -> None:
        super().__init__(message, code=f"{phase}_timeout", request_id=request_id)
        self.phase = phase


class APIStatusError(AIHubError):
    """The answer has an error's status; also that of a redirect, for none is followed."""


class BadRequestError(APIStatusError):
    """400: the request is wrong; `param` names the field."""


class AuthenticationError(APIStatusError):
    """401: the key is wrong, or has ended."""


class PermissionDeniedError(APIStatusError):
    """403: the key may not do this."""


class NotFoundError(APIStatusError):
    """404: there is no such thing, or it is another account's."""


class ConflictError(APIStatusError):
    """409: something is in the way, which `code` names."""


class RateLimitError(APIStatusError):
    """429: a limit is used up; `retry_after` says for how long."""


class BudgetExceededError(RateLimitError):
    """429 with the code `budget_exceeded`: waiting does not help before the budget renews."""


class InternalServerError(APIStatusError):
    """500 and above: the server's fault, or that of a provider behind it."""


class ServiceUnavailableError(InternalServerError):
    """503: the server cannot answer now."""


class MalformedResponseError(AIHubError):
    """A good status with something that is no answer.

    An empty body, a page of HTML, JSON that breaks off, an answer of another shape or beyond all
    bounds, or such a chunk in a stream. Often the base URL leads somewhere else.
    """


class StreamError(AIHubError):
    """A stream began well and did not end so; what came before was right."""


class IncompleteStreamError(StreamError):
    """A stream ended, or its connection did, before its end marker: the answer is not whole."""


class FailedStreamError(StreamError):
    """A stream told an error in its midst, with the `type` and `code` of the server's."""
