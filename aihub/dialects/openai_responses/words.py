"""The dialect's name, and OpenAI's words in it for what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

NAME = "openai_responses"
VENDOR = "OpenAI Responses"

MIN_OUTPUT = 16
"""Tokens that an answer may have at least: OpenAI's own bound."""

LOGPROBS = "message.output_text.logprobs"
REASONING = "reasoning.encrypted_content"
"""What an answer has where it is asked to: probabilities of tokens, reasoning to be sent back."""

TRIGGER = "compaction_trigger"
"""An item that asks for something, and says nothing."""

_OF_PICTURES = (
    *("invalid_image", "invalid_image_format", "invalid_base64_image", "invalid_image_url"),
    *("image_too_large", "image_too_small", "image_parse_error", "image_content_policy_violation"),
    *("invalid_image_mode", "image_file_too_large", "unsupported_image_media_type"),
    *("empty_image_file", "failed_to_download_image", "image_file_not_found"),
)

STATUSES: Mapping[str, int] = {
    "invalid_prompt": 400,
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    **dict.fromkeys(_OF_PICTURES, 400),
    "authentication_error": 401,
    "permission_error": 403,
    "rate_limit_exceeded": 429,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "server_error": 500,
    "vector_store_timeout": 500,
    "overloaded_error": 503,
    "server_is_overloaded": 503,
    "slow_down": 503,
}
"""What an error in an answer would have been as a status, by its code or type; else 500."""
