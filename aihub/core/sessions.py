"""What of a conversation goes into the next prompt, and what of an answer is kept.

A turn is what a request said and the answer to it. Whole turns are left out, the oldest first, and
a tool's result is never without the call that it answers. Providers refuse a call that has no
result and a result that has no call, so a call that nobody answered is left out of the prompt too,
while the text beside it stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from ..errors import Conflict, ContextLengthExceeded, InvalidRequest
from ..messages import Msg
from ..model.chat import Message, OtherPart, Part, TextPart
from ..model.events import Choice
from ..model.session import (
    CONTEXT_POLICIES,
    MAX_METADATA,
    MAX_METADATA_NAME,
    MAX_METADATA_VALUE,
    MAX_SYSTEM_PROMPT,
    MAX_TITLE,
    Conversation,
    Session,
    Turn,
)
from ..model.units import Json
from .asks import check_text

PROMPTS = frozenset({"system", "developer"})
"""Roles of messages that say how to answer; by themselves they are not part of a turn."""


MAX_NESTING = 64
"""Levels of JSON in a message that a session keeps: no part of a message has ten."""


def split(
    messages: Iterable[Message], instructions: int | None = None
) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """Part what a request says into its own prompt, if it has one, and what is new.

    Where it says how many *instructions* it begins with, other prompts are part of what is new.
    """
    said = tuple(messages)
    if instructions is not None:
        return said[:instructions], said[instructions:]
    prompts = tuple([one for one in said if one.role in PROMPTS])
    if not prompts:
        return (), said
    return prompts, tuple([one for one in said if one.role not in PROMPTS])


def opening(session: Session, prompts: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return what comes before the history: the request's own prompt, or the session's."""
    if prompts or session.system_prompt is None:
        return prompts
    return (Message("system", session.system_prompt),)


def fit(
    conversation: Conversation,
    sizes: Sequence[int],
    said: Sequence[Message],
    *,
    fixed: int,
    reserve: int,
    window: int,
) -> tuple[Turn, ...]:
    """Return the newest turns that go into the prompt.

    Args:
        conversation: the session and its newest turns.
        sizes: how many tokens each of those turns is.
        said: what the request says.
        fixed: tokens of the prompt that are there in any case.
        reserve: tokens set aside for the answer.
        window: tokens that the model takes in all.

    Raises:
        ContextLengthExceeded: the session's policy leaves nothing out, or a result that the
            request brings belongs to a call in a turn that does not fit.
    """
    turns, policy = conversation.turns, conversation.session.context_policy
    whole = len(turns) == conversation.session.turns
    if policy != "drop_oldest":
        total = fixed + sum(sizes)
        if not whole or (policy == "error" and total + reserve > window):
            raise ContextLengthExceeded(total, window)
        return turns
    start, room = len(turns), window - fixed - reserve
    while start and sizes[start - 1] <= room:
        start -= 1
        room -= sizes[start]
    if not start and whole:
        return turns
    start = _closed(turns, start)
    if _unanswered(said) - _called(turns[start:]):
        raise ContextLengthExceeded(fixed + sum(sizes), window)
    return turns[start:]


def _closed(turns: Sequence[Turn], start: int) -> int:
    """Move *start* on until every result after it comes with its call."""
    called: set[str] = set()
    for at in range(start, len(turns)):
        if _unanswered(turns[at].messages) - called:
            start, called = at + 1, set()
        else:
            called |= _called(turns[at : at + 1])
    return start


def _called(turns: Iterable[Turn]) -> set[str]:
    return {call.id for turn in turns for said in turn.messages for call in said.tool_calls}


def _unanswered(messages: Sequence[Message]) -> set[str]:
    """Return the calls that *messages* bring results of, without having made them."""
    made = {call.id for said in messages for call in said.tool_calls}
    return {said.tool_call_id for said in messages if said.tool_call_id is not None} - made


def history(turns: Sequence[Turn], said: Sequence[Message]) -> tuple[Message, ...]:
    """Return the messages of *turns* as they go before what is *said* now."""
    told = [message for turn in turns for message in turn.messages]
    if all(not message.tool_calls for message in told):
        return tuple(told)
    answered = {message.tool_call_id for message in (*told, *said)}
    kept = [_without_loose_calls(message, answered) for message in told]
    return tuple([message for message in kept if message is not None])


