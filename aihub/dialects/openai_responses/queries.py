"""What may be asked of responses that are kept."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from ...errors import InvalidRequest
from ...model.units import Json
from ..fields import Check, Fault, described, one_of
from ..queries import MAX_PARAMETERS, PAGES, Page, read_page, read_query
from .requests import INCLUDE

_include = one_of(frozenset(INCLUDE))
_LISTS = ("include", "include[]")


def _off(value: Json, path: str) -> bool:
    """Take that something is not wanted."""
    if value in {"false", "False"}:
        return False
    raise Fault(
        path,
        f"Unsupported value: '{path}' must be false: a response that is kept is told whole.",
        "unsupported_value",
    )


described({"type": "string", "enum": ["false"]}, _off)

READ: Mapping[str, Check] = {"include": _include, "stream": _off, "include_obfuscation": _off}
ITEMS: Mapping[str, Check] = {
    **PAGES,
    "order": one_of(frozenset({"asc", "desc"})),
    "include": _include,
}


def read_asked(query: str) -> None:
    """See that what is asked of a response is right; all of it is told in any case.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    read_query(_without_lists(query), READ)


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
