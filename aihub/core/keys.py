"""The form of an API key: `ah_`, 256 random bits in base62, a CRC32 in base62.

A key is a random token, not a password: it is looked up by its SHA-256 digest. A slow hash would
add nothing against guessing 256 bits, and hand an attacker a lever for denial of service.
"""

from __future__ import annotations

import zlib
from hashlib import sha256

PREFIX = "ah_"
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BODY = 43  # 62**43 > 2**256
_CHECK = 6  # 62**6 > 2**32

MAX_KEY = 512
"""Characters. Ours have 52; fixed test keys may be longer, none needs more."""


def format_key(secret: bytes) -> str:
    """Write 32 random bytes as a key with its checksum."""
    body = PREFIX + _base62(int.from_bytes(secret), _BODY)
    return body + _checksum(body)


def well_formed(key: str) -> bool:
    """Say whether *key* may exist: a wrong checksum on our prefix needs no look-up."""
    if not 0 < len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        return False
    if not key.startswith(PREFIX):
        return True
    return key[-_CHECK:] == _checksum(key[:-_CHECK])


def digest(key: str) -> bytes:
    """Return what a key is looked up by."""
    return sha256(key.encode(errors="surrogatepass")).digest()


def hint(key: str) -> str:
    """Return the four characters by which people tell keys apart; none of a short key."""
    return key[-4:] if len(key) > 3 * 4 else ""


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode()), _CHECK)


def _base62(number: int, width: int) -> str:
    digits = []
    for _ in range(width):
        number, rest = divmod(number, 62)
        digits.append(_ALPHABET[rest])
    return "".join(reversed(digits))
