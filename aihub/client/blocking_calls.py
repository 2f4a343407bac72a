"""What a client without an event loop can be asked, by what it is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Unpack, overload

from ..model.units import Json
from . import jobs
from .blocking import ChatStream, Line, Page
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


class Chat:
    """Chats: `client.chat`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    @overload
    def create(
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
    def create(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        stream: Literal[True],
        model: str | None = None,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> ChatStream: ...

    def create(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        model: str | None = None,
        stream: bool = False,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> ChatCompletion | ChatStream:
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
        return ChatStream(self._line, job).open() if stream else self._line.ask(job)

    def stream(
        self,
        *,
        messages: Sequence[Mapping[str, Json]],
        model: str | None = None,
        extra_body: Mapping[str, Json] | None = None,
        idempotency_key: str | None = None,
        **fields: Unpack[ChatFields],
    ) -> ChatStream:
        """Ask for an answer as it comes, when the context is entered; arguments as `create`."""
        job = jobs.chat(
            messages,
            fields,
            model=model,
            stream=True,
            extra_body=extra_body,
            idempotency_key=idempotency_key,
        )
        return ChatStream(self._line, job)


class Models:
    """Models: `client.models`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def list(self) -> Page[Model]:
        """Return all models."""
        return Page(self._line, jobs.list_models, {})

    def retrieve(self, model: str) -> Model:
        """Return one model; its id may have slashes."""
        return self._line.ask(jobs.retrieve_model(model))


class Usage:
    """What was used: `client.usage`."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def get(
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
        return self._line.ask(jobs.get_usage(start, end, group_by, account))


class Sessions:
    """Conversations that the server keeps: `client.sessions`.

    `client.chat.create(session_id=...)` goes on with one.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def create(self, **fields: Unpack[SessionFields]) -> Session:
        """Begin a session."""
        return self._line.ask(jobs.make("sessions", Session, fields))

    def list(self, **page: Unpack[PageFields]) -> Page[Session]:
        """Return the account's sessions, oldest first."""
        return Page(self._line, jobs.page_of("sessions", Session), page)

    def get(
        self,
        session: str,
        *,
        order: Literal["asc", "desc"] | None = None,
        **page: Unpack[PageFields],
    ) -> Session:
        """Return one, with a page of its messages."""
        return self._line.ask(jobs.get_session(session, {"order": order, **page}))

    def update(self, session: str, **changes: Unpack[SessionChanges]) -> Session:
        """Change what is named; with `version`, only if it is still that one."""
        return self._line.ask(jobs.update("sessions", session, Session, changes))

    def delete(self, session: str) -> Ended:
        """Erase it."""
        return self._line.ask(jobs.end("sessions", session))

    def fork(self, session: str, **fields: Unpack[ForkFields]) -> Session:
        """Begin a session with the same history, up to `turn`."""
        return self._line.ask(jobs.fork_session(session, fields))


class Keys:
    """API keys: `client.keys`, for keys with the scope `admin`.

    Operators say by `account` whose key is meant, where it is not their own.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def create(self, **fields: Unpack[KeyFields]) -> Key:
        """Make a key; its `secret` is in this answer only."""
        return self._line.ask(jobs.make("keys", Key, fields))

    def list(self, *, account: str | None = None, **page: Unpack[PageFields]) -> Page[Key]:
        """Return the account's keys."""
        return Page(self._line, jobs.page_of("keys", Key), {"account": account, **page})

    def get(self, key: str, *, account: str | None = None) -> Key:
        """Return one."""
        return self._line.ask(jobs.get("keys", key, Key, account))

    def update(self, key: str, *, account: str | None = None, **changes: Unpack[KeyChanges]) -> Key:
        """Change what is named; None takes a limit or an end away."""
        return self._line.ask(jobs.update("keys", key, Key, changes, account))

    def rotate(self, key: str, *, overlap: int | None = None, account: str | None = None) -> Key:
        """Make a key like it, which itself ends after *overlap* seconds."""
        return self._line.ask(jobs.rotate_key(key, overlap, account))

    def revoke(self, key: str, *, account: str | None = None) -> Ended:
        """End it now."""
        return self._line.ask(jobs.end("keys", key, account))


class Accounts:
    """Accounts: `client.accounts`, for operators."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def create(self, **fields: Unpack[AccountFields]) -> Account:
        """Make an account."""
        return self._line.ask(jobs.make("accounts", Account, fields))

    def list(self, **page: Unpack[PageFields]) -> Page[Account]:
        """Return all accounts; a tenant's key sees its own."""
        return Page(self._line, jobs.page_of("accounts", Account), page)

    def get(self, account: str) -> Account:
        """Return one."""
        return self._line.ask(jobs.get("accounts", account, Account))

    def update(self, account: str, **changes: Unpack[AccountChanges]) -> Account:
        """Change what is named."""
        return self._line.ask(jobs.update("accounts", account, Account, changes))

    def delete(self, account: str) -> Ended:
        """End it, and forget who it was."""
        return self._line.ask(jobs.end("accounts", account))


class Plans:
    """Plans: `client.plans`; to change them is for operators."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def list(self, **page: Unpack[PageFields]) -> Page[Plan]:
        """Return all plans."""
        return Page(self._line, jobs.page_of("plans", Plan), page)

    def get(self, plan: str) -> Plan:
        """Return one."""
        return self._line.ask(jobs.get("plans", plan, Plan))

    def update(self, plan: str, **fields: Unpack[PlanFields]) -> Plan:
        """Make it, or change what is named."""
        return self._line.ask(jobs.update("plans", plan, Plan, fields))

    def delete(self, plan: str) -> Ended:
        """Drop it; the built-in one of that name shows again."""
        return self._line.ask(jobs.end("plans", plan))


class Budgets:
    """Budgets: `client.budgets`; money is USD as decimal text, or a whole number.

    Operators say by `account` whose budget is meant, where it is not their own.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def create(self, *, limit: str | int, **fields: Unpack[BudgetFields]) -> Budget:
        """Bound what may be spent."""
        return self._line.ask(jobs.make("budgets", Budget, {"limit": limit, **fields}))

    def list(self, *, account: str | None = None, **page: Unpack[PageFields]) -> Page[Budget]:
        """Return the account's budgets, and how they stand."""
        return Page(self._line, jobs.page_of("budgets", Budget), {"account": account, **page})

    def get(self, budget: str, *, account: str | None = None) -> Budget:
        """Return one."""
        return self._line.ask(jobs.get("budgets", budget, Budget, account))

    def update(self, budget: str, *, limit: str | int, account: str | None = None) -> Budget:
        """Change its limit."""
        return self._line.ask(jobs.update("budgets", budget, Budget, {"limit": limit}, account))

    def delete(self, budget: str, *, account: str | None = None) -> Ended:
        """End it."""
        return self._line.ask(jobs.end("budgets", budget, account))
