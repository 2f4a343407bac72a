r"""Regular expressions read into trees.

A parser of its own: Python's `re` knows neither `\p{L}` nor `(?<name>...)`, and what it parses to
changes between versions. Characters are those that read well: of a large class, letters and digits.
"""

from __future__ import annotations

from collections.abc import Container

from .patterns import LOWER, UNBOUNDED, Chars, Either, Pattern, Repeat, Row, Tree

MAX_PATTERN = 2_000
"""Characters of a pattern; those that people write have some tens."""

MAX_PATTERN_DEPTH = 50
"""Groups within groups: the parser and the writer recurse."""

_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_UPPER = LOWER.upper()
_DIGITS = "0123456789"
_WORDS = LOWER + _UPPER + _DIGITS + "_"
_SPACES = " \t"
_CLASSES = {"d": _DIGITS, "w": _WORDS, "s": _SPACES}
_PROPERTIES = {
    "L": LOWER + _UPPER,
    "Letter": LOWER + _UPPER,
    "Alphabetic": LOWER + _UPPER,
    "Lu": _UPPER,
    "Uppercase": _UPPER,
    "Ll": LOWER,
    "Lowercase": LOWER,
    "N": _DIGITS,
    "Nd": _DIGITS,
    "Number": _DIGITS,
    "P": "!-.,:;?",
    "Punctuation": "!-.,:;?",
    "Z": " ",
    "Zs": " ",
}
_CONTROLS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0", "a": "\a"}


_ANY = Chars(LOWER + _UPPER + _DIGITS)
_EMPTY = Row((), 0, 0)


class BadPattern(ValueError):
    """A pattern that is not one, or not one that texts are written for."""

    def __init__(self, why: str, *, known: bool = False) -> None:
        super().__init__(why)
        self.known = known
        """Whether it is a pattern, only not one that is done here."""


def parse_pattern(pattern: str) -> Pattern:
    """Read *pattern*.

    Raises:
        BadPattern: it is not a pattern, or too long, or has what no text is written for.
    """
    if len(pattern) > MAX_PATTERN:
        raise BadPattern(f"longer than {MAX_PATTERN} characters", known=True)
    return _Parser(pattern).read()


