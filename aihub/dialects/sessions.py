"""Sessions on the wire: bodies decoded, objects and pages encoded.

The API document names title, model and system prompt; the rest is in `docs/reference/http.md`.
Bodies are read strictly: a field that there is not is refused, and nothing is coerced.
"""

from __future__ import annotations

from typing import Any

import orjson

from ..model.session import CONTEXT_POLICIES, MAX_SYSTEM_PROMPT, MAX_TITLE, Session, Turn
from ..model.units import SECOND, Json, format_usd
from .fields import integer, one_of, pairs, text_of
from .objects import nullable, read_object
from .openai_chat import MAX_MODEL, message_object
from .queries import Page, read_page

_TITLE = nullable(text_of(0, MAX_TITLE))
NEW_SESSION = {
    "title": _TITLE,
    "model": nullable(text_of(1, MAX_MODEL)),
    "system_prompt": nullable(text_of(0, MAX_SYSTEM_PROMPT)),
    "context_policy": one_of(frozenset(CONTEXT_POLICIES)),
    "metadata": pairs,
}
SESSION_CHANGE = {**NEW_SESSION, "version": integer(1)}
FORK = {"turn": integer(0), "title": _TITLE, "metadata": pairs}
ORDER = {"order": one_of(frozenset({"asc", "desc"}))}


def read_new_session(body: bytes) -> dict[str, Any]:
    """Read what a new session says of itself; an empty body says nothing.

    Raises:
        InvalidRequest: fields are wrong or unknown.
    """
    return read_object(body, NEW_SESSION)


def read_session_change(body: bytes) -> dict[str, Any]:
    """Read what is to be changed.

    Raises:
        InvalidRequest: fields are wrong or unknown.
    """
    return read_object(body, SESSION_CHANGE)


def read_fork(body: bytes) -> dict[str, Any]:
    """Read where to fork; an empty body forks at the last turn.

    Raises:
        InvalidRequest: fields are wrong or unknown.
    """
    return read_object(body, FORK)


def read_messages_page(query: str) -> tuple[Page, bool]:
    """Return which messages are asked, and whether the newest come first.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    page, more = read_page(query, ORDER)
    return page, more.get("order") == "desc"


def session_object(session: Session) -> dict[str, Json]:
    """Write a session; times are epoch seconds, the cost is exact USD."""
    origin = session.origin
    return {
        "id": session.id,
        "object": "session",
        "title": session.title,
        "model": session.model,
        "system_prompt": session.system_prompt,
        "context_policy": session.context_policy,
        "metadata": dict(session.metadata),
        "created": session.created // SECOND,
        "updated": session.updated // SECOND,
        "version": session.version,
        "forked_from": origin and {"session": origin.session, "turn": origin.turn},
        "totals": {
            "turns": session.turns,
            "messages": session.messages,
            "prompt_tokens": session.prompt_tokens,
            "completion_tokens": session.completion_tokens,
            "total_tokens": session.prompt_tokens + session.completion_tokens,
            "cost": orjson.Fragment(format_usd(session.cost)),
        },
    }


def message_objects(turn: Turn) -> list[dict[str, Json]]:
    """Write a turn's messages, each with its place."""
    return [
        {
            **message_object(message),
            "id": f"msg_{turn.number}_{n}",
            "object": "session.message",
            "turn": turn.number,
            "created": turn.at // SECOND,
            "request_id": turn.request,
            "incomplete": turn.incomplete and n == len(turn.messages) - 1,
        }
        for n, message in enumerate(turn.messages)
    ]


def deleted_object(id: str) -> dict[str, Json]:
    """Write that a session is no more."""
    return {"id": id, "object": "session.deleted", "deleted": True}
