"""HTTPS: what is served by it, what is refused, and who cannot hold it up."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import subprocess
import time
from urllib.parse import urlsplit

import pytest

pytest.importorskip("click")
pytest.importorskip("trio")
pytest.importorskip("pytest_trio")
pytest.importorskip("trustme")

import trio
import trustme
from click.testing import CliRunner

from aihub.cli import serve
from aihub.config.serving import DEV_KEY
from aihub.errors import UsageMistake
from aihub.server import trio_server
from aihub.server.app import App
from aihub.server.listening import Certificate
from aihub.server.trio_h11 import ServerOptions
from aihub.testing import open_test_hub

SECONDS = 60
"""What any of it takes at most on a busy machine."""

STORY = json.dumps({"model": "gpt-4", "messages": [{"role": "user", "content": "Tell a story"}]})
HEADERS = {"Authorization": f"Bearer {DEV_KEY}"}


@pytest.fixture(scope="module")
def authority():
    """Who the callers trust."""
    return trustme.CA()


@pytest.fixture(scope="module")
def files(authority, tmp_path_factory):
    """A certificate for this machine, its key, and the authority's own certificate."""
    folder = tmp_path_factory.mktemp("tls")
    issued = authority.issue_cert("127.0.0.1", "localhost")
    for name, blob in (
        ("cert.pem", b"".join(blob.bytes() for blob in issued.cert_chain_pems)),
        ("key.pem", issued.private_key_pem.bytes()),
        ("ca.pem", authority.cert_pem.bytes()),
    ):
        (folder / name).write_bytes(blob)
    return folder


@pytest.fixture(scope="module")
def trusting(authority):
    """A client's side of TLS that trusts the authority and nobody else."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


def options_for(files):
    return ["--tls-cert", str(files / "cert.pem"), "--tls-key", str(files / "key.pem")]


@contextlib.contextmanager
def secured(server, context):
    """A TLS connection to a server."""
    url = urlsplit(server.url)
    with (
        socket.create_connection((url.hostname, url.port), SECONDS) as plain,
        context.wrap_socket(plain, server_hostname=url.hostname) as secure,
    ):
        yield secure


def ask(server, context, path="/v1/chat/completions", body=STORY):
    """Give status and body of one answer over TLS."""
    url = urlsplit(server.url)
    connection = http.client.HTTPSConnection(
        url.hostname, url.port, timeout=SECONDS, context=context
    )
    with contextlib.closing(connection):
        connection.request("POST" if body else "GET", path, body, HEADERS)
        with connection.getresponse() as answer:
            return answer.status, answer.read()


@pytest.mark.slow
def test_answers_and_streams_come_over_tls(run_server, files, trusting):
    """HTTP/1.1 is agreed on with a client that would do more; who does not trust us leaves."""
    with run_server("--ephemeral", *options_for(files)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        assert ask(server, trusting)[0] == 200
        assert ask(server, trusting, "/v1/chat/stream")[1].endswith(b"data: [DONE]\n\n")
        with secured(server, trusting) as secure:
            assert secure.selected_alpn_protocol() == "http/1.1"
        with pytest.raises(ssl.SSLCertVerificationError):
            ask(server, ssl.create_default_context())
        assert ask(server, trusting)[0] == 200
        assert server.stop() == 0
        assert "Traceback" not in "".join(server.printed)


@pytest.mark.slow
@pytest.mark.needs("cmd:curl")
def test_the_line_printed_works_as_pasted(run_server, files):
    """Where the certificate's authority is trusted."""
    with run_server("--ephemeral", *options_for(files)) as server:
        deadline = time.monotonic() + SECONDS
        while not any("-d '" in line for line in server.printed):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        printed = "".join(server.printed)
        done = subprocess.run(
            ["bash", "-c", printed[printed.index("curl ") :]],
            env={**os.environ, "CURL_CA_BUNDLE": str(files / "ca.pem")},
            capture_output=True,
            check=True,
            timeout=SECONDS,
        )
    assert json.loads(done.stdout)["choices"][0]["message"]["content"]


@pytest.mark.slow
def test_whoever_does_not_speak_tls_holds_up_nobody(run_server, files, trusting):
    """Plain HTTP is hung up on, a silent peer waits alone, and the log stays clean."""
    with run_server("--ephemeral", *options_for(files)) as server:
        url = urlsplit(server.url)
        with socket.create_connection((url.hostname, url.port), SECONDS):
            with socket.create_connection((url.hostname, url.port), SECONDS) as plain:
                plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                assert b"HTTP/1.1" not in plain.recv(1000)
            assert ask(server, trusting, "/healthz", None)[0] == 200
            # A stop does not wait for the silent one's handshake either.
            assert server.stop() == 0
        assert "Traceback" not in "".join(server.printed)


