"""The suite of transports catches those that do not keep the contract."""

from contextlib import asynccontextmanager
from typing import ClassVar

import attrs
import pytest

from aihub.backends.transports.native import NativeTransport
from aihub.backends.transports.native.transport import NativeExchange
from aihub.errors import UpstreamCut, UpstreamFailed
from aihub.testing import TransportSuite

pytest.importorskip("h11")
pytestmark = pytest.mark.anyio


class LosesItsSlot(NativeTransport):
    """Broken: a call that is left early keeps its slot."""

    def open(self, request):
        hasty = attrs.evolve(request.timeouts, pool=0.05)
        return super().open(attrs.evolve(request, timeouts=hasty))

    def leave(self, connection, *, keep):
        super().leave(connection, keep=keep)
        if not keep:
            self._slots._free.acquire_nowait()


class KeepsWhatWasAbandoned(NativeTransport):
    """Broken: the connection of an answer that was left early goes back to the pool."""

    def leave(self, connection, *, keep):
        super().leave(connection, keep=connection is not None)


class LeavesOpen(NativeTransport):
    """Broken: what is abandoned is neither kept nor closed."""

    left: ClassVar = []

    def leave(self, connection, *, keep):
        if connection is not None:
            self.left.append(connection)
        super().leave(connection if keep else None, keep=keep)


class EndsCleanly(NativeTransport):
    """Broken: an answer that breaks off looks like one that ended."""

    def open(self, request):
        exchange = super().open(request)

        @asynccontextmanager
        async def opened():
            async with exchange as response:
                response.body = forgiving(response.body)
                yield response

        return opened()


async def forgiving(body):
    try:
        async for piece in body:
            yield piece
    except UpstreamCut:
        pass


class AsksTwice(NativeTransport):
    """Broken: whatever was cut is sent again."""

    def open(self, request):
        transport = self

        @asynccontextmanager
        async def opened():
            try:
                exchange = NativeExchange(transport, transport._slots, request)
                response = await exchange.__aenter__()
            except UpstreamCut:
                exchange = NativeExchange(transport, transport._slots, request)
                response = await exchange.__aenter__()
            try:
                yield response
            finally:
                await exchange.__aexit__(None, None, None)

        return opened()


class Impatient(NativeTransport):
    """Broken: who has to wait for a connection is refused."""

    def open(self, request):
        if self._slots.taken == self._slots.size:
            raise UpstreamFailed("all in use", code="pool_timeout")
        return super().open(request)


BROKEN = [
    (LosesItsSlot, "test_an_abandoned_answer_closes_its_connection"),
    (LosesItsSlot, "test_cancelling_at_any_point_leaves_the_transport_whole"),
    (KeepsWhatWasAbandoned, "test_an_abandoned_answer_closes_its_connection"),
    (LeavesOpen, "test_an_abandoned_answer_closes_its_connection"),
    (EndsCleanly, "test_an_answer_may_break_off_anywhere"),
    (EndsCleanly, "test_a_length_that_is_not_reached_is_a_cut"),
    (AsksTwice, "test_a_fresh_connection_is_not_asked_twice"),
    (Impatient, "test_more_calls_than_connections_wait_their_turn"),
]


@pytest.mark.parametrize(("broken", "name"), BROKEN)
async def test_the_suite_catches_it(broken, name, monkeypatch):
    """Each broken transport fails the test that is about it."""
    monkeypatch.setattr("aihub.testing.upstreams.SETTLE_SECONDS", 0.1)

    class Suite(TransportSuite):
        def open_transport(self, *, connections=10):
            return broken(connections=connections)

    with pytest.raises((AssertionError, UpstreamFailed, ExceptionGroup)) as caught:
        await getattr(Suite(), name)()
    assert all(isinstance(one, AssertionError | UpstreamFailed) for one in single(caught.value))
    while LeavesOpen.left:
        LeavesOpen.left.pop().close()


def single(error):
    """Give the errors that a group holds, or the error itself."""
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [one for inner in error.exceptions for one in single(inner)]
