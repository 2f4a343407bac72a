"""A value in a file and its place; what is wrong with it is noted there, and reading goes on.

A reader takes a `Spot` and returns what it means, or raises a `ValueError` (`Wrong` where it is its
own) with what is wrong: that is noted, and the key is as if it were not there. So one reading tells
every mistake.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, TypeAlias

import attrs

from .lines import Path

MAX_SHOWN = 60
"""Characters of a wrong value that a message repeats; a secret's is never repeated."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")


class Wrong(ValueError):
    """A value cannot be what it is meant for; the text says why, and follows the key's name."""


@attrs.frozen(order=True)
class Mistake:
    """Something wrong in a file: on which line, at which key, and what."""

    line: int
    key: str
    text: str

    def told(self, name: str) -> str:
        """Write it as compilers do, with the file's *name*."""
        return ": ".join(part for part in (f"{name}:{self.line}", self.key, self.text) if part)


@attrs.frozen
class Book:
    """Where mistakes are noted: a document's lines by path, and what was found."""

    lines: Mapping[Path, int]
    found: list[Mistake] = attrs.field(factory=list)

    def note(self, path: Path, text: str) -> None:
        """Write down what is wrong at a path; where it has no line, that of what it would be in."""
        near = next((path[:n] for n in range(len(path), 0, -1) if path[:n] in self.lines), ())
        self.found.append(Mistake(self.lines.get(near, 1), show_path(path), text))


def show_path(path: Path) -> str:
    """Write a path as TOML would.

    >>> show_path(("models", "gpt-4.1", "deployments", 0, "region"))
    'models."gpt-4.1".deployments[0].region'
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            quoted = part if _BARE.fullmatch(part) else f'"{part}"'
            text += f".{quoted}" if text else quoted
    return text


@attrs.frozen
class Spot:
    """A value, the path that leads to it, and where its mistakes go."""

    value: Any
    path: Path
    book: Book

    def wrong(self, text: str, *path: str | int) -> None:
        """Note what is wrong here, or at a path from here."""
        for line in text.splitlines():
            self.book.note((*self.path, *path), line)

    def at(self, key: str | int) -> Spot:
        """Return what stands under a key or an index that is there."""
        return Spot(self.value[key], (*self.path, key), self.book)

    def table(self) -> dict[str, Any]:
        """Return the table that stands here; an empty one where it is none, which is noted."""
        if isinstance(self.value, dict):
            return self.value
        self.wrong("must be a table")
        return {}

    def keys(self, known: Mapping[str, Reader], *, needed: Iterable[str] = ()) -> dict[str, Any]:
        """Return what the keys of this table mean, without those that are wrong."""
        table = self.table()
        read: dict[str, Any] = {}
        for key in table:
            if key not in known:
                self.wrong(f"is no key here{meant(key, known)}", key)
            else:
                self._read(key, known[key], read)
        for key in needed:
            if key not in table and isinstance(self.value, dict):
                self.wrong("is missing", key)
        return read

    def names(self, reader: Reader) -> dict[str, Any]:
        """Return what stands under each key of a table whose keys are names of the user's own."""
        read: dict[str, Any] = {}
        for name in self.table():
            if name:
                self._read(name, reader, read)
            else:
                self.wrong("is an empty name", name)
        return read

    def items(self, reader: Reader) -> list[Any]:
        """Return what each item of an array means, without those that are wrong.

        Raises:
            Wrong: it is no array.
        """
        if not isinstance(self.value, list):
            raise Wrong("must be an array")
        read: dict[int, Any] = {}
        for n in range(len(self.value)):
            self._read(n, reader, read)
        return list(read.values())

    def _read(self, key: Any, reader: Reader, into: dict[Any, Any]) -> None:
        spot = self.at(key)
        try:
            into[key] = reader(spot)
        except ValueError as error:
            spot.wrong(str(error))


Reader: TypeAlias = Callable[[Spot], Any]


def near_to(word: str, known: Iterable[str]) -> str:
    """Return a hint at what a word may have been meant to be."""
    near = get_close_matches(word, sorted(known), n=1)
    return f": did you mean '{near[0]}'?" if near else ""


def meant(word: str, known: Iterable[str]) -> str:
    """Return a hint at what a word may have been meant to be, or else at what there is."""
    names = sorted(known)
    return near_to(word, names) or (f": use {', '.join(names)}" if names else "")


# Readers of plain values


def text(spot: Spot) -> str:
    """Read a text that is not empty."""
    if not isinstance(spot.value, str):
        raise Wrong("must be a text, in quotes")
    if not spot.value:
        raise Wrong("is empty")
    return spot.value


def flag(spot: Spot) -> bool:
    """Read true or false."""
    if not isinstance(spot.value, bool):
        raise Wrong("must be true or false")
    return spot.value


def whole(least: int, most: int | None = None) -> Reader:
    """Return a reader of whole numbers in a range."""

    def read(spot: Spot) -> int:
        # A bool is an int to Python, not to people.
        if type(spot.value) is not int:
            raise Wrong("must be a whole number")
        _check_range(spot.value, least, most)
        return spot.value

    return read


def number(least: float, most: float | None = None) -> Reader:
    """Return a reader of numbers in a range."""

    def read(spot: Spot) -> float:
        if type(spot.value) not in {int, float} or not math.isfinite(spot.value):
            raise Wrong("must be a number")
        _check_range(spot.value, least, most)
        return float(spot.value)

    return read


def _check_range(value: float, least: float, most: float | None) -> None:
    if value < least:
        raise Wrong(f"must be {least} or more")
    if most is not None and value > most:
        raise Wrong(f"must be {most} or less")


def one_of(names: Iterable[str]) -> Reader:
    """Return a reader of a text that is one of some."""
    known = tuple(names)

    def read(spot: Spot) -> str:
        word = text(spot)
        if word not in known:
            raise Wrong(f"'{word[:MAX_SHOWN]}' is none of them{meant(word, known)}")
        return word

    return read


def array(reader: Reader) -> Reader:
    """Return a reader of an array's items, as a tuple."""
    return lambda spot: tuple(spot.items(reader))


def by(parse: Callable[[str], Any]) -> Reader:
    """Return a reader of a text that *parse* takes."""
    return lambda spot: parse(text(spot))


def joined(parse: Callable[[Sequence[str]], Any]) -> Reader:
    """Return a reader of an array of texts that *parse* takes at once."""
    return lambda spot: parse(tuple(spot.items(text)))
