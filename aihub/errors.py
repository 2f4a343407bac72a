"""Everything that can go wrong, by whose fault it is. No HTTP here; the server has a table.

Longer than our files are meant to be: a class for each thing that can go wrong, side by side.

::

    HubError
    ├── CallerError
    │   ├── InvalidRequest          a field is wrong; `param` names it
    │   │   ├── ModelNotFound
    │   │   ├── RequestExceedsPlan  the prompt alone can never pass
    │   │   └── ContextLengthExceeded
    │   ├── AuthenticationFailed
    │   ├── PermissionDenied
    │   ├── NotPermitted            the scope is there, but not for this; `code` says why
    │   ├── NotFound
    │   ├── Conflict                not as things stand now; `code` says what is in the way
    │   ├── OverLimit               a window is full; `retry_after` says how long
    │   └── BudgetExceeded
    ├── UpstreamError
    │   ├── UpstreamRefused         the provider says the request is wrong
    │   ├── UpstreamLimited
    │   ├── UpstreamTimeout
    │   ├── UpstreamFailed
    │   ├── UpstreamCut             the answer broke off, or never began
    │   ├── NoDeployment            all that serve the model are left alone for a while
    │   └── RegionUnavailable
    ├── StorageError
    │   ├── StoreUnavailable
    │   ├── SettlementFailed        answered, but the ledger could not say so
    │   └── StoreTooNew             written by a newer aihub
    ├── Overloaded                  too much in flight here, or unsettled
    ├── HubClosed
    └── UsageMistake                the program holds it wrong: wrong loop, wrong process
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

from .messages import Msg

MAX_SHOWN_ID = 256
"""Characters of an unknown id or name that an error repeats: those that there are have fewer."""

if TYPE_CHECKING:
    # Data only: nothing of `model` is needed to raise or catch.
    from .model.ledger import WindowState

AuthFault: TypeAlias = Literal[
    "missing_api_key",
    "ambiguous_api_key",
    "invalid_api_key",
    "expired_api_key",
    "revoked_api_key",
]
LimitName: TypeAlias = Literal[
    "requests_per_minute", "tokens_per_minute", "parallel_requests", "reads_per_minute"
]


class HubError(Exception):
    """Base of all errors of aihub.

    `code` is for programs and never changes; `retryable` says whether the same call may succeed
    later; the text is for people.
    """

    code: str = "hub_error"
    retryable: ClassVar[bool] = False

    @property
    def message(self) -> str:
        """The text alone; a `Msg` where it can be said in other languages."""
        told = self.args[0] if self.args else self.code
        return told if isinstance(told, str) else str(told)


class CallerError(HubError):
    """The caller asked for something that cannot be had."""


class InvalidRequest(CallerError):
    """A request is wrong in itself; `param` is the path of the field, such as `messages[0].role`.

    `faults` lists every wrong field as (path, message); the first is the error's own.
    """

    code = "invalid_value"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        faults: Sequence[tuple[str, str]] = (),
    ) -> None:
        super().__init__(message)
        self.param = param
        if code is not None:
            self.code = code
        self.faults = tuple(faults)


class ModelNotFound(InvalidRequest):
    """No model goes by that name. The text is the API document's; a note says which name."""

    def __init__(self, model: str) -> None:
        super().__init__(Msg("Invalid model specified"), param="model", code="model_not_found")
        self.model = model
        self.add_note(f"There is no model '{model[:MAX_SHOWN_ID]}'.")


class RequestExceedsPlan(InvalidRequest):
    """The prompt alone is larger than the plan's tokens per minute: waiting cannot help."""

    def __init__(self, tokens: int, limit: int) -> None:
        super().__init__(
            Msg(
                "The request's {tokens} prompt tokens are more than the {limit} tokens per minute "
                "of your plan.",
                tokens=tokens,
                limit=limit,
            ),
            param="messages",
            code="request_exceeds_plan",
        )
        self.tokens = tokens
        self.limit = limit


