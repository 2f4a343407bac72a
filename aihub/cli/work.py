"""What every command of `aihub` shares: where it asks, how it ends, what it prints.

A command asks a `Desk`: a server, or a store's file, which give the same JSON. `--json` prints it
as it came; otherwise `tables` makes it readable. An answer that is an error ends the command with
1, a wrong use with 2. What was not made here is not trusted: control characters never reach the
terminal.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import click
from click.core import ParameterSource

from .extra import extra_is_missing

if TYPE_CHECKING:
    from ..client.desk import AskFailed, Desk
    from .tables import Kind

MAX_PAGE = 100
"""Objects that are asked at a time; a server gives no more."""

MAX_LISTED = 100_000
"""Objects in one list: what is longer is for a program to read."""

Whose = Literal["any", "store"]
"""What `--account` names: anybody's where a key may, or only who is meant in a store's file."""

_URL = click.option(
    "--url", envvar="AIHUB_URL", metavar="URL", help="Ask this server, or unix:PATH. [AIHUB_URL]"
)
_KEY = click.option(
    "--key", envvar="AIHUB_API_KEY", metavar="SECRET", help="With this API key. [AIHUB_API_KEY]"
)
_STORE = click.option(
    "--store",
    envvar="AIHUB_STORE",
    metavar="sqlite:PATH",
    help="Open this store's file instead, beside a server or without. [AIHUB_STORE; default: that "
    "of aihub-serve]",
)
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON as a server gives it.")
_ACCOUNT: Mapping[Whose, Callable[[Any], Any]] = {
    "any": click.option("--account", metavar="ID", help="Whose; by default the key's own account."),
    "store": click.option(
        "--account",
        metavar="ID",
        help="Whose, in a store's file; a server knows it by the key.",
    ),
}


class Work:
    """A command at work.

    Args:
        desk: where it asks.
        as_json: whether it prints JSON.
        account: who was named.
    """

    def __init__(self, desk: Desk, *, as_json: bool, account: str | None) -> None:
        self.desk = desk
        self.as_json = as_json
        self.account = account

    def ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, object] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        """Return the JSON of an answer; what of *query* is None is left out."""
        from ..client.desk import Ask

        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        return self.desk.ask(Ask(method, path, given, body))

    def show(self, told: bytes, kind: Kind) -> None:
        """Print an answer."""
        if self.as_json:
            print_json(told)
            return
        from .tables import show

        show(told, kind)

    def show_new(self, told: bytes, kind: Kind, *, quiet: bool, what: str = "id") -> None:
        """Print what was made; if *quiet*, only *what* a script wants of it."""
        if not quiet:
            self.show(told, kind)
        else:
            from .reading import clean, read_object

            click.echo(clean(str(read_object(told).get(what, ""))))

    def show_list(
        self,
        *path: str,
        kind: Kind,
        limit: int,
        after: str | None,
        every: bool,
        query: Mapping[str, object] | None = None,
    ) -> None:
        """Print a list, as many pages of it as are wanted."""
        from .pages import gather

        asked = {**(query or {}), "after": after}
        wanted = MAX_LISTED if every else limit
        self.show(gather(lambda page: self.ask("GET", *path, query=page), asked, wanted), kind)


def print_json(told: bytes) -> None:
    """Write JSON as it is, and a line's end."""
    click.echo(told.rstrip(b"\n"))


def works(
    *, whose: Whose | None = None, packaged: bool = False
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command its `Work`, and the options that say where it asks.

    Args:
        whose: what its `--account` names; None for a command that has none.
        packaged: whether it has something to say where there is neither server nor store.
    """

    def decorate(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(
            url: str | None,
            key: str | None,
            store: str | None,
            *,
            as_json: bool,
            account: str | None = None,
            **given: Any,
        ) -> None:
            if as_json and given.get("quiet"):
                raise click.UsageError("--quiet and --json exclude each other.")
            try:
                desk = _desk(url, key, store, account, whose=whose, packaged=packaged)
                _finish(command, Work(desk, as_json=as_json, account=account), given)
            except ModuleNotFoundError as error:
                raise extra_is_missing(error) from None

        options = [_URL, _KEY, _STORE, *([_ACCOUNT[whose]] if whose else []), _JSON]
        return functools.reduce(lambda done, option: option(done), reversed(options), run)

    return decorate


def _finish(command: Callable[..., None], work: Work, given: Mapping[str, Any]) -> None:
    from ..client.desk import AskFailed

    _print_anything()
    try:
        command(work, **given)
    except AskFailed as error:
        raise click.ClickException(_told(error)) from None
    # A reader who has gone is noticed here, where it is no traceback.
    sys.stdout.flush()


def _print_anything() -> None:
    """See that a character which the terminal does not have is replaced, not an error."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _told(error: AskFailed) -> str:
    from .reading import clean

    known = [("code", error.code), ("request", error.request_id)]
    more = ", ".join(f"{name} {value}" for name, value in known if value)
    return clean(f"{error.message} ({more})" if more else error.message)


def _desk(
    url: str | None,
    key: str | None,
    store: str | None,
    account: str | None,
    *,
    whose: Whose | None,
    packaged: bool,
) -> Desk:
    """Return where to ask.

    Raises:
        UsageError: nothing says where, or two things do.
    """
    if url and store:
        url, store = _nearer(url, store)
    if url:
        if account and whose == "store":
            raise click.UsageError("--account is for a store's file: a server goes by the key.")
        return _server(url, key)
    if key and _is_typed("key"):
        raise click.UsageError("--key is for a server: name it by --url.")
    from ..config.terminal import CatalogueDesk, StoreDesk, stored
    from ..errors import UsageMistake

    if packaged and not store:
        return CatalogueDesk()
    store = store or stored()
    if store is None:
        raise click.UsageError(
            "there is nothing to work on. Name a server by --url URL and --key KEY (AIHUB_URL, "
            "AIHUB_API_KEY), or a store's file by --store sqlite:PATH (AIHUB_STORE). "
            "aihub-serve has kept none here."
        )
    try:
        return StoreDesk(store, account)
    except UsageMistake as error:
        raise click.UsageError(error.message) from None


def _nearer(url: str, store: str) -> tuple[str | None, str | None]:
    """Return the one that was typed, of two that are there."""
    typed = _is_typed("url"), _is_typed("store")
    if typed == (True, False):
        return url, None
    if typed == (False, True):
        return None, store
    raise click.UsageError("--url and --store (AIHUB_URL and AIHUB_STORE) exclude each other.")


def _is_typed(option: str) -> bool:
    source = click.get_current_context().get_parameter_source(option)
    return source is ParameterSource.COMMANDLINE


def _server(url: str, key: str | None) -> Desk:
    if not key:
        raise click.UsageError(
            "a server wants a key: give it by --key or AIHUB_API_KEY. An aihub-serve without "
            "options takes aihub-dev-key."
        )
    from ..client.remote import ServerDesk

    try:
        return ServerDesk(url, key)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
