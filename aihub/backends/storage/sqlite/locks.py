"""Operating system locks on files beside the database.

The system releases a lock when its holder ends, however it ends: a lock that can be taken means
that its owner is dead, at once. Where there is no `flock` (Windows), nobody can be told dead this
way and leases alone decide.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":  # pragma: no cover - our machines have flock

    def _lock(fd: int, *, wait: bool) -> bool:
        return wait and fd >= 0

else:
    import fcntl

    def _lock(fd: int, *, wait: bool) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


class OwnerLocks:
    """The lock files of hubs that share one database."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def take(self, owner: str) -> None:
        """Hold *owner*'s lock until `release` or the end of this process."""
        if owner in self._held:
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        fd = os.open(self._folder / owner, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        _lock(fd, wait=True)
        self._held[owner] = fd

    def release(self, owner: str) -> None:
        """Let go of *owner*'s lock and remove its file."""
        fd = self._held.pop(owner, None)
        if fd is not None:
            (self._folder / owner).unlink(missing_ok=True)
            os.close(fd)

    def release_all(self) -> None:
        """Let go of everything that this process holds."""
        for owner in list(self._held):
            self.release(owner)

    def is_dead(self, owner: str) -> bool:
        """Say whether nobody holds *owner*'s lock; a missing file says so too."""
        try:
            fd = os.open(self._folder / owner, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        try:
            return _lock(fd, wait=False)
        finally:
            os.close(fd)

    def bury(self, owner: str) -> None:
        """Remove a dead owner's file."""
        (self._folder / owner).unlink(missing_ok=True)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock on the file *path* against every other process, waiting for it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _lock(fd, wait=True)
        yield
    finally:
        os.close(fd)
