"""OpenAI's chat completions, inbound: requests decoded, answers and streams encoded.

Decoding is a table of fields: name, where it goes, how it is checked. A field that is null counts
as not given, as in OpenAI's document, save where it must be there. A field that the table does not
know is kept in `Chat.extra` and travels on. Source: OpenAI's published OpenAPI document,
`CreateChatCompletionRequest`, `CreateChatCompletionResponse`, `CreateChatCompletionStreamResponse`.
"""

from __future__ import annotations

from typing import Any

import orjson

from ..model.chat import MAX_CHOICES, ROLES, Chat, Message, OtherPart, Part, TextPart, ToolCall
from ..model.events import Choice, Completion, Event, Finished, Logprobs, Reasoning, Text, ToolDelta
from ..model.units import SECOND, Json, Micros, Pico, format_usd
from ..model.usage import Usage
from .fields import (
    SHOWN,
    Check,
    Fault,
    anything,
    array,
    boolean,
    described,
    integer,
    missing,
    number,
    obj,
    one_of,
    schema_of,
    string,
    text_of,
    wrong_type,
)
from .objects import json_object, refusal
from .sse import event

MAX_STOPS = 4
MAX_TOP_LOGPROBS = 20
MAX_MODEL = 256
"""Characters of a model's name: the longest of the catalogue has a third of that."""

MAX_SESSION_ID = 128
"""Characters of a session's id: ours have 40."""

_INT32 = 2**31 - 1
_INT64 = 2**63


# Requests


