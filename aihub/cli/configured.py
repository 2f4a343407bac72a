"""What `aihub-serve` is told by a file, where its command line does not say otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from ..config.file import Config
    from ..config.source import Source

EXCLUDED: Mapping[str, tuple[str, ...]] = {
    "uds": ("host", "port"),
    "host": ("uds",),
    "port": ("uds",),
    "ephemeral": ("store",),
    "clock": ("store",),
}
"""Options, and what of a file they stand in place of beside what they are themselves."""


def is_configured(options: Mapping[str, Any]) -> bool:
    """Say whether there may be a configuration; what reads one is only then loaded."""
    return bool(options["config"] or options["live"] or Path("aihub.toml").exists())


def read(options: Mapping[str, Any], was_given: Callable[[str], bool]) -> Source | None:
    """Return where a configuration comes from; None where there is none.

    Raises:
        UsageMistake: --live finds no key, or the file in the working folder is another user's.
    """
    from ..config.source import Source, check_live, find_file

    if options["live"]:
        check_live()
    path = find_file(options["config"])
    if path is None and not options["live"]:
        return None
    region = options["region"] if was_given("region") else None
    return Source(path=path, live=options["live"], region=region)


def take(source: Source) -> Config:
    """Read a configuration.

    Raises:
        ClickException: it is wrong; every mistake is told.
    """
    from ..config.file import Mistaken
    from .reading import clean

    config = source.read()
    if isinstance(config, Mistaken):
        told = clean("\n".join(config.lines()))
        raise click.ClickException(f"the configuration is wrong.\n{told}")
    return config


def merge(
    options: Mapping[str, Any], config: Config, was_given: Callable[[str], bool]
) -> dict[str, Any]:
    """Return the options, with what a file says in place of those that were not given."""
    from ..config.file.tables import OPTIONS

    told = {OPTIONS.get(key, key): value for key, value in (config.server | config.hub).items()}
    told = {key: value for key, value in told.items() if key in options}
    given = {name for name in options if was_given(name)}
    past = given | {other for name in given for other in EXCLUDED.get(name, ())}
    return {**options, **{key: value for key, value in told.items() if key not in past}}
