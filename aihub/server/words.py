"""What the command line and `aihub.toml` both say, read in the same way.

Each function raises `ValueError` with what is wrong; each bound stands here for both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..model.units import REGION

MOST_WORKERS = 64
"""More than that is a mistake: they share one file, which one of them writes at a time."""

LARGEST_BODY = 1024**3
"""Bytes: a body is read into memory, whole."""

LARGEST_PORT = 65535
LOG_LEVELS = ("debug", "info", "warning", "error")

DEV_KEY = "aihub-dev-key"
"""The key of a server that only this machine can reach, or of a client in this process; it is in
the documentation."""

REFERENCE = "h11"
ENGINES: Mapping[str, str] = {"granian": ".by_granian:Granian", "uvicorn": ".by_uvicorn:Uvicorn"}
"""What `aihub-serve` may run on beside the reference driver, and where in this package it is."""

_SPANS = {"h": 3600.0, "d": 86_400.0}


def check_host(value: str) -> str:
    """Return an address or a name to listen on."""
    try:
        value.encode("idna")
    except UnicodeError:
        raise ValueError(
            f"'{value}' is no host: use an address such as 127.0.0.1, or a name"
        ) from None
    return value


def parse_retention(value: str) -> float | None:
    """Read `400d` or `36h` in seconds; `forever` is none."""
    if value == "forever":
        return None
    found = re.fullmatch(r"(\d{1,6})([dh])", value, re.ASCII)
    seconds = int(found[1]) * _SPANS[found[2]] if found else 0.0
    if seconds < _SPANS["d"]:
        raise ValueError(f"'{value}' is no time of a day or more: use 400d, 36h or forever")
    return seconds


def check_region(value: str) -> str:
    """Return a region's name, which stands in headers."""
    if REGION.fullmatch(value) is None:
        raise ValueError(
            f"'{value}' cannot be a region: use printable ASCII, at most 64, such as eu-west"
        )
    return value


def check_origins(values: Sequence[str]) -> frozenset[str]:
    """Return web origins: a scheme, a host, and a port where it is not the scheme's own."""
    for value in values:
        if value != "*" and re.fullmatch(r"[a-z][a-z0-9+.-]*://[^\s/?#@A-Z]+", value) is None:
            raise ValueError(
                f"'{value}' is no origin: use *, or such as https://example.com, in small letters "
                "and without a path"
            )
    return frozenset(values)
