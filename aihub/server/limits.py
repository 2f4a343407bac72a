"""Windows as headers: the API document's, and OpenAI's beside them on inference."""

from __future__ import annotations

from collections.abc import Sequence

from ..model.ledger import WindowKind, WindowState
from ..model.units import SECOND, Micros
from .http import Headers


def tightest(windows: Sequence[WindowState], kind: WindowKind) -> WindowState | None:
    """Return the window of *kind* with the least left; None where nothing limits."""
    found = None
    for window in windows:
        if window.kind == kind and (found is None or window.remaining < found.remaining):
            found = window
    return found


def add_limits(
    headers: Headers, windows: Sequence[WindowState], now: Micros, *, inference: bool
) -> None:
    """Tell *windows* in *headers*. A limit that does not exist has no header.

    `X-RateLimit-Reset` is in epoch seconds: when the window is full again.
    """
    requests = tightest(windows, "requests")
    if requests is not None:
        headers += [
            (b"x-ratelimit-limit", b"%d" % requests.limit),
            (b"x-ratelimit-remaining", b"%d" % requests.remaining),
            (b"x-ratelimit-reset", b"%d" % -(-requests.resets_at // SECOND)),
        ]
        if inference:
            _add_openai(headers, b"requests", requests, now)
    if inference:
        tokens = tightest(windows, "tokens")
        if tokens is not None:
            _add_openai(headers, b"tokens", tokens, now)


def _add_openai(headers: Headers, kind: bytes, window: WindowState, now: Micros) -> None:
    wait = max(0, window.resets_at - now) / SECOND
    headers += [
        (b"x-ratelimit-limit-" + kind, b"%d" % window.limit),
        (b"x-ratelimit-remaining-" + kind, b"%d" % window.remaining),
        (b"x-ratelimit-reset-" + kind, b"%.3fs" % wait),
    ]
