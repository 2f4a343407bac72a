"""The hub: identities, admission, attempts and settlement behind a few calls.

Theory of operation. A hub belongs to the event loop that entered it and owns one task group, which
renews its lease, sweeps for the dead, writes what could not be settled and forgets what is old. A
request runs in its caller's task, inside a cancel scope that closing can reach. Closing stops
admission, waits the grace period, cancels what is left, settles it, and gives the lease back.

Longer than our files are meant to be: the public calls, each a few lines below its contract.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Any, Self, cast

import anyio
import attrs

from ..core.asks import check_chat, check_labels, check_scope, check_text, windows
from ..core.periods import month_of
from ..errors import HubClosed, InvalidRequest, NotFound, Overloaded, UsageMistake
from ..messages import Msg
from ..model.account import LOCAL_ACCOUNT, Account, Identity, Scope
from ..model.catalogue import Model, Routes
from ..model.chat import Chat, Message
from ..model.compaction import Compaction
from ..model.embedding import EmbeddingRequest, Embeddings
from ..model.events import Completion
from ..model.ledger import LedgerRow, LostPolicy, WindowState
from ..model.moderation import DEFAULT_MODERATOR, Moderation, ModerationRequest
from ..model.status import Status
from ..model.units import HOUR, Micros
from ..model.usage import GROUPS, Count, GroupBy, UsageReport
from ..protocols import (
    Catalogue,
    Clock,
    Closing,
    Ids,
    Observer,
    Provider,
    Speller,
    Store,
    TokenCounter,
)
from .accounts import Accounts
from .background import Background
from .calls import make_chat, make_embedding, make_moderation
from .compacting import CompactionWork
from .counting import count_prompt, make_ready
from .draining import Yard
from .exchange import NO_OPTIONS, Exchange, Means, Options
from .flight import Flight, Open, Stream
from .gate import Gate
from .guards import Guards
from .health import Health
from .recall import recall
from .records import Records
from .retention import RETENTION, Forgetter
from .sessions import Sessions
from .settling import LEASE, STORE_TIMEOUT, Settler
from .setup import Setup
from .several import Several
from .standing import status
from .turns import Turns
from .work import ChatWork, EmbeddingWork, ModerationWork, Work

MAX_IN_FLIGHT = 1000
"""Requests open at once in one hub: above it each would only make the others slower."""

GRACE = 5.0
"""Seconds that requests in flight are given when a hub closes."""

LEAVE_TIMEOUT = 1.0
"""Seconds that a cancelled request is given to unwind; longer means that it never will."""

_NEW, _OPEN, _CLOSING, _CLOSED, _VISITED = range(5)


class Hub:
    """Keys, plans, limits, budgets, metering and routing over model providers, in process.

    Use `aihub.open_hub()` for the usual one; this class takes everything as arguments and knows
    no backend. Enter it once, and call it from the event loop that entered it.

    Args:
        store: what it keeps; opened and closed by its maker, who outlives the hub.
        providers: who answers, by name.
        catalogue: the models there are.
        tokens: who counts tokens.
        clock: what time it is.
        ids: where identifiers and secrets come from.
        routes: where models are served; by default all at the only provider given.
        observers: who watches.
        lost_policy: what a request is charged whose hub died: its counted `prompt`, all that was
            `reserved`, or `nothing`.
        max_in_flight: requests open at once, above which new ones are refused as `Overloaded`.
        grace: seconds that open requests are given at close.
        retention: seconds that details of requests, and ended keys, are kept; None is for good.
        chance: gives a number from 0 to 1, another at each call: for waits, weights and choices.
        sleep: waits so many seconds between attempts.

    A provider that holds something (`aihub.protocols.Closing`) is closed with the hub, or when it
    was replaced and the last request that began with it has ended.
    """

    def __init__(
        self,
        *,
        store: Store,
        providers: Mapping[str, Provider],
        catalogue: Catalogue,
        tokens: TokenCounter,
        clock: Clock,
        ids: Ids,
        routes: Routes | None = None,
        observers: Sequence[Observer] = (),
        lost_policy: LostPolicy = "prompt",
        max_in_flight: int = MAX_IN_FLIGHT,
        grace: float = GRACE,
        retention: float | None = RETENTION,
        chance: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        if routes is None:
            if len(providers) != 1:
                raise UsageMistake("give routes: there is not just one provider")
            routes = Routes(default=next(iter(providers)))
        self._setup = Setup(
            catalogue=catalogue, providers=dict(providers), routes=routes, tokens=tokens
        )
        self._store = store
        self._clock = clock
        self._ids = ids
        self._gate = Gate(store, clock)
        self._settler = Settler(store, ids.new("own"), observers, lost_policy)
        self._retired: list[Setup] = []
        self.health = Health(clock, chance)
        self._sleep = sleep
        self._max_in_flight = max_in_flight
        self._grace = grace
        self._state = _NEW
        self._flight = Flight()
        self._turns = Turns(clock)
        self._stack = AsyncExitStack()
        self._thread = 0
        self._pid = 0
        self.guards = Guards(clock)
        self.sessions = Sessions(store, clock, ids, catalogue=lambda: self._setup.catalogue)
        self.completions = Records(store, "completion")
        self.responses = Records(store, "response")
        self.background = Background(self, store)
        self._forgetter = Forgetter(store, clock, retention)
        self.accounts = Accounts(store, self._gate, clock, ids, erased=self._forgetter.soon)

    # Life

    async def __aenter__(self) -> Self:
        self._take_place()
        await self._store.enlist(self._settler.owner, LEASE)
        await self._settler.sweep()
        await self._store.add_account(
            Account(
                id=LOCAL_ACCOUNT, name="this program", plan="enterprise", created=self._clock.now()
            )
        )
        self._tasks = await self._stack.enter_async_context(anyio.create_task_group())
        yard = Yard(
            self._tasks, self._flight.scopes, self._flight.land, lambda: self._state == _OPEN
        )
        self._means = Means(self._settler, self.health, self._clock, self._ids, self._sleep, yard)
        self._tasks.start_soon(self._settler.keep_lease)
        self._tasks.start_soon(self._settler.retry_unsettled)
        self._tasks.start_soon(self._forgetter.run)
        self._state = _OPEN
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        try:
            await self.drain(self._grace)
        finally:
            for scope in list(self._flight.scopes):
                scope.cancel()
            with anyio.CancelScope(shield=True):
                with anyio.move_on_after(LEAVE_TIMEOUT):
                    await self._flight.wait_empty()
                for exchange in list(self._flight.scopes.values()):
                    # Its context was entered and never left: nobody else will settle it.
                    if exchange is not None:
                        await exchange.close()
                with anyio.move_on_after(STORE_TIMEOUT):
                    await self._settler.flush()
                held = {id(p): p for setup in self._living() for p in setup.providers.values()}
                await self._close(held.values())
                self._state = _CLOSED
                self._tasks.cancel_scope.cancel()
                await self._settler.leave()
        if isinstance(error, Exception):
            # What the program raised is its own: it must not come out wrapped in our task group.
            return await self._stack.__aexit__(None, None, None)
        return await self._stack.__aexit__(kind, error, traceback)

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[Self]:
        """Open for reading and administration alone, in place of `async with hub`.

        For a visit to a store that another hub may work on: no lease, no sweep, nothing is made
        or forgotten that is not asked for. Calls that would admit a request raise `HubClosed`.
        """
        self._take_place()
        self._state = _VISITED
        try:
            yield self
            await self._forgetter.finish()
        finally:
            self._state = _CLOSED

    def _take_place(self) -> None:
        if self._state != _NEW:
            raise UsageMistake("a hub is entered once")
        self._thread, self._pid = threading.get_ident(), os.getpid()

    async def drain(self, grace: float) -> None:
        """Admit nothing more, and wait at most *grace* seconds for what is in flight."""
        self._state = max(self._state, _CLOSING)
        with anyio.move_on_after(grace):
            await self._flight.wait_empty()

    def replace(
        self,
        *,
        catalogue: Catalogue | None = None,
        providers: Mapping[str, Provider] | None = None,
        routes: Routes | None = None,
        tokens: TokenCounter | None = None,
    ) -> None:
        """Work with something else from now on; a request in flight ends with what it began with.

        Raises:
            UsageMistake: the routes name a provider that is not given; nothing changed.
        """
        old = self._setup
        self._setup = new = Setup(
            catalogue=catalogue or old.catalogue,
            providers=old.providers if providers is None else dict(providers),
            routes=routes or old.routes,
            tokens=tokens or old.tokens,
        )
        named = [one.id for places in new.routes.deployments.values() for one in places]
        self.health.keep(named, new.routes.default)
        if self._state == _OPEN:
            self._tasks.start_soon(self._let_go, old)

    async def _let_go(self, old: Setup) -> None:
        """Close what only *old* has, when the last request that uses it has ended."""
        self._retired.append(old)
        await old.users.wait_none()
        self._retired.remove(old)
        kept = [id(one) for setup in self._living() for one in setup.providers.values()]
        await self._close([one for one in old.providers.values() if id(one) not in kept])

    def _living(self) -> list[Setup]:
        return [self._setup, *self._retired]

    async def _close(self, providers: Iterable[Provider]) -> None:
        for provider in providers:
            if isinstance(provider, Closing):
                with anyio.move_on_after(LEAVE_TIMEOUT):
                    await provider.aclose()

    def start_soon(self, task: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run a driver's task that must not raise; it ends with the hub, if not before.

        Raises:
            HubClosed: the hub is closing.
        """
        self._check_place()
        if self._state != _OPEN:
            raise HubClosed(Msg("the hub is closing"))
        self._tasks.start_soon(task)

    @property
    def ready(self) -> bool:
        """Whether requests are admitted: the hub is open and nothing waits to be settled."""
        return self._state == _OPEN and not self._settler.unsettled

    @property
    def in_flight(self) -> int:
        """How many requests are open."""
        return len(self._flight.scopes)

    @property
    def catalogue(self) -> Catalogue:
        """The models there are now."""
        return self._setup.catalogue

    @property
    def clock(self) -> Clock:
        """Who says what time it is."""
        return self._clock

    def now(self) -> Micros:
        """Return what time it is for this hub."""
        return self._clock.now()

    def new_id(self) -> str:
        """Return an id for a request, to be given in its `Options`."""
        return self._ids.new("req")

    @property
    def region(self) -> str:
        """The home region."""
        return self._setup.routes.region

    def _check_place(self) -> None:
        """Refuse a call from where the hub does not live: another process or thread."""
        if self._state == _NEW:
            raise UsageMistake("enter the hub first: `async with hub: ...`")
        if self._pid != os.getpid():
            raise UsageMistake("a hub does not survive a fork: open one in the child")
        if self._thread != threading.get_ident():
            raise UsageMistake("a hub belongs to its event loop; from other threads use SyncHub")

    def _check(self) -> None:
        self._check_place()
        if (
            self._state == _OPEN
            and not self._settler.unsettled
            and len(self._flight.scopes) < self._max_in_flight
        ):
            return
        if self._state == _VISITED:
            raise HubClosed(Msg("the hub is only visited, for administration"))
        if self._state != _OPEN:
            raise HubClosed(Msg("the hub is closing"))
        if self._settler.unsettled:
            raise Overloaded(Msg("requests that ended wait to be settled"), code="unsettled")
        raise Overloaded(Msg("too many requests are in flight"), code="overloaded")

    # Who calls

    async def authenticate(self, secret: str | None, scope: Scope | None = "inference") -> Identity:
        """Return whose key *secret* is, if it may do *scope*; with None, whatever it may do.

        Raises:
            AuthenticationFailed: missing, unknown, expired or revoked.
            PermissionDenied: it lacks the scope.
            StoreUnavailable: nobody can tell.
        """
        self._check_place()
        identity = await self._gate.authenticate(secret)
        if scope is not None:
            check_scope(identity, scope)
        return identity

    async def local(self) -> Identity:
        """Return the embedding program itself as a caller: without a key, metered, unlimited.

        Raises:
            StoreUnavailable: nobody can tell.
        """
        self._check_place()
        return await self._gate.account(LOCAL_ACCOUNT)

    async def _caller(self, key: str | None, account: str | None) -> Identity:
        self._check()
        if key is None:
            return await self._gate.account(account or LOCAL_ACCOUNT)
        identity = await self._gate.authenticate(key)
        check_scope(identity, "inference")
        return identity

    # Chat

    async def chat(
        self,
        model: str | None,
        messages: str | Iterable[Message | Mapping[str, Any]],
        *,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
        **parameters: Any,
    ) -> Completion:
        """Answer a conversation.

        Args:
            model: a model's id or alias; None for that of the *session*.
            messages: the conversation; a text alone is one user message.
            key: whose limits and budgets hold: an API key's.
            account: the same for an account of this hub, without a key. With neither it is the
                program's own account, which has no limits but is metered.
            options: region, labels, end user.
            **parameters: fields of `aihub.Chat`, such as `max_tokens`, `temperature`, `stop`, `n`,
                `session`: the id of the conversation to go on with, and `keep`: an `aihub.Keep`,
                to keep the answer for `hub.completions`.

        Raises:
            CallerError: the request is refused; nothing was billed.
            UpstreamError: no provider answered.
            StorageError, Overloaded, HubClosed: not now.

        Cancelled: settled as `aborted` with what was received, and the provider is let go.
        """
        chat = make_chat(model, messages, parameters)
        await self._turns.take()
        return await self.complete(chat, await self._caller(key, account), options)

    @asynccontextmanager
    async def stream(
        self,
        model: str | None,
        messages: str | Iterable[Message | Mapping[str, Any]],
        *,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
        **parameters: Any,
    ) -> AsyncIterator[Stream]:
        """Answer a conversation as a stream of events inside a context; arguments as `chat`.

        Leaving the context early settles the request as `aborted`.
        """
        chat = make_chat(model, messages, {**parameters, "stream": True})
        identity = await self._caller(key, account)
        async with self.open(chat, identity, options) as stream:
            yield stream

    async def complete(
        self, chat: Chat, identity: Identity, options: Options = NO_OPTIONS
    ) -> Completion:
        """Answer a chat that is already a value, for a caller who is already known."""
        async with self.open(chat, identity, options) as stream:
            return await stream.finish()

    def open(
        self, chat: Chat, identity: Identity, options: Options = NO_OPTIONS
    ) -> AbstractAsyncContextManager[Stream]:
        """Answer a chat as a stream of events inside a context.

        Entering admits it: what is refused is refused before the body runs.
        """
        exchange = self._exchange(ChatWork(chat), identity, options, chat.session)
        return Open(self._flight, exchange)

    @asynccontextmanager
    async def open_each(
        self, chats: Sequence[Chat], identity: Identity, options: Options = NO_OPTIONS
    ) -> AsyncIterator[Several]:
        """Answer several chats as one, inside a context; entering admits all of them, or none.

        Each is a request of its own; with an idempotency key, each but the first has it with its
        number. They are answered one after another; those that follow one that fails are settled
        as `aborted`, at no cost.
        """
        async with AsyncExitStack() as stack:
            streams = []
            for n, chat in enumerate(chats):
                own = options if n == 0 else self._numbered(options, n)
                streams.append(await stack.enter_async_context(self.open(chat, identity, own)))
            yield Several(streams, chats[0].n)

    def _numbered(self, options: Options, n: int) -> Options:
        key = options.idempotency_key
        return attrs.evolve(
            options, id=self.new_id(), idempotency_key=None if key is None else f"{key}/{n}"
        )

    async def spell(self, model: str, tokens: Sequence[int]) -> str:
        """Return the text that a model's tokens spell.

        Raises:
            InvalidRequest: nobody here knows tokens by their numbers, or there is no such one.
            ModelNotFound: there is no such model.
        """
        self._check()
        found, counter = self._setup.model(model), self._setup.tokens
        if not isinstance(counter, Speller):
            raise InvalidRequest(
                Msg("Tokens cannot be read here: send text."), code="unsupported_value"
            )
        await make_ready(counter, found)
        if max(tokens, default=0) >= counter.size(found.encoding):
            raise InvalidRequest(Msg("There is no such token."), code="invalid_value")
        return b"".join(counter.spell(found.encoding, tokens)).decode("utf-8", "replace")

    # What is no chat

    async def embed(
        self,
        model: str,
        input: str | Iterable[str | Sequence[int]],
        *,
        dimensions: int | None = None,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
    ) -> Embeddings:
        """Return a vector for each text.

        Args:
            model: a model's id or alias.
            input: a text, or several; one that is a sequence of numbers is tokens already.
            dimensions: how long the vectors are to be, where the model can shorten them.
            key: as for `chat`, like *account*.
            account: see *key*.
            options: as for `chat`; of *idempotency_key*: a request that comes again is not told
                its answer but refused, for vectors are not kept.

        Raises:
            CallerError, UpstreamError, StorageError, Overloaded, HubClosed: as `chat`.

        Cancelled: settled as `aborted`, and the provider is let go.
        """
        request = make_embedding(model, input, dimensions)
        await self._turns.take()
        return await self.embedded(request, await self._caller(key, account), options)

    async def embedded(
        self, request: EmbeddingRequest, identity: Identity, options: Options = NO_OPTIONS
    ) -> Embeddings:
        """Embed what is already a value, for a caller who is already known."""
        stream = await self.do(EmbeddingWork(request), identity, options)
        return cast(Embeddings, stream.result)

    async def moderate(
        self,
        input: str | Iterable[str],
        *,
        model: str = DEFAULT_MODERATOR,
        key: str | None = None,
        account: str | None = None,
        options: Options = NO_OPTIONS,
    ) -> Moderation:
        """Judge texts: which of OpenAI's thirteen categories each may belong to.

        Arguments, errors and cancellation are as of `embed`.
        """
        request = make_moderation(model, input)
        await self._turns.take()
        return await self.moderated(request, await self._caller(key, account), options)

    async def moderated(
        self, request: ModerationRequest, identity: Identity, options: Options = NO_OPTIONS
    ) -> Moderation:
        """Judge what is already a value, for a caller who is already known."""
        stream = await self.do(ModerationWork(request), identity, options)
        return cast(Moderation, stream.result)

    async def compact(
        self, chat: Chat, identity: Identity, options: Options = NO_OPTIONS
    ) -> Compaction:
        """Make a conversation short, its session's history included, which itself stays.

        Errors and cancellation are as of `embed`; where no provider of the model compacts, it is an
        `InvalidRequest`.
        """
        if chat.session is not None:
            self._check()
            recalled = await recall(self._setup, self._settler, chat, identity)
            chat = attrs.evolve(recalled.chat, session=None, upto=None)
        stream = await self.do(CompactionWork(ChatWork(chat)), identity, options)
        return cast(Compaction, stream.result)

    async def do(self, work: Work, identity: Identity, options: Options = NO_OPTIONS) -> Stream:
        """Do what is no chat; return its stream, whose `result` is there."""
        async with Open(self._flight, self._exchange(work, identity, options)) as stream:
            await stream.wait()
        return stream

    async def count(self, chat: Chat, identity: Identity) -> Count:
        """Return how long a prompt is, as it would be counted on admission; nothing is admitted.

        Raises:
            InvalidRequest: the chat is wrong in itself, or there is no such model.
            NotFound: there is no such session.
            StorageError, Overloaded, HubClosed: not now.
        """
        self._check()
        check_chat(chat)
        setup = self._setup
        if chat.session is not None:
            return (await recall(setup, self._settler, chat, identity)).prompt
        return await count_prompt(setup.tokens, setup.model(chat.model), chat)

    def _exchange(
        self, work: Work, identity: Identity, options: Options, session: str | None = None
    ) -> Exchange:
        self._check()
        if options.labels:
            check_labels(options.labels)
        user = options.end_user or work.user
        if user is not None:
            check_text(user, "end_user" if options.end_user else "user")
        return Exchange(self._means, self._setup, work, identity, options, session=session)

    # What there is and what was used

    def models(self) -> Sequence[Model]:
        """Return every model, each also under its aliases."""
        return self._setup.catalogue.models()

    def model(self, name: str) -> Model:
        """Return the model that goes by *name*, under that name.

        Raises:
            NotFound: there is none.
        """
        found = self._setup.catalogue.find(name)
        if found is None:
            raise NotFound("model", name)
        return found if found.id == name else attrs.evolve(found, id=name)

    def status(self) -> Status:
        """Return how the deployments do, as this process has seen it over the last day."""
        return status(self._setup, self.health, ready=self.ready, now=self._clock.now())

    async def usage(
        self,
        account: str = LOCAL_ACCOUNT,
        *,
        start: Micros | None = None,
        end: Micros | None = None,
        group_by: GroupBy = "model",
    ) -> UsageReport:
        """Sum what an account used; by default in this calendar month (UTC), by model as asked.

        Raises:
            NotFound: there is no such account.
            InvalidRequest: *start* or *end* is not a whole hour, or they are the wrong way round.
        """
        self._check_place()
        if group_by not in GROUPS:
            raise InvalidRequest(
                Msg("'group_by' must be one of {known}.", known=", ".join(GROUPS)), param="group_by"
            )
        await self._known(account)
        month = month_of(self._clock.now())
        start = month[0] if start is None else start
        end = month[1] if end is None else end
        for name, value in (("start", start), ("end", end)):
            if value % HOUR:
                raise InvalidRequest(
                    Msg("'{name}' must be a whole hour in UTC.", name=name), param=name
                )
        if end < start:
            raise InvalidRequest(Msg("'end' must not be before 'start'."), param="end")
        return await self._store.report(account, start=start, end=end, group_by=group_by)

    async def request(self, id: str, account: str = LOCAL_ACCOUNT) -> LedgerRow:
        """Return one request of an account as the ledger has it, with its attempts.

        Raises:
            NotFound: the account has no such request.
        """
        self._check_place()
        row = await self._store.row(account, id)
        if row is None:
            raise NotFound("request", id)
        return row

    async def requests(
        self,
        account: str = LOCAL_ACCOUNT,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[LedgerRow]:
        """Return an account's requests by id, at most *limit* of those that follow *after*.

        By id is by time of admission; with *newest_first* the other way round.

        Raises:
            NotFound: there is no such account.
        """
        self._check_place()
        await self._known(account)
        return await self._store.rows(account, after=after, limit=limit, newest_first=newest_first)

    async def _known(self, account: str) -> None:
        # A deleted account's sums stay, so it is not asked whether it lives.
        if await self._store.account(account) is None:
            raise NotFound("account", account)

    async def windows(self, identity: Identity) -> tuple[WindowState, ...]:
        """Return a caller's windows as they stand."""
        self._check_place()
        asked = windows(identity)
        return await self._store.peek(asked) if asked else ()
