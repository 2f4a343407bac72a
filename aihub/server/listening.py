"""Where a server listens: sockets that are bound before anything else is opened, and TLS for them.

Plain sockets and no event loop: with several workers it is their parent that binds, and has none.
"""

from __future__ import annotations

import errno
import os
import socket
import ssl
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import attrs

from ..errors import UsageMistake

BACKLOG = 1024
"""Connections that wait to be accepted: a burst of clients at start-up."""


@attrs.frozen
class Tcp:
    """An address and port; port 0 takes any free one, the same for all that the name stands for."""

    host: str
    port: int

    def bind(self, workers: int = 1) -> list[list[socket.socket]]:
        """Return the sockets that each of so many workers listens on.

        Raises:
            OSError: the address cannot be had.
        """
        try:
            first = _listen(self.host, self.port, spread=False)
            if workers == 1 or not SPREADS:
                return [first] * workers
            # Sockets that share an address do so with any other of ours too: those have shown
            # that nobody else listens there.
            port = first[0].getsockname()[1]
            for one in first:
                one.close()
            return [_listen(self.host, port, spread=True) for _ in range(workers)]
        except OSError as error:
            # Python's text repeats the address; whoever says this says where.
            number = error.errno or 0
            raise OSError(number, os.strerror(number) if number > 0 else error.strerror) from None


def _listen(host: str, port: int, *, spread: bool) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for family, address in _addresses(host, port):
            # The first has been given a free port: the others take the same.
            where = (address[0], port, *address[2:])
            made = socket.create_server(where, family=family, backlog=BACKLOG, reuse_port=spread)
            # What is accepted inherits it. Not every engine sets it, and without it an answer in
            # two writes waits for the client's acknowledgement, some 40 ms.
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sockets.append(made)
            port = port or sockets[0].getsockname()[1]
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, tuple[object, ...]]]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    usable = [one for one in found if one[0] != socket.AF_INET6 or socket.has_ipv6]
    return [(family, address) for family, _, _, _, address in usable]


SPREADS = sys.platform == "linux"
"""Whether the system deals connections out among sockets that share an address."""

PROBE_TIMEOUT = 1.0
"""Seconds to ask whether a socket file has a server: the system answers, not the server."""


@attrs.frozen
class Unix:
    """A socket file, which only its owner may connect to."""

    path: Path

    def bind(self, workers: int = 1) -> list[list[socket.socket]]:
        """Return a socket that listens, for all workers the same.

        The file of a server that is dead is replaced.

        Raises:
            OSError: a server listens there, the file is none of ours, or it cannot be made.
        """
        self._clear()
        made = socket.socket(socket.AF_UNIX)
        try:
            # The mode is there with the file: nobody can connect in between.
            before = os.umask(0o177)
            try:
                made.bind(str(self.path))
            finally:
                os.umask(before)
            made.listen(BACKLOG)
        except OSError:
            made.close()
            raise
        return [[made]] * workers

    def _clear(self) -> None:
        try:
            mode = self.path.lstat().st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISSOCK(mode):
            raise OSError(errno.EEXIST, "there is a file that is no socket")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(PROBE_TIMEOUT)
            try:
                probe.connect(str(self.path))
            except ConnectionRefusedError:
                self.path.unlink()
                return
        raise OSError(errno.EADDRINUSE, "a server listens there")

    def identity(self) -> tuple[int, int, int] | None:
        """Say which file it is now; an inode's number alone may have been used again."""
        try:
            found = self.path.lstat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_ctime_ns


Place: TypeAlias = Tcp | Unix
"""Where to listen."""


@contextmanager
def listening(place: Place, workers: int = 1) -> Iterator[Sequence[Sequence[socket.socket]]]:
    """Listen on *place* inside the context, and give the sockets for each worker.

    A socket file is removed at its end.

    Raises:
        OSError: it cannot be had.
    """
    sockets = place.bind(workers)
    file = place.identity() if isinstance(place, Unix) else None
    try:
        yield sockets
    finally:
        for one in chain(*sockets):
            one.close()
        # While we were ending another server may have put its own there.
        if isinstance(place, Unix) and file is not None and place.identity() == file:
            place.path.unlink()


# TLS


@attrs.frozen
class Certificate:
    """Files of a server's certificate (with its chain) and private key, both in PEM."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """Return what a server's side of TLS needs.

        Raises:
            UsageMistake: a file cannot be read, is not what it should be, or the two do not match.
        """
        for option, path in (("--tls-cert", self.certificate), ("--tls-key", self.key)):
            try:
                path.read_bytes()
            except OSError as error:
                raise UsageMistake(f"{option} {path}: {error.strerror}") from None
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.set_alpn_protocols(["http/1.1"])
        try:
            # Asked for a password it would wait at a terminal that nobody looks at.
            context.load_cert_chain(self.certificate, self.key, password=_no_password)
        except ssl.SSLError as error:
            raise UsageMistake(self._fault(error)) from None
        return context

    def _fault(self, error: ssl.SSLError) -> str:
        if error.reason == "KEY_VALUES_MISMATCH":
            return f"--tls-key {self.key} is not the key of --tls-cert {self.certificate}"
        return (
            f"--tls-cert {self.certificate} and --tls-key {self.key} must be a certificate and its "
            f"private key in PEM, without a password"
        )


def _no_password() -> str:
    return ""
