"""What all tests share: event loops, hypothesis profiles, and what a test may need.

A test that must hold on both event loops has `pytestmark = pytest.mark.anyio`; a test of the
trio driver has `@pytest.mark.trio`. Never both.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Generator
from importlib.util import find_spec

import pytest
from hypothesis import settings

IN_CI = os.environ.get("CI") == "true"
# The session without extras skips on purpose.
WITH_EXTRAS = os.environ.get("EXTRAS") != "none"

# How pytest.importorskip and `needs` begin their reasons: something that could be installed.
INSTALLABLE = ("could not import", "needs ")

# Examples may run on a busy machine, so none has a deadline.
settings.register_profile("dev", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=20)
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
