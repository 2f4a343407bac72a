"""A chat, said as a request of `generateContent`."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

import orjson

from ...messages import Msg
from ...model.catalogue import Model
from ...model.chat import Chat, Message, OtherPart, ResponseFormat, TextPart, Tool, ToolChoice
from ...model.units import Json
from ..saying import OPENAI, Saying
from .parts import say_part
from .words import NAME, VENDOR

_INT32 = 2**31 - 1
_SYSTEM = frozenset({"system", "developer"})
_OWN = frozenset({"service_tier"})
_NOTHING: frozenset[str] = frozenset()


def path_of(upstream_model: str, *, stream: bool) -> str:
    """Return the path of a call: a bare name is one of `models/`."""
    kind, slash, name = upstream_model.partition("/")
    if not slash or kind not in {"models", "tunedModels"}:
        kind, name = "models", upstream_model
    method = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/{kind}/{quote(name, safe='')}:{method}"


def request_object(chat: Chat, model: Model, *, lenient: bool) -> dict[str, Json]:
    """Write a request.

    Raises:
        InvalidRequest: it holds what cannot be said; `faults` lists all.
    """
    say = Saying(NAME, VENDOR, chat, lenient=lenient)
    fields: dict[str, Json] = {}
    _messages(say, fields)
    _tools(say, fields)
    config = _sampling(say)
    _format(say, chat.response_format, config)
    _effort(chat, model, config)
    if config:
        fields["generationConfig"] = config
    _openai_words(say, fields)
    say.joined(fields, say.rest(own=_OWN if chat.dialect == OPENAI else ()))
    say.refuse()
    return fields


def _openai_words(say: Saying, fields: dict[str, Json]) -> None:
    """Say what only OpenAI's words ask for, where there is a place."""
    say.sampling(["logit_bias"])
    if say.chat.user is not None:
        say.unsupported("user")
    tier = (say.chat.extra or {}).get("service_tier") if say.chat.dialect == OPENAI else None
    if tier in _TIERS:
        fields["serviceTier"] = _TIERS[tier]
    elif tier not in (None, "auto"):
        say.unsupported("service_tier")


_TIERS = {"default": "standard", "flex": "flex", "priority": "priority"}


# How to answer


def _sampling(say: Saying) -> dict[str, Json]:
    chat = say.chat
    if chat.seed is not None and not -_INT32 - 1 <= chat.seed <= _INT32:
        say.wrong("seed", Msg("must fit 32 bits."))
    given: dict[str, Json] = {
        "candidateCount": chat.n if say.asked("n") else None,
        "stopSequences": list(chat.stop) or None,
        "maxOutputTokens": chat.bound,
        "temperature": chat.temperature,
        "topP": chat.top_p,
        "seed": chat.seed,
        "presencePenalty": chat.presence_penalty,
        "frequencyPenalty": chat.frequency_penalty,
        "responseLogprobs": chat.logprobs or None,
        "logprobs": chat.top_logprobs,
    }
    return {name: one for name, one in given.items() if one is not None}


def _format(say: Saying, form: ResponseFormat | None, config: dict[str, Json]) -> None:
    if form is None or form.kind == "text":
        return
    if form.kind not in {"json_object", "json_schema"}:
        say.unsupported("response_format.type")
        return
    config["responseMimeType"] = "application/json"
    if isinstance(form.schema, Mapping):
        schema = dict(form.schema)
        if form.description is not None:
            schema.setdefault("description", form.description)
        config["responseJsonSchema"] = schema


_LEVELS = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    # There is nothing above high.
    "xhigh": "HIGH",
    "max": "HIGH",
}
_BUDGETS = {"minimal": 1024, "low": 1024, "medium": 8192}
_MOST = 24_576
"""Tokens of thought of a model that knows no levels, as Google's own OpenAI endpoint has them."""


def _effort(chat: Chat, model: Model, config: dict[str, Json]) -> None:
    effort = chat.reasoning_effort
    if effort is None:
        return
    if effort == "none":
        config["thinkingConfig"] = {"thinkingBudget": 0}
    elif model.id.rpartition("/")[2].startswith("gemini-2"):
        config["thinkingConfig"] = {"thinkingBudget": _BUDGETS.get(effort, _MOST)}
    else:
        config["thinkingConfig"] = {"thinkingLevel": _LEVELS[effort]}


# Tools


def _tools(say: Saying, fields: dict[str, Json]) -> None:
    chat = say.chat
    functions: list[Json] = []
    others: list[Json] = []
    for n, tool in enumerate(chat.tools):
        if tool.kind == "function":
            functions.append(_function(say, tool, f"tools[{n}]"))
        else:
            others += _other(say, tool, f"tools[{n}]")
    told = [{"functionDeclarations": functions}, *others] if functions else others
    if told:
        fields["tools"] = told
    if chat.parallel_tool_calls is False and functions:
        say.unsupported("parallel_tool_calls")
    strict = any(tool.strict for tool in chat.tools)
    calling = _calling(chat.tool_choice, strict=strict)
    if calling:
        fields["toolConfig"] = {"functionCallingConfig": calling}


