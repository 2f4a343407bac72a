"""From a name to a line: its first address that answers, each tried a moment after the last.

`anyio.connect_tcp` does the same and gives a stream of anyio's; `line.py` says why ours is another,
and on asyncio there is no way from the one to the other that loses no byte. Whoever is cancelled
closes what was opened.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from contextlib import suppress
from itertools import chain, zip_longest
from typing import Any, TypeAlias

import anyio

from .line import Line

HEAD_START = 0.25
"""Seconds that an address has before the next is tried beside it: what RFC 8305 recommends."""

Address: TypeAlias = tuple[int, Any]


async def dial(host: str, port: int) -> Line:
    """Return a line to *host*.

    Raises:
        OSError: there is no such name, or none of its addresses answers.
    """
    addresses = await _resolve(host, port)
    if len(addresses) == 1:
        return Line(await _connect(addresses[0]))
    return Line(await _Race(addresses).run())


async def _resolve(host: str, port: int) -> Sequence[Address]:
    """Return all addresses, families in turns, so that one without a route costs one head start."""
    try:
        # What is an address already needs no thread.
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        )
    except socket.gaierror:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)  # type: ignore[assignment]
    first = [(family, address) for family, *_, address in found if family == found[0][0]]
    second = [(family, address) for family, *_, address in found if family != found[0][0]]
    pairs = zip_longest(first, second)
    return [one for one in chain.from_iterable(pairs) if one is not None]


async def _connect(address: Address) -> socket.socket:
    family, where = address
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        # A request is written in one go, and its end must not wait for the peer's next packet.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with suppress(BlockingIOError):
            sock.connect(where)
        await anyio.wait_writable(sock)
        fault = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if fault:
            raise OSError(fault, f"cannot connect to {where[0]}, port {where[1]}")
    except BaseException:
        sock.close()
        raise
    return sock


class _Race:
    """Try addresses one beside another; the first line wins, and the others are closed."""

    def __init__(self, addresses: Sequence[Address]) -> None:
        self._addresses = addresses
        self._winner: socket.socket | None = None
        self._faults: list[OSError] = []

    async def run(self) -> socket.socket:
        try:
            async with anyio.create_task_group() as tasks:
                for address in self._addresses:
                    failed = anyio.Event()
                    tasks.start_soon(self._try, address, failed, tasks.cancel_scope)
                    with anyio.move_on_after(HEAD_START):
                        await failed.wait()
        except BaseException:
            if self._winner is not None:
                self._winner.close()
            raise
        if self._winner is None:
            raise self._faults[-1]
        return self._winner

    async def _try(self, address: Address, failed: anyio.Event, race: anyio.CancelScope) -> None:
        try:
            sock = await _connect(address)
        except OSError as error:
            self._faults.append(error)
            failed.set()
            return
        if self._winner is None:
            self._winner = sock
            race.cancel()
        else:
            sock.close()
