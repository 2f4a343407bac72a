"""What a parent tells a worker through a pipe, taken apart. No awaiting but of what is obeyed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

STOP, CUT, CHANGE = b"s", b"c", b"n"
"""Orders to a worker: stop within the grace; end at once; work by what follows, eight bytes of its
length and then it."""

LENGTH = 8
"""Bytes of a length."""


@attrs.frozen
class Orders:
    """Where a parent says when to stop.

    Args:
        pipe: the number of the open file; when it ends the parent is dead.
        stopping: called once a stop begins, whoever wanted it.
        change: does what the parent says is different.
    """

    pipe: int
    stopping: Callable[[], None]
    change: Callable[[bytes], Awaitable[None]] | None = None


class Ends(Protocol):
    """What can be told to stop within the grace, and to end at once."""

    def stop(self) -> None:
        """Accept nothing more and end within the grace."""
        ...

    def cut(self) -> None:
        """End at once."""
        ...


def take_order(said: bytearray) -> tuple[bytes, bytes] | None:
    """Take the next order from what was said, and what comes with it, once both are there."""
    head = 1 + LENGTH if said[:1] == CHANGE else 1
    end = head + int.from_bytes(said[1:head], "big")
    if len(said) < head or len(said) < end:
        return None
    order, told = bytes(said[:1]), bytes(said[head:end])
    del said[:end]
    return order, told


async def obey(server: Ends, orders: Orders, order: bytes, told: bytes) -> None:
    """Do what an order says."""
    if order == CHANGE:
        if orders.change is not None:
            await orders.change(told)
        return
    orders.stopping()
    if order == CUT:
        server.cut()
    else:
        server.stop()
