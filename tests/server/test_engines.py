"""aihub on servers of other people: real processes, the SDK, and a terminal's or manager's signals.

`aihub-serve --engine` runs them in its own process; with `aihub.config.asgi:app` they are started
by their own commands.
"""

import asyncio
import os
import signal
import socket
import ssl
import subprocess
import sys
from contextlib import contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from time import monotonic, sleep

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("httpx2")
pytest.importorskip("openai")

import anyio
import httpx2
import openai

from aihub.config import Settings, open_hub
from aihub.config.serving import DEV_KEY
from aihub.core.keys import digest

from .test_stopping import STREAMS, states, stop_amid

pytestmark = pytest.mark.slow

SECONDS = 60
"""What any of it takes at most on a busy machine."""

KEY = "a-key-of-the-file"
FILE = """
[hub]
store = "sqlite:hub.db"
latency = "50ms,60ms"

[server]
grace = 0
max_body = 100000

[[server.keys]]
key = { env = "HUB_KEY" }
plan = "enterprise"
"""
STORY = [{"role": "user", "content": "Tell me a long story"}]


def engine_or_skip(name):
    """Skip where a server is not installed."""
    if find_spec(name) is None:
        pytest.skip(f"needs {name}")


@pytest.fixture(params=["uvicorn", "granian"])
def engine(request):
    """Give each that `aihub-serve` can run on."""
    engine_or_skip(request.param)
    return request.param


COMMANDS = {
    "uvicorn": [
        *("uvicorn", "--host", "127.0.0.1", "--port", "{port}"),
        *("--timeout-graceful-shutdown", "1"),
    ],
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"],
    "hypercorn-asyncio": ["hypercorn", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "1"],
    "hypercorn-trio": [
        *("hypercorn", "--bind", "127.0.0.1:{port}", "--graceful-timeout", "1"),
        *("--worker-class", "trio"),
    ],
}
# From Python 3.12 on asyncio's servers wait for their connections, whatever hypercorn was told.
WAITS = {"granian"} | ({"hypercorn-asyncio"} if sys.version_info >= (3, 12) else set())
"""Those that wait for a stream however long it takes, when they are told to stop."""


def free_port():
    """A port that was free a moment ago: these commands do not tell which one they took."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


@contextmanager
def started(name, folder):
    """Run a server by its own command; give its process and URL."""
    engine_or_skip(COMMANDS[name][0])
    (folder / "aihub.toml").write_text(FILE)
    port = free_port()
    words = [word.format(port=port) for word in COMMANDS[name]]
    command = [str(Path(sys.executable).with_name(words[0])), *words[1:]]
    environment = {**os.environ, "AIHUB_CONFIG": str(folder / "aihub.toml"), "HUB_KEY": KEY}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "aihub.config.asgi:app"], stdout=log, stderr=log, env=environment, cwd=folder
        )
    try:
        yield process, wait_for(f"http://127.0.0.1:{port}", process, folder / "log")
    finally:
        process.kill()
        process.wait()


def wait_for(url, process, log):
    """Wait until a server answers, and give its URL."""
    deadline = monotonic() + SECONDS
    while monotonic() < deadline and process.poll() is None:
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return url
        except httpx2.TransportError:
            sleep(0.05)
    raise AssertionError(log.read_text())


async def _of_the_file(path):
    async with open_hub(Settings(store=f"sqlite:{path}")) as hub:
        return [row.state for row in await hub.requests(f"acc_{digest(KEY).hex()[:16]}")]


def chat_and_stream(url, key):
    """Ask by the SDK: whole, by a stream whose first word comes long before its last, and leave."""
    with openai.OpenAI(base_url=f"{url}/v1", api_key=key, max_retries=0) as client:
        whole = client.chat.completions.create(model="gpt-4", messages=STORY, max_tokens=20)
        began, times = monotonic(), []
        with client.chat.completions.create(
            model="gpt-4", messages=STORY, max_tokens=20, stream=True
        ) as stream:
            text = ""
            for chunk in stream:
                times.append(monotonic() - began)
                text += chunk.choices[0].delta.content or "" if chunk.choices else ""
        assert text == whole.choices[0].message.content
        assert times[0] < times[-1] / 2
        with client.chat.completions.create(
            model="gpt-4", messages=STORY, stream=True
        ) as abandoned:
            next(iter(abandoned))


# aihub-serve --engine


def test_an_engine_serves_the_sdk(run_server, engine, tmp_path):
    """Whole, by a stream as it is made, and one that is left is settled as aborted."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--engine", engine, "--store", store, "--latency", "50ms,20ms"]
    with run_server(*options) as server:
        chat_and_stream(server.url, DEV_KEY)
        stranger = httpx2.get(f"{server.url}/healthz", headers={"host": "evil.example"})
        assert stranger.status_code == 421
        assert server.stop() == 0
        said = "".join(server.printed)
        assert "Traceback" not in said
        assert "panicked" not in said
        assert "GET /healthz 421" in said
    assert states(store) == ["ok", "ok", "aborted"]


def test_an_engine_lets_streams_end_within_the_grace(run_server, engine, tmp_path):
    """As the reference driver does: each has its [DONE] and the end of its body."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--latency", "100ms,50ms", "--grace", str(SECONDS)]
    with run_server("--engine", engine, *options) as server:
        told = asyncio.run(stop_amid(server, max_tokens=20))
        assert server.process.wait(SECONDS) == 0
        assert "Traceback" not in "".join(server.printed)
    for one in told:
        assert one.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
    assert states(store) == ["ok"] * STREAMS


def test_an_engine_tells_streams_that_outlive_it(run_server, engine, tmp_path):
    """No stream is cut and none says that it is whole; each is settled once, as aborted."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--latency", "100ms,300ms", "--grace", "0"]
    with run_server("--engine", engine, *options) as server:
        told = asyncio.run(stop_amid(server))
        assert server.process.wait(SECONDS) == 0
        assert "Traceback" not in "".join(server.printed)
    for one in told:
        assert b'"hub_closed"' in one
        assert one.endswith(b"\n\n\r\n0\r\n\r\n")
        assert b"[DONE]" not in one
    assert states(store) == ["aborted"] * STREAMS


