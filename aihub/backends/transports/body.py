"""The body of an answer as its reader sees it: pieces, decoded, over when it is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator

from ...errors import UsageMistake
from .codings import Unpacker


class Body:
    """Iterate over what *read* gives, undone by *unpacker*.

    *read* returns `b""` when the answer is over, and raises where it broke off. Nothing needs to be
    closed here: leaving the exchange does that.
    """

    __slots__ = ("_is_left", "_parts", "_read", "_unpacker")

    def __init__(self, read: Callable[[], Awaitable[bytes]], unpacker: Unpacker | None) -> None:
        self._read = read
        self._unpacker = unpacker
        self._parts: Iterator[bytes] = iter(())
        self._is_left = False

    def __aiter__(self) -> Body:
        return self

    async def __anext__(self) -> bytes:
        if self._is_left:
            raise UsageMistake("an answer's body can be read only inside `async with`")
        if self._unpacker is None:
            piece = await self._read()
            if not piece:
                raise StopAsyncIteration
            return piece
        return await self._unpacked(self._unpacker)

    async def _unpacked(self, unpacker: Unpacker) -> bytes:
        while True:
            for part in self._parts:
                return part
            piece = await self._read()
            if not piece:
                unpacker.finish()
                raise StopAsyncIteration
            self._parts = unpacker.unpack(piece)

    def leave(self) -> None:
        """Refuse to be read from now on: a later read must not look like a clean end."""
        self._is_left = True
