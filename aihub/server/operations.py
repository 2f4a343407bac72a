"""What each route takes besides its path, and what it answers, for `/openapi.json`."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from ..dialects import administration, gemini, sessions
from ..dialects.fields import Check, string
from ..dialects.objects import object_schema
from ..dialects.openai_chat import stored
from ..dialects.openai_responses import queries as responses
from ..dialects.queries import PAGES, USAGE, WHOSE
from ..dialects.reports import REQUESTS, SIGN_IN
from ..model.units import Json
from .answers import ref
from .endpoints.models import model_pages
from .routes import Action


@attrs.frozen
class Operation:
    """One endpoint's part of the document: what it takes besides its path, and answers.

    `answer` names the object, or several where a header says which; `dialects` those in which
    errors may be said, by how their names begin. `events` are what a stream is made of. `deep` are
    parameters of the query that are objects, such as `metadata[name]=value`.
    """

    summary: str
    answer: str | tuple[str, ...]
    body: dict[str, Json] | None = None
    query: Mapping[str, Check] = {}
    deep: Mapping[str, Json] = {}
    statuses: tuple[int, ...] = ()
    required: bool = False
    versioned: bool = False
    dialects: tuple[str, ...] = ("",)
    events: str | None = None
    streams: bool = False
    vendor: bool = False


_ALL = ("", "Anthropic", "Gemini")


def _vendor() -> dict[Action, Operation]:
    """Return the operations of the vendors' own routes."""
    messages, answers = "Answer messages, whole or as a stream.", "Answer contents as a stream."
    one = Operation(
        "Answer contents.",
        "GeminiAnswer",
        ref("GeminiRequest"),
        statuses=(404, 409, 502, 504),
        required=True,
        dialects=("Gemini",),
    )
    events = "Server-sent events where the query says alt=sse: the data of each a GeminiAnswer."
    many = attrs.evolve(
        one, summary=answers, answer="GeminiAnswers", events=events, query={"alt": string}
    )
    count = Operation(
        "Count the tokens of contents.",
        "GeminiCount",
        ref("GeminiCountRequest"),
        statuses=(404,),
        required=True,
        dialects=("Gemini",),
    )
    return {
        "messages": Operation(
            messages,
            "AnthropicMessage",
            ref("AnthropicRequest"),
            statuses=(404, 409, 502, 504, 529),
            required=True,
            dialects=("Anthropic",),
            events="Server-sent events, the data of each an AnthropicEvent.",
        ),
        "count_message_tokens": Operation(
            "Count the tokens of messages.",
            "AnthropicCount",
            ref("AnthropicCountRequest"),
            statuses=(404, 529),
            required=True,
            dialects=("Anthropic",),
        ),
        "generate_content": one,
        "generate_content_v1": one,
        "stream_generate_content": many,
        "stream_generate_content_v1": many,
        "count_content_tokens": count,
        "count_content_tokens_v1": count,
        "gemini_models": Operation(
            "List models.", "GeminiModels", query=gemini.MODEL_PAGES, dialects=("Gemini",)
        ),
        "gemini_model": Operation(
            "Return one model.", "GeminiModel", statuses=(404,), dialects=("Gemini",)
        ),
    }


_CHUNKS = "Server-sent events, the data of each a ChatCompletionChunk; then [DONE]."


def _chat(summary: str) -> Operation:
    return Operation(
        summary,
        "ChatCompletion",
        ref("ChatRequest"),
        statuses=(404, 409, 502, 504),
        required=True,
        events=_CHUNKS,
    )


def _stored() -> dict[Action, Operation]:
    """Return the operations on chat completions that are kept."""
    return {
        "list_completions": Operation(
            "List the account's stored chat completions.",
            "StoredCompletions",
            query=stored.LISTED,
            deep={"metadata": stored.FILTER},
        ),
        "read_completion": Operation(
            "Return a stored chat completion.", "ChatCompletion", statuses=(404,)
        ),
        "update_completion": Operation(
            "Replace the metadata of a stored chat completion.",
            "ChatCompletion",
            object_schema(stored.UPDATE, ["metadata"]),
            statuses=(404,),
            required=True,
        ),
        "delete_completion": Operation(
            "Erase a stored chat completion.", "StoredCompletionDeleted", statuses=(404,)
        ),
        "list_completion_messages": Operation(
            "List the messages that a stored chat completion answers.",
            "StoredMessages",
            query={**PAGES, **sessions.ORDER},
            statuses=(404,),
        ),
    }


