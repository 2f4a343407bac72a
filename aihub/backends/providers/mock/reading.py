"""How the mock reads a prompt: its language, its words, what it asks for and what it is about.

Rules, no model: scripts tell Japanese and Chinese, and words and signs that only one language has
tell the others. All that is read is a prompt's beginning, in time linear to that.

Patterns that only some prompts need are text here: `re` compiles them once, when one does, and a
server starts without them.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice

import attrs

from .languages import CHINESE, ENGLISH, JAPANESE, LANGUAGES, Kind, Language

WORDS = 64
"""Words by which a prompt is known; to look at all would cost more than the answer."""

GREETING = 80
"""Characters: what is longer is a question that begins politely."""

TOPIC_WORDS = 3
TOPIC_SIGNS = 40
OTHERS = 4
"""A topic's words and characters, and how much else is spoken of: they stand in every other
sentence."""

NAMED = 3
"""Words of what a greeting may name; more of them want something."""

THANKED = 4
"""Words that may follow thanks (`for your help`); more of them want something."""

_MARK = 2
"""Words that a sign of a language's own is worth."""

_FOREIGN = 3
"""Chinese or Japanese characters that one known word of another language outweighs."""

REMEMBERED = 512
"""Prompts that are kept as they were read, some 3 MB: choices of one request have the same, and so
do requests of a load test."""

CJK = "\u3040-\u30ff\u3005\u3400-\u9fff"
"""Kana and Han, as a part of a pattern's set."""

ASKING = ("?", "\uff1f")

_CJK_RUN = f"[{CJK}]+"
_KANA = "[\u3040-\u30ff]"
_COLONS = (":", "\uff1a")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")  # noqa: RUF001 - as people type it
# Where words are not told apart by spaces: Han, katakana, and names in Latin letters.
_RUN = r"[\u3005\u3400-\u9fff]+|[\u30a1-\u30ff]+|[A-Za-z][A-Za-z0-9+#]*(?: [A-Za-z0-9]+)*"
_AROUND = " \t\n!?.,;:-…\"'“”「」¡¿\u3001\u3002\uff01\uff1f\uff0c~"
_MUSED: Container[Kind] = ("story", "poem")
_GAPS = frozenset({"", " ", "·", "・"})


@attrs.define
class Word:
    """A word of a prompt: as written, in small letters, and where it stands."""

    text: str
    low: str
    start: int
    end: int


@attrs.define
class Reading:
    """A prompt's beginning, its language and its first words."""

    head: str
    language: Language
    words: Sequence[Word]

    def asks(self) -> bool:
        """Say whether there is a question mark."""
        return any(mark in self.head for mark in ASKING)

    def is_empty(self, word: Word) -> bool:
        """Say whether a word is about nothing."""
        if word.low in self.language.empty:
            return True
        # `AI` says something, `Ai` and `我` do not.
        return len(word.text) < self.language.shortest and not (
            len(word.text) > 1 and word.text.isupper()
        )


@lru_cache(REMEMBERED)
def read(head: str) -> Reading:
    """Read a prompt's beginning; what is returned is shared, and not to be changed."""
    found = [_word(match) for match in islice(_WORD.finditer(head), WORDS)]
    language = _language(head, found)
    if not language.spaced:
        found = [_word(match) for match in islice(_unspaced(head, language), WORDS)]
    return Reading(head, language, found)


def _word(match: re.Match[str]) -> Word:
    text = match[0]
    return Word(text, text.lower().replace("’", "'"), match.start(), match.end())  # noqa: RUF001


def _language(head: str, words: Sequence[Word]) -> Language:
    """Return the language of what stands before a colon, else of all; English when in doubt."""
    ends = [at for at in map(head.find, _COLONS) if at > 0]
    if ends:
        # What follows may be a text in any language, to be translated or the like.
        before = [word for word in words if word.end <= min(ends)]
        language = _likeliest(head[: min(ends)], before, sure=True)
        if language is not None:
            return language
    return _likeliest(head, words) or ENGLISH


def _likeliest(head: str, words: Sequence[Word], *, sure: bool = False) -> Language | None:
    """Return the language that most speaks for; None where nothing does, or another as much."""
    hits = [0] * len(LANGUAGES)
    for word in words:
        for n in _KNOWN.get(word.low, ()):
            hits[n] += 1
    text = f" {head.lower()}"
    for mark, n in _MARKS:
        if mark in text:
            hits[n] += _MARK
    most = max(hits)
    if not head.isascii():
        signs = sum(map(len, re.findall(_CJK_RUN, head)))
        if signs > _FOREIGN * most:
            return JAPANESE if re.search(_KANA, head) else CHINESE
    if most == 0:
        return None
    if hits.count(most) == 1:
        return LANGUAGES[hits.index(most)]
    likely = [one for one, count in zip(LANGUAGES, hits, strict=False) if count == most]
    scores = [sum(trait in text for trait in one.traits) for one in likely]
    if sure and scores.count(max(scores)) > 1:
        return None
    return likely[scores.index(max(scores))]


def _unspaced(head: str, language: Language) -> Iterator[re.Match[str]]:
    """Find words: first those that are known, then the runs of signs between them."""
    at, runs = 0, re.compile(_RUN)
    for match in _splitter(language.code).finditer(head):
        yield from runs.finditer(head, at, match.start())
        yield match
        at = match.end()
    yield from runs.finditer(head, at)


