"""Requests of whoever owns the store's file: no key, no windows, and everything is theirs."""

from __future__ import annotations

from ..hub import Accounts
from .app import App, Opened
from .http import Request
from .routes import Route


class OwnersRequest(Opened):
    """A request of the owner's, on behalf of *account* where none is named."""

    def __init__(self, app: App, request: Request, account: str) -> None:
        super().__init__(app, request)
        self._account = account

    @property
    def account(self) -> str:
        """The account that is meant where none is named."""
        return self._account

    @property
    def accounts(self) -> Accounts:
        """Administration without bounds."""
        return self.hub.accounts

    def check_reach(self, account: str) -> None:
        """Let the owner look into every account."""

    async def _authenticate(self, route: Route) -> None:
        """Ask for no key: who may write the file may do everything."""
