"""What commands print, to people and to programs, and how they end."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("platformdirs")
pytest.importorskip("rich")

import click
from click.shell_completion import ShellComplete

from aihub.cli import main, options, pages, reading, serve, tables
from aihub.cli.main import COMMANDS, INTERRUPTED
from aihub.cli.work import MAX_PAGE
from aihub.client.desk import AskFailed
from aihub.config.serving import DEV_ACCOUNT
from aihub.dialects import queries
from aihub.model.account import PERIODS, SCOPES, TOKEN_RESERVES
from aihub.model.session import CONTEXT_POLICIES
from aihub.model.usage import GROUPS

SECONDS = 60
"""What a command takes at most on a busy machine."""

SECRET = re.compile(r"ah_\w{49}")
# A child of a background job ignores Ctrl-C unless it says otherwise.
START = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from aihub.cli import main; main()"
)
AIHUB = [sys.executable, "-c", START]


def having(*turns):
    """Give what has a conversation in a hub and returns the session's id."""

    async def have(hub):
        session = await hub.sessions.create(title="Trains", model="gpt-4", account=DEV_ACCOUNT)
        for text in turns:
            await hub.chat(None, text, session=session.id, account=DEV_ACCOUNT)
        return session.id

    return have


# Tables


def test_a_secret_is_printed_once_and_where_it_is_asked(aihub, told, store):
    """Alone with `-q`; the note beside it is no part of what a script reads."""
    where = ("--store", store)
    alone = aihub("keys", "create", "-q", *where)
    shown = aihub("keys", "create", *where)
    id = told("keys", *where)["data"][-1]["id"]
    rotated = aihub("keys", "rotate", id, "--quiet", *where)

    assert SECRET.fullmatch(alone.stdout.rstrip("\n"))
    assert alone.stderr == ""
    assert len(SECRET.findall(shown.stdout)) == 1
    assert shown.stderr == "The secret is shown here and never again.\n"
    assert SECRET.fullmatch(rotated.stdout.rstrip("\n"))
    for words in (["keys"], ["keys", "--json"], ["keys", "show", id], ["accounts"]):
        assert not SECRET.search(aihub(*words, *where).output)


def test_a_list_has_a_line_for_each_and_says_when_there_is_more(aihub, told, store):
    """Off a terminal a row is one line, whatever its length; ids are whole."""
    where = ("--store", store)
    for name in ("search", "a rather long name " * 10, ""):
        assert aihub("keys", "create", "--name", name, *where).exit_code == 0
    ids = [one["id"] for one in told("keys", *where)["data"]]
    done = aihub("keys", "--limit", "3", *where)

    head, *lines = done.stdout.splitlines()
    assert head.split()[:5] == ["ID", "NAME", "HINT", "STATUS", "SCOPES"]
    assert [line.split()[0] for line in lines] == ids[:3]
    assert "a rather long name a rather" in lines[2]
    assert done.stderr == f"There are more: --after {ids[2]}, or --all.\n"
    assert len(aihub("keys", "--all", *where).stdout.splitlines()) == 5
    nothing = aihub("sessions", *where)
    assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (
        0,
        "",
        "There are no sessions.\n",
    )


def test_times_are_utc_and_money_is_exact(aihub, told, store):
    """As people write them; not a digit is lost."""
    where = ("--store", store)
    id = told("budgets", "create", "--limit", "1234567.000000000001", *where)["id"]
    key = told("keys", "create", "--expires", "2040-02-29T12:00:00+01:00", *where)

    assert "$1234567.000000000001" in aihub("budgets", "show", id, *where).stdout
    assert key["expires"] == 2_214_126_000
    assert "2040-02-29 11:00:00" in aihub("keys", "show", key["id"], *where).stdout


def test_a_conversation_is_readable(aihub, told, in_hub, store):
    """Turn by turn, who said what; and from the end where that is asked."""
    id = in_hub(store, having("First line\nsecond line", "And then?"))
    where = ("--store", store)
    said = aihub("sessions", "show", id, *where).stdout
    newest = aihub("sessions", "show", id, "--newest-first", "--limit", "1", *where)

    assert re.search(
        r"\n--- turn 1, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n\nuser:\nFirst line\nsecond", said
    )
    assert said.index("--- turn 2") > said.index("assistant:")
    assert said.count("assistant:\n") == 2
    assert "--- turn 1," not in newest.stdout
    assert "There are more: --after msg_2_1, or --all." in newest.stderr
    assert len(told("sessions", "show", id, "--limit", "3", *where)["messages"]["data"]) == 3


