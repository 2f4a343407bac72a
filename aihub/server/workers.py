"""Several processes on the same sockets: a parent that opens nothing, and workers it keeps alive.

Theory of operation. The parent has bound the sockets and opens nothing else; each worker is a
fresh interpreter that inherits its own. The parent keeps them open, so that what waits to be
accepted when a worker dies is there for its successor. Two pipes join them. On its
standard input a worker is told what to serve, and later to `STOP` or to `CUT`; when that pipe ends
the parent is dead, and the worker stops by itself. On its standard output it reports once, when it
accepts, or why it cannot, and it closes it when it stops: so a worker that is ended alone is
replaced while it still gives its grace. Signals are the parent's business: it passes them on as
orders, so that a terminal or a service manager that signals every process does not count twice.

The first worker is started alone: it makes what a store needs at its first start. Then come the
others. One that dies is replaced, almost at once and ever later if that does not help; a place
whose worker cannot even start so many times in a row ends everything, with the reason.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import attrs
import orjson
import trio

log = logging.getLogger("aihub.server")

STOP, CUT = b"s", b"c"
"""Orders to a worker: stop within the grace; end at once."""

START_TIMEOUT = 60.0
"""Seconds until a worker must accept: a cold start on a busy machine takes a few."""

HANG_TIMEOUT = 15.0
"""Seconds beyond the grace after which a worker that does not end is killed: it has some ten for
what cannot be told and for a store that hangs."""

MAX_FAILED_STARTS = 5
"""Times in a row that a worker may fail to start before all is given up: about three seconds."""

STEADY = 10.0
"""Seconds after which a worker that died is not held to have died at its start."""

FIRST_DELAY = 0.1
LAST_DELAY = 5.0
"""Seconds before a worker is replaced: as long as a signal may take that was sent to all of us, and
twice as long each time that it died soon."""

MAX_REPORT = 64 * 1024
"""Bytes of a worker's report."""


class WorkersFailed(Exception):
    """The workers cannot be started; the message says why. `usage`: an option is wrong."""

    def __init__(self, message: str, *, usage: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.usage = usage


@attrs.frozen
class Report:
    """What a worker says of its start: a secret to be shown once, or why there is no start."""

    secret: str | None = attrs.field(default=None, repr=False)
    failure: str | None = None
    usage: bool = False

    def encode(self) -> bytes:
        """Write it as a line."""
        return orjson.dumps(attrs.asdict(self)) + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> Report:
        """Read what `encode` wrote; what ends early is a failure."""
        if not line.endswith(b"\n"):
            return cls(failure="it ended without a word")
        return cls(**orjson.loads(line))


@attrs.frozen
class Post:
    """One worker's place.

    Args:
        files: numbers of open files that it inherits.
        told: what it is told.
        again: what whoever replaces it is told.
    """

    files: Sequence[int]
    told: bytes
    again: bytes


@attrs.frozen
class Crew:
    """Who is to be kept at work.

    Args:
        module: what a worker runs.
        posts: one for each worker; the first is started before the others.
        grace: seconds that they give to what is under way when they stop.
    """

    module: str
    posts: Sequence[Post]
    grace: float

    def run(self, *, started: Callable[[Report], None], stopping: Callable[[], None]) -> None:
        """Keep workers alive until SIGINT or SIGTERM; a second signal cuts, a third kills.

        Args:
            started: called once with the first worker's report, when all accept.
            stopping: called once when the stop begins: nobody needs the files any more.

        Raises:
            WorkersFailed: they do not start, do not stay, or had to be killed.
        """
        parent = _Parent(self, started, stopping)
        trio.run(parent.run)
        if parent.failure is not None:
            raise parent.failure


class _Parent:
    """The parent while it runs."""

    def __init__(
        self, crew: Crew, started: Callable[[Report], None], stopping: Callable[[], None]
    ) -> None:
        self._crew = crew
        self._started = started
        self._on_stop = stopping
        self._at_work: set[trio.Process] = set()
        self._stopping = trio.Event()
        self._signals = 0
        self._starting = 0
        self._held = True
        self.failure: WorkersFailed | None = None

    async def run(self) -> None:
        """Start all, say so, and stay until the last one has ended."""
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._heed, signals)
                async with trio.open_nursery() as self._workers:
                    nursery.start_soon(self._kill_late)
                    await self._start(self._workers)
                nursery.cancel_scope.cancel()

    async def _start(self, workers: trio.Nursery) -> None:
        first, *others = self._crew.posts
        report: Report = await workers.start(self._keep, first)
        async with trio.open_nursery() as starting:
            for post in others:
                if not self._stopping.is_set():
                    starting.start_soon(workers.start, self._keep, post)
        if not self._stopping.is_set():
            self._started(report)

    async def _keep(
        self, post: Post, task_status: trio.TaskStatus[Report] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Have one worker at work: start it, wait for its end, start another."""
        report = await self._work(post, post.told, task_status.started)
        if report.failure is not None:
            # At the start somebody is there to be told, so nothing is tried again.
            self._fail(report.failure, usage=report.usage)
            task_status.started(report)
        failed = soon = 0
        while await self._wait_to_replace(soon):
            log.warning("a worker ended; another is started")
            began = trio.current_time()
            report = await self._work(post, post.again, _nobody_waits)
            failed = 0 if report.failure is None else failed + 1
            if failed == MAX_FAILED_STARTS:
                self._fail(f"workers do not start any more: {report.failure}")
            soon = 0 if trio.current_time() - began > STEADY else soon + 1

    async def _wait_to_replace(self, soon: int) -> bool:
        """Wait, longer for one that died *soon* so many times in a row; False in a stop."""
        with trio.move_on_after(min(LAST_DELAY, FIRST_DELAY * 2 ** min(soon, 10))):
            await self._stopping.wait()
        return not self._stopping.is_set()

    async def _work(self, post: Post, told: bytes, ready: Callable[[Report], None]) -> Report:
        """Run one worker as long as it accepts; tell *ready* that it does; return its report."""
        # The files must not be closed while they are inherited.
        self._starting += 1
        try:
            process = await trio.lowlevel.open_process(
                [sys.executable, "-P", "-m", self._crew.module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                pass_fds=post.files,
                # A terminal's Ctrl-C goes to the parent alone.
                process_group=0,
            )
        except OSError as error:
            return Report(failure=f"no process can be made: {error.strerror}")
        finally:
            self._starting -= 1
            self._let_go()
        if self._stopping.is_set():
            process.kill()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        report = await self._hear(process, told)
        if report.failure is None:
            ready(report)
            await process.stdout.receive_some(1)
        self._workers.start_soon(self._see_off, process)
        return report

    async def _see_off(self, process: trio.Process) -> None:
        """Wait for the end of a worker that accepts nothing more."""
        await process.wait()
        self._at_work.discard(process)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None  # noqa: S101
            await pipe.aclose()

    async def _hear(self, process: trio.Process, told: bytes) -> Report:
        """Tell a worker what to do and return what it reports; kill one that does not."""
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        line = b""
        with trio.move_on_after(START_TIMEOUT):
            try:
                await process.stdin.send_all(len(told).to_bytes(8, "big") + told)
            except trio.BrokenResourceError:
                return Report(failure="it ended without a word")
            # Orders from here on: until now there was something else in the pipe.
            self._at_work.add(process)
            if self._stopping.is_set():
                _order(process, STOP)
            while not line.endswith(b"\n") and len(line) < MAX_REPORT:
                data = await process.stdout.receive_some(MAX_REPORT)
                if not data:
                    break
                line += data
            return Report.decode(bytes(line))
        process.kill()
        return Report(failure=f"it did not accept within {START_TIMEOUT:.0f} seconds")

    # Ending

    async def _heed(self, signals: AsyncIterator[int]) -> None:
        """Stop at the first signal, cut at the second, kill at the third."""
        async for _ in signals:
            self._signals += 1
            self._stop()
            for process in list(self._at_work):
                if self._signals > 2:  # noqa: PLR2004 - as said above
                    process.kill()
                elif self._signals > 1:
                    _order(process, CUT)

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            self._let_go()
            for process in list(self._at_work):
                _order(process, STOP)

    def _let_go(self) -> None:
        """Tell once that the stop has begun, and that nobody needs the files any more."""
        if self._held and self._stopping.is_set() and not self._starting:
            self._held = False
            self._on_stop()

    def _fail(self, message: str, *, usage: bool = False) -> None:
        """End everything, and remember why."""
        if self.failure is None and not self._stopping.is_set():
            self.failure = WorkersFailed(message, usage=usage)
        self._stop()

    async def _kill_late(self) -> None:
        """Kill whoever does not end long after the stop began."""
        await self._stopping.wait()
        await trio.sleep(self._crew.grace + HANG_TIMEOUT)
        for process in list(self._at_work):
            log.error("worker %d does not end and is killed", process.pid)
            process.kill()
            self.failure = WorkersFailed("a worker had to be killed")


def _order(process: trio.Process, order: bytes) -> None:
    """Write an order, without waiting: a pipe has room for more of them than there are."""
    assert isinstance(process.stdin, trio.lowlevel.FdStream)  # noqa: S101 - it is a pipe
    try:
        os.write(process.stdin.fileno(), order)
    except OSError:
        return  # It has ended already.


def _nobody_waits(report: Report) -> None:
    """Take the report of a worker that replaces another."""
