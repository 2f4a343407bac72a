"""A chat, said as a request of `Converse` or `ConverseStream`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import orjson

from ...messages import Msg
from ...model.chat import Chat, Message, OtherPart, ResponseFormat, Tool, ToolChoice
from ...model.units import Json
from ..saying import OPENAI, Saying
from .parts import cache_point, say_parts
from .words import NAME, VENDOR

_SYSTEM = frozenset({"system", "developer"})
_OWN = frozenset({"service_tier"})
_NOTHING: frozenset[str] = frozenset()
_FIELDS = frozenset(
    {
        "additionalModelRequestFields",
        "additionalModelResponseFieldPaths",
        "guardrailConfig",
        "inferenceConfig",
        "outputConfig",
        "performanceConfig",
        "promptVariables",
        "requestMetadata",
        "serviceTier",
        "toolConfig",
    }
)
"""Bedrock's own fields; whatever else a request in OpenAI's words has is for the model."""


def path_of(upstream_model: str, *, stream: bool) -> str:
    """Return the path of a call: a name or an ARN, each sign of it escaped that AWS escapes."""
    method = "converse-stream" if stream else "converse"
    return f"/model/{quote(upstream_model, safe='-._~')}/{method}"


def request_object(chat: Chat, *, lenient: bool) -> dict[str, Json]:
    """Write a request.

    Raises:
        InvalidRequest: it holds what cannot be said; `faults` lists all.
    """
    say = Saying(NAME, VENDOR, chat, lenient=lenient)
    fields: dict[str, Json] = {}
    _messages(say, fields)
    _sampling(say, fields)
    _tools(say, fields)
    output = {**_format(say, chat.response_format), **_effort(say, chat.reasoning_effort)}
    if output:
        fields["outputConfig"] = output
    _openai_words(say, fields)
    _rest(say, fields)
    say.refuse()
    return fields


def _openai_words(say: Saying, fields: dict[str, Json]) -> None:
    """Say what only OpenAI's words ask for, where there is a place."""
    if say.chat.user is not None:
        say.unsupported("user")
    tier = (say.chat.extra or {}).get("service_tier") if say.chat.dialect == OPENAI else None
    if tier in _TIERS:
        fields["serviceTier"] = {"type": tier}
    elif tier not in (None, "auto"):
        say.unsupported("service_tier")


_TIERS = frozenset({"default", "flex", "priority"})


def _rest(say: Saying, fields: dict[str, Json]) -> None:
    """Say the fields that travel on: Bedrock's own as they are, the others to the model."""
    rest = say.rest(own=_OWN if say.chat.dialect == OPENAI else ())
    if say.chat.dialect != NAME:
        own = {name: rest.pop(name) for name in tuple(rest) if name in _FIELDS}
        if rest:
            more = say.joined(rest, own.pop("additionalModelRequestFields", None) or {})
            own["additionalModelRequestFields"] = more
        rest = own
    say.joined(fields, rest)


# How to answer


def _sampling(say: Saying, fields: dict[str, Json]) -> None:
    chat = say.chat
    say.sampling()
    if chat.temperature is not None and chat.temperature > 1:
        say.wrong("temperature", Msg("must be at most 1."))
    given: dict[str, Json] = {
        "maxTokens": chat.bound,
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "stopSequences": list(chat.stop) or None,
    }
    config = {name: one for name, one in given.items() if one is not None}
    if config:
        fields["inferenceConfig"] = config


def _format(say: Saying, form: ResponseFormat | None) -> dict[str, Json]:
    if form is None or form.kind == "text":
        return {}
    if form.kind == "json_schema" and isinstance(form.schema, Mapping):
        # The schema is a text here, and JSON inside it.
        schema = {"schema": orjson.dumps(form.schema).decode()}
        about = {"name": form.name or None, "description": form.description}
        schema.update({name: one for name, one in about.items() if one is not None})
        structure = {"jsonSchema": schema}
        return {"textFormat": {"type": "json_schema", "structure": structure}}
    if form.data is not None and say.chat.dialect == NAME:
        return {"textFormat": form.data}
    say.unsupported("response_format.type", Msg("It takes a 'json_schema' with a schema."))
    return {}


def _effort(say: Saying, effort: str | None) -> dict[str, Json]:
    if effort == "none":
        say.unsupported("reasoning_effort", Msg("How to turn reasoning off is each model's own."))
        return {}
    # There is nothing below low.
    return {} if effort is None else {"effort": "low" if effort == "minimal" else effort}


# Tools


def _tools(say: Saying, fields: dict[str, Json]) -> None:
    choice = say.chat.tool_choice
    tools = say.chat.tools
    if choice is not None and choice.mode == "none":
        # There is no such choice; a model that is offered no tools calls none.
        if any(one.tool_calls or one.role == "tool" for one in say.chat.messages):
            say.wrong("tool_choice", Msg("after calls of tools, the model may call them again."))
        return
    named = choice is not None and choice.mode == "required" and len(choice.only or ()) == 1
    if choice is not None and choice.only is not None and not named:
        # A set of tools is said by naming no others.
        tools = tuple([tool for tool in tools if tool.name in choice.only])
        if not tools:
            say.wrong("tool_choice", Msg("none of the allowed tools is among the tools."))
    told = [one for n, tool in enumerate(tools) for one in _tool(say, tool, f"tools[{n}]")]
    if told:
        config = fields["toolConfig"] = {"tools": told}
        if choice is not None:
            config["toolChoice"] = _choice(choice, named=named)
    if say.chat.parallel_tool_calls is False and told:
        say.unsupported("parallel_tool_calls")


