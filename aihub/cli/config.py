"""`aihub config`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from .extra import extra_is_missing

if TYPE_CHECKING:
    from ..config.file import Config


@click.group()
def config() -> None:
    """Configuration files."""


@config.command()
@click.argument("path", metavar="[PATH]", default="aihub.toml", type=click.Path(path_type=Path))
def check(path: Path) -> None:
    """Read a configuration file and print every mistake in it, with its line.

    Without PATH it is ./aihub.toml. Secrets are looked up, and nothing is opened or asked.
    """
    try:
        from ..config.file import Mistaken, read_config
    except ModuleNotFoundError as error:
        raise extra_is_missing(error) from None
    from .reading import clean

    read = read_config(path)
    if isinstance(read, Mistaken):
        for line in read.lines():
            click.echo(clean(line))
        count = len(read.mistakes)
        click.echo(f"{count} mistake{'' if count == 1 else 's'}.", err=True)
        click.get_current_context().exit(1)
    for line in summary(read):
        click.echo(clean(line))


def summary(read: Config) -> list[str]:
    """Say in a few lines what a file describes."""
    places = [one for found in read.routes.deployments.values() for one in found]
    counts = [
        (len(read.providers), "provider"),
        (len(read.routes.deployments), "model"),
        (len(places), "deployment"),
    ]
    told = ", ".join(f"{count} {word}{'' if count == 1 else 's'}" for count, word in counts)
    lines = [f"{read.name} is good: {told}"]
    for region in sorted({one.region for one in places}):
        served = sum(one.region == region for one in places)
        home = " (home)" if region == read.routes.region else ""
        lines.append(f"  region {region}{home}: {served}")
    default = read.routes.default
    lines.append(f"  other models: {'not served' if default is None else f'served by {default}'}")
    return lines
