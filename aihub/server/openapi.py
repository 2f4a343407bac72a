"""`/openapi.json`: the routes, what each takes and what each answers, as OpenAPI 3.1.

Paths and scopes come from the route table, what is taken from the tables that decode it. A test
fails where a route has no operation here, and every answer that a test sees is held to this
document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus

import attrs

from ..dialects import administration, openai_chat, queries, sessions
from ..dialects.fields import Check, schema_of, text_of
from ..dialects.objects import object_schema
from ..dialects.openai_chat import MAX_MODEL
from ..dialects.queries import PAGES, USAGE, identifier
from ..model.units import Json
from .answers import TEXT, ref, schemas
from .routes import ROUTES, Action, Route

WHOSE: Mapping[str, Check] = {"account": identifier}

ANYWHERE = (400, 408, 413, 421, 431, 500, 501, 503, 505)
"""Statuses of any request: what is no HTTP, what a server cannot do now, a fault of ours."""

ASKED = (401, 403, 429)
"""Statuses of what needs a key."""


@attrs.frozen
class Operation:
    """One endpoint's part of the document: what it takes besides its path, and answers."""

    summary: str
    answer: str
    body: dict[str, Json] | None = None
    query: Mapping[str, Check] = {}
    statuses: tuple[int, ...] = ()
    required: bool = False
    versioned: bool = False


def _chat(summary: str) -> Operation:
    return Operation(
        summary,
        "ChatCompletion",
        ref("ChatRequest"),
        statuses=(404, 409, 502, 504),
        required=True,
    )


def operations() -> dict[Action, Operation]:
    """Return the operation of each route."""
    new_budget = object_schema(administration.NEW_BUDGET, ["limit"])
    return {
        "chat": _chat("Answer a chat, whole or as a stream."),
        "chat_stream": _chat("Answer a chat as a stream."),
        "models": Operation("List all models.", "Models"),
        "model": Operation("Return one model.", "Model", statuses=(404,)),
        "usage": Operation("Sum what an account used.", "Usage", query=USAGE, statuses=(404,)),
        "create_session": Operation(
            "Begin a session.", "Session", object_schema(sessions.NEW_SESSION), statuses=(404,)
        ),
        "list_sessions": Operation("List the account's sessions.", "Sessions", query=PAGES),
        "read_session": Operation(
            "Return a session with a page of its messages.",
            "SessionWithMessages",
            query={**PAGES, **sessions.ORDER},
            statuses=(404,),
        ),
        "update_session": Operation(
            "Change what the body names of a session.",
            "Session",
            object_schema(sessions.SESSION_CHANGE),
            statuses=(404, 409),
            versioned=True,
        ),
        "delete_session": Operation(
            "Erase a session.", "SessionDeleted", statuses=(404, 409), versioned=True
        ),
        "fork_session": Operation(
            "Begin a session with the same history.",
            "Session",
            object_schema(sessions.FORK),
            statuses=(404, 409),
        ),
        "create_account": Operation(
            "Make an account.",
            "Account",
            object_schema(administration.NEW_ACCOUNT),
            statuses=(404, 409),
        ),
        "accounts": Operation("List accounts.", "Accounts", query=PAGES),
        "account": Operation("Return an account.", "Account", statuses=(404,)),
        "change_account": Operation(
            "Change what the body names of an account.",
            "Account",
            object_schema(administration.ACCOUNT),
            statuses=(404, 409),
        ),
        "delete_account": Operation(
            "End an account and forget who it was.", "AccountDeleted", statuses=(404, 409)
        ),
        "create_key": Operation(
            "Make a key; its secret is in this answer only.",
            "NewKey",
            object_schema(administration.NEW_KEY),
            statuses=(404, 409),
        ),
        "keys": Operation(
            "List an account's keys.", "Keys", query={**PAGES, **WHOSE}, statuses=(404,)
        ),
        "key": Operation("Return a key.", "Key", query=WHOSE, statuses=(404,)),
        "change_key": Operation(
            "Change what the body names of a key.",
            "Key",
            object_schema(administration.KEY),
            query=WHOSE,
            statuses=(404, 409),
        ),
        "revoke_key": Operation("End a key now.", "KeyRevoked", query=WHOSE, statuses=(404, 409)),
        "rotate_key": Operation(
            "Make a key like another, which ends; the secret is in this answer only.",
            "NewKey",
            object_schema(administration.ROTATION),
            query=WHOSE,
            statuses=(404, 409),
        ),
        "plans": Operation("List plans.", "Plans", query=PAGES),
        "plan": Operation("Return a plan.", "Plan", statuses=(404,)),
        "put_plan": Operation(
            "Make a plan, or change what the body names of it.",
            "Plan",
            object_schema(administration.PLAN),
            statuses=(404, 409),
        ),
        "delete_plan": Operation(
            "Delete a plan that nobody is on.", "PlanDeleted", statuses=(404, 409)
        ),
        "create_budget": Operation(
            "Bound what an account or a key may spend.",
            "Budget",
            new_budget,
            statuses=(404, 409),
            required=True,
        ),
        "budgets": Operation(
            "List an account's budgets.", "Budgets", query={**PAGES, **WHOSE}, statuses=(404,)
        ),
        "budget": Operation("Return a budget.", "Budget", query=WHOSE, statuses=(404,)),
        "change_budget": Operation(
            "Set what a budget may spend.",
            "Budget",
            object_schema(administration.BUDGET, ["limit"]),
            query=WHOSE,
            statuses=(404, 409),
            required=True,
        ),
        "delete_budget": Operation(
            "End a budget.", "BudgetDeleted", query=WHOSE, statuses=(404, 409)
        ),
        "openapi": Operation("Return this document.", "OpenAPI"),
        "healthz": Operation("Say that the process answers.", "Health"),
        "readyz": Operation("Say whether requests are admitted.", "Health"),
    }


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
            "schemas": {**schemas(), "ChatRequest": openai_chat.request_schema()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "headers": _HEADERS,
            "responses": _errors(),
        },
    }


