"""The route table: which method on which path, under which scope, is answered by what."""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

import attrs

from ..model.account import Scope
from .envelopes import METHODS

Action: TypeAlias = Literal[
    "chat",
    "chat_stream",
    "complete_text",
    "embed",
    "moderate",
    "list_completions",
    "read_completion",
    "update_completion",
    "delete_completion",
    "list_completion_messages",
    "create_response",
    "read_response",
    "delete_response",
    "cancel_response",
    "list_input_items",
    "count_input_tokens",
    "compact_input",
    "messages",
    "count_message_tokens",
    "generate_content",
    "stream_generate_content",
    "count_content_tokens",
    "generate_content_v1",
    "stream_generate_content_v1",
    "count_content_tokens_v1",
    "gemini_models",
    "gemini_model",
    "models",
    "model",
    "usage",
    "create_session",
    "list_sessions",
    "read_session",
    "update_session",
    "delete_session",
    "fork_session",
    "create_account",
    "accounts",
    "account",
    "change_account",
    "delete_account",
    "create_key",
    "keys",
    "key",
    "change_key",
    "revoke_key",
    "rotate_key",
    "plans",
    "plan",
    "put_plan",
    "delete_plan",
    "create_budget",
    "budgets",
    "budget",
    "change_budget",
    "delete_budget",
    "sign_in",
    "sign_out",
    "me",
    "requests",
    "request",
    "status",
    "openapi",
    "healthz",
    "readyz",
]


@attrs.frozen
class Route:
    """One endpoint.

    `scope` of None: anybody may ask, and no window counts it. `metered` is what the plan's windows
    count; all else counts as reading.
    """

    method: str
    path: str
    action: Action
    scope: Scope | None
    metered: bool = False


