"""Anthropic's words for why an answer ended and for what went wrong, and ours."""

from __future__ import annotations

from collections.abc import Mapping

from ...model.chat import FinishReason

NAME = "anthropic"
VENDOR = "Anthropic"

FINISHES: Mapping[str, FinishReason] = {
    "end_turn": "stop",
    "max_tokens": "length",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "pause_turn": "stop",
    "refusal": "content_filter",
    "model_context_window_exceeded": "length",
}

_REASONS: Mapping[FinishReason, str] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def usual_reason(reason: FinishReason, stop: str | None) -> str:
    """Return the stop reason that says *reason*, met at the sequence *stop* or at none."""
    return "stop_sequence" if reason == "stop" and stop is not None else _REASONS[reason]


def stop_reason(reason: FinishReason, native: str | None, stop: str | None) -> str:
    """Return the stop reason to write: the provider's own where it was in these words."""
    return native if native is not None and native in FINISHES else usual_reason(reason, stop)


STATUSES: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""What an error would have been as an answer, for those that come in the middle of a stream."""
