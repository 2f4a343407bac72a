"""How answers are written as HTTP/1.1."""

from __future__ import annotations

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.server.framing import Writer, keeps_open

KIND = (b"content-type", b"application/json")
ASKED = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"


def read(wire: bytes, *, method: str = "GET", ends: bool = False) -> tuple[h11.Response, bytes]:
    """Read an answer as a client does, and return its head and body."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method=method, target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(wire)
    if ends:
        client.receive_data(b"")
    head, body = client.next_event(), b""
    assert isinstance(head, h11.Response)
    while isinstance(event := client.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert client.trailing_data[0] == b""
    return head, body


@given(body=st.binary(max_size=200), status=st.sampled_from([200, 201, 404, 429, 503, 529]))
def test_a_client_reads_what_was_written_whole(body: bytes, status: int) -> None:
    """Status, headers and body come out as they went in."""
    writer = Writer(keeps=True)
    head, got = read(writer.whole(status, [KIND], body))
    assert (head.status_code, got) == (status, body)
    assert dict(head.headers)[b"content-type"] == b"application/json"
    assert writer.begun
    assert writer.ended


@given(pieces=st.lists(st.binary(max_size=50)))
def test_a_client_reads_what_was_written_in_chunks(pieces: list[bytes]) -> None:
    """An empty piece is none: it would be the end."""
    writer = Writer(keeps=True)
    wire = writer.head(200, [KIND])
    wire += b"".join([writer.chunk(piece) for piece in pieces])
    assert not writer.ended
    assert read(wire + writer.end())[1] == b"".join(pieces)
    assert writer.ended
    assert writer.keeps


def test_an_old_client_reads_a_stream_to_the_end_of_its_connection() -> None:
    """HTTP/1.0 knows no chunks."""
    writer = Writer(version=b"1.0", keeps=False)
    wire = writer.head(200, [KIND]) + writer.chunk(b"one ") + writer.chunk(b"two") + writer.end()
    head, body = read(wire, ends=True)
    assert body == b"one two"
    assert dict(head.headers)[b"connection"] == b"close"
    assert not writer.keeps


@pytest.mark.parametrize("chunked", [False, True])
def test_the_answer_to_head_has_no_body(*, chunked: bool) -> None:
    """It says how long one would be."""
    writer = Writer(head_only=True, keeps=True)
    if chunked:
        wire = writer.head(200, [KIND]) + writer.chunk(b"never") + writer.end()
    else:
        wire = writer.whole(200, [KIND], b"never")
    head, body = read(wire, method="HEAD")
    assert body == b""
    assert wire.endswith(b"\r\n\r\n")
    assert chunked or dict(head.headers)[b"content-length"] == b"5"


@pytest.mark.parametrize("status", [204, 304])
def test_what_never_has_a_body_does_not_say_how_long_it_is(status: int) -> None:
    """RFC 9110, 8.6."""
    head, body = read(Writer(keeps=True).whole(status, [], b""))
    assert (head.status_code, body) == (status, b"")
    assert b"content-length" not in dict(head.headers)


def test_a_connection_that_ends_says_so() -> None:
    """Unless the request lets it be kept."""
    assert dict(read(Writer().whole(400, [], b""))[0].headers)[b"connection"] == b"close"
    assert b"connection" not in dict(read(Writer(keeps=True).whole(400, [], b""))[0].headers)


@pytest.mark.parametrize("bad", [b"a\r\nset-cookie: b", b"a\nb", b"a\rb", b"a\x00b"])
def test_a_value_never_becomes_a_header(bad: bytes) -> None:
    """It is a fault of ours, and nothing of it leaves."""
    for wrong in ((b"x-aihub-region", bad), (bad, b"1")):
        with pytest.raises(ValueError, match="line break"):
            Writer().whole(200, [wrong], b"")
        with pytest.raises(ValueError, match="line break"):
            Writer().head(200, [wrong])


@pytest.mark.parametrize(
    ("version", "said", "kept"),
    [
        (b"1.1", [], True),
        (b"1.1", [b"keep-alive"], True),
        (b"1.1", [b"Close"], False),
        (b"1.1", [b"upgrade, close"], False),
        (b"1.1", [b"close", b"upgrade"], False),
        (b"1.1", [b"closed"], True),
        (b"1.0", [], False),
        (b"1.0", [b"keep-alive"], False),
    ],
)
def test_the_request_says_whether_its_connection_is_kept(
    version: bytes, said: list[bytes], *, kept: bool
) -> None:
    """However many lines it takes to say so."""
    given = [(b"connection", value) for value in said]
    assert keeps_open(version, given, dict(given)) is kept
