"""`aihub-serve` with a file and with `--live`: a real process, a real provider, a real client."""

import os
import re
import signal
import threading
import time
import urllib.request
from pathlib import Path

import pytest

from ..backends.providers.http_answers import COMPACTED, TEXT

pytest.importorskip("click")
pytest.importorskip("trio")
openai = pytest.importorskip("openai")

pytestmark = pytest.mark.slow

SECONDS = 60
"""What any of it takes at most on a busy machine."""

PROC = Path("/proc")
SECRET = "sk-Zx81-never-shown"
HELLO = [{"role": "user", "content": "Hello"}]
KEY = re.compile(r"key +(ah_\w+)")


@pytest.fixture
def environ(tmp_path):
    """The environment of a server, with no provider's key in it and a folder of its own."""
    left_out = ("OPENAI_", "ANTHROPIC_", "GEMINI_", "GOOGLE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return {**kept, "XDG_DATA_HOME": str(tmp_path / "data")}


def wait_until(holds, what):
    """Wait, within bounds, until *holds* says so."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def printed(server):
    return "".join(server.printed)


def announced(server):
    """All that is printed at the start."""
    wait_until(lambda: "  -d " in printed(server), "it announces itself")
    return printed(server)


def client(server, key=None):
    """OpenAI's own client, with the key that was printed."""
    key = key or KEY.search(announced(server))[1]
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=key, max_retries=0)


def say(ai, model):
    return ai.chat.completions.create(model=model, messages=HELLO).choices[0].message.content


def answers(server):
    """What several new connections are told, which several workers take."""
    told = set()
    for _ in range(8):
        with client(server) as ai:
            told.add(say(ai, "my-model"))
    return told


def children(pid):
    """The processes that one has started."""
    found = PROC / str(pid) / "task" / str(pid) / "children"
    return {int(one) for one in found.read_text().split()}


def config_of(upstream, name="mine"):
    return f'providers.{name}.base_url = "{upstream.url}"\nproviders.{name}.models = ["my-model"]\n'


# --live


def test_live_asks_who_has_a_key_and_mocks_the_rest(run_server, open_upstream, environ):
    """OPENAI_BASE_URL leads to a local provider; Anthropic's models stay mocked."""
    with open_upstream("From afar") as upstream:
        env = {**environ, "OPENAI_API_KEY": SECRET, "OPENAI_BASE_URL": upstream.url}
        with run_server("--live", "--config", "none", env=env) as server, client(server) as ai:
            assert re.search(r"live +openai \(\d+ models\); all others: mock\n", announced(server))
            assert say(ai, "gpt-4o") == "From afar"
            (path, headers, body) = upstream.asked.pop()
            assert path == "/v1/chat/completions"
            assert headers["authorization"] == f"Bearer {SECRET}"
            assert body["model"] == "gpt-4o"
            assert say(ai, "claude-3-opus")
            assert upstream.asked == []
            assert SECRET not in printed(server)


LIVE = {
    "anthropic": (
        {"ANTHROPIC_API_KEY": SECRET},
        ("ANTHROPIC_BASE_URL", "claude-3-opus", "/v1/messages"),
        ("x-api-key", "claude-3-opus-20240229"),
    ),
    "gemini": (
        {"GEMINI_API_KEY": SECRET},
        ("GOOGLE_GEMINI_BASE_URL", "gemini-2.5-flash", "/v1beta/models/gemini-2.5-flash:"),
        ("x-goog-api-key", None),
    ),
}


