"""Completions as JSON, for stores that keep text."""

from __future__ import annotations

from typing import Any

import attrs
import orjson

from ...model.chat import ReasoningPart, ToolCall
from ...model.events import Choice, Completion
from ...model.usage import Usage

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that is kept for repetitions: ten times what a model writes at most."""


def to_json(done: Completion, most: int | None = MAX_ANSWER) -> bytes | None:
    """Write a completion; None where it has more than *most* bytes, or what no file can hold."""
    usage = done.usage
    try:
        text = orjson.dumps(
            {
                "id": done.id,
                "created": done.created,
                "model": done.model,
                "served_model": done.served_model,
                "choices": [_choice(one) for one in done.choices],
                "usage": [
                    usage.prompt,
                    usage.completion,
                    usage.cached,
                    usage.cache_write,
                    usage.reasoning,
                    usage.source,
                    usage.accepted,
                    usage.rejected,
                ],
                "cost": done.cost,
                "fingerprint": done.fingerprint,
                "dropped": done.dropped,
                "ended": done.ended,
                "extra": done.extra,
                "dialect": done.dialect,
            }
        )
    except TypeError:
        return None
    return text if most is None or len(text) <= most else None


def from_json(text: bytes) -> Completion:
    """Read what `to_json` wrote."""
    fields = orjson.loads(text)
    choices = tuple([_read_choice(one) for one in fields.pop("choices")])
    return Completion(choices=choices, usage=Usage(*fields.pop("usage")), **fields)


def _choice(one: Choice) -> dict[str, Any]:
    # By name, and only what is there: most of a choice's fields are rare.
    return attrs.asdict(one, filter=lambda _, value: value is not None and value != ())


def _read_choice(fields: dict[str, Any]) -> Choice:
    calls = tuple([ToolCall(**call) for call in fields.pop("tool_calls", ())])
    thoughts = tuple([ReasoningPart(**one) for one in fields.pop("thoughts", ())])
    return Choice(text=fields.pop("text", None), tool_calls=calls, thoughts=thoughts, **fields)
