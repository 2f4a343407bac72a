"""The pages in a real browser: `nox -s pages` drives the distribution's Chromium.

Without selenium nothing here is collected. Screenshots of every page go to `shots/`, which git does
not keep: look at them.
"""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from .asking import KEY, ask, chat

collect_ignore_glob = [] if find_spec("selenium") else ["test_*.py"]

SECONDS = 300
"""What installing takes on a slow line."""


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


@pytest.fixture(scope="module")
def furnished(server):
    """Something to look at on every page."""
    for model in ("gpt-4", "gpt-4o", "gpt-4o-mini", "gpt-4"):
        chat(server, model=model)
    ask(server, "/v1/keys", {"name": "An application", "requests_per_minute": 100})
    ask(server, "/v1/sessions", {"title": "A conversation", "model": "gpt-4"})
    return server


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """axe-core at its pinned version."""
    folder = tmp_path_factory.mktemp("axe")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(Path(__file__).parent / "node" / name, folder)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr
    return (folder / "node_modules/axe-core/axe.min.js").read_text()
