"""Counting tokens, and cutting text by them."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aihub.backends.catalogue import load_catalogue
from aihub.backends.tokens import EstimateCounter, TiktokenCounter, best_counter, bpe, ranks
from aihub.backends.tokens import cut as cut_
from aihub.backends.tokens import pieces as pieces_of
from aihub.model.catalogue import Model
from aihub.model.chat import Chat, Message, OtherPart, TextPart, Tool, ToolCall
from aihub.model.usage import Count

ENCODINGS = ("cl100k_base", "o200k_base")
TEXTS = st.text() | st.text(alphabet="aA1 \n\t.'é中한👍🏽\u200d\u0301\ud83d\udc4d")

needs_tiktoken = pytest.mark.needs("tiktoken")
counters = pytest.mark.parametrize(
    "counter", [pytest.param(TiktokenCounter(), marks=needs_tiktoken), EstimateCounter()]
)
encodings = pytest.mark.parametrize("encoding", ENCODINGS)


def model(name: str = "gpt-4o") -> Model:
    found = load_catalogue().find(name)
    assert found is not None
    return found


def chat(*messages: Message, **fields: object) -> Chat:
    return Chat(model="any", messages=messages, **fields)


HELLO = chat(Message("system", "You are a helpful assistant."), Message("user", "Hello!"))


# Counting with tiktoken


@needs_tiktoken
@pytest.mark.parametrize(
    ("encoding", "text", "tokens"),
    [
        ("cl100k_base", "hello world", [15339, 1917]),
        ("cl100k_base", "tiktoken is great!", [83, 1609, 5963, 374, 2294, 0]),
        ("o200k_base", "hello world", [24912, 2375]),
        ("o200k_base", "tiktoken is great!", [83, 8251, 2488, 382, 2212, 0]),
    ],
)
def test_tokens_are_those_of_openai(encoding, text, tokens):
    """Known texts have the tokens that OpenAI publishes for them."""
    assert TiktokenCounter().encode(encoding, text) == tokens


@needs_tiktoken
@pytest.mark.parametrize(("name", "tokens"), [("gpt-4", 129), ("gpt-4o", 124)])
def test_a_prompt_counts_as_openai_counts_it(name, tokens):
    """The example of OpenAI's cookbook has the number of tokens that their API answers."""
    # developers.openai.com/cookbook: How to count tokens with tiktoken.
    pattern = "You are a helpful, pattern-following assistant that translates corporate jargon"
    prompt = chat(
        Message("system", f"{pattern} into plain English."),
        Message("system", "New synergies will help drive top-line growth.", name="example_user"),
        Message(
            "system", "Things working well together will increase revenue.", "example_assistant"
        ),
        Message(
            "system",
            "Let's circle back when we have more bandwidth to touch base on opportunities for "
            "increased leverage.",
            name="example_user",
        ),
        Message(
            "system",
            "Let's talk later when we're less busy about how to do better.",
            name="example_assistant",
        ),
        Message(
            "user",
            "This late pivot means we don't have time to boil the ocean for the client "
            "deliverable.",
        ),
    )
    assert TiktokenCounter().count_prompt(model(name), prompt) == Count(tokens, "counted")


@needs_tiktoken
@encodings
def test_patterns_are_those_of_the_installed_tiktoken(encoding, monkeypatch):
    """Our copy of the pattern that splits text is the one that tiktoken has."""
    from tiktoken_ext import openai_public

    monkeypatch.setattr(openai_public, "load_tiktoken_bpe", lambda *_, **__: {})
    assert getattr(openai_public, encoding)()["pat_str"] == ranks.PATTERNS[encoding]


@pytest.mark.parametrize(("encoding", "size"), [("cl100k_base", 100_256), ("o200k_base", 199_998)])
def test_ranks_are_complete(encoding, size):
    """Every token has its rank, each single byte among them."""
    found = ranks.read_ranks(encoding)
    assert sorted(found.values()) == list(range(size))
    assert {bytes([byte]) for byte in range(256)} <= found.keys()


@needs_tiktoken
def test_special_tokens_in_text_are_text():
    """What a user writes is never a special token."""
    assert len(TiktokenCounter().encode("o200k_base", "<|endoftext|>")) > 1


