"""Where a server's configuration comes from: a file, the environment's keys, or both; and again.

Reading again is all or nothing: a file that is wrong changes nothing, and every mistake is logged.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import attrs

from ..errors import UsageMistake
from .file import DEFAULT_NAME, Config, Mistaken, read_config
from .file.live import LIVE, found_live

log = logging.getLogger("aihub.server")

NO_FILE = "none"
"""What `--config` says where no file is to be read, not even one in the working folder."""


@attrs.frozen(kw_only=True)
class Source:
    """What a configuration is read from.

    Args:
        path: the file; None where there is none.
        live: whether providers whose keys are in the environment are asked too.
        region: the home region, in place of the file's.
    """

    path: Path | None
    live: bool = False
    region: str | None = None

    def read(self) -> Config | Mistaken:
        """Read it."""
        return read_config(self.path, region=self.region, live=self.live)


def find_file(named: str | None) -> Path | None:
    """Return the file to read: the one that is named, or one in the working folder.

    Raises:
        UsageMistake: the one in the working folder is another user's.
    """
    if named is not None:
        return None if named == NO_FILE else Path(named)
    path = Path(DEFAULT_NAME)
    try:
        found = path.stat()
    except OSError:
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    # A file that lies about must not send this user's keys to whoever put it there.
    if found.st_uid not in {os.getuid(), 0}:
        raise UsageMistake(
            f"./{DEFAULT_NAME} belongs to another user: name it by --config if you trust it, "
            f"or say --config {NO_FILE}"
        )
    return path


def check_live() -> None:
    """See that the environment has a key.

    Raises:
        UsageMistake: it has none.
    """
    if not found_live(os.environ):
        wanted = ", ".join(one.key for one in LIVE.values())
        raise UsageMistake(f"--live finds no key in the environment: set one of {wanted}")


def describe(config: Config) -> Iterator[tuple[str, str]]:
    """Say in a few words who is asked, for whoever starts a server: labels and texts."""
    if config.name:
        yield "config", config.name
    if config.providers:
        counts = dict.fromkeys(config.providers, 0)
        for places in config.routes.deployments.values():
            for name in {one.provider for one in places} & counts.keys():
                counts[name] += 1
        told = [f"{name} ({_models(count)})" for name, count in counts.items()]
        default = config.routes.default
        rest = "no other models" if default is None else f"all others: {default}"
        yield "live", f"{', '.join(told)}; {rest}"


def _models(count: int) -> str:
    return f"{count} model{'' if count == 1 else 's'}"


def read_again(source: Source, old: Config) -> Config | None:
    """Read a configuration while a server runs by *old*; None, and a log, where it is wrong."""
    read = source.read()
    if isinstance(read, Mistaken):
        for line in read.lines():
            log.error("%s", line)
        log.error("the configuration stays as it was: %d mistakes", len(read.mistakes))
        return None
    for key in sorted(_held(old, read)):
        log.warning("%s differs: it takes effect at the next start", key)
    return read


def _held(old: Config, new: Config) -> Iterator[str]:
    """Yield the keys that differ and hold from a start to the next."""
    for name, was, now in (("server", old.server, new.server), ("hub", old.hub, new.hub)):
        for key in was.keys() | now.keys():
            if was.get(key) != now.get(key):
                yield f"{name}.{key}"
