"""What may be asked of responses that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from ...errors import InvalidRequest
from ...messages import Msg
from ...model.units import Json
from ..fields import Check, Fault, described, one_of, string
from ..queries import MAX_PARAMETERS, PAGES, Page, read_page, read_query, whole
from .requests import INCLUDE

_include = one_of(frozenset(INCLUDE))
_LISTS = ("include", "include[]")


def _flag(value: Json, path: str) -> bool:
    """Take a word for yes or no, as the clients of several languages write it."""
    word = string(value, path).lower()
    if word not in {"true", "false"}:
        raise Fault(
            path, Msg("Invalid '{path}': expected true or false.", path=path), "invalid_value"
        )
    return word == "true"


described({"type": "boolean"}, _flag)

MAX_NUMBER = 999_999_999
"""The number of an event that may be named: no answer has as many."""

_number = described(
    {"type": "integer", "minimum": 0, "maximum": MAX_NUMBER}, whole(0, MAX_NUMBER, 0)
)

READ: Mapping[str, Check] = {
    "include": _include,
    "stream": _flag,
    "starting_after": _number,
    "include_obfuscation": _flag,
}
ITEMS: Mapping[str, Check] = {
    **PAGES,
    "order": one_of(frozenset({"asc", "desc"})),
    "include": _include,
}


def read_asked(query: str) -> int | None:
    """Return the number of the event that a stream of a response follows; None for no stream.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    asked = read_query(_without_lists(query), READ)
    if asked.get("stream"):
        return asked.get("starting_after", -1)  # type: ignore[no-any-return]
    if "starting_after" in asked:
        text = Msg("'starting_after' is of a stream: it needs 'stream'.")
        raise InvalidRequest(text, param="starting_after", code="invalid_value")
    return None


def read_items_page(query: str) -> tuple[Page, bool]:
    """Return which items are asked, and whether the newest come first, as they do by default.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    page, more = read_page(_without_lists(query), {"order": ITEMS["order"]})
    return page, more.get("order", "desc") == "desc"


def _without_lists(query: str) -> str:
    """Check the parameters that may come more than once, and take them away."""
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        return query  # Whoever reads the rest says so.
    for name, value in given:
        if name in _LISTS:
            try:
                _include(value, "include")
            except Fault as fault:
                raise InvalidRequest(fault.message, param=fault.path, code=fault.code) from None
    return urlencode([(name, value) for name, value in given if name not in _LISTS])
