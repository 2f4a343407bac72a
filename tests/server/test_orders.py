"""What a parent tells its workers, however it arrives."""

import pytest

pytest.importorskip("trio")

from hypothesis import given
from hypothesis import strategies as st

from aihub.server.orders import CUT, STOP, take_order
from aihub.server.workers import Change

ORDERS = st.one_of(
    st.sampled_from([(STOP, STOP, b""), (CUT, CUT, b"")]),
    st.binary(max_size=300).map(lambda told: (Change(told, ()).encode(), b"n", told)),
)


@given(st.lists(ORDERS), st.integers(1, 50))
def test_orders_are_the_same_however_their_bytes_come(orders, size):
    """In pieces of any size; nothing is taken before it is whole, and nothing is left."""
    wire = b"".join(sent for sent, _, _ in orders)
    said, taken = bytearray(), []
    for start in range(0, len(wire), size):
        said += wire[start : start + size]
        while (found := take_order(said)) is not None:
            taken.append(found)

    assert taken == [(order, told) for _, order, told in orders]
    assert not said
