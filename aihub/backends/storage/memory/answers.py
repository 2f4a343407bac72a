"""Answers kept in this process, for who asks again with the same idempotency key."""

from __future__ import annotations

from collections import OrderedDict

import attrs

from ....model.events import Completion
from ....model.ledger import REPEAT_SPAN, Idempotency, Repeated, Settlement, State
from ....model.units import Micros

MAX_KEPT = 64 * 1024 * 1024
"""Characters of answers kept in memory; the oldest make room. Their keys are remembered still."""


@attrs.define
class _Promise:
    request: str
    digest: bytes
    at: Micros
    state: State = "open"


class MemoryAnswers:
    """Idempotency keys, and the answers that fit."""

    def __init__(self) -> None:
        # In order of admission, so that the oldest stand first.
        self._promises: OrderedDict[tuple[str, str], _Promise] = OrderedDict()
        self._answers: OrderedDict[str, tuple[str, Completion, int]] = OrderedDict()
        self._size = 0

    def find(self, account: str, asked: Idempotency, now: Micros) -> Repeated | None:
        """Say what a key was used for."""
        found = self._promises.get((account, asked.key))
        if found is None or now - found.at >= REPEAT_SPAN or found.state not in {"open", "ok"}:
            return None
        return Repeated(found.request, found.state, found.digest == asked.digest)

    def begin(self, account: str, asked: Idempotency, request: str, now: Micros) -> None:
        """Give a key to a request that was admitted."""
        old = self._promises.pop((account, asked.key), None)
        if old is not None:
            self._drop(old.request)
        self._promises[account, asked.key] = _Promise(request, asked.digest, now)

    def end(self, account: str, asked: Idempotency, final: Settlement) -> None:
        """Note a request's end, and keep its answer."""
        found = self._promises.get((account, asked.key))
        if found is None or found.request != final.id:
            return
        found.state = final.state
        if final.answer is None:
            return
        size = sum([len(one.text or "") for one in final.answer.choices])
        self._answers[final.id] = (account, final.answer, size)
        self._size += size
        while self._size > MAX_KEPT:
            self._drop(next(iter(self._answers)))

    def answer(self, account: str, request: str) -> Completion | None:
        """Return an answer that is kept."""
        found = self._answers.get(request)
        return found[1] if found is not None and found[0] == account else None

    def forget(self, now: Micros) -> None:
        """Forget what nobody repeats any more."""
        while self._promises:
            name, oldest = next(iter(self._promises.items()))
            if now - oldest.at < REPEAT_SPAN:
                return
            del self._promises[name]
            self._drop(oldest.request)

    def erase(self, account: str) -> None:
        """Forget all of an account."""
        for name in [name for name in self._promises if name[0] == account]:
            self._drop(self._promises.pop(name).request)

    def _drop(self, request: str) -> None:
        gone = self._answers.pop(request, None)
        if gone is not None:
            self._size -= gone[2]