_RESPONSE_EVENTS = "Server-sent events, the data of each a ResponseEvent."


def _responses() -> dict[Action, Operation]:
    """Return the operations of OpenAI's Responses."""
    return {
        "create_response": Operation(
            "Answer an input, whole or as a stream.",
            "Response",
            ref("ResponseRequest"),
            statuses=(404, 409, 502, 504),
            required=True,
            events=_RESPONSE_EVENTS,
        ),
        "read_response": Operation(
            "Return a response that is kept.", "Response", query=responses.READ, statuses=(404,)
        ),
        "delete_response": Operation(
            "Erase a response that is kept.", "ResponseDeleted", statuses=(404,)
        ),
        "cancel_response": Operation(
            "End the work on a response in the background.", "Response", statuses=(404,)
        ),
        "list_input_items": Operation(
            "List the items of a response's input, the newest first.",
            "ResponseItems",
            query=responses.ITEMS,
            statuses=(404,),
        ),
        "compact_input": Operation(
            "Make a conversation short.",
            "ResponseCompaction",
            ref("ResponseCompactionRequest"),
            statuses=(404, 409, 502, 504),
            required=True,
        ),
        "count_input_tokens": Operation(
            "Count the tokens of an input.",
            "ResponseCount",
            ref("ResponseCountRequest"),
            statuses=(404,),
            required=True,
        ),
    }


