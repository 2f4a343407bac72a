"""Chat completions as a client speaks them: to OpenAI, and to all who speak its dialect.

Source: OpenAI's published OpenAPI document; where others differ, `Flavour` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs
import orjson

from ...errors import InvalidRequest, UpstreamError
from ...messages import Msg
from ...model.catalogue import Model
from ...model.chat import (
    Chat,
    Message,
    OtherPart,
    Part,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)
from ...model.events import Event
from ...model.units import Json
from ...protocols import ProviderCall
from ..objects import refusal
from ..outbound import Wire
from ..saying import compaction_fault
from .errors import error_of
from .messages import message_object
from .reading import StreamReader, read_answer

NAME = "openai_chat"


@attrs.frozen(kw_only=True)
class Flavour:
    """How a server differs from OpenAI's.

    Args:
        stream_options: whether it knows them; one that does not tells its usage unasked.
        completion_bound: whether it knows `max_completion_tokens`; one that does not is told
            `max_tokens`.
        developer: whether it knows the role `developer`; one that does not is told `system`.
    """

    stream_options: bool = True
    completion_bound: bool = True
    developer: bool = True


OPENAI = Flavour()
"""OpenAI's own."""


class Outbound:
    """The dialect of OpenAI's chat completions, outbound (see `aihub.dialects.outbound`).

    Args:
        flavour: how the server differs from OpenAI's.
        lenient: leave out what the dialect cannot say instead of refusing it.
    """

    name = NAME

    def __init__(self, flavour: Flavour = OPENAI, *, lenient: bool = False) -> None:
        self._flavour = flavour
        self._lenient = lenient

    def check(self, model: Model, chat: Chat) -> None:
        """Refuse what came in another dialect's words and has none in this one.

        Raises:
            InvalidRequest: it names the field.
        """
        # Without what stands for a conversation the chat would be another, lenient or not.
        field = next(_compactions(chat) if self._lenient else _foreign(chat), None)
        if field is None:
            return
        if field in _compactions(chat):
            raise refusal([compaction_fault(field, "OpenAI")])
        raise _unsayable(field)

    def encode_call(self, call: ProviderCall) -> Wire:
        """Write a call; a stream is asked to tell its usage."""
        chat = call.chat if call.chat.dialect == NAME else _without_words(call.chat)
        chat = _without_hosted(chat)
        fields: dict[str, Json] = {
            "model": call.upstream_model,
            "messages": [self._message(one) for one in chat.messages if not _is_silent(one)],
        }
        for name in _AS_THEY_ARE:
            value = getattr(chat, name)
            if value is not None:
                fields[name] = value
        for name, usual in _UNLESS_USUAL.items():
            value = getattr(chat, name)
            if value != usual:
                fields[name] = value
        fields.update(self._bounds(chat))
        if chat.tools or chat.tool_choice is not None:
            fields.update(_tools(chat))
        if chat.response_format is not None:
            fields["response_format"] = _format(chat.response_format)
        fields.update(chat.extra or {})
        options = fields.pop("stream_options", None)
        if chat.stream:
            fields["stream"] = True
            if self._flavour.stream_options:
                fields["stream_options"] = {**(options or {}), "include_usage": True}
        return Wire(path="/chat/completions", body=orjson.dumps(fields))

    def _message(self, one: Message) -> dict[str, Json]:
        if isinstance(one.content, tuple) and any(map(_is_foreign, one.content)):
            own = tuple([part for part in one.content if not _is_foreign(part)])
            one = attrs.evolve(one, content=own or None)
        fields = message_object(one)
        if one.role == "developer" and not self._flavour.developer:
            fields["role"] = "system"
        return fields

    def _bounds(self, chat: Chat) -> dict[str, Json]:
        given = {
            "max_tokens": chat.max_tokens,
            "max_completion_tokens": chat.max_completion_tokens,
        }
        if not self._flavour.completion_bound:
            given = {"max_tokens": chat.bound}
        elif chat.dialect != NAME:
            # The older name is one that models which reason do not know.
            given = {"max_completion_tokens": chat.bound}
        return {name: bound for name, bound in given.items() if bound is not None}

    def decode_answer(self, call: ProviderCall, body: bytes) -> Sequence[Event]:
        """Read a whole answer."""
        return read_answer(body, self.decode_error)

    def stream(self, call: ProviderCall) -> StreamReader:
        """Return what reads a streamed answer."""
        return StreamReader(call.chat.n, self.decode_error)

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """Read an error, whichever of the usual forms it has."""
        return error_of(status, headers, body)


_AS_THEY_ARE = (
    "temperature",
    "top_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "parallel_tool_calls",
    "reasoning_effort",
    "top_logprobs",
    "logit_bias",
    "user",
)


_UNLESS_USUAL: Mapping[str, Json] = {"n": 1, "stop": (), "logprobs": False}


_SHARED = frozenset({"refusal"})
"""What a message may say besides in any dialect, for it stands in this one's words."""


