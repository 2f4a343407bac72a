"""`aihub budgets`."""

from __future__ import annotations

from typing import Any

import click

from . import options as o
from .main import Noun
from .work import Work, works

budget_id = click.argument("budget_id", metavar="BUDGET", callback=o.id)
_limit = click.option(
    "--limit", required=True, metavar="USD", help="Dollars that may be spent, such as 12.50."
)


@click.group(cls=Noun)
def budgets() -> None:
    """Budgets: what an account or a key may spend."""


@budgets.command("list")
@o.paged
@works(whose="any")
def list_budgets(work: Work, **paging: Any) -> None:
    """List an account's budgets and its keys', and how they stand."""
    work.show_list("budgets", kind="budget", query={"account": work.account}, **paging)


@budgets.command()
@_limit
@click.option("--period", type=click.Choice(o.PERIODS), help="When it renews; by default a month.")
@click.option(
    "--for-key", metavar="KEY", help="The id of a key to bound; by default the whole account."
)
@o.quiet
@works(whose="any")
def create(work: Work, *, for_key: str | None, quiet: bool, **given: Any) -> None:
    """Bound what an account or one of its keys may spend."""
    body = o.fields(account=work.account, key=for_key, **given)
    work.show_new(work.ask("POST", "budgets", body=body), "budget", quiet=quiet)


@budgets.command()
@budget_id
@works(whose="any")
def show(work: Work, budget_id: str) -> None:
    """Show a budget, and what its present period has spent and holds."""
    work.show(work.ask("GET", "budgets", budget_id, query={"account": work.account}), "budget")


@budgets.command()
@budget_id
@_limit
@works(whose="any")
def update(work: Work, budget_id: str, *, limit: str) -> None:
    """Change what a budget may spend."""
    whose = {"account": work.account}
    told = work.ask("PUT", "budgets", budget_id, query=whose, body={"limit": limit})
    work.show(told, "budget")


@budgets.command()
@budget_id
@o.yes
@works(whose="any")
def delete(work: Work, budget_id: str, *, yes: bool) -> None:
    """End a budget."""
    o.confirm(f"End the budget '{budget_id}'? Nothing bounds the spending then.", yes=yes)
    work.show(work.ask("DELETE", "budgets", budget_id, query={"account": work.account}), "budget")
