"""Several workers on one file: limits hold over all of them, and whoever dies is replaced."""

import asyncio
import contextlib
import json
import os
import re
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")

from click.testing import CliRunner

from aihub.cli import serve
from aihub.server.workers import Report

PROC = Path("/proc")
SECONDS = 60
"""What any of it takes at most on a busy machine."""

HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Tell me a long story"}]}


def make_request(path, key, body=None):
    """The bytes of one request, after which the connection closes."""
    data = "" if body is None else json.dumps(body)
    head = [f"{'GET' if body is None else 'POST'} {path} HTTP/1.1", "Host: localhost"]
    head += [f"Authorization: Bearer {key}", "Connection: close", f"Content-Length: {len(data)}"]
    return "\r\n".join([*head, "", data]).encode()


async def fetch(server, request, begun=None):
    """Everything that is answered; where the server breaks off, as much as came."""
    url = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    told = b""
    try:
        writer.write(request)
        while part := await reader.read(65536):
            told += part
            if begun is not None:
                begun.set()
    except ConnectionError:
        return told
    finally:
        writer.close()
    return told


def ask(server, key, body=HELLO, path="/v1/chat/completions"):
    """The status of one answer, on a connection of its own."""
    return status_of(asyncio.run(fetch(server, make_request(path, key, body))))


def status_of(told):
    return int(told.split(b" ", 2)[1])


def wait_until(holds, what):
    """Wait, within bounds, until *holds* says so."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def announced(server):
    """All that is printed at the start."""
    wait_until(lambda: any("-d '" in line for line in server.printed), "it announces itself")
    return "".join(server.printed)


def workers_of(server):
    """The living children of a server's parent."""
    pids = [int(path.name) for path in PROC.iterdir() if path.name.isdigit()]
    return [pid for pid in sorted(pids) if parent_of(pid) == server.process.pid]


def parent_of(pid):
    """A process' parent; None where there is no process, or one that waits to be buried."""
    try:
        state, parent = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return None
    return None if state == "Z" else int(parent)


def states(path):
    """How many requests of the ledger are in which state."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return Counter(state for (state,) in db.execute("SELECT state FROM requests"))


needs_proc = pytest.mark.skipif(not PROC.is_dir(), reason="no /proc here")


@pytest.mark.slow
@needs_proc
def test_a_limit_is_one_limit_for_all_workers(run_server, tmp_path):
    """Ten of forty at once are admitted, never more, whoever answers; both workers do."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--workers", "2", "--key", "test=free", "--log-format", "json"]

    async def flood(server):
        request = make_request("/v1/chat/completions", "test", {**HELLO, "max_tokens": 5})
        return await asyncio.gather(*(fetch(server, request) for _ in range(40)))

    with run_server(*options) as server:
        assert len(workers_of(server)) == 2
        told = Counter(status_of(one) for one in asyncio.run(flood(server)))
        assert server.stop() == 0
        assert sum("aihub is listening" in line for line in server.printed) == 1
        lines = [json.loads(line) for line in server.printed if line.startswith("{")]
        assert len({line["pid"] for line in lines}) == 2
    assert told == {200: 10, 429: 30}
    assert states(tmp_path / "hub.db") == {"ok": 10}


