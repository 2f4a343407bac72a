"""What a free string is likely to be, by the name of its property."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache

from .pen import Pen

_WORDS = {
    "name": """name names firstname lastname surname city cities town country countries location
        locations place person people author authors user username customer contact owner company
        brand destination origin region state capital speaker participant participants artist
        nom prenom ville pays nombre ciudad pais stadt land ort vorname nachname nome citta""",
    "phrase": """title titles subject topic topics label heading headline caption product role job
        titre titel titulo sujet thema""",
    "sentence": """description summary text content body reason reasoning rationale answer answers
        message messages comment comments explanation thought thoughts note notes details prompt
        question questions instruction instructions step steps output conclusion overview review
        quote bio about analysis evidence justification feedback sentence sentences response resume
        texte beschreibung antwort reponse resumen descripcion respuesta zusammenfassung""",
    "email": "email emails mail",
    "url": "url urls uri link links href website homepage webpage",
    "date": "date dates day birthday deadline",
    "time": "time",
    "instant": "timestamp datetime created updated modified",
    "id": "id ids identifier uuid key sku",
    "code": "code codes reference",
    "phone": "phone telephone mobile fax",
    "color": "color colors colour colours",
    "language": "language languages lang locale",
    "currency": "currency currencies",
    "address": "address street",
    "zip": "zip zipcode postcode postal",
    "path": "path file filename filepath",
    "query": "query queries search keyword keywords term terms tag tags",
    "unit": "unit units",
    "number": "amount price cost count version",
}
_KINDS = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

# What a description says of a string's form, where the name says nothing.
_SAYS = (
    (re.compile(r"\b(?:YYYY-MM-DD|ISO.?8601 date|the date)\b", re.IGNORECASE), "date"),
    (re.compile(r"\b(?:ISO.?8601|timestamp)\b", re.IGNORECASE), "instant"),
    (re.compile(r"\be-?mail address\b", re.IGNORECASE), "email"),
    (re.compile(r"\bURL\b"), "url"),
)

SAID = 500
"""Characters of a description that are looked at."""

PLAIN = ""


NAMED = 80
"""Characters of a name that are looked at."""


def pieces_of(name: str) -> list[str]:
    """Take a name apart: `authorName` and `author_name` are `author` and `name`."""
    return [piece.lower() for piece in _PIECE.findall(name[:NAMED])]


@lru_cache(maxsize=4096)
def kind_of(name: str) -> str:
    """Return what a property of that *name* is likely to be; `PLAIN` where it says nothing.

    >>> kind_of("authorName"), kind_of("image_url"), kind_of("x")
    ('name', 'url', '')
    """
    pieces = pieces_of(name)
    if pieces[-1:] == ["at"] and len(pieces) > 1:
        return "instant"
    for piece in reversed(pieces):
        if piece in _KINDS:
            return _KINDS[piece]
    return PLAIN


def kind_said(description: str) -> str:
    """Return what a *description* says that a string is."""
    said = description[:SAID]
    return next((kind for form, kind in _SAYS if form.search(said)), PLAIN)


def slug(text: str, spare: str = "example") -> str:
    """Write *text* in small ASCII letters and digits.

    >>> slug("Crème brûlée")
    'cremebrulee'
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return "".join(one for one in plain if one.isalnum())[:40] or spare


def _pick(*options: str) -> Callable[[Pen], str]:
    return lambda pen: mentioned(options, pen) or pen.chooser.pick(options)


def mentioned(options: tuple[str, ...], pen: Pen) -> str | None:
    """Return the first of *options* that the prompt has."""
    return next((one for one in options if pen.wording.mentions(one)), None)


def write_date(pen: Pen) -> str:
    """Write a day of the years around 2025."""
    below = pen.chooser.below
    return f"{2024 + below(3)}-{1 + below(12):02}-{1 + below(28):02}"


def write_time(pen: Pen) -> str:
    """Write a time of day, in UTC."""
    below = pen.chooser.below
    return f"{below(24):02}:{below(12) * 5:02}:00Z"


def write_instant(pen: Pen) -> str:
    """Write a day and a time of day."""
    return f"{write_date(pen)}T{write_time(pen)}"


def write_id(pen: Pen) -> str:
    """Write an identifier, with a word of the prompt's in it."""
    return f"{slug(pen.wording.word(pen.chooser))}-{1 + pen.chooser.below(999)}"


def write_code(pen: Pen) -> str:
    """Write three capital letters and three digits."""
    letters = slug(pen.wording.word(pen.chooser), "abc").upper()
    return f"{letters[:3]:X<3}{100 + pen.chooser.below(900)}"


def write_email(pen: Pen) -> str:
    """Write an address at a domain that is kept for examples."""
    return f"{slug(pen.wording.name(pen.chooser))}@example.com"


def write_url(pen: Pen) -> str:
    """Write an address on the web, likewise."""
    return f"https://example.com/{slug(pen.wording.word(pen.chooser))}"


def _plain(pen: Pen) -> str:
    if pen.odds(1, 2):
        return pen.wording.word(pen.chooser)
    return pen.wording.phrase(pen.chooser)


WRITERS: Mapping[str, Callable[[Pen], str]] = {
    PLAIN: _plain,
    "name": lambda pen: pen.wording.name(pen.chooser),
    "phrase": lambda pen: pen.wording.phrase(pen.chooser),
    "sentence": lambda pen: pen.wording.sentence(pen.chooser),
    "query": lambda pen: pen.wording.word(pen.chooser),
    "email": write_email,
    "url": write_url,
    "date": write_date,
    "time": lambda pen: write_time(pen)[:5],
    "instant": write_instant,
    "id": write_id,
    "code": write_code,
    "phone": lambda pen: f"+1-555-01{pen.chooser.below(100):02}",
    "color": _pick("blue", "green", "red", "yellow", "black", "white", "orange", "purple"),
    "language": _pick("en", "de", "fr", "es", "it", "ja", "zh"),
    "currency": _pick("USD", "EUR", "GBP", "JPY", "CHF"),
    "address": lambda pen: (
        f"{1 + pen.chooser.below(99)} {pen.wording.word(pen.chooser).capitalize()} Street"
    ),
    "zip": lambda pen: f"{10000 + pen.chooser.below(89999)}",
    "path": lambda pen: f"{slug(pen.wording.word(pen.chooser))}.txt",
    "unit": _pick("kg", "km", "hours", "celsius", "pieces", "percent"),
    "number": lambda pen: f"{1 + pen.chooser.below(99)}",
}
"""How a string is written, by what it is likely to be."""
