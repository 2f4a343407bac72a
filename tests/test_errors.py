"""The error tree: by whose fault, with a code for programs and a text for people."""

import inspect
import re

import pytest

from aihub import errors
from aihub.errors import (
    AuthenticationFailed,
    BudgetExceeded,
    CallerError,
    Conflict,
    ContextLengthExceeded,
    HubClosed,
    HubError,
    InvalidRequest,
    ModelNotFound,
    NoDeployment,
    NotFound,
    NotPermitted,
    OverLimit,
    Overloaded,
    PermissionDenied,
    RegionUnavailable,
    RequestExceedsPlan,
    SettlementFailed,
    StorageError,
    StoreTooNew,
    StoreUnavailable,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
    UpstreamTimeout,
    UsageMistake,
)

# One of each, with what a program reads off it.
TABLE = [
    (InvalidRequest("no"), CallerError, "invalid_value", False),
    (ModelNotFound("m"), InvalidRequest, "model_not_found", False),
    (RequestExceedsPlan(11, 10), InvalidRequest, "request_exceeds_plan", False),
    (ContextLengthExceeded(9, 8), InvalidRequest, "context_length_exceeded", False),
    (AuthenticationFailed("expired_api_key"), CallerError, "expired_api_key", False),
    (PermissionDenied("admin"), CallerError, "missing_scope", False),
    (NotPermitted("no", code="operator_only"), CallerError, "operator_only", False),
    (NotFound("session", "ses_1"), CallerError, "session_not_found", False),
    (Conflict("changed", code="session_conflict"), CallerError, "session_conflict", False),
    (OverLimit("tokens_per_minute", 3), CallerError, "tokens_per_minute", True),
    (BudgetExceeded("bud_1", None), CallerError, "budget_exceeded", False),
    (UpstreamRefused("no"), UpstreamError, "upstream_refused", False),
    (UpstreamLimited("later"), UpstreamError, "upstream_rate_limited", True),
    (UpstreamTimeout("slow"), UpstreamError, "upstream_timeout", True),
    (UpstreamFailed("down"), UpstreamError, "upstream_failed", True),
    (UpstreamCut("gone"), UpstreamError, "upstream_cut", False),
    (NoDeployment("m", 3), UpstreamError, "no_deployment", True),
    (RegionUnavailable("eu", "m"), UpstreamError, "region_unavailable", True),
    (StoreUnavailable("down"), StorageError, "store_unavailable", True),
    (SettlementFailed("not written"), StorageError, "settlement_failed", True),
    (StoreTooNew("too new"), StorageError, "store_too_new", False),
    (Overloaded("busy"), HubError, "overloaded", True),
    (HubClosed("closed"), HubError, "hub_closed", True),
    (UsageMistake("wrong"), HubError, "usage_mistake", False),
]


def leaves(kind):
    """Every class below *kind*."""
    for below in kind.__subclasses__():
        yield below
        yield from leaves(below)


@pytest.mark.parametrize(("error", "fault", "code", "retryable"), TABLE, ids=lambda x: str(x)[:30])
def test_each_error_says_whose_fault_it_is(error, fault, code, retryable):
    """Fault, code and whether to try again are data; the text is a sentence for people."""
    assert isinstance(error, fault)
    assert isinstance(error, HubError)
    assert (error.code, error.retryable) == (code, retryable)
    assert error.message == str(error)


def test_the_table_names_every_error():
    """A new error is told about here, or it is not finished."""
    shown = {type(error) for error, *_ in TABLE}
    bases = {fault for _, fault, *_ in TABLE}

    ours = {kind for kind in leaves(HubError) if kind.__module__ == errors.__name__}
    assert ours == (shown | bases) - {HubError}


