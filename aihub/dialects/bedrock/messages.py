"""Messages of a request, read: content blocks become parts, calls and results of tools.

One message on the wire may be several here. Results of tools are messages of their own; what an
assistant says after a call is a message after it, for here a message's calls come last. `calls`
puts them together again. What has no form of OpenAI's is kept as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
import orjson

from ...messages import Msg
from ...model.chat import Message, OtherPart, Part, ReasoningPart, Role, TextPart, ToolCall
from ...model.units import Json
from ..fields import Fault, missing, obj, one_of, string, wrong_type
from ..media import Inline
from ..objects import unknown
from .words import DOCUMENTS, IMAGES, NAME, SOUNDS, VIDEOS


def given(value: Json, path: str) -> dict[str, Json]:
    """Take an object; null members say nothing."""
    return {name: one for name, one in obj(value, path).items() if one is not None}


def text_in(fields: Mapping[str, Json], name: str, path: str) -> str:
    """Take a text that must be there."""
    if name not in fields:
        raise missing(f"{path}.{name}")
    return string(fields[name], f"{path}.{name}")


def items(value: Json, path: str) -> list[tuple[Json, str]]:
    """Take a list, each item with its path."""
    if not isinstance(value, list):
        raise wrong_type(path, Msg("an array"), value)
    return [(one, f"{path}[{n}]") for n, one in enumerate(value)]


@attrs.define
class Block:
    """A content block: its one member, by which it is what it is."""

    kind: str
    inner: Json
    path: str

    @property
    def where(self) -> str:
        """The path of the member."""
        return f"{self.path}.{self.kind}"

    @property
    def fields(self) -> dict[str, Json]:
        """The member as an object."""
        return given(self.inner, self.where)


def block(value: Json, path: str) -> Block:
    """Take an object with one member."""
    fields = given(value, path)
    if len(fields) != 1:
        text = Msg(
            "Invalid '{path}': it has {length} members, and must have one.",
            path=path,
            length=len(fields),
        )
        raise Fault(path, text, "invalid_value")
    [(kind, inner)] = fields.items()
    return Block(kind, inner, path)


# Parts


def part(one: Block) -> Part:
    """Read a block that is no call and no result; where it has no form of OpenAI's, as it is."""
    read = _PARTS.get(one.kind)
    found = None if read is None else read(one)
    return OtherPart(one.kind, {one.kind: one.inner}, NAME) if found is None else found


def _text(one: Block) -> Part:
    return TextPart(string(one.inner, one.where))


def _json(one: Block) -> Part:
    return TextPart(orjson.dumps(one.inner).decode())


def _reasoning(one: Block) -> Part | None:
    told = block(one.inner, one.where)
    if told.kind == "redactedContent":
        return ReasoningPart("", redacted=string(told.inner, told.where))
    if told.kind != "reasoningText":
        return None
    fields = told.fields
    text = text_in(fields, "text", told.where)
    signed = text_in(fields, "signature", told.where) if "signature" in fields else None
    return ReasoningPart(text, signed)


def _bytes(fields: Mapping[str, Json], path: str) -> str | None:
    """Return the bytes that a medium brings along, if it does."""
    source = given(fields.get("source", {}), f"{path}.source")
    if source.keys() != {"bytes"}:
        return None
    return string(source["bytes"], f"{path}.source.bytes")


def _medium(
    one: Block, forms: Mapping[str, str], besides: frozenset[str] = frozenset()
) -> Inline | None:
    """Return the medium that a block brings along, where it says what it is and nothing else."""
    fields = one.fields
    data = _bytes(fields, one.where)
    media_type = forms.get(str(fields.get("format")))
    if data is None or media_type is None or fields.keys() - {"format", "source"} - besides:
        return None
    return Inline(media_type, data)


def _image(one: Block) -> Part | None:
    medium = _medium(one, _IMAGES)
    return None if medium is None else _openai("image_url", {"url": medium.url})


def _video(one: Block) -> Part | None:
    medium = _medium(one, _VIDEOS)
    return None if medium is None else _openai("file", {"file_data": medium.url})


def _document(one: Block) -> Part | None:
    medium = _medium(one, _DOCUMENTS, _ABOUT)
    if medium is None:
        return None
    fields = one.fields
    file = {"file_data": medium.url, "filename": text_in(fields, "name", one.where)}
    besides = {name: fields[name] for name in fields if name in {"context", "citations"}}
    return _openai("file", file, besides)


