"""`aihub.toml`: read whole, every mistake told at once with its line, or a value that is good.

Theory of operation. The standard library reads the TOML, `lines` says where each key stands. Every
table has a mapping from key to reader, and readers note what is wrong and go on. What was read is
then put together and held against itself: providers that nobody describes, models that nobody
serves. A `Config` is made only where nothing was wrong; it holds values alone, and it can be sent
to another process. What it describes is made of it by `compose`, which opens nothing.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import attrs

from ...backends.catalogue import StaticCatalogue, load_catalogue
from ...errors import UsageMistake
from ...model.account import Plan
from ...model.catalogue import Model, Routes
from ...protocols import Provider
from ...server.words import check_region
from .lines import find_lines
from .live import add_live
from .providers import ProviderConfig, make, read_provider, transport_keys
from .routing import (
    MODEL_KEYS,
    ROUTING_KEYS,
    Parts,
    catalogue_keys,
    describe,
    known_regions,
)
from .secrets import Sources
from .spots import Book, Mistake, Reader, Spot, Wrong, by, text
from .tables import check_server, hub_keys, read_plans, server_keys

DEFAULT_NAME = "aihub.toml"
HOME = "local"
"""The home region where none is named."""

MAX_FILE = 1024 * 1024
"""Bytes of a configuration: thousands of deployments have less."""

_AT = re.compile(r" \(at line (\d+), column \d+\)$")
_HOST = re.compile(r"[a-z0-9.-]+|\[[0-9a-f:.]+\]")


@attrs.frozen(kw_only=True)
class Config:
    """What a configuration file says, all of it good.

    Args:
        name: the file's; empty where there is none.
        server: `[server]`, by key.
        hub: `[hub]`, by key.
        providers: by name.
        models: those that the file adds, or says something else of.
        aliases: other names for models.
        listed: whether models without a place are left out of the catalogue.
        routes: where models are served.
        regions: which region a `Host` header prefers.
        plans: those that the file adds, or says something else of.
    """

    name: str
    server: dict[str, Any]
    hub: dict[str, Any]
    providers: Mapping[str, ProviderConfig]
    models: tuple[Model, ...]
    aliases: Mapping[str, str]
    listed: bool
    routes: Routes
    regions: Mapping[str, str]
    plans: tuple[Plan, ...]

    def catalogue(self) -> StaticCatalogue:
        """Return the models that there are by this file."""
        full = load_catalogue().with_models(self.models, self.aliases)
        if not self.listed:
            return full
        served = {one.id: one for one in full.models() if one.id in self.routes.deployments}
        names = {one.id: full.find(one.id) for one in full.models() if one.id not in served}
        aliases = {name: one.id for name, one in names.items() if one and one.id in served}
        return StaticCatalogue(served.values(), aliases)

    def make_providers(self) -> dict[str, Provider]:
        """Make what answers, by name; nothing is opened.

        Raises:
            UsageMistake: one cannot be made any more.
        """
        return {name: make(one) for name, one in self.providers.items()}


@attrs.frozen
class Mistaken:
    """A file that is wrong: every mistake, in the order of its lines."""

    name: str
    mistakes: tuple[Mistake, ...]

    def lines(self) -> list[str]:
        """Write each mistake with the file's name and its line."""
        return [one.told(self.name) for one in self.mistakes]

    def error(self) -> UsageMistake:
        """Return an error that tells all of them."""
        return UsageMistake("\n".join(self.lines()))


def read_config(
    path: str | Path | None,
    *,
    region: str | None = None,
    environ: Mapping[str, str] | None = None,
    live: bool = False,
) -> Config | Mistaken:
    """Read a configuration file.

    Args:
        path: where it is; what it refers to is found from its folder. None reads an empty one.
        region: the home region, in place of the file's.
        environ: the environment that secrets are in; by default the process' own.
        live: describe the providers besides whose keys are in the environment.
    """
    environ = os.environ if environ is None else environ
    sources = Sources(environ, Path(path or DEFAULT_NAME).absolute().parent)
    top = Spot({}, (), Book({})) if path is None else _open(Path(path), sources)
    if isinstance(top, Mistaken):
        return top
    if live:
        add_live(top.value, environ)
    return _read(top, "" if path is None else str(path), sources, region)


