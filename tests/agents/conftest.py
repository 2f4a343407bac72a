"""Frameworks for agents at a real server, and nothing else: `nox -s agents` installs them.

Where none of them is installed, nothing here is collected; where one is, all have to be.
"""

import socket
from importlib.util import find_spec

import pytest

FRAMEWORKS = ("agents", "langchain_openai", "pydantic_ai")

collect_ignore_glob = [] if any(map(find_spec, FRAMEWORKS)) else ["*.py"]


@pytest.fixture
def anyio_backend():
    """The event loop that all of them were made for."""
    return "asyncio"


@pytest.fixture(scope="module")
def server(run_server):
    """A server with the key `test`."""
    with run_server("--ephemeral", "--log-level", "warning", "--key", "test=enterprise") as server:
        yield server


@pytest.fixture
def sent():
    """The requests that a framework sent."""
    return []


@pytest.fixture
async def client(server, sent):
    """The asynchronous SDK at the server; every answer is held to OpenAI's document."""
    from ..openai_sdk import async_client_of

    async with async_client_of(server.url, sent) as client:
        yield client


@pytest.fixture(autouse=True)
def _stay_here(monkeypatch):
    """Let a framework connect to nobody but the server: no tracing, no telemetry."""
    connect = socket.socket.connect

    def checked(self, address):
        assert self.family == socket.AF_UNIX or address[0] in {"127.0.0.1", "::1"}, address
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", checked)
    monkeypatch.setenv("LANGSMITH_TRACING", "false")
