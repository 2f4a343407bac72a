"""`aihub`: the command that the others hang on, each loaded when it is used."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it: 128 and the signal's number."""

COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "accounts": ("accounts", "accounts", "Accounts: who has keys, on which plan."),
    "budgets": ("budgets", "budgets", "Budgets: what an account or a key may spend."),
    "completion": ("completion", "completion", "Print what makes a shell complete commands."),
    "config": ("config", "config", "Configuration files."),
    "keys": ("keys", "keys", "API keys: made, changed, rotated, revoked."),
    "models": ("models", "models", "Models, and what they cost."),
    "plans": ("plans", "plans", "Plans: limits that accounts share."),
    "serve": (
        "server",
        "serve",
        "Serve the AI Hub API on this machine, answered by the mock provider or by real ones.",
    ),
    "sessions": ("sessions", "sessions", "Sessions: conversations that are kept."),
    "usage": ("usage", "usage", "Show what an account used, and what it cost."),
}
"""Module, name and help of each: the list of commands is shown without loading one."""


class LazyGroup(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names."""
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load one; None where there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(import_module(f".{module}", __package__), name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without loading what is in it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, _, said) in sorted(COMMANDS.items())])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, and end as programs do that Ctrl-C ended."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            ctx.exit(INTERRUPTED)


class Noun(click.Group):
    """Commands about one kind of thing; without one they are listed."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take `aihub keys --json` for `aihub keys list --json`."""
        helps = set(ctx.help_option_names)
        if not ctx.resilient_parsing and (
            not args or (args[0].startswith("-") and args[0] not in helps)
        ):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ai-hub")
def main() -> None:
    """aihub: an LLM hub on this machine, or anywhere.

    Commands ask the server that --url or AIHUB_URL names, with the key of --key or AIHUB_API_KEY;
    or they open the store's file that --store or AIHUB_STORE names, by default the one that
    aihub-serve keeps.
    """
