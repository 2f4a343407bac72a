"""Log probabilities that keep to the rules of real ones, as a function of the request alone.

None is above 0, the alternatives to a token are sorted and add up to at most 1 with it, the token
chosen is among them, and each has the bytes that it stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

from ....model.units import Json
from .choosing import Chooser

# Each a single token of both vocabularies, with and without the space before it.
ALTERNATIVES = (
    *("the", "a", "an", "and", "of", "to", "in", "is", "it", "for", "on", "with", "as", "at"),
    *("by", "from", "or", "that", "this", "be", "are", "was", "not", "but", "can", "will"),
    *("has", "more", "one", "all", "its", "also", "some", "most"),
)

# Twice over, so that a turn of them is a slice; by what the token before them begins with.
_TURNS = {
    b"": tuple(word.encode() for word in ALTERNATIVES * 2),
    b" ": tuple(b" " + word.encode() for word in ALTERNATIVES * 2),
}

_STEPS = 1 << 16
_DIGITS = 7
_HALF = math.log(0.5)

REMEMBERED = 4096
"""Tokens whose text and bytes are kept: alternatives come again with each token."""


def logprobs(tokens: Sequence[bytes], chooser: Chooser, top: int) -> list[Json]:
    """Return an entry for each of *tokens* in OpenAI's shape, with *top* alternatives."""
    return [_entry(token, chooser, top) for token in tokens]


def _entry(token: bytes, chooser: Chooser, top: int) -> Json:
    # From a half to nearly one: the most likely token is mostly the one that is chosen.
    step = chooser.below(_STEPS * len(ALTERNATIVES) * 8)
    step, start = divmod(step, len(ALTERNATIVES))
    step, one_in_eight = divmod(step, 8)
    likely = 0.5 + step / (2 * _STEPS + 2)
    first = math.log(likely)
    if top == 0:
        return {**_told(token, first), "top_logprobs": []}
    # Where only one is told, it is the chosen one.
    place = 1 if one_in_eight == 0 and top > 1 else 0
    ranked = _others(token, start, top - 1)
    ranked.insert(place, token)
    rest = math.log(1 - likely)
    told = [_told(ranked[0], first)]
    told += [_told(one, rest + n * _HALF) for n, one in enumerate(ranked[1:], 1)]
    return {**told[place], "top_logprobs": told}


def _others(token: bytes, start: int, count: int) -> list[bytes]:
    turned = _TURNS[b" " if token[:1] == b" " else b""][start : start + count + 1]
    return [one for one in turned if one != token][:count]


def _told(token: bytes, share: float) -> dict[str, Json]:
    text, numbers = _spelt(token)
    return {"token": text, "logprob": round(share, _DIGITS), "bytes": numbers}


@lru_cache(REMEMBERED)
def _spelt(token: bytes) -> tuple[str, list[int]]:
    """Return a token's text and bytes; the text of a part of a character as OpenAI writes it."""
    try:
        text = token.decode()
    except UnicodeDecodeError:
        text = "bytes:" + "".join([f"\\x{byte:02x}" for byte in token])
    return text, list(token)
