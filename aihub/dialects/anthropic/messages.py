"""Messages of a request, read: blocks become parts, calls and results of tools.

One message on the wire may be several here. Results of tools are messages of their own; what an
assistant says after a call is a message after it, for here a message's calls come last. `calls`
puts them together again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from ...messages import Msg
from ...model.chat import Message, OtherPart, Part, ReasoningPart, Role, TextPart, ToolCall
from ...model.units import Json
from ..fields import Fault, missing, obj, one_of, string, wrong_type
from ..media import Inline, inline_text
from .words import NAME

_DIRECT = {"type": "direct"}
"""The caller of a tool where it is the model itself: it says nothing."""


def _rest(block: Mapping[str, Json], *known: str) -> dict[str, Json] | None:
    """Return what a block says besides; null says nothing."""
    return {
        name: one for name, one in block.items() if name not in known and one is not None
    } or None


# Blocks


def _text(block: dict[str, Json], path: str) -> Part:
    return TextPart(_string(block, "text", path), _rest(block, "type", "text"))


def _image(block: dict[str, Json], path: str) -> Part:
    source = _object(block, "source", path)
    if source.get("type") == "base64":
        url = _inline(source, f"{path}.source").url
    elif source.get("type") == "url":
        url = _string(source, "url", f"{path}.source")
    else:
        return OtherPart("image", block, NAME)
    return _openai_part("image_url", {"url": url}, _rest(block, "type", "source"))


def _document(block: dict[str, Json], path: str) -> Part:
    source = _object(block, "source", path)
    if source.get("type") == "base64":
        file = {"file_data": _inline(source, f"{path}.source").url}
    elif source.get("type") == "text":
        text = _string(source, "data", f"{path}.source")
        file = {"file_data": inline_text(text).url}
    else:
        return OtherPart("document", block, NAME)
    if block.get("title") is not None:
        file["filename"] = _string(block, "title", path)
    return _openai_part("file", file, _rest(block, "type", "source", "title"))


def _inline(source: dict[str, Json], path: str) -> Inline:
    return Inline(_string(source, "media_type", path), _string(source, "data", path))


def _openai_part(kind: str, inner: Json, rest: Mapping[str, Json] | None) -> OtherPart:
    return OtherPart(kind, {**(rest or {}), "type": kind, kind: inner})


def _thinking(block: dict[str, Json], path: str) -> Part:
    return ReasoningPart(
        _string(block, "thinking", path), _string(block, "signature", path) or None
    )


def _redacted(block: dict[str, Json], path: str) -> Part:
    return ReasoningPart("", redacted=_string(block, "data", path))


_BLOCKS: Mapping[str, Callable[[dict[str, Json], str], Part]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "thinking": _thinking,
    "redacted_thinking": _redacted,
}


def part(value: Json, path: str) -> Part:
    """Take a block that is no call and no result; of types not known here, as it is."""
    block = _block(value, path)
    read = _BLOCKS.get(block["type"])
    return OtherPart(block["type"], block, NAME) if read is None else read(block, path)


def _block(value: Json, path: str) -> dict[str, Json]:
    block = obj(value, path)
    _string(block, "type", path)
    return block


def _string(fields: Mapping[str, Json], name: str, path: str) -> str:
    if fields.get(name) is None:
        raise missing(f"{path}.{name}")
    return string(fields[name], f"{path}.{name}")


def _object(fields: Mapping[str, Json], name: str, path: str) -> dict[str, Json]:
    if fields.get(name) is None:
        raise missing(f"{path}.{name}")
    return obj(fields[name], f"{path}.{name}")


def content(value: Json, path: str) -> str | tuple[Part, ...]:
    """Take what a message, a system prompt or a result says: a text, or blocks."""
    if isinstance(value, str):
        return value
    return tuple([part(one, f"{path}[{n}]") for n, one in enumerate(_list(value, path))])


def _list(value: Json, path: str) -> list[Json]:
    if isinstance(value, list):
        return value
    raise wrong_type(path, Msg("a string or an array of blocks"), value)


# Messages

_role = one_of(frozenset({"user", "assistant", "system"}))


def messages(value: Json, path: str) -> tuple[Message, ...]:
    """Take the messages of a request."""
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    if not value:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    read: list[Message] = []
    for n, one in enumerate(value):
        read += _message(one, f"{path}[{n}]")
    return tuple(read)


def _message(value: Json, path: str) -> list[Message]:
    fields = obj(value, path)
    role: Role = _role(_string(fields, "role", path), f"{path}.role")
    given = fields.get("content")
    extra = _rest(fields, "role", "content")
    if given is None:
        raise missing(f"{path}.content")
    if isinstance(given, str):
        return [Message(role, given, extra=extra)]
    blocks = _list(given, f"{path}.content")
    split = _assistant if role == "assistant" else _user if role == "user" else _system
    read = split(role, blocks, f"{path}.content")
    if extra is not None:
        read[0].extra = {**extra, **(read[0].extra or {})}
    return read


def _system(role: Role, blocks: list[Json], path: str) -> list[Message]:
    return [Message(role, content(blocks, path))]


def _user(role: Role, blocks: list[Json], path: str) -> list[Message]:
    """Read results of tools as messages of their own, among what else the user says."""
    read: list[Message] = []
    parts: list[Part] = []
    for n, one in enumerate(blocks):
        block = _block(one, f"{path}[{n}]")
        if block["type"] == "tool_result":
            if parts:
                read.append(Message(role, tuple(parts)))
                parts = []
            read.append(_result(block, f"{path}[{n}]"))
        else:
            parts.append(part(block, f"{path}[{n}]"))
    if parts or not read:
        read.append(Message(role, tuple(parts)))
    return read


def _result(block: dict[str, Json], path: str) -> Message:
    given = block.get("content")
    said = "" if given is None else content(given, f"{path}.content")
    extra = _rest(block, "type", "tool_use_id", "content") or {}
    if extra.get("is_error") is False:
        del extra["is_error"]
    call = _string(block, "tool_use_id", path)
    return Message("tool", said, tool_call_id=call, extra=extra or None)


def _assistant(role: Role, blocks: list[Json], path: str) -> list[Message]:
    """Read what is said and the calls after it; what follows a call is another message."""
    read: list[Message] = []
    message = Message(role, None)
    parts: list[Part] = []
    for n, one in enumerate(blocks):
        block = _block(one, f"{path}[{n}]")
        if block["type"] == "tool_use":
            _add_call(message, block, f"{path}[{n}]")
            continue
        if message.tool_calls:
            read.append(_closed(message, parts))
            message, parts = Message(role, None), []
        parts.append(part(block, f"{path}[{n}]"))
    return [*read, _closed(message, parts)]


def _closed(message: Message, parts: list[Part]) -> Message:
    if parts or not message.tool_calls:
        message.content = tuple(parts)
    return message


def _add_call(message: Message, block: dict[str, Json], path: str) -> None:
    called = _object(block, "input", path)
    call = ToolCall(
        _string(block, "id", path), _string(block, "name", path), orjson.dumps(called).decode()
    )
    message.tool_calls += (call,)
    besides = _rest(block, "type", "id", "name", "input") or {}
    if besides.get("caller") == _DIRECT:
        del besides["caller"]
    if besides:
        extra = dict(message.extra or {})
        extra["tool_use"] = {**extra.get("tool_use", {}), call.id: besides}
        message.extra = extra
