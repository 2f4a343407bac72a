"""The same commands on a server and on a store's file say the same."""

import json
import re

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("platformdirs")
pytest.importorskip("rich")

import click

from aihub.cli import main
from aihub.config.serving import DEV_ACCOUNT, DEV_KEY

CHANGING = re.compile(r"(key|ses|bud|req|msg|acc)_[0-9a-f]{32}")
CHANGES = re.compile(r'("(?:created|updated|renews|revoked|expires)":)\d+|("hint":")[^"]*')
SECRET = re.compile(r"ah_\w{49}")


def alike(text):
    """Leave out of JSON what differs from one run to the next: ids, secrets, times."""
    names = {}
    text = CHANGING.sub(lambda found: names.setdefault(found[0], f"{found[1]}_{len(names)}"), text)
    text = SECRET.sub("SECRET", text)
    return re.sub(
        r'("(?:created|updated|renews|revoked|expires)":)\d+|("hint":")[^"]*', r"\1\2", text
    )


def sequence(run):  # noqa: PLR0915 - a list
    """Use every command once or more, and return everything that was printed."""
    printed = []

    def one(*words):
        done = run(*words, "--json")
        printed.append((words[:2], done.exit_code, alike(done.stdout + done.stderr)))
        return json.loads(done.stdout) if done.exit_code == 0 else {}

    one("accounts", "create", "--id", "acme", "--name", "ACME", "--plan", "developer")
    one("accounts", "create", "--id", "acme")
    one("accounts", "create", "--id", "boss", "--operator")
    one("accounts", "list")
    one("accounts", "show", "acme")
    one("accounts", "update", "acme", "--name", "ACME Ltd", "--plan", "pro", "--no-operator")
    one("accounts", "update", "acme", "--plan", "nought")
    whose = ("--account", "acme")
    key = one(
        *("keys", "create", *whose, "--name", "search", "--scope", "read", "--scope", "admin"),
        *("--expires", "2040-01-01", "--requests-per-minute", "20"),
    )["id"]
    one("keys", "create")
    one("keys", "list", *whose)
    one("keys", "show", key, *whose)
    one("keys", "show", key)
    one("keys", "update", key, *whose, "--unset", "expires", "--tokens-per-minute", "9")
    new = one("keys", "rotate", key, *whose, "--overlap", "1h")["id"]
    one("keys", "list", *whose, "--limit", "1")
    one("keys", "list", *whose, "--after", key)
    budget = one("budgets", "create", *whose, "--limit", "12.50", "--for-key", new)["id"]
    one("budgets", "create", *whose, "--limit", "a lot")
    one("budgets", "create", "--limit", "1", "--period", "day")
    one("budgets", "update", budget, *whose, "--limit", "0.000000000001")
    one("budgets", "list", *whose)
    one("budgets", "show", budget, *whose)
    one("budgets", "delete", budget, *whose, "--yes")
    one("plans", "set", "team", "--requests-per-minute", "7", "--token-reserve", "maximum")
    one("plans", "set", "team", "--unset", "requests-per-minute", "--parallel", "2")
    one("plans", "show", "team")
    one("plans", "list", "--all")
    one("plans", "delete", "team", "-y")
    one("plans", "delete", "pro", "-y")
    one("usage", "--group-by", "key", *whose)
    one("usage", "--start", "2026-01-31", "--end", "2026-02-01T12:00:00Z")
    one("usage", "--start", "2026-01-31T00:30:00Z")
    one("usage", "--account", "nobody")
    one("models", "list")
    one("models", "--search", "CLAUDE-3")
    one("models", "show", "gpt-4")
    one("models", "show", "none/such")
    session = one(
        *("sessions", "create", "--title", "Trains", "--model", "gpt-4", "--metadata", "a=b=c"),
        *("--system-prompt", "Be kind.", "--context-policy", "off"),
    )["id"]
    one("sessions", "update", session, "--title", "Rails", "--unset", "metadata", "--version", "1")
    one("sessions", "update", session, "--title", "Late", "--version", "1")
    one("sessions", "update", session, "--unset", "model", "--unset", "system-prompt")
    fork = one("sessions", "fork", session, "--title", "Branch", "--turn", "0")["id"]
    one("sessions", "list")
    one("sessions", "show", fork, "--newest-first")
    one("sessions", "delete", fork, "--yes")
    one("sessions", "show", fork)
    one("keys", "revoke", new, *whose, "--yes")
    one("accounts", "delete", "acme", "--yes")
    one("accounts", "show", "acme")
    return printed


@pytest.mark.slow
def test_a_server_and_a_file_say_the_same(aihub, run_server, store, tmp_path):
    """Word for word, errors and exit codes included, but for ids and times."""
    local = sequence(lambda *words: aihub(*words, "--store", store))
    with run_server("--store", f"sqlite:{tmp_path / 'other.db'}") as server:
        where = ("--url", server.url, "--key", DEV_KEY)
        remote = sequence(lambda *words: aihub(*words, *where))

    # A file has no requests that could have an id.
    remote = [(words, code, re.sub(", request req_\\w+", "", said)) for words, code, said in remote]
    for ours, theirs in zip(local, remote, strict=True):
        assert ours == theirs
    codes = [code for _, code, _ in local]
    assert codes.count(1) == 11
    assert set(codes) == {0, 1}
    used = {" ".join(words) for words, _, _ in local}
    for name in names_of_commands():
        elsewhere = name in {"completion", "config check", "serve"}
        assert elsewhere or any(one.startswith(name) for one in used), name


def names_of_commands(group=main, before=""):
    """Give all commands by their whole names."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from names_of_commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


@pytest.mark.slow
def test_a_file_is_administered_beside_its_server(aihub, told, run_server, store):
    """A key made in the file opens at the server, and one revoked there does not."""
    with run_server("--store", store) as server:
        key = aihub("keys", "create", "-q", "--store", store).stdout.strip()
        (id,) = [
            one["id"]
            for one in told("keys", "list", "--store", store)["data"]
            if one["hint"] == key[-4:]
        ]
        body = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}
        server.ask("/v1/chat/completions", key, body)
        used = told("usage", "--url", server.url, "--key", key)
        assert used["usage"]["total_requests"] == 1
        assert aihub("keys", "revoke", id, "--yes", "--store", store).exit_code == 0
        with pytest.raises(OSError, match="401"):
            server.ask("/v1/chat/completions", key, body)


@pytest.mark.slow
def test_a_server_is_asked_through_a_socket_file(told, run_server, tmp_path, monkeypatch):
    """As `aihub-serve --uds` prints it."""
    path = tmp_path / "hub.sock"
    with run_server("--ephemeral", "--uds", str(path)):
        monkeypatch.setenv("AIHUB_URL", f"unix:{path}")
        monkeypatch.setenv("AIHUB_API_KEY", DEV_KEY)
        assert told("accounts", "show", DEV_ACCOUNT)["plan"] == "pro"
