"""Catalogues: what comes with aihub, models of one's own, and names."""

from __future__ import annotations

import importlib.util
import json
import re
from decimal import Decimal
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.catalogue import StaticCatalogue, load_catalogue, models_from_json
from aihub.backends.catalogue.own import MAX_USD_PER_MILLION, day_seconds, per_token
from aihub.model.catalogue import Model, PriceCard
from aihub.model.units import format_usd
from aihub.protocols import Catalogue

DOCUMENTED = {
    "gpt-4": "gpt-4",
    "claude-3-opus": "claude-3-opus-20240229",
    "claude-3": "claude-3-opus-20240229",
}
COMMON = (
    *("gpt-4o", "gpt-4o-mini", "gpt-3.5-turbo", "gpt-4-turbo", "o3-mini", "gpt-5"),
    *("claude-3-5-sonnet", "claude-3-haiku", "claude-sonnet-4-5", "claude-2"),
    *("gemini-1.5-pro", "gemini-pro", "gemini-2.5-flash", "gemini-1.5-flash"),
    *("mistral-large", "deepseek-chat", "grok-4", "command-r-plus", "llama-3.3-70b"),
)
# Of the vendors' price lists, in dollars a million tokens: prompt, completion, cached.
LIST_PRICES = {
    "gpt-4": ("30", "60", None),
    "gpt-3.5-turbo": ("0.5", "1.5", None),
    "gpt-4o": ("2.5", "10", "1.25"),
    "gpt-4o-mini": ("0.15", "0.6", "0.075"),
    "claude-3-opus": ("15", "75", "1.5"),
    "claude-3-haiku": ("0.25", "1.25", "0.03"),
    "gemini-1.5-flash": ("0.075", "0.3", "0.01875"),
    "command-r7b-12-2024": ("0.0375", "0.15", None),
}


def make_model(id: str = "acme-1", **changes: Any) -> Model:
    model = Model(
        id=id,
        owned_by="acme",
        created=1_767_225_600,
        context_window=32_768,
        max_output=None,
        prices=PriceCard(prompt=150_000, completion=600_000),
        encoding="o200k_base",
        exact_tokens=False,
    )
    return attrs.evolve(model, **changes)


def own(**fields: Any) -> bytes:
    """Return a document with one model, some of its fields changed; None takes a field away."""
    entry = {
        "id": "acme-1",
        "owned_by": "acme",
        "created": "2026-01-01",
        "context_window": 32_768,
        "usd_per_million": {"prompt": "0.15", "completion": "0.6"},
        **fields,
    }
    kept = {name: value for name, value in entry.items() if value is not None}
    return json.dumps({"models": [kept]}).encode()


def packaged() -> Any:
    return json.loads(files("aihub.backends.catalogue").joinpath("data.json").read_bytes())


# What comes with aihub


def test_it_has_the_models_that_are_promised():
    """There are more than 140 distinct models, aliases not counted."""
    models = {load_catalogue().find(model.id) for model in load_catalogue().models()}
    assert len(models) > 140


@pytest.mark.parametrize(("name", "id"), DOCUMENTED.items())
def test_documented_names_are_found(name, id):
    """Each model name that the public API document uses stands for a model."""
    model = load_catalogue().find(name)
    assert model is not None
    assert model.id == id


@pytest.mark.parametrize("name", COMMON)
def test_common_names_are_found(name):
    """Names that programs commonly use stand for a model."""
    assert load_catalogue().find(name) is not None


@pytest.mark.parametrize(("name", "prices"), LIST_PRICES.items())
def test_prices_are_the_list_prices_exactly(name, prices):
    """A million tokens cost what the vendor's list says, to the last pico-dollar."""
    card = load_catalogue().find(name).prices
    found = [card.prompt, card.completion, card.cached]
    assert [price and Decimal(format_usd(price * 10**6)) for price in found] == [
        price and Decimal(price) for price in prices
    ]


