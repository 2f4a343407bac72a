"""A server that is told to stop amid fifty streams: every one ends as it was promised to."""

import asyncio
import http.client
import json
from urllib.parse import urlsplit

import anyio
import pytest

pytest.importorskip("click")
pytest.importorskip("trio")

from aihub.config import Settings, open_hub
from aihub.config.serving import DEV_ACCOUNT, DEV_KEY

pytestmark = pytest.mark.slow

STREAMS = 50
SECONDS = 60
"""What any of it takes at most on a busy machine."""

STORY = {"model": "gpt-4", "messages": [{"role": "user", "content": "Tell me a long story"}]}


def make_request(path, **fields):
    """The bytes of a chat."""
    body = json.dumps({**STORY, **fields})
    head = [f"POST {path} HTTP/1.1", "Host: localhost", f"Authorization: Bearer {DEV_KEY}"]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", body]).encode()


async def fetch(server, begun, request):
    """Ask; count in *begun* when the first bytes have come; give everything until the end."""
    url = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    try:
        writer.write(request)
        parts = [await reader.read(1)]
        begun.append(1)
        while part := await reader.read(65536):
            parts.append(part)
        return b"".join(parts)
    finally:
        writer.close()


async def stop_amid(server, *, signals=1, **fields):
    """Have fifty streams under way, stop the server, and give all that they were sent."""
    begun = []
    request = make_request("/v1/chat/stream", **fields)
    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as tasks:
        streams = [tasks.create_task(fetch(server, begun, request)) for _ in range(STREAMS)]
        while len(begun) < STREAMS:
            await asyncio.sleep(0.01)
        for _ in range(signals):
            server.process.terminate()
            await wait_until_deaf(server)
    return [stream.result() for stream in streams]


async def wait_until_deaf(server):
    """Wait until new connections are refused."""
    url = urlsplit(server.url)
    while True:
        try:
            _, writer = await asyncio.open_connection(url.hostname, url.port)
        except OSError:
            return
        writer.close()
        await asyncio.sleep(0.01)


async def _rows(store):
    async with open_hub(Settings(store=store)) as hub:
        return await hub.requests(DEV_ACCOUNT)


def states(store):
    """How the requests in the ledger ended; each has one row."""
    rows = anyio.run(_rows, store)
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.settled is not None for row in rows)
    return [row.state for row in rows]


def test_with_a_grace_that_suffices_all_end_well(run_server, tmp_path):
    """Each has its [DONE] and the end of its body, long before the grace is over."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--latency", "100ms,50ms", "--grace", str(SECONDS)]
    with run_server(*options) as server:
        told = asyncio.run(stop_amid(server, max_tokens=20))
        assert server.process.wait(SECONDS) == 0
        assert "Traceback" not in "".join(server.printed)

    for one in told:
        assert one.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
        assert b'"error"' not in one
    assert states(store) == ["ok"] * STREAMS


def test_without_a_grace_all_end_with_the_error_event(run_server, tmp_path):
    """No stream is cut and none says that it is whole; each is settled once, as aborted."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--latency", "100ms,300ms", "--grace", "0"]
    with run_server(*options) as server:
        told = asyncio.run(stop_amid(server))
        assert server.process.wait(SECONDS) == 0
        assert "Traceback" not in "".join(server.printed)

    for one in told:
        *_, event, end, _, _ = one.split(b"\r\n")
        assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == "hub_closed"
        assert end == b"0"
        assert b"[DONE]" not in one
    assert states(store) == ["aborted"] * STREAMS


def test_a_second_signal_does_not_wait_for_the_grace(run_server, tmp_path):
    """The streams are cut where they are; all are settled, and the code is 0."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--latency", "100ms,300ms", "--grace", "1000"]
    with run_server(*options) as server:
        told = asyncio.run(stop_amid(server, signals=2))
        assert server.process.wait(SECONDS) == 0

    assert not any(one.endswith(b"0\r\n\r\n") for one in told)
    assert states(store) == ["aborted"] * STREAMS


def test_a_whole_answer_that_outlives_the_grace_is_told_so(run_server):
    """A 503 in JSON, not a connection that breaks; the log has that status too."""
    with run_server("--ephemeral", "--latency", "600s", "--grace", "0") as server:
        url = urlsplit(server.url)
        connection = http.client.HTTPConnection(url.hostname, url.port, timeout=SECONDS)
        connection.request(
            "POST",
            "/v1/chat/completions",
            json.dumps(STORY),
            {"Authorization": f"Bearer {DEV_KEY}"},
        )
        connection.sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.sock.recv(1)
        connection.sock.settimeout(SECONDS)
        server.process.terminate()
        with connection.getresponse() as answer:
            told = answer.status, answer.headers["Retry-After"], json.loads(answer.read())
        connection.close()
        assert server.process.wait(SECONDS) == 0

    assert told[:2] == (503, "1")
    assert told[2]["error"]["code"] == "hub_closed"
    assert "POST /v1/chat/completions 503 " in "".join(server.printed)
