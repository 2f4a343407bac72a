"""The commands, as people type them: what they say, what they refuse, and how they end."""

import contextlib
import http.client
import json
import logging
import os
import re
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from urllib.parse import urlsplit

import anyio
import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("platformdirs")

from click.testing import CliRunner

from aihub.cli import extra, main, serve
from aihub.config import Settings, open_hub
from aihub.config.serving import DEV_ACCOUNT, DEV_KEY
from aihub.hub.hub import MAX_IN_FLIGHT
from aihub.model.units import SECOND, usd
from aihub.server import listening, trio_server
from aihub.server.http import MAX_BODY
from aihub.server.trio_h11 import IDLE_TIMEOUT, MAX_CONNECTIONS
from aihub.testing import ManualClock

SECONDS = 60
"""What a command takes at most on a busy machine."""

SECRET = "s3cret-Zx81"
STORY = {"model": "gpt-4", "messages": [{"role": "user", "content": "Tell me a long story"}]}


@pytest.fixture
def listeners():
    """What a start that failed has listened on."""
    opened = []
    yield opened
    for listener in opened:
        listener.close()


def recording(bind, opened):
    def call(place, workers):
        (sockets,) = bind(place, workers)
        opened.extend(sockets)
        return [sockets]

    return call


@pytest.fixture
def run(monkeypatch, listeners):
    """Give a function that runs `aihub-serve` in this process, for what ends before it serves."""

    async def accept(*given, **named):
        pytest.fail("it serves")

    monkeypatch.setattr(trio_server, "serve", accept)
    monkeypatch.setattr(listening.Tcp, "bind", recording(listening.Tcp.bind, listeners))
    logger = logging.getLogger("aihub")
    before = logger.handlers[:], logger.level, logger.propagate

    def invoke(*options, command=serve):
        return CliRunner().invoke(command, options)

    yield invoke
    logger.handlers[:], level, logger.propagate = before
    logger.setLevel(level)


@contextlib.contextmanager
def answering(server, path, key=DEV_KEY, body=None, headers=()):
    """Open one answer of a server, whatever its status."""
    url = urlsplit(server.url)
    connection = http.client.HTTPConnection("127.0.0.1", url.port, timeout=SECONDS)
    headers = {
        "Authorization": f"Bearer {key}",
        "Content-Type": "application/json",
        **dict(headers),
    }
    with contextlib.closing(connection):
        method = "GET" if body is None else "POST"
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, headers)
        with connection.getresponse() as answer:
            yield answer


def ask(server, path, key=DEV_KEY, body=None, headers=()):
    """Give status and JSON of one answer."""
    with answering(server, path, key, body, headers) as answer:
        return answer.status, json.loads(answer.read())


def chat(server, text="Hi", key=DEV_KEY, **headers):
    """Give status and JSON of one chat."""
    body = {"model": "gpt-4", "messages": [{"role": "user", "content": text}]}
    return ask(server, "/v1/chat/completions", key, body, headers)


