"""The language that a reader asks for, and texts in it.

Theory of operation. Errors are raised in English; they are put into another language where they are
written for a reader who asks for one. The texts are gettext catalogues in `locale`, one for each
language, read when the first reader asks for it: nothing of this is on the way of a request that
goes well, or whose reader reads English. A catalogue that cannot be read is reported once, and its
readers read English: an error about an error would tell them less.
"""

from __future__ import annotations

import logging
import re
import struct
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ..messages import Msg

if TYPE_CHECKING:
    from gettext import GNUTranslations

log = logging.getLogger("aihub.server")

ENGLISH = "en"
LANGUAGES = (ENGLISH, "es", "fr", "de", "pt", "ja", "zh", "ko", "ar")
"""Tags of the languages that there are (RFC 5646). `zh` is written in simplified characters."""

RIGHT_TO_LEFT = frozenset({"ar"})

MAX_RANGES = 32
"""Languages that are looked at in one header: browsers send five or six."""

# Not importlib.resources: it takes longer to import than a catalogue to read.
_CATALOGUES = Path(__file__).parent / "locale"

_RANGE = re.compile(
    r"(?P<tag>\*|[a-z]{1,8})(?:-[a-z0-9]{1,8})*[ \t]*(?:;[ \t]*q=(?P<q>[01](?:\.\d{0,3})?))?",
    re.IGNORECASE | re.ASCII,
)


def language_of(header: bytes | None) -> str:
    """Return the one of `LANGUAGES` that an `Accept-Language` wants most; in doubt English.

    A region or script is let be: who asks for `pt-BR` gets `pt` (lookup, RFC 4647, 3.4). Of equal
    weights the first counts (RFC 9110, 12.5.4); what is no range counts for nothing.

    >>> language_of(b"de-CH, fr;q=0.9, en;q=0.1")
    'de'
    >>> language_of(b"it, *;q=0.5")
    'en'
    """
    if header is None:
        return ENGLISH
    best, most = ENGLISH, 0.0
    for one in header.decode("latin-1").split(",", MAX_RANGES)[:MAX_RANGES]:
        read = _RANGE.fullmatch(one.strip(" \t"))
        if read is None:
            continue
        tag, weight = read["tag"].lower(), float(read["q"] or 1)
        language = ENGLISH if tag == "*" else tag
        if most < weight <= 1 and language in LANGUAGES:
            best, most = language, weight
    return best


def spoken(language: str) -> str:
    """Return *language* where there are texts in it, else English."""
    return ENGLISH if language == ENGLISH or _catalogue(language) is None else language


def translate(text: str, language: str) -> str:
    """Return *text* in a language; what is nobody's `Msg` stays as it is."""
    if language == ENGLISH or not isinstance(text, Msg):
        return text
    catalogue = _catalogue(language)
    if catalogue is None:
        return text
    found = catalogue.gettext(text.template)
    if not text.values:
        return found
    return found.format_map(
        {
            name: translate(value, language) if isinstance(value, str) else value
            for name, value in text.values.items()
        }
    )


@cache
def _catalogue(language: str) -> GNUTranslations | None:
    from gettext import GNUTranslations

    place = _CATALOGUES / language / "LC_MESSAGES" / "errors.mo"
    try:
        with place.open("rb") as read:
            return GNUTranslations(read)
    except (OSError, ValueError, struct.error) as error:
        log.warning("%s cannot be read, so errors are told in English: %s", place, error)
        return None
