"""Forgetting: details that are old enough, and what is personal of accounts that were deleted.

Theory of operation. The hub's own task asks the store for one small batch after the other, so that
no request waits long behind it, until a batch is not full; then it waits for `INTERVAL`, or until
an account is deleted. Several hubs on one store do so beside each other, which does no harm. What
the store refuses now is tried at the next turn.
"""

from __future__ import annotations

import logging

import anyio

from ..errors import StorageError, UsageMistake
from ..model.units import SECOND, Micros
from ..protocols import Clock, Retention
from .settling import STORE_TIMEOUT

log = logging.getLogger("aihub")

RETENTION = 400 * 86_400.0
"""Seconds that details are kept by default: a year, and time to look back at it."""

MIN_RETENTION = 86_400.0
"""A request that was repeated or given up for lost may come back within a day."""

INTERVAL = 3600.0
"""Seconds between two turns: nobody notices whether what is 400 days old goes an hour later."""

BATCH = 100
"""Things in one batch: on SQLite it holds the writer for some milliseconds."""

PAUSE = 0.02
"""Seconds between two batches, in which others have the store to themselves."""


class Forgetter:
    """Forget through the store what need not be known any more."""

    def __init__(self, store: Retention, clock: Clock, seconds: float | None) -> None:
        if seconds is not None and not MIN_RETENTION <= seconds < float("inf"):
            raise UsageMistake(
                f"retention is {seconds!r}: use at least {MIN_RETENTION:.0f} seconds, or None"
            )
        self._store = store
        self._clock = clock
        self._span: Micros | None = None if seconds is None else round(seconds * SECOND)
        self._wanted = anyio.Event()

    def soon(self) -> None:
        """Have a turn now rather than at its time."""
        self._wanted.set()

    async def run(self) -> None:
        """Take turns as long as the hub is open."""
        while True:
            self._wanted = anyio.Event()
            await self._turn()
            with anyio.move_on_after(INTERVAL):
                await self._wanted.wait()

    async def finish(self) -> None:
        """Have the turn that was wanted, where nobody runs to take it."""
        if self._wanted.is_set():
            await self._turn()

    async def _turn(self) -> None:
        try:
            # Only the store knows whether there is more, so there is nothing to wait for.
            while await self._forget_batch():  # noqa: ASYNC110
                await anyio.sleep(PAUSE)
        except (StorageError, TimeoutError) as error:
            log.warning(
                "the store did not let the hub forget: %s", str(error) or "it took too long"
            )

    async def _forget_batch(self) -> bool:
        """Forget a batch and say whether there may be more."""
        # Nothing is older than the epoch: then only what is personal goes.
        before = 0 if self._span is None else self._clock.now() - self._span
        with anyio.fail_after(STORE_TIMEOUT):
            return await self._store.forget(before, BATCH) >= BATCH
