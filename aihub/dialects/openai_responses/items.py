"""Items of an input: checked, given ids, and read as messages.

Consecutive items of the model's own (reasoning, text, calls) are one message of an assistant.
Items of tools that a vendor runs itself have no place in a chat: they are parts in this dialect's
words, which a provider over HTTP refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import attrs

from ...messages import Msg
from ...model.chat import COMPACTION, Message, OtherPart, Part, Role, TextPart, ToolCall
from ...model.units import Json
from ..fields import (
    Check,
    Fault,
    array,
    described,
    obj,
    one_of,
    schema_of,
    shape,
    string,
    variants,
    wrong_type,
)
from . import calls, secrets
from .exact import having
from .words import NAME, TRIGGER

# Parts

_text = shape({"text": string}, ["text"])
part: Check = variants(
    {
        "input_text": _text,
        "output_text": _text,
        "refusal": shape({"refusal": string}, ["refusal"]),
        "input_image": shape({"image_url": string, "file_id": string, "detail": string}),
        "input_file": shape(
            {"file_id": string, "filename": string, "file_data": string, "file_url": string}
        ),
    }
)
_parts = array(part)


def _content(value: Json, path: str) -> Json:
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        raise wrong_type(path, Msg("a string or an array of parts"), value)
    return _parts(value, path)


described({"anyOf": [{"type": "string"}, schema_of(_parts)]}, _content)

# Items

_ROLES = ("user", "assistant", "system", "developer")
_shaped = shape({"role": one_of(frozenset(_ROLES)), "content": _content}, ["role", "content"])
_NOT_ITS_OWN = (frozenset({"input_image", "input_file"}), "'output_text' and 'refusal'")
_NOT_ANOTHERS = (frozenset({"refusal"}), "'input_text', 'input_image' and 'input_file'")


def _message(value: Json, path: str) -> Json:
    """Take a message whose parts are such as its role may say; text is text in either name."""
    given = _shaped(value, path)
    wrong, known = _NOT_ITS_OWN if given["role"] == "assistant" else _NOT_ANOTHERS
    parts = () if isinstance(given["content"], str) else given["content"]
    for n, one in enumerate(parts):
        if one["type"] in wrong:
            text = Msg(
                "Invalid value: '{value}'. Supported values are: {known}.",
                value=one["type"],
                known=known,
            )
            raise Fault(f"{path}.content[{n}].type", text, "invalid_value")
    return given


described(schema_of(_shaped), _message)
_output = shape({"call_id": string, "output": _content}, ["call_id", "output"])
_summary = array(shape({"type": string, "text": string}, ["text"]))
KINDS: Mapping[str, Check] = {
    "message": _message,
    "function_call": shape(
        {"call_id": string, "name": string, "arguments": string}, ["call_id", "name", "arguments"]
    ),
    "function_call_output": _output,
    "custom_tool_call": shape(
        {"call_id": string, "name": string, "input": string}, ["call_id", "name", "input"]
    ),
    "custom_tool_call_output": _output,
    "reasoning": shape({"summary": _summary, "content": _summary, "encrypted_content": string}),
    "item_reference": shape({"id": string}, ["id"]),
    COMPACTION: shape({"encrypted_content": string}, ["encrypted_content"]),
    TRIGGER: having({}),
    **calls.CALLS,
    **calls.RESULTS,
}
_known = variants(KINDS)


def item(value: Json, path: str) -> dict[str, Json]:
    """Take an item; one without a type is a message, or by an id alone a reference."""
    given = obj(value, path)
    if given.get("type") is None:
        by_id = "role" not in given and "id" in given
        given = {**given, "type": "item_reference" if by_id else "message"}
    checked: dict[str, Json] = _known(given, path)
    if checked.get("id") is not None:
        string(checked["id"], f"{path}.id")
    return checked


def _schema() -> Json:
    """Return what items are: of each kind that is known, of another, or without a type."""
    # Wider than the check: what these say of a type is said before them.
    return {
        "anyOf": [
            *schema_of(_known)["anyOf"],
            schema_of(_message),
            schema_of(KINDS["item_reference"]),
        ]
    }


described(_schema(), item)
_items = array(item)


def given_input(value: Json, path: str) -> tuple[dict[str, Json], ...]:
    """Take an input: a text, which is a user's message, or items."""
    if isinstance(value, str):
        return ({"type": "message", "role": "user", "content": value},)
    if not isinstance(value, list):
        raise wrong_type(path, Msg("a string or an array of items"), value)
    return _items(value, path)  # type: ignore[no-any-return]


described({"anyOf": [{"type": "string"}, schema_of(_items)]}, given_input)


# Items as they are shown

PREFIXES: Mapping[str, str] = {
    "message": "msg",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "reasoning": "rs",
    "compaction": "cmp",
}
_WITH_STATUS = frozenset({*PREFIXES} - {"reasoning", "compaction"})


def input_items(items: Sequence[dict[str, Json]], id: str) -> list[dict[str, Json]]:
    """Return items as a list of them has them: each with an id of the response's, and whole."""
    told = [(one, f"{id}_in_{n}") for n, one in enumerate(items) if one["type"] != TRIGGER]
    return [_shown(one, place) for one, place in told]


def _shown(one: dict[str, Json], place: str) -> dict[str, Json]:
    kind = one["type"]
    if kind in _HOSTED:
        return calls.filled(one, one.get("id") or f"item_{place}")
    fields = {name: value for name, value in one.items() if value is not None}
    fields["id"] = fields.get("id") or f"{PREFIXES.get(kind, 'item')}_{place}"
    if kind in _WITH_STATUS:
        fields.setdefault("status", "completed")
    if kind == "message":
        fields["content"] = _shown_content(one["role"], one["content"])
    if kind == "reasoning":
        fields.setdefault("summary", [])
    return fields


