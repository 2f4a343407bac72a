"""`aihub-serve` on another server than the reference driver: what runs it, and how it ends.

Theory of operation. An engine listens on the sockets that were bound for it and carries bytes to
and from the ASGI application; signals, orders of a parent, the grace and what is told at its end
are the same as with the reference driver. All engines are asyncio's own; with uvloop installed,
they run on that.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol

import anyio

from .app import App
from .asgi import ASGIApp, ASGIOptions
from .listening import Certificate
from .orders import Orders, obey, take_order
from .trio_h11 import ServerOptions
from .words import ENGINES

READ = 64 * 1024
"""Bytes of orders that are read at a time."""


class Engine(Protocol):
    """A server that carries bytes."""

    async def run_until_stopped(self, started: Callable[[], None]) -> None:
        """Serve; *started* is called once when connections are accepted."""
        ...

    def stop(self) -> None:
        """Accept nothing more, and end when what is under way has ended."""
        ...

    def cut(self) -> None:
        """End at once."""
        ...


class Running:
    """An engine, its application, and how both end."""

    def __init__(self, engine: Engine, app: ASGIApp, grace: float) -> None:
        self._engine = engine
        self._app = app
        self._grace = grace
        self._stopping = anyio.Event()

    async def run(self, started: Callable[[], None]) -> None:
        """Serve until `stop`, and for as long as what is under way then may take."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._end)
            await self._engine.run_until_stopped(started)
            tasks.cancel_scope.cancel()

    async def _end(self) -> None:
        await self._stopping.wait()
        await self._app.stop(self._grace)
        # What has been said to the last peers is still to leave: the engine waits for it, but not
        # for those who do not read.
        await anyio.sleep(1)
        self._engine.cut()

    def stop(self) -> None:
        """Accept nothing more and end within the grace."""
        self._engine.stop()
        self._stopping.set()

    def cut(self) -> None:
        """End at once: what is under way is settled, and nobody is told."""
        self._stopping.set()
        self._app.cut()
        self._engine.cut()


def make_engine(
    name: str,
    app: App,
    sockets: Sequence[socket.socket],
    options: ServerOptions,
    certificate: Certificate | None,
) -> Running:
    """Return the engine *name*, ready to run in this event loop; arguments as `run`."""
    module, _, kind = ENGINES[name].partition(":")
    make: Callable[..., Engine] = getattr(import_module(module, __package__), kind)
    asgi = ASGIApp(
        app,
        ASGIOptions(grace=options.grace, max_body=options.max_body, proxies=options.proxies),
    )
    return Running(make(asgi, sockets, options, certificate), asgi, options.grace)


def run(
    name: str,
    open_app: Callable[[], AbstractAsyncContextManager[App]],
    sockets: Sequence[socket.socket],
    *,
    options: ServerOptions,
    certificate: Certificate | None,
    started: Callable[[], None],
    orders: Orders | None = None,
    reread: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Open an app and serve it by the engine *name* until SIGINT or SIGTERM.

    Args:
        name: one of `ENGINES`.
        open_app: opens what answers, inside the event loop; it is closed at the end.
        sockets: those that listen already.
        options: how it is served; `tls` is not looked at.
        certificate: what encrypts connections; None leaves them plain.
        started: called once, when connections are accepted.
        orders: where a parent says when to stop, in place of signals.
        reread: called at SIGHUP; without it that signal ends the process, as it does by default.

    Raises:
        ModuleNotFoundError: the engine is not installed.
    """

    async def main() -> None:
        async with open_app() as app:
            running = make_engine(name, app, sockets, options, certificate)
            await _serve(running, started, orders, reread)

    uvloop = find_spec("uvloop") is not None
    anyio.run(main, backend="asyncio", backend_options={"use_uvloop": uvloop})


async def _serve(
    running: Running,
    started: Callable[[], None],
    orders: Orders | None,
    reread: Callable[[], Awaitable[None]] | None,
) -> None:
    again = () if reread is None else (signal.SIGHUP,)
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, *again) as signals:
        async with anyio.create_task_group() as tasks:
            if orders is None:
                tasks.start_soon(_heed_signals, running, signals, reread)
            else:
                tasks.start_soon(_heed_one_signal, running, signals, orders)
                tasks.start_soon(_heed_orders, running, orders)
            await running.run(started)
            tasks.cancel_scope.cancel()


async def _heed_signals(
    running: Running,
    signals: AsyncIterator[signal.Signals],
    reread: Callable[[], Awaitable[None]] | None,
) -> None:
    stopping = False
    async for number in signals:
        if number == signal.SIGHUP:
            if reread is not None and not stopping:
                await reread()
        elif stopping:
            running.cut()
        else:
            stopping = True
            running.stop()


async def _heed_one_signal(
    running: Running, signals: AsyncIterator[signal.Signals], orders: Orders
) -> None:
    """Let a worker be ended by SIGTERM; how often it comes, and SIGINT, is for its parent."""
    async for number in signals:
        if number == signal.SIGTERM:
            orders.stopping()
            running.stop()


async def _heed_orders(running: Running, orders: Orders) -> None:
    """Do what a parent says; when its pipe ends it is dead, and there is nobody to serve for."""
    said = bytearray()
    while True:
        await anyio.wait_readable(orders.pipe)
        data = os.read(orders.pipe, READ)
        if not data:
            break
        said += data
        while (found := take_order(said)) is not None:
            await obey(running, orders, *found)
    running.stop()
