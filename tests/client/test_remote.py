"""Asking a server: what is sent to it, and what its answers may be."""

import json
import socket
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from aihub.client import remote, talk
from aihub.client.desk import Ask, AskFailed
from aihub.client.remote import ServerDesk

MODELS = Ask("GET", ("models",))


@contextmanager
def server(status=200, body=b'{"object":"list","data":[]}', headers=(), pieces=1):
    """Serve one answer to everything, and give its URL and what was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self):
            size = int(self.headers.get("content-length") or 0)
            asked.append((self.command, self.path, self.headers, self.rfile.read(size)))
            self.send_response(status)
            self.send_header("content-length", str(len(body) * pieces))
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            try:
                for _ in range(pieces):
                    self.wfile.write(body)
            except OSError:
                self.close_connection = True

        do_GET = do_PUT = answer  # noqa: N815 - http.server asks for them by name

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", asked
        finally:
            listening.shutdown()
            thread.join()


def test_a_request_is_written_as_it_is_meant(monkeypatch):
    """Segments are escaped, the key goes in its header, and to no proxy on the way."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with server() as (url, asked):
        for given in (url, f"{url}/", f"{url}/v1", f"{url}/v1/"):
            desk = ServerDesk(given, "some key")
            desk.ask(Ask("PUT", ("models", "a/b?c#d é"), {"after": "x&y=z"}, {"name": "é"}))

    assert {(one[0], one[1]) for one in asked} == {
        ("PUT", "/v1/models/a%2Fb%3Fc%23d%20%C3%A9?after=x%26y%3Dz")
    }
    assert {one[2]["authorization"] for one in asked} == {"Bearer some key"}
    assert [json.loads(one[3]) for one in asked] == [{"name": "é"}] * 4


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_a_segment_that_is_none_is_refused(segment):
    """On the way it would become another path, and the request another request."""
    with pytest.raises(ValueError, match="no segment of a path"):
        Ask("DELETE", ("keys", segment))


def test_an_error_of_a_server_comes_with_its_code_and_id():
    """As its body says, whatever else is in it."""
    body = b'{"error":{"message":"No.","code":"nope","type":"x","param":null}}'
    with (
        server(403, body, [("x-request-id", "req_1")]) as (url, _),
        pytest.raises(AskFailed) as failed,
    ):
        ServerDesk(url, "k").ask(MODELS)

    error = failed.value
    assert (error.message, error.code, error.request_id) == ("No.", "nope", "req_1")


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (404, b"<html>nothing</html>"),
        (502, b""),
        (500, b'{"error":"text"}'),
        (500, b'{"error":{"message":7}}'),
        (500, b"[]"),
        (302, b""),
        (200, b"<html>welcome</html>"),
        (200, b"\xff\xfe"),
    ],
)
def test_what_is_not_aihub_is_said_so(status, body):
    """Its status is told, a redirect is not followed, and there is no traceback."""
    headers = [("location", "http://192.0.2.1/")] if status == 302 else []
    with server(status, body, headers) as (url, asked):
        with pytest.raises(AskFailed, match=f"answered {status}, and not as aihub does"):
            ServerDesk(url, "k").ask(MODELS)
        assert len(asked) == 1


@pytest.mark.slow
def test_an_answer_has_bounds(monkeypatch):
    """In bytes, and in seconds."""
    monkeypatch.setattr(talk, "MAX_ANSWER", 100_000)
    with (
        server(body=b" " * 10_000, pieces=50) as (url, _),
        pytest.raises(AskFailed, match="more than 100000 bytes"),
    ):
        ServerDesk(url, "k").ask(MODELS)
    monkeypatch.setattr(remote, "ANSWER_TIMEOUT", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(AskFailed, match=r"more than 0\.2 s"):
            ServerDesk(url, "k").ask(MODELS)


def test_a_server_that_hangs_or_hangs_up_is_told(monkeypatch):
    """Each in a line that names the URL and not the key."""
    monkeypatch.setattr(remote, "READ_TIMEOUT", 0.05)
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(AskFailed, match=r"^http://127.0.0.1:\d+ did not answer: ") as failed:
            ServerDesk(url, "hidden").ask(MODELS)
    assert "hidden" not in failed.value.message
    with pytest.raises(AskFailed, match="cannot reach"):
        ServerDesk(url, "hidden").ask(MODELS)


def test_a_key_is_not_shown():
    """Neither by `repr`, nor where it is refused."""
    assert "hidden" not in repr(ServerDesk("http://x", "hidden"))
    for key in ("hidd\x00en", "hiddén", " "):
        with pytest.raises(ValueError, match="printable ASCII") as refused:
            ServerDesk("http://x", key)
        assert "hidd" not in str(refused.value)
