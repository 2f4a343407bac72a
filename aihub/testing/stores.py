"""What every store must do, on every event loop.

Subclass and say how to open one; the tests need nothing else::

    @pytest.mark.anyio
    class TestMyStore(StoreSuite):
        def open_store(self, clock):
            return MyStore.open(url, clock=clock)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

import anyio
import anyio.lowlevel
import attrs

from ..backends.clocks import ManualClock
from ..errors import PermissionDenied, UsageMistake
from ..model.account import BUILT_IN_PLANS, Account, Actor, Budget, Identity, Key, Plan
from ..model.ledger import (
    Admission,
    Admitted,
    AlreadySettled,
    Attempt,
    BudgetFull,
    HoldAsk,
    NotLive,
    Planned,
    Settled,
    Settlement,
    SlotAsk,
    SlotsFull,
    WindowAsk,
    WindowFull,
)
from ..model.units import HOUR, MINUTE, SECOND, Micros, Pico
from ..model.usage import Usage, UsageReport
from ..protocols import Store

T = TypeVar("T")

LEASE: Micros = 30 * SECOND
NOON: Micros = 1_767_268_800 * SECOND
"""2026-01-01 12:00 UTC: the middle of a day, so that no test meets midnight by chance."""

OWNER = "own_1"
ACCOUNT = Account(id="acc_1", name="first", plan="free", created=NOON)
OTHER = Account(id="acc_2", name="second", plan="pro", created=NOON, region="eu")
KEY = Key(id="key_1", account="acc_1", digest=b"1" * 32, hint="aaaa", name="one", created=NOON)
BUDGET = Budget(id="bud_1", account="acc_1", period="month", limit=1000)


def requests(limit: int, key: str = "acc_1:requests") -> WindowAsk:
    """Ask for one place in a window of requests."""
    return WindowAsk(key, "requests", 1, limit)


def tokens(amount: int, limit: int, key: str = "acc_1:tokens") -> WindowAsk:
    """Ask for *amount* in a window of tokens."""
    return WindowAsk(key, "tokens", amount, limit)


def ask(id: str, *windows: WindowAsk, hold: Pico | None = None, **more: object) -> Admission:
    """Make an admission with the suite's account and owner; *hold* is set aside in `BUDGET`."""
    holds = () if hold is None else (HoldAsk("bud_1", "2026-01", hold, BUDGET.limit),)
    return Admission(
        **{  # type: ignore[arg-type]
            "id": id,
            "owner": OWNER,
            "account": "acc_1",
            "key": None,
            "model": "gpt-4",
            "windows": windows,
            "holds": holds,
            "reserved_cost": hold or 0,
            **more,
        }
    )


def end(id: str, used: int = 0, cost: Pico = 0, **more: object) -> Settlement:
    """Make a good settlement of one attempt."""
    usage = Usage(used, 0)
    attempt = Attempt(
        n=1,
        deployment="mock",
        upstream_model="gpt-4",
        region="local",
        outcome="ok",
        usage=usage,
        card="{}",
        cost=cost,
        started=NOON,
        ended=NOON,
    )
    return Settlement(
        **{  # type: ignore[arg-type]
            "id": id,
            "state": "ok",
            "attempts": (attempt,),
            "served_model": "gpt-4-0613",
            "usage": usage,
            "used_tokens": used,
            **more,
        }
    )


