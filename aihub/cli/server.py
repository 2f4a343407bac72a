"""`aihub-serve`: parse, one call, print.

Longer than most files: an option is a paragraph, and all stand here in the order of the help.
"""

from __future__ import annotations

import errno
import gc
import json
import math
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..server.words import (
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
from .configured import is_configured, merge, read, take
from .extra import check_engine, extra_is_missing
from .options import SHOWN

if TYPE_CHECKING:
    from ..backends.providers.mock import Latency
    from ..config.serving import FixedKey, Started
    from ..model.units import Micros
    from ..server.proxies import Proxies

_Given = TypeVar("_Given")
_Read = TypeVar("_Read")

DEFAULT_PORT = 8484
"""Not a port that a well-known service has."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
CLOCK_YEARS = (1970, 8999)
"""A manual clock's first and last: ids have no time before, and dates end at 9999."""


def _latency(_ctx: Any, _param: Any, value: str) -> Latency | None:
    """Read what `parse_latency` takes."""
    try:
        from ..backends.providers.mock import parse_latency

        return parse_latency(value)
    except ModuleNotFoundError as error:
        raise extra_is_missing(error) from None
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def _clock(_ctx: Any, _param: Any, value: str | None) -> Micros | None:
    """Read when a manual clock starts."""
    if value is None:
        return None
    from ..model.units import from_rfc3339, to_datetime

    first, last = CLOCK_YEARS
    try:
        at = from_rfc3339(value)
        if first <= to_datetime(at).year <= last:
            return at
    except (ValueError, OverflowError):
        pass
    raise click.BadParameter(
        f"{value[:SHOWN]!r} is no time for a clock: use 2026-01-01T00:00:00Z, of {first} to {last}."
    )


def _host(_ctx: Any, _param: Any, value: str) -> str:
    return _read(check_host, value)


def _number(_ctx: Any, _param: Any, value: float) -> float:
    if math.isnan(value):  # Every comparison with it is false, so it is in any range.
        raise click.BadParameter("'nan' is no number of seconds.")
    return value


def _retention(_ctx: Any, _param: Any, value: str) -> float | None:
    return _read(parse_retention, value)


def _region(_ctx: Any, _param: Any, value: str) -> str:
    return _read(check_region, value)


def _origins(_ctx: Any, _param: Any, values: tuple[str, ...]) -> frozenset[str]:
    return _read(check_origins, values)


def _read(parse: Callable[[_Given], _Read], value: _Given) -> _Read:
    try:
        return parse(value)
    except ValueError as error:
        raise click.BadParameter(f"{error}.") from None


def _keys(_ctx: Any, _param: Any, values: tuple[str, ...]) -> tuple[FixedKey, ...]:
    """Read keys, each `SECRET=PLAN[:SCOPE+SCOPE]`."""
    try:
        from ..config.serving import FixedKey

        return tuple(FixedKey.parse(value) for value in values)
    except ModuleNotFoundError as error:
        raise extra_is_missing(error) from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


def _proxies(_ctx: Any, _param: Any, values: tuple[str, ...]) -> Proxies:
    """Read networks, or `unix`."""
    try:
        from ..server.proxies import Proxies

        return Proxies.parse(values)
    except ModuleNotFoundError as error:
        raise extra_is_missing(error) from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


HEADINGS = {
    "--config": "What it serves",
    "--host": "Where it listens",
    "--store": "What it keeps, and whose keys",
    "--seed": "What the mock answers",
    "--allow-host": "Who is let in",
    "--workers": "How it runs and ends",
    "--max-in-flight": "Bounds",
    "--log-level": "What it says",
}
"""The options with which a part of the help begins."""


class Grouped(click.Command):
    """A command whose help has its options in parts."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, each part under its heading."""
        parts: dict[str, list[tuple[str, str]]] = {}
        records: list[tuple[str, str]] = []
        for option in self.get_params(ctx):
            heading = HEADINGS.get(option.opts[0])
            if heading is not None:
                records = parts[heading] = []
            record = option.get_help_record(ctx)
            if record is not None:
                records.append(record)
        for heading, rows in parts.items():
            with formatter.section(heading):
                formatter.write_dl(rows)


@click.command(
    cls=Grouped,
    # An argument is refused below: click's own words would repeat it, and it may be a secret.
    context_settings={"help_option_names": ["-h", "--help"], "allow_extra_args": True},
)
@click.option(
    "--config",
    metavar="PATH",
    help="Read this file, such as aihub.toml; what is said here wins over it. 'none' reads none. "
    "[default: ./aihub.toml, if it is there]",
)
@click.option(
    "--live",
    is_flag=True,
    help="Ask the providers whose keys are in the environment (OPENAI_API_KEY, ANTHROPIC_API_KEY, "
    "GEMINI_API_KEY) for the models that are theirs; the mock answers for the others.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    callback=_host,
    help="Address to listen on.",
)
@click.option(
    "--port",
    default=DEFAULT_PORT,
    show_default=True,
    type=click.IntRange(0, LARGEST_PORT),
    help="Port to listen on; 0 takes any free one.",
)
@click.option(
    "--uds",
    metavar="PATH",
    type=click.Path(path_type=Path),
    help="Listen on this socket file, which only you may connect to, and on no address.",
)
@click.option(
    "--tls-cert",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Serve HTTPS with this certificate and its chain, in PEM.",
)
@click.option(
    "--tls-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The certificate's private key, in PEM and without a password.",
)
@click.option(
    "--store",
    metavar="URL",
    help="Where to keep keys, usage and limits: sqlite:PATH or memory:. "
    "[default: a SQLite file in your data directory]",
)
@click.option(
    "--ephemeral", is_flag=True, help="Keep everything in memory; the same as --store memory:."
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="SECRET=PLAN[:SCOPE+SCOPE]",
    callback=_keys,
    help="Have this API key, on this plan. May be repeated.",
)
@click.option(
    "--retention",
    default="400d",
    show_default=True,
    metavar="TIME",
    callback=_retention,
    help="How long details of requests are kept, such as 400d or 36h, or forever; sums stay.",
)
@click.option(
    "--seed",
    default=0,
    show_default=True,
    help="Another seed, other mock texts; with --ephemeral also ids that repeat.",
)
@click.option(
    "--lenient",
    is_flag=True,
    help="Do not refuse what OpenAI would: leave wrong parameters out, let models do anything.",
)
@click.option(
    "--latency",
    default="off",
    show_default=True,
    metavar="FIRST[,BETWEEN]",
    callback=_latency,
    help="Let the mock take its time before the first token and between two: 200ms,20ms. "
    "A delay may be uniform:10ms:40ms or lognormal:300ms:0.5, and prompt=0.1ms and load=5% "
    "may follow. Or say fast, typical or slow.",
)
@click.option(
    "--clock",
    metavar="TIME",
    callback=_clock,
    help="Have a clock that stands at 2026-01-01T00:00:00Z or so and that only the mock's latency "
    "moves: no real time passes. Keeps everything in memory.",
)
@click.option(
    "--region",
    default="local",
    show_default=True,
    callback=_region,
    help="This server's home region.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="A Host header to accept besides loopback names. May be repeated.",
)
@click.option(
    "--cors",
    "origins",
    multiple=True,
    metavar="ORIGIN",
    callback=_origins,
    help="Let web pages of this origin (https://example.com, or * for any) read answers. "
    "May be repeated.",
)
@click.option(
    "--pages/--no-pages",
    default=True,
    show_default=True,
    help="Serve dashboard, console and status beside the API.",
)
@click.option(
    "--trusted-proxy",
    "proxies",
    multiple=True,
    metavar="CIDR",
    callback=_proxies,
    help="Believe X-Forwarded-For from this network, or from 'unix', a socket file's peers. "
    "May be repeated.",
)
@click.option(
    "--workers",
    default=1,
    show_default=True,
    type=click.IntRange(1, MOST_WORKERS),
    help="Processes that serve, sharing one SQLite file.",
)
@click.option(
    "--engine",
    default=REFERENCE,
    show_default=True,
    type=click.Choice([REFERENCE, *ENGINES]),
    help="The HTTP server to run on: its own, made of h11, or one that is installed beside it.",
)
@click.option(
    "--grace",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0),
    callback=_number,
    help="Seconds that open requests are given when the server stops.",
)
@click.option(
    "--max-in-flight",
    default=1000,
    show_default=True,
    type=click.IntRange(1),
    help="Requests open at once in each worker; further ones are a 503.",
)
@click.option(
    "--max-connections",
    default=4096,
    show_default=True,
    type=click.IntRange(1),
    help="Connections open at once in each worker; further ones are turned away.",
)
@click.option(
    "--max-body",
    default=4 * 1024 * 1024,
    show_default=True,
    metavar="BYTES",
    type=click.IntRange(1, LARGEST_BODY),
    help="Bytes of a request's body; a larger one is a 413.",
)
@click.option(
    "--idle-timeout",
    default=75.0,
    show_default=True,
    metavar="SECONDS",
    type=click.FloatRange(1),
    callback=_number,
    help="Seconds that a connection may be silent between requests.",
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(LOG_LEVELS),
    help="What to log, on standard error.",
)
@click.option(
    "--log-format",
    default="text",
    show_default=True,
    type=click.Choice(["text", "json"]),
    help="How to log it.",
)
@click.version_option(package_name="ai-hub")
def serve(**options: Any) -> None:
    """Serve the AI Hub API on this machine, answered by the mock provider or by real ones."""
    if click.get_current_context().args:
        raise click.UsageError("There are only options; a key is given by --key SECRET=PLAN.")
    if options["ephemeral"] and options["store"]:
        raise click.UsageError("--ephemeral and --store exclude each other.")
    if options["uds"] and (_was_given("host") or _was_given("port")):
        raise click.UsageError("--uds and --host or --port exclude each other.")
    # Nothing that starting makes is garbage: not looking for any saves a sixth of the time.
    gc.disable()
    try:
        _serve(options)
    finally:
        gc.enable()


