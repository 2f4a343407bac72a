"""One call from its first try to its end: what is sent, what comes of it, what is tried again.

Theory of operation. A client hands each outcome of a try to the call's `Talk`, which waits for
nothing and reads no clock but the one that it was given: an answer becomes a value, `Again` after
some seconds, or an error. So both clients do the same, and a test needs neither a server nor time.

A try that nothing came of is made again at once or never harmful: see `jobs`. How long to wait is
drawn anew from nothing to a bound that doubles (full jitter), so that clients which failed together
do not come back together; what the server asks for is waited besides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import attrs
import orjson

from ..dialects.failures import retry_after
from ..errors import UpstreamError
from ..model.units import SECOND, Json, to_datetime
from ..model.upstream import UpstreamRequest
from ..protocols import Clock
from . import errors
from .jobs import Job
from .reading import WrongShape, read
from .settings import ClientSettings
from .values import RateLimit

T = TypeVar("T")

BASE_WAIT = 0.5
"""Seconds that the wait before the first repetition is drawn from."""

LONGEST_WAIT = 8.0
"""What that bound does not double beyond."""

PATIENCE = 60
"""Seconds of a `Retry-After` that are waited: a window of the server's is full no longer."""

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, streams too: long ones have a few MiB."""

MAX_TEXT = 500
"""Characters of an error's body that is not JSON which are kept."""

USER_AGENT = "aihub-python"

_COUNT = re.compile(r"\d{1,15}", re.ASCII)
_EVENTS = "text/event-stream"
_BY_STATUS: Mapping[int, type[errors.APIStatusError]] = {
    400: errors.BadRequestError,
    401: errors.AuthenticationError,
    403: errors.PermissionDeniedError,
    404: errors.NotFoundError,
    409: errors.ConflictError,
    429: errors.RateLimitError,
    503: errors.ServiceUnavailableError,
}
_FAULTS = 500
_OK = range(200, 300)

# Of these nothing came, whatever was asked.
_UNASKED = frozenset({"pool_timeout", "connect_timeout", "connect_failed"})
_LOST = frozenset({"first_byte_timeout", "idle_timeout", "connection_lost", "broken_body"})

_WHY: Mapping[str, str] = {
    "pool_timeout": "no connection was free within {pool:g} s",
    "connect_timeout": "no connection was made within {connect:g} s",
    "first_byte_timeout": "no answer began within {first_byte:g} s",
    "idle_timeout": "the answer paused for more than {idle:g} s",
    "total_timeout": "the call took more than {total:g} s",
    "connect_failed": "it cannot be reached",
    "tls_failed": "no secure connection can be made",
    "connection_lost": "the connection was lost",
    "broken_body": "the answer breaks its own framing",
    "not_http": "what came is no HTTP",
    "head_too_large": "the head of the answer is too large",
    "unknown_coding": "the answer has a content coding that nobody asked for",
}


@attrs.frozen
class Again:
    """Wait so many seconds, then try again."""

    seconds: float


