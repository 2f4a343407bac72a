"""Log probabilities that keep to the rules of real ones, as a function of the request alone.

None is above 0, the alternatives to a token are sorted and add up to at most 1 with it, the token
chosen is among them, and each has the bytes that it stands for.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ....model.units import Json
from .choosing import Chooser

# Each a single token of both vocabularies, with and without the space before it.
ALTERNATIVES = (
    *("the", "a", "an", "and", "of", "to", "in", "is", "it", "for", "on", "with", "as", "at"),
    *("by", "from", "or", "that", "this", "be", "are", "was", "not", "but", "can", "will"),
    *("has", "more", "one", "all", "its", "also", "some", "most"),
)

_STEPS = 1 << 16
_DIGITS = 7


def logprobs(tokens: Sequence[bytes], chooser: Chooser, top: int) -> list[Json]:
    """Return an entry for each of *tokens* in OpenAI's shape, with *top* alternatives."""
    return [_entry(token, chooser, top) for token in tokens]


def _entry(token: bytes, chooser: Chooser, top: int) -> Json:
    # From a half to nearly one: the most likely token is mostly the one that is chosen.
    likely = 0.5 + chooser.below(_STEPS) / (2 * _STEPS + 2)
    # One token in eight was not the most likely; where only one is told, it is the chosen one.
    chosen_first = chooser.below(8) > 0 or top <= 1
    ranked = [token]
    if top > 0:
        others = _others(token, chooser, top - 1)
        ranked = [token, *others] if chosen_first else [others[0], token, *others[1:]]
    shares = [likely, *((1 - likely) * 0.5**n for n in range(1, len(ranked)))]
    told = [_told(one, share) for one, share in zip(ranked, shares, strict=True)]
    return {**told[0 if chosen_first else 1], "top_logprobs": told if top > 0 else []}


def _others(token: bytes, chooser: Chooser, count: int) -> list[bytes]:
    space = b" " if token[:1] == b" " else b""
    start = chooser.below(len(ALTERNATIVES))
    turned = (*ALTERNATIVES[start:], *ALTERNATIVES[:start])
    found = (space + word.encode() for word in turned)
    return [one for one in found if one != token][:count]


def _told(token: bytes, share: float) -> dict[str, Json]:
    return {
        "token": _text(token),
        "logprob": round(math.log(share), _DIGITS),
        "bytes": list(token),
    }


def _text(token: bytes) -> str:
    """Return a token's text; of one that is a part of a character its bytes, as OpenAI writes."""
    try:
        return token.decode()
    except UnicodeDecodeError:
        return "bytes:" + "".join([f"\\x{byte:02x}" for byte in token])
