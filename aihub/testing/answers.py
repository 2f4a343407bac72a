"""What every store must do with idempotency keys; used as `aihub.testing.StoreSuite` is."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import anyio
import attrs

from ..backends.clocks import ManualClock
from ..model.chat import ReasoningPart, ToolCall
from ..model.events import Choice, Completion
from ..model.ledger import (
    REPEAT_SPAN,
    Admission,
    Admitted,
    Idempotency,
    Repeated,
    Settled,
    Settlement,
    State,
    WindowAsk,
)
from ..model.units import SECOND
from ..model.usage import Usage
from ..protocols import Store
from .stores import ACCOUNT, LEASE, NOON, OTHER, OWNER, ask, requests

KEY = Idempotency("order 7", b"a" * 32)
DONE = Completion(
    id="chatcmpl-1",
    created=NOON,
    model="gpt-4",
    served_model="gpt-4-0613",
    choices=(
        Choice(index=0, text="né\n😀", finish_reason="stop", reasoning="hm"),
        Choice(
            index=1,
            text=None,
            finish_reason="tool_calls",
            tool_calls=(ToolCall("call_1", "f", '{"a": 1}'),),
            logprobs=[{"token": "a", "logprob": -0.5}],
        ),
        Choice(
            index=2,
            text=None,
            finish_reason="content_filter",
            reasoning="hm",
            thoughts=(ReasoningPart("hm", "sig"), ReasoningPart("", redacted="x")),
            refusal="No.",
            native="refusal",
            stop="END",
            extra={"annotations": [1]},
        ),
    ),
    usage=Usage(7, 5, cached=2, reasoning=1, source="provider"),
    cost=123_456_789,
    fingerprint="fp_1",
    dropped=2,
    ended=NOON + 1,
    extra={"service_tier": "flex"},
    dialect="openai_chat",
)


def repeatable(
    id: str, asked: Idempotency = KEY, *windows: WindowAsk, account: str = "acc_1"
) -> Admission:
    """Make an admission that names *asked*."""
    return ask(id, *windows, idempotency=asked, account=account)


def ending(id: str, state: State = "ok", answer: Completion | None = DONE) -> Settlement:
    """Make the end of a request."""
    return Settlement(id=id, state=state, answer=answer if state == "ok" else None)


class AnswersSuite:
    """A request that comes twice is admitted once, and the answer is there to be told again."""

    def open_store(self, clock: ManualClock) -> AbstractAsyncContextManager[Store]:
        """Open an empty store whose windows, leases and rows go by *clock*."""
        raise NotImplementedError

    async def test_a_key_is_taken_while_its_request_is_open(self) -> None:
        """Whether the request is the same is told by its digest; nothing more is written."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            assert await store.repeated("acc_1", KEY) is None
            assert isinstance(await store.admit(repeatable("req_1")), Admitted)
            other = attrs.evolve(KEY, digest=b"b" * 32)
            for asked, same in ((KEY, True), (other, False)):
                told = Repeated("req_1", "open", same)
                assert await store.repeated("acc_1", asked) == told
                assert await store.admit(repeatable("req_2", asked)) == told
            assert await store.row("acc_1", "req_2") is None
            row = await store.row("acc_1", "req_1")
            assert row is not None
            assert (row.idempotency_key, row.digest) == (KEY.key, KEY.digest)

    async def test_a_good_end_is_told_again_as_it_was(self) -> None:
        """All of the answer comes back; before its end there is none."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.admit(repeatable("req_1"))
            assert await store.answer("acc_1", "req_1") is None
            assert isinstance(await store.settle(ending("req_1")), Settled)
            assert await store.admit(repeatable("req_2")) == Repeated("req_1", "ok", True)
            assert await store.answer("acc_1", "req_1") == DONE

    async def test_a_request_that_failed_lets_its_key_go(self) -> None:
        """Whoever tries again is served; the newest request is the one that counts."""
        states: tuple[State, ...] = ("error", "aborted")
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            for n, state in enumerate(states):
                assert isinstance(await store.admit(repeatable(f"req_{n}")), Admitted)
                await store.settle(ending(f"req_{n}", state))
                assert await store.repeated("acc_1", KEY) is None
            assert isinstance(await store.admit(repeatable("req_9")), Admitted)
            assert await store.repeated("acc_1", KEY) == Repeated("req_9", "open", True)
            # A late end of an earlier one changes nothing about the key.
            await store.settle(ending("req_0"))
            assert await store.repeated("acc_1", KEY) == Repeated("req_9", "open", True)

    async def test_a_lost_request_lets_its_key_go(self) -> None:
        """Its hub is dead, so nobody answers."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await _furnish(store)
            await store.admit(repeatable("req_1"))
            await store.retire(OWNER)
            clock.advance(LEASE // SECOND + 1)
            await store.sweep("prompt")
            assert await store.repeated("acc_1", KEY) is None
            assert isinstance(await store.admit(repeatable("req_2")), Admitted)

    async def test_a_key_is_one_accounts_own(self) -> None:
        """Another account's request under the same name is another request."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.admit(repeatable("req_1"))
            await store.settle(ending("req_1"))
            assert await store.repeated("acc_2", KEY) is None
            assert await store.answer("acc_2", "req_1") is None
            assert isinstance(await store.admit(repeatable("req_2", account="acc_2")), Admitted)

    async def test_a_full_window_does_not_hide_an_answer(self) -> None:
        """A repetition takes nothing, so nothing need be left."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            full = requests(1)
            assert isinstance(await store.admit(repeatable("req_1", KEY, full)), Admitted)
            told = await store.admit(repeatable("req_2", KEY, full))
            assert told == Repeated("req_1", "open", True)

    async def test_a_day_later_it_is_forgotten(self) -> None:
        """To the microsecond; the sweep erases what was said."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await _furnish(store)
            await store.admit(repeatable("req_1"))
            await store.settle(ending("req_1"))
            clock.advance((REPEAT_SPAN - 1) / SECOND)
            assert await store.repeated("acc_1", KEY) is not None
            clock.advance(1 / SECOND)
            assert await store.repeated("acc_1", KEY) is None
            assert isinstance(await store.admit(repeatable("req_2")), Admitted)
            await store.sweep("prompt")
            assert await store.answer("acc_1", "req_1") is None

    async def test_an_account_that_is_erased_takes_its_answers_with_it(self) -> None:
        """After its leftovers are forgotten there is neither answer nor name."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            await store.admit(repeatable("req_1"))
            await store.settle(ending("req_1"))
            await store.erase_account("acc_1", NOON)
            while await store.forget(0, 10) >= 10:
                pass
            assert await store.answer("acc_1", "req_1") is None
            row = await store.row("acc_1", "req_1")
            assert row is not None
            assert (row.idempotency_key, row.digest) == (None, None)

    async def test_of_many_at_once_one_is_admitted(self) -> None:
        """Whoever comes second is told of the first."""
        async with self.open_store(ManualClock(NOON)) as store:
            await _furnish(store)
            results: list[object] = []

            async def admit(n: int) -> None:
                results.append(await store.admit(repeatable(f"req_{n}")))

            async with anyio.create_task_group() as tasks:
                for n in range(20):
                    tasks.start_soon(admit, n)
            admitted = [one for one in results if isinstance(one, Admitted)]
            assert len(admitted) == 1
            assert len(set(map(repr, results))) == 2


async def _furnish(store: Store) -> None:
    await store.enlist(OWNER, LEASE)
    await store.add_account(ACCOUNT)
    await store.add_account(OTHER)
