"""Who calls: keys looked up by digest, and remembered for a moment."""

from __future__ import annotations

from collections import OrderedDict

from ..core.keys import MAX_KEY, digest, well_formed
from ..errors import AuthenticationFailed, NotFound
from ..model.account import Identity
from ..model.units import SECOND, Micros
from ..protocols import Clock, Directory

LOOKUP_TTL: Micros = 5 * SECOND
"""How long a key's look-up is believed. Revocation is exact all the same: admission asks again."""

MAX_LOOKUPS = 10_000
"""Keys remembered at a time, some 10 MB."""


class Gate:
    """Find out who calls."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._known: OrderedDict[bytes | str, tuple[Identity, Micros]] = OrderedDict()

    async def authenticate(self, secret: str | None) -> Identity:
        """Return whose key *secret* is.

        Raises:
            AuthenticationFailed: missing, unknown, expired or revoked.
            StoreUnavailable: nobody can tell; never taken for a wrong key.
        """
        if not secret:
            raise AuthenticationFailed("missing_api_key")
        if len(secret) > MAX_KEY:
            raise AuthenticationFailed("invalid_api_key")
        now = self._clock.now()
        sum_ = digest(secret)
        found = self._cached(sum_, now)
        if found is None:
            if not well_formed(secret):
                raise AuthenticationFailed("invalid_api_key")
            found = self._remember(sum_, await self._directory.identify(sum_), now)
        if found is None or found.key is None or found.account.deleted is not None:
            raise AuthenticationFailed("invalid_api_key")
        if found.key.revoked_at(now):
            raise AuthenticationFailed("revoked_api_key")
        if found.key.expired_at(now):
            raise AuthenticationFailed("expired_api_key")
        return found

    async def account(self, id: str) -> Identity:
        """Return an account as a caller without a key: the embedding program itself.

        Raises:
            NotFound: there is no such account, or it was deleted.
        """
        now = self._clock.now()
        found = self._cached(id, now)
        if found is None:
            found = self._remember(id, await self._directory.identity(id), now)
        if found is None or found.account.deleted is not None:
            raise NotFound("account", id)
        return found

    def forget(self) -> None:
        """Believe no earlier look-up."""
        self._known.clear()

    def _cached(self, name: bytes | str, now: Micros) -> Identity | None:
        # A dict's look-up of a digest tells nothing by its time: whoever times it would have to
        # choose digests, which means inverting SHA-256.
        found = self._known.get(name)
        return None if found is None or found[1] <= now else found[0]

    def _remember(
        self, name: bytes | str, identity: Identity | None, now: Micros
    ) -> Identity | None:
        if identity is not None:
            self._known[name] = (identity, now + LOOKUP_TTL)
            self._known.move_to_end(name)
            if len(self._known) > MAX_LOOKUPS:
                self._known.popitem(last=False)
        return identity