def _function(say: Saying, tool: Tool, path: str) -> Json:
    said: dict[str, Json] = {**say.extras(tool.extra, path), "name": tool.name}
    if tool.description is not None:
        said["description"] = tool.description
    if tool.parameters is not None:
        said["parametersJsonSchema"] = tool.parameters
    return said


def _other(say: Saying, tool: Tool, path: str) -> list[Json]:
    if tool.kind == "custom":
        say.wrong(f"{path}.type", Msg("tools whose input is any text are not known there."))
    elif say.knows(tool) and isinstance(tool.data, Mapping):
        return [{name: one for name, one in tool.data.items() if name != "type"}]
    else:
        say.unsupported(path)
    return []


_MODES = {"auto": "AUTO", "required": "ANY", "none": "NONE"}


def _calling(choice: ToolChoice | None, *, strict: bool) -> dict[str, Json]:
    """Say the choice: a set of tools that need not be called, and strictness, need a mode."""
    mode = None if choice is None else choice.mode
    only = None if choice is None else choice.only
    if mode in (None, "auto") and (strict or only):
        said: dict[str, Json] = {"mode": "VALIDATED"}
    elif mode is None:
        return {}
    else:
        said = {"mode": _MODES[mode]}
    return {**said, "allowedFunctionNames": list(only)} if only else said


# Contents


def _messages(say: Saying, fields: dict[str, Json]) -> None:
    """Write the contents: the system's words that come first on their own, the rest in order.

    Results of calls are one content, as is what a model says after its calls with these.
    """
    messages = say.chat.messages
    first = next((n for n, one in enumerate(messages) if one.role not in _SYSTEM), len(messages))
    instruction = [
        part
        for n, one in enumerate(messages[:first])
        for part in _parts(say, one, f"messages[{n}]")
    ]
    if instruction:
        fields["systemInstruction"] = {"parts": instruction}
    told: list[dict[str, Json]] = []
    names: dict[str, str] = {}
    before: Message | None = None
    for n, one in enumerate(messages[first:], first):
        said = _content(say, one, f"messages[{n}]", names)
        if before is not None and _goes_on(before, one):
            told[-1]["parts"] += said["parts"]
        else:
            told.append(said)
        before = one
    fields["contents"] = told


def _goes_on(before: Message, one: Message) -> bool:
    if before.role == "tool":
        return one.role == "tool"
    return bool(before.tool_calls) and one.role == "assistant"


def _content(say: Saying, one: Message, path: str, names: dict[str, str]) -> dict[str, Json]:
    if one.role == "tool":
        return {"role": "user", "parts": [_result(say, one, path, names)]}
    if one.role in _SYSTEM:
        say.wrong(f"{path}.role", Msg("the system speaks at the beginning alone."))
    elif one.role == "function":
        say.wrong(f"{path}.role", Msg("results of functions in the old form have no id."))
    parts = _parts(say, one, path)
    for n, call in enumerate(one.tool_calls):
        names[call.id] = call.name
        given = say.arguments(call, f"{path}.tool_calls[{n}]")
        said: dict[str, Json] = {"functionCall": {"id": call.id, "name": call.name, "args": given}}
        if call.signature is not None:
            said["thoughtSignature"] = call.signature
        parts.append(said)
    return {"role": "model" if one.role == "assistant" else "user", "parts": parts}


def _parts(say: Saying, one: Message, path: str) -> list[Json]:
    if one.name is not None and one.role != "function":
        say.unsupported(f"{path}.name")
    openai = say.chat.dialect == OPENAI
    say.extras(one.extra, path, own=("refusal",) if openai else (), only=_NOTHING)
    refusal = (one.extra or {}).get("refusal") if openai else None
    if isinstance(one.content, tuple):
        told = [say_part(say, part, f"{path}.content[{n}]") for n, part in enumerate(one.content)]
        return [part for part in told if part is not None]
    text = one.content or refusal
    return [{"text": text or ""}] if text or not one.tool_calls else []


_RESULT = frozenset({"is_error", "willContinue", "scheduling", "parts"})


def _result(say: Saying, one: Message, path: str, names: dict[str, str]) -> Json:
    if one.tool_call_id not in names:
        say.wrong(f"{path}.tool_call_id", Msg("must name a call before it."))
    for n, part in enumerate(one.content if isinstance(one.content, tuple) else ()):
        if isinstance(part, OtherPart) or (isinstance(part, TextPart) and part.extra):
            say.unsupported(f"{path}.content[{n}]", Msg("Results are texts."))
    failed = bool((one.extra or {}).get("is_error"))
    extra = say.extras(one.extra, path, own=("is_error",), only=_RESULT)
    return {
        "functionResponse": {
            **extra,
            "id": one.tool_call_id,
            "name": names.get(one.tool_call_id or "", ""),
            "response": {"error": one.text} if failed else _response(one.text),
        }
    }


def _response(text: str) -> Json:
    """Write a result: an object as it is, any other text as an `output`."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict) or value.keys() in ({"output"}, {"error"}):
        return {"output": text}
    return orjson.Fragment(text)
