"""`aihub keys`."""

from __future__ import annotations

from typing import Any

import click

from . import options as o
from .main import Noun
from .work import Work, works

key_id = click.argument("key_id", metavar="KEY", callback=o.id)


@click.group(cls=Noun)
def keys() -> None:
    """API keys: made, changed, rotated, revoked."""


@keys.command("list")
@o.paged
@works(whose="any")
def list_keys(work: Work, **paging: Any) -> None:
    """List an account's keys."""
    work.show_list("keys", kind="key", query={"account": work.account}, **paging)


@keys.command()
@click.option("--name", help="What people call it.")
@o.scopes
@o.expires
@o.requests_per_minute
@o.tokens_per_minute
@o.quiet_secret
@works(whose="any")
def create(work: Work, *, quiet: bool, **given: Any) -> None:
    """Make a key; its secret is shown once."""
    told = work.ask("POST", "keys", body=o.fields(account=work.account, **given))
    work.show_new(told, "key", quiet=quiet, what="secret")


@keys.command()
@key_id
@works(whose="any")
def show(work: Work, key_id: str) -> None:
    """Show a key."""
    work.show(work.ask("GET", "keys", key_id, query={"account": work.account}), "key")


@keys.command()
@key_id
@click.option("--name", help="What people call it.")
@o.scopes
@o.expires
@o.requests_per_minute
@o.tokens_per_minute
@o.unset("expires", "requests-per-minute", "tokens-per-minute")
@works(whose="any")
def update(work: Work, key_id: str, *, unset: tuple[str, ...], **given: Any) -> None:
    """Change what is named of a key."""
    whose = {"account": work.account}
    told = work.ask("PUT", "keys", key_id, query=whose, body=o.changes(given, unset))
    work.show(told, "key")


@keys.command()
@key_id
@click.option(
    "--overlap",
    callback=o.span,
    metavar="TIME",
    help="How long the old secret opens still, such as 90s, 15m, 1h or 7d; by default not at all.",
)
@o.quiet_secret
@works(whose="any")
def rotate(work: Work, key_id: str, *, overlap: float | None, quiet: bool) -> None:
    """Make a key like another, which ends; the new secret is shown once."""
    whose = {"account": work.account}
    told = work.ask("POST", "keys", key_id, "rotate", query=whose, body=o.fields(overlap=overlap))
    work.show_new(told, "key", quiet=quiet, what="secret")


@keys.command()
@key_id
@o.yes
@works(whose="any")
def revoke(work: Work, key_id: str, *, yes: bool) -> None:
    """End a key now, for good."""
    o.confirm(f"Revoke the key '{key_id}', for good?", yes=yes)
    work.show(work.ask("DELETE", "keys", key_id, query={"account": work.account}), "key")
