"""Texts written from a regular expression that was read into a tree.

A text is written for a length that is asked for, from the outside in: each node knows how short
and how long its texts can be.
"""

from __future__ import annotations

from collections.abc import Container

import attrs

from ..choosing import Chooser

LOWER = "abcdefghijklmnopqrstuvwxyz"

UNBOUNDED = 1 << 40
"""What `*` and `+` stand for: more than any text has."""

EXTRA = 4
"""Repeats beyond the fewest that are written where no length is asked for."""


@attrs.frozen
class Chars:
    """One character of several."""

    chars: str
    low: int = 1
    high: int = 1

    def write(self, chooser: Chooser, length: int) -> str:
        """Write one of them."""
        return self.chars[chooser.below(len(self.chars))]


@attrs.frozen
class Row:
    """One after the other."""

    parts: tuple[Tree, ...]
    low: int
    high: int

    def write(self, chooser: Chooser, length: int) -> str:
        """Give each part its least, and what is left over to those that can take it."""
        left = max(0, length - self.low)
        written = []
        for part in self.parts:
            more = min(left, part.high - part.low)
            left -= more
            written.append(part.write(chooser, part.low + more))
        return "".join(written)


@attrs.frozen
class Either:
    """One of several."""

    options: tuple[Tree, ...]
    low: int
    high: int

    def write(self, chooser: Chooser, length: int) -> str:
        """Write an option that can have the length, else any."""
        fitting = [one for one in self.options if one.low <= length <= one.high]
        return chooser.pick(fitting or self.options).write(chooser, length)


@attrs.frozen
class Repeat:
    """The same several times."""

    body: Tree
    least: int
    most: int
    low: int
    high: int

    def write(self, chooser: Chooser, length: int) -> str:
        """Write as many as the length takes, all as short as can be but the first."""
        body = self.body
        if body.high == 0:
            return ""
        each = max(body.low, 1)
        times = max(self.least, min(self.most, length // each))
        if times and times * body.high < length:
            times = min(self.most, -(-length // body.high))
        left = max(0, length - times * body.low)
        written = []
        for _ in range(times):
            more = min(left, body.high - body.low)
            left -= more
            written.append(body.write(chooser, body.low + more))
        return "".join(written)


Tree = Chars | Row | Either | Repeat


@attrs.frozen
class Pattern:
    """A regular expression that texts can be written from.

    Attributes:
        sure: whether what is written fits by the way it is written; else it is to be checked.
        open_start: whether any text may stand before; *open_end* says the same of the end.
        alphabet: the characters of a pattern that is nothing but one class, repeated.
        wanted: what it looks ahead for, such as a digit somewhere.
    """

    tree: Tree
    sure: bool
    open_start: bool
    open_end: bool
    alphabet: Container[str] | None
    wanted: tuple[Tree, ...] = ()

    @property
    def low(self) -> int:
        """The length of the shortest text."""
        return self.tree.low

    def lengths(self, low: int, high: int) -> tuple[int, int]:
        """Return the least and the greatest length of a text within *low* and *high*."""
        is_open = self.open_start or self.open_end
        return max(low, self.tree.low), min(high, UNBOUNDED if is_open else self.tree.high)

    def write(self, chooser: Chooser, length: int) -> str:
        """Write a text of that length, or near it where the pattern has gaps."""
        most = self.tree.high
        core = self.tree.write(chooser, min(length, most))
        missing = length - len(core)
        if missing <= 0 or not (self.open_start or self.open_end):
            return core
        filling = "".join(LOWER[chooser.below(len(LOWER))] for _ in range(missing))
        return core + filling if self.open_end else filling + core

    def write_wanted(self, chooser: Chooser, length: int) -> str:
        """Write what is looked ahead for, then the rest: how passwords are asked for."""
        first = "".join(one.write(chooser, one.low) for one in self.wanted)
        return first + self.tree.write(chooser, max(self.tree.low, length) - len(first))
