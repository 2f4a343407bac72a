"""What all tests share: event loops, profiles, what a test may need, and a real server process.

A test that must hold on both event loops has `pytestmark = pytest.mark.anyio`; a test of the
trio driver has `@pytest.mark.trio`. Never both.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from queue import Empty, Queue

import attrs
import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI") == "true"
# The session without extras skips on purpose.
WITH_EXTRAS = os.environ.get("EXTRAS") != "none"

# How pytest.importorskip and `needs` begin their reasons: something that could be installed.
INSTALLABLE = ("could not import", "needs ")

# Examples may run on a busy machine, so none has a deadline.
settings.register_profile("dev", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20, derandomize=IN_CI)
settings.register_profile("ci", deadline=None, max_examples=300, derandomize=True)
settings.load_profile("ci" if IN_CI else "dev")

LOOPS = [name for name in ("trio", "asyncio") if find_spec(name)]


@pytest.fixture(params=LOOPS, ids=LOOPS)
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """The event loop: every anyio test runs on each."""
    return request.param


def _missing(name: str) -> bool:
    if name.startswith("cmd:"):
        return shutil.which(name.removeprefix("cmd:")) is None
    return find_spec(name) is None


@pytest.fixture(autouse=True, scope="session")
def _contract() -> Iterator[None]:
    """Hold every answer of an app in this process, or that requests gets, to `/openapi.json`."""
    if not (find_spec("jsonschema_rs") and find_spec("orjson")):
        yield
        return
    from aihub.server.app import Opened

    from . import contract

    enter = Opened.__aenter__

    async def checked(self: Opened) -> object:
        return contract.check_response(self.request, await enter(self))

    Opened.__aenter__ = checked
    with contract.checked_requests():
        yield
    Opened.__aenter__ = enter


@pytest.fixture(autouse=True)
def _logger() -> Iterator[None]:
    """Leave aihub's logger as it was: a command that a test runs in process sets it up."""
    logger = logging.getLogger("aihub")
    before = (logger.handlers[:], logger.level, logger.propagate)
    yield
    logger.handlers[:], logger.level, logger.propagate = before


@pytest.fixture
def need() -> Callable[[str, str], None]:
    """Give a function that skips unless a module, or `cmd:name` a command, is there."""

    def check(name: str, why: str) -> None:
        if _missing(name):
            pytest.skip(f"needs {name}: {why}")

    return check


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test marked `needs` when one of the names it gives is missing."""
    for mark in item.iter_markers("needs"):
        for name in mark.args:
            if _missing(name):
                pytest.skip(f"needs {name}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that two plugins would run: they would hang each other."""
    for item in items:
        if item.get_closest_marker("anyio") and item.get_closest_marker("trio"):
            raise pytest.UsageError(f"{item.nodeid} is marked both anyio and trio")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI, turn the skip of something that could be installed into a failure."""
    if not (IN_CI and WITH_EXTRAS and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if reason.startswith(INSTALLABLE):
        report.outcome = "failed"
        report.longrepr = f"In CI nothing that can be installed is skipped: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Hold tests to `_refuse_skip`."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Hold whole files (`pytest.importorskip` at their top) to `_refuse_skip`."""
    report = yield
    _refuse_skip(report)
    return report


# A real server process

START_SECONDS = 60
"""A cold start on a busy machine; an idle one needs a hundredth."""


@attrs.define
class Server:
    """A running `aihub-serve`."""

    url: str
    process: subprocess.Popen[str]
    printed: list[str]

    def ask(self, path, key, body=None, method=None):
        """Give the JSON of one answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
            return json.loads(answer.read())

    def stop(self):
        """End it as an operator does and give its exit code."""
        self.process.terminate()
        return self.process.wait(START_SECONDS)


def _command() -> list[str]:
    beside = Path(sys.executable).with_name("aihub-serve")
    return [str(beside if beside.exists() else shutil.which("aihub-serve"))]


@contextmanager
def running(*options: str, env=None) -> Iterator[Server]:
    """Run `aihub-serve` with *options* on any free port until the context ends."""
    process = subprocess.Popen(
        [*_command(), *([] if "--uds" in options else ["--port", "0"]), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=env,
    )
    lines: Queue[str] = Queue()
    printed: list[str] = []

    def read() -> None:
        for line in process.stdout:
            printed.append(line)
            lines.put(line)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield Server(_wait_for_url(lines, printed), process, printed)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stdout.close()


def _wait_for_url(lines: Queue[str], printed: Sequence[str]) -> str:
    try:
        while True:
            found = re.search(r"https?://[\w.:\[\]]+", lines.get(timeout=START_SECONDS))
            if found:
                return found[0]
    except Empty:
        raise AssertionError(f"no URL was printed: {printed}") from None


@pytest.fixture(scope="session")
def run_server():
    """Give `running`, for tests that need a server of their own."""
    return running
