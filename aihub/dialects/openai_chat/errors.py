"""Errors as OpenAI tells them, and all who speak its dialects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ...errors import UpstreamError, UpstreamLimited
from ..failures import failure


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Read an error, whichever of the usual forms it has."""
    told = _error_fields(body)
    code = told.get("code")
    error = failure(
        status,
        headers,
        _text(told.get("message")) or "",
        code=_text(code),
        param=_text(told.get("param")),
    )
    if isinstance(error, UpstreamLimited) and "insufficient_quota" in {code, told.get("type")}:
        error.lasting = True
    return error


def _error_fields(body: bytes) -> dict[str, Any]:
    """Return what an error's body says of it: `{"error": {...}}`, a text, FastAPI's `detail`."""
    try:
        fields = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(fields, dict):
        return {}
    told = fields.get("error", fields)
    if isinstance(told, str):
        return {"message": told}
    if not isinstance(told, dict):
        return {}
    return told if "message" in told else {**told, "message": told.get("detail")}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
