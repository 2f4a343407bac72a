"""What answers look like, as JSON Schema: one for each object that `dialects` and `reading` write.

Objects of ours are closed: a field that is written and not named here fails every test that meets
it. Chat completions have what OpenAI's document has, and ours.

A little longer than our files are meant to be: a table.
"""

from __future__ import annotations

from ..dialects.openai_chat import message_schema
from ..model.account import PERIODS, SCOPES, TOKEN_RESERVES
from ..model.moderation import CATEGORIES
from ..model.session import CONTEXT_POLICIES
from ..model.units import Json
from ..model.usage import SOURCES
from .reading import GROUP_FIELDS

TEXT: Json = {"type": "string"}
TEXT_OR_NULL: Json = {"type": ["string", "null"]}
COUNT: Json = {"type": "integer", "minimum": 0}
COUNT_OR_NULL: Json = {"type": ["integer", "null"], "minimum": 0}
SECONDS: Json = {"type": "integer", "description": "Epoch seconds."}
SECONDS_OR_NULL: Json = {"type": ["integer", "null"], "description": "Epoch seconds."}
USD: Json = {"type": "number", "minimum": 0, "description": "USD, exact."}
DOLLARS: Json = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$", "description": "USD, exact."}
BOOLEAN: Json = {"type": "boolean"}
NUMBER: Json = {"type": "number"}


def ref(name: str) -> dict[str, Json]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def closed(optional: dict[str, Json] | None = None, /, **fields: Json) -> dict[str, Json]:
    """Return an object with all of *fields*, perhaps *optional* ones, and no other."""
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": sorted(fields),
        "additionalProperties": False,
    }


def _named(kind: str, **fields: Json) -> dict[str, Json]:
    return closed(id=TEXT, object={"const": kind}, **fields)


def _list(item: str, **fields: Json) -> dict[str, Json]:
    return closed(
        object={"const": "list"},
        data={"type": "array", "items": ref(item)},
        **fields,
    )


def page_of(item: str) -> dict[str, Json]:
    """Return a page of a list of ours."""
    return _list(item, first_id=TEXT_OR_NULL, last_id=TEXT_OR_NULL, has_more=BOOLEAN)


def published_page(item: str) -> dict[str, Json]:
    """Return a page as OpenAI's document has it: an empty one has empty ids."""
    return _list(item, first_id=TEXT, last_id=TEXT, has_more=BOOLEAN)


def _ended(kind: str, how: str) -> dict[str, Json]:
    return closed(id=TEXT, object={"const": f"{kind}.{how}"}, **{how: {"const": True}})


_FUNCTION_CALL = closed(name=TEXT, arguments=TEXT)
_TOOL_CALL: Json = {
    "oneOf": [
        closed(id=TEXT, type={"const": "function"}, function=_FUNCTION_CALL),
        closed(id=TEXT, type={"const": "custom"}, custom=closed(name=TEXT, input=TEXT)),
    ]
}
_TOKEN = {
    "token": TEXT,
    "logprob": {"type": "number", "maximum": 0},
    "bytes": {
        "type": ["array", "null"],
        "items": {"type": "integer", "minimum": 0, "maximum": 255},
    },
}
_LOGPROBS: Json = {
    "anyOf": [
        closed(
            content={
                "type": ["array", "null"],
                "items": closed(
                    **_TOKEN, top_logprobs={"type": "array", "items": closed(**_TOKEN)}
                ),
            },
            refusal={"type": "null"},
        ),
        {"type": "null"},
    ]
}
_REASON: Json = {"enum": ["stop", "length", "tool_calls", "content_filter", "function_call", None]}
_THOUGHTS: Json = {"type": "array", "items": {"type": "object"}}
_CHOICE = closed(
    index=COUNT,
    message=closed(
        {
            "reasoning_content": TEXT,
            "reasoning_details": _THOUGHTS,
            "tool_calls": {"type": "array", "items": _TOOL_CALL},
            "function_call": _FUNCTION_CALL,
        },
        role={"const": "assistant"},
        content=TEXT_OR_NULL,
        refusal=TEXT_OR_NULL,
    ),
    logprobs=_LOGPROBS,
    finish_reason=_REASON,
)
_DELTA = closed(
    {
        "role": {"const": "assistant"},
        "content": TEXT_OR_NULL,
        "refusal": TEXT_OR_NULL,
        "reasoning_content": TEXT,
        "reasoning_details": _THOUGHTS,
        "tool_calls": {
            "type": "array",
            "items": closed(
                {
                    "id": TEXT,
                    "type": {"const": "function"},
                    "function": closed({"name": TEXT}, arguments=TEXT),
                    "custom": closed({"name": TEXT}, input=TEXT),
                },
                index=COUNT,
            ),
        },
        "function_call": closed({"name": TEXT}, arguments=TEXT),
    }
)
_COMPLETION_ID: Json = {"type": "string", "pattern": "^chatcmpl-"}
_TOTALS = closed(
    turns=COUNT,
    messages=COUNT,
    prompt_tokens=COUNT,
    completion_tokens=COUNT,
    total_tokens=COUNT,
    cost=USD,
)
_SESSION: dict[str, Json] = {
    "title": TEXT_OR_NULL,
    "model": TEXT_OR_NULL,
    "system_prompt": TEXT_OR_NULL,
    "context_policy": {"enum": list(CONTEXT_POLICIES)},
    "metadata": {"type": "object", "additionalProperties": TEXT},
    "created": SECONDS,
    "updated": SECONDS,
    "version": COUNT,
    "forked_from": {"anyOf": [closed(session=TEXT, turn=COUNT), {"type": "null"}]},
    "totals": _TOTALS,
}
_KEY: dict[str, Json] = {
    "account": TEXT,
    "name": TEXT,
    "hint": TEXT,
    "status": {"enum": ["live", "expired", "revoked"]},
    "scopes": {"type": "array", "items": {"enum": list(SCOPES)}},
    "created": SECONDS,
    "expires": SECONDS_OR_NULL,
    "revoked": SECONDS_OR_NULL,
    "requests_per_minute": COUNT_OR_NULL,
    "tokens_per_minute": COUNT_OR_NULL,
    "lineage": TEXT,
}
_GROUPS: Json = {
    "type": "object",
    "additionalProperties": closed(requests=COUNT, tokens=COUNT, cost=USD),
}


