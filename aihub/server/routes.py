"""The route table: which method on which path, under which scope, is answered by what."""

from __future__ import annotations

import re
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
    Route("GET", "/v1/models/{model}", "model", "read"),
    Route("GET", "/v1/usage", "usage", "read"),
    Route("GET", "/healthz", "healthz", None),
    Route("GET", "/readyz", "readyz", None),
)

_EXACT = {(route.method, route.path): route for route in ROUTES if "{" not in route.path}


def _pattern(path: str) -> re.Pattern[str]:
    """Return what a path with names looks like; a model's id may hold slashes."""
    wanted = re.escape(path).replace(r"\{model\}", "(?P<model>.+)")
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", wanted))


_NAMED = [(route, _pattern(route.path)) for route in ROUTES if "{" in route.path]


def find(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """Return the route and what stands in the path for its names; None if there is none."""
    route = _EXACT.get((method, path))
    if route is not None:
        return route, {}
    for route, pattern in _NAMED:
        if method == route.method:
            found = pattern.fullmatch(path)
            if found is not None:
                return route, found.groupdict()
    return None


def methods(path: str) -> list[str]:
    """Return the methods that *path* knows; none where there is no such path."""
    return sorted({route.method for route in ROUTES if find(route.method, path) is not None})
