"""Requests that come twice: what a repetition is told, and how an answer is said again."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Conflict, InvalidRequest
from ..messages import Msg
from ..model.events import (
    Choice,
    Completion,
    Event,
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolDelta,
    Unknown,
)
from ..model.ledger import Repeated
from .asks import check_text

MAX_IDEMPOTENCY_KEY = 255
"""Bytes of an idempotency key: room for any identifier, and none for a document."""


def check_key(key: str) -> None:
    """Refuse an idempotency key that is none.

    Raises:
        InvalidRequest: it is empty or too long.
    """
    check_text(key, "Idempotency-Key")
    if not 1 <= len(key.encode()) <= MAX_IDEMPOTENCY_KEY:
        raise InvalidRequest(
            Msg("'Idempotency-Key' must have 1 to {most} bytes.", most=MAX_IDEMPOTENCY_KEY),
            param="Idempotency-Key",
        )


def check_repetition(repeated: Repeated) -> None:
    """Refuse a repetition that has no answer to be told, or not yet.

    Raises:
        Conflict: it is another request (`idempotency_mismatch`), or in progress
            (`request_in_progress`).
    """
    if not repeated.same:
        raise Conflict(
            Msg("The idempotency key was used for another request."),
            code="idempotency_mismatch",
            param="Idempotency-Key",
        )
    if repeated.state == "open":
        raise Conflict(
            Msg("The request with this idempotency key is in progress."),
            code="request_in_progress",
            param="Idempotency-Key",
        )


def already_processed(repeated: Repeated) -> Conflict:
    """Say that a request ended well, and that its answer was not kept."""
    return Conflict(
        Msg(
            "The request with this idempotency key was answered as {request}; the answer "
            "is no longer kept.",
            request=repeated.request,
        ),
        code="already_processed",
        param="Idempotency-Key",
    )


def events(done: Completion) -> Iterator[Event]:
    """Say a whole answer again as events, each choice in one piece."""
    yield Started(model=done.served_model, fingerprint=done.fingerprint, dialect=done.dialect)
    if done.extra:
        yield Unknown(done.extra)
    for choice in done.choices:
        yield from _reasoning(choice)
        if choice.refusal is not None:
            yield Refusal(choice.refusal, choice.index)
        if choice.text is not None:
            yield Text(choice.text, choice.index, logprobs=choice.logprobs)
        for position, call in enumerate(choice.tool_calls):
            yield ToolDelta(
                position,
                call.id,
                call.name,
                call.arguments,
                choice.index,
                type=call.type,
                signature=call.signature,
            )
        if choice.extra:
            yield Unknown(choice.extra, index=choice.index)
        yield Finished(choice.finish_reason, choice.index, native=choice.native, stop=choice.stop)


def _reasoning(choice: Choice) -> Iterator[Event]:
    """Say the signed pieces one by one, and what is left of the text."""
    told = 0
    for one in choice.thoughts:
        told += len(one.text)
        yield Reasoning(one.text, choice.index, signature=one.signature, redacted=one.redacted)
    rest = (choice.reasoning or "")[told:]
    if rest:
        yield Reasoning(rest, choice.index)
