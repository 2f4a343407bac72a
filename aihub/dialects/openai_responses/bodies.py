"""A chat, said as a request of the Responses API.

The hub keeps conversations and answers itself, so that nothing is kept at the provider, and each
request says all that was said before.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...messages import Msg
from ...model.catalogue import Model
from ...model.chat import Chat, ResponseFormat, Tool, ToolChoice
from ...model.units import Json
from ..saying import OPENAI, Saying
from .turns import say_input
from .words import LOGPROBS, MIN_OUTPUT, NAME, REASONING, VENDOR

_SAME = (
    *("metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
    "service_tier",
)
"""Fields that chat completions and Responses know by the same name."""

_OWN = frozenset({*_SAME, "store", "stream_options", "verbosity"})
"""Fields of chat completions that are said here, in whatever words."""


def request_object(chat: Chat, model: Model, *, lenient: bool) -> dict[str, Json]:
    """Write a request, all but which model is asked, and how it answers.

    Raises:
        InvalidRequest: it holds what cannot be said; `faults` lists all.
    """
    say = Saying(NAME, VENDOR, chat, lenient=lenient)
    fields: dict[str, Json] = {}
    say_input(say, fields)
    _tools(say, fields)
    _sampling(say, fields)
    _text(say, fields)
    _reasoning(chat, model, fields)
    _openai_words(say, fields)
    say.joined(fields, say.rest(own=_OWN if chat.dialect == OPENAI else ()))
    say.refuse()
    return fields


def _openai_words(say: Saying, fields: dict[str, Json]) -> None:
    """Say what only OpenAI's words ask for."""
    extra = (say.chat.extra or {}) if say.chat.dialect == OPENAI else {}
    for name in _SAME:
        if extra.get(name) not in (None, {}):
            fields[name] = extra[name]
    options = {
        name: one
        for name, one in (extra.get("stream_options") or {}).items()
        if name != "include_usage"
    }
    if options and say.chat.stream:
        # It tells its usage unasked.
        fields["stream_options"] = options


# How to answer

_UNKNOWN = ("n", "seed", "logit_bias", "presence_penalty", "frequency_penalty")


def _sampling(say: Saying, fields: dict[str, Json]) -> None:
    chat = say.chat
    say.sampling(_UNKNOWN)
    if chat.stop:
        say.unsupported("stop")
    if chat.bound is not None and chat.bound < MIN_OUTPUT:
        name = "max_tokens" if chat.max_completion_tokens is None else "max_completion_tokens"
        say.wrong(name, Msg("must be {least} at least.", least=MIN_OUTPUT))
    given: dict[str, Json] = {
        "max_output_tokens": chat.bound,
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_logprobs": chat.top_logprobs,
        "user": chat.user,
        "parallel_tool_calls": chat.parallel_tool_calls,
    }
    fields.update({name: one for name, one in given.items() if one is not None})
    if chat.logprobs or chat.top_logprobs:
        fields["include"] = [LOGPROBS]


def _text(say: Saying, fields: dict[str, Json]) -> None:
    said: dict[str, Json] = {}
    form = say.chat.response_format
    if form is not None:
        said["format"] = _format(say, form)
    extra = say.chat.extra or {}
    if say.chat.dialect == OPENAI and extra.get("verbosity") is not None:
        said["verbosity"] = extra["verbosity"]
    if said:
        fields["text"] = said


def _format(say: Saying, form: ResponseFormat) -> Json:
    if form.kind in {"text", "json_object"}:
        return {"type": form.kind}
    if form.kind != "json_schema":
        say.unsupported("response_format.type")
        return {"type": "text"}
    said: dict[str, Json] = {
        "type": form.kind,
        "name": form.name or "response",
        "schema": {"type": "object"} if form.schema is None else form.schema,
        # Unlike in chat completions it is what is meant where nothing is said.
        "strict": form.strict,
    }
    return said if form.description is None else {**said, "description": form.description}


_EFFORTS: Mapping[str, str] = {"max": "xhigh"}
"""Others' efforts by OpenAI's names: there is nothing above."""


def _reasoning(chat: Chat, model: Model, fields: dict[str, Json]) -> None:
    effort = chat.reasoning_effort
    said: dict[str, Json] = {}
    if effort is not None:
        said["effort"] = _EFFORTS.get(effort, effort)
    if chat.reasoning_summary:
        said["summary"] = "auto"
    if said:
        fields["reasoning"] = said
    # A model that does not reason refuses to be asked for it.
    if said or "reasoning" in model.features:
        fields["include"] = [*fields.get("include", ()), REASONING]


# Tools


def _tools(say: Saying, fields: dict[str, Json]) -> None:
    chat = say.chat
    told = [_tool(say, tool, f"tools[{n}]") for n, tool in enumerate(chat.tools)]
    known = [one for one in told if one is not None]
    if known:
        fields["tools"] = known
    if chat.tool_choice is not None and (known or not chat.tools):
        kinds = {tool.name: tool.kind for tool in chat.tools}
        fields["tool_choice"] = choice_object(chat.tool_choice, kinds)


def _tool(say: Saying, tool: Tool, path: str) -> dict[str, Json] | None:
    if tool.kind not in {"function", "custom"}:
        # What it costs beside tokens nobody would tell, nor is there a place for what it did.
        say.unsupported(path, Msg("It is of type '{type}'.", type=tool.kind[:64]))
        return None
    said: dict[str, Json] = {
        **say.extras(tool.extra, path),
        "type": tool.kind,
        "name": tool.name,
    }
    if tool.description is not None:
        said["description"] = tool.description
    if tool.kind == "function":
        # Strict is what is meant where nothing is said.
        said.update(parameters=tool.parameters, strict=tool.strict)
    elif tool.format is not None:
        said["format"] = _input_format(tool.format)
    return said


def _input_format(given: Json) -> Json:
    """Say the form of an input, which chat completions wrap once more."""
    inner = given.get("grammar") if isinstance(given, Mapping) else None
    return {"type": "grammar", **inner} if isinstance(inner, Mapping) else given


def choice_object(choice: ToolChoice, kinds: Mapping[str, str]) -> Json:
    """Write a choice among tools, whose kinds are given by their names."""
    if choice.only is None:
        return choice.mode
    named = [{"type": kinds.get(name, "function"), "name": name} for name in choice.only]
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "mode": choice.mode, "tools": named}
