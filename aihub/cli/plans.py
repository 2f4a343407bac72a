"""`aihub plans`."""

from __future__ import annotations

from typing import Any

import click

from . import options as o
from .main import Noun
from .work import Work, works

plan_name = click.argument("plan_name", metavar="PLAN", callback=o.id)


@click.group(cls=Noun)
def plans() -> None:
    """Plans: limits that accounts share."""


@plans.command("list")
@o.paged
@works()
def list_plans(work: Work, **paging: Any) -> None:
    """List plans."""
    work.show_list("plans", kind="plan", **paging)


@plans.command()
@plan_name
@works()
def show(work: Work, plan_name: str) -> None:
    """Show a plan."""
    work.show(work.ask("GET", "plans", plan_name), "plan")


@plans.command("set")
@plan_name
@o.requests_per_minute
@o.tokens_per_minute
@click.option(
    "--parallel", type=click.IntRange(1), metavar="N", help="A limit of requests open at once."
)
@click.option(
    "--token-reserve",
    type=click.Choice(o.TOKEN_RESERVES),
    help="What is set aside for an answer before it is known.",
)
@o.unset("requests-per-minute", "tokens-per-minute", "parallel")
@works()
def set_plan(work: Work, plan_name: str, *, unset: tuple[str, ...], **given: Any) -> None:
    """Change what is named of a plan, or make it; a limit that is not there is none."""
    work.show(work.ask("PUT", "plans", plan_name, body=o.changes(given, unset)), "plan")


@plans.command()
@plan_name
@o.yes
@works()
def delete(work: Work, plan_name: str, *, yes: bool) -> None:
    """Drop a plan that nobody is on; a built-in one shows again."""
    o.confirm(f"Drop the plan '{plan_name}'?", yes=yes)
    work.show(work.ask("DELETE", "plans", plan_name), "plan")
