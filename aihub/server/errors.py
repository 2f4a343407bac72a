"""Errors on the wire: whole answers that say what went wrong, in the dialect that was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ..errors import HubError, UpstreamError
from ..messages import Msg
from .envelopes import OPENAI, Envelope, envelope_at
from .http import Headers, Response
from .languages import ENGLISH, language_of, spoken, translate
from .problems import Problem, framing_problem, http_problem, problem_of

JSON: tuple[bytes, bytes] = (b"content-type", b"application/json")
ATTEMPTS = b"x-aihub-attempts"
ACCEPT_LANGUAGE = b"accept-language"
_VARY = (b"vary", b"accept-language")


def attempts_header(tried: Sequence[tuple[str, str]]) -> tuple[bytes, bytes]:
    """Tell each attempt, its deployment and what came of it: a list by RFC 9651.

    >>> attempts_header([("a/gpt-4", "upstream_timeout"), ("b/gpt-4", "ok")])[1]
    b'"a/gpt-4";outcome=upstream_timeout, "b/gpt-4";outcome=ok'
    """
    told = [f'"{_quoted(where)}";outcome={came}' for where, came in tried]
    return ATTEMPTS, ", ".join(told).encode("ascii", "replace")


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def problem_response(
    problem: Problem,
    id: str,
    envelope: Envelope = OPENAI,
    headers: Headers | None = None,
    *,
    language: str = ENGLISH,
) -> Response:
    """Return the whole answer that says *problem* about the request *id*, in a language.

    It names the language; but of a text that is somebody else's, such as a provider's, none.
    """
    told: Headers = [JSON, *(headers or [])]
    if isinstance(problem.message, Msg):
        language = spoken(language)
        told += [(b"content-language", language.encode()), _VARY]
        problem = attrs.evolve(problem, message=translate(problem.message, language))
    if problem.retry_after is not None:
        told.append((b"retry-after", b"%d" % problem.retry_after))
    if not problem.retry:
        # The SDKs, which retry each 409 and 429, obey this header.
        told.append((b"x-should-retry", b"false"))
    return Response(envelope.status(problem), told, envelope.write(problem, id))


def error_response(
    error: HubError, id: str = "", envelope: Envelope = OPENAI, *, language: str = ENGLISH
) -> Response:
    """Return the whole answer to an error."""
    tried = error.tried if isinstance(error, UpstreamError) else ()
    headers = [attempts_header(tried)] if tried else None
    return problem_response(problem_of(error), id, envelope, headers, language=language)


def plain_error(
    status: int,
    message: str,
    *,
    code: str,
    id: str = "",
    envelope: Envelope = OPENAI,
    headers: Headers | None = None,
    language: str = ENGLISH,
) -> Response:
    """Return an error of HTTP's own."""
    problem = http_problem(status, message, code=code)
    return problem_response(problem, id, envelope, headers, language=language)


def framing_error(
    status: int,
    id: str,
    why: str | None = None,
    *,
    path: str = "",
    headers: Mapping[bytes, bytes] | None = None,
) -> Response:
    """Return the answer to bytes that are no request; a driver sends it and closes.

    Args:
        status: what is wrong.
        id: the request's.
        why: a message in place of the status's own.
        path: what was asked, where that could be read: it says in which dialect to answer.
        headers: the request's, likewise.
    """
    envelope = envelope_at(path, headers or {})
    told: Headers = [(b"connection", b"close"), (b"x-request-id", id.encode())]
    if envelope.id_header is not None:
        told.append((envelope.id_header, id.encode()))
    language = language_of((headers or {}).get(ACCEPT_LANGUAGE))
    return problem_response(framing_problem(status, why), id, envelope, told, language=language)


def describe(error: UpstreamError) -> str:
    """Say for a log what a provider did, and what was tried before.

    >>> from aihub.errors import UpstreamTimeout
    >>> describe(UpstreamTimeout("Too slow.", provider="up"))
    'upstream_timeout from up: Too slow.'
    """
    told = f"{error.code} from {error.provider}" if error.provider else error.code
    text = f"{told}: {' '.join([error.message, *getattr(error, '__notes__', ())])}"
    if len(error.tried) > 1:
        tried = ", ".join(f"{where} {came}" for where, came in error.tried)
        text += f" (tried: {tried})"
    return text.replace("\n", " ")
