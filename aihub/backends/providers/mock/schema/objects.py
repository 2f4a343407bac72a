"""Objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from .....model.units import Json
from .hints import slug
from .nodes import NEVER, Node, Size
from .pen import Pen, Stuck
from .refusal import unsatisfiable

MAX_PROPERTIES = 1_000
"""Properties that `minProperties` may ask for."""

MAX_OPTIONAL = 32
"""Properties that are written although they are not required."""

NAME_TRIES = 200
"""Names that are thought of for one property before it is given up."""

USUAL_NAMES = 3
"""Most properties whose names are free."""


@attrs.frozen(eq=False)
class Property:
    """A property that the schema names."""

    name: str
    node: Node
    required: bool


@attrs.frozen(eq=False)
class Open:
    """Properties that the schema does not name.

    Attributes:
        names: writes names: by `propertyNames`, else by a `patternProperties`, else None.
        node_of: gives what the property of a name holds, None where the name may not be.
    """

    names: Sequence[Node]
    node_of: Callable[[str], Node | None]
    node: Node


@attrs.define(eq=False)
class Objects:
    """Writes objects: their properties in the order of the schema, then ones of its own."""

    properties: Sequence[Property]
    low: int
    high: int
    at: str
    dependents: Mapping[str, Sequence[str]]
    open: Open | None = None
    usual: int = 0

    def measure(self) -> Size:
        """Return the size with what is required, and the smallest of the rest where it must be."""
        weight, height = 1.0, 0.0
        needed = [one.node.size for one in self.properties if one.required]
        missing = self.low - len(needed)
        if missing > 0:
            others = sorted(one.node.size for one in self.properties if not one.required)
            needed += others[:missing]
            missing = self.low - len(needed)
        if missing > 0:
            size = NEVER if self.open is None else self.open.node.size
            weight += missing * size[0]
            height = size[1]
        for size in needed:
            weight += size[0]
            height = max(height, size[1])
        return weight, height + 1

    def blame(self) -> Node | None:
        """Return the largest property that is needed."""
        needed = [one.node for one in self.properties if one.required]
        if not needed and self.open is not None:
            needed = [self.open.node]
        return max(needed, key=lambda one: one.size, default=None)

    def write(self, pen: Pen, name: str) -> dict[str, Json]:
        """Write one."""
        pen.depth += 1
        try:
            chosen = self._choose(pen)
            written: dict[str, Json] = {}
            for one in self.properties:
                if one.name in chosen:
                    self._write_property(pen, one, written)
            if len(written) < len(chosen) and self.dependents:
                left = set(written)
                self._drop_dependents(left)
                written = {name: value for name, value in written.items() if name in left}
            if self.open is not None:
                self._write_open(pen, self.open, written)
        finally:
            pen.depth -= 1
        if len(written) < self.low:
            why = "there are not as many properties with a value"
            raise Stuck(unsatisfiable("minProperties", f"{self.at}/minProperties", why))
        return written

    def _choose(self, pen: Pen) -> set[str]:
        """Choose which properties to write."""
        chosen = {one.name for one in self.properties if one.required}
        room = self.high - len(chosen)
        for one in self.properties:
            if room <= 0:
                break
            if one.required:
                continue
            wanted = not pen.attempt or pen.odds(1, 2)
            if wanted and pen.spend(*one.node.size):
                chosen.add(one.name)
                room -= 1
        if len(chosen) < self.low:
            others = [one for one in self.properties if one.name not in chosen]
            others.sort(key=lambda one: one.node.size)
            missing = self.low - len(chosen)
            chosen.update(one.name for one in others[:missing] if one.node.size < NEVER)
        if self.dependents:
            self._drop_dependents(chosen)
        return chosen

    def _drop_dependents(self, chosen: set[str]) -> None:
        """Drop what depends on something that is not there, until nothing does.

        What is required is not dropped: all that it depends on is required too.
        """
        lacking = {""}
        while lacking:
            lacking = {
                name
                for name, others in self.dependents.items()
                if name in chosen and not chosen.issuperset(others)
            }
            chosen -= lacking

    def _write_property(self, pen: Pen, one: Property, written: dict[str, Json]) -> None:
        if one.required:
            written[one.name] = one.node.write(pen, one.name)
            return
        try:
            written[one.name] = one.node.write(pen, one.name)
        except Stuck:
            if pen.effort < 0:
                raise

    def _write_open(self, pen: Pen, free: Open, written: dict[str, Json]) -> None:
        """Write properties with names of their own, as many as must be or are usual."""
        usual = min(self.usual and 1 + pen.chooser.below(self.usual), self.high)
        while len(written) < max(self.low, usual):
            needed = len(written) < self.low
            if not needed and not pen.spend(*free.node.size):
                break
            try:
                self._write_named(pen, free, written)
            except Stuck:
                if needed or pen.effort < 0:
                    raise
                break

    def _write_named(self, pen: Pen, free: Open, written: dict[str, Json]) -> None:
        attempt = pen.attempt
        try:
            for turn in range(NAME_TRIES):
                pen.attempt = attempt + turn
                name = _think_of(pen, free.names, len(written) + turn)
                barred = name in written or not written.keys() >= {*self.dependents.get(name, ())}
                node = None if barred else free.node_of(name)
                if node is not None and node.size < NEVER:
                    pen.attempt = attempt
                    written[name] = node.write(pen, name)
                    return
        finally:
            pen.attempt = attempt
        why = "no name was found for one more property"
        raise Stuck(unsatisfiable("minProperties", f"{self.at}/minProperties", why))


def _think_of(pen: Pen, names: Sequence[Node], count: int) -> str:
    """Think of a name: by one of *names* if there are any, else a word of the prompt's."""
    if names:
        return str(pen.chooser.pick(names).write(pen, "query"))
    word = slug(pen.wording.word(pen.chooser), "key")
    return word if count < USUAL_NAMES else f"{word}_{count}"
