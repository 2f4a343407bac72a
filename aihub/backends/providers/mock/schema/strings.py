"""Strings: free ones by the name of their property, others by pattern, format and length."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .checking import INSTALLED, format_matcher, matcher
from .formats import FORMATS
from .hints import PLAIN, WRITERS, kind_of
from .nodes import Size
from .patterns import EXTRA, UNBOUNDED, Pattern
from .pen import Pen, Stuck
from .refusal import unsatisfiable
from .scalars import Leaf

MAX_LENGTH = 100_000
"""Characters that a schema may ask for; a whole answer of a model has fewer."""

MAX_PATTERN_LENGTH = 10_000
"""Characters of a string with a pattern: they are chosen one by one."""

CHARACTERS = 16
"""Characters that cost as much as a value."""

PATTERN_TRIES = 40
"""Texts written from a pattern before it is given up: it may have gaps in its lengths."""

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MOST_DIGITS = 9

NOVEL_TRIES = 3
"""How often a text is chosen anew that the value has already: two names in it should differ."""

QUOTED = frozenset({"email", "url", "date"})
QUOTED_FORMATS = {
    "email": "email",
    "idn-email": "email",
    "uri": "url",
    "iri": "url",
    "uri-reference": "url",
    "date": "date",
}
"""Of which kind of what a prompt may have each format is."""


@attrs.frozen
class Shape:
    """A pattern, and where it stands in the schema."""

    pattern: Pattern
    text: str
    at: str


@attrs.define(eq=False)
class Strings(Leaf):
    """Writes strings that have a length, patterns and a format."""

    low: int = 0
    high: int = UNBOUNDED
    shapes: Sequence[Shape] = ()
    format: str | None = None
    at: str = "#"
    kind: str = PLAIN
    examples: tuple[str, ...] = ()
    more_formats: tuple[str, ...] = ()

    def measure(self) -> Size:
        """Return what the shortest costs: as much as a value for each few characters."""
        least = max([self.low, *(shape.pattern.low for shape in self.shapes)])
        return 1 + least // CHARACTERS, 1

    def write(self, pen: Pen, name: str) -> str:
        """Write one.

        Raises:
            Stuck: there is none, or none was found.
        """
        if self.shapes:
            return self._by_pattern(pen)
        if self.format is not None:
            return self._by_format(pen, self.format)
        return fitted(self._free(pen, name), self.low, self.high, pen)

    def _free(self, pen: Pen, name: str) -> str:
        for example in self.examples:
            if pen.wording.mentions(example):
                return example
        kind = kind_of(name) or self.kind
        if self.examples and not kind and not pen.attempt:
            return pen.chooser.pick(self.examples)
        text = self._quoted(pen, kind) or WRITERS[kind](pen)
        for _ in range(NOVEL_TRIES):
            if text not in pen.said:
                break
            text = WRITERS[kind](pen)
        pen.said.add(text)
        return self._varied(pen, text) if pen.attempt else text

    def _quoted(self, pen: Pen, kind: str) -> str | None:
        """Take what the prompt itself has of a *kind*, where it has the length."""
        if kind not in QUOTED:
            return None
        text = pen.quote(kind)
        return text if text is not None and self.low <= len(text) <= self.high else None

    def _varied(self, pen: Pen, text: str) -> str:
        """Make *text* differ from those before: by a number, by letters where that has no room."""
        number = f" {pen.chooser.below(10 ** min(pen.attempt + 2, MOST_DIGITS))}"
        if len(number) < self.high:
            return text[: self.high - len(number)] + number
        return "".join(LETTERS[pen.chooser.below(len(LETTERS))] for _ in range(self.high))

    def _by_format(self, pen: Pen, name: str) -> str:
        quoted = self._quoted(pen, QUOTED_FORMATS.get(name, ""))
        if quoted is not None:
            return quoted
        text = FORMATS[name](pen, self.low, self.high)
        if not self.low <= len(text) <= self.high:
            word = "maxLength" if len(text) > self.high else "minLength"
            why = f"no string of the format '{name}' has such a length"
            raise Stuck(unsatisfiable(word, f"{self.at}/{word}", why))
        if (self.low or self.high < UNBOUNDED) and INSTALLED and not format_matcher(name)(text):
            why = f"no string of the format '{name}' was found with such a length"
            raise Stuck(unsatisfiable("format", f"{self.at}/format", why))
        return text

    def _by_pattern(self, pen: Pen) -> str:
        first = self.shapes[0]
        pattern = first.pattern
        alone = len(self.shapes) == 1 and self.format is None
        if pattern.alphabet is not None and pattern.sure and alone:
            text = self._of_words(pen, pattern)
            if text:
                return text
        for turn in range(PATTERN_TRIES):
            text, vouched = self._candidate(pen, turn)
            if self.low <= len(text) <= self.high and self._matches(text, vouched):
                return text
        why = "no string was found that has it" + (", with the length asked for" * (self.low > 0))
        raise Stuck(unsatisfiable("pattern", first.at, why))

    def _candidate(self, pen: Pen, turn: int) -> tuple[str, Shape | None]:
        """Write a text that may do, and say which pattern it has by the way it was written."""
        shapes = self.shapes
        if self.format is not None and turn % 2:
            return FORMATS[self.format](pen, self.low, self.high), None
        if len(shapes) > 1 and turn % 2:
            parts = shapes if turn % 4 == 1 else shapes[::-1]
            texts = [one.pattern.write(pen.chooser, one.pattern.low) for one in parts]
            return "".join(texts), None
        shape = shapes[turn // 2 % len(shapes)]
        low, high = shape.pattern.lengths(self.low, self.high)
        length = min(max(low, high), low + pen.chooser.below(EXTRA + turn))
        if shape.pattern.wanted and turn % 2 == 0:
            return shape.pattern.write_wanted(pen.chooser, length), None
        return shape.pattern.write(pen.chooser, length), shape if shape.pattern.sure else None

    def _matches(self, text: str, vouched: Shape | None) -> bool:
        """Ask the validator about what the way it was written does not vouch for."""
        if not all(matcher(shape.text)(text) for shape in self.shapes if shape is not vouched):
            return False
        return self.format is None or self._is_formed(text)

    def _is_formed(self, text: str) -> bool:
        return all(format_matcher(name)(text) for name in (self.format, *self.more_formats) if name)

    def _of_words(self, pen: Pen, pattern: Pattern) -> str | None:
        """Write words where the pattern is one class of characters, repeated: `^[a-z ]+$`."""
        letters = pattern.alphabet if pattern.alphabet is not None else ()
        words = pen.wording.phrase(pen.chooser)
        if " " not in letters:
            words = words.replace(" ", next((one for one in "_-." if one in letters), " "))
        forms = (words, words.lower(), words.upper())
        text = max(("".join(one for one in form if one in letters) for form in forms), key=len)
        low, high = pattern.lengths(self.low, self.high)
        text = text[:high].strip() or text[:high]
        return text if low <= len(text) <= high and text and not pen.attempt else None


def fitted(text: str, low: int, high: int, pen: Pen) -> str:
    """Cut *text* at a word, or add words, so that its length is within *low* and *high*."""
    if low <= len(text) <= high:
        return text
    if len(text) < low:
        more = pen.wording.sentence(pen.chooser)
        text = f"{text} {more}" if text else more
        times = (low - len(text)) // (len(more) + 1) + 1
        text += f" {more}" * max(0, times)
    if len(text) <= high:
        return text
    cut = text[: high + 1].rpartition(" ")[0].rstrip(" ,.;:")
    if len(cut) >= max(low, 1):
        return cut
    cut = text[:high]
    return f"{cut[:-1]}s" if cut.endswith(" ") else cut
