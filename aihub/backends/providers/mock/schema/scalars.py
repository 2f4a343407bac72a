"""Values with nothing within: constants, numbers, true, false and null."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import orjson

from .....model.units import Json
from .nodes import Size
from .numbers import Span, choose, usual_range
from .pen import Pen, Stuck
from .refusal import unsatisfiable

MENTIONABLE = 100
"""Options that are looked for in the prompt; each costs about a microsecond."""


class Leaf:
    """A writer with nothing within."""

    def measure(self) -> Size:
        """Return what one value costs."""
        return 1, 1

    def blame(self) -> None:
        """Blame nobody: it is as small as can be."""


@attrs.define(eq=False)
class Constants(Leaf):
    """Writes one of the values that a schema lists."""

    values: Sequence[Json]

    def write(self, pen: Pen, name: str) -> Json:
        """Write the value that the prompt mentions, else any; null only if all else failed."""
        values = self.values
        if len(values) == 1:
            return _copy(values[0])
        if pen.attempt:
            return _copy(pen.chooser.pick(values))
        for value in values[:MENTIONABLE]:
            if type(value) is str and pen.wording.mentions(value):
                return value
        choice = pen.chooser.pick(values)
        return _copy(values[0] if choice is None else choice)


def _copy(value: Json) -> Json:
    """Copy what may be changed by who gets it."""
    return orjson.loads(orjson.dumps(value)) if type(value) in {list, dict} else value


class Null(Leaf):
    """Writes null."""

    def write(self, pen: Pen, name: str) -> None:
        """Write null."""


class Booleans(Leaf):
    """Writes true or false."""

    def write(self, pen: Pen, name: str) -> bool:
        """Choose one."""
        return pen.chooser.below(2) == 0


@attrs.define(eq=False)
class Numbers(Leaf):
    """Writes numbers: the prompt's own where they fit, else usual ones."""

    span: Span
    at: str
    examples: Sequence[float] = ()
    title: str = ""

    def write(self, pen: Pen, name: str) -> float:
        """Write one.

        Raises:
            Stuck: the bounds are too close to each other for a float.
        """
        span = self.span
        for place, number in enumerate(pen.numbers):
            if span.holds(number):
                del pen.numbers[place]
                return number
        if self.examples and not pen.attempt:
            return pen.chooser.pick(self.examples)
        value = choose(span, usual_range(name or self.title), pen)
        if type(value) is float and not span.holds(value):
            raise Stuck(unsatisfiable(*self._narrowest(), "no number is exact enough to fit"))
        return value

    def _narrowest(self) -> tuple[str, str]:
        return self.at.rpartition("/")[2], self.at
