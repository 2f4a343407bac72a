"""What an embedder may supply. Nothing to inherit: write the methods, then run the suite.

Its docstrings are the contract; stores and providers, where most can go wrong, have a conformance
suite in `aihub.testing`. All methods may be called from many tasks at once. A method that is
`async` may wait; one that is not never does.

Longer than our files are meant to be: contracts, with hardly a line of code between them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, runtime_checkable

import attrs

from .model.account import Account, Actor, Budget, Identity, Key, Plan, PlanDrop
from .model.catalogue import Model
from .model.chat import Chat, KeptKind
from .model.embedding import EmbeddingRequest
from .model.events import Compacted, Completion, Embedded, Event, Moderated
from .model.ledger import (
    Admission,
    Admitted,
    AlreadySettled,
    BudgetState,
    Idempotency,
    LedgerRow,
    LostPolicy,
    Refused,
    Repeated,
    Settled,
    Settlement,
    WindowAsk,
    WindowState,
)
from .model.moderation import ModerationRequest
from .model.record import Record
from .model.session import Conversation, Session, Turn
from .model.units import Json, Micros, Pico
from .model.upstream import TIMEOUTS, Timeouts, UpstreamRequest, UpstreamResponse
from .model.usage import Count, GroupBy, UsageReport


class Clock(Protocol):
    """Protocol: what time it is."""

    def now(self) -> Micros:
        """Return microseconds since the epoch in UTC; never less than a call before."""
        ...


class Ids(Protocol):
    """Protocol: new identifiers and seeds."""

    def new(self, prefix: str) -> str:
        """Return *prefix*, an underscore and a UUIDv7: unique, sorting by creation."""
        ...

    def secret(self) -> bytes:
        """Return 32 bytes that nobody can guess (for an API key)."""
        ...


class Catalogue(Protocol):
    """Protocol: the models there are."""

    def find(self, name: str) -> Model | None:
        """Return the model that goes by *name*, an id or an alias; None if there is none."""
        ...

    def models(self) -> Sequence[Model]:
        """Return every model under its own id and, as further entries, under each alias."""
        ...


class TokenCounter(Protocol):
    """Protocol: how many tokens a text or prompt has."""

    def ready(self, encoding: str) -> bool:
        """Say whether counting by *encoding* needs nothing slow first (loading its ranks)."""
        ...

    def load(self, encoding: str) -> None:
        """Do what is slow; called in a worker thread, perhaps more than once."""
        ...

    def count_prompt(self, model: Model, chat: Chat) -> Count:
        """Count a conversation as *model* would be charged for it."""
        ...

    def count_text(self, model: Model, text: str) -> Count:
        """Count a text alone."""
        ...


@runtime_checkable
class Speller(TokenCounter, Protocol):
    """Protocol: a token counter that knows tokens by their numbers; a rule of thumb does not."""

    def size(self, encoding: str) -> int:
        """Return how many ids of tokens there are, special ones included."""
        ...

    def spell(self, encoding: str, tokens: Iterable[int]) -> list[bytes]:
        """Return the bytes of each of *tokens*; a special one has none."""
        ...


@attrs.define
class ProviderCall:
    """One attempt: the chat, and what the hub decided about it; `account` is whose it is."""

    id: str
    chat: Chat
    model: Model
    upstream_model: str
    prompt: Count
    account: str = ""


class Provider(Protocol):
    """Protocol: something that answers chats."""

    def open(self, call: ProviderCall) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Answer *call* as a stream of events inside a context.

        A call that is refused raises before the first event, at best on entering. `Finished`
        comes exactly once per choice, after everything of that choice; nothing but `UsageSeen`
        and `Unknown` may follow the last. A whole answer may be one `Text` per choice.

        Raises:
            UpstreamError: the provider's fault, or `UpstreamRefused` where it blames the request.
                Foreign exceptions never escape.
            InvalidRequest: this provider cannot do what a field asks for.

        Leaving the context early, by exception or cancellation too, frees the upstream
        connection at once. Two opens are independent.
        """
        ...


@attrs.define
class EmbeddingCall:
    """One attempt to embed texts, and what the hub decided about it."""

    id: str
    request: EmbeddingRequest
    model: Model
    upstream_model: str
    prompt: Count
    account: str = ""


@runtime_checkable
class Embedder(Protocol):
    """Protocol: a provider that can also embed texts."""

    async def embed(self, call: EmbeddingCall) -> Embedded:
        """Return one vector for each input, in their order.

        Raises:
            UpstreamError: as `Provider.open`.
            InvalidRequest: this provider cannot do what a field asks for.

        Cancelled, it frees the upstream connection at once. Calls may overlap.
        """
        ...


