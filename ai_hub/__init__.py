"""The Python SDK of AI Hub: clients for a server, typed answers, errors by class.

::

    from ai_hub import AIHubClient

    client = AIHubClient(api_key="your-api-key-here")
    answer = client.chat.create(model="gpt-4", messages=[{"role": "user", "content": "Hello!"}])

It is a facade of `aihub.client`; importing it loads nothing before a name is used. The hub itself,
in process and without a server, is `aihub`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aihub.client.awaiting import AsyncChatStream as AsyncChatStream
    from aihub.client.awaiting import AsyncListing as AsyncListing
    from aihub.client.awaiting import AsyncPage as AsyncPage
    from aihub.client.blocking import ChatStream as ChatStream
    from aihub.client.blocking import Page as Page
    from aihub.client.clients import AIHubClient as AIHubClient
    from aihub.client.clients import AsyncAIHubClient as AsyncAIHubClient
    from aihub.client.errors import AIHubError as AIHubError
    from aihub.client.errors import APIConnectionError as APIConnectionError
    from aihub.client.errors import APIStatusError as APIStatusError
    from aihub.client.errors import APITimeoutError as APITimeoutError
    from aihub.client.errors import AuthenticationError as AuthenticationError
    from aihub.client.errors import BadRequestError as BadRequestError
    from aihub.client.errors import BudgetExceededError as BudgetExceededError
    from aihub.client.errors import ConfigurationError as ConfigurationError
    from aihub.client.errors import ConflictError as ConflictError
    from aihub.client.errors import FailedStreamError as FailedStreamError
    from aihub.client.errors import IncompleteStreamError as IncompleteStreamError
    from aihub.client.errors import InternalServerError as InternalServerError
    from aihub.client.errors import MalformedResponseError as MalformedResponseError
    from aihub.client.errors import NotFoundError as NotFoundError
    from aihub.client.errors import PermissionDeniedError as PermissionDeniedError
    from aihub.client.errors import RateLimitError as RateLimitError
    from aihub.client.errors import ServiceUnavailableError as ServiceUnavailableError
    from aihub.client.errors import StreamError as StreamError
    from aihub.client.settings import REGIONS as REGIONS
    from aihub.client.values import Account as Account
    from aihub.client.values import Answer as Answer
    from aihub.client.values import Budget as Budget
    from aihub.client.values import ChatCompletion as ChatCompletion
    from aihub.client.values import ChatCompletionChunk as ChatCompletionChunk
    from aihub.client.values import Choice as Choice
    from aihub.client.values import ChunkChoice as ChunkChoice
    from aihub.client.values import CompletionUsage as CompletionUsage
    from aihub.client.values import CustomCall as CustomCall
    from aihub.client.values import Ended as Ended
    from aihub.client.values import Fork as Fork
    from aihub.client.values import FunctionCall as FunctionCall
    from aihub.client.values import GroupUsage as GroupUsage
    from aihub.client.values import Key as Key
    from aihub.client.values import ListOf as ListOf
    from aihub.client.values import Message as Message
    from aihub.client.values import Model as Model
    from aihub.client.values import Period as Period
    from aihub.client.values import Plan as Plan
    from aihub.client.values import Pricing as Pricing
    from aihub.client.values import RateLimit as RateLimit
    from aihub.client.values import Session as Session
    from aihub.client.values import SessionMessage as SessionMessage
    from aihub.client.values import SessionTotals as SessionTotals
    from aihub.client.values import TokenDetails as TokenDetails
    from aihub.client.values import ToolCall as ToolCall
    from aihub.client.values import UsageReport as UsageReport
    from aihub.client.values import UsageTotals as UsageTotals
    from aihub.model.upstream import Timeouts as Timeouts

# Name -> module. Importing ai_hub loads none of these until its name is used.
_LAZY = {
    "AIHubClient": "aihub.client.clients",
    "AIHubError": "aihub.client.errors",
    "APIConnectionError": "aihub.client.errors",
    "APIStatusError": "aihub.client.errors",
    "APITimeoutError": "aihub.client.errors",
    "Account": "aihub.client.values",
    "Answer": "aihub.client.values",
    "AsyncAIHubClient": "aihub.client.clients",
    "AsyncChatStream": "aihub.client.awaiting",
    "AsyncListing": "aihub.client.awaiting",
    "AsyncPage": "aihub.client.awaiting",
    "AuthenticationError": "aihub.client.errors",
    "BadRequestError": "aihub.client.errors",
    "Budget": "aihub.client.values",
    "BudgetExceededError": "aihub.client.errors",
    "ChatCompletion": "aihub.client.values",
    "ChatCompletionChunk": "aihub.client.values",
    "ChatStream": "aihub.client.blocking",
    "Choice": "aihub.client.values",
    "ChunkChoice": "aihub.client.values",
    "CompletionUsage": "aihub.client.values",
    "ConfigurationError": "aihub.client.errors",
    "ConflictError": "aihub.client.errors",
    "CustomCall": "aihub.client.values",
    "Ended": "aihub.client.values",
    "FailedStreamError": "aihub.client.errors",
    "Fork": "aihub.client.values",
    "FunctionCall": "aihub.client.values",
    "GroupUsage": "aihub.client.values",
    "IncompleteStreamError": "aihub.client.errors",
    "InternalServerError": "aihub.client.errors",
    "Key": "aihub.client.values",
    "ListOf": "aihub.client.values",
    "MalformedResponseError": "aihub.client.errors",
    "Message": "aihub.client.values",
    "Model": "aihub.client.values",
    "NotFoundError": "aihub.client.errors",
    "Page": "aihub.client.blocking",
    "Period": "aihub.client.values",
    "PermissionDeniedError": "aihub.client.errors",
    "Plan": "aihub.client.values",
    "Pricing": "aihub.client.values",
    "REGIONS": "aihub.client.settings",
    "RateLimit": "aihub.client.values",
    "RateLimitError": "aihub.client.errors",
    "ServiceUnavailableError": "aihub.client.errors",
    "Session": "aihub.client.values",
    "SessionMessage": "aihub.client.values",
    "SessionTotals": "aihub.client.values",
    "StreamError": "aihub.client.errors",
    "Timeouts": "aihub.model.upstream",
    "TokenDetails": "aihub.client.values",
    "ToolCall": "aihub.client.values",
    "UsageReport": "aihub.client.values",
    "UsageTotals": "aihub.client.values",
}

__all__ = [
    "AIHubClient",
    "AIHubError",
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "Account",
    "Answer",
    "AsyncAIHubClient",
    "AsyncChatStream",
    "AsyncListing",
    "AsyncPage",
    "AuthenticationError",
    "BadRequestError",
    "Budget",
    "BudgetExceededError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatStream",
    "Choice",
    "ChunkChoice",
    "CompletionUsage",
    "ConfigurationError",
    "ConflictError",
    "CustomCall",
    "Ended",
    "FailedStreamError",
    "Fork",
    "FunctionCall",
    "GroupUsage",
    "IncompleteStreamError",
    "InternalServerError",
    "Key",
    "ListOf",
    "MalformedResponseError",
    "Message",
    "Model",
    "NotFoundError",
    "Page",
    "Period",
    "PermissionDeniedError",
    "Plan",
    "Pricing",
    "REGIONS",
    "RateLimit",
    "RateLimitError",
    "ServiceUnavailableError",
    "Session",
    "SessionMessage",
    "SessionTotals",
    "StreamError",
    "Timeouts",
    "TokenDetails",
    "ToolCall",
    "UsageReport",
    "UsageTotals",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
