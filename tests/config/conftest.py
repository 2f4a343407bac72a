"""A provider's server in this process: what it was asked, and streams that wait to be let go."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ..backends.providers.http_answers import COMPACTED, SERVERS

SECONDS = 60
"""What a test waits at most, on a busy machine."""


class Upstream:
    """Speaks OpenAI's dialect; `words` is its answer, and streams wait in their middle for `go`.

    One of another `kind` answers as that vendor does, at once and always the same.
    """

    def __init__(self, words, kind=None):
        self.words = words
        self.server = SERVERS.get(kind)
        self.asked = []
        self.begun = threading.Event()
        self.go = threading.Event()
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                """Say nothing."""

            def do_POST(self):
                size = int(self.headers["content-length"])
                body = json.loads(self.rfile.read(size))
                upstream.asked.append((self.path, dict(self.headers.items()), body))
                if self.path.endswith("/responses/compact"):
                    upstream.send(self, json.dumps(COMPACTED).encode(), "application/json")
                    return
                if upstream.server:
                    streams = body.get("stream") or ":stream" in self.path
                    upstream.recorded(self, streams)
                    return
                (upstream.stream if body.get("stream") else upstream.whole)(self, body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self):
        return f"{self.root}/v1"

    @property
    def root(self):
        return f"http://127.0.0.1:{self._server.server_port}"

    def recorded(self, handler, streams):
        frames = b"".join(self.server.frames)
        self.send(
            handler,
            frames if streams else self.server.whole,
            "text/event-stream" if streams else "application/json",
        )

    def send(self, handler, data, kind):
        handler.send_response(200)
        handler.send_header("content-type", kind)
        handler.send_header("content-length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    def whole(self, handler, body):
        message = {"role": "assistant", "content": self.words, "refusal": None}
        data = json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": body["model"],
                "choices": [
                    {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
                ],
                "usage": {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12},
            }
        ).encode()
        self.send(handler, data, "application/json")

    def stream(self, handler, body):
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("connection", "close")
        handler.end_headers()
        first, second = self.words.split(" ", 1)
        self._chunk(handler, body, {"role": "assistant", "content": f"{first} "})
        self.begun.set()
        assert self.go.wait(SECONDS)
        self._chunk(handler, body, {"content": second})
        self._chunk(handler, body, {}, "stop")
        handler.wfile.write(b"data: [DONE]\n\n")

    def _chunk(self, handler, body, delta, finish=None):
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": body["model"],
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        handler.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        handler.wfile.flush()

    @contextmanager
    def running(self):
        self._thread.start()
        try:
            yield self
        finally:
            self.go.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def open_upstream():
    """Give a function that opens a provider's server with an answer."""
    return lambda words, kind=None: Upstream(words, kind).running()
