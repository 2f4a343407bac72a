"""How the server's log lines look: text for people, JSON for machines. Neither has a secret."""

from __future__ import annotations

import logging
from typing import Literal, TypeAlias

import orjson

from ..model.units import rfc3339

LogFormat: TypeAlias = Literal["text", "json"]
FORMATS: tuple[LogFormat, ...] = ("text", "json")

_EXTRAS = ("method", "path", "status", "ms", "request_id", "account", "key", "peer", "model")
# Unicode's own line breaks, and the signs that turn the direction of writing.
_BREAKS = (0x2028, 0x2029, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
# A path is whoever's who asks for it: it must not write lines of its own into the log.
_ESCAPED = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160), *_BREAKS)}
_MICRO = 1_000_000


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, process, message, and a request's fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        fields: dict[str, object] = {
            "time": rfc3339(round(record.created * _MICRO)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        fields |= {name: record.__dict__[name] for name in _EXTRAS if name in record.__dict__}
        if record.exc_info:
            fields["error"] = self.formatException(record.exc_info)
        return orjson.dumps(fields).decode()


class TextFormatter(logging.Formatter):
    """A line a person can read."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        """Write the line without its traceback; what would break or colour it is escaped."""
        return super().formatMessage(record).translate(_ESCAPED)

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, with a request's time and id where it is one."""
        line = super().format(record)
        if "request_id" in record.__dict__:
            fields = record.__dict__
            line += f" {fields['ms']:.1f}ms {fields['request_id']} {fields['account'] or '-'}"
        return line


def configure(level: str, style: LogFormat) -> None:
    """Send aihub's log lines of *level* and above to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if style == "json" else TextFormatter())
    logger = logging.getLogger("aihub")
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False
