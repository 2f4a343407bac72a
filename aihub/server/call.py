"""One request while it is answered: what every endpoint works with."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import AsyncExitStack

import orjson

from ..core.rights import check_reach
from ..errors import HubError, OverLimit, StorageError, UpstreamError, UpstreamRefused
from ..hub import Accounts, Hub
from ..messages import Msg
from ..model.account import Identity
from ..model.ledger import WindowState
from ..model.units import Json
from .cors import Cors
from .envelopes import Envelope, envelope_at
from .errors import ACCEPT_LANGUAGE, JSON, describe, error_response, plain_error
from .http import Headers, Refusal, Request, Response
from .languages import language_of
from .limits import add_limits, style_of

log = logging.getLogger("aihub.server")


class Call:
    """A request, who makes it, and how to answer it.

    `parameters` are what stands in the path for the route's names. What is put on the stack is
    left when the response has been written. `model` is the one asked for, for the access log.
    `near` is the region that the address it came by prefers. `lenient`: what is wrong in a chat is
    left out, where it can do without. `envelope` is how errors are said to whoever asks here;
    `begun` whether something of a stream has been written.
    """

    def __init__(
        self,
        hub: Hub,
        request: Request,
        cors: Cors | None = None,
        *,
        lenient: bool = False,
        near: str | None = None,
    ) -> None:
        self.hub = hub
        self.near = near
        self.lenient = lenient
        self.cors = cors
        self.request = request
        self.id = hub.new_id()
        self.parameters: dict[str, str] = {}
        self.stack: AsyncExitStack | None = None
        self.inference = False
        self.windows: tuple[WindowState, ...] | None = None
        self.model: str | None = None
        self.envelope: Envelope = envelope_at(request.path, request.headers)
        self.begun = False
        self._identity: Identity | None = None

    @property
    def identity(self) -> Identity:
        """Who calls; only for routes that have a scope."""
        assert self._identity is not None  # noqa: S101 - the route has a scope
        return self._identity

    @property
    def account(self) -> str:
        """The caller's account."""
        return self.identity.account.id

    @property
    def accounts(self) -> Accounts:
        """Administration, as far as the caller may."""
        return self.hub.accounts.as_caller(self.identity)

    def check_reach(self, account: str) -> None:
        """Refuse an account that the caller may not look into.

        Raises:
            PermissionDenied: the key lacks the scope `admin`.
            NotFound: the account is another's.
        """
        if account != self.account:
            check_reach(self.identity, self.hub.now(), account=account, operator=False)

    def json_body(self) -> bytes:
        """Return the body of a request that says it is JSON, or says nothing.

        Raises:
            Refusal: it says that it is something else: 415.
        """
        kind = self.request.headers.get(b"content-type", b"application/json")
        if kind.partition(b";")[0].strip().lower() != b"application/json":
            raise Refusal(
                self.refuse(
                    415, Msg("Send the body as 'Content-Type: application/json'."), code="not_json"
                )
            )
        return self.request.body

    def refuse(
        self, status: int, message: str, *, code: str, headers: Headers | None = None
    ) -> Response:
        """Return an error of HTTP's own, in the dialect that was asked."""
        return plain_error(
            status,
            message,
            code=code,
            id=self.id,
            envelope=self.envelope,
            headers=headers,
            language=self.language,
        )

    @property
    def language(self) -> str:
        """The language in which errors are told."""
        return language_of(self.request.headers.get(ACCEPT_LANGUAGE))

    def sign(self, response: Response) -> None:
        """Add what every answer says: the request's id, and who may read it."""
        id, envelope = self.id.encode(), self.envelope
        response.headers.append((b"x-request-id", id))
        if envelope.id_header is not None:
            response.headers.append((envelope.id_header, id))
        if self.cors is not None:
            response.headers += self.cors.headers(self.request)

    async def answer(
        self, value: Json | bytes, *, status: int = 200, headers: Headers | None = None
    ) -> Response:
        """Return *value* as JSON, with the caller's windows as they stand."""
        body = value if isinstance(value, bytes) else orjson.dumps(value)
        told: Headers = [JSON, *(headers or [])]
        await self.add_limits(told)
        return Response(status, told, body)

    async def failure(self, error: HubError) -> Response:
        """Return *error* as a response."""
        response = error_response(error, self.id, self.envelope, language=self.language)
        if isinstance(error, UpstreamError) and not isinstance(error, UpstreamRefused):
            # What its caller is told says little to who runs the server.
            log.warning("request %s: %s", self.id, describe(error))
        if isinstance(error, OverLimit) and error.limit != "reads_per_minute":
            self.windows = error.windows or self.windows
        if not isinstance(error, StorageError):
            await self.add_limits(response.headers)
        return response

    async def add_limits(self, headers: Headers) -> None:
        """Tell the caller's windows as they stand; nothing where the store cannot say."""
        windows = self.windows
        if windows is None and self._identity is not None:
            try:
                windows = await self.hub.windows(self._identity)
            except StorageError:
                return
        if windows:
            self.tell(headers, windows)

    def tell(self, headers: Headers, windows: Sequence[WindowState]) -> None:
        """Tell windows in *headers*, on inference as the vendor's clients know it too."""
        style = style_of(self.envelope) if self.inference else None
        add_limits(headers, windows, self.hub.now(), style=style)

    async def bug(self) -> Response:
        """Return the answer to a fault of ours."""
        response = self.refuse(
            500,
            Msg("Something went wrong here. Please tell us the id {id}.", id=self.id),
            code="internal_error",
        )
        await self.add_limits(response.headers)
        return response
