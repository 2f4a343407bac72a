"""What parts of a message that are not text count for, by the rules that vendors publish.

Sources: OpenAI's guides *Images and vision* (tiles of 512 pixels, or patches of 32), *PDF files*,
*Audio*; Anthropic's *Vision* and *PDF support*; Google's *Understand and count tokens*. A count is
exact where the rule is OpenAI's, the model is named in it and the image came with the request; an
image behind a URL is not fetched, and counts as one of 1,024 by 1,024 pixels. Models without a rule
count by that of gpt-4o.
"""

from __future__ import annotations

import math
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping

import attrs

from aihub.model.catalogue import Model
from aihub.model.chat import OtherPart
from aihub.model.units import Json

from .hosted import hosted_text
from .images import Size, size_of

UNKNOWN: Size = (1024, 1024)
"""An image that did not come with the request is taken to be of this size."""

PAGE: Size = (816, 1056)
"""A letter page at 96 dots an inch: OpenAI reads each page of a PDF as an image."""

HEADER = 512 * 1024
"""Characters of base64 in which a size is looked for: a photograph's preview comes first."""

TextCount = Callable[[str], int]


_ITEMS = "openai_responses"

_HIDDEN = 5
"""Characters in base64 of what only the provider can read that are taken for a token: 4 bytes."""


@attrs.frozen
class Counted:
    """Tokens of a part, and whether they are exact."""

    tokens: int
    exact: bool = False


