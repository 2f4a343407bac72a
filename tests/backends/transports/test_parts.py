"""What the transports share: requests taken apart, proxies of the environment, codings undone."""

import gzip
import zlib

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.transports.asks import Origin, make_headers, read_url
from aihub.backends.transports.by_httpx2 import Httpx2Transport
from aihub.backends.transports.codings import PART, make_unpacker
from aihub.backends.transports.native import NativeTransport
from aihub.backends.transports.proxies import find_proxy
from aihub.errors import UpstreamCut, UpstreamFailed, UsageMistake
from aihub.model.upstream import UpstreamRequest
from aihub.testing.transports import BRISK, fault


@pytest.mark.parametrize(
    ("url", "origin", "host", "target"),
    [
        ("https://api.example", Origin("https", "api.example", 443), b"api.example", b"/"),
        ("https://API.example:443/v1", Origin("https", "api.example", 443), b"api.example", b"/v1"),
        ("http://x:8080/a?b#c", Origin("http", "x", 8080), b"x:8080", b"/a?b"),
        ("http://[::1]:81?q", Origin("http", "::1", 81), b"[::1]:81", b"/?q"),
    ],
)
def test_a_url_says_where_to_connect_and_what_to_ask(url, origin, host, target):
    """Usual ports are not repeated in `Host`, addresses have their brackets, fragments stay."""
    aim = read_url(url)

    assert (aim.origin, aim.host, aim.target) == (origin, host, target)


@given(st.text("abxn-_.019:[]%@/?#", min_size=1, max_size=12))
def test_what_we_take_for_a_url_httpx2_does_too(place):
    """However odd: no exception of another's gets out."""
    url = f"http://{place}"
    try:
        aim = read_url(url)
    except UsageMistake:
        return
    theirs = httpx2.URL(url)
    assert (theirs.host, theirs.port or 80) == (aim.origin.host, aim.origin.port)


def test_who_asks_for_a_coding_is_not_contradicted():
    """`identity` is asked for only where the caller does not say."""
    given = (("accept-encoding", "gzip"),)
    request = UpstreamRequest(method="GET", url="http://x/", headers=given)

    assert make_headers(request, read_url(request.url)) == [
        (b"host", b"x"),
        (b"accept-encoding", b"gzip"),
    ]


ENVIRONMENT = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture
def environment(monkeypatch):
    """Give a function that sets the environment's proxies, and none else."""
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    def put(**values):
        for name, value in values.items():
            monkeypatch.setenv(name.upper(), value)

    return put


@pytest.mark.parametrize(
    ("values", "scheme", "host", "proxy"),
    [
        ({}, "https", "api.example", None),
        ({"https_proxy": "http://p:1"}, "https", "api.example", "http://p:1"),
        ({"https_proxy": "p:1"}, "https", "api.example", "http://p:1"),
        ({"https_proxy": "http://p:1"}, "http", "api.example", None),
        ({"all_proxy": "socks5://p:1"}, "http", "api.example", "socks5://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "api.example"}, "https", "api.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": "example"}, "https", "api.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": "api.example:8"}, "https", "api.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": "*"}, "https", "api.example", None),
        ({"all_proxy": "http://p:1", "no_proxy": "a, 10.0.0.0/8"}, "http", "10.1.2.3", None),
        ({"all_proxy": "http://p:1", "no_proxy": "10.0.0.0/8"}, "http", "11.1.1.1", "http://p:1"),
        ({"all_proxy": "http://p:1", "no_proxy": "rubbish/8"}, "http", "x.example", "http://p:1"),
        ({"all_proxy": "http://p:1"}, "http", "localhost", None),
        ({"all_proxy": "http://p:1"}, "http", "127.0.0.2", None),
        ({"all_proxy": "http://p:1"}, "http", "::1", None),
    ],
)
def test_the_environment_names_proxies(environment, values, scheme, host, proxy):
    """As everywhere; and what stays on this machine goes to none."""
    environment(**values)

    assert find_proxy(Origin(scheme, host, 8)) == proxy


@pytest.mark.anyio
async def test_a_proxy_of_the_environment_that_is_none_costs_no_slot(environment):
    """It is named with each request, and nobody waits behind it."""
    environment(all_proxy="ftp://p:1")
    transport = Httpx2Transport(connections=1)
    for _ in range(2):
        request = UpstreamRequest(method="GET", url="http://far.invalid/", timeouts=BRISK)
        assert isinstance(error := await fault(transport, request), UsageMistake)
        assert error.message.startswith("proxy: ")


@pytest.mark.parametrize("proxy", ["ftp://secret:secret@p:1", "nonsense secret", "http://p:secret"])
def test_what_is_no_proxy_is_refused_without_being_shown(proxy):
    """At once, and not with the first request; a proxy's URL may hold a password."""
    with pytest.raises(UsageMistake, match=r"^proxy: ") as caught:
        Httpx2Transport(proxy=proxy)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("make", [Httpx2Transport, NativeTransport])
def test_no_connections_are_no_transport(make):
    """A transport that could carry nothing is refused."""
    with pytest.raises(UsageMistake, match="connections"):
        make(connections=0)


def test_without_h11_the_native_transport_says_what_to_install(monkeypatch):
    """It is an extra's, and named with it."""
    for module in ("h11", *(f"aihub.backends.transports.native.{m}" for m in ("pool", "wire"))):
        monkeypatch.setitem(__import__("sys").modules, module, None)
    with pytest.raises(UsageMistake, match=r"pip install 'ai-hub\[server\]'"):
        NativeTransport()


PACKERS = {"gzip": gzip.compress, "deflate": zlib.compress, "x-gzip": gzip.compress}


def unpack(coding, packed, size):
    unpacker = make_unpacker(coding)
    pieces = [packed[at : at + size] for at in range(0, len(packed), size)]
    parts = [part for piece in pieces for part in unpacker.unpack(piece)]
    unpacker.finish()
    return parts


@given(
    st.sampled_from(sorted(PACKERS)),
    st.binary(max_size=300).flatmap(
        lambda one: st.integers(0, 2000).map(lambda times: one * times)
    ),
    st.integers(1, 5000),
)
def test_what_was_compressed_comes_back_in_bounded_parts(coding, plain, size):
    """However it is cut, and however far it unfolds."""
    parts = unpack(coding, PACKERS[coding](plain), size)

    assert b"".join(parts) == plain
    assert all(0 < len(part) <= PART for part in parts)


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.integers(1, 100))
def test_gzip_may_have_several_members(plains, size):
    """One after another they are one body."""
    packed = b"".join(gzip.compress(plain) for plain in plains)

    assert b"".join(unpack("gzip", packed, size)) == b"".join(plains)


@given(st.binary(min_size=1, max_size=200), st.data())
def test_what_breaks_off_is_not_whole(plain, data):
    """A compressed body that lacks its end is told, wherever it was cut."""
    packed = gzip.compress(plain)
    cut = data.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(UpstreamCut) as caught:
        unpack("gzip", packed[:cut], 7)
    assert caught.value.code == "broken_body"


def test_nothing_at_all_is_whole():
    """An empty body that claims a coding, as answers without content do, is empty."""
    assert unpack("gzip", b"", 1) == []


def test_codings():
    """None and `identity` need nothing; one that nobody asked for is named."""
    assert make_unpacker("") is None
    assert make_unpacker(" Identity ") is None
    with pytest.raises(UpstreamFailed, match="'zstd'") as caught:
        make_unpacker("zstd")
    assert caught.value.code == "unknown_coding"
