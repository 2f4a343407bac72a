"""What answers of OpenAI's Responses look like, as JSON Schema.

Open where the items of a vendor's own tools may stand: what was given is told again as it came.
"""

from __future__ import annotations

from ..model.units import Json
from .answers import COUNT, SECONDS, TEXT, TEXT_OR_NULL, USD, closed, published_page, ref

_OBJECT: Json = {"type": "object"}
_OBJECT_OR_NULL: Json = {"type": ["object", "null"]}
_STATUS: Json = {
    "enum": ["completed", "failed", "in_progress", "cancelled", "queued", "incomplete"]
}
_ITEM: Json = {
    "type": "object",
    "properties": {"type": TEXT, "id": TEXT},
    "required": ["type", "id"],
}
_ITEMS: Json = {"type": "array", "items": ref("ResponseItem")}


def _open(**required: Json) -> dict[str, Json]:
    return {"type": "object", "properties": required, "required": sorted(required)}


def response_schemas() -> dict[str, Json]:
    """Return every object by its name."""
    response = _open(
        id={"type": "string", "pattern": "^resp_"},
        object={"const": "response"},
        status=_STATUS,
        created_at=SECONDS,
        completed_at={"type": ["integer", "null"]},
        error={"anyOf": [closed(code=TEXT, message=TEXT), {"type": "null"}]},
        incomplete_details=_OBJECT_OR_NULL,
        instructions=TEXT_OR_NULL,
        model=TEXT,
        output=_ITEMS,
        metadata={"type": "object", "additionalProperties": TEXT},
        previous_response_id=TEXT_OR_NULL,
        conversation=_OBJECT_OR_NULL,
        parallel_tool_calls={"type": "boolean"},
        store={"type": "boolean"},
        background={"type": "boolean"},
        temperature={"type": "number"},
        top_p={"type": "number"},
        tools={"type": "array", "items": _OBJECT},
        tool_choice={"type": ["string", "object"]},
        truncation={"enum": ["auto", "disabled"]},
        text=_OBJECT,
        reasoning=_OBJECT,
    )
    response["properties"]["usage"] = {"anyOf": [ref("ResponseUsage"), {"type": "null"}]}
    return {
        "Response": response,
        "ResponseItem": _ITEM,
        "ResponseItems": published_page("ResponseItem"),
        "ResponseUsage": closed(
            input_tokens=COUNT,
            input_tokens_details=closed(cached_tokens=COUNT),
            output_tokens=COUNT,
            output_tokens_details=closed(reasoning_tokens=COUNT),
            total_tokens=COUNT,
            cost=USD,
            source={"enum": ["provider", "counted", "estimated"]},
        ),
        "ResponseDeleted": closed(id=TEXT, object={"const": "response"}, deleted={"const": True}),
        "ResponseCompaction": closed(
            id=TEXT,
            object={"const": "response.compaction"},
            created_at=SECONDS,
            # Those of a provider's own are as it has them.
            output={"type": "array", "items": _open(type=TEXT)},
            usage=ref("ResponseUsage"),
        ),
        "ResponseCount": closed(object={"const": "response.input_tokens"}, input_tokens=COUNT),
        "ResponseEvent": {
            "type": "object",
            "properties": {"type": TEXT, "sequence_number": COUNT},
            "required": ["type", "sequence_number"],
            "oneOf": [
                {
                    "properties": {
                        "type": {
                            "enum": [
                                f"response.{one}"
                                for one in (
                                    *("created", "queued", "in_progress", "completed"),
                                    *("incomplete", "failed"),
                                )
                            ]
                        },
                        "response": ref("Response"),
                    },
                    "required": ["response"],
                },
                {
                    "properties": {
                        "type": {
                            "enum": ["response.output_item.added", "response.output_item.done"]
                        },
                        "item": ref("ResponseItem"),
                        "output_index": COUNT,
                    },
                    "required": ["item", "output_index"],
                },
                {
                    "properties": {
                        "type": {
                            "type": "string",
                            "pattern": r"^response\.(content_part|output_text|refusal|reasoning_\w+"
                            r"|function_call_arguments|custom_tool_call_input)\.(added|delta|done)$",
                        },
                        "item_id": TEXT,
                        "output_index": COUNT,
                    },
                    "required": ["item_id", "output_index"],
                },
                {
                    "properties": {
                        "type": {"const": "error"},
                        "code": TEXT_OR_NULL,
                        "message": TEXT,
                        "param": TEXT_OR_NULL,
                    },
                    "required": ["code", "message", "param"],
                },
            ],
        },
    }
