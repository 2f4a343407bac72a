"""ASGI applications that open their own hub: by settings, or by a file and the environment.

::

    granian --interface asgi aihub.config.asgi:app
    uvicorn aihub.config.asgi:app --workers 2
    hypercorn aihub.config.asgi:app --worker-class trio

`app` reads nothing before the server's lifespan begins, and then what `aihub-serve` would read:
the file that AIHUB_CONFIG names, or ./aihub.toml. AIHUB_STORE says where things are kept. What of
`[server]` is the engine's own business (addresses, certificates, workers) is left to the engine.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import attrs

from ..hub import Hub
from ..server.app import App
from ..server.asgi import ASGIApp, ASGIOptions
from ..server.cors import Cors
from .serving import FixedKey, default_store, furnish
from .settings import Settings, open_hub

if TYPE_CHECKING:
    from .file import Config

CONFIG, STORE = "AIHUB_CONFIG", "AIHUB_STORE"
"""What the environment is asked for."""


def make_asgi_app(
    settings: Settings | None = None, options: ASGIOptions | None = None, **app: Any
) -> ASGIApp:
    """Return an ASGI application that opens the default hub with the server's lifespan.

    Where it is mounted into another application, that one's lifespan enters its `open()`.

    Args:
        settings: what to have otherwise; its file's part for a server is for `aihub-serve`.
        options: how it serves.
        **app: arguments of `aihub.server.app.App`, such as `cors`.
    """

    @asynccontextmanager
    async def open_app() -> AsyncIterator[App]:
        async with open_hub(settings) as hub:
            yield App(hub, **app)

    return ASGIApp(open_app, options)


def _make_from(environment: Mapping[str, str]) -> ASGIApp:
    @asynccontextmanager
    async def open_app() -> AsyncIterator[App]:
        config = _read(environment)
        server = {} if config is None else config.server
        made.options = _options(server)
        async with open_hub(_settings(config, environment)) as hub:
            await _have_keys(hub, server.get("keys", ()))
            yield App(
                hub,
                allowed_hosts=frozenset(one.lower() for one in server.get("allow_host", ()))
                or None,
                cors=Cors(server["cors"]) if "cors" in server else None,
                lenient=False if config is None else config.hub.get("lenient", False),
                regions=None if config is None else config.regions,
                pages=server.get("pages", True),
            )

    made = ASGIApp(open_app)
    return made


def _read(environment: Mapping[str, str]) -> Config | None:
    from .file import Mistaken, read_config
    from .source import find_file

    path = find_file(environment.get(CONFIG))
    if path is None:
        return None
    read = read_config(path)
    if isinstance(read, Mistaken):
        raise read.error()
    return read


def _settings(config: Config | None, environment: Mapping[str, str]) -> Settings:
    told = Settings() if config is None else Settings(config=config, **config.hub)
    file = None if config is None else config.hub.get("store")
    # The application has given the grace already.
    return attrs.evolve(told, store=environment.get(STORE) or file or default_store(), grace=0)


def _options(server: Mapping[str, Any]) -> ASGIOptions:
    names = {"grace": "grace", "max_body": "max_body", "trusted_proxy": "proxies"}
    return ASGIOptions(**{names[key]: server[key] for key in names.keys() & server.keys()})


async def _have_keys(hub: Hub, keys: tuple[FixedKey, ...]) -> None:
    # Where the engine listens is not known, so the development key is never let in; and no key is
    # made that nobody would be shown.
    await furnish(hub, keys, local=False, first=False)


app = _make_from(os.environ)
"""What an engine is told to serve."""
