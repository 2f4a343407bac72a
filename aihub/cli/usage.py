"""`aihub usage`."""

from __future__ import annotations

import click

from . import options as o
from .work import Work, works


@click.command()
@click.option(
    "--start",
    callback=o.hour,
    metavar="TIME",
    help="From here on: 2026-01-31, or 2026-01-31T15:00:00Z; by default the month's beginning.",
)
@click.option(
    "--end",
    callback=o.hour,
    metavar="TIME",
    help="Up to here, itself not included; by default the month's end.",
)
@click.option("--group-by", type=click.Choice(o.GROUPS), help="Sums by what; by default by model.")
@works(whose="any")
def usage(work: Work, *, start: str | None, end: str | None, group_by: str | None) -> None:
    """Show what an account used, and what it cost; by default in this month (UTC)."""
    asked = {"account": work.account, "start": start, "end": end, "group_by": group_by}
    work.show(work.ask("GET", "usage", query=asked), "usage")
