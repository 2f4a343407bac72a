"""Which version of a thing is meant: `ETag` and `If-Match` (RFC 9110)."""

from __future__ import annotations

import re

from ..errors import Conflict, InvalidRequest
from ..messages import Msg
from ..model.units import Json
from .call import Call


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
            Msg("'If-Match' must be one version, such as \"3\", or *."), param="If-Match"
        )
    version = int(found[1])
    if named is not None and named != version:
        raise Conflict(
            Msg("'If-Match' and 'version' name different versions."), code="session_conflict"
        )
    return version
