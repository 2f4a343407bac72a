"""Answers as people read them: tables, one thing's fields, a report, a conversation.

On a terminal columns fold into its width, but what is copied (ids, secrets, money) is never cut:
then lines are longer than the terminal is wide. Elsewhere a row is one line. What a server says is
shown without control characters, and nothing in it is taken for markup.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Literal, TypeAlias

import attrs
import click
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from ..client.desk import AskFailed
from ..model.units import DAY, SECOND, Json, to_datetime
from .reading import clean, read_list, read_object

Kind: TypeAlias = Literal["account", "budget", "key", "model", "plan", "session", "usage"]

NOTHING = "-"
LAST_DAY = 2_932_896
"""Days from the epoch to the end of the year 9999, where dates end."""

WORD = 20
"""Characters of a word that is not folded: dates and the names of our fields have fewer."""

MAX_WIDTH = 1_000_000
"""Characters of a row where nothing folds it: a system prompt has 262,144."""

_STYLES = {"live": "green", "revoked": "red", "expired": "yellow"}


# One value


def _words(value: Json) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list):
        return ", ".join(map(_inside, value)) or NOTHING
    if isinstance(value, dict):
        pairs = (f"{_words(name)}={_inside(one)}" for name, one in value.items())
        return ", ".join(pairs) or NOTHING
    return clean(str(value)).replace("\n", " ").replace("\t", " ")


def _inside(value: Json) -> str:
    """Return what stands in a list: one level is what a cell has room for."""
    return "..." if isinstance(value, list | dict) else _words(value)


def _at(value: Json) -> str:
    if type(value) is not int or not 0 <= value < LAST_DAY * (DAY // SECOND):
        return _words(value)
    return f"{to_datetime(value * SECOND):%Y-%m-%d %H:%M:%S}"


def _dollars(value: Json) -> str:
    return NOTHING if value is None else f"${_words(value)}"


def _count(value: Json) -> str:
    return f"{value:,}" if type(value) is int else _words(value)


def _limit(value: Json) -> str:
    return "none" if value is None else _count(value)


def _per_million(value: Json) -> str:
    if not isinstance(value, str) or re.fullmatch(r"\d{1,9}(\.\d{1,18})?", value) is None:
        return NOTHING
    amount = f"{Decimal(value) * 10**6:f}"
    return f"${amount.rstrip('0').rstrip('.') if '.' in amount else amount}"


# Kinds of things


@attrs.frozen
class Column:
    """A field of a thing: its name on the wire (dots go inside), and how it is shown.

    `whole`: never cut or folded. `listed`: also where there are many.
    """

    path: str
    title: str
    shown: Callable[[Json], str] = _words
    whole: bool = False
    right: bool = False
    listed: bool = True

    def cell(self, thing: Mapping[str, Json]) -> str:
        """Return what to show."""
        value: Json = thing
        for name in self.path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return self.shown(value)


def _id() -> Column:
    return Column("id", "id", whole=True)


def _time(path: str, title: str = "", *, listed: bool = True) -> Column:
    return Column(path, f"{title or path} (UTC)", _at, listed=listed)


def _number(
    path: str, title: str, shown: Callable[[Json], str] = _count, *, listed: bool = True
) -> Column:
    return Column(path, title, shown, whole=True, right=True, listed=listed)


COLUMNS: Mapping[Kind, Sequence[Column]] = {
    "account": (
        _id(),
        Column("name", "name"),
        Column("plan", "plan"),
        Column("operator", "operator"),
        Column("region", "region"),
        _time("created"),
    ),
    "key": (
        _id(),
        Column("name", "name"),
        Column("account", "account", whole=True, listed=False),
        Column("hint", "hint", lambda value: f"...{_words(value)}", whole=True),
        Column("status", "status"),
        Column("scopes", "scopes"),
        _time("created"),
        _time("expires"),
        _time("revoked"),
        _number("requests_per_minute", "requests/min", listed=False),
        _number("tokens_per_minute", "tokens/min", listed=False),
        Column("lineage", "lineage", whole=True, listed=False),
        Column("secret", "secret", whole=True, listed=False),
    ),
    "plan": (
        _id(),
        _number("requests_per_minute", "requests/min", _limit),
        _number("tokens_per_minute", "tokens/min", _limit),
        _number("parallel", "parallel", _limit),
        Column("token_reserve", "token reserve"),
        Column("built_in", "built in"),
    ),
    "budget": (
        _id(),
        Column("account", "account", whole=True, listed=False),
        Column("key", "key", lambda value: _words(value or "whole account"), whole=True),
        Column("period", "period"),
        _number("limit", "limit", _dollars),
        _number("spent", "spent", _dollars),
        _number("held", "held", _dollars),
        _time("renews"),
    ),
    "session": (
        _id(),
        Column("title", "title"),
        Column("model", "model"),
        Column("system_prompt", "system prompt", listed=False),
        Column("context_policy", "context policy", listed=False),
        Column("metadata", "metadata", listed=False),
        _number("totals.turns", "turns"),
        _number("totals.total_tokens", "tokens"),
        _number("totals.cost", "cost", _dollars),
        _time("created", listed=False),
        _time("updated"),
        _number("version", "version", listed=False),
        Column("forked_from", "forked from", listed=False),
    ),
    "model": (
        _id(),
        Column("owned_by", "owner"),
        _number("context_window", "context"),
        _number("max_output", "max output"),
        _number("pricing.prompt", "in $/M", _per_million),
        _number("pricing.completion", "out $/M", _per_million),
        _number("pricing.cached", "cached $/M", _per_million, listed=False),
        _number("pricing.cache_write", "cache write $/M", _per_million, listed=False),
        _time("created", "released", listed=False),
    ),
}


def show(told: bytes, kind: Kind) -> None:
    """Print an answer about things of a kind: a list, one of them, or that one has ended.

    Raises:
        AskFailed: it is no answer of aihub's.
    """
    value = read_object(told)
    if kind == "usage":
        _show_usage(value)
    elif value.get("object") == "list":
        _show_list(read_list(value), kind)
    elif "." in str(value.get("object", "")):
        click.echo(f"{_words(value['object']).replace('.', ' ')}: {_words(value.get('id'))}")
    else:
        _show_one(value, kind)
        if isinstance(value.get("messages"), dict):
            _show_messages(read_list(value, "messages"))
        if "secret" in value:
            click.echo("The secret is shown here and never again.", err=True)


def _show_list(value: Mapping[str, Json], kind: Kind) -> None:
    columns = [column for column in COLUMNS[kind] if column.listed]
    rows = [[column.cell(thing) for column in columns] for thing in value["data"]]
    if not rows:
        click.echo(f"There are no {kind}s.", err=True)
        return
    _print_table(columns, rows)
    _tell_more(value)


def _tell_more(value: Mapping[str, Json]) -> None:
    if value.get("has_more"):
        last = _words(value.get("last_id"))
        click.echo(f"There are more: --after {last}, or --all.", err=True)


def _show_one(value: Mapping[str, Json], kind: Kind) -> None:
    shown = [(column.title, column.cell(value)) for column in COLUMNS[kind]]
    columns = [Column("", "", whole=True), Column("", "", whole=True)]
    # What a thing is without need not be read.
    rows = [[title, text] for title, text in shown if text != NOTHING]
    _print_table(columns, rows, headed=False)


def _show_usage(value: Mapping[str, Json]) -> None:
    period, usage = value.get("period"), value.get("usage")
    if not isinstance(period, dict) or not isinstance(usage, dict):
        raise AskFailed("the answer is not one of aihub's: it is no report")
    title, groups = next(
        ((name, one) for name, one in usage.items() if isinstance(one, dict)), ("", {})
    )
    columns = [
        Column("", title.removesuffix("s").replace("_", " "), whole=True),
        *(_number("", name) for name in ("requests", "tokens", "cost")),
    ]
    rows = [
        [_words(name), *_sums(one.get(sum_) for sum_ in ("requests", "tokens", "cost"))]
        for name, one in groups.items()
        if isinstance(one, dict)
    ]
    total = (usage.get(f"total_{name}") for name in ("requests", "tokens", "cost"))
    rows.append(["total", *_sums(total)])
    click.echo(f"from {_words(period.get('start'))} to {_words(period.get('end'))}")
    _print_table(columns, rows)


def _sums(values: Iterable[Json]) -> list[str]:
    return [shown(value) for shown, value in zip((_count, _count, _dollars), values, strict=True)]


# Conversations


def _show_messages(value: Mapping[str, Json]) -> None:
    turn = None
    for message in value["data"]:
        if message.get("turn") != turn:
            turn = message.get("turn")
            click.echo(f"\n--- turn {_words(turn)}, {_at(message.get('created'))} UTC")
        role = _words(message.get("role"))
        broken = " (incomplete)" if message.get("incomplete") else ""
        click.echo(f"\n{role}{broken}:")
        for line in _content(message):
            click.echo(clean(line))
    if value.get("has_more"):
        click.echo(err=True)
    _tell_more(value)


def _content(message: Mapping[str, Json]) -> Iterator[str]:
    content = message.get("content")
    parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
    for part in parts:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text":
            yield f"[{_words(kind)}]"
        elif part.get("text") is not None:
            yield str(part["text"])
    calls = message.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield f"[calls {_words(function.get('name'))}({_words(function.get('arguments'))})]"


# Tables


def _print_table(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], *, headed: bool = True
) -> None:
    table = Table(
        box=None, show_header=headed, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0)
    )
    terminal = Console()
    for n, column in enumerate(columns):
        title = column.title.upper() if headed else column.title
        words = [word for cell in (title, *(row[n] for row in rows)) for word in cell.split()]
        table.add_column(
            title,
            justify="right" if column.right else "left",
            no_wrap=column.whole or not terminal.is_terminal,
            overflow="fold",
            min_width=min(max(map(len, words), default=0), WORD),
        )
    for row in rows:
        table.add_row(*(Text(text, style=_STYLES.get(text, "")) for text in row))
    # Wider than the terminal rather than cut; elsewhere as wide as it comes.
    needs = Measurement.get(terminal, terminal.options.update(width=MAX_WIDTH), table)
    width = max(terminal.width, needs.minimum) if terminal.is_terminal else needs.maximum
    Console(width=width).print(table, crop=False)
