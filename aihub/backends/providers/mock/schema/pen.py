"""What a value is being written with: choices, words, and how much may still be spent."""

from __future__ import annotations

from ..choosing import Chooser, Wording
from .refusal import SchemaRefused

GENEROUS = 300
"""Values that are written although the schema does not ask for them; then the shortest way out."""

DEEP = 6
"""Levels of a value below which nothing is written that need not be: recursion comes to an end."""

MAX_HEIGHT = 60
"""Levels that must be within a value, branches counted: what writes it recurses."""

TRIES = 24
"""How often a part is written anew where the validator does not take it."""

FEW_TRIES = 2
"""How often before another branch is tried."""

TIRED = 200
"""How often in all, within one value."""

EFFORT = 15_000
"""Values written in all, with those that are thrown away: some 50 ms."""


class Stuck(Exception):
    """A part for which nothing was found that fits; another way may be open."""

    def __init__(self, refusal: SchemaRefused) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Pen:
    """The state of one writing."""

    __slots__ = (
        "attempt",
        "chooser",
        "depth",
        "effort",
        "left",
        "numbers",
        "patience",
        "quoted",
        "said",
        "tries",
        "wording",
    )

    def __init__(self, chooser: Chooser, wording: Wording) -> None:
        self.chooser = chooser
        self.wording = wording
        self.numbers = [int(one) if float(one).is_integer() else one for one in wording.numbers]
        self.said: set[str] = set()
        self.quoted: dict[str, list[str]] = {}
        self.attempt = 0
        """How often what is being written was refused: later attempts are more adventurous."""
        self.depth = 0
        self.left = GENEROUS
        self.patience = TRIES
        self.effort = EFFORT
        self.tries = TIRED

    def begin_again(self, attempt: int) -> None:
        """Begin another value after one that could not be ended; the effort is not given back."""
        self.attempt = attempt
        self.depth = 0
        self.left = GENEROUS
        self.patience = TRIES
        self.tries = TIRED
        self.numbers = []

    def quote(self, kind: str) -> str | None:
        """Return what of a *kind* the prompt has and was not taken yet."""
        left = self.quoted.get(kind)
        if left is None:
            left = self.quoted[kind] = list(self.wording.quoted(kind))
        return left.pop(0) if left else None

    def spend(self, weight: float, height: float = 1) -> bool:
        """Say whether something that need not be there may be written, and pay for it."""
        if self.depth > DEEP or weight > self.left or height > MAX_HEIGHT:
            return False
        self.left -= int(weight)
        return True

    def odds(self, few: int, many: int) -> bool:
        """Be true in *few* of *many* cases."""
        return self.chooser.below(many) < few
