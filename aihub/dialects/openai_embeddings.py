"""OpenAI's embeddings, both ways.

Source: OpenAI's published OpenAPI document, `CreateEmbeddingRequest`, `CreateEmbeddingResponse`.
"""

from __future__ import annotations

import math
import sys
from array import array
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from ..messages import Msg
from ..model.embedding import MAX_INPUTS, EmbeddingRequest, Embeddings, Vector
from ..model.events import Embedded
from ..model.units import Json, format_usd
from ..model.usage import Usage
from ..protocols import EmbeddingCall
from .fields import Check, Fault, described, integer, one_of, schema_of, string, text_of
from .objects import nullable, read_open
from .openai_chat import MAX_MODEL
from .outbound import Wire
from .reading import Unreadable, bad_answer, field, json_of, objects

_TOKEN = integer(0)


def _input(value: Json, path: str) -> tuple[str | tuple[int, ...], ...]:
    """Take a text, tokens, or an array of either; empty ones are refused."""
    if isinstance(value, str):
        return (_text(value, path),)
    if not isinstance(value, list):
        raise Fault(
            path,
            Msg("Invalid type for '{path}': expected text or an array.", path=path),
            "invalid_type",
        )
    if not value:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    if type(value[0]) in (int, float):
        return (tuple([_TOKEN(one, f"{path}[{n}]") for n, one in enumerate(value)]),)
    if len(value) > MAX_INPUTS:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': array too long. Expected an array with maximum length "
                "{high}, but got one with length {length} instead.",
                path=path,
                high=MAX_INPUTS,
                length=len(value),
            ),
            "array_above_max_length",
        )
    return tuple([_one(one, f"{path}[{n}]") for n, one in enumerate(value)])


def _one(value: Json, path: str) -> str | tuple[int, ...]:
    if isinstance(value, list):
        if not value:
            raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
        return tuple([_TOKEN(one, f"{path}[{n}]") for n, one in enumerate(value)])
    return _text(value, path)


def _text(value: Json, path: str) -> str:
    text = string(value, path)
    if not text:
        raise Fault(
            path, Msg("Invalid '{path}': the text is empty.", path=path), "string_below_min_length"
        )
    return text


_TOKENS: dict[str, Json] = {"type": "array", "items": schema_of(_TOKEN), "minItems": 1}
_TEXT: dict[str, Json] = {"type": "string", "minLength": 1}
_SEVERAL: dict[str, Json] = {"type": "array", "minItems": 1, "maxItems": MAX_INPUTS}
described(
    {"anyOf": [_TEXT, _TOKENS, {**_SEVERAL, "items": {"anyOf": [_TEXT, _TOKENS]}}]},
    _input,
)

EMBEDDING: Mapping[str, Check] = {
    "input": _input,
    "model": text_of(1, MAX_MODEL),
    "encoding_format": nullable(one_of(frozenset({"float", "base64"}))),
    "dimensions": nullable(integer(1)),
    "user": nullable(string),
}
"""The fields of a request; others travel on to a provider of this dialect."""

REQUIRED = ("input", "model")


def decode_request(body: bytes) -> tuple[EmbeddingRequest, bool]:
    """Read a request's body; say also whether vectors are wanted in base64.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    values, extra = read_open(body, EMBEDDING, REQUIRED)
    request = EmbeddingRequest(
        model=values["model"],
        inputs=values["input"],
        dimensions=values.get("dimensions"),
        user=values.get("user"),
        extra=extra,
    )
    return request, values.get("encoding_format") == "base64"


def encode_embeddings(done: Embeddings, *, as_base64: bool) -> bytes:
    """Write vectors, as numbers or as the base64 of little-endian 32-bit floats."""
    return orjson.dumps(
        {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": n,
                    "embedding": _packed(one) if as_base64 else list(one),
                }
                for n, one in enumerate(done.vectors)
            ],
            "model": done.model,
            "usage": {
                "prompt_tokens": done.usage.prompt,
                "total_tokens": done.usage.total,
                "cost": orjson.Fragment(format_usd(done.cost)),
                "source": done.usage.source,
            },
        }
    )


def _packed(vector: Vector) -> str:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()


# To a provider and back


def encode_call(call: EmbeddingCall) -> Wire:
    """Write a call; the vectors are asked for as numbers, which every server of the kind knows."""
    request = call.request
    inputs = [one if isinstance(one, str) else list(one) for one in request.inputs]
    fields: dict[str, Json] = {
        "model": call.upstream_model,
        "input": inputs,
        "encoding_format": "float",
    }
    if request.dimensions is not None:
        fields["dimensions"] = request.dimensions
    if request.user is not None:
        fields["user"] = request.user
    return Wire(path="/embeddings", body=orjson.dumps({**fields, **(request.extra or {})}))


def decode_answer(call: EmbeddingCall, body: bytes) -> Embedded:
    """Read a provider's vectors, in the order of its indexes.

    Raises:
        UpstreamFailed: it cannot be read, or is not one vector for each input.
    """
    try:
        fields = json_of(body, bounded=False)
        data = objects(fields, "data")
        found = {field(one, "index", int, n): one.get("embedding") for n, one in enumerate(data)}
        vectors = tuple([_vector(found.get(n)) for n in range(len(call.request.inputs))])
        usage: dict[str, Any] = field(fields, "usage", dict, {})
        model: str | None = field(fields, "model", str, None)
    except Unreadable as error:
        raise bad_answer(error) from None
    prompt = usage.get("prompt_tokens")
    return Embedded(
        vectors=vectors,
        usage=Usage(prompt, 0, source="provider") if type(prompt) is int else None,
        model=model,
    )


def _vector(value: Any) -> Vector:
    if not isinstance(value, list) or not value:
        raise Unreadable("An input has no vector.")
    try:
        vector = array("f", value)
    except (TypeError, OverflowError):
        raise Unreadable("A vector has something that is no number.") from None
    if not math.isfinite(sum(vector)):
        raise Unreadable("A vector has a number that is too large.")
    return vector