@attrs.define
class ModerationCall:
    """One attempt to have content judged, and what the hub decided about it."""

    id: str
    request: ModerationRequest
    model: Model
    upstream_model: str
    prompt: Count
    account: str = ""


@runtime_checkable
class Moderator(Protocol):
    """Protocol: a provider that can also judge content."""

    async def moderate(self, call: ModerationCall) -> Moderated:
        """Return one judgement for each input, in their order.

        Raises:
            UpstreamError: as `Provider.open`.
            InvalidRequest: this provider cannot do what a field asks for.

        Cancelled, it frees the upstream connection at once. Calls may overlap.
        """
        ...


@runtime_checkable
class Compactor(Protocol):
    """Protocol: a provider that can also make a conversation short."""

    async def compact(self, call: ProviderCall) -> Compacted:
        """Return a text that stands for the conversation of *call*; it is a user's message later.

        Or items of the provider's own, in the words of OpenAI's Responses, which are told to the
        caller as they are, and come back so in a chat.

        Raises:
            UpstreamError: as `Provider.open`.
            InvalidRequest: this provider cannot do what a field asks for.

        Cancelled, it frees the upstream connection at once. Calls may overlap.
        """
        ...


@runtime_checkable
class Closing(Protocol):
    """Protocol: a provider that holds something, such as connections."""

    async def aclose(self) -> None:
        """Let go of it; called once, when no call is open and none will come."""
        ...


class Transport(Protocol):
    """Protocol: bytes to a provider and back. It knows HTTP, and no dialect.

    Connections belong to the event loop that opened them. Redirects are answers like any other, and
    so is every status: what they mean is for others to say.
    """

    def open(self, request: UpstreamRequest) -> AbstractAsyncContextManager[UpstreamResponse]:
        """Send *request* and give the head of the answer, whose body comes inside the context.

        Reading the body may raise what entering may; what came before that was yielded. A request
        is sent once. Only where a connection kept from an earlier request ends instead of beginning
        to answer, as it does when the provider closes it meanwhile, is it sent once more.

        Raises:
            UpstreamFailed: nothing was asked: `pool_timeout`, `connect_failed`, `connect_timeout`,
                `tls_failed`; or what came is no HTTP (`not_http`), has too large a head
                (`head_too_large`) or a content coding nobody asked for (`unknown_coding`).
            UpstreamTimeout: asked, and no answer in time: `first_byte_timeout`, `idle_timeout`,
                `total_timeout`.
            UpstreamCut: asked, and the connection was lost (`connection_lost`), or the body breaks
                its own framing or coding (`broken_body`).
            UsageMistake: the request cannot be sent as it stands (the text begins with the field
                and repeats no value), or the transport is closed.

        Leaving the context, by exception or cancellation too, frees the connection at once: it goes
        back to the pool where the answer was read to its end, and is closed where it was not. The
        body cannot be read afterwards.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections that are idle; those in use close as they are left.

        From then on nothing can be opened. A second call does nothing.
        """
        ...


class Admissions(Protocol):
    """Protocol: the hot path of a store. Each call happens wholly or not at all."""

    async def admit(self, ask: Admission) -> Admitted | Refused:
        """Take all windows, slots and holds and write the ledger row, or leave no trace.

        Re-checks that key and account are live. Where the account has used the idempotency key in
        the last `REPEAT_SPAN` for a request that is open or ended well, that is the answer
        (`Repeated`), whatever the windows say; one that failed lets the key go. Cancelled: it
        happened or it did not, never half; the caller then settles the id to be sure.
        """
        ...

    async def hold(self, id: str, more: Pico) -> bool:
        """Raise an open request's holds by *more* before a further attempt that may be billed.

        Return False, with nothing changed, where a budget has no room or the row is not open.
        """
        ...

    async def settle(self, final: Settlement) -> Settled | AlreadySettled:
        """Write the end of a request: row, attempts, budgets, rollups and windows together.

        Its turn, if it has one, is appended to its session in the same step under the next
        number, or to the session that it begins (`NewTurn.begins`); where the session is gone, or
        another account's, or cannot be forked any more, all but the turn is written.
        So is its record kept, with the session and the number of the turn.
        A row that is `lost` is replaced once, the difference going to budgets and rollups. Any
        other second settlement changes nothing, and so does settling an id never admitted. Calls
        made one after the other on one store happen in that order, so a settlement that follows
        an admission whose outcome is unknown ends it.
        """
        ...

    async def sweep(self, policy: LostPolicy) -> Sequence[Settled]:
        """Mark `lost` every open row whose owner is dead, charged by *policy*."""
        ...

    async def peek(self, windows: Sequence[WindowAsk]) -> tuple[WindowState, ...]:
        """Return windows as they stand, changing nothing; amounts are ignored."""
        ...


