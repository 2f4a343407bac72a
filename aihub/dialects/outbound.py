"""What a dialect must do for a provider that speaks it: say a call, and read what comes back.

Pure: bytes in, events out, the same whether the bytes come one by one or all at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from ..errors import UpstreamError
from ..model.catalogue import Model
from ..model.chat import Chat
from ..model.events import Compacted, Event
from ..protocols import ProviderCall


@attrs.define(kw_only=True)
class Wire:
    """A call as a provider's dialect says it: a path under its address, and a body.

    `headers` are those that the dialect itself asks for; whose key it is, is not its business.
    """

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class StreamDecoder(Protocol):
    """Protocol: one streamed answer while it comes.

    `ended` says that the answer has told its end, where the dialect has a word for that: what may
    come after it is of no interest.
    """

    @property
    def ended(self) -> bool:
        """Whether the answer has told its end."""
        ...

    def feed(self, data: bytes) -> Sequence[Event]:
        """Read the next bytes of the body, and return what they complete.

        Raises:
            UpstreamError: the provider tells an error, or says what nobody can read. What came
                before it in the same bytes is returned first: then the next call raises it, be it
                one with no bytes.
        """
        ...

    def end(self) -> Sequence[Event]:
        """Say that the body has ended, and return what that completes.

        Raises:
            UpstreamCut: the answer does not have its end.
        """
        ...


class Outbound(Protocol):
    """Protocol: a dialect as a provider's client speaks it."""

    name: str

    def check(self, model: Model, chat: Chat) -> None:
        """Refuse what the dialect cannot say; nothing of a chat is dropped silently.

        Raises:
            InvalidRequest: it names the field.
        """
        ...

    def encode_call(self, call: ProviderCall) -> Wire:
        """Write a call that `check` let pass; one that streams asks for its usage too."""
        ...

    def decode_answer(self, call: ProviderCall, body: bytes) -> Sequence[Event]:
        """Read a whole answer as the events of one that came in a single piece.

        Raises:
            UpstreamError: it tells an error, or is none of this dialect.
        """
        ...

    def stream(self, call: ProviderCall) -> StreamDecoder:
        """Return what reads a streamed answer to *call*."""
        ...

    def decode_error(self, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
        """Say what an answer with a status of 400 or more means (see `failures.failure`)."""
        ...


class CompactingOutbound(Outbound, Protocol):
    """Protocol: one in which a conversation can also be made short."""

    def encode_compaction(self, call: ProviderCall) -> Wire:
        """Write a call, which `check` let pass, for its conversation to be made short."""
        ...

    def decode_compaction(self, body: bytes) -> Compacted:
        """Read what stands for the conversation.

        Raises:
            UpstreamError: it tells an error, or is none of this dialect.
        """
        ...
