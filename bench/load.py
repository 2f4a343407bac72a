"""A load generator that costs little: one thread, one epoll, hand-made requests, checked answers.

Theory of operation. All connections are opened first. Each then sends its request, reads until the
answer is complete, checks it, and sends the next, until the given number of answers is reached.
Bytes are only collected on the way; what they say is looked at once, when an answer seems complete.
That keeps the cost of an answer far below what any Python server pays for it, so that the server is
what is measured. It runs as a process of its own, on another core.

    python bench/load.py --port 8000 --path /v1/chat/completions --connections 32 --answers 2000
"""

from __future__ import annotations

import argparse
import json
import os
import select
import socket
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, sleep

# Holds a whole stream of 100 chunks, so that a busy generator catches up in one read.
READ_BYTES = 256 * 1024
# Longer than any round here; a server that hangs is reported as such, not waited for.
DEADLINE_SECONDS = 120.0
# Above it an answer is no chat answer of ours.
MAX_ANSWER = 4 * 1024 * 1024
# How often the deadline is looked at when nothing happens.
POLL_SECONDS = 1.0
# A pause between two looks at streams, for each connection, so that one read takes several chunks:
# otherwise reading a chunk costs here what writing it costs the server, and this process becomes
# what is measured. About what the barest server needs to write one chunk to each.
STREAM_PAUSE_SECONDS = 0.000_010
# After connecting, so that all connections are accepted: trio.serve_tcp takes one each time round
# its loop, and while hundreds of streams run that would be waiting for accepts, not for answers.
SETTLE_SECONDS = 0.3
# Ready sockets handled between two looks at the kernel.
MAX_READY = 1024

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
LAST_CHUNK = b"0\r\n\r\n"
DONE = b"data: [DONE]"


@dataclass(slots=True)
class Connection:
    """A socket and the answer that is coming in on it."""

    sock: socket.socket
    got: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0
    first_at: float = 0.0
    # Set once the head is read: where the body begins, and its length (-1: chunked).
    body_at: int = 0
    length: int = -1


@dataclass(slots=True)
class Tally:
    """What came of it."""

    latencies: list[float] = field(default_factory=list)
    firsts: list[float] = field(default_factory=list)
    chunks: int = 0
    errors: Counter[str] = field(default_factory=Counter)


class WrongAnswerError(Exception):
    """An answer is not what was asked for; the text says how."""


def cpu_seconds(pid: int) -> float:
    """Give the processor time, user and system, that process *pid* has used so far."""
    # The name may hold spaces and parentheses; the numbers follow its last parenthesis.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def dechunk(body: bytes) -> bytes | None:
    """Give the content of a chunked body, or None while its end is missing."""
    parts: list[bytes] = []
    at = 0
    while True:
        line_end = body.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(body[at:line_end], 16)
        start = line_end + 2
        if len(body) < start + size + 2:
            return None
        if size == 0:
            return b"".join(parts)
        parts.append(body[start : start + size])
        at = start + size + 2


def read_head(connection: Connection) -> bool:
    """Read status and framing. True once the head is complete."""
    end = connection.got.find(b"\r\n\r\n")
    if end < 0:
        return False
    status, *lines = bytes(connection.got[:end]).split(b"\r\n")
    if status.split(b" ")[1] != b"200":
        raise WrongAnswerError(f"status {status.split(b' ')[1].decode()}")
    headers = {name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)}
    connection.body_at = end + 4
    connection.length = int(headers.get(b"content-length", b"-1"))
    if connection.length < 0 and headers.get(b"transfer-encoding", b"").lower() != b"chunked":
        raise WrongAnswerError("neither content-length nor chunked")
    return True


def take_body(connection: Connection) -> bytes | None:
    """Give the body once it is complete."""
    got = connection.got
    if not connection.body_at and not read_head(connection):
        return None
    if connection.length >= 0:
        if len(got) < connection.body_at + connection.length:
            return None
        return bytes(got[connection.body_at :])
    return dechunk(bytes(got[connection.body_at :])) if got.endswith(LAST_CHUNK) else None


def check_whole(body: bytes) -> int:
    """Check a whole answer; it has no chunks."""
    if not (body.startswith(b"{") and body.rstrip().endswith(b"}") and b'"choices"' in body):
        raise WrongAnswerError("not a completion")
    return 0


def check_stream(body: bytes, least: int) -> int:
    """Check a stream and count its chunks, [DONE] apart."""
    if not body.rstrip().endswith(DONE):
        raise WrongAnswerError("no [DONE] at the end")
    chunks = body.count(b"data: ") - 1
    if chunks < least or b'"error"' in body:
        raise WrongAnswerError(f"{chunks} chunks of {least}, or an error among them")
    return chunks


