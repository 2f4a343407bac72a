"""`aihub accounts`."""

from __future__ import annotations

from typing import Any

import click

from . import options as o
from .main import Noun
from .work import Work, works

account_id = click.argument("account_id", metavar="ACCOUNT", callback=o.id)
_name = click.option("--name", help="What people call it.")
_region = click.option("--region", help="A region that its requests never leave.")
_plan = click.option("--plan", help="Its limits: free, developer, pro, enterprise, or your own.")


@click.group(cls=Noun)
def accounts() -> None:
    """Accounts: who has keys, on which plan."""


@accounts.command("list")
@o.paged
@works()
def list_accounts(work: Work, **paging: Any) -> None:
    """List accounts."""
    work.show_list("accounts", kind="account", **paging)


@accounts.command()
@click.option("--id", help="An id of your own.")
@_name
@_plan
@_region
@click.option("--operator", is_flag=True, help="Let its admin keys manage every account.")
@o.quiet
@works()
def create(work: Work, *, operator: bool, quiet: bool, **given: Any) -> None:
    """Make an account."""
    told = work.ask("POST", "accounts", body=o.fields(operator=operator or None, **given))
    work.show_new(told, "account", quiet=quiet)


@accounts.command()
@account_id
@works()
def show(work: Work, account_id: str) -> None:
    """Show an account."""
    work.show(work.ask("GET", "accounts", account_id), "account")


@accounts.command()
@account_id
@_name
@_plan
@_region
@click.option(
    "--operator/--no-operator",
    default=None,
    help="Whether its admin keys manage every account.",
)
@o.unset("region")
@works()
def update(work: Work, account_id: str, *, unset: tuple[str, ...], **given: Any) -> None:
    """Change what is named of an account."""
    work.show(work.ask("PUT", "accounts", account_id, body=o.changes(given, unset)), "account")


@accounts.command()
@account_id
@o.yes
@works()
def delete(work: Work, account_id: str, *, yes: bool) -> None:
    """End an account and its keys, and forget who it was; sums of what it used stay."""
    o.confirm(f"Delete the account '{account_id}' and end all its keys, for good?", yes=yes)
    work.show(work.ask("DELETE", "accounts", account_id), "account")