def test_usage_is_a_table_with_its_sum(aihub, in_hub, store):
    """By model as asked, in dollars."""
    in_hub(store, having("Hello", "Hello again"))
    lines = aihub("usage", "--store", store).stdout.splitlines()

    assert re.fullmatch(r"from \d{4}-\d\d-01T00:00:00Z to .+Z", lines[0])
    assert lines[1].split() == ["MODEL", "REQUESTS", "TOKENS", "COST"]
    assert lines[2].split()[:2] == ["gpt-4", "2"]
    assert lines[3].split() == ["total", *lines[2].split()[1:]]
    assert lines[3].split()[-1].startswith("$0.")


def test_nothing_that_was_stored_steers_the_terminal(aihub, in_hub, store):
    """Escape sequences and turned writing directions are shown as unknown characters."""
    nasty = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil"
    in_hub(store, lambda hub: hub.accounts.create(nasty, id="acme"))
    id = in_hub(store, having(f"{nasty}[bold]x[/bold]"))
    where = ("--store", store)
    for words in (["accounts"], ["accounts", "show", "acme"], ["sessions", "show", id]):
        said = aihub(*words, *where).stdout
        assert "evil" in said
        assert not set("\x1b\x07\x9b\u202e") & set(said)
    assert "[bold]x[/bold]" in said
    assert not set("\x1b\x07\x9b\u202e") & set(aihub("plans", "show", "\u2014", *where).output)


@pytest.mark.parametrize(
    "told_",
    [
        b"[]",
        b'"x"',
        b'{"object":"list","data":[1]}',
        b'{"data":{}}',
        b'{"data":[],"cost":1e999999999}',
        b'{"data":[],"cost":' + b"9" * 5000 + b"}",
        b'{"data":' + b"[" * 100_000 + b"}",
    ],
)
def test_what_is_none_of_ours_is_refused(told_):
    """An answer of some other server's is an error and no traceback."""
    with pytest.raises(AskFailed, match="not one of aihub's"):
        reading.read_list(reading.read_object(told_))


def test_a_thing_of_another_server_is_shown_as_far_as_it_goes(capsys):
    """A list of models that has neither prices nor windows, numbers that are no times."""
    odd = (
        (b'{"period":{},"usage":{"models":{"a":1,"b":{"cost":null}}}}', "usage"),
        (b'{"messages":{"data":[{"tool_calls":[1,{"function":2}]}]}}', "session"),
        (b'{"messages":{"data":[{"content":[7,{"type":"text"}]}]}}', "session"),
        (b'{"system_prompt":' + b"[" * 900 + b"]" * 900 + b"}", "session"),
        (b'{"object":"key.revoked"}', "key"),
        (b"{}", "plan"),
    )
    for answer, kind in odd:
        tables.show(answer, kind)
    capsys.readouterr()
    tables.show(b'{"object":"list","data":[{"id":"m","owned_by":null,"pricing":7}]}', "model")
    tables.show(b'{"id":"k","object":"key","created":1e3,"expires":1' + b"0" * 30 + b"}", "key")

    assert capsys.readouterr().out.splitlines()[1].split() == ["m", *"-----"]


# Pages


def listing(n):
    """Give what answers with pages of a list of *n*, and what it was asked."""
    asked = []

    def ask(query):
        asked.append(dict(query))
        begin = int(query.get("after") or 0)
        end = min(n, begin + int(query["limit"]))
        data = ",".join(f'{{"id":"{at + 1}","cost":0.0000001}}' for at in range(begin, end))
        more = "true" if end < n else "false"
        return f'{{"object":"list","data":[{data}],"last_id":"{end}","has_more":{more}}}'.encode()

    return ask, asked


def test_one_page_is_as_it_came():
    """Byte for byte, with what it says of more."""
    ask, _ = listing(30)

    assert pages.gather(ask, {}, 20) == listing(30)[0]({"limit": 20})


