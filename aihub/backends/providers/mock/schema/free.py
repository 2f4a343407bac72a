"""Values of no schema: a small object from the words of the prompt."""

from __future__ import annotations

import attrs

from .....model.units import Json
from ..choosing import Chooser, Wording
from .hints import PLAIN, WRITERS, kind_of, slug
from .pen import Pen
from .scalars import Leaf

MOST_NUMBERS = 4
"""The prompt's numbers that become properties."""


def free_object(chooser: Chooser, wording: Wording) -> dict[str, Json]:
    """Return a small object about what the prompt says, keys and all."""
    return _object(Pen(chooser, wording))


def _object(pen: Pen) -> dict[str, Json]:
    chooser, wording = pen.chooser, pen.wording
    found: dict[str, Json] = {
        "topic": wording.phrase(chooser),
        "summary": wording.sentence(chooser),
    }
    for _ in range(1 + chooser.below(2)):
        word = slug(wording.word(chooser), "")
        if word and word not in found:
            found[word] = wording.phrase(chooser)
    if pen.numbers:
        found["numbers"] = pen.numbers[:MOST_NUMBERS]
    return found


@attrs.define(eq=False)
class FreeValues(Leaf):
    """Writes what a schema allows that says nothing: an object as a whole answer, else a string."""

    at_root: bool

    def write(self, pen: Pen, name: str) -> Json:
        """Write one."""
        if self.at_root:
            return _object(pen)
        if pen.attempt and pen.odds(1, 2):
            return pen.chooser.below(100)
        text = WRITERS[kind_of(name) or PLAIN](pen)
        return f"{text} {pen.chooser.below(999)}" if pen.attempt else text
