"""Request in, response out: decode, ask the hub, encode. No sockets.

`App.open` is entered with a request and gives the response; leaving it ends whatever the body still
needed. A fault of the caller's, of a provider's or of the store's becomes the error that the
contract names. What is left is a bug: it is logged with the request's id, and a bare 500 says so.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from importlib import import_module
from importlib.metadata import version
from types import TracebackType

import orjson

from ..core.asks import check_scope
from ..errors import AuthenticationFailed, HubClosed, HubError
from ..hub import Hub
from ..messages import Msg
from ..model.account import Identity
from ..model.units import SECOND, Micros
from . import pages
from .call import Call
from .cors import Cors
from .endpoints import administration, chat, models, reading, sessions
from .envelopes import OPENAI
from .errors import JSON, error_response
from .http import Instead, Refusal, Request, Response
from .keys import secret_of
from .reading import models_object, status_object
from .routes import Action, Route, find, methods

log = logging.getLogger("aihub.server")
access = logging.getLogger("aihub.access")


PEER_LEFT = 499
"""What the access log says of a request whose peer left before its answer: nginx's number."""


MAX_LOGGED_PATH = 512
"""Characters of a path that a line of the access log has: none of ours has half of that."""


STATUS_AGE: Micros = SECOND
"""How old a status may be: anybody may ask for it, and it goes through all deployments."""


class App:
    """Answer requests with a hub.

    Args:
        hub: an open one.
        allowed_hosts: names that a `Host` header may have; None allows all. On loopback others
            are refused: a page anywhere could make a browser ask us under its own name (DNS
            rebinding), with whatever key it finds here.
        cors: which web pages may read the answers; None is none.
        lenient: whether to leave out what is wrong in a chat, where it can do without.
        regions: which region a request prefers by the name in its `Host` header, which is then
            allowed too. May be replaced while it answers.
        pages: whether dashboard, console and status are served beside the API.
    """

    def __init__(
        self,
        hub: Hub,
        *,
        allowed_hosts: frozenset[str] | None = None,
        cors: Cors | None = None,
        lenient: bool = False,
        regions: Mapping[str, str] | None = None,
        pages: bool = True,
    ) -> None:
        self.hub = hub
        self.pages = pages
        self.regions = regions or {}
        self.lenient = lenient
        self._allowed_hosts = allowed_hosts
        self.cors = cors
        # The list is long and changes only with the catalogue.
        self._models: tuple[object, bytes] | None = None
        self._openapi: bytes | None = None
        self._standing: tuple[Micros, bytes] | None = None

    def open(self, request: Request) -> Opened:
        """Return a context that gives the response to *request*.

        Cancelled, or left before a stream's end: the request is settled as `aborted`.
        """
        return Opened(self, request)

    async def authenticate(self, secret: str | None) -> Identity:
        """Return whose key *secret* is; see `Hub.authenticate`."""
        return await self.hub.authenticate(secret, None)

    def models(self) -> bytes:
        """Return the list of models as JSON."""
        catalogue = self.hub.catalogue
        if self._models is None or self._models[0] is not catalogue:
            self._models = (catalogue, orjson.dumps(models_object(self.hub.models())))
        return self._models[1]

    def openapi(self) -> bytes:
        """Return the OpenAPI document as JSON."""
        if self._openapi is None:
            # Few ask for it, and the others need not wait for it at the start.
            from .openapi import document

            self._openapi = orjson.dumps(document(version("ai-hub")))
        return self._openapi

    def status(self) -> bytes:
        """Return how the hub stands as JSON, at most `STATUS_AGE` old."""
        now = self.hub.now()
        if self._standing is None or not 0 <= now - self._standing[0] < STATUS_AGE:
            self._standing = (now, orjson.dumps(status_object(self.hub.status())))
        return self._standing[1]

    def host_is_allowed(self, host: bytes | None) -> bool:
        """Say whether a `Host` header names us."""
        if self._allowed_hosts is None or host is None:
            return True
        name = host_name(host)
        return name in self._allowed_hosts or name in self.regions

    def region_of(self, host: bytes | None) -> str | None:
        """Return the region that a `Host` header prefers, if it is one that does."""
        return self.regions.get(host_name(host)) if self.regions and host is not None else None


