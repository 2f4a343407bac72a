"""Whatever stands in a file, reading it ends in a configuration or in mistakes with their lines."""

import json
import pickle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aihub.config.file import Config, Mistaken, providers, read_config, routing, tables
from aihub.config.file.reading import top_keys
from aihub.config.file.secrets import SECRET_KEYS, Sources

SOURCES = Sources({}, None)
KEYS = sorted(
    {
        *tables.server_keys(SOURCES),
        *tables.hub_keys(SOURCES),
        *tables.KEY_KEYS,
        *tables.PLAN_KEYS,
        *providers.provider_keys(SOURCES),
        *providers.TIMEOUT_KEYS,
        *routing.MODEL_KEYS,
        *routing.DEPLOYMENT_KEYS,
        *routing.ROUTING_KEYS,
        *routing.RETRY_KEYS,
        *routing.BREAKER_KEYS,
        *SECRET_KEYS,
    }
)
NAMES = ["a", "mock", "none", "gpt-4o", "gpt-4-0613", "claude-3-opus", "my-model", "eu", ""]
TEXTS = [*NAMES, "openai", "all", "http://127.0.0.1:1", "sqlite:x", "7d", "K", "E", "priority"]
VALUES = st.recursive(
    st.sampled_from(TEXTS) | st.text(max_size=5) | st.integers() | st.booleans() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4)
        | st.dictionaries(st.sampled_from(NAMES), inner, max_size=2)
    ),
    max_leaves=12,
)
PROVIDERS = st.dictionaries(
    st.sampled_from(["a", "b", "mock"]),
    st.fixed_dictionaries(
        {"models": st.lists(st.sampled_from(NAMES), max_size=3) | VALUES},
        optional={
            "base_url": st.just("http://127.0.0.1:1") | VALUES,
            "region": st.sampled_from(["eu", "us"]) | VALUES,
            "kind": st.sampled_from(["openai", "azure", "vllm"]) | VALUES,
            "timeouts": VALUES,
            "key": st.just({"env": "K"}) | VALUES,
        },
    ),
    max_size=2,
)
MODELS = st.dictionaries(
    st.sampled_from(NAMES),
    st.fixed_dictionaries(
        {},
        optional={
            "deployments": st.lists(
                st.fixed_dictionaries(
                    {"provider": st.sampled_from(["a", "b", "mock"]) | VALUES},
                    optional={"region": VALUES, "id": VALUES, "usd_per_million": VALUES},
                ),
                max_size=2,
            ),
            "context_window": st.just(8192) | VALUES,
            "fallbacks": st.lists(st.sampled_from(NAMES)) | VALUES,
            "policy": st.just("latency") | VALUES,
        },
    ),
    max_size=3,
)
ALIASES = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NAMES), max_size=2)
DOCUMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(top_keys(SOURCES), VALUES),
        "providers": PROVIDERS | VALUES,
        "models": MODELS | VALUES,
        "aliases": ALIASES | VALUES,
        "regions": ALIASES | VALUES,
    },
)


def write(value):
    """Write a value as TOML."""
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{json.dumps(k)} = {write(v)}' for k, v in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(write, value))}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(DOCUMENTS, st.booleans())
def test_any_document_is_a_configuration_or_a_list_of_mistakes(tmp_path, document, live):
    """Nothing is raised; a mistake has a line that is there; what is good can be composed."""
    path = tmp_path / "aihub.toml"
    text = "\n".join(f"{json.dumps(key)} = {write(value)}" for key, value in document.items())
    path.write_text(text)

    read = read_config(path, environ={"K": "k", "E": "", "OPENAI_API_KEY": "k"}, live=live)

    if isinstance(read, Mistaken):
        assert read.mistakes
        assert all(1 <= one.line <= max(1, len(document)) for one in read.mistakes)
        assert len(set(read.lines())) == len(read.mistakes)
    else:
        assert isinstance(read, Config)
        catalogue = read.catalogue()
        assert all(catalogue.find(name) is not None for name in read.routes.deployments)
        assert set(read.make_providers()) == set(read.providers)
        assert pickle.loads(pickle.dumps(read)) == read


def test_a_file_of_another_user_is_read_only_where_it_is_named(tmp_path, monkeypatch):
    """It would say where this user's keys go."""
    from aihub.config import source
    from aihub.errors import UsageMistake

    monkeypatch.chdir(tmp_path)
    assert source.find_file(None) is None
    path = tmp_path / "aihub.toml"
    path.mkdir()
    assert source.find_file(None) is None
    path.rmdir()
    path.write_text("")
    assert source.find_file(None) == path.relative_to(tmp_path)
    assert source.find_file("none") is None

    owner = path.stat().st_uid
    monkeypatch.setattr(source.os, "getuid", lambda: owner + 1)
    if owner != 0:
        with pytest.raises(UsageMistake, match="belongs to another user"):
            source.find_file(None)
    assert source.find_file("aihub.toml") == path.relative_to(tmp_path)
