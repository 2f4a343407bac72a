"""On which line of a TOML document each key and each item of an array stands.

The standard library reads TOML and tells no places. This walks over a document *that it has read*,
so nothing is checked here: a value is skipped by its first character, a key is read as it is, and
what an array of tables or a dotted key means is kept in step with the standard library (a property
test holds the two together).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TypeAlias

Path: TypeAlias = tuple[str | int, ...]
"""Keys and, in arrays, indexes that lead to a value."""

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
# Longest first: three quotes are no empty text and one more.
_TEXTS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)
# Numbers, dates (with their blank) and booleans.
_PLAIN = re.compile(r"[^,\]}#\n]*")


def find_lines(text: str) -> Mapping[Path, int]:
    """Return the line on which each path of a TOML document begins, from 1."""
    scan = _Scan(text)
    scan.document()
    return scan.found


class _Scan:
    """A walk over one document."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, int] = {}
        self._text = text
        self._at = 0
        # Where lines were last counted to: what is looked at only goes forward.
        self._counted = 0
        self._line = 1
        self._tables: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        while not self._ends():
            if self._next() == "[":
                table = self._header()
            else:
                self._pair(table)

    def _ends(self) -> bool:
        self._skip(_BLANK)
        return self._at == len(self._text)

    def _next(self) -> str:
        return self._text[self._at]

    def _skip(self, what: re.Pattern[str]) -> str:
        found = what.match(self._text, self._at)
        assert found is not None  # noqa: S101 - the document is TOML
        self._at = found.end()
        return found[0]

    def _note(self, path: Path) -> None:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        for n in range(1, len(path)):
            self.found.setdefault(path[:n], self._line)
        self.found[path] = self._line

    # Keys

    def _key(self) -> tuple[str, ...]:
        parts = [self._part()]
        while self._skip(_SPACE) is not None and self._next() == ".":
            self._at += 1
            self._skip(_SPACE)
            parts.append(self._part())
        return tuple(parts)

    def _part(self) -> str:
        if self._next() not in "\"'":
            return self._skip(_BARE)
        written = self._skip(_TEXTS[2] if self._next() == '"' else _TEXTS[3])
        read: str = tomllib.loads(f"key = {written}")["key"]
        return read

    def _header(self) -> Path:
        start = self._at
        many = self._text.startswith("[[", start)
        self._at += 2 if many else 1
        self._skip(_SPACE)
        key = self._key()
        self._at += 2 if many else 1
        path = self._resolve(key[:-1])
        path = (*path, key[-1])
        end, self._at = self._at, start
        if many:
            count = self._tables[path] = self._tables.get(path, 0) + 1
            path = (*path, count - 1)
        elif path in self._tables:
            path = (*path, self._tables[path] - 1)
        self._note(path)
        self._at = end
        return path

    def _resolve(self, key: tuple[str, ...]) -> Path:
        """Follow a header's key, in each array of tables to its last."""
        path: Path = ()
        for part in key:
            path = (*path, part)
            if path in self._tables:
                path = (*path, self._tables[path] - 1)
        return path

    # Values

    def _pair(self, table: Path) -> None:
        start = self._at
        path = (*table, *self._key())
        end, self._at = self._at, start
        self._note(path)
        self._at = end + 1  # the sign of equality
        self._skip(_SPACE)
        self._value(path)

    def _value(self, path: Path) -> None:
        first = self._next()
        if first == "[":
            self._array(path)
        elif first == "{":
            self._inline(path)
        elif first in "\"'":
            self._text_value()
        else:
            self._skip(_PLAIN)

    def _text_value(self) -> None:
        for form in _TEXTS:
            found = form.match(self._text, self._at)
            if found is not None:
                self._at = found.end()
                return

    def _array(self, path: Path) -> None:
        self._at += 1
        count = 0
        while not self._ends() and self._next() != "]":
            self._note((*path, count))
            self._value((*path, count))
            count += 1
            self._skip(_BLANK)
            if self._next() == ",":
                self._at += 1
        self._at += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while not self._ends() and self._next() != "}":
            self._pair(path)
            self._skip(_BLANK)
            if self._next() == ",":
                self._at += 1
        self._at += 1
