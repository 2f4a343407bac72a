"""Prints the result: with rich where it is installed, plainly otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

# Wide enough that no line is folded, in a log file as well as on a terminal.
WIDTH = 120
SIDES = ("left", "left", "right", "right", "left", "right")


class Line(Protocol):
    """What a row has to have."""

    @property
    def group(self) -> str:
        """Under what load."""
        ...

    @property
    def name(self) -> str:
        """What was measured."""
        ...

    @property
    def unit(self) -> str:
        """In what."""
        ...

    @property
    def subject(self) -> float | None:
        """The subject's figure."""
        ...

    @property
    def ceiling(self) -> float | None:
        """The ceiling's figure."""
        ...

    @property
    def ratio(self) -> float | None:
        """The subject's over the ceiling's, round by round."""
        ...


def _cells(line: Line) -> list[str]:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:,.1f}" if value >= 1 else f"{value:.3f}"

    ratio = "-" if line.ratio is None else f"{line.ratio:.2f}"
    return [line.group, line.name, number(line.subject), number(line.ceiling), line.unit, ratio]


def show(lines: Sequence[Line], subject: str, against: str = "ceiling") -> None:
    """Print one line for each of *lines*."""
    titles = ["", "", subject, against, "", "ratio"]
    rows = [_cells(line) for line in lines]
    _name_groups_once(rows)
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        _show_plainly([titles, *rows])
        return
    table = Table()
    for title, side in zip(titles, SIDES, strict=True):
        table.add_column(title, justify=side)  # type: ignore[arg-type]
    for row in rows:
        if row[0]:
            table.add_section()
        table.add_row(*row)
    Console(width=WIDTH).print(table)


def _name_groups_once(rows: list[list[str]]) -> None:
    last = ""
    for row in rows:
        row[0], last = ("" if row[0] == last else row[0]), row[0]


def _show_plainly(rows: list[list[str]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        aligned = zip(row, widths, SIDES, strict=True)
        print("  ".join(f"{cell:{'<' if side == 'left' else '>'}{w}}" for cell, w, side in aligned))
