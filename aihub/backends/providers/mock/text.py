"""Text worth reading: short, plausible, and a function of (seed, request) alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import sha256

from ....model.chat import Chat
from .choosing import Chooser

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
    asked = asked_last(chat)
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


class Subject:
    """What a conversation is about: the words, names and numbers of its last user message.

    It is the `Wording` of what the mock writes.
    """

    __slots__ = ("_head", "_names", "_words", "numbers")

    def __init__(self, asked: str) -> None:
        self._head = head = asked[:HEAD]
        words: tuple[str, ...] = tuple(
            dict.fromkeys(w for w in _WORD.findall(head) if w.lower() not in _STOP)
        )
        self._words = words or ("example", "answer", "detail")
        self._names: tuple[str, ...] = tuple(dict.fromkeys(_NAME.findall(head)))
        self.numbers = tuple(float(n) if "." in n else int(n) for n in _NUMBER.findall(head))

    @classmethod
    def of(cls, chat: Chat) -> Subject:
        """Return what *chat* is about."""
        return cls(asked_last(chat))

    def mentions(self, text: str) -> bool:
        """Say whether the prompt has *text* as a word or words, however it is capitalised."""
        found = re.search(rf"(?<!\w){re.escape(text)}(?!\w)", self._head, re.IGNORECASE)
        return bool(text) and found is not None

    def word(self, chooser: Chooser) -> str:
        """Return one word."""
        return chooser.pick(self._words)

    def name(self, chooser: Chooser) -> str:
        """Return what the prompt writes as a proper name (`Paris`), else a word capitalised."""
        return chooser.pick(self._names) if self._names else self.word(chooser).capitalize()

    def phrase(self, chooser: Chooser) -> str:
        """Return a few words without a full stop, as a title has."""
        return f"{self.word(chooser)} {self.word(chooser)}".capitalize()

    def sentence(self, chooser: Chooser) -> str:
        """Return a whole sentence."""
        template = chooser.pick(_BODY)
        return template.format(topic=self.word(chooser), other=self.word(chooser))


def asked_last(chat: Chat) -> str:
    """Return the text of the last user message; empty where there is none."""
    return next((one.text for one in reversed(chat.messages) if one.role == "user"), "")


# Not at the beginning of a sentence, where every word is written so.
_NAME = re.compile(r"(?<=[^\W_][ ,])\s?([A-Z][^\W\d_]+(?: [A-Z][^\W\d_]+)*)")
_NUMBER = re.compile(r"(?<![\w.])-?\d{1,9}(?:\.\d{1,6})?(?![\w]|\.\d)")
