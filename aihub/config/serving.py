"""What `aihub-serve` is made of: settings, the keys it starts with, the app and its driver.

A little longer than our files are meant to be: what is opened here is closed here, in order.
"""

from __future__ import annotations

import pickle
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, cast

import attrs

from ..backends.clocks import ManualClock
from ..backends.providers.mock import Latency
from ..core.keys import digest
from ..errors import AuthenticationFailed, UsageMistake
from ..hub import Hub
from ..model.account import DEFAULT_SCOPES, SCOPES, Scope
from ..model.units import Micros
from ..server.app import App
from ..server.cors import Cors
from ..server.listening import Certificate, Place, Unix, listening
from ..server.logs import LogFormat, configure
from ..server.proxies import Proxies
from ..server.words import DEV_KEY as DEV_KEY
from ..server.words import REFERENCE
from .settings import MEMORY, SQLITE, Settings, open_hub
from .swapping import Swap

if TYPE_CHECKING:
    from ..server.orders import Orders
    from ..server.workers import Change
    from .file import Config
    from .source import Source

DEV_PLAN = "pro"
SAMPLE_MODEL = "gpt-4"
"""The one in the line to paste, where nothing else is said."""

OWN_FILES = 256
"""Open files that a server needs besides its connections: the store, threads, providers."""

FIRST_ACCOUNT = "acc_first"
DEV_ACCOUNT = "acc_dev"


@attrs.frozen
class FixedKey:
    """A key that the command line names: `SECRET=PLAN[:SCOPE+SCOPE]`."""

    secret: str = attrs.field(repr=False)
    plan: str
    scopes: frozenset[Scope] = DEFAULT_SCOPES

    @classmethod
    def parse(cls, text: str) -> FixedKey:
        """Read what a command line says.

        Raises:
            ValueError: it is not of that form, or a scope is unknown; the text never repeats it.
        """
        secret, sign, rest = text.rpartition("=")
        plan, colon, scopes = rest.partition(":")
        if not (sign and secret and plan) or (colon and not scopes):
            raise ValueError("a key is SECRET=PLAN[:SCOPE+SCOPE], such as test=pro:read+inference")
        named = frozenset(scopes.split("+")) if scopes else DEFAULT_SCOPES
        unknown = sorted(named - set(SCOPES))
        if unknown:
            raise ValueError(f"there is no scope '{unknown[0]}': use {', '.join(SCOPES)}")
        return cls(secret, plan, cast(frozenset[Scope], named))


async def furnish(
    hub: Hub, keys: Sequence[FixedKey], *, local: bool, first: bool = True
) -> str | None:
    """Have the keys that a server starts with, and return a secret worth printing.

    With *keys*, those, and nothing to print but the first. Without, where only this machine can
    reach us (*local*), the development key; otherwise a random one, printed at the first start and
    never again (None), or none at all where there is nobody to print it for (not *first*).

    Raises:
        InvalidRequest: a plan is unknown, or a secret is malformed.
    """
    for fixed in keys:
        account = _account_of(fixed)
        # Who may administer a server from its command line may administer all of it.
        await hub.accounts.fix_account(account, plan=fixed.plan, operator="admin" in fixed.scopes)
        await hub.accounts.fix_key(account, fixed.secret, scopes=fixed.scopes)
    if all(fixed.secret != DEV_KEY for fixed in keys):
        await _switch_dev_key(hub, on=local and not keys)
    if keys:
        return keys[0].secret
    if local:
        return DEV_KEY
    if not first:
        return None
    await hub.accounts.fix_account(FIRST_ACCOUNT, plan=DEV_PLAN, operator=True)
    if await hub.accounts.keys(FIRST_ACCOUNT, limit=1):
        return None
    return (await hub.accounts.create_key(FIRST_ACCOUNT, name="first", scopes=SCOPES)).secret


def _account_of(fixed: FixedKey) -> str:
    # The documented key has one place, whoever asks for it, where it is found to be switched off.
    return DEV_ACCOUNT if fixed.secret == DEV_KEY else f"acc_{digest(fixed.secret).hex()[:16]}"


async def _switch_dev_key(hub: Hub, *, on: bool) -> None:
    """Let the documented key in, or see that a store which had it does not let it in any more."""
    if on:
        await hub.accounts.fix_account(DEV_ACCOUNT, plan=DEV_PLAN, operator=True)
        await hub.accounts.fix_key(DEV_ACCOUNT, DEV_KEY, scopes=SCOPES)
        return
    try:
        found = await hub.authenticate(DEV_KEY, None)
    except AuthenticationFailed:
        return
    if found.key is not None:
        await hub.accounts.revoke_key(found.account.id, found.key.id)


