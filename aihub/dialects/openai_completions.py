"""OpenAI's completions of texts (legacy), inbound: each prompt is asked as a chat of one message.

Source: OpenAI's published OpenAPI document, `CreateCompletionRequest`, `CreateCompletionResponse`.
The models that only continued texts are gone or going, so any chat model answers here: the prompt
is what the user says, a `suffix` is told the model beforehand, and what is asked of the answer
(`max_tokens`, `stop`, `logprobs`, ...) is asked of the chat's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import orjson

from ..messages import Msg
from ..model.chat import Chat, Message
from ..model.events import Choice, Completion, Event, Finished, Text
from ..model.units import SECOND, Json, Micros, Pico
from ..model.usage import Usage
from .fields import Check, Fault, boolean, described, integer, missing, schema_of, string
from .objects import json_object, nullable, refusal
from .openai_chat import request_from, request_schema, usage_object
from .sse import DONE

MAX_PROMPTS = 128
"""Texts of one request: each is a request of its own to the hub, and all are admitted at once."""

MAX_BEST_OF = 20
"""OpenAI's own bound."""

USUAL_TOKENS = 16
"""`max_tokens` where nothing is said: this door's own default."""

_TOKEN = integer(0)
_CHOICES = 128


def _prompt(value: Json, path: str) -> tuple[str | tuple[int, ...], ...]:
    """Take a text, tokens, or an array of either; null is an empty text."""
    if value is None or isinstance(value, str):
        return (value or "",)
    if not isinstance(value, list):
        raise Fault(
            path,
            Msg("Invalid type for '{path}': expected text or an array.", path=path),
            "invalid_type",
        )
    if not value:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    if type(value[0]) in (int, float):
        return (_tokens(value, path),)
    if len(value) > MAX_PROMPTS:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': array too long. Expected an array with maximum length "
                "{high}, but got one with length {length} instead.",
                path=path,
                high=MAX_PROMPTS,
                length=len(value),
            ),
            "array_above_max_length",
        )
    return tuple(
        [
            _tokens(one, f"{path}[{n}]") if isinstance(one, list) else string(one, f"{path}[{n}]")
            for n, one in enumerate(value)
        ]
    )


def _tokens(value: list[Json], path: str) -> tuple[int, ...]:
    if not value:
        raise Fault(path, Msg("Invalid '{path}': empty array.", path=path), "empty_array")
    return tuple([_TOKEN(one, f"{path}[{n}]") for n, one in enumerate(value)])


_NUMBERS: dict[str, Json] = {"type": "array", "items": schema_of(_TOKEN), "minItems": 1}
_TEXTS: dict[str, Json] = {
    "type": "array",
    "items": {"anyOf": [{"type": "string"}, _NUMBERS]},
    "minItems": 1,
    "maxItems": MAX_PROMPTS,
}
described({"anyOf": [{"type": "string"}, {"type": "null"}, _NUMBERS, _TEXTS]}, _prompt)

OWN: Mapping[str, Check] = {
    "prompt": _prompt,
    "suffix": nullable(string),
    "echo": nullable(boolean),
    "best_of": nullable(integer(0, MAX_BEST_OF)),
    "logprobs": nullable(integer(0, 5)),
    "n": nullable(integer(1, _CHOICES)),
    "max_tokens": nullable(integer(1)),
}
"""The fields that a chat does not have, or has otherwise; all others are the chat's."""

_CHATS_ALONE = frozenset(
    {"messages", "session_id", "tools", "functions", "max_completion_tokens", "top_logprobs"}
)
_BEFORE_SUFFIX = "Continue the user's text. After what you write it goes on with:"
_NO_PROMPT = [{"role": "user", "content": ""}]


@attrs.define(kw_only=True)
class TextRequest:
    """Texts to be continued: the chat that each prompt is asked as, but for the prompt itself."""

    chat: Chat
    prompts: tuple[str | tuple[int, ...], ...]
    suffix: str | None = None
    echo: bool = False
    n: int = 1

    def asked(self, prompt: str) -> Chat:
        """Return the chat for one prompt."""
        said = [Message("user", prompt)]
        if self.suffix:
            told = (
                f"Continue the user's text. It goes on, after what you write, with: {self.suffix}"
            )
            said.insert(0, Message("system", told))
        return attrs.evolve(self.chat, messages=tuple(said))


def decode_request(body: bytes, *, lenient: bool = False) -> TextRequest:
    """Read a request's body.

    Args:
        body: JSON.
        lenient: leave out what is wrong, where the request can do without it.

    Raises:
        InvalidRequest: the body is not JSON, or fields are wrong; `faults` lists them all.
    """
    fields = json_object(body)
    own: dict[str, Any] = {}
    faults: list[Fault] = [] if "prompt" in fields else [missing("prompt")]
    for name in OWN.keys() & fields.keys():
        try:
            own[name] = OWN[name](fields[name], name)
        except Fault as fault:
            faults.append(fault)
    n, best_of = own.get("n") or 1, own.get("best_of") or 0
    if 0 < best_of < n:
        faults.append(Fault("best_of", Msg("'best_of' must not be below 'n'."), "invalid_value"))
    elif best_of > n and fields.get("stream") is True:
        faults.append(
            Fault(
                "best_of",
                Msg("The best cannot be told while they stream."),
                "unsupported_parameter",
            )
        )
    faults += [_unknown(name) for name in sorted(_CHATS_ALONE & fields.keys())]
    if faults:
        raise refusal(faults)
    rest = {name: value for name, value in fields.items() if name not in OWN}
    rest |= {"messages": _NO_PROMPT, "max_tokens": own.get("max_tokens") or USUAL_TOKENS}
    if max(n, best_of) > 1:
        rest["n"] = max(n, best_of)
    if own.get("logprobs") is not None:
        rest |= {"logprobs": True, "top_logprobs": own["logprobs"]}
    return TextRequest(
        chat=request_from(rest, lenient=lenient),
        prompts=own["prompt"],
        suffix=own.get("suffix"),
        echo=bool(own.get("echo")),
        n=n,
    )