def test_the_tree_in_the_documentation_is_the_tree():
    """The module's docstring draws every class under the class it has."""
    drawn, path = {}, []
    picture = inspect.getdoc(errors).partition("::\n\n    ")[2].replace("\n    ", "\n")
    for line in picture.splitlines():
        found = re.match(r"^((?:│   |    )*)(?:[├└]── )?([A-Z]\w+)(?:\s|$)", line)
        depth = len(found.group(1)) // 4 + ("── " in line)
        path[depth:] = [found.group(2)]
        drawn[found.group(2)] = path[depth - 1] if depth else "Exception"

    ours = [HubError, *leaves(HubError)]
    assert drawn == {
        kind.__name__: kind.__bases__[0].__name__
        for kind in ours
        if kind.__module__ == errors.__name__
    }


def test_a_base_error_without_text_is_called_by_its_code():
    """There is always something to show."""
    assert HubError().message == "hub_error"


def test_a_wrong_field_is_named_with_all_its_fellows():
    """`param` is the first fault's path, `faults` are all of them; a code may be more precise."""
    faults = [("messages[0].role", "no such role"), ("n", "must be positive")]
    error = InvalidRequest("no such role", param=faults[0][0], code="bad_role", faults=faults)

    assert (error.param, error.code, error.faults) == (
        "messages[0].role",
        "bad_role",
        tuple(faults),
    )
    assert InvalidRequest("x").param is None
    assert InvalidRequest.code == "invalid_value"


def test_a_missing_thing_is_named():
    """What, which, and the field that named it where one did."""
    error = NotFound("chat session", "ses_1", param="session_id")

    assert str(error) == "No such chat session: 'ses_1'."
    assert (error.code, error.param) == ("chat_session_not_found", "session_id")
    assert (error.what, error.id) == ("chat session", "ses_1")


def test_a_full_window_says_how_long_to_wait():
    """Word for word as the API document has it."""
    error = OverLimit("requests_per_minute", 3)

    assert str(error) == "Rate limit exceeded. Try again in 3 seconds."
    assert (error.limit, error.retry_after, error.windows) == ("requests_per_minute", 3, ())


def test_a_budget_says_when_it_renews_or_that_it_does_not():
    """The text names the budget either way."""
    assert str(BudgetExceeded("bud_1", "2026-02-01T00:00:00Z")) == (
        "The budget 'bud_1' is used up. It renews at 2026-02-01T00:00:00Z."
    )
    assert str(BudgetExceeded("bud_1", None)).endswith("It does not renew.")


def test_an_upstream_error_names_its_provider_where_known():
    """And keeps the provider's own code, field and wait."""
    refused = UpstreamRefused("no", provider="p0", param="messages", code="content_policy")

    assert (refused.provider, refused.param, refused.code) == ("p0", "messages", "content_policy")
    assert UpstreamLimited("later", provider="p0", retry_after=7).retry_after == 7
    assert UpstreamFailed("down").provider is None


def test_only_what_was_dispatched_and_lost_may_be_billed():
    """A time-out and a cut may; the others end before the provider worked."""
    billed = {kind for kind in leaves(UpstreamError) if kind.billed}

    assert billed == {UpstreamTimeout, UpstreamCut}


@pytest.mark.parametrize(
    "code", ["missing_api_key", "invalid_api_key", "expired_api_key", "revoked_api_key"]
)
def test_each_fault_of_a_key_has_its_sentence(code):
    """Four faults, four texts, none of which could repeat a key."""
    assert str(AuthenticationFailed(code)).endswith(".")


def test_data_is_kept_beside_the_text():
    """What a program needs it reads from attributes, not from sentences."""
    assert PermissionDenied("admin").scope == "admin"
    assert ModelNotFound("m").model == "m"
    assert RegionUnavailable("eu", "m").region == "eu"
    assert Overloaded("wait", code="unsettled").code == "unsettled"
    exceeds = RequestExceedsPlan(11, 10)
    assert (exceeds.tokens, exceeds.limit, exceeds.param) == (11, 10, "messages")
