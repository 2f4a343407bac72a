"""The transport by httpx2 keeps the contract."""

import pytest

from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.testing import TransportSuite

pytestmark = pytest.mark.anyio


class TestHttpx2Transport(TransportSuite):
    """The default."""

    # They wait in real time, or are many.
    test_an_answer_begins_as_soon_as_it_must = pytest.mark.slow(
        TransportSuite.test_an_answer_begins_as_soon_as_it_must
    )
    test_a_thousand_cancelled_calls_leak_nothing = pytest.mark.slow(
        TransportSuite.test_a_thousand_cancelled_calls_leak_nothing
    )

    def open_transport(self, *, connections=10):
        return Httpx2Transport(connections=connections)
