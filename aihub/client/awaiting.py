"""Calls carried to their end on trio and asyncio. What they decide is in `talk`; here they wait."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import anyio

from ..errors import UpstreamError
from .common import Common
from .errors import ConfigurationError
from .jobs import Job, Lister, next_query
from .streaming import ChatReader, finish
from .talk import Again, Head, gather
from .values import ChatCompletion, ChatCompletionChunk, ListOf

if TYPE_CHECKING:
    from ..model.upstream import UpstreamResponse
    from ..protocols import Transport

T = TypeVar("T")

LINGER = 0.1
"""Seconds for a body to end behind its end marker; who takes longer loses the connection."""


class AsyncLine:
    """The way to a server: calls are carried to their end here."""

    def __init__(
        self, common: Common, transport: Transport, sleep: Callable[[float], Awaitable[None]]
    ) -> None:
        self.common = common
        self.transport = transport
        self.sleep = sleep

    async def ask(self, job: Job[T]) -> T:
        """Return the answer of a call."""
        talk = self.common.talk(job)
        while True:
            try:
                async with self.transport.open(talk.request()) as response:
                    head = self._head(response)
                    done = talk.answered(head, await _whole(response, head))
            except UpstreamError as error:
                done = talk.lost(error)
            if not isinstance(done, Again):
                return done
            await self.sleep(done.seconds)

    async def open(
        self, job: Job[ChatCompletion]
    ) -> tuple[AsyncExitStack, AsyncIterator[bytes], ChatReader]:
        """Return what a stream is read from, and what closes it."""
        talk = self.common.talk(job)
        while True:
            async with AsyncExitStack() as stack:
                try:
                    response = await stack.enter_async_context(self.transport.open(talk.request()))
                    head = self._head(response)
                    if head.is_good and head.is_stream:
                        reader = ChatReader(head, self.common.settings)
                        return stack.pop_all(), response.body, reader
                    done = talk.answered(head, await _whole(response, head))
                except UpstreamError as error:
                    done = talk.lost(error)
            assert isinstance(done, Again)  # noqa: S101 - whole answers were refused
            await self.sleep(done.seconds)

    def _head(self, response: UpstreamResponse) -> Head:
        head = Head(status=response.status, headers=response.headers)
        self.common.note(head)
        return head


async def _whole(response: UpstreamResponse, head: Head) -> bytes:
    body = bytearray()
    async for piece in response.body:
        gather(body, piece, head)
    return bytes(body)


class AsyncChatStream:
    """An answer as it comes: an iterator over its chunks, and a context that closes it.

    It closes itself at its end. Who leaves earlier closes it, best by `async with`; the server then
    stops answering. A stream is for one task.

    Raises:
        IncompleteStreamError: it ended without its end marker, or the connection was lost.
        FailedStreamError: it told an error.
        MalformedResponseError: what came is no stream of a chat.
        APITimeoutError: it paused too long, or took too long altogether.
    """

    def __init__(self, line: AsyncLine, job: Job[ChatCompletion]) -> None:
        self._line = line
        self._job = job
        self._stack: AsyncExitStack | None = None
        self._body: AsyncIterator[bytes]
        self._reader: ChatReader | None = None
        self._chunks: Iterator[ChatCompletionChunk] = iter(())

    async def open(self) -> Self:
        """Ask, unless that has been done; raises as a whole answer's call does."""
        if self._reader is None:
            self._stack, self._body, self._reader = await self._line.open(self._job)
        return self

    async def aclose(self) -> None:
        """Want no more of it."""
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()

    async def texts(self) -> AsyncIterator[str]:
        """Yield the first choice's text, piece by piece."""
        async for chunk in self:
            if chunk.text:
                yield chunk.text

    async def read(self) -> ChatCompletion:
        """Read what is left, and return the whole answer."""
        async for _ in self:
            pass
        return self.completion

    @property
    def completion(self) -> ChatCompletion:
        """The whole answer, once the stream has ended.

        Raises:
            ConfigurationError: it has not, or not well.
        """
        return finish(self._reader)

    def __aiter__(self) -> AsyncIterator[ChatCompletionChunk]:
        return self

    async def __anext__(self) -> ChatCompletionChunk:
        if self._reader is None:
            raise ConfigurationError(
                "enter the stream first: `async with client.chat.stream(...)`."
            )
        if self._stack is None:
            raise StopAsyncIteration
        try:
            return await self._next(self._reader)
        except BaseException:
            await self.aclose()
            raise

    async def _next(self, reader: ChatReader) -> ChatCompletionChunk:
        while True:
            chunk = next(self._chunks, None)
            if chunk is not None:
                return chunk
            if reader.is_whole:
                await self._keep()
                raise StopAsyncIteration
            try:
                piece = await anext(self._body, b"")
            except UpstreamError as error:
                raise reader.lost(error) from error
            self._chunks = reader.read(piece) if piece else reader.end()

    async def _keep(self) -> None:
        """Read to the end of the body, which keeps the connection for another call."""
        with anyio.move_on_after(LINGER), suppress(UpstreamError):
            async for _ in self._body:
                pass

    async def __aenter__(self) -> Self:
        return await self.open()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()


class AsyncPage(Generic[T]):
    """A page of a list; iterating goes on through all that follow.

    `data`, `has_more`, `first_id` and `last_id` are this page's.
    """

    def __init__(
        self, line: AsyncLine, lister: Lister[T], query: Mapping[str, Any], page: ListOf[T]
    ) -> None:
        self._line = line
        self._lister = lister
        self._query = query
        self._page = page
        self.data = page.data
        self.has_more = page.has_more
        self.first_id = page.first_id
        self.last_id = page.last_id

    async def next_page(self) -> AsyncPage[T] | None:
        """Return the page that follows; None where this is the last."""
        query = next_query(self._query, self._page)
        return None if query is None else await AsyncListing(self._line, self._lister, query)

    async def __aiter__(self) -> AsyncIterator[T]:
        page: AsyncPage[T] | None = self
        while page is not None:
            for one in page.data:
                yield one
            page = await page.next_page()

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"AsyncPage(<{len(self.data)}>, has_more={self.has_more})"


class AsyncListing(Generic[T]):
    """A list, not yet asked for: awaiting it gives a page, iterating all of it."""

    def __init__(self, line: AsyncLine, lister: Lister[T], query: Mapping[str, Any]) -> None:
        self._line = line
        self._lister = lister
        self._query = query

    def __await__(self) -> Generator[Any, Any, AsyncPage[T]]:
        return self._page().__await__()

    async def _page(self) -> AsyncPage[T]:
        page = await self._line.ask(self._lister(self._query))
        return AsyncPage(self._line, self._lister, self._query, page)

    async def __aiter__(self) -> AsyncIterator[T]:
        async for one in await self:
            yield one
