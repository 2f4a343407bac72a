"""Where a client asks, as whom, and how long it waits: checked once, when it is made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import attrs

from ..model.upstream import TIMEOUTS, Timeouts
from .errors import ConfigurationError

REGIONS: Mapping[str, str] = {
    "global": "https://api.ai-hub.com/v1",
    "us-east": "https://api-us-east.ai-hub.com/v1",
    "eu": "https://api-eu.ai-hub.com/v1",
    "ap-southeast": "https://api-ap-southeast.ai-hub.com/v1",
}
"""The base URL of each region, as the API document has them."""

KEY_VARIABLE = "AIHUB_API_KEY"
URL_VARIABLE = "AIHUB_BASE_URL"

MAX_RETRIES = 2
"""Times that a call is asked again by default."""

MOST_RETRIES = 20
"""Of them at most: by then nobody waits any more."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {
        "accept",
        "accept-encoding",
        "authorization",
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "transfer-encoding",
    }
)


@attrs.frozen(kw_only=True)
class ClientSettings:
    """What a client was made with."""

    base_url: str
    api_key: str = attrs.field(repr=False)
    timeouts: Timeouts = TIMEOUTS
    max_retries: int = MAX_RETRIES
    headers: tuple[tuple[str, str], ...] = attrs.field(default=(), repr=False)


def make_settings(
    env: Mapping[str, str],
    *,
    api_key: str | None,
    base_url: str | None,
    region: str | None,
    timeout: float | Timeouts | None,
    max_retries: int | None,
    headers: Mapping[str, str] | None,
) -> ClientSettings:
    """Check what was given; what was not comes from the environment, or is the default.

    Raises:
        ConfigurationError: something cannot be; the text names it, and repeats no key.
    """
    return ClientSettings(
        base_url=find_base_url(base_url or env.get(URL_VARIABLE) or None, region),
        api_key=check_key(api_key if api_key is not None else env.get(KEY_VARIABLE)),
        timeouts=check_timeouts(timeout),
        max_retries=check_retries(max_retries),
        headers=check_headers(headers),
    )


def find_base_url(given: str | None, region: str | None) -> str:
    """Return the base URL: what was given wins over a region's; `/v1` is added where it lacks."""
    if region is not None and region not in REGIONS:
        raise ConfigurationError(f"region: {region!r} is none of {', '.join(REGIONS)}.")
    if given is None:
        return REGIONS[region or "global"]
    check_url(given)
    return given.rstrip("/").removesuffix("/v1").rstrip("/") + "/v1"


def check_url(url: str) -> None:
    """Refuse what is no base URL, and one with a password, which logs would have."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good, parts = False, urlsplit("")
    if parts.username is not None or parts.password is not None:
        raise ConfigurationError(
            "base_url: a URL here has no user and no password; the key goes in AIHUB_API_KEY."
        )
    if not good or parts.query or parts.fragment or not url.isprintable() or " " in url:
        raise ConfigurationError("base_url: use a URL such as http://127.0.0.1:8484/v1.")


def check_key(key: str | None) -> str:
    """Return a key that a header can carry."""
    if key is None or not key:
        raise ConfigurationError(f"api_key: give an API key, or set {KEY_VARIABLE}.")
    if not key.isascii() or not key.isprintable() or key != key.strip():
        raise ConfigurationError("api_key: an API key is printable ASCII without spaces around it.")
    return key


def check_timeouts(timeout: float | Timeouts | None) -> Timeouts:
    """Return the timeouts; a number is that of the whole call."""
    if timeout is None:
        return TIMEOUTS
    made = timeout if isinstance(timeout, Timeouts) else Timeouts(total=timeout)
    for name, seconds in attrs.asdict(made).items():
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds > 0:
            raise ConfigurationError(f"timeout: {name} is a number of seconds above 0.")
    return made


def check_retries(most: Any) -> int:
    """Return how often a call is asked again."""
    if most is None:
        return MAX_RETRIES
    if type(most) is not int or not 0 <= most <= MOST_RETRIES:
        raise ConfigurationError(f"max_retries: use a whole number from 0 to {MOST_RETRIES}.")
    return most


def check_headers(headers: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    """Return further headers, with small names; those that are the client's own are refused."""
    told = {name.lower(): value for name, value in (headers or {}).items()}
    for name, value in told.items():
        if name in _OURS:
            raise ConfigurationError(f"headers: {name} is the client's own.")
        if not _NAME.fullmatch(name) or not isinstance(value, str) or not _is_value(value):
            # Not the value: it may be a secret of somebody's.
            raise ConfigurationError(f"headers: {name!r} is no header, or its value is none.")
    return tuple(told.items())


def _is_value(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip()


def is_local(url: str) -> bool:
    """Say whether a URL stays on this machine: then it goes to no proxy, and neither does a key."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