@runtime_checkable
class ImmediateAdmissions(Protocol):
    """Protocol: admissions that never wait, for a store that is memory of this process.

    Each does what its namesake in `Admissions` does. A hub then needs no shield and no deadline
    around them, which cost more than they do.
    """

    def admit_nowait(self, ask: Admission) -> Admitted | Refused:
        """Admit; see `Admissions.admit`."""
        ...

    def settle_nowait(self, final: Settlement) -> Settled | AlreadySettled:
        """Settle; see `Admissions.settle`."""
        ...


class Leases(Protocol):
    """Protocol: who is alive. An owner is one hub; its lease runs by the store's clock."""

    async def enlist(self, owner: str, lease: Micros) -> None:
        """Register *owner* for *lease* from now."""
        ...

    async def renew(self, owner: str, lease: Micros) -> None:
        """Extend the lease to *lease* from now, also where it had run out."""
        ...

    async def retire(self, owner: str) -> None:
        """End the lease. Rows it left open are swept like a dead owner's."""
        ...


class Directory(Protocol):
    """Protocol: accounts, keys, plans and budgets. Not on the hot path but for `identify`.

    Every read names the account: another account's things are as if they did not exist. A change
    happens wholly or not at all. Where it is made *by* somebody, `Actor.check` sees what they are
    in the same transaction, and what it raises is raised with nothing written. A *change* is a
    plain function from what is stored to what shall be; it may run in another thread, and more
    than once; what it raises is raised, with nothing written.
    """

    async def identify(self, digest: bytes) -> Identity | None:
        """Return the key with this SHA-256 digest, its account, plan and budgets; None if none.

        A revoked or expired key and a deleted account are returned as they are.
        """
        ...

    async def identity(self, account: str) -> Identity | None:
        """Return the account with its plan and its own budgets, for a caller without a key."""
        ...

    async def add_account(self, account: Account, *, by: Actor | None = None) -> bool:
        """Write a new account; return False, with nothing written, where its id is taken.

        Raises:
            UsageMistake: there is no such plan.
        """
        ...

    async def change_account(
        self, id: str, change: Callable[[Account], Account], *, by: Actor | None = None
    ) -> Account | None:
        """Change an account in one step and return it changed; None where there is none.

        Raises:
            UsageMistake: there is no such plan.
        """
        ...

    async def erase_account(
        self, id: str, at: Micros, *, by: Actor | None = None
    ) -> Account | None:
        """End a living account at *at* and forget who it was, in one step; None where none lives.

        Its name and its keys' names and hints become empty, its plan `free`, and its keys are
        revoked. Ids, digests, budgets and sums stay. What is personal in its requests is for
        `Retention.forget`.
        """
        ...

    async def account(self, id: str) -> Account | None:
        """Return one account, or None."""
        ...

    async def accounts(self, *, after: str | None = None, limit: int = 100) -> Sequence[Account]:
        """Return accounts that are not deleted by id, those after *after*."""
        ...

    async def add_key(self, key: Key, *, by: Actor | None = None) -> bool:
        """Write a new key; return False, with nothing written, where its secret or id is taken.

        Raises:
            UsageMistake: there is no such account.
        """
        ...

    async def change_key(
        self,
        account: str,
        id: str,
        change: Callable[[Key], Key],
        *,
        successor: Callable[[Key], Key] | None = None,
        by: Actor | None = None,
    ) -> Key | None:
        """Change a key of an account in one step and return it changed; None where there is none.

        What *successor* makes of the key as it was is written in the same step.
        """
        ...

    async def key(self, account: str, id: str) -> Key | None:
        """Return one key of an account, or None."""
        ...

    async def keys(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Key]:
        """Return an account's keys by id, those after *after*."""
        ...

    async def key_count(self, account: str) -> int:
        """Return how many keys of an account are kept, those that have ended included."""
        ...

    async def change_plan(
        self, name: str, change: Callable[[Plan | None], Plan], *, by: Actor | None = None
    ) -> Plan:
        """Make or change the plan *name* in one step and return it.

        *change* is given the plan that goes by the name now, stored or built in; None if none.
        One with a built-in plan's name takes its place.
        """
        ...

    async def drop_plan(self, name: str, *, by: Actor | None = None) -> PlanDrop:
        """Delete a stored plan, if no account is on it; a built-in one of that name shows again.

        One that has a built-in plan's name may be dropped though accounts are on it.
        """
        ...

    async def plans(self) -> Mapping[str, Plan]:
        """Return every plan by name, the built-in ones included."""
        ...

    async def put_budget(self, budget: Budget, *, by: Actor | None = None) -> None:
        """Write a budget, new or changed.

        Raises:
            UsageMistake: there is no such account.
        """
        ...

    async def change_budget(
        self,
        account: str,
        id: str,
        change: Callable[[Budget], Budget | None],
        *,
        by: Actor | None = None,
    ) -> Budget | None:
        """Change a budget of an account in one step, or end it where *change* returns None.

        Return it as it is now, or as it was when it ended; None where there is none. What a
        budget has spent stays, and requests in flight settle theirs all the same.
        """
        ...

    async def budget(self, account: str, id: str) -> Budget | None:
        """Return one budget of an account, or None."""
        ...

    async def budget_count(self, account: str, key: str | None) -> int:
        """Return how many budgets an account has, or with *key* one lineage of its keys."""
        ...

    async def budgets(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Budget]:
        """Return an account's budgets, its keys' included, by id, those after *after*."""
        ...


