"""Requests of the Responses API, read.

A request is read in two steps, for some of its items may only be named: `decode_request` checks it
all, and `Asked.chat` makes a chat of it when the items are there. A field that is null counts as
not given. What has no place in `Chat` goes on in the words of chat completions, where they have
one; what neither knows is kept in `extra` and travels on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from ...messages import Msg
from ...model.chat import Chat, Message
from ...model.units import Json
from ..fields import (
    Check,
    Fault,
    array,
    boolean,
    described,
    integer,
    missing,
    number,
    one_of,
    schema_of,
    session_id,
    shape,
    shape_schema,
    string,
    text_of,
    wrong_type,
)
from ..objects import MAX_FAULTS, json_object, refusal
from ..openai_chat.requests import (
    MAX_MODEL,
    MAX_SAFETY_IDENTIFIER,
    MAX_TOP_LOGPROBS,
    metadata,
)
from ..queries import identifier
from .exact import each, either, having, maybe, words
from .items import given_input, messages_of, part
from .tools import text_format, tool_choice, tools
from .words import LOGPROBS, MIN_OUTPUT, REASONING

MAX_INCLUDE = 64
"""Things to include: OpenAI knows eight."""

MAX_DEPTH = 128
"""Levels of JSON in a field: what is written again may have 254, the response's own included."""

INCLUDE = (
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    REASONING,
    LOGPROBS,
)

_INT32 = 2**31 - 1


@attrs.define(kw_only=True)
class Asked:
    """A request that was checked, and has yet to become a chat.

    `fields` are as the caller wrote them, without nulls; `items` is its input, of which some may be
    references. `values` are fields of `Chat`, `extra` what travels on besides.
    """

    fields: dict[str, Json]
    items: tuple[dict[str, Json], ...]
    values: dict[str, Any]
    extra: dict[str, Json]

    @property
    def store(self) -> bool:
        """Whether the response is to be kept: unless it says that it is not."""
        return self.fields.get("store", True) is True

    @property
    def background(self) -> bool:
        """Whether it is to be answered later."""
        return self.fields.get("background", False) is True

    @property
    def previous(self) -> str | None:
        """The response that it goes on from."""
        return self.fields.get("previous_response_id")

    @property
    def conversation(self) -> str | None:
        """The session that it goes on with."""
        told = self.fields.get("conversation")
        return told["id"] if isinstance(told, dict) else told

    @property
    def prompt(self) -> str | None:
        """The template that it is an instance of."""
        told = self.fields.get("prompt")
        return None if told is None else told["id"]

    def chat(self, items: Sequence[dict[str, Json]], *, some: bool = True) -> Chat:
        """Make the chat, of *items* in place of those that were named.

        Args:
            items: what is said.
            some: whether something must be.

        Raises:
            InvalidRequest: nothing is left of them.
        """
        messages = messages_of(items)
        if some and not messages:
            raise refusal(
                [Fault("input", Msg("There is nothing in 'input' to answer."), "empty_array")]
            )
        told = self.fields.get("instructions")
        if told is not None:
            messages = (Message("system", told), *messages)
        values = {"model": "", **self.values}
        return Chat(**values, messages=messages, extra=dict(self.extra) or None)


def references(items: Iterable[dict[str, Json]]) -> list[str]:
    """Return the ids of items that are only named."""
    return [one["id"] for one in items if one["type"] == "item_reference"]


def decode_request(body: bytes) -> Asked:
    """Read a request's body.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    return _decode(json_object(body))


def decode_count(body: bytes) -> Asked:
    """Read the body of a request that only asks how many tokens it has.

    Raises:
        InvalidRequest: as for `decode_request`.
    """
    return _decode(json_object(body) if body else {})


def decode_compaction(body: bytes) -> Asked:
    """Read the body of a request that wants a conversation made short.

    Raises:
        InvalidRequest: as for `decode_request`.
    """
    given = json_object(body)
    if given.get("input") is None and given.get("previous_response_id") is not None:
        # What was said before is all there is to be made short.
        given = {**given, "input": []}
    return _decode(given)


def _decode(given: dict[str, Json]) -> Asked:
    fields = {name: value for name, value in given.items() if value is not None}
    values: dict[str, Any] = {}
    extra: dict[str, Json] = {}
    items: tuple[dict[str, Json], ...] = ()
    faults: list[Fault] = []
    for name, value in fields.items():
        check = _FIELDS.get(name)
        if check is None:
            extra[name] = value
            continue
        try:
            _bounded(value, name)
            checked = check(value, name)
        except Fault as fault:
            faults.append(fault)
            continue
        if name == "input":
            items = checked
        elif name in _PLACES:
            values[_PLACES[name]] = checked
        elif name in _TRAVELS:
            extra[name] = checked
    faults += _together(fields)
    if faults:
        raise refusal(faults[:MAX_FAULTS])
    _read_nested(fields, values, extra)
    return Asked(fields=fields, items=items, values=values, extra=extra)


def _bounded(value: Json, path: str) -> None:
    """Refuse what is nested deeper than can be written again: a response repeats its request."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for one in level for inner in _inside(one)]
        if not level:
            return
    raise Fault(
        path,
        Msg("'{path}' is nested more than {most} deep.", path=path, most=MAX_DEPTH),
        "nested_too_deep",
    )


