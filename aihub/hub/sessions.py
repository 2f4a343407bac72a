"""Conversations of an account: `hub.sessions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any, Final

import attrs

from ..core.sessions import check_session, check_version
from ..errors import InvalidRequest, ModelNotFound, NotFound
from ..messages import Msg
from ..model.account import LOCAL_ACCOUNT
from ..model.session import ContextPolicy, Origin, Session, Turn
from ..protocols import Catalogue, Clock, Ids
from ..protocols import Sessions as SessionsStore


class Unchanged(Enum):
    """What stands for a field that is not named."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


class Sessions:
    """Conversations that an account keeps, and goes on with by `session=` in a chat.

    *account* is whose they are, by default the embedding program's own. Another account's sessions
    are as if they did not exist: `NotFound`. A call that is cancelled happened or did not, never
    half.
    """

    def __init__(
        self,
        store: SessionsStore,
        clock: Clock,
        ids: Ids,
        *,
        catalogue: Callable[[], Catalogue],
    ) -> None:
        self._store = store
        self._clock = clock
        self._ids = ids
        self._catalogue = catalogue

    async def create(
        self,
        *,
        title: str | None = None,
        model: str | None = None,
        system_prompt: str | None = None,
        context_policy: ContextPolicy = "drop_oldest",
        metadata: Mapping[str, str] | None = None,
        account: str = LOCAL_ACCOUNT,
    ) -> Session:
        """Begin a conversation.

        Args:
            title: what people call it.
            model: the model that answers where a chat names none.
            system_prompt: goes before every prompt, unless a chat brings its own.
            context_policy: what happens when it outgrows its model: `drop_oldest` leaves the
                oldest turns out of the prompt, `error` refuses the chat, `off` does so only where
                the prompt alone is too long.
            metadata: at most 16 pairs of text, for the program's own use.
            account: whose it is.

        Raises:
            InvalidRequest: a field is out of its bounds, or the model unknown.
            NotFound: there is no such account.
        """
        now = self._clock.now()
        session = Session(
            id=self._ids.new("ses"),
            account=account,
            created=now,
            updated=now,
            title=title,
            model=model,
            system_prompt=system_prompt,
            context_policy=context_policy,
            metadata=dict(metadata or {}),
        )
        self._check(session)
        await self._store.add_session(session)
        return session

    async def get(self, id: str, *, account: str = LOCAL_ACCOUNT) -> Session:
        """Return a session.

        Raises:
            NotFound: the account has no such session.
        """
        session = await self._store.session(account, id)
        if session is None:
            raise NotFound("session", id)
        return session

    async def list(
        self, *, after: str | None = None, limit: int = 100, account: str = LOCAL_ACCOUNT
    ) -> Sequence[Session]:
        """Return an account's sessions by id, at most *limit* of those after *after*."""
        return await self._store.sessions(account, after=after, limit=limit)

    async def turns(
        self,
        id: str,
        *,
        after: int = 0,
        limit: int = 100,
        newest_first: bool = False,
        account: str = LOCAL_ACCOUNT,
    ) -> Sequence[Turn]:
        """Return a session's turns by number, at most *limit* of those after *after*.

        *newest_first* turns the order round: then those before *after*, from the end where it
        is 0.

        Raises:
            NotFound: the account has no such session.
        """
        turns = await self._store.turns(
            account, id, after=after, limit=limit, newest_first=newest_first
        )
        if not turns:
            await self.get(id, account=account)
        return turns

    async def update(
        self,
        id: str,
        *,
        title: str | Unchanged | None = UNCHANGED,
        model: str | Unchanged | None = UNCHANGED,
        system_prompt: str | Unchanged | None = UNCHANGED,
        context_policy: ContextPolicy | Unchanged = UNCHANGED,
        metadata: Mapping[str, str] | Unchanged = UNCHANGED,
        version: int | None = None,
        account: str = LOCAL_ACCOUNT,
    ) -> Session:
        """Change what is named, and leave the rest; turns come from chats alone.

        Args:
            id: the session.
            title: see `create`; None takes it away, as with *model* and *system_prompt*.
            model: see `create`.
            system_prompt: see `create`.
            context_policy: see `create`.
            metadata: takes the place of all there was.
            version: the version that is meant to be changed, where that matters.
            account: whose it is.

        Raises:
            NotFound: the account has no such session.
            InvalidRequest: a field is out of its bounds, or the model unknown.
            Conflict: the session has another version by now (`session_conflict`).
        """
        named: dict[str, Any] = {
            "title": title,
            "model": model,
            "system_prompt": system_prompt,
            "context_policy": context_policy,
            "metadata": metadata,
        }
        fields = {name: value for name, value in named.items() if value is not UNCHANGED}
        now = self._clock.now()

        def change(session: Session) -> Session:
            check_version(session, version)
            changed = attrs.evolve(
                session,
                **fields,
                updated=max(now, session.updated),
                version=session.version + 1,
            )
            self._check(changed)
            return changed

        session = await self._store.change_session(account, id, change)
        if session is None:
            raise NotFound("session", id)
        return session

    async def delete(
        self, id: str, *, version: int | None = None, account: str = LOCAL_ACCOUNT
    ) -> None:
        """Erase a session and what was said in it; forks keep what they share with it.

        Raises:
            NotFound: the account has no such session.
            Conflict: it has another version than *version* by now.
        """
        there = await self._store.delete_session(
            account, id, lambda session: check_version(session, version)
        )
        if not there:
            raise NotFound("session", id)

    async def fork(
        self,
        id: str,
        *,
        turn: int | None = None,
        title: str | Unchanged | None = UNCHANGED,
        metadata: Mapping[str, str] | Unchanged = UNCHANGED,
        account: str = LOCAL_ACCOUNT,
    ) -> Session:
        """Begin a session that shares another's history up to *turn*, by default all of it.

        It is the original in everything else too, unless *title* or *metadata* say otherwise;
        from then on each goes its own way.

        Raises:
            NotFound: the account has no such session.
            InvalidRequest: there is no such turn, or a field is out of its bounds.
            Conflict: it is a fork of too many forks (`too_many_forks`).
        """
        new, now = self._ids.new("ses"), self._clock.now()

        def make(original: Session) -> Session:
            upto = original.turns if turn is None else turn
            if not 0 <= upto <= original.turns:
                raise InvalidRequest(
                    Msg(
                        "'turn' must be from 0 to {turns}, the session's last.",
                        turns=original.turns,
                    ),
                    param="turn",
                )
            made = attrs.evolve(
                original,
                id=new,
                created=now,
                updated=now,
                version=1,
                origin=Origin(session=id, turn=upto),
                title=original.title if title is UNCHANGED else title,
                metadata=original.metadata if metadata is UNCHANGED else dict(metadata),
            )
            self._check(made)
            return made

        session = await self._store.fork_session(account, id, make)
        if session is None:
            raise NotFound("session", id)
        return session

    def _check(self, session: Session) -> None:
        check_session(session)
        if session.model is not None and self._catalogue().find(session.model) is None:
            raise ModelNotFound(session.model)