def _operation(route: Route, operation: Operation) -> dict[str, Json]:
    made: dict[str, Json] = {
        "operationId": route.action,
        "summary": operation.summary,
        "parameters": list(_parameters(route, operation)),
        "responses": _responses(route, operation),
        "security": [] if route.scope is None else [{"key": []}],
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
    if route.metered:
        for name, schema in _CHAT_HEADERS.items():
            yield {"name": name, "in": "header", "schema": schema}
    if operation.versioned:
        yield {"name": "If-Match", "in": "header", "schema": _ETAG}


def _path_schema(name: str) -> Json:
    if name == "plan":
        return schema_of(administration.name_in_path)
    return schema_of(text_of(1, MAX_MODEL if name == "model" else queries.MAX_ID))


_ETAG: Json = {"type": "string", "pattern": r'^(\*|"?[0-9]{1,15}"?)$'}
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
            "content": _content(route, operation),
        }
    }
    body = () if operation.body is None else (415,)
    asked = () if route.scope is None else ASKED
    for status in sorted({*ANYWHERE, *asked, *operation.statuses, *body}):
        answers[str(status)] = {"$ref": f"#/components/responses/Error{status}"}
    return answers


def _errors() -> dict[str, Json]:
    """Return the answer with each status that is no success."""
    return {f"Error{status}": _error(status) for status in sorted(_FAILURES)}


_FAILURES = {*ANYWHERE, *ASKED, 404, 409, 415, 502, 504}


def _error(status: int) -> dict[str, Json]:
    headers = {**_ALWAYS, **_LIMITS}
    if status in {429, 503}:
        headers["Retry-After"] = {"$ref": "#/components/headers/RetryAfter"}
    return {
        "description": HTTPStatus(status).phrase,
        "headers": headers,
        "content": {"application/json": {"schema": ref("Error")}},
    }


_EVENTS: Json = {
    "schema": {
        "type": "string",
        "description": "Server-sent events, the data of each a ChatCompletionChunk; then [DONE].",
    }
}


def _content(route: Route, operation: Operation) -> dict[str, Json]:
    whole: dict[str, Json] = {"application/json": {"schema": ref(operation.answer)}}
    if route.action == "chat_stream":
        return {"text/event-stream": _EVENTS}
    return {**whole, "text/event-stream": _EVENTS} if route.action == "chat" else whole