class StoreSuite:
    """The contract of `Store`, test by test."""

    def open_store(self, clock: ManualClock) -> AbstractAsyncContextManager[Store]:
        """Open an empty store that goes by *clock*."""
        raise NotImplementedError

    async def _furnish(self, store: Store) -> Store:
        await store.enlist(OWNER, LEASE)
        await store.add_account(ACCOUNT)
        await store.add_account(OTHER)
        await store.add_key(KEY)
        await store.put_budget(BUDGET)
        return store

    # Windows

    async def test_a_window_admits_its_limit_and_no_more(self) -> None:
        """The N-th request of a minute passes, the next is told how long to wait."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            for n in range(3):
                assert isinstance(await store.admit(ask(f"r{n}", requests(3))), Admitted)
                clock.advance(10)

            refused = await store.admit(ask("r3", requests(3)))

            assert isinstance(refused, WindowFull)
            assert (refused.kind, refused.retry_after) == ("requests", 30)

    async def test_waiting_retry_after_suffices(self) -> None:
        """After exactly the seconds told, and not a microsecond before the entry left, it fits."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            clock.advance(0.5)
            await store.admit(ask("r0", requests(1)))
            clock.advance(59.999999)
            early = await store.admit(ask("r1", requests(1)))
            clock.advance(0.000001)

            assert isinstance(early, WindowFull)
            assert early.retry_after == 1
            assert isinstance(await store.admit(ask("r2", requests(1))), Admitted)

    async def test_no_edge_lets_twice_the_limit_through(self) -> None:
        """Requests late in one minute count in the next: no interval of 60 s holds more than N."""
        clock = ManualClock(NOON + 58 * SECOND + 900_000)
        admitted: list[Micros] = []
        async with self.open_store(clock) as store:
            await self._furnish(store)
            for n in range(40):
                if isinstance(await store.admit(ask(f"r{n:02}", requests(5))), Admitted):
                    admitted.append(clock.now())
                clock.advance(3.35)

            starts = [sum(t <= other < t + MINUTE for other in admitted) for t in admitted]
            assert max(starts) == 5
            assert len(admitted) >= 10

    async def test_tokens_settle_to_what_was_used(self) -> None:
        """A charge is the reservation until settled, then the use, at the time of admission."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(ask("r0", tokens(800, 1000)))
            clock.advance(20)
            assert isinstance(await store.admit(ask("r1", tokens(300, 1000))), WindowFull)

            await store.settle(end("r0", used=100))

            (state,) = await store.peek([tokens(0, 1000)])
            assert (state.used, state.remaining) == (100, 900)
            assert state.resets_at == NOON + MINUTE
            assert isinstance(await store.admit(ask("r2", tokens(900, 1000))), Admitted)
            clock.advance(40)
            (state,) = await store.peek([tokens(0, 1000)])
            assert state.used == 900

    async def test_a_settlement_above_its_reservation_blocks_until_it_fits(self) -> None:
        """Over-shoot is charged in full: nothing remains and nothing is admitted."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(ask("r0", tokens(500, 1000)))
            await store.settle(end("r0", used=1500))

            (state,) = await store.peek([tokens(0, 1000)])
            refused = await store.admit(ask("r1", tokens(1, 1000)))

            assert (state.used, state.remaining) == (1500, 0)
            assert isinstance(refused, WindowFull)
            assert (refused.kind, refused.retry_after) == ("tokens", 60)
            clock.advance(60)
            assert isinstance(await store.admit(ask("r2", tokens(1, 1000))), Admitted)

    async def test_settling_after_the_entry_left_changes_no_window(self) -> None:
        """An answer that took longer than a minute has no entry any more."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(ask("r0", tokens(500, 1000)))
            clock.advance(61)
            await store.admit(ask("r1", tokens(10, 1000)))
            await store.settle(end("r0", used=900))

            (state,) = await store.peek([tokens(0, 1000)])
            assert state.used == 10

    async def test_peeking_changes_nothing(self) -> None:
        """A peek tells the window as it stands and takes no place in it."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            (empty,) = await store.peek([requests(1)])
            (again,) = await store.peek([requests(1)])

            assert empty == again
            assert (empty.used, empty.resets_at) == (0, NOON)
            assert isinstance(await store.admit(ask("r0", requests(1))), Admitted)

    async def test_one_full_window_leaves_everything_untouched(self) -> None:
        """A refusal leaves no window entry, no hold and no row."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(ask("r0", tokens(900, 1000)))

            refused = await store.admit(ask("r1", requests(9), tokens(200, 1000), hold=5))

            assert isinstance(refused, WindowFull)
            states = await store.peek([requests(9), tokens(0, 1000)])
            assert [state.used for state in states] == [0, 900]
            assert (await store.budget_state("bud_1", "2026-01")).held == 0
            assert await store.row("acc_1", "r1") is None

    async def test_a_full_budget_leaves_everything_untouched(self) -> None:
        """A refusal by the last thing asked takes back nothing, for nothing was taken."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            slot = (SlotAsk("acc_1:parallel", 1),)

            refused = await store.admit(ask("r0", requests(1), hold=1001, slots=slot))

            assert refused == BudgetFull("bud_1")
            (state,) = await store.peek([requests(1)])
            assert state.used == 0
            assert await store.row("acc_1", "r0") is None
            assert isinstance(await store.admit(ask("r1", requests(1), slots=slot)), Admitted)

    async def test_the_longest_wait_is_told(self) -> None:
        """Of several full windows the one that empties last refuses, so that waiting suffices."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(ask("r0", requests(1)))
            clock.advance(15)
            await store.admit(ask("r1", tokens(10, 10)))

            refused = await store.admit(ask("r2", requests(1), tokens(1, 10)))

            assert isinstance(refused, WindowFull)
            assert (refused.kind, refused.retry_after) == ("tokens", 60)
            assert [state.used for state in refused.windows] == [1, 10]

    async def test_parallel_requests_are_bounded_while_open(self) -> None:
        """A slot is free again when its request has settled."""
        slot = (SlotAsk("acc_1:parallel", 2),)
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", slots=slot))
            await store.admit(ask("r1", slots=slot))

            assert await store.admit(ask("r2", slots=slot)) == SlotsFull("acc_1:parallel", 2)
            await store.settle(end("r0"))
            assert isinstance(await store.admit(ask("r3", slots=slot)), Admitted)

    async def test_tasks_at_once_get_exactly_the_limit(self) -> None:
        """Forty tasks for ten places: ten get one."""
        results: Counter[str] = Counter()
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)

            async def one(n: int) -> None:
                result = await store.admit(ask(f"r{n:02}", requests(10), hold=1))
                results[type(result).__name__] += 1

            async with anyio.create_task_group() as tasks:
                for n in range(40):
                    tasks.start_soon(one, n)

            assert results == {"Admitted": 10, "WindowFull": 30}
            assert (await store.budget_state("bud_1", "2026-01")).held == 10
            assert len(await store.rows("acc_1")) == 10

    async def test_a_cancelled_admission_happened_or_it_did_not(self) -> None:
        """Whatever a cancelled caller left behind is whole, and settling makes it good."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            for n in range(20):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(store.admit, ask(f"r{n:02}", requests(99), hold=1))
                    for _ in range(n % 4):
                        await anyio.lowlevel.checkpoint()
                    tasks.cancel_scope.cancel()
                await store.settle(end(f"r{n:02}", state="aborted", attempts=()))

            rows = await store.rows("acc_1")
            (state,) = await store.peek([requests(99)])
            assert state.used == len(rows)
            assert {row.state for row in rows} <= {"aborted"}
            assert (await store.budget_state("bud_1", "2026-01")).held == 0

    # Settlement

    async def test_settling_twice_changes_nothing(self) -> None:
        """The second end of a request is told so and leaves sums as they were."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", tokens(50, 1000), hold=100))
            first = await store.settle(end("r0", used=40, cost=70))

            second = await store.settle(end("r0", used=400, cost=700, state="error"))

            assert first == Settled(id="r0", state="ok", cost=70)
            assert second == AlreadySettled("r0", "ok")
            purse = await store.budget_state("bud_1", "2026-01")
            assert (purse.spent, purse.held) == (70, 0)
            (state,) = await store.peek([tokens(0, 1000)])
            assert state.used == 40
            report = await self._report(store)
            assert (report.requests, report.tokens, report.cost) == (1, 40, 70)

    async def test_settling_what_was_never_admitted_changes_nothing(self) -> None:
        """An unknown id has no row to end."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)

            assert await store.settle(end("r0", cost=5)) == AlreadySettled("r0", None)
            assert (await self._report(store)).requests == 0

    async def test_settling_at_once_from_many_tasks_happens_once(self) -> None:
        """Of ten settlements of one id exactly one counts."""
        results: list[object] = []
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", hold=100))

            async def one(cost: int) -> None:
                results.append(await store.settle(end("r0", cost=cost)))

            async with anyio.create_task_group() as tasks:
                for cost in range(10):
                    tasks.start_soon(one, cost)

            (won,) = [result for result in results if isinstance(result, Settled)]
            assert (await store.budget_state("bud_1", "2026-01")).spent == won.cost

    async def test_a_row_tells_the_whole_request(self) -> None:
        """What was asked and how it ended is read back as it was written."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(
                ask("r0", key="key_1", labels={"team": "a"}, end_user="eve", prompt_tokens=7)
            )
            opened = await store.row("acc_1", "r0")
            clock.advance(2)
            final = end("r0", used=9, cost=33, latency=2_000_000, first_token=5)
            await store.settle(final)
            row = await store.row("acc_1", "r0")

            assert opened is not None
            assert (opened.state, opened.settled, opened.cost) == ("open", None, 0)
            assert row is not None
            assert (row.key, row.end_user, row.labels) == ("key_1", "eve", {"team": "a"})
            assert (row.admitted, row.settled) == (NOON, NOON + 2 * SECOND)
            assert (row.usage, row.cost, row.latency) == (Usage(9, 0), 33, 2_000_000)
            assert row.attempts == final.attempts
            assert sum(attempt.cost for attempt in row.attempts) == row.cost

    async def test_sums_match_rows(self) -> None:
        """Budget, report and rows agree to the pico-dollar, whatever the group."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            for n in range(12):
                await store.admit(ask(f"r{n:02}", hold=10, key="key_1" if n % 2 else None))
                await store.settle(end(f"r{n:02}", used=n, cost=n * n, state=_state(n)))
                clock.advance(3600)

            rows = await store.rows("acc_1")
            purse = await store.budget_state("bud_1", "2026-01")
            cost = sum(row.cost for row in rows)
            assert cost == purse.spent == sum(n * n for n in range(12))
            for group_by in ("day", "model", "served_model", "key"):
                report = await store.report(
                    "acc_1", start=NOON, end=NOON + 24 * HOUR, group_by=group_by
                )
                assert (report.requests, report.tokens, report.cost) == (12, 66, cost)
            half = await store.report(
                "acc_1", start=NOON + HOUR, end=NOON + 3 * HOUR, group_by="key"
            )
            assert [(one.group, one.cost) for one in half.groups] == [("", 4), ("key_1", 1)]

    # Budgets

    async def test_a_budget_is_held_then_spent(self) -> None:
        """A hold counts until settled, then what was spent does; the next period is fresh."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", hold=600))
            assert await store.admit(ask("r1", hold=401)) == BudgetFull("bud_1")
            await store.settle(end("r0", cost=100))
            assert isinstance(await store.admit(ask("r2", hold=900)), Admitted)
            february = (HoldAsk("bud_1", "2026-02", 1000, 1000),)

            assert isinstance(await store.admit(ask("r3", holds=february)), Admitted)
            assert (await store.budget_state("bud_1", "2026-01")).held == 900

    async def test_a_hold_is_raised_for_a_further_attempt_if_there_is_room(self) -> None:
        """More is set aside or nothing changes, and the settlement releases all of it."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", hold=400))

            assert await store.hold("r0", 600)
            assert not await store.hold("r0", 1)
            assert not await store.hold("nobody", 1)
            assert (await store.budget_state("bud_1", "2026-01")).held == 1000
            await store.settle(end("r0", cost=1))
            purse = await store.budget_state("bud_1", "2026-01")
            assert (purse.spent, purse.held) == (1, 0)
            assert not await store.hold("r0", 1)

    # Leases and sweeps

    async def test_a_living_owners_rows_are_not_swept(self) -> None:
        """A lease that is renewed protects, whoever sweeps."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(ask("r0"))
            for _ in range(5):
                clock.advance(29)
                await store.renew(OWNER, LEASE)
                assert not await store.sweep("prompt")

            assert isinstance(await store.settle(end("r0")), Settled)

    async def test_a_dead_owners_rows_are_lost_and_charged_by_policy(self) -> None:
        """The counted prompt, the whole reservation, or nothing."""
        expected = {"prompt": (7, 70), "reserved": (20, 200), "nothing": (0, 0)}
        for policy, (used, cost) in expected.items():
            clock = ManualClock(NOON)
            async with self.open_store(clock) as store:
                await self._furnish(store)
                await store.admit(_reserved("r0"))
                clock.advance(30)

                (lost,) = await store.sweep(policy)  # type: ignore[arg-type]

                assert lost == Settled(id="r0", state="lost", cost=cost)
                row = await store.row("acc_1", "r0")
                assert row is not None
                assert row.usage is not None
                assert (row.usage.total, row.usage.source) == (used, "estimated")
                assert [attempt.cost for attempt in row.attempts] == [cost]
                assert row.attempts[0].deployment == "mock-1"
                purse = await store.budget_state("bud_1", "2026-01")
                assert (purse.spent, purse.held) == (cost, 0)
                (state,) = await store.peek([tokens(0, 1000)])
                assert state.used == used
                assert not await store.sweep(policy)  # type: ignore[arg-type]

    async def test_a_retired_owners_open_rows_are_lost(self) -> None:
        """Retiring ends the lease at once."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0"))
            await store.retire(OWNER)

            assert [lost.id for lost in await store.sweep("nothing")] == ["r0"]

    async def test_a_lost_row_is_replaced_once(self) -> None:
        """A process that was only paused may still tell, once; the difference is booked."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(_reserved("r0"))
            clock.advance(30)
            await store.sweep("prompt")

            assert await store.settle(end("r0", used=11, cost=110)) == Settled(
                id="r0", state="ok", cost=110
            )
            assert await store.settle(end("r0", used=99, cost=990)) == AlreadySettled("r0", "ok")
            purse = await store.budget_state("bud_1", "2026-01")
            assert (purse.spent, purse.held) == (110, 0)
            report = await self._report(store)
            assert (report.requests, report.tokens, report.cost) == (1, 11, 110)
            row = await store.row("acc_1", "r0")
            assert row is not None
            assert [attempt.cost for attempt in row.attempts] == [110]
            (state,) = await store.peek([tokens(0, 1000)])
            assert state.used == 11

    # Directory

    async def test_admission_checks_that_key_and_account_live(self) -> None:
        """Revocation, expiry and deletion are exact to the microsecond, whatever is cached."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.change_key(
                "acc_1", "key_1", lambda key: attrs.evolve(key, revoked=NOON + 10)
            )
            late = Key(
                **{
                    **attrs.asdict(KEY),
                    "id": "key_2",
                    "lineage": "key_2",
                    "digest": b"2" * 32,
                    "expires": NOON,
                }
            )
            await store.add_key(late)

            assert isinstance(await store.admit(ask("r0", key="key_1")), Admitted)
            assert await store.admit(ask("r1", key="key_2")) == NotLive("expired")
            clock.advance(0.00001)
            assert await store.admit(ask("r2", key="key_1")) == NotLive("revoked")
            assert await store.admit(ask("r3", key="key_9")) == NotLive("unknown")
            assert await store.admit(ask("r4", key="key_1", account="acc_2")) == NotLive("unknown")
            await store.change_account("acc_1", lambda account: attrs.evolve(account, deleted=NOON))
            assert await store.admit(ask("r5")) == NotLive("deleted")
            assert await store.admit(ask("r6", account="acc_9")) == NotLive("unknown")

    async def test_a_key_is_found_by_its_digest_with_all_that_belongs_to_it(self) -> None:
        """One read brings key, account, plan and the budgets that apply."""
        foreign = Budget(id="bud_2", account="acc_1", key="key_9", period="day", limit=5)
        own = Budget(id="bud_3", account="acc_1", key="key_1", period="total", limit=6)
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.put_budget(foreign)
            await store.put_budget(own)

            found = await store.identify(KEY.digest)

            assert found is not None
            assert (found.key, found.account) == (KEY, ACCOUNT)
            assert found.plan == BUILT_IN_PLANS["free"]
            assert set(found.budgets) == {BUDGET, own}
            assert await store.identify(b"9" * 32) is None
            bare = await store.identity("acc_1")
            assert bare is not None
            assert (bare.key, bare.budgets) == (None, (BUDGET,))
            assert await store.identity("acc_9") is None

    async def test_accounts_are_walls(self) -> None:
        """Another account's keys, rows and sums are as if they did not exist."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0"))
            await store.settle(end("r0", cost=5))

            assert await store.key("acc_2", "key_1") is None
            assert not await store.keys("acc_2")
            assert await store.row("acc_2", "r0") is None
            assert not await store.rows("acc_2")
            assert not await store.budgets("acc_2")
            report = await store.report("acc_2", start=0, end=NOON + HOUR, group_by="model")
            assert not report.groups

    async def test_ids_and_secrets_are_taken_once(self) -> None:
        """Adding over what exists is refused and changes nothing."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)

            assert not await store.add_account(attrs.evolve(ACCOUNT, name="thief"))
            assert not await store.add_key(attrs.evolve(KEY, id="key_9"))
            assert not await store.add_key(attrs.evolve(KEY, digest=b"9" * 32))

            assert await store.account("acc_1") == ACCOUNT
            assert await store.keys("acc_1") == [KEY]

    async def test_changes_at_once_lose_nothing(self) -> None:
        """Each change is made to what the one before left; what raises changes nothing."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)

            async def append(letter: str) -> None:
                await store.change_key(
                    "acc_1", "key_1", lambda key: attrs.evolve(key, name=key.name + letter)
                )
                await store.change_account(
                    "acc_1", lambda one: attrs.evolve(one, name=one.name + letter)
                )

            async with anyio.create_task_group() as tasks:
                for letter in "abcdef":
                    tasks.start_soon(append, letter)
            key, account = await store.key("acc_1", "key_1"), await store.account("acc_1")

            assert key is not None
            assert account is not None
            assert sorted(key.name.removeprefix("one")) == list("abcdef")
            assert sorted(account.name.removeprefix("first")) == list("abcdef")
            assert await store.change_key("acc_2", "key_1", lambda key: key) is None
            assert await store.change_account("acc_9", lambda one: one) is None

    async def test_a_key_and_its_successor_are_written_together(self) -> None:
        """Both or neither; budgets follow the lineage."""
        new = attrs.evolve(KEY, id="key_2", digest=b"2" * 32)

        def succeed(key: Key) -> Key:
            return attrs.evolve(key, id="key_2", digest=b"2" * 32)

        own = Budget(id="bud_3", account="acc_1", key="key_1", period="total", limit=6)
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.put_budget(own)

            changed = await store.change_key(
                "acc_1", "key_1", lambda key: attrs.evolve(key, revoked=NOON), successor=succeed
            )
            found = await store.identify(new.digest)
            try:
                await store.change_key(
                    "acc_1", "key_1", lambda key: attrs.evolve(key, revoked=None), successor=succeed
                )
            except UsageMistake:
                again = await store.key("acc_1", "key_1")
            else:
                raise AssertionError("a secret was given twice")

            assert changed == again == attrs.evolve(KEY, revoked=NOON)
            assert found is not None
            assert (found.key, own in found.budgets) == (new, True)

    async def test_plans_of_ones_own_stand_beside_the_built_in_ones(self) -> None:
        """A plan is written and found; one with a built-in name takes its place."""
        mine = Plan(name="mine", requests_per_minute=7, parallel=2, token_reserve="maximum")
        free = Plan(name="free", requests_per_minute=1)
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            assert await store.plans() == BUILT_IN_PLANS
            assert await store.change_plan("mine", lambda found: found or mine) == mine
            await store.change_plan("free", lambda found: free if found else mine)
            await store.change_account("acc_2", lambda account: attrs.evolve(account, plan="mine"))

            assert await store.plans() == {**BUILT_IN_PLANS, "mine": mine, "free": free}
            found = await store.identity("acc_2")
            assert found is not None
            assert found.plan == mine

    async def test_an_account_must_be_on_a_plan_that_there_is(self) -> None:
        """Neither a new one nor a change may name another."""
        lost = attrs.evolve(ACCOUNT, id="acc_9", plan="gold")
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            for step in (
                lambda: store.add_account(lost),
                lambda: store.change_account("acc_1", lambda _: attrs.evolve(ACCOUNT, plan="gold")),
            ):
                try:
                    await step()
                except UsageMistake:
                    continue
                raise AssertionError("an account is on no plan")

            assert await store.account("acc_9") is None
            assert await store.account("acc_1") == ACCOUNT

    async def test_a_plan_that_accounts_are_on_is_not_dropped(self) -> None:
        """One that nobody is on is; where it had a built-in one's place, that shows again."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.change_plan("gold", lambda _: Plan(name="gold"))
            await store.change_plan("pro", lambda _: Plan(name="pro", parallel=1))
            await store.change_account("acc_1", lambda one: attrs.evolve(one, plan="gold"))

            assert await store.drop_plan("gold") == "in_use"
            assert await store.drop_plan("pro") == "dropped"
            assert await store.drop_plan("pro") == "unknown"
            assert "gold" in await store.plans()
            assert (await store.plans())["pro"] == BUILT_IN_PLANS["pro"]
            await store.erase_account("acc_1", NOON)
            assert await store.drop_plan("gold") == "dropped"
            assert await store.identify(KEY.digest) is not None

    async def test_a_budget_is_changed_or_ended_in_one_step(self) -> None:
        """Of another account there is none; what was spent stays with its id."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", hold=100))
            more = attrs.evolve(BUDGET, limit=2000)

            assert await store.change_budget("acc_2", "bud_1", lambda _: more) is None
            assert await store.change_budget("acc_1", "bud_1", lambda _: more) == more
            assert await store.budget("acc_1", "bud_1") == more
            assert await store.budget("acc_2", "bud_1") is None
            assert await store.change_budget("acc_1", "bud_1", lambda _: None) == more
            assert await store.budget("acc_1", "bud_1") is None
            assert not await store.budgets("acc_1")
            assert isinstance(await store.settle(end("r0", cost=7)), Settled)
            purse = await store.budget_state("bud_1", "2026-01")
            assert (purse.spent, purse.held) == (7, 0)

    async def test_keys_and_budgets_are_counted(self) -> None:
        """Each account's own; budgets by the lineage that they bound."""
        own = Budget(id="bud_3", account="acc_1", key="key_1", period="total", limit=6)
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.put_budget(own)

            assert [await store.key_count(id) for id in ("acc_1", "acc_2")] == [1, 0]
            counts = [await store.budget_count("acc_1", key) for key in (None, "key_1", "key_9")]
            assert counts == [1, 1, 0]
            assert [one.id for one in await store.budgets("acc_1", after="bud_1")] == ["bud_3"]

    async def test_an_erased_account_leaves_sums_and_no_names(self) -> None:
        """Its keys are revoked and nameless, its id and its sums stay, and it ends once."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            await store.admit(ask("r0", hold=100))
            await store.settle(end("r0", used=3, cost=70))
            before = await self._report(store)

            erased = await store.erase_account("acc_1", NOON + 5)

            assert erased == attrs.evolve(ACCOUNT, name="", plan="free", deleted=NOON + 5)
            assert await store.account("acc_1") == erased
            key = attrs.evolve(KEY, name="", hint="", revoked=NOON + 5)
            assert await store.keys("acc_1") == [key]
            found = await store.identify(KEY.digest)
            assert found is not None
            assert (found.key, found.account) == (key, erased)
            assert await self._report(store) == before
            assert (await store.budget_state("bud_1", "2026-01")).spent == 70
            assert await store.admit(ask("r1")) == NotLive("deleted")
            assert await store.erase_account("acc_1", NOON + 9) is None
            assert await store.erase_account("acc_9", NOON) is None
            assert not await store.add_account(ACCOUNT)
            assert await store.account("acc_2") == OTHER
            try:
                await store.add_key(attrs.evolve(KEY, id="key_9", digest=b"9" * 32))
            except UsageMistake:
                pass
            else:
                raise AssertionError("a deleted account has a new key")

    async def test_whoever_may_not_changes_nothing(self) -> None:
        """`Actor.check` sees the caller as they are; what it raises undoes the step."""
        seen: list[Identity | None] = []

        def refuse(caller: Identity | None) -> None:
            seen.append(caller)
            raise PermissionDenied("admin")

        by = Actor(account="acc_1", key="key_1", check=refuse)
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            steps = _changes(store, by)
            for step in steps:
                try:
                    await step()
                except PermissionDenied:
                    continue
                raise AssertionError("somebody who may not has changed something")

            assert len(seen) == len(steps)
            assert seen[0] is not None
            assert (seen[0].key, seen[0].budgets) == (KEY, (BUDGET,))
            assert [one.id for one in await store.accounts()] == ["acc_1", "acc_2"]
            assert await store.account("acc_1") == ACCOUNT
            assert await store.keys("acc_1") == [KEY]
            assert await store.plans() == BUILT_IN_PLANS
            assert await store.budgets("acc_1") == [BUDGET]

    async def test_whoever_may_changes_as_they_are_now(self) -> None:
        """A key's account, its end and that it is gone are seen in the same step."""
        seen: list[Identity | None] = []
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            for account, key in (("acc_1", "key_1"), ("acc_2", "key_1"), ("acc_2", None)):
                by = Actor(account=account, key=key, check=seen.append)
                await store.change_key(
                    "acc_1", "key_1", lambda one: attrs.evolve(one, revoked=NOON), by=by
                )
            by = Actor(account="acc_1", key="key_1", check=seen.append)
            for step in _changes(store, by):
                await step()

            keys = [one and one.key and one.key.revoked for one in seen[:4]]
            assert keys == [None, None, None, NOON]
            assert seen[1] is None
            assert seen[2] is not None
            assert (seen[2].account, seen[2].key) == (OTHER, None)
            assert (await store.plans())["gold"] == Plan(name="gold")

    # Retention

    async def test_what_is_old_is_forgotten_and_sums_stay(self) -> None:
        """Batch by batch; what is open, or young enough, is not touched."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            for n in range(5):
                await store.admit(ask(f"r{n}", hold=10, account="acc_2" if n == 1 else "acc_1"))
                if n != 2:
                    await store.settle(end(f"r{n}", used=n, cost=n))
                clock.advance(60)
            before = await self._report(store)

            assert await store.forget(NOON, 100) == 0
            assert await store.forget(NOON + 4 * MINUTE, 2) == 2
            assert await store.forget(NOON + 4 * MINUTE, 2) == 1
            assert await store.forget(NOON + 4 * MINUTE, 2) == 0
            assert [row.id for row in await store.rows("acc_1")] == ["r2", "r4"]
            assert not await store.rows("acc_2")
            kept = await store.row("acc_1", "r4")
            assert kept is not None
            assert len(kept.attempts) == 1
            assert await self._report(store) == before
            assert (await store.budget_state("bud_1", "2026-01")).spent == 8
            assert isinstance(await store.settle(end("r2", cost=2)), Settled)
            assert await store.settle(end("r0")) == AlreadySettled("r0", None)
            assert await store.forget(NOON + 4 * MINUTE, 2) == 1

    async def test_what_is_personal_goes_with_its_account(self) -> None:
        """Labels and end users of an erased account's requests, whatever their age or state."""
        personal: dict[str, Any] = {"labels": {"team": "a"}, "end_user": "eve"}
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            for n in range(3):
                await store.admit(ask(f"r{n}", **personal))
            await store.admit(ask("r3", account="acc_2", **personal))
            await store.settle(end("r0", cost=5))
            assert await store.forget(0, 100) == 0
            await store.erase_account("acc_1", NOON)

            assert [await store.forget(0, 2) for _ in range(3)] == [2, 1, 0]
            rows = await store.rows("acc_1")
            assert [(row.labels, row.end_user) for row in rows] == [({}, None)] * 3
            assert [row.state for row in rows] == ["ok", "open", "open"]
            (other,) = await store.rows("acc_2")
            assert (other.labels, other.end_user) == ({"team": "a"}, "eve")
            assert (await self._report(store)).cost == 5

    async def test_keys_that_ended_long_ago_are_forgotten(self) -> None:
        """Revoked or expired before the time; their secrets are then unknown."""
        ends: dict[str, dict[str, Any]] = {
            "key_2": {"expires": NOON},
            "key_3": {"revoked": NOON},
            "key_4": {"revoked": NOON + 2},
        }
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            for id, when in ends.items():
                digest = id[-1].encode() * 32
                key = attrs.evolve(KEY, id=id, lineage=id, digest=digest, **when)
                await store.add_key(key)

            assert await store.forget(NOON + 1, 100) == 2
            assert [key.id for key in await store.keys("acc_1")] == ["key_1", "key_4"]
            assert await store.identify(b"2" * 32) is None
            assert await store.forget(NOON + 1, 100) == 0

    async def test_lists_page_by_id(self) -> None:
        """Pages follow each other without gap or overlap."""
        async with self.open_store(ManualClock(NOON)) as store:
            await self._furnish(store)
            for n in range(5):
                digest = bytes([n]) * 32
                key = Key(
                    id=f"key_a{n}", account="acc_2", digest=digest, hint="", name="", created=NOON
                )
                await store.add_key(key)
                await store.admit(ask(f"r{n}"))

            pages = [await store.keys("acc_2", limit=2)]
            while pages[-1]:
                pages.append(await store.keys("acc_2", after=pages[-1][-1].id, limit=2))
            assert [[key.id[-1] for key in page] for page in pages] == [
                ["0", "1"],
                ["2", "3"],
                ["4"],
                [],
            ]
            assert [row.id for row in await store.rows("acc_1", after="r2")] == ["r3", "r4"]
            newest = await store.rows("acc_1", limit=2, newest_first=True)
            assert [row.id for row in newest] == ["r4", "r3"]
            older = await store.rows("acc_1", after="r3", newest_first=True)
            assert [row.id for row in older] == ["r2", "r1", "r0"]
            assert [one.id for one in await store.accounts(after="acc_1")] == ["acc_2"]
            assert await store.account("acc_2") == OTHER

    async def _report(self, store: Store) -> UsageReport:
        return await store.report("acc_1", start=0, end=NOON + 24 * HOUR, group_by="model")


