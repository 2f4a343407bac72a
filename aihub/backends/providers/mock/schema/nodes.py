"""What writes a value, part by part: a compiled schema is a graph of these.

Theory of operation. A node stands for a set of schemas that hold for one value together. It has a
weight, what its smallest value costs, and a height, how deep that is; both are known before
anything is written. A writing has a budget for what need not be there: an optional property, a
second item, a branch that is not the smallest. When it is spent, or the value is deep, the smallest
way out is taken, which is finite: so every writing ends. What the way of writing does not vouch for
is checked part by part by the validator, and written anew a bounded number of times.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Protocol

import attrs

from .....model.units import Json
from .checking import Checker
from .document import Document, Part, keyword_of
from .pen import FEW_TRIES, Pen, Stuck
from .refusal import SchemaRefused, unsatisfiable, unsupported

Size = tuple[float, float]
"""Weight and height of the smallest value."""

NEVER: Size = (math.inf, math.inf)


class Writer(Protocol):
    """Protocol: writes values of one type, or by one branch."""

    def measure(self) -> Size:
        """Return the size of the smallest value, as far as those within are measured."""
        ...

    def write(self, pen: Pen, name: str) -> Json:
        """Write a value; *name* is that of its property."""
        ...

    def blame(self) -> Node | None:
        """Return the node within that makes the smallest value as large as it is."""
        ...


class Nodes(Protocol):
    """Protocol: gives the nodes of what is within."""

    @property
    def document(self) -> Document:
        """The document that is compiled."""
        ...

    def node(self, parts: Iterable[Part]) -> Node:
        """Return the node of *parts* together, not yet measured."""
        ...

    def measured(self, parts: Iterable[Part]) -> Node:
        """Return the node of *parts* together, measured."""
        ...


@attrs.define(eq=False)
class Node:
    """What fits some schemas together."""

    key: str
    writers: list[Writer] = attrs.field(factory=list, repr=False)
    size: Size = NEVER
    refusal: SchemaRefused | None = None
    make_checker: Callable[[], Checker] | None = None
    is_null: bool = False
    _sizes: list[Size] = attrs.field(factory=list)
    _checker: Checker | None = None

    def measure(self) -> bool:
        """Measure the smallest value anew and say whether that changed something."""
        self._sizes = [one.measure() for one in self.writers]
        size = min(self._sizes, default=NEVER)
        changed = size < self.size
        if changed:
            self.size = size
        return changed

    def write(self, pen: Pen, name: str = "") -> Json:
        """Write a value.

        Raises:
            Stuck: none was found that fits.
        """
        pen.effort -= 1
        if pen.effort < 0:
            raise Stuck(unsupported("schema", self.key, "takes too long to find a value for"))
        if self.make_checker is None:
            return self._write_one(pen, name)
        return self._write_checked(pen, name, self.make_checker)

    def _write_one(self, pen: Pen, name: str) -> Json:
        writers = self.writers
        if len(writers) == 1:
            return writers[0].write(pen, name)
        # The first is what the schema names first, null aside; another only where that failed.
        stuck: Stuck | None = None
        for turn in range(len(writers)):
            place = (pen.attempt + turn) % len(writers)
            size = self._sizes[place]
            if size == self.size or pen.spend(*size):
                try:
                    return writers[place].write(pen, name)
                except Stuck as error:
                    stuck = stuck or error
        raise stuck or _nothing(self.key)

    def _write_checked(self, pen: Pen, name: str, make: Callable[[], Checker]) -> Json:
        checker = self._checker = self._checker or make()
        attempt, left, numbers = pen.attempt, pen.left, list(pen.numbers)
        value: Json = None
        try:
            for turn in range(pen.patience):
                pen.attempt = attempt + turn
                value = self._write_one(pen, name)
                if checker.fits(value):
                    return value
                pen.tries -= 1
                if pen.tries < 0:
                    break
                pen.left = left
                # The prompt's numbers may be what does not fit.
                pen.numbers = list(numbers) if turn % 2 == 0 else []
        finally:
            pen.attempt = attempt
        raise Stuck(checker.complain(value))


@attrs.define(eq=False)
class OneOf:
    """Writes by one of several branches."""

    options: Sequence[Node]
    at: str

    def measure(self) -> Size:
        """Return the size of the smallest option."""
        weight, height = min((one.size for one in self.options), default=NEVER)
        return weight, height + 1

    def blame(self) -> Node | None:
        """Return the option that comes nearest."""
        return min(self.options, key=lambda one: one.size, default=None)

    def write(self, pen: Pen, name: str) -> Json:
        """Write by an option that can be paid for; by the next where it has no value."""
        stuck: Stuck | None = None
        patience = pen.patience
        try:
            # Each option is given a few tries before one is given many.
            for pen.patience in (FEW_TRIES, patience) if patience > FEW_TRIES else (patience,):
                for option in self._order(pen):
                    try:
                        return option.write(pen, name)
                    except Stuck as error:
                        stuck = stuck or error
                        if pen.effort < 0 or pen.tries < 0:
                            raise
        finally:
            pen.patience = patience
        raise stuck or _nothing(self.at)

    def _order(self, pen: Pen) -> Iterator[Node]:
        """Yield the options that can be paid for, null last, beginning anywhere."""
        best = min(self.options, key=lambda one: one.size)
        full = [one for one in self.options if not one.is_null]
        first = pen.chooser.below(len(full)) if full else 0
        null = [one for one in self.options if one.is_null]
        for one in (*full[first:], *full[:first], *null):
            if one is best or pen.spend(one.size[0] - best.size[0], one.size[1]):
                yield one


def _nothing(at: str) -> Stuck:
    return Stuck(unsatisfiable(keyword_of(at), at, "nothing was found that fits"))