def decode_request(body: bytes) -> Chat:
    """Read a request's body.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    return request_from(json_object(body))


def request_from(fields: dict[str, Json]) -> Chat:
    """Read a request from its JSON object.

    Raises:
        InvalidRequest: fields are wrong; `faults` lists them all.
    """
    values: dict[str, Any] = {}
    faults: list[Fault] = []
    extra: dict[str, Json] = {}
    for name, value in fields.items():
        found = _FIELDS.get(name)
        if found is None:
            extra[name] = value
            continue
        if value is None:
            continue
        place, check = found
        try:
            values[place] = check(value, name)
        except Fault as fault:
            faults.append(fault)
    # A session may have a model of its own.
    for name in ("messages",) if "session" in values else ("model", "messages"):
        if name not in values and all(fault.path.partition("[")[0] != name for fault in faults):
            faults.append(missing(name))
    if faults:
        raise refusal(faults)
    # The newer name wins where both are given.
    newer = values.pop("max_completion_tokens", None)
    if newer is not None:
        values["max_tokens"] = newer
    values.setdefault("model", "")
    return Chat(**values, extra=extra or None)


def _message(value: Json, path: str) -> Message:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object", value)
    role = value.get("role")
    if role is None:
        raise missing(f"{path}.role")
    role = _role(role, f"{path}.role")
    content = _content(value.get("content"), f"{path}.content")
    calls = value.get("tool_calls")
    tool_calls = () if calls is None else _tool_calls(calls, f"{path}.tool_calls")
    if content is None and not (tool_calls or _may_be_empty(role, value)):
        raise missing(f"{path}.content")
    name, call_id = value.get("name"), value.get("tool_call_id")
    if role == "tool" and call_id is None:
        raise missing(f"{path}.tool_call_id")
    rest = value.keys() - _MESSAGE_FIELDS
    return Message(
        role,
        content,
        None if name is None else string(name, f"{path}.name"),
        tool_calls,
        None if call_id is None else string(call_id, f"{path}.tool_call_id"),
        {field: value[field] for field in sorted(rest)} if rest else None,
    )


_MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id"})
_role = one_of(ROLES)


def _may_be_empty(role: str, value: dict[str, Json]) -> bool:
    """Say whether a message may have no content: an answer with something else in it may."""
    given = any(value.get(field) for field in ("function_call", "refusal", "audio"))
    return role == "function" or (role == "assistant" and given)


def _content(value: Json, path: str) -> str | tuple[Part, ...] | None:
    if isinstance(value, str) or value is None:
        return value
    if not isinstance(value, list):
        raise wrong_type(path, "a string or an array of parts", value)
    return _parts(value, path)  # type: ignore[no-any-return]


def _part(value: Json, path: str) -> Part:
    if not isinstance(value, dict):
        raise wrong_type(path, "an object", value)
    kind = value.get("type")
    if kind is None:
        raise missing(f"{path}.type")
    kind = string(kind, f"{path}.type")
    if kind != "text":
        return OtherPart(kind, value)
    if "text" not in value:
        raise missing(f"{path}.text")
    return TextPart(string(value["text"], f"{path}.text"))


described(
    {
        "type": "object",
        "properties": {"type": {"type": "string"}, "text": {"type": "string"}},
        "required": ["type"],
        "if": {"properties": {"type": {"const": "text"}}},
        "then": {"required": ["text"]},
    },
    _part,
)
_parts = array(_part, low=1)


def _tool_call(value: Json, path: str) -> ToolCall:
    fields = obj(value, path)
    function = obj(fields.get("function"), f"{path}.function")
    return ToolCall(
        string(fields.get("id"), f"{path}.id"),
        string(function.get("name"), f"{path}.function.name"),
        string(function.get("arguments"), f"{path}.function.arguments"),
    )


described(
    {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "type": {"type": "string"},
            "function": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "arguments": {"type": "string"}},
                "required": ["name", "arguments"],
            },
        },
        "required": ["id", "function"],
    },
    _tool_call,
)
_tool_calls = array(_tool_call)
described(
    {
        "type": "object",
        "properties": {
            "role": {"type": "string", "enum": sorted(ROLES)},
            "content": {"anyOf": [{"type": "string"}, schema_of(_parts), {"type": "null"}]},
            "name": {"type": ["string", "null"]},
            "tool_calls": {"anyOf": [schema_of(_tool_calls), {"type": "null"}]},
            "tool_call_id": {"type": ["string", "null"]},
        },
        "required": ["role"],
    },
    _message,
)


def _stop(value: Json, path: str) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise wrong_type(path, "a string or an array of strings", value)
    return _stops(value, path)  # type: ignore[no-any-return]


_stops = array(string, high=MAX_STOPS)
described({"anyOf": [{"type": "string"}, schema_of(_stops)]}, _stop)


def _stream_options(value: Json, path: str) -> bool:
    wanted = obj(value, path).get("include_usage")
    return False if wanted is None else boolean(wanted, f"{path}.include_usage")


def _logit_bias(value: Json, path: str) -> dict[str, Json]:
    bias = obj(value, path)
    for token, weight in bias.items():
        _bias(weight, f"{path}.{token[:SHOWN]}")
    return bias


_bias = number(-100, 100)
described({"type": "object", "additionalProperties": schema_of(_bias)}, _logit_bias)
described(
    {"type": "object", "properties": {"include_usage": {"type": ["boolean", "null"]}}},
    _stream_options,
)

_FIELDS: dict[str, tuple[str, Check]] = {
    "model": ("model", text_of(1, MAX_MODEL)),
    "messages": ("messages", array(_message, low=1)),
    "stream": ("stream", boolean),
    "stream_options": ("include_usage", _stream_options),
    "n": ("n", integer(1, MAX_CHOICES)),
    "max_tokens": ("max_tokens", integer(1, _INT32)),
    "max_completion_tokens": ("max_completion_tokens", integer(1, _INT32)),
    "temperature": ("temperature", number(0, 2)),
    "top_p": ("top_p", number(0, 1)),
    "stop": ("stop", _stop),
    "seed": ("seed", integer(-_INT64, _INT64 - 1)),
    "presence_penalty": ("presence_penalty", number(-2, 2)),
    "frequency_penalty": ("frequency_penalty", number(-2, 2)),
    "tools": ("tools", array(obj)),
    "tool_choice": ("tool_choice", anything),
    "response_format": ("response_format", obj),
    "logprobs": ("logprobs", boolean),
    "top_logprobs": ("top_logprobs", integer(0, MAX_TOP_LOGPROBS)),
    "logit_bias": ("logit_bias", _logit_bias),
    "user": ("user", string),
    "session_id": ("session", text_of(1, MAX_SESSION_ID)),
}


def message_schema() -> dict[str, Json]:
    """Return the JSON Schema of one message."""
    return dict(schema_of(_message))


def request_schema() -> dict[str, Json]:
    """Return the JSON Schema of what `decode_request` takes."""
    properties = {
        name: {"anyOf": [schema_of(check), {"type": "null"}]}
        for name, (_, check) in _FIELDS.items()
    }
    properties["messages"] = schema_of(_FIELDS["messages"][1])
    return {
        "type": "object",
        "properties": properties,
        "required": ["messages"],
        "anyOf": [{"required": ["model"]}, {"required": ["session_id"]}],
    }


# Answers


def encode_completion(done: Completion) -> bytes:
    """Write a whole answer."""
    return orjson.dumps(
        {
            "id": done.id,
            "object": "chat.completion",
            "created": done.created // SECOND,
            "model": done.model,
            "choices": [_choice(choice) for choice in done.choices],
            "usage": usage_object(done.usage, done.cost),
            "system_fingerprint": done.fingerprint,
        }
    )


def _choice(choice: Choice) -> dict[str, Json]:
    message: dict[str, Json] = {"role": "assistant", "content": choice.text, "refusal": None}
    if choice.reasoning is not None:
        message["reasoning_content"] = choice.reasoning
    if choice.tool_calls:
        message["tool_calls"] = [_tool_call_object(call) for call in choice.tool_calls]
    return {
        "index": choice.index,
        "message": message,
        "logprobs": None
        if choice.logprobs is None
        else {"content": choice.logprobs, "refusal": None},
        "finish_reason": choice.finish_reason,
    }


def _tool_call_object(call: ToolCall) -> dict[str, Json]:
    return {
        "id": call.id,
        "type": call.type,
        "function": {"name": call.name, "arguments": call.arguments},
    }


def message_object(message: Message) -> dict[str, Json]:
    """Write a message of a conversation, as a request has it."""
    content: Json = message.content
    if isinstance(content, tuple):
        content = [
            {"type": "text", "text": part.text} if isinstance(part, TextPart) else part.data
            for part in content
        ]
    fields: dict[str, Json] = {**(message.extra or {}), "role": message.role, "content": content}
    if message.name is not None:
        fields["name"] = message.name
    if message.tool_calls:
        fields["tool_calls"] = [_tool_call_object(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    return fields


def usage_object(usage: Usage, cost: Pico) -> dict[str, Json]:
    """Write a usage; `cost` is exact, in USD, and `source` says who counted."""
    return {
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
        "cost": orjson.Fragment(format_usd(cost)),
        "source": usage.source,
    }


class StreamEncoder:
    """Write one stream's chunks: events in, bytes out.

    What a stream's chunks share is written once; a text then costs a join.

    Args:
        id: the completion's id.
        created: when the request was admitted.
        model: the model's name as asked.
        include_usage: whether a last chunk tells the usage, and the others that they do not.
    """

    def __init__(self, *, id: str, created: Micros, model: str, include_usage: bool) -> None:
        head = orjson.dumps(
            {
                "id": id,
                "object": "chat.completion.chunk",
                "created": created // SECOND,
                "model": model,
            }
        )
        self._head = b"data: " + head[:-1]
        self._include_usage = include_usage
        self._tail = b',"usage":null}\n\n' if include_usage else b"}\n\n"
        self._text_tail = b'},"logprobs":null,"finish_reason":null}]' + self._tail
        self._text_heads: dict[int, bytes] = {}

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where the dialect has no chunk for it."""
        if type(one) is Text:
            head = self._text_heads.get(one.index)
            if head is None:
                return self._begin(one.index) + self.encode(one)
            return head + orjson.dumps(one.text) + self._text_tail
        return self._encode_rarer(one)

    def _encode_rarer(self, one: Event) -> bytes:
        match one:
            case Finished():
                return self._opened(one.index) + self._chunk(one.index, {}, one.reason)
            case ToolDelta():
                return self._opened(one.index) + self._chunk(one.index, _tool_delta(one), None)
            case Reasoning():
                delta = {"reasoning_content": one.text}
                return self._opened(one.index) + self._chunk(one.index, delta, None)
            case Logprobs():
                logprobs = {"content": one.content, "refusal": None}
                return self._opened(one.index) + self._chunk(one.index, {}, None, logprobs)
            case _:
                return b""

    def _opened(self, index: int) -> bytes:
        return b"" if index in self._text_heads else self._begin(index)

    def _begin(self, index: int) -> bytes:
        """Write a choice's first chunk, which names its role."""
        self._text_heads[index] = (
            self._head + b',"choices":[{"index":%d,"delta":{"content":' % index
        )
        return self._chunk(index, {"role": "assistant", "content": "", "refusal": None}, None)

    def _chunk(
        self, index: int, delta: dict[str, Json], reason: str | None, logprobs: Json = None
    ) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return self._head + b',"choices":[' + orjson.dumps(choice) + b"]" + self._tail

    def usage(self, usage: Usage, cost: Pico) -> bytes:
        """Write the chunk that tells the usage; empty where it was not asked for."""
        if not self._include_usage:
            return b""
        told = orjson.dumps(usage_object(usage, cost))
        return self._head + b',"choices":[],"usage":' + told + b"}\n\n"


def _tool_delta(one: ToolDelta) -> dict[str, Json]:
    call: dict[str, Json] = {"index": one.position, "function": {"arguments": one.arguments}}
    if one.id is not None:
        call = {**call, "id": one.id, "type": "function"}
    if one.name is not None:
        call["function"]["name"] = one.name
    return {"tool_calls": [call]}


def encode_stream_error(error: Json) -> bytes:
    """Write an error in the middle of a stream: an event without a name, and then the end."""
    return event(orjson.dumps(error))