def test_every_model_is_plausible():
    """No model has an absurd price, window, date or tier."""
    for model in load_catalogue().models():
        card = model.prices
        assert all(type(price) is int for price in (card.prompt, card.completion))
        assert 0 <= card.prompt <= per_token("200")
        assert 0 <= card.completion <= per_token("1000")
        assert model.max_output is None or model.max_output > 0
        assert 2_000 <= model.context_window <= 20_000_000
        assert day_seconds("2022-01-01") < model.created < day_seconds("2030-01-01")
        assert [tier.above for tier in card.tiers] == sorted({tier.above for tier in card.tiers})
        assert "text" in model.inputs
        assert "text" in model.outputs or model.outputs in ({"embedding"}, {"moderation"})
        assert (model.dimensions is not None) == (model.outputs == {"embedding"})


def test_only_openai_models_claim_exact_tokens():
    """No model of another vendor claims that a public tokenizer is its own."""
    assert {model.owned_by for model in load_catalogue().models() if model.exact_tokens} == {
        "openai"
    }


def test_encodings_are_those_that_tiktoken_knows():
    """Where tiktoken names the encoding of a model, ours is that one."""
    tiktoken = pytest.importorskip("tiktoken.model")
    known = {**tiktoken.MODEL_TO_ENCODING, "gpt-oss-120b": "o200k_base"}
    for model in load_catalogue().models():
        if model.exact_tokens and model.id in known:
            assert model.encoding == known[model.id]


def test_it_is_read_once():
    """Loading twice gives the same catalogue."""
    assert load_catalogue() is load_catalogue()


def test_it_satisfies_the_protocol():
    """A catalogue may stand where the protocol is asked for."""
    catalogue: Catalogue = load_catalogue()
    assert catalogue.find("no-such-model") is None


@pytest.mark.slow
def test_the_file_is_what_the_generator_makes():
    """From the same packages and day the generator writes the packaged bytes again."""
    data = packaged()
    for name, expected in data["sources"].items():
        if not importlib.util.find_spec(name.replace("-", "_")) or version(name) != expected:
            pytest.skip(f"the file was made from {name} {expected}")
    path = Path(__file__).parents[2] / "tools" / "make_catalogue.py"
    spec = importlib.util.spec_from_file_location("make_catalogue", path)
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    made = generator.make(generator.dt.date.fromisoformat(data["as_of"]))
    assert made == files("aihub.backends.catalogue").joinpath("data.json").read_bytes()


# Names


def test_an_alias_finds_the_real_model_and_is_listed_as_itself():
    """`find` answers with the model's own id, the list has an entry named like the alias."""
    catalogue = StaticCatalogue([make_model()], {"acme": "acme-1"})
    assert catalogue.find("acme").id == "acme-1"
    assert [model.id for model in catalogue.models()] == ["acme-1", "acme"]


def test_names_that_clash_are_refused():
    """Two models of a name, an alias of a model's name and an alias of nothing are refused."""
    with pytest.raises(ValueError, match="two models are called 'acme-1'"):
        StaticCatalogue([make_model(), make_model()])
    with pytest.raises(ValueError, match="'acme-1' is already the id"):
        StaticCatalogue([make_model()], {"acme-1": "acme-1"})
    with pytest.raises(ValueError, match="'a' names no model: 'b'"):
        StaticCatalogue([make_model()], {"a": "b"})


def test_own_models_are_added_and_replace():
    """A model replaces the one of its id and the alias of its name; the old one stays as it was."""
    old = StaticCatalogue([make_model("a"), make_model("b")], {"x": "a", "y": "a"})
    new = old.with_models([make_model("b", created=1), make_model("x")], {"y": "b", "z": "x"})
    assert [model.id for model in new.models()] == ["a", "b", "x", "y", "z"]
    assert new.find("y").created == 1
    assert old.find("y").id == "a"
    assert old.find("b").created != 1


def test_an_alias_may_not_hide_a_model():
    """An own alias that is the id of a packaged model is refused."""
    with pytest.raises(ValueError, match="'gpt-4' is already the id"):
        load_catalogue().with_models([make_model()], {"gpt-4": "acme-1"})


# Models of one's own