def wait_until(holds, what):
    """Wait, within bounds, until *holds* says so."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def announced(server):
    """All that a server prints at its start, which comes in more than one piece."""
    wait_until(lambda: any("-d '" in line for line in server.printed), "it announces itself")
    return "".join(server.printed)


# What the commands say


def test_help_names_every_option(run):
    """And nothing else does something."""
    said = run("--help")

    assert said.exit_code == 0
    for option in serve.params:
        assert option.opts[0] in said.output
    assert {option.opts[0] for option in serve.params} >= {"--host", "--port", "--key", "--grace"}


@pytest.mark.parametrize("command", [serve, main])
def test_the_version_is_the_packages(run, command):
    """As the distribution has it."""
    assert run("--version", command=command).output.endswith("version 0.1.0\n")


# What they refuse


KEY_FORM = "a key is SECRET=PLAN[:SCOPE+SCOPE], such as test=pro:read+inference"
DELAY_FORM = "use 200ms, 1.5s, uniform:10ms:40ms or lognormal:300ms:0.5; or say off, fast"
TERM_FORM = "use FIRST,BETWEEN, or first=, between=, prompt=, load="
TIME_FORM = "use 2026-01-01T00:00:00Z, of 1970 to 8999"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--key", SECRET], KEY_FORM),
        (["--key", f"{SECRET}="], KEY_FORM),
        (["--key", "=pro"], KEY_FORM),
        (["--key", f"{SECRET}=pro:"], KEY_FORM),
        (["--key", f"{SECRET}=:read"], KEY_FORM),
        (["--key", f"{SECRET}=pro:root"], "no scope 'root': use read, inference, admin"),
        (["--key", f"{SECRET}=pro:read+"], "no scope '': use read, inference, admin"),
        (["--latency", "quick"], f"'quick' is no delay: {DELAY_FORM}"),
        (["--latency", ""], DELAY_FORM),
        (["--latency", "ms"], DELAY_FORM),
        (["--latency", "3sm"], DELAY_FORM),
        (["--latency", "3ss"], DELAY_FORM),
        (["--latency", "1h"], DELAY_FORM),
        (["--latency", "nan"], DELAY_FORM),
        (["--latency", "inf"], DELAY_FORM),
        (["--latency", "-1s"], DELAY_FORM),
        (["--latency", "601s"], "'601s' is more than 600s"),
        (["--latency", "1s,2x"], DELAY_FORM),
        (["--latency", "1s,2s,3s"], f"'3s' is no term: {TERM_FORM}"),
        (["--latency", "typical,jitter=3s"], f"'jitter=3s' is no term: {TERM_FORM}"),
        (["--latency", "typical,20ms"], TERM_FORM),
        (["--latency", "1s,first=2s"], "'first=2s' is said twice"),
        (["--latency", "uniform:2s:1s"], "the smaller one is first"),
        (["--latency", "normal:2s:1s"], DELAY_FORM),
        (["--latency", "lognormal:300ms"], "'' is not a sigma such as 0.5, at most 3"),
        (["--latency", "typical,load=1001%"], "'1001' is not a share such as 5%, at most 1000"),
        (["--clock", "now", "--ephemeral"], f"'now' is no time for a clock: {TIME_FORM}"),
        (["--clock", "1969-12-31T23:59:59Z", "--ephemeral"], TIME_FORM),
        (["--clock", "9999-01-01T00:00:00Z", "--ephemeral"], TIME_FORM),
        (["--clock", "2026-01-01T00:00:00Z", "--store", "sqlite:x"], "keeps all in memory"),
        (
            ["--clock", "2026-01-01T00:00:00Z", "--ephemeral", "--workers", "2"],
            "--clock and --workers exclude each other",
        ),
        (["--host", "a..b"], "'a..b' is no host: use an address such as 127.0.0.1, or a name"),
        (["--trusted-proxy", "proxy.example"], "'proxy.example' is no network: use an address"),
        (["--trusted-proxy", "10.0.0.1/8"], "'10.0.0.1/8' is no network"),
        (["--workers", "0"], "0 is not in the range 1<=x<=64"),
        (["--max-in-flight", "0"], "0 is not in the range x>=1"),
        (["--max-connections", "0"], "0 is not in the range x>=1"),
        (["--max-body", "4MB"], "'4MB' is not a valid integer"),
        (["--idle-timeout", "nan"], "'nan' is no number of seconds"),
        (["--retention", "400"], "400d, 36h or forever"),
        (["--retention", "23h"], "400d, 36h or forever"),
        (["--retention", "0d"], "400d, 36h or forever"),
        (["--retention", "never"], "400d, 36h or forever"),
        (["--retention", "9999999d"], "400d, 36h or forever"),
        (["--grace", "-1"], "-1.0 is not in the range x>=0"),
        (["--grace", "nan"], "'--grace'"),
        (["--port", "70000"], "70000 is not in the range 0<=x<=65535"),
        (["--port", "-1"], "-1 is not in the range 0<=x<=65535"),
        (["--port", "http"], "'http' is not a valid integer"),
        (["--seed", "x"], "'x' is not a valid integer"),
        (["--log-level", "loud"], "'debug', 'info', 'warning', 'error'"),
        (["--log-format", "xml"], "'text', 'json'"),
        (["--ephemeral", "--store", "memory:"], "--ephemeral and --store exclude each other"),
        (["--store", "postgres:x"], "'postgres:x' is no store: use 'memory:' or 'sqlite:PATH'"),
        (["--store", "sqlite:"], "'sqlite:' names no file: use 'sqlite:PATH'"),
        (["--region", ""], "'--region'"),
        (["--kye", f"{SECRET}=pro"], "--kye"),
        ([f"{SECRET}=pro"], "--key SECRET=PLAN"),
    ],
)
def test_an_option_that_is_wrong_is_named_with_what_would_be_right(run, options, said):
    """Exit code 2, nothing is served, and no secret is repeated."""
    done = run("--port", "0", *options)

    assert done.exit_code == 2, done.output
    assert said in done.output
    assert SECRET not in done.output
    assert "Traceback" not in done.output


def test_what_the_machine_refuses_is_said_in_a_line(run, tmp_path):
    """A folder that is not there, an address that is not ours, a name that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        cases = [
            (["--store", f"sqlite:{tmp_path}/none/hub.db"], "No such file or directory"),
            (["--ephemeral", "--port", port], f"127.0.0.1:{port}: Address already in use"),
            (["--ephemeral", "--host", "192.0.2.1"], "cannot listen on 192.0.2.1"),
            (["--ephemeral", "--host", "no-such-host.invalid"], "no-such-host.invalid"),
        ]
        said = [run("--port", "0", *options) for options, _ in cases]

    for done, (_, line) in zip(said, cases, strict=True):
        assert done.exit_code == 1
        assert line in done.output
        assert len(done.output.splitlines()) == 1
    assert "--port 0 takes any free port" in said[1].output
    assert "--host 127.0.0.1" in said[2].output
    assert "--host 127.0.0.1" in said[3].output


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (f"{SECRET}=nought", "no plan 'nought'. There are: developer, enterprise, free, pro."),
        (f"ah_{SECRET}=pro", "must end with its checksum"),
        (f"{SECRET}é=pro", "printable ASCII"),
        (f"{SECRET * 99}=pro", "printable ASCII"),
    ],
)
def test_a_key_that_cannot_be_made_ends_the_start(run, key, said):
    """Exit code 1: only the store knows plans; the secret is not repeated."""
    done = run("--ephemeral", "--port", "0", "--key", key)

    assert done.exit_code == 1
    assert said in done.output
    assert SECRET not in done.output
    assert len(done.output.splitlines()) == 1


