"""JSON that a request asked for: arguments of tools, and answers in a form."""

from __future__ import annotations

from typing import NoReturn

import orjson

from ....errors import InvalidRequest
from ....messages import Msg
from ....model.chat import Chat, ResponseFormat, Tool
from ....model.units import Json
from .choosing import Chooser, Wording
from .schema import SchemaRefused, Template, free_object, template_of

_NO_ARGUMENTS: Json = {"type": "object", "properties": {}, "additionalProperties": False}


def check_schemas(chat: Chat) -> None:
    """Refuse a schema that no answer could be held to; of tools each, whether called or not.

    Raises:
        InvalidRequest: the field that the schema is in is named, and in the text its keyword and
            path.
    """
    # What a strict schema must have besides is OpenAI's own rule.
    strict = chat.dialect == "openai_chat"
    for n, tool in enumerate(chat.tools):
        path = f"functions[{n}]" if chat.legacy else f"tools[{n}]"
        _check_tool(tool, path, legacy=chat.legacy, strict=strict and tool.strict)
    wanted = chat.response_format
    if wanted is not None and wanted.kind == "json_schema" and wanted.schema is not None:
        what = f"response_format '{wanted.name}'"
        _check(wanted.schema, what, "response_format", strict=strict and wanted.strict)


def _check_tool(tool: Tool, path: str, *, legacy: bool, strict: bool) -> None:
    if tool.kind == "custom":
        _pattern_of(tool, f"{path}.custom.format.grammar")
    elif tool.kind == "function" and tool.parameters:
        param = f"{path}.parameters" if legacy else f"{path}.function.parameters"
        _check(tool.parameters, f"function '{tool.name}'", param, strict=strict)


def _check(schema: Json, what: str, param: str, *, strict: bool) -> None:
    try:
        template_of(schema, strict=strict)
    except SchemaRefused as refused:
        _refuse(refused, what, param)


def _refuse(refused: SchemaRefused, what: str, param: str) -> NoReturn:
    raise InvalidRequest(
        Msg("Invalid schema for {what}: {message}", what=what, message=refused.message),
        param=param,
        code="invalid_json_schema" if param == "response_format" else "invalid_function_parameters",
    ) from None


def json_text(wanted: ResponseFormat, chooser: Chooser, wording: Wording) -> str:
    """Return the text of an answer in the form that is *wanted*.

    Raises:
        InvalidRequest: its schema cannot be kept to.
    """
    if wanted.schema is None:
        return _written(free_object(chooser, wording))
    try:
        return _written(template_of(wanted.schema).write(chooser, wording))
    except SchemaRefused as refused:
        _refuse(refused, f"response_format '{wanted.name}'", "response_format")


def arguments(tool: Tool, chooser: Chooser, wording: Wording) -> str:
    """Return the arguments of a call of *tool*, or a custom tool's input.

    Raises:
        InvalidRequest: its schema cannot be kept to.
    """
    if tool.kind == "custom":
        pattern = _pattern_of(tool, "tools")
        return wording.sentence(chooser) if pattern is None else pattern.write(chooser, wording)
    try:
        template = template_of(tool.parameters or _NO_ARGUMENTS)
        return _written(template.write(chooser, wording))
    except SchemaRefused as refused:
        _refuse(refused, f"function '{tool.name}'", "tools")


def _pattern_of(tool: Tool, path: str) -> Template | None:
    """Return what writes a custom tool's input; None where it is free text."""
    form = tool.format
    if not isinstance(form, dict) or form.get("type") != "grammar":
        return None
    grammar = form.get("grammar") or {}
    if grammar.get("syntax") != "regex":
        raise InvalidRequest(
            Msg(
                "The mock provider reads grammars of the syntax 'regex' alone: tool '{name}'.",
                name=tool.name,
            ),
            param=f"{path}.syntax",
            code="unsupported_value",
        )
    try:
        return template_of({"type": "string", "pattern": f"^(?:{grammar.get('definition')})$"})
    except SchemaRefused as refused:
        raise InvalidRequest(
            Msg(
                "Invalid grammar for tool '{name}': {message}",
                name=tool.name,
                message=refused.message,
            ),
            param=f"{path}.definition",
            code="invalid_value",
        ) from None


def _written(value: Json) -> str:
    return orjson.dumps(value).decode()
