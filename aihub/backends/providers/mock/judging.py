"""Judgements without a model: by lists of words, and they say so.

A category's score grows with how often its words occur; from one occurrence on it is flagged.
Pictures are not looked at. It tells apart what a test tells apart, and nothing more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ....model.chat import TextPart
from ....model.moderation import CATEGORIES, Content, Judgement

SOURCE = "mock word list"
"""What an answer says of where its scores come from."""

_AT_REST = 1e-6
"""The score of what has none of the words: real ones are never quite zero either."""

_FLAGGED = 0.5
_ONE = 0.4
"""What is left of the way to 1 after each word."""

_HURT = r"(?:hurt|beat|kill|stab|shoot|murder|strangle)\w*"
_PATTERNS: Mapping[str, str] = {
    "harassment": r"\b(?:idiot|moron|stupid|pathetic|worthless|loser|shut up|nobody likes you)s?\b",
    "harassment/threatening": rf"\b(?:i will|i'll|i am going to|i'm gonna) {_HURT} you\b",
    "hate": r"\b(?:subhumans?|vermin|inferior (?:race|people)|those people are animals)\b",
    "hate/threatening": r"\b(?:exterminate|wipe out|get rid of) (?:them all|all of them|those)\b",
    "illicit": r"\b(?:shoplift|counterfeit|launder money|steal|pick a lock|fake id|credit card"
    r" numbers)\w*",
    "illicit/violent": r"\b(?:build|make|buy) (?:a|an|the) (?:bomb|explosive|gun|weapon)\w*",
    "self-harm": r"\b(?:suicid\w*|self[- ]harm\w*|(?:cut|hurt|kill)(?:ting|ing)? myself)\b",
    "self-harm/instructions": r"\bhow (?:to|can i|do i) (?:kill|hurt|cut) myself\b",
    "self-harm/intent": r"\bi (?:want|am going|'m going) to (?:die|kill myself|hurt myself)\b",
    "sexual": r"\b(?:porn\w*|erotic\w*|naked|nudes?|sex|sexual\w*)\b",
    "sexual/minors": r"\b(?:underage|minors?|child(?:ren)?)\b.{0,40}\b(?:sex\w*|nudes?|naked)\b",
    "violence": rf"\b(?:{_HURT}|attack\w*|massacre\w*|violence)\b",
    "violence/graphic": r"\b(?:gore|gory|dismember\w*|mutilat\w*|blood everywhere|entrails)\b",
}
_WORDS = {name: re.compile(_PATTERNS[name], re.IGNORECASE) for name in CATEGORIES}

PICTURED = frozenset(
    {
        *("self-harm", "self-harm/instructions", "self-harm/intent"),
        *("sexual", "violence", "violence/graphic"),
    }
)
"""The categories for which pictures count, by the API's documentation."""


def judge(content: Content) -> Judgement:
    """Judge one piece of content."""
    texts = [part.text for part in content if isinstance(part, TextPart)]
    has_picture = len(texts) < len(content)
    scores = {name: _score(words, texts) for name, words in _WORDS.items()}
    flags = {name: score >= _FLAGGED for name, score in scores.items()}
    return Judgement(
        flagged=any(flags.values()),
        categories=flags,
        scores=scores,
        types={name: _types(name, texts, has_picture=has_picture) for name in CATEGORIES},
    )


def _score(words: re.Pattern[str], texts: Sequence[str]) -> float:
    found = sum([len(words.findall(text)) for text in texts])
    return max(_AT_REST, round(1 - _ONE**found, 6))


def _types(name: str, texts: Sequence[str], *, has_picture: bool) -> tuple[str, ...]:
    given = ("text",) if texts else ()
    return (*given, "image") if has_picture and name in PICTURED else given
