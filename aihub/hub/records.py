"""Answers that an account keeps: `hub.completions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from ..core.records import check_pairs
from ..errors import NotFound
from ..model.account import LOCAL_ACCOUNT
from ..model.chat import KeptKind
from ..model.record import Record
from ..protocols import Records as RecordsStore

NAMES: Mapping[KeptKind, str] = {"completion": "chat completion", "response": "response"}
"""What errors call a record of each kind."""


class Records:
    """Answers of one kind that were asked to be kept, for 30 days.

    *account* is whose they are, by default the embedding program's own. Another account's are as
    if they did not exist: `NotFound`. A call that is cancelled happened or did not, never half.
    """

    def __init__(self, store: RecordsStore, kind: KeptKind) -> None:
        self._store = store
        self._kind = kind

    async def get(self, id: str, *, account: str = LOCAL_ACCOUNT) -> Record:
        """Return an answer with its request.

        Raises:
            NotFound: the account keeps no such answer.
        """
        found = await self._store.record(account, self._kind, id)
        if found is None:
            raise self._missing(id)
        return found

    async def list(
        self,
        *,
        after: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
        model: str | None = None,
        metadata: Mapping[str, str] | None = None,
        account: str = LOCAL_ACCOUNT,
    ) -> Sequence[Record]:
        """Return an account's answers by id, at most *limit* of those after *after*.

        Args:
            after: the id of the last one that is known.
            limit: how many at most.
            newest_first: turns the order round.
            model: only those asked of this model, by the name it was asked by.
            metadata: only those that have all of these pairs.
            account: whose they are.
        """
        return await self._store.records(
            account,
            self._kind,
            after=after,
            limit=limit,
            newest_first=newest_first,
            model=model,
            metadata=metadata,
        )

    async def update(
        self, id: str, *, metadata: Mapping[str, str], account: str = LOCAL_ACCOUNT
    ) -> Record:
        """Put *metadata* in the place of all there was, and return the answer.

        Raises:
            NotFound: the account keeps no such answer.
            InvalidRequest: the metadata is out of its bounds.
        """
        check_pairs(metadata)
        pairs = dict(metadata)
        found = await self._store.change_record(
            account, self._kind, id, lambda one: attrs.evolve(one, metadata=pairs)
        )
        if found is None:
            raise self._missing(id)
        return found

    async def delete(self, id: str, *, account: str = LOCAL_ACCOUNT) -> None:
        """Erase an answer and its request.

        Raises:
            NotFound: the account keeps no such answer.
        """
        if not await self._store.delete_record(account, self._kind, id):
            raise self._missing(id)

    def _missing(self, id: str) -> NotFound:
        return NotFound(NAMES[self._kind], id)
