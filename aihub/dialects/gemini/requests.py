"""Requests of `generateContent` and `streamGenerateContent`, read.

Source: Google's published discovery document, `GenerateContentRequest`. A field that is null counts
as not given. What has no place in `Chat` is kept in its `extra`, in Gemini's words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from ...messages import Msg
from ...model.chat import MAX_CHOICES, Chat, ResponseFormat, Tool, ToolChoice
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
    wrong_type,
)
from ..objects import MAX_FAULTS, json_object, refusal
from .messages import contents, system
from .parts import message, text_in
from .schema import request_schemas
from .schemas import json_schema
from .words import NAME

SCHEMA_NAME = "response"
"""What a schema for the answer is called in dialects that want a name; this one has none."""

_INT32 = 2**31 - 1
_JSON = "application/json"


@attrs.define
class _Chat:
    """What has been read of a request: fields of `Chat`, its extra, and what is wrong."""

    model: str
    values: dict[str, Any] = attrs.field(factory=dict)
    extra: dict[str, Json] = attrs.field(factory=dict)
    faults: list[Fault] = attrs.field(factory=list)
    strict: bool = False

    def read(self, value: Json, path: str, table: Mapping[str, _Read]) -> dict[str, Json]:
        """Read an object by *table* and return what has no place."""
        rest: dict[str, Json] = {}
        for name, one in message(value, path).items():
            found = table.get(name)
            where = f"{path}.{name}" if path else name
            if found is None:
                rest[name] = one
                continue
            try:
                found(one, where, self)
            except Fault as fault:
                self.faults.append(fault)
        return rest


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
    return _decode(json_object(body), model, stream=stream)


def decode_count(body: bytes, *, model: str) -> Chat:
    """Read the body of a request that only asks how many tokens it has.

    It is contents alone, or the whole of what would be asked.

    Raises:
        InvalidRequest: as for `decode_request`, or it is both.
    """
    fields = message(json_object(body), "")
    whole = fields.pop("generateContentRequest", None)
    if whole is None:
        return _decode(fields, model, stream=False)
    if fields.get("contents") is not None:
        name = "generateContentRequest"
        text = Msg("Invalid '{name}': it excludes 'contents'.", name=name)
        raise refusal([Fault(name, text, "invalid_value")])
    try:
        return _decode(obj(whole, "generateContentRequest"), model, stream=False)
    except Fault as fault:
        raise refusal([fault]) from None


def _decode(fields: dict[str, Json], model: str, *, stream: bool) -> Chat:
    chat = _Chat(model=model)
    chat.extra.update(chat.read(fields, "", _FIELDS))
    if fields.get("contents") is None:
        chat.faults.append(missing("contents"))
    if chat.faults:
        raise refusal(chat.faults[:MAX_FAULTS])
    values = chat.values
    said = values.pop("system", None)
    if said is not None:
        values["messages"] = (said, *values["messages"])
    if chat.strict:
        values["tools"] = tuple([_strict(one) for one in values.get("tools", ())])
    return Chat(model=model, stream=stream, **values, extra=chat.extra or None, dialect=NAME)


def _strict(tool: Tool) -> Tool:
    return attrs.evolve(tool, strict=True) if tool.kind == "function" else tool


def _to(place: str, check: Callable[[Json, str], Any]) -> _Read:
    """Read a field into one of `Chat`."""

    def read(value: Json, path: str, chat: _Chat) -> None:
        chat.values[place] = check(value, path)

    return read


# Tools


def _tools(value: Json, path: str, chat: _Chat) -> None:
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    tools: list[Tool] = []
    for n, one in enumerate(value):
        fields = message(one, f"{path}[{n}]")
        declared = fields.pop("functionDeclarations", [])
        if not isinstance(declared, list):
            raise wrong_type(f"{path}[{n}].functionDeclarations", Msg("an array"), declared)
        for k, function in enumerate(declared):
            tools.append(_function(function, f"{path}[{n}].functionDeclarations[{k}]"))
        tools += [Tool(kind=kind, name="", data={kind: fields[kind]}) for kind in fields]
    chat.values["tools"] = tuple(tools)


def _function(value: Json, path: str) -> Tool:
    given = message(value, path)
    known = {"name", "description", "parameters", "parametersJsonSchema"}
    parameters = given.get("parametersJsonSchema")
    if parameters is None and "parameters" in given:
        parameters = json_schema(obj(given["parameters"], f"{path}.parameters"))
    return Tool(
        name=text_in(given, "name", path),
        description=text_in(given, "description", path) if "description" in given else None,
        parameters=None if parameters is None else obj(parameters, f"{path}.parametersJsonSchema"),
        extra={name: one for name, one in given.items() if name not in known} or None,
    )


_MODES = {
    "MODE_UNSPECIFIED": "auto",
    "AUTO": "auto",
    "VALIDATED": "auto",
    "ANY": "required",
    "NONE": "none",
}
_mode = one_of(_MODES)


def _tool_config(value: Json, path: str, chat: _Chat) -> None:
    rest = chat.read(value, path, {"functionCallingConfig": _calling})
    if rest:
        chat.extra[path] = rest


def _calling(value: Json, path: str, chat: _Chat) -> None:
    fields = message(value, path)
    mode = _mode(fields.get("mode", "AUTO"), f"{path}.mode")
    names = fields.get("allowedFunctionNames")
    only = None if names is None else _texts(names, f"{path}.allowedFunctionNames")
    chat.values["tool_choice"] = ToolChoice(_MODES[mode], only or None)  # type: ignore[arg-type]
    chat.strict = mode == "VALIDATED"


def _texts(value: Json, path: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    return tuple([string(one, f"{path}[{n}]") for n, one in enumerate(value)])


# How to answer


def _generation(value: Json, path: str, chat: _Chat) -> None:
    rest = chat.read(value, path, _GENERATION)
    # The form of an answer is told by two fields together.
    kind = string(rest.get("responseMimeType", ""), f"{path}.responseMimeType")
    for one in _SCHEMAS:
        obj(rest.get(one, {}), f"{path}.{one}")
    named = next((one for one in _SCHEMAS if one in rest), None)
    if kind == _JSON:
        del rest["responseMimeType"]
        schema = None if named is None else rest.pop(named)
        if named == "responseSchema":
            schema = json_schema(schema)
        chat.values["response_format"] = (
            ResponseFormat(kind="json_object")
            if schema is None
            else ResponseFormat(kind="json_schema", name=SCHEMA_NAME, schema=schema, strict=True)
        )
    elif kind == "text/plain":
        del rest["responseMimeType"]
    if rest:
        chat.extra.setdefault(path, {}).update(rest)


_SCHEMAS = ("responseJsonSchema", "_responseJsonSchema", "responseSchema")
_EFFORTS = {"MINIMAL": "minimal", "LOW": "low", "MEDIUM": "medium", "HIGH": "high"}


_budget = integer()


def _thinking(value: Json, path: str, chat: _Chat) -> None:
    rest = message(value, path)
    boolean(rest.get("includeThoughts", False), f"{path}.includeThoughts")
    _budget(rest.get("thinkingBudget", 0), f"{path}.thinkingBudget")
    level = rest.get("thinkingLevel")
    if isinstance(level, str) and level.upper() in _EFFORTS:
        chat.values["reasoning_effort"] = _EFFORTS[rest.pop("thinkingLevel").upper()]
    elif rest.get("thinkingBudget") == 0 and level is None:
        chat.values["reasoning_effort"] = "none"
        del rest["thinkingBudget"]
    if rest:
        chat.extra.setdefault("generationConfig", {})["thinkingConfig"] = rest


_PLAIN: Mapping[str, tuple[str, Check]] = {
    "candidateCount": ("n", integer(1, MAX_CHOICES)),
    "maxOutputTokens": ("max_tokens", integer(1, _INT32)),
    "temperature": ("temperature", number(0, 2)),
    "topP": ("top_p", number(0, 1)),
    "seed": ("seed", integer(-_INT32 - 1, _INT32)),
    "presencePenalty": ("presence_penalty", number(-2, 2)),
    "frequencyPenalty": ("frequency_penalty", number(-2, 2)),
    "responseLogprobs": ("logprobs", boolean),
    "logprobs": ("top_logprobs", integer(0, 20)),
}
"""Fields that one check decides, and where each goes."""

_GENERATION: Mapping[str, _Read] = {
    **{name: _to(place, check) for name, (place, check) in _PLAIN.items()},
    "stopSequences": _to("stop", _texts),
    "thinkingConfig": _thinking,
}


def _model(value: Json, path: str, chat: _Chat) -> None:
    """Take the name that stands in the path too."""
    if string(value, path).removeprefix("models/") != chat.model:
        raise Fault(
            path, Msg("Invalid '{path}': the path names another model.", path=path), "invalid_value"
        )


_FIELDS: Mapping[str, _Read] = {
    "model": _model,
    "sessionId": _to("session", session_id),
    "contents": _to("messages", contents),
    "systemInstruction": _to("system", system),
    "tools": _tools,
    "toolConfig": _tool_config,
    "generationConfig": _generation,
}


def schemas() -> dict[str, Json]:
    """Return the JSON Schemas of what `decode_request` and `decode_count` take, by name."""
    plain = {name: schema_of(check) for name, (_, check) in _PLAIN.items()}
    return request_schemas(plain, schema_of(session_id))
