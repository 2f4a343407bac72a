"""A provider's own chunks written on, under our id, model and date.

What its chunks say before their choices is nearly always the same bytes; so that is read once and
written anew once, and what follows is copied. A provider that orders its fields otherwise is not
passed on but written from events, which says the same in our order.
"""

from __future__ import annotations

import orjson

from ...model.units import Json

_CHOICES = b'"choices":'
_NO_USAGE = b',"usage":null}'
_NO_USAGE_SPACED = b', "usage": null}'
_NAMED = frozenset({"id", "object", "created", "model"})


class Passed:
    """The chunks of one stream, passed on.

    Args:
        head: `data: ` and our own fields of a chunk, an object that has not been closed.
        include_usage: whether each chunk says that it has no usage, where it does not tell it.
    """

    __slots__ = ("_head", "_include_usage", "_ours", "_prefix")

    def __init__(self, head: bytes, *, include_usage: bool) -> None:
        self._ours: dict[str, Json] = orjson.loads(head.removeprefix(b"data: ") + b"}")
        self._include_usage = include_usage
        self._prefix: bytes | None = None
        self._head: bytes | None = None

    def chunk(self, raw: bytes) -> bytes | None:
        """Return a chunk of the provider's as ours; None where it cannot be passed on."""
        at = raw.find(_CHOICES)
        if at < 0 or not raw.endswith(b"}"):
            return None
        prefix = raw[:at]
        if prefix != self._prefix:
            self._prefix, self._head = prefix, self._rewritten(prefix, raw)
        if self._head is None:
            return None
        rest = raw[at:]
        if not self._include_usage:
            for end in (_NO_USAGE, _NO_USAGE_SPACED):
                if rest.endswith(end):
                    rest = rest[: -len(end)] + b"}"
        elif b'"usage":' not in rest:
            rest = rest[:-1] + _NO_USAGE
        return self._head + rest + b"\n\n"

    def _rewritten(self, prefix: bytes, raw: bytes) -> bytes | None:
        """Write what stands before the choices anew; None where some of it stands behind them."""
        try:
            told = orjson.loads(prefix + b'"":0}')
            whole = orjson.loads(raw)
        except orjson.JSONDecodeError:
            return None
        if _NAMED & (whole.keys() - told.keys()) or b"\n" in raw:
            return None
        rest = {name: value for name, value in told.items() if name not in self._ours and name}
        return b"data: " + orjson.dumps({**self._ours, **rest})[:-1] + b","
