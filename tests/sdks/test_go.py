"""The Go SDK: its vectors and tests with the race detector, and programs at a real server."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.needs("cmd:go", "cmd:gcc")]

SDK = Path(__file__).parents[2] / "sdks" / "go"
SECONDS = 300
"""What compiling takes on a busy machine, the standard library included."""

MODULE = """module example

go 1.19

require github.com/ai-hub/go-sdk v0.0.0

replace github.com/ai-hub/go-sdk => {sdk}
"""
README = re.compile(r"```go\n(package main.*?)```", re.DOTALL)
GREETING = "Hello! How can I assist you today?"


def go(*arguments, cwd=SDK, env=None, input=None):
    """What the tool prints, which succeeds; it takes nothing from the network."""
    done = subprocess.run(
        ["go", *arguments],
        cwd=cwd,
        env={**os.environ, "GOFLAGS": "-mod=mod", "GOPROXY": "off", **(env or {})},
        input=input,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def environ(server, key="test"):
    """Where a program finds the server."""
    return {"AIHUB_BASE_URL": server.url, "AIHUB_API_KEY": key}


def run_program(text, folder, server, **more):
    """What a program prints that has the SDK from this repository."""
    (folder / "go.mod").write_text(MODULE.format(sdk=SDK))
    (folder / "main.go").write_text(text)
    return go("run", ".", cwd=folder, env=environ(server, **more))


def test_it_is_formatted_and_vetted():
    """As Go's own tools want it."""
    formatted = subprocess.run(
        ["gofmt", "-l", str(SDK)], capture_output=True, text=True, check=True
    )
    assert formatted.stdout == ""
    go("vet", "./...")


def test_it_needs_nothing_but_the_standard_library():
    """Its module requires no other."""
    assert "require" not in (SDK / "go.mod").read_text()


def test_all_vectors_and_examples_pass_with_the_race_detector():
    """And no goroutine outlives its call."""
    told = go("test", "-race", "-count=1", "-v", "./...")
    assert told.count("--- PASS: TestVectors/") > 200
    assert "--- FAIL" not in told
    assert "--- SKIP" not in told


def test_a_vector_that_is_not_known_fails(tmp_path):
    """A case that is added and not implemented here."""
    vectors = tmp_path / "vectors"
    shutil.copytree(SDK.parent / "vectors", vectors)
    shutil.copytree(SDK, tmp_path / "go")
    case = '{"name": "new", "about": "New.", "novel": 1, "expect": {"base_url": ""}}'
    text = f'{{"$schema": "../schema.json", "about": "New.", "cases": [{case}]}}'
    (vectors / "cases" / "new.json").write_text(text)
    done = subprocess.run(
        ["go", "test", "-run", "TestVectors", "./..."],
        cwd=tmp_path / "go",
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode != 0
    assert "novel" in done.stdout


def test_the_documents_sample_runs(server, tmp_path):
    """As it stands, but for the key."""
    text = (Path(__file__).parent / "document.go.txt").read_text()
    program = text.replace("your-api-key-here", "test")
    assert run_program(program, tmp_path, server) == f"{GREETING}\n"


@pytest.mark.parametrize("number", range(4))
def test_the_readmes_programs_run(number, server, tmp_path):
    """Each as it stands."""
    programs = README.findall((SDK / "README.md").read_text())
    assert len(programs) == 4
    told = run_program(programs[number], tmp_path, server)
    expected = (
        rf"{re.escape(GREETING)}\ncost in USD: 0\.\d+\n",
        r"(?s).{100,}\n",
        r"the key is none: invalid_api_key\n",
        r"true models\ntrue\n\d+ requests, true\n",
    )
    assert re.fullmatch(expected[number], told), told


def test_the_chat_in_the_terminal_streams_and_remembers(server):
    """Two questions in one session; the server has both turns."""
    told = go(
        *("run", "./examples/terminal-chat"),
        env=environ(server),
        input="My name is Ada.\nWhat is my name?\n\n",
    )
    assert told.count("> ") == 3
    sessions = server.ask("/v1/sessions", "test")["data"]
    [chat] = [one for one in sessions if one["title"] == "Terminal"]
    assert chat["totals"]["turns"] == 2


def test_a_chat_that_is_interrupted_frees_its_request(run_server, tmp_path):
    """Ctrl-C in the midst of an answer: it is settled as aborted, and the program goes on."""
    options = ("--ephemeral", "--latency", "50ms,200ms", "--key", "test=enterprise")
    with run_server(*options) as server:
        binary = tmp_path / "chat"
        go("build", "-o", str(binary), "./examples/terminal-chat")
        chat = subprocess.Popen(
            [binary],
            env={**os.environ, **environ(server)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            chat.stdin.write("Tell me a long story\n")
            chat.stdin.flush()
            assert chat.stdout.read(12).startswith("> ")
            chat.send_signal(signal.SIGINT)
            rest, _ = chat.communicate("\n", timeout=SECONDS)
        finally:
            chat.kill()
            chat.wait()
        assert chat.returncode == 0
        assert "context canceled" in rest
        usage = server.ask("/v1/usage", "test")["usage"]
        assert usage["total_requests"] == 1
