"""Token counters: by OpenAI's tokenizers where tiktoken is installed, else by a rule of thumb."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Protocol

from aihub.protocols import TokenCounter

from .bpe import TiktokenCounter as TiktokenCounter
from .estimate import EstimateCounter as EstimateCounter

__all__ = ["CuttingCounter", "EstimateCounter", "TextCutter", "TiktokenCounter", "best_counter"]


class TextCutter(Protocol):
    """Protocol: something that cuts text where tokens end."""

    def pieces(self, encoding: str, text: str) -> list[str]:
        """Return *text* in pieces of a token each; joined they are *text*.

        Tokens that share a character are one piece, so that each piece is whole characters.
        """
        ...

    def cut(self, encoding: str, text: str, tokens: int) -> str:
        """Return the first pieces of *text*, as many as count for at most *tokens* tokens."""
        ...


class CuttingCounter(TokenCounter, TextCutter, Protocol):
    """Protocol: a counter that can also cut; both of ours do."""


def best_counter() -> CuttingCounter:
    """Return the best counter that is installed. Imports and loads nothing yet."""
    return TiktokenCounter() if find_spec("tiktoken") else EstimateCounter()