def test_a_start_that_fails_lets_go_of_its_port(run, listeners):
    """The address is taken first; what cannot be opened after it gives it back."""
    assert run("--ephemeral", "--port", "0", "--key", "test=nought").exit_code == 1

    assert [listener.fileno() for listener in listeners] == [-1]


@pytest.mark.slow
@pytest.mark.parametrize("module", ["click", "orjson", "trio", "h11", "platformdirs"])
def test_without_the_extra_the_line_to_install_it_is_printed(module, tmp_path):
    """Exit code 2 and no traceback."""
    script = f"import sys; sys.modules['{module}'] = None; import aihub.cli; aihub.cli.serve()"
    done = subprocess.run(
        [sys.executable, "-c", script, "--port", "0"],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"This command needs '{module}': pip install 'ai-hub[server]'\n"


def test_an_engine_that_is_not_installed_is_named_with_its_line(run, monkeypatch):
    """Exit code 2, before anything is bound or written."""
    monkeypatch.setattr(extra, "find_spec", lambda _: None)
    done = run("--ephemeral", "--port", "0", "--engine", "granian")

    assert done.exit_code == 2
    assert done.output == (
        "--engine granian needs 'granian': pip install 'ai-hub[server,granian]'\n"
    )


@pytest.mark.parametrize("option", ["--max-connections", "--idle-timeout"])
def test_what_an_engine_cannot_do_is_refused(run, option, monkeypatch):
    """Who bounds something must not believe that it is bounded."""
    monkeypatch.setattr(extra, "find_spec", lambda _: True)
    done = run("--ephemeral", "--port", "0", "--engine", "granian", option, "7")

    assert done.exit_code == 2
    assert f"{option} is nothing that --engine granian can do" in done.output


# Keys and the store


@pytest.fixture
def home(tmp_path):
    """An environment whose data directory is empty."""
    return {**os.environ, "XDG_DATA_HOME": str(tmp_path)}


@pytest.mark.slow
def test_without_any_option_it_remembers_in_the_data_directory(run_server, home, tmp_path):
    """Readable by its owner only, keys and usage outlive a restart, and an end is code 0."""
    with run_server("--key", "mine=pro", env=home) as server:
        assert chat(server, key="mine")[0] == 200
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode)
            for path in [tmp_path / "aihub", *(tmp_path / "aihub").iterdir()]
        }
        assert server.stop() == 0
    assert modes["aihub"] == modes.pop("hub.db.owners") == 0o700
    assert modes.pop("aihub") == 0o700
    assert set(modes.values()) == {0o600}
    assert "hub.db" in modes

    with run_server(env=home) as server:
        _, used = ask(server, "/v1/usage", "mine")
        assert used["usage"]["total_requests"] == 1
        assert f"sqlite:{tmp_path / 'aihub' / 'hub.db'}" in announced(server)


