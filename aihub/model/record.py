"""Answers that are kept: what was asked, what came, and what their owner notes of them."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .chat import KeptKind, Message
from .events import Completion
from .units import DAY, Json, Micros

KEPT: Micros = 30 * DAY
"""How long an answer is kept that was asked to be: OpenAI keeps them as long."""


@attrs.frozen(kw_only=True)
class Record:
    """An answer that an account keeps.

    `messages` are those of the request, without its session's history; `data` is what a dialect
    notes of the request besides. `answer` is None while it is worked on. `request` is the ledger's
    id. Where the answer is a turn of a session, `session` and `turn` say which.
    """

    id: str
    account: str
    kind: KeptKind
    created: Micros
    model: str
    request: str
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    messages: tuple[Message, ...] = ()
    answer: Completion | None = None
    data: Json = None
    session: str | None = None
    turn: int | None = None
