"""Lists that come page by page, as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

import orjson

from ..client.desk import AskFailed
from ..model.units import Json
from .reading import read_list, read_object
from .work import MAX_PAGE


def gather(
    ask: Callable[[Mapping[str, object]], bytes],
    query: Mapping[str, object],
    wanted: int,
    *,
    within: str | None = None,
) -> bytes:
    """Return a list of at most *wanted* objects; one page is returned as it came.

    Args:
        ask: gives a page, by its query.
        query: what else is asked.
        wanted: how many objects.
        within: the field that has the list, where it is part of an object.

    Raises:
        AskFailed: a page could not be had, or is no list.
    """
    told = ask({**query, "limit": min(wanted, MAX_PAGE)})
    value = read_object(told)
    whole = read_list(value, within)
    if not (whole.get("has_more") and len(whole["data"]) < wanted):
        return told
    while whole["has_more"] and len(whole["data"]) < wanted:
        left = min(wanted - len(whole["data"]), MAX_PAGE)
        told = ask({**query, "limit": left, "after": whole.get("last_id")})
        page = read_list(read_object(told), within)
        whole["data"] += page["data"]
        whole["has_more"] = bool(page.get("has_more") and page["data"])
        whole["last_id"] = page.get("last_id") or whole.get("last_id")
    return _written(value)


def _written(value: dict[str, Json]) -> bytes:
    try:
        return orjson.dumps(value, default=_exact)
    except TypeError:  # A whole number of more than 64 bits.
        raise AskFailed("the answer is not one of aihub's: it has numbers beyond all use") from None


def _exact(value: Json) -> orjson.Fragment:
    """Write a number with all its digits."""
    if not isinstance(value, Decimal):
        raise TypeError(type(value))
    return orjson.Fragment(format(value, "f"))


def pick(told: bytes, text: str) -> bytes:
    """Return a list with what of it has *text* in its id."""
    value = read_object(told)
    whole = read_list(value)
    whole["data"] = [one for one in whole["data"] if text.lower() in str(one.get("id")).lower()]
    return _written(value)
