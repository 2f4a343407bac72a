"""What stands behind the `?` of a path, and lists that come page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl

import attrs

from ..errors import InvalidRequest
from ..messages import Msg
from ..model.units import DAY, Json, Micros, from_rfc3339
from ..model.usage import GROUPS, GroupBy
from .fields import SHOWN, Check, Fault, described, integer, one_of, string, text_of
from .objects import read_fields, refusal

PAGE = 20
"""Objects on a page where nobody says how many."""

MAX_PAGE = 100
"""Objects on one page: what is longer is read page by page."""

MAX_PARAMETERS = 24
"""Parameters in one query: the sixteen pairs of metadata that a list may be filtered by, and more
than any path knows besides."""

MAX_ID = 256
"""Characters of an id in a query: ours have a quarter of that."""

_LAST: Micros = 2_932_896 * DAY
"""The end of the year 9999, where dates end."""


@attrs.frozen
class Page:
    """Which part of a list: what follows the id *after*, at most *limit* of it."""

    after: str | None
    limit: int


@attrs.frozen
class UsageAsk:
    """What `/usage` is asked; None is the default."""

    account: str | None
    start: Micros | None
    end: Micros | None
    group_by: GroupBy


def whole(low: int, high: int, default: int) -> Check:
    """Take the digits of a whole number within bounds, *high* of nine digits at most."""
    bounded = integer(low, high)

    def check(value: Json, path: str) -> int:
        text = string(value, path)
        # A number of more digits is out of range anyhow, and slow to read.
        is_number = text.isascii() and text.isdigit() and len(text) <= 9  # noqa: PLR2004
        return bounded(int(text) if is_number else low - 1, path)  # type: ignore[no-any-return]

    schema = {"type": "integer", "minimum": low, "maximum": high, "default": default}
    return described(schema, check)


def _instant(value: Json, path: str) -> Micros:
    text = string(value, path)
    try:
        at = from_rfc3339(text)
    except ValueError:
        at = -1
    if not 0 <= at <= _LAST:
        raise Fault(
            path,
            Msg(
                "Invalid '{path}': expected a date and time such as 2026-01-31T00:00:00Z.",
                path=path,
            ),
            "invalid_value",
        )
    return at


described({"type": "string", "format": "date-time"}, _instant)

identifier: Check = text_of(1, MAX_ID)
PAGES: Mapping[str, Check] = {"after": identifier, "limit": whole(1, MAX_PAGE, PAGE)}
WHOSE: Mapping[str, Check] = {"account": identifier}
USAGE: Mapping[str, Check] = {
    **WHOSE,
    "start": _instant,
    "end": _instant,
    "group_by": one_of(frozenset(GROUPS)),
}


def read_query(query: str, table: Mapping[str, Check], *, others: bool = False) -> dict[str, Json]:
    """Return what *table* makes of a query; *others* may stand in it too, and say nothing.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice; `faults` lists them all.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        raise InvalidRequest(
            Msg("There are more than {most} parameters.", most=MAX_PARAMETERS)
        ) from None
    given: dict[str, str] = {}
    for name, value in pairs:
        if others and name not in table:
            continue
        if name in given:
            raise refusal(
                [Fault(name[:SHOWN], Msg("A parameter is given twice."), "invalid_value")]
            )
        given[name] = value
    return read_fields(given, table)


def read_page(query: str, more: Mapping[str, Check] | None = None) -> tuple[Page, dict[str, Json]]:
    """Return which part of a list is asked, and what else *more* names.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    given = read_query(query, {**PAGES, **(more or {})})
    return Page(given.pop("after", None), given.pop("limit", PAGE)), given


def read_usage(query: str) -> UsageAsk:
    """Return what `/usage` is asked.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    given = read_query(query, USAGE)
    return UsageAsk(
        account=given.get("account"),
        start=given.get("start"),
        end=given.get("end"),
        group_by=given.get("group_by", "model"),
    )


def list_object(objects: Sequence[dict[str, Json]], page: Page) -> dict[str, Json]:
    """Return a page of a list, from one object more than the page has where there are more."""
    shown = list(objects[: page.limit])
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": len(objects) > page.limit,
    }