def test_many_pages_are_one_list():
    """Its numbers keep their digits, and its end is told."""
    ask, asked = listing(250)
    told = pages.gather(ask, {"account": "acme"}, 230)
    value = reading.read_object(told)

    assert [one["id"] for one in value["data"]] == [str(n + 1) for n in range(230)]
    assert (value["last_id"], value["has_more"]) == ("230", True)
    assert [query["limit"] for query in asked] == [100, 100, 30]
    assert all(query["account"] == "acme" for query in asked)
    assert told.count(b'"cost":0.0000001}') == 230
    assert reading.read_object(pages.gather(ask, {}, 1000))["has_more"] is False


def test_a_list_that_never_ends_is_left():
    """A page that is empty and says that there is more is the last."""
    pages_ = iter([b'{"object":"list","data":[{"id":"a"}],"last_id":"a","has_more":true}'] * 1)
    empty = b'{"object":"list","data":[],"last_id":null,"has_more":true}'

    told = pages.gather(lambda _: next(pages_, empty), {}, 10)
    assert reading.read_object(told)["has_more"] is False


def test_numbers_beyond_all_use_are_refused():
    """Where pages become one list, they would have to be written again."""
    page = b'{"object":"list","data":[{"id":"a","n":%d}],"last_id":"a","has_more":true}' % (2**70)

    with pytest.raises(AskFailed, match="beyond all use"):
        pages.gather(lambda _: page, {}, 2)


# What they know of the hub, which they do not load


def test_choices_are_the_hubs():
    """Commands repeat them in order to start quickly."""
    assert options.SCOPES == SCOPES
    assert options.PERIODS == PERIODS
    assert options.TOKEN_RESERVES == TOKEN_RESERVES
    assert options.CONTEXT_POLICIES == CONTEXT_POLICIES
    assert set(options.GROUPS) == set(GROUPS)
    assert (MAX_PAGE, options.MAX_ID) == (queries.MAX_PAGE, queries.MAX_ID)


def test_the_list_of_commands_says_what_they_say(aihub):
    """Names and help are written beside the modules, which the list does not load."""
    said = aihub("--help").output
    context = click.Context(main)

    assert re.findall(r"^  ([a-z]+)  ", said, re.MULTILINE) == sorted(COMMANDS)
    for name, (_, _, text) in COMMANDS.items():
        command = main.get_command(context, name)
        assert command.get_short_help_str(limit=200).startswith(text.rstrip("."))
    assert main.get_command(context, "serve") is serve
    assert "--ephemeral" in aihub("serve", "--help").output


def loaded(*words):
    """List what a command in a process of its own loads, beside what was there before it."""
    script = (
        "import sys; before = set(sys.modules); from aihub.cli import main\n"
        "try: main()\n"
        "finally: print(*(set(sys.modules) - before), file=sys.stderr)"
    )
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS)
    return set(done.stderr.split())


@pytest.mark.slow
def test_help_loads_next_to_nothing():
    """Neither the hub nor what prints, sends or serves; JSON needs no tables."""
    heavy = {"attrs", "orjson", "anyio", "rich", "httpx2", "trio", "h11", "sqlite3", "asyncio"}

    assert not loaded("--help") & (heavy | {"aihub.cli.keys", "aihub.config", "aihub.hub"})
    assert not loaded("keys", "create", "--help") & (heavy | {"aihub.config", "aihub.hub"})
    assert not loaded("models", "--json") & {"rich", "httpx2", "trio", "h11"}


# Completion


def completed(*words, command=main, name="aihub"):
    """What a shell is offered after *words*, the last of which is being typed."""
    *before, last = words
    shell = ShellComplete(command, {}, name, "_COMPLETE")
    return [one.value for one in shell.get_completions(list(before), last)]


def test_commands_options_and_choices_are_completed():
    """As far as they can be known without asking anybody."""
    assert completed("k") == ["keys"]
    assert completed("") == sorted(COMMANDS)
    assert completed("keys", "") == ["create", "list", "revoke", "rotate", "show", "update"]
    assert {"--url", "--store", "--json", "--scope"} <= set(completed("keys", "create", "--"))
    assert completed("keys", "create", "--scope", "") == list(SCOPES)
    assert completed("completion", "") == ["bash", "zsh", "fish"]
    assert "--ephemeral" in completed("--e", command=serve, name="aihub-serve")