class ContextLengthExceeded(InvalidRequest):
    """The prompt does not fit the model's context window."""

    def __init__(self, tokens: int, window: int) -> None:
        super().__init__(
            Msg(
                "This model's maximum context length is {window} tokens. "
                "However, your prompt has {tokens}.",
                window=window,
                tokens=tokens,
            ),
            param="messages",
            code="context_length_exceeded",
        )
        self.tokens = tokens
        self.window = window


_AUTH_TEXT: dict[AuthFault, Msg] = {
    "missing_api_key": Msg("No API key was given. Send it as 'Authorization: Bearer YOUR_KEY'."),
    "ambiguous_api_key": Msg("Two different API keys were given, in two places. Send one."),
    "invalid_api_key": Msg("Incorrect API key provided."),
    "expired_api_key": Msg("This API key has expired."),
    "revoked_api_key": Msg("This API key has been revoked."),
}


class AuthenticationFailed(CallerError):
    """The key is missing, unknown, expired or revoked; the text never repeats it."""

    def __init__(self, code: AuthFault) -> None:
        super().__init__(_AUTH_TEXT[code])
        self.code = code


class PermissionDenied(CallerError):
    """The key is good but lacks the scope."""

    code = "missing_scope"

    def __init__(self, scope: str) -> None:
        super().__init__(Msg("This API key does not have the '{scope}' scope.", scope=scope))
        self.scope = scope


