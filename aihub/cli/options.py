"""Options that several commands have, and how their values are read."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from .work import MAX_LISTED

C = TypeVar("C", bound=Callable[..., Any])

SCOPES = ("read", "inference", "admin")
PERIODS = ("day", "month", "total")
TOKEN_RESERVES = ("estimate", "maximum")
CONTEXT_POLICIES = ("drop_oldest", "error", "off")
GROUPS = ("model", "served_model", "day", "key")

MAX_ID = 256
"""Characters of an id: a server takes no more in a query."""

SHOWN = 64
"""Characters of a wrong value that its error repeats."""

SPANS: Mapping[str, float] = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def id(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Take an id as it is: one segment of a path."""
    return _segments(value, [value])


def model_id(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    """Take the id of a model, which may have slashes."""
    return _segments(value, value.split("/"))


def _segments(value: str, parts: list[str]) -> str:
    odd = any(part in {"", ".", ".."} or "/" in part for part in parts)
    if odd or not value.isprintable() or len(value) > MAX_ID:
        raise click.BadParameter(f"{value[:SHOWN]!r} is no id.")
    return value


def instant(_ctx: click.Context, _param: click.Parameter, value: str | None) -> int | None:
    """Read a moment, as epoch seconds: `2026-12-31`, RFC 3339, or `30d` from now."""
    if value is None:
        return None
    span = _span(value)
    if span is not None:
        return int(time.time() + span)
    from ..model.units import SECOND, from_rfc3339

    try:
        return from_rfc3339(_whole_day(value)) // SECOND
    except ValueError:
        raise click.BadParameter(
            f"{value[:SHOWN]!r} is no time: use 2026-12-31, 2026-12-31T12:00:00Z, or 30d from now."
        ) from None


def hour(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """Read a day as its beginning; the rest is RFC 3339, and the server's to judge."""
    return None if value is None else _whole_day(value)


def span(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | None:
    """Read seconds: `90`, `90s`, `15m`, `1h`, `7d`."""
    if value is None:
        return None
    found = _span(value if value[-1:] in SPANS else f"{value}s")
    if found is None:
        raise click.BadParameter(f"{value[:SHOWN]!r} is no span of time: use 90s, 15m, 1h or 7d.")
    return found


def _span(text: str) -> float | None:
    found = re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII)
    return int(found[1]) * SPANS[found[2]] if found else None


def _whole_day(text: str) -> str:
    return f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) else text


def _pairs(
    _ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]
) -> dict[str, str] | None:
    for value in values:
        if not value.partition("=")[1]:
            raise click.BadParameter(f"{value[:SHOWN]!r} is no pair: use NAME=VALUE.")
    return {name: text for name, _, text in (v.partition("=") for v in values)} or None


def _several(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> Any:
    return list(dict.fromkeys(values)) or None


def paged(command: C) -> C:
    """Add `--limit`, `--after`, `--all`."""
    every = click.option("--all", "every", is_flag=True, help="Show everything there is.")
    after = click.option("--after", metavar="ID", help="Show what comes after this one.")
    limit = click.option(
        "--limit",
        type=click.IntRange(1, MAX_LISTED),
        default=20,
        show_default=True,
        help="Show at most so many.",
    )
    return limit(after(every(command)))


quiet = click.option("-q", "--quiet", is_flag=True, help="Print only the id.")
quiet_secret = click.option("-q", "--quiet", is_flag=True, help="Print only the secret.")
yes = click.option("-y", "--yes", is_flag=True, help="Do not ask whether it is meant.")
metadata = click.option(
    "--metadata",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_pairs,
    help="A pair for your own use; all of them together. May be repeated.",
)
scopes = click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    callback=_several,
    help="What it may do. May be repeated.",
)
expires = click.option(
    "--expires",
    callback=instant,
    metavar="TIME",
    help="When it ends: 2026-12-31, 2026-12-31T12:00:00Z, or 30d from now.",
)
requests_per_minute = click.option(
    "--requests-per-minute", type=click.IntRange(1), metavar="N", help="A limit of requests."
)
tokens_per_minute = click.option(
    "--tokens-per-minute", type=click.IntRange(1), metavar="N", help="A limit of tokens."
)


def unset(*names: str) -> Callable[[C], C]:
    """Add `--unset`, which takes away what a thing may be without."""
    return click.option(
        "--unset",
        multiple=True,
        type=click.Choice(names),
        help="Take this away from it. May be repeated.",
    )


def changes(given: Mapping[str, Any], unset: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return what a change names: what was given, and null for what was unset.

    Raises:
        UsageError: something is both, or nothing is named.
    """
    named = {name: value for name, value in given.items() if value is not None}
    for option in unset:
        name = option.replace("-", "_")
        if name in named:
            raise click.UsageError(f"--{option} and --unset {option} exclude each other.")
        named[name] = {} if name == "metadata" else None
    if not named:
        raise click.UsageError("name something to change; --help says what there is.")
    return named


def fields(**given: Any) -> dict[str, Any]:
    """Return what a new thing is told of itself."""
    return {name: value for name, value in given.items() if value is not None}


def confirm(question: str, *, yes: bool) -> None:
    """Go on only where it is meant.

    Raises:
        UsageError: there is nobody to ask, and no `--yes`.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("nothing was done: there is no terminal to ask, so say --yes.")
    if not click.confirm(question, err=True):
        raise click.ClickException("nothing was done.")
