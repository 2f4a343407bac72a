"""The forms that an answer takes: a story, a list, a listing, or a few sentences."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

import attrs

from .choosing import Chooser
from .languages import Kind, Language
from .listings import LISTINGS, TONGUES
from .reading import (
    REMEMBERED,
    Reading,
    doubts,
    greeted,
    kind_of,
    read,
    thanked,
    topic_of,
    without_greeting,
)
from .subject import Subject

TERSE = (0, 0)
SHORT = (1, 3)
LONG = (12, 18)
"""Sentences in the body: few by default, some 200 tokens where length is asked for."""

STORY = (7, 10)
"""Sentences between the first and the last of a story, where it need not be long."""

TERSE_STORY = (2, 3)

LEFT_OUT = (1, 3)
"""Sentences that a long story leaves out of all there are, so that not every one is the same."""

STANZA = 4
"""Lines of a stanza."""

MOST_ITEMS = 20
USUAL_ITEMS = 5
"""Lines of a list: at most, whatever number is asked for, and where none is."""

SAID = 2
CLIP = 160
"""Sentences that a summary repeats, and characters of each."""


@attrs.frozen
class Asked:
    """What a prompt asks for; `long` and `doubts` say that length or a yes or no is wanted."""

    reading: Reading
    thanks: bool
    greeted: str | None
    kind: Kind
    topic: str
    others: Sequence[str]
    long: bool
    doubts: bool


@attrs.define
class Draft:
    """What an answer is written from."""

    subject: Subject
    asked: Asked
    chooser: Chooser
    turn: int
    verbosity: str | None = None

    @property
    def bounds(self) -> tuple[int, int]:
        """How many sentences are asked for."""
        if self.verbosity == "high" or self.asked.long:
            return LONG
        if self.verbosity == "low":
            return TERSE
        return STORY if self.asked.kind == "story" else SHORT

    def fill(self, template: str) -> str:
        """Write a sentence."""
        other = self.chooser.pick(self.asked.others or self.subject.language.others)
        return template.format(topic=self.asked.topic, other=other)

    def apt(self, templates: tuple[str, ...]) -> tuple[str, ...]:
        """Return the templates that a prompt without other words can fill."""
        return templates if self.asked.others else _without_others(templates)

    def pick(self, templates: tuple[str, ...]) -> str:
        """Write one of several sentences."""
        return self.fill(self.chooser.pick(self.apt(templates)))

    def begin(self, templates: Sequence[str]) -> str:
        """Write the first sentence, which is another for each choice of an answer."""
        return self.fill(templates[self.turn % len(templates)])

    def count(self, bounds: tuple[int, int]) -> int:
        """Return a number within *bounds*."""
        low, high = bounds
        return low + self.chooser.below(high - low + 1)

    def several(self, templates: Sequence[str], bounds: tuple[int, int]) -> Iterator[str]:
        """Write as many sentences as *bounds* allow, none again before all were said."""
        left: list[str] = []
        for _ in range(self.count(bounds)):
            left = left or list(templates)
            yield self.fill(left.pop(self.chooser.below(len(left))))

    def join(self, sentences: Sequence[str]) -> str:
        """Join sentences to a paragraph."""
        return self.subject.language.gap.join(sentences)


@lru_cache(REMEMBERED)
def _without_others(templates: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([one for one in templates if "{other}" not in one])


def answer(
    subject: Subject, chooser: Chooser, index: int, turn: int, verbosity: str | None = None
) -> str:
    """Write what is said to a prompt.

    Args:
        subject: the prompt.
        chooser: what is left to chance, of this choice.
        index: which choice.
        turn: with which of its beginnings; the next choice has the next.
        verbosity: `low` is terse, `high` is long, where the prompt leaves it open.
    """
    asked, language = _asked(subject.reading.head), subject.language
    if asked.thanks:
        return chooser.pick(language.welcomes)
    if asked.greeted is not None:
        greets = language.named if asked.greeted else language.greets
        return greets[index % len(greets)].format(name=asked.greeted)
    return FORMS[asked.kind](Draft(subject, asked, chooser, turn, verbosity))


@lru_cache(REMEMBERED)
def _asked(head: str) -> Asked:
    whole = read(head)
    reading = without_greeting(whole)
    kind = kind_of(reading)
    topic, others = topic_of(reading, kind, TONGUES if kind == "code" else ())
    long = kind == "essay" or any(word.low in reading.language.long for word in reading.words)
    return Asked(
        reading, thanked(whole), greeted(whole), kind, topic, others, long, doubts(reading)
    )


def _answer(draft: Draft) -> str:
    language = draft.subject.language
    first = language.unsure if draft.asked.doubts else language.openers
    opener = draft.begin(first)
    # What is long has need of all that there is to say.
    bounds = draft.bounds
    templates = language.body if bounds == LONG else draft.apt(language.body)
    body = draft.several(templates, bounds)
    return draft.join([opener, *body, draft.pick(language.closers)])


def _story(draft: Draft) -> str:
    language = draft.subject.language
    plots = draft.apt(language.plots)
    long = draft.bounds == LONG
    usual = TERSE_STORY if draft.bounds == TERSE else STORY
    wanted = len(plots) - draft.count(LEFT_OUT) if long else draft.count(usual)
    wanted = len(plots) if draft.verbosity == "high" else wanted
    left = list(range(len(plots)))
    while len(left) > wanted:
        left.pop(draft.chooser.below(len(left)))
    # What is left out leaves the rest in its order, so that nobody comes home before leaving.
    told = [draft.fill(plots[n]) for n in left]
    return draft.join([draft.begin(language.tales), *told, draft.pick(language.ends)])


def _poem(draft: Draft) -> str:
    """Write one stanza or both, in either order."""
    verses = [draft.fill(one) for one in draft.subject.language.verses]
    first, second = "\n".join(verses[:STANZA]), "\n".join(verses[STANZA:])
    poems = (f"{first}\n\n{second}", f"{second}\n\n{first}", first)
    return poems[draft.turn % len(poems)]


def _list(draft: Draft) -> str:
    items = draft.several(draft.apt(draft.subject.language.items), (_wanted(draft),) * 2)
    numbered = [f"{n}. {item}" for n, item in enumerate(items, 1)]
    return "\n".join([draft.begin(draft.subject.language.lists), *numbered])


def _wanted(draft: Draft) -> int:
    """Return the first number that a list can have lines, in digits or in a word."""
    subject = draft.subject
    for number in subject.numbers:
        if isinstance(number, int) and number > 0:
            return min(number, MOST_ITEMS)
    words = subject.language.numbers
    return next((words[w.low] for w in draft.asked.reading.words if w.low in words), USUAL_ITEMS)


def _summary(draft: Draft) -> str:
    return _repeat(draft, draft.subject.language.summaries)


def _rewriting(draft: Draft) -> str:
    return _repeat(draft, draft.subject.language.rewritings)


def _repeat(draft: Draft, templates: Sequence[str]) -> str:
    """Say a sentence or two of the text that the prompt brings."""
    given = [one for one in re.split(_SENTENCE, _given(draft.asked.reading.head)) if one.strip()]
    if not given:
        given = [draft.asked.topic]
    said = given[:1]
    if len(given) > SAID:
        said.append(given[1 + draft.chooser.below(len(given) - 1)])
    text = draft.join([_clipped(one, draft.subject.language) for one in said])
    return draft.chooser.pick(templates).format(text=text)


def _given(head: str) -> str:
    """Return the text in a prompt that asks for something to be done with a text."""
    quoted = re.search(_QUOTED, head)
    if quoted:
        return quoted[1].strip()
    before = re.search(_BEFORE, head)
    return (head[before.end() :].strip() if before else "") or head


def _clipped(sentence: str, language: Language) -> str:
    sentence = sentence.strip()
    if len(sentence) > CLIP:
        kept = sentence[:CLIP]
        return f"{kept.rpartition(' ')[0] or kept}…"
    return sentence if sentence.endswith(_ENDS) else sentence + language.stop


def _code(draft: Draft) -> str:
    subject = draft.subject
    named = [word.low for word in draft.asked.reading.words if word.low in TONGUES]
    tongue = TONGUES[named[0]] if named else "python"
    said = subject.language.kinds.keys() | TONGUES.keys()
    words = [word.lower() for word in subject.words if word.lower() not in said]
    parts = [word for word in words if re.fullmatch(_PLAIN, word)]
    listing = LISTINGS[tongue].format(name="_".join(parts[:2]) or "solve", topic=draft.asked.topic)
    return f"{draft.pick(subject.language.code_intros)}\n\n```{tongue}\n{listing}\n```"


FORMS: Mapping[Kind, Callable[[Draft], str]] = {
    "answer": _answer,
    "essay": _answer,
    "story": _story,
    "poem": _poem,
    "list": _list,
    "summary": _summary,
    "rewriting": _rewriting,
    "code": _code,
}

_SENTENCE = r"(?<=[.!?])\s+|(?<=[\u3002\uff01\uff1f])|\n+"
_ENDS = (".", "!", "?", "…", "\u3002", "\uff01", "\uff1f")
# What is quoted has no quotation mark in it, so that none is looked at twice.
_QUOTED = r"(?<!\w)[\"'“«„「]([^\"'“«„「”»」]{3,})[\"'“”»」]"
_BEFORE = r"[:\uff1a\n]"
_PLAIN = "[a-z]{3,20}"