class _Parser:
    """A cursor over a pattern."""

    def __init__(self, pattern: str) -> None:
        self._text = pattern
        self._at = 0
        self._depth = 0
        self._sure = True
        self._ends = [0, 0]
        self._wanted: list[Tree] = []

    def read(self) -> Pattern:
        tree = self._either()
        if self._at < len(self._text):
            raise BadPattern(f"an unmatched ')' at {self._at}")
        starts, stops = self._ends
        tops = tree.options if isinstance(tree, Either) else (tree,)
        bound = [_anchors(self._text, one) for one in ("^", "$")]
        # An anchor anywhere else than around the whole is left to the check.
        simple = len(tops) == 1 and starts == bound[0] and stops == bound[1]
        if starts + stops and not simple:
            self._sure = False
        return Pattern(
            tree,
            self._sure,
            open_start=not starts,
            open_end=not stops,
            alphabet=_alphabet(tree),
            wanted=tuple(self._wanted),
        )

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self, expected: str) -> bool:
        if self._text.startswith(expected, self._at):
            self._at += len(expected)
            return True
        return False

    def _either(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_PATTERN_DEPTH:
            raise BadPattern(f"more than {MAX_PATTERN_DEPTH} groups within groups", known=True)
        options = [self._row()]
        while self._take("|"):
            options.append(self._row())
        self._depth -= 1
        if len(options) == 1:
            return options[0]
        return Either(
            tuple(options), min(one.low for one in options), max(one.high for one in options)
        )

    def _row(self) -> Tree:
        parts: list[Tree] = []
        while self._at < len(self._text) and self._next() not in "|)":
            part = self._quantified(self._atom())
            if part is not _EMPTY:
                parts.append(part)
        if len(parts) == 1:
            return parts[0]
        return Row(tuple(parts), sum(one.low for one in parts), sum(one.high for one in parts))

    def _atom(self) -> Tree:
        sign = self._text[self._at]
        self._at += 1
        if sign == "(":
            return self._group()
        if sign == "[":
            return Chars(self._set())
        if sign == ".":
            return _ANY
        if sign in "^$":
            self._ends[sign == "$"] += 1
            return _EMPTY
        if sign in "*+?":
            raise BadPattern(f"nothing to repeat at {self._at - 1}")
        if sign == "\\":
            return self._escaped()
        return Chars(sign)

    def _group(self) -> Tree:
        if self._take("?"):
            for ahead in ("<=", "<!", "=", "!"):
                if self._take(ahead):
                    self._sure = False
                    anchors = list(self._ends)
                    seen = self._close()
                    self._ends = anchors
                    if ahead == "=":
                        self._wanted.append(seen)
                    return _EMPTY
            if self._take("<") or self._take("P<"):
                end = self._text.find(">", self._at)
                if end < 0:
                    raise BadPattern("a group's name has no end")
                self._at = end + 1
            elif not self._take(":"):
                raise BadPattern("a kind of group that is not done here", known=True)
        return self._close()

    def _close(self) -> Tree:
        tree = self._either()
        if not self._take(")"):
            raise BadPattern("a group has no end")
        return tree

    def _quantified(self, atom: Tree) -> Tree:
        bounds = self._bounds()
        if bounds is None:
            return atom
        self._take("?")
        least, most = bounds
        if least > most:
            raise BadPattern("a repeat whose least is above its most")
        if self._bounds() is not None:
            raise BadPattern("a repeat of a repeat without a group", known=True)
        return Repeat(atom, least, most, atom.low * least, min(UNBOUNDED, atom.high * most))

    def _bounds(self) -> tuple[int, int] | None:
        for sign, bounds in (("*", (0, UNBOUNDED)), ("+", (1, UNBOUNDED)), ("?", (0, 1))):
            if self._take(sign):
                return bounds
        if self._next() != "{":
            return None
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at + 1 : max(end, 0)].partition(",")
        whole = _is_number(least) and (not most or _is_number(most))
        if end < 0 or not whole:
            return None
        self._at = end + 1
        return int(least), int(most or (UNBOUNDED if comma else least))

    def _escaped(self) -> Tree:
        sign = self._next()
        if sign and sign in "bB":
            self._at += 1
            self._sure = False
            return _EMPTY
        if sign == "k" or (sign.isdigit() and sign != "0"):
            raise BadPattern("a reference back to a group", known=True)
        return Chars(self._escape())

    def _escape(self) -> str:
        """Read what follows a backslash: the characters that it stands for."""
        sign = self._next()
        if not sign:
            raise BadPattern("a backslash at the end")
        self._at += 1
        if sign.lower() in _CLASSES:
            chars = _CLASSES[sign.lower()]
            return chars if sign.islower() else _without(chars)
        if sign in "pP":
            return self._property(sign == "P")
        if sign in "xu":
            return self._code(sign)
        if sign == "c" and self._next().isalpha():
            self._at += 1
            return chr(ord(self._text[self._at - 1].upper()) - 64)
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign.isalnum():
            raise BadPattern(f"the escape \\{sign}", known=True)
        return sign

    def _property(self, negated: bool) -> str:
        end = self._text.find("}", self._at)
        if self._next() != "{" or end < 0:
            raise BadPattern("\\p without a name in braces")
        name = self._text[self._at + 1 : end].rpartition("=")[2]
        self._at = end + 1
        if name not in _PROPERTIES:
            raise BadPattern(f"the property \\p{{{name[:40]}}}", known=True)
        return _without(_PROPERTIES[name]) if negated else _PROPERTIES[name]

    def _code(self, sign: str) -> str:
        if sign == "u" and self._take("{"):
            end = self._text.find("}", self._at)
            digits, self._at = self._text[self._at : max(end, 0)], end + 1
        else:
            size = 2 if sign == "x" else 4
            digits = self._text[self._at : self._at + size]
            self._at += size
        try:
            return chr(int(digits, 16))
        except (ValueError, OverflowError):
            raise BadPattern(f"no such character: \\{sign}{digits[:8]}") from None

    def _set(self) -> str:
        negated = self._take("^")
        chars: dict[str, None] = {}
        first = True
        while first or self._next() != "]":
            if self._at >= len(self._text):
                raise BadPattern("a set of characters has no end")
            if first and self._next() == "]":
                break
            first = False
            chars.update(dict.fromkeys(self._range()))
        self._at += 1
        found = "".join(chars)
        if negated:
            return _without(found) or _refuse_empty()
        return found or _refuse_empty()

    def _range(self) -> str:
        low = self._member()
        rest = self._text[self._at : self._at + 2]
        if len(low) > 1 or not rest.startswith("-") or rest in {"-", "-]"}:
            return low
        self._at += 1
        high = self._member()
        if len(high) > 1:
            return f"{low}-{high}"
        if ord(high) < ord(low):
            raise BadPattern(f"a range of characters in the wrong order: {low}-{high}")
        # What is plain comes first, and a range over all of Unicode is not written out.
        inside = [one for one in _PRINTABLE if low <= one <= high]
        ends = (
            [] if inside else [chr(n) for n in range(ord(low), min(ord(high), ord(low) + 63) + 1)]
        )
        return "".join(inside or ends)

    def _member(self) -> str:
        sign = self._next()
        self._at += 1
        if sign != "\\":
            return sign
        if self._take("b"):
            return "\b"
        return self._escape()


def _refuse_empty() -> str:
    raise BadPattern("a set of characters with none that is written here", known=True)


def _without(chars: str) -> str:
    # Letters and digits first: they read best, and no set has a control character by accident.
    kept = "".join(one for one in LOWER + _UPPER + _DIGITS if one not in chars)
    return kept or "".join(one for one in _PRINTABLE if one not in chars)


class _AllButBreaks:
    """What a dot stands for."""

    def __contains__(self, char: object) -> bool:
        return char not in {"\n", "\r", "\u2028", "\u2029"}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 9  # noqa: PLR2004 - UNBOUNDED is far


def _anchors(pattern: str, sign: str) -> int:
    """Return 1 if *pattern* as a whole begins, or ends, with an anchor."""
    if sign == "^":
        return int(pattern.startswith("^"))
    before = len(pattern) - 1 - len(pattern[:-1].rstrip("\\"))
    return int(pattern.endswith("$") and before % 2 == 0)


def _alphabet(tree: Tree) -> Container[str] | None:
    if isinstance(tree, Repeat) and isinstance(tree.body, Chars):
        return _AllButBreaks() if tree.body is _ANY else frozenset(tree.body.chars)
    return None
