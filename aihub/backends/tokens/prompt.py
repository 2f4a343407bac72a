"""How a conversation becomes a number of tokens, whoever counts the texts in it.

The rule is the one OpenAI publishes for its chat models: each message costs three tokens and its
role, content and name, a name one more, and three prime the answer. What has no published rule
(tools, calls of tools) makes the count an estimate; parts that are not text have their own rules.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aihub.model.chat import Chat, OtherPart, Tool

TOKENS_PER_MESSAGE = 3
TOKENS_PER_NAME = 1
TOKENS_FOR_ANSWER = 3


def overhead(chat: Chat) -> int:
    """Return the tokens of *chat* that are not the tokens of a text."""
    names = sum(message.name is not None for message in chat.messages)
    return TOKENS_PER_MESSAGE * len(chat.messages) + TOKENS_PER_NAME * names + TOKENS_FOR_ANSWER


def texts(chat: Chat) -> Iterator[str]:
    """Yield every text of *chat* that is counted alone, but for the roles."""
    for message in chat.messages:
        yield message.text
        if message.name is not None:
            yield message.name
        for call in message.tool_calls:
            yield call.name
            yield call.arguments
    for tool in chat.tools:
        yield _compact(tool)


def plain_texts(chat: Chat) -> list[str] | None:
    """Return each message's text where *chat* is text alone; None where there is more to count."""
    if chat.tools:
        return None
    found: list[str] = []
    for message in chat.messages:
        content = message.content
        if not isinstance(content, str) or message.name is not None or message.tool_calls:
            return None
        found.append(content)
    return found


def by_the_rule(chat: Chat) -> bool:
    """Say whether the published rule covers all of *chat* but its parts that are not text."""
    return not chat.tools and not any(message.tool_calls for message in chat.messages)


def other_parts(chat: Chat) -> Iterator[OtherPart]:
    """Yield every part that is not text."""
    for message in chat.messages:
        if message.content.__class__ is tuple:
            yield from (part for part in message.content or () if isinstance(part, OtherPart))


def _compact(tool: Tool) -> str:
    import orjson  # Tools are the exception; a plain chat needs no JSON here.

    told = [tool.name, tool.description, tool.parameters, tool.format, tool.data]
    given = [one for one in told if one is not None]
    try:
        return orjson.dumps(given).decode()
    except TypeError:
        # No JSON, or nested deeper than it is written: what there is of texts.
        return "".join(_texts_in(given))


def _texts_in(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple):
            waiting += one
