"""`aihub completion`: what makes a shell complete our commands."""

from __future__ import annotations

import click

from .main import main
from .server import serve

PROGRAMS = (("aihub", main), ("aihub-serve", serve))


HELP = """Print what makes a shell complete commands, for it to read at its start.

\b
bash: eval "$(aihub completion bash)" in ~/.bashrc
zsh:  eval "$(aihub completion zsh)" in ~/.zshrc, after compinit
fish: aihub completion fish > ~/.config/fish/completions/aihub.fish
"""


@click.command(help=HELP)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has these three
    for name, command in PROGRAMS:
        variable = f"_{name.replace('-', '_').upper()}_COMPLETE"
        click.echo(kind(command, {}, name, variable).source())