def _choice(choice: ToolChoice, *, named: bool) -> dict[str, Json]:
    if named and choice.only:
        return {"tool": {"name": choice.only[0]}}
    return {"any" if choice.mode == "required" else "auto": {}}


def _tool(say: Saying, tool: Tool, path: str) -> list[Json]:
    if tool.kind == "function":
        return _function(say, tool, path)
    if tool.kind == "custom":
        say.wrong(f"{path}.type", Msg("tools whose input is any text are not known there."))
    elif say.knows(tool) and isinstance(tool.data, Mapping):
        return [{name: one for name, one in tool.data.items() if name != "type"}]
    else:
        say.unsupported(path)
    return []


def _function(say: Saying, tool: Tool, path: str) -> list[Json]:
    extra = say.extras(tool.extra, path, own=("cache_control",))
    spec: dict[str, Json] = {**extra, "name": tool.name}
    if tool.description:
        spec["description"] = tool.description
    # A function without parameters is one whose object may be empty.
    spec["inputSchema"] = {"json": {"type": "object", **(tool.parameters or {"properties": {}})}}
    if tool.strict:
        spec["strict"] = True
    return [{"toolSpec": spec}, *cache_point(say, tool.extra, path)]


# Messages


def _messages(say: Saying, fields: dict[str, Json]) -> None:
    """Write the messages: those of the system that come first on their own, the rest in order.

    Results of tools and what the user says right before and after them are one message, as is what
    an assistant says after its calls with these.
    """
    messages = say.chat.messages
    first = next((n for n, one in enumerate(messages) if one.role not in _SYSTEM), len(messages))
    system = [
        block
        for n, one in enumerate(messages[:first])
        for block in _message(say, one, f"messages[{n}]")["content"]
    ]
    told: list[dict[str, Json]] = []
    before: Message | None = None
    for n, one in enumerate(messages[first:], first):
        said = _message(say, one, f"messages[{n}]")
        if before is not None and _goes_on(before, one):
            told[-1]["content"] += said["content"]
        else:
            told.append(said)
        before = one
    fields["messages"] = told
    if system:
        fields["system"] = system


def _goes_on(before: Message, one: Message) -> bool:
    if one.role == "tool":
        return before.role in {"tool", "user"}
    if before.role == "tool":
        return one.role == "user"
    return bool(before.tool_calls) and one.role == "assistant"


def _message(say: Saying, one: Message, path: str) -> dict[str, Json]:
    if one.name is not None and one.role != "function":
        say.unsupported(f"{path}.name")
    if one.role == "tool":
        return {"role": "user", "content": _result(say, one, path)}
    if one.role == "function":
        say.wrong(f"{path}.role", Msg("results of functions in the old form have no id."))
    openai = say.chat.dialect == OPENAI
    say.extras(one.extra, path, own=("refusal",) if openai else (), only=_NOTHING)
    refusal = (one.extra or {}).get("refusal") if openai else None
    content = _content(say, one, path, refusal or "")
    for n, call in enumerate(one.tool_calls):
        given = say.arguments(call, f"{path}.tool_calls[{n}]")
        use = {"toolUseId": call.id, "name": call.name, "input": given}
        content.append({"toolUse": use})
    return {"role": "system" if one.role in _SYSTEM else one.role, "content": content}


def _content(say: Saying, one: Message, path: str, otherwise: str = "") -> list[Json]:
    if isinstance(one.content, tuple):
        return say_parts(say, one.content, f"{path}.content")
    text = one.content or otherwise
    return [{"text": text}] if text else []


_RESULT = frozenset({"is_error", "cache_control"})


def _result(say: Saying, one: Message, path: str) -> list[Json]:
    """Write a result, and after it the cache point that it or a part of it asks for."""
    for n, part in enumerate(one.content if isinstance(one.content, tuple) else ()):
        if isinstance(part, OtherPart) and part.type == "input_audio":
            say.unsupported(f"{path}.content[{n}]", Msg("Results have no sound."))
    blocks = _content(say, one, path)
    points = [block for block in blocks if "cachePoint" in block]
    points += cache_point(say, one.extra, path)
    result: dict[str, Json] = {
        **say.extras(one.extra, path, own=_RESULT, only=_NOTHING),
        "toolUseId": one.tool_call_id,
        "content": [block for block in blocks if block.keys().isdisjoint(_NO_RESULT)],
    }
    if (one.extra or {}).get("is_error"):
        result["status"] = "error"
    return [{"toolResult": result}, *points[-1:]]


_NO_RESULT = frozenset({"cachePoint", "audio"})
