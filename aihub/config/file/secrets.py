"""Secrets in a file: never there themselves, only where they are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from .spots import Reader, Spot, Wrong, text

MAX_SECRET = 16 * 1024
"""Bytes of a secret: a signed token of a cloud has two or three thousand."""

# What a header can carry.
_SECRET = re.compile(r"[!-~]+")

SECRET_KEYS: Mapping[str, Reader] = {"env": text, "file": text}
"""The two ways to say where a secret is."""


@attrs.frozen
class Sources:
    """Where what a file refers to is found: the environment, and a folder for relative paths."""

    environ: Mapping[str, str] = attrs.field(repr=False)
    folder: Path

    def path(self, named: str) -> Path:
        """Return a path as it is meant in the file."""
        return self.folder / Path(named).expanduser()

    def secret(self, spot: Spot) -> str:
        """Read a secret; no message repeats it, or what stands in its place.

        Raises:
            Wrong: it stands in the file itself, or where it should be it is not.
        """
        if isinstance(spot.value, str):
            raise Wrong('a secret does not stand here: use { env = "NAME" } or { file = "PATH" }')
        given = spot.keys(SECRET_KEYS)
        if len(spot.table()) != 1 or len(given) != 1:
            raise Wrong('must be either { env = "NAME" } or { file = "PATH" }')
        (way, named), *_ = given.items()
        found = _WAYS[way](self, named)
        if _SECRET.fullmatch(found) is None:
            raise Wrong(f"the secret in {named} is empty, or no printable ASCII in one line")
        return found

    def text_or_secret(self, spot: Spot) -> str:
        """Read a text, or a secret."""
        return text(spot) if isinstance(spot.value, str) else self.secret(spot)

    def read(self, named: str, most: int) -> bytes:
        """Return what is in a file.

        Raises:
            Wrong: it cannot be read, or has more than *most* bytes.
        """
        try:
            with self.path(named).open("rb") as file:
                data = file.read(most + 1)
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or "it is no path"
            raise Wrong(f"the file {named} cannot be read: {said}") from None
        if len(data) > most:
            raise Wrong(f"the file {named} has more than {most} bytes")
        return data


def _by_environment(sources: Sources, name: str) -> str:
    value = sources.environ.get(name)
    if value is None:
        raise Wrong(f"the environment has no {name}")
    return value


def _by_file(sources: Sources, name: str) -> str:
    return sources.read(name, MAX_SECRET).decode("utf-8", "replace").rstrip("\r\n")


_WAYS: Mapping[str, Callable[[Sources, str], str]] = {"env": _by_environment, "file": _by_file}
