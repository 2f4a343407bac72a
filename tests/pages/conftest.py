"""The pages in a real browser: `nox -s pages` drives the distribution's Chromium.

Without selenium nothing here is collected. Screenshots of every page go to `shots/`, which git does
not keep: look at them.
"""

from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("selenium") else ["test_*.py"]

KEY = "a-key-of-the-tests"


@pytest.fixture(scope="module")
def server(run_server):
    """A server whose key may do everything, and whose answers take their time."""
    rights = "enterprise:read+inference+admin"
    options = ["--ephemeral", "--log-level", "warning", "--latency", "10ms,10ms"]
    with run_server(*options, "--key", f"{KEY}={rights}") as server:
        yield server


@pytest.fixture
def browser(server):
    """A browser that nobody has signed in with."""
    from .driving import open_browser

    with open_browser(server.url) as browser:
        yield browser


@pytest.fixture
def signed_in(browser):
    """A browser with the dashboard open."""
    browser.sign_in(KEY)
    return browser
