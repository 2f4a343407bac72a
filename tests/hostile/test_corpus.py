"""The corpus through the driver, whole and byte by byte, on memory streams and a clock that jumps.

The same requests reach the app as values here; what the driver refuses never does.
"""

from contextlib import asynccontextmanager

import pytest

trio = pytest.importorskip("trio")
pytest.importorskip("h11")
pytest.importorskip("pytest_trio")

from aihub.model.account import SCOPES  # noqa: E402 - after what may be missing
from aihub.server import trio_h11  # noqa: E402
from aihub.server.app import App  # noqa: E402
from aihub.testing import ScriptedProvider, open_test_hub  # noqa: E402

from . import corpus  # noqa: E402
from .answers import Reader, check  # noqa: E402

pytestmark = pytest.mark.trio

OPTIONS = trio_h11.ServerOptions(grace=0)
SHORT = 2000
"""Bytes of a case that is sent byte by byte; longer ones come in a thousand pieces."""


class Peer:
    """The other end of a connection."""

    def __init__(self, hub, key, stream):
        self.hub = hub
        self.key = key
        self.stream = stream
        self.reader = Reader()

    async def answer(self, method="POST"):
        """Give the next answer."""
        self.reader.ask(method)
        told = self.reader.next()
        while told is None:
            told = self.reader.feed(await self.stream.receive_some(65536))
        return told

    async def rows(self):
        """What the ledger has."""
        return [row for one in await self.hub.accounts.list() for row in await self.rows_of(one)]

    async def rows_of(self, account):
        """What the ledger has of an account."""
        return await self.hub.requests(account.id)


@asynccontextmanager
async def connected():
    """Serve one connection and give its other end; nothing may be left of it."""
    provider = ScriptedProvider()
    async with open_test_hub(provider) as hub, trio.open_nursery() as nursery:
        await hub.accounts.create("a", plan="enterprise", id="top", operator=True)
        key = (await hub.accounts.create_key("top", scopes=SCOPES)).secret
        ours, theirs = trio.testing.memory_stream_pair()
        connection = trio_h11.Connection(App(hub), theirs, OPTIONS, "203.0.113.9")

        async def keep_time():
            while True:
                await trio.sleep(trio_h11.TICK)
                connection.look(trio.current_time())

        clock = trio.CancelScope()
        nursery.start_soon(connection.serve)
        with clock:
            async with trio.open_nursery() as timing:
                timing.start_soon(keep_time)
                yield Peer(hub, key, ours)
                timing.cancel_scope.cancel()
        await ours.aclose()
        await trio.testing.wait_all_tasks_blocked()
        assert not nursery.child_tasks
        assert hub.in_flight == 0
        assert provider.open_now == 0


async def exchange(case, sizes):
    """Send a case in pieces, hold its answer to it, and see that nothing was written or billed."""
    data = case.data
    async with connected() as peer:
        data = data.replace(b"KEY", peer.key.encode())
        before = [len(await peer.hub.accounts.list()), len(await peer.hub.accounts.keys("top"))]

        async def send():
            for at in range(0, len(data), sizes(data)):
                try:
                    await peer.stream.send_all(data[at : at + sizes(data)])
                except trio.BrokenResourceError:
                    return  # Refused already.

        method = data.partition(b" ")[0].decode("latin-1")
        method = method if method in {"HEAD", "CONNECT", "OPTIONS"} else "POST"
        with trio.fail_after(2 * trio_h11.BODY_TIMEOUT):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(send)
                check(case, *await peer.answer(method))
            if not case.carries_on:
                assert await peer.stream.receive_some(1) == b""
            elif method != "CONNECT":
                await peer.stream.send_all(corpus.request("GET", "/healthz"))
                assert (await peer.answer())[0] == 200
        if case.status >= 400:
            assert await peer.rows() == []
            assert await peer.hub.sessions.list(account="top") == []
            after = [len(await peer.hub.accounts.list()), len(await peer.hub.accounts.keys("top"))]
            assert after == before


@pytest.mark.parametrize("case", corpus.ALL, ids=lambda case: case.name)
async def test_whole(autojump_clock, case):
    """The error that the contract names; the connection is good, or closes; nothing is written."""
    await exchange(case, len)


@pytest.mark.parametrize(
    "case", [*corpus.FRAMING, *corpus.HEADS, *corpus.ODD], ids=lambda case: case.name
)
async def test_byte_by_byte(autojump_clock, case):
    """However it comes it is the same request, or the same that is none."""
    await exchange(case, lambda data: 1 if len(data) < SHORT else len(data) // 1000)


async def test_what_follows_a_head_request_and_is_none_is_told_why(autojump_clock):
    """Found by fuzzing: the refusal took itself for the answer to HEAD, and broke off."""
    async with connected() as peer:
        await peer.stream.send_all(corpus.request("HEAD", "/healthz") + b"GARBAGE\r\n\r\n")
        assert (await peer.answer("HEAD"))[0] == 200
        check(corpus.FRAMING[0], *await peer.answer())
