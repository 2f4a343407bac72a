"""SyncHub: the hub for programs without an event loop.

Theory of operation. One portal thread runs an asyncio loop that the hub belongs to; calls from any
thread are handed over and waited for. A stream is pumped by one task in that loop through a buffer
of `AHEAD` events, so that whoever abandons the iterator, or is interrupted, cancels the task, which
settles the request as `aborted`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from contextlib import AbstractAsyncContextManager, ExitStack, closing, contextmanager
from types import TracebackType
from typing import Any, Self, TypeVar

import anyio
from anyio.abc import TaskStatus
from anyio.from_thread import BlockingPortal, start_blocking_portal
from anyio.streams.memory import MemoryObjectReceiveStream

from .errors import HubClosed, UsageMistake
from .hub import Accounts, Hub, Options, Stream
from .hub.exchange import NO_OPTIONS
from .hub.records import Records
from .hub.sessions import Sessions
from .model.account import LOCAL_ACCOUNT, Identity, Scope
from .model.catalogue import Model
from .model.chat import Message
from .model.embedding import Embeddings
from .model.events import Completion, Event, Text
from .model.ledger import LedgerRow
from .model.moderation import DEFAULT_MODERATOR, Moderation
from .model.units import Micros
from .model.usage import GroupBy, UsageReport

T = TypeVar("T")

AHEAD = 64
"""Events that a provider may be ahead of the program that reads them."""


class SyncStream:
    """An answer as it comes, for a synchronous program: iterate over it inside its context."""

    def __init__(
        self,
        hub: SyncHub,
        events: MemoryObjectReceiveStream[Event],
        stream: Stream,
        pumping: Future[None],
    ) -> None:
        self._hub = hub
        self._events = events
        self._stream = stream
        self._pumping = pumping

    def __iter__(self) -> Iterator[Event]:
        while True:
            try:
                yield self._hub.run(self._events.receive)
            except anyio.EndOfStream:
                # An answer that broke off must not look like one that ended.
                self._pumping.result()
                return

    @property
    def id(self) -> str:
        """The request's id, by which the ledger knows it."""
        return self._stream.id

    @property
    def completion(self) -> Completion:
        """The whole answer.

        Raises:
            UsageMistake: the events have not all been read.
        """
        return self._stream.completion

    def texts(self) -> Iterator[str]:
        """Yield the first choice's text as it comes."""
        for event in self:
            if type(event) is Text and event.index == 0:
                yield event.text


class SyncPart:
    """`hub.accounts`, `hub.sessions` or the like for a synchronous program, without `await`."""

    def __init__(self, hub: SyncHub, part: Accounts | Sessions | Records) -> None:
        self._hub = hub
        self._part = part

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._part, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            return self._hub.run(lambda: method(*args, **kwargs))

        return call


class SyncAccounts(SyncPart):
    """`hub.accounts` for a synchronous program."""

    def __init__(self, hub: SyncHub, accounts: Accounts) -> None:
        super().__init__(hub, accounts)
        self._accounts = accounts

    def as_caller(self, identity: Identity) -> SyncAccounts:
        """Return the same calls for somebody with a key; see `Accounts.as_caller`."""
        return SyncAccounts(self._hub, self._accounts.as_caller(identity))