def count(model: Model, part: OtherPart, text: TextCount) -> Counted:
    """Count a part; one of a type that is not known counts as nothing."""
    if part.dialect == _ITEMS:
        if part.is_compaction:
            return Counted(part.characters // _HIDDEN)
        return Counted(text(hosted_text(part.type, part.data)))
    data = part.data.get(part.type) if isinstance(part.data, Mapping) else None
    rule = _RULES.get(part.type)
    return Counted(0) if rule is None else rule(model, data, text)


# Images


@attrs.frozen
class _Tiles:
    """So much for an image, and for each square of 512 pixels that covers it."""

    base: int
    tile: int

    def tokens(self, size: Size, detail: str) -> int:
        if detail == "low":
            return self.base
        width, height = _within(size, 2048, 768)
        return self.base + self.tile * math.ceil(width / 512) * math.ceil(height / 512)


@attrs.frozen
class _Patches:
    """So much for each square of 32 pixels that covers the image, 1,536 of them at most."""

    factor: float

    def tokens(self, size: Size, detail: str) -> int:
        return math.ceil(min(_patches(size), _MOST_PATCHES) * self.factor)


_PATCH, _MOST_PATCHES = 32, 1536


def _patches(size: Size) -> int:
    width, height = size
    needed = math.ceil(width / _PATCH) * math.ceil(height / _PATCH)
    if needed <= _MOST_PATCHES:
        return needed
    # Scaled down to as many, then so that whole patches cover it, as OpenAI's guide puts it.
    scale = math.sqrt(_PATCH**2 * _MOST_PATCHES / (width * height))
    across, down = width * scale / _PATCH, height * scale / _PATCH
    scale *= min(_whole(across), _whole(down))
    return math.ceil(_near(width * scale / _PATCH)) * math.ceil(_near(height * scale / _PATCH))


def _whole(patches: float) -> float:
    return max(1, math.floor(patches)) / patches


def _near(patches: float) -> float:
    # A whole number of patches must not become one more by a rounding error.
    return round(patches, 6)


def _within(size: Size, longest: int, shortest: int) -> tuple[float, float]:
    """Scale an image down until neither side passes *longest*, nor the shorter one *shortest*."""
    width, height = size
    scale = min(1.0, longest / max(width, height))
    scale = min(scale, shortest / min(width, height))
    return _near(width * scale), _near(height * scale)


_GPT_4O = _Tiles(85, 170)
# The first that a model's id begins with.
_OPENAI: tuple[tuple[str, _Tiles | _Patches], ...] = (
    ("gpt-4o-mini", _Tiles(2833, 5667)),
    ("gpt-4o", _GPT_4O),
    ("chatgpt-4o", _GPT_4O),
    ("gpt-4.1-mini", _Patches(1.62)),
    ("gpt-4.1-nano", _Patches(2.46)),
    ("gpt-4.1", _GPT_4O),
    ("gpt-4.5", _GPT_4O),
    ("gpt-4-turbo", _GPT_4O),
    ("gpt-5-mini", _Patches(1.62)),
    ("gpt-5-nano", _Patches(2.46)),
    ("gpt-5-chat", _Tiles(70, 140)),
    ("gpt-5", _Tiles(70, 140)),
    ("o4-mini", _Patches(1.72)),
    ("o1", _Tiles(75, 150)),
    ("o3", _Tiles(75, 150)),
)


def _image(model: Model, data: Json, _text: TextCount) -> Counted:
    given = data if isinstance(data, Mapping) else {}
    size = _size(given.get("url"))
    detail = str(given.get("detail") or "auto")
    tokens, exact = _picture(model, size or UNKNOWN, detail)
    return Counted(tokens, exact and size is not None)


def _picture(model: Model, size: Size, detail: str = "auto") -> tuple[int, bool]:
    width, height = size
    if model.owned_by == "anthropic":
        width, height = (round(side) for side in _within(size, 1568, 1568))
        return min(1600, math.ceil(width * height / 750)), False
    if model.owned_by == "google":
        small = max(size) <= 384
        return 258 if small else 258 * math.ceil(width / 768) * math.ceil(height / 768), False
    if model.owned_by == "openai":
        for prefix, rule in _OPENAI:
            # Of a family's later members nothing is published: gpt-5.4 is not gpt-5.
            if model.id.startswith(prefix) and not model.id.removeprefix(prefix).startswith("."):
                return rule.tokens(size, detail), True
    return _GPT_4O.tokens(size, detail), False


def _size(url: Json) -> Size | None:
    content = _content(url, HEADER)
    return None if content is None else size_of(content)


def _content(url: Json, most: int) -> bytes | None:
    """Return what a data URL has, as far as *most* characters of base64 go; None of another."""
    if not isinstance(url, str) or not url.startswith("data:"):
        return None
    head, comma, data = url[: most + HEADER].partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    data = data[:most]
    try:
        return b64decode(data[: len(data) // 4 * 4])
    except (NotBase64, ValueError):
        return None


# Audio


def _audio(model: Model, data: Json, _text: TextCount) -> Counted:
    given = data if isinstance(data, Mapping) else {}
    sound = given.get("data")
    size = len(sound) * 3 // 4 if isinstance(sound, str) else 0
    seconds = size / _BYTES_PER_SECOND.get(str(given.get("format")), _MP3)
    per_second = 32 if model.owned_by == "google" else 10
    return Counted(math.ceil(seconds * per_second))


_MP3 = 16_000
"""Bytes of a second at 128 kbit/s, as speech is mostly kept."""

_BYTES_PER_SECOND = {"wav": 48_000, "mp3": _MP3}
"""Of wav at 24 kHz, 16 bits and one channel: what OpenAI's own voices speak."""


# Files


def _file(model: Model, data: Json, text: TextCount) -> Counted:
    given = data if isinstance(data, Mapping) else {}
    url = given.get("file_data")
    content = _content(url, len(url)) if isinstance(url, str) else None
    if content is None:
        return Counted(0)
    if str(url)[5:].startswith("text/"):
        return Counted(text(content.decode(errors="replace")), exact=model.exact_tokens)
    pages = max(1, len(_PAGES.findall(content)))
    return Counted(pages * _page(model))


_PAGES = re.compile(rb"/Type\s{0,4}/Page\b(?!s)")
_BY_PAGE = {"google": 258, "anthropic": 2250}
"""Tokens of a page: Google's rule, and the middle of what Anthropic says of text."""


def _page(model: Model) -> int:
    picture = _picture(model, PAGE)[0]
    if model.owned_by == "google":
        return _BY_PAGE["google"]
    return picture + _BY_PAGE.get(model.owned_by, 0)


def _refusal(_model: Model, data: Json, text: TextCount) -> Counted:
    return Counted(text(data) if isinstance(data, str) else 0, exact=True)


_RULES: dict[str, Callable[[Model, Json, TextCount], Counted]] = {
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "refusal": _refusal,
}