def _shown_content(role: str, content: Json) -> list[Json]:
    told = "output_text" if role == "assistant" else "input_text"
    parts = [{"type": told, "text": content}] if isinstance(content, str) else content
    shown: list[Json] = []
    for one in parts:
        part = dict(one)
        if part["type"] in {"input_text", "output_text"}:
            more: Json = {"annotations": [], "logprobs": []} if role == "assistant" else {}
            part = {**more, **part, "type": told}
        if part["type"] == "input_image":
            part.setdefault("detail", "auto")
        shown.append(part)
    return shown


# Items as messages


@attrs.define
class _Answer:
    """An assistant's message as its items come."""

    parts: list[Part] = attrs.field(factory=list)
    calls: list[ToolCall] = attrs.field(factory=list)

    def message(self) -> Message | None:
        """Return it; None where nothing of it is anything to a provider."""
        content: str | tuple[Part, ...] | None = tuple(self.parts) or None
        if content is None and not self.calls:
            return None
        match self.parts:
            case [TextPart(text)]:
                content = text
        return Message("assistant", content, tool_calls=tuple(self.calls))


def messages_of(items: Iterable[dict[str, Json]]) -> tuple[Message, ...]:
    """Read items as the messages that they are."""
    made: list[Message] = []
    answer: _Answer | None = None
    for one in items:
        add = _OWN.get(one["type"])
        if add is not None and one.get("role", "assistant") == "assistant":
            answer = answer or _Answer()
            add(one, answer)
            continue
        if answer is not None:
            made += _some(answer.message())
            answer = None
        made += _some(_read(one))
    if answer is not None:
        made += _some(answer.message())
    return tuple(made)


def sealed_items(items: Sequence[dict[str, Json]]) -> list[int]:
    """Return which items stand for what was said before, and only another than we can read."""
    return [
        n
        for n, one in enumerate(items)
        if one["type"] == COMPACTION and secrets.summary(one["encrypted_content"]) is None
    ]


def _some(message: Message | None) -> list[Message]:
    return [] if message is None else [message]


def _say(one: dict[str, Json], answer: _Answer) -> None:
    answer.parts += parts_of(one["content"])


def _think(one: dict[str, Json], answer: _Answer) -> None:
    """Read reasoning that its provider wants back; other reasoning says nothing to one."""
    part = secrets.reasoning(one)
    if part is not None:
        answer.parts.append(part)


def _call(one: dict[str, Json], answer: _Answer) -> None:
    signature = secrets.signature(one)
    answer.calls.append(
        ToolCall(one["call_id"], one["name"], one["arguments"], signature=signature)
    )


def _call_custom(one: dict[str, Json], answer: _Answer) -> None:
    answer.calls.append(ToolCall(one["call_id"], one["name"], one["input"], "custom"))


def _do(one: dict[str, Json], answer: _Answer) -> None:
    """Read what the model did with a tool of its vendor's: a part in this dialect's words."""
    answer.parts.append(OtherPart(one["type"], one, NAME))


_OWN: Mapping[str, Callable[[dict[str, Json], _Answer], None]] = {
    "message": _say,
    "reasoning": _think,
    "function_call": _call,
    "custom_tool_call": _call_custom,
    **dict.fromkeys(calls.CALLS, _do),
}
_HOSTED = frozenset({*calls.CALLS, *calls.RESULTS})


def _read(one: dict[str, Json]) -> Message | None:
    """Read an item that is no assistant's."""
    kind = one["type"]
    if kind == "message":
        role: Role = one["role"]
        content = one["content"]
        return Message(role, content if isinstance(content, str) else parts_of(content))
    if kind in {"function_call_output", "custom_tool_call_output"}:
        output = one["output"]
        told = output if isinstance(output, str) else parts_of(output)
        return Message("tool", told, tool_call_id=one["call_id"])
    if kind == COMPACTION:
        summary = secrets.summary(one["encrypted_content"])
        if summary is not None:
            return Message("user", summary)
    # What a tool gave is no user's word, and a trigger nobody's.
    roles: dict[str, Role] = {TRIGGER: "developer", **dict.fromkeys(calls.RESULTS, "tool")}
    return Message(roles.get(kind, "user"), (OtherPart(kind, one, NAME),))


def parts_of(content: Json) -> tuple[Part, ...]:
    """Read the content of a message in the words of chat completions."""
    if isinstance(content, str):
        return (TextPart(content),)
    return tuple([_part_of(one) for one in content])


def _part_of(part: dict[str, Json]) -> Part:
    kind = part["type"]
    if kind in {"input_text", "output_text"}:
        return TextPart(part["text"])
    if kind == "refusal":
        return OtherPart(kind, {"type": kind, "refusal": part["refusal"]})
    if kind == "input_image" and part.get("image_url") is not None:
        return _image(part)
    if kind == "input_file" and part.get("file_url") is None:
        named = ("file_id", "filename", "file_data")
        given = {name: part[name] for name in named if part.get(name) is not None}
        return OtherPart("file", {"type": "file", "file": given})
    # A file that must be fetched, or is the vendor's own: nobody else can.
    return OtherPart(kind, part, NAME)


_DETAILS = frozenset({"auto", "low", "high"})


def _image(part: dict[str, Json]) -> OtherPart:
    image = {"url": part["image_url"]}
    detail = part.get("detail")
    if detail is not None:
        # Chat completions know no `original`; nothing there is finer than this.
        image["detail"] = detail if detail in _DETAILS else "high"
    return OtherPart("image_url", {"type": "image_url", "image_url": image})
