"""What is said where the extra that commands need is not installed."""

from __future__ import annotations

import sys

PIP_LINE = "pip install 'ai-hub[server]'"


def extra_is_missing(error: ModuleNotFoundError) -> SystemExit:
    """Print the line that installs it; to be raised."""
    print(f"This command needs '{error.name}': {PIP_LINE}", file=sys.stderr)
    return SystemExit(2)