def test_a_second_signal_does_not_wait(run_server, engine, tmp_path):
    """The streams are cut; all are settled, and the code is 0."""
    store = f"sqlite:{tmp_path}/hub.db"
    options = ["--store", store, "--latency", "100ms,300ms", "--grace", "1000"]
    with run_server("--engine", engine, *options) as server:
        told = asyncio.run(stop_amid(server, signals=2))
        assert server.process.wait(SECONDS) == 0
    assert not any(b"[DONE]" in one for one in told)
    assert states(store) == ["aborted"] * STREAMS


def test_workers_run_on_an_engine(run_server, engine, tmp_path):
    """Their parent's signals are passed on, and one that dies is replaced."""
    store = f"sqlite:{tmp_path}/hub.db"
    with run_server("--engine", engine, "--store", store, "--workers", "2") as server:
        for _ in range(4):
            assert server.ask("/v1/models/gpt-4", DEV_KEY)["id"] == "gpt-4"
        assert server.stop() == 0
        assert "Traceback" not in "".join(server.printed)


def test_an_engine_serves_a_socket_file(run_server, engine, tmp_path):
    """Only its owner may connect, and it is gone at the end."""
    path = tmp_path / "hub.sock"
    with run_server("--engine", engine, "--ephemeral", "--uds", str(path)) as server:
        transport = httpx2.HTTPTransport(uds=str(path))
        with httpx2.Client(transport=transport, base_url="http://localhost") as client:
            assert client.get("/readyz").json() == {"status": "ready"}
        assert path.stat().st_mode & 0o777 == 0o600
        assert server.stop() == 0
    assert not path.exists()


def test_an_engine_serves_https(run_server, engine, tmp_path):
    """With the certificate that the options name."""
    trustme = pytest.importorskip("trustme")
    authority = trustme.CA()
    made = authority.issue_cert("127.0.0.1", "localhost")
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(b"".join(one.bytes() for one in made.cert_chain_pems))
    key.write_bytes(made.private_key_pem.bytes())
    context = ssl.create_default_context()
    authority.configure_trust(context)
    options = ["--ephemeral", "--tls-cert", str(chain), "--tls-key", str(key)]
    with run_server("--engine", engine, *options) as server:
        assert server.url.startswith("https://")
        assert httpx2.get(f"{server.url}/readyz", verify=context).json() == {"status": "ready"}
        assert server.stop() == 0


def test_an_engine_rereads_its_file(run_server, engine, tmp_path):
    """At SIGHUP, as the reference driver does."""
    file = tmp_path / "aihub.toml"
    file.write_text("[aliases]\nfirst = 'gpt-4'\n")
    options = ["--engine", engine, "--ephemeral", "--config", str(file), "--key", "test=pro"]
    with run_server(*options) as server:
        assert server.ask("/v1/models/first", "test")["id"] == "first"
        file.write_text("[aliases]\nsecond = 'gpt-4'\n")
        server.process.send_signal(signal.SIGHUP)
        deadline = monotonic() + SECONDS
        while "as it is now" not in "".join(server.printed) and monotonic() < deadline:
            sleep(0.05)
        assert server.ask("/v1/models/second", "test")["id"] == "second"
        assert server.stop() == 0


# Engines by their own commands


@pytest.mark.parametrize("name", COMMANDS)
def test_a_server_runs_the_app_of_a_file(name, tmp_path):
    """The hub opens and closes with the lifespan; one that leaves is settled as aborted."""
    with started(name, tmp_path) as (process, url):
        chat_and_stream(url, KEY)
        large = httpx2.post(f"{url}/v1/chat/completions", content=b"x" * 100_001)
        assert large.status_code == 413
        unknown = {"authorization": f"Bearer {DEV_KEY}"}
        assert httpx2.get(f"{url}/v1/models", headers=unknown).status_code == 401
        with (
            openai.OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0) as client,
            client.chat.completions.create(model="gpt-4", messages=STORY, stream=True) as stream,
        ):
            next(iter(stream))
            process.terminate()
            faults = () if name in WAITS else (openai.APIError, httpx2.TransportError)
            with pytest.raises(faults) if faults else nullcontext():
                list(stream)
        process.wait(SECONDS)
    # What a server cancels it logs as it likes; of ours nothing fails.
    log = (tmp_path / "log").read_text()
    assert "ExceptionGroup" not in log
    assert "panicked" not in log
    assert anyio.run(_of_the_file, tmp_path / "hub.db") == [
        *("ok", "ok", "aborted"),
        "ok" if name in WAITS else "aborted",
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_file_that_is_wrong_ends_a_server_at_its_start(name, tmp_path):
    """What is wrong is told by its line."""
    engine_or_skip(COMMANDS[name][0])
    (tmp_path / "aihub.toml").write_text("[hub]\nstore = 5\n")
    port = free_port()
    words = [word.format(port=port) for word in COMMANDS[name]]
    done = subprocess.run(
        [str(Path(sys.executable).with_name(words[0])), *words[1:], "aihub.config.asgi:app"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "aihub.toml:2" in done.stdout + done.stderr
