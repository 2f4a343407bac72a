"""Messages of a chat on the wire, both ways."""

from __future__ import annotations

from itertools import count

from ...messages import Msg
from ...model.chat import ROLES, Message, OtherPart, Part, ReasoningPart, TextPart, ToolCall
from ...model.units import Json
from ..fields import (
    Check,
    array,
    described,
    missing,
    obj,
    one_of,
    schema_of,
    shape,
    string,
    variants,
    wrong_type,
)

# Parts


def _typed(**fields: Check) -> Check:
    return shape(fields, required=fields)


# Types that are not named here are a provider's own: they are passed on, or refused by it.
_other_part = variants(
    {
        "image_url": _typed(
            image_url=shape(
                {"url": string, "detail": one_of(frozenset({"auto", "low", "high"}))}, ["url"]
            )
        ),
        "input_audio": _typed(
            input_audio=_typed(data=string, format=one_of(frozenset({"wav", "mp3"})))
        ),
        "file": _typed(file=shape({"filename": string, "file_data": string, "file_id": string})),
        "refusal": _typed(refusal=string),
        "text": _typed(text=string),
    }
)


_TEXT = frozenset({"type", "text"})
_PLAIN = len(_TEXT)


def _part(value: Json, path: str) -> Part:
    if isinstance(value, dict) and value.get("type") == "text" and "text" in value:
        text = string(value["text"], f"{path}.text")
        if len(value) == _PLAIN:
            return TextPart(text)
        return TextPart(text, {name: one for name, one in value.items() if name not in _TEXT})
    part = _other_part(value, path)
    return OtherPart(part["type"], part)


described(schema_of(_other_part), _part)
_parts = array(_part, low=1)


def _content(value: Json, path: str) -> str | tuple[Part, ...] | None:
    if isinstance(value, str) or value is None:
        return value
    if not isinstance(value, list):
        raise wrong_type(path, Msg("a string or an array of parts"), value)
    return _parts(value, path)  # type: ignore[no-any-return]


# Calls of tools

_CALLS: dict[str, Check] = {
    "function": shape(
        {"id": string, "function": _typed(name=string, arguments=string)}, ["id", "function"]
    ),
    "custom": shape({"id": string, "custom": _typed(name=string, input=string)}, ["id", "custom"]),
}
_call_kind = one_of(_CALLS)


_google = shape({"thought_signature": string})
_extra_content = shape({"google": _google})


def _signature(fields: dict[str, Json], path: str) -> str | None:
    """Take a call's signature, from where Google's own endpoint in this form has it."""
    given = fields.get("extra_content")
    if given is None:
        return None
    google = _extra_content(given, f"{path}.extra_content").get("google") or {}
    return google.get("thought_signature")


def _tool_call(value: Json, path: str) -> ToolCall:
    kind = obj(value, path).get("type")
    if kind is None:
        raise missing(f"{path}.type")
    kind = _call_kind(kind, f"{path}.type")
    fields = _CALLS[kind](value, path)
    if kind == "custom":
        return ToolCall(fields["id"], fields["custom"]["name"], fields["custom"]["input"], kind)
    function = fields["function"]
    return ToolCall(
        fields["id"],
        function["name"],
        function["arguments"],
        signature=_signature(fields, path),
    )


described(
    {
        "type": "object",
        "properties": {"type": schema_of(_call_kind)},
        "required": ["type"],
        "if": {"properties": {"type": {"const": "custom"}}},
        "then": schema_of(_CALLS["custom"]),
        "else": schema_of(_CALLS["function"]),
    },
    _tool_call,
)
_tool_calls = array(_tool_call)


def call_object(call: ToolCall) -> dict[str, Json]:
    """Write a call of a tool, as a message has it."""
    if call.type == "custom":
        called = {"name": call.name, "input": call.arguments}
    else:
        called = {"name": call.name, "arguments": call.arguments}
    fields: dict[str, Json] = {"id": call.id, "type": call.type, call.type: called}
    if call.signature is not None:
        fields["extra_content"] = signed(call.signature)
    return fields


def signed(signature: str) -> Json:
    """Write a call's signature, as Google's endpoint in this form does."""
    return {"google": {"thought_signature": signature}}


# Reasoning

THOUGHT, HIDDEN = "reasoning.text", "reasoning.encrypted"
_details = array(variants({THOUGHT: shape({"text": string, "signature": string})}))


def _thoughts(value: Json, path: str) -> tuple[ReasoningPart, ...] | None:
    """Take reasoning that is given back; None where it is not all of a kind that is known."""
    given = _details(value, path)
    made = [_thought(one) for one in given]
    return None if None in made else tuple(made)  # type: ignore[arg-type]