@cache
def _splitter(code: str) -> re.Pattern[str]:
    known = next(set(one.known()) for one in LANGUAGES if one.code == code)
    return re.compile("|".join(map(re.escape, sorted(known, key=lambda one: (-len(one), one)))))


def _known() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for n, language in enumerate(LANGUAGES):
        if language.spaced:
            for word in set(language.known()):
                found[word] = (*found.get(word, ()), n)
    return found


_KNOWN = _known()
_MARKS = tuple((mark, n) for n, language in enumerate(LANGUAGES) for mark in language.marks)


# What it asks for


def greeted(reading: Reading) -> str | None:
    """Return what a prompt that only greets names, empty for nothing; None for no greeting."""
    language, words = reading.language, reading.words
    said = _begins_with(words, language.greetings)
    if not said or len(reading.head) >= GREETING:
        return None
    rest = [word for word in words[said:] if word.low not in language.small_talk]
    if not rest:
        return ""
    if len(rest) > NAMED or reading.asks() or any(word.low in language.kinds for word in rest):
        return None
    if not language.spaced or rest[0].text[0].isupper():
        return reading.head[rest[0].start :].rstrip(_AROUND)
    return "" if len(rest) < NAMED else None


def without_greeting(reading: Reading) -> Reading:
    """Return what stands behind the greeting that a prompt begins with."""
    said = _begins_with(reading.words, reading.language.greetings)
    return Reading(reading.head, reading.language, reading.words[said:]) if said else reading


def thanked(reading: Reading) -> bool:
    """Say whether a prompt only thanks."""
    said = _begins_with(reading.words, reading.language.thanks)
    return bool(said) and len(reading.words) - said <= THANKED and not reading.asks()


def _begins_with(words: Sequence[Word], phrases: Sequence[Sequence[str]]) -> int:
    """Return how many words make the first phrase that *words* begin with."""
    if words:
        for phrase in phrases:
            # The first word alone says no of most.
            if words[0].low == phrase[0] and _low(words[: len(phrase)]) == phrase:
                return len(phrase)
    return 0


def _low(words: Sequence[Word]) -> tuple[str, ...]:
    return tuple([word.low for word in words])


def doubts(reading: Reading) -> bool:
    """Say whether a prompt asks for yes or no."""
    language, words = reading.language, reading.words
    if language.spaced:
        # Who begins by `could you` doubts nothing.
        polite = _low(words[:2])
        asked = polite[:1] and polite[0] in language.doubts and reading.asks()
        return bool(asked) and not language.polite.issuperset(polite)
    said = {word.low for word in words}
    return not said.isdisjoint(language.doubts) and not any(
        language.kinds.get(one) == "answer" for one in said
    )


def kind_of(reading: Reading) -> Kind:
    """Return what a prompt asks for by a word of its own; else an answer."""
    language, words = reading.language, reading.words
    first = next((n for n, word in enumerate(words) if word.low not in language.polite), 0)
    if words and words[first].low in language.asks:
        return "answer"
    for word in words:
        kind = language.kinds.get(word.low)
        if kind is not None:
            return kind
    return "list" if _begins_with_a_number(reading, first) else "answer"


def _begins_with_a_number(reading: Reading, first: int) -> bool:
    """Say whether nothing but politeness stands before a number: `Give me 3 ...`."""
    words = reading.words
    if not first:
        return False
    between = reading.head[words[first - 1].end : words[first].start]
    return words[first].low in reading.language.numbers or any(map(str.isdigit, between))


# What it is about


def topic_of(reading: Reading, kind: Kind, but: Container[str] = ()) -> tuple[str, tuple[str, ...]]:
    """Return a prompt's topic as it is written there, and what else it speaks of.

    A topic is its first words that say something, and what links them: `the history of Rome`.

    Args:
        reading: what was read.
        kind: what is asked for; the words that say so are no topic.
        but: other words that are none.
    """
    language, words = reading.language, reading.words
    full = [
        n
        for n, word in enumerate(words)
        if not (reading.is_empty(word) or language.kinds.get(word.low) == kind or word.low in but)
    ] or [
        n
        for n, word in enumerate(words)
        if word.low not in language.empty and language.kinds.get(word.low) != kind
    ][:1]
    if not full:
        return (language.muse if kind in _MUSED else language.nothing), ()
    start, end = full[0], _phrase_end(reading, full, language.links)
    if start and words[start - 1].low in language.articles:
        start -= 1
    others = tuple(dict.fromkeys(_phrases(reading, [n for n in full if n > end])))
    return _written(reading, start, end), others


def _phrases(reading: Reading, full: Sequence[int]) -> Iterator[str]:
    for _ in range(OTHERS):
        if not full:
            return
        end = _phrase_end(reading, full, ())
        yield _written(reading, full[0], end)
        full = [n for n in full if n > end]


def _written(reading: Reading, first: int, last: int) -> str:
    words = reading.words
    return reading.head[words[first].start : words[last].end][:TOPIC_SIGNS].rstrip()


def _phrase_end(reading: Reading, full: Sequence[int], links: Container[str]) -> int:
    """Return the last word of a phrase that begins with the first of *full*."""
    words, content = reading.words, set(full)
    end, taken = full[0], 1
    for n in range(full[0] + 1, len(words)):
        # A sentence's sign, or a word that is no link, ends the phrase.
        if taken == TOPIC_WORDS or reading.head[words[n - 1].end : words[n].start] not in _GAPS:
            break
        if n in content:
            end, taken = n, taken + 1
        elif words[n].low not in links:
            break
    return end