def operations() -> dict[Action, Operation]:
    """Return the operation of each route."""
    new_budget = object_schema(administration.NEW_BUDGET, ["limit"])
    return {
        "chat": _chat("Answer a chat, whole or as a stream."),
        "chat_stream": attrs.evolve(_chat("Answer a chat as a stream."), streams=True),
        "complete_text": Operation(
            "Continue texts, whole or as a stream (legacy).",
            "TextCompletion",
            ref("TextRequest"),
            statuses=(404, 409, 502, 504),
            required=True,
            events="Server-sent events, the data of each a TextCompletionChunk; then [DONE].",
        ),
        "embed": Operation(
            "Embed texts.",
            "Embeddings",
            ref("EmbeddingRequest"),
            statuses=(409, 502, 504),
            required=True,
        ),
        "moderate": Operation(
            "Judge content.",
            "Moderation",
            ref("ModerationRequest"),
            statuses=(409, 502, 504),
            required=True,
        ),
        **_stored(),
        **_responses(),
        **_vendor(),
        "models": Operation(
            "List all models; with anthropic-version or x-goog-api-key as that vendor does.",
            ("Models", "AnthropicModels", "GeminiModels"),
            query=model_pages(),
            dialects=_ALL,
            vendor=True,
        ),
        "model": Operation(
            "Return one model; with anthropic-version or x-goog-api-key as that vendor does.",
            ("Model", "AnthropicModel", "GeminiModel"),
            statuses=(404,),
            dialects=_ALL,
            vendor=True,
        ),
        "usage": Operation("Sum what an account used.", "Usage", query=USAGE, statuses=(404,)),
        "create_session": Operation(
            "Begin a session.", "Session", object_schema(sessions.NEW_SESSION), statuses=(404,)
        ),
        "list_sessions": Operation("List the account's sessions.", "Sessions", query=PAGES),
        "read_session": Operation(
            "Return a session with a page of its messages.",
            "SessionWithMessages",
            query={**PAGES, **sessions.ORDER},
            statuses=(404,),
        ),
        "update_session": Operation(
            "Change what the body names of a session.",
            "Session",
            object_schema(sessions.SESSION_CHANGE),
            statuses=(404, 409),
            versioned=True,
        ),
        "delete_session": Operation(
            "Erase a session.", "SessionDeleted", statuses=(404, 409), versioned=True
        ),
        "fork_session": Operation(
            "Begin a session with the same history.",
            "Session",
            object_schema(sessions.FORK),
            statuses=(404, 409),
        ),
        "create_account": Operation(
            "Make an account.",
            "Account",
            object_schema(administration.NEW_ACCOUNT),
            statuses=(404, 409),
        ),
        "accounts": Operation("List accounts.", "Accounts", query=PAGES),
        "account": Operation("Return an account.", "Account", statuses=(404,)),
        "change_account": Operation(
            "Change what the body names of an account.",
            "Account",
            object_schema(administration.ACCOUNT),
            statuses=(404, 409),
        ),
        "delete_account": Operation(
            "End an account and forget who it was.", "AccountDeleted", statuses=(404, 409)
        ),
        "create_key": Operation(
            "Make a key; its secret is in this answer only.",
            "NewKey",
            object_schema(administration.NEW_KEY),
            statuses=(404, 409),
        ),
        "keys": Operation(
            "List an account's keys.", "Keys", query={**PAGES, **WHOSE}, statuses=(404,)
        ),
        "key": Operation("Return a key.", "Key", query=WHOSE, statuses=(404,)),
        "change_key": Operation(
            "Change what the body names of a key.",
            "Key",
            object_schema(administration.KEY),
            query=WHOSE,
            statuses=(404, 409),
        ),
        "revoke_key": Operation("End a key now.", "KeyRevoked", query=WHOSE, statuses=(404, 409)),
        "rotate_key": Operation(
            "Make a key like another, which ends; the secret is in this answer only.",
            "NewKey",
            object_schema(administration.ROTATION),
            query=WHOSE,
            statuses=(404, 409),
        ),
        "plans": Operation("List plans.", "Plans", query=PAGES),
        "plan": Operation("Return a plan.", "Plan", statuses=(404,)),
        "put_plan": Operation(
            "Make a plan, or change what the body names of it.",
            "Plan",
            object_schema(administration.PLAN),
            statuses=(404, 409),
        ),
        "delete_plan": Operation(
            "Delete a plan that nobody is on.", "PlanDeleted", statuses=(404, 409)
        ),
        "create_budget": Operation(
            "Bound what an account or a key may spend.",
            "Budget",
            new_budget,
            statuses=(404, 409),
            required=True,
        ),
        "budgets": Operation(
            "List an account's budgets.", "Budgets", query={**PAGES, **WHOSE}, statuses=(404,)
        ),
        "budget": Operation("Return a budget.", "Budget", query=WHOSE, statuses=(404,)),
        "change_budget": Operation(
            "Set what a budget may spend.",
            "Budget",
            object_schema(administration.BUDGET, ["limit"]),
            query=WHOSE,
            statuses=(404, 409),
            required=True,
        ),
        "delete_budget": Operation(
            "End a budget.", "BudgetDeleted", query=WHOSE, statuses=(404, 409)
        ),
        "requests": Operation(
            "List the requests that an account made, the newest first.",
            "Requests",
            query={**PAGES, **REQUESTS},
            statuses=(404,),
        ),
        "request": Operation(
            "Return a request as the ledger has it.", "Request", query=WHOSE, statuses=(404,)
        ),
        "me": Operation("Return who asks, and how the caller's windows stand.", "Me"),
        "sign_in": Operation(
            "Sign in to this server's pages: the key is kept as a cookie.",
            "Me",
            object_schema(SIGN_IN, ["key"]),
            statuses=(401, 403, 429),
            required=True,
        ),
        "sign_out": Operation("Sign out of them.", "SignedOut", statuses=(403,)),
        "status": Operation("Return how deployments, providers and regions stand.", "Status"),
        "openapi": Operation("Return this document.", "OpenAPI"),
        "healthz": Operation("Say that the process answers.", "Health"),
        "readyz": Operation("Say whether requests are admitted.", "Health"),
    }
