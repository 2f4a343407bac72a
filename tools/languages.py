"""Bring the catalogues of errors and pages up to date: `nox -s languages`.

Texts are read out of the sources into the `.po` files, where translators write; what they wrote is
compiled into what is packaged: `.mo` for errors, which gettext reads, and JSON for pages, which
browsers read. A test fails while anything here is not whole (`faults`).
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "aihub"
LOCALE = SOURCES / "server" / "locale"
STATIC = SOURCES / "server" / "pages" / "static"
LANGUAGES = ("es", "fr", "de", "pt", "ja", "zh", "ko", "ar")
DOMAINS = ("errors", "pages")

_HEADER = "# Texts of aihub. The words of programs ('max_tokens', {path}) stay as they are."
_WIDTH = 100
_PLACE = re.compile(r"\{(\w+)\}")
_IN_HTML = re.compile(r"\{\{([^*].*?)\}\}")
# Each call of `t`, but not where it is made; and its text, where that is a literal.
_IN_SCRIPTS = re.compile(r"""(?<!function )(?<![\w.])(t\()(?:"([^"\\]+)"(?=[,)]))?""")
_QUOTED = re.compile(r"'\{\w+\}'|`\{\w+\}`")


class _Plain(Catalog):
    """A catalogue that says of itself only what changes nothing: no dates, people or versions."""

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """What a reader of the file needs."""
        return [
            ("Language", str(self.locale_identifier)),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


@cache
def texts(domain: str) -> list[str]:
    """Return all texts of a domain, in the order of the sources."""
    found = dict.fromkeys(_texts_of_errors() if domain == "errors" else _texts_of_pages())
    return [one for one in found if one]


def _texts_of_errors() -> Iterator[str]:
    for _, _, text, _, _ in extract_from_dir(
        SOURCES, [("**.py", "python")], keywords={"Msg": None}
    ):
        yield str(text)


def _texts_of_pages() -> Iterator[str]:
    for page in sorted(STATIC.glob("*.html")):
        yield from _IN_HTML.findall(page.read_text())
    # Babel's reader of JavaScript stops at some regular expressions; ours wants one literal.
    for script in sorted(STATIC.glob("*.js")):
        for call, text in _IN_SCRIPTS.findall(script.read_text()):
            if not text:
                raise SystemExit(f"{script.name}: {call}...) is not given one text in quotes")
            yield text


def place(language: str, domain: str) -> Path:
    """Return the file that translators write."""
    return LOCALE / language / "LC_MESSAGES" / f"{domain}.po"


def catalogue(language: str, domain: str) -> Catalog:
    """Read what translators wrote."""
    path = place(language, domain)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def updated(language: str, domain: str) -> Catalog:
    """Return a catalogue of the texts that there are, with the translations that there are."""
    known = catalogue(language, domain)
    made = _Plain(locale=language, header_comment=_HEADER, fuzzy=False)
    for text in texts(domain):
        found = known.get(text)
        made.add(text, "" if found is None else found.string)
    return made


def source(language: str, domain: str) -> bytes:
    """Return the file that translators write, up to date."""
    file = io.BytesIO()
    write_po(file, updated(language, domain), width=_WIDTH)
    return file.getvalue()


def compiled(language: str, domain: str) -> tuple[Path, bytes]:
    """Return what is packaged of a catalogue, and where."""
    made = updated(language, domain)
    if domain == "pages":
        words = {one.id: one.string for one in made if one.id and one.string}
        text = json.dumps(words, ensure_ascii=False, indent=0)
        return STATIC / "words" / f"{language}.json", f"{text}\n".encode()
    file = io.BytesIO()
    write_mo(file, made)
    return place(language, domain).with_suffix(".mo"), file.getvalue()


def faults() -> Iterator[str]:
    """Say what is missing, wrong or stale."""
    for language in LANGUAGES:
        for domain in DOMAINS:
            where = f"{language} {domain}"
            known = catalogue(language, domain)
            for text in texts(domain):
                found = known.get(text)
                if found is None or not found.string:
                    yield f"{where}: no translation of {text!r}"
                elif set(_PLACE.findall(text)) != set(_PLACE.findall(found.string)):
                    yield f"{where}: other placeholders in {found.string!r} than in {text!r}"
                elif set(_QUOTED.findall(text)) != set(_QUOTED.findall(found.string)):
                    yield f"{where}: other quotes in {found.string!r} than in {text!r}"
            path, made = compiled(language, domain)
            if not path.exists() or path.read_bytes() != made:
                yield f"{where}: {path.name} is stale: run `nox -s languages`"
            if place(language, domain).read_bytes() != source(language, domain):
                yield f"{where}: the .po file is stale: run `nox -s languages`"


def main() -> int:
    """Write all catalogues; fail where one is not whole."""
    for language in LANGUAGES:
        for domain in DOMAINS:
            written = source(language, domain)
            place(language, domain).parent.mkdir(parents=True, exist_ok=True)
            place(language, domain).write_bytes(written)
            path, made = compiled(language, domain)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(made)
    left = list(faults())
    print(*left, sep="\n", file=sys.stderr)
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
