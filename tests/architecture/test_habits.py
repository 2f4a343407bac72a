"""What the project says about itself is what it does."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).parents[2]
TEST_COMMAND = "python3 -m venv .venv && .venv/bin/pip install nox && .venv/bin/nox"


def test_ci_runs_the_command_of_the_readme():
    """A newcomer and CI type the same."""
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text()
    assert TEST_COMMAND in (ROOT / "README.md").read_text()


def test_the_lock_names_versions_and_no_place():
    """A pinned line is `name==version`, perhaps with a marker; no index, no hash, no path."""
    for name in ("dev.txt", "lowest.txt", "clients.txt"):
        for line in (ROOT / "requirements" / name).read_text().splitlines():
            assert re.fullmatch(r"[a-z0-9.-]+==[\w.+!]+( ; .+)?", line), line


def test_the_lowest_versions_are_those_allowed():
    """requirements/lowest.txt is what the lower bounds in pyproject.toml say."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = chain.from_iterable(project["optional-dependencies"].values())
    asked = [*project["dependencies"], *extras]
    bounds = dict(line.split(">=") for line in asked if ">=" in line)
    pins = (ROOT / "requirements" / "lowest.txt").read_text().splitlines()
    pinned = dict(line.partition(" ;")[0].split("==") for line in pins)
    assert {name: pinned.get(name) for name in bounds} == bounds
