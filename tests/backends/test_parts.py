"""Parts that are not text are counted by the rules that vendors publish."""

import math
import struct
import zlib
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.catalogue import load_catalogue
from aihub.backends.tokens import EstimateCounter, TiktokenCounter
from aihub.backends.tokens.images import size_of
from aihub.backends.tokens.parts import count
from aihub.model.chat import Chat, Message, OtherPart, TextPart

CATALOGUE = load_catalogue()


def png(width, height):
    """A PNG of one colour, whole."""

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def jpeg(width, height, *, before=b""):
    """The beginning of a JPEG, with other segments before its frame."""
    frame = b"\xff\xc0" + struct.pack(">HBHH", 17, 8, height, width)
    return b"\xff\xd8" + before + frame


def url(data, kind="image/png"):
    """A data URL."""
    return f"data:{kind};base64,{b64encode(data).decode()}"


def image(width, height, detail="auto"):
    """A part with a picture that came along."""
    return part("image_url", url=url(png(width, height)), detail=detail)


def part(kind, **data):
    """A part as a request has it."""
    return OtherPart(kind, {"type": kind, kind: data})


def counted(name, one):
    """Tokens of a part for a model, and whether they are exact."""
    found = count(CATALOGUE.find(name), one, len)
    return found.tokens, found.exact


# The numbers are the guide's own examples where it has some.
@pytest.mark.parametrize(
    ("name", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1024, 1024), "high", 765),
        ("gpt-4o", (2048, 4096), "high", 1105),
        ("gpt-4o", (4096, 8192), "low", 85),
        ("gpt-4o", (512, 512), "auto", 255),
        ("gpt-4o-mini", (1024, 1024), "high", 2833 + 4 * 5667),
        ("gpt-4.1", (1024, 1024), "high", 765),
        ("o1", (1024, 1024), "high", 75 + 4 * 150),
        ("gpt-5", (1024, 1024), "high", 70 + 4 * 140),
        ("gpt-4.1-mini", (1024, 1024), "high", math.ceil(1024 * 1.62)),
        ("gpt-4.1-nano", (1800, 2400), "high", math.ceil(1452 * 2.46)),
        ("o4-mini", (1800, 2400), "low", math.ceil(1452 * 1.72)),
        ("gpt-5-mini", (4000, 10), "auto", math.ceil(125 * 1.62)),
    ],
)
def test_openais_models_count_an_image_by_its_guide(name, size, detail, tokens):
    """Tiles of 512 pixels, or patches of 32: exact, for the size came along."""
    assert counted(name, image(*size, detail)) == (tokens, True)


@pytest.mark.parametrize(
    ("name", "size", "tokens"),
    [
        ("claude-sonnet-4-5", (200, 200), 54),
        ("claude-sonnet-4-5", (1000, 1000), 1334),
        ("claude-sonnet-4-5", (8000, 8000), 1600),
        ("gemini-2.5-flash", (384, 384), 258),
        ("gemini-2.5-flash", (1000, 700), 516),
        ("mistral-large-2512", (1024, 1024), 765),
        ("gpt-5.4", (1024, 1024), 765),
    ],
)
def test_other_models_count_an_image_by_their_vendors_rule(name, size, tokens):
    """An estimate; by gpt-4o's rule where there is none."""
    assert counted(name, image(*size)) == (tokens, False)


@pytest.mark.parametrize(
    "source",
    [
        "https://example.com/a.png",
        "data:image/png;base64,????",
        "data:image/png;base64,AAAA",
        "data:image/png,raw",
        "data:",
        "",
        5,
        None,
    ],
)
def test_an_image_that_did_not_come_along_counts_as_one_of_1024(source):
    """Nothing is fetched, and what is broken is no trouble; the count says that it is a guess."""
    assert counted("gpt-4o", part("image_url", url=source)) == (765, False)


@pytest.mark.parametrize(
    ("data", "size"),
    [
        (png(300, 200), (300, 200)),
        (jpeg(300, 200), (300, 200)),
        (jpeg(300, 200, before=b"\xff\xe1\x00\x04ab\xff\x01\xff\xff\xc4\x00\x02"), (300, 200)),
        (b"GIF87a" + struct.pack("<HH", 300, 200), (300, 200)),
        (b"RIFF\0\0\0\0WEBPVP8X" + bytes(8) + b"\x2b\x01\0\xc7\0\0", (300, 200)),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(10) + struct.pack("<HH", 300, 200), (300, 200)),
        (
            b"RIFF\0\0\0\0WEBPVP8L" + bytes(5) + struct.pack("<I", 299 | 199 << 14) + bytes(9),
            (300, 200),
        ),
        (png(0, 5), None),
        (png(300, 200)[:20], None),
        (jpeg(300, 200)[:8], None),
        (b"\xff\xd8\x00", None),
        (b"RIFF\0\0\0\0WEBPVP9 " + bytes(20), None),
        (b"%PDF", None),
    ],
)
def test_sizes_are_read_from_headers(data, size):
    """Each format's, and none where the header is cut or of something else."""
    assert size_of(data) == size


