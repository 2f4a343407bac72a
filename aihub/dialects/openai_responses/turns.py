"""Messages, said as the items of an input.

What a model said and did comes apart: its reasoning, each of its texts and each of its calls is an
item of its own. What stands in this dialect's own words is said as it came, item by item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ...messages import Msg
from ...model.chat import Message, OtherPart, Part, ReasoningPart, TextPart, ToolCall
from ...model.units import Json
from ..saying import OPENAI, Saying
from .words import NAME, TRIGGER

_NOTHING: frozenset[str] = frozenset()
_UNSIGNED = frozenset({"thoughtSignature"})
"""What Gemini says of a text: to OpenAI it proves nothing."""


def say_input(say: Saying, fields: dict[str, Json]) -> None:
    """Write the conversation: what the system says first as instructions, the rest in order."""
    messages = say.chat.messages
    start = int(len(messages) > 1 and _instructs(messages[0]))
    if start:
        fields["instructions"] = messages[0].content
    customs: set[str] = set()
    told: list[Json] = []
    for n, one in enumerate(messages[start:], start):
        told += _items(say, one, f"messages[{n}]", customs)
    fields["input"] = told


def _instructs(one: Message) -> bool:
    plain = one.name is None and not one.extra
    return one.role == "system" and isinstance(one.content, str) and plain


def _items(say: Saying, one: Message, path: str, customs: set[str]) -> list[Json]:
    """Return the items of a message; *customs* are the ids of calls of custom tools so far."""
    openai = say.chat.dialect == OPENAI
    say.extras(one.extra, path, own=("refusal",) if openai else (), only=_NOTHING)
    if one.role == "function":
        say.wrong(f"{path}.role", Msg("results of functions in the old form have no id."))
    elif one.name is not None:
        say.unsupported(f"{path}.name")
    if one.role == "assistant":
        customs.update([call.id for call in one.tool_calls if call.type == "custom"])
        return [*_answer(say, one, path, openai=openai), *map(_call, one.tool_calls)]
    return _said(say, one, path, customs)


# What a model said


def _answer(say: Saying, one: Message, path: str, *, openai: bool) -> list[Json]:
    refusal = (one.extra or {}).get("refusal") if openai else None
    content = one.content
    if isinstance(content, str):
        # A text that says nothing stands beside calls, in chat completions.
        told: list[Json] = [_text_item(content)] if content or not one.tool_calls else []
    else:
        parts = [_own(say, part, f"{path}.content[{n}]") for n, part in enumerate(content or ())]
        told = [item for item in parts if item is not None]
    return [*told, _refusal_item(refusal)] if refusal else told


def _text_item(text: str) -> dict[str, Json]:
    return {"type": "message", "role": "assistant", "content": text}


def _refusal_item(text: Json) -> dict[str, Json]:
    return {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "refusal", "refusal": text}],
    }


def _own(say: Saying, part: Part, path: str) -> Json:
    """Write a part of a model's message, which is an item here."""
    if isinstance(part, TextPart):
        say.extras(part.extra, path, own=_UNSIGNED, only=_NOTHING)
        return _text_item(part.text)
    if isinstance(part, ReasoningPart):
        return _reasoning(say, part, path)
    if part.dialect == NAME:
        return part.data if _is_item(part) else _spoken([part.data], "assistant")
    if part.dialect == OPENAI and part.type == "refusal" and isinstance(part.data, Mapping):
        return _refusal_item(part.data.get("refusal"))
    say.strange(part, path)
    return None


def _reasoning(say: Saying, part: ReasoningPart, path: str) -> Json:
    if not say.travels:
        say.unsupported(path, Msg("Reasoning goes back only to who signed it."))
        return None
    carried = part.signature if part.redacted is None else part.redacted
    if carried is None:
        say.unsupported(path, Msg("Reasoning goes back only with a signature."))
        return None
    summary = [{"type": "summary_text", "text": part.text}] if part.text else []
    return {"type": "reasoning", **unsealed(carried), "summary": summary}


def sealed(id: str | None, encrypted: str) -> str:
    """Return reasoning that only the provider can read with the item's id, as a signature."""
    return f"{id}:{encrypted}" if id else encrypted


def unsealed(carried: str) -> dict[str, Json]:
    """Return what an item says of the reasoning in it; the id may not be known."""
    # What is encrypted is base64, which has no colon.
    id, colon, encrypted = carried.rpartition(":")
    return {"id": id, "encrypted_content": encrypted} if colon else {"encrypted_content": carried}


def _call(call: ToolCall) -> dict[str, Json]:
    said = {"call_id": call.id, "name": call.name}
    if call.type == "custom":
        return {"type": "custom_tool_call", **said, "input": call.arguments}
    return {"type": "function_call", **said, "arguments": call.arguments}


# What others said


def _said(say: Saying, one: Message, path: str, customs: set[str]) -> list[Json]:
    content = one.content
    if not isinstance(content, tuple):
        return [_turn(one, content or "", customs)]
    items: list[Json] = []
    parts: list[Json] = []
    for part, where in _placed(content, path):
        if isinstance(part, OtherPart) and part.dialect == NAME and _is_item(part):
            if part.type == TRIGGER:
                say.strange(part, where)
                continue
            if parts:
                items.append(_turn(one, parts, customs))
                parts = []
            items.append(part.data)
        else:
            said = _part(say, part, where)
            parts += [] if said is None else [said]
    return [*items, _turn(one, parts, customs)] if parts else items


def _placed(content: tuple[Part, ...], path: str) -> Iterator[tuple[Part, str]]:
    for n, part in enumerate(content):
        yield part, f"{path}.content[{n}]"


def _is_item(part: OtherPart) -> bool:
    """Say whether what stands in this dialect's words is an item, and no part of a message."""
    return not part.type.startswith(("input_", "output_"))


def _turn(one: Message, content: Json, customs: set[str]) -> dict[str, Json]:
    if one.role == "tool":
        kind = "custom_tool_call_output" if one.tool_call_id in customs else "function_call_output"
        return {"type": kind, "call_id": one.tool_call_id, "output": content}
    return _spoken(content, one.role)


def _spoken(content: Json, role: str) -> dict[str, Json]:
    return {"type": "message", "role": role, "content": content}


def _part(say: Saying, part: Part, path: str) -> Json:
    if isinstance(part, TextPart):
        extra = say.extras(part.extra, path, own=_UNSIGNED)
        return {**extra, "type": "input_text", "text": part.text}
    if isinstance(part, OtherPart):
        if part.dialect == NAME:
            return part.data
        write = _PARTS.get(part.type)
        inner = part.data.get(part.type) if isinstance(part.data, Mapping) else None
        if write is not None and part.dialect == OPENAI and isinstance(inner, Mapping):
            extra = say.extras(part.data, path, own=("type", part.type))
            return {**extra, **write(inner)}
        say.strange(part, path)
        return None
    say.unsupported(path, Msg("Reasoning goes back only to who signed it."))
    return None


def _image(inner: Mapping[str, Json]) -> dict[str, Json]:
    return {
        "type": "input_image",
        "image_url": inner.get("url"),
        "detail": inner.get("detail") or "auto",
    }


def _file(inner: Mapping[str, Json]) -> dict[str, Json]:
    return {"type": "input_file", **inner}


_PARTS: Mapping[str, Callable[[Mapping[str, Json]], dict[str, Json]]] = {
    "image_url": _image,
    "file": _file,
}