@pytest.mark.slow
def test_beyond_loopback_a_random_key_is_printed_once(run_server, home):
    """The documented key of an earlier run on loopback opens nothing there, and here again."""
    with run_server(env=home) as server:
        assert chat(server)[0] == 200
        assert f"key       {DEV_KEY}\n" in announced(server)
    with run_server("--host", "0.0.0.0", env=home) as server:
        ((key,),) = [re.findall(r"  key       (ah_\w{49})\n", announced(server))]
        assert chat(server, key=key)[0] == 200
        assert ask(server, "/v1/usage", key)[0] == 200
        status, refused = chat(server)
        assert (status, refused["error"]["code"]) == (401, "revoked_api_key")
    with run_server("--host", "0.0.0.0", env=home) as server:
        printed = announced(server)
        assert "key       printed at the first start; --key SECRET=PLAN makes another" in printed
        assert key not in printed
        assert DEV_KEY not in printed
        assert chat(server, key=key)[0] == 200
        assert chat(server)[0] == 401
    with run_server(env=home) as server:
        assert chat(server)[0] == 200


@pytest.mark.slow
def test_beyond_loopback_the_documented_key_is_unknown(run_server):
    """Also where nobody ever had it, and the key printed is not to be guessed from the seed."""
    keys = set()
    for _ in range(2):
        with run_server("--host", "0.0.0.0", "--ephemeral", "--seed", "7") as server:
            assert chat(server)[0] == 401
            keys.add(re.search(r"ah_\w+", announced(server))[0])
    assert len(keys) == 2


# What the mock does


def ids_and_texts(run_server, *options):
    """The random part of an id, the text of an answer, and a request's latency, from a server."""
    with run_server("--log-level", "warning", *options) as server:
        _, done = chat(server, "Tell me a long story about trains")
    return done["id"][-16:], done["choices"][0]["message"]["content"]


@pytest.mark.slow
def test_a_seed_gives_texts_and_where_nothing_is_kept_ids(run_server, tmp_path):
    """The same seed the same, another seed others; in a file ids are random whatever the seed."""
    first = ids_and_texts(run_server, "--ephemeral", "--seed", "3")
    again = ids_and_texts(run_server, "--store", "memory:", "--seed", "3")
    other = ids_and_texts(run_server, "--ephemeral", "--seed", "4")
    kept = ids_and_texts(run_server, "--store", f"sqlite:{tmp_path}/hub.db", "--seed", "3")

    assert first == again
    assert first[0] != other[0]
    assert first[1] != other[1]
    assert kept[1] == first[1]
    assert kept[0] != first[0]


