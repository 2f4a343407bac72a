"""The mock's compaction: it says that it is one, how long the conversation was, and its end."""

from __future__ import annotations

from ....model.chat import Chat

SHOWN = 200
"""Characters of the last words that are kept: the mock understands what is asked by the last."""


def compacted(chat: Chat) -> str:
    """Return what stands for a conversation."""
    said = [one.text for one in chat.messages if one.role == "user" and one.text]
    last = said[-1][-SHOWN:] if said else ""
    count = len(chat.messages)
    noun = "message" if count == 1 else "messages"
    return (
        f"[A compaction by the mock, which has no model to summarize with: {count} {noun} were "
        f"left out. The last that the user said ended so: {last}]"
    )