def host_name(host: bytes) -> str:
    """Return the name in a `Host` header, in small letters and without a port."""
    name = host.decode("latin-1").lower()
    if name.endswith("]") or ":" not in name:
        return name
    return name.rpartition(":")[0] or name


class Opened(Call):
    """One request while it is answered."""

    def __init__(self, app: App, request: Request) -> None:
        near = app.region_of(request.headers.get(b"host"))
        super().__init__(app.hub, request, app.cors, lenient=app.lenient, near=near)
        self._app = app
        self._began = app.hub.now()
        self._status = PEER_LEFT

    async def __aenter__(self) -> Response:
        try:
            response = await self._answer()
        except HubError as error:
            response = await self.failure(error)
        except Refusal as refusal:
            response = refusal.response
            await self.add_limits(response.headers)
        except Exception:
            log.exception("request %s failed", self.id)
            response = await self.bug()
        except BaseException as error:
            # Cancelled: nobody will leave a context that was not entered.
            if self.stack is not None:
                await self.stack.__aexit__(type(error), error, error.__traceback__)
            self._log_access()
            raise
        self._status = response.status
        self.sign(response)
        return response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        swallowed = None
        if self.stack is not None:
            swallowed = await self.stack.__aexit__(kind, error, traceback)
        self._log_access()
        return swallowed

    def stop(self) -> Instead:
        """Return what to tell the peer of a server that stops and cannot wait for this request.

        The driver then cancels what it is doing, which settles the request as `aborted`.
        """
        error = HubClosed(Msg("The server stops and could not finish this request."))
        response = error_response(error, self.id, self.envelope, language=self.language)
        self.sign(response)
        if self._status == PEER_LEFT:
            self._status = response.status
        assert isinstance(response.body, bytes)  # noqa: S101 - an error is no stream
        return Instead(response, self.envelope.in_band(response.body, self.begun))

    def _log_access(self) -> None:
        if not access.isEnabledFor(logging.INFO):
            return
        request, identity = self.request, self._identity
        path = request.path[:MAX_LOGGED_PATH]
        access.info(
            "%s %s %d",
            request.method,
            path,
            self._status,
            extra={
                "method": request.method,
                "path": path,
                "status": self._status,
                "request_id": self.id,
                "account": identity.account.id if identity else None,
                "key": identity.key.id if identity and identity.key else None,
                "peer": request.peer,
                "model": self.model,
                "ms": (self.hub.now() - self._began) / 1000,
            },
        )

    async def _answer(self) -> Response:
        request = self.request
        if not self._app.host_is_allowed(request.headers.get(b"host")):
            return self.refuse(
                421, Msg("This host is not served here."), code="misdirected_request"
            )
        # What answers GET answers HEAD; the driver leaves the body out.
        found = find("GET" if request.method == "HEAD" else request.method, request.path)
        if found is None:
            return self._no_route()
        route, self.parameters = found
        self.inference = route.metered
        if route.scope is not None:
            await self._authenticate(route)
        return await HANDLERS[route.action](self)

    def _no_route(self) -> Response:
        request = self.request
        if self._app.pages and request.method in {"GET", "HEAD"}:
            page = pages.answer(request)
            if page is not None:
                return page
        # `OPTIONS *` asks about the server as a whole (RFC 9110, 9.3.7).
        known = ["OPTIONS"] if request.path == "*" else methods(request.path)
        if not known:
            return self.refuse(404, Msg("There is nothing at this path."), code="unknown_path")
        allow = (b"allow", ", ".join(known).encode())
        if request.method == "OPTIONS":
            asked = self.cors is not None and b"access-control-request-method" in request.headers
            told = self.cors.preflight(request, known) if self.cors and asked else []
            return Response(204, [allow, *told], b"")
        return self.refuse(
            405,
            Msg("This path does not know this method."),
            code="method_not_allowed",
            headers=[allow],
        )

    async def _authenticate(self, route: Route) -> None:
        assert route.scope is not None  # noqa: S101 - the caller has looked
        guards, request = self.hub.guards, self.request
        try:
            secret = secret_of(request, self.envelope)
            self._identity = identity = await self._app.authenticate(secret)
        except AuthenticationFailed:
            self.windows = (guards.take_address(request.peer),)
            raise
        check_scope(identity, route.scope)
        if not self.inference:
            guards.take_read(identity)

    async def sign_in(self, secret: str) -> None:
        """Take *secret* for the caller's key.

        Raises:
            AuthenticationFailed: it is none.
            OverLimit: too many came from there that were none, or the account reads too much.
        """
        guards = self.hub.guards
        try:
            self._identity = await self._app.authenticate(secret)
        except AuthenticationFailed:
            self.windows = (guards.take_address(self.request.peer),)
            raise
        guards.take_read(self._identity)

    async def models(self) -> Response:
        """Return the list of models: ours is written once, a vendor's as it is asked for."""
        models.check_query(self.request.query)
        if self.envelope is not OPENAI:
            return await models.listed(self)
        return await self.answer(self._app.models())

    async def status(self) -> Response:
        """Return how the hub stands."""
        return Response(200, [JSON], self._app.status())

    async def openapi(self) -> Response:
        """Return the document that says all this."""
        return Response(200, [JSON], self._app.openapi())


