"""Choices that are the same on every machine, and where a mock's free text comes from.

No randomness of the interpreter's is used: choices come from SHA-256, so that every machine and
every Python version makes the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Protocol, TypeVar

T = TypeVar("T")


class Chooser:
    """Choices from a digest, one after the other.

    >>> Chooser(b"seed").pick(("a", "b", "c")) == Chooser(b"seed").pick(("a", "b", "c"))
    True
    """

    __slots__ = ("_digest", "_state")

    def __init__(self, digest: bytes) -> None:
        self._digest = digest
        self._state = int.from_bytes(digest)

    def below(self, bound: int) -> int:
        """Return a number from 0 to *bound* - 1."""
        if self._state < bound << 64:
            self._digest = sha256(self._digest).digest()
            self._state = int.from_bytes(self._digest)
        self._state, choice = divmod(self._state, bound)
        return choice

    def pick(self, options: Sequence[T]) -> T:
        """Return one of *options*."""
        return options[self.below(len(options))]


class Wording(Protocol):
    """Protocol: where free text comes from, which is the prompt's own words in its language."""

    @property
    def numbers(self) -> tuple[float, ...]:
        """The numbers that the prompt names, in its order; whole ones are `int`."""
        ...

    def quoted(self, kind: str) -> tuple[str, ...]:
        """Return what of a *kind* the prompt has: an `email`, a `url`, a `date` (`2026-01-31`)."""
        ...

    def mentions(self, text: str) -> bool:
        """Say whether the prompt has *text* as a word or words, however it is capitalised."""
        ...

    def word(self, chooser: Chooser) -> str:
        """Return one word."""
        ...

    def name(self, chooser: Chooser) -> str:
        """Return what the prompt writes as a proper name (`Paris`), else a word capitalised."""
        ...

    def phrase(self, chooser: Chooser) -> str:
        """Return a few words without a full stop, as a title has."""
        ...

    def sentence(self, chooser: Chooser) -> str:
        """Return a whole sentence."""
        ...
