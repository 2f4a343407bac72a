"""What a provider's answer with a status of 400 or more means, whatever its dialect."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from ..errors import UpstreamError, UpstreamFailed, UpstreamLimited, UpstreamRefused
from ..messages import Msg

MAX_UPSTREAM_MESSAGE = 1000
"""Characters of a provider's text that an error repeats: enough to know what it wants."""

MAX_RETRY_AFTER = 86_400
"""Seconds of a provider's `Retry-After` that are believed: a day."""

_REFUSED = frozenset({400, 413, 415, 422})
_CREDENTIALS = frozenset({401, 402, 403})
_OVERLOADED = frozenset({503, 529})


def failure(
    status: int,
    headers: Mapping[str, str],
    message: str,
    *,
    code: str | None = None,
    param: str | None = None,
) -> UpstreamError:
    """Make an error of a provider's: by whose fault it is, and whether to come again.

    Args:
        status: of its answer, or what the dialect says that an error in a stream amounts to.
        headers: of its answer; names are small.
        message: its text.
        code: its own word for the fault, where the request is to blame.
        param: the field that it blames.
    """
    text = message[:MAX_UPSTREAM_MESSAGE] or Msg(
        "The provider answered with status {status}.", status=status
    )
    after = retry_after(headers)
    if status in _REFUSED:
        return UpstreamRefused(text, param=param, code=code, status=status)
    if status in _CREDENTIALS:
        # The provider's own words may hold a piece of the key.
        return UpstreamFailed(
            Msg("The provider does not accept the hub's credentials."),
            code="upstream_credentials",
            status=status,
            lasting=True,
        )
    if status == 404:  # noqa: PLR2004 - HTTP's own
        return UpstreamFailed(text, code="upstream_not_found", status=status, lasting=True)
    if status == 429:  # noqa: PLR2004 - HTTP's own
        return UpstreamLimited(text, status=status, retry_after=after)
    overloaded = "upstream_overloaded" if status in _OVERLOADED else None
    return UpstreamFailed(text, code=overloaded, status=status, retry_after=after)


def retry_after(headers: Mapping[str, str]) -> int | None:
    """Return the seconds that an answer asks to wait: `retry-after-ms`, or `Retry-After`.

    A date is held against the answer's own `Date` (RFC 9110, 10.2.3); without one it says nothing.
    """
    exact = headers.get("retry-after-ms", "")
    if re.fullmatch(r"\d{1,9}(\.\d+)?", exact, re.ASCII):
        return _bounded(float(exact) / 1000)
    told = headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", told, re.ASCII):
        return _bounded(float(told))
    try:
        span = parsedate_to_datetime(told) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return _bounded(span.total_seconds())


def _bounded(seconds: float) -> int:
    return max(0, min(MAX_RETRY_AFTER, math.ceil(seconds)))
