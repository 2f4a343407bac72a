"""What a program passes to `Hub.chat`, `embed` and `moderate`, made into values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import attrs

from ..core.asks import check_text
from ..errors import InvalidRequest
from ..messages import Msg
from ..model.chat import ROLES, Chat, Message, TextPart
from ..model.embedding import EmbeddingRequest
from ..model.moderation import ModerationRequest

_PARAMETERS = frozenset(field.name for field in attrs.fields(Chat)) - {"model", "messages"}


def make_chat(
    model: str | None,
    messages: str | Iterable[Message | Mapping[str, Any]],
    parameters: Mapping[str, Any],
) -> Chat:
    """Make a chat of what a program passes.

    Raises:
        InvalidRequest: a message or parameter is not what it must be; `param` names it.
    """
    if isinstance(messages, str):
        messages = [Message("user", messages)]
    if not (parameters.keys() <= _PARAMETERS):
        name = min(parameters.keys() - _PARAMETERS)
        raise InvalidRequest(Msg("There is no parameter '{name}'.", name=name), param=name)
    if model is None:
        if parameters.get("session") is None:
            raise InvalidRequest(
                Msg("Name a model, or a session that has one."),
                param="model",
                code="missing_required_parameter",
            )
        model = ""
    said = tuple([_message(one, n) for n, one in enumerate(messages)])
    if not parameters:
        return Chat(model=model, messages=said)
    stop = parameters.get("stop") or ()
    fields = {**parameters, "stop": (stop,) if isinstance(stop, str) else tuple(stop)}
    return Chat(model=model, messages=said, **fields)


def _message(one: Message | Mapping[str, Any], n: int) -> Message:
    if isinstance(one, Message):
        return one
    role, content = one.get("role"), one.get("content")
    if role not in ROLES:
        raise InvalidRequest(Msg("'{role}' is not a role.", role=role), param=f"messages[{n}].role")
    if not isinstance(content, str):
        raise InvalidRequest(Msg("The content must be a text."), param=f"messages[{n}].content")
    return Message(role, content, name=one.get("name"), tool_call_id=one.get("tool_call_id"))


def make_embedding(
    model: str, input: str | Iterable[str | Sequence[int]], dimensions: int | None
) -> EmbeddingRequest:
    """Make a request to embed of what a program gives.

    Raises:
        InvalidRequest: an input is neither text nor whole numbers.
    """
    given = (input,) if isinstance(input, str) else tuple(input)
    inputs = tuple(
        [one if isinstance(one, str) else _tokens(one, n) for n, one in enumerate(given)]
    )
    return EmbeddingRequest(model=model, inputs=inputs, dimensions=dimensions)


def _tokens(given: Any, n: int) -> tuple[int, ...]:
    if not isinstance(given, Sequence) or not all(type(one) is int and one >= 0 for one in given):
        raise InvalidRequest(
            Msg("An input is a text or a sequence of tokens."), param=f"input[{n}]"
        )
    return tuple(given)


def make_moderation(model: str, input: str | Iterable[str]) -> ModerationRequest:
    """Make a request to judge of what a program gives.

    Raises:
        InvalidRequest: an input is no text.
    """
    given = (input,) if isinstance(input, str) else tuple(input)
    for n, one in enumerate(given):
        check_text(one, f"input[{n}]")
    return ModerationRequest(model=model, inputs=tuple([(TextPart(one),) for one in given]))
