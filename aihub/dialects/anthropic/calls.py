"""A chat, said as a request of the Messages API."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from ...messages import Msg
from ...model.catalogue import Model
from ...model.chat import (
    Chat,
    Message,
    Part,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolChoice,
)
from ...model.units import Json
from ..media import inline, is_web
from ..saying import OPENAI, Saying
from .words import NAME, VENDOR

DEFAULT_OUTPUT = 4096
"""Tokens that an answer may have where neither the request nor the catalogue says: every model of
Anthropic's can write as many."""

MAX_USER_ID = 512
"""Characters of a user's id: Anthropic's own bound."""

_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
_SYSTEM = frozenset({"system", "developer"})


def request_object(
    chat: Chat, model: Model, upstream_model: str, *, lenient: bool
) -> dict[str, Json]:
    """Write a request.

    Raises:
        InvalidRequest: it holds what cannot be said; `faults` lists all.
    """
    say = Saying(NAME, VENDOR, chat, lenient=lenient)
    fields: dict[str, Json] = {
        "model": upstream_model,
        "max_tokens": chat.bound or model.max_output or DEFAULT_OUTPUT,
    }
    _messages(say, fields)
    _sampling(say, fields)
    _tools(say, fields)
    _format(say, chat.response_format, fields)
    _effort(say, fields)
    _user(say, fields)
    say.joined(fields, say.rest(own=_OWN if chat.dialect == OPENAI else ()))
    say.refuse()
    return fields


_OWN = frozenset({"safety_identifier", "service_tier"})


def _sampling(say: Saying, fields: dict[str, Json]) -> None:
    chat = say.chat
    say.sampling()
    if chat.temperature is not None:
        if chat.temperature > 1:
            say.wrong("temperature", Msg("must be at most 1."))
        fields["temperature"] = chat.temperature
    if chat.top_p is not None:
        fields["top_p"] = chat.top_p
    if chat.stop:
        fields["stop_sequences"] = list(chat.stop)
    if chat.stream:
        fields["stream"] = True


def _user(say: Saying, fields: dict[str, Json]) -> None:
    """Say who asks, and at what tier, where OpenAI's words ask for one."""
    extra = (say.chat.extra or {}) if say.chat.dialect == OPENAI else {}
    user, safety = say.chat.user, extra.get("safety_identifier")
    if user is not None and safety not in (None, user):
        say.unsupported("safety_identifier", Msg("It has one id of a user; 'user' is another."))
    user = safety if user is None else user
    if user is not None:
        if len(user) > MAX_USER_ID:
            say.wrong("user", Msg("must have at most {most} characters.", most=MAX_USER_ID))
        fields["metadata"] = {"user_id": user}
    tier = extra.get("service_tier")
    if tier == "default":
        fields["service_tier"] = "standard_only"
    elif tier not in (None, "auto"):
        say.unsupported("service_tier")


def _effort(say: Saying, fields: dict[str, Json]) -> None:
    effort = say.chat.reasoning_effort
    if effort == "none":
        fields["thinking"] = {"type": "disabled"}
    elif effort is not None:
        # There is nothing below low.
        level = "low" if effort == "minimal" else effort
        fields.setdefault("output_config", {})["effort"] = level


def _format(say: Saying, form: ResponseFormat | None, fields: dict[str, Json]) -> None:
    if form is None or form.kind == "text":
        return
    if form.kind == "json_schema" and isinstance(form.schema, Mapping):
        schema = dict(form.schema)
        if form.description is not None:
            schema.setdefault("description", form.description)
        said: Json = {"type": "json_schema", "schema": schema}
    elif form.data is not None and say.chat.dialect == NAME:
        said = form.data
    else:
        say.unsupported("response_format.type", Msg("It takes a 'json_schema' with a schema."))
        return
    fields.setdefault("output_config", {})["format"] = said


# Tools


def _tools(say: Saying, fields: dict[str, Json]) -> None:
    choice = say.chat.tool_choice
    tools = say.chat.tools
    named = choice is not None and choice.mode == "required" and len(choice.only or ()) == 1
    if choice is not None and choice.only is not None and not named:
        # A set of tools is said by naming no others.
        tools = tuple([tool for tool in tools if tool.name in choice.only])
        if not tools:
            say.wrong("tool_choice", Msg("none of the allowed tools is among the tools."))
    told = [_tool(say, tool, f"tools[{n}]") for n, tool in enumerate(tools)]
    if any(told):
        fields["tools"] = [one for one in told if one is not None]
    picked = _choice(say, choice, named=named)
    if picked is not None:
        fields["tool_choice"] = picked


