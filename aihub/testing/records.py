"""What every store must do with answers that are kept; used as `aihub.testing.StoreSuite` is."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import attrs

from ..backends.clocks import ManualClock
from ..errors import InvalidRequest, NotFound
from ..model.chat import KeptKind, Message, OtherPart, TextPart
from ..model.ledger import Settlement
from ..model.record import KEPT, Record
from ..model.session import Origin
from ..model.units import SECOND
from ..protocols import Store
from .answers import DONE
from .sessions import SESSION, texts, turn
from .stores import ACCOUNT, LEASE, NOON, OTHER, OWNER, ask

SAID = (
    Message("user", (TextPart("né 😀"), OtherPart("image_url", {"image_url": {"url": "data:,"}}))),
)


def kept(n: int = 1, account: str = "acc_1", **more: object) -> Record:
    """Make the record of the request `req_n`."""
    fields: dict[str, object] = {
        "id": f"chatcmpl-{n}",
        "account": account,
        "kind": "completion",
        "created": NOON,
        "model": "gpt-4",
        "request": f"req_{n}",
        "metadata": {"ticket": "7", 'a "b"': "né"},
        "messages": SAID,
        "answer": attrs.evolve(DONE, id=f"chatcmpl-{n}"),
        "data": {"legacy": False, "n": [1, None]},
        **more,
    }
    return Record(**fields)  # type: ignore[arg-type]


def settled(record: Record, **more: object) -> Settlement:
    """Make the end of a request whose answer is kept."""
    fields: dict[str, object] = {"id": record.request, "state": "ok", "record": record, **more}
    return Settlement(**fields)  # type: ignore[arg-type]


async def keep(store: Store, record: Record, **more: object) -> None:
    """Admit and settle the request of a record."""
    session = "ses_1" if "turn" in more else None
    await store.admit(ask(record.request, account=record.account, session=session))
    await store.settle(settled(record, **more))


class RecordsSuite:
    """Answers that were asked to be kept: written with the settlement, found, changed, erased."""

    def open_store(self, clock: ManualClock) -> AbstractAsyncContextManager[Store]:
        """Open an empty store whose windows, leases and rows go by *clock*."""
        raise NotImplementedError

    async def test_a_record_is_as_it_was_written(self) -> None:
        """All fields come back, once the request is settled and not before."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.admit(ask("req_1"))
            assert await store.record("acc_1", "completion", "chatcmpl-1") is None
            await store.settle(settled(kept()))
            assert await store.record("acc_1", "completion", "chatcmpl-1") == kept()
            assert await store.record("acc_1", "response", "chatcmpl-1") is None

    async def test_a_second_settlement_keeps_nothing(self) -> None:
        """Nor does one of a request that was never admitted."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await keep(store, kept())
            await store.settle(settled(kept(2, request="req_1")))
            await store.settle(settled(kept(3)))
            assert _ids(await store.records("acc_1", "completion")) == ["chatcmpl-1"]

    async def test_a_record_says_which_turn_it_is(self) -> None:
        """The session and the number; neither where the session is gone."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.add_session(SESSION)
            for n in (1, 2):
                await keep(store, kept(n), turn=turn("Hi"))
            found = await store.record("acc_1", "completion", "chatcmpl-2")
            assert found == kept(2, session="ses_1", turn=2)
            await store.delete_session("acc_1", "ses_1")
            await keep(store, kept(3), turn=turn("Hi"))
            assert await store.record("acc_1", "completion", "chatcmpl-3") == kept(3)

    async def test_a_session_that_is_held_goes_with_its_last_record(self) -> None:
        """By being erased or forgotten; what a fork shares stays, and so does anybody's own."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await _furnish(store)
            await store.add_session(SESSION)
            held = attrs.evolve(SESSION, id="ses_2", held=True)
            await keep(store, kept(1), turn=turn("a", "", begins=held))
            after = attrs.evolve(held, id="ses_3", origin=Origin(session="ses_2", turn=1))
            await keep(store, kept(2), turn=turn("b", "", begins=after))
            fork = attrs.evolve(after, id="ses_4")
            await keep(store, kept(3, created=NOON + 1), turn=turn("c", "", begins=fork))
            await keep(store, kept(4), turn=turn("d"))
            found = await store.record("acc_1", "completion", "chatcmpl-2")
            assert found == kept(2, session="ses_2", turn=2)
            found = await store.record("acc_1", "completion", "chatcmpl-3")
            assert found == kept(3, created=NOON + 1, session="ses_4", turn=2)
            await store.delete_record("acc_1", "completion", "chatcmpl-1")
            assert await store.session("acc_1", "ses_2") is not None
            await store.delete_record("acc_1", "completion", "chatcmpl-2")
            await store.delete_record("acc_1", "completion", "chatcmpl-4")
            assert await store.session("acc_1", "ses_2") is None
            assert await store.session("acc_1", "ses_1") is not None
            assert texts(await store.turns("acc_1", "ses_4")) == ["a", "c"]
            clock.advance(KEPT / SECOND + 1)
            await store.forget(0, 10)
            assert await store.session("acc_1", "ses_4") is None

    async def test_a_record_may_wait_for_its_answer(self) -> None:
        """It is written once, and the settlement puts the whole in its place."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            waiting = kept(answer=None, data={"waits": True})
            assert await store.add_record(waiting)
            assert not await store.add_record(kept(metadata={}))
            assert await store.record("acc_1", "completion", "chatcmpl-1") == waiting
            await keep(store, kept(), awaited=True)
            assert await store.record("acc_1", "completion", "chatcmpl-1") == kept()
            raised = False
            try:
                await store.add_record(kept(2, account="acc_9"))
            except NotFound:
                raised = True
            assert raised

    async def test_what_nobody_awaits_any_more_is_not_kept(self) -> None:
        """Nor is a session begun for it; the request is settled all the same."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.add_record(kept(answer=None))
            await store.delete_record("acc_1", "completion", "chatcmpl-1")
            held = attrs.evolve(SESSION, id="ses_2", held=True)
            await keep(store, kept(), awaited=True, turn=turn("a", "", begins=held))
            assert await store.record("acc_1", "completion", "chatcmpl-1") is None
            assert await store.session("acc_1", "ses_2") is None
            row = await store.row("acc_1", "req_1")
            assert row is not None
            assert row.state == "ok"

    async def test_another_accounts_record_does_not_exist(self) -> None:
        """It cannot be read, found, changed or erased; the same id may be another's too."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await keep(store, kept())
            name: tuple[str, KeptKind, str] = ("acc_2", "completion", "chatcmpl-1")
            assert await store.record(*name) is None
            assert list(await store.records("acc_2", "completion")) == []
            assert await store.change_record(*name, lambda one: one) is None
            assert not await store.delete_record(*name)
            await keep(store, kept(account="acc_2", request="req_2"))
            assert await store.delete_record(*name)
            assert await store.record("acc_1", "completion", "chatcmpl-1") == kept()

    async def test_records_come_by_id_page_by_page(self) -> None:
        """From either end, in whatever order they were kept."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            for n in (3, 1, 5, 2, 4):
                await keep(store, kept(n))
            ids = [f"chatcmpl-{n}" for n in range(1, 6)]
            for newest_first in (False, True):
                wanted = ids[::-1] if newest_first else ids
                found: list[str] = []
                while page := await store.records(
                    "acc_1",
                    "completion",
                    after=found[-1] if found else None,
                    limit=2,
                    newest_first=newest_first,
                ):
                    assert len(page) <= 2
                    found += _ids(page)
                assert found == wanted

    async def test_records_are_found_by_what_they_say(self) -> None:
        """By the model as asked, and by pairs of metadata, all of which must be there."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await keep(store, kept(1))
            await keep(store, kept(2, model="gpt-4o", metadata={"ticket": "8"}))
            await keep(store, kept(3, metadata={"ticket": "7", "x": ""}))

            async def found(**asked: object) -> list[str]:
                return _ids(await store.records("acc_1", "completion", **asked))  # type: ignore[arg-type]

            assert await found(model="gpt-4") == ["chatcmpl-1", "chatcmpl-3"]
            assert await found(metadata={"ticket": "7"}) == ["chatcmpl-1", "chatcmpl-3"]
            assert await found(metadata={"ticket": "7", "x": ""}) == ["chatcmpl-3"]
            assert await found(metadata={'a "b"': "né"}) == ["chatcmpl-1"]
            assert await found(metadata={"ticket": ""}) == []
            assert await found(model="gpt-4o", metadata={"ticket": "7"}) == []

    async def test_a_record_is_changed_in_one_step(self) -> None:
        """Its metadata and data; what *change* raises leaves it as it was."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await keep(store, kept())
            name: tuple[str, KeptKind, str] = ("acc_1", "completion", "chatcmpl-1")
            changed = await store.change_record(
                *name, lambda one: attrs.evolve(one, metadata={"new": "1"}, data=[2], model="x")
            )
            assert changed == kept(metadata={"new": "1"}, data=[2])
            assert await store.record(*name) == changed
            assert _ids(await store.records("acc_1", "completion", metadata={"ticket": "7"})) == []

            def refuse(_: Record) -> Record:
                raise InvalidRequest("no")

            raised = False
            try:
                await store.change_record(*name, refuse)
            except InvalidRequest:
                raised = True
            assert raised
            assert await store.record(*name) == changed

    async def test_a_record_is_erased_once(self) -> None:
        """The second time there is none."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await keep(store, kept())
            assert await store.delete_record("acc_1", "completion", "chatcmpl-1")
            assert not await store.delete_record("acc_1", "completion", "chatcmpl-1")
            assert await store.record("acc_1", "completion", "chatcmpl-1") is None

    async def test_what_was_kept_long_enough_is_forgotten(self) -> None:
        """To the microsecond, a batch at a time, whatever age requests are kept for."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await _furnish(store)
            for n in (1, 2, 3):
                await keep(store, kept(n))
            await keep(store, kept(4, created=NOON + 1))
            clock.advance((KEPT - 1) / SECOND)
            assert await store.forget(0, 10) == 0
            clock.advance(1 / SECOND)
            assert await store.forget(0, 2) == 2
            assert await store.forget(0, 2) == 1
            assert _ids(await store.records("acc_1", "completion")) == ["chatcmpl-4"]

    async def test_an_account_that_is_erased_takes_its_records_with_it(self) -> None:
        """After its leftovers are forgotten nothing is left that was said."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await keep(store, kept(1))
            await keep(store, kept(2, account="acc_2"))
            await store.erase_account("acc_1", NOON)
            while await store.forget(0, 10) >= 10:
                pass
            assert list(await store.records("acc_1", "completion")) == []
            assert _ids(await store.records("acc_2", "completion")) == ["chatcmpl-2"]


def _ids(records: Sequence[Record]) -> list[str]:
    return [one.id for one in records]


async def _furnish(store: Store) -> None:
    await store.enlist(OWNER, LEASE)
    await store.add_account(ACCOUNT)
    await store.add_account(OTHER)
