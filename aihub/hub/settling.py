"""Ending what was admitted: once, within a bounded time, whatever happens.

Theory of operation. A settlement is written shielded from its caller's cancellation, for at most
`STORE_TIMEOUT`. If the store fails it waits in a queue that the hub's own task retries; while
something waits, nothing new is admitted. The queue is bounded by what can be in flight. At close
it is tried once more; what then remains is for the sweeper of another hub.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio
import anyio.lowlevel

from ..core.limits import wait_seconds
from ..core.reservations import Lengths
from ..errors import OverLimit, SettlementFailed, StorageError, StoreUnavailable
from ..messages import Msg
from ..model.ledger import (
    Admission,
    Admitted,
    AlreadySettled,
    LostPolicy,
    Refused,
    Settled,
    Settlement,
    WindowAsk,
    WindowFull,
)
from ..model.units import SECOND, Micros, Pico
from ..protocols import CallFinished, ImmediateAdmissions, Observer, Store

log = logging.getLogger("aihub")

STORE_TIMEOUT = 5.0
"""Seconds that one call to the store may take: a caller would rather have a 503 than wait."""

T = TypeVar("T")

LEASE: Micros = 30 * SECOND
"""How long a hub that stops renewing is taken to be alive: far above a pause of any collector."""

MAX_FULL = 10_000
"""Full windows remembered at a time; forgetting one costs a peek that would have refused."""

RENEWALS = 3
"""Renewals per lease, so that two may fail."""

FIRST_RETRY = 0.05
LAST_RETRY = 5.0
"""Seconds between tries to write what is unsettled: soon at first, then without hurry."""


class Settler:
    """Admit and settle through the store, and look after what could not be settled."""

    def __init__(
        self, store: Store, owner: str, observers: Sequence[Observer], policy: LostPolicy
    ) -> None:
        self.store = store
        self._immediate = store if isinstance(store, ImmediateAdmissions) else None
        self.owner = owner
        self._observers = tuple(observers)
        self._reported: set[int] = set()
        self._policy = policy
        self._waiting: deque[tuple[Admission, Settlement]] = deque()
        self._something_waits = anyio.Event()
        self._lengths: dict[str, Lengths] = {}
        # Request windows that were found full, and until when at most.
        self._full: dict[str, Micros] = {}

    @property
    def unsettled(self) -> int:
        """How many settlements wait for the store."""
        return len(self._waiting)

    def estimate(self, model: str) -> int:
        """Return how long an answer of *model* is likely to be at most."""
        return self._lengths_of(model).estimate()

    def learn(self, model: str, tokens: int) -> None:
        """Remember how long an answer of *model* was."""
        self._lengths_of(model).add(tokens)

    def _lengths_of(self, model: str) -> Lengths:
        lengths = self._lengths.get(model)
        if lengths is None:
            lengths = self._lengths[model] = Lengths()
        return lengths

    @property
    def knows_full(self) -> bool:
        """Whether any window was found full lately."""
        return bool(self._full)

    async def refuse_if_full(self, windows: Sequence[WindowAsk], now: Micros) -> None:
        """Look once more at request windows that were full a moment ago.

        A peek, not a decision: it spares the work of a request that has no chance. The store is
        asked only where a refusal is remembered.

        Raises:
            OverLimit: a window is full still.
        """
        if not any(self._full.get(ask.key, 0) > now for ask in windows):
            return
        try:
            with anyio.move_on_after(STORE_TIMEOUT):
                states = await self.store.peek(windows)
                for state in states:
                    if state.kind == "requests" and not state.remaining:
                        wait = wait_seconds(self._full.get(state.key, 0), now)
                        raise OverLimit("requests_per_minute", wait, windows=states)
        except StorageError:
            return  # The admission will say so.

    def remember_full(self, refused: WindowFull, now: Micros) -> None:
        """Remember that a request window is full."""
        if refused.kind == "requests":
            if len(self._full) >= MAX_FULL:
                self._full.clear()
            self._full[refused.key] = now + refused.retry_after * SECOND

    async def admit(self, ask: Admission) -> Admitted | Refused:
        """Admit, shielded; where the outcome is unknown or nobody waits for it, settle at 0.

        Raises:
            StoreUnavailable: the store failed or took too long; the request does not count.
        """
        if self._immediate is not None:
            return self._immediate.admit_nowait(ask)
        result: Admitted | Refused | None = None
        failure: StorageError | None = None
        try:
            with anyio.move_on_after(STORE_TIMEOUT, shield=True):
                result = await self.store.admit(ask)
        except StorageError as error:
            failure = error
        if result is None:
            # Its outcome is unknown. To wait for the store once more would keep the caller twice
            # as long, so the end goes where what cannot be written waits.
            self._wait_to_settle(ask, _undone(ask))
            raise StoreUnavailable(Msg("the store does not answer")) from failure
        try:
            await anyio.lowlevel.checkpoint_if_cancelled()
        except BaseException:
            if isinstance(result, Admitted):
                await self._undo(ask)
            raise
        return result

    async def _undo(self, ask: Admission) -> None:
        try:
            await self.settle(ask, _undone(ask))
        except SettlementFailed:
            return  # It is in the queue now, and whoever asked is told something else.

    async def read(self, call: Callable[[], Awaitable[T]]) -> T:
        """Ask the store for something that a request waits for.

        Raises:
            StoreUnavailable: the store failed or took too long.
        """
        with anyio.move_on_after(STORE_TIMEOUT):
            return await call()
        raise StoreUnavailable(Msg("the store does not answer"))

    async def hold(self, id: str, more: Pico) -> bool:
        """Ask for room for a further attempt; a store that does not answer gives none."""
        try:
            with anyio.move_on_after(STORE_TIMEOUT):
                return await self.store.hold(id, more)
        except StorageError:
            return False
        return False

    async def settle(self, ask: Admission, final: Settlement) -> Settled | AlreadySettled:
        """Write how *ask* ended, shielded from cancellation.

        Raises:
            SettlementFailed: the store failed; the settlement waits to be tried again.
        """
        failure: StorageError | None = None
        try:
            if self._immediate is not None:
                settled = self._immediate.settle_nowait(final)
                self._tell(ask, final, settled)
                return settled
            with anyio.move_on_after(STORE_TIMEOUT, shield=True):
                settled = await self.store.settle(final)
                self._tell(ask, final, settled)
                return settled
        except StorageError as error:
            failure = error
        self._wait_to_settle(ask, final)
        raise SettlementFailed(Msg("the request could not be settled")) from failure

    def _wait_to_settle(self, ask: Admission, final: Settlement) -> None:
        self._waiting.append((ask, final))
        self._something_waits.set()

    def _tell(self, ask: Admission, final: Settlement, settled: Settled | AlreadySettled) -> None:
        if not self._observers:
            return
        done = CallFinished(
            id=ask.id,
            account=ask.account,
            key=ask.key,
            model=ask.model,
            row=final,
            settled=settled,
        )
        for observer in self._observers:
            try:
                observer.call_finished(done)
            except Exception:
                # It only watches: its fault is reported once, and is nobody else's.
                if id(observer) not in self._reported:
                    self._reported.add(id(observer))
                    log.exception("an observer failed; it will not be reported again")

    # The hub's own tasks

    async def retry_unsettled(self) -> None:
        """Write what waits, as long as the hub is open."""
        while True:
            await self._something_waits.wait()
            self._something_waits = anyio.Event()
            delay = FIRST_RETRY
            while self._waiting:
                await anyio.sleep(delay)
                delay = min(LAST_RETRY, 2 * delay)
                await self.flush()

    async def flush(self) -> None:
        """Try once to write everything that waits; stop at the first failure."""
        while self._waiting:
            first = ask, final = self._waiting[0]
            try:
                with anyio.fail_after(STORE_TIMEOUT, shield=True):
                    settled = await self.store.settle(final)
            except (StorageError, TimeoutError):
                return
            # At close two may be at it; each entry is taken once.
            if self._waiting and self._waiting[0] is first:
                self._waiting.popleft()
                self._tell(ask, final, settled)

    async def keep_lease(self) -> None:
        """Renew the lease every third of it, and sweep for the dead once per lease."""
        turn = 0
        while True:
            await anyio.sleep(LEASE / SECOND / RENEWALS)
            turn += 1
            await self._bounded(lambda: self.store.renew(self.owner, LEASE), "renew its lease")
            if turn % RENEWALS == 0:
                await self.sweep()

    async def sweep(self) -> None:
        """Look for requests whose hub is dead."""
        await self._bounded(lambda: self.store.sweep(self._policy), "sweep")

    async def leave(self) -> None:
        """Give the lease back."""
        await self._bounded(lambda: self.store.retire(self.owner), "give its lease back")

    async def _bounded(self, call: Callable[[], Awaitable[object]], what: str) -> None:
        try:
            with anyio.fail_after(STORE_TIMEOUT):
                await call()
        except (StorageError, TimeoutError) as error:
            log.warning(
                "the store did not let the hub %s: %s", what, str(error) or "it took too long"
            )


def _undone(ask: Admission) -> Settlement:
    """Return the end of a request that was perhaps admitted, and went no further."""
    return Settlement(id=ask.id, state="aborted", code="aborted")