@pytest.mark.slow
def test_bash_completes_by_what_is_printed():
    """The variable that the printed script sets makes both programs answer."""
    for program, words, wanted in (
        ("aihub", "aihub sessions f", "plain,fork"),
        ("aihub-serve", "aihub-serve --ephe", "plain,--ephemeral"),
    ):
        script = subprocess.run(
            [*AIHUB, "completion", "bash"], capture_output=True, text=True, check=True
        ).stdout
        variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
        assert f"{variable}=bash_complete" in script
        beside = Path(sys.executable).with_name(program)
        said = subprocess.run(
            [str(beside if beside.exists() else program)],
            env={
                **os.environ,
                variable: "bash_complete",
                "COMP_WORDS": words,
                "COMP_CWORD": str(len(words.split()) - 1),
            },
            capture_output=True,
            text=True,
            check=True,
            timeout=SECONDS,
        )
        assert said.stdout.split() == [wanted]


# How they end


@pytest.mark.slow
@pytest.mark.parametrize("words", [["models"], ["models", "--json"], ["models", "show", "gpt-4"]])
def test_a_reader_who_leaves_is_no_error(words):
    """Nothing is said of it on standard error."""
    process = subprocess.Popen([*AIHUB, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()

    assert process.wait(SECONDS) == 1
    with process.stderr as said:
        assert said.read() == b""


@contextmanager
def on_a_terminal(*words, **environment):
    """Run a command on a terminal of 60 columns, and give it and the terminal."""
    parent, child = pty.openpty()
    process = subprocess.Popen(
        [*AIHUB, *words],
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "60", **environment},
    )
    os.close(child)
    try:
        yield process, parent
    finally:
        process.kill()
        process.wait()
        os.close(parent)


def read(terminal, until=""):
    """Read a terminal to *until*, or to its end."""
    said, deadline = b"", time.monotonic() + SECONDS
    while not until or until.encode() not in said:
        ready, _, _ = select.select([terminal], [], [], deadline - time.monotonic())
        assert ready, said
        try:
            said += os.read(terminal, 4096)
        except OSError:  # Linux says so of a terminal that nobody has open any more.
            break
    return said.decode()


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "said"), [("y", 0, "revoked"), ("n", 1, "nothing was")])
def test_a_person_is_asked(told, store, answer, code, said):
    """What cannot be undone is done only after a yes."""
    id = told("keys", "--store", store)["data"][0]["id"]
    with on_a_terminal("keys", "revoke", id, "--store", store) as (process, terminal):
        assert f"Revoke the key '{id}', for good? [y/N]" in read(terminal, "[y/N]")
        os.write(terminal, f"{answer}\n".encode())
        assert said in read(terminal)
        assert process.wait(SECONDS) == code
    status = told("keys", "show", id, "--store", store)["status"]
    assert status == ("revoked" if answer == "y" else "live")


@pytest.mark.slow
def test_an_interrupt_ends_with_130(told, store):
    """As shells have it; nothing is done, and there is no traceback."""
    with on_a_terminal("accounts", "delete", DEV_ACCOUNT, "--store", store) as (process, terminal):
        read(terminal, "[y/N]")
        # One that comes in the moment before the terminal is read is heeded with the next.
        while process.poll() is None:
            os.kill(process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                process.wait(2)
        assert "Traceback" not in read(terminal)
        assert process.wait(SECONDS) == INTERRUPTED
    assert told("accounts", "show", DEV_ACCOUNT, "--store", store)["id"] == DEV_ACCOUNT


@pytest.mark.slow
def test_on_a_narrow_terminal_ids_stay_whole(told, store):
    """Other columns fold; a line is longer than the terminal rather than cut."""
    id = told("keys", "create", "--name", "a name of several words", "--store", store)["id"]
    with on_a_terminal("keys", "--store", store) as (process, terminal):
        said = re.sub(r"\x1b\[[0-9;]*m", "", read(terminal))
        assert process.wait(SECONDS) == 0
    assert id in said
    assert "a name of several words" not in said
    assert "several" in said
