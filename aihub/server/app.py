"""Request in, response out: decode, ask the hub, encode. No sockets.

`App.open` is entered with a request and gives the response; leaving it ends whatever the body still
needed. A fault of the caller's, of a provider's or of the store's becomes the error that the
contract names. What is left is a bug: it is logged with the request's id, and a bare 500 says so.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from types import TracebackType

import orjson

from ..core.asks import check_scope
from ..dialects import openai_chat as dialect
from ..dialects.sse import DONE, KEEP_ALIVE
from ..errors import (
    AuthenticationFailed,
    HubError,
    NotFound,
    OverLimit,
    StorageError,
)
from ..hub import Hub, Options, Stream
from ..model.account import Identity
from ..model.chat import Chat
from ..model.events import UsageSeen
from ..model.ledger import WindowState
from .errors import JSON, error_object, error_response, plain_error
from .http import Headers, Instead, Request, Response
from .limits import add_limits
from .reading import model_object, models_object, usage_object
from .routes import Route, find, methods

log = logging.getLogger("aihub.server")
access = logging.getLogger("aihub.access")

STREAM: Headers = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]

REGION = b"x-aihub-region"


class App:
    """Answer requests with a hub.

    Args:
        hub: an open one.
        allowed_hosts: names that a `Host` header may have; None allows all. On loopback others
            are refused: a page anywhere could make a browser ask us under its own name (DNS
            rebinding), with whatever key it finds here.
    """

    def __init__(self, hub: Hub, *, allowed_hosts: frozenset[str] | None = None) -> None:
        self.hub = hub
        self._allowed_hosts = allowed_hosts
        # The list is long and changes only with the catalogue.
        self._models: tuple[object, bytes] | None = None

    def open(self, request: Request) -> Opened:
        """Return a context that gives the response to *request*.

        Cancelled, or left before a stream's end: the request is settled as `aborted`.
        """
        return Opened(self, request)

    def models(self) -> bytes:
        """Return the list of models as JSON."""
        catalogue = self.hub.catalogue
        if self._models is None or self._models[0] is not catalogue:
            self._models = (catalogue, orjson.dumps(models_object(self.hub.models())))
        return self._models[1]

    def host_is_allowed(self, host: bytes | None) -> bool:
        """Say whether a `Host` header names us."""
        if self._allowed_hosts is None or host is None:
            return True
        name = host.decode("latin-1").lower()
        if not name.endswith("]"):
            name = name.rpartition(":")[0] or name if ":" in name else name
        return name in self._allowed_hosts


class Opened:
    """One request while it is answered."""

    def __init__(self, app: App, request: Request) -> None:
        self._hub = app.hub
        self._app = app
        self._request = request
        self._id = app.hub.new_id()
        self._began = app.hub.now()
        self._stack: AsyncExitStack | None = None
        self._identity: Identity | None = None
        self._windows: tuple[WindowState, ...] | None = None
        self._inference = False
        self._status = 0

    async def __aenter__(self) -> Response:
        try:
            response = await self._answer()
        except HubError as error:
            response = await self._failure(error)
        except Exception:
            log.exception("request %s failed", self._id)
            response = await self._bug()
        except BaseException as error:
            # Cancelled: nobody will leave a context that was not entered.
            if self._stack is not None:
                await self._stack.__aexit__(type(error), error, error.__traceback__)
            raise
        self._status = response.status
        response.headers.append((b"x-request-id", self._id.encode()))
        return response

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        swallowed = None
        if self._stack is not None:
            swallowed = await self._stack.__aexit__(kind, error, traceback)
        if access.isEnabledFor(logging.INFO):
            self._log_access()
        return swallowed

    def _log_access(self) -> None:
        request, identity = self._request, self._identity
        access.info(
            "%s %s %d",
            request.method,
            request.path,
            self._status,
            extra={
                "method": request.method,
                "path": request.path,
                "status": self._status,
                "request_id": self._id,
                "account": identity.account.id if identity else None,
                "key": identity.key.id if identity and identity.key else None,
                "peer": request.peer,
                "ms": (self._hub.now() - self._began) / 1000,
            },
        )

    async def _answer(self) -> Response:
        request = self._request
        if not self._app.host_is_allowed(request.headers.get(b"host")):
            return plain_error(421, "This host is not served here.", code="misdirected_request")
        found = find(request.method, request.path)
        if found is None:
            return self._no_route()
        route, rest = found
        self._inference = route.scope == "inference"
        if route.scope is not None:
            await self._authenticate(route)
        match route.action:
            case "chat" | "chat_stream":
                return await self._chat(always_stream=route.action == "chat_stream")
            case "models":
                return await self._read(self._app.models())
            case "model":
                return await self._read(orjson.dumps(model_object(self._hub.model(rest))))
            case "usage":
                return await self._usage()
            case "healthz":
                return Response(200, [JSON], b'{"status":"ok"}')
            case "readyz":
                return self._ready()

    def _no_route(self) -> Response:
        known = methods(self._request.path)
        if not known:
            return plain_error(404, "There is nothing at this path.", code="unknown_path")
        allow = (b"allow", ", ".join(known).encode())
        return plain_error(
            405, "This path does not know this method.", code="method_not_allowed", headers=[allow]
        )

    # Who calls

    async def _authenticate(self, route: Route) -> None:
        assert route.scope is not None  # noqa: S101 - the caller has looked
        try:
            self._identity = await self._hub.authenticate(
                bearer(self._request.headers.get(b"authorization")), None
            )
        except AuthenticationFailed:
            self._windows = (self._hub.guards.take_address(self._request.peer),)
            raise
        check_scope(self._identity, route.scope)
        if route.scope == "read":
            self._hub.guards.take_read(self._identity)

    # Reading

    async def _read(self, body: bytes) -> Response:
        headers: Headers = [JSON]
        await self._add_limits(headers)
        return Response(200, headers, body)

    async def _usage(self) -> Response:
        assert self._identity is not None  # noqa: S101 - the route has a scope
        report = await self._hub.usage(self._identity.account.id)
        return await self._read(orjson.dumps(usage_object(report)))

    def _ready(self) -> Response:
        if self._hub.ready:
            return Response(200, [JSON], b'{"status":"ready"}')
        return plain_error(503, "Requests are not admitted now.", code="not_ready")

    # Chat

    async def _chat(self, *, always_stream: bool) -> Response:
        if not self._is_json():
            response = plain_error(
                415, "Send the body as 'Content-Type: application/json'.", code="not_json"
            )
            await self._add_limits(response.headers)
            return response
        chat = dialect.decode_request(self._request.body)
        if chat.extra and "session_id" in chat.extra:
            raise NotFound("session", str(chat.extra["session_id"]), param="session_id")
        if always_stream and not chat.stream:
            chat.stream = True
        region = self._request.headers.get(REGION)
        options = Options(id=self._id, region=region.decode("latin-1") if region else None)
        assert self._identity is not None  # noqa: S101 - the route has a scope
        if chat.stream:
            return await self._stream(chat, self._identity, options)
        answer = await self._hub.answer(chat, self._identity, options)
        headers: Headers = [JSON]
        add_limits(headers, answer.windows, self._hub.now(), inference=True)
        return Response(200, headers, dialect.encode_completion(answer.completion))

    def _is_json(self) -> bool:
        kind = self._request.headers.get(b"content-type", b"application/json")
        return kind.partition(b";")[0].strip().lower() == b"application/json"

    async def _stream(self, chat: Chat, identity: Identity, options: Options) -> Response:
        self._stack = stack = AsyncExitStack()
        stream = await stack.enter_async_context(self._hub.open(chat, identity, options))
        headers = list(STREAM)
        add_limits(headers, stream.windows, self._hub.now(), inference=True)
        body = await stack.enter_async_context(aclosing(self._chunks(chat, stream)))
        return Response(200, headers, body, keep_alive=KEEP_ALIVE)

    async def _chunks(self, chat: Chat, stream: Stream) -> AsyncGenerator[bytes, None]:
        encoder = dialect.StreamEncoder(
            id=stream.id.replace("req_", "chatcmpl-", 1),
            created=stream.admitted,
            model=chat.model,
            include_usage=chat.include_usage,
        )
        begun = False
        try:
            async for event in stream:
                if type(event) is UsageSeen:
                    continue
                chunk = encoder.encode(event)
                if chunk:
                    begun = True
                    yield chunk
        except Exception as error:
            failure, in_band = await self._late_failure(error)
            if not begun:
                raise Instead(failure, in_band) from error
            yield in_band
            return
        done = stream.completion
        yield encoder.usage(done.usage, done.cost) + DONE

    # Failures

    async def _late_failure(self, error: Exception) -> tuple[Response, bytes]:
        """Say an error both ways: as the whole answer, and in the middle of a stream."""
        if isinstance(error, HubError):
            response = await self._failure(error)
            in_band = error_object(error)
        else:
            log.error("request %s failed", self._id, exc_info=error)
            response = await self._bug()
            in_band = orjson.loads(response.body)  # type: ignore[arg-type]
        response.headers.append((b"x-request-id", self._id.encode()))
        return response, dialect.encode_stream_error(in_band)

    async def _failure(self, error: HubError) -> Response:
        response = error_response(error)
        if isinstance(error, OverLimit) and error.limit != "reads_per_minute":
            self._windows = error.windows or self._windows
        if not isinstance(error, StorageError):
            await self._add_limits(response.headers)
        return response

    async def _add_limits(self, headers: Headers) -> None:
        """Tell the caller's windows as they stand; nothing where the store cannot say."""
        windows = self._windows
        if windows is None and self._identity is not None:
            try:
                windows = await self._hub.windows(self._identity)
            except StorageError:
                return
        if windows:
            add_limits(headers, windows, self._hub.now(), inference=self._inference)

    async def _bug(self) -> Response:
        response = plain_error(
            500,
            f"Something went wrong here. Please tell us the id {self._id}.",
            code="internal_error",
        )
        await self._add_limits(response.headers)
        return response


def bearer(header: bytes | None) -> str | None:
    """Return the token of an `Authorization: Bearer` header (RFC 6750); None if there is none."""
    if header is None:
        return None
    scheme, _, token = header.decode("latin-1").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
