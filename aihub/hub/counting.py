"""What is counted on the event loop, and what is too long for that."""

from __future__ import annotations

from anyio import to_thread

from ..model.catalogue import Model
from ..model.chat import Chat, Tool
from ..model.units import Json
from ..model.usage import Count
from ..protocols import TokenCounter

LONG_TEXT = 16_384
"""Characters of a prompt that are counted on the event loop: some 2 ms; longer ones in a thread."""


def counts_at_once(chat: Chat) -> bool:
    """Say whether counting *chat* would not keep others waiting."""
    size = chat.characters
    if size > LONG_TEXT:
        return False
    return not chat.tools or size + _tools_size(chat.tools, LONG_TEXT) <= LONG_TEXT


def _tools_size(tools: tuple[Tool, ...], enough: int) -> int:
    """Return about how long *tools* are as JSON, or something beyond *enough*."""
    size = 0
    waiting: list[Json] = []
    for tool in tools:
        waiting += (tool.name, tool.description, tool.parameters, tool.format, tool.data)
    while waiting and size <= enough:
        value = waiting.pop()
        size += 1
        if isinstance(value, str):
            size += len(value)
        elif isinstance(value, dict):
            size += sum(map(len, value))
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return size


async def make_ready(tokens: TokenCounter, model: Model) -> None:
    """Load what counting for *model* needs, in a thread."""
    if not tokens.ready(model.encoding):
        await to_thread.run_sync(tokens.load, model.encoding)


async def count_prompt(tokens: TokenCounter, model: Model, chat: Chat) -> Count:
    """Count a prompt, a long one in a thread."""
    # On the way of every chat: not one await more than it takes.
    if not tokens.ready(model.encoding):
        await make_ready(tokens, model)
    if counts_at_once(chat):
        return tokens.count_prompt(model, chat)
    return await to_thread.run_sync(tokens.count_prompt, model, chat)
