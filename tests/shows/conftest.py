"""A real server process for tests that show what users are promised."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

import attrs
import pytest

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
        [*_command(), "--port", "0", *options],
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
            found = re.search(r"http://[\w.:\[\]]+", lines.get(timeout=START_SECONDS))
            if found:
                return found[0]
    except Empty:
        raise AssertionError(f"no URL was printed: {printed}") from None


@pytest.fixture(scope="session")
def run_server():
    """Give `running`, for tests that need a server of their own."""
    return running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server with the keys `test` (unlimited), `free` and `reader`."""
    keys = ["--key", "test=enterprise", "--key", "free=free", "--key", "reader=pro:read"]
    with running("--ephemeral", "--log-level", "warning", *keys) as server:
        yield server
