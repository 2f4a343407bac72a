"""Server-sent events, read however they come, and held to the HTML standard and to httpx2."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from aihub.dialects import sse
from aihub.dialects.sse import SseDecoder, SseEvent
from aihub.errors import UpstreamFailed

# Little pieces that make much of the grammar; U+2028 and a form feed end no line.
PIECES = st.sampled_from(
    [
        *("data", "event", "id", "retry", ":", " ", "\n", "\r", "\r\n", "\n\n", "a", "é", "\u2028"),
        *("\x0c", "\x85", "\0", "data: x\n\n", "event: e\n", ": comment\n", "\ufeff"),
    ]
)
WIRE = st.lists(PIECES, max_size=40).map("".join)


def read(*pieces):
    """Read pieces one after the other."""
    decoder = SseDecoder()
    return [one for piece in pieces for one in decoder.feed(piece)]


@pytest.mark.parametrize(
    ("wire", "events"),
    [
        (b"data: a\n\n", [SseEvent(b"a")]),
        (b"data:a\n\ndata: b\n\n", [SseEvent(b"a"), SseEvent(b"b")]),
        (b"data:  a \n\n", [SseEvent(b" a ")]),
        (b"data: a\ndata: b\ndata\n\n", [SseEvent(b"a\nb\n")]),
        (b"data\n\n", [SseEvent(b"")]),
        (b"event: e\ndata: a\n\n", [SseEvent(b"a", "e")]),
        (b"data: a\nevent: e\nevent: f\n\n", [SseEvent(b"a", "f")]),
        (b"event: e\n\ndata: a\n\n", [SseEvent(b"a")]),
        (b": comment\n\n:\n\nid: 7\nretry: 5\n\n", []),
        (b"Data: a\n data: b\ndatas: c\n\n", []),
        (b"data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", [SseEvent(b) for b in (b"a", b"b", b"c")]),
        (b"\xef\xbb\xbfdata: a\n\n\xef\xbb\xbfdata: b\n\n", [SseEvent(b"a")]),
        (b"\n\n\n\ndata: a\n\n\n", [SseEvent(b"a")]),
        ("data: a\u2028b\x0cc\x85d\n\n".encode(), [SseEvent("a\u2028b\x0cc\x85d".encode())]),
        (b"event: \xff\ndata: \xff\n\n", [SseEvent(b"\xff", "\ufffd")]),
        (b"data: a\n\ndata: incomplete\n", [SseEvent(b"a")]),
    ],
)
def test_events_are_read_as_the_standard_says(wire, events):
    """Whole, and byte by byte."""
    assert read(wire) == events
    assert read(*(wire[n : n + 1] for n in range(len(wire)))) == events


def test_an_event_that_ends_in_a_return_is_given_at_once():
    """Nobody waits for a line feed that may never come."""
    decoder = SseDecoder()

    assert decoder.feed(b"data: a\r\r") == [SseEvent(b"a")]
    assert decoder.feed(b"") == []
    assert decoder.feed(b"\ndata: b\r") == []
    assert decoder.feed(b"\n\r\n") == [SseEvent(b"b")]


@given(WIRE, st.lists(st.integers(0, 200)))
@example("data: a\r\n\r\n", [9])
def test_however_a_stream_is_cut_its_events_are_the_same(wire, cuts):
    """Also in the middle of a character or of a line end."""
    data = wire.encode()
    ends = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(ends)]

    assert read(*pieces) == read(data)
    assert read(*(data[n : n + 1] for n in range(len(data)))) == read(data)


@given(WIRE)
def test_events_are_those_that_httpx2_reads(wire):
    """Its own adds events without data, keeps a byte order mark, and ends a line at the end."""
    httpx2 = pytest.importorskip("httpx2")
    wire = wire.rstrip("\r")
    response = httpx2.Response(
        200,
        headers={"content-type": "text/event-stream; charset=utf-8"},
        content=wire.removeprefix("\ufeff").encode(),
        request=httpx2.Request("POST", "http://a"),
    )
    theirs = [(one.data, one.event) for one in httpx2.EventSource(response) if one.data]
    ours = [(one.data.decode(), one.name or "message") for one in read(wire.encode()) if one.data]

    assert ours == theirs


@given(st.binary(max_size=60).filter(lambda data: not {10, 13} & set(data)), st.sampled_from("ab "))
def test_an_event_that_is_framed_is_read_back(data, name):
    """With a name and without."""
    name = name.strip()

    assert read(sse.event(data, name.encode())) == [SseEvent(data, name)]


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_an_event_past_the_bound_is_an_error_after_those_before_it(monkeypatch, size):
    """However it comes: those that were complete are given, and nothing after it."""
    monkeypatch.setattr(sse, "MAX_SSE_EVENT", 20)
    wire = b"data: a\n\n" + b"data: " + b"b" * 30 + b"\n\ndata: c\n\n"
    decoder = SseDecoder()
    events = []
    with pytest.raises(UpstreamFailed, match="more than 20 bytes") as caught:
        for start in range(0, 2000, size):
            events += decoder.feed(wire[start : start + size])

    assert caught.value.code == "bad_stream"
    assert events == [SseEvent(b"a")]
    with pytest.raises(UpstreamFailed):
        decoder.feed(b"data: d\n\n")


def test_a_stream_that_never_ends_an_event_is_not_kept(monkeypatch):
    """The bound holds for what has no end yet."""
    monkeypatch.setattr(sse, "MAX_SSE_EVENT", 20)
    decoder = SseDecoder()

    assert decoder.feed(b"data: a\n\n" + b":" * 25) == [SseEvent(b"a")]
    with pytest.raises(UpstreamFailed):
        decoder.feed(b"")
