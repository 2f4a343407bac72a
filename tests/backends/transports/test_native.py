"""The native transport keeps the contract."""

import pytest

from aihub.backends.transports.native import NativeTransport
from aihub.testing import TransportSuite, open_upstream
from aihub.testing.transports import ask, closing, read
from aihub.testing.upstreams import answer

pytest.importorskip("h11")
pytestmark = pytest.mark.anyio


class TestNativeTransport(TransportSuite):
    """Plain HTTP/1.1."""

    def open_transport(self, *, connections=10):
        return NativeTransport(connections=connections)


async def test_what_comes_along_with_an_answer_is_nobodys():
    """Bytes behind the end of an answer are not the beginning of the next."""
    forged = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
    async with open_upstream([b"".join([*answer(b"ok"), forged])], answer(b"ok")) as upstream:
        async with closing(NativeTransport()) as transport:
            assert await read(transport, ask(upstream)) == b"ok"
            assert await read(transport, ask(upstream)) == b"ok"
        assert upstream.opened == 2
