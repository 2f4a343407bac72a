"""How much a model thinks before it answers, and what it lets itself be told about that.

Source: OpenAI's document, `ReasoningEffort`: which models know which efforts, and what each does
where none is asked for. Other vendors' models reason where the request asks for it.
"""

from __future__ import annotations

import re

from ....model.catalogue import Model
from ....model.chat import Chat
from .choosing import Chooser

STEP = 64
"""Reasoning tokens come in steps of as many, as OpenAI reports them."""

# Steps at least and at most.
_STEPS = {
    "none": (0, 0),
    "minimal": (0, 2),
    "low": (1, 4),
    "medium": (2, 10),
    "high": (8, 24),
    "xhigh": (16, 40),
    "max": (24, 48),
}
EFFORTS = tuple(_STEPS)

_OLDER = ("low", "medium", "high")
# The first pattern that a model's id has decides: efforts it knows, and the one by default.
_OPENAI: tuple[tuple[re.Pattern[str], tuple[tuple[str, ...], str]], ...] = (
    (re.compile(r"^gpt-5-pro"), (("high",), "high")),
    (re.compile(r"^gpt-5\.\d+-pro"), (("medium", "high", "xhigh"), "medium")),
    (re.compile(r"^gpt-5\.1-codex-max"), ((*_OLDER, "xhigh"), "medium")),
    (re.compile(r"^gpt-5\.1-codex|^gpt-5-codex|^codex"), (_OLDER, "medium")),
    (re.compile(r"^gpt-5\.\d+-codex"), ((*_OLDER, "xhigh"), "medium")),
    (re.compile(r"^gpt-5\.1"), (("none", *_OLDER), "none")),
    (re.compile(r"^gpt-5\.\d"), (("none", *_OLDER, "xhigh"), "none")),
    (re.compile(r"^gpt-5"), (("minimal", *_OLDER), "medium")),
)
_OPENAI_OTHER = (_OLDER, "medium")


def reasons(model: Model) -> bool:
    """Say whether *model* can think at all."""
    return "reasoning" in model.features


def is_openai_reasoner(model: Model) -> bool:
    """Say whether OpenAI's rules for its reasoning models hold for *model*."""
    return model.owned_by == "openai" and reasons(model) and "temperature" not in model.features


def efforts(model: Model) -> tuple[tuple[str, ...], str]:
    """Return the efforts that *model* knows, and the one by default."""
    if not is_openai_reasoner(model):
        return (EFFORTS, "none")
    return next((known for pattern, known in _OPENAI if pattern.match(model.id)), _OPENAI_OTHER)


def effort(model: Model, asked: str | None) -> str:
    """Return how hard *model* thinks where *asked* says how hard it should."""
    if not reasons(model):
        return "none"
    return asked if asked in _STEPS else efforts(model)[1]


_ASKED = ("enabled", "adaptive")


def shown(chat: Chat) -> str | None:
    """Return how *chat* wants to see the thinking: `summarized` or `omitted`; None is not at all.

    Anthropic's `thinking` says it in any dialect's words; so do Gemini's `thinkingConfig` and
    OpenAI's `reasoning.summary`.
    """
    extra = chat.extra
    if chat.reasoning_effort == "none":
        return None
    if chat.reasoning_summary:
        return "summarized"
    if not extra:
        return None
    asked = extra.get("thinking")
    if isinstance(asked, dict) and asked.get("type") in _ASKED:
        return "omitted" if asked.get("display") == "omitted" else "summarized"
    config = extra.get("generationConfig")
    config = config.get("thinkingConfig") if isinstance(config, dict) else None
    if isinstance(config, dict) and config.get("includeThoughts") is True:
        return "summarized"
    return None


def hidden(model: Model, chat: Chat) -> str:
    """Return how hard *model* thinks where nobody sees it.

    In Anthropic's words effort is no thinking: that has a parameter of its own.
    """
    if chat.dialect == "anthropic" and not is_openai_reasoner(model):
        return "none"
    return effort(model, chat.reasoning_effort)


def reasoning_tokens(effort: str, chooser: Chooser) -> int:
    """Return how many tokens an answer's thinking has."""
    low, high = _STEPS[effort]
    return STEP * (low + chooser.below(high - low + 1))