def _is_foreign(part: Part) -> bool:
    return isinstance(part, OtherPart) and part.dialect != NAME


def _is_silent(one: Message) -> bool:
    """Say whether all of a message is in another dialect's words."""
    content = one.content
    return isinstance(content, tuple) and not one.tool_calls and all(map(_is_foreign, content))


def _is_hosted(tool: Tool) -> bool:
    return tool.dialect not in {None, NAME}


def _foreign(chat: Chat) -> Iterator[str]:
    """Yield the path of whatever is in another dialect's words."""
    other = chat.dialect != NAME
    yield from (f"tools[{n}]" for n, tool in enumerate(chat.tools) if _is_hosted(tool))
    if chat.tool_choice is not None and chat.tool_choice.hosted is not None:
        yield "tool_choice"
    if other:
        yield from sorted(chat.extra or ())
        for n, tool in enumerate(chat.tools):
            yield from (f"tools[{n}].{name}" for name in sorted(tool.extra or ()))
    for n, message in enumerate(chat.messages):
        if other:
            rest = (message.extra or {}).keys() - _SHARED
            yield from (f"messages[{n}].{name}" for name in sorted(rest))
        if isinstance(message.content, tuple):
            for m, part in enumerate(message.content):
                path = f"messages[{n}].content[{m}]"
                if _is_foreign(part):
                    yield path
                elif other and isinstance(part, TextPart):
                    yield from (f"{path}.{name}" for name in sorted(part.extra or ()))


def _compactions(chat: Chat) -> Iterator[str]:
    """Yield the path of whatever stands for what was said before."""
    for n, message in enumerate(chat.messages):
        if isinstance(message.content, tuple):
            for m, part in enumerate(message.content):
                if isinstance(part, OtherPart) and part.is_compaction:
                    yield f"messages[{n}].content[{m}]"


def _without_words(chat: Chat) -> Chat:
    """Leave out what a chat says besides in another dialect's words."""
    return attrs.evolve(
        chat,
        extra=None,
        tools=tuple([attrs.evolve(tool, extra=None) for tool in chat.tools]),
        messages=tuple([_bare(message) for message in chat.messages]),
    )


def _without_hosted(chat: Chat) -> Chat:
    """Leave out another vendor's own tools, and a choice that nothing is left for."""
    tools = tuple([tool for tool in chat.tools if not _is_hosted(tool)])
    choice = chat.tool_choice
    hosted = choice is not None and choice.hosted is not None
    if len(tools) == len(chat.tools) and not (hosted and not tools):
        return chat
    return attrs.evolve(chat, tools=tools, tool_choice=choice if tools else None)


def _bare(message: Message) -> Message:
    content = message.content
    if isinstance(content, tuple):
        content = tuple([TextPart(p.text) if isinstance(p, TextPart) else p for p in content])
    shared = {n: one for n, one in (message.extra or {}).items() if n in _SHARED}
    return attrs.evolve(message, content=content, extra=shared or None)


def _unsayable(field: str) -> InvalidRequest:
    return InvalidRequest(
        Msg(
            "'{field}' cannot be said in OpenAI's dialect, which the model's provider speaks.",
            field=field,
        ),
        param=field,
        code="unsupported_by_provider",
    )


def _tools(chat: Chat) -> dict[str, Json]:
    fields: dict[str, Json] = {}
    if chat.tools:
        fields["tools"] = [tool_object(tool) for tool in chat.tools]
    if chat.tool_choice is not None:
        kinds = {tool.name: tool.kind for tool in chat.tools}
        fields["tool_choice"] = choice_object(chat.tool_choice, kinds)
    return fields


def tool_object(tool: Tool) -> Json:
    """Write a tool."""
    if tool.kind not in {"function", "custom"}:
        return tool.data
    inner: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        inner["description"] = tool.description
    if tool.kind == "custom":
        if tool.format is not None:
            inner["format"] = tool.format
    else:
        if tool.parameters is not None:
            inner["parameters"] = tool.parameters
        if tool.strict:
            inner["strict"] = True
    return {**(tool.extra or {}), "type": tool.kind, tool.kind: inner}


def choice_object(choice: ToolChoice, kinds: Mapping[str, str]) -> Json:
    """Write a choice among tools, whose kinds are given by their names."""
    if choice.only is None:
        return choice.mode
    named = [
        {"type": kinds.get(name, "function"), kinds.get(name, "function"): {"name": name}}
        for name in choice.only
    ]
    if choice.mode == "required" and len(named) == 1:
        return named[0]
    return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}


def _format(wanted: ResponseFormat) -> Json:
    if wanted.kind != "json_schema":
        return {"type": wanted.kind} if wanted.data is None else wanted.data
    inner: dict[str, Json] = {"name": wanted.name}
    if wanted.description is not None:
        inner["description"] = wanted.description
    if wanted.schema is not None:
        inner["schema"] = wanted.schema
    if wanted.strict:
        inner["strict"] = True
    return {"type": wanted.kind, wanted.kind: inner}
