"""The store's file, asked as a server is: for the commands that need none."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from pathlib import Path
from urllib.parse import urlencode

import anyio
import attrs
import orjson

from ..client.desk import Ask, AskFailed, read_error
from ..errors import HubError, NotFound, UsageMistake
from ..hub import Hub
from ..model.account import LOCAL_ACCOUNT
from ..server.app import App
from ..server.http import Request
from ..server.owner import OwnersRequest
from .serving import DEV_ACCOUNT, FIRST_ACCOUNT, data_file
from .settings import MEMORY, SQLITE, Settings, open_hub, sqlite_path, visit_hub

OWN_ACCOUNTS = (DEV_ACCOUNT, FIRST_ACCOUNT)
"""Whose the keys are that `aihub-serve` makes by itself: what is meant where no account is."""


@attrs.frozen
class StoreDesk:
    """Ask a store's file as its owner; a server may work on it meanwhile.

    Args:
        store: `sqlite:PATH`.
        account: who is meant where a request names nobody; by default the account of the key
            that `aihub-serve` made, or else the embedding program's own.

    Raises:
        UsageMistake: that is no store that could be there.
    """

    store: str
    account: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.store == MEMORY:
            raise UsageMistake("nothing is kept in 'memory:': use 'sqlite:PATH'")
        if not self.store.startswith(SQLITE):
            raise UsageMistake(f"'{self.store}' is no store: use '{SQLITE}PATH'")
        sqlite_path(self.store)

    def ask(self, ask: Ask) -> bytes:
        """Return the JSON of the answer; see `Desk.ask`."""
        return anyio.run(_ask, visit_hub(Settings(store=self.store)), ask, self.account)


@attrs.frozen
class CatalogueDesk:
    """Ask for models where there is neither server nor store: those that are packaged."""

    def ask(self, ask: Ask) -> bytes:
        """Return the JSON of the answer; see `Desk.ask`."""
        return anyio.run(_ask, open_hub(), ask, LOCAL_ACCOUNT)


def stored() -> str | None:
    """Return the store of an `aihub-serve` without options; None where it never ran."""
    file: Path = data_file()
    return f"{SQLITE}{file}" if file.exists() else None


async def _ask(opened: AbstractAsyncContextManager[Hub], ask: Ask, account: str | None) -> bytes:
    try:
        async with opened as hub:
            meant = account or await _own_account(hub)
            request = Request(
                method=ask.method,
                path="/".join(["/v1", *ask.path]),
                query=urlencode(ask.query),
                headers={},
                body=b"" if ask.body is None else orjson.dumps(dict(ask.body)),
            )
            async with OwnersRequest(App(hub), request, meant) as response:
                status, body = response.status, response.body
    except HubError as error:
        raise AskFailed(error.message, code=error.code) from error
    assert isinstance(body, bytes)  # noqa: S101 - no command asks for a stream
    if status >= 400:  # noqa: PLR2004 - HTTP's own
        raise read_error(body, request_id=None) or AskFailed(body.decode())
    return body


async def _own_account(hub: Hub) -> str:
    for id in OWN_ACCOUNTS:
        try:
            return (await hub.accounts.get(id)).id
        except NotFound:
            continue
    return LOCAL_ACCOUNT
