"""The SDKs in other languages, tried once: which Python is here is nothing to them."""

import os

import pytest

collect_ignore_glob = [] if os.environ.get("AIHUB_SDKS") else ["test_*.py"]


@pytest.fixture(scope="module")
def server(run_server):
    """A server with the key `test`, which has limits."""
    with run_server("--ephemeral", "--log-level", "warning", "--key", "test=pro") as server:
        yield server
