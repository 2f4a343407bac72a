"""Heads as values: what two readers could read differently, and which path is meant."""

import pytest

from aihub.server.heads import SINGLE, Refused, check_head, read_target

LENGTH, CHUNKED = (b"content-length", b"1"), (b"transfer-encoding", b"chunked")


def check(*given, version=b"1.1"):
    """Check a head of these headers."""
    check_head(version, given, dict(given))


def test_a_head_in_good_order_passes():
    """Headers that are lists may be there twice."""
    check(LENGTH, (b"host", b"x"), (b"accept", b"a"), (b"accept", b"b"))
    check(CHUNKED)
    check(LENGTH, version=b"1.0")


@pytest.mark.parametrize(
    ("given", "version", "status", "why"),
    [
        ((LENGTH, CHUNKED), b"1.1", 400, "exclude each other"),
        ((CHUNKED,), b"1.0", 400, "HTTP/1.0"),
        ((), b"2.0", 505, None),
        ((), b"0.9", 505, None),
    ],
)
def test_where_a_request_ends_is_said_once(given, version, status, why):
    """Otherwise what one reader takes for a body is the next request to another."""
    with pytest.raises(Refused) as refused:
        check(*given, version=version)
    assert refused.value.status == status
    assert why is None or why in refused.value.why


@pytest.mark.parametrize("name", sorted(SINGLE))
def test_what_means_one_thing_is_there_once(name):
    """Even where both say the same; the error names it."""
    with pytest.raises(Refused) as refused:
        check((name, b"a"), (name, b"a"))
    assert refused.value.status == 400
    assert name.decode() in refused.value.why


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/models?a=%20", "/v1/models", "a=%20"),
        ("/v1/models/a%20b", "/v1/models/a b", ""),
        ("/v1/models/a%2Fb%2f", "/v1/models/a%2Fb%2f", ""),
        ("/%252F", "/%2F", ""),
        ("/a?b?c", "/a", "b?c"),
        ("/http://x/y", "/http://x/y", ""),
        ("*", "*", ""),
        ("x:443", "x:443", ""),
        ("//x/y", "//x/y", ""),
    ],
)
def test_a_path_is_decoded_and_nothing_else(target, path, query):
    """A slash that is part of a name stays as it was written."""
    headers = {b"host": b"here"}
    assert read_target(target, headers) == (path, query)
    assert headers == {b"host": b"here"}


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://there/a%20b?c", "/a b", "c"),
        ("HTTPS://there", "/", ""),
        ("http://there?a", "/", "a"),
    ],
)
def test_a_target_with_a_host_is_its_path(target, path, query):
    """And the host is the one that is meant, so that no other `Host` lets it in."""
    headers = {b"host": b"here"}
    assert read_target(target, headers) == (path, query)
    assert headers == {b"host": b"there"}


def test_whom_a_host_with_a_name_and_password_means_is_not_guessed():
    """The target is no path of ours then."""
    headers = {b"host": b"here"}
    assert read_target("http://here@there/a", headers)[0] == "http://here@there/a"
    assert headers == {b"host": b"here"}
