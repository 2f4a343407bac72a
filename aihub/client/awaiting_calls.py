"""What an asynchronous client can be asked, by what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack, overload

from ..model.units import Json
from . import jobs
from .awaiting import AsyncChatStream, AsyncLine, AsyncListing
from .fields import (
    AccountChanges,
    AccountFields,
    BudgetFields,
    ChatFields,
    ForkFields,
    KeyChanges,
    KeyFields,
    PageFields,
    PlanFields,
    SessionChanges,
    SessionFields,
)
from .values import (
    Account,
    Budget,
    ChatCompletion,
    Ended,
    Key,
    Model,
    Plan,
    Session,
    UsageReport,
)


class AsyncChat:
    """Chats: `client.chat`."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    @overload
    async def create(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        model: str | None = None,
        stream: Literal[False] = False,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> ChatCompletion: ...

    @overload
    async def create(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        stream: Literal[True],
        model: str | None = None,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> AsyncChatStream: ...

    async def create(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        model: str | None = None,
        stream: bool = False,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> ChatCompletion | AsyncChatStream:
        """Ask for an answer, whole or as a stream.

        Args:
            messages: the conversation, or what is new in a session.
            model: by which model; a session has one of its own.
            stream: whether to give it as it comes.
            extra_body: fields that are not documented here.
            idempotency_key: the call's name; by default one of its own, so that a call which is
                asked again is answered, and billed, once.
            **fields: the fields of a chat, such as `temperature`, `tools` or `session_id`.

        Raises:
            AIHubError: see `ai_hub`'s errors.
        """
        job = jobs.chat(
            messages,
            fields,
            model=model,
            stream=stream,
            extra_body=extra_body,
            idempotency_key=idempotency_key,
        )
        if stream:
            return await AsyncChatStream(self._line, job).open()
        return await self._line.ask(job)

    def stream(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        model: str | None = None,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> AsyncChatStream:
        """Ask for an answer as it comes, when the context is entered; arguments as `create`."""
        job = jobs.chat(
            messages,
            fields,
            model=model,
            stream=True,
            extra_body=extra_body,
            idempotency_key=idempotency_key,
        )
        return AsyncChatStream(self._line, job)


class AsyncModels:
    """Models: `client.models`."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    def list(self) -> AsyncListing[Model]:
        """Return all models."""
        return AsyncListing(self._line, jobs.list_models, {})

    async def retrieve(self, model: str) -> Model:
        """Return one model; its id may have slashes."""
        return await self._line.ask(jobs.retrieve_model(model))


class AsyncUsage:
    """What was used: `client.usage`."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def get(
        self,
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
        group_by: str | None = None,
        account: str | None = None,
    ) -> UsageReport:
        """Return what the account used.

        Args:
            start: the first hour, as RFC 3339 or with a time zone; by default the month's.
            end: where it ends, itself outside.
            group_by: `model`, `served_model`, `day` or `key`.
            account: whose; another's for operators only.
        """
        return await self._line.ask(jobs.get_usage(start, end, group_by, account))


class AsyncSessions:
    """Conversations that the server keeps: `client.sessions`.

    `client.chat.create(session_id=...)` goes on with one.
    """

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def create(self, **fields: Unpack[SessionFields]) -> Session:
        """Begin a session."""
        return await self._line.ask(jobs.make("sessions", Session, fields))

    def list(self, **page: Unpack[PageFields]) -> AsyncListing[Session]:
        """Return the account's sessions, oldest first."""
        return AsyncListing(self._line, jobs.page_of("sessions", Session), page)

    async def get(
        self,
        session: str,
        *,
        order: Literal["asc", "desc"] | None = None,
        **page: Unpack[PageFields],
    ) -> Session:
        """Return one, with a page of its messages."""
        return await self._line.ask(jobs.get_session(session, {"order": order, **page}))

    async def update(self, session: str, **changes: Unpack[SessionChanges]) -> Session:
        """Change what is named; with `version`, only if it is still that one."""
        return await self._line.ask(jobs.update("sessions", session, Session, changes))

    async def delete(self, session: str) -> Ended:
        """Erase it."""
        return await self._line.ask(jobs.end("sessions", session))

    async def fork(self, session: str, **fields: Unpack[ForkFields]) -> Session:
        """Begin a session with the same history, up to `turn`."""
        return await self._line.ask(jobs.fork_session(session, fields))


class AsyncKeys:
    """API keys: `client.keys`, for keys with the scope `admin`.

    Operators say by `account` whose key is meant, where it is not their own.
    """

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def create(self, **fields: Unpack[KeyFields]) -> Key:
        """Make a key; its `secret` is in this answer only."""
        return await self._line.ask(jobs.make("keys", Key, fields))

    def list(self, *, account: str | None = None, **page: Unpack[PageFields]) -> AsyncListing[Key]:
        """Return the account's keys."""
        return AsyncListing(self._line, jobs.page_of("keys", Key), {"account": account, **page})

    async def get(self, key: str, *, account: str | None = None) -> Key:
        """Return one."""
        return await self._line.ask(jobs.get("keys", key, Key, account))

    async def update(
        self, key: str, *, account: str | None = None, **changes: Unpack[KeyChanges]
    ) -> Key:
        """Change what is named; None takes a limit or an end away."""
        return await self._line.ask(jobs.update("keys", key, Key, changes, account))

    async def rotate(
        self, key: str, *, overlap: int | None = None, account: str | None = None
    ) -> Key:
        """Make a key like it, which itself ends after *overlap* seconds."""
        return await self._line.ask(jobs.rotate_key(key, overlap, account))

    async def revoke(self, key: str, *, account: str | None = None) -> Ended:
        """End it now."""
        return await self._line.ask(jobs.end("keys", key, account))


class AsyncAccounts:
    """Accounts: `client.accounts`, for operators."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def create(self, **fields: Unpack[AccountFields]) -> Account:
        """Make an account."""
        return await self._line.ask(jobs.make("accounts", Account, fields))

    def list(self, **page: Unpack[PageFields]) -> AsyncListing[Account]:
        """Return all accounts; a tenant's key sees its own."""
        return AsyncListing(self._line, jobs.page_of("accounts", Account), page)

    async def get(self, account: str) -> Account:
        """Return one."""
        return await self._line.ask(jobs.get("accounts", account, Account))

    async def update(self, account: str, **changes: Unpack[AccountChanges]) -> Account:
        """Change what is named."""
        return await self._line.ask(jobs.update("accounts", account, Account, changes))

    async def delete(self, account: str) -> Ended:
        """End it, and forget who it was."""
        return await self._line.ask(jobs.end("accounts", account))


class AsyncPlans:
    """Plans: `client.plans`; to change them is for operators."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    def list(self, **page: Unpack[PageFields]) -> AsyncListing[Plan]:
        """Return all plans."""
        return AsyncListing(self._line, jobs.page_of("plans", Plan), page)

    async def get(self, plan: str) -> Plan:
        """Return one."""
        return await self._line.ask(jobs.get("plans", plan, Plan))

    async def update(self, plan: str, **fields: Unpack[PlanFields]) -> Plan:
        """Make it, or change what is named."""
        return await self._line.ask(jobs.update("plans", plan, Plan, fields))

    async def delete(self, plan: str) -> Ended:
        """Drop it; the built-in one of that name shows again."""
        return await self._line.ask(jobs.end("plans", plan))


class AsyncBudgets:
    """Budgets: `client.budgets`; money is USD as decimal text, or a whole number.

    Operators say by `account` whose budget is meant, where it is not their own.
    """

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def create(self, *, limit: str | int, **fields: Unpack[BudgetFields]) -> Budget:
        """Bound what may be spent."""
        return await self._line.ask(jobs.make("budgets", Budget, {"limit": limit, **fields}))

    def list(
        self, *, account: str | None = None, **page: Unpack[PageFields]
    ) -> AsyncListing[Budget]:
        """Return the account's budgets, and how they stand."""
        return AsyncListing(
            self._line, jobs.page_of("budgets", Budget), {"account": account, **page}
        )

    async def get(self, budget: str, *, account: str | None = None) -> Budget:
        """Return one."""
        return await self._line.ask(jobs.get("budgets", budget, Budget, account))

    async def update(self, budget: str, *, limit: str | int, account: str | None = None) -> Budget:
        """Change its limit."""
        return await self._line.ask(
            jobs.update("budgets", budget, Budget, {"limit": limit}, account)
        )

    async def delete(self, budget: str, *, account: str | None = None) -> Ended:
        """End it."""
        return await self._line.ask(jobs.end("budgets", budget, account))
