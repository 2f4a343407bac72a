"""The transport by httpx2 goes through proxies, and what fails there is told as that."""

import ssl
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute

from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.errors import UpstreamFailed
from aihub.model.upstream import UpstreamRequest
from aihub.testing import open_upstream
from aihub.testing.transports import BRISK, OK, ask, closing, expect, read
from aihub.testing.upstreams import answer

trustme = pytest.importorskip("trustme")
pytestmark = pytest.mark.anyio

FAR = UpstreamRequest(method="GET", url="http://far.invalid/a?b", timeouts=BRISK)
FAR_TLS = UpstreamRequest(method="GET", url="https://far.invalid/a?b", timeouts=BRISK)


@asynccontextmanager
async def open_tunnel(port):
    """Open a proxy whose tunnels all lead to *port* of this machine; give its URL and who asked."""
    asked = []

    async def copy(source, sink, scope):
        try:
            async for data in source:
                await sink.send(data)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass
        scope.cancel()

    async def serve(stream):
        async with stream:
            asked.append(await stream.receive())
            await stream.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
            async with (
                await anyio.connect_tcp("127.0.0.1", port) as there,
                anyio.create_task_group() as tasks,
            ):
                tasks.start_soon(copy, there, stream, tasks.cancel_scope)
                tasks.start_soon(copy, stream, there, tasks.cancel_scope)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}", asked
        tasks.cancel_scope.cancel()


async def test_a_proxy_is_asked_for_the_whole_url():
    """Plain HTTP: the proxy gets the request itself."""
    async with (
        open_upstream(OK) as upstream,
        closing(Httpx2Transport(proxy=upstream.url)) as transport,
    ):
        assert await read(transport, FAR) == b"ok"

    (asked,) = upstream.asked
    assert (asked.target, dict(asked.headers)["host"]) == ("http://far.invalid/a?b", "far.invalid")


async def test_the_environments_proxy_is_found_or_left_aside(monkeypatch):
    """By default it is followed, for what does not stay on this machine."""
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    async with open_upstream(answer(b"proxy")) as proxy, open_upstream(OK) as upstream:
        monkeypatch.setenv("http_proxy", proxy.url)
        async with closing(Httpx2Transport()) as transport:
            assert await read(transport, FAR) == b"proxy"
            assert await read(transport, ask(upstream)) == b"ok"
        async with closing(Httpx2Transport(trust_env=False)) as transport:
            await expect(transport, FAR, UpstreamFailed, "connect_failed")


async def test_tls_goes_through_a_tunnel():
    """The proxy sees a name and a port; what was asked is the upstream's alone."""
    authority = trustme.CA()
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert("far.invalid").configure_cert(theirs)
    authority.configure_trust(ours)
    async with (
        open_upstream(OK, tls=theirs) as upstream,
        open_tunnel(upstream.port) as (url, asked),
        closing(Httpx2Transport(proxy=url, verify=ours)) as transport,
    ):
        for _ in range(2):
            assert await read(transport, FAR_TLS) == b"ok"

    assert [one.target for one in upstream.asked] == ["/a?b"] * 2
    assert len(asked) == 1
    assert asked[0].startswith(b"CONNECT far.invalid:443 HTTP/1.1\r\n")
    assert b"/a" not in asked[0]


async def test_a_proxy_that_refuses_is_a_connection_that_failed():
    """Nothing was asked of the provider."""
    async with (
        open_upstream(answer(b"no", status="403 Forbidden")) as upstream,
        closing(Httpx2Transport(proxy=upstream.url)) as transport,
    ):
        error = await expect(transport, FAR_TLS, UpstreamFailed, "connect_failed")
        assert "403" in error.__notes__[0]
        await upstream.wait_open(0)
    assert [one.method for one in upstream.asked] == ["CONNECT"]
