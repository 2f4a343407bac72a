"""OpenAI's moderations, both ways.

Source: OpenAI's published OpenAPI document, `CreateModerationRequest`, `CreateModerationResponse`.
An array of texts is judged one by one; an array of parts, texts and pictures, as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from ..messages import Msg
from ..model.chat import OtherPart, TextPart
from ..model.events import Moderated
from ..model.moderation import (
    CATEGORIES,
    DEFAULT_MODERATOR,
    MAX_JUDGED,
    Content,
    Judgement,
    Moderation,
    ModerationRequest,
)
from ..model.units import Json
from ..protocols import ModerationCall
from .fields import SHOWN, Check, Fault, described, shape, string, text_of, variants
from .objects import nullable, read_open
from .openai_chat import MAX_MODEL
from .outbound import Wire
from .reading import Unreadable, bad_answer, field, json_of, objects

_PART = variants(
    {
        "text": shape({"text": string}, ["text"]),
        "image_url": shape({"image_url": shape({"url": string}, ["url"])}, ["image_url"]),
    }
)


def _input(value: Json, path: str) -> tuple[Content, ...]:
    """Take a text, an array of texts, or an array of parts."""
    if isinstance(value, str):
        return ((TextPart(value),),)
    if not isinstance(value, list):
        raise Fault(
            path,
            Msg("Invalid type for '{path}': expected text or an array.", path=path),
            "invalid_type",
        )
    if not value:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    if len(value) > MAX_JUDGED:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': array too long. Expected an array with maximum length "
                "{high}, but got one with length {length} instead.",
                path=path,
                high=MAX_JUDGED,
                length=len(value),
            ),
            "array_above_max_length",
        )
    if isinstance(value[0], dict):
        return (tuple([_part(one, f"{path}[{n}]") for n, one in enumerate(value)]),)
    return tuple([(TextPart(string(one, f"{path}[{n}]")),) for n, one in enumerate(value)])


def _part(value: Json, path: str) -> TextPart | OtherPart:
    part = _PART(value, path)
    kind = part["type"]
    if kind == "text":
        return TextPart(part["text"])
    if kind == "image_url":
        return OtherPart(kind, part)
    raise Fault(
        f"{path}.type",
        Msg(
            "Invalid value: '{value}'. Supported values are: {known}.",
            value=kind[:SHOWN],
            known="'image_url', 'text'",
        ),
        "invalid_value",
    )


_URL: dict[str, Json] = {"type": "object", "properties": {"url": {"type": "string"}}}
described(
    {
        "anyOf": [
            {"type": "string"},
            {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                "maxItems": MAX_JUDGED,
            },
            {
                "type": "array",
                "items": {
                    "anyOf": [
                        {
                            "type": "object",
                            "properties": {"type": {"const": "text"}, "text": {"type": "string"}},
                            "required": ["type", "text"],
                        },
                        {
                            "type": "object",
                            "properties": {
                                "type": {"const": "image_url"},
                                "image_url": {**_URL, "required": ["url"]},
                            },
                            "required": ["type", "image_url"],
                        },
                    ]
                },
                "minItems": 1,
                "maxItems": MAX_JUDGED,
            },
        ]
    },
    _input,
)

MODERATION: Mapping[str, Check] = {"input": _input, "model": nullable(text_of(1, MAX_MODEL))}
"""The fields of a request; others travel on to a provider of this dialect."""

REQUIRED = ("input",)


def decode_request(body: bytes) -> ModerationRequest:
    """Read a request's body.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    values, extra = read_open(body, MODERATION, REQUIRED)
    return ModerationRequest(
        model=values.get("model") or DEFAULT_MODERATOR, inputs=values["input"], extra=extra
    )


def encode_moderation(done: Moderation) -> bytes:
    """Write judgements; `source` says by what they were made, where that is no model."""
    fields: dict[str, Json] = {
        "id": done.id,
        "model": done.model,
        "results": [
            {
                "flagged": one.flagged,
                "categories": dict(one.categories),
                "category_scores": dict(one.scores),
                "category_applied_input_types": {
                    name: list(types) for name, types in one.types.items()
                },
            }
            for one in done.results
        ],
    }
    if done.source is not None:
        fields["source"] = done.source
    return orjson.dumps(fields)


# To a provider and back


def encode_call(call: ModerationCall) -> Wire:
    """Write a call."""
    inputs = call.request.inputs
    if len(inputs) == 1 and not (len(inputs[0]) == 1 and isinstance(inputs[0][0], TextPart)):
        told: list[Json] = [_part_object(part) for part in inputs[0]]
    else:
        told = [_text_of(content) for content in inputs]
    fields = {"model": call.upstream_model, "input": told, **(call.request.extra or {})}
    return Wire(path="/moderations", body=orjson.dumps(fields))


def _text_of(content: Content) -> str:
    return "".join([part.text for part in content if isinstance(part, TextPart)])


def _part_object(part: TextPart | OtherPart) -> Json:
    return {"type": "text", "text": part.text} if isinstance(part, TextPart) else part.data


def decode_answer(body: bytes) -> Moderated:
    """Read a provider's judgements.

    A category that it does not tell of is not flagged: older models know eleven.

    Raises:
        UpstreamFailed: it cannot be read.
    """
    try:
        fields = json_of(body)
        results = tuple([_judgement(one) for one in objects(fields, "results")])
        model: str | None = field(fields, "model", str, None)
    except Unreadable as error:
        raise bad_answer(error) from None
    return Moderated(results=results, model=model)


def _judgement(one: dict[str, Any]) -> Judgement:
    flags: dict[str, Any] = field(one, "categories", dict, {})
    scores: dict[str, Any] = field(one, "category_scores", dict, {})
    types: dict[str, Any] = field(one, "category_applied_input_types", dict, {})
    return Judgement(
        flagged=field(one, "flagged", bool, False),
        categories={name: flags.get(name) is True for name in CATEGORIES},
        scores={name: _score(scores.get(name)) for name in CATEGORIES},
        types={name: _types(types.get(name)) for name in CATEGORIES},
    )


def _score(value: Any) -> float:
    return float(value) if type(value) in (int, float) else 0.0


def _types(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        return ("text",)
    return tuple([one for one in value if isinstance(one, str)])