@needs_tiktoken
def test_another_vendors_model_is_estimated():
    """A count by the nearest public tokenizer says that it is an estimate."""
    counter = TiktokenCounter()
    assert counter.count_text(model("claude-3-opus"), "hello world") == Count(2, "estimated")
    assert counter.count_prompt(model("claude-3-opus"), HELLO).source == "estimated"


@needs_tiktoken
def test_an_unknown_encoding_is_the_nearest():
    """A model with an encoding of its own is counted by ours, as an estimate."""
    own = attrs.evolve(model(), encoding="acme_base")
    assert TiktokenCounter().count_text(own, "hello world") == Count(2, "estimated")


@needs_tiktoken
def test_what_has_no_published_rule_makes_an_estimate():
    """Tool calls, tools and pictures behind a URL are counted; each makes it an estimate."""
    counter, plain = TiktokenCounter(), Message("user", (TextPart("Hello!"),))
    bare = counter.count_prompt(model(), chat(plain))
    image = Message("user", (TextPart("Hello!"), OtherPart("image_url", {})))
    call = Message("assistant", None, tool_calls=(ToolCall("1", "add", '{"a":1}'),))
    assert bare.source == "counted"
    assert counter.count_prompt(model(), chat(image)) == Count(bare.tokens + 765, "estimated")
    called = counter.count_prompt(model(), chat(plain, call))
    # The frame of a message, its role, the name and the arguments.
    assert called == Count(bare.tokens + 3 + 1 + 1 + 5, "estimated")
    tools = counter.count_prompt(model(), chat(plain, tools=(Tool(name="add"),)))
    assert tools.source == "estimated"
    assert tools.tokens > bare.tokens


@needs_tiktoken
def test_tools_that_are_no_json_are_counted_by_their_texts():
    """Nested deeper than JSON is written, or what a program gave by mistake."""
    deep = "word"
    for _ in range(400):
        deep = {"a": [deep]}
    for odd in (deep, {"a": ("b", object()), 5: "word"}):
        asked = chat(Message("user", "Hi"), tools=(Tool(name="f", parameters=odd),))
        assert TiktokenCounter().count_prompt(model(), asked).source == "estimated"