class DurableStoreSuite(StoreSuite):
    """What a store must do besides that outlives its process."""

    async def test_what_was_told_is_there_when_opened_again(self) -> None:
        """Rows, windows, budgets, keys and owners survive closing; `open_store` opens the same."""
        clock = ManualClock(NOON)
        async with self.open_store(clock) as store:
            await self._furnish(store)
            await store.admit(_reserved("r0"))
            await store.admit(ask("r1", requests(5), hold=3))
            await store.settle(end("r1", cost=2))
        clock.advance(1)
        async with self.open_store(clock) as store:
            await store.enlist(OWNER, LEASE)
            states = await store.peek([requests(5), tokens(0, 1000)])
            rows: Sequence[object] = [row.state for row in await store.rows("acc_1")]

            assert [state.used for state in states] == [1, 20]
            assert rows == ["open", "ok"]
            assert await store.key("acc_1", "key_1") == KEY
            purse = await store.budget_state("bud_1", "2026-01")
            assert (purse.spent, purse.held) == (2, 200)
            assert isinstance(await store.settle(end("r0", cost=1)), Settled)


def _changes(store: Store, by: Actor) -> list[Callable[[], Awaitable[object]]]:
    """Return every kind of change, by somebody."""
    key = attrs.evolve(KEY, id="key_9", lineage="key_9", digest=b"9" * 32)

    def new_name(one: T) -> T:
        return attrs.evolve(one, name="new")  # type: ignore[misc]

    return [
        lambda: store.add_key(key, by=by),
        lambda: store.change_key("acc_1", "key_1", new_name, by=by),
        lambda: store.add_account(attrs.evolve(OTHER, id="acc_9"), by=by),
        lambda: store.change_account("acc_1", new_name, by=by),
        lambda: store.change_plan("gold", lambda _: Plan(name="gold"), by=by),
        lambda: store.drop_plan("silver", by=by),
        lambda: store.put_budget(attrs.evolve(BUDGET, id="bud_9"), by=by),
        lambda: store.change_budget("acc_1", "bud_1", lambda _: None, by=by),
        lambda: store.erase_account("acc_1", NOON, by=by),
    ]


def _state(n: int) -> str:
    return ("ok", "error", "aborted")[n % 3]


def _reserved(id: str) -> Admission:
    return ask(
        id,
        tokens(20, 1000),
        hold=200,
        prompt_tokens=7,
        prompt_cost=70,
        reserved_tokens=20,
        planned=Planned("mock-1", "gpt-4-0613", "local", "{}"),
    )
