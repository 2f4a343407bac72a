"""The catalogue that comes with aihub: `data.json`, written by `tools/make_catalogue.py`.

The file holds whole pico-dollars a token, checked when it was written, so reading it is only
building values.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from aihub.model.catalogue import Model, PriceCard, PriceTier

from .static import StaticCatalogue

# Not importlib.resources: it takes longer to import than the file to read.
_DATA = Path(__file__).with_name("data.json")
_TEXT = ("text",)


@cache
def load_catalogue() -> StaticCatalogue:
    """Return the models that come with aihub; read once, in about 3 ms."""
    data = json.loads(_DATA.read_bytes())
    return StaticCatalogue(map(_model, data["models"]), data["aliases"])


def _model(entry: dict[str, Any]) -> Model:
    return Model(
        id=entry["id"],
        owned_by=entry["owned_by"],
        created=entry["created"],
        context_window=entry["context_window"],
        max_output=entry.get("max_output"),
        prices=_prices(entry["prices"]),
        encoding=entry["encoding"],
        exact_tokens=entry.get("exact_tokens", False),
        inputs=frozenset(entry.get("inputs", _TEXT)),
        outputs=frozenset(entry.get("outputs", _TEXT)),
        features=frozenset(entry.get("features", ())),
        dimensions=entry.get("dimensions"),
    )


def _prices(entry: dict[str, Any]) -> PriceCard:
    return PriceCard(
        prompt=entry["prompt"],
        completion=entry["completion"],
        cached=entry.get("cached"),
        cache_write=entry.get("cache_write"),
        tiers=tuple(PriceTier(**tier) for tier in entry.get("tiers", ())),
    )
