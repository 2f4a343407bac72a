"""`--live`: what the environment's keys add to a file, and what they leave as it is."""

import pytest

from aihub.backends.providers.http import KINDS
from aihub.config.file import Config, Mistaken, read_config
from aihub.config.file.live import LIVE, found_live
from aihub.config.source import check_live
from aihub.errors import UsageMistake

ENVIRON = {"OPENAI_API_KEY": "k1", "ANTHROPIC_API_KEY": "k2"}


def read(tmp_path, text, environ=None):
    path = tmp_path / "aihub.toml"
    path.write_text(text)
    return read_config(path, environ=environ or ENVIRON, live=True)


def test_without_a_file_each_key_is_a_provider_for_its_own_models():
    """All others are the mock's."""
    config = read_config(None, environ=ENVIRON, live=True)

    assert isinstance(config, Config)
    assert {name: one.key for name, one in config.providers.items()} == {
        "openai": "k1",
        "anthropic": "k2",
    }
    assert config.routes.default == "mock"
    for model, provider in (("gpt-4o", "openai"), ("claude-3-opus-20240229", "anthropic")):
        assert [one.provider for one in config.routes.deployments[model]] == [provider]
    assert "gemini-1.5-pro" not in config.routes.deployments


@pytest.mark.parametrize("kind", [kind for kind in LIVE if kind in KINDS])
def test_each_has_the_variable_of_its_kind(kind):
    """The table of kinds names the same; an empty variable is none."""
    assert LIVE[kind].key == KINDS[kind].key
    assert found_live({LIVE[kind].key: "k"}) == [kind]
    assert found_live({LIVE[kind].key: ""}) == []


def test_what_a_file_describes_stays_as_it_is(tmp_path):
    """A provider of that name or kind is not described again, and the default is the file's."""
    text = (
        '[providers.mine]\nkind = "openai"\nkey = { env = "OPENAI_API_KEY" }\nmodels = ["gpt-4o"]\n'
        '[routing]\ndefault = "none"\n'
    )
    config = read(tmp_path, text)

    assert set(config.providers) == {"mine", "anthropic"}
    assert config.routes.default is None
    assert "gpt-4o-mini" not in config.routes.deployments


def test_what_is_wrong_in_the_environment_is_told_without_the_secret():
    """A key with a line in it cannot stand in a header; an address must be one."""
    environ = {"OPENAI_API_KEY": "sk-\nx", "OPENAI_BASE_URL": "localhost:1"}

    read = read_config(None, environ=environ, live=True)

    assert isinstance(read, Mistaken)
    assert read.lines() == [
        (
            "environment:1: providers.openai.base_url: must be http:// or https://, a host and "
            "perhaps a path"
        ),
        (
            "environment:1: providers.openai.key: the secret in OPENAI_API_KEY is empty, or no "
            "printable ASCII in one line"
        ),
    ]


def test_live_without_a_key_is_refused(monkeypatch):
    """The variables that are looked for are named."""
    for one in LIVE.values():
        monkeypatch.delenv(one.key, raising=False)

    with pytest.raises(UsageMistake, match=r"OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY$"):
        check_live()