@pytest.mark.slow
@pytest.mark.parametrize("kept", ["36h", "forever"])
def test_a_server_keeps_details_as_long_as_it_is_told(run_server, tmp_path, kept):
    """What is older is gone soon after the start; what it cost stays."""
    store = f"sqlite:{tmp_path / 'hub.db'}"
    clock = ManualClock(1_767_268_800 * SECOND)

    async def ask_long_ago():
        async with open_hub(Settings(store=store, clock=clock)) as hub:
            await hub.accounts.create(id="acme")
            done = await hub.chat("gpt-4", "Hi", account="acme")
            return "req_" + done.id.removeprefix("chatcmpl-")

    id = anyio.run(ask_long_ago)

    def is_kept():
        with contextlib.closing(sqlite3.connect(tmp_path / "hub.db")) as db:
            return db.execute("SELECT 1 FROM requests WHERE id = ?", (id,)).fetchone() is not None

    with run_server("--store", store, "--retention", kept) as server:
        deadline = time.monotonic() + (SECONDS if kept == "36h" else 0.5)
        while is_kept() and time.monotonic() < deadline:
            time.sleep(0.02)
        assert is_kept() is (kept == "forever")
        path = "/v1/usage?account=acme&start=2026-01-01T00:00:00Z"
        assert server.ask(path, DEV_KEY)["usage"]["total_requests"] == 1
        server.stop()


@pytest.mark.slow
def test_latency_delays_the_first_token_and_those_after_it(run_server):
    """At least as long as was asked for; nothing is promised about more."""
    with run_server("--ephemeral", "--latency", "300ms,20ms") as server:
        begun = time.monotonic()
        with answering(server, "/v1/chat/stream", body={**STORY, "max_tokens": 11}) as answer:
            answer.readline()
            first = time.monotonic()
            answer.read()
            ended = time.monotonic()

    assert first - begun >= 0.3
    assert ended - begun >= 0.3 + 10 * 0.02


@pytest.mark.slow
def test_a_manual_clock_stands_where_it_is_told(run_server):
    """What is made has its time, and a window that is full stays full however long one waits."""
    options = ["--clock", "2026-03-01T12:00:00+02:00", "--key", "test=free"]
    with run_server(*options) as server:
        told = [chat(server, key="test") for _ in range(12)]

    assert [status for status, _ in told] == [200] * 10 + [429] * 2
    noon = 1_772_359_200
    assert {done["created"] for _, done in told[:10]} == {noon}
    assert [refused["error"]["retry_after"] for _, refused in told[10:]] == [60, 60]


@pytest.mark.slow
def test_latency_moves_a_manual_clock_and_nobody_waits(run_server):
    """Ten requests a minute, each of ten seconds: none is refused, and it takes none of them."""
    options = ["--ephemeral", "--clock", "2026-01-01T00:00:00Z", "--key", "test=free"]
    began = time.monotonic()
    with run_server(*options, "--latency", "10s") as server:
        told = [chat(server, key="test") for _ in range(12)]

    assert time.monotonic() - began < 60
    assert [status for status, _ in told] == [200] * 12
    made = [done["created"] for _, done in told]
    assert [later - made[0] for later in made] == [10 * n for n in range(12)]


@pytest.mark.slow
def test_a_region_is_home_and_a_pinned_request_does_not_leave_it(run_server):
    """A server of one region has nothing in another."""
    with run_server("--ephemeral", "--region", "eu") as server:
        assert chat(server)[0] == 200
        assert chat(server, **{"X-AIHub-Region": "eu"})[0] == 200
        status, refused = chat(server, **{"X-AIHub-Region": "us"})

    assert (status, refused["error"]["code"]) == (503, "region_unavailable")


