"""Conversations that are kept: a session, its turns, and what a request adds to it."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from .chat import ContextPolicy as ContextPolicy
from .chat import Message
from .units import Micros, Pico
from .usage import Count

CONTEXT_POLICIES: tuple[ContextPolicy, ...] = ("drop_oldest", "error", "off")
"""What happens to a conversation that outgrows its model: the oldest turns are left out; the
request is refused where prompt and reservation do not fit together; or only the prompt is looked
at, as with any request."""


MAX_TITLE = 256
"""Characters of a session's title: it is shown in a list."""

MAX_SYSTEM_PROMPT = 262_144
"""Characters of a session's prompt: some 60,000 tokens, paid for with every request."""

MAX_METADATA = 16
"""Pairs in a session's metadata; this and the two below are OpenAI's own bounds."""

MAX_METADATA_NAME = 64
"""Characters of the name of a pair."""

MAX_METADATA_VALUE = 512
"""Characters of the value of a pair."""


@attrs.frozen(kw_only=True)
class Origin:
    """Where a forked session comes from: it shares *session*'s history up to *turn*."""

    session: str
    turn: int


@attrs.frozen(kw_only=True)
class Session:
    """A conversation that an account keeps.

    `version` grows by one with each change and each turn. `turns`, `messages`, the tokens and the
    cost (pico-dollars) are sums over the turns, those shared with another session included. One
    that is `held` is the history of answers that are kept: no list has it, and it goes with the
    last of them.
    """

    id: str
    account: str
    created: Micros
    updated: Micros
    title: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    context_policy: ContextPolicy = "drop_oldest"
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    version: int = 1
    origin: Origin | None = None
    turns: int = 0
    messages: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: Pico = 0
    held: bool = False


@attrs.define(kw_only=True)
class NewTurn:
    """What a request adds to a session: what was said, and the answer as the last message.

    `size` is what the messages count as part of a prompt, under the tokenizer *encoding*.
    `incomplete`: the answer broke off.

    `begins` is a session that begins with the turn. With an origin, it does so only where the turn
    does not follow that at once: where the origin's session is held and has as many turns by now,
    the turn is appended to it, else to a fork.
    """

    session: str
    messages: tuple[Message, ...]
    size: Count
    encoding: str
    incomplete: bool = False
    begins: Session | None = None


@attrs.frozen(kw_only=True)
class Turn:
    """One turn as it is kept. `number` counts from 1 within the session, in order of commit."""

    number: int
    request: str
    at: Micros
    messages: tuple[Message, ...]
    size: Count
    encoding: str
    incomplete: bool
    prompt_tokens: int
    completion_tokens: int
    cost: Pico


@attrs.frozen(kw_only=True)
class Conversation:
    """A session as of one moment, with its newest turns, oldest of them first."""

    session: Session
    turns: tuple[Turn, ...]
