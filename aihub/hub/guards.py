"""Limits that protect this process rather than bill a tenant: in flight, readers, addresses.

They live in memory and count for this hub alone. They bound what one process spends on callers
whose requests the store never sees, and asking the store would be the very cost they prevent.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from ..core.asks import read_limit
from ..core.limits import Window
from ..errors import LimitName, OverLimit
from ..model.account import Identity
from ..model.ledger import WindowState
from ..protocols import Clock

ADDRESS_LIMIT = 60
"""Requests a minute without a valid key from one IPv4 address or IPv6 /64: guessing keys is
hopeless at any rate, this bounds what it costs us."""

MAX_WINDOWS = 10_000
"""Callers remembered at a time, the least recent forgotten first."""


class Guards:
    """Count readers and callers without a key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._windows: OrderedDict[str, Window] = OrderedDict()
        self._count = 0

    def take_read(self, identity: Identity) -> None:
        """Count one reading request.

        Raises:
            OverLimit: `READ_FACTOR` times the plan's requests were read in this minute.
        """
        limit = read_limit(identity)
        if limit is not None:
            self._take(f"read:{identity.account.id}", limit, "reads_per_minute")

    def take_address(self, address: str) -> WindowState:
        """Count one request without a valid key and return the address's window.

        Raises:
            OverLimit: too many came from there in this minute.
        """
        name = f"address:{network_of(address)}"
        self._take(name, ADDRESS_LIMIT, "requests_per_minute")
        return self._state(name, ADDRESS_LIMIT)

    def _take(self, name: str, limit: int, what: LimitName) -> None:
        now = self._clock.now()
        window = self._windows.get(name)
        if window is None:
            window = self._windows[name] = Window()
            if len(self._windows) > MAX_WINDOWS:
                self._windows.popitem(last=False)
        self._windows.move_to_end(name)
        if not window.fits(1, limit, now):
            wait = window.retry_after(1, limit, now)
            raise OverLimit(what, wait, windows=(self._state(name, limit),))
        self._count += 1
        window.put(str(self._count), 1, now)

    def _state(self, name: str, limit: int) -> WindowState:
        window, now = self._windows[name], self._clock.now()
        return WindowState(name, "requests", limit, window.total, window.resets_at(now))


def network_of(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the /64 of an IPv6 address.

    What is not an address (a socket without one) is a caller of its own.
    """
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