@pytest.mark.parametrize("kind", LIVE)
def test_live_speaks_each_vendors_dialect(kind, run_server, open_upstream, environ):
    """In whole answers and streams, for a client that speaks OpenAI's."""
    keys, (variable, model, path), (header, named) = LIVE[kind]
    with open_upstream(None, kind) as upstream:
        env = {**environ, **keys, variable: upstream.root}
        with run_server("--live", "--config", "none", env=env) as server, client(server) as ai:
            assert re.search(rf"live +{kind} \(\d+ models\); all others: mock\n", announced(server))
            assert say(ai, model) == TEXT
            chunks = ai.chat.completions.create(
                model=model,
                messages=HELLO,
                stream=True,
                stream_options={"include_usage": True},
            )
            *parts, last = list(chunks)
            assert "".join(one.choices[0].delta.content or "" for one in parts) == TEXT
            assert last.usage.completion_tokens > 0
            for asked, headers, body in upstream.asked:
                assert asked.startswith(path)
                assert {name.lower(): value for name, value in headers.items()}[header] == SECRET
                assert body.get("model") == named
            assert len(upstream.asked) == 2
            assert say(ai, "gpt-4o")
            assert len(upstream.asked) == 2
            assert SECRET not in printed(server)


def test_live_opens_nothing_to_the_key_that_everybody_knows(run_server, environ):
    """It is a random one, printed at the first start of a store and never again."""
    env = {**environ, "OPENAI_API_KEY": SECRET}
    with run_server("--live", env=env) as server:
        key = KEY.search(announced(server))[1]
        with client(server, "aihub-dev-key") as ai, pytest.raises(openai.AuthenticationError):
            ai.models.list()
    with run_server("--live", env=env) as server:
        assert "printed at the first start" in announced(server)
        with client(server, key) as ai:
            assert ai.models.retrieve("gpt-4o").id == "gpt-4o"


# A file


def test_two_lines_serve_any_server(run_server, open_upstream, environ, tmp_path, monkeypatch):
    """`aihub.toml` in the working folder is read without being named, and it is said so."""
    monkeypatch.chdir(tmp_path)
    with open_upstream("From here") as upstream:
        (tmp_path / "aihub.toml").write_text(config_of(upstream))
        with run_server("--ephemeral", env=environ) as server, client(server) as ai:
            assert re.search(r"config +aihub.toml\n", announced(server))
            assert '"model": "my-model"' in announced(server)
            assert [one.id for one in ai.models.list()] == ["my-model"]
            assert say(ai, "my-model") == "From here"
            assert "authorization" not in upstream.asked[0][1]
            with pytest.raises(openai.BadRequestError, match="Invalid model specified"):
                say(ai, "gpt-4o")


def test_a_providers_compaction_passes_through(run_server, open_upstream, environ, tmp_path):
    """OpenAI's SDK is given what the provider wrote, and gives it back to it."""
    path = tmp_path / "my.toml"
    with open_upstream(None, "openai-responses") as upstream:
        path.write_text(config_of(upstream) + 'providers.mine.kind = "openai-responses"\n')
        with run_server("--config", str(path), env=environ) as server, client(server) as ai:
            short = ai.responses.compact(model="my-model", input="My name is Ada.")
            # The SDK knows no message of a user's in an output, and says so when it writes one.
            items = [one.to_dict(warnings=False) for one in short.output]
            assert items == COMPACTED["output"]
            assert short.usage.input_tokens == 9
            asked = {"role": "user", "content": "Who am I?"}
            done = ai.responses.create(model="my-model", input=[*items, asked])
            assert done.output_text == TEXT
            with ai.responses.stream(
                model="my-model", input="And now?", previous_response_id=done.id
            ) as stream:
                assert stream.get_final_response().output_text == TEXT
            assert say(ai, "my-model") == TEXT
            paths = [one for one, _, _ in upstream.asked]
            assert paths == ["/v1/responses/compact", *["/v1/responses"] * 3]
            for _, _, body in upstream.asked[1:3]:
                assert body["input"][1] == items[1]
                assert body["store"] is False


