"""What each call asks, and what its answer is: the same for both clients.

A job may be asked again where nothing can come of that twice: reading, changing and erasing; and a
chat, whose `Idempotency-Key` the server knows again. To make a session or a key is to make another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Generic, TypeAlias, TypeVar

import attrs

from ..model.units import Json
from .desk import Ask
from .errors import ConfigurationError
from .values import (
    ChatCompletion,
    Ended,
    Key,
    ListOf,
    Model,
    Session,
    UsageReport,
)

T = TypeVar("T")
Lister: TypeAlias = Callable[[Mapping[str, Any]], "Job[ListOf[T]]"]


@attrs.frozen(kw_only=True)
class Job(Generic[T]):
    """A call: what is asked, what the answer is, and whether it may be asked again.

    Where `is_named` it goes under a name of its own, by which the server knows it again.
    """

    ask: Ask
    kind: type[T]
    repeats: bool = True
    is_named: bool = False
    name: str | None = None
    streams: bool = False


def job(
    method: str,
    *path: str,
    kind: type[T],
    query: Mapping[str, object] | None = None,
    body: Mapping[str, Json] | None = None,
) -> Job[T]:
    """Make a job of what is asked.

    Raises:
        ConfigurationError: an id in the path is empty or made of dots.
    """
    given = {name: str(value) for name, value in (query or {}).items() if value is not None}
    try:
        ask = Ask(method, path, given, body)
    except ValueError as error:
        raise ConfigurationError(f"{error}.") from None
    return Job(ask=ask, kind=kind, repeats=method != "POST")


def chat(
    messages: Sequence[Mapping[str, Json]],
    fields: Mapping[str, Any],
    *,
    model: str | None,
    stream: bool,
    extra_body: Mapping[str, Json] | None,
    idempotency_key: str | None,
) -> Job[ChatCompletion]:
    """Ask for an answer to a chat."""
    if isinstance(messages, str | Mapping):
        raise ConfigurationError('messages: give a list, as [{"role": "user", "content": "..."}].')
    if "stream" in (extra_body or ()):
        raise ConfigurationError("extra_body: stream is an argument of its own.")
    # A session has a model of its own.
    named = {} if model is None else {"model": model}
    body = {**named, "messages": list(messages), **fields, **(extra_body or {}), "stream": stream}
    return Job(
        ask=Ask("POST", ("chat", "completions"), {}, body),
        kind=ChatCompletion,
        is_named=True,
        name=idempotency_key,
        streams=stream,
    )


def next_query(query: Mapping[str, Any], page: ListOf[Any]) -> dict[str, Any] | None:
    """Say what to ask for the page behind *page*; None where it is the last.

    A server that gives an empty page, or none further on, would be asked for ever.
    """
    if not page.has_more or not page.data or page.last_id in {None, query.get("after")}:
        return None
    return {**query, "after": page.last_id}


# Models and usage


def list_models(query: Mapping[str, Any]) -> Job[ListOf[Model]]:
    """Ask for all models."""
    return job("GET", "models", kind=ListOf[Model], query=query)


def retrieve_model(model: str) -> Job[Model]:
    """Ask for one model."""
    return job("GET", "models", model, kind=Model)


def get_usage(
    start: str | datetime | None,
    end: str | datetime | None,
    group_by: str | None,
    account: str | None,
) -> Job[UsageReport]:
    """Ask what was used."""
    query = {
        "start": _instant("start", start),
        "end": _instant("end", end),
        "group_by": group_by,
        "account": account,
    }
    return job("GET", "usage", kind=UsageReport, query=query)


def _instant(name: str, given: str | datetime | None) -> str | None:
    if not isinstance(given, datetime):
        return given
    if given.tzinfo is None:
        raise ConfigurationError(f"{name}: a datetime needs a time zone, such as datetime.UTC.")
    return given.astimezone(UTC).isoformat().replace("+00:00", "Z")


# What has the same five


def make(what: str, kind: type[T], fields: Mapping[str, Any]) -> Job[T]:
    """Ask for a new one."""
    return job("POST", what, kind=kind, body=fields)


def page_of(what: str, kind: type[T]) -> Lister[T]:
    """Return what asks for a page of them."""
    # A type that is made here is one that no checker can see.
    listed: Any = ListOf[kind]  # type: ignore[valid-type]
    return lambda query: job("GET", what, kind=listed, query=query)


def get(what: str, id: str, kind: type[T], account: str | None = None) -> Job[T]:
    """Ask for one; *account* says whose, where it is not the caller's own."""
    return job("GET", what, id, kind=kind, query={"account": account})


def update(
    what: str, id: str, kind: type[T], fields: Mapping[str, Any], account: str | None = None
) -> Job[T]:
    """Ask for a change of one."""
    return job("PUT", what, id, kind=kind, body=fields, query={"account": account})


def end(what: str, id: str, account: str | None = None) -> Job[Ended]:
    """Ask for its end."""
    return job("DELETE", what, id, kind=Ended, query={"account": account})


# And what has more


def get_session(session: str, query: Mapping[str, Any]) -> Job[Session]:
    """Ask for a session and a page of its messages."""
    return job("GET", "sessions", session, kind=Session, query=query)


def fork_session(session: str, fields: Mapping[str, Any]) -> Job[Session]:
    """Ask for a session with the same history."""
    return job("POST", "sessions", session, "fork", kind=Session, body=fields)


def rotate_key(key: str, overlap: int | None, account: str | None) -> Job[Key]:
    """Ask for a key that takes over from one."""
    body = {} if overlap is None else {"overlap": overlap}
    query = {"account": account}
    return job("POST", "keys", key, "rotate", kind=Key, body=body, query=query)
