"""How each dialect says that something went wrong: its status, object, and place in a stream."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import attrs
import orjson

from ..dialects.sse import event
from ..model.units import Json
from .problems import TOO_MANY, UNAVAILABLE, Problem


@attrs.frozen(kw_only=True, eq=False)
class Envelope:
    """A dialect's form of an error.

    Args:
        status: the status of an answer that is one.
        body: the object, for a request's id.
        in_band: a body in the middle of a stream, of which something has been written or not.
        names: where a field of ours stands in requests of this dialect: a pattern, and its name.
        id_header: a header that tells the request's id, besides our own.
        query_key: whether a key may stand in the query.
    """

    status: Callable[[Problem], int]
    body: Callable[[Problem, str], Json]
    in_band: Callable[[bytes, bool], bytes]
    names: tuple[tuple[re.Pattern[str], str], ...] = ()
    id_header: bytes | None = None
    query_key: bool = False

    def write(self, problem: Problem, request_id: str) -> bytes:
        """Return the body of an answer that says *problem*."""
        return orjson.dumps(self.body(self._renamed(problem), request_id))

    def _renamed(self, problem: Problem) -> Problem:
        """Say a field by the name that it has in this dialect; the text names it in any case."""
        param = problem.param
        if param is None or not self.names:
            return problem
        named = param
        for pattern, name in self.names:
            named = pattern.sub(name, named)
        message = problem.message.replace(f"'{param}'", f"'{named}'")
        if named not in message:
            message = f"{named}: {message}"
        return attrs.evolve(problem, message=message, param=named)


# OpenAI, and our own


def _openai(problem: Problem, _id: str) -> Json:
    fields: dict[str, Json] = {
        "message": problem.message,
        "type": problem.kind,
        "param": problem.param,
        "code": problem.code,
    }
    if problem.status == TOO_MANY:
        # As the API document has it.
        fields["retry_after"] = problem.retry_after
    return {"error": fields}


def _named(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple([(re.compile(f"^{pattern}"), name) for pattern, name in pairs])


OPENAI = Envelope(
    status=lambda problem: problem.status,
    body=_openai,
    in_band=lambda body, _begun: event(body),
)


# What has no messages is still counted and bounded as a chat: what is said of those is of these.
OPENAI_TEXTS = attrs.evolve(
    OPENAI,
    names=_named((r"messages.*", "prompt"), (r"top_logprobs$", "logprobs")),
)
OPENAI_INPUTS = attrs.evolve(OPENAI, names=_named((r"messages.*", "input")))
RESPONSES = attrs.evolve(
    OPENAI,
    names=_named(
        # The hub's messages are not the request's items: its instructions are one of them.
        (r"messages(\[.*)?$", "input"),
        (r"max_completion_tokens$", "max_output_tokens"),
        (r"response_format$", "text.format"),
        (r"response_format\.(json_schema\.)?", "text.format."),
        (r"reasoning_effort$", "reasoning.effort"),
        (r"verbosity$", "text.verbosity"),
        (r"(tools\[\d+\])\.(function|custom)(?=\.|$)", r"\1"),
        (r"logprobs$", "include"),
        (r"session_id$", "conversation"),
    ),
)
"""The same for a request of the Responses API that has been read."""


def placed(envelope: Envelope, places: Mapping[str, str]) -> Envelope:
    """Return *envelope*, in which some messages of the hub's have a place that is known."""
    known = [(re.compile(f"^{re.escape(ours)}.*"), place) for ours, place in places.items()]
    return attrs.evolve(envelope, names=(*known, *envelope.names))


# Anthropic

OVERLOADED = 529
"""Anthropic's status for what is only too busy now."""

_ANTHROPIC: Mapping[int, str] = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
"""Types by status; others are the caller's fault below 500, and ours from there on."""


def _anthropic_status(problem: Problem) -> int:
    if problem.no_model:
        return 404
    return OVERLOADED if problem.busy else problem.status


def _anthropic(problem: Problem, id: str) -> Json:
    status = _anthropic_status(problem)
    usual = "api_error" if status >= 500 else "invalid_request_error"  # noqa: PLR2004 - HTTP's own
    # Loaded with the first error in its words.
    from ..dialects import anthropic

    told = anthropic.error_object(_ANTHROPIC.get(status, usual), problem.message, id)
    told["error"] |= {"param": problem.param, "code": problem.code}
    return told