ROUTES = (
    Route("POST", "/v1/chat/completions", "chat", "inference", True),
    Route("GET", "/v1/chat/completions", "list_completions", "read"),
    Route("GET", "/v1/chat/completions/{completion}", "read_completion", "read"),
    Route("POST", "/v1/chat/completions/{completion}", "update_completion", "inference"),
    Route("DELETE", "/v1/chat/completions/{completion}", "delete_completion", "inference"),
    Route("GET", "/v1/chat/completions/{completion}/messages", "list_completion_messages", "read"),
    Route("POST", "/v1/chat/stream", "chat_stream", "inference", True),
    Route("POST", "/v1/completions", "complete_text", "inference", True),
    Route("POST", "/v1/embeddings", "embed", "inference", True),
    Route("POST", "/v1/moderations", "moderate", "inference", True),
    Route("POST", "/v1/responses", "create_response", "inference", True),
    Route("POST", "/v1/responses/input_tokens", "count_input_tokens", "inference"),
    Route("POST", "/v1/responses/compact", "compact_input", "inference", True),
    Route("GET", "/v1/responses/{response}", "read_response", "read"),
    Route("DELETE", "/v1/responses/{response}", "delete_response", "inference"),
    Route("POST", "/v1/responses/{response}/cancel", "cancel_response", "inference"),
    Route("GET", "/v1/responses/{response}/input_items", "list_input_items", "read"),
    Route("POST", "/v1/messages", "messages", "inference", True),
    Route("POST", "/v1/messages/count_tokens", "count_message_tokens", "inference"),
    Route(
        "POST",
        "/v1beta/models/{model}:streamGenerateContent",
        "stream_generate_content",
        "inference",
        True,
    ),
    Route("POST", "/v1beta/models/{model}:generateContent", "generate_content", "inference", True),
    Route("POST", "/v1beta/models/{model}:countTokens", "count_content_tokens", "inference"),
    Route("GET", "/v1beta/models", "gemini_models", "read"),
    Route("GET", "/v1beta/models/{model}", "gemini_model", "read"),
    Route(
        "POST",
        "/v1/models/{model}:streamGenerateContent",
        "stream_generate_content_v1",
        "inference",
        True,
    ),
    Route("POST", "/v1/models/{model}:generateContent", "generate_content_v1", "inference", True),
    Route("POST", "/v1/models/{model}:countTokens", "count_content_tokens_v1", "inference"),
    Route("GET", "/v1/models", "models", "read"),
    Route("GET", "/v1/models/{model}", "model", "read"),
    Route("GET", "/v1/usage", "usage", "read"),
    Route("POST", "/v1/sessions", "create_session", "inference"),
    Route("GET", "/v1/sessions", "list_sessions", "read"),
    Route("GET", "/v1/sessions/{session}", "read_session", "read"),
    Route("PUT", "/v1/sessions/{session}", "update_session", "inference"),
    Route("DELETE", "/v1/sessions/{session}", "delete_session", "inference"),
    Route("POST", "/v1/sessions/{session}/fork", "fork_session", "inference"),
    Route("POST", "/v1/accounts", "create_account", "admin"),
    Route("GET", "/v1/accounts", "accounts", "admin"),
    Route("GET", "/v1/accounts/{account}", "account", "admin"),
    Route("PUT", "/v1/accounts/{account}", "change_account", "admin"),
    Route("DELETE", "/v1/accounts/{account}", "delete_account", "admin"),
    Route("POST", "/v1/keys", "create_key", "admin"),
    Route("GET", "/v1/keys", "keys", "admin"),
    Route("GET", "/v1/keys/{key}", "key", "admin"),
    Route("PUT", "/v1/keys/{key}", "change_key", "admin"),
    Route("DELETE", "/v1/keys/{key}", "revoke_key", "admin"),
    Route("POST", "/v1/keys/{key}/rotate", "rotate_key", "admin"),
    Route("GET", "/v1/plans", "plans", "admin"),
    Route("GET", "/v1/plans/{plan}", "plan", "admin"),
    Route("PUT", "/v1/plans/{plan}", "put_plan", "admin"),
    Route("DELETE", "/v1/plans/{plan}", "delete_plan", "admin"),
    Route("POST", "/v1/budgets", "create_budget", "admin"),
    Route("GET", "/v1/budgets", "budgets", "admin"),
    Route("GET", "/v1/budgets/{budget}", "budget", "admin"),
    Route("PUT", "/v1/budgets/{budget}", "change_budget", "admin"),
    Route("DELETE", "/v1/budgets/{budget}", "delete_budget", "admin"),
    Route("GET", "/v1/requests", "requests", "read"),
    Route("GET", "/v1/requests/{request}", "request", "read"),
    Route("GET", "/v1/me", "me", "read"),
    Route("POST", "/v1/me", "sign_in", None),
    Route("DELETE", "/v1/me", "sign_out", None),
    Route("GET", "/v1/status", "status", None),
    Route("GET", "/openapi.json", "openapi", None),
    Route("GET", "/healthz", "healthz", None),
    Route("GET", "/readyz", "readyz", None),
)

# A driver leaves it: a slash that is part of a name does not part the path.
_SLASH = re.compile("%2f", re.IGNORECASE)

_EXACT = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}


def _pattern(path: str) -> re.Pattern[str]:
    """Return what a path with names looks like; a model's id may hold slashes and colons.

    What Gemini does with a model is no part of the model's id.
    """
    no_method = "".join([f"(?<!:{method})" for method in METHODS])
    wanted = re.escape(path).replace(r"\{model\}", f"(?P<model>.+){no_method}")
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", wanted), re.DOTALL)


# What stands at such a path is no id.
_FIXED = frozenset([path for _, path in _EXACT])
_NAMED = [(route, _pattern(route.path)) for route in ROUTES if "{" in route.path]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route and what stands in the path for its names; None if there is none."""
    route = _EXACT.get((method, path))
    if route is not None:
        return route, {}
    if path in _FIXED:
        return None
    for route, pattern in _NAMED:
        if method == route.method:
            found = pattern.fullmatch(path)
            if found is not None:
                named = found.groupdict()
                return route, {name: _SLASH.sub("/", value) for name, value in named.items()}
    return None


def methods(path: str) -> list[str]:
    """Return the methods that *path* knows; none where there is no such path."""
    known = {route.method for route in ROUTES if find(route.method, path) is not None}
    if "GET" in known:
        known.add("HEAD")
    return sorted(known | {"OPTIONS"}) if known else []
