"""Chat completions that are kept, on the wire: queries and bodies read, objects written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from ...model.chat import Message, OtherPart, TextPart
from ...model.record import Record
from ...model.units import Json
from ..fields import Check, one_of, schema_of, text_of
from ..objects import read_object
from ..queries import MAX_PARAMETERS, PAGES, Page, read_page
from .answers import completion_object
from .messages import message_object
from .requests import MAX_METADATA_VALUE, MAX_MODEL, metadata

MORE: Mapping[str, Check] = {
    "order": one_of(frozenset({"asc", "desc"})),
    "model": text_of(1, MAX_MODEL),
}
LISTED: Mapping[str, Check] = {**PAGES, **MORE}
UPDATE: Mapping[str, Check] = {"metadata": metadata}
FILTER: Json = schema_of(metadata)
_PAIR = re.compile(r"metadata\[(.{0,64})\]", re.DOTALL)
_value = text_of(0, MAX_METADATA_VALUE)


def read_listed(query: str) -> tuple[Page, dict[str, Any]]:
    """Return which page is asked, and what else: as `Records.list` takes it.

    Raises:
        InvalidRequest: a parameter is wrong, unknown or given twice.
    """
    try:
        given = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_PARAMETERS)
    except ValueError:
        given = []  # Whoever reads the page says so.
    pairs = {name: found[1] for name, _ in given if (found := _PAIR.fullmatch(name))}
    page, more = read_page(query, {**MORE, **dict.fromkeys(pairs, _value)})
    return page, {
        "newest_first": more.get("order") == "desc",
        "model": more.get("model"),
        "metadata": {key: more[name] for name, key in pairs.items()},
    }


def read_update(body: bytes) -> dict[str, str]:
    """Read what metadata is to be.

    Raises:
        InvalidRequest: it is not there, or wrong, or something else is.
    """
    return read_object(body, UPDATE, ["metadata"])["metadata"]  # type: ignore[no-any-return]


def stored_object(record: Record) -> dict[str, Json]:
    """Write a completion that is kept."""
    assert record.answer is not None  # noqa: S101 - a completion is kept when it is whole
    legacy = isinstance(record.data, dict) and bool(record.data.get("legacy"))
    return {
        **completion_object(record.answer, legacy=legacy),
        "metadata": dict(record.metadata),
    }


def deleted_object(id: str) -> dict[str, Json]:
    """Write that a completion is no longer kept."""
    return {"id": id, "object": "chat.completion.deleted", "deleted": True}


def stored_messages(record: Record) -> list[dict[str, Json]]:
    """Write the messages of a kept completion's request, each with an id of its own."""
    return [_stored_message(one, f"{record.id}-{n}") for n, one in enumerate(record.messages)]


def _stored_message(one: Message, id: str) -> dict[str, Json]:
    fields = message_object(one)
    parts = fields["content"] if isinstance(fields["content"], list) else None
    return {
        "refusal": None,
        **fields,
        "id": id,
        "content": fields["content"] if parts is None else _text(one),
        "content_parts": parts,
    }


def _text(one: Message) -> str | None:
    parts = one.content or ()
    if all(isinstance(part, OtherPart) for part in parts):
        return None
    return "".join([part.text for part in parts if isinstance(part, TextPart)])
