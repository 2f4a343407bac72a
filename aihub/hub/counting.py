"""What is counted on the event loop, and what is too long for that."""

from __future__ import annotations

from ..model.chat import Chat, Tool
from ..model.units import Json

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
