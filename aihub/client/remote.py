"""A server, asked over HTTP."""

from __future__ import annotations

import ssl
import time
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote, urlsplit

import attrs
import httpx2
import orjson

from .desk import Ask, AskFailed, read_error

CONNECT_TIMEOUT = 5.0
"""Seconds for a connection: who takes longer is not there."""

READ_TIMEOUT = 30.0
"""Seconds between two pieces of an answer; a busy store answers within five, or with a 503."""

ANSWER_TIMEOUT = 120.0
"""Seconds for a whole answer, however steadily it drips."""

MAX_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer: a page of a hundred long messages has a few."""

UNIX = "unix:"
START = "`aihub-serve` starts a server."
URL_FORM = "use a URL such as http://127.0.0.1:8484, or unix:PATH"


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
        if not self.key.isascii() or not self.key.isprintable() or not self.key.strip():
            raise ValueError("an API key is printable ASCII")
        if not self.url.startswith(UNIX):
            _check_url(self.url)
        elif self.url == UNIX:
            raise ValueError("'unix:' names no file: use unix:PATH")

    def ask(self, ask: Ask) -> bytes:
        """Return the JSON of the answer; see `Desk.ask`."""
        if self.url.startswith(UNIX) and not Path(self.url.removeprefix(UNIX)).is_socket():
            raise AskFailed(f"cannot reach {self.url}: there is no socket. {START}")
        try:
            with self._client() as client:
                request = client.build_request(
                    ask.method,
                    f"{self._base()}/v1/{'/'.join(quote(part, safe='') for part in ask.path)}",
                    params=dict(ask.query),
                    content=None if ask.body is None else orjson.dumps(dict(ask.body)),
                    headers=self._headers(),
                )
                response = client.send(request, stream=True)
                try:
                    body = self._read(response)
                finally:
                    response.close()
        except httpx2.ConnectError as error:
            raise AskFailed(f"cannot reach {self.url}: {error}. {START}") from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            why = str(error) or type(error).__name__
            raise AskFailed(f"{self.url} did not answer: {why}.") from error
        return self._told(response, body)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}", "content-type": "application/json"}

    def _base(self) -> str:
        if self.url.startswith(UNIX):
            return "http://localhost"
        return self.url.rstrip("/").removesuffix("/v1").rstrip("/")

    def _client(self) -> httpx2.Client:
        timeout = httpx2.Timeout(READ_TIMEOUT, connect=CONNECT_TIMEOUT)
        if self.url.startswith(UNIX):
            transport = httpx2.HTTPTransport(uds=self.url.removeprefix(UNIX))
            return httpx2.Client(transport=transport, timeout=timeout, trust_env=False)
        # What goes to this machine goes to no proxy, and neither does its key.
        parts = urlsplit(self.url)
        verify = ssl.create_default_context() if parts.scheme == "https" else False
        local = _is_local(parts.hostname or "")
        return httpx2.Client(timeout=timeout, trust_env=not local, verify=verify)

    def _read(self, response: httpx2.Response) -> bytes:
        """Read an answer within our bounds."""
        ends, body = time.monotonic() + ANSWER_TIMEOUT, bytearray()
        for piece in response.iter_bytes():
            body += piece
            if len(body) > MAX_ANSWER:
                raise AskFailed(f"{self.url} answered with more than {MAX_ANSWER} bytes.")
            if time.monotonic() > ends:
                raise AskFailed(f"{self.url} took more than {ANSWER_TIMEOUT:.0f} seconds.")
        return bytes(body)

    def _told(self, response: httpx2.Response, body: bytes) -> bytes:
        request_id = response.headers.get("x-request-id")
        if not response.is_success:
            raise read_error(body, request_id=request_id) or self._stranger(response)
        try:
            orjson.loads(body)
        except ValueError:
            raise self._stranger(response) from None
        return body

    def _stranger(self, response: httpx2.Response) -> AskFailed:
        return AskFailed(
            f"{self.url} answered {response.status_code}, and not as aihub does: is the URL right?"
        )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError(URL_FORM) from None
    if parts.username is not None or parts.password is not None:
        raise ValueError("a URL here has no user and no password: give the key by AIHUB_API_KEY")
    if not good or parts.query or parts.fragment:
        raise ValueError(URL_FORM)


def _is_local(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
