"""`--live`: the providers whose keys are in the environment, for the models that are theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from ...backends.providers.http import KINDS


@attrs.frozen
class Live:
    """A kind of provider that the environment may have a key for.

    Args:
        key: the variable that its key stands in.
        base_url: the variable by which its vendor's own client is led elsewhere.
    """

    key: str
    base_url: str


LIVE: Mapping[str, Live] = {
    "openai": Live("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "anthropic": Live("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"),
    "gemini": Live("GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
}
"""By kind; the variables are those of the vendors' own clients."""


def found_live(environ: Mapping[str, str]) -> list[str]:
    """Return the kinds whose keys are there; an empty variable is none."""
    return [kind for kind, one in LIVE.items() if kind in KINDS and environ.get(one.key)]


def add_live(document: dict[str, Any], environ: Mapping[str, str]) -> None:
    """Describe in a document who is found, as a file would.

    A provider that the document describes, by that name or of that kind, stays as it is. Models
    that have no place then are the mock's, if nothing else is said.
    """
    providers = document.setdefault("providers", {})
    routing = document.setdefault("routing", {})
    if not isinstance(providers, dict) or not isinstance(routing, dict):
        return  # Reading says so.
    described = [one.get("kind", "openai") for one in providers.values() if isinstance(one, dict)]
    for kind in found_live(environ):
        if kind not in providers and kind not in described:
            providers[kind] = _provider(kind, environ)
    routing.setdefault("default", "mock")


def _provider(kind: str, environ: Mapping[str, str]) -> dict[str, Any]:
    one = LIVE[kind]
    provider = {"kind": kind, "key": {"env": one.key}, "models": "all"}
    elsewhere = environ.get(one.base_url)
    return {**provider, "base_url": elsewhere} if elsewhere else provider
