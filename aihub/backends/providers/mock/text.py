"""Text worth reading: short, plausible, in the prompt's language, of (seed, request) alone."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

from ....model.chat import Chat
from .choosing import Chooser
from .forms import answer
from .reading import REMEMBERED
from .subject import HEAD
from .subject import Subject as Subject
from .subject import asked_last as asked_last

RESULTS = frozenset({"tool", "function"})
"""Roles of what a tool said."""

MAX_RESULT = 400
"""Characters of results that an answer repeats: enough to see that they arrived."""


def request_digest(seed: int, chat: Chat, index: int) -> bytes:
    """Digest what a text depends on.

    Bounds (`max_tokens`, `stop`) are not in it: they cut the text, they do not change it. Nor is
    `stream`: streamed and whole answers are the same.
    """
    parts = [str(seed), chat.model, str(index), str(chat.seed), str(chat.temperature)]
    for message in chat.messages:
        parts += [message.role, message.name or "", message.text]
    return sha256("\x00".join(parts).encode(errors="surrogatepass")).digest()


def write(seed: int, chat: Chat, index: int) -> str:
    """Write the answer to *chat* for choice *index*."""
    digest = request_digest(seed, chat, index)
    # Choices take turns in how they begin, so that no two do it alike.
    turn = index + (request_digest(seed, chat, 0) if index else digest)[-1]
    if chat.messages and chat.messages[-1].role in RESULTS:
        return _with_results(chat, Chooser(digest))
    verbosity = chat.extra.get("verbosity") if chat.extra else None
    known = verbosity if isinstance(verbosity, str) else None
    return _answer(asked_last(chat)[:HEAD], digest, index, turn, known)


@lru_cache(REMEMBERED)
def _answer(head: str, digest: bytes, index: int, turn: int, verbosity: str | None) -> str:
    """Write what the same request was told before, and will be told again."""
    return answer(Subject(head), Chooser(digest), index, turn, verbosity)


def thoughts_on(subject: Subject, chooser: Chooser) -> str:
    """Write what a model says to itself before it answers: a sentence or three."""
    said = [subject.sentence(chooser) for _ in range(1 + chooser.below(3))]
    return " ".join(dict.fromkeys(said))


def _with_results(chat: Chat, chooser: Chooser) -> str:
    """Repeat what the tools said that were called last."""
    said: list[str] = []
    for message in reversed(chat.messages):
        if message.role not in RESULTS:
            break
        said.append(" ".join(message.text.split()))
    subject = Subject.of(chat)
    language = subject.language
    result = "; ".join([one for one in reversed(said) if one])[:MAX_RESULT]
    more = subject.sentence(chooser)
    return f"{language.found.format(result=result)}\n\n{more}" if result else more
