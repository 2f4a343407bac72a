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
