"""`aihub` on the terminal: where it asks, what it refuses, how it prints and ends."""

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("platformdirs")
pytest.importorskip("rich")

from aihub.config.serving import DEV_ACCOUNT, furnish

VARIABLES = ("AIHUB_URL", "AIHUB_API_KEY", "AIHUB_STORE")
SECONDS = 60
"""What a command takes at most on a busy machine."""

# Where it asks


def test_with_neither_server_nor_file_both_ways_are_named(aihub):
    """Exit code 2, and nothing is made."""
    done = aihub("keys", "list")

    assert done.exit_code == 2
    for word in ("--url", "--key", "--store sqlite:PATH", *VARIABLES, "aihub-serve"):
        assert word in done.output
    assert not Path(os.environ["XDG_DATA_HOME"]).exists()


def test_the_file_of_aihub_serve_is_found(aihub, told, in_hub, store):
    """Where nothing else is said."""
    folder = Path(os.environ["XDG_DATA_HOME"]) / "aihub"
    folder.mkdir(parents=True)
    in_hub(f"sqlite:{folder / 'hub.db'}", lambda hub: hub.accounts.create(id="mine"))

    assert told("accounts", "show", "mine")["id"] == "mine"
    assert aihub("accounts", "show", "mine", "--store", store).exit_code == 1


def test_variables_say_where_and_options_win(aihub, store, monkeypatch):
    """What is typed counts more than what is set; two at once on one level are a mistake."""
    monkeypatch.setenv("AIHUB_STORE", store)
    assert aihub("keys").exit_code == 0
    monkeypatch.setenv("AIHUB_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AIHUB_API_KEY", "some-key")
    assert "exclude each other" in aihub("keys").output
    assert aihub("keys", "--store", store).exit_code == 0
    refused = aihub("keys", "--url", "http://127.0.0.1:1")
    assert (refused.exit_code, "cannot reach" in refused.output) == (1, True)
    both = aihub("keys", "--url", "http://127.0.0.1:1", "--store", store)
    assert both.exit_code == 2


def test_an_account_without_a_key_of_the_servers_is_the_programs(told, in_hub, tmp_path):
    """In the file of an embedding program, its own; a key of the first start's is found too."""
    own, first = f"sqlite:{tmp_path / 'own.db'}", f"sqlite:{tmp_path / 'first.db'}"
    in_hub(own, lambda hub: hub.sessions.create(title="Mine"))
    in_hub(first, lambda hub: furnish(hub, (), local=False))

    assert [one["title"] for one in told("sessions", "--store", own)["data"]] == ["Mine"]
    assert [one["name"] for one in told("keys", "--store", first)["data"]] == ["first"]
    assert told("sessions", "--store", first, "--account", "acc_local")["data"] == []


def test_models_need_neither(aihub, told):
    """Those that are packaged are listed, picked and shown."""
    found = told("models", "--search", "claude-3-op")

    assert {one["id"] for one in found["data"]} >= {"claude-3-opus", "claude-3-opus-latest"}
    assert all("claude-3-op" in one["id"] for one in found["data"])
    assert len(told("models")["data"]) > 140
    assert told("models", "show", "gpt-4")["pricing"]["prompt"] == "0.00003"
    lines = aihub("models", "--search", "gpt-4").output.splitlines()
    assert ["gpt-4", "openai", "8,192", "8,192", "$30", "$60"] in [line.split() for line in lines]


