"""A server on a socket file: who may connect, what is left of it, whose file it takes."""

import contextlib
import http.client
import json
import os
import signal
import socket
import stat
import subprocess
import time

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")

from click.testing import CliRunner

from aihub.cli import serve
from aihub.config.serving import DEV_KEY
from aihub.server.listening import Unix, listening

SECONDS = 60
"""What any of it takes at most on a busy machine."""


class Connection(http.client.HTTPConnection):
    """The standard library's client, through a socket file."""

    def __init__(self, path):
        super().__init__("localhost", timeout=SECONDS)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self.path)


def ask(path, target="/v1/models", host="localhost", key=DEV_KEY):
    """Give the status of one answer."""
    with contextlib.closing(Connection(path)) as connection:
        connection.request("GET", target, headers={"Host": host, "Authorization": f"Bearer {key}"})
        with connection.getresponse() as answer:
            answer.read()
            return answer.status


def announced(server):
    """All that a server prints at its start."""
    deadline = time.monotonic() + SECONDS
    while not any("-d '" in line for line in server.printed):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return "".join(server.printed)


@pytest.mark.slow
@pytest.mark.needs("cmd:curl")
def test_it_is_its_owners_and_goes_with_the_server(run_server, tmp_path):
    """Mode 0600, the printed line works as pasted, and nothing is left at the end."""
    path = tmp_path / "a hub.sock"
    with run_server("--ephemeral", "--uds", str(path)) as server:
        printed = announced(server)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert f"aihub is listening on unix:{path} " in printed
        line = printed[printed.index("curl --unix-socket ") :]
        done = subprocess.run(["bash", "-c", line], capture_output=True, check=True)
        assert json.loads(done.stdout)["choices"]
        assert ask(path) == 200
        assert ask(path, host="evil.example") == 421
        assert ask(path, key="none") == 401
        assert server.stop() == 0
        assert not path.exists()


@pytest.mark.slow
def test_a_peer_has_no_address_and_is_called_unix(run_server, tmp_path):
    """In the log, and as one caller for the address window."""
    path = tmp_path / "hub.sock"
    with run_server("--ephemeral", "--log-format", "json", "--uds", str(path)) as server:
        announced(server)
        told = [ask(path, key="none") for _ in range(61)]
        assert server.stop() == 0
    lines = [json.loads(line) for line in server.printed if line.startswith("{")]
    assert told == [401] * 60 + [429]
    assert {line["peer"] for line in lines} == {"unix"}


@pytest.mark.slow
def test_a_dead_servers_file_is_replaced_and_a_live_ones_is_not(run_server, tmp_path):
    """Exit code 1 and a line beside a live one, which goes on."""
    path = tmp_path / "hub.sock"
    with run_server("--ephemeral", "--uds", str(path)) as killed:
        announced(killed)
        killed.process.send_signal(signal.SIGKILL)
        killed.process.wait(SECONDS)
        assert path.exists()
        with run_server("--ephemeral", "--uds", str(path)) as server:
            announced(server)
            second = CliRunner().invoke(serve, ["--ephemeral", "--uds", str(path)])
            assert (second.exit_code, second.output) == (
                1,
                f"Error: cannot listen on {path}: a server listens there.\n",
            )
            assert ask(path) == 200


def test_a_file_that_is_none_of_ours_is_let_be(tmp_path):
    """Neither removed nor written to."""
    path = tmp_path / "notes"
    path.write_text("mine")
    refused = CliRunner().invoke(serve, ["--ephemeral", "--uds", str(path)])
    assert refused.exit_code == 1
    assert refused.output.endswith(f"{path}: there is a file that is no socket.\n")
    assert path.read_text() == "mine"


def test_another_servers_file_is_not_removed(tmp_path):
    """Who took the path over while we were ending keeps it."""
    place = Unix(tmp_path / "hub.sock")
    with contextlib.ExitStack() as newer:
        with listening(place) as [[ours]]:
            ours.close()
            newer.enter_context(listening(place))
        assert place.path.exists()
    assert not place.path.exists()


@pytest.mark.parametrize("option", ["--host=localhost", "--port=8484"])
def test_an_address_besides_is_refused(option, tmp_path):
    """Also where it is the default one."""
    done = CliRunner().invoke(serve, ["--uds", str(tmp_path / "x"), option])
    assert done.exit_code == 2
    assert "--uds and --host or --port exclude each other" in done.output


def test_a_path_that_cannot_be_is_said_in_a_line(tmp_path):
    """Too long for the system, or in a folder that is not there."""
    for path in (tmp_path / ("x" * 200), tmp_path / "none" / "x"):
        done = CliRunner().invoke(serve, ["--ephemeral", "--uds", str(path)])
        assert done.exit_code == 1
        assert done.output.startswith(f"Error: cannot listen on {path}: ")
        assert len(done.output.splitlines()) == 1
        assert not os.path.lexists(path)
