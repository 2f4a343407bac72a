"""A connection without encryption: trio's own socket stream, with less on the way.

Theory of operation. A peer that asks waits for its answer, so its next bytes are hardly ever there
at once: to read is to wait first, where trio's stream tries first. An answer hardly ever finds its
socket full: `send_now` sends what the socket takes, as a plain call, where trio's stream goes once
round the event loop for it. All else keeps to what trio asks of a stream.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from operator import index
from typing import Final

import trio

READ: Final = 64 * 1024
"""Bytes asked of a socket at a time."""

_LATER = (BlockingIOError, InterruptedError)


class Line(trio.abc.HalfCloseableStream):
    """Read and write one socket, which is this object's from now on.

    Args:
        stream: a connection that was accepted; it is of no use afterwards.

    Each method may be cancelled where it waits, and then has done nothing; only of `send_all`
    nobody can say how much was sent.
    """

    def __init__(self, stream: trio.SocketStream) -> None:
        self._socket = socket.socket(fileno=stream.socket.detach())
        self._socket.setblocking(False)
        self._sending = False
        self._half_closed = False

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return what has come, at most *max_bytes*; empty when the peer sends no more.

        Raises:
            ValueError, TypeError: *max_bytes* is less than 1, or no whole number.
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side was closed.
            trio.BusyResourceError: another task is reading.
        """
        size = READ if max_bytes is None else index(max_bytes)
        if size < 1:
            raise ValueError("max_bytes must be 1 or more")
        while True:
            await trio.lowlevel.wait_readable(self._open())
            try:
                return self._socket.recv(size)
            except _LATER:
                continue
            except OSError as error:
                raise trio.BrokenResourceError from error

    def send_now(self, data: bytes | memoryview) -> int:
        """Send what the socket takes without waiting; return how many bytes those are.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side was closed.
        """
        try:
            return self._open().send(data)
        except _LATER:
            return 0
        except OSError as error:
            raise trio.BrokenResourceError from error

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send all of *data*; cancelled, some of it may have been sent.

        Raises:
            trio.BrokenResourceError: the connection is lost.
            trio.ClosedResourceError: this side was closed, or its sending half.
            trio.BusyResourceError: another task is sending.
        """
        with self._alone():
            await trio.lowlevel.checkpoint()
            if self._half_closed:
                raise trio.ClosedResourceError
            rest = memoryview(data)
            while True:
                rest = rest[self.send_now(rest) :]
                if not rest:
                    return
                await trio.lowlevel.wait_writable(self._open())

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the socket takes something.

        Raises:
            trio.ClosedResourceError, trio.BusyResourceError: as `send_all`.
        """
        with self._alone():
            await trio.lowlevel.wait_writable(self._open())

    async def send_eof(self) -> None:
        """Say that nothing more is sent; what comes can still be read.

        Raises:
            trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError: as
                `send_all`.
        """
        with self._alone():
            await trio.lowlevel.checkpoint()
            if self._half_closed:
                return
            self._half_closed = True
            try:
                self._open().shutdown(socket.SHUT_WR)
            except OSError as error:
                raise trio.BrokenResourceError from error

    async def aclose(self) -> None:
        """Close it at once, also when cancelled; who waits for it gets `ClosedResourceError`."""
        if self._socket.fileno() >= 0:
            trio.lowlevel.notify_closing(self._socket)
            self._socket.close()
        await trio.lowlevel.checkpoint()

    def _open(self) -> socket.socket:
        if self._socket.fileno() < 0:
            raise trio.ClosedResourceError("this side was closed")
        return self._socket

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._sending:
            raise trio.BusyResourceError("another task is sending")
        self._sending = True
        try:
            yield
        finally:
            self._sending = False
