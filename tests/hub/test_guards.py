"""Limits that protect the process: callers without a key by address, readers by account."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.clocks import ManualClock
from aihub.errors import OverLimit
from aihub.hub import guards as module
from aihub.hub.guards import ADDRESS_LIMIT, Guards, network_of
from aihub.model.account import Account, Identity, Plan
from aihub.model.units import MINUTE, SECOND


def reader(account="acc_1", requests_per_minute=None):
    """An identity that may read ten times *requests_per_minute*."""
    return Identity(
        account=Account(id=account, name="", plan="p", created=0),
        plan=Plan(name="p", requests_per_minute=requests_per_minute),
    )


def test_an_address_has_sixty_tries_a_minute():
    """The 61st is refused with the seconds to wait; each try leaves after its own minute."""
    clock = ManualClock()
    guards = Guards(clock)
    for n in range(ADDRESS_LIMIT):
        state = guards.take_address("192.0.2.7")
        assert (state.used, state.remaining) == (n + 1, ADDRESS_LIMIT - n - 1)
        clock.advance(0.5)

    with pytest.raises(OverLimit) as refused:
        guards.take_address("192.0.2.7")

    assert (refused.value.limit, refused.value.retry_after) == ("requests_per_minute", 30)
    (state,) = refused.value.windows
    assert (state.limit, state.used, state.kind) == (ADDRESS_LIMIT, ADDRESS_LIMIT, "requests")
    assert state.resets_at == clock.now() - SECOND // 2 + MINUTE
    guards.take_address("192.0.2.8")
    clock.advance(30)
    guards.take_address("192.0.2.7")


def test_a_refused_try_leaves_no_entry():
    """Who keeps trying while refused does not lock himself out for longer."""
    clock = ManualClock()
    guards = Guards(clock)
    for _ in range(ADDRESS_LIMIT):
        guards.take_address("192.0.2.7")
    for _ in range(59):
        clock.advance(1)
        with pytest.raises(OverLimit):
            guards.take_address("192.0.2.7")
    clock.advance(1)

    assert guards.take_address("192.0.2.7").used == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::", "2001:db8:1:2::"),
        ("2001:db8:1:3::", "2001:db8:1:3::"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::FFFF:c000:207", "192.0.2.7"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("", ""),
        ("unix:/tmp/hub.sock", "unix:/tmp/hub.sock"),
    ],
)
def test_what_counts_as_one_caller(address, network):
    """An IPv4 address however it is written, the /64 of an IPv6 address, or a name as it is."""
    assert network_of(address) == network


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_a_whole_64_is_one_caller(address, host):
    """Whoever has a /64 has 2**64 addresses, and one window."""
    neighbour = type(address)(int(address) >> 64 << 64 | host)
    if address.ipv4_mapped is None and neighbour.ipv4_mapped is None:
        assert network_of(str(address)) == network_of(str(neighbour))
        assert network_of(network_of(str(address))) == network_of(str(address))


@given(st.ip_addresses(v=4))
def test_a_mapped_address_is_the_address(address):
    """A socket that speaks both families does not double anybody's tries."""
    assert network_of(f"::ffff:{address}") == network_of(str(address)) == str(address)


def test_neighbours_in_a_64_share_their_window():
    """Rotating the lower half of an IPv6 address wins nothing."""
    guards = Guards(ManualClock())
    for n in range(ADDRESS_LIMIT):
        guards.take_address(f"2001:db8::{n:x}")
    with pytest.raises(OverLimit):
        guards.take_address("2001:db8::ffff:0:1")
    guards.take_address("2001:db8:0:1::1")


def test_reading_is_ten_times_as_cheap_as_asking():
    """An account on N requests a minute may read 10 N times, each account for itself."""
    guards = Guards(ManualClock())
    for _ in range(20):
        guards.take_read(reader(requests_per_minute=2))

    with pytest.raises(OverLimit) as refused:
        guards.take_read(reader(requests_per_minute=2))

    assert (refused.value.limit, refused.value.retry_after) == ("reads_per_minute", 60)
    guards.take_read(reader("acc_2", requests_per_minute=2))
    guards.take_read(reader(requests_per_minute=3))


def test_without_a_limit_reading_has_none():
    """An unlimited plan is not counted."""
    guards = Guards(ManualClock())
    for _ in range(1000):
        guards.take_read(reader())
    assert not guards._windows


def test_memory_is_bounded_and_the_least_recent_is_forgotten(monkeypatch):
    """A flood of addresses pushes out those longest silent, not those that are busy."""
    monkeypatch.setattr(module, "MAX_WINDOWS", 3)
    guards = Guards(ManualClock())
    for _ in range(ADDRESS_LIMIT):
        guards.take_address("192.0.2.1")
    for n in range(50):
        guards.take_address(f"198.51.100.{n}")
        with pytest.raises(OverLimit):
            guards.take_address("192.0.2.1")
        assert len(guards._windows) <= 3

    assert guards.take_address("198.51.100.0").used == 1


def test_a_window_keeps_a_minute_and_no_more():
    """Entries that have left take no memory."""
    clock = ManualClock()
    guards = Guards(clock)
    for _ in range(500):
        guards.take_address("192.0.2.1")
        clock.advance(1)
    (window,) = guards._windows.values()

    assert len(window.times) == len(window.charges) == ADDRESS_LIMIT
