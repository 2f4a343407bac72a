"""Commands: parse, one call, print."""

from __future__ import annotations

import errno
import gc
import math
import re
import sys
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

PIP_LINE = "pip install 'ai-hub[server]'"


def _extra_is_missing(error: ModuleNotFoundError) -> SystemExit:
    print(f"This command needs '{error.name}': {PIP_LINE}", file=sys.stderr)
    return SystemExit(2)


try:
    import click
except ModuleNotFoundError as error:
    raise _extra_is_missing(error) from None

if TYPE_CHECKING:
    from .config.serving import FixedKey, Started

DEFAULT_PORT = 8484
"""Not a port that a well-known service has."""

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
_SPANS = {"h": 3600.0, "d": 86_400.0}
_UNITS = {"ms": 0.001, "s": 1.0, "": 1.0}

LONGEST_DELAY = 600.0
"""Seconds: what waits longer is a mistake in the unit."""


def _latency(_ctx: Any, _param: Any, value: str) -> tuple[float, float]:
    """Read `FIRST[,BETWEEN]`, each such as `200ms` or `1.5s`, in seconds."""
    first, comma, between = value.partition(",")
    try:
        return _seconds(first), _seconds(between) if comma else 0.0
    except (KeyError, ValueError):
        raise click.BadParameter(f"'{value}' is no delay: use 200ms, 1.5s, or 200ms,20ms") from None


def _seconds(text: str) -> float:
    number = text.strip().rstrip("ms")
    seconds = float(number) * _UNITS[text.strip().removeprefix(number)]
    if not 0 <= seconds <= LONGEST_DELAY:
        raise ValueError(text)
    return seconds


def _host(_ctx: Any, _param: Any, value: str) -> str:
    try:
        value.encode("idna")
    except UnicodeError:
        raise click.BadParameter(
            f"'{value}' is no host: use an address such as 127.0.0.1, or a name."
        ) from None
    return value


def _grace(_ctx: Any, _param: Any, value: float) -> float:
    if math.isnan(value):  # Every comparison with it is false, so it is in any range.
        raise click.BadParameter("'nan' is no number of seconds.")
    return value


def _retention(_ctx: Any, _param: Any, value: str) -> float | None:
    """Read `400d` or `36h` in seconds; `forever` is none."""
    if value == "forever":
        return None
    found = re.fullmatch(r"(\d{1,6})([dh])", value, re.ASCII)
    seconds = int(found[1]) * _SPANS[found[2]] if found else 0.0
    if seconds < _SPANS["d"]:
        raise click.BadParameter(f"'{value}' is no time of a day or more: use 400d, 36h or forever")
    return seconds


def _region(_ctx: Any, _param: Any, value: str) -> str:
    if re.fullmatch("[!-~]+", value) is None:
        raise click.BadParameter(
            f"'{value}' cannot be a region: use printable ASCII, such as eu-west."
        )
    return value


def _keys(_ctx: Any, _param: Any, values: tuple[str, ...]) -> tuple[FixedKey, ...]:
    """Read keys, each `SECRET=PLAN[:SCOPE+SCOPE]`."""
    try:
        from .config.serving import FixedKey

        return tuple(FixedKey.parse(value) for value in values)
    except ModuleNotFoundError as error:
        raise _extra_is_missing(error) from None
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command(
    # An argument is refused below: click's own words would repeat it, and it may be a secret.
    context_settings={"help_option_names": ["-h", "--help"], "allow_extra_args": True}
)
@click.version_option(package_name="ai-hub")
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
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 takes any free one.",
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
    "--seed",
    default=0,
    show_default=True,
    help="Another seed, other mock texts; with --ephemeral also ids that repeat.",
)
@click.option(
    "--latency",
    default="0s",
    metavar="FIRST[,BETWEEN]",
    callback=_latency,
    help="Let the mock wait before its first token, and between two: 200ms or 200ms,20ms.",
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
    "--grace",
    default=10.0,
    show_default=True,
    type=click.FloatRange(0),
    callback=_grace,
    help="Seconds that open requests are given when the server stops.",
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
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(["debug", "info", "warning", "error"]),
    help="What to log, on standard error.",
)
@click.option(
    "--log-format",
    default="text",
    show_default=True,
    type=click.Choice(["text", "json"]),
    help="How to log it.",
)
def serve(**options: Any) -> None:
    """Serve the AI Hub API on this machine, answered by the mock provider."""
    if click.get_current_context().args:
        raise click.UsageError("There are only options; a key is given by --key SECRET=PLAN.")
    if options["ephemeral"] and options["store"]:
        raise click.UsageError("--ephemeral and --store exclude each other.")
    # Nothing that starting makes is garbage: not looking for any saves a sixth of the time.
    gc.disable()
    try:
        _serve(options)
    finally:
        gc.enable()


