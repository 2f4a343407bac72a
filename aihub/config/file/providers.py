"""Providers as a file describes them, and how they are made of that."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from importlib.metadata import entry_points
from typing import Any, Literal, TypeAlias

import attrs

from ...backends.providers.http import KINDS, make_provider
from ...backends.providers.http.addresses import check_base
from ...backends.providers.http.aws import AwsCredentials
from ...backends.transports.by_httpx2 import Httpx2Transport
from ...backends.transports.native import NativeTransport
from ...backends.transports.slots import MAX_CONNECTIONS
from ...errors import UsageMistake
from ...model.units import Json
from ...model.upstream import TIMEOUTS, Timeouts
from ...protocols import Provider, ProviderFactory, ProviderOptions, Transport
from ...server.words import check_region
from ..settings import MOCK
from .secrets import Sources
from .spots import Reader, Spot, Wrong, array, by, flag, meant, number, one_of, text, whole

TransportKind: TypeAlias = Literal["httpx2", "native"]

GROUP = "aihub.providers"
"""The entry points of packages that bring a kind of provider."""

MOST_CONNECTIONS = 10_000
"""More than that to one provider, from one process, is a mistake: ports end before."""

LONGEST = 86_400
"""Seconds of a timeout: a day is no wait any more."""

OWNERS: Mapping[str, str] = {
    "openai": "openai",
    "openai-responses": "openai",
    "azure": "openai",
    "anthropic": "anthropic",
    "gemini": "google",
    "mistral": "mistral",
    "deepseek": "deepseek",
}
"""Whose models of the catalogue a kind serves, all of them, under the catalogue's names."""

_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SECRET_HEADERS = re.compile("(?i)authorization|cookie|token|secret|key")
_HEADER_VALUE = re.compile(r"[!-~](?:[ -~]*[!-~])?")


@attrs.frozen(kw_only=True)
class Aws:
    """Where on AWS, and whose requests are signed; without credentials a key is shown."""

    region: str | None = None
    credentials: AwsCredentials | None = None


@attrs.frozen(kw_only=True)
class ProviderConfig:
    """A provider as a file describes it.

    `models` are those that it is asked for under their own names; `every` of the catalogue that
    are its kind's.
    """

    name: str
    kind: str = "openai"
    base_url: str | None = None
    key: str | None = attrs.field(default=None, repr=False)
    api_version: str | None = None
    aws: Aws | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict, repr=False)
    lenient: bool = False
    region: str | None = None
    models: tuple[str, ...] = ()
    every: bool = False
    transport: TransportKind = "httpx2"
    connections: int = MAX_CONNECTIONS
    proxy: str | None = attrs.field(default=None, repr=False)
    timeouts: Timeouts = TIMEOUTS
    options: Mapping[str, Json] = attrs.field(factory=dict, repr=False)

    @property
    def owner(self) -> str | None:
        """Whose models of the catalogue it serves; None where nobody can tell."""
        return OWNERS.get(self.kind)

    @property
    def is_at_home(self) -> bool:
        """Whether it is asked where its kind always is, so that the catalogue is its own."""
        return self.base_url is None and self.owner is not None


def make(config: ProviderConfig) -> Provider:
    """Make a provider; nothing is opened.

    Raises:
        UsageMistake: something in the description is wrong.
    """
    transport = _TRANSPORTS[config.transport](config)
    headers = tuple(config.headers.items())
    common: dict[str, Any] = {
        "name": config.name,
        "transport": transport,
        "base_url": config.base_url,
        "key": config.key,
        "headers": headers,
        "timeouts": config.timeouts,
        "lenient": config.lenient,
    }
    if config.kind in KINDS:
        aws = config.aws or Aws()
        return make_provider(
            config.kind,
            api_version=config.api_version,
            region=aws.region,
            credentials=aws.credentials,
            **common,
        )
    return _make_by(config.kind, ProviderOptions(options=config.options, **common))


def _by_httpx2(config: ProviderConfig) -> Transport:
    return Httpx2Transport(connections=config.connections, proxy=config.proxy)


def _native(config: ProviderConfig) -> Transport:
    if config.proxy is not None:
        raise UsageMistake("the transport 'native' knows no proxy: use 'httpx2'")
    return NativeTransport(connections=config.connections)


_TRANSPORTS: Mapping[TransportKind, Callable[[ProviderConfig], Transport]] = {
    "httpx2": _by_httpx2,
    "native": _native,
}


def _make_by(kind: str, options: ProviderOptions) -> Provider:
    """Make a provider by another package's factory; what goes wrong there is told with its place.

    A fault of that package must not end a server that reads its file again. Its text is not
    repeated: nobody knows what is in it.
    """
    try:
        made = _factory(kind)(options)
    except UsageMistake:
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise UsageMistake(
            f"the kind '{kind}' failed: {type(error).__name__} in {last.filename}:{last.lineno}"
        ) from error
    if not callable(getattr(made, "open", None)):
        raise UsageMistake(f"the kind '{kind}' made no provider: it has no method 'open'")
    return made


def _factory(kind: str) -> ProviderFactory:
    found = list(entry_points(group=GROUP, name=kind))
    if not found:
        raise UsageMistake(f"there is no kind '{kind}'{meant(kind, [*KINDS, *brought_kinds()])}")
    if len(found) > 1:
        brought = ", ".join(sorted(one.dist.name for one in found if one.dist))
        raise UsageMistake(f"several packages bring the kind '{kind}': {brought}")
    factory: ProviderFactory = found[0].load()
    return factory