class UsageLog(Protocol):
    """Protocol: what was used. Reports come from rollups, flat in the number of rows."""

    async def report(
        self, account: str, *, start: Micros, end: Micros, group_by: GroupBy
    ) -> UsageReport:
        """Sum the settled requests admitted in [start, end), both whole UTC hours."""
        ...

    async def row(self, account: str, id: str) -> LedgerRow | None:
        """Return one ledger row with its attempts, or None."""
        ...

    async def rows(
        self,
        account: str,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[LedgerRow]:
        """Return an account's ledger rows with their attempts by id, those that follow *after*.

        With *newest_first* the order is the other way round, and those follow that are older.
        """
        ...

    async def budget_state(self, budget: str, period: str) -> BudgetState:
        """Return what one period of a budget has spent and holds."""
        ...


class Answers(Protocol):
    """Protocol: answers kept for who asks again with the same idempotency key.

    They are kept for `REPEAT_SPAN` from admission, as far as there is room.
    """

    async def repeated(self, account: str, asked: Idempotency) -> Repeated | None:
        """Say what a key was used for, as `Admissions.admit` would; None where it is free."""
        ...

    async def answer(self, account: str, request: str) -> Completion | None:
        """Return the answer that a request of the account was settled with, if it was kept."""
        ...


class Sessions(Protocol):
    """Protocol: conversations that are kept. Turns are appended by `Admissions.settle` alone.

    Every call names the account: another account's sessions are as if they did not exist. What
    was appended before a call began is seen by it, whichever process appended it.
    """

    async def add_session(self, session: Session) -> bool:
        """Write a new session; return False, with nothing written, where its id is taken.

        Raises:
            NotFound: there is no such account, or it was deleted.
        """
        ...

    async def fork_session(
        self, account: str, id: str, fork: Callable[[Session], Session]
    ) -> Session | None:
        """Write a session that shares another's history up to its own `Origin`'s turn.

        *fork* is given the original and makes the new session, its `origin` set to the original
        and a turn that it has; the sums over its turns are the store's. It is a plain function
        and may run in another thread, and more than once; what it raises is raised, with nothing
        written. Either may then be deleted without harm to the other. None where there is no
        original.
        """
        ...

    async def session(self, account: str, id: str) -> Session | None:
        """Return one session of an account, or None."""
        ...

    async def sessions(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Session]:
        """Return an account's sessions that are not held by id, those after *after*."""
        ...

    async def change_session(
        self, account: str, id: str, change: Callable[[Session], Session]
    ) -> Session | None:
        """Change what a session says of itself in one step; None where there is none.

        *change* is a plain function; it may run in another thread, and more than once. What it
        raises is raised, with nothing changed. Turns and the sums over them stay.
        """
        ...

    async def delete_session(
        self, account: str, id: str, check: Callable[[Session], None] = lambda _: None
    ) -> bool:
        """Erase a session, and those of its turns that no other shares; False if there is none.

        What *check* raises is raised, with nothing erased.
        """
        ...

    async def turns(
        self, account: str, id: str, *, after: int = 0, limit: int = 100, newest_first: bool = False
    ) -> Sequence[Turn]:
        """Return a session's turns by number, those after *after*; none where it is unknown.

        *newest_first* turns the order round: then those before *after*, all where it is 0.
        """
        ...

    async def conversation(
        self, account: str, id: str, *, tokens: int, upto: int | None = None
    ) -> Conversation | None:
        """Return a session as of now with its newest turns, or None.

        As many turns as come to *tokens* by their `size`, and no more than one beyond that. With
        *upto* as if it ended with that turn.
        """
        ...


class Records(Protocol):
    """Protocol: answers that are kept to be read again. `Admissions.settle` writes them.

    Every call names the account: another account's records are as if they did not exist. The id of
    a record is its own among those of its account and kind.
    """

    async def add_record(self, record: Record) -> bool:
        """Write a record whose answer is yet to come; False where its id is taken.

        Raises:
            NotFound: there is no such account, or it was deleted.
        """
        ...

    async def record(self, account: str, kind: KeptKind, id: str) -> Record | None:
        """Return one record of an account, or None."""
        ...

    async def records(
        self,
        account: str,
        kind: KeptKind,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Sequence[Record]:
        """Return an account's records of a kind by id, those after *after*.

        *newest_first* turns the order round. With *model*, those asked of it by this name; with
        *metadata*, those that have all of its pairs.
        """
        ...

    async def change_record(
        self, account: str, kind: KeptKind, id: str, change: Callable[[Record], Record]
    ) -> Record | None:
        """Change the metadata or data of a record in one step; None where there is none.

        *change* is a plain function; it may run in another thread, and more than once. What it
        raises is raised, with nothing changed.
        """
        ...

    async def delete_record(self, account: str, kind: KeptKind, id: str) -> bool:
        """Erase a record; False if there is none.

        A session that is held goes with the last record that is a turn of it.
        """
        ...


class Retention(Protocol):
    """Protocol: forgetting what need not be known any more, a bounded batch at a time."""

    async def forget(self, before: Micros, limit: int) -> int:
        """Forget at most *limit* things and return how many; fewer say that nothing is left.

        Forgotten are requests that have ended and were admitted before *before*, with their
        attempts; keys that ended before it; by the store's clock, records older than `KEPT`; and,
        whatever their age, labels and end users of the requests of accounts that were erased, and
        what these accounts kept. Open requests stay, and so do all sums.
        """
        ...


class Store(
    Admissions, Leases, Directory, UsageLog, Answers, Sessions, Records, Retention, Protocol
):
    """Protocol: all that a hub keeps. Opening and closing it is its maker's business.

    Every method raises `StoreUnavailable` where the storage is down, and never anything foreign.
    """


@attrs.frozen(kw_only=True)
class CallFinished:
    """What an observer is told of a request that ended; money in pico-dollars."""

    id: str
    account: str
    key: str | None
    model: str
    row: Settlement
    settled: Settled | AlreadySettled | None


class Observer(Protocol):
    """Protocol: somebody who only watches. One that raises is reported once, never to a caller."""

    def call_finished(self, done: CallFinished) -> None:
        """See a request's end; must not block."""
        ...


@attrs.frozen(kw_only=True)
class ProviderOptions:
    """What a configuration says about a provider of a kind that another package brings.

    Args:
        name: what errors and routes call it.
        base_url: where it is, if that is said.
        key: the secret, if there is one.
        headers: further ones for each request.
        timeouts: how long each phase may take.
        lenient: leave out of a request what cannot be said, instead of refusing it.
        transport: carries bytes, as the configuration has it; nothing is opened before it is used.
            A provider that uses it closes it (`Closing`).
        options: the table `options`, which is the provider's own.
    """

    name: str
    transport: Transport
    base_url: str | None = None
    key: str | None = attrs.field(default=None, repr=False)
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    timeouts: Timeouts = TIMEOUTS
    lenient: bool = False
    options: Mapping[str, Json] = attrs.field(factory=dict, repr=False)


class ProviderFactory(Protocol):
    """Protocol: makes a provider; what an entry point of the group `aihub.providers` names."""

    def __call__(self, options: ProviderOptions) -> Provider:
        """Make a provider, and open nothing: it is made to check a configuration too.

        Raises:
            UsageMistake: the options are not good; the text names the one, and repeats no secret.
        """
        ...


@runtime_checkable
class RequestChecker(Protocol):
    """Protocol: a provider that can say beforehand what it cannot do.

    What is refused here is refused before admission: it costs nothing and leaves no trace.
    """

    def check(self, model: Model, chat: Chat) -> None:
        """Raise `InvalidRequest`, naming the field, where *chat* asks for what cannot be done."""
        ...