class NotPermitted(CallerError):
    """The key has the scope, but what was asked reaches further than the key does.

    `code` is `operator_only`, `own_account` or `beyond_own_rights`; `param` names what goes beyond.
    """

    code = "not_permitted"

    def __init__(self, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


# A sentence for each thing: in other languages they differ in more than the noun.
_NO_SUCH: dict[str, Msg] = {
    "account": Msg("No such account: '{id}'."),
    "budget": Msg("No such budget: '{id}'."),
    "chat completion": Msg("No such chat completion: '{id}'."),
    "item": Msg("No such item: '{id}'."),
    "key": Msg("No such key: '{id}'."),
    "model": Msg("No such model: '{id}'."),
    "plan": Msg("No such plan: '{id}'."),
    "previous response": Msg("No such previous response: '{id}'."),
    "prompt": Msg("Prompt with id '{id}' not found."),
    "request": Msg("No such request: '{id}'."),
    "response": Msg("No such response: '{id}'."),
    "session": Msg("No such session: '{id}'."),
}


class NotFound(CallerError):
    """There is no such thing, or it is another account's."""

    code = "not_found"

    def __init__(self, what: str, id: str, *, param: str | None = None) -> None:
        known = _NO_SUCH.get(what)
        template = f"No such {what}: '{{id}}'." if known is None else known
        super().__init__(Msg(template, id=id[:MAX_SHOWN_ID]))
        self.what = what
        self.id = id
        self.param = param
        self.code = f"{what.replace(' ', '_')}_not_found"


class Conflict(CallerError):
    """The request is right in itself but not as things stand now: something changed, or is in use.

    `code` says what is in the way, `param` names the field where one is to blame.
    """

    code = "conflict"

    def __init__(self, message: str, *, code: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class OverLimit(CallerError):
    """A window is full; *retry_after* whole seconds, 1 to 60, empty it enough.

    `windows` are those that were asked, as they stand, where the store told.
    """

    retryable = True

    def __init__(
        self, limit: LimitName, retry_after: int, *, windows: Sequence[WindowState] = ()
    ) -> None:
        super().__init__(
            Msg("Rate limit exceeded. Try again in {seconds} seconds.", seconds=retry_after)
        )
        self.code = limit
        self.limit = limit
        self.retry_after = retry_after
        self.windows = tuple(windows)


class BudgetExceeded(CallerError):
    """A budget has no room; it renews when its calendar period ends, if it has one."""

    code = "budget_exceeded"

    def __init__(self, budget: str, renews: str | None) -> None:
        when = Msg("It renews at {time}.", time=renews) if renews else Msg("It does not renew.")
        super().__init__(Msg("The budget '{budget}' is used up. {when}", budget=budget, when=when))
        self.budget = budget
        self.renews = renews


class UpstreamError(HubError):
    """A provider did not answer as it should.

    `provider` names it and `status` is that of its answer, where known. `retry_after` are the
    seconds that it asks to be left alone for. `lasting`: asking the same deployment again would
    not help. `tried` are all attempts of the request, each its deployment and what came of it.
    """

    code = "upstream_error"
    billed: ClassVar[bool] = False
    """Whether an attempt that ends so may have been billed by the provider."""
    tried: Sequence[tuple[str, str]] = ()

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        code: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
        lasting: bool = False,
    ) -> None:
        super().__init__(message)
        self.provider = provider
        self.status = status
        self.retry_after = retry_after
        self.lasting = lasting
        if code is not None:
            self.code = code


class UpstreamRefused(UpstreamError):
    """The provider says that the request is wrong; another provider may not."""

    code = "upstream_refused"

    def __init__(
        self,
        message: str,
        *,
        provider: str | None = None,
        param: str | None = None,
        code: str | None = None,
        status: int | None = None,
    ) -> None:
        super().__init__(message, provider=provider, code=code, status=status, lasting=True)
        self.param = param


class UpstreamLimited(UpstreamError):
    """The provider's own rate limit; *retry_after* seconds where it says."""

    code = "upstream_rate_limited"
    retryable = True


class UpstreamTimeout(UpstreamError):
    """The provider took too long after it was asked; it may bill what it did."""

    code = "upstream_timeout"
    retryable = True
    billed = True


class UpstreamFailed(UpstreamError):
    """The provider failed, or could not be reached."""

    code = "upstream_failed"
    retryable = True


class UpstreamCut(UpstreamError):
    """The connection to the provider, or its answer, broke off after it was asked."""

    code = "upstream_cut"
    billed = True


class NoDeployment(UpstreamError):
    """Every deployment of the model failed too often of late, is full or wants to be left alone.

    Nothing was asked and nothing admitted; *retry_after* seconds, where known, until the first may
    be asked again.
    """

    code = "no_deployment"
    retryable = True

    def __init__(self, model: str, retry_after: int | None) -> None:
        super().__init__(
            Msg("No deployment of the model `{model}` can be asked now.", model=model),
            retry_after=retry_after,
        )
        self.model = model


class RegionUnavailable(UpstreamError):
    """The region that the request is pinned to, or anywhere, does not serve the model now."""

    code = "region_unavailable"
    retryable = True

    def __init__(self, region: str, model: str) -> None:
        super().__init__(
            Msg(
                "The model `{model}` is not available in region '{region}'.",
                model=model,
                region=region,
            )
        )
        self.region = region


class StorageError(HubError):
    """The store did not do its part."""

    code = "storage_error"


class StoreUnavailable(StorageError):
    """The store is down or too slow. Nothing was admitted."""

    code = "store_unavailable"
    retryable = True


class SettlementFailed(StorageError):
    """The answer is there but could not be settled, so it is not delivered as good."""

    code = "settlement_failed"
    retryable = True


class StoreTooNew(StorageError):
    """The database was written by a newer version; nothing was touched."""

    code = "store_too_new"


class Overloaded(HubError):
    """This hub has as much in flight as it takes, or unsettled requests to write first."""

    code = "overloaded"
    retryable = True

    def __init__(self, message: str, *, code: str = "overloaded") -> None:
        super().__init__(message)
        self.code = code


class HubClosed(HubError):
    """The hub is closing or closed and takes nothing new."""

    code = "hub_closed"
    retryable = True


class UsageMistake(HubError):
    """The program uses a hub or store in the wrong place: another loop, thread or process."""

    code = "usage_mistake"
