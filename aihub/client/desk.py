"""What a command asks, and where it may be asked: the same question, the same JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import attrs

from ..model.units import Json


def _segments(_: object, _field: attrs.Attribute[tuple[str, ...]], path: tuple[str, ...]) -> None:
    # Clients and proxies resolve them: the request would become another one.
    if {"", ".", ".."} & set(path):
        raise ValueError(f"no segment of a path is empty or made of dots: {path!r}")


@attrs.frozen
class Ask:
    """A request of the HTTP interface, not yet written.

    `path` are the segments after `/v1/`, as they are meant: whoever writes them escapes them.

    Raises:
        ValueError: a segment of the path is empty, `.` or `..`.
    """

    method: str
    path: tuple[str, ...] = attrs.field(validator=_segments)
    query: Mapping[str, str] = attrs.field(factory=dict)
    body: Mapping[str, Json] | None = None


class AskFailed(Exception):
    """The answer is an error, or there is none.

    `code` and `request_id` are None where nobody gave any.
    """

    def __init__(
        self, message: str, *, code: str | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.request_id = request_id


class Desk(Protocol):
    """Where a command asks."""

    def ask(self, ask: Ask) -> bytes:
        """Return the JSON of the answer.

        Raises:
            AskFailed: it is an error, or there is none.
        """
        ...


def read_error(body: bytes, *, request_id: str | None) -> AskFailed | None:
    """Return the error that the body of an answer tells; None where it is none of ours."""
    import orjson

    try:
        error = orjson.loads(body)["error"]
        message, code = error["message"], error.get("code")
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(message, str):
        return None
    code = code if isinstance(code, str) else None
    return AskFailed(message, code=code, request_id=request_id)
