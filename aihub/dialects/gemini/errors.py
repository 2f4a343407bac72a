"""Errors of Google's APIs, read."""

from __future__ import annotations

import re
from collections.abc import Mapping

import orjson

from ...errors import UpstreamError
from ...model.units import Json
from ..failures import failure
from ..reading import Unreadable, field, objects

_BAD_KEY = "API_KEY_INVALID"
_RETRY = "type.googleapis.com/google.rpc.RetryInfo"


def told_error(piece: Mapping[str, Json]) -> UpstreamError:
    """Read an error in a stream as the answer that it would have been.

    Raises:
        Unreadable: it is none.
    """
    error: dict[str, Json] = field(piece, "error", dict, {})
    code = field(error, "code", int, 500)
    return _failure(code if 400 <= code <= 599 else 500, {}, error)  # noqa: PLR2004 - HTTP's own


def error_of(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Read an answer with a status of 400 or more; where a stream was asked for it is a list."""
    try:
        value = orjson.loads(body)
        if isinstance(value, list) and value:
            value = value[0]
        if not isinstance(value, dict):
            raise Unreadable("It is no object.")
        return _failure(status, headers, field(value, "error", dict, {}))
    except (orjson.JSONDecodeError, Unreadable):
        return failure(status, headers, "")


def _failure(status: int, headers: Mapping[str, str], error: dict[str, Json]) -> UpstreamError:
    details = objects(error, "details")
    told = {**_wait(details), **headers}
    # A key that is none is answered as a wrong request.
    if any(one.get("reason") == _BAD_KEY for one in details):
        status = 401
    text = field(error, "message", str, "")
    return failure(status, told, text, code=field(error, "status", str, "") or None)


def _wait(details: list[dict[str, Json]]) -> dict[str, str]:
    """Return how long to wait, as a header says it."""
    for one in details:
        delay = one.get("retryDelay")
        if one.get("@type") == _RETRY and isinstance(delay, str):
            found = re.fullmatch(r"(\d{1,9}(\.\d+)?)s", delay, re.ASCII)
            if found is not None:
                return {"retry-after": found[1]}
    return {}
