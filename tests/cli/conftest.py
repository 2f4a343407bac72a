"""Commands run in this process, on a store's file as a server left it."""

import json

import pytest

VARIABLES = ("AIHUB_URL", "AIHUB_API_KEY", "AIHUB_STORE")


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch, tmp_path):
    """No variable is set, and no server has run here."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


@pytest.fixture
def aihub():
    """Give a function that runs a command without a terminal."""
    testing = pytest.importorskip("click.testing")
    from aihub.cli import main

    return lambda *words: testing.CliRunner().invoke(main, words)


@pytest.fixture
def told(aihub):
    """Give a function that runs a command with `--json` and reads what it prints."""

    def run(*words):
        done = aihub(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def in_hub():
    """Give a function that does something in a hub on a store."""
    import anyio

    from aihub import Settings, open_hub

    def run(url, act):
        async def enter():
            async with open_hub(Settings(store=url)) as hub:
                return await act(hub)

        return anyio.run(enter)

    return run


@pytest.fixture
def store(tmp_path, in_hub):
    """The URL of a store as a server left it, with its development key."""
    from aihub.config.serving import furnish

    url = f"sqlite:{tmp_path / 'hub.db'}"
    in_hub(url, lambda hub: furnish(hub, (), local=True))
    return url
