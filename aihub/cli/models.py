"""`aihub models`."""

from __future__ import annotations

import click

from . import options as o
from .main import Noun
from .work import Work, works


@click.group(cls=Noun)
def models() -> None:
    """Models, and what they cost.

    Without a server, those that are packaged.
    """


@models.command("list")
@click.option("--search", metavar="TEXT", help="Only models with this in their name.")
@works(packaged=True)
def list_models(work: Work, *, search: str | None) -> None:
    """List models; prices are dollars for a million tokens."""
    from .pages import pick

    told = work.ask("GET", "models")
    work.show(told if search is None else pick(told, search), "model")


@models.command()
@click.argument("model_id", metavar="MODEL", callback=o.model_id)
@works(packaged=True)
def show(work: Work, model_id: str) -> None:
    """Show a model."""
    work.show(work.ask("GET", "models", model_id), "model")
