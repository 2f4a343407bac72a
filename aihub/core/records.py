"""What of an answer is kept where it is asked to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import InvalidRequest
from ..model.chat import Keep, KeptKind, Message
from ..model.events import Completion
from ..model.record import Record
from .sessions import check_messages, check_metadata


def check_keep(keep: Keep, messages: Sequence[Message]) -> None:
    """Refuse to keep what cannot be.

    Raises:
        InvalidRequest: the metadata is out of its bounds, or a message cannot be kept.
    """
    check_pairs(keep.metadata)
    check_messages(messages)


def check_pairs(metadata: Mapping[Any, Any]) -> None:
    """Refuse metadata that is no pairs of text within the bounds.

    Raises:
        InvalidRequest: it is not.
    """
    for name, value in metadata.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise InvalidRequest("A pair of 'metadata' is two texts.", param=f"metadata.{name}")
    check_metadata(metadata)


PREFIXES: Mapping[KeptKind, str] = {"completion": "chatcmpl-", "response": "resp_"}
"""What the id of an answer begins with, by what it is kept as."""


def record_id(kind: KeptKind, id: str) -> str:
    """Return the id of an answer, or of its request, as it is kept."""
    return PREFIXES[kind] + id.removeprefix(PREFIXES["completion"]).removeprefix("req_")


def record(
    keep: Keep, said: Sequence[Message], done: Completion, *, account: str, request: str
) -> Record:
    """Return *done* as it is kept."""
    return Record(
        id=record_id(keep.kind, done.id),
        account=account,
        kind=keep.kind,
        created=done.created,
        model=done.model,
        request=request,
        metadata=dict(keep.metadata),
        # A response's input is in its dialect's words, which messages cannot say in full.
        messages=tuple(said) if keep.kind == "completion" else (),
        answer=done,
        data=keep.data,
    )