def _without_loose_calls(message: Message, answered: set[str | None]) -> Message | None:
    """Return *message* with the calls that were answered; None where nothing is left of it."""
    if not message.tool_calls:
        return message
    calls = tuple([call for call in message.tool_calls if call.id in answered])
    if len(calls) == len(message.tool_calls):
        return message
    if not calls and not message.content:
        return None
    return attrs.evolve(message, tool_calls=calls)


def answer(choice: Choice) -> Message | None:
    """Return an answer as a message; None where there is nothing to keep.

    Reasoning is kept where its provider signed it, and so may want it back.
    """
    text, refusal = _sound(choice.text), _sound(choice.refusal)
    if not text and not choice.tool_calls and not refusal:
        return None
    content: str | tuple[Part, ...] | None = text
    if choice.thoughts:
        content = (*choice.thoughts, TextPart(text)) if text else choice.thoughts
    extra = {"refusal": refusal} if refusal else None
    return Message("assistant", content, tool_calls=choice.tool_calls, extra=extra)


def _sound(text: str | None) -> str | None:
    # What a provider says is not ours to refuse, and must be there to be kept.
    return text and text.encode("utf-8", "replace").decode()


# Checks


def check_session(session: Session) -> None:
    """Refuse what a session may not say of itself.

    Raises:
        InvalidRequest: a field is too long, or not of its kind; `param` names it.
    """
    _check_length(session.title, "title", MAX_TITLE)
    _check_length(session.system_prompt, "system_prompt", MAX_SYSTEM_PROMPT)
    if session.context_policy not in CONTEXT_POLICIES:
        known = ", ".join(CONTEXT_POLICIES)
        raise InvalidRequest(
            Msg("'context_policy' must be one of {known}.", known=known), param="context_policy"
        )
    check_metadata(session.metadata)


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Refuse too many pairs, or one that is too long.

    Raises:
        InvalidRequest: it is; `param` names it.
    """
    if len(metadata) > MAX_METADATA:
        raise InvalidRequest(
            Msg("'metadata' may have at most {most} pairs.", most=MAX_METADATA), param="metadata"
        )
    for name, value in metadata.items():
        _check_length(name, "metadata", MAX_METADATA_NAME)
        _check_length(value, f"metadata.{name}", MAX_METADATA_VALUE)


def _check_length(text: str | None, param: str, most: int) -> None:
    if text is None:
        return
    check_text(text, param)
    if len(text) > most:
        raise InvalidRequest(
            Msg("'{param}' may have at most {most} characters.", param=param, most=most),
            param=param,
        )


def check_version(session: Session, version: int | None) -> None:
    """Refuse a change that was meant for another version of the session.

    Raises:
        Conflict: it has changed since.
    """
    if version is not None and version != session.version:
        raise Conflict(
            Msg(
                "The session has version {found} by now, not {named}.",
                found=session.version,
                named=version,
            ),
            code="session_conflict",
            param="version",
        )


def check_messages(messages: Sequence[Message]) -> None:
    """Refuse messages that cannot be kept; those that came as JSON always can.

    Raises:
        InvalidRequest: a text has a lone surrogate, or a part is no JSON.
    """
    for n, message in enumerate(messages):
        path = f"messages[{n}]"
        check_text(message.text, f"{path}.content")
        for text in (message.name, message.tool_call_id):
            check_text(text or "", path)
        for call in message.tool_calls:
            check_text(call.id + call.name + call.arguments, f"{path}.tool_calls")
        _check_json(message.extra, path)
        for part in message.content or () if not isinstance(message.content, str) else ():
            if isinstance(part, OtherPart):
                _check_json(part.data, f"{path}.content")


def _check_json(value: Json, path: str, depth: int = 0) -> None:
    if value is None or isinstance(value, bool | float):
        return
    if isinstance(value, str):
        check_text(value, path)
    elif isinstance(value, dict) and depth < MAX_NESTING:
        for name, one in value.items():
            check_text(name, path)
            _check_json(one, path, depth + 1)
    elif isinstance(value, list | tuple) and depth < MAX_NESTING:
        for one in value:
            _check_json(one, path, depth + 1)
    elif not isinstance(value, int) or not -(2**63) <= value < 2**64:
        raise InvalidRequest(Msg("'{path}' cannot be kept in a session.", path=path), param=path)
