"""A server that the shows share."""

import pytest


@pytest.fixture(scope="module")
def server(run_server):
    """A server with the keys `test` (unlimited), `free` and `reader`."""
    keys = ["--key", "test=enterprise", "--key", "free=free", "--key", "reader=pro:read"]
    with run_server("--ephemeral", "--log-level", "warning", *keys) as server:
        yield server
