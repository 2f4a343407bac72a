"""A server that the shows share, and the SDK at it."""

import pytest


@pytest.fixture(scope="module")
def server(run_server):
    """A server with the keys `test` (unlimited), `free` and `reader`."""
    keys = ["--key", "test=enterprise", "--key", "free=free", "--key", "reader=pro:read"]
    with run_server("--ephemeral", "--log-level", "warning", *keys) as server:
        yield server


@pytest.fixture(scope="module")
def sdk(server):
    """OpenAI's SDK at the server; every answer is held to OpenAI's document."""
    from ..openai_sdk import client_of

    with client_of(server.url) as client:
        yield client
