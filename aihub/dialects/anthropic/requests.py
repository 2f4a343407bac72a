"""Requests of the Messages API, read.

Source: Anthropic's published OpenAPI document, `CreateMessageParams`. A field that is null counts
as not given. What has no place in `Chat` is kept in its `extra`, in Anthropic's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ...messages import Msg
from ...model.chat import Chat, Message, ResponseFormat, Tool, ToolChoice
from ...model.units import Json
from ..fields import (
    Check,
    Fault,
    boolean,
    integer,
    missing,
    number,
    obj,
    one_of,
    schema_of,
    session_id,
    string,
    text_of,
    wrong_type,
)
from ..objects import MAX_FAULTS, json_object, refusal
from .messages import content, messages
from .schema import request_schemas
from .words import NAME

MAX_MODEL = 256
"""Characters of a model's name: the longest of the catalogue has a third of that."""

SCHEMA_NAME = "response"
"""What a schema for the answer is called in dialects that want a name; this one has none."""

MIN_BUDGET = 1024
"""Tokens of thinking at least, where it is told how many: Anthropic's own bound."""

_INT32 = 2**31 - 1


def decode_request(body: bytes) -> Chat:
    """Read a request's body.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    return _decode(body, ("model", "messages", "max_tokens"))


def decode_count(body: bytes) -> Chat:
    """Read the body of a request that only asks how many tokens it has.

    Raises:
        InvalidRequest: as for `decode_request`.
    """
    return _decode(body, ("model", "messages"))


def _decode(body: bytes, required: tuple[str, ...]) -> Chat:
    fields = json_object(body)
    chat = _Chat()
    faults: list[Fault] = []
    for name, value in fields.items():
        read = _FIELDS.get(name)
        if read is None:
            chat.extra[name] = value
        elif value is not None:
            try:
                read(value, name, chat)
            except Fault as fault:
                faults.append(fault)
    values = chat.values
    if "session" in values:
        # A session may have a model of its own.
        values.setdefault("model", "")
        required = tuple([name for name in required if name != "model"])
    faults += [missing(name) for name in required if fields.get(name) is None]
    if faults:
        raise refusal(faults[:MAX_FAULTS])
    system = values.pop("system", None)
    if system is not None:
        values["messages"] = (system, *values["messages"])
    return Chat(**values, extra=chat.extra or None, dialect=NAME)


@attrs.define
class _Chat:
    """What has been read of a request: fields of `Chat`, and its extra."""

    values: dict[str, Any] = attrs.field(factory=dict)
    extra: dict[str, Json] = attrs.field(factory=dict)


_Read = Callable[[Json, str, _Chat], None]


def _to(place: str, check: Callable[[Json, str], Any]) -> _Read:
    """Read a field into one of `Chat`."""

    def read(value: Json, path: str, chat: _Chat) -> None:
        chat.values[place] = check(value, path)

    return read


def _kept(check: Callable[[Json, str], Any]) -> _Read:
    """Check a field, and keep it as it is."""

    def read(value: Json, path: str, chat: _Chat) -> None:
        chat.extra[path] = check(value, path)

    return read


def _system(value: Json, path: str) -> Message:
    return Message("system", content(value, path))


def _texts(value: Json, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    return tuple([string(one, f"{path}[{n}]") for n, one in enumerate(value)])


def _metadata(value: Json, path: str, chat: _Chat) -> None:
    rest = dict(obj(value, path))
    user = rest.pop("user_id", None)
    if user is not None:
        chat.values["user"] = string(user, f"{path}.user_id")
    if rest:
        chat.extra[path] = rest


# Thinking, and the form of an answer

_effort = one_of(frozenset({"low", "medium", "high", "xhigh", "max"}))


_way = one_of(frozenset({"enabled", "adaptive", "disabled"}))
_budget = integer(MIN_BUDGET, _INT32)


def _thinking(value: Json, path: str, chat: _Chat) -> None:
    thinking = obj(value, path)
    if thinking.get("type") is None:
        raise missing(f"{path}.type")
    if _way(thinking["type"], f"{path}.type") == "enabled":
        if thinking.get("budget_tokens") is None:
            raise missing(f"{path}.budget_tokens")
        _budget(thinking["budget_tokens"], f"{path}.budget_tokens")
    if thinking == {"type": "disabled"} and "reasoning_effort" not in chat.values:
        chat.values["reasoning_effort"] = "none"
    else:
        chat.extra[path] = thinking


def _output_config(value: Json, path: str, chat: _Chat) -> None:
    rest = dict(obj(value, path))
    effort, form = rest.pop("effort", None), rest.pop("format", None)
    if effort is not None:
        if chat.values.get("reasoning_effort") == "none":
            chat.extra["thinking"] = {"type": "disabled"}
        chat.values["reasoning_effort"] = _effort(effort, f"{path}.effort")
    if form is not None:
        chat.values["response_format"] = _format(form, f"{path}.format")
    if rest:
        chat.extra[path] = rest


def _format(value: Json, path: str) -> ResponseFormat:
    form = obj(value, path)
    if form.get("type") != "json_schema":
        return ResponseFormat(kind=string(form.get("type"), f"{path}.type"), data=form)
    schema = obj(form.get("schema"), f"{path}.schema")
    return ResponseFormat(kind="json_schema", name=SCHEMA_NAME, schema=schema, strict=True)


# Tools

_tool_name = text_of(1, 128)


def _tools(value: Json, path: str) -> tuple[Tool, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    return tuple([_tool(one, f"{path}[{n}]") for n, one in enumerate(value)])


def _tool(value: Json, path: str) -> Tool:
    given = obj(value, path)
    kind = given.get("type")
    name = string(given.get("name", ""), f"{path}.name")
    if kind not in (None, "custom"):
        return Tool(kind=string(kind, f"{path}.type"), name=name, data=given)
    if given.get("input_schema") is None:
        raise missing(f"{path}.input_schema")
    told = given.get("description")
    known = {"type", "name", "description", "input_schema", "strict"}
    return Tool(
        name=_tool_name(name, f"{path}.name"),
        description=None if told is None else string(told, f"{path}.description"),
        parameters=obj(given["input_schema"], f"{path}.input_schema"),
        strict=boolean(given.get("strict") or False, f"{path}.strict"),
        extra={one: given[one] for one in given if one not in known and given[one] is not None}
        or None,
    )


_CHOICES: Mapping[str, ToolChoice] = {
    "auto": ToolChoice("auto"),
    "any": ToolChoice("required"),
    "none": ToolChoice("none"),
}
_choice = one_of(frozenset({*_CHOICES, "tool"}))


def _tool_choice(value: Json, path: str, chat: _Chat) -> None:
    given = obj(value, path)
    if given.get("type") is None:
        raise missing(f"{path}.type")
    kind = _choice(given["type"], f"{path}.type")
    if kind == "tool":
        if given.get("name") is None:
            raise missing(f"{path}.name")
        chat.values["tool_choice"] = ToolChoice(
            "required", (string(given["name"], f"{path}.name"),)
        )
    else:
        chat.values["tool_choice"] = _CHOICES[kind]
    single = given.get("disable_parallel_tool_use")
    if single is not None and boolean(single, f"{path}.disable_parallel_tool_use"):
        chat.values["parallel_tool_calls"] = False


_PLAIN: Mapping[str, tuple[str | None, Check]] = {
    "model": ("model", text_of(1, MAX_MODEL)),
    "session_id": ("session", session_id),
    "max_tokens": ("max_tokens", integer(1, _INT32)),
    "stream": ("stream", boolean),
    "temperature": ("temperature", number(0, 1)),
    "top_p": ("top_p", number(0, 1)),
    "top_k": (None, integer(0, _INT32)),
    "service_tier": (None, string),
    "inference_geo": (None, string),
    "cache_control": (None, obj),
}
"""Fields that one check decides: where each goes, or that it is kept as it is."""

_FIELDS: Mapping[str, _Read] = {
    **{
        name: _kept(check) if place is None else _to(place, check)
        for name, (place, check) in _PLAIN.items()
    },
    "messages": _to("messages", messages),
    "system": _to("system", _system),
    "stop_sequences": _to("stop", _texts),
    "tools": _to("tools", _tools),
    "tool_choice": _tool_choice,
    "metadata": _metadata,
    "thinking": _thinking,
    "output_config": _output_config,
}


def schemas() -> dict[str, Json]:
    """Return the JSON Schemas of what `decode_request` and `decode_count` take, by name."""
    return request_schemas({name: schema_of(check) for name, (_, check) in _PLAIN.items()})
