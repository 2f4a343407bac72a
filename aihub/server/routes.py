"""The route table: which method on which path, under which scope, is answered by what."""

from __future__ import annotations

from typing import Literal, TypeAlias

import attrs

from ..model.account import Scope

Action: TypeAlias = Literal["chat", "chat_stream", "models", "model", "usage", "healthz", "readyz"]


@attrs.frozen
class Route:
    """One endpoint. `scope` of None: anybody may ask, and no window counts it."""

    method: str
    path: str
    action: Action
    scope: Scope | None


ROUTES = (
    Route("POST", "/v1/chat/completions", "chat", "inference"),
    Route("POST", "/v1/chat/stream", "chat_stream", "inference"),
    Route("GET", "/v1/models", "models", "read"),
    Route("GET", "/v1/models/{id}", "model", "read"),
    Route("GET", "/v1/usage", "usage", "read"),
    Route("GET", "/healthz", "healthz", None),
    Route("GET", "/readyz", "readyz", None),
)

_EXACT = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}
# A model's id may hold slashes, so what follows the prefix is the id, whole.
_PREFIXED = [
    (route.method, route.path.partition("{")[0], route) for route in ROUTES if "{" in route.path
]


def find(method: str, path: str) -> tuple[Route, str] | None:
    """Return the route and what stands for `{id}` in the path; None if there is none."""
    route = _EXACT.get((method, path))
    if route is not None:
        return route, ""
    for wanted, prefix, route in _PREFIXED:
        if method == wanted and path.startswith(prefix) and len(path) > len(prefix):
            return route, path[len(prefix) :]
    return None


def methods(path: str) -> list[str]:
    """Return the methods that *path* knows; none where there is no such path."""
    return sorted({route.method for route in ROUTES if find(route.method, path) is not None})
