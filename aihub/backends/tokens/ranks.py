"""Reads the vocabularies of OpenAI's tokenizers, which come with aihub.

tiktoken would download them. A `.ranks` file, written by `tools/make_ranks.py`, has the 256
tokens of one byte first, then all others with a 0xFF byte between them, in order of rank. No
token but the one of that byte has 0xFF in it, since it never occurs in UTF-8; so one `split`
reads the file, which takes a third of the time of reading tiktoken's own format. It is not
compressed: a wheel and git do that, and unpacking would cost 7 ms of a server's start.

The patterns are tiktoken's (MIT, see NOTICES.md); a test compares them with the installed one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding

SEPARATOR = b"\xff"
SINGLE_BYTES = 256

SIZES = {"cl100k_base": 100_277, "o200k_base": 200_019}
"""Ids of tokens, special ones such as the end of a text included; those are the last."""

PATTERNS = {
    "cl100k_base": (
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
        r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
    ),
    "o200k_base": (
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
        r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    ),
}


def open_encoding(name: str) -> Encoding:
    """Build one encoding: slow (about 0.1 s), imports tiktoken.

    It knows no special tokens: "<|endoftext|>" in what a user wrote is text like any other.
    """
    from tiktoken import Encoding

    ranks = read_ranks(name)
    encoding = Encoding(name, pat_str=PATTERNS[name], mergeable_ranks=ranks, special_tokens={})
    # The encoding made its own tables; these would only hold some 15 MB for nothing.
    ranks.clear()
    return encoding


def read_ranks(name: str) -> dict[bytes, int]:
    """Return the rank of every token of an encoding."""
    data = Path(__file__).with_name(f"{name}.ranks").read_bytes()
    tokens = [data[n : n + 1] for n in range(SINGLE_BYTES)]
    tokens += data[SINGLE_BYTES:].split(SEPARATOR)
    return {token: rank for rank, token in enumerate(tokens)}