@pytest.mark.slow
@pytest.mark.parametrize("rudely", [False, True])
def test_a_peer_that_vanishes_without_goodbye_is_a_disconnect(run_server, files, trusting, rudely):
    """The end of the file without close_notify, or a reset: cancelled and logged as any other."""
    options = ["--ephemeral", "--latency", "10ms,300ms", "--log-level", "debug"]
    with run_server(*options, *options_for(files)) as server:
        with secured(server, trusting) as secure:
            head = f"POST /v1/chat/stream HTTP/1.1\r\nHost: localhost\r\n{_head()}"
            secure.sendall(f"{head}Content-Length: {len(STORY)}\r\n\r\n{STORY}".encode())
            assert secure.recv(1)
            if rudely:
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        assert server.stop() == 0
        printed = "".join(server.printed)
    assert "POST /v1/chat/stream 200 " in printed
    assert "Traceback" not in printed


def _head():
    return "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())


@pytest.mark.slow
def test_a_stop_is_told_over_tls_too(run_server, files, trusting):
    """The last event of a stream that outlives the grace arrives whole."""
    options = ["--ephemeral", "--latency", "10ms,300ms", "--grace", "0"]
    with run_server(*options, *options_for(files)) as server:
        url = urlsplit(server.url)
        connection = http.client.HTTPSConnection(
            url.hostname, url.port, timeout=SECONDS, context=trusting
        )
        with contextlib.closing(connection):
            connection.request("POST", "/v1/chat/stream", STORY, HEADERS)
            with connection.getresponse() as answer:
                answer.readline()
                server.process.terminate()
                assert b'"code":"hub_closed"' in answer.read().split(b"\n\n")[-2]
        assert server.process.wait(SECONDS) == 0


@pytest.mark.trio
async def test_a_handshake_that_is_never_finished_is_given_up(files, monkeypatch):
    """After HANDSHAKE_TIMEOUT, in the connection's own task."""
    monkeypatch.setattr(trio_server, "HANDSHAKE_TIMEOUT", 0.05)
    tls = Certificate(files / "cert.pem", files / "key.pem").context()
    async with open_test_hub() as hub, trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        server = trio_server.Server(App(hub), ServerOptions(grace=1, tls=tls))
        nursery.start_soon(server.serve, listeners)
        address = listeners[0].socket.getsockname()
        async with await trio.open_tcp_stream(*address) as silent:
            with trio.fail_after(SECONDS):
                assert await silent.receive_some() == b""
        server.stop()


# What is refused


def other_key(folder, authority):
    issued = authority.issue_cert("other.example")
    issued.private_key_pem.write_to_path(str(folder / "other.pem"))
    return folder / "other.pem"


def locked_key(folder, files):
    """The certificate's key, behind a password."""
    from cryptography.hazmat.primitives import serialization as written

    key = written.load_pem_private_key((files / "key.pem").read_bytes(), None)
    path = folder / "locked.pem"
    path.write_bytes(
        key.private_bytes(
            written.Encoding.PEM,
            written.PrivateFormat.PKCS8,
            written.BestAvailableEncryption(b"password"),
        )
    )
    return path


def test_files_that_cannot_be_used_are_named(tmp_path, files, authority):
    """Missing, not PEM, another's key, behind a password: never a prompt, never a traceback."""
    cert, key = files / "cert.pem", files / "key.pem"
    noise = tmp_path / "noise.pem"
    noise.write_bytes(b"noise")
    other = other_key(tmp_path, authority)
    in_pem = "in PEM, without a password"
    for pair, said in (
        ((tmp_path / "none.pem", key), f"--tls-cert {tmp_path}/none.pem: No such file"),
        ((cert, tmp_path), f"--tls-key {tmp_path}: Is a directory"),
        ((cert, noise), in_pem),
        ((noise, key), in_pem),
        ((cert, locked_key(tmp_path, files)), in_pem),
        ((cert, other), f"--tls-key {other} is not the key of --tls-cert {cert}"),
    ):
        with pytest.raises(UsageMistake) as refused:
            Certificate(*pair).context()
        assert said in refused.value.message


@pytest.mark.parametrize("option", ["--tls-cert", "--tls-key"])
def test_one_file_alone_is_refused(option, files):
    """And so is a file that is not there, before anything is opened: exit code 2."""
    alone = CliRunner().invoke(serve, ["--ephemeral", "--port", "0", option, str(files / "x")])
    both = CliRunner().invoke(
        serve, ["--ephemeral", "--tls-cert", str(files / "x"), "--tls-key", str(files / "x")]
    )
    assert (alone.exit_code, both.exit_code) == (2, 2)
    assert "--tls-cert and --tls-key are given together" in alone.output
    assert "No such file or directory" in both.output
