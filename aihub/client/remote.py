"""A server, asked over HTTP by a command: what the SDK does, once, with answers as they came."""

from __future__ import annotations

import time
from pathlib import Path

import attrs

from ..model.upstream import Timeouts
from .blocking import Line
from .common import make_common
from .desk import Ask, AskFailed
from .errors import (
    APIConnectionError,
    APIStatusError,
    ConfigurationError,
    MalformedResponseError,
)
from .jobs import Job
from .settings import check_key, check_url

CONNECT_TIMEOUT = 5.0
"""Seconds for a connection: who takes longer is not there."""

READ_TIMEOUT = 30.0
"""Seconds between two pieces of an answer; a busy store answers within five, or with a 503."""

ANSWER_TIMEOUT = 120.0
"""Seconds for a whole answer, however steadily it drips."""

UNIX = "unix:"
START = "`aihub-serve` starts a server."

# Nobody was there: whoever asks may have forgotten to start one.
_AWAY = frozenset({"connect_failed", "connect_timeout", "tls_failed"})


@attrs.frozen
class ServerDesk:
    """Ask a server.

    Args:
        url: `http://HOST:PORT`, `https://...`, with or without `/v1`, or `unix:PATH`.
        key: an API key; never shown.

    Raises:
        ValueError: the URL or the key cannot be one; the text does not repeat the key.
    """

    url: str
    key: str = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        if self.url == UNIX:
            raise ValueError("'unix:' names no file: use unix:PATH.")
        try:
            check_key(self.key)
            check_url(self._base())
        except ConfigurationError as error:
            # Not by the SDK's names: a command has others.
            raise ValueError(error.message.partition(": ")[2]) from None

    def ask(self, ask: Ask) -> bytes:
        """Return the JSON of the answer; see `Desk.ask`."""
        if self._socket() is not None and not Path(self.url.removeprefix(UNIX)).is_socket():
            raise AskFailed(f"cannot reach {self.url}: there is no socket. {START}")
        try:
            return self._answer(ask)
        except APIConnectionError as error:
            _, _, why = error.message.partition("/v1: ")
            if error.code in _AWAY:
                raise AskFailed(f"cannot reach {self.url}: {why} {START}") from error
            raise AskFailed(f"{self.url} did not answer: {why}") from error
        except MalformedResponseError as error:
            _, _, why = error.message.partition("AI Hub's: ")
            raise self._stranger(error.status, why) from error
        except APIStatusError as error:
            if error.type is None and error.code is None:
                raise self._stranger(error.status, "is the URL right?") from error
            raise AskFailed(error.message, code=error.code, request_id=error.request_id) from error

    def _answer(self, ask: Ask) -> bytes:
        from .carrying import BlockingTransport, make_http_client

        timeouts = Timeouts(
            connect=CONNECT_TIMEOUT,
            first_byte=READ_TIMEOUT,
            idle=READ_TIMEOUT,
            total=ANSWER_TIMEOUT,
        )
        common = make_common(
            api_key=self.key, base_url=self._base(), timeout=timeouts, max_retries=0
        )
        http = make_http_client(common.settings.base_url, uds=self._socket())
        with http:
            line = Line(common, BlockingTransport(http), time.sleep)
            return line.ask(Job(ask=ask, kind=bytes))

    def _socket(self) -> str | None:
        return self.url.removeprefix(UNIX) if self.url.startswith(UNIX) else None

    def _base(self) -> str:
        return self.url if self._socket() is None else "http://localhost"

    def _stranger(self, status: int | None, why: str) -> AskFailed:
        return AskFailed(f"{self.url} answered {status}, and not as aihub does: {why}")
