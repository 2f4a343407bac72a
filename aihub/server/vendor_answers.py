"""What answers in Anthropic's and in Google's words look like, as JSON Schema.

Open, unlike our own: what a provider of the dialect says besides is passed on.
"""

from __future__ import annotations

from ..model.units import Json

TEXT: Json = {"type": "string"}
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
COUNT_OR_NULL: Json = {"type": ["integer", "null"], "minimum": 0}
_USD: Json = {"type": "number", "minimum": 0, "description": "USD, exact."}
_SOURCE: Json = {"enum": ["provider", "counted", "estimated"]}
_BOOLEAN: Json = {"type": "boolean"}
_OBJECT: Json = {"type": "object"}


def _ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{name}"}


def _open(optional: dict[str, Json] | None = None, /, **required: Json) -> dict[str, Json]:
    """Return an object with *required* fields, perhaps *optional* ones, and whatever else."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": sorted(required)}


def _list(items: Json) -> dict[str, Json]:
    return {"type": "array", "items": items}


# Anthropic

_STOP_REASON: Json = {
    "enum": [
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "tool_use",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
        None,
    ]
}
_ENDING: dict[str, Json] = {
    "stop_reason": _STOP_REASON,
    "stop_sequence": TEXT_OR_NULL,
    "stop_details": {"type": ["object", "null"]},
}
_COUNTS: dict[str, Json] = {
    "input_tokens": COUNT,
    "cache_creation_input_tokens": COUNT,
    "cache_read_input_tokens": COUNT,
    "output_tokens": COUNT,
    "output_tokens_details": {"type": ["object", "null"]},
}
_PRICED: dict[str, Json] = {"cost": _USD, "source": _SOURCE}
_BLOCK: Json = {
    "anyOf": [
        _open(
            {"citations": {"type": ["array", "null"], "items": {}}},
            type={"const": "text"},
            text=TEXT,
        ),
        _open(type={"const": "thinking"}, thinking=TEXT, signature=TEXT),
        _open(type={"const": "redacted_thinking"}, data=TEXT),
        _open(type={"const": "tool_use"}, id=TEXT, name=TEXT, input=_OBJECT),
        _open(type=TEXT),
    ]
}
_DELTA: Json = {
    "anyOf": [
        _open(type={"const": "text_delta"}, text=TEXT),
        _open(type={"const": "thinking_delta"}, thinking=TEXT),
        _open(type={"const": "signature_delta"}, signature=TEXT),
        _open(type={"const": "input_json_delta"}, partial_json=TEXT),
        _open(type={"const": "citations_delta"}, citation=_OBJECT),
    ]
}


def _message(content: Json, usage: Json) -> dict[str, Json]:
    return _open(
        id={"type": "string", "pattern": "^msg_"},
        type={"const": "message"},
        role={"const": "assistant"},
        model=TEXT,
        content=content,
        usage=usage,
        container={"type": ["object", "null"]},
        **_ENDING,
    )


def _anthropic() -> dict[str, Json]:
    begun = _message({"type": "array", "items": {}, "maxItems": 0}, _open(**_COUNTS))
    return {
        "AnthropicError": _open(
            type={"const": "error"},
            error=_open(
                type={
                    "enum": [
                        "invalid_request_error",
                        "authentication_error",
                        "permission_error",
                        "not_found_error",
                        "rate_limit_error",
                        "timeout_error",
                        "overloaded_error",
                        "api_error",
                    ]
                },
                message=TEXT,
                param=TEXT_OR_NULL,
                code=TEXT,
            ),
            request_id=TEXT,
        ),
        "AnthropicMessage": _message(_list(_BLOCK), _open(**_COUNTS, **_PRICED)),
        "AnthropicEvent": {
            "anyOf": [
                _open(type={"const": "message_start"}, message=begun),
                _open(
                    type={"const": "content_block_start"},
                    index=COUNT,
                    content_block=_BLOCK,
                ),
                _open(type={"const": "content_block_delta"}, index=COUNT, delta=_DELTA),
                _open(type={"const": "content_block_stop"}, index=COUNT),
                _open(
                    type={"const": "message_delta"},
                    delta=_open(**_ENDING),
                    usage=_open(**_COUNTS, **_PRICED),
                ),
                _open(type={"const": "message_stop"}),
                _open(type={"const": "ping"}),
            ]
        },
        "AnthropicCount": _open(input_tokens=COUNT),
        "AnthropicModel": _open(
            type={"const": "model"},
            id=TEXT,
            display_name=TEXT,
            created_at={"type": "string", "format": "date-time"},
            max_input_tokens=COUNT_OR_NULL,
            max_tokens=COUNT_OR_NULL,
            capabilities={"type": ["object", "null"]},
        ),
        "AnthropicModels": _open(
            data=_list(_ref("AnthropicModel")),
            has_more=_BOOLEAN,
            first_id=TEXT_OR_NULL,
            last_id=TEXT_OR_NULL,
        ),
    }


# Google

_CANDIDATE = _open(
    {
        "finishReason": TEXT,
        "finishMessage": TEXT,
        "stopSequence": TEXT,
        "logprobsResult": _OBJECT,
    },
    index=COUNT,
    content=_open(
        role={"const": "model"},
        parts=_list(
            _open(
                {
                    "text": TEXT,
                    "thought": _BOOLEAN,
                    "thoughtSignature": TEXT,
                    "functionCall": _open({"id": TEXT}, name=TEXT, args=_OBJECT),
                }
            )
        ),
    ),
)


def _google() -> dict[str, Json]:
    usage = _open(
        {
            "cachedContentTokenCount": COUNT,
            "thoughtsTokenCount": COUNT,
            "cacheWriteTokenCount": COUNT,
        },
        promptTokenCount=COUNT,
        candidatesTokenCount=COUNT,
        totalTokenCount=COUNT,
        **_PRICED,
    )
    return {
        "GeminiError": _open(
            error=_open(code={"type": "integer"}, message=TEXT, status=TEXT, details=_list(_OBJECT))
        ),
        "GeminiAnswer": _open(
            {"usageMetadata": usage},
            candidates=_list(_CANDIDATE),
            modelVersion=TEXT,
            responseId=TEXT,
        ),
        "GeminiAnswers": _list({"anyOf": [_ref("GeminiAnswer"), _ref("GeminiError")]}),
        "GeminiCount": _open(totalTokens=COUNT),
        "GeminiModel": _open(
            {"outputTokenLimit": COUNT},
            name={"type": "string", "pattern": "^models/"},
            version=TEXT,
            displayName=TEXT,
            inputTokenLimit=COUNT,
            supportedGenerationMethods=_list(TEXT),
            thinking=_BOOLEAN,
        ),
        "GeminiModels": _open({"nextPageToken": TEXT}, models=_list(_ref("GeminiModel"))),
    }


def vendor_schemas() -> dict[str, Json]:
    """Return every object by its name."""
    return {**_anthropic(), **_google()}
