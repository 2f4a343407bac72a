"""The store that keeps everything in this process: the reference for what a store means.

Theory of operation. Every method runs from its first line to its last without awaiting, so on one
event loop it is atomic by construction, and a cancelled caller finds it done or not begun.
`admit` asks everything first and takes only when nothing refuses.

Memory is bounded: windows hold a minute, details of settled requests are kept for the last
`MAX_ROWS`, and what stays for good is a sum per account, hour, model and key.

Longer than our files are meant to be: each method is one step, and atomic because nothing of it is
elsewhere.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import attrs

from ....core.limits import Window
from ....errors import UsageMistake
from ....model.account import Account, Actor
from ....model.events import Completion
from ....model.ledger import (
    Admission,
    Admitted,
    AlreadySettled,
    BudgetFull,
    BudgetState,
    Idempotency,
    LedgerRow,
    LostPolicy,
    NotLive,
    Refused,
    Repeated,
    Settled,
    Settlement,
    SlotsFull,
    State,
    WindowAsk,
    WindowFull,
    WindowState,
    lost_settlement,
    without_record,
)
from ....model.units import HOUR, Micros, Pico, rfc3339
from ....model.usage import GroupBy, Usage, UsageReport, UsageSum
from ....protocols import Clock
from .answers import MemoryAnswers
from .directory import MemoryDirectory, page
from .records import MemoryRecords
from .sessions import MemorySessions

MAX_ROWS = 2_000
"""Settled requests whose details are kept. Each is a dozen objects that every full garbage
collection walks through, so that ten times as many cost each request a tenth more."""


@attrs.define
class _Row:
    ask: Admission
    at: Micros
    held: Pico
    state: State = "open"
    final: Settlement | None = None
    settled: Micros | None = None


@attrs.define
class _Money:
    spent: Pico = 0
    held: Pico = 0


@attrs.define
class _Sum:
    requests: int = 0
    prompt: int = 0
    completion: int = 0
    cost: Pico = 0


class MemoryStore(MemoryDirectory, MemorySessions, MemoryRecords):
    """Keep everything in this process, for one event loop, until it ends.

    Args:
        clock: what time it is; windows, leases and rows go by it.
    """

    def __init__(self, *, clock: Clock) -> None:
        MemoryDirectory.__init__(self)
        MemorySessions.__init__(self)
        MemoryRecords.__init__(self)
        self._clock = clock
        self._windows: dict[str, Window] = {}
        self._open_slots: dict[str, int] = {}
        self._open: dict[str, _Row] = {}
        self._done: OrderedDict[str, _Row] = OrderedDict()
        self._money: dict[tuple[str, str], _Money] = {}
        self._sums: dict[tuple[str, Micros, str, str, str], _Sum] = {}
        self._owners: dict[str, Micros] = {}
        self._kept = MemoryAnswers()

    # Admissions

    async def admit(self, ask: Admission) -> Admitted | Refused:
        """Take everything and write the row, or leave no trace."""
        return self.admit_nowait(ask)

    def admit_nowait(self, ask: Admission) -> Admitted | Refused:
        """Do what `admit` does."""
        now = self._clock.now()
        refused = (
            self._refused_as_not_live(ask, now)
            or (ask.idempotency and self._kept.find(ask.account, ask.idempotency, now))
            or self._refused_by_windows(ask, now)
            or self._refused_by_slots(ask)
            or self._refused_by_budgets(ask)
        )
        if refused is not None:
            return refused
        if ask.id in self._open or ask.id in self._done:
            raise UsageMistake(f"the request id '{ask.id}' was used before")
        for take in ask.windows:
            self._window(take.key).put(ask.id, take.amount, now)
        for slot in ask.slots:
            self._open_slots[slot.key] = self._open_slots.get(slot.key, 0) + 1
        for hold in ask.holds:
            self._purse(hold.budget, hold.period).held += hold.amount
        self._open[ask.id] = _Row(ask, now, ask.reserved_cost)
        if ask.idempotency is not None:
            self._kept.begin(ask.account, ask.idempotency, ask.id, now)
        return Admitted(now, self._states(ask.windows, now))

    def _refused_as_not_live(self, ask: Admission, now: Micros) -> NotLive | None:
        account = self._accounts.get(ask.account)
        if account is None:
            return NotLive("unknown")
        if account.deleted is not None:
            return NotLive("deleted")
        if ask.key is None:
            return None
        key = self._keys.get(ask.key)
        if key is None or key.account != ask.account:
            return NotLive("unknown")
        if key.revoked_at(now):
            return NotLive("revoked")
        return NotLive("expired") if key.expired_at(now) else None

    def _refused_by_windows(self, ask: Admission, now: Micros) -> WindowFull | None:
        worst: WindowFull | None = None
        for take in ask.windows:
            window = self._window(take.key)
            if window.fits(take.amount, take.limit, now):
                continue
            wait = window.retry_after(take.amount, take.limit, now)
            if worst is None or wait > worst.retry_after:
                worst = WindowFull(take.key, take.kind, wait, ())
        return worst and attrs.evolve(worst, windows=self._states(ask.windows, now))

    def _refused_by_slots(self, ask: Admission) -> SlotsFull | None:
        for slot in ask.slots:
            if self._open_slots.get(slot.key, 0) >= slot.limit:
                return SlotsFull(slot.key, slot.limit)
        return None

    def _refused_by_budgets(self, ask: Admission) -> BudgetFull | None:
        for hold in ask.holds:
            purse = self._purse(hold.budget, hold.period)
            if purse.spent + purse.held + hold.amount > hold.limit:
                return BudgetFull(hold.budget)
        return None

    async def hold(self, id: str, more: Pico) -> bool:
        """Raise an open request's holds, all of them or none."""
        row = self._open.get(id)
        if row is None:
            return False
        for hold in row.ask.holds:
            purse = self._purse(hold.budget, hold.period)
            if purse.spent + purse.held + more > hold.limit:
                return False
        for hold in row.ask.holds:
            self._purse(hold.budget, hold.period).held += more
        row.held += more
        return True

    async def settle(self, final: Settlement) -> Settled | AlreadySettled:
        """Write the end of a request, once; replace a lost one once."""
        return self.settle_nowait(final)

    def settle_nowait(self, final: Settlement) -> Settled | AlreadySettled:
        """Do what `settle` does."""
        row = self._open.pop(final.id, None)
        if row is None:
            return self._replace_lost(final)
        return self._finish(row, final)

    def _finish(self, row: _Row, final: Settlement) -> Settled:
        now = self._clock.now()
        ask = row.ask
        for take in ask.windows:
            if take.kind == "tokens":
                window = self._window(take.key)
                window.advance(now)
                window.settle(ask.id, final.used_tokens)
        for slot in ask.slots:
            self._leave_slot(slot.key)
        extra = row.held - ask.reserved_cost
        for hold in ask.holds:
            self._purse(hold.budget, hold.period).held -= hold.amount + extra
        self._book(row, final, +1)
        settled = self._end(row, final, now)
        self._remember(row)
        return settled

    def _end(self, row: _Row, final: Settlement, now: Micros) -> Settled:
        ask, place = row.ask, None
        if final.awaited and final.record is not None:
            one = final.record
            if (one.account, one.kind, one.id) not in self._records:
                final = without_record(final)
        if final.turn is not None:
            place = self._append(
                ask.account,
                final.turn,
                request=final.id,
                at=now,
                usage=final.usage or Usage(0, 0),
                cost=final.cost,
            )
            # What was said is kept once, with the session.
            final = attrs.evolve(final, turn=None)
        if final.record is not None:
            session, turn = place or (None, None)
            self._keep_record(attrs.evolve(final.record, session=session, turn=turn))
            final = attrs.evolve(final, record=None)
        if ask.idempotency is not None:
            self._kept.end(ask.account, ask.idempotency, final)
            final = attrs.evolve(final, answer=None)
        row.state, row.final, row.settled = final.state, final, now
        return Settled(id=final.id, state=final.state, cost=final.cost, turn=place and place[1])

    def _replace_lost(self, final: Settlement) -> Settled | AlreadySettled:
        row = self._done.get(final.id)
        if row is None or row.final is None or row.state != "lost":
            return AlreadySettled(final.id, None if row is None else row.state)
        self._book(row, row.final, -1)
        self._book(row, final, +1)
        for take in row.ask.windows:
            if take.kind == "tokens":
                self._window(take.key).settle(final.id, final.used_tokens)
        return self._end(row, final, self._clock.now())

    def _book(self, row: _Row, final: Settlement, sign: int) -> None:
        ask, cost, usage = row.ask, final.cost, final.usage
        for hold in ask.holds:
            self._purse(hold.budget, hold.period).spent += sign * cost
        served = final.served_model or ask.served_model or ""
        group = (ask.account, row.at - row.at % HOUR, ask.model, served, ask.key or "")
        total = self._sums.get(group)
        if total is None:
            total = self._sums[group] = _Sum()
        total.requests += sign
        total.cost += sign * cost
        if usage is not None:
            total.prompt += sign * usage.prompt
            total.completion += sign * usage.completion

    def _leave_slot(self, key: str) -> None:
        self._open_slots[key] -= 1
        if not self._open_slots[key]:
            del self._open_slots[key]

    def _remember(self, row: _Row) -> None:
        self._done[row.ask.id] = row
        if len(self._done) > MAX_ROWS:
            self._done.popitem(last=False)

    async def sweep(self, policy: LostPolicy) -> Sequence[Settled]:
        """Mark dead owners' rows lost, and forget windows that hold nothing."""
        now = self._clock.now()
        for key in [key for key, window in self._windows.items() if not self._alive(window, now)]:
            del self._windows[key]
        self._kept.forget(now)
        dead = [row for row in self._open.values() if self._owners.get(row.ask.owner, 0) <= now]
        for row in dead:
            del self._open[row.ask.id]
        return [
            self._finish(row, lost_settlement(row.ask, policy, admitted=row.at)) for row in dead
        ]

    @staticmethod
    def _alive(window: Window, now: Micros) -> bool:
        window.advance(now)
        # One whose clock runs ahead is kept: its time must not go back.
        return bool(window.times) or window.latest > now

    async def peek(self, windows: Sequence[WindowAsk]) -> tuple[WindowState, ...]:
        """Return windows as they stand."""
        return self._states(windows, self._clock.now())

    def _states(self, windows: Sequence[WindowAsk], now: Micros) -> tuple[WindowState, ...]:
        return tuple([self._state(ask, now) for ask in windows])

    def _state(self, ask: WindowAsk, now: Micros) -> WindowState:
        window = self._windows.get(ask.key)
        if window is None:
            return WindowState(ask.key, ask.kind, ask.limit, 0, now)
        resets = window.resets_at(now)
        return WindowState(ask.key, ask.kind, ask.limit, window.total, resets)

    def _window(self, key: str) -> Window:
        window = self._windows.get(key)
        if window is None:
            window = self._windows[key] = Window()
        return window

    def _purse(self, budget: str, period: str) -> _Money:
        return self._money.setdefault((budget, period), _Money())

    # Leases

    async def enlist(self, owner: str, lease: Micros) -> None:
        """Register an owner."""
        self._owners[owner] = self._clock.now() + lease

    async def renew(self, owner: str, lease: Micros) -> None:
        """Extend a lease."""
        self._owners[owner] = self._clock.now() + lease

    async def retire(self, owner: str) -> None:
        """End a lease."""
        self._owners.pop(owner, None)

    # Directory

    async def erase_account(
        self, id: str, at: Micros, *, by: Actor | None = None
    ) -> Account | None:
        """End an account and forget who it was and what was said, in one step."""
        erased = await super().erase_account(id, at, by=by)
        if erased is not None:
            self._erase_sessions(id)
            self._kept.erase(id)
            self._erase_records(id)
        return erased

    def _let_go(self, account: str, session: str) -> None:
        kept = self._find(account, session)
        if kept is not None and kept.session.held:
            del self._sessions[account][session]

    def _lives(self, account: str) -> bool:
        found = self._accounts.get(account)
        return found is not None and found.deleted is None

    # UsageLog

    async def report(
        self, account: str, *, start: Micros, end: Micros, group_by: GroupBy
    ) -> UsageReport:
        """Sum settled requests from the rollups."""
        groups: dict[str, _Sum] = {}
        for (owner, hour, model, served, key), one in self._sums.items():
            if owner != account or not start <= hour < end or not one.requests:
                continue
            day = rfc3339(hour)[:10]
            name = {"day": day, "model": model, "served_model": served, "key": key}[group_by]
            total = groups.setdefault(name, _Sum())
            total.requests += one.requests
            total.prompt += one.prompt
            total.completion += one.completion
            total.cost += one.cost
        return UsageReport(
            account=account,
            start=start,
            end=end,
            group_by=group_by,
            groups=tuple(
                UsageSum(
                    group=name,
                    requests=total.requests,
                    prompt=total.prompt,
                    completion=total.completion,
                    cost=total.cost,
                )
                for name, total in sorted(groups.items())
            ),
        )

    async def row(self, account: str, id: str) -> LedgerRow | None:
        """Return a row while its details are kept."""
        row = self._open.get(id) or self._done.get(id)
        return None if row is None or row.ask.account != account else _ledger_row(row)

    async def rows(
        self,
        account: str,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Sequence[LedgerRow]:
        """Return rows whose details are kept, by id."""
        kept = {**self._done, **self._open}
        own = {id: row for id, row in kept.items() if row.ask.account == account}
        found = page(own, after, limit, newest_first=newest_first)
        return [_ledger_row(row) for row in found]

    # Answers

    async def repeated(self, account: str, asked: Idempotency) -> Repeated | None:
        """Say what a key was used for."""
        return self._kept.find(account, asked, self._clock.now())

    async def answer(self, account: str, request: str) -> Completion | None:
        """Return an answer that is kept."""
        return self._kept.answer(account, request)

    async def budget_state(self, budget: str, period: str) -> BudgetState:
        """Return what a budget's period has spent and holds."""
        purse = self._money.get((budget, period), _Money())
        return BudgetState(budget, period, purse.spent, purse.held)

    # Retention

    async def forget(self, before: Micros, limit: int) -> int:
        """Forget what is old, and what is personal of accounts that were erased."""
        old = [id for id, row in self._done.items() if row.at < before][:limit]
        for id in old:
            del self._done[id]
        told = [row for row in (*self._open.values(), *self._done.values()) if self._tells(row)]
        for row in told[: limit - len(old)]:
            row.ask = attrs.evolve(row.ask, labels=None, end_user=None, idempotency=None)
        left = limit - len(old) - len(told[: limit - len(old)])
        left -= self._forget_keys(before, left)
        return limit - left + self._forget_records(self._clock.now(), left)

    def _tells(self, row: _Row) -> bool:
        """Say whether a row has something personal of an account that was erased."""
        account = self._accounts[row.ask.account]
        ask = row.ask
        return account.deleted is not None and bool(ask.labels or ask.end_user or ask.idempotency)


def _ledger_row(row: _Row) -> LedgerRow:
    ask, final = row.ask, row.final
    return LedgerRow(
        id=ask.id,
        account=ask.account,
        key=ask.key,
        kind=ask.kind,
        model=ask.model,
        served_model=(final and final.served_model) or ask.served_model,
        state=row.state,
        code=final.code if final else None,
        admitted=row.at,
        settled=row.settled,
        owner=ask.owner,
        prompt_tokens=ask.prompt_tokens,
        prompt_cost=ask.prompt_cost,
        reserved_tokens=ask.reserved_tokens,
        reserved_cost=ask.reserved_cost,
        usage=final.usage if final else None,
        cost=final.cost if final else 0,
        latency=final.latency if final else None,
        first_token=final.first_token if final else None,
        session=ask.session,
        labels=dict(ask.labels or {}),
        end_user=ask.end_user,
        idempotency_key=None if ask.idempotency is None else ask.idempotency.key,
        digest=None if ask.idempotency is None else ask.idempotency.digest,
        attempts=final.attempts if final else (),
    )