def test_a_whole_entry_is_read():
    """Each field of an entry arrives in the model."""
    prices = {
        "prompt": "1.25",
        "completion": "10",
        "cached": "0.125",
        "cache_write": "1.5625",
        "tiers": [{"above": 200_000, "prompt": "2.5", "completion": "15", "cached": "0.25"}],
    }
    (model,), aliases = models_from_json(
        own(
            usd_per_million=prices,
            max_output=4096,
            encoding="cl100k_base",
            exact_tokens=True,
            inputs=["text", "image"],
            features=["tools"],
        )
    )
    assert aliases == {}
    assert model.created == 1_767_225_600
    assert model.prices.cache_write == 1_562_500
    assert model.prices.tiers[0].above == 200_000
    assert model.prices.tiers[0].cache_write is None
    assert (model.max_output, model.encoding, model.exact_tokens) == (4096, "cl100k_base", True)
    assert model.inputs == {"text", "image"}
    assert model.features == {"tools"}


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({"id": None}, "document.models[0].id: missing"),
        ({"id": ""}, "document.models[0] ''.id: empty"),
        ({"owned_by": 1}, ".owned_by: not text"),
        ({"created": "last year"}, ".created: not a date"),
        ({"created": "2026-02-30"}, ".created: day is out of range"),
        ({"context_window": True}, ".context_window: not a whole number"),
        ({"context_window": 1.5}, ".context_window: not a whole number"),
        ({"context_window": 0}, ".context_window: not from 1 to"),
        ({"exact_tokens": 1}, ".exact_tokens: not true or false"),
        ({"encoding": "gpt2"}, ".encoding: not one of cl100k_base, o200k_base"),
        ({"inputs": ["smell"]}, ".inputs: has more than audio,"),
        ({"inputs": "text"}, ".inputs: not a list"),
        ({"price": "1"}, "document.models[0] 'acme-1'.price: unknown field"),
        ({"usd_per_million": "1"}, ".usd_per_million: not an object"),
        ({"usd_per_million": {"prompt": "1"}}, ".usd_per_million.completion: missing"),
        ({"usd_per_million": {"prompt": 0.15}}, ".prompt: a price is written as text, in quotes"),
        ({"usd_per_million": {"prompt": "-1"}}, ".prompt: not a decimal number: '-1'"),
        ({"usd_per_million": {"prompt": "1e3"}}, ".prompt: not a decimal number: '1e3'"),
        ({"usd_per_million": {"prompt": "0.0000001"}}, ".prompt: finer than a pico-dollar"),
        ({"usd_per_million": {"prompt": "100001"}}, ".prompt: more than 100000 dollars"),
    ],
)
def test_faults_are_named_with_their_place(fields, fault):
    """A wrong field is refused by its path and what is wrong with it."""
    with pytest.raises(ValueError, match=re.escape(fault)):
        models_from_json(own(**fields))


def test_all_faults_are_listed():
    """A document with several faults lists every one, a line each."""
    with pytest.raises(ValueError, match="owned_by: missing") as refused:
        models_from_json(own(owned_by=None, context_window="much", usd_per_million=None))
    assert len(str(refused.value).splitlines()) == 3


def test_tiers_are_sorted():
    """Tiers out of order are refused: the price of a long prompt would be anybody's guess."""
    tier = {"prompt": "1", "completion": "1"}
    prices = {**tier, "tiers": [{**tier, "above": 200}, {**tier, "above": 100}]}
    with pytest.raises(ValueError, match="tiers: not sorted by above"):
        models_from_json(own(usd_per_million=prices))


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        (b"{", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "document: not an object"),
        (b'{"model": []}', "document.model: unknown field"),
        (b'{"models": [1]}', r"document.models\[0\]: not an object"),
        (b'{"aliases": {"a": 1}}', "document.aliases.a: not text"),
        (b'{"aliases": {"a": "x", "a": "y"}}', "a field is there twice: a"),
    ],
)
def test_a_document_that_is_none_is_refused(document, fault):
    """What is not JSON, or not of the right shape, or says a thing twice, is refused."""
    with pytest.raises(ValueError, match=fault):
        models_from_json(document)


def test_a_model_that_is_there_twice_is_refused():
    """Two entries of one id are refused by name."""
    entry = json.loads(own())["models"][0]
    with pytest.raises(ValueError, match="'acme-1' is there twice"):
        models_from_json(json.dumps({"models": [entry, entry]}))


@given(st.integers(0, MAX_USD_PER_MILLION * 10**6))
def test_prices_are_exact(pico):
    """A million tokens cost exactly the dollars that were written, for any price there may be."""
    written = format(Decimal(pico).scaleb(-6), "f")
    price = per_token(written)
    assert price == pico
    assert Decimal(format_usd(price * 10**6)) == Decimal(written)
