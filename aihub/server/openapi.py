"""`/openapi.json`: the routes, what each takes and what each answers, as OpenAPI 3.1.

Paths and scopes come from the route table, what is taken from the tables that decode it. A test
fails where a route has no operation here, and every answer that a test sees is held to this
document.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from http import HTTPStatus

from ..dialects import (
    administration,
    anthropic,
    gemini,
    openai_chat,
    openai_completions,
    openai_embeddings,
    openai_moderations,
    openai_responses,
    queries,
)
from ..dialects.fields import schema_of, text_of
from ..dialects.objects import object_schema
from ..dialects.openai_chat import MAX_MODEL
from ..model.units import Json
from .answers import TEXT, ref, schemas
from .hub_answers import hub_schemas
from .languages import LANGUAGES
from .operations import Operation, operations
from .response_answers import response_schemas
from .routes import ROUTES, Route
from .vendor_answers import vendor_schemas

ANYWHERE = (400, 408, 413, 421, 431, 500, 501, 503, 505)
"""Statuses of any request: what is no HTTP, what a server cannot do now, a fault of ours."""

ASKED = (401, 403, 429)
"""Statuses of what needs a key."""


def document(version: str) -> dict[str, Json]:
    """Return the whole document, for *version* of this package."""
    known = operations()
    paths: dict[str, dict[str, Json]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, known[route.action]
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AI Hub API",
            "version": version,
            "description": "One API to many models: keys, limits, metering, sessions.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": {
                **schemas(),
                **vendor_schemas(),
                **response_schemas(),
                **hub_schemas(),
                **openai_responses.request_schemas(),
                "ChatRequest": openai_chat.request_schema(),
                "TextRequest": openai_completions.text_schema(),
                "EmbeddingRequest": object_schema(
                    openai_embeddings.EMBEDDING, openai_embeddings.REQUIRED, closed=False
                ),
                "ModerationRequest": object_schema(
                    openai_moderations.MODERATION, openai_moderations.REQUIRED, closed=False
                ),
                **anthropic.schemas(),
                **gemini.schemas(),
            },
            "securitySchemes": _KEYS,
            "headers": _HEADERS,
            "responses": _errors(known.values()),
        },
    }


def _operation(route: Route, operation: Operation) -> dict[str, Json]:
    made: dict[str, Json] = {
        "operationId": route.action,
        "summary": operation.summary,
        "parameters": list(_parameters(route, operation)),
        "responses": _responses(route, operation),
        "security": [] if route.scope is None else [{name: []} for name in _KEYS],
    }
    if route.scope is not None:
        made["description"] = f"The key needs the scope `{route.scope}`."
    if operation.body is not None:
        made["requestBody"] = {
            "required": operation.required,
            "content": {"application/json": {"schema": operation.body}},
        }
    return made


def _parameters(route: Route, operation: Operation) -> Iterator[dict[str, Json]]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": _path_schema(name)}
    for name, check in operation.query.items():
        yield {"name": name, "in": "query", "schema": schema_of(check)}
    for name, schema in operation.deep.items():
        deep = {"style": "deepObject", "explode": True, "schema": schema}
        yield {"name": name, "in": "query", **deep}
    if route.metered:
        for name, schema in _CHAT_HEADERS.items():
            yield {"name": name, "in": "header", "schema": schema}
    if operation.vendor:
        yield {"name": "anthropic-version", "in": "header", "schema": TEXT}
    if operation.versioned:
        yield {"name": "If-Match", "in": "header", "schema": _ETAG}


def _path_schema(name: str) -> Json:
    if name == "plan":
        return schema_of(administration.name_in_path)
    return schema_of(text_of(1, MAX_MODEL if name == "model" else queries.MAX_ID))


_ETAG: Json = {"type": "string", "pattern": r'^(\*|"?[0-9]{1,15}"?)$'}
_KEYS: dict[str, Json] = {
    "key": {"type": "http", "scheme": "bearer"},
    "anthropicKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "googleKey": {"type": "apiKey", "in": "header", "name": "x-goog-api-key"},
}
_CHAT_HEADERS: dict[str, Json] = {
    "Idempotency-Key": {"type": "string", "minLength": 1, "maxLength": 255},
    "X-AIHub-Region": {"type": "string"},
}
_HEADERS: dict[str, Json] = {
    "RequestId": {"description": "The ledger knows the request by it.", "schema": TEXT},
    "Limit": {"description": "Requests a minute.", "schema": {"type": "integer"}},
    "Remaining": {"description": "What is left of them.", "schema": {"type": "integer"}},
    "Reset": {
        "description": "Epoch seconds: when the window is empty again.",
        "schema": {"type": "integer"},
    },
    "RetryAfter": {"description": "Whole seconds.", "schema": {"type": "integer"}},
    "Language": {
        "description": "That of the error's text, by Accept-Language.",
        "schema": {"enum": [*LANGUAGES]},
    },
}
_ALWAYS: dict[str, Json] = {"X-Request-Id": {"$ref": "#/components/headers/RequestId"}}
_LIMITS: dict[str, Json] = {
    "X-RateLimit-Limit": {"$ref": "#/components/headers/Limit"},
    "X-RateLimit-Remaining": {"$ref": "#/components/headers/Remaining"},
    "X-RateLimit-Reset": {"$ref": "#/components/headers/Reset"},
}


def _responses(route: Route, operation: Operation) -> dict[str, Json]:
    headers = {**_ALWAYS, **(_LIMITS if route.scope else {})}
    answers: dict[str, Json] = {
        "200": {
            "description": operation.summary,
            "headers": headers,
            "content": _content(operation),
        }
    }
    body = () if operation.body is None else (415,)
    asked = () if route.scope is None else ASKED
    for status in sorted({*ANYWHERE, *asked, *operation.statuses, *body}):
        name = _error_name(operation.dialects, status)
        answers[str(status)] = {"$ref": f"#/components/responses/{name}"}
    return answers


def _error_name(dialects: tuple[str, ...], status: int) -> str:
    return f"{'Any' if len(dialects) > 1 else dialects[0]}Error{status}"


def _errors(known: Iterable[Operation]) -> dict[str, Json]:
    """Return the answer with each status that is no success, in each dialect that has it."""
    answers: dict[str, Json] = {}
    for dialects, more in {(one.dialects, one.statuses) for one in known}:
        for status in {*ANYWHERE, *ASKED, *more, 415}:
            answers[_error_name(dialects, status)] = _error(status, dialects)
    # Nothing that has several dialects takes a body.
    return {name: answers[name] for name in sorted(answers) if name != "AnyError415"}


_PHRASES = {529: "Overloaded"}
_WAITING = (429, 503, 529)


def _error(status: int, dialects: tuple[str, ...]) -> dict[str, Json]:
    headers = {
        **_ALWAYS,
        **_LIMITS,
        "Content-Language": {"$ref": "#/components/headers/Language"},
    }
    if status in _WAITING:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": _PHRASES.get(status) or HTTPStatus(status).phrase,
        "headers": headers,
        "content": {"application/json": {"schema": _one_of([f"{one}Error" for one in dialects])}},
    }


def _one_of(names: Sequence[str]) -> dict[str, Json]:
    refs: list[Json] = [ref(name) for name in names]
    return refs[0] if len(refs) == 1 else {"anyOf": refs}


def _content(operation: Operation) -> dict[str, Json]:
    names = (operation.answer,) if isinstance(operation.answer, str) else operation.answer
    whole: dict[str, Json] = {"application/json": {"schema": _one_of(names)}}
    if operation.events is None:
        return whole
    events: Json = {"schema": {"type": "string", "description": operation.events}}
    told = {"text/event-stream": events}
    return told if operation.streams else {**whole, **told}