@pytest.mark.slow
@needs_proc
def test_a_worker_that_is_killed_is_replaced_and_swept(run_server, tmp_path):
    """Its open requests are lost and told so in the ledger; the others are answered all along."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--workers", "2", "--key", "test=enterprise", "--grace", "0"]
    streams = 24

    async def amid(server, kill):
        request = make_request("/v1/chat/stream", "test", HELLO)
        begun = [asyncio.Event() for _ in range(streams)]
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
            told = [tasks.create_task(fetch(server, request, event)) for event in begun]
            for event in begun:
                await event.wait()
            kill()
        return [one.result() for one in told]

    with run_server(*options, "--latency", "10ms,500ms") as server:
        before = workers_of(server)

        def kill():
            os.kill(before[0], signal.SIGKILL)
            wait_until(lambda: len(set(workers_of(server)) - set(before)) == 1, "it is replaced")
            wait_until(lambda: states(tmp_path / "hub.db")["lost"], "its requests are swept")
            server.process.terminate()

        told = asyncio.run(amid(server, kill))
        assert server.process.wait(SECONDS) == 0
        assert "a worker ended; another is started" in "".join(server.printed)
        assert "Traceback" not in "".join(server.printed)
    ended = Counter(states(tmp_path / "hub.db"))
    assert ended.keys() == {"lost", "aborted"}
    assert sum(ended.values()) == streams
    # Who was not killed was told why its stream ended.
    assert sum(b"hub_closed" in one for one in told) == ended["aborted"]


@pytest.mark.slow
@needs_proc
def test_requests_are_answered_while_workers_die(run_server, tmp_path):
    """Each on a connection of its own: at most those that the dead had taken are lost."""
    options = ["--store", f"sqlite:{tmp_path}/hub.db", "--workers", "2", "--key", "test=enterprise"]
    with run_server(*options) as server:
        for _ in range(3):
            before = workers_of(server)
            os.kill(before[0], signal.SIGKILL)
            assert [ask(server, "test") for _ in range(5)].count(200) >= 4
            wait_until(lambda: len(workers_of(server)) == 2, "it is replaced")
        # One that is told to end by an operator ends well, and is replaced too.
        before = workers_of(server)
        os.kill(before[0], signal.SIGTERM)
        wait_until(lambda: before[0] not in workers_of(server), "it ends")
        wait_until(lambda: len(workers_of(server)) == 2, "it is replaced")
        assert ask(server, "test") == 200
        assert server.stop() == 0


@pytest.mark.slow
@needs_proc
@pytest.mark.parametrize("signals", [1, 2])
def test_a_signal_to_every_process_is_one_signal(run_server, tmp_path, signals):
    """As a service manager sends it: streams end well within the grace; a second one cuts."""
    options = ["--store", f"sqlite:{tmp_path}/hub.db", "--workers", "2", "--key", "test=enterprise"]
    latency = ["--latency", "10ms,100ms" if signals == 1 else "10ms,5s", "--grace", "1000"]

    async def amid(server):
        begun = asyncio.Event()
        request = make_request("/v1/chat/stream", "test", {**HELLO, "max_tokens": 10})
        stream = asyncio.create_task(fetch(server, request, begun))
        await begun.wait()
        for _ in range(signals):
            for pid in [*workers_of(server), server.process.pid]:
                os.kill(pid, signal.SIGTERM)
            await asyncio.sleep(0.1)
        with pytest.raises(OSError):  # noqa: PT011 - refused or reset, as the system says it
            await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
        return await stream

    with run_server(*options, *latency) as server:
        workers = workers_of(server)
        told = asyncio.run(amid(server))
        assert server.process.wait(SECONDS) == 0
        assert not any(map(parent_of, workers))
    assert told.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n") == (signals == 1)
    assert states(tmp_path / "hub.db") == {"ok" if signals == 1 else "aborted": 1}


@pytest.mark.slow
@needs_proc
def test_no_worker_outlives_a_parent_that_is_killed(run_server, tmp_path):
    """Each notices that its pipe has ended, and stops as if it were told to."""
    options = ["--store", f"sqlite:{tmp_path}/hub.db", "--workers", "2", "--key", "test=enterprise"]
    with run_server(*options) as server:
        workers = workers_of(server)
        server.process.kill()
        server.process.wait(SECONDS)
        wait_until(lambda: not any(map(parent_of, workers)), "they end")


@pytest.mark.slow
def test_the_first_key_is_made_and_printed_once(run_server, tmp_path):
    """However many start at once; the next start does not repeat it."""
    options = ["--store", f"sqlite:{tmp_path}/hub.db", "--workers", "4", "--host", "0.0.0.0"]
    with run_server(*options) as server:
        keys = re.findall(r"ah_\w{49}", announced(server))
        assert len(set(keys)) == 1
        assert ask(server, keys[0]) == 200
        assert server.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "hub.db")) as db:
        assert db.execute("SELECT count(*) FROM keys").fetchone() == (1,)
    with run_server(*options) as server:
        assert "printed at the first start" in announced(server)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--key", "test=nought"], 1, "Error: There is no plan 'nought'."),
        (["--store", "postgres:x"], 2, "'postgres:x' is no store"),
    ],
)
def test_what_a_worker_cannot_do_is_said_as_without_workers(tmp_path, options, code, said):
    """One line and the same exit code, and no worker is tried again."""
    done = CliRunner().invoke(
        serve,
        ["--store", f"sqlite:{tmp_path}/hub.db", "--workers", "2", "--port", "0", *options],
    )
    assert (done.exit_code, said in done.output) == (code, True), done.output
    assert "Traceback" not in done.output


@pytest.mark.slow
@needs_proc
def test_workers_that_cannot_start_any_more_end_the_server(run_server, tmp_path):
    """After MAX_FAILED_STARTS of them in a row, with the reason and exit code 1."""
    path = tmp_path / "hub.db"
    options = ["--store", f"sqlite:{path}", "--workers", "2", "--key", "test=enterprise"]
    with run_server(*options) as server:
        (first, _) = workers_of(server)
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA user_version = 9999")
        os.kill(first, signal.SIGKILL)
        assert server.process.wait(SECONDS) == 1
        said = server.printed[-1]
    assert said.startswith("Error: workers do not start any more: ")
    assert "newer" in said


@pytest.mark.parametrize("store", [["--ephemeral"], ["--store", "memory:"]])
def test_a_store_that_is_each_workers_own_is_refused(store):
    """Each would have its own limits: exit code 2."""
    done = CliRunner().invoke(serve, [*store, "--workers", "2", "--port", "0"])
    assert done.exit_code == 2
    assert "--workers needs a store that they share" in done.output


def test_a_report_that_ends_early_is_a_failure():
    """A worker that dies in the middle of it has not started."""
    whole = Report(secret="s3cret").encode()
    assert Report.decode(whole) == Report(secret="s3cret")
    assert "s3cret" not in repr(Report(secret="s3cret"))
    for cut in range(len(whole)):
        assert Report.decode(whole[:cut]).failure is not None
