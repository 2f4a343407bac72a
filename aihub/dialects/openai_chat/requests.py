"""Requests of chat completions, read.

Decoding is a table of fields: name, where it goes, how it is checked. A field that is null counts
as not given, as in OpenAI's document, save where it must be there. A field that has no place of its
own, or that the table does not know, is kept in `Chat.extra` and travels on.
"""

from __future__ import annotations

from typing import Any

from ...messages import Msg
from ...model.chat import MAX_CHOICES, Chat, Keep
from ...model.units import Json
from ..fields import (
    SHOWN,
    Check,
    Fault,
    array,
    boolean,
    described,
    integer,
    missing,
    number,
    obj,
    one_of,
    schema_of,
    session_id,
    shape,
    shape_schema,
    string,
    text_of,
    wrong_type,
)
from ..objects import json_object, refusal
from .messages import message
from .tools import function_call, functions, response_format, tool_choice, tools

MAX_STOPS = 4
MAX_TOP_LOGPROBS = 20
MAX_MODEL = 256
"""Characters of a model's name: the longest of the catalogue has a third of that."""

MAX_METADATA = 16
"""Pairs of a request's metadata; like the length of each, OpenAI's own bound."""

MAX_METADATA_KEY = 64
MAX_METADATA_VALUE = 512
MAX_SAFETY_IDENTIFIER = 64

_INT32 = 2**31 - 1
_INT64 = 2**63
# As OpenAI's document writes 2**63, rounded as by a float.
_SEED = 9_223_372_036_854_776_000


def decode_request(body: bytes, *, lenient: bool = False) -> Chat:
    """Read a request's body.

    Args:
        body: JSON.
        lenient: leave out what is wrong, where the request can do without it.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    return request_from(json_object(body), lenient=lenient)


def request_from(fields: dict[str, Json], *, lenient: bool = False) -> Chat:
    """Read a request from its JSON object; *lenient* as for `decode_request`.

    Raises:
        InvalidRequest: fields are wrong; `faults` lists them all.
    """
    values, extra, faults = _read(fields)
    if lenient:
        faults = [fault for fault in faults if _needed(fault)]
    # A session may have a model of its own.
    for name in ("messages",) if "session" in values else ("model", "messages"):
        if name not in values and all(fault.path.partition("[")[0] != name for fault in faults):
            faults.append(missing(name))
    if faults:
        raise refusal(faults)
    values.setdefault("model", "")
    options = fields.get("stream_options")
    if isinstance(options, dict) and options.keys() - {"include_usage"}:
        extra["stream_options"] = {k: v for k, v in options.items() if k != "include_usage"}
    if "functions" in values or "function_call" in values:
        _read_old_form(values)
    if extra.get("store"):
        values["keep"] = _keep(values, extra)
    return Chat(**values, extra=extra or None)


def _keep(values: dict[str, Any], extra: dict[str, Json]) -> Keep:
    """Read that the answer is to be kept: here, so that neither word travels on."""
    del extra["store"]
    return Keep(metadata=extra.pop("metadata", {}), data={"legacy": values.get("legacy", False)})


def _read(
    fields: dict[str, Json],
) -> tuple[dict[str, Any], dict[str, Json], list[Fault]]:
    """Return what has a place, what travels on, and what is wrong."""
    values: dict[str, Any] = {}
    extra: dict[str, Json] = {}
    faults: list[Fault] = []
    for name, value in fields.items():
        found = _FIELDS.get(name)
        if found is None:
            extra[name] = value
            continue
        if value is None:
            continue
        place, check = found
        try:
            if place is None:
                extra[name] = check(value, name)
            else:
                values[place] = check(value, name)
        except Fault as fault:
            faults.append(fault)
    return values, extra, faults


def _needed(fault: Fault) -> bool:
    """Say whether a request cannot do without the field at fault."""
    return fault.path.startswith(("model", "messages", "session_id"))


def _read_old_form(values: dict[str, Any]) -> None:
    """Read functions as tools, of which one is called at most; tools in the new form win."""
    old_tools = values.pop("functions", ())
    old_choice = values.pop("function_call", None)
    if "tools" in values:
        return
    values.update(tools=old_tools, tool_choice=old_choice, parallel_tool_calls=False, legacy=True)


def _stop(value: Json, path: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise wrong_type(path, Msg("a string or an array of strings"), value)
    return _stops(value, path)  # type: ignore[no-any-return]


_stops = array(string, low=1, high=MAX_STOPS)
described({"anyOf": [{"type": "string"}, schema_of(_stops)]}, _stop)


def _stream_options(value: Json, path: str) -> bool:
    return bool(_stream_shape(value, path).get("include_usage"))


_stream_shape = shape({"include_usage": boolean, "include_obfuscation": boolean})
described(schema_of(_stream_shape), _stream_options)


def _logit_bias(value: Json, path: str) -> dict[str, int]:
    return {
        token: _bias(weight, f"{path}.{token[:SHOWN]}")
        for token, weight in obj(value, path).items()
    }


_bias = integer(-100, 100)
described({"type": "object", "additionalProperties": schema_of(_bias)}, _logit_bias)


def metadata(value: Json, path: str) -> dict[str, str]:
    """Take pairs of text within OpenAI's bounds."""
    given = obj(value, path)
    if len(given) > MAX_METADATA:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': too many properties. Expected an object with at most {most} "
                "properties, but got an object with {length} properties instead.",
                path=path,
                most=MAX_METADATA,
                length=len(given),
            ),
            "object_above_max_properties",
        )
    for key, one in given.items():
        shown = f"{path}.{key[:SHOWN]}"
        _metadata_key(key, shown)
        _metadata_value(one, shown)
    return given


