"""Responses that are worked on when their caller has left: `hub.background`.

Theory of operation. A response is admitted before its caller is told anything, in a task of the
hub's own; then a record without an answer stands in the store, and the settlement puts the whole in
its place, or why there is none. How one without an answer stands is read off its ledger row: open,
ended, or lost with its hub. An answer that is streamed is taped while it is worked on; the lengths
of its pieces are kept with it, so that whoever comes later is told the same events. To cancel is to
mark the record, so that whichever process works on it sees that within `WATCH`; where it is this
one, it is cancelled at once.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import islice
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio
import attrs

from ..core.pieces import retell
from ..core.records import record_id, waiting
from ..errors import HubClosed, HubError, InvalidRequest, NotFound, Overloaded, StorageError
from ..messages import Msg
from ..model.account import Identity
from ..model.chat import Chat, Keep
from ..model.events import Event
from ..model.record import Record
from ..model.units import Json
from ..protocols import Store
from .exchange import NO_OPTIONS, Options
from .flight import Stream
from .taping import Tape

if TYPE_CHECKING:
    from .hub import Hub

log = logging.getLogger("aihub")

MAX_BACKGROUND = 100
"""Responses worked on at a time in one hub with nobody waiting: a tenth of what may be in flight,
so that those who wait are served all the same."""

WATCH = 1.0
"""Seconds between two looks at whether another process has cancelled a response, or ended it."""

CANCEL_TIMEOUT = 5.0
"""Seconds that a cancelled response is waited for, so that its caller is told how it ended."""

Standing: TypeAlias = Literal["completed", "in_progress", "cancelled", "failed"]


@attrs.define(eq=False)
class _Work:
    """A response that is worked on here."""

    keep: Keep
    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    began: anyio.Event = attrs.field(factory=anyio.Event)
    ended: anyio.Event = attrs.field(factory=anyio.Event)
    tape: Tape = attrs.field(factory=Tape)
    record: Record | None = None
    error: Exception | None = None


class Background:
    """Answer chats that are kept as responses without anybody waiting, at most `MAX_BACKGROUND`."""

    def __init__(self, hub: Hub, store: Store) -> None:
        self._hub = hub
        self._store = store
        self._working: dict[tuple[str, str], _Work] = {}

    async def begin(self, chat: Chat, identity: Identity, options: Options = NO_OPTIONS) -> Record:
        """Admit *chat*, whose answer is to be kept, and return what stands for it meanwhile.

        Raises:
            HubError: refused, as `Hub.complete`; nothing was written.
            Overloaded: `MAX_BACKGROUND` responses are worked on.
        """
        if len(self._working) >= MAX_BACKGROUND:
            raise Overloaded(
                Msg("too many responses are worked on in the background"), code="overloaded"
            )
        keep = chat.keep
        assert keep is not None  # noqa: S101 - what is not kept cannot be read later
        options = attrs.evolve(options, id=options.id or self._hub.new_id())
        name = identity.account.id, record_id("response", options.id or "")
        work = self._working[name] = _Work(keep)
        # They grow until the answer is kept.
        data = {**(keep.data or {}), "pieces": work.tape.pieces}
        chat = attrs.evolve(chat, keep=attrs.evolve(keep, data=data, awaited=True))

        async def run() -> None:
            try:
                await self._run(work, chat, identity, options)
            finally:
                self._working.pop(name, None)
                work.tape.close()
                work.began.set()
                work.ended.set()

        try:
            self._hub.start_soon(run)
        except HubError:
            del self._working[name]
            raise
        try:
            await work.began.wait()
        except BaseException:
            # Nobody knows its id.
            work.scope.cancel()
            raise
        if work.record is None:
            raise work.error or HubClosed(Msg("the hub closed before the request began"))
        return work.record

    async def _run(self, work: _Work, chat: Chat, identity: Identity, options: Options) -> None:
        """Do the work of one response; what goes wrong is told by how it stands."""
        try:
            with work.scope:
                async with self._hub.open(chat, identity, options) as stream:
                    await self._stand(work, identity, stream)
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._watch, work)
                        try:
                            if chat.stream:
                                await _record(stream, work.tape)
                            else:
                                await stream.finish()
                        except HubError as error:
                            # Said here, for out of the group it would come wrapped.
                            work.error = error
                        tasks.cancel_scope.cancel()
        except Exception as error:
            work.error = error
            if not isinstance(error, HubError):
                log.exception("request %s failed in the background", options.id)

    async def _stand(self, work: _Work, identity: Identity, stream: Stream) -> None:
        """Let a record stand for the response until it is answered."""
        account = identity.account.id
        if stream.replayed:
            id = record_id("response", stream.answer_id)
            work.record = await self._hub.responses.get(id, account=account)
        else:
            made = waiting(
                work.keep,
                stream.answer_id,
                created=stream.admitted,
                model=stream.model,
                account=account,
                request=stream.id,
            )
            await self._store.add_record(made)
            work.record = made
        work.began.set()

    async def _watch(self, work: _Work) -> None:
        """Look whether the response was cancelled or erased by somebody else."""
        made = work.record
        assert made is not None  # noqa: S101 - it stands
        while True:
            await anyio.sleep(WATCH)
            try:
                found = await self._store.record(made.account, made.kind, made.id)
            except StorageError:
                continue
            if found is None or is_cancelled(found):
                work.scope.cancel()

    async def follow(self, found: Record) -> AsyncGenerator[Event, None]:
        """Yield an answer in its pieces, those that are still to come too.

        How it ended is read off the record after that: one that failed or was cancelled just ends.
        While another process works on it, all of it comes when that has ended.

        Raises:
            NotFound: it was erased meanwhile.
        """
        told = 0
        if found.answer is None:
            work = self._working.get((found.account, found.id))
            if work is not None:
                async with aclosing(work.tape.follow()) as events:
                    async for event in events:
                        yield event
                        told += 1
                await work.ended.wait()
            while await self.standing(found) == "in_progress":
                await anyio.sleep(WATCH)
                found = await self._hub.responses.get(found.id, account=found.account)
            found = await self._hub.responses.get(found.id, account=found.account)
        if found.answer is not None:
            pieces = found.data.get("pieces") or ()
            for event in islice(retell(found.answer.choices[0], pieces), told, None):
                yield event

    async def cancel(self, id: str, *, account: str) -> Record:
        """End the work on a response, which is settled as `aborted`; one that has ended stays.

        Raises:
            NotFound: the account keeps no such response.
            InvalidRequest: it was not asked for in the background.
        """
        found = await self._hub.responses.get(id, account=account)
        if not found.data["repeated"]["background"]:
            raise InvalidRequest(
                Msg("Only a response that was made with 'background' can be cancelled."),
                param="response_id",
                code="not_background",
            )
        if await self.standing(found) != "in_progress":
            return found
        await self._store.change_record(
            account, "response", id, lambda one: _with(one, cancelled=True)
        )
        await self._end(account, id)
        return await self._hub.responses.get(id, account=account)

    async def delete(self, id: str, *, account: str) -> None:
        """Erase a response, and end the work on it.

        Raises:
            NotFound: the account keeps no such response.
        """
        await self._hub.responses.delete(id, account=account)
        await self._end(account, id)

    async def _end(self, account: str, id: str) -> None:
        work = self._working.get((account, id))
        if work is not None:
            work.scope.cancel()
            with anyio.move_on_after(CANCEL_TIMEOUT):
                await work.ended.wait()

    async def standing(self, found: Record) -> Standing:
        """Say how a response stands."""
        if found.answer is not None:
            return "completed"
        if is_cancelled(found):
            return "cancelled"
        try:
            row = await self._hub.request(found.request, found.account)
        except NotFound:
            return "failed"
        if row.state == "open":
            return "in_progress"
        return "cancelled" if row.state == "aborted" else "failed"


async def _record(stream: Stream, tape: Tape) -> None:
    async for event in stream:
        tape.add(event)


def is_cancelled(found: Record) -> bool:
    """Say whether a response is marked as cancelled."""
    return bool(found.data.get("cancelled"))


def _with(found: Record, **more: Json) -> Record:
    # What is answered by now stays as it is.
    if found.answer is not None:
        return found
    return attrs.evolve(found, data={**found.data, **more})
