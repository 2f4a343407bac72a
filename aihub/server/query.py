"""What stands after the question mark, and what says which version is meant."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from ..errors import Conflict, InvalidRequest
from ..model.units import Json
from .call import Call

DEFAULT_LIMIT = 20
"""Entries of a page where nothing is said: what fits a screen."""

MAX_LIMIT = 100
"""Entries of a page at most: what a client wants at once, and a store reads in a moment."""

MAX_QUERY_FIELDS = 32
"""Parameters that are looked at: no endpoint knows ten."""


def query(call: Call) -> dict[str, str]:
    """Return the query's parameters; of a repeated one the last.

    Raises:
        InvalidRequest: there are more than anybody means.
    """
    try:
        pairs = parse_qsl(
            call.request.query, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS
        )
    except ValueError:
        raise InvalidRequest(
            f"The query has more than {MAX_QUERY_FIELDS} parameters.", code="invalid_query"
        ) from None
    return dict(pairs)


def page(asked: dict[str, str]) -> tuple[str | None, int]:
    """Return after what, and how many.

    Raises:
        InvalidRequest: `limit` is no number from 1 to `MAX_LIMIT`.
    """
    limit = asked.get("limit", str(DEFAULT_LIMIT))
    if not re.fullmatch("[0-9]{1,9}", limit) or not 1 <= int(limit) <= MAX_LIMIT:
        raise InvalidRequest(
            f"'limit' must be a whole number from 1 to {MAX_LIMIT}.", param="limit"
        )
    return asked.get("after") or None, int(limit)


def order(asked: dict[str, str]) -> bool:
    """Say whether the newest come first: `order=desc`.

    Raises:
        InvalidRequest: it is neither `asc` nor `desc`.
    """
    wanted = asked.get("order", "asc")
    if wanted not in {"asc", "desc"}:
        raise InvalidRequest("'order' must be one of asc, desc.", param="order")
    return wanted == "desc"


def etag(version: int) -> tuple[bytes, bytes]:
    """Return the header that names a version (RFC 9110, 8.8.3)."""
    return b"etag", b'"%d"' % version


def meant_version(call: Call, fields: dict[str, Json]) -> int | None:
    """Return the version that is to be changed: the body's `version`, or `If-Match`'s.

    Raises:
        InvalidRequest: `If-Match` is none of ours.
        Conflict: the two name different versions.
    """
    named: int | None = fields.pop("version", None)
    header = call.request.headers.get(b"if-match", b"*").strip()
    if header == b"*":
        return named
    found = re.fullmatch(rb'"?([0-9]{1,15})"?', header)
    if found is None:
        raise InvalidRequest(
            "'If-Match' must be one version, such as \"3\", or *.", param="If-Match"
        )
    version = int(found[1])
    if named is not None and named != version:
        raise Conflict("'If-Match' and 'version' name different versions.", code="session_conflict")
    return version
