"""Whom a proxy speaks for: the right-most address that is not trusted, whatever else is there."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.server.proxies import MAX_HOPS, Proxies, read_address

TRUSTED = Proxies.parse(["10.0.0.0/8", "fd00::/8", "unix"])
PROXY = "10.0.0.1"

addresses = st.ip_addresses().map(
    lambda one: one.ipv4_mapped if one.version == 6 and one.ipv4_mapped else one
)
strangers = addresses.filter(lambda one: not TRUSTED.trusts(str(one)))
proxies = st.one_of(st.ip_addresses(network="10.0.0.0/8"), st.ip_addresses(network="fd00::/8"))
inventions = st.text(st.characters(codec="latin-1"), max_size=60)


@st.composite
def written(draw, of):
    """An address in any of the forms that proxies write."""
    address = draw(of)
    forms = [f"{address}", f" {address}\t"]
    if address.version == 4:
        forms += [f"{address}:443", f"::ffff:{address}", f"[::ffff:{address}]:1"]
    else:
        forms += [f"[{address}]", f"[{address}]:443", str(address).upper(), f"{address}%eth0"]
    return address, draw(st.sampled_from(forms))


@given(inventions, written(strangers), st.lists(written(proxies), max_size=MAX_HOPS - 1))
def test_the_first_stranger_from_the_right_is_the_client(invented, client, chain):
    """Whatever it wrote itself stands further left and changes nothing."""
    address, text = client
    header = ",".join([invented, text, *(written for _, written in chain)])
    assert ip_address(TRUSTED.client(PROXY, header)) == address


@given(st.lists(written(proxies), min_size=1, max_size=MAX_HOPS))
def test_where_all_are_trusted_the_farthest_is_the_client(chain):
    """A proxy may ask for itself."""
    assert ip_address(TRUSTED.client(PROXY, ",".join(text for _, text in chain))) == chain[0][0]


@given(inventions)
def test_whatever_is_written_there_is_somebody(header):
    """Any header gives an address that stands in it or the proxy's own, and never an error."""
    client = TRUSTED.client(PROXY, header)
    assert client == PROXY or read_address(client) is not None


@pytest.mark.parametrize(
    ("header", "client"),
    [
        ("", PROXY),
        ("unknown", PROXY),
        ("192.0.2.1, unknown", PROXY),
        ("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2"),
        ("192.0.2.1,,10.0.0.2", "10.0.0.2"),
        ("192.0.2.1, 198.51.100.7", "198.51.100.7"),
        ("192.0.2.1, 198.51.100.7:99, [fd00::2]:443, ::ffff:10.9.9.9", "198.51.100.7"),
        ("[2001:db8::1", PROXY),
        ("2001:db8::1", "2001:db8::1"),
        ("192.0.2.1\n", "192.0.2.1"),
        ("192.0.2.1" + ",10.0.0.3" * 10_000, "10.0.0.3"),
    ],
)
def test_what_is_no_address_ends_the_search(header, client):
    """Nobody vouches for what stands left of it; the chain that is looked through is bounded."""
    assert TRUSTED.client(PROXY, header) == client


def test_who_is_trusted():
    """By network, IPv4 also where it is written as IPv6; a socket file's peer where it is named."""
    told = {
        peer: TRUSTED.trusts(peer)
        for peer in ("10.1.1.1", "::ffff:10.1.1.1", "fd00::1", "11.0.0.1", "::1", "", "unix", "x")
    }
    assert [peer for peer, trusted in told.items() if trusted] == [
        "10.1.1.1",
        "::ffff:10.1.1.1",
        "fd00::1",
        "unix",
    ]
    assert not Proxies.parse(["10.0.0.0/8"]).trusts("unix")
    assert Proxies.parse(["::ffff:10.0.0.0/104"]).trusts("10.1.1.1")
    assert Proxies.parse(["unix"])
    assert not Proxies.parse([])


@given(st.text())
def test_any_text_is_a_network_or_refused_with_the_form(text):
    """Nothing else is raised."""
    refused = ""
    try:
        assert Proxies.parse([text])
    except ValueError as error:
        refused = str(error)
    assert not refused or refused.endswith("use an address, a network such as 10.0.0.0/8, or unix")