def _thought(one: dict[str, Json]) -> ReasoningPart | None:
    if one["type"] == THOUGHT:
        return ReasoningPart(one.get("text") or "", one.get("signature"))
    if one["type"] == HIDDEN and isinstance(one.get("data"), str):
        return ReasoningPart("", redacted=one["data"])
    return None


def thought_object(part: ReasoningPart, index: int) -> dict[str, Json]:
    """Write a piece of reasoning, in the form that OpenRouter gave it."""
    if part.redacted is not None:
        return {"type": HIDDEN, "data": part.redacted, "index": index}
    fields: dict[str, Json] = {"type": THOUGHT, "text": part.text, "index": index}
    return fields if part.signature is None else {**fields, "signature": part.signature}


# Messages

_MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
_role = one_of(ROLES)
_rest = {
    "refusal": string,
    "audio": _typed(id=string),
    "function_call": _typed(name=string, arguments=string),
}


def message(value: Json, path: str) -> Message:
    """Take a message."""
    if not isinstance(value, dict):
        raise wrong_type(path, Msg("an object"), value)
    role = value.get("role")
    if role is None:
        raise missing(f"{path}.role")
    role = _role(role, f"{path}.role")
    content = _content(value.get("content"), f"{path}.content")
    thoughts = None
    if value.get("reasoning_details") is not None:
        thoughts = _thoughts(value["reasoning_details"], f"{path}.reasoning_details")
    calls = value.get("tool_calls")
    tool_calls = () if calls is None else _tool_calls(calls, f"{path}.tool_calls")
    if content is None and not (tool_calls or _may_be_empty(role, value)):
        raise missing(f"{path}.content")
    name, call_id = value.get("name"), value.get("tool_call_id")
    if role == "tool" and call_id is None:
        raise missing(f"{path}.tool_call_id")
    if role == "function" and name is None:
        raise missing(f"{path}.name")
    extra = value.keys() - _MESSAGE_FIELDS
    if thoughts is not None:
        extra.discard("reasoning_details")
        content = (*thoughts, *_as_parts(content)) if thoughts else content
    for field in extra & _rest.keys():
        if value[field] is not None:
            _rest[field](value[field], f"{path}.{field}")
    return Message(
        role,
        content,
        None if name is None else string(name, f"{path}.name"),
        tool_calls,
        None if call_id is None else string(call_id, f"{path}.tool_call_id"),
        {field: value[field] for field in sorted(extra)} if extra else None,
    )


def _as_parts(content: str | tuple[Part, ...] | None) -> tuple[Part, ...]:
    if isinstance(content, str):
        return (TextPart(content),)
    return content or ()


def _may_be_empty(role: str, value: dict[str, Json]) -> bool:
    """Say whether a message may have no content: an answer with something else in it may."""
    return role == "function" or (role == "assistant" and any(value.get(one) for one in _rest))


described(
    {
        "type": "object",
        "properties": {
            "role": {"type": "string", "enum": sorted(ROLES)},
            "content": {"anyOf": [{"type": "string"}, schema_of(_parts), {"type": "null"}]},
            "name": {"type": ["string", "null"]},
            "tool_calls": {"anyOf": [schema_of(_tool_calls), {"type": "null"}]},
            "tool_call_id": {"type": ["string", "null"]},
            "reasoning_details": {"anyOf": [schema_of(_details), {"type": "null"}]},
            **{
                one: {"anyOf": [schema_of(check), {"type": "null"}]} for one, check in _rest.items()
            },
        },
        "required": ["role"],
    },
    message,
)


def _part_object(part: TextPart | OtherPart) -> Json:
    if isinstance(part, TextPart):
        return {**(part.extra or {}), "type": "text", "text": part.text}
    return part.data


def message_schema() -> dict[str, Json]:
    """Return the JSON Schema of one message."""
    return dict(schema_of(message))


def message_object(one: Message) -> dict[str, Json]:
    """Write a message of a conversation, as a request has it."""
    content: Json = one.content
    fields: dict[str, Json] = {**(one.extra or {}), "role": one.role, "content": content}
    if isinstance(content, tuple):
        thoughts = [part for part in content if isinstance(part, ReasoningPart)]
        if thoughts:
            fields["reasoning_details"] = [thought_object(*two) for two in zip(thoughts, count())]
        fields["content"] = [
            _part_object(part) for part in content if not isinstance(part, ReasoningPart)
        ] or None
    if one.name is not None:
        fields["name"] = one.name
    if one.tool_calls:
        fields["tool_calls"] = [call_object(call) for call in one.tool_calls]
    if one.tool_call_id is not None:
        fields["tool_call_id"] = one.tool_call_id
    return fields
