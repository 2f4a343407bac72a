"""Nothing secret is ever in a log: not at any level, in any format, whatever goes wrong."""

import base64
import contextlib
import json
import logging
import socket
from urllib.parse import urlsplit

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")

from aihub.server.app import App
from aihub.server.http import Request
from aihub.server.logs import JsonFormatter, TextFormatter
from aihub.testing import ScriptedProvider, open_test_hub

SECONDS = 60
"""What one answer takes at most on a busy machine."""

KEY, WRONG, QUERY, WORDS = "s3cretKey81", "wr0ngKey82", "qu3ry83", "privat3Words84"
SECRETS = [KEY, WRONG, QUERY, WORDS, base64.b64encode(KEY.encode()).decode()]


def make_request(target="/v1/chat/completions", *, key=f"Bearer {KEY}", body=None, extra=""):
    """The bytes of a request, after which the connection closes."""
    data = body if isinstance(body, str) else json.dumps(body or chat())
    head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {key}\r\n{extra}"
    return f"{head}Connection: close\r\nContent-Length: {len(data)}\r\n\r\n{data}".encode()


def chat(**fields):
    return {"model": "gpt-4", "messages": [{"role": "user", "content": WORDS}], **fields}


REQUESTS = {
    "an answer": make_request(),
    "a stream": make_request("/v1/chat/stream"),
    "a key that is wrong": make_request(key=f"Bearer {WRONG}"),
    "another scheme": make_request(key=f"Basic {SECRETS[-1]}"),
    "a query": make_request(f"/v1/chat/completions?key={QUERY}"),
    "a query on no path": make_request(f"/v2?{QUERY}"),
    "no JSON": make_request(body=f'{{"{WORDS}'),
    "a wrong field": make_request(body=chat(temperature=WORDS)),
    "a field that the mock refuses": make_request(body=chat(tools=[{"name": WORDS}])),
    "a session": make_request(body=chat(session_id=WORDS)),
    "no HTTP": make_request(extra=f"X {KEY}\r\n"),
    "a head without end": make_request(extra=f"X: {KEY * 10_000}\r\n"),
    "a body without end": make_request(body=WORDS * 400_000),
    "half a request": make_request()[:-5],
}


def send(url, request):
    """Send bytes and give whatever comes."""
    with socket.create_connection((url.hostname, url.port), SECONDS) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        told = b""
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                told += part
    return told


@pytest.mark.slow
@pytest.mark.parametrize("level", ["debug", "info"])
@pytest.mark.parametrize("style", ["text", "json"])
def test_whatever_is_asked_no_line_has_a_secret_in_it(run_server, style, level):
    """Keys, queries and words of a conversation, right or wrong, whole or half."""
    keys = ["--key", "first=enterprise", "--key", f"{KEY}=enterprise"]
    options = ["--ephemeral", "--log-level", level, "--log-format", style, *keys]
    with run_server(*options) as server:
        url = urlsplit(server.url)
        for request in REQUESTS.values():
            send(url, request)
        assert server.stop() == 0
    printed = "".join(server.printed)

    assert printed.count("/v1/chat/completions") >= 6
    assert [secret for secret in SECRETS if secret in printed] == []


@pytest.mark.anyio
async def test_a_bug_is_logged_without_what_was_asked(caplog):
    """The traceback has our lines and the fault's own text, not the request."""
    caplog.set_level(logging.DEBUG)
    async with open_test_hub(ScriptedProvider([ZeroDivisionError("boom")])) as hub:
        account = await hub.accounts.create("a", plan="pro")
        secret = (await hub.accounts.create_key(account.id)).secret
        headers = {b"authorization": f"Bearer {secret}".encode(), b"x-other-key": KEY.encode()}
        body = json.dumps(chat()).encode()
        request = Request("POST", "/v1/chat/completions", f"key={QUERY}", headers, body)
        async with App(hub).open(request) as response:
            assert response.status == 500

    for formatter in (TextFormatter(), JsonFormatter()):
        lines = "\n".join(formatter.format(record) for record in caplog.records)
        assert "boom" in lines
        assert [one for one in [*SECRETS, secret] if one in lines] == []