ANTHROPIC = Envelope(
    status=_anthropic_status,
    body=_anthropic,
    in_band=lambda body, _begun: event(body, b"error"),
    names=_named(
        (r"max_completion_tokens$", "max_tokens"),
        (r"stop$", "stop_sequences"),
        (r"reasoning_effort$", "output_config.effort"),
        (r"response_format$", "output_config.format"),
        (r"response_format\.", "output_config.format."),
        (r"(tools\[\d+\])\.function\.parameters", r"\1.input_schema"),
        (r"(tools\[\d+\])\.function(?=\.|$)", r"\1"),
        (r"parallel_tool_calls$", "tool_choice.disable_parallel_tool_use"),
        (r"user$", "metadata.user_id"),
    ),
    id_header=b"request-id",
)

# The hub's messages are not the request's: a system prompt is one of them, and so is a result.
_VAGUE = _named((r"messages\[.*", "messages"))

ANTHROPIC_CHAT = attrs.evolve(ANTHROPIC, names=(*_VAGUE, *ANTHROPIC.names))
"""The same for a request that has been read: what is wrong then has other places."""


# Gemini

_GEMINI: Mapping[int, str] = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""Google's words by status; others are a wrong request below 500, and internal from there on."""

_TYPES = "type.googleapis.com/google.rpc."


def _gemini_status(problem: Problem) -> int:
    if problem.no_model:
        return 404
    return UNAVAILABLE if problem.busy else problem.status


def _gemini(problem: Problem, id: str) -> Json:
    status = _gemini_status(problem)
    usual = "INTERNAL" if status >= 500 else "INVALID_ARGUMENT"  # noqa: PLR2004 - HTTP's own
    from ..dialects import gemini

    told = gemini.error_object(status, problem.message, _GEMINI.get(status, usual))
    details: list[Json] = [
        {"@type": f"{_TYPES}ErrorInfo", "reason": problem.code, "domain": "aihub"},
        {"@type": f"{_TYPES}RequestInfo", "requestId": id},
    ]
    if problem.param is not None:
        fault = {"field": problem.param, "description": problem.message}
        details.append({"@type": f"{_TYPES}BadRequest", "fieldViolations": [fault]})
    if problem.retry_after is not None:
        details.append({"@type": f"{_TYPES}RetryInfo", "retryDelay": f"{problem.retry_after}s"})
    told["error"]["details"] = details
    return told


GEMINI = Envelope(
    status=_gemini_status,
    body=_gemini,
    in_band=lambda body, _begun: event(body),
    names=_named(
        (r"messages$", "contents"),
        (r"max_(completion_)?tokens$", "generationConfig.maxOutputTokens"),
        (r"n$", "generationConfig.candidateCount"),
        (r"stop$", "generationConfig.stopSequences"),
        (r"reasoning_effort$", "generationConfig.thinkingConfig"),
        (r"response_format$", "generationConfig.responseSchema"),
        (r"(temperature|seed)$", r"generationConfig.\1"),
        (r"top_p$", "generationConfig.topP"),
        (r"presence_penalty$", "generationConfig.presencePenalty"),
        (r"frequency_penalty$", "generationConfig.frequencyPenalty"),
        (r"logprobs$", "generationConfig.responseLogprobs"),
        (r"top_logprobs$", "generationConfig.logprobs"),
        (r"tool_choice$", "toolConfig.functionCallingConfig"),
        # Functions of several tools are one list elsewhere.
        (r"tools\[\d+\]\.function(\..*)?$", "tools"),
        (r"session_id$", "sessionId"),
    ),
    query_key=True,
)

GEMINI_CHAT = attrs.evolve(GEMINI, names=(*_VAGUE, *GEMINI.names))
"""The same for a request that has been read."""

GEMINI_LIST = attrs.evolve(
    GEMINI_CHAT, in_band=lambda body, begun: (b"\n,\n" if begun else b"[") + body + b"]\n"
)
"""The same in a stream that is a JSON array."""


# Which is meant

ANTHROPIC_VERSION = b"anthropic-version"
GOOGLE_KEY = b"x-goog-api-key"

METHODS = ("generateContent", "streamGenerateContent", "countTokens")
"""What Gemini does with a model, after a colon in its path."""

_MODELS = "/v1/models"


def envelope_at(path: str, headers: Mapping[bytes, bytes]) -> Envelope:
    """Return the form of an error for whoever asks at *path*, be there anything or not.

    Where models are read under `/v1` it is told by a header of the vendor's own clients.
    """
    if path.startswith("/v1/chat/"):
        return OPENAI
    if path == "/v1/messages" or path.startswith("/v1/messages/"):
        return ANTHROPIC
    if path.startswith("/v1beta/"):
        return GEMINI
    if path.startswith(_MODELS):
        if path.endswith(tuple([f":{method}" for method in METHODS])) or GOOGLE_KEY in headers:
            return GEMINI
        if ANTHROPIC_VERSION in headers:
            return ANTHROPIC
    return OPENAI
