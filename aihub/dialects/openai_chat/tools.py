"""Tools, the choice among them, and the form of an answer, as a request says them.

Types that are not named here are a provider's own: they are passed on, or refused by it.
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
    missing,
    name,
    obj,
    one_of,
    schema_of,
    shape,
    string,
    variants,
    wrong_type,
)

MAX_FUNCTIONS = 128
"""Functions in OpenAI's old form: its own bound."""

# Tools

_function = shape(
    {"name": name, "description": string, "parameters": obj, "strict": boolean}, ["name"]
)
_grammar = shape(
    {"definition": string, "syntax": one_of(frozenset({"lark", "regex"}))},
    ["definition", "syntax"],
)
_input_format = variants({"grammar": shape({"grammar": _grammar}, ["grammar"])})
_custom = shape({"name": string, "description": string, "format": _input_format}, ["name"])
_tool_object = variants(
    {
        "function": shape({"function": _function}, ["function"]),
        "custom": shape({"custom": _custom}, ["custom"]),
    }
)


def tool(value: Json, path: str) -> Tool:
    """Take a tool."""
    given = _tool_object(value, path)
    kind = given["type"]
    if kind == "function":
        return _function_tool(given["function"])
    if kind == "custom":
        custom = given["custom"]
        return Tool(
            kind=kind,
            name=custom["name"],
            description=custom.get("description"),
            format=custom.get("format"),
        )
    return Tool(kind=kind, name="", data=given)


def function(value: Json, path: str) -> Tool:
    """Take a function in the old form: one without a wrapping."""
    return _function_tool(_old_function(value, path))


def _function_tool(given: dict[str, Json]) -> Tool:
    return Tool(
        name=given["name"],
        description=given.get("description"),
        parameters=given.get("parameters"),
        strict=bool(given.get("strict")),
    )


_old_function = shape({"name": name, "description": string, "parameters": obj}, ["name"])
described(schema_of(_tool_object), tool)
described(schema_of(_old_function), function)
tools = array(tool)
functions = array(function, low=1, high=MAX_FUNCTIONS)

# The choice among them

_mode = one_of(frozenset({"none", "auto", "required"}))
_old_mode = one_of(frozenset({"none", "auto"}))
_named = shape({"name": string}, ["name"])
_allowed = shape(
    {"mode": one_of(frozenset({"auto", "required"})), "tools": array(obj)}, ["mode", "tools"]
)
_CHOICES: dict[str, Check] = {
    "function": shape({"function": _named}, ["function"]),
    "custom": shape({"custom": _named}, ["custom"]),
    "allowed_tools": shape({"allowed_tools": _allowed}, ["allowed_tools"]),
}
_choice_kind = one_of(_CHOICES)


def tool_choice(value: Json, path: str) -> ToolChoice:
    """Take a choice: a word, one tool, or a set of tools."""
    if isinstance(value, str):
        return ToolChoice(_mode(value, path))
    if not isinstance(value, dict):
        raise wrong_type(path, Msg("a string or an object"), value)
    if value.get("type") is None:
        raise missing(f"{path}.type")
    kind = _choice_kind(value["type"], f"{path}.type")
    given = _CHOICES[kind](value, path)[kind]
    if kind != "allowed_tools":
        return ToolChoice("required", (given["name"],))
    names = [
        _allowed_name(one, f"{path}.allowed_tools.tools[{n}]")
        for n, one in enumerate(given["tools"])
    ]
    return ToolChoice(given["mode"], tuple(names))


def _allowed_name(value: dict[str, Json], path: str) -> str:
    kind = value.get("type")
    named = value.get(kind) if isinstance(kind, str) else None
    return (
        _named(named, f"{path}.{kind}")["name"] if isinstance(named, dict) else _bare(value, path)
    )


def _bare(value: dict[str, Json], path: str) -> str:
    """Take a tool of an allowed set that is named without a wrapping, as the Responses API does."""
    return string(_named(value, path)["name"], f"{path}.name")


def function_call(value: Json, path: str) -> ToolChoice:
    """Take a choice in the old form."""
    if isinstance(value, str):
        return ToolChoice(_old_mode(value, path))
    if not isinstance(value, dict):
        raise wrong_type(path, Msg("a string or an object"), value)
    return ToolChoice("required", (_named(value, path)["name"],))


described(
    {
        "anyOf": [
            schema_of(_mode),
            {
                "type": "object",
                "properties": {"type": schema_of(_choice_kind)},
                "required": ["type"],
                "allOf": [
                    {"if": {"properties": {"type": {"const": kind}}}, "then": schema_of(check)}
                    for kind, check in _CHOICES.items()
                ],
            },
        ]
    },
    tool_choice,
)
described({"anyOf": [schema_of(_old_mode), schema_of(_named)]}, function_call)

# The form of an answer

_json_schema = shape(
    {"name": name, "description": string, "schema": obj, "strict": boolean}, ["name"]
)
_format_object = variants({"json_schema": shape({"json_schema": _json_schema}, ["json_schema"])})


def response_format(value: Json, path: str) -> ResponseFormat:
    """Take the form that an answer must have."""
    given = _format_object(value, path)
    kind = given["type"]
    if kind == "json_schema":
        wanted = given[kind]
        return ResponseFormat(
            kind=kind,
            name=wanted["name"],
            description=wanted.get("description"),
            schema=wanted.get("schema"),
            strict=bool(wanted.get("strict")),
        )
    known = kind in {"text", "json_object"}
    return ResponseFormat(kind=kind, data=None if known else given)


described(schema_of(_format_object), response_format)