@attrs.frozen(kw_only=True)
class Serving:
    """Everything that `aihub-serve` can be told; see its `--help`.

    `config` is what was read from `source`, where there is a file or a provider that is asked.
    `place` is where it listens; with a `certificate` it does so by TLS.
    `store` of None is a SQLite file in the user's data folder. `local`: only this machine can
    reach the server. `seeded`: ids are a function of the seed too, where the store is memory and
    no secret is made that others could then guess. `lenient`: the mock lets be what a model could
    not do, and what is wrong in a chat is left out where it can do without. `clock`: when a manual
    clock starts. `origins`: whose web pages may read answers.
    """

    place: Place
    certificate: Certificate | None
    local: bool
    store: str | None
    keys: Sequence[FixedKey]
    seed: int
    seeded: bool
    lenient: bool
    latency: Latency | None
    clock: Micros | None
    region: str
    workers: int
    engine: str
    allowed_hosts: frozenset[str] | None
    origins: frozenset[str]
    pages: bool
    proxies: Proxies
    grace: float
    max_in_flight: int
    max_connections: int
    max_body: int
    idle_timeout: float
    retention: float | None
    log_level: str
    log_format: LogFormat
    config: Config | None = None
    source: Source | None = None

    @property
    def documented(self) -> bool:
        """Whether the key that everybody knows may open it: it is nobody else's, and costs none."""
        return self.local and (self.config is None or not self.config.providers)


@attrs.frozen
class Started:
    """What a server that has just started tells: where it is, a key, where it keeps things.

    `socket` is the file by which `url` is reached, where it is one. `notes` say by what it was
    configured and who is asked: labels and texts. `model` is one that can be tried; `pages`
    says whether there are any.
    """

    url: str
    store: str
    socket: Path | None
    secret: str | None = attrs.field(repr=False)
    notes: Sequence[tuple[str, str]] = ()
    model: str = SAMPLE_MODEL
    pages: bool = True


def run_server(serving: Serving, announce: Callable[[Started], None]) -> None:
    """Serve until a signal; *announce* is called once when connections are accepted.

    Raises:
        OSError: the address cannot be had.
        HubError: the store cannot be opened, a key is malformed, a certificate cannot be used.
        WorkersFailed: one of several workers did not start, or did not stay.
    """
    configure(serving.log_level, serving.log_format)
    if serving.certificate is not None:
        serving.certificate.context()
    serving = attrs.evolve(serving, store=serving.store or default_store())
    _check_clock(serving)
    _check_engine(serving)
    if serving.workers > 1 and serving.store == MEMORY:
        raise UsageMistake("--workers needs a store that they share: sqlite:PATH, and not memory:")
    # The address first: nothing is written for a server that cannot start.
    with listening(serving.place, serving.workers) as sockets:
        url = _url(serving, sockets[0][0])
        file = serving.place.path if isinstance(serving.place, Unix) else None

        def started(secret: str | None) -> None:
            model = _model(serving)
            notes = _notes(serving)
            store = str(serving.store)
            announce(Started(url, store, file, secret, notes, model, pages=serving.pages))

        if serving.workers > 1:
            _serve_by_workers(serving, sockets, started)
        else:
            serve_here(serving, sockets[0], furnishes=True, started=started)


def _notes(serving: Serving) -> list[tuple[str, str]]:
    if serving.config is None:
        return []
    from .source import describe

    return list(describe(serving.config))


def _model(serving: Serving) -> str:
    """Return a model that is served."""
    if serving.config is None or serving.config.routes.default is not None:
        return SAMPLE_MODEL
    return next(iter(serving.config.routes.deployments), SAMPLE_MODEL)


def _check_clock(serving: Serving) -> None:
    if serving.clock is None:
        return
    if serving.workers > 1:
        raise UsageMistake("--clock and --workers exclude each other: each would have its own time")
    if serving.store != MEMORY:
        raise UsageMistake("--clock keeps all in memory: what a file has would be of another time")


UNABLE: Mapping[str, tuple[str, ...]] = {"granian": ("max_connections", "idle_timeout")}
"""Options that an engine has no say in: who gives one must be told."""


def _check_engine(serving: Serving) -> None:
    from ..server import trio_h11

    usual = {"max_connections": trio_h11.MAX_CONNECTIONS, "idle_timeout": trio_h11.IDLE_TIMEOUT}
    for name in UNABLE.get(serving.engine, ()):
        if getattr(serving, name) != usual[name]:
            option = name.replace("_", "-")
            raise UsageMistake(f"--{option} is nothing that --engine {serving.engine} can do")


