"""Vectors without a model: texts that share words lie near each other.

Each word of a text, and each run of three letters in it, adds to one place of the vector, by a hash
of itself (feature hashing: Weinberger et al., 2009). So a search by cosine finds what has the words
that were asked for, the same in each process and on each machine.
"""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from zlib import crc32

from ....model.embedding import Vector

PLAIN = 1536
"""How long vectors are where the model does not say."""

_WORD = re.compile(r"\w+")
_RUN = 3
_WORD_WEIGHT, _RUN_WEIGHT = 2.0, 1.0


def vector(seed: int, text: str, *, own: int, wanted: int) -> Vector:
    """Embed a text: of unit length, and never all zero.

    Args:
        seed: another seed, other vectors.
        text: any.
        own: how long the model's vectors are.
        wanted: how long this one is to be: its beginning is taken, and made of unit length again.
    """
    numbers = [0.0] * own
    counts = Counter(_words(text))
    start = crc32(b"%d" % seed)
    for word, count in counts.items():
        weight = 1 + math.log(count)
        _add(numbers, word, _WORD_WEIGHT * weight, start)
        padded = f" {word} "
        for at in range(len(padded) - _RUN + 1):
            _add(numbers, padded[at : at + _RUN], _RUN_WEIGHT * weight, start)
    del numbers[wanted:]
    length = math.sqrt(sum([one * one for one in numbers]))
    if not length:
        # All that the text has fell behind the cut.
        numbers[crc32(text.encode(), start) % wanted] = length = 1.0
    return array("f", [one / length for one in numbers])


def _words(text: str) -> Iterator[str]:
    found = _WORD.findall(text.casefold())
    return iter(found or [text])


def _add(numbers: list[float], feature: str, weight: float, start: int) -> None:
    hashed = crc32(feature.encode(), start)
    # The lowest bit says the sign, the others the place.
    numbers[(hashed >> 1) % len(numbers)] += weight if hashed & 1 else -weight