# What it refuses


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["keys", "--url", "ftp://x", "--key", "hidden"], "use a URL such as"),
        (["keys", "--url", "127.0.0.1:8484", "--key", "hidden"], "use a URL such as"),
        (["keys", "--url", "http://[", "--key", "hidden"], "use a URL such as"),
        (["keys", "--url", "http://x:y", "--key", "hidden"], "use a URL such as"),
        (["keys", "--url", "http://a?b", "--key", "hidden"], "use a URL such as"),
        (["keys", "--url", "http://hidden:hidden@x", "--key", "k"], "no user and no password"),
        (["keys", "--url", "unix:", "--key", "hidden"], "'unix:' names no file"),
        (["keys", "--url", "http://x", "--key", "hidden\n"], "an API key is printable ASCII"),
        (["keys", "--url", "http://x", "--key", "hiddén"], "an API key is printable ASCII"),
        (["keys", "--url", "http://x"], "a server wants a key"),
        (["keys", "--key", "hidden"], "--key is for a server"),
        (["keys", "--store", "memory:"], "nothing is kept in 'memory:'"),
        (["keys", "--store", "hub.db"], "'hub.db' is no store"),
        (["keys", "--store", "sqlite:"], "names no file"),
        (["sessions", "--account", "a", "--url", "http://x", "--key", "k"], "--account is for a"),
        (["keys", "show", ""], "'' is no id"),
        (["keys", "show", ".."], "'..' is no id"),
        (["keys", "show", "a/b"], "'a/b' is no id"),
        (["keys", "show", "a\x1b[1m"], "is no id"),
        (["keys", "show", "x" * 257], "is no id"),
        (["models", "show", "a/../b"], "is no id"),
        (["keys", "create", "--expires", "soon"], "'soon' is no time"),
        (["keys", "create", "--expires", "2026-13-01"], "'2026-13-01' is no time"),
        (["keys", "create", "--scope", "root"], "'root' is not one of"),
        (["keys", "create", "--requests-per-minute", "0"], "0 is not in the range"),
        (["keys", "rotate", "k", "--overlap", "soon"], "'soon' is no span of time"),
        (["keys", "rotate", "k", "--overlap", "-1"], "'-1' is no span of time"),
        (["keys", "update", "k"], "name something to change"),
        (["keys", "update", "k", "--expires", "1d", "--unset", "expires"], "exclude each other"),
        (["sessions", "create", "--metadata", "a"], "'a' is no pair"),
        (["keys", "--limit", "0"], "0 is not in the range"),
        (["keys", "lits"], "No such command 'lits'"),
        (["usage", "--group-by", "hour"], "'hour' is not one of"),
        (["keys", "create", "-q", "--json"], "exclude each other"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
    ],
)
def test_a_wrong_use_is_named(aihub, told, words, said, store, monkeypatch):
    """Exit code 2, nothing of a key is repeated, and nothing is asked."""
    if not {"--url", "--store", "--key"} & set(words):
        monkeypatch.setenv("AIHUB_STORE", store)
    before = told("keys", "--store", store)
    done = aihub(*words)

    assert done.exit_code == 2, done.output
    assert said in done.output
    assert "hidd" not in done.output
    assert "Traceback" not in done.output
    assert told("keys", "--store", store) == before


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["keys", "revoke", "{key}"], "keys"),
        (["sessions", "delete", "{session}"], "sessions"),
        (["accounts", "delete", DEV_ACCOUNT], "accounts"),
        (["budgets", "delete", "{budget}"], "budgets"),
        (["plans", "delete", "team"], "plans"),
    ],
)
def test_what_cannot_be_undone_is_not_done_unasked(aihub, told, words, kind, store):
    """Without a terminal only `--yes` says that it is meant: exit code 2 and a line."""
    where = ("--store", store)
    names = {
        "key": told("keys", *where)["data"][0]["id"],
        "session": told("sessions", "create", *where)["id"],
        "budget": told("budgets", "create", "--limit", "1", *where)["id"],
        "plan": told("plans", "set", "team", "--parallel", "1", *where)["id"],
    }
    before = told(kind, *where)
    done = aihub(*(word.format(**names) for word in words), *where)

    assert done.exit_code == 2
    assert "nothing was done: there is no terminal to ask, so say --yes" in done.output
    assert told(kind, *where) == before
    assert aihub(*(word.format(**names) for word in words), *where, "--yes").exit_code == 0
    assert told(kind, *where) != before


def test_what_is_not_there_ends_with_one_line(aihub, store, tmp_path):
    """Exit code 1: an id, a file, a server, an end of a period before its start."""
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        free = taken.getsockname()[1]
    cases = [
        (["keys", "show", "key_x", "--store", store], "No such key: 'key_x'. (code key_not_found)"),
        (["keys", "--store", f"sqlite:{tmp_path / 'none.db'}"], "none.db': No such file"),
        (["usage", "--start", "2030-01-01", "--store", store], "'end' must not be before 'start'"),
        (["keys", "--account", "nobody", "--store", store], "No such account: 'nobody'"),
        (["keys", "--url", f"http://127.0.0.1:{free}", "--key", "hidden"], "`aihub-serve` starts"),
        (["keys", "--url", f"unix:{tmp_path / 'none'}", "--key", "hidden"], "cannot reach unix:"),
    ]
    for words, said in cases:
        done = aihub(*words)
        assert done.exit_code == 1
        assert said in done.stderr
        assert done.stdout == ""
        assert len(done.stderr.splitlines()) == 1
        assert "hidden" not in done.output
    assert not (tmp_path / "none.db").exists()