def _serve(options: dict[str, Any]) -> None:
    try:
        from ..config.serving import Serving, run_server
        from ..errors import HubError, UsageMistake
        from ..server.listening import Certificate, Tcp, Unix
        from ..server.workers import WorkersFailed
    except ModuleNotFoundError as error:
        raise extra_is_missing(error) from None

    source, config = None, None
    seeded = _was_given("seed")
    if is_configured(options):
        try:
            source = read(options, _was_given)
        except UsageMistake as error:
            raise click.UsageError(error.message) from None
    if source is not None:
        config = take(source)
        seeded = seeded or "seed" in config.hub
        options = merge(options, config, _was_given)
    check_engine(options["engine"])
    uds = options["uds"]
    # What a proxy passes on comes from wherever it listens.
    import attrs

    local = not options["proxies"] and (uds is not None or _is_loopback(options["host"]))
    tls = _both(options, "tls_cert", "tls_key")
    try:
        run_server(
            Serving(
                place=Unix(uds) if uds else Tcp(options["host"], options["port"]),
                certificate=Certificate(*tls) if tls else None,
                local=local,
                store="memory:" if _keeps_nothing(options) else options["store"],
                keys=options["keys"],
                seed=options["seed"],
                lenient=options["lenient"],
                latency=options["latency"],
                clock=options["clock"],
                region=options["region"],
                workers=options["workers"],
                engine=options["engine"],
                allowed_hosts=_allowed(options["allowed_hosts"], local=local),
                origins=options["origins"],
                pages=options["pages"],
                proxies=options["proxies"],
                grace=options["grace"],
                max_in_flight=options["max_in_flight"],
                max_connections=options["max_connections"],
                max_body=options["max_body"],
                idle_timeout=options["idle_timeout"],
                retention=options["retention"],
                log_level=options["log_level"],
                log_format=options["log_format"],
                seeded=seeded,
                config=config,
                # Home stays where it is when a file is read again.
                source=source and attrs.evolve(source, region=options["region"]),
            ),
            announce,
        )
    except ModuleNotFoundError as error:
        raise extra_is_missing(error) from None
    except UsageMistake as error:
        raise click.UsageError(error.message) from None
    except WorkersFailed as error:
        kind = click.UsageError if error.usage else click.ClickException
        raise kind(error.message) from None
    except HubError as error:
        raise click.ClickException(error.message) from None
    except OSError as error:
        raise click.ClickException(_cannot_listen(options, error)) from None


