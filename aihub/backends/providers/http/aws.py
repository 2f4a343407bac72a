"""Requests to AWS, signed (Signature Version 4) by botocore's own signer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs

from ....dialects.outbound import Wire
from ....errors import UsageMistake
from ....model.units import Micros
from ....model.upstream import TIMEOUTS, Timeouts, UpstreamRequest
from .addresses import JSON, Call, check_base

_SERVICE = "bedrock"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REGION = re.compile(r"[a-z0-9-]{1,63}")


def _now() -> Micros:
    # Not a clock that never goes back: one that was set right has to be right here at once.
    return time.time_ns() // 1000


def _signer() -> tuple[Any, Any, Any]:
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        raise UsageMistake(
            "requests to AWS are signed by botocore: pip install 'ai-hub[bedrock]'"
        ) from None
    return SigV4Auth, AWSRequest, Credentials


@attrs.frozen(kw_only=True)
class AwsCredentials:
    """Whose requests to AWS are.

    Args:
        access_key: the id, which AWS is told.
        secret_key: what signs, which nobody is told.
        session_token: where the two are for a while only.
    """

    access_key: str
    secret_key: str = attrs.field(repr=False)
    session_token: str | None = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class BedrockAddress:
    """A region of Bedrock, and credentials that sign each request as it is sent.

    What is signed is the path, all headers that are said here, the host, and the body, so a proxy
    between may change none of them. A request is good for the few minutes that AWS allows a clock
    to be wrong. With a Bedrock API key in their place a `KeyAddress` is all that is needed.

    Args:
        region: such as `eu-central-1`.
        credentials: what signs.
        base_url: in place of the region's own address, such as that of a private endpoint.
        headers: further ones for each request.
        timeouts: how long each phase may take.
        now: tells the time, in microseconds since the epoch.

    Raises:
        UsageMistake: botocore is not installed, or the address is none.
    """

    region: str
    credentials: AwsCredentials
    base_url: str = attrs.field(
        default=attrs.Factory(lambda self: region_url(self.region), takes_self=True),
        converter=check_base,
    )
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    timeouts: Timeouts = TIMEOUTS
    now: Callable[[], Micros] = attrs.field(default=_now, repr=False)
    _auth: Any = attrs.field(init=False, repr=False)
    _request: Any = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        auth, request, credentials = _signer()
        own = self.credentials
        shown = credentials(own.access_key, own.secret_key, own.session_token)
        object.__setattr__(self, "_auth", auth(shown, _SERVICE, self.region))
        object.__setattr__(self, "_request", request)

    def request(self, wire: Wire, call: Call) -> UpstreamRequest:
        """Send *wire* under the base address, signed for now."""
        url = self.base_url + wire.path
        stamp = f"{_EPOCH + timedelta(microseconds=self.now()):%Y%m%dT%H%M%SZ}"
        headers = [JSON, *self.headers, *wire.headers, ("x-amz-date", stamp)]
        if self.credentials.session_token is not None:
            headers.append(("x-amz-security-token", self.credentials.session_token))
        signed = self._sign(url, headers, wire.body, stamp)
        return UpstreamRequest(
            method="POST",
            url=url,
            headers=(*headers, ("authorization", signed)),
            body=wire.body,
            timeouts=self.timeouts,
        )

    def _sign(self, url: str, headers: list[tuple[str, str]], body: bytes, stamp: str) -> str:
        """Return the header that shows whose the request is: `add_auth` would read the clock."""
        auth = self._auth
        request = self._request(method="POST", url=url, data=body)
        for name, value in headers:
            request.headers.add_header(name, value)
        request.context["timestamp"] = stamp
        text = auth.string_to_sign(request, auth.canonical_request(request))
        names = auth.signed_headers(auth.headers_to_sign(request))
        return (
            f"AWS4-HMAC-SHA256 Credential={auth.scope(request)}, "
            f"SignedHeaders={names}, Signature={auth.signature(text, request)}"
        )


def region_url(region: str) -> str:
    """Return where Bedrock answers in a region.

    Raises:
        UsageMistake: it is no region's name.
    """
    if _REGION.fullmatch(region) is None:
        raise UsageMistake("a region of AWS is named by small letters, digits and dashes")
    ending = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://bedrock-runtime.{region}.{ending}"
