"""Reads what a server sent, by h11's client, and holds it to what a case expects."""

from __future__ import annotations

import json

import h11


class Closed(Exception):
    """The server closed before it had answered whole."""


class Reader:
    """Reads answers one after another from bytes as they come."""

    def __init__(self) -> None:
        self._h11 = h11.Connection(h11.CLIENT)
        self._asked = False
        self._head = None
        self._body = b""

    def ask(self, method: str = "POST") -> None:
        """Say that an answer to *method* is next."""
        self._h11.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
        self._h11.send(h11.EndOfMessage())
        self._head, self._body = None, b""

    def feed(self, data: bytes) -> tuple[int, dict[str, str], bytes] | None:
        """Take bytes (none at the end); give (status, headers, body) once they are whole.

        Raises:
            Closed: they never will be.
            h11.RemoteProtocolError: they are no HTTP.
        """
        self._h11.receive_data(data)
        return self.next()

    def next(self):
        """Give what is whole already."""
        while True:
            event = self._h11.next_event()
            if event is h11.NEED_DATA or event is h11.PAUSED:
                return None
            if type(event) is h11.ConnectionClosed:
                raise Closed
            if type(event) is h11.Response:
                self._head = event
            elif type(event) is h11.Data:
                self._body += bytes(event.data)
            elif type(event) is h11.EndOfMessage:
                return self._whole()

    def _whole(self):
        if self._h11.their_state is h11.DONE and self._h11.our_state is h11.DONE:
            self._h11.start_next_cycle()
        headers = {name.decode(): value.decode("latin-1") for name, value in self._head.headers}
        return self._head.status_code, headers, self._body


def as_ours(error):
    """An error in Google's words in our own four fields."""
    told = {one["@type"].rpartition(".")[2]: one for one in error["details"]}
    field = told.get("BadRequest", {"fieldViolations": [{"field": None}]})["fieldViolations"][0]
    return {
        "message": error["message"],
        "type": error["status"],
        "param": field["field"],
        "code": told["ErrorInfo"]["reason"],
    }


def check(case, status, headers, body, method="POST"):
    """Fail unless this is the answer that *case* expects."""
    told = body[:300]
    assert status == case.status, told
    assert headers["x-request-id"].startswith("req_")
    assert (headers.get("connection") == "close") is not case.carries_on
    if status < 400:
        return
    assert headers["content-type"] == "application/json"
    if method == "HEAD":
        return
    error = json.loads(body)["error"]
    if "details" in error:
        error = as_ours(error)
    more = {"retry_after"} if status == 429 else set()
    assert set(error) == {"message", "type", "param", "code"} | more
    assert error["param"] == case.param, told
    if case.code is not None:
        assert error["code"] == case.code, told
    assert len(body) < 1000
    assert status < 500 or status in {501, 503, 505}