def _keeps_nothing(options: dict[str, Any]) -> bool:
    """Say whether all is kept in memory: asked for, or since a file would be of another time."""
    return bool(options["ephemeral"] or (options["clock"] is not None and not options["store"]))


def _both(options: dict[str, Any], one: str, other: str) -> tuple[Any, Any] | None:
    """Return two options that are given together or not at all."""
    given = options[one], options[other]
    if None not in given:
        return given
    if given != (None, None):
        names = [f"--{name.replace('_', '-')}" for name in (one, other)]
        raise click.UsageError(f"{names[0]} and {names[1]} are given together.")
    return None


def _cannot_listen(options: dict[str, Any], error: OSError) -> str:
    if options["uds"]:
        return f"cannot listen on {options['uds']}: {error.strerror or error}."
    hint = (
        "--port 0 takes any free port."
        if error.errno == errno.EADDRINUSE
        else "--host 127.0.0.1 is reached from this machine, --host 0.0.0.0 from every other too."
    )
    where = f"{options['host']}:{options['port']}"
    return f"cannot listen on {where}: {error.strerror or error}. {hint}"


def announce(started: Started) -> None:
    """Print where the server is, a key for it, and a line to paste."""
    # What is there now stays: later collections need not walk through it.
    gc.freeze()
    gc.enable()
    where = started.url if started.socket is None else f"unix:{started.socket}"
    through = "" if started.socket is None else f"--unix-socket {quote(str(started.socket))} "
    print(f"aihub is listening on {where} (Ctrl-C stops it)")
    print(f"  base URL  {started.url}/v1")
    if started.pages and started.socket is None:
        print(f"  dashboard {started.url}/dashboard")
    print(f"  store     {started.store}")
    for label, text in started.notes:
        print(f"  {label:9} {text}")
    if started.secret is None:
        print("  key       printed at the first start; --key SECRET=PLAN makes another")
    else:
        print(f"  key       {started.secret}")
    print("  try it:\n")
    print(f"curl {through}{started.url}/v1/chat/completions \\")
    print(f"  -H 'Authorization: Bearer {started.secret or 'YOUR_KEY'}' \\")
    print("  -H 'Content-Type: application/json' \\")
    print(f"  -d {quote(_sample(started.model))}\n", flush=True)


def _sample(model: str) -> str:
    messages = '[{"role": "user", "content": "Hello, AI Hub!"}]'
    return f'{{"model": {json.dumps(model)}, "messages": {messages}}}'


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _allowed(names: tuple[str, ...], *, local: bool) -> frozenset[str] | None:
    """Return the `Host` names to accept: all beyond this machine, unless some are named."""
    named = frozenset(name.lower() for name in names)
    if local:
        return LOOPBACK_NAMES | named
    return named or None


def _was_given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE
