"""Several processes on the same sockets: a parent that opens nothing, and workers it keeps alive.

Theory of operation. The parent has bound the sockets and opens nothing else; each worker is a
fresh interpreter that inherits its own. The parent keeps them open, so that what waits to be
accepted when a worker dies is there for its successor. Two pipes join them. On its
standard input a worker is told what to serve, and later to `STOP` or to `CUT`; when that pipe ends
the parent is dead, and the worker stops by itself. On its standard output it reports once, when it
accepts, or why it cannot, and it closes it when it stops: so a worker that is ended alone is
replaced while it still gives its grace. Signals are the parent's business: it passes them on as
orders, so that a terminal or a service manager that signals every process does not count twice.
SIGHUP is one of them: the parent reads the configuration again, and only where it is good do all
hear of it, who is at work by an order, who comes later at the start.

The first worker is started alone: it makes what a store needs at its first start. Then come the
others. One that dies is replaced, almost at once and ever later if that does not help; a place
whose worker cannot even start so many times in a row ends everything, with the reason.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence

import attrs
import orjson
import trio

from .orders import CHANGE, CUT, LENGTH, STOP

log = logging.getLogger("aihub.server")

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
class Change:
    """What is different from now on.

    Args:
        told: what is told to those at work.
        again: what whoever replaces one is told, post by post.
    """

    told: bytes
    again: Sequence[bytes]

    def encode(self) -> bytes:
        """Write it as an order."""
        return CHANGE + len(self.told).to_bytes(LENGTH, "big") + self.told


@attrs.frozen
class Crew:
    """Who is to be kept at work.

    Args:
        module: what a worker runs.
        posts: one for each worker; the first is started before the others.
        grace: seconds that they give to what is under way when they stop.
        change: called at SIGHUP; gives what is different, or None where nothing is to be.
    """

    module: str
    posts: Sequence[Post]
    grace: float
    change: Callable[[], Change | None] | None = None

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


class _Line:
    """What is still to be told to a worker at work: orders, and the latest change alone."""

    def __init__(self) -> None:
        self.scope = trio.CancelScope()
        self._waiting = trio.Event()
        self._orders = b""
        self._change: Change | None = None

    def order(self, order: bytes) -> None:
        """Have it told to stop, or to end."""
        self._orders += order
        self._waiting.set()

    def change(self, change: Change) -> None:
        """Have it told what is different; an earlier change that it was not told is past."""
        self._change = change
        self._waiting.set()

    async def tell(self, pipe: trio.abc.SendStream) -> None:
        """Tell it all as it comes, until it has ended."""
        with self.scope:
            while True:
                await self._waiting.wait()
                self._waiting = trio.Event()
                said = b"" if self._change is None else self._change.encode()
                said, self._orders, self._change = said + self._orders, b"", None
                try:
                    await pipe.send_all(said)
                except (trio.BrokenResourceError, trio.ClosedResourceError):
                    return  # It has ended already.


class _Parent:
    """The parent while it runs."""

    def __init__(
        self, crew: Crew, started: Callable[[Report], None], stopping: Callable[[], None]
    ) -> None:
        self._crew = crew
        self._started = started
        self._on_stop = stopping
        self._at_work: dict[trio.Process, _Line] = {}
        self._again = [post.again for post in crew.posts]
        self._change: Change | None = None
        self._stopping = trio.Event()
        self._signals = 0
        self._starting = 0
        self._held = True
        self.failure: WorkersFailed | None = None

    async def run(self) -> None:
        """Start all, say so, and stay until the last one has ended."""
        again = () if self._crew.change is None else (signal.SIGHUP,)
        with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, *again) as signals:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._heed, signals)
                async with trio.open_nursery() as self._workers:
                    nursery.start_soon(self._kill_late)
                    await self._start(self._workers)
                nursery.cancel_scope.cancel()

    async def _start(self, workers: trio.Nursery) -> None:
        report: Report = await workers.start(self._keep, 0)
        async with trio.open_nursery() as starting:
            for place in range(1, len(self._crew.posts)):
                if not self._stopping.is_set():
                    starting.start_soon(workers.start, self._keep, place)
        if not self._stopping.is_set():
            self._started(report)

    async def _keep(
        self, place: int, task_status: trio.TaskStatus[Report] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Have one worker at work: start it, wait for its end, start another."""
        post = self._crew.posts[place]
        report = await self._work(post, post.told, task_status.started)
        if report.failure is not None:
            # At the start somebody is there to be told, so nothing is tried again.
            self._fail(report.failure, usage=report.usage)
            task_status.started(report)
        failed = soon = 0
        while await self._wait_to_replace(soon):
            log.warning("a worker ended; another is started")
            began = trio.current_time()
            report = await self._work(post, self._again[place], _nobody_waits)
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
        known = self._change
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
        report = await self._hear(process, told, known)
        if report.failure is None:
            ready(report)
            await process.stdout.receive_some(1)
        self._workers.start_soon(self._see_off, process)
        return report

    async def _see_off(self, process: trio.Process) -> None:
        """Wait for the end of a worker that accepts nothing more."""
        await process.wait()
        line = self._at_work.pop(process, None)
        if line is not None:
            line.scope.cancel()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None  # noqa: S101
            await pipe.aclose()

    async def _hear(self, process: trio.Process, told: bytes, known: Change | None) -> Report:
        """Tell a worker what to do and return what it reports; kill one that does not.

        *known* is the latest change of which *told* has heard.
        """
        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        line = b""
        with trio.move_on_after(START_TIMEOUT):
            try:
                await process.stdin.send_all(len(told).to_bytes(LENGTH, "big") + told)
            except trio.BrokenResourceError:
                return Report(failure="it ended without a word")
            # Orders from here on: until now there was something else in the pipe.
            ear = self._at_work[process] = _Line()
            self._workers.start_soon(ear.tell, process.stdin)
            if self._change is not None and self._change is not known:
                ear.change(self._change)
            if self._stopping.is_set():
                ear.order(STOP)
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
        """Stop at the first signal, cut at the second, kill at the third; SIGHUP is none."""
        async for number in signals:
            if number == signal.SIGHUP:
                self._change_all()
                continue
            self._signals += 1
            self._stop()
            for process, line in list(self._at_work.items()):
                if self._signals > 2:  # noqa: PLR2004 - as said above
                    process.kill()
                elif self._signals > 1:
                    line.order(CUT)

    def _change_all(self) -> None:
        """Have all work by what is different now, and whoever comes later."""
        change = None if self._crew.change is None else self._crew.change()
        if change is not None and not self._stopping.is_set():
            self._change, self._again = change, list(change.again)
            for line in self._at_work.values():
                line.change(change)

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._stopping.set()
            self._let_go()
            for ear in self._at_work.values():
                ear.order(STOP)

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


def _nobody_waits(report: Report) -> None:
    """Take the report of a worker that replaces another."""
