"""One of several workers of `aihub-serve`; its parent runs this module and speaks through pipes.

What it reads there was written by its parent, the only one who holds the other end.
"""

from __future__ import annotations

import gc
import os
import pickle
import signal
import socket
import sys
from collections.abc import Sequence

import attrs

from ..errors import HubError, UsageMistake
from ..server.logs import configure
from ..server.orders import Orders
from ..server.workers import Report
from .serving import Serving, serve_here


@attrs.frozen
class Task:
    """What a worker does: serve so on these sockets; *first*: and make what a store needs."""

    serving: Serving
    files: Sequence[int]
    first: bool

    def encode(self) -> bytes:
        """Write it for a process that runs the same code."""
        return pickle.dumps(self)


def main() -> None:
    """Do what standard input says, until it says stop or ends."""
    # Nothing that starting makes is garbage.
    gc.disable()
    # Whoever tells every process to read its configuration again means the parent.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    # Standard output is for the report alone: what anybody prints goes where the log does.
    out = os.dup(1)
    os.dup2(2, 1)
    told = sys.stdin.fileno()
    size = int.from_bytes(_read(told, 8), "big")
    task: Task = pickle.loads(_read(told, size))  # noqa: S301 - our parent wrote it
    configure(task.serving.log_level, task.serving.log_format)
    sockets = [socket.socket(fileno=number) for number in task.files]

    def started(secret: str | None) -> None:
        gc.freeze()
        gc.enable()
        _report(out, Report(secret=secret))

    def stopping() -> None:
        # Whoever stops takes nothing more: the parent, who reads this end, starts another.
        nonlocal out
        if out >= 0:
            os.close(out)
            out = -1

    orders = Orders(told, stopping)
    try:
        serve_here(task.serving, sockets, furnishes=task.first, started=started, orders=orders)
    except HubError as error:
        _report(out, Report(failure=error.message, usage=isinstance(error, UsageMistake)))
        sys.exit(1)


def _read(file: int, size: int) -> bytes:
    parts = b""
    while len(parts) < size:
        data = os.read(file, size - len(parts))
        if not data:
            sys.exit(1)  # The parent is dead.
        parts += data
    return parts


def _report(file: int, report: Report) -> None:
    try:
        os.write(file, report.encode())
    except BrokenPipeError:
        return  # The parent is dead, which the orders' pipe will say.


if __name__ == "__main__":
    main()