class SyncHub:
    """A hub that may be called from any thread. Use `aihub.open_sync_hub()` for the usual one.

    Args:
        make: opens the hub, in the portal's loop.

    Raises:
        UsageMistake: on entering inside a running event loop: there, use `Hub`.
    """

    def __init__(self, make: Callable[[], AbstractAsyncContextManager[Hub]]) -> None:
        self._make = make
        self._stack = ExitStack()
        self._portal: BlockingPortal | None = None

    def __enter__(self) -> Self:
        _refuse_inside_loop()
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal("asyncio"))
            self._hub = stack.enter_context(self._portal.wrap_async_context_manager(self._make()))
            self.accounts = SyncAccounts(self, self._hub.accounts)
            self.sessions = SyncPart(self, self._hub.sessions)
            self.completions = SyncPart(self, self._hub.completions)
            self.responses = SyncPart(self, self._hub.responses)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            return self._stack.__exit__(kind, error, traceback)
        finally:
            self._portal = None

    @property
    def hub(self) -> Hub:
        """The hub itself, for what `run` calls in its loop.

        Raises:
            HubClosed: the hub is not entered.
        """
        self._entered()
        return self._hub

    def run(self, function: Callable[[], Any]) -> Any:
        """Call an asynchronous function in the hub's loop and wait for its result.

        Raises:
            HubClosed: the hub is not entered.
            UsageMistake: an event loop is running in this thread.
        """
        portal, future = self._entered(), None
        try:
            future = portal.start_task_soon(function)
            return future.result()
        except BaseException:
            # Ctrl-C reaches us here: what runs in the loop ends as aborted.
            if future is not None:
                future.cancel()
            raise

    def _entered(self) -> BlockingPortal:
        if self._portal is None:
            raise HubClosed("enter the hub first, and use it inside its context")
        _refuse_inside_loop()
        return self._portal

    def authenticate(self, secret: str | None, scope: Scope | None = "inference") -> Identity:
        """Return whose key *secret* is; see `Hub.authenticate`."""
        identity: Identity = self.run(lambda: self._hub.authenticate(secret, scope))
        return identity

    def chat(
        self,
        model: str | None,
        messages: str | Iterable[Message | Mapping[str, Any]],
        *,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
        **parameters: Any,
    ) -> Completion:
        """Answer a conversation; see `Hub.chat`."""
        answer: Completion = self.run(
            lambda: self._hub.chat(
                model, messages, key=key, account=account, options=options, **parameters
            )
        )
        return answer

    @contextmanager
    def stream(
        self,
        model: str | None,
        messages: str | Iterable[Message | Mapping[str, Any]],
        *,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
        **parameters: Any,
    ) -> Iterator[SyncStream]:
        """Answer a conversation as a stream of events inside a context; see `Hub.stream`."""
        portal = self._entered()
        send, receive = anyio.create_memory_object_stream[Event](AHEAD)

        async def pump(*, task_status: TaskStatus[tuple[Stream, anyio.CancelScope]]) -> None:
            with anyio.CancelScope() as scope:
                async with (
                    send,
                    self._hub.stream(
                        model, messages, key=key, account=account, options=options, **parameters
                    ) as stream,
                ):
                    task_status.started((stream, scope))
                    async for event in stream:
                        await send.send(event)

        with closing(send), closing(receive):
            pumping, (stream, scope) = portal.start_task(pump)
            try:
                yield SyncStream(self, receive, stream, pumping)
            finally:
                # Returns when the request is settled; one that has ended is not disturbed.
                portal.call(scope.cancel)
                wait([pumping])

    def embed(
        self,
        model: str,
        input: str | Iterable[str | Sequence[int]],
        *,
        dimensions: int | None = None,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
    ) -> Embeddings:
        """Return a vector for each text; see `Hub.embed`."""
        done: Embeddings = self.run(
            lambda: self._hub.embed(
                model, input, dimensions=dimensions, key=key, account=account, options=options
            )
        )
        return done

    def moderate(
        self,
        input: str | Iterable[str],
        *,
        model: str = DEFAULT_MODERATOR,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
    ) -> Moderation:
        """Judge texts; see `Hub.moderate`."""
        done: Moderation = self.run(
            lambda: self._hub.moderate(
                input, model=model, key=key, account=account, options=options
            )
        )
        return done

    def models(self) -> Sequence[Model]:
        """Return every model, each also under its aliases."""
        self._entered()
        return self._hub.models()

    def model(self, name: str) -> Model:
        """Return the model that goes by *name*; see `Hub.model`."""
        self._entered()
        return self._hub.model(name)

    def usage(
        self,
        account: str = LOCAL_ACCOUNT,
        *,
        start: Micros | None = None,
        end: Micros | None = None,
        group_by: GroupBy = "model",
    ) -> UsageReport:
        """Sum what an account used; see `Hub.usage`."""
        report: UsageReport = self.run(
            lambda: self._hub.usage(account, start=start, end=end, group_by=group_by)
        )
        return report

    def request(self, id: str, account: str = LOCAL_ACCOUNT) -> LedgerRow:
        """Return one request of an account; see `Hub.request`."""
        row: LedgerRow = self.run(lambda: self._hub.request(id, account))
        return row


def _refuse_inside_loop() -> None:
    try:
        anyio.get_current_task()
    except anyio.NoEventLoopError:
        return
    raise UsageMistake("an event loop is running here: use aihub.Hub, not SyncHub")
