"""`aihub sessions`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from . import options as o
from .main import Noun
from .work import MAX_LISTED, Work, works

session_id = click.argument("session_id", metavar="SESSION", callback=o.id)
_title = click.option("--title", help="What people call it.")
_model = click.option("--model", help="What answers where a chat names no model.")
_system_prompt = click.option("--system-prompt", metavar="TEXT", help="Goes before every prompt.")
_policy = click.option(
    "--context-policy",
    type=click.Choice(o.CONTEXT_POLICIES),
    help="What happens when it outgrows its model; by default the oldest turns are left out.",
)


@click.group(cls=Noun)
def sessions() -> None:
    """Sessions: conversations that are kept."""


@sessions.command("list")
@o.paged
@works(whose="store")
def list_sessions(work: Work, **paging: Any) -> None:
    """List sessions, oldest first."""
    work.show_list("sessions", kind="session", **paging)


@sessions.command()
@session_id
@click.option("--newest-first", is_flag=True, help="Begin with what was said last.")
@o.paged
@works(whose="store")
def show(
    work: Work, session_id: str, *, newest_first: bool, limit: int, after: str | None, every: bool
) -> None:
    """Show a session and what was said in it."""
    from .pages import gather

    def ask(page: Mapping[str, object]) -> bytes:
        return work.ask("GET", "sessions", session_id, query=page)

    asked = {"order": "desc" if newest_first else None, "after": after}
    work.show(gather(ask, asked, MAX_LISTED if every else limit, within="messages"), "session")


@sessions.command()
@_title
@_model
@_system_prompt
@_policy
@o.metadata
@o.quiet
@works(whose="store")
def create(work: Work, *, quiet: bool, **given: Any) -> None:
    """Begin a session."""
    work.show_new(work.ask("POST", "sessions", body=o.fields(**given)), "session", quiet=quiet)


@sessions.command()
@session_id
@_title
@_model
@_system_prompt
@_policy
@o.metadata
@o.unset("title", "model", "system-prompt", "metadata")
@click.option(
    "--version", type=click.IntRange(1), metavar="N", help="Change this version, and no later one."
)
@works(whose="store")
def update(
    work: Work, session_id: str, *, unset: tuple[str, ...], version: int | None, **given: Any
) -> None:
    """Change what is named of a session."""
    body = {**o.changes(given, unset), **o.fields(version=version)}
    work.show(work.ask("PUT", "sessions", session_id, body=body), "session")


@sessions.command()
@session_id
@o.yes
@works(whose="store")
def delete(work: Work, session_id: str, *, yes: bool) -> None:
    """Erase a session and what was said in it."""
    o.confirm(f"Erase the session '{session_id}' and what was said in it, for good?", yes=yes)
    work.show(work.ask("DELETE", "sessions", session_id), "session")


@sessions.command()
@session_id
@click.option(
    "--turn", type=click.IntRange(0), metavar="N", help="Share history up to this; else all of it."
)
@_title
@o.metadata
@o.quiet
@works(whose="store")
def fork(work: Work, session_id: str, *, quiet: bool, **given: Any) -> None:
    """Begin a session with the same history."""
    told = work.ask("POST", "sessions", session_id, "fork", body=o.fields(**given))
    work.show_new(told, "session", quiet=quiet)
