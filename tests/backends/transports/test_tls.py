"""Both transports keep the contract over TLS as well, and trust nobody they should not."""

import ssl

import pytest

from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.native import NativeTransport
from aihub.errors import UpstreamFailed
from aihub.testing import TransportSuite, open_upstream
from aihub.testing.transports import OK, ask, closing, expect, read

trustme = pytest.importorskip("trustme")
pytest.importorskip("h11")

pytestmark = pytest.mark.anyio

AUTHORITY = trustme.CA()


def server(name="127.0.0.1"):
    """Give the context of a server that has a certificate for *name*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    AUTHORITY.issue_cert(name).configure_cert(context)
    return context


def trust():
    """Give a client's context that trusts our authority alone."""
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


RECORD = 16 * 1024  # bytes of one TLS record at most
SERVER, TRUST = server(), trust()
OPENERS = [
    pytest.param(lambda trust: Httpx2Transport(verify=trust), id="httpx2"),
    pytest.param(lambda trust: NativeTransport(tls=trust), id="native"),
]


@pytest.mark.slow
class TestHttpx2TransportOverTls(TransportSuite):
    """Every exchange has a handshake."""

    def open_transport(self, *, connections=10):
        return Httpx2Transport(connections=connections, verify=TRUST)

    def tls(self):
        return SERVER


@pytest.mark.slow
class TestNativeTransportOverTls(TransportSuite):
    """Every exchange has a handshake."""

    def open_transport(self, *, connections=10):
        return NativeTransport(connections=connections, tls=TRUST)

    def tls(self):
        return SERVER


async def test_what_comes_along_with_an_answer_is_nobodys():
    """Nor where it was read and decrypted together with the answer, a record each."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
    body = bytes(RECORD - len(head % RECORD) + 0)
    whole = head % len(body) + body
    assert len(whole) == RECORD
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    async with open_upstream([whole + forged], OK, tls=SERVER) as upstream:
        async with closing(NativeTransport(tls=TRUST)) as transport:
            assert await read(transport, ask(upstream)) == body
            assert await read(transport, ask(upstream)) == b"ok"
        assert upstream.opened == 2


@pytest.mark.parametrize("make", OPENERS)
async def test_a_certificate_for_another_name_is_refused(make):
    """Nothing is sent to a server that is not who it should be."""
    async with open_upstream(OK, tls=server("other.example")) as upstream:
        async with closing(make(TRUST)) as transport:
            await expect(transport, ask(upstream), UpstreamFailed, "tls_failed")
        await upstream.wait_open(0)
        assert upstream.asked == []


@pytest.mark.parametrize("make", OPENERS)
async def test_an_authority_that_the_system_does_not_know_is_refused(make):
    """By default the system's certificates are trusted, and no others."""
    async with open_upstream(OK, tls=SERVER) as upstream:
        async with closing(make(None)) as transport:
            error = await expect(transport, ask(upstream), UpstreamFailed, "tls_failed")
            assert "certificate" in error.__notes__[0]
        assert upstream.asked == []


@pytest.mark.parametrize("make", OPENERS)
async def test_the_environment_may_name_an_authority(make, monkeypatch, tmp_path):
    """`SSL_CERT_FILE` is followed."""
    pem = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(pem))
    async with open_upstream(OK, tls=SERVER) as upstream, closing(make(None)) as transport:
        assert await read(transport, ask(upstream)) == b"ok"
