"""Identifiers: a prefix and a UUIDv7 (RFC 9562), which sorts by creation."""

from __future__ import annotations

import os
import random

from ..protocols import Clock

_SEQUENCE_BITS = 12
_VARIANT = 0b10 << 62


class _Uuid7:
    """Numbers ids of one millisecond in `rand_a`, so that they sort by creation exactly."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._latest = 0

    def next(self, random_62: int) -> str:
        tick = self._clock.now() // 1000 << _SEQUENCE_BITS
        self._latest = tick = max(tick, self._latest + 1)
        millis, sequence = divmod(tick, 1 << _SEQUENCE_BITS)
        high = millis << 16 | 0x7000 | sequence
        return f"{high:016x}{_VARIANT | random_62:016x}"


class RandomIds:
    """Identifiers and secrets from the system's randomness."""

    def __init__(self, clock: Clock) -> None:
        self._uuid = _Uuid7(clock)

    def new(self, prefix: str) -> str:
        """Return *prefix*, an underscore and a UUIDv7 in hexadecimal."""
        return f"{prefix}_{self._uuid.next(int.from_bytes(os.urandom(8)) >> 2)}"

    def secret(self) -> bytes:
        """Return 32 bytes that nobody can guess."""
        return os.urandom(32)


class SeededIds:
    """Identifiers that are the same in every run: for tests and transcripts, never for real keys.

    With a manual clock two runs give the same ids in the same order.
    """

    def __init__(self, seed: int, clock: Clock) -> None:
        self._uuid = _Uuid7(clock)
        self._random = random.Random(seed)  # noqa: S311 - its predictability is the point

    def new(self, prefix: str) -> str:
        """Return *prefix*, an underscore and a UUIDv7 whose random part comes from the seed."""
        return f"{prefix}_{self._uuid.next(self._random.getrandbits(62))}"

    def secret(self) -> bytes:
        """Return 32 bytes that anybody who knows the seed can guess."""
        return self._random.randbytes(32)
