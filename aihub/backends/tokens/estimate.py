"""Estimates tokens by a rule of thumb, with nothing installed and nothing to load.

A text is cut by one regular expression into what a tokenizer would roughly make of it: a word
with the space before it, long words in chunks, up to three digits, one Chinese or Korean
character, a few signs. English comes to about four characters a token. The same text
always gives the same pieces, and a text that is cut after a piece keeps its count.
"""

from __future__ import annotations

import re
from itertools import accumulate

from aihub.model.catalogue import Model
from aihub.model.chat import Chat
from aihub.model.usage import Count

from . import parts
from .prompt import other_parts, overhead, texts

# Chinese characters and Hangul are mostly a token each, kana go in twos.
_KANA = "\u3040-\u30ff"
_WIDE = "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"

# Chunks that o200k_base comes near to on prose: Latin words stay whole up to ten letters, other
# alphabets are dearer. The last branch takes whatever is left, so that nothing is ever skipped.
_PIECE = re.compile(
    rf"[{_WIDE}]|[{_KANA}]{{1,2}}"
    r"| ?[A-Za-z\u00c0-\u024f]{1,10}"
    rf"| ?(?:(?![{_WIDE}{_KANA}])[^\W\d_]){{1,4}}"
    r"|\d{1,3}"
    r"| ?[!-/:-@\[-`{-~]{1,3}"
    r"|\s{1,16}"
    r"|.",
    re.DOTALL,
)


class EstimateCounter:
    """Counts by a rule of thumb; every count says `estimated`. Always ready, needs nothing.

    The encoding is of no account.
    """

    def ready(self, encoding: str) -> bool:
        """Return True: there is nothing to load."""
        return True

    def load(self, encoding: str) -> None:
        """Do nothing."""

    def count_prompt(self, model: Model, chat: Chat) -> Count:
        """Estimate a conversation, its messages framed as OpenAI's models frame them."""
        tokens = _framing(chat) + sum(map(_count, texts(chat)))
        for part in other_parts(chat):
            tokens += parts.count(model, part, _count).tokens
        return Count(tokens, "estimated")

    def count_text(self, model: Model, text: str) -> Count:
        """Estimate a text alone."""
        return Count(_count(text), "estimated")

    def ends(self, encoding: str, text: str) -> list[tuple[int, int]]:
        """Return where characters and estimated tokens end together, and the tokens up to there."""
        sizes = accumulate(map(len, _PIECE.findall(text)))
        return [(at, used) for used, at in enumerate(sizes, start=1)]

    def spelled(self, encoding: str, text: str) -> list[bytes]:
        """Return the bytes of each piece that counts as a token."""
        return [piece.encode(errors="replace") for piece in _PIECE.findall(text)]


def _framing(chat: Chat) -> int:
    # Roles are words of a token or two.
    return overhead(chat) + sum([_count(message.role) for message in chat.messages])


def _count(text: str) -> int:
    return len(_PIECE.findall(text))
