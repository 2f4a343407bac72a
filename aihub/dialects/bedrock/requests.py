"""Requests of `Converse` and `ConverseStream`, read.

Source: AWS's published model of the service, `ConverseRequest`. A field that is null counts as not
given. What has no place in `Chat` is kept in its `extra`, in Bedrock's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ...errors import InvalidRequest
from ...messages import Msg
from ...model.chat import Chat, ResponseFormat, Tool, ToolChoice
from ...model.units import Json
from ..fields import (
    MAX_NAME,
    Fault,
    boolean,
    integer,
    missing,
    number,
    obj,
    one_of,
    string,
    text_of,
)
from ..objects import MAX_FAULTS, json_object, refusal
from .messages import Block, block, given, items, messages, system, text_in
from .words import NAME

SCHEMA_NAME = "response"
"""What a schema for the answer is called in dialects that want a name, where it has none here."""

_INT32 = 2**31 - 1


@attrs.define
class _Chat:
    """What has been read of a request: fields of `Chat`, its extra, and what is wrong."""

    values: dict[str, Any] = attrs.field(factory=dict)
    extra: dict[str, Json] = attrs.field(factory=dict)
    faults: list[Fault] = attrs.field(factory=list)

    def read(self, value: Json, path: str, table: Mapping[str, _Read]) -> None:
        """Read an object by *table*, and keep what has no place."""
        rest: dict[str, Json] = {}
        for name, one in given(value, path).items():
            found = table.get(name)
            if found is None:
                rest[name] = one
                continue
            try:
                found(one, f"{path}.{name}" if path else name, self)
            except Fault as fault:
                self.faults.append(fault)
        if rest:
            self.extra.update({path: rest} if path else rest)


_Read = Callable[[Json, str, _Chat], None]


def decode_request(body: bytes, *, model: str, stream: bool = False) -> Chat:
    """Read a request's body.

    Args:
        body: JSON.
        model: the model's name, which stands in the path.
        stream: whether the path asks for a stream.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    fields = json_object(body)
    chat = _Chat()
    chat.read(fields, "", _FIELDS)
    if fields.get("messages") is None:
        chat.faults.append(missing("messages"))
    if chat.faults:
        raise refusal(chat.faults[:MAX_FAULTS])
    values = chat.values
    first = values.pop("system", None)
    if first is not None:
        values["messages"] = (first, *values["messages"])
    return Chat(model=model, stream=stream, **values, extra=chat.extra or None, dialect=NAME)


def _to(place: str, check: Callable[[Json, str], Any]) -> _Read:
    """Read a field into one of `Chat`."""

    def read(value: Json, path: str, chat: _Chat) -> None:
        chat.values[place] = check(value, path)

    return read


def _in(table: Mapping[str, _Read]) -> _Read:
    """Read an object whose members have places of their own."""
    return lambda value, path, chat: chat.read(value, path, table)


def _texts(value: Json, path: str) -> tuple[str, ...]:
    return tuple([string(*one) for one in items(value, path)])


# Tools

_tool_name = text_of(1, MAX_NAME)
_SPEC = frozenset({"name", "description", "inputSchema", "strict"})


def _tools(value: Json, path: str) -> tuple[Tool, ...]:
    return tuple([_tool(block(*one)) for one in items(value, path)])


def _tool(one: Block) -> Tool:
    if one.kind != "toolSpec":
        return Tool(kind=one.kind, name="", data={one.kind: one.inner})
    fields = one.fields
    if "inputSchema" not in fields:
        raise missing(f"{one.where}.inputSchema")
    schema = given(fields["inputSchema"], f"{one.where}.inputSchema")
    told = fields.get("description")
    return Tool(
        name=_tool_name(text_in(fields, "name", one.where), f"{one.where}.name"),
        description=None if told is None else string(told, f"{one.where}.description"),
        parameters=obj(schema.get("json"), f"{one.where}.inputSchema.json"),
        strict=boolean(fields.get("strict", False), f"{one.where}.strict"),
        extra={name: fields[name] for name in fields if name not in _SPEC} or None,
    )


_MODES: Mapping[str, ToolChoice] = {"auto": ToolChoice("auto"), "any": ToolChoice("required")}
_mode = one_of(frozenset({*_MODES, "tool"}))


def _choice(value: Json, path: str) -> ToolChoice:
    one = block(value, path)
    if _mode(one.kind, path) == "tool":
        return ToolChoice("required", (text_in(one.fields, "name", one.where),))
    return _MODES[one.kind]


# How to answer

_effort = one_of(frozenset({"low", "medium", "high", "xhigh", "max"}))


def _format(value: Json, path: str) -> ResponseFormat:
    form = given(value, path)
    kind = text_in(form, "type", path)
    if kind != "json_schema":
        return ResponseFormat(kind=kind, data=form)
    where = f"{path}.structure.jsonSchema"
    structure = given(form.get("structure", {}), f"{path}.structure")
    told = given(structure.get("jsonSchema", {}), where)
    return ResponseFormat(
        kind=kind,
        name=text_in(told, "name", where) if "name" in told else SCHEMA_NAME,
        description=text_in(told, "description", where) if "description" in told else None,
        schema=_schema(text_in(told, "schema", where), f"{where}.schema"),
        strict=True,
    )


def _schema(text: str, path: str) -> dict[str, Json]:
    """Read a schema, which is JSON in a text."""
    try:
        return json_object(text.encode())
    except InvalidRequest:
        text = Msg("Invalid '{path}': must be a JSON object as a text.", path=path)
        raise Fault(path, text, "invalid_json") from None


_FIELDS: Mapping[str, _Read] = {
    "messages": _to("messages", messages),
    "system": _to("system", system),
    "inferenceConfig": _in(
        {
            "maxTokens": _to("max_tokens", integer(1, _INT32)),
            "temperature": _to("temperature", number(0, 1)),
            "topP": _to("top_p", number(0, 1)),
            "stopSequences": _to("stop", _texts),
        }
    ),
    "toolConfig": _in({"tools": _to("tools", _tools), "toolChoice": _to("tool_choice", _choice)}),
    "outputConfig": _in(
        {
            "textFormat": _to("response_format", _format),
            "effort": _to("reasoning_effort", _effort),
        }
    ),
}
