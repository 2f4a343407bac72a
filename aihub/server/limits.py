"""Windows as headers: the API document's, and on inference a vendor's beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from ..model.ledger import WindowKind, WindowState
from ..model.units import SECOND, Micros, rfc3339
from .envelopes import ANTHROPIC, ANTHROPIC_CHAT, Envelope
from .http import Headers

Style: TypeAlias = Callable[[WindowKind, WindowState, Micros], Headers]
"""How a vendor's headers tell one window."""


def tightest(windows: Sequence[WindowState], kind: WindowKind) -> WindowState | None:
    """Return the window of *kind* with the least left; None where nothing limits."""
    found = None
    for window in windows:
        if window.kind == kind and (found is None or window.remaining < found.remaining):
            found = window
    return found


def add_limits(
    headers: Headers, windows: Sequence[WindowState], now: Micros, *, style: Style | None
) -> None:
    """Tell *windows* in *headers*, and in a vendor's *style* too. What does not exist has none.

    `X-RateLimit-Reset` is in epoch seconds: when the window is full again.
    """
    requests = tightest(windows, "requests")
    if requests is not None:
        headers += [
            (b"x-ratelimit-limit", b"%d" % requests.limit),
            (b"x-ratelimit-remaining", b"%d" % requests.remaining),
            (b"x-ratelimit-reset", b"%d" % -(-requests.resets_at // SECOND)),
        ]
        if style is not None:
            headers += style("requests", requests, now)
    if style is not None:
        tokens = tightest(windows, "tokens")
        if tokens is not None:
            headers += style("tokens", tokens, now)


def _openai(kind: WindowKind, window: WindowState, now: Micros) -> Headers:
    wait, name = max(0, window.resets_at - now) / SECOND, kind.encode()
    return [
        (b"x-ratelimit-limit-" + name, b"%d" % window.limit),
        (b"x-ratelimit-remaining-" + name, b"%d" % window.remaining),
        (b"x-ratelimit-reset-" + name, b"%.3fs" % wait),
    ]


def _anthropic(kind: WindowKind, window: WindowState, _now: Micros) -> Headers:
    name, full = kind.encode(), -(-window.resets_at // SECOND) * SECOND
    return [
        (b"anthropic-ratelimit-" + name + b"-limit", b"%d" % window.limit),
        (b"anthropic-ratelimit-" + name + b"-remaining", b"%d" % window.remaining),
        (b"anthropic-ratelimit-" + name + b"-reset", rfc3339(full).encode()),
    ]


_OTHERS: Mapping[Envelope, Style] = {ANTHROPIC: _anthropic, ANTHROPIC_CHAT: _anthropic}


def style_of(envelope: Envelope) -> Style:
    """Return the style of those who are told errors so: OpenAI's but for one. Google has none."""
    return _OTHERS.get(envelope, _openai)
