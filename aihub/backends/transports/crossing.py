"""A request that crosses the provider's closing of a kept connection.

Either side may close a connection that nobody uses. Where a provider does so while a request is on
its way, the request is answered by the end of the connection: nobody read it. That cannot be told
for certain from a provider that read the request and broke, so a request is sent again only where
all of this holds: the connection was kept from an earlier exchange, not a byte of an answer came,
and the end came within `CROSSING` seconds, as it does when the two cross. A provider that worked
for longer may have done, and may bill, what was asked. The second time the connection is a fresh
one, so that there is no third.
"""

from __future__ import annotations

from anyio import current_time

CROSSING = 1.0
"""Seconds: more than a packet takes to the other side of the world and back, and less than a model
takes to fail in the middle of an answer."""


def has_crossed(began: float) -> bool:
    """Say whether a connection that ended now may have crossed a request sent at *began*."""
    return current_time() - began <= CROSSING
