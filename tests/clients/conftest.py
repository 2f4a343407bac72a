"""Clients that people use, unmodified, at a real server: `nox -s clients` installs them.

Where none of them is installed, nothing here is collected; where one is, all have to be.
"""

from importlib.util import find_spec

import pytest

CLIENTS = ("instructor", "litellm", "llm")

collect_ignore_glob = [] if any(map(find_spec, CLIENTS)) else ["*.py"]


@pytest.fixture(scope="module")
def server(run_server):
    """A server with the key `test`."""
    with run_server("--ephemeral", "--log-level", "warning", "--key", "test=enterprise") as server:
        yield server