def _unknown(name: str) -> Fault:
    return Fault(name, Msg("Unknown parameter: '{path}'.", path=name), "unknown_parameter")


def text_schema() -> dict[str, Json]:
    """Return the JSON Schema of the bodies that `decode_request` takes."""
    chat = request_schema()
    properties = {
        name: schema for name, schema in chat["properties"].items() if name not in _CHATS_ALONE
    }
    own = {name: schema_of(check) for name, check in OWN.items()}
    return {
        "type": "object",
        "properties": {**properties, **own},
        "required": ["model", "prompt"],
    }


# Answers


def _id(id: str) -> str:
    return "cmpl-" + id.removeprefix("chatcmpl-")


def _reason(choice_reason: str) -> str:
    return choice_reason if choice_reason in {"stop", "length", "content_filter"} else "stop"


def encode_completion(request: TextRequest, done: Completion, prompts: Sequence[str]) -> bytes:
    """Write the continuations of *prompts*, of which *done* has the choices, prompt by prompt."""
    each = len(done.choices) // len(prompts)
    told: list[Json] = []
    for which, prompt in enumerate(prompts):
        choices = best(done.choices[which * each : (which + 1) * each], request.n)
        for choice in choices:
            before = prompt if request.echo else ""
            told.append(
                {
                    "text": before + (choice.text or choice.refusal or ""),
                    "index": len(told),
                    "logprobs": legacy_logprobs(choice.logprobs, len(before)),
                    "finish_reason": _reason(choice.finish_reason),
                }
            )
    fields: dict[str, Json] = {
        "id": _id(done.id),
        "object": "text_completion",
        "created": done.created // SECOND,
        "model": done.model,
        "choices": told,
        "usage": usage_object(done.usage, done.cost),
    }
    if done.fingerprint is not None:
        fields["system_fingerprint"] = done.fingerprint
    return orjson.dumps(fields)


def best(choices: Sequence[Choice], n: int) -> Sequence[Choice]:
    """Return *n* choices: the likeliest a token, or the first where nothing tells how likely."""
    if len(choices) <= n:
        return choices
    return sorted(choices, key=_likelihood, reverse=True)[:n]


def _likelihood(choice: Choice) -> float:
    found = [one["logprob"] for one in choice.logprobs or ()]
    return sum(found) / len(found) if found else 0.0


def legacy_logprobs(entries: Json, offset: int) -> Json:
    """Write probabilities as this door has them: arrays, with where each token begins."""
    if entries is None:
        return None
    offsets = []
    for one in entries:
        offsets.append(offset)
        offset += len(one["token"])
    return {
        "tokens": [one["token"] for one in entries],
        "token_logprobs": [one["logprob"] for one in entries],
        "top_logprobs": [
            {top["token"]: top["logprob"] for top in one.get("top_logprobs") or ()}
            for one in entries
        ],
        "text_offset": offsets,
    }


class StreamEncoder:
    """Write one stream's chunks: events in, bytes out, and at last `end`.

    Args:
        id: the answer's id.
        created: when the request was admitted.
        model: the model's name as asked.
        request: what was asked.
        prompts: its prompts as texts, which are told first where they are to be echoed.
    """

    def __init__(
        self,
        *,
        id: str,
        created: Micros,
        model: str,
        request: TextRequest,
        prompts: Sequence[str],
    ) -> None:
        self._head = {
            "id": _id(id),
            "object": "text_completion",
            "created": created // SECOND,
            "model": model,
        }
        self._request = request
        self._prompts = prompts
        self._offsets: dict[int, int] = {}

    def encode(self, one: Event) -> bytes:
        """Write an event; empty where this door has no chunk for it."""
        if isinstance(one, Text):
            return self._begun(one.index) + self._text(one)
        if isinstance(one, Finished):
            reason = _reason(one.reason)
            return self._begun(one.index) + self._chunk(one.index, "", None, reason)
        return b""

    def _begun(self, index: int) -> bytes:
        if index in self._offsets:
            return b""
        prompt = self._prompts[index // self._request.n] if self._request.echo else ""
        self._offsets[index] = len(prompt)
        return self._chunk(index, prompt, None, None) if prompt else b""

    def _text(self, one: Text) -> bytes:
        logprobs = legacy_logprobs(one.logprobs, self._offsets[one.index])
        self._offsets[one.index] += len(one.text)
        return self._chunk(one.index, one.text, logprobs, None)

    def _chunk(self, index: int, text: str, logprobs: Json, reason: str | None) -> bytes:
        choice = {"text": text, "index": index, "logprobs": logprobs, "finish_reason": reason}
        return _data({**self._head, "choices": [choice]})

    def end(self, usage: Usage, cost: Pico) -> bytes:
        """Write the end, and before it the usage where it is asked for."""
        if not self._request.chat.include_usage:
            return DONE
        told = {**self._head, "choices": [], "usage": usage_object(usage, cost)}
        return _data(told) + DONE


def _data(value: Json) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"
