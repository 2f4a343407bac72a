"""Responses, written: whole ones, the items of their output, and what they repeat of a request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ...model.chat import COMPACTION, ReasoningPart, ToolCall
from ...model.compaction import Compaction
from ...model.events import Choice, Completion
from ...model.units import SECOND, Json, Micros, Pico, format_usd
from ...model.usage import Usage
from . import secrets

CUT: Mapping[str, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
"""Why an answer is not complete, by the reason it ended."""

_PLAIN: Mapping[str, Json] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "prompt_cache_retention": None,
    "safety_identifier": None,
    "service_tier": "default",
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What a response repeats of its request, and what it says where that says nothing."""

# OpenAI's document has these as a text or not at all.
_NOT_NULL = frozenset({"prompt_cache_key", "safety_identifier", "user"})


def echo(fields: Mapping[str, Json]) -> dict[str, Json]:
    """Return what a response repeats of the fields of its request."""
    told = {
        name: fields.get(name, usual)
        for name, usual in _PLAIN.items()
        if name in fields or name not in _NOT_NULL
    }
    if told["service_tier"] == "auto":
        told["service_tier"] = "default"
    text, reasoning = fields.get("text") or {}, fields.get("reasoning") or {}
    conversation = fields.get("conversation")
    if isinstance(conversation, str):
        conversation = {"id": conversation}
    return {
        **told,
        "conversation": conversation,
        "metadata": fields.get("metadata", {}),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "text": {
            "format": text.get("format") or {"type": "text"},
            "verbosity": text.get("verbosity"),
        },
        "tools": [_tool(one) for one in fields.get("tools", ())],
    }


def _tool(one: dict[str, Json]) -> dict[str, Json]:
    """Repeat a tool; of a function its document wants more than a request needs to say."""
    if one["type"] != "function":
        return one
    return {"strict": False, "parameters": None, "description": None, **one}


def response_object(
    id: str,
    created: Micros,
    model: str,
    repeated: Mapping[str, Json],
    *,
    status: str,
    output: list[Json],
    **more: Json,
) -> dict[str, Json]:
    """Return a response of which *more* may be known, such as its usage."""
    return {
        "id": id,
        "object": "response",
        "created_at": created // SECOND,
        "status": status,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "model": model,
        **repeated,
        "output": output,
        **more,
    }


def ended(done: Completion) -> dict[str, Json]:
    """Return what is known of a response when its answer is whole."""
    why = CUT.get(done.choices[0].finish_reason)
    return {
        "status": "incomplete" if why else "completed",
        "completed_at": None if why else (done.ended or done.created) // SECOND,
        "incomplete_details": {"reason": why} if why else None,
        "usage": usage_object(done.usage, done.cost),
    }


def response_bytes(id: str, done: Completion, repeated: Mapping[str, Json]) -> bytes:
    """Write the response to a request that is answered whole."""
    return orjson.dumps(answered(id, done, repeated))


def answered(id: str, done: Completion, repeated: Mapping[str, Json]) -> dict[str, Json]:
    """Return a response whose answer is whole."""
    items = output_items(id, done.choices[0], summarized=wants_summary(repeated))
    told = ended(done)
    return response_object(id, done.created, done.model, repeated, output=items, **told)


def wants_summary(repeated: Mapping[str, Json]) -> bool:
    """Say whether reasoning is told as a summary of it."""
    return (repeated.get("reasoning") or {}).get("summary") is not None


def compaction_object(done: Compaction) -> dict[str, Json]:
    """Return a conversation made short: items that are sent in its place.

    Those of a provider's own are told as they came.
    """
    place = done.id.removeprefix("cmp-")
    ours = {
        "id": f"cmp_{place}",
        "type": COMPACTION,
        "encrypted_content": secrets.seal(done.summary),
    }
    return {
        "id": f"resp_{place}",
        "object": "response.compaction",
        "created_at": done.created // SECOND,
        "output": list(done.items) or [ours],
        "usage": usage_object(done.usage, done.cost),
    }


def usage_object(usage: Usage, cost: Pico) -> dict[str, Json]:
    """Write a usage; `cost` is exact, in USD, and `source` says who counted."""
    return {
        "input_tokens": usage.prompt,
        "input_tokens_details": {"cached_tokens": usage.cached},
        "output_tokens": usage.completion,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.total,
        "cost": orjson.Fragment(format_usd(cost)),
        "source": usage.source,
    }


# The output


def output_items(id: str, choice: Choice, *, summarized: bool) -> list[Json]:
    """Return the items of an answer: its reasoning, its text, its calls."""
    place = id.removeprefix("resp_")
    status = "incomplete" if choice.finish_reason in CUT else "completed"
    items: list[Json] = [
        reasoning_item(f"rs_{place}_{n}", part, summarized=summarized)
        for n, part in enumerate(thoughts_of(choice))
    ]
    parts: list[Json] = []
    if choice.text or not (choice.refusal or choice.tool_calls):
        parts.append(text_part(choice.text or "", choice.logprobs))
    if choice.refusal:
        parts.append({"type": "refusal", "refusal": choice.refusal})
    if parts:
        items.append(message_item(f"msg_{place}", parts, status))
    items += [call_item(f"{place}_{n}", call, status) for n, call in enumerate(choice.tool_calls)]
    return items


def thoughts_of(choice: Choice) -> list[ReasoningPart]:
    """Return the pieces of an answer's reasoning: those that are signed, and what is left."""
    told = sum([len(one.text) for one in choice.thoughts])
    rest = (choice.reasoning or "")[told:]
    return [*choice.thoughts, *([ReasoningPart(rest)] if rest else ())]


def reasoning_item(id: str, part: ReasoningPart, *, summarized: bool) -> dict[str, Json]:
    """Return a piece of reasoning: as a summary where one was asked for, else as it is."""
    item: dict[str, Json] = {"id": id, "type": "reasoning", "summary": []}
    if part.text:
        kind = "summary" if summarized else "content"
        item[kind] = [{"type": reasoning_kind(summarized=summarized), "text": part.text}]
    carried = secrets.encrypted(part)
    if carried is not None:
        item["encrypted_content"] = carried
    return item


def reasoning_kind(*, summarized: bool) -> str:
    """Return the type of a piece of reasoning's text."""
    return "summary_text" if summarized else "reasoning_text"


def message_item(id: str, parts: list[Json], status: str) -> dict[str, Json]:
    """Return a message of the model's."""
    return {
        "id": id,
        "type": "message",
        "status": status,
        "role": "assistant",
        "content": parts,
    }


def text_part(text: str, logprobs: Json = None) -> dict[str, Json]:
    """Return a part that is text."""
    return {
        "type": "output_text",
        "text": text,
        "annotations": [],
        "logprobs": [_logprob(one) for one in logprobs or ()],
    }


def _logprob(one: dict[str, Any]) -> dict[str, Json]:
    """Write a token's probability; its bytes are a list here, be they known or not."""
    others = [{**other, "bytes": other.get("bytes") or []} for other in one.get("top_logprobs", ())]
    return {**one, "bytes": one.get("bytes") or [], "top_logprobs": others}


def call_item(place: str, call: ToolCall, status: str) -> dict[str, Json]:
    """Return a call of a tool."""
    if call.type == "custom":
        return {
            "id": f"ctc_{place}",
            "type": "custom_tool_call",
            "status": status,
            "call_id": call.id,
            "name": call.name,
            "input": call.arguments,
        }
    item = {
        "id": f"fc_{place}",
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }
    if call.signature is not None:
        item["encrypted_content"] = secrets.SIGNED + call.signature
    return item
