"""Completions as JSON, for stores that keep text."""

from __future__ import annotations

from typing import Any

import orjson

from ...model.chat import ToolCall
from ...model.events import Choice, Completion
from ...model.usage import Usage

MAX_ANSWER = 1024 * 1024
"""Bytes of an answer that is kept for repetitions: ten times what a model writes at most."""


def to_json(done: Completion) -> bytes | None:
    """Write a completion; None where it is too large, or has what no file can hold."""
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
            }
        )
    except TypeError:
        return None
    return text if len(text) <= MAX_ANSWER else None


def from_json(text: bytes) -> Completion:
    """Read what `to_json` wrote."""
    fields = orjson.loads(text)
    choices = tuple([_read_choice(*one) for one in fields.pop("choices")])
    return Completion(choices=choices, usage=Usage(*fields.pop("usage")), **fields)


def _choice(one: Choice) -> list[Any]:
    calls = [[call.id, call.name, call.arguments, call.type] for call in one.tool_calls]
    return [one.index, one.text, one.finish_reason, one.reasoning, calls, one.logprobs]


def _read_choice(*fields: Any) -> Choice:
    index, text, reason, reasoning, calls, logprobs = fields
    return Choice(
        index=index,
        text=text,
        finish_reason=reason,
        reasoning=reasoning,
        tool_calls=tuple([ToolCall(*call) for call in calls]),
        logprobs=logprobs,
    )
