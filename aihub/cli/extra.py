"""What is said where the extra that commands need is not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

from ..server.words import ENGINES

PIP_LINE = "pip install 'ai-hub[server]'"


def extra_is_missing(error: ModuleNotFoundError) -> SystemExit:
    """Print the line that installs it; to be raised."""
    print(f"This command needs '{error.name}': {PIP_LINE}", file=sys.stderr)
    return SystemExit(2)


def check_engine(name: str) -> None:
    """See that a server to run on is installed, or print the line that installs it and exit."""
    if name in ENGINES and find_spec(name) is None:
        line = f"pip install 'ai-hub[server,{name}]'"
        print(f"--engine {name} needs '{name}': {line}", file=sys.stderr)
        raise SystemExit(2)
