"""A chat request as a value, whatever wire format it came in.

Treated as frozen by convention: `attrs.frozen` would cost a quarter of a request's decoding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import attrs

from .units import Json

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool", "function"]
ROLES: frozenset[str] = frozenset({"system", "developer", "user", "assistant", "tool", "function"})

MAX_CHOICES = 128
"""Answers to one request: OpenAI's own bound."""

COMPACTION = "compaction"
"""What OpenAI's Responses call an item that stands for a conversation which was made short."""

ContextPolicy: TypeAlias = Literal["drop_oldest", "error", "off"]

KeptKind: TypeAlias = Literal["completion", "response"]

FinishReason: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]


@attrs.define
class TextPart:
    """A piece of text inside a message; `extra` is what a dialect says of it besides."""

    text: str
    extra: Mapping[str, Json] | None = None


@attrs.define
class ReasoningPart:
    """A piece of a model's reasoning inside its message, as its provider wants it back.

    `signature` is the provider's proof that the text is its own. `redacted` is reasoning that only
    the provider can read; there is no text then.
    """

    text: str
    signature: str | None = None
    redacted: str | None = None


@attrs.define
class OtherPart:
    """A part that is not text (image, audio, file).

    *data* is the part in OpenAI's form, which other dialects are translated to, for the types
    `image_url`, `input_audio`, `file` and `refusal`; of any other type it is the part as the caller
    wrote it, in the words of *dialect*.
    """

    type: str
    data: Json
    dialect: str = "openai_chat"

    @property
    def is_compaction(self) -> bool:
        """Whether it stands for what was said before, which only who made it can read.

        It is never left out: without it the chat would be another.
        """
        return self.type == COMPACTION and self.dialect == "openai_responses"

    @property
    def characters(self) -> int:
        """How long the texts in it are: a picture that came with the request is one."""
        data = self.data
        inner = data.get(self.type) if isinstance(data, Mapping) else None
        if isinstance(inner, Mapping):
            return sum([len(one) for one in inner.values() if isinstance(one, str)])
        size, waiting = 0, [data]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                size += len(one)
            elif isinstance(one, Mapping):
                waiting += one.values()
            elif isinstance(one, list | tuple):
                waiting += one
        return size


Part: TypeAlias = TextPart | ReasoningPart | OtherPart


@attrs.define(kw_only=True)
class Tool:
    """A tool that the model may call.

    `kind` is `function`, whose `parameters` are the JSON Schema of its arguments (None: it takes
    none), `custom`, whose input is text in the form that `format` gives, or what else a provider
    knows; `data` is then the tool as the caller wrote it. `strict` asks for arguments that keep
    to the schema exactly. `extra` is what a dialect says of it besides. *dialect* is that of `data`
    where it is another than the chat's.
    """

    name: str
    description: str | None = None
    parameters: Json = None
    strict: bool = False
    kind: str = "function"
    format: Json = None
    data: Json = None
    extra: Mapping[str, Json] | None = None
    dialect: str | None = None


ToolMode: TypeAlias = Literal["auto", "none", "required"]


@attrs.define
class ToolChoice:
    """Whether the model may, must or must not call tools, and which.

    `only` names the tools that it may call; None leaves it all of them. `hosted` is the one that it
    must call where that is the vendor's own, in the words of OpenAI's Responses.
    """

    mode: ToolMode
    only: tuple[str, ...] | None = None
    hosted: Json = None


@attrs.define(kw_only=True)
class ResponseFormat:
    """What form an answer's text must have.

    `kind` is `text`, `json_object`, `json_schema`, or what else a provider knows; `data` is then
    the format as the caller wrote it. A `schema` of None allows any JSON object.
    """

    kind: str
    name: str = ""
    description: str | None = None
    schema: Json = None
    strict: bool = False
    data: Json = None


@attrs.define
class ToolCall:
    """A model's wish to call a tool; *arguments* is JSON text as the model wrote it.

    Of a `custom` tool they are its input, any text. `signature` is the provider's, over the
    reasoning that led to the call; it wants it back.
    """

    id: str
    name: str
    arguments: str
    type: str = "function"
    signature: str | None = None


@attrs.define
class Message:
    """One message of a conversation."""

    role: Role
    content: str | tuple[Part, ...] | None
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    extra: Mapping[str, Json] | None = None

    @property
    def stands_for_others(self) -> bool:
        """Whether it has a part that stands for what was said before."""
        parts = () if isinstance(self.content, str) else self.content or ()
        return any(isinstance(part, OtherPart) and part.is_compaction for part in parts)

    @property
    def text(self) -> str:
        """All text of the message, its parts joined."""
        if isinstance(self.content, str):
            return self.content
        return "".join(part.text for part in self.content or () if isinstance(part, TextPart))

    @property
    def characters(self) -> int:
        """How long its role, its parts, its name and its calls of tools are together."""
        content = self.content
        size = len(self.role)
        if isinstance(content, str):
            size += len(content)
        else:
            for part in content or ():
                size += part.characters if isinstance(part, OtherPart) else len(part.text)
        if self.name is not None:
            size += len(self.name)
        for call in self.tool_calls:
            size += len(call.name) + len(call.arguments)
        return size


@attrs.define(kw_only=True)
class Keep:
    """That an answer is to be kept, with its request, to be read again later.

    `metadata` are at most 16 pairs of text by which it is found, `data` what a dialect notes of the
    request. A `response` can be gone on from. `awaited`: it is a record already that waits for its
    answer, and is kept only where that is still there.
    """

    kind: KeptKind = "completion"
    metadata: Mapping[str, str] = attrs.field(factory=dict)
    data: Json = None
    awaited: bool = False


@attrs.define(kw_only=True)
class Chat:
    """A chat completion asked for.

    Sampling parameters left at None were not given. `session` is the conversation that it goes on
    with, `upto` the turn of it that it follows, where that is not the last; an empty `model` is
    then the session's, and `context_policy` may say other than the session what happens where not
    all fits. `instructions` is how many of the messages, the first, hold for this request alone and
    are not kept with the conversation; None: all of the roles system and developer. `legacy` says
    that tools were asked for in OpenAI's old form, `functions`, so that calls are told in it.
    `keep` asks the hub to keep the answer. `reasoning_summary` asks to see how the model came to
    it, where its provider shows that. `extra` holds every field that has no place of its own here,
    in the words of `dialect`; it travels on to a provider that speaks it.
    """

    model: str
    messages: tuple[Message, ...]
    session: str | None = None
    upto: int | None = None
    context_policy: ContextPolicy | None = None
    instructions: int | None = None
    stream: bool = False
    include_usage: bool = False
    n: int = 1
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    legacy: bool = False
    response_format: ResponseFormat | None = None
    reasoning_effort: str | None = None
    reasoning_summary: bool = False
    logprobs: bool = False
    top_logprobs: int | None = None
    logit_bias: Mapping[str, Json] | None = None
    user: str | None = None
    keep: Keep | None = None
    extra: Mapping[str, Json] | None = None
    dialect: str = "openai_chat"

    @property
    def bound(self) -> int | None:
        """Tokens that each answer may have; the newer name wins where both are given."""
        newer = self.max_completion_tokens
        return self.max_tokens if newer is None else newer

    @property
    def characters(self) -> int:
        """How long all that is counted of the messages is together, a role for the least of it."""
        return sum([message.characters for message in self.messages])