def test_a_file_leaves_the_pages_out_and_the_command_line_wins(run_server, tmp_path):
    """There is the API alone, and no line that leads to a dashboard."""
    (tmp_path / "aihub.toml").write_text("[server]\npages = false\n")
    file = ["--config", str(tmp_path / "aihub.toml"), "--ephemeral"]
    with run_server(*file) as server:
        assert "dashboard" not in announced(server)
        with pytest.raises(OSError, match="404"):
            urllib.request.urlopen(f"{server.url}/dashboard")
        assert urllib.request.urlopen(f"{server.url}/v1/status").status == 200
    with run_server(*file, "--pages") as server:
        assert f"{server.url}/dashboard" in announced(server)
        assert urllib.request.urlopen(f"{server.url}/dashboard").status == 200


def test_the_command_line_wins_over_the_file(run_server, environ, tmp_path):
    """What is given there stands, what is not is the file's; a secret of the file's is a key."""
    path = tmp_path / "my.toml"
    path.write_text(
        '[server]\nport = 1\nlog_format = "json"\n[[server.keys]]\nkey = { env = "K" }\n'
        'plan = "gold"\n[hub]\nstore = "sqlite:own.db"\nregion = "eu"\n[[plans]]\nname = "gold"\n'
        "requests_per_minute = 7\n"
    )
    with run_server("--config", str(path), env={**environ, "K": SECRET}) as server:
        assert f"sqlite:{tmp_path}/own.db" in announced(server)
        with client(server, SECRET) as ai:
            answer = ai.chat.completions.with_raw_response.create(model="gpt-4o", messages=HELLO)
        assert answer.headers["x-ratelimit-limit"] == "7"
        wait_until(lambda: '"status":200' in printed(server), "the log is JSON")


def test_the_name_that_is_asked_for_prefers_a_region(run_server, open_upstream, environ, tmp_path):
    """Two addresses of one server lead to two providers; read again, to others."""
    path = tmp_path / "my.toml"
    regions = '[regions]\n"api.example" = "{}"\n"api-us.example" = "{}"\n'
    with open_upstream("From Europe") as eu, open_upstream("From America") as us:
        places = "".join(
            f'[providers.{name}]\nbase_url = "{one.url}"\nregion = "{name}"\nmodels = ["m"]\n'
            for name, one in (("eu", eu), ("us", us))
        )
        path.write_text('hub.region = "eu"\n' + places + regions.format("eu", "us"))
        with run_server("--ephemeral", "--config", str(path), env=environ) as server:
            key = KEY.search(announced(server))[1]

            def told(host):
                with openai.OpenAI(
                    base_url=f"{server.url}/v1",
                    api_key=key,
                    max_retries=0,
                    default_headers={"Host": host},
                ) as ai:
                    return say(ai, "m")

            assert [told("api.example"), told("api-us.example")] == ["From Europe", "From America"]
            since = read_again(server, path, path.read_text().replace('"api-us', '"api-usa'))
            said(server, since, "requests are served by the configuration")
            assert [told("api.example"), told("api-usa.example")] == ["From Europe", "From America"]
            with pytest.raises(openai.APIStatusError) as caught:
                told("api-us.example")
            assert caught.value.status_code == 421


def test_the_documented_addresses_are_regions(run_server, open_upstream, environ, tmp_path):
    """The four that the API document prints, `[regions]` mapping each to a region's provider."""
    path = tmp_path / "aihub.toml"
    with (
        open_upstream("From America") as us,
        open_upstream("From Europe") as eu,
        open_upstream("From Asia") as asia,
    ):
        served = {"us-east": us, "eu": eu, "ap-southeast": asia}
        providers = "".join(
            f'[providers.{name}]\nbase_url = "{one.url}"\nregion = "{name}"\nmodels = ["gpt-4"]\n'
            for name, one in served.items()
        )
        # `api.ai-hub.com` is the home region's.
        path.write_text(
            f"""hub.region = "us-east"
{providers}
[regions]
"api.ai-hub.com" = "us-east"
"api-us-east.ai-hub.com" = "us-east"
"api-eu.ai-hub.com" = "eu"
"api-ap-southeast.ai-hub.com" = "ap-southeast"
"""
        )
        with run_server("--ephemeral", "--config", str(path), env=environ) as server:
            key = KEY.search(announced(server))[1]
            told = {}
            for host in ("api", "api-us-east", "api-eu", "api-ap-southeast"):
                with openai.OpenAI(
                    base_url=f"{server.url}/v1",
                    api_key=key,
                    max_retries=0,
                    default_headers={"Host": f"{host}.ai-hub.com"},
                ) as ai:
                    told[host] = say(ai, "gpt-4")
    assert told == {
        "api": "From America",
        "api-us-east": "From America",
        "api-eu": "From Europe",
        "api-ap-southeast": "From Asia",
    }


