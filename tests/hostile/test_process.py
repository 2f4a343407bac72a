"""The whole corpus against a real `aihub-serve`, while an honest client is served as ever."""

import json
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("h11")

from . import corpus  # after what may be missing
from .answers import Closed, Reader, check

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc"),
]

SECONDS = 60
"""What one answer takes at most on a busy machine: the driver gives up on half a body after 30."""

PROMPT = 2.0
"""Seconds in which an honest client is answered beside all that, on a busy machine."""

EVIL, HONEST = "evil-key", "honest-key"
KEYS = ["--key", f"{EVIL}=enterprise:read+inference+admin", "--key", f"{HONEST}=enterprise"]


class Target:
    """A running server, and what of it is looked at before and after."""

    def __init__(self, server):
        url = urlsplit(server.url)
        self.server = server
        self.address = url.hostname, url.port
        self.proc = Path(f"/proc/{server.process.pid}")

    def connect(self):
        """Open a connection."""
        return socket.create_connection(self.address, SECONDS)

    def state(self):
        """What an attack must leave as it was."""
        paths = ["usage", "sessions", "accounts", "keys", "budgets", "plans"]
        return [self.server.ask(f"/v1/{path}", EVIL) for path in paths]

    def descriptors(self):
        """How many files the process has open."""
        return len(list((self.proc / "fd").iterdir()))

    def settled_descriptors(self, wanted):
        """How many are open once no more than wanted are, or after some seconds."""
        until = time.monotonic() + 10
        while self.descriptors() > wanted and time.monotonic() < until:
            time.sleep(0.05)
        return self.descriptors()

    def megabytes(self):
        """How much memory the process has."""
        (line,) = [
            one
            for one in (self.proc / "status").read_text().splitlines()
            if one.startswith("VmRSS:")
        ]
        return int(line.split()[1]) / 1024

    def send(self, case):
        """Send a case on a connection of its own and hold its answer to it."""
        method = case.data.partition(b" ")[0].decode("latin-1")
        method = method if method in {"HEAD", "CONNECT", "OPTIONS"} else "POST"
        reader = Reader()
        reader.ask(method)
        with self.connect() as connection:
            sending = threading.Thread(target=self._send, args=(connection, case))
            sending.start()
            try:
                told = None
                while told is None:
                    told = reader.feed(connection.recv(65536))
                check(case, *told)
                if not case.carries_on:
                    assert connection.recv(1) == b""
            finally:
                sending.join()

    @staticmethod
    def _send(connection, case):
        try:
            connection.sendall(case.data.replace(b"KEY", EVIL.encode()))
        except OSError:
            return  # Refused already.


class Honest(threading.Thread):
    """A client that asks on one connection, again and again, and notes how long it waited."""

    def __init__(self, target):
        super().__init__()
        self.target = target
        self.done = threading.Event()
        self.waits = []
        self.statuses = set()

    def run(self):
        """Ask until told to stop."""
        data = corpus.request("POST", corpus.CHAT, json.dumps(corpus.HELLO).encode(), key=HONEST)
        reader = Reader()
        with self.target.connect() as connection:
            while not self.done.wait(0.05):
                began = time.monotonic()
                connection.sendall(data)
                reader.ask()
                told = None
                while told is None:
                    told = reader.feed(connection.recv(65536))
                self.waits.append(time.monotonic() - began)
                self.statuses.add(told[0])

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.done.set()
        self.join()


def swamp(target):
    """Send the corpus; what waits for a deadline waits beside the rest."""
    slow = [case for case in corpus.ALL if case.status == 408]
    failures = []

    def send(case):
        try:
            target.send(case)
        except (AssertionError, OSError, Closed) as error:
            failures.append((case.name, error))

    waiting = [threading.Thread(target=send, args=(case,)) for case in slow]
    for one in waiting:
        one.start()
    for case in corpus.ALL:
        if case.status != 408:
            send(case)
    for one in waiting:
        one.join()
    assert failures == []


def test_the_corpus_against_a_real_server(run_server, tmp_path):
    """The error that the contract names each time; nothing written, billed, leaked or logged."""
    with run_server("--store", f"sqlite:{tmp_path / 'hub.db'}", *KEYS) as server:
        target = Target(server)
        before = target.state()
        # The tokenizer and the largest bodies once, so that what they take is there before.
        server.ask(corpus.CHAT, HONEST, corpus.HELLO)
        for body in corpus.TOO_MANY.values():
            target.send(corpus.Case("", corpus.request("POST", corpus.CHAT, body), 400, None))
        files, memory = target.descriptors(), target.megabytes()
        with Honest(target) as honest:
            swamp(target)

        assert honest.statuses == {200}
        assert max(honest.waits) < PROMPT
        assert target.settled_descriptors(files) <= files
        assert target.megabytes() < memory + 32
        assert target.state() == before
        assert server.stop() == 0
    printed = "".join(server.printed)
    assert "ERROR" not in printed
    assert "Traceback" not in printed
    assert not [line for line in server.printed if line.lstrip().startswith("FORGED")]
    assert max(map(len, server.printed)) < 4000


def test_connections_that_send_half_a_head_hold_up_nobody(run_server):
    """Two hundred of them: each is told why it is closed, and an honest client never waits."""
    with run_server("--ephemeral", "--idle-timeout", "2", *KEYS) as server:
        target = Target(server)
        files = target.descriptors()
        with Honest(target) as honest:
            halves = [target.connect() for _ in range(200)]
            for one in halves:
                one.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: loc")
            for one in halves:
                assert one.recv(65536).startswith(b"HTTP/1.1 408 ")
                one.close()
        assert honest.statuses == {200}
        assert max(honest.waits) < PROMPT
        assert target.settled_descriptors(files) <= files
        assert server.stop() == 0


def test_clients_that_leave_at_any_byte_leave_nothing(run_server):
    """Of a request, whole or streamed, or of its answer: no file stays open, all are settled."""
    body = json.dumps(corpus.HELLO).encode()
    with run_server("--ephemeral", *KEYS) as server:
        target = Target(server)
        files = target.descriptors()
        with Honest(target) as honest:
            for path in (corpus.CHAT, corpus.STREAM):
                data = corpus.request("POST", path, body, key=EVIL)
                for cut in range(0, len(data), 5):
                    with target.connect() as connection:
                        connection.sendall(data[:cut])
                for cut in range(0, 1000, 50):
                    with target.connect() as connection:
                        connection.sendall(data)
                        connection.recv(cut)
        assert honest.statuses == {200}
        assert target.settled_descriptors(files) <= files
        used = server.ask("/v1/usage", EVIL)["usage"]["total_requests"]
        assert used <= 2 * 20
        assert server.stop() == 0
    assert "ERROR" not in "".join(server.printed)
