"""Chromium without a window, by its own protocol (CDP) over a pipe: no driver is needed."""

import json
import os
import select
import subprocess
import sys
import time
from contextlib import contextmanager

import attrs

SECONDS = 30
"""What one step takes in a browser that starts on a busy machine."""

# It runs as root where tests do, and has little memory that is shared in a container.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
# It asks nobody on its own account.
QUIET = ("--disable-background-networking", "--disable-component-update", "--no-first-run")

# The browser reads at 3 and writes at 4, whatever the pipe's ends are here.
LAUNCHER = """
import fcntl, os, sys
reads, writes, *command = sys.argv[1:]
held = fcntl.fcntl(int(writes), fcntl.F_DUPFD, 10)
os.dup2(int(reads), 3)
os.dup2(held, 4)
os.execvp(command[0], command)
"""


@attrs.define
class Page:
    """An open page."""

    _read: int
    _write: int
    _session: str | None = None
    _last: int = 0
    _pending: bytes = b""

    def tell(self, method, **parameters):
        """Send a command, and give its result."""
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._write, json.dumps(command).encode() + b"\0")
        answer = self.wait_for(lambda one: one.get("id") == self._last)
        assert "error" not in answer, answer
        return answer["result"]

    def wait_for(self, is_it):
        """Read until a message is the one."""
        until = time.monotonic() + SECONDS
        while True:
            while b"\0" not in self._pending:
                left = max(until - time.monotonic(), 0)
                ready, _, _ = select.select([self._read], [], [], left)
                assert ready, "the browser does not answer"
                piece = os.read(self._read, 65_536)
                assert piece, "the browser has ended"
                self._pending += piece
            whole, _, self._pending = self._pending.partition(b"\0")
            message = json.loads(whole)
            if is_it(message):
                return message

    def attach(self):
        """Go on in a page of its own."""
        target = self.tell("Target.createTarget", url="about:blank")["targetId"]
        attached = self.tell("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        self.tell("Page.enable")

    def visit(self, url):
        """Open a page, and wait until it is loaded."""
        self.tell("Page.navigate", url=url)
        self.wait_for(lambda one: one.get("method") == "Page.loadEventFired")

    def run(self, code):
        """Give what the body of an asynchronous function returns in the page."""
        told = self.tell(
            "Runtime.evaluate",
            expression=f"(async () => {{ {code} }})()",
            awaitPromise=True,
            returnByValue=True,
        )
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")


@contextmanager
def open_page(profile):
    """Start a browser with a profile in that folder, and give a page of it."""
    theirs_in, ours_out = os.pipe()
    ours_in, theirs_out = os.pipe()
    browser = (
        "chromium",
        *OPTIONS,
        *QUIET,
        "--remote-debugging-pipe",
        f"--user-data-dir={profile}",
    )
    process = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(theirs_in), str(theirs_out), *browser],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        page = Page(ours_in, ours_out)
        page.attach()
        yield page
    finally:
        process.kill()
        process.wait()
        os.close(ours_in)
        os.close(ours_out)
