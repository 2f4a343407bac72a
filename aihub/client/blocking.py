"""Calls carried to their end without an event loop. What they decide is `talk`; here they wait."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from ..errors import UpstreamError
from .common import Common
from .errors import ConfigurationError
from .jobs import Job, Lister, next_query
from .streaming import ChatReader, finish
from .talk import Again, Head, gather
from .values import ChatCompletion, ChatCompletionChunk, ListOf

if TYPE_CHECKING:
    from .carrying import BlockingTransport, Response

T = TypeVar("T")


class Line:
    """The way to a server: calls are carried to their end here."""

    def __init__(
        self, common: Common, transport: BlockingTransport, sleep: Callable[[float], None]
    ) -> None:
        self.common = common
        self.transport = transport
        self.sleep = sleep

    def ask(self, job: Job[T]) -> T:
        """Return the answer of a call."""
        talk = self.common.talk(job)
        while True:
            try:
                with self.transport.open(talk.request()) as response:
                    head = self._head(response)
                    done = talk.answered(head, _whole(response, head))
            except UpstreamError as error:
                done = talk.lost(error)
            if not isinstance(done, Again):
                return done
            self.sleep(done.seconds)

    def open(self, job: Job[ChatCompletion]) -> tuple[ExitStack, Iterator[bytes], ChatReader]:
        """Return what a stream is read from, and what closes it."""
        talk = self.common.talk(job)
        while True:
            with ExitStack() as stack:
                try:
                    response = stack.enter_context(self.transport.open(talk.request()))
                    head = self._head(response)
                    if head.is_good and head.is_stream:
                        reader = ChatReader(head, self.common.settings)
                        return stack.pop_all(), response.body, reader
                    done = talk.answered(head, _whole(response, head))
                except UpstreamError as error:
                    done = talk.lost(error)
            assert isinstance(done, Again)  # noqa: S101 - whole answers were refused
            self.sleep(done.seconds)

    def _head(self, response: Response) -> Head:
        head = Head(status=response.status, headers=response.headers)
        self.common.note(head)
        return head


def _whole(response: Response, head: Head) -> bytes:
    body = bytearray()
    for piece in response.body:
        gather(body, piece, head)
    return bytes(body)


class ChatStream:
    """An answer as it comes: an iterator over its chunks, and a context that closes it.

    It closes itself at its end. Who leaves earlier closes it, best by `with`; the server then stops
    answering. A stream is for one thread.

    Raises:
        IncompleteStreamError: it ended without its end marker, or the connection was lost.
        FailedStreamError: it told an error.
        MalformedResponseError: what came is no stream of a chat.
        APITimeoutError: it paused too long, or took too long altogether.
    """

    def __init__(self, line: Line, job: Job[ChatCompletion]) -> None:
        self._line = line
        self._job = job
        self._stack: ExitStack | None = None
        self._reader: ChatReader | None = None
        self._body: Iterator[bytes] = iter(())
        self._chunks: Iterator[ChatCompletionChunk] = iter(())

    def open(self) -> Self:
        """Ask, unless that has been done; raises as a whole answer's call does."""
        if self._reader is None:
            self._stack, self._body, self._reader = self._line.open(self._job)
        return self

    def close(self) -> None:
        """Want no more of it."""
        stack, self._stack = self._stack, None
        if stack is not None:
            stack.close()

    def texts(self) -> Iterator[str]:
        """Yield the first choice's text, piece by piece."""
        for chunk in self:
            if chunk.text:
                yield chunk.text

    def read(self) -> ChatCompletion:
        """Read what is left, and return the whole answer."""
        for _ in self:
            pass
        return self.completion

    @property
    def completion(self) -> ChatCompletion:
        """The whole answer, once the stream has ended.

        Raises:
            ConfigurationError: it has not, or not well.
        """
        return finish(self._reader)

    def __iter__(self) -> Iterator[ChatCompletionChunk]:
        return self

    def __next__(self) -> ChatCompletionChunk:
        if self._reader is None:
            raise ConfigurationError("enter the stream first: `with client.chat.stream(...)`.")
        if self._stack is None:
            raise StopIteration
        try:
            return self._next(self._reader)
        except BaseException:
            self.close()
            raise

    def _next(self, reader: ChatReader) -> ChatCompletionChunk:
        while True:
            chunk = next(self._chunks, None)
            if chunk is not None:
                return chunk
            if reader.is_whole:
                raise StopIteration
            try:
                piece = next(self._body, b"")
            except UpstreamError as error:
                raise reader.lost(error) from error
            self._chunks = reader.read(piece) if piece else reader.end()

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Page(Generic[T]):
    """A page of a list; iterating goes on through all that follow.

    `data`, `has_more`, `first_id` and `last_id` are this page's.
    """

    def __init__(self, line: Line, lister: Lister[T], query: Mapping[str, Any]) -> None:
        self._line = line
        self._lister = lister
        self._query = query
        self._page: ListOf[T] = line.ask(lister(query))
        self.data = self._page.data
        self.has_more = self._page.has_more
        self.first_id = self._page.first_id
        self.last_id = self._page.last_id

    def next_page(self) -> Page[T] | None:
        """Return the page that follows; None where this is the last."""
        query = next_query(self._query, self._page)
        return None if query is None else Page(self._line, self._lister, query)

    def __iter__(self) -> Iterator[T]:
        page: Page[T] | None = self
        while page is not None:
            yield from page.data
            page = page.next_page()

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Page(<{len(self.data)}>, has_more={self.has_more})"