@pytest.mark.slow
def test_a_host_is_served_by_its_allowed_names_only(run_server):
    """On loopback its own and those added; case does not matter, nor does the port."""
    with run_server("--ephemeral", "--allow-host", "Hub.example") as server:
        told = {
            name: ask(server, "/healthz", headers={"Host": name})[0]
            for name in ("localhost:1", "hub.example", "HUB.EXAMPLE:80", "evil.example")
        }

    assert told == {
        "localhost:1": 200,
        "hub.example": 200,
        "HUB.EXAMPLE:80": 200,
        "evil.example": 421,
    }


@pytest.mark.slow
def test_behind_a_proxy_it_goes_by_the_client_that_is_named(run_server):
    """In the log and in the address window; of a proxy that is not named nothing is believed."""
    named = ["--ephemeral", "--log-format", "json", "--trusted-proxy"]
    for proxy, peer in (("127.0.0.1", "192.0.2.7"), ("10.0.0.0/8", "127.0.0.1")):
        with run_server(*named, proxy) as server:
            told = [
                ask(server, "/v1/usage", "none", headers={"X-Forwarded-For": f"{n}, 192.0.2.7"})[0]
                for n in range(61)
            ]
            other = ask(server, "/v1/usage", "none", headers={"X-Forwarded-For": "192.0.2.8"})[0]
            assert server.stop() == 0
        lines = [json.loads(line) for line in server.printed if line.startswith("{")]
        assert told == [401] * 60 + [429]
        assert other == (401 if peer == "192.0.2.7" else 429)
        assert {line["peer"] for line in lines[:-1]} == {peer}


@pytest.mark.slow
def test_behind_a_proxy_there_is_no_documented_key(run_server):
    """Whoever reaches the proxy reaches us: the key is random, and any host is served."""
    with run_server("--ephemeral", "--trusted-proxy", "127.0.0.1") as server:
        key = re.search(r"ah_\w+", announced(server))[0]
        assert chat(server)[0] == 401
        assert chat(server, key=key, Host="hub.example")[0] == 200


@pytest.mark.slow
def test_the_bounds_of_an_operator_hold(run_server):
    """Requests in flight and bodies, each with its own answer."""
    bounds = ["--max-in-flight=1", "--max-body=200"]
    with run_server("--ephemeral", "--latency", "200ms,200ms", *bounds) as server:
        with answering(server, "/v1/chat/stream", body=STORY) as answer:
            answer.readline()
            status, refused = chat(server)
            assert (status, refused["error"]["code"]) == (503, "overloaded")
        assert ask(server, "/v1/models", body={"x": "x" * 200})[0] == 413


@pytest.mark.slow
def test_a_silent_connection_makes_room_for_others(run_server):
    """With room for one, whoever else comes is told to come again, until that one has idled."""
    bounds = ["--max-connections=1", "--idle-timeout=3"]
    with run_server("--ephemeral", *bounds) as server:
        url = urlsplit(server.url)
        with socket.create_connection((url.hostname, url.port), SECONDS) as idle:
            status, refused = ask(server, "/healthz")
            assert (status, refused["error"]["code"]) == (503, "too_many_connections")
            assert idle.recv(1) == b""
        wait_until(lambda: ask(server, "/healthz")[0] == 200, "there is room again")


def test_the_bounds_of_the_command_line_are_those_of_the_code():
    """What is shown as a default is the constant that has the reason."""
    defaults = {option.name: option.default for option in serve.params}
    told = {name: defaults[name] for name in ("max_in_flight", "max_connections", "max_body")}

    assert told == {
        "max_in_flight": MAX_IN_FLIGHT,
        "max_connections": MAX_CONNECTIONS,
        "max_body": MAX_BODY,
    }
    assert defaults["idle_timeout"] == IDLE_TIMEOUT


# What it logs


