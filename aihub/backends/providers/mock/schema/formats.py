"""Strings of the formats that JSON Schema names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .hints import slug, write_date, write_email, write_id, write_instant, write_time, write_url
from .pen import Pen

LABEL = 63
"""Characters of one label of a host name."""

LONGEST_HOST = 253
"""Characters of a whole host name."""

LOCAL = 60
"""Characters before the @ of an address, at most 64."""

Format = Callable[[Pen, int, int], str]
"""Write a string of a length within two bounds if there is one; else any."""


def _fixed(*writers: Callable[[Pen], str]) -> Format:
    """Write with the first of *writers* whose string has a fitting length."""

    def write(pen: Pen, low: int, high: int) -> str:
        text = ""
        for writer in writers:
            text = writer(pen)
            if low <= len(text) <= high:
                break
        return text

    return write


def _always(text: str) -> Callable[[Pen], str]:
    return lambda _: text


def _stretched(usual: Callable[[Pen], str], stem: Callable[[str], str], short: str) -> Format:
    """Write with *usual* where its length fits, else *stem* with as long a middle as is asked for.

    *stem* takes letters and says where they stand; *short* is the shortest there is.
    """
    around = len(stem(""))

    def write(pen: Pen, low: int, high: int) -> str:
        text = usual(pen)
        if low <= len(text) <= high:
            return text
        wanted = low if len(text) < low else high
        if wanted <= around:
            return short
        return stem(_filling(pen, wanted - around))

    return write


def _filling(pen: Pen, size: int) -> str:
    return (slug(pen.wording.word(pen.chooser)) * (size // 3 + 1))[:size]


def _hostname(pen: Pen, low: int, high: int) -> str:
    text = f"{slug(pen.wording.word(pen.chooser))}.example.com"
    if low <= len(text) <= high or low > LONGEST_HOST:
        return text
    if len(text) > high:
        return _filling(pen, min(high, LABEL))
    labels = []
    left = low - len("example.com")
    while left > 0:
        # A label and its dot; never a dot with nothing before it.
        size = min(LABEL, max(left - 1, 1))
        labels.append(_filling(pen, size))
        left -= size + 1
    return ".".join([*labels, "example.com"])


def _email(pen: Pen, low: int, high: int) -> str:
    text = write_email(pen)
    if low <= len(text) <= high:
        return text
    if len(text) > high:
        half = max(1, (high - 1) // 2)
        return f"{_filling(pen, min(half, LOCAL))}@{_filling(pen, min(half, LABEL))}"
    local = _filling(pen, min(LOCAL, max(1, low - len("@example.com"))))
    return f"{local}@{_hostname(pen, low - len(local) - 1, high - len(local) - 1)}"


def _hexes(pen: Pen, count: int) -> str:
    return "".join("0123456789abcdef"[pen.chooser.below(16)] for _ in range(count))


def _uuid(pen: Pen) -> str:
    digits = _hexes(pen, 31)
    variant = "89ab"[pen.chooser.below(4)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[12:15]}-{variant}{digits[15:18]}-{digits[18:30]}"


def _ipv4(pen: Pen) -> str:
    # TEST-NET-1: nobody's address.
    return f"192.0.2.{1 + pen.chooser.below(254)}"


def _ipv6(pen: Pen) -> str:
    return f"2001:db8::{1 + pen.chooser.below(0xFFFE):x}"


def _zoned(pen: Pen) -> str:
    return f"{write_time(pen)[:-1]}.000000+00:00"


def _fraction(digits: int) -> Callable[[Pen], str]:
    return lambda pen: f"{write_time(pen)[:-1]}.{'0' * digits}Z"


_TIMES = (write_time, _zoned, *(_fraction(n) for n in range(1, 10)))


def _dated(writer: Callable[[Pen], str]) -> Callable[[Pen], str]:
    return lambda pen: f"{write_date(pen)}T{writer(pen)}"


FORMATS: Mapping[str, Format] = {
    "date": _fixed(write_date),
    "time": _fixed(*_TIMES),
    "date-time": _fixed(write_instant, *(_dated(one) for one in _TIMES)),
    "duration": _fixed(
        lambda pen: f"PT{1 + pen.chooser.below(12)}H",
        lambda pen: f"P{1 + pen.chooser.below(9)}D",
        lambda pen: f"P{1 + pen.chooser.below(9)}DT{10 + pen.chooser.below(10)}H",
        lambda pen: f"P{1 + pen.chooser.below(9)}DT{1 + pen.chooser.below(9)}H30M15S",
    ),
    "email": _email,
    "hostname": _hostname,
    "ipv4": _fixed(_ipv4, _always("10.0.0.1"), _always("192.168.100.101"), _always("1.1.1.1")),
    "ipv6": _fixed(
        _ipv6,
        _always("::1"),
        _always("::"),
        lambda pen: ":".join(_hexes(pen, 4) for _ in range(8)),
    ),
    "uri": _stretched(write_url, lambda middle: f"http://a/{middle}", "a:b"),
    "uri-reference": _stretched(lambda pen: write_url(pen)[19:], lambda middle: f"/{middle}", ""),
    "uuid": _fixed(_uuid),
    "json-pointer": _stretched(lambda pen: f"/{write_id(pen)}", lambda middle: f"/{middle}", ""),
    "relative-json-pointer": _stretched(_always("0"), lambda middle: f"0/{middle}", "0"),
    "regex": _stretched(_always("^[a-z]+$"), lambda middle: f"a{middle}", ""),
}
FORMATS = {
    **FORMATS,
    "idn-email": FORMATS["email"],
    "idn-hostname": FORMATS["hostname"],
    "iri": FORMATS["uri"],
    "iri-reference": FORMATS["uri-reference"],
    "uri-template": FORMATS["uri"],
}
"""The formats that are known; any other is an annotation, as the specification says."""
