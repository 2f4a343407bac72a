"""AWS's binary framing of a stream (`application/vnd.amazon.eventstream`), both ways.

A message is a prelude (its length, that of its headers, and a CRC of both), headers, a payload, and
a CRC of all. Source: AWS's *Event stream encoding*. The parser is our own, for the dialect has to
work where botocore is not installed; tests hold the two to each other.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from zlib import crc32

import attrs

from ..reading import Unreadable

MAX_MESSAGE = 16 * 1024 * 1024
"""Bytes of one message: a picture comes whole in one. AWS itself allows 24 MiB."""

MAX_HEADERS = 128 * 1024
"""Bytes of one message's headers: AWS's own bound."""

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_LEAST = _PRELUDE.size + _CRC.size

_STRING = 7
_SIZES: Mapping[int, int] = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of a header's value by its type; the types 6 and 7 say their length themselves."""


@attrs.define
class StreamMessage:
    """One message: those of its headers that are texts, and its payload."""

    headers: dict[str, str]
    payload: bytes


class EventStreamDecoder:
    """Read a stream of messages: bytes in, whole messages out, however the bytes are cut."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> Iterator[StreamMessage]:
        """Read the next bytes, and yield the messages that they complete.

        Raises:
            Unreadable: a message is damaged or too long; those before it are yielded first.
        """
        self._pending += data
        while len(self._pending) >= _PRELUDE.size:
            length, headers, crc = _PRELUDE.unpack_from(self._pending)
            if crc32(self._pending[: _PRELUDE.size - _CRC.size]) != crc:
                raise Unreadable("The head of a message is damaged.")
            if not _LEAST + headers <= length <= MAX_MESSAGE or headers > MAX_HEADERS:
                raise Unreadable("The lengths of a message are wrong.")
            if len(self._pending) < length:
                return
            whole = bytes(self._pending[:length])
            del self._pending[:length]
            yield _message(whole, _PRELUDE.size + headers)


def _message(whole: bytes, body: int) -> StreamMessage:
    if crc32(whole[: -_CRC.size]) != _CRC.unpack_from(whole, len(whole) - _CRC.size)[0]:
        raise Unreadable("A message is damaged.")
    try:
        headers = dict(_headers(whole[_PRELUDE.size : body]))
    except (IndexError, KeyError, UnicodeDecodeError, struct.error):
        raise Unreadable("The headers of a message are none.") from None
    return StreamMessage(headers, whole[body : -_CRC.size])


def _headers(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the headers that are texts.

    Raises:
        IndexError, KeyError, UnicodeDecodeError, struct.error: they are none.
    """
    at = 0
    while at < len(data):
        name, at = _counted(data, at, ">B")
        kind = data[at]
        if kind in _SIZES:
            at += 1 + _SIZES[kind]
            if at > len(data):
                raise IndexError
            continue
        if kind not in {_STRING, _STRING - 1}:
            raise KeyError
        value, at = _counted(data, at + 1, ">H")
        if kind == _STRING:
            yield name.decode(), value.decode()


def _counted(data: bytes, at: int, form: str) -> tuple[bytes, int]:
    """Return bytes that stand after their number, and where they end."""
    [size] = struct.unpack_from(form, data, at)
    start = at + struct.calcsize(form)
    if start + size > len(data):
        raise IndexError
    return data[start : start + size], start + size


def frame(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Write a message whose headers are texts."""
    told = b"".join([_header(name.encode(), value.encode()) for name, value in headers.items()])
    sizes = struct.pack(">II", _LEAST + len(told) + len(payload), len(told))
    whole = sizes + _CRC.pack(crc32(sizes)) + told + payload
    return whole + _CRC.pack(crc32(whole))


def _header(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + struct.pack(">BH", _STRING, len(value)) + value