@pytest.mark.slow
@pytest.mark.parametrize("style", ["json", "text"])
def test_each_request_is_one_line_of_log_without_its_key(run_server, style):
    """In JSON an object a line; in text a line a person can read."""
    options = ["--ephemeral", "--log-format", style, "--key", f"{SECRET}=pro"]
    with run_server(*options) as server:
        with answering(server, "/v1/models", SECRET) as answer:
            id = answer.headers["X-Request-Id"]
        assert ask(server, "/v1/usage", f"{SECRET}-wrong")[0] == 401
        assert server.stop() == 0
    start = next(n for n, line in enumerate(server.printed) if "-d '" in line) + 2
    lines = server.printed[start:]

    assert len(lines) == 2
    assert all(SECRET not in line for line in lines)
    if style == "text":
        assert re.search(rf" INFO +GET /v1/models 200 [\d.]+ms {id} acc_\w+$", lines[0])
        assert re.search(r" INFO +GET /v1/usage 401 [\d.]+ms req_\w+ -$", lines[1])
        return
    first, second = [json.loads(line) for line in lines]
    assert first["request_id"] == id
    assert (first["method"], first["path"], first["status"]) == ("GET", "/v1/models", 200)
    assert (first["level"], first["logger"], first["peer"]) == ("info", "aihub.access", "127.0.0.1")
    assert first["ms"] >= 0
    assert (second["status"], second["account"]) == (401, None)


# How it ends


def wait_until_deaf(server):
    """Wait until new connections are refused: the signal has come."""
    url = urlsplit(server.url)

    def refuses():
        try:
            socket.create_connection((url.hostname, url.port), SECONDS).close()
        except OSError:
            return True
        return False

    wait_until(refuses, "it listens no more")


@pytest.mark.slow
def test_a_stream_that_ends_within_the_grace_is_whole(run_server):
    """SIGTERM: what is under way ends, nothing else is accepted, exit code 0."""
    options = ["--ephemeral", "--latency", "100ms,10ms", "--grace", str(SECONDS)]
    with run_server(*options) as server:
        with answering(server, "/v1/chat/stream", body={**STORY, "max_tokens": 30}) as answer:
            answer.readline()
            server.process.terminate()
            wait_until_deaf(server)
            rest = answer.read()
        assert server.process.wait(SECONDS) == 0

    assert rest.endswith(b"data: [DONE]\n\n")
    assert "Traceback" not in "".join(server.printed)


async def rows_of(store, account):
    """What the ledger has of an account."""
    async with open_hub(Settings(store=store)) as hub:
        return await hub.requests(account)


@pytest.mark.slow
@pytest.mark.parametrize("signals", [1, 2])
def test_a_stream_that_outlasts_the_grace_is_ended_and_paid_for(run_server, tmp_path, signals):
    """After the grace by an error, or cut by a second signal: code 0, and what was sent is paid."""
    store = f"sqlite:{tmp_path}/hub.db"
    grace = "0.3" if signals == 1 else str(10 * SECONDS)
    with (
        run_server("--store", store, "--latency", "1ms,300ms", "--grace", grace) as server,
        answering(server, "/v1/chat/stream", body=STORY) as answer,
    ):
        for _ in range(5):
            answer.readline()
        server.process.terminate()
        wait_until_deaf(server)
        if signals == 2:
            server.process.terminate()
        assert server.process.wait(SECONDS) == 0
        if signals == 1:
            rest = answer.read()
            last = rest.rstrip().rpartition(b"\n")[2]
            assert json.loads(last.removeprefix(b"data: "))["error"]["code"] == "hub_closed"
        else:
            with pytest.raises(http.client.IncompleteRead) as cut:
                answer.read()
            rest = cut.value.partial
    assert b"[DONE]" not in rest
    assert "Traceback" not in "".join(server.printed)

    (row,) = anyio.run(rows_of, store, DEV_ACCOUNT)
    assert row.state == "aborted"
    assert row.usage.completion >= 1
    assert usd("0.00003") * row.prompt_tokens < row.cost < row.reserved_cost
