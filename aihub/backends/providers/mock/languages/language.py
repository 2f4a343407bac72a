"""What the mock knows of a language: by which words it is read, and what is said in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

import attrs

Kind = Literal["answer", "story", "poem", "essay", "list", "summary", "rewriting", "code"]
"""What a prompt may ask for by a word of its own."""


def words(text: str) -> frozenset[str]:
    """Return the words of *text*, in small letters."""
    return frozenset(text.lower().split())


def phrases(text: str) -> tuple[tuple[str, ...], ...]:
    """Return the lines of *text* as words, longer ones first: they are tried first."""
    found = [tuple(line.lower().split()) for line in lines(text)]
    return tuple(sorted(found, key=len, reverse=True))


def lines(text: str) -> tuple[str, ...]:
    """Return the lines of *text* that are not empty."""
    return tuple(line.strip() for line in text.splitlines() if line.strip())


def kinds(**of: str) -> Mapping[str, Kind]:
    """Return which kind each word asks for."""
    found: dict[str, Kind] = {}
    for kind, text in of.items():
        found |= dict.fromkeys(text.lower().split(), kind)  # type: ignore[arg-type]
    return found


def counts(text: str, first: int = 2) -> Mapping[str, int]:
    """Return the words of *text* as numbers from *first* on."""
    return {word: n for n, word in enumerate(text.lower().split(), first)}


@attrs.frozen(kw_only=True)
class Language:
    """A language. Every template is whole with any noun in `{topic}` and `{other}`.

    So a topic stands behind a colon or in quotes, where no article, case or number has to agree.

    Args:
        code: as in ISO 639-1.
        spaced: whether words are told apart by spaces.
        joint: what joins two words to a title.
        stops: words that are about nothing; like all words named here, they tell the language.
        links: of these, those that may stand inside a topic: `history of the world`.
        articles: of these, those that a topic is written with.
        marks: what only this language writes so, of those that are told by their words.
        traits: what it often has and its next of kin does not; they settle a draw.
        polite: what a request may begin with before it says anything.
        asks: with what an open question begins.
        doubts: with what a question for yes or no begins.
        kinds: words that say what is asked for.
        long: words that ask for length.
        numbers: small numbers in words.
        greetings: phrases that greet, as words.
        small_talk: words that may follow a greeting and ask for nothing.
        thanks: phrases that thank, as words.
        greets: answers to a greeting; `named` with what was greeted in `{name}`.
        found: an answer that repeats what a tool said, in `{result}`.
        welcomes: answers to thanks.
        unsure: answers to a question for yes or no begin so.
        openers, body, closers: of an answer; the body makes an essay too.
        tales, plots, ends: of a story.
        verses: lines of a poem of two stanzas.
        lists, items: a list's introduction, and what its numbers say.
        summaries: a summary's beginning, before the text's own words in `{text}`.
        rewritings: the same of a text that is put otherwise.
        code_intros: what is said before a listing.
        nothing: the topic of a prompt that has none; `muse` of a story or poem that has none.
        others: what may be said beside a topic when the prompt has nothing else.
    """

    code: str
    spaced: bool = True
    joint: str = " "
    stops: frozenset[str]
    links: frozenset[str]
    articles: frozenset[str] = frozenset()
    marks: tuple[str, ...] = ()
    traits: tuple[str, ...] = ()
    polite: frozenset[str] = frozenset()
    asks: frozenset[str] = frozenset()
    doubts: frozenset[str] = frozenset()
    kinds: Mapping[str, Kind]
    long: frozenset[str]
    numbers: Mapping[str, int]
    greetings: tuple[tuple[str, ...], ...]
    small_talk: frozenset[str]
    thanks: tuple[tuple[str, ...], ...]
    greets: tuple[str, ...]
    named: tuple[str, ...]
    found: str
    welcomes: tuple[str, ...]
    unsure: tuple[str, ...]
    openers: tuple[str, ...]
    body: tuple[str, ...]
    closers: tuple[str, ...]
    tales: tuple[str, ...]
    plots: tuple[str, ...]
    ends: tuple[str, ...]
    verses: tuple[str, ...]
    lists: tuple[str, ...]
    items: tuple[str, ...]
    summaries: tuple[str, ...]
    rewritings: tuple[str, ...]
    code_intros: tuple[str, ...]
    nothing: str
    muse: str
    others: tuple[str, ...]
    empty: frozenset[str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        empty = self.stops | self.links | self.polite | self.asks | self.doubts | self.long
        object.__setattr__(self, "empty", empty | self.numbers.keys())

    @property
    def gap(self) -> str:
        """What stands between two sentences."""
        return " " if self.spaced else ""

    @property
    def shortest(self) -> int:
        """Characters of the shortest word that says something."""
        return 3 if self.spaced else 2

    @property
    def stop(self) -> str:
        """What a sentence ends with."""
        return "." if self.spaced else "。"

    def known(self) -> Iterator[str]:
        """Yield every word that is named here: where one stands, this language may be meant."""
        yield from self.empty
        yield from self.kinds
        for phrase in (*self.greetings, *self.thanks):
            yield from phrase
