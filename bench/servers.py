"""Starts the servers that are compared, looks at what they use, and ends them."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, perf_counter, sleep

HERE = Path(__file__).parent
URL = re.compile(rb"http://127\.0\.0\.1:(\d+)")

# A cold start takes well under a second or two; later than this it has failed.
START_SECONDS = 30.0
# Fine enough beside a start-up of some hundred milliseconds.
POLL_SECONDS = 0.002
# A server that does not end when asked is killed after this.
END_SECONDS = 10.0
ANSWER_SECONDS = 30.0

KEY = "bench"
SYSTEM = {"role": "system", "content": "You are a helpful assistant."}
WHOLE = {
    "model": "gpt-4",
    "messages": [SYSTEM, {"role": "user", "content": "What is a monad?"}],
}
# How a server is asked for a stream of 100 chunks of text: the mock writes more than that where a
# story is asked for. The ceiling looks at the path alone.
STREAM = {
    "model": "gpt-4",
    "messages": [SYSTEM, {"role": "user", "content": "Tell me a long story about trains."}],
    "max_tokens": 100,
    "stream": True,
}


class StartError(Exception):
    """A server did not come up; the text holds what it printed."""


class Target:
    """A kind of server: how to start it, and where it answers what."""

    def __init__(self, name: str, command: list[str], *, stream_path: str) -> None:
        self.name = name
        self.command = command
        self.whole_path = "/v1/chat/completions"
        self.stream_path = stream_path


CEILING = Target(
    "ceiling",
    [sys.executable, str(HERE / "ceiling.py"), "--port", "0"],
    stream_path="/v1/chat/stream",
)
SERVE = [
    str(Path(sys.executable).with_name("aihub-serve")),
    *("--ephemeral", "--port", "0", "--log-level", "warning"),
]
# As it is for who types the command and no more.
PLAIN = Target("aihub", [*SERVE, "--key", f"{KEY}=enterprise"], stream_path="/v1/chat/completions")
LIMITS = HERE / "limits.toml"
# With limits that are there and are never reached: what they cost is a part of an answer.
AIHUB = Target(
    "aihub",
    [*SERVE, "--config", str(LIMITS), "--key", f"{KEY}=bench"],
    stream_path="/v1/chat/completions",
)
TARGETS = {target.name: target for target in (AIHUB, CEILING)}


def on_engine(name: str) -> Target:
    """Return aihub on another server than its own."""
    return Target(
        f"aihub, {name}", [*AIHUB.command, "--engine", name], stream_path=AIHUB.stream_path
    )


class Server:
    """A running server."""

    def __init__(self, target: Target, process: subprocess.Popen[bytes], port: int) -> None:
        self.target = target
        self.process = process
        self.port = port

    @property
    def pid(self) -> int:
        """The process that answers."""
        return self.process.pid

    def memory_mib(self, which: str = "VmRSS") -> float:
        """Give the memory that is resident now, or at its peak ("VmHWM"), in MiB."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"^{which}:\s+(\d+) kB", status, re.MULTILINE)
        return int(found[1]) / 1024 if found else 0.0

    def ask_once(self) -> None:
        """Ask for one whole answer.

        Raises:
            StartError: it is not a 200.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        connection.request("POST", self.target.whole_path, json.dumps(WHOLE), headers)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        if answer.status != http.client.OK:
            raise StartError(f"{self.target.name}: {answer.status} {body[:500]!r}")

    def load(self, options: Mapping[str, int]) -> dict[str, object]:
        """Run one round of load from another process; *options* are those of load.py."""
        streaming = bool(options.get("chunks"))
        command = [
            *(sys.executable, str(HERE / "load.py"), "--port", str(self.port), "--key", KEY),
            *("--pid", str(self.pid), "--body", json.dumps(STREAM if streaming else WHOLE)),
            *("--path", self.target.stream_path if streaming else self.target.whole_path),
        ]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        done = subprocess.run(command, capture_output=True, check=False)
        result: dict[str, object] = json.loads(done.stdout)
        return result


def _wait_for_port(process: subprocess.Popen[bytes], output: Path) -> int:
    deadline = monotonic() + START_SECONDS
    while monotonic() < deadline:
        printed = output.read_bytes()
        if found := URL.search(printed):
            return int(found[1])
        if process.poll() is not None:
            break
        sleep(POLL_SECONDS)
    raise StartError(output.read_text(errors="replace")[-2000:] or "no URL printed in time")


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def open_server(target: Target) -> Iterator[Server]:
    """Start *target* and give it once it has printed its URL.

    Raises:
        StartError: it did not come up.
    """
    # Into a file: a pipe that nobody reads would stop the server when it is full.
    with tempfile.TemporaryDirectory(prefix="aihub-bench-") as folder:
        output = Path(folder) / "output"
        with output.open("wb") as file:
            try:
                process = subprocess.Popen(
                    target.command, stdout=file, stderr=subprocess.STDOUT, cwd=folder
                )
            except OSError as error:
                raise StartError(f"{target.command[0]}: {error.strerror}") from error
        try:
            yield Server(target, process, _wait_for_port(process, output))
        finally:
            _end(process)


def seconds_to_first_answer(target: Target) -> float:
    """Start *target*, ask once, end it; give the seconds from the start to the answer."""
    began = perf_counter()
    with open_server(target) as server:
        server.ask_once()
        return perf_counter() - began