def _serve(options: dict[str, Any]) -> None:
    try:
        from .config.serving import Serving, run_server
        from .errors import HubError, UsageMistake
    except ModuleNotFoundError as error:
        raise _extra_is_missing(error) from None

    try:
        run_server(
            Serving(
                host=options["host"],
                port=options["port"],
                local=_is_loopback(options["host"]),
                store="memory:" if options["ephemeral"] else options["store"],
                keys=options["keys"],
                seed=options["seed"],
                delays=options["latency"],
                region=options["region"],
                allowed_hosts=_allowed(options["host"], options["allowed_hosts"]),
                grace=options["grace"],
                retention=options["retention"],
                log_level=options["log_level"],
                log_format=options["log_format"],
                seeded=_was_given("seed"),
            ),
            announce,
        )
    except ModuleNotFoundError as error:
        raise _extra_is_missing(error) from None
    except UsageMistake as error:
        raise click.UsageError(error.message) from None
    except HubError as error:
        raise click.ClickException(error.message) from None
    except OSError as error:
        raise click.ClickException(_cannot_listen(options, error)) from None


def _cannot_listen(options: dict[str, Any], error: OSError) -> str:
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
    print(f"aihub is listening on {started.url} (Ctrl-C stops it)")
    print(f"  base URL  {started.url}/v1")
    print(f"  store     {started.store}")
    if started.secret is None:
        print("  key       printed at the first start; --key SECRET=PLAN makes another")
    else:
        print(f"  key       {started.secret}")
    print("  try it:\n")
    print(f"curl {started.url}/v1/chat/completions \\")
    print(f"  -H 'Authorization: Bearer {started.secret or 'YOUR_KEY'}' \\")
    print("  -H 'Content-Type: application/json' \\")
    print(f"  -d '{_SAMPLE}'\n", flush=True)


_SAMPLE = '{"model": "gpt-4", "messages": [{"role": "user", "content": "Hello, AI Hub!"}]}'


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _allowed(host: str, names: tuple[str, ...]) -> frozenset[str] | None:
    """Return the `Host` names to accept: all beyond loopback, unless some are named."""
    named = frozenset(name.lower() for name in names)
    if _is_loopback(host):
        return LOOPBACK_NAMES | named
    return named or None


def _was_given(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is click.core.ParameterSource.COMMANDLINE


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ai-hub")
def main() -> None:
    """aihub: an LLM hub on this machine."""


main.add_command(serve, "serve")


@main.command()
@click.argument("part", default="")
def models(part: str) -> None:
    """List the catalogue's models whose name contains PART."""
    from .backends.catalogue import load_catalogue
    from .model.units import format_usd

    found = [model for model in load_catalogue().models() if part in model.id]
    if not found:
        raise click.ClickException(f"no model has '{part}' in its name")
    columns = f"{'model':45} {'owner':12} {'context':>9} {'in':>9} {'out':>9}"
    print(f"{columns}   (USD per million tokens)")
    for model in sorted(found, key=lambda model: model.id):
        prices = (model.prices.prompt, model.prices.completion)
        per_million = " ".join(f"{format_usd(price * 10**6):>9}" for price in prices)
        print(f"{model.id:45} {model.owned_by:12} {model.context_window:>9} {per_million}")
