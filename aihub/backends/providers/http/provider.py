"""A provider over HTTP, whatever its dialect.

Theory of operation. The dialect says a call as bytes, the address says where they go, the transport
takes them there. A whole answer is read to its end before its first event; a stream is handed on
as it comes. A server that answers a call for a stream with a whole answer is understood. An answer
that the dialect says is whole is whole, also where the connection breaks after it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager

import anyio

from ....dialects import openai_embeddings, openai_moderations
from ....dialects.outbound import CompactingOutbound, Outbound, Wire
from ....errors import UpstreamError, UpstreamFailed
from ....messages import Msg
from ....model.catalogue import Model
from ....model.chat import Chat
from ....model.events import AtOnce, Compacted, Embedded, Event, Moderated
from ....model.upstream import UpstreamResponse
from ....protocols import EmbeddingCall, ModerationCall, ProviderCall, Transport
from .addresses import Address, Call

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of a whole answer: some models answer with pictures, and a few of those are this large."""

MAX_ERROR = 64 * 1024
"""Bytes of an error's body that are read: enough for any text, and an HTML page is cut."""


LINGER = 0.5
"""Seconds that a body is given to end after its answer has: mostly both come in one packet."""


class HttpProvider:
    """Answer calls by asking a server.

    Args:
        name: what errors call it.
        dialect: how it is spoken to.
        address: where it is.
        transport: how bytes get there; closed with the provider.
    """

    def __init__(
        self, *, name: str, dialect: Outbound, address: Address, transport: Transport
    ) -> None:
        self.name = name
        self._dialect = dialect
        self._address = address
        self._transport = transport

    def check(self, model: Model, chat: Chat) -> None:
        """Refuse what the provider's dialect cannot say (see `aihub.protocols.RequestChecker`)."""
        self._dialect.check(model, chat)

    @asynccontextmanager
    async def open(self, call: ProviderCall) -> AsyncIterator[AsyncIterator[Event]]:
        """Ask the server (see `aihub.protocols.Provider`)."""
        request = self._address.request(self._dialect.encode_call(call), call)
        try:
            async with self._transport.open(request) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own
                    await self._refuse(response)
                if call.chat.stream and _is_stream(response):
                    async with aclosing(self._stream(call, response)) as events:
                        yield events
                else:
                    body = await _read(response, MAX_ANSWER)
                    yield AtOnce(self._dialect.decode_answer(call, body))
        except UpstreamError as error:
            error.provider = error.provider or self.name
            raise

    async def _ask(self, wire: Wire, call: Call) -> bytes:
        """Send what has a whole answer, and return its body."""
        request = self._address.request(wire, call)
        with self._named():
            async with self._transport.open(request) as response:
                if response.status != 200:  # noqa: PLR2004 - HTTP's own
                    await self._refuse(response)
                return await _read(response, MAX_ANSWER)

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Say of a failure whose it is."""
        try:
            yield
        except UpstreamError as error:
            error.provider = error.provider or self.name
            raise

    async def aclose(self) -> None:
        """Close the connections (see `aihub.protocols.Closing`)."""
        await self._transport.aclose()

    async def _refuse(self, response: UpstreamResponse) -> None:
        status = response.status
        if status < 400:  # noqa: PLR2004 - HTTP's own
            raise UpstreamFailed(
                Msg(
                    "The provider answered with status {status}, which is no answer.", status=status
                ),
                code="bad_status",
                status=status,
                lasting=True,
            )
        body = await _read(response, MAX_ERROR, cut=True)
        raise self._dialect.decode_error(status, response.headers, body)

    async def _stream(
        self, call: ProviderCall, response: UpstreamResponse
    ) -> AsyncGenerator[Event, None]:
        decoder = self._dialect.stream(call)
        try:
            async for data in response.body:
                for event in decoder.feed(data):
                    yield event
                if decoder.ended:
                    await _linger(response)
                    break
                decoder.feed(b"")
        except UpstreamError as lost:
            if lost.code not in _LOST:
                raise
            try:
                rest = decoder.end()
            except UpstreamError:
                raise lost from None
        else:
            rest = decoder.end()
        for event in rest:
            yield event


class EmbeddingHttpProvider(HttpProvider):
    """One that also embeds, as OpenAI does."""

    async def embed(self, call: EmbeddingCall) -> Embedded:
        """Ask the server for vectors (see `aihub.protocols.Embedder`)."""
        body = await self._ask(openai_embeddings.encode_call(call), call)
        with self._named():
            return openai_embeddings.decode_answer(call, body)


class OpenAIProvider(EmbeddingHttpProvider):
    """One that also judges content, as OpenAI does."""

    async def moderate(self, call: ModerationCall) -> Moderated:
        """Ask the server for judgements (see `aihub.protocols.Moderator`)."""
        body = await self._ask(openai_moderations.encode_call(call), call)
        with self._named():
            return openai_moderations.decode_answer(body)


class ResponsesProvider(OpenAIProvider):
    """One that is spoken to in OpenAI's Responses, and also makes conversations short.

    Args:
        name: what errors call it.
        dialect: how it is spoken to.
        address: where it is.
        transport: how bytes get there; closed with the provider.
    """

    def __init__(
        self, *, name: str, dialect: CompactingOutbound, address: Address, transport: Transport
    ) -> None:
        super().__init__(name=name, dialect=dialect, address=address, transport=transport)
        self._compacting = dialect

    async def compact(self, call: ProviderCall) -> Compacted:
        """Ask the server for what stands for a conversation (see `aihub.protocols.Compactor`)."""
        body = await self._ask(self._compacting.encode_compaction(call), call)
        with self._named():
            return self._compacting.decode_compaction(body)


async def _linger(response: UpstreamResponse) -> None:
    """Read the end of a body whose answer is whole, so that its connection can be used again."""
    with anyio.move_on_after(LINGER):
        async for _ in response.body:
            pass


# How a transport says that the rest of a body will not come.
_LOST = frozenset({"connection_lost", "idle_timeout", "total_timeout"})


def _is_stream(response: UpstreamResponse) -> bool:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind not in {"application/json", "text/html"}


async def _read(response: UpstreamResponse, most: int, *, cut: bool = False) -> bytes:
    """Read a body of at most *most* bytes; *cut* one that is longer, or refuse it.

    Raises:
        UpstreamFailed: it is longer.
    """
    pieces: list[bytes] = []
    size = 0
    async for piece in response.body:
        size += len(piece)
        pieces.append(piece)
        if size > most:
            if cut:
                break
            raise UpstreamFailed(
                Msg("The provider's answer has more than {most} bytes.", most=most),
                code="answer_too_large",
            )
    return b"".join(pieces)[:most]
