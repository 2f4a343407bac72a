"""Who asks, where a reverse proxy stands before us: reading `X-Forwarded-For`, no sockets.

Each proxy appends the address that it was connected from, so what we may believe stands at the
right: as long as an address is a trusted proxy's, the one to its left was written by it. The first
that is not trusted is the client, and whatever stands left of it is the client's own invention.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import TypeAlias

import attrs

UNIX = "unix"
"""What stands for the peer of a socket file, on the command line as in a request."""

MAX_HOPS = 32
"""Proxies in a row that are looked through; nobody has as many, and a header may have thousands."""

IPV4_MAPPED = IPv6Network("::ffff:0:0/96")

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


@attrs.frozen
class Proxies:
    """Networks whose word about others is believed, and whether a socket file's peer's is."""

    networks: tuple[Network, ...] = ()
    unix: bool = False

    @classmethod
    def parse(cls, texts: Iterable[str]) -> Proxies:
        """Read networks such as `10.0.0.0/8` or `::1`, or `unix`.

        Raises:
            ValueError: one is no network.
        """
        networks, unix = [], False
        for text in texts:
            if text == UNIX:
                unix = True
            else:
                networks.append(_network(text))
        return cls(tuple(networks), unix)

    def __bool__(self) -> bool:
        return self.unix or bool(self.networks)

    def trusts(self, peer: str) -> bool:
        """Say whether what *peer* tells of others is believed."""
        if peer == UNIX:
            return self.unix
        address = read_address(peer)
        return address is not None and self._has(address)

    def _has(self, address: Address) -> bool:
        # An address is in no network of the other version.
        return any(address in network for network in self.networks)

    def client(self, peer: str, forwarded: str) -> str:
        """Return who asks, where a trusted *peer* passes on `X-Forwarded-For`.

        It is the right-most address that is not trusted; the left-most one where all are. What is
        no address ends the search: nobody vouches for what stands left of it.
        """
        client = peer
        for entry in reversed(forwarded.rsplit(",", MAX_HOPS)[-MAX_HOPS:]):
            address = read_address(entry)
            if address is None:
                break
            client = str(address)
            if not self._has(address):
                break
        return client


NOBODY = Proxies()
"""No proxy is trusted."""


def _network(text: str) -> Network:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(
            f"'{text}' is no network: use an address, a network such as 10.0.0.0/8, or {UNIX}"
        ) from None
    if isinstance(network, IPv6Network) and network.subnet_of(IPV4_MAPPED):
        bits = network.prefixlen - IPV4_MAPPED.prefixlen
        return IPv4Network((int(network.network_address) & 0xFFFFFFFF, bits))
    return network


def read_address(text: str) -> Address | None:
    """Read an address as proxies write it: bare, with a port, in brackets, IPv4 as IPv6."""
    text = text.strip()
    if text.startswith("["):
        text, bracket, _ = text[1:].partition("]")
        if not bracket:
            return None
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
