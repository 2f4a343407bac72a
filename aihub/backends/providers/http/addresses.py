"""Where a provider is, and how a request shows whose it is."""

from __future__ import annotations

from typing import Protocol, TypeAlias
from urllib.parse import quote, urlsplit

import attrs

from ....dialects.outbound import Wire
from ....errors import UsageMistake
from ....model.upstream import TIMEOUTS, Timeouts, UpstreamRequest
from ....protocols import EmbeddingCall, ModerationCall, ProviderCall

JSON = ("content-type", "application/json")
"""The header that every request has."""


def check_base(url: str) -> str:
    """Return a base address without its last slash.

    Raises:
        UsageMistake: it is no http or https URL, or has a query, a fragment or a password.
    """
    if not _is_base(url):
        raise UsageMistake(
            "a provider's base_url must be http:// or https://, a host and perhaps a path"
        )
    return url.rstrip("/")


def _is_base(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return named and not (parts.query or parts.fragment or "@" in parts.netloc)


Call: TypeAlias = ProviderCall | EmbeddingCall | ModerationCall
"""Whatever a provider is asked for."""


class Address(Protocol):
    """Protocol: makes a request of what a dialect wants to say."""

    def request(self, wire: Wire, call: Call) -> UpstreamRequest:
        """Say where *wire* goes, and who sends it."""
        ...


@attrs.frozen(kw_only=True)
class KeyAddress:
    """A base address, and a key in a header.

    Args:
        base_url: what stands before the dialect's paths.
        key: the secret, or None for a server that wants none.
        header: where it stands.
        scheme: what stands before it there.
        headers: further ones for each request, such as an organization's.
        timeouts: how long each phase may take.
    """

    base_url: str = attrs.field(converter=check_base)
    key: str | None = attrs.field(default=None, repr=False)
    header: str = "authorization"
    scheme: str = "Bearer "
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)
    timeouts: Timeouts = TIMEOUTS
    _told: tuple[tuple[str, str], ...] = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        own = () if self.key is None else ((self.header, self.scheme + self.key),)
        object.__setattr__(self, "_told", (JSON, *own, *self.headers))

    def request(self, wire: Wire, call: Call) -> UpstreamRequest:
        """Send *wire* under the base address."""
        return UpstreamRequest(
            method="POST",
            url=self.base_url + wire.path,
            headers=(*self._told, *wire.headers),
            body=wire.body,
            timeouts=self.timeouts,
        )


@attrs.frozen(kw_only=True)
class AzureAddress:
    """Azure OpenAI by deployments: the model stands in the path, the version in the query.

    Source: Microsoft's *Azure OpenAI REST API reference*. Its newer address, which ends in
    `/openai/v1`, is a `KeyAddress` with the header `api-key`.

    Args:
        resource: a `KeyAddress` of the resource, such as `https://NAME.openai.azure.com`.
        api_version: such as `2024-10-21`.
    """

    resource: KeyAddress
    api_version: str

    def request(self, wire: Wire, call: Call) -> UpstreamRequest:
        """Send *wire* to the deployment that the upstream model names."""
        request = self.resource.request(wire, call)
        request.url = (
            f"{self.resource.base_url}/openai/deployments/{quote(call.upstream_model, safe='')}"
            f"{wire.path}?api-version={quote(self.api_version, safe='')}"
        )
        return request