class Load:
    """Runs the connections against one server."""

    def __init__(self, request: bytes, *, answers: int, least_chunks: int) -> None:
        self._request = request
        self._to_send = answers
        self._least_chunks = least_chunks
        self._epoll = select.epoll()
        self._open: dict[int, Connection] = {}
        self.tally = Tally()

    def connect(self, port: int, count: int) -> None:
        """Open *count* connections; nothing is sent yet."""
        for _ in range(count):
            sock = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_SECONDS)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            self._open[sock.fileno()] = Connection(sock)
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def run(self) -> float:
        """Send and read until all answers are here. Returns the seconds it took."""
        pause = STREAM_PAUSE_SECONDS * len(self._open) if self._least_chunks else 0.0
        began = perf_counter()
        for connection in list(self._open.values()):
            self._send_next(connection)
        while self._open and perf_counter() - began < DEADLINE_SECONDS:
            for number, _ in self._epoll.poll(POLL_SECONDS, MAX_READY):
                self._read(self._open[number])
            if pause:
                sleep(pause)
        took = perf_counter() - began
        for connection in list(self._open.values()):
            self._fail(connection, "unfinished")
        self._epoll.close()
        return took

    def _send_next(self, connection: Connection) -> None:
        if self._to_send == 0:
            self._close(connection)
            return
        self._to_send -= 1
        connection.got.clear()
        connection.body_at, connection.length, connection.first_at = 0, -1, 0.0
        connection.sent_at = perf_counter()
        # A request is far smaller than the send buffer of an idle connection.
        if connection.sock.send(self._request) != len(self._request):
            self._fail(connection, "request not taken")

    def _read(self, connection: Connection) -> None:
        try:
            data = connection.sock.recv(READ_BYTES)
        except OSError as error:
            self._fail(connection, type(error).__name__)
            return
        connection.got += data
        if not data or len(connection.got) > MAX_ANSWER:
            self._fail(connection, "too long" if data else "closed early")
            return
        if not connection.first_at and (not self._least_chunks or b"data: " in connection.got):
            connection.first_at = perf_counter()
        try:
            self._take_answer(connection)
        except WrongAnswerError as error:
            self._fail(connection, str(error))

    def _take_answer(self, connection: Connection) -> None:
        body = take_body(connection)
        if body is None:
            return
        now = perf_counter()
        least = self._least_chunks
        self.tally.chunks += check_stream(body, least) if least else check_whole(body)
        self.tally.latencies.append(now - connection.sent_at)
        self.tally.firsts.append(connection.first_at - connection.sent_at)
        self._send_next(connection)

    def _fail(self, connection: Connection, why: str) -> None:
        """Count a fault. Its connection is given up: what follows on it would be guesswork."""
        self.tally.errors[why] += 1
        self._close(connection)

    def _close(self, connection: Connection) -> None:
        del self._open[connection.sock.fileno()]
        connection.sock.close()


def percentiles(seconds: list[float]) -> dict[str, float]:
    """Give p50, p95 and p99 in milliseconds."""
    ordered = sorted(seconds) or [0.0]
    last = len(ordered) - 1
    return {f"p{p}": round(ordered[last * p // 100] * 1000, 3) for p in (50, 95, 99)}


def make_request(path: str, body: bytes, key: str) -> bytes:
    """Write a request's bytes, once for all connections."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def measure(options: argparse.Namespace) -> dict[str, object]:
    """Run one round and say what it was like."""
    request = make_request(options.path, options.body.encode(), options.key)
    load = Load(request, answers=options.answers, least_chunks=options.chunks)
    load.connect(options.port, min(options.connections, options.answers))
    sleep(SETTLE_SECONDS)
    cpu_before = cpu_seconds(options.pid) if options.pid else 0.0
    own_before = cpu_seconds(os.getpid())
    took = load.run()
    answers = len(load.tally.latencies)
    spent = cpu_seconds(options.pid) - cpu_before if options.pid else None
    return {
        "answers": answers,
        "seconds": round(took, 4),
        "answers_per_second": round(answers / took, 1),
        "chunks": load.tally.chunks,
        "chunks_per_second": round(load.tally.chunks / took, 1),
        "latency_ms": percentiles(load.tally.latencies),
        "first_ms": percentiles(load.tally.firsts),
        "server_cpu_us": round(spent * 1e6 / answers, 1) if spent is not None and answers else None,
        "own_cpu_us": round((cpu_seconds(os.getpid()) - own_before) * 1e6 / max(answers, 1), 1),
        "errors": dict(load.tally.errors),
    }


def read_options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description="Ask a local server many times; print JSON.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--body", default="{}", help="the request's JSON")
    parser.add_argument("--key", default="bench", help="the bearer token")
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--answers", type=int, default=1000, help="how many in all")
    parser.add_argument("--chunks", type=int, default=0, help="streams of at least so many chunks")
    parser.add_argument("--pid", type=int, help="the server's, to measure its processor time")
    return parser.parse_args(arguments)


def main() -> int:
    """Print the result as JSON. Exits with 1 if any answer was wrong."""
    result = measure(read_options())
    json.dump(result, sys.stdout)
    print()
    return 1 if result["errors"] else 0


if __name__ == "__main__":
    sys.exit(main())