def _inside(value: Json) -> Iterable[Json]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _together(fields: Mapping[str, Json]) -> list[Fault]:
    """Return what is wrong of fields beside each other."""
    faults = []
    # A template may have both.
    if "input" not in fields and "prompt" not in fields:
        faults.append(missing("input"))
    goes_on = [name for name in ("previous_response_id", "conversation") if name in fields]
    if len(goes_on) > 1:
        text = Msg("Only one of 'previous_response_id' and 'conversation' can be given.")
        faults.append(Fault("conversation", text, "mutually_exclusive_parameters"))
    if "model" not in fields and "prompt" not in fields and not goes_on:
        faults.append(missing("model"))
    if fields.get("background") is True and fields.get("store") is False:
        text = Msg("'background' needs 'store': what nobody keeps cannot be read later.")
        faults.append(Fault("background", text, "unsupported_value"))
    return faults


def _read_nested(
    fields: Mapping[str, Json], values: dict[str, Any], extra: dict[str, Json]
) -> None:
    """Read what stands in objects of a request."""
    text, reasoning = fields.get("text") or {}, fields.get("reasoning") or {}
    if text.get("format") is not None:
        values["response_format"] = text_format(text["format"], "text.format")
    if text.get("verbosity") is not None:
        extra["verbosity"] = text["verbosity"]
    if reasoning.get("effort") is not None:
        values["reasoning_effort"] = reasoning["effort"]
    summary = reasoning.get("summary") or reasoning.get("generate_summary")
    values["reasoning_summary"] = summary is not None
    # That it is there without tools means nothing, as in chat completions.
    if LOGPROBS in fields.get("include", ()) or fields.get("top_logprobs"):
        values["logprobs"] = True
    else:
        values.pop("top_logprobs", None)


# The fields


def _words(*words: str) -> Check:
    return one_of(frozenset(words))


def _conversation(value: Json, path: str) -> str | dict[str, Json]:
    if isinstance(value, str):
        return session_id(value, path)  # type: ignore[no-any-return]
    if not isinstance(value, dict):
        raise wrong_type(path, Msg("a string or an object"), value)
    return _by_id(value, path)  # type: ignore[no-any-return]


_by_id = shape({"id": session_id}, ["id"])
described({"anyOf": [schema_of(session_id), schema_of(_by_id)]}, _conversation)


def _text_format(value: Json, path: str) -> Json:
    text_format(value, path)
    return value


described(schema_of(text_format), _text_format)

_SUMMARIES = _words("auto", "concise", "detailed")
_FIELDS: Mapping[str, Check] = {
    "model": text_of(1, MAX_MODEL),
    "input": given_input,
    "instructions": string,
    "tools": tools,
    "tool_choice": tool_choice,
    "text": shape({"format": _text_format, "verbosity": _words("low", "medium", "high")}),
    "reasoning": shape(
        {
            "effort": _words("none", "minimal", "low", "medium", "high", "xhigh"),
            "summary": _SUMMARIES,
            "generate_summary": _SUMMARIES,
        }
    ),
    "max_output_tokens": integer(MIN_OUTPUT, _INT32),
    "max_tool_calls": integer(),
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "top_logprobs": integer(0, MAX_TOP_LOGPROBS),
    "parallel_tool_calls": boolean,
    "truncation": _words("auto", "disabled"),
    "include": array(_words(*INCLUDE), high=MAX_INCLUDE),
    "metadata": metadata,
    "store": boolean,
    "background": boolean,
    "stream": boolean,
    "stream_options": shape({"include_obfuscation": boolean}),
    "previous_response_id": identifier,
    "conversation": _conversation,
    "user": string,
    "safety_identifier": text_of(0, MAX_SAFETY_IDENTIFIER),
    "prompt_cache_key": string,
    "prompt_cache_retention": _words("in_memory", "24h"),
    "service_tier": _words("auto", "default", "flex", "scale", "priority"),
    "prompt": having(
        {"id": string},
        {"version": maybe(string), "variables": maybe(each(either(string, part)))},
    ),
    # Not used: what was said is told whole, which a client that hoped for less can go on from.
    "context_management": array(
        having({"type": words("compaction")}, {"compact_threshold": maybe(integer(1000))}), 1
    ),
}

_PLACES: Mapping[str, str] = {
    "model": "model",
    "tools": "tools",
    "tool_choice": "tool_choice",
    "max_output_tokens": "max_completion_tokens",
    "temperature": "temperature",
    "top_p": "top_p",
    "top_logprobs": "top_logprobs",
    "parallel_tool_calls": "parallel_tool_calls",
    "stream": "stream",
    "user": "user",
}
"""Where fields go in `Chat`, those that have one place."""

_TRAVELS = frozenset(
    {"safety_identifier", "prompt_cache_key", "prompt_cache_retention", "service_tier"}
)
"""Fields that chat completions know by the same name."""

_COUNTED = (
    *("model", "input", "instructions", "previous_response_id", "conversation", "tools"),
    *("tool_choice", "text", "reasoning", "truncation", "parallel_tool_calls"),
)


_COMPACTED = (
    *("model", "input", "instructions", "previous_response_id", "prompt_cache_key"),
    *("prompt_cache_retention", "service_tier"),
)


def request_schemas() -> dict[str, Json]:
    """Return the JSON Schemas of what is read, by name."""
    counted = {name: _FIELDS[name] for name in _COUNTED}
    compacted = {name: _FIELDS[name] for name in _COMPACTED}
    return {
        "ResponseCompactionRequest": shape_schema(compacted),
        "ResponseRequest": shape_schema(_FIELDS, ["input"]),
        "ResponseCountRequest": shape_schema(counted, ["input"]),
    }