def _tool(say: Saying, tool: Tool, path: str) -> Json:
    if tool.kind == "custom":
        say.wrong(f"{path}.type", Msg("tools whose input is any text are not known there."))
    elif tool.kind != "function":
        if say.knows(tool):
            return tool.data
        say.unsupported(path)
    else:
        return _function(say, tool, path)
    return None


def _function(say: Saying, tool: Tool, path: str) -> Json:
    fields: dict[str, Json] = {"name": tool.name}
    if tool.description is not None:
        fields["description"] = tool.description
    # A function without parameters is one whose object may be empty.
    fields["input_schema"] = {"type": "object", **(tool.parameters or {"properties": {}})}
    if tool.strict:
        fields["strict"] = True
    return {**say.extras(tool.extra, path), **fields}


_MODES = {"auto": "auto", "required": "any", "none": "none"}


def _choice(say: Saying, choice: ToolChoice | None, *, named: bool) -> dict[str, Json] | None:
    single = say.chat.parallel_tool_calls is False and bool(say.chat.tools)
    if choice is None and not single:
        return None
    if choice is None:
        said: dict[str, Json] = {"type": "auto"}
    elif named and choice.only:
        said = {"type": "tool", "name": choice.only[0]}
    else:
        said = {"type": _MODES[choice.mode]}
    if single and said["type"] != "none":
        said["disable_parallel_tool_use"] = True
    return said


# Messages


def _messages(say: Saying, fields: dict[str, Json]) -> None:
    """Write the messages: those of the system that come first on their own, the rest in order.

    Results of tools and what the user says right after them are one message, as is what an
    assistant says after its calls with these.
    """
    messages = say.chat.messages
    first = next((n for n, one in enumerate(messages) if one.role not in _SYSTEM), len(messages))
    if first:
        fields["system"] = _system(say, messages[:first])
    told: list[dict[str, Json]] = []
    before: Message | None = None
    for n, message in enumerate(messages[first:], first):
        said = _message(say, message, f"messages[{n}]")
        if before is not None and _goes_on(before, message):
            told[-1]["content"] = [*_blocks(told[-1]["content"]), *_blocks(said.pop("content"))]
            told[-1] = {**said, **told[-1]}
        else:
            told.append(said)
        before = message
    fields["messages"] = told


def _goes_on(before: Message, message: Message) -> bool:
    if before.role == "tool":
        return message.role in {"tool", "user"}
    return bool(before.tool_calls) and message.role == "assistant"


def _blocks(content: Json) -> list[Json]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return list(content)


def _system(say: Saying, messages: tuple[Message, ...]) -> Json:
    said = [_message(say, one, f"messages[{n}]")["content"] for n, one in enumerate(messages)]
    return said[0] if len(said) == 1 else [block for one in said for block in _blocks(one)]


def _message(say: Saying, message: Message, path: str) -> dict[str, Json]:
    if message.name is not None and message.role != "function":
        say.unsupported(f"{path}.name")
    if message.role == "tool":
        return {"role": "user", "content": [_result(say, message, path)]}
    if message.role == "function":
        say.wrong(f"{path}.role", Msg("results of functions in the old form have no id."))
    role = "system" if message.role in _SYSTEM else message.role
    content = _content(say, message, path)
    calls = (message.extra or {}).get("tool_use") or {}
    called = [
        {
            **say.extras(calls.get(call.id), f"{path}.tool_calls[{n}]"),
            "type": "tool_use",
            "id": call.id,
            "name": call.name,
            "input": say.arguments(call, f"{path}.tool_calls[{n}]"),
        }
        for n, call in enumerate(message.tool_calls)
    ]
    if called:
        content = [*_blocks(content), *called]
    own = ("tool_use", "refusal") if say.chat.dialect == OPENAI else ("tool_use",)
    extra = say.extras(message.extra, path, own=own, only=_NOTHING)
    return {**extra, "role": role, "content": content}


