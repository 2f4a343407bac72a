"""The tables that say what `aihub-serve` and a hub are told otherwise by options and settings."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, get_args

from ...backends.providers.mock import parse_latency
from ...model.account import DEFAULT_SCOPES, SCOPES, TOKEN_RESERVES, Plan
from ...model.ledger import LostPolicy
from ...server.listening import Certificate
from ...server.logs import FORMATS
from ...server.proxies import Proxies
from ...server.words import (
    ENGINES,
    LARGEST_BODY,
    LARGEST_PORT,
    LOG_LEVELS,
    MOST_WORKERS,
    REFERENCE,
    check_host,
    check_origins,
    check_region,
    parse_retention,
)
from ..settings import MEMORY, SQLITE, sqlite_path
from .secrets import Sources
from .spots import Reader, Spot, Wrong, array, by, flag, joined, number, one_of, text, whole

MOST_SECONDS = 86_400
MOST_PLAN = 10**12
MOST_REQUESTS = 1_000_000
"""Beyond these a number is a mistake: a day, and more than any machine has."""

LARGEST_SEED = 2**63


def hub_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the keys of `[hub]`: fields of `Settings`, which options of `aihub-serve` say too."""
    return {
        "store": by(partial(_store, sources)),
        "seed": whole(-LARGEST_SEED, LARGEST_SEED),
        "lenient": flag,
        "latency": by(parse_latency),
        "region": by(check_region),
        "max_in_flight": whole(1, MOST_REQUESTS),
        "retention": by(parse_retention),
        "lost_policy": one_of(get_args(LostPolicy)),
    }


def server_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the keys of `[server]`, which are options of `aihub-serve`."""
    return {
        "host": by(check_host),
        "port": whole(0, LARGEST_PORT),
        "uds": by(sources.path),
        "tls_cert": by(sources.path),
        "tls_key": by(sources.path),
        "keys": array(partial(_key, sources)),
        "allow_host": array(text),
        "cors": joined(check_origins),
        "pages": flag,
        "trusted_proxy": joined(Proxies.parse),
        "workers": whole(1, MOST_WORKERS),
        "engine": one_of((REFERENCE, *ENGINES)),
        "grace": number(0, MOST_SECONDS),
        "max_connections": whole(1, MOST_REQUESTS),
        "max_body": whole(1, LARGEST_BODY),
        "idle_timeout": number(1, MOST_SECONDS),
        "log_level": one_of(LOG_LEVELS),
        "log_format": one_of(FORMATS),
    }


OPTIONS = {"allow_host": "allowed_hosts", "cors": "origins", "trusted_proxy": "proxies"}
"""What the keys of `[server]` are called among the options, where that is something else."""


def check_server(spot: Spot, given: Mapping[str, Any], hub: Mapping[str, Any]) -> None:
    """Note what does not fit together in `[server]` and `[hub]`."""
    if "uds" in given:
        for key in ("host", "port"):
            if key in given:
                spot.wrong("and uds exclude each other", key)
    for one, other in (("tls_cert", "tls_key"), ("tls_key", "tls_cert")):
        if one in spot.table() and other not in spot.table():
            spot.wrong(f"needs {other} beside it", one)
    if given.get("workers", 1) > 1 and hub.get("store") == MEMORY:
        spot.wrong("need a store that they share: hub.store = 'sqlite:PATH'", "workers")
    if {"tls_cert", "tls_key"} <= given.keys():
        _check_certificate(spot, Certificate(given["tls_cert"], given["tls_key"]))


def _check_certificate(spot: Spot, certificate: Certificate) -> None:
    from ...errors import UsageMistake

    try:
        certificate.context()
    except UsageMistake as error:
        spot.wrong(error.message, "tls_cert")


KEY_KEYS = ("key", "plan", "scopes")
"""The keys of `[[server.keys]]`."""


def _key(sources: Sources, spot: Spot) -> Any:
    from ..serving import FixedKey

    given = spot.keys(
        {"key": sources.secret, "plan": text, "scopes": array(one_of(SCOPES))},
        needed=["key", "plan"],
    )
    if not {"key", "plan"} <= given.keys():
        return None
    return FixedKey(given["key"], given["plan"], frozenset(given.get("scopes", DEFAULT_SCOPES)))


PLAN_KEYS: Mapping[str, Reader] = {
    "name": text,
    "requests_per_minute": whole(1, MOST_PLAN),
    "tokens_per_minute": whole(1, MOST_PLAN),
    "parallel": whole(1, MOST_REQUESTS),
    "token_reserve": one_of(TOKEN_RESERVES),
}
"""The keys of `[[plans]]`."""


def read_plans(spot: Spot) -> tuple[Plan, ...]:
    """Read plans, no two of a name."""
    found: dict[str, Plan] = {}
    for n, given in enumerate(spot.items(lambda one: one.keys(PLAN_KEYS, needed=["name"]))):
        if "name" in given:
            if given["name"] in found:
                spot.wrong(f"there are two plans '{given['name']}'", n, "name")
            found[given["name"]] = Plan(**given)
    return tuple(found.values())


def _store(sources: Sources, value: str) -> str:
    from ...errors import UsageMistake

    if value == MEMORY:
        return value
    if not value.startswith(SQLITE):
        raise Wrong(f"is no store: use '{MEMORY}' or '{SQLITE}PATH'")
    try:
        return f"{SQLITE}{sources.path(str(sqlite_path(value)))}"
    except UsageMistake as error:
        raise Wrong(error.message) from None
