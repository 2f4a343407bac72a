"""Predicted outputs: an answer that is mostly known, and how much of the guess was right.

The mock answers what was predicted. Where the last message says in so many words what is to be
replaced (`replace username with email`), it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import attrs

from ....model.units import Json

_CHANGE = re.compile(
    r"\b(?:replace|rename|change)\s+(?:the\s+)?[`'\"]?(?P<old>\w{1,64})[`'\"]?(?:\s+\w+)?"
    r"\s+(?:with|to|by|into)\s+(?:an?\s+|the\s+)?[`'\"]?(?P<new>\w{1,64})",
    re.IGNORECASE,
)

HEAD = 2000
"""Characters of a message in which a change is looked for."""


@attrs.frozen
class Predicted:
    """What is answered, and how many tokens of the prediction are in it or were thrown away."""

    text: str
    accepted: int
    rejected: int


def content(prediction: Json) -> str:
    """Return the text of a request's `prediction`."""
    found = prediction.get("content") if isinstance(prediction, dict) else None
    if isinstance(found, list):
        return "".join(str(part.get("text", "")) for part in found if isinstance(part, dict))
    return found if isinstance(found, str) else ""


def answer(predicted: str, asked: str, count: Callable[[str], int]) -> Predicted:
    """Answer with *predicted*, changed as *asked* says; *count* counts tokens."""
    change = _CHANGE.search(asked[:HEAD])
    if change is None:
        return Predicted(predicted, count(predicted), 0)
    old, new = change["old"], change["new"]
    lines = predicted.splitlines(keepends=True)
    made = [_replaced(line, old, new) for line in lines]
    kept = [line for line, now in zip(lines, made, strict=True) if line == now]
    lost = [line for line, now in zip(lines, made, strict=True) if line != now]
    return Predicted("".join(made), count("".join(kept)), count("".join(lost)))


def _replaced(line: str, old: str, new: str) -> str:
    return line.replace(old.lower(), new.lower()).replace(old.capitalize(), new.capitalize())