def brought_kinds() -> frozenset[str]:
    """Return the kinds that other packages bring; none of them is loaded."""
    return frozenset(entry_points(group=GROUP).names)


# Reading


def transport_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the keys of `[transport]`, which a provider may have too."""
    return {
        "transport": one_of(_TRANSPORTS),
        "connections": whole(1, MOST_CONNECTIONS),
        "proxy": partial(_proxy, sources),
        "timeouts": lambda spot: spot.keys(TIMEOUT_KEYS),
    }


TIMEOUT_KEYS: Mapping[str, Reader] = {
    name: number(0.001, LONGEST) for name in ("pool", "connect", "first_byte", "idle", "total")
}


def provider_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the keys of `[providers.NAME]`."""
    return {
        "kind": text,
        "base_url": by(_base_url),
        "key": sources.secret,
        "api_version": text,
        "aws": partial(_aws, sources),
        "headers": partial(_headers, sources),
        "lenient": flag,
        "region": by(check_region),
        "models": _models,
        **transport_keys(sources),
        "options": Spot.table,
    }


def aws_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the keys of `aws` in `[providers.NAME]`."""
    return {
        "region": text,
        "access_key": sources.text_or_secret,
        "secret_key": sources.secret,
        "session_token": sources.secret,
    }


def _aws(sources: Sources, spot: Spot) -> Aws:
    before = len(spot.book.found)
    given = spot.keys(aws_keys(sources))
    if len(spot.book.found) > before:
        return Aws()  # What is wrong has been told.
    region = given.pop("region", None)
    if not given:
        return Aws(region=region)
    if "access_key" not in given or "secret_key" not in given:
        raise Wrong("needs an access_key and a secret_key, or neither")
    return Aws(region=region, credentials=AwsCredentials(**given))


def read_provider(spot: Spot, sources: Sources, usual: Mapping[str, Any]) -> ProviderConfig:
    """Read one provider; *usual* is what `[transport]` says."""
    if not isinstance(spot.value, dict):
        raise Wrong("must be a table")
    if spot.path[-1] == MOCK:
        raise Wrong("is the mock's own name: take another")
    before = len(spot.book.found)
    given = {**usual, **spot.keys(provider_keys(sources))}
    timeouts = {**usual.get("timeouts", {}), **given.pop("timeouts", {})}
    models = given.pop("models", ())
    config = ProviderConfig(
        name=str(spot.path[-1]),
        timeouts=Timeouts(**timeouts),
        every=models == "all",
        models=() if models == "all" else models,
        **given,
    )
    _check(config, spot)
    if len(spot.book.found) == before:
        try:
            make(config)
        except UsageMistake as error:
            spot.wrong(error.message)
    return config


def _check(config: ProviderConfig, spot: Spot) -> None:
    """Note what does not fit together."""
    table = spot.table()
    kind = KINDS.get(config.kind)
    if kind is None:
        brought = brought_kinds()
        if config.kind not in brought:
            hint = meant(config.kind, [*KINDS, *brought])
            spot.wrong(f"'{config.kind}' is no kind{hint}", "kind")
        if config.api_version is not None:
            spot.wrong(
                "is for 'azure': a kind that another package brings has options", "api_version"
            )
        if config.aws is not None:
            spot.wrong("is for 'bedrock': a kind that another package brings has options", "aws")
    signs = config.aws is not None and config.aws.credentials is not None
    shown = "key" in table or "authorization" in config.headers or signs
    if kind is not None and kind.key and not shown and not _is_elsewhere(config):
        spot.wrong(f'is missing: use {{ env = "{kind.key}" }}', "key")
    if kind is not None and config.options:
        spot.wrong("are for kinds that other packages bring", "options")
    if config.every and config.owner is None:
        spot.wrong(f"'all' of the kind '{config.kind}' are not known: name them", "models")


def _is_elsewhere(config: ProviderConfig) -> bool:
    """Say whether it is a server of one's own, which may want no key."""
    kind = KINDS[config.kind]
    return config.base_url is not None and kind.base_url is not None


def _base_url(value: str) -> str:
    try:
        return check_base(value)
    except UsageMistake as error:
        raise Wrong(error.message.replace("a provider's base_url ", "")) from None


def _models(spot: Spot) -> tuple[str, ...] | str:
    if spot.value == "all":
        return "all"
    if not isinstance(spot.value, list):
        raise Wrong('must be an array of names, or "all"')
    found: tuple[str, ...] = array(text)(spot)
    twice = sorted({one for one in found if found.count(one) > 1})
    if twice:
        raise Wrong(f"'{twice[0]}' is there twice")
    if not spot.value:
        raise Wrong("is empty")
    return found


def _headers(sources: Sources, spot: Spot) -> dict[str, str]:
    """Read headers by their small names; one that is named like a secret must be one."""
    read: dict[str, str] = {}
    for name, value in spot.names(partial(_header, sources)).items():
        read[name.lower()] = value
    return read


def _header(sources: Sources, spot: Spot) -> str:
    name = str(spot.path[-1])
    if _HEADER.fullmatch(name) is None:
        raise Wrong("is no name of a header")
    if _SECRET_HEADERS.search(name) is not None:
        return sources.secret(spot)
    value = sources.text_or_secret(spot)
    if _HEADER_VALUE.fullmatch(value) is None:
        raise Wrong("cannot stand in a header")
    return value


def _proxy(sources: Sources, spot: Spot) -> str:
    url = sources.text_or_secret(spot)
    if isinstance(spot.value, str) and "@" in url:
        raise Wrong('a proxy with a password does not stand here: use { env = "NAME" }')
    return url
