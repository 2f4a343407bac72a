"""Mutations that know JSON: bytes changed at random are nearly never an object any more."""

from __future__ import annotations

import random
from typing import Any

import orjson

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 1.0, 0.5, -0.0, 9, 2**31, 2**53 + 1, 2**63, -(2**63)),
    *(1e300, "", "1", "a", "user", "tool", "text", "\x00", "\u2028", "\U0001f600", "a" * 300),
    *([], {}, [[]], {"a": 1}, ["a"] * 5, [{}], {"": ""}),
    *({"role": "user", "content": "Hi"}, {"type": "text", "text": "a"}, {"type": "image_url"}),
    {"id": "1", "function": {"name": "f", "arguments": "{}"}},
)


def mutate(data: bytes, names: tuple[str, ...], seed: int) -> bytes | None:
    """Return *data*, a byte and a JSON object, with some values changed; None where it is none."""
    try:
        value = orjson.loads(data[1:])
    except orjson.JSONDecodeError:
        return None
    chance = random.Random(seed)  # noqa: S311 - no secret
    for _ in range(chance.randint(1, 3)):
        value = _changed(value, names, chance)
    return data[:1] + orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)


def mutate_line(data: bytes, names: tuple[str, ...], seed: int) -> bytes | None:
    """Return *data*, two bytes and lines of JSON, with one line changed, left out or told twice."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    lines = data[2:].split(b"\n")
    at = chance.randrange(len(lines))
    if chance.random() < 0.2:  # noqa: PLR2004 - now and then
        lines[at : at + 1] = chance.choice([[], [lines[at]] * 2, lines[at : at + 2][::-1]])
    else:
        # Bedrock's lines begin with the name of the event.
        start = max(lines[at].find(b"{") - 1, 0)
        changed = mutate(b" " + lines[at][start:].lstrip(), names, seed)
        if changed is None:
            return None
        lines[at] = lines[at][:start] + (changed if start else changed[1:])
    return data[:2] + b"\n".join(lines)


def _changed(value: Any, names: tuple[str, ...], chance: random.Random) -> Any:
    if isinstance(value, dict) and chance.random() < 0.8:  # noqa: PLR2004 - mostly deeper
        name = chance.choice([*value, *names]) if chance.random() < 0.6 else chance.choice(names)  # noqa: PLR2004
        return {**value, name: _changed(value.get(name), names, chance)}
    if isinstance(value, list) and value and chance.random() < 0.8:  # noqa: PLR2004
        at = chance.randrange(len(value))
        return [*value[:at], _changed(value[at], names, chance), *value[at + 1 :]]
    if isinstance(value, list) and chance.random() < 0.5:  # noqa: PLR2004
        return [*value, chance.choice(VALUES)]
    return chance.choice(VALUES)