_NOTHING: frozenset[str] = frozenset()
_RESULT = frozenset({"cache_control"})


def _content(say: Saying, message: Message, path: str) -> Json:
    refusal = (message.extra or {}).get("refusal") if say.chat.dialect == OPENAI else None
    if message.content is None:
        return refusal or ""
    if isinstance(message.content, str):
        return message.content or refusal or ""
    said = [
        _part(say, part, f"{path}.content[{n}]")
        for n, part in enumerate(message.content)
        if part != _EMPTY
    ]
    return [one for one in said if one is not None]


_EMPTY = TextPart("")
"""A text that says nothing: Anthropic refuses an empty block."""


def _result(say: Saying, message: Message, path: str) -> dict[str, Json]:
    said: dict[str, Json] = {
        **say.extras(message.extra, path, own=("is_error",), only=_RESULT),
        "type": "tool_result",
        "tool_use_id": message.tool_call_id,
        "content": _content(say, message, path),
    }
    if (message.extra or {}).get("is_error"):
        said["is_error"] = True
    return said


# Parts


def _part(say: Saying, part: Part, path: str) -> Json:
    if isinstance(part, TextPart):
        # Gemini signs texts too; to Anthropic that proves nothing.
        extra = say.extras(part.extra, path, own=("thoughtSignature",))
        return {**extra, "type": "text", "text": part.text}
    if isinstance(part, ReasoningPart):
        return _reasoning(say, part, path)
    if part.dialect == NAME:
        return part.data
    write = _PARTS.get(part.type)
    if write is None or part.dialect != OPENAI:
        say.strange(part, path)
        return None
    inner = part.data.get(part.type) if isinstance(part.data, Mapping) else None
    extra = say.extras(part.data, path, own=("type", part.type)) if inner is not None else {}
    said = write(say, inner, f"{path}.{part.type}")
    return None if said is None else {**extra, **said}


def _reasoning(say: Saying, part: ReasoningPart, path: str) -> Json:
    if not say.travels:
        say.unsupported(path, Msg("Reasoning goes back only to who signed it."))
        return None
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    if part.signature is None:
        say.unsupported(path, Msg("Reasoning goes back only with a signature."))
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}


def _image(say: Saying, inner: Json, path: str) -> Json:
    url = _text(inner, "url")
    if _text(inner, "detail") not in ("", "auto"):
        say.unsupported(f"{path}.detail")
    medium = inline(url)
    if medium is None:
        if not is_web(url):
            say.wrong(f"{path}.url", Msg("must be a data: or http(s) URL."))
        return {"type": "image", "source": {"type": "url", "url": url}}
    if medium.media_type not in _IMAGES:
        say.wrong(
            f"{path}.url", Msg("pictures must be one of {known}.", known=", ".join(sorted(_IMAGES)))
        )
    source = {"type": "base64", "media_type": medium.media_type, "data": medium.base64}
    return {"type": "image", "source": source}


def _file(say: Saying, inner: Json, path: str) -> Json:
    medium = inline(_text(inner, "file_data"))
    text = medium.text if medium is not None and medium.media_type == "text/plain" else None
    if medium is not None and medium.media_type == "application/pdf":
        source = {"type": "base64", "media_type": medium.media_type, "data": medium.base64}
    elif text is not None:
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        say.wrong(f"{path}.file_data", Msg("must be a data: URL of a PDF, or of a text in UTF-8."))
        return None
    said: dict[str, Json] = {"type": "document", "source": source}
    title = _text(inner, "filename")
    return {**said, "title": title} if title else said


def _refusal(say: Saying, inner: Json, path: str) -> Json:
    if not isinstance(inner, str):
        say.wrong(path, Msg("must be a text."))
    return {"type": "text", "text": inner}


_PARTS: Mapping[str, Callable[[Saying, Json, str], Json]] = {
    "image_url": _image,
    "file": _file,
    "refusal": _refusal,
}


def _text(inner: Json, name: str) -> str:
    """Return a text of a part; empty where it has none."""
    value = inner.get(name) if isinstance(inner, Mapping) else None
    return value if isinstance(value, str) else ""


def encode(said: Json) -> bytes:
    """Write a request's object."""
    return orjson.dumps(said)
