"""Contents of a request, read: parts, calls of functions, and their results.

Calls have ids here, and not always there: a call without one gets one by its place, and a result
without one is that of the first call by its name that has none yet.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
import orjson

from ...messages import Msg
from ...model.chat import Message, Part, TextPart, ToolCall
from ...model.units import Json
from ..fields import Fault, boolean, obj, one_of, string, wrong_type
from ..objects import unknown
from .parts import message, part, text_in

_role = one_of(frozenset({"user", "model", "function"}))


@attrs.define
class _Calls:
    """Calls so far, by name, that have no result yet."""

    count: int = 0
    waiting: dict[str, list[str]] = attrs.field(factory=dict)

    def begin(self, id: str | None, name: str) -> str:
        given = f"call_{self.count}" if id is None else id
        self.count += 1
        self.waiting.setdefault(name, []).append(given)
        return given

    def answer(self, id: str | None, name: str, path: str) -> str:
        waiting = self.waiting.get(name, [])
        if id is None and not waiting:
            raise Fault(
                path,
                Msg("Invalid '{path}': no call of it is without a result.", path=path),
                "no_call",
            )
        found = waiting[0] if id is None else id
        if found in waiting:
            waiting.remove(found)
        return found


def contents(value: Json, path: str) -> tuple[Message, ...]:
    """Take the contents of a request."""
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    if not value:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    calls = _Calls()
    read: list[Message] = []
    for n, one in enumerate(value):
        read += _content(one, f"{path}[{n}]", calls)
    return tuple(read)


def system(value: Json, path: str) -> Message:
    """Take the system's instruction."""
    fields = message(value, path)
    parts = [part(one, where) for one, where in _parts(fields, path)]
    return Message("system", _said(parts))


def _parts(fields: Mapping[str, Json], path: str) -> list[tuple[dict[str, Json], str]]:
    value = fields.get("parts", [])
    if not isinstance(value, list):
        raise wrong_type(f"{path}.parts", Msg("an array"), value)
    return [(_part(one, f"{path}.parts[{n}]"), f"{path}.parts[{n}]") for n, one in enumerate(value)]


_OBJECTS = ("inlineData", "fileData", "functionCall", "functionResponse")


def _part(value: Json, path: str) -> dict[str, Json]:
    """Take a part whose members are of the right types, be they of use where it stands or not."""
    fields = message(value, path)
    for name in _OBJECTS:
        if name in fields:
            obj(fields[name], f"{path}.{name}")
    boolean(fields.get("thought", False), f"{path}.thought")
    string(fields.get("thoughtSignature", ""), f"{path}.thoughtSignature")
    return fields


def _said(parts: list[Part]) -> str | tuple[Part, ...]:
    """Return what is said: of a single text only the text."""
    if len(parts) == 1 and isinstance(parts[0], TextPart) and parts[0].extra is None:
        return parts[0].text
    return tuple(parts)


def _content(value: Json, path: str, calls: _Calls) -> list[Message]:
    fields = message(value, path)
    for name in fields.keys() - {"role", "parts"}:
        raise unknown(f"{path}.{name}")
    role = _role(fields.get("role", "user"), f"{path}.role")
    return (_model if role == "model" else _user)(_parts(fields, path), calls)


def _user(given: list[tuple[dict[str, Json], str]], calls: _Calls) -> list[Message]:
    read: list[Message] = []
    parts: list[Part] = []
    for fields, path in given:
        if "functionResponse" not in fields:
            parts.append(part(fields, path))
            continue
        if parts:
            read.append(Message("user", _said(parts)))
            parts = []
        read.append(_result(fields["functionResponse"], f"{path}.functionResponse", calls))
    if parts or not read:
        read.append(Message("user", _said(parts)))
    return read


def _result(value: Json, path: str, calls: _Calls) -> Message:
    fields = message(value, path)
    name = text_in(fields, "name", path)
    id = text_in(fields, "id", path) if "id" in fields else None
    response = obj(fields.get("response", {}), f"{path}.response")
    known = {"id", "name", "response"}
    extra = {one: fields[one] for one in fields if one not in known}
    said = response.get("output") if response.keys() == {"output"} else None
    if response.keys() == {"error"} and isinstance(response["error"], str):
        said, extra["is_error"] = response["error"], True
    text = said if isinstance(said, str) else orjson.dumps(response).decode()
    call = calls.answer(id, name, f"{path}.name")
    return Message("tool", text, tool_call_id=call, extra=extra or None)


def _model(given: list[tuple[dict[str, Json], str]], calls: _Calls) -> list[Message]:
    """Read what is said and the calls after it; what follows a call is another message."""
    read: list[Message] = []
    parts: list[Part] = []
    called: list[ToolCall] = []
    for fields, path in given:
        if "functionCall" in fields:
            called.append(_call(fields, path, calls))
            continue
        if called:
            read.append(_closed(parts, called))
            parts, called = [], []
        parts.append(part(fields, path))
    return [*read, _closed(parts, called)]


def _closed(parts: list[Part], called: list[ToolCall]) -> Message:
    said = _said(parts) if parts or not called else None
    return Message("assistant", said, tool_calls=tuple(called))


def _call(fields: Mapping[str, Json], path: str, calls: _Calls) -> ToolCall:
    given = message(fields["functionCall"], f"{path}.functionCall")
    name = text_in(given, "name", f"{path}.functionCall")
    id = text_in(given, "id", f"{path}.functionCall") if "id" in given else None
    signature = text_in(fields, "thoughtSignature", path) if "thoughtSignature" in fields else None
    arguments = orjson.dumps(obj(given.get("args", {}), f"{path}.functionCall.args")).decode()
    return ToolCall(calls.begin(id, name), name, arguments, signature=signature)