def _audio(one: Block) -> Part | None:
    medium = _medium(one, _SOUNDS)
    if medium is None:
        return None
    return _openai("input_audio", {"data": medium.base64, "format": medium.media_type})


def _openai(kind: str, inner: Json, besides: Mapping[str, Json] | None = None) -> OtherPart:
    return OtherPart(kind, {**(besides or {}), "type": kind, kind: inner})


_ABOUT = frozenset({"name", "context", "citations"})
_IMAGES = {form: media_type for media_type, form in IMAGES.items()}
_VIDEOS = {form: media_type for media_type, form in VIDEOS.items()}
_DOCUMENTS = {form: media_type for media_type, form in DOCUMENTS.items()}
_SOUNDS = {form: form for form in SOUNDS}
_PARTS: Mapping[str, Callable[[Block], Part | None]] = {
    "text": _text,
    "reasoningContent": _reasoning,
    "image": _image,
    "video": _video,
    "document": _document,
    "audio": _audio,
}


def said(parts: list[Part]) -> str | tuple[Part, ...]:
    """Return what is said: of a single text only the text."""
    if len(parts) == 1 and isinstance(parts[0], TextPart):
        return parts[0].text
    return tuple(parts)


# Messages

_role = one_of(frozenset({"user", "assistant", "system"}))


def system(value: Json, path: str) -> Message:
    """Take what the system says first."""
    return Message("system", said([part(block(*one)) for one in items(value, path)]))


def messages(value: Json, path: str) -> tuple[Message, ...]:
    """Take the messages of a request."""
    read = [one for item in items(value, path) for one in _message(*item)]
    if not read:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    return tuple(read)


def _message(value: Json, path: str) -> list[Message]:
    fields = given(value, path)
    for name in fields.keys() - {"role", "content"}:
        raise unknown(f"{path}.{name}")
    role: Role = _role(text_in(fields, "role", path), f"{path}.role")
    if "content" not in fields:
        raise missing(f"{path}.content")
    blocks = [block(*one) for one in items(fields["content"], f"{path}.content")]
    if role == "assistant":
        return _assistant(blocks)
    return _user(blocks) if role == "user" else [Message(role, said([*map(part, blocks)]))]


def _user(blocks: list[Block]) -> list[Message]:
    """Read results of tools as messages of their own, among what else the user says."""
    read: list[Message] = []
    parts: list[Part] = []
    for one in blocks:
        if one.kind != "toolResult":
            parts.append(part(one))
            continue
        if parts:
            read.append(Message("user", said(parts)))
            parts = []
        read.append(_result(one))
    if parts or not read:
        read.append(Message("user", said(parts)))
    return read


def _result(one: Block) -> Message:
    fields = one.fields
    content = [block(*item) for item in items(fields.get("content", []), f"{one.where}.content")]
    parts = [_json(told) if told.kind == "json" else part(told) for told in content]
    known = {"toolUseId", "content", "status"}
    extra = {name: fields[name] for name in fields if name not in known}
    status = fields.get("status", "success")
    if _status(status, f"{one.where}.status") == "error":
        extra["is_error"] = True
    call = text_in(fields, "toolUseId", one.where)
    return Message("tool", said(parts) or "", tool_call_id=call, extra=extra or None)


_status = one_of(frozenset({"success", "error"}))


def _assistant(blocks: list[Block]) -> list[Message]:
    """Read what is said and the calls after it; what follows a call is another message."""
    read: list[Message] = []
    parts: list[Part] = []
    called: list[ToolCall] = []
    for one in blocks:
        if one.kind == "toolUse" and "type" not in one.fields:
            called.append(_call(one))
            continue
        if called:
            read.append(_closed(parts, called))
            parts, called = [], []
        parts.append(part(one))
    return [*read, _closed(parts, called)]


def _closed(parts: list[Part], called: list[ToolCall]) -> Message:
    content = said(parts) if parts or not called else None
    return Message("assistant", content, tool_calls=tuple(called))


def _call(one: Block) -> ToolCall:
    fields = one.fields
    if "input" not in fields:
        raise missing(f"{one.where}.input")
    arguments = orjson.dumps(obj(fields["input"], f"{one.where}.input")).decode()
    id, name = text_in(fields, "toolUseId", one.where), text_in(fields, "name", one.where)
    return ToolCall(id, name, arguments)
