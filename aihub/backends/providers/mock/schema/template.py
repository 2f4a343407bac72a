"""A compiled schema, and the two ways to get one."""

from __future__ import annotations

from functools import lru_cache

import attrs
import orjson

from .....model.units import Json
from ..choosing import Chooser, Wording
from .document import Document
from .graph import Graph
from .nodes import Node
from .pen import Pen, Stuck
from .refusal import malformed, unsupported
from .strict import check_strict

MAX_SCHEMA_BYTES = 512 * 1024
"""As JSON. OpenAI takes 120,000 characters of names and values; the rest is punctuation."""

SMALL_BYTES = 8 * 1024
SMALL_KEPT = 256
LARGE_KEPT = 8
"""Compiled schemas that are kept: many of the usual size and few large ones, some tens of MB."""


ROUNDS = 3
"""How often a whole value is begun anew where a part of it was stuck."""


@attrs.frozen(eq=False)
class Template:
    """Writes values that fit one schema."""

    _root: Node = attrs.field(repr=False)

    def write(self, chooser: Chooser, wording: Wording) -> Json:
        """Return a value that fits: a function of the schema, the choices and the words alone.

        Raises:
            SchemaRefused: none was found in the number of tries there is.
        """
        pen = Pen(chooser, wording)
        for turn in range(1, ROUNDS):
            try:
                return self._root.write(pen)
            except Stuck:
                pen.begin_again(turn)
        try:
            return self._root.write(pen)
        except Stuck as stuck:
            raise stuck.refusal from stuck


def compile_schema(schema: Json) -> Template:
    """Compile *schema* and write with it once, so that what cannot be is refused here.

    Raises:
        SchemaRefused: it is malformed, not supported, or nothing fits it.
    """
    return _compile(_as_bytes(schema), strict=False)


def template_of(schema: Json, *, strict: bool = False) -> Template:
    """Return what `compile_schema` makes of *schema*, kept from an earlier call where it can be.

    Raises:
        SchemaRefused: as there, or where it is *strict*, as `check_strict`.
    """
    text = _as_bytes(schema)
    kept = _small if len(text) <= SMALL_BYTES else _large
    return kept(text, strict=strict)


def _as_bytes(schema: Json) -> bytes:
    try:
        text = orjson.dumps(schema)
    except TypeError as error:
        raise malformed("schema", "#", f"is not JSON, or nested too deep: {error}") from error
    if len(text) > MAX_SCHEMA_BYTES:
        raise unsupported("schema", "#", f"larger than {MAX_SCHEMA_BYTES:,} bytes of JSON")
    return text


def _compile(text: bytes, *, strict: bool) -> Template:
    schema = orjson.loads(text)
    if strict:
        check_strict(schema)
    template = Template(Graph(Document(schema)).compile())
    template.write(Chooser(b"a trial"), _Trial())
    return template


@lru_cache(maxsize=SMALL_KEPT)
def _small(text: bytes, *, strict: bool) -> Template:
    return _compile(text, strict=strict)


@lru_cache(maxsize=LARGE_KEPT)
def _large(text: bytes, *, strict: bool) -> Template:
    return _compile(text, strict=strict)


class _Trial:
    """The words of no prompt."""

    numbers: tuple[float, ...] = ()

    def quoted(self, kind: str) -> tuple[str, ...]:
        return ()

    def mentions(self, text: str) -> bool:
        return False

    def word(self, chooser: Chooser) -> str:
        return "word"

    def name(self, chooser: Chooser) -> str:
        return "Name"

    def phrase(self, chooser: Chooser) -> str:
        return "A phrase"

    def sentence(self, chooser: Chooser) -> str:
        return "A whole sentence."