def _open(path: Path, sources: Sources) -> Spot | Mistaken:
    """Read TOML, and on which line each key stands."""
    name = str(path)
    try:
        data = sources.read(path.name, MAX_FILE)
    except ValueError as error:
        return Mistaken(name, (Mistake(1, "", str(error)),))
    try:
        written = data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Mistaken(name, (Mistake(line, "", "is no UTF-8"),))
    try:
        document = tomllib.loads(written)
        lines = find_lines(written)
    except tomllib.TOMLDecodeError as error:
        return Mistaken(name, (_no_toml(error, written),))
    except RecursionError:
        return Mistaken(name, (Mistake(1, "", "is nested too deep"),))
    return Spot(document, (), Book(lines))


def _no_toml(error: tomllib.TOMLDecodeError, written: str) -> Mistake:
    said = str(error)
    found = _AT.search(said)
    line = int(found[1]) if found else written.count("\n") + 1
    return Mistake(line, "", _AT.sub("", said))


def top_keys(sources: Sources) -> Mapping[str, Reader]:
    """Return the tables of a file."""
    return {
        "server": lambda spot: spot.keys(server_keys(sources)),
        "hub": lambda spot: spot.keys(hub_keys(sources)),
        "transport": lambda spot: spot.keys(transport_keys(sources)),
        "providers": lambda spot: spot,
        "catalogue": lambda spot: spot.keys(catalogue_keys(sources)),
        "models": lambda spot: spot.names(lambda one: one.keys(MODEL_KEYS)),
        "aliases": lambda spot: spot.names(text),
        "routing": lambda spot: spot.keys(ROUTING_KEYS),
        "regions": lambda spot: spot.names(_region_of_host),
        "plans": read_plans,
    }


def _region_of_host(spot: Spot) -> str:
    host = str(spot.path[-1])
    if _HOST.fullmatch(host) is None:
        raise Wrong("is no host: use a name in small letters, without a port")
    read: str = by(check_region)(spot)
    return read


def _read(top: Spot, name: str, sources: Sources, region: str | None) -> Config | Mistaken:
    given = top.keys(top_keys(sources))
    hub, server = given.get("hub", {}), given.get("server", {})
    if "server" in given:
        check_server(top.at("server"), server, hub)
    providers = _read_providers(given, sources)
    own, aliases = given.get("catalogue", {}).get("file", ((), {}))
    home = region or hub.get("region", HOME)
    base = load_catalogue()
    try:
        base = base.with_models(own, aliases)
    except ValueError as error:
        top.at("catalogue").wrong(str(error), "file")
    described = describe(
        Parts(
            top=top,
            home=home,
            catalogue=base,
            providers=providers,
            models=given.get("models", {}),
            routing=given.get("routing", {}),
            aliases=given.get("aliases", {}),
        )
    )
    regions = given.get("regions", {})
    served = known_regions(described)
    for host, wanted in regions.items():
        if wanted not in served:
            said = f"nothing is served in the region '{wanted}': use {', '.join(sorted(served))}"
            top.at("regions").wrong(said, host)
    if top.book.found:
        return Mistaken(name or "environment", tuple(sorted(set(top.book.found))))
    changed = {one.id for one in described.models}
    return Config(
        name=name,
        server=server,
        hub=hub,
        providers=providers,
        models=(*(one for one in own if one.id not in changed), *described.models),
        aliases={**aliases, **described.aliases},
        listed=described.listed,
        routes=described.routes,
        regions=regions,
        plans=given.get("plans", ()),
    )


def _read_providers(given: Mapping[str, Any], sources: Sources) -> dict[str, ProviderConfig]:
    spot: Spot | None = given.get("providers")
    if spot is None:
        return {}
    read = partial(read_provider, sources=sources, usual=given.get("transport", {}))
    return spot.names(read)