_metadata_key = text_of(0, MAX_METADATA_KEY)
_metadata_value = text_of(0, MAX_METADATA_VALUE)
described(
    {
        "type": "object",
        "maxProperties": MAX_METADATA,
        "propertyNames": {"maxLength": MAX_METADATA_KEY},
        "additionalProperties": schema_of(_metadata_value),
    },
    metadata,
)


def _words(*words: str) -> Check:
    return one_of(frozenset(words))


def _voice(value: Json, path: str) -> Json:
    if isinstance(value, str):
        return value
    return _own_voice(value, path)


_own_voice = shape({"id": string}, ["id"])
described({"anyOf": [{"type": "string"}, schema_of(_own_voice)]}, _voice)


def _predicted(value: Json, path: str) -> Json:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise wrong_type(path, Msg("a string or an array of parts"), value)
    return _text_parts(value, path)


_text_parts = array(shape({"type": _words("text"), "text": string}, ["type", "text"]), low=1)
described({"anyOf": [{"type": "string"}, schema_of(_text_parts)]}, _predicted)

_LEVELS = ("low", "medium", "high")
_audio = shape(
    {"voice": _voice, "format": _words("wav", "aac", "mp3", "flac", "opus", "pcm16")},
    ["voice", "format"],
)
_place = shape({"country": string, "region": string, "city": string, "timezone": string})
_web_search = shape(
    {
        "search_context_size": _words(*_LEVELS),
        "user_location": shape(
            {"type": _words("approximate"), "approximate": _place}, ["type", "approximate"]
        ),
    }
)
_prediction = shape({"type": _words("content"), "content": _predicted}, ["type", "content"])

_FIELDS: dict[str, tuple[str | None, Check]] = {
    "model": ("model", text_of(1, MAX_MODEL)),
    "messages": ("messages", array(message, low=1)),
    "stream": ("stream", boolean),
    "stream_options": ("include_usage", _stream_options),
    "n": ("n", integer(1, MAX_CHOICES)),
    "max_tokens": ("max_tokens", integer(1, _INT32)),
    "max_completion_tokens": ("max_completion_tokens", integer(1, _INT32)),
    "temperature": ("temperature", number(0, 2)),
    "top_p": ("top_p", number(0, 1)),
    "stop": ("stop", _stop),
    "seed": ("seed", integer(-_INT64, _SEED)),
    "presence_penalty": ("presence_penalty", number(-2, 2)),
    "frequency_penalty": ("frequency_penalty", number(-2, 2)),
    "tools": ("tools", tools),
    "tool_choice": ("tool_choice", tool_choice),
    "parallel_tool_calls": ("parallel_tool_calls", boolean),
    "functions": ("functions", functions),
    "function_call": ("function_call", function_call),
    "response_format": ("response_format", response_format),
    "reasoning_effort": (
        "reasoning_effort",
        _words("none", "minimal", *_LEVELS, "xhigh"),
    ),
    "logprobs": ("logprobs", boolean),
    "top_logprobs": ("top_logprobs", integer(0, MAX_TOP_LOGPROBS)),
    "logit_bias": ("logit_bias", _logit_bias),
    "user": ("user", string),
    "session_id": ("session", session_id),
    "audio": (None, _audio),
    "metadata": (None, metadata),
    "modalities": (None, array(_words("text", "audio"))),
    "prediction": (None, _prediction),
    "prompt_cache_key": (None, string),
    "prompt_cache_retention": (None, _words("in_memory", "24h")),
    "safety_identifier": (None, text_of(0, MAX_SAFETY_IDENTIFIER)),
    "service_tier": (None, _words("auto", "default", "flex", "scale", "priority")),
    "store": (None, boolean),
    "verbosity": (None, _words(*_LEVELS)),
    "web_search_options": (None, _web_search),
}


def request_schema() -> dict[str, Json]:
    """Return the JSON Schema of what `decode_request` takes."""
    checks = {name: check for name, (_, check) in _FIELDS.items()}
    # That a model or a session must be named is not said here: what makes clients of a document
    # takes an object with alternatives for anything at all.
    return shape_schema(checks, ["messages"])
