"""Answers kept in this process to be read again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import attrs

from ....errors import NotFound
from ....model.chat import KeptKind
from ....model.record import KEPT, Record
from ....model.units import Json, Micros

MAX_RECORDS = 2_000
"""Records kept in memory, of all accounts; the oldest make room. As with settled requests, what is
kept costs each request that the garbage collector walks past it."""

MAX_RECORDS_SIZE = 64 * 1024 * 1024
"""Characters of what is kept with them; the oldest make room. Their sessions may have as many."""


class MemoryRecords:
    """The part of the memory store that keeps answers."""

    def __init__(self) -> None:
        # In order of settlement, so that the oldest stand first.
        self._records: dict[tuple[str, KeptKind, str], Record] = {}
        self._sizes: dict[tuple[str, KeptKind, str], int] = {}
        self._records_size = 0

    async def add_record(self, record: Record) -> bool:
        """Write a record whose answer is yet to come."""
        if not self._lives(record.account):
            raise NotFound("account", record.account)
        if (record.account, record.kind, record.id) in self._records:
            return False
        self._keep_record(record)
        return True

    def _lives(self, account: str) -> bool:
        raise NotImplementedError

    async def record(self, account: str, kind: KeptKind, id: str) -> Record | None:
        """Return one record."""
        return self._records.get((account, kind, id))

    async def records(
        self,
        account: str,
        kind: KeptKind,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> Sequence[Record]:
        """Return records by id, and by what they say."""
        pairs = (metadata or {}).items()
        own = [
            one
            for (whose, what, _), one in self._records.items()
            if (whose, what) == (account, kind)
            and (model is None or one.model == model)
            and pairs <= one.metadata.items()
        ]
        own.sort(key=lambda one: one.id, reverse=newest_first)
        if after is not None:
            own = [one for one in own if (one.id < after if newest_first else one.id > after)]
        return own[:limit]

    async def change_record(
        self, account: str, kind: KeptKind, id: str, change: Callable[[Record], Record]
    ) -> Record | None:
        """Change what a record says of itself in one step."""
        found = self._records.get((account, kind, id))
        if found is None:
            return None
        made = change(found)
        changed = attrs.evolve(found, metadata=made.metadata, data=made.data)
        self._records[account, kind, id] = changed
        return changed

    async def delete_record(self, account: str, kind: KeptKind, id: str) -> bool:
        """Erase a record."""
        return self._drop_record((account, kind, id))

    def _drop_record(self, name: tuple[str, KeptKind, str]) -> bool:
        gone = self._records.pop(name, None)
        self._records_size -= self._sizes.pop(name, 0)
        if gone is not None and gone.session is not None:
            whose, id = gone.account, gone.session
            if not any((one.account, one.session) == (whose, id) for one in self._records.values()):
                self._let_go(whose, id)
        return gone is not None

    def _let_go(self, account: str, session: str) -> None:
        """Erase a session that is held, for the last record of it is gone."""
        raise NotImplementedError

    def _keep_record(self, record: Record) -> None:
        name = record.account, record.kind, record.id
        size = _size(record)
        self._records_size += size - self._sizes.get(name, 0)
        self._records[name], self._sizes[name] = record, size
        while len(self._records) > MAX_RECORDS or self._records_size > MAX_RECORDS_SIZE:
            self._drop_record(next(iter(self._records)))

    def _forget_records(self, now: Micros, limit: int) -> int:
        old = [name for name, one in self._records.items() if one.created <= now - KEPT][:limit]
        for name in old:
            self._drop_record(name)
        return len(old)

    def _erase_records(self, account: str) -> None:
        for name in [name for name in self._records if name[0] == account]:
            self._drop_record(name)


def _size(record: Record) -> int:
    """Return how many characters are kept with a record."""
    size = sum([message.characters for message in record.messages]) + _texts(record.data)
    for choice in record.answer.choices if record.answer is not None else ():
        calls = sum([len(call.arguments) for call in choice.tool_calls])
        size += len(choice.text or "") + len(choice.reasoning or "") + calls
    return size


def _texts(value: Json) -> int:
    """Return how long the texts in JSON are together; as deep as it may be."""
    size, left = 0, [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            size += len(one)
        elif isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list | tuple):
            left += one
    return size
