"""Whom to trust over TLS: the system's certificates, or what `SSL_CERT_FILE` names."""

from __future__ import annotations

import ssl


def make_tls(*, trust_env: bool = True) -> ssl.SSLContext:
    """Return a context as httpx2 makes it, so that both transports trust the same."""
    import httpx2

    return httpx2.create_ssl_context(trust_env=trust_env)