def serve_here(
    serving: Serving,
    sockets: Sequence[socket.socket],
    *,
    furnishes: bool,
    started: Callable[[str | None], None],
    orders: Orders | None = None,
) -> None:
    """Serve in this process.

    Args:
        serving: what to serve.
        sockets: those that listen already.
        furnishes: whether to see to the keys that a server starts with.
        started: called once when connections are accepted, with a secret worth printing.
        orders: where a parent says when to stop; without one signals do.

    Raises:
        HubError: the store cannot be opened, or a key is malformed.
    """
    from ..server import engines, trio_server
    from ..server.trio_h11 import ServerOptions

    _allow_files(serving.max_connections + OWN_FILES)
    secret: list[str | None] = [None]
    settings = _settings(serving)
    swap = Swap(serving.source, serving.config, settings)

    @asynccontextmanager
    async def open_app() -> AsyncIterator[App]:
        async with open_hub(settings) as hub:
            if furnishes:
                secret[0] = await furnish(hub, serving.keys, local=serving.documented)
            swap.app = app = App(
                hub,
                allowed_hosts=serving.allowed_hosts,
                cors=Cors(serving.origins) if serving.origins else None,
                lenient=serving.lenient,
                regions=serving.config.regions if serving.config else None,
                pages=serving.pages,
            )
            yield app

    options = ServerOptions(
        grace=serving.grace,
        max_connections=serving.max_connections,
        max_body=serving.max_body,
        idle_timeout=serving.idle_timeout,
        tls=serving.certificate.context() if serving.certificate else None,
        proxies=serving.proxies,
    )
    by_reference = serving.engine == REFERENCE
    run = (
        trio_server.run
        if by_reference
        else partial(engines.run, serving.engine, certificate=serving.certificate)
    )
    run(
        open_app,
        sockets,
        options=options,
        started=lambda: started(secret[0]),
        orders=orders and attrs.evolve(orders, change=swap.to_order),
        reread=swap.reread if orders is None and _is_from_file(serving) else None,
    )


def _is_from_file(serving: Serving) -> bool:
    return serving.source is not None and serving.source.path is not None


def _allow_files(wanted: int) -> None:
    """Raise this process' bound on open files, as far as it may; a shell's is often too low."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= most:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError):
        return  # Some systems have a bound besides; accepting then waits for a free file.


def _serve_by_workers(
    serving: Serving,
    sockets: Sequence[Sequence[socket.socket]],
    started: Callable[[str | None], None],
) -> None:
    from ..server.workers import Change, Crew, Post
    from .worker import Task

    def let_go() -> None:
        for one in chain(*sockets):
            one.close()

    posts = []
    for n, own in enumerate(sockets):
        files = [one.fileno() for one in own]
        # What a store needs at its first start is made once, by the first.
        tasks = [Task(serving, files, first=first).encode() for first in (n == 0, False)]
        posts.append(Post(files, *tasks))

    def change() -> Change | None:
        from .source import read_again

        assert serving.source is not None and serving.config is not None  # noqa: S101, PT018
        config = read_again(serving.source, serving.config)
        if config is None:
            return None
        now = attrs.evolve(serving, config=config)
        files = [[one.fileno() for one in own] for own in sockets]
        again = [Task(now, own, first=False).encode() for own in files]
        return Change(pickle.dumps(config), again)

    heeds = change if _is_from_file(serving) else None
    crew = Crew("aihub.config.worker", posts, serving.grace, heeds)
    crew.run(started=lambda report: started(report.secret), stopping=let_go)


def default_store() -> str:
    """Return the store in the user's data folder, which is made where it is missing."""
    file = data_file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"{SQLITE}{file}"


def data_file() -> Path:
    """Return where the default store is, or would be."""
    from platformdirs import user_data_path

    return Path(user_data_path("aihub", appauthor=False)) / "hub.db"


def _settings(serving: Serving) -> Settings:
    store = serving.store or MEMORY
    return Settings(
        store=store,
        seed=serving.seed,
        lenient=serving.lenient,
        region=serving.region,
        latency=serving.latency,
        clock=None if serving.clock is None else ManualClock(serving.clock),
        seeded_ids=serving.seeded and store == MEMORY and bool(serving.documented or serving.keys),
        max_in_flight=serving.max_in_flight,
        retention=serving.retention,
        grace=0,  # the driver has given the grace already
        lost_policy=serving.config.hub.get("lost_policy", "prompt") if serving.config else "prompt",
        config=serving.config,
    )


def _url(serving: Serving, listener: socket.socket) -> str:
    scheme = "https" if serving.certificate else "http"
    if isinstance(serving.place, Unix):
        return f"{scheme}://localhost"
    host, port = serving.place.host, listener.getsockname()[1]
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
