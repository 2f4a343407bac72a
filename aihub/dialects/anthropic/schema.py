"""What `decode_request` takes, as JSON Schema: no narrower than it, and as telling as it can be.

A field that is null counts as not given. Blocks and tools of types that are not known here are
taken too, so each union ends with an open member.
"""

from __future__ import annotations

from ...model.units import Json

_TEXT: Json = {"type": "string"}
_OBJECT: Json = {"type": "object"}
_BOOLEAN: Json = {"type": "boolean"}


def _or_null(schema: Json) -> Json:
    if schema.keys() == {"type"}:
        return {"type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def _shape(optional: dict[str, Json] | None = None, /, **required: Json) -> dict[str, Json]:
    """Return an object with *required* fields, and *optional* ones that may be null."""
    more = {name: _or_null(one) for name, one in (optional or {}).items()}
    return {"type": "object", "properties": {**required, **more}, "required": sorted(required)}


_CACHE: dict[str, Json] = {"cache_control": _OBJECT}
_SOURCE: Json = {
    "anyOf": [
        _shape(type={"const": "base64"}, media_type=_TEXT, data=_TEXT),
        _shape(type={"const": "url"}, url=_TEXT),
        _shape(type={"const": "text"}, media_type=_TEXT, data=_TEXT),
        _OBJECT,
    ]
}


def _ref(name: str) -> dict[str, Json]:
    return {"$ref": f"#/components/schemas/{name}"}


def _said(items: Json) -> Json:
    return {"anyOf": [_TEXT, {"type": "array", "items": items}]}


_ANY_TYPE = _shape(type=_TEXT)


def _blocks() -> dict[str, Json]:
    """Return the kinds of blocks by name: what makes clients of a document wants names."""
    return {
        "AnthropicText": _shape(_CACHE, type={"const": "text"}, text=_TEXT),
        "AnthropicImage": _shape(_CACHE, type={"const": "image"}, source=_SOURCE),
        "AnthropicDocument": _shape(
            {**_CACHE, "title": _TEXT, "context": _TEXT},
            type={"const": "document"},
            source=_SOURCE,
        ),
        "AnthropicThinking": _shape(type={"const": "thinking"}, thinking=_TEXT, signature=_TEXT),
        "AnthropicRedacted": _shape(type={"const": "redacted_thinking"}, data=_TEXT),
        "AnthropicToolUse": _shape(
            _CACHE, type={"const": "tool_use"}, id=_TEXT, name=_TEXT, input=_OBJECT
        ),
        "AnthropicToolResult": _shape(
            # Blocks in a block are said no further: nor does it know circles.
            {**_CACHE, "content": _said(_ANY_TYPE), "is_error": _BOOLEAN},
            type={"const": "tool_result"},
            tool_use_id=_TEXT,
        ),
        "AnthropicOtherBlock": _ANY_TYPE,
    }


BLOCK = "AnthropicBlock"
REQUEST = "AnthropicRequest"
COUNT_REQUEST = "AnthropicCountRequest"

_TOOL: Json = {
    "anyOf": [
        _shape(
            {"type": _TEXT, "description": _TEXT, "strict": _BOOLEAN, **_CACHE},
            name={"type": "string", "minLength": 1, "maxLength": 128},
            input_schema=_OBJECT,
        ),
        _shape(type=_TEXT),
    ]
}
_CHOICE = _shape(
    {"name": _TEXT, "disable_parallel_tool_use": _BOOLEAN},
    type={"enum": ["auto", "any", "none", "tool"]},
)


def request_schemas(fields: dict[str, Json]) -> dict[str, Json]:
    """Return the schemas of requests by name.

    Args:
        fields: those of plain fields, which their checks know.
    """
    known: dict[str, Json] = {
        **fields,
        "system": _said(_ref(BLOCK)),
        "stop_sequences": {"type": "array", "items": _TEXT},
        "tools": {"type": "array", "items": _TOOL},
        "tool_choice": _CHOICE,
        "metadata": _shape({"user_id": _TEXT}),
        "output_config": _shape(
            {"effort": {"enum": ["low", "medium", "high", "xhigh", "max"]}, "format": _OBJECT}
        ),
        "thinking": _shape(
            {"budget_tokens": {"type": "integer", "minimum": 1024}, "display": _TEXT},
            type={"enum": ["enabled", "adaptive", "disabled"]},
        ),
    }
    message = _shape(
        role={"enum": ["user", "assistant", "system"]},
        content=_said(_ref(BLOCK)),
    )
    messages: Json = {"type": "array", "items": message, "minItems": 1}
    model, bound = known.pop("model"), known.pop("max_tokens")
    # That a model or a session must be named is not said: see `openai_chat.request_schema`.
    count = _shape({**known, "model": model, "max_tokens": bound}, messages=messages)
    request = _shape({**known, "model": model}, messages=messages, max_tokens=bound)
    blocks = _blocks()
    return {
        **blocks,
        BLOCK: {"anyOf": [_ref(name) for name in blocks]},
        REQUEST: request,
        COUNT_REQUEST: count,
    }
