"""Text worth reading: short, plausible, and a function of (seed, request) alone.

No randomness of the interpreter's is used: choices come from SHA-256, so that every machine and
every Python version writes the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from ....model.chat import Chat

_GREETING = re.compile(
    r"^\W*(?:hello|hi|hey|good (?:morning|evening|day))\b[\s,]*(.*?)[\s!.?]*$", re.IGNORECASE
)
_LONG = re.compile(r"\b(story|essay|long|detail(?:s|ed)?|article|write)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_STOP = frozenset(
    """
    the and for are you your with what how why who tell about please can could would will this
    that from have has was were give write short long story explain me its into over does did our
    their there here when where which need want like just some any more than also
    """.split()  # noqa: SIM905 - a list of so many is read better so
)

_OPENERS = (
    "Here is a short answer about {topic}.",
    "Let us look at {topic}.",
    "There is a good deal to say about {topic}.",
    "In brief, {topic} comes down to a few points.",
)
_BODY = (
    "The first thing to know about {topic} is where it starts.",
    "Most people meet {topic} for the first time through {other}.",
    "A useful way to think of {topic} is to compare it with {other}.",
    "In practice {topic} depends on {other} more than one expects.",
    "It helps to take {topic} one step at a time.",
    "Small changes to {other} can have large effects on {topic}.",
    "What matters most is that {topic} stays simple to explain.",
    "Once {other} is clear, the rest of {topic} follows.",
    "Experience shows that {topic} rewards a little patience.",
    "If you are unsure, begin with {other} and see how far it takes you.",
)
_CLOSERS = (
    "That is the heart of {topic}.",
    "With that you have a good start on {topic}.",
    "Ask again if you would like to go deeper into {other}.",
)

GREETING = 80
"""Characters: what is longer is a question that begins politely."""

HEAD = 2000
"""Characters in which a prompt says its topic; to read all would cost more than the answer."""

SHORT = (0, 2)
LONG = (12, 18)
"""Sentences in the body: few by default, some 200 tokens where length is asked for."""


class Chooser:
    """Choices from a digest, one after the other."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest
        self._state = int.from_bytes(digest)

    def below(self, bound: int) -> int:
        """Return a number from 0 to *bound* - 1."""
        if self._state < bound << 64:
            self._digest = sha256(self._digest).digest()
            self._state = int.from_bytes(self._digest)
        self._state, choice = divmod(self._state, bound)
        return choice

    def pick(self, options: tuple[str, ...]) -> str:
        """Return one of *options*."""
        return options[self.below(len(options))]


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
    asked = next((one.text for one in reversed(chat.messages) if one.role == "user"), "")
    chooser = Chooser(request_digest(seed, chat, index))
    head = asked[:HEAD]
    # The length first: on long runs of spaces the pattern would look back for seconds.
    greeting = _GREETING.match(head) if index == 0 and len(head) < GREETING else None
    if greeting is not None:
        return _greet(greeting.group(1))
    return " ".join(_sentences(chooser, head))


def _greet(name: str) -> str:
    if not name:
        return "Hello! How can I assist you today?"
    return f"Hello! I'm here to help you with {name}. How can I assist you today?"


def _sentences(chooser: Chooser, asked: str) -> Iterator[str]:
    words = tuple(dict.fromkeys(w for w in _WORD.findall(asked) if w.lower() not in _STOP))
    topic = " ".join(words[:2]) or "your question"
    others = words[2:6] or ("the details", "the context", "an example")
    low, high = LONG if _LONG.search(asked) else SHORT

    def fill(template: str) -> str:
        return template.format(topic=topic, other=chooser.pick(others))

    yield fill(chooser.pick(_OPENERS))
    before = -1
    for _ in range(low + chooser.below(high - low + 1)):
        # Not the same sentence twice running.
        at = chooser.below(len(_BODY) - (before >= 0))
        before = at + 1 if before >= 0 and at >= before else at
        yield fill(_BODY[before])
    yield fill(chooser.pick(_CLOSERS))
