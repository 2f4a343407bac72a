"""Whom to trust over TLS: the system's certificates, or what `SSL_CERT_FILE` names."""

from __future__ import annotations

import os
import ssl
from functools import cache

from ...errors import UpstreamFailed
from ...messages import Msg

_VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")


def make_tls(*, trust_env: bool = True) -> ssl.SSLContext:
    """Return a context as httpx2 makes it, so that both transports trust the same.

    It is the same one for all, made once: reading the system's certificates takes long.
    """
    named = tuple([os.environ.get(name) for name in _VARIABLES]) if trust_env else None
    return _make(named)


@cache
def _make(named: tuple[str | None, ...] | None) -> ssl.SSLContext:
    import httpx2

    return httpx2.create_ssl_context(trust_env=named is not None)


def unreachable(code: str, error: BaseException) -> UpstreamFailed:
    """Make the error of a provider that cannot be reached.

    Why is a note of it, for logs and tracebacks: a caller has no business with addresses.
    """
    failed = UpstreamFailed(Msg("The provider cannot be reached."), code=code)
    failed.add_note(explain(error))
    return failed


def explain(error: BaseException) -> str:
    """Say why no connection was made: what TLS has against it, or what the system says."""
    said = ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate is not good ({cause.verify_message})"
        if isinstance(cause, OSError):
            said = said or str(cause.strerror or cause)
        cause = cause.__cause__ or cause.__context__
    return said or str(error) or "the connection ended"