@attrs.frozen(kw_only=True)
class Head:
    """The beginning of an answer; names of headers are small."""

    status: int
    headers: Mapping[str, str]

    @property
    def is_good(self) -> bool:
        """Whether it is no error."""
        return self.status in _OK

    @property
    def is_stream(self) -> bool:
        """Whether events follow."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower() == _EVENTS

    @property
    def request_id(self) -> str | None:
        """By which the server knows the request."""
        return self.headers.get("x-request-id")


class Talk(Generic[T]):
    """One call.

    Args:
        job: what is asked.
        settings: the client's.
        clock: what time it is.
        chance: a number from 0 to 1, drawn anew at each call.
        name: the call's name, for a job that goes under one and was not given any.
    """

    def __init__(
        self,
        job: Job[T],
        settings: ClientSettings,
        *,
        clock: Clock,
        chance: Callable[[], float],
        name: str,
    ) -> None:
        self._job = job
        self._settings = settings
        self._clock = clock
        self._chance = chance
        self._again = 0
        self._ends = clock.now() + round(settings.timeouts.total * SECOND)
        self._request = make_request(job, settings, job.name or name)

    def request(self) -> UpstreamRequest:
        """Return what to send now, within what is left of the time."""
        left = max(self._ends - self._clock.now(), 1) / SECOND
        return attrs.evolve(
            self._request, timeouts=attrs.evolve(self._settings.timeouts, total=left)
        )

    def lost(self, error: UpstreamError) -> Again:
        """Say when to ask again after a try without an answer.

        Raises:
            APIConnectionError: not at all.
        """
        told = lost(error, self._settings)
        repeats = error.code in _UNASKED or (error.code in _LOST and self._job.repeats)
        return self._wait(told, repeats=repeats)

    def answered(self, head: Head, body: bytes) -> T | Again:
        """Return the answer, or say when to ask again.

        Raises:
            APIStatusError: the answer is an error.
            MalformedResponseError: it is not what was asked for.
        """
        if head.is_good:
            if self._job.streams:
                raise malformed("it is no stream of events", head, body)
            try:
                return read(self._job.kind, body)
            except WrongShape as error:
                raise malformed(str(error), head, body) from None
        now = to_datetime(self._clock.now())
        told = status_error(head, body, now.strftime("%a, %d %b %Y %H:%M:%S GMT"))
        return self._wait(told, repeats=_is_passing(told, head, repeats=self._job.repeats))

    def _wait(self, error: errors.AIHubError, *, repeats: bool) -> Again:
        """Say how long to wait, or raise *error* where nothing comes of it."""
        asked = error.retry_after or 0
        if not repeats or self._again >= self._settings.max_retries or asked > PATIENCE:
            raise error
        seconds = asked + self._chance() * min(LONGEST_WAIT, BASE_WAIT * 2**self._again)
        if self._clock.now() + seconds * SECOND >= self._ends:
            raise error
        self._again += 1
        return Again(seconds)


def make_request(job: Job[T], settings: ClientSettings, name: str) -> UpstreamRequest:
    """Write a request.

    Raises:
        ConfigurationError: the body has what JSON has not, or the name is none.
    """
    ask = job.ask
    path = "/".join(quote(part, safe="") for part in ask.path)
    query = f"?{urlencode(ask.query, quote_via=quote)}" if ask.query else ""
    headers = [
        ("authorization", f"Bearer {settings.api_key}"),
        ("accept", _EVENTS if job.streams else "application/json"),
        *settings.headers,
    ]
    if "user-agent" not in dict(settings.headers):
        headers.append(("user-agent", USER_AGENT))
    if job.is_named:
        headers.append(("idempotency-key", _checked(name)))
    body = b""
    if ask.body is not None:
        headers.append(("content-type", "application/json"))
        body = _written(ask.body)
    return UpstreamRequest(
        method=ask.method,
        url=f"{settings.base_url}/{path}{query}",
        headers=tuple(headers),
        body=body,
    )


def _checked(name: str) -> str:
    if not (name.isascii() and name.isprintable() and name == name.strip() and name):
        raise errors.ConfigurationError("idempotency_key: use printable ASCII, 1 to 255 bytes.")
    return name


def _written(body: Mapping[str, Json]) -> bytes:
    try:
        return orjson.dumps(dict(body))
    except TypeError as error:
        raise errors.ConfigurationError(f"the request cannot be written as JSON: {error}") from None


def gather(body: bytearray, piece: bytes, head: Head) -> None:
    """Add a piece of an answer within our bounds.

    Raises:
        MalformedResponseError: it is beyond them.
    """
    body += piece
    if len(body) > MAX_ANSWER:
        raise malformed(f"it has more than {MAX_ANSWER} bytes", head, b"")


def rate_limit(headers: Mapping[str, str]) -> RateLimit | None:
    """Read how the limit stands; None where the answer does not say."""
    told = [headers.get(f"x-ratelimit-{name}", "") for name in ("limit", "remaining", "reset")]
    if not all(_COUNT.fullmatch(one) for one in told):
        return None
    limit, remaining, reset = map(int, told)
    return RateLimit(limit=limit, remaining=remaining, reset=reset)


# What went wrong


def lost(error: UpstreamError, settings: ClientSettings) -> errors.APIConnectionError:
    """Say that there is no answer, and why."""
    why = _WHY.get(error.code, "it did not answer").format(**attrs.asdict(settings.timeouts))
    note = "".join(f": {one}" for one in getattr(error, "__notes__", ()))
    text = f"{settings.base_url}: {why}{note}."
    if error.code.endswith("_timeout"):
        return errors.APITimeoutError(text, phase=error.code.removesuffix("_timeout"))
    return errors.APIConnectionError(text, code=error.code)


def malformed(why: str, head: Head, body: bytes) -> errors.MalformedResponseError:
    """Say that an answer is none."""
    return errors.MalformedResponseError(
        f"The answer with status {head.status} is not one of AI Hub's: {why}. "
        "Is the base URL right?",
        status=head.status,
        request_id=head.request_id,
        body=_text(body),
    )


def status_error(head: Head, body: bytes, now: str) -> errors.APIStatusError:
    """Make the error of an answer; *now* stands in where it has no date of its own."""
    try:
        whole = orjson.loads(body)
    except ValueError:
        whole = _text(body)
    told = whole.get("error") if isinstance(whole, dict) else None
    told = told if isinstance(told, dict) else {}
    message, code = _field(told, "message"), _field(told, "code")
    return _class(head.status, code)(
        message or f"The server answered with status {head.status}, and did not say why.",
        status=head.status,
        type=_field(told, "type"),
        code=code,
        param=_field(told, "param"),
        request_id=head.request_id,
        retry_after=retry_after({"date": now, **head.headers}) or _seconds(told),
        body=whole,
    )


def _class(status: int, code: str | None) -> type[errors.APIStatusError]:
    if status == 429 and code == "budget_exceeded":  # noqa: PLR2004 - HTTP's own
        return errors.BudgetExceededError
    usual = errors.InternalServerError if status >= _FAULTS else errors.APIStatusError
    return _BY_STATUS.get(status, usual)


def _is_passing(error: errors.APIStatusError, head: Head, *, repeats: bool) -> bool:
    """Say whether to ask again: as the server says, and where it does not, by the status."""
    said = head.headers.get("x-should-retry")
    if said in {"true", "false"}:
        return said == "true"
    if isinstance(error, errors.ConflictError):
        return error.code == "request_in_progress"
    if isinstance(error, errors.RateLimitError):
        return not isinstance(error, errors.BudgetExceededError)
    if isinstance(error, errors.ServiceUnavailableError) and error.retry_after is not None:
        return True
    return error.status == 408 or (repeats and head.status >= _FAULTS)  # noqa: PLR2004 - HTTP's own


def _field(told: Mapping[str, Json], name: str) -> str | None:
    value = told.get(name)
    return value if isinstance(value, str) else None


def _seconds(told: Mapping[str, Json]) -> int | None:
    value = told.get("retry_after")
    return value if type(value) is int and value >= 0 else None


def _text(body: bytes) -> str:
    return body[: 4 * MAX_TEXT].decode(errors="replace")[:MAX_TEXT]