@pytest.mark.slow
@needs_tiktoken
@encodings
@pytest.mark.parametrize("text", ["a", "中", " ", "\n", "\t \u3000", " \n", "👍", "aA", "'"])
def test_a_long_run_is_no_trouble(encoding, text):
    """A million of one thing is counted in time that an honest text might take too."""
    start = time.perf_counter()
    tokens = TiktokenCounter().encode(encoding, text * (1_000_000 // len(text)))
    assert tokens
    # Linear takes 0.3 s here, quadratic minutes.
    assert time.perf_counter() - start < 10


@pytest.mark.slow
@needs_tiktoken
def test_a_run_cut_into_blocks_is_an_estimate():
    """More white space in a row than tiktoken takes is counted, as an estimate."""
    counter, spaces = TiktokenCounter(), " " * (2 * bpe.MAX_SPACES)
    assert counter.count_text(model(), "x" + spaces[: bpe.MAX_SPACES]).source == "counted"
    assert counter.count_text(model(), f"x{spaces}x").source == "estimated"
    assert counter.count_prompt(model(), chat(Message("user", spaces))).source == "estimated"
    assert "".join(pieces_of(counter, "o200k_base", f"x{spaces}x")) == f"x{spaces}x"


@needs_tiktoken
def test_lone_surrogates_are_counted():
    """Text that has no UTF-8 form is counted as if the wrong characters were U+FFFD."""
    counter = TiktokenCounter()
    assert counter.encode("o200k_base", "a\ud800b") == counter.encode("o200k_base", "a\ufffdb")


# Loading


@needs_tiktoken
def test_an_encoding_is_built_once(monkeypatch):
    """Threads that load the same encoding at once wait for one to build it."""
    built = []

    def build(name):
        built.append(name)
        time.sleep(0.01)
        return ranks.open_encoding(name)

    monkeypatch.setattr(bpe, "_encodings", {})
    monkeypatch.setattr(bpe, "open_encoding", build)
    assert not TiktokenCounter().ready("cl100k_base")
    threads = [
        threading.Thread(target=TiktokenCounter().load, args=("cl100k_base",)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert built == ["cl100k_base"]
    assert TiktokenCounter().ready("cl100k_base")


def test_choosing_a_counter_imports_no_tiktoken():
    """The package, and choosing a counter, leave tiktoken alone until something is loaded."""
    program = (
        "import sys; from aihub.backends.tokens import best_counter; best_counter(); "
        "assert 'tiktoken' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)


def test_the_best_counter_is_the_one_that_is_installed(monkeypatch):
    """With tiktoken it counts, without it estimates."""
    monkeypatch.setattr("aihub.backends.tokens.find_spec", lambda name: None)
    assert isinstance(best_counter(), EstimateCounter)
    monkeypatch.setattr("aihub.backends.tokens.find_spec", lambda name: name)
    assert isinstance(best_counter(), TiktokenCounter)


# Estimating


def test_an_estimate_needs_nothing():
    """It is ready at once, and every count says what it is."""
    counter = EstimateCounter()
    counter.load("o200k_base")
    assert counter.ready("o200k_base")
    assert counter.count_text(model(), "Hello, world!").source == "estimated"
    assert counter.count_prompt(model(), HELLO).source == "estimated"


@needs_tiktoken
@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox jumps over the lazy dog, and then it runs home. It was late.",
        "Internationalisation of telecommunications infrastructure requires coordination.",
        "今日はとても良い天気ですね。散歩に行きましょう。",
        "def add(a: int, b: int) -> int:\n    return a + b\n",
        "Съешь же ещё этих мягких французских булок, да выпей чаю.",
        "In 2026 we sold 1234567 items at $19.99 each.",
    ],
)
def test_an_estimate_is_near(text):
    """On prose and code the rule of thumb is within two fifths of the real number."""
    estimated = EstimateCounter().count_text(model(), text).tokens
    counted = TiktokenCounter().count_text(model(), text).tokens
    assert 0.6 * counted <= estimated <= 1.4 * counted


# Cutting


@counters
@encodings
@given(text=TEXTS)
def test_pieces_are_the_text(counter, encoding, text):
    """Pieces joined are the text, and none is empty."""
    pieces = pieces_of(counter, encoding, text)
    assert "".join(pieces) == text
    assert all(pieces)


@counters
@encodings
@given(text=TEXTS, tokens=st.integers(-1, 20))
def test_a_cut_is_a_beginning_that_fits(counter, encoding, text, tokens):
    """A cut is a prefix of the text and counts for no more than was asked."""
    own = attrs.evolve(model(), encoding=encoding)
    cut = cut_(counter, encoding, text, tokens)
    assert text.startswith(cut)
    assert counter.count_text(own, cut).tokens <= max(tokens, 0)


@counters
@given(text=TEXTS)
def test_a_cut_with_room_is_the_text(counter, text):
    """As many tokens as the text has cut nothing off."""
    assert cut_(counter, "o200k_base", text, counter.count_text(model(), text).tokens) == text


@counters
def test_a_cut_ends_where_a_token_ends(counter):
    """Cutting a sentence token by token gives its pieces one after the other."""
    text = "The quick brown fox jumps over the lazy dog."
    pieces = pieces_of(counter, "o200k_base", text)
    cuts = [cut_(counter, "o200k_base", text, n) for n in range(len(pieces) + 1)]
    assert cuts == ["".join(pieces[:n]) for n in range(len(pieces) + 1)]


@needs_tiktoken
def test_tokens_inside_a_character_are_one_piece():
    """A character that takes several tokens is never cut, and goes whole where it does not fit."""
    counter = TiktokenCounter()
    assert len(counter.encode("cl100k_base", "👩")) > 1
    assert pieces_of(counter, "cl100k_base", "👩") == ["👩"]
    assert cut_(counter, "cl100k_base", "👩", 1) == ""


@counters
@settings(max_examples=25)
@given(text=TEXTS, name=st.text(min_size=1))
def test_a_prompt_counts_its_texts_and_their_frame(counter, text, name):
    """A message costs its frame, role, content and name; the answer's start costs three."""

    def count(text: str) -> int:
        return counter.count_text(model(), text).tokens

    found = counter.count_prompt(model(), chat(Message("user", text, name=name))).tokens
    assert found == 3 + 3 + 1 + count("user") + count(text) + count(name)