# SIGHUP


def read_again(server, path, text):
    """Write a file, have it read, and wait for what the log says of it."""
    told = len(server.printed)
    path.write_text(text)
    server.process.send_signal(signal.SIGHUP)
    return told


def said(server, since, what, times=1):
    wait_until(lambda: "".join(server.printed[since:]).count(what) >= times, what)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_file_is_read_again_while_a_stream_ends_by_the_old_one(
    run_server, open_upstream, environ, tmp_path, workers
):
    """New requests are served by the new file at once, in every worker; a stream in flight ends as
    it began; a wrong file changes nothing.
    """
    path = tmp_path / "my.toml"
    options = ("--config", str(path), "--workers", workers, "--store", f"sqlite:{tmp_path}/a.db")
    with open_upstream("The old one") as old, open_upstream("The new one") as new:
        path.write_text(config_of(old))
        with run_server(*options, env=environ) as server, client(server) as ai:
            told = []

            def stream():
                for chunk in ai.chat.completions.create(
                    model="my-model", messages=HELLO, stream=True
                ):
                    told.append(chunk.choices[0].delta.content or "")

            reader = threading.Thread(target=stream)
            reader.start()
            assert old.begun.wait(SECONDS)

            since = read_again(server, path, config_of(new).replace("models", "model"))
            said(server, since, "is no key here: did you mean 'models'?")
            said(server, since, "the configuration stays as it was")
            assert say(ai, "my-model") == "The old one"

            since = read_again(server, path, "server.port = 1\n" + config_of(new, "other"))
            said(server, since, "server.port differs: it takes effect at the next start")
            said(server, since, "requests are served by the configuration", int(workers))
            assert answers(server) == {"The new one"}

            assert reader.is_alive()
            old.go.set()
            reader.join(SECONDS)
            assert "".join(told) == "The old one"
            assert server.stop() == 0


@pytest.mark.skipif(not PROC.is_dir(), reason="no /proc here")
def test_a_worker_that_comes_later_knows_what_was_read_again(
    run_server, open_upstream, environ, tmp_path
):
    """It is told the file as it is, not as it was at the start."""
    path = tmp_path / "my.toml"
    options = ("--config", str(path), "--workers", "2", "--store", f"sqlite:{tmp_path}/a.db")
    with open_upstream("The old one") as old, open_upstream("The new one") as new:
        path.write_text(config_of(old))
        with run_server(*options, env=environ) as server:
            assert answers(server) == {"The old one"}
            since = read_again(server, path, config_of(new))
            said(server, since, "requests are served by the configuration", 2)
            before = children(server.process.pid)
            for pid in before:
                os.kill(pid, signal.SIGKILL)
            wait_until(
                lambda: len(children(server.process.pid) - before) == 2, "two others are there"
            )
            assert answers(server) == {"The new one"}
            assert server.stop() == 0


@pytest.fixture
def heeded():
    """Let what is started heed SIGHUP, though whoever started us may have had it ignored."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heeded")
def test_sighup_ends_a_server_that_has_no_file(run_server, environ):
    """As it ends any program that does not say otherwise."""
    with run_server("--ephemeral", "--config", "none", env=environ) as server:
        announced(server)
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(SECONDS) == -signal.SIGHUP