@given(
    st.binary(max_size=60), st.sampled_from([b"", b"\xff\xd8", b"RIFF\0\0\0\0WEBPVP8X", b"GIF89a"])
)
def test_any_bytes_have_a_size_or_none(data, head):
    """Nothing that a request brings makes it fail."""
    found = size_of(head + data)
    assert found is None or min(found) > 0


@given(st.integers(1, 20_000), st.integers(1, 20_000), st.sampled_from(["gpt-4o", "o4-mini"]))
def test_no_image_is_free_or_beyond_the_bound(width, height, name):
    """Whatever its shape."""
    tokens, _ = counted(name, image(width, height))
    assert 0 < tokens <= {"gpt-4o": 85 + 170 * 8, "o4-mini": math.ceil(1536 * 1.72)}[name]


def test_sound_counts_by_its_length():
    """Ten tokens a second with OpenAI, 32 with Google; of what is broken nothing."""
    second = b64encode(bytes(48_000)).decode()
    wav = part("input_audio", data=second, format="wav")
    assert counted("gpt-4o", wav) == (10, False)
    assert counted("gemini-2.5-flash", wav) == (32, False)
    assert counted("gpt-4o", part("input_audio", data=second, format="mp3")) == (30, False)
    assert counted("gpt-4o", part("input_audio", data=5)) == (0, False)


def test_files_count_by_their_pages_or_their_text():
    """A page as the image that OpenAI makes of it; a text file as its text; others cannot be."""
    pdf = b"%PDF-1.4 /Type /Pages /Type /Page /Type/Page "
    two = part("file", file_data=url(pdf, "application/pdf"))
    assert counted("gpt-4o", two) == (2 * 765, False)
    assert counted("gemini-2.5-flash", two) == (2 * 258, False)
    assert counted("claude-sonnet-4-5", two)[0] == 2 * (1149 + 2250)
    assert counted("gpt-4o", part("file", file_data=url(b"one two", "text/plain"))) == (7, True)
    for unknown in ({"file_id": "f"}, {"file_data": "x"}, {"file_data": 5}):
        assert counted("gpt-4o", part("file", **unknown)) == (0, False)


def test_what_else_there_is():
    """A refusal is text; of a type that nobody knows nothing is counted."""
    assert counted("gpt-4o", OtherPart("refusal", {"type": "refusal", "refusal": "no"})) == (
        2,
        True,
    )
    assert counted("gpt-4o", OtherPart("refusal", {"type": "refusal", "refusal": 5})) == (0, True)
    assert counted("gpt-4o", OtherPart("hologram", {"type": "hologram"})) == (0, False)
    for kind in ("image_url", "input_audio", "file"):
        assert counted("gpt-4o", OtherPart(kind, 5))[1] is False


@pytest.mark.needs("tiktoken")
def test_a_prompt_with_a_picture_is_counted_exactly():
    """Text and picture together, where both have a rule; else the whole is an estimate."""
    counter, gpt = TiktokenCounter(), CATALOGUE.find("gpt-4o")

    def prompt(*parts):
        message = Message("user", (TextPart("What is this?"), *parts))
        return counter.count_prompt(gpt, Chat(model="gpt-4o", messages=(message,)))

    plain, pictured = prompt(), prompt(image(1024, 1024))
    assert (pictured.tokens, pictured.source) == (plain.tokens + 765, "counted")
    assert prompt(part("image_url", url="https://a.b/c")).source == "estimated"


def test_the_rule_of_thumb_counts_parts_too():
    """As everything it counts, they are an estimate."""
    message = Message("user", (image(1024, 1024),))
    gpt = CATALOGUE.find("gpt-4o")
    found = EstimateCounter().count_prompt(gpt, Chat(model="gpt-4o", messages=(message,)))
    assert found.tokens > 765
    assert found.source == "estimated"


def test_a_large_part_is_a_long_message():
    """So that it is counted in a thread, and not where others wait."""
    assert Message("user", (image(1024, 1024),)).characters > 80
    big = part("file", file_data="x" * 100_000, file_id=5)
    assert Message("user", (TextPart("a"), big)).characters > 100_000
    assert Message("user", (OtherPart("file", 5), OtherPart("file", {}))).characters == 4


def test_what_only_its_provider_can_read_is_estimated_by_its_length():
    """Four bytes a token: a text of as many would be counted by the base64 that it is not."""
    data = {"type": "compaction", "encrypted_content": "gAAA" * 250}
    counts = [
        counted("gpt-4o", OtherPart("compaction", one, "openai_responses")) for one in (data, {})
    ]
    assert counts == [(202, False), (0, False)]
