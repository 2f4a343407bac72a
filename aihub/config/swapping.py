"""One configuration in place of another, while a server runs."""

from __future__ import annotations

import logging
import pickle
from typing import TYPE_CHECKING

from ..errors import HubError
from .settings import Settings, reconfigure

if TYPE_CHECKING:
    from ..server.app import App
    from .file import Config
    from .source import Source

log = logging.getLogger("aihub.server")


class Swap:
    """Has a server work by another configuration, or go on as it was.

    Args:
        source: what is read again; None for a worker, who is told.
        config: what it said at the start.
        settings: what the hub was opened with.

    `app` is who answers, from the moment it does.
    """

    def __init__(self, source: Source | None, config: Config | None, settings: Settings) -> None:
        self._source = source
        self._config = config
        self._settings = settings
        self.app: App | None = None

    async def reread(self) -> None:
        """Read the file again."""
        from .source import read_again

        if self._source is not None and self._config is not None:
            read = read_again(self._source, self._config)
            if read is not None:
                await self._to(read)

    async def to_order(self, told: bytes) -> None:
        """Take what a parent has read."""
        config: Config = pickle.loads(told)  # noqa: S301 - our parent wrote it
        await self._to(config)

    async def _to(self, config: Config) -> None:
        assert self.app is not None  # noqa: S101 - signals are heeded while it serves
        try:
            await reconfigure(self.app.hub, config, self._settings)
        except HubError as error:
            # Its text says it all: where it was raised is no news.
            log.error("the configuration stays as it was: %s", error.message)  # noqa: TRY400
            return
        self.app.regions = config.regions
        log.info("requests are served by the configuration as it is now")
