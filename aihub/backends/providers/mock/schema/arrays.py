"""Arrays."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from .....model.units import Json
from .exclusive import identity
from .nodes import NEVER, Node, Size
from .pen import Pen, Stuck
from .refusal import unsatisfiable
from .scalars import Booleans, Constants, Numbers

MAX_ITEMS = 10_000
"""Items that a schema may ask for: far above what a model writes in one answer."""

USUAL_ITEMS = 3
"""Most items that are written where fewer would do."""

PROMPTED_ITEMS = 16
"""Most items of an array of the prompt's own numbers."""

UNIQUE_TRIES = 32
"""How often an item is written anew that was there before."""


@attrs.define(eq=False)
class Arrays:
    """Writes arrays: some items each by its own schema, then any number by one."""

    first: Sequence[Node]
    rest: Node
    low: int
    high: int
    at: str
    unique_at: str | None = None

    def measure(self) -> Size:
        """Return the size with the fewest items."""
        needed = self.first[: self.low]
        weight = 1 + sum([node.size[0] for node in needed])
        height = max([node.size[1] for node in needed], default=0)
        more = self.low - len(needed)
        if more > 0:
            weight += more * self.rest.size[0]
            height = max(height, self.rest.size[1])
        return weight, height + 1

    def blame(self) -> Node | None:
        """Return the largest item that is needed."""
        needed = [*self.first[: self.low], *([self.rest] if self.low > len(self.first) else [])]
        return max(needed, key=lambda one: one.size, default=None)

    def write(self, pen: Pen, name: str) -> list[Json]:
        """Write one."""
        pen.depth += 1
        items: list[Json] = []
        seen: set[object] | None = set() if self.unique_at else None
        count = self._count(pen)
        try:
            while len(items) < count:
                item = self._item(pen, name, items, seen)
                if item is _NONE or (self._may_end(item, items) and item in items):
                    break
                items.append(item)
        finally:
            pen.depth -= 1
        return items

    def _may_end(self, item: Json, items: list[Json]) -> bool:
        """Say whether an array may end rather than repeat a text."""
        return type(item) is str and len(items) >= max(self.low, len(self.first))

    def _item(self, pen: Pen, name: str, items: list[Json], seen: set[object] | None) -> Json:
        """Write the next item; `_NONE` where there need be none and there is none."""
        node = self.first[len(items)] if len(items) < len(self.first) else self.rest
        needed = len(items) < self.low
        if not needed and not pen.spend(*node.size):
            return _NONE
        try:
            return node.write(pen, name) if seen is None else self._new(node, pen, name, seen)
        except Stuck:
            if needed or pen.effort < 0:
                raise
            return _NONE

    def _new(self, node: Node, pen: Pen, name: str, seen: set[object]) -> Json:
        """Write an item that is not among those *seen*."""
        attempt = pen.attempt
        try:
            for turn in range(UNIQUE_TRIES):
                # The more there are, the further afield.
                pen.attempt = attempt + turn + len(str(len(seen))) - 1
                item = node.write(pen, name)
                mark = identity(item)
                if mark not in seen:
                    seen.add(mark)
                    return item
            for item in _values_of(node):
                mark = identity(item)
                if mark not in seen:
                    seen.add(mark)
                    return item
        finally:
            pen.attempt = attempt
        at = self.unique_at or self.at
        raise Stuck(unsatisfiable("uniqueItems", at, f"no more than {len(seen)} different items"))

    def _count(self, pen: Pen) -> int:
        """Choose how many items: those that are placed, or a few, or as many as the prompt has."""
        low = max(self.low, min(len(self.first), self.high))
        if self.rest.size == NEVER:
            return min(low, self.high)
        usual = 1 + pen.chooser.below(USUAL_ITEMS)
        writers = self.rest.writers
        if len(pen.numbers) > 1 and len(writers) == 1 and isinstance(writers[0], Numbers):
            fitting = [one for one in pen.numbers if writers[0].span.holds(one)]
            usual = min(max(len(fitting), 1), PROMPTED_ITEMS)
        if pen.attempt:
            usual = pen.chooser.below(USUAL_ITEMS + pen.attempt)
        return min(max(low, usual), self.high)


def _values_of(node: Node) -> Sequence[Json]:
    """Return all values of a node, where it has a list of them."""
    writers = node.writers
    if len(writers) == 1 and isinstance(writers[0], Constants):
        return writers[0].values
    return (True, False) if len(writers) == 1 and isinstance(writers[0], Booleans) else ()


_NONE = object()
