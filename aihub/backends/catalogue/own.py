"""Models and prices of your own, read strictly from JSON.

A price that is misread costs money, so nothing is guessed: prices are decimal numbers written as
text, unknown fields are refused, and every fault is named with its place.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import TypeAlias, TypeVar

import attrs

from aihub.model.catalogue import Model, PriceCard, PriceTier
from aihub.model.units import Pico, usd

OwnModels: TypeAlias = tuple[tuple[Model, ...], dict[str, str]]
"""Models, and other names for models: what `StaticCatalogue.with_models` takes."""

MODALITIES: frozenset[str] = frozenset({"text", "image", "audio", "video", "pdf"})
OUTPUTS: frozenset[str] = MODALITIES | {"embedding", "moderation"}
FEATURES: frozenset[str] = frozenset(
    {"tools", "reasoning", "structured_output", "temperature", "attachment", "dimensions"}
)
ENCODINGS: frozenset[str] = frozenset({"cl100k_base", "o200k_base"})

# A request at both bounds costs 5 * 10**18 pico-dollars, which a store's 64-bit column still
# holds. The dearest model so far costs $600 a million tokens, the longest prompt is 10 million.
MAX_USD_PER_MILLION = 100_000
MAX_TOKENS = 50_000_000

_MILLION = 10**6
_MAX_PRICE: Pico = usd(MAX_USD_PER_MILLION) // _MILLION
# Twelve digits each side: all that may be written exactly, and never more than Decimal keeps.
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_EPOCH = dt.date(1970, 1, 1)
_DAY_SECONDS = 86_400

_TIER_FIELDS = ("above", "prompt", "completion", "cached", "cache_write")
_CARD_FIELDS = ("prompt", "completion", "cached", "cache_write", "tiers")
_MODEL_FIELDS = (
    *("id", "owned_by", "created", "context_window", "max_output", "usd_per_million"),
    *("encoding", "exact_tokens", "inputs", "outputs", "features", "dimensions"),
)

_T = TypeVar("_T")
_Parse: TypeAlias = Callable[[str], int]


def models_from_json(data: bytes | str) -> OwnModels:
    """Read models with their prices, and aliases, from a JSON document.

    The document is an object with `models`, a list, and `aliases`, an object from name to model
    id; either may be missing. An alias may name a model of another catalogue. A model has

    - `id`, `owned_by`: text.
    - `created`: a date, `"2026-01-31"`, taken as midnight UTC.
    - `context_window`: tokens, prompt and answer together; `max_output` (optional): tokens.
    - `usd_per_million`: dollars for a million tokens, each a decimal number *as text*: `prompt`
      and `completion`, optionally `cached` and `cache_write` (without them such tokens cost as
      any prompt token), optionally `tiers`: objects with `above` (tokens) and prices again, for
      requests whose prompt is longer.
    - `encoding` (optional, `o200k_base`) and `exact_tokens` (optional, false): which public
      tokenizer counts for it, and whether it is the model's own.
    - `inputs`, `outputs` (optional, `["text"]`): of text, image, audio, video, pdf; as an output
      also embedding and moderation, of a model that answers no chats.
    - `features` (optional): of tools, reasoning, structured_output, temperature, attachment,
      dimensions (its vectors may be asked for shorter).
    - `dimensions` (optional): how many numbers its vectors have.

    Raises:
        ValueError: the document is not as above; the message lists every fault, a line each,
            with its place.

    >>> own = '''{"models": [{"id": "acme-1", "owned_by": "acme", "created": "2026-01-31",
    ...     "context_window": 32768, "usd_per_million": {"prompt": "0.15", "completion": "0.6"}}],
    ...   "aliases": {"acme": "acme-1"}}'''
    >>> models, aliases = models_from_json(own)
    >>> models[0].prices.prompt, aliases
    (150000, {'acme': 'acme-1'})
    """
    faults: list[str] = []
    top = _Entry.open("document", _parse(data), faults)
    top.only(("models", "aliases"))
    models = tuple(_model(entry) for entry in top.entries("models", name="id"))
    aliases = _aliases(top)
    faults.extend(_twice(models))
    if faults:
        raise ValueError("\n".join(faults))
    return models, aliases


def card_from(prices: object) -> PriceCard:
    """Read prices, as `usd_per_million` has them.

    Raises:
        ValueError: they are not as above; every fault is a line.

    >>> card_from({"prompt": "0.15", "completion": "0.6"}).prompt
    150000
    """
    faults: list[str] = []
    card = _card(_Entry("", {"usd_per_million": prices}, faults))
    if faults:
        raise ValueError("\n".join(one.removeprefix(".usd_per_million.") for one in faults))
    return card


def per_token(usd_per_million: str) -> Pico:
    """Convert a price in dollars for a million tokens to pico-dollars a token, exactly.

    Raises:
        ValueError: it is not a decimal number, is finer than a pico-dollar a token, or is above
            `MAX_USD_PER_MILLION`.

    >>> per_token("0.075")
    75000
    """
    if not _PRICE.fullmatch(usd_per_million):
        raise ValueError(f"not a decimal number: {usd_per_million!r}")
    price, rest = divmod(usd(usd_per_million), _MILLION)
    if rest:
        raise ValueError(f"finer than a pico-dollar a token: {usd_per_million!r}")
    if price > _MAX_PRICE:
        raise ValueError(f"more than {MAX_USD_PER_MILLION} dollars: {usd_per_million!r}")
    return price


def day_seconds(date: str) -> int:
    """Convert a date such as `2026-01-31` to epoch seconds at midnight UTC.

    Raises:
        ValueError: it is not such a date.
    """
    if not _DATE.fullmatch(date):
        raise ValueError(f"not a date such as 2026-01-31: {date!r}")
    return (dt.date.fromisoformat(date) - _EPOCH).days * _DAY_SECONDS


def _parse(data: bytes | str) -> object:
    try:
        parsed: object = json.loads(data, object_pairs_hook=_pairs)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"not JSON: {error}") from None
    return parsed


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    # JSON lets a key come twice and the last one win; with prices that hides a mistake.
    read = dict(pairs)
    if len(read) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        raise ValueError(f"a field is there twice: {', '.join(twice)}")
    return read


def _model(entry: _Entry) -> Model:
    entry.only(_MODEL_FIELDS)
    return Model(
        id=entry.text("id"),
        owned_by=entry.text("owned_by"),
        created=entry.read("created", day_seconds, 0),
        context_window=entry.whole("context_window"),
        max_output=entry.whole("max_output") if entry.has("max_output") else None,
        prices=_card(entry),
        encoding=entry.text("encoding", "o200k_base", among=ENCODINGS),
        exact_tokens=entry.flag("exact_tokens"),
        inputs=entry.names("inputs", MODALITIES, ("text",)),
        outputs=entry.names("outputs", OUTPUTS, ("text",)),
        features=entry.names("features", FEATURES, ()),
        dimensions=entry.whole("dimensions") if entry.has("dimensions") else None,
    )


def _card(entry: _Entry) -> PriceCard:
    card = entry.entry("usd_per_million")
    if card is None:
        return PriceCard(prompt=0, completion=0)
    card.only(_CARD_FIELDS)
    tiers = tuple(_tier(tier) for tier in card.entries("tiers"))
    if any(one.above >= next.above for one, next in pairwise(tiers)):
        card.fault("tiers", "not sorted by above")
    return PriceCard(
        prompt=card.price("prompt"),
        completion=card.price("completion"),
        cached=card.maybe_price("cached"),
        cache_write=card.maybe_price("cache_write"),
        tiers=tiers,
    )


def _tier(entry: _Entry) -> PriceTier:
    entry.only(_TIER_FIELDS)
    return PriceTier(
        above=entry.whole("above"),
        prompt=entry.price("prompt"),
        completion=entry.price("completion"),
        cached=entry.maybe_price("cached"),
        cache_write=entry.maybe_price("cache_write"),
    )


def _aliases(top: _Entry) -> dict[str, str]:
    aliases = top.entry("aliases") if top.has("aliases") else None
    return {name: aliases.text(name) for name in aliases.data} if aliases else {}


def _twice(models: Iterable[Model]) -> list[str]:
    ids = [model.id for model in models]
    return [f"models: {id!r} is there twice" for id in sorted(set(ids)) if ids.count(id) > 1]


@attrs.frozen
class _Entry:
    """A JSON object being read: what is wrong goes to *faults*, and reading goes on."""

    path: str
    data: Mapping[str, object]
    faults: list[str]

    @classmethod
    def open(cls, path: str, value: object, faults: list[str]) -> _Entry:
        if not isinstance(value, dict):
            faults.append(f"{path}: not an object")
            return cls(path, {}, faults)
        return cls(path, value, faults)

    def fault(self, field: str, text: str) -> None:
        self.faults.append(f"{self.path}.{field}: {text}")

    def has(self, field: str) -> bool:
        return self.data.get(field) is not None

    def only(self, known: Iterable[str]) -> None:
        for field in sorted(self.data.keys() - set(known)):
            self.fault(field, "unknown field")

    def required(self, field: str, kind: type[_T], what: str) -> _T | None:
        value = self.data.get(field)
        if value is None:
            self.fault(field, "missing")
        # A bool is an int to Python, not to people.
        elif type(value) is kind:
            return value
        else:
            self.fault(field, f"not {what}")
        return None

    def text(self, field: str, default: str | None = None, among: Iterable[str] = ()) -> str:
        if default is not None and not self.has(field):
            return default
        value = self.required(field, str, "text")
        if value is not None and among and value not in among:
            self.fault(field, f"not one of {', '.join(sorted(among))}")
        elif value == "":
            self.fault(field, "empty")
        return value or ""

    def whole(self, field: str) -> int:
        value = self.required(field, int, "a whole number")
        if value is not None and not 1 <= value <= MAX_TOKENS:
            self.fault(field, f"not from 1 to {MAX_TOKENS}")
        return value or 0

    def flag(self, field: str) -> bool:
        return bool(self.required(field, bool, "true or false")) if self.has(field) else False

    def read(self, field: str, parse: _Parse, default: int) -> int:
        value = self.required(field, str, "text")
        if value is None:
            return default
        try:
            return parse(value)
        except ValueError as error:
            self.fault(field, str(error))
            return default

    def price(self, field: str) -> Pico:
        if isinstance(self.data.get(field), int | float):
            self.fault(field, "a price is written as text, in quotes")
            return 0
        return self.read(field, per_token, 0)

    def maybe_price(self, field: str) -> Pico | None:
        return self.price(field) if self.has(field) else None

    def names(self, field: str, among: frozenset[str], default: tuple[str, ...]) -> frozenset[str]:
        if not self.has(field):
            return frozenset(default)
        value = self.required(field, list, "a list") or []
        if not all(isinstance(name, str) and name in among for name in value):
            self.fault(field, f"has more than {', '.join(sorted(among))}")
            return frozenset()
        return frozenset(value)

    def entry(self, field: str) -> _Entry | None:
        value = self.required(field, dict, "an object")
        return None if value is None else _Entry(f"{self.path}.{field}", value, self.faults)

    def entries(self, field: str, name: str | None = None) -> list[_Entry]:
        if not self.has(field):
            return []
        items = self.required(field, list, "a list") or []
        return [
            _Entry.open(f"{self.path}.{field}[{n}]{_named(item, name)}", item, self.faults)
            for n, item in enumerate(items)
        ]


def _named(item: object, field: str | None) -> str:
    name = item.get(field) if field and isinstance(item, dict) else None
    return f" {name!r}" if isinstance(name, str) else ""
