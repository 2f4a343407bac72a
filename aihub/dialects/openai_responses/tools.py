"""Tools, the choice among them, and the form of an answer, as the Responses API says them.

They say what chat completions say with a wrapping less. Tools that a vendor runs itself stay in
this dialect's words: whoever must answer refuses what it cannot do.
"""

from __future__ import annotations

from ...messages import Msg
from ...model.chat import ResponseFormat, Tool, ToolChoice
from ...model.units import Json
from ..fields import (
    Check,
    array,
    boolean,
    described,
    name,
    obj,
    one_of,
    schema_of,
    shape,
    string,
    variants,
    wrong_type,
)
from .exact import having, maybe, union
from .hosted import HOSTED
from .words import NAME

_grammar = shape(
    {"definition": string, "syntax": one_of(frozenset({"lark", "regex"}))},
    ["definition", "syntax"],
)
_tool_object = variants(
    {
        "function": shape(
            {"name": name, "description": string, "parameters": obj, "strict": boolean}, ["name"]
        ),
        "custom": shape(
            {"name": name, "description": string, "format": variants({"grammar": _grammar})},
            ["name"],
        ),
        **HOSTED,
    }
)


def tool(value: Json, path: str) -> Tool:
    """Take a tool."""
    given = _tool_object(value, path)
    kind = given["type"]
    if kind == "function":
        return Tool(
            name=given["name"],
            description=given.get("description"),
            parameters=given.get("parameters"),
            strict=bool(given.get("strict")),
        )
    if kind == "custom":
        return Tool(
            kind=kind,
            name=given["name"],
            description=given.get("description"),
            format=_input_format(given.get("format")),
        )
    return Tool(kind=kind, name="", data=given, dialect=NAME)


def _input_format(given: dict[str, Json] | None) -> Json:
    """Say the form of an input as chat completions do."""
    if given is None or given["type"] != "grammar":
        return given
    return {"type": "grammar", "grammar": {one: given[one] for one in ("definition", "syntax")}}


described(schema_of(_tool_object), tool)
tools = array(tool)

_mode = one_of(frozenset({"none", "auto", "required"}))
_named = shape({"name": string}, ["name"])
_allowed = shape(
    {"mode": one_of(frozenset({"auto", "required"})), "tools": array(obj)}, ["mode", "tools"]
)
_TYPES = (
    *("file_search", "web_search_preview", "web_search_preview_2025_03_11", "computer"),
    *("computer_use_preview", "computer_use", "image_generation", "code_interpreter"),
    *("apply_patch", "shell"),
)
_object = union(
    {
        "function": _named,
        "custom": _named,
        "allowed_tools": _allowed,
        "mcp": having({"server_label": string}, {"name": maybe(string)}),
        **{kind: having({}) for kind in _TYPES},
    }
)


def tool_choice(value: Json, path: str) -> ToolChoice:
    """Take a choice: a word, one tool, or a set of tools."""
    if isinstance(value, str):
        return ToolChoice(_mode(value, path))
    if not isinstance(value, dict):
        raise wrong_type(path, Msg("a string or an object"), value)
    given = _object(value, path)
    kind = given["type"]
    if kind == "allowed_tools":
        names = [one["name"] for one in given["tools"] if isinstance(one.get("name"), str)]
        return ToolChoice(given["mode"], tuple(names))
    if kind not in {"function", "custom"}:
        return ToolChoice("auto", hosted=given)
    return ToolChoice("required", (given["name"],))


described({"anyOf": [schema_of(_mode), schema_of(_object)]}, tool_choice)

_FORMATS: dict[str, Check] = {
    "json_schema": shape(
        {"name": name, "description": string, "schema": obj, "strict": boolean},
        ["name", "schema"],
    )
}
_format_object = variants(_FORMATS)


def text_format(value: Json, path: str) -> ResponseFormat:
    """Take the form that an answer must have."""
    given = _format_object(value, path)
    kind = given["type"]
    if kind == "json_schema":
        return ResponseFormat(
            kind=kind,
            name=given["name"],
            description=given.get("description"),
            schema=given["schema"],
            strict=bool(given.get("strict")),
        )
    known = kind in {"text", "json_object"}
    return ResponseFormat(kind=kind, data=None if known else given)


described(schema_of(_format_object), text_format)
