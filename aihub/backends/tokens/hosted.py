"""What a model reads of the calls of a vendor's own tools that a conversation has: their texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aihub.model.units import Json

_READ: Mapping[str, tuple[str, ...]] = {
    "file_search_call": ("queries", "results"),
    "web_search_call": ("action",),
    "code_interpreter_call": ("code", "outputs"),
    "computer_call": ("action", "actions"),
    "local_shell_call": ("action",),
    "local_shell_call_output": ("output",),
    "shell_call": ("action",),
    "shell_call_output": ("output",),
    "apply_patch_call": ("operation",),
    "apply_patch_call_output": ("output",),
    "mcp_list_tools": ("tools",),
    "mcp_call": ("name", "arguments", "output", "error"),
    "mcp_approval_request": ("name", "arguments"),
    "mcp_approval_response": ("reason",),
    "tool_search_call": ("arguments",),
    "tool_search_output": ("tools",),
}
"""Where the text of an item stands, by its type. Pictures have none."""

_NOT_READ = frozenset({"type", "url", "file_id", "status"})


def hosted_text(kind: str, item: Json) -> str:
    """Return what a model reads of an item."""
    if not isinstance(item, Mapping):
        return ""
    return " ".join([one for name in _READ.get(kind, ()) for one in _texts(item.get(name))])


def _texts(value: Json) -> Iterator[str]:
    """Yield the texts in a value, in the order in which they stand."""
    waiting: list[Json] = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += [one[name] for name in reversed([*one]) if name not in _NOT_READ]
        elif isinstance(one, list | tuple):
            waiting += reversed(one)
