"""Sessions in this process: turns are values, so that sessions share them by holding the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from ....errors import NotFound, UsageMistake
from ....model.session import Conversation, NewTurn, Session, Turn
from ....model.units import Micros, Pico
from ....model.usage import Usage
from .directory import page


@attrs.define
class _Kept:
    session: Session
    turns: list[Turn]


class MemorySessions:
    """The part of the memory store that keeps conversations; they stay until they are deleted."""

    def __init__(self) -> None:
        self._sessions: dict[str, dict[str, _Kept]] = {}

    async def add_session(self, session: Session) -> bool:
        """Write a new session of an account that lives."""
        if not self._lives(session.account):
            raise NotFound("account", session.account)
        if self._is_taken(session.id):
            return False
        self._of(session.account)[session.id] = _Kept(session, [])
        return True

    async def fork_session(
        self, account: str, id: str, fork: Callable[[Session], Session]
    ) -> Session | None:
        """Write a session that shares another's turns."""
        kept = self._find(account, id)
        if kept is None:
            return None
        made = fork(kept.session)
        shared = kept.turns[: made.origin.turn if made.origin else 0]
        if self._is_taken(made.id):
            raise UsageMistake(f"the session id '{made.id}' was used before")
        made = attrs.evolve(made, **_sums(shared))  # type: ignore[arg-type]
        self._of(account)[made.id] = _Kept(made, list(shared))
        return made

    async def session(self, account: str, id: str) -> Session | None:
        """Return one session."""
        kept = self._find(account, id)
        return None if kept is None else kept.session

    async def sessions(
        self, account: str, *, after: str | None = None, limit: int = 100
    ) -> Sequence[Session]:
        """Return an account's sessions by id."""
        own = self._sessions.get(account, {})
        shown = {id: kept for id, kept in own.items() if not kept.session.held}
        return [kept.session for kept in page(shown, after, limit)]

    async def change_session(
        self, account: str, id: str, change: Callable[[Session], Session]
    ) -> Session | None:
        """Change a session in one step."""
        kept = self._find(account, id)
        if kept is None:
            return None
        kept.session = change(kept.session)
        return kept.session

    async def delete_session(
        self, account: str, id: str, check: Callable[[Session], None] = lambda _: None
    ) -> bool:
        """Erase a session; turns that another holds stay with it."""
        kept = self._find(account, id)
        if kept is None:
            return False
        check(kept.session)
        del self._sessions[account][id]
        return True

    async def turns(
        self, account: str, id: str, *, after: int = 0, limit: int = 100, newest_first: bool = False
    ) -> Sequence[Turn]:
        """Return a session's turns."""
        kept = self._find(account, id)
        if kept is None:
            return ()
        if not newest_first:
            return kept.turns[after : after + limit]
        end = min(after - 1, len(kept.turns)) if after else len(kept.turns)
        return kept.turns[max(0, end - limit) : max(0, end)][::-1]

    async def conversation(
        self, account: str, id: str, *, tokens: int, upto: int | None = None
    ) -> Conversation | None:
        """Return a session with its newest turns."""
        kept = self._find(account, id)
        if kept is None:
            return None
        end = len(kept.turns) if upto is None else min(upto, len(kept.turns))
        room, start = tokens, end
        while start and room >= 0:
            start -= 1
            room -= kept.turns[start].size.tokens
        session = attrs.evolve(kept.session, turns=end)
        return Conversation(session=session, turns=tuple(kept.turns[start:end]))

    def _append(
        self, account: str, turn: NewTurn, *, request: str, at: Micros, usage: Usage, cost: Pico
    ) -> tuple[str, int] | None:
        """Append a turn where it belongs, if that is still there; return the session and number."""
        kept = self._begun(account, turn.begins) if turn.begins else None
        if turn.begins is None:
            kept = self._find(account, turn.session)
        if kept is None:
            return None
        kept.turns.append(
            made_turn(turn, len(kept.turns) + 1, request=request, at=at, usage=usage, cost=cost)
        )
        session = kept.session
        kept.session = attrs.evolve(
            session,
            updated=max(at, session.updated),
            version=session.version + 1,
            turns=session.turns + 1,
            messages=session.messages + len(turn.messages),
            prompt_tokens=session.prompt_tokens + usage.prompt,
            completion_tokens=session.completion_tokens + usage.completion,
            cost=session.cost + cost,
        )
        return session.id, len(kept.turns)

    def _begun(self, account: str, new: Session) -> _Kept | None:
        """Return the session that a turn begins, or that it follows at once."""
        shared: list[Turn] = []
        if new.origin is not None:
            found = self._find(account, new.origin.session)
            if found is None or len(found.turns) < new.origin.turn:
                return None
            if found.session.held and len(found.turns) == new.origin.turn:
                return found
            shared = found.turns[: new.origin.turn]
        if self._is_taken(new.id) or not self._lives(account):
            return None
        made = attrs.evolve(new, **_sums(shared))  # type: ignore[arg-type]
        kept = self._of(account)[made.id] = _Kept(made, list(shared))
        return kept

    def _erase_sessions(self, account: str) -> None:
        self._sessions.pop(account, None)

    def _lives(self, account: str) -> bool:
        raise NotImplementedError

    def _find(self, account: str, id: str) -> _Kept | None:
        return self._sessions.get(account, {}).get(id)

    def _is_taken(self, id: str) -> bool:
        # An id is one session's, whosever it is.
        return any(id in own for own in self._sessions.values())

    def _of(self, account: str) -> dict[str, _Kept]:
        return self._sessions.setdefault(account, {})


def made_turn(
    turn: NewTurn, number: int, *, request: str, at: Micros, usage: Usage, cost: Pico
) -> Turn:
    """Return *turn* as it is kept."""
    return Turn(
        number=number,
        request=request,
        at=at,
        messages=turn.messages,
        size=turn.size,
        encoding=turn.encoding,
        incomplete=turn.incomplete,
        prompt_tokens=usage.prompt,
        completion_tokens=usage.completion,
        cost=cost,
    )


def _sums(turns: Sequence[Turn]) -> dict[str, int]:
    return {
        "turns": len(turns),
        "messages": sum(len(turn.messages) for turn in turns),
        "prompt_tokens": sum(turn.prompt_tokens for turn in turns),
        "completion_tokens": sum(turn.completion_tokens for turn in turns),
        "cost": sum(turn.cost for turn in turns),
    }
