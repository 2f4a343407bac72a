"""Responses that are worked on when their caller has left: `hub.background`.

Theory of operation. A response is admitted before its caller is told anything, in a task of the
hub's own; then a record without an answer stands in the store, and the settlement puts the whole in
its place, or why there is none. How one without an answer stands is read off its ledger row: open,
ended, or lost with its hub. To cancel is to mark the record, so that whichever process works on it
sees that within `WATCH`; where it is this one, it is cancelled at once.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio
import attrs

from ..core.records import record_id, waiting
from ..errors import HubClosed, HubError, InvalidRequest, NotFound, Overloaded, StorageError
from ..model.account import Identity
from ..model.chat import Chat
from ..model.record import Record
from ..model.units import Json
from ..protocols import Store
from .exchange import NO_OPTIONS, Options
from .flight import Stream

if TYPE_CHECKING:
    from .hub import Hub

log = logging.getLogger("aihub")

MAX_BACKGROUND = 100
"""Responses worked on at a time in one hub with nobody waiting: a tenth of what may be in flight,
so that those who wait are served all the same."""

WATCH = 1.0
"""Seconds between two looks at whether another process has cancelled a response."""

CANCEL_TIMEOUT = 5.0
"""Seconds that a cancelled response is waited for, so that its caller is told how it ended."""

Standing: TypeAlias = Literal["completed", "in_progress", "cancelled", "failed"]


@attrs.define(eq=False)
class _Work:
    """A response that is worked on here."""

    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    began: anyio.Event = attrs.field(factory=anyio.Event)
    ended: anyio.Event = attrs.field(factory=anyio.Event)
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
                "too many responses are worked on in the background", code="overloaded"
            )
        keep = chat.keep
        assert keep is not None  # noqa: S101 - what is not kept cannot be read later
        chat = attrs.evolve(chat, stream=False, keep=attrs.evolve(keep, awaited=True))
        options = attrs.evolve(options, id=options.id or self._hub.new_id())
        name = identity.account.id, record_id("response", options.id or "")
        work = self._working[name] = _Work()

        async def run() -> None:
            try:
                await self._run(work, chat, identity, options)
            finally:
                self._working.pop(name, None)
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
            raise work.error or HubClosed("the hub closed before the request began")
        return work.record

    async def _run(self, work: _Work, chat: Chat, identity: Identity, options: Options) -> None:
        """Do the work of one response; what goes wrong is told by how it stands."""
        try:
            with work.scope:
                async with self._hub.open(chat, identity, options) as stream:
                    await self._stand(work, chat, identity, stream)
                    async with anyio.create_task_group() as tasks:
                        tasks.start_soon(self._watch, work)
                        try:
                            await stream.finish()
                        except HubError as error:
                            # Said here, for out of the group it would come wrapped.
                            work.error = error
                        tasks.cancel_scope.cancel()
        except Exception as error:
            work.error = error
            if not isinstance(error, HubError):
                log.exception("request %s failed in the background", options.id)

    async def _stand(self, work: _Work, chat: Chat, identity: Identity, stream: Stream) -> None:
        """Let a record stand for the response until it is answered."""
        account = identity.account.id
        if stream.replayed:
            id = record_id("response", stream.answer_id)
            work.record = await self._hub.responses.get(id, account=account)
        else:
            keep = chat.keep
            assert keep is not None  # noqa: S101 - see `begin`
            made = waiting(
                keep,
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

    async def cancel(self, id: str, *, account: str) -> Record:
        """End the work on a response, which is settled as `aborted`; one that has ended stays.

        Raises:
            NotFound: the account keeps no such response.
            InvalidRequest: it was not asked for in the background.
        """
        found = await self._hub.responses.get(id, account=account)
        if not found.data["repeated"]["background"]:
            raise InvalidRequest(
                "Only a response that was made with 'background' can be cancelled.",
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


def is_cancelled(found: Record) -> bool:
    """Say whether a response is marked as cancelled."""
    return bool(found.data.get("cancelled"))


def _with(found: Record, **more: Json) -> Record:
    # What is answered by now stays as it is.
    if found.answer is not None:
        return found
    return attrs.evolve(found, data={**found.data, **more})
