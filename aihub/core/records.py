"""What of an answer is kept where it is asked to be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from ..errors import InvalidRequest
from ..messages import Msg
from ..model.chat import Keep, KeptKind, Message
from ..model.events import Completion
from ..model.record import Record
from ..model.units import Micros
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
            raise InvalidRequest(
                Msg("A pair of 'metadata' is two texts."), param=f"metadata.{name}"
            )
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
    made = waiting(
        keep, done.id, created=done.created, model=done.model, account=account, request=request
    )
    # A response's input is in its dialect's words, which messages cannot say in full.
    messages = tuple(said) if keep.kind == "completion" else ()
    return attrs.evolve(made, messages=messages, answer=done)


def waiting(
    keep: Keep, id: str, *, created: Micros, model: str, account: str, request: str
) -> Record:
    """Return what stands for an answer until it has come."""
    return Record(
        id=record_id(keep.kind, id),
        account=account,
        kind=keep.kind,
        created=created,
        model=model,
        request=request,
        metadata=dict(keep.metadata),
        data=keep.data,
    )
