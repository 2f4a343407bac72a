"""Token counters: by OpenAI's tokenizers where tiktoken is installed, else by a rule of thumb."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import pairwise
from typing import Protocol, runtime_checkable

from aihub.protocols import TokenCounter

from .bpe import TiktokenCounter as TiktokenCounter
from .estimate import EstimateCounter as EstimateCounter

__all__ = [
    "CuttingCounter",
    "EstimateCounter",
    "TextCutter",
    "TiktokenCounter",
    "Vocabulary",
    "best_counter",
    "cut",
    "pieces",
]


class TextCutter(Protocol):
    """Protocol: something that cuts text where tokens end."""

    def ends(self, encoding: str, text: str) -> list[tuple[int, int]]:
        """Return each place where a token of *text* ends with a character, in order.

        A place is (characters up to there, tokens up to there). Tokens that share a character
        end together, so that text cut at these places is whole characters; the last is the end.
        """
        ...

    def spelled(self, encoding: str, text: str) -> list[bytes]:
        """Return the bytes of each token of *text*; one may be a part of a character."""
        ...


@runtime_checkable
class Vocabulary(Protocol):
    """Protocol: tokens have numbers; a rule of thumb has none."""

    def size(self, encoding: str) -> int:
        """Return how many ids of tokens there are, special ones included."""
        ...

    def encode(self, encoding: str, text: str) -> list[int]:
        """Return the tokens of *text*."""
        ...

    def spell(self, encoding: str, tokens: Iterable[int]) -> list[bytes]:
        """Return the bytes of each of *tokens*; a special one has none."""
        ...


class CuttingCounter(TokenCounter, TextCutter, Protocol):
    """Protocol: a counter that can also cut; both of ours do."""


def pieces(cutter: TextCutter, encoding: str, text: str) -> list[str]:
    """Return *text* in pieces of a token each, or of the tokens that share a character.

    >>> pieces(EstimateCounter(), "o200k_base", "Once upon a time")
    ['Once', ' upon', ' a', ' time']
    """
    places = [0, *(at for at, _ in cutter.ends(encoding, text))]
    return [text[start:end] for start, end in pairwise(places)]


def cut(cutter: TextCutter, encoding: str, text: str, tokens: int) -> str:
    """Return the first pieces of *text*, as many as count for at most *tokens* tokens.

    >>> cut(EstimateCounter(), "o200k_base", "Once upon a time", 2)
    'Once upon'
    """
    fitting = (at for at, used in cutter.ends(encoding, text) if used <= tokens)
    return text[: max(fitting, default=0)]


def best_counter() -> CuttingCounter:
    """Return the best counter that is installed. Imports and loads nothing yet."""
    return TiktokenCounter() if find_spec("tiktoken") else EstimateCounter()