_TEXT_ID: Json = {"type": "string", "pattern": "^cmpl-"}
_TEXT_REASONS: list[Json] = ["stop", "length", "content_filter"]
_NUMBERS: Json = {"type": "array", "items": NUMBER}


def _continued(reasons: list[Json]) -> dict[str, Json]:
    """Return a choice of a text completion."""
    tops: Json = {"type": "array", "items": {"type": "object", "additionalProperties": NUMBER}}
    logprobs = closed(
        tokens={"type": "array", "items": TEXT},
        token_logprobs=_NUMBERS,
        top_logprobs=tops,
        text_offset={"type": "array", "items": COUNT},
    )
    return closed(
        text=TEXT,
        index=COUNT,
        logprobs={"anyOf": [logprobs, {"type": "null"}]},
        finish_reason={"enum": reasons},
    )


def _by_category(value: Json) -> dict[str, Json]:
    return closed(**dict.fromkeys(CATEGORIES, value))


def schemas() -> dict[str, Json]:
    """Return every object by its name."""
    message = message_schema()
    return {
        "Error": closed(
            error=closed(
                {"retry_after": {"type": ["integer", "null"], "minimum": 1, "maximum": 60}},
                message=TEXT,
                type={
                    "enum": [
                        "invalid_request_error",
                        "authentication_error",
                        "permission_error",
                        "rate_limit_error",
                        "rate_limit_exceeded",
                        "api_error",
                        "model_error",
                    ]
                },
                param=TEXT_OR_NULL,
                code=TEXT_OR_NULL,
            )
        ),
        "CompletionUsage": closed(
            prompt_tokens=COUNT,
            completion_tokens=COUNT,
            total_tokens=COUNT,
            prompt_tokens_details=closed(cached_tokens=COUNT, audio_tokens=COUNT),
            completion_tokens_details=closed(
                reasoning_tokens=COUNT,
                audio_tokens=COUNT,
                accepted_prediction_tokens=COUNT,
                rejected_prediction_tokens=COUNT,
            ),
            cost=USD,
            source={"enum": list(SOURCES)},
        ),
        "ChatCompletion": closed(
            {
                "system_fingerprint": TEXT,
                "metadata": {"type": "object", "additionalProperties": TEXT},
            },
            id=_COMPLETION_ID,
            object={"const": "chat.completion"},
            created=SECONDS,
            model=TEXT,
            choices={"type": "array", "items": _CHOICE, "minItems": 1},
            usage=ref("CompletionUsage"),
        ),
        "StoredCompletions": published_page("ChatCompletion"),
        "StoredMessage": {
            "type": "object",
            "properties": {
                "id": TEXT,
                "role": TEXT,
                "content": TEXT_OR_NULL,
                "content_parts": {"type": ["array", "null"], "items": {"type": "object"}},
                "refusal": TEXT_OR_NULL,
            },
            "required": ["id", "role", "content", "content_parts", "refusal"],
        },
        "StoredMessages": published_page("StoredMessage"),
        "StoredCompletionDeleted": _ended("chat.completion", "deleted"),
        "ChatCompletionChunk": closed(
            {
                "usage": {"anyOf": [ref("CompletionUsage"), {"type": "null"}]},
                "system_fingerprint": TEXT,
            },
            id=_COMPLETION_ID,
            object={"const": "chat.completion.chunk"},
            created=SECONDS,
            model=TEXT,
            choices={
                "type": "array",
                "items": closed(
                    index=COUNT, delta=_DELTA, logprobs=_LOGPROBS, finish_reason=_REASON
                ),
            },
        ),
        "TextCompletion": closed(
            {"system_fingerprint": TEXT},
            id=_TEXT_ID,
            object={"const": "text_completion"},
            created=SECONDS,
            model=TEXT,
            choices={"type": "array", "items": _continued(_TEXT_REASONS), "minItems": 1},
            usage=ref("CompletionUsage"),
        ),
        "TextCompletionChunk": closed(
            {"usage": ref("CompletionUsage")},
            id=_TEXT_ID,
            object={"const": "text_completion"},
            created=SECONDS,
            model=TEXT,
            choices={"type": "array", "items": _continued([*_TEXT_REASONS, None])},
        ),
        "Embedding": closed(
            object={"const": "embedding"},
            index=COUNT,
            embedding={"anyOf": [{"type": "array", "items": {"type": "number"}}, TEXT]},
        ),
        "Embeddings": _list(
            "Embedding",
            model=TEXT,
            usage=closed(
                prompt_tokens=COUNT,
                total_tokens=COUNT,
                cost=USD,
                source={"enum": list(SOURCES)},
            ),
        ),
        "Moderation": closed(
            {"source": TEXT},
            id={"type": "string", "pattern": "^modr-"},
            model=TEXT,
            results={
                "type": "array",
                "items": closed(
                    flagged=BOOLEAN,
                    categories=_by_category(BOOLEAN),
                    category_scores=_by_category({"type": "number", "minimum": 0, "maximum": 1}),
                    category_applied_input_types=_by_category({"type": "array", "items": TEXT}),
                ),
            },
        ),
        "Model": _named(
            "model",
            created=SECONDS,
            owned_by=TEXT,
            context_window=COUNT,
            max_output=COUNT_OR_NULL,
            pricing=closed(
                prompt=DOLLARS,
                completion=DOLLARS,
                cached={"anyOf": [DOLLARS, {"type": "null"}]},
                cache_write={"anyOf": [DOLLARS, {"type": "null"}]},
            ),
        ),
        "Models": _list("Model"),
        "Usage": closed(
            period=closed(
                start={"type": "string", "format": "date-time"},
                end={"type": "string", "format": "date-time"},
            ),
            usage=closed(
                dict.fromkeys(GROUP_FIELDS.values(), _GROUPS),
                total_requests=COUNT,
                total_tokens=COUNT,
                total_cost=USD,
            ),
        ),
        "Session": _named("session", **_SESSION),
        "SessionWithMessages": _named("session", **_SESSION, messages=ref("SessionMessages")),
        "SessionMessage": {
            **message,
            "properties": {
                **message["properties"],
                "id": {"type": "string", "pattern": "^msg_[0-9]+_[0-9]+$"},
                "object": {"const": "session.message"},
                "turn": COUNT,
                "created": SECONDS,
                "request_id": TEXT,
                "incomplete": BOOLEAN,
            },
            "required": ["id", "object", "turn", "created", "request_id", "incomplete", "role"],
        },
        "SessionMessages": page_of("SessionMessage"),
        "Sessions": page_of("Session"),
        "SessionDeleted": _ended("session", "deleted"),
        "Account": _named(
            "account",
            name=TEXT,
            plan=TEXT,
            operator=BOOLEAN,
            region=TEXT_OR_NULL,
            created=SECONDS,
        ),
        "Accounts": page_of("Account"),
        "AccountDeleted": _ended("account", "deleted"),
        "Key": _named("key", **_KEY),
        "NewKey": _named("key", **_KEY, secret=TEXT),
        "Keys": page_of("Key"),
        "KeyRevoked": _ended("key", "revoked"),
        "Plan": _named(
            "plan",
            requests_per_minute=COUNT_OR_NULL,
            tokens_per_minute=COUNT_OR_NULL,
            parallel=COUNT_OR_NULL,
            token_reserve={"enum": list(TOKEN_RESERVES)},
            built_in=BOOLEAN,
        ),
        "Plans": page_of("Plan"),
        "PlanDeleted": _ended("plan", "deleted"),
        "Budget": _named(
            "budget",
            account=TEXT,
            key=TEXT_OR_NULL,
            period={"enum": list(PERIODS)},
            limit=DOLLARS,
            spent=DOLLARS,
            held=DOLLARS,
            renews=SECONDS_OR_NULL,
        ),
        "Budgets": page_of("Budget"),
        "BudgetDeleted": _ended("budget", "deleted"),
        "Health": closed(status={"enum": ["ok", "ready"]}),
        "OpenAPI": {"type": "object", "required": ["openapi", "info", "paths"]},
    }
