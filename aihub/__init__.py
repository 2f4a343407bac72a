"""aihub: an embeddable LLM hub.

One `Hub` gives a program API keys, plans, rate limits, budgets, metering and routing over many
model providers, in process, on trio, asyncio or synchronously. `open_hub()` composes the default
one. The layout, from what depends on nothing to what depends on all::

    errors -> model -> protocols -> core, dialects -> hub, sync, backends -> server -> config -> cli
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .backends.clocks import ManualClock as ManualClock
    from .backends.clocks import SystemClock as SystemClock
    from .backends.ids import RandomIds as RandomIds
    from .backends.ids import SeededIds as SeededIds
    from .config import Settings as Settings
    from .config import open_hub as open_hub
    from .config import open_sync_hub as open_sync_hub
    from .config.asgi import make_asgi_app as make_asgi_app
    from .errors import HubError as HubError
    from .hub import Hub as Hub
    from .hub import Stream as Stream
    from .model.account import Account as Account
    from .model.account import Budget as Budget
    from .model.account import Key as Key
    from .model.account import Plan as Plan
    from .model.chat import Chat as Chat
    from .model.chat import Keep as Keep
    from .model.chat import Message as Message
    from .model.chat import ResponseFormat as ResponseFormat
    from .model.chat import Tool as Tool
    from .model.chat import ToolCall as ToolCall
    from .model.chat import ToolChoice as ToolChoice
    from .model.embedding import Embeddings as Embeddings
    from .model.events import Completion as Completion
    from .model.events import Text as Text
    from .model.moderation import Moderation as Moderation
    from .model.units import format_usd as format_usd
    from .model.units import usd as usd
    from .model.usage import Usage as Usage
    from .sync import SyncHub as SyncHub

# Name -> module. Importing aihub loads none of these until its name is used.
_LAZY = {
    "Account": ".model.account",
    "Budget": ".model.account",
    "Chat": ".model.chat",
    "Completion": ".model.events",
    "Embeddings": ".model.embedding",
    "Hub": ".hub",
    "HubError": ".errors",
    "Keep": ".model.chat",
    "Key": ".model.account",
    "ManualClock": ".backends.clocks",
    "Message": ".model.chat",
    "Moderation": ".model.moderation",
    "Plan": ".model.account",
    "RandomIds": ".backends.ids",
    "ResponseFormat": ".model.chat",
    "SeededIds": ".backends.ids",
    "Settings": ".config",
    "Stream": ".hub",
    "SyncHub": ".sync",
    "SystemClock": ".backends.clocks",
    "Text": ".model.events",
    "Tool": ".model.chat",
    "ToolCall": ".model.chat",
    "ToolChoice": ".model.chat",
    "Usage": ".model.usage",
    "format_usd": ".model.units",
    "make_asgi_app": ".config.asgi",
    "open_hub": ".config",
    "open_sync_hub": ".config",
    "usd": ".model.units",
}

__all__ = [
    "Account",
    "Budget",
    "Chat",
    "Completion",
    "Embeddings",
    "Hub",
    "HubError",
    "Keep",
    "Key",
    "ManualClock",
    "Message",
    "Moderation",
    "Plan",
    "RandomIds",
    "ResponseFormat",
    "SeededIds",
    "Settings",
    "Stream",
    "SyncHub",
    "SystemClock",
    "Text",
    "Tool",
    "ToolCall",
    "ToolChoice",
    "Usage",
    "format_usd",
    "make_asgi_app",
    "open_hub",
    "open_sync_hub",
    "usd",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_LAZY[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