Handler = Callable[[Opened], Awaitable[Response]]


def later(module: str, name: str) -> Handler:
    """Return a handler whose dialect is loaded with the first request for it.

    A server is there at once, and mostly one dialect is spoken to it.
    """

    async def handler(call: Opened) -> Response:
        found: Handler = getattr(import_module(f".endpoints.{module}", __package__), name)
        return await found(call)

    return handler


HANDLERS: Mapping[Action, Handler] = {
    "chat": chat.chat,
    "chat_stream": chat.chat_stream,
    "complete_text": later("completions", "create"),
    "embed": later("embeddings", "create"),
    "moderate": later("moderations", "create"),
    "messages": later("messages", "create"),
    "count_message_tokens": later("messages", "count_tokens"),
    "generate_content": later("gemini", "generate"),
    "stream_generate_content": later("gemini", "stream"),
    "count_content_tokens": later("gemini", "count_tokens"),
    "generate_content_v1": later("gemini", "generate"),
    "stream_generate_content_v1": later("gemini", "stream"),
    "count_content_tokens_v1": later("gemini", "count_tokens"),
    "list_completions": later("stored", "listed"),
    "read_completion": later("stored", "read"),
    "update_completion": later("stored", "update"),
    "delete_completion": later("stored", "delete"),
    "list_completion_messages": later("stored", "messages"),
    "create_response": later("responses", "create"),
    "read_response": later("responses", "read"),
    "delete_response": later("responses", "delete"),
    "cancel_response": later("responses", "cancel"),
    "list_input_items": later("responses", "input_items"),
    "compact_input": later("responses", "compact"),
    "count_input_tokens": later("responses", "count_tokens"),
    "gemini_models": Opened.models,
    "gemini_model": models.model,
    "models": Opened.models,
    "model": models.model,
    "usage": reading.usage,
    "create_session": sessions.create,
    "list_sessions": sessions.listed,
    "read_session": sessions.read,
    "update_session": sessions.update,
    "delete_session": sessions.delete,
    "fork_session": sessions.fork,
    **administration.HANDLERS,
    "sign_in": later("signing", "sign_in"),
    "sign_out": later("signing", "sign_out"),
    "me": later("signing", "me"),
    "requests": reading.requests,
    "request": reading.request,
    "status": Opened.status,
    "openapi": Opened.openapi,
    "healthz": reading.healthz,
    "readyz": reading.readyz,
}
"""What answers each route; a test fails when a route has no handler."""
