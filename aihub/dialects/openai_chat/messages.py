"""Messages of a chat on the wire, both ways."""

from __future__ import annotations

from ...model.chat import ROLES, Message, OtherPart, Part, TextPart, ToolCall
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


def _part(value: Json, path: str) -> Part:
    if isinstance(value, dict) and value.get("type") == "text" and "text" in value:
        return TextPart(string(value["text"], f"{path}.text"))
    part = _other_part(value, path)
    return OtherPart(part["type"], part)


described(schema_of(_other_part), _part)
_parts = array(_part, low=1)


def _content(value: Json, path: str) -> str | tuple[Part, ...] | None:
    if isinstance(value, str) or value is None:
        return value
    if not isinstance(value, list):
        raise wrong_type(path, "a string or an array of parts", value)
    return _parts(value, path)  # type: ignore[no-any-return]


# Calls of tools

_CALLS: dict[str, Check] = {
    "function": shape(
        {"id": string, "function": _typed(name=string, arguments=string)}, ["id", "function"]
    ),
    "custom": shape({"id": string, "custom": _typed(name=string, input=string)}, ["id", "custom"]),
}
_call_kind = one_of(_CALLS)


def _tool_call(value: Json, path: str) -> ToolCall:
    kind = obj(value, path).get("type")
    if kind is None:
        raise missing(f"{path}.type")
    kind = _call_kind(kind, f"{path}.type")
    fields = _CALLS[kind](value, path)
    if kind == "custom":
        return ToolCall(fields["id"], fields["custom"]["name"], fields["custom"]["input"], kind)
    return ToolCall(fields["id"], fields["function"]["name"], fields["function"]["arguments"])


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
    return {"id": call.id, "type": call.type, call.type: called}


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
        raise wrong_type(path, "an object", value)
    role = value.get("role")
    if role is None:
        raise missing(f"{path}.role")
    role = _role(role, f"{path}.role")
    content = _content(value.get("content"), f"{path}.content")
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
            **{
                one: {"anyOf": [schema_of(check), {"type": "null"}]} for one, check in _rest.items()
            },
        },
        "required": ["role"],
    },
    message,
)


def message_schema() -> dict[str, Json]:
    """Return the JSON Schema of one message."""
    return dict(schema_of(message))


def message_object(one: Message) -> dict[str, Json]:
    """Write a message of a conversation, as a request has it."""
    content: Json = one.content
    if isinstance(content, tuple):
        content = [
            {"type": "text", "text": part.text} if isinstance(part, TextPart) else part.data
            for part in content
        ]
    fields: dict[str, Json] = {**(one.extra or {}), "role": one.role, "content": content}
    if one.name is not None:
        fields["name"] = one.name
    if one.tool_calls:
        fields["tool_calls"] = [call_object(call) for call in one.tool_calls]
    if one.tool_call_id is not None:
        fields["tool_call_id"] = one.tool_call_id
    return fields
