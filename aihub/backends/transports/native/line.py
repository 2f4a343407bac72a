"""A connected socket as a byte stream that is closed without waiting.

What must leak nothing when cancelled is easiest to get right where closing is no await. anyio's own
socket streams close by one, and on asyncio they read ahead: bytes of theirs cannot be seen from
outside, and what a kept connection received meanwhile must be seen before it is used again.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

import anyio
from anyio.abc import ByteStream

READ_BYTES = 64 * 1024
"""Bytes of one read: a stream's pieces that are there together are handed on together."""

_LATER = (BlockingIOError, InterruptedError)


class Line(ByteStream):
    """Read and write one socket, which is this object's from now on."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock

    async def receive(self, max_bytes: int = READ_BYTES) -> bytes:
        """Return what has come, at most *max_bytes*.

        Raises:
            anyio.EndOfStream: the peer sends no more.
            anyio.BrokenResourceError: the connection is lost.
        """
        while True:
            # An answer is hardly ever there at once, and if it is, others have their turn first.
            await anyio.wait_readable(self._socket)
            try:
                data = self._socket.recv(max_bytes)
            except _LATER:
                continue
            except OSError as error:
                raise anyio.BrokenResourceError from error
            if not data:
                raise anyio.EndOfStream
            return data

    async def send(self, item: bytes) -> None:
        """Send all of *item*; a checkpoint only where the socket is full.

        Raises:
            anyio.BrokenResourceError: the connection is lost.
        """
        rest = memoryview(item)
        while rest:
            try:
                rest = rest[self._socket.send(rest) :]
            except _LATER:
                await anyio.wait_writable(self._socket)
            except OSError as error:
                raise anyio.BrokenResourceError from error

    def is_silent(self) -> bool:
        """Say whether the connection stands and nothing has come."""
        try:
            self._socket.recv(1, socket.MSG_PEEK)
        except _LATER:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        """Close the socket, at once."""
        self._socket.close()

    async def send_eof(self) -> None:
        """Say that nothing more is sent."""
        self._socket.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close; for those who know only streams."""
        self.close()

    @property
    def extra_attributes(self) -> Mapping[Any, Callable[[], Any]]:
        """None."""
        return {}
