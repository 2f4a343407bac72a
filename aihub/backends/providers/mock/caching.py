"""Prompt caching: which part of a prompt a provider has read before.

As OpenAI documents it: prompts of 1,024 tokens and more, whose beginning is that of one in the last
minutes; the tokens told are a multiple of 128. What is compared is whole messages, tools first; how
many tokens a beginning has is taken from its share of the prompt's characters.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256

from ....model.chat import Chat, Message
from ....model.units import SECOND, Micros

LEAST = 1024
STEP = 128
SPAN = 300 * SECOND
"""Five minutes without use, and a beginning is forgotten; OpenAI says five to ten."""

MAX_BEGINNINGS = 4096
"""Beginnings that are remembered, each some 200 bytes: what was used longest ago makes room."""


class PromptCache:
    """The beginnings of prompts, by account and model."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, Micros] = OrderedDict()

    def read(self, account: str, chat: Chat, tokens: int, now: Micros) -> int:
        """Return how many of a prompt's *tokens* were read before, and remember the prompt."""
        if tokens < LEAST:
            return 0
        found = 0
        sizes = [_size(message) for message in chat.messages]
        total = max(1, sum(sizes))
        read = 0
        for size, digest in zip(sizes, _beginnings(account, chat), strict=True):
            read += size
            last = self._seen.get(digest)
            if last is not None and now - last <= SPAN:
                found = read
            self._remember(digest, now)
        share = tokens * found // total
        # What is read last is always read anew: at least one token.
        cached = min(share, tokens - 1) // STEP * STEP
        return cached if cached >= LEAST else 0

    def _remember(self, digest: bytes, now: Micros) -> None:
        self._seen[digest] = now
        self._seen.move_to_end(digest)
        if len(self._seen) > MAX_BEGINNINGS:
            self._seen.popitem(last=False)


def _beginnings(account: str, chat: Chat) -> Iterator[bytes]:
    """Yield a digest of the prompt up to the end of each message."""
    running = sha256(repr((account, chat.model, chat.tools)).encode(errors="replace"))
    for message in chat.messages:
        running.update(repr(message).encode(errors="replace"))
        yield running.copy().digest()


def _size(message: Message) -> int:
    return message.characters
