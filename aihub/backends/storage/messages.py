"""Messages as JSON, for stores that keep text: each a list, without what it does not have."""

from __future__ import annotations

from collections.abc import Iterable

import orjson

from ...model.chat import Message, OtherPart, Part, ReasoningPart, TextPart, ToolCall
from ...model.units import Json


def to_json(messages: Iterable[Message]) -> str:
    """Write messages."""
    return orjson.dumps([_message(one) for one in messages]).decode()


def from_json(text: str) -> tuple[Message, ...]:
    """Read what `to_json` wrote."""
    return tuple([_read_message(*one) for one in orjson.loads(text)])


def _message(one: Message) -> list[Json]:
    content: Json = one.content
    if isinstance(content, tuple):
        content = [_part(part) for part in content]
    if one.name is None and not one.tool_calls and one.tool_call_id is None and not one.extra:
        return [one.role, content]
    calls = [
        [call.id, call.name, call.arguments, call.type, call.signature] for call in one.tool_calls
    ]
    return [one.role, content, one.name, calls, one.tool_call_id, one.extra]


def _part(part: Part) -> Json:
    """Write a part: text alone where there is no more to it, else a list that its kind begins."""
    match part:
        case TextPart(text, None):
            return text
        case TextPart():
            return ["text", part.text, part.extra]
        case ReasoningPart():
            return ["reasoning", part.text, part.signature, part.redacted]
        case OtherPart():
            return ["other", part.type, part.data, part.dialect]


def _read_message(  # noqa: PLR0917 - the fields of a message, in order
    role: Json,
    content: Json,
    name: Json = None,
    calls: Json = (),
    tool_call_id: Json = None,
    extra: Json = None,
) -> Message:
    if isinstance(content, list):
        content = tuple([_read_part(part) for part in content])
    made = tuple([ToolCall(*call) for call in calls]) if calls else ()
    return Message(role, content, name, made, tool_call_id, extra)


_PARTS = {"text": TextPart, "reasoning": ReasoningPart, "other": OtherPart}


def _read_part(part: Json) -> Part:
    return TextPart(part) if isinstance(part, str) else _PARTS[part[0]](*part[1:])
