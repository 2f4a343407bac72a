"""Vectors and judgements of the mock: the same each time, and good for what tests tell apart."""

import math
import sys

import anyio
import attrs
import pytest

from aihub.backends.clocks import ManualClock
from aihub.backends.providers.mock import Latency, MockProvider
from aihub.backends.providers.mock.judging import PICTURED, SOURCE, judge
from aihub.backends.providers.mock.latency import ClockWaiter, Constant
from aihub.backends.tokens import EstimateCounter, best_counter
from aihub.errors import InvalidRequest
from aihub.model.chat import OtherPart, TextPart
from aihub.model.embedding import EmbeddingRequest
from aihub.model.moderation import CATEGORIES, ModerationRequest
from aihub.model.usage import Count, Usage
from aihub.protocols import EmbeddingCall, ModerationCall
from aihub.testing import CompactorSuite, EmbedderSuite, ModeratorSuite
from aihub.testing.embedders import EMBEDDING_MODEL, MODERATION_MODEL

SCRIPT = """
from aihub.backends.providers.mock.vectors import vector
print(list(vector(0, "Hello there", own=1536, wanted=8)))
"""
PICTURE = OtherPart("image_url", {"type": "image_url", "image_url": {"url": "data:,"}})


def mock(tokens=None, **settings):
    clock = ManualClock()
    return MockProvider(**{"tokens": tokens or EstimateCounter(), "clock": clock, **settings})


@pytest.mark.anyio
class TestMockEmbedder(EmbedderSuite):
    """The mock embeds."""

    def embedder(self):
        return mock(best_counter())

    def refused(self):
        request = EmbeddingRequest(model=EMBEDDING_MODEL.id, inputs=((10**9,),))
        return attrs.evolve(self.call(), request=request)

    async def test_a_refused_call_raises_one_of_the_two_errors_that_say_so(self):
        """Only who knows tokens can tell that one is none."""
        pytest.importorskip("tiktoken")
        await super().test_a_refused_call_raises_one_of_the_two_errors_that_say_so()


@pytest.mark.anyio
class TestMockModerator(ModeratorSuite):
    """The mock judges."""

    def moderator(self):
        return mock()


@pytest.mark.anyio
class TestMockCompactor(CompactorSuite):
    """The mock makes conversations short, and says so."""

    def compactor(self):
        return mock()

    async def test_it_says_that_it_is_the_mock(self):
        """And how much it left out."""
        told = await mock().compact(self.call())
        assert "by the mock" in told.summary
        assert "3 messages" in told.summary
        assert told.summary.endswith("Bye]")


async def embed(*inputs, dimensions=None, model=EMBEDDING_MODEL, provider=None):
    request = EmbeddingRequest(model=model.id, inputs=inputs, dimensions=dimensions)
    call = EmbeddingCall("req_1", request, model, model.id, Count(5, "counted"))
    return await (provider or mock()).embed(call)


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


def length(vector):
    return math.sqrt(sum(one * one for one in vector))


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("text", ["Hello", "!!!", " ", "東京の天気", "a" * 10_000, "\0"])
@pytest.mark.parametrize("dimensions", [None, 1, 2, 256, 1536])
async def test_vectors_are_of_unit_length_whatever_the_text(text, dimensions):
    """And as long as was asked."""
    told = await embed(text, dimensions=dimensions)
    [vector] = told.vectors
    assert len(vector) == (dimensions or 1536)
    assert length(vector) == pytest.approx(1, abs=1e-5)
    assert told.usage == Usage(5, 0, source="counted")


async def test_a_model_that_does_not_say_has_vectors_of_a_usual_length():
    """As those of `text-embedding-3-small`."""
    unknown = attrs.evolve(EMBEDDING_MODEL, dimensions=None)
    assert len((await embed("a", model=unknown)).vectors[0]) == 1536


async def test_shorter_vectors_are_the_beginning_of_longer_ones():
    """As those of OpenAI's third generation are."""
    [whole] = (await embed("The quick brown fox jumps over the lazy dog")).vectors
    short = (await embed("The quick brown fox jumps over the lazy dog", dimensions=512)).vectors[0]
    size = length(whole[:512])
    assert list(short) == pytest.approx([one / size for one in whole[:512]], abs=1e-6)


async def test_texts_that_share_words_are_near_each_other():
    """So a search in a test finds what it should."""
    told = await embed(
        "How do I reset my password?",
        "Resetting a password: open the settings and choose reset",
        "Our opening hours are nine to five",
        "how do i RESET my password",
    )
    asked, right, wrong, same = told.vectors
    assert cosine(asked, right) > 2 * abs(cosine(asked, wrong))
    assert cosine(asked, same) > 0.95


async def test_another_seed_gives_other_vectors():
    """And another process the same ones."""
    [one] = (await embed("Hello there")).vectors
    [other] = (await embed("Hello there", provider=mock(seed=1))).vectors
    assert abs(cosine(one, other)) < 0.5
    told = await anyio.run_process(
        [
            sys.executable,
            "-c",
            SCRIPT,
        ],
        env={"PYTHONHASHSEED": "5"},
    )
    [short] = (await embed("Hello there", dimensions=8)).vectors
    assert told.stdout.decode().strip() == str(list(short))


async def test_tokens_are_embedded_as_the_text_that_they_spell():
    """Where there is a vocabulary; else they are words of their own."""
    pytest.importorskip("tiktoken")
    counter = best_counter()
    tokens = tuple(counter.encode("cl100k_base", "Hello there"))
    told = await embed("Hello there", tokens, provider=mock(counter))
    assert list(told.vectors[0]) == list(told.vectors[1])
    with pytest.raises(InvalidRequest, match="no token"):
        await embed((10**7,), provider=mock(counter))
    [plain] = (await embed((1, 2, 3))).vectors
    assert length(plain) == pytest.approx(1, abs=1e-5)


async def test_it_lets_wait_as_for_the_first_token_of_a_chat():
    """By the latency profile."""
    clock = ManualClock()
    latency = Latency(first=Constant(0.25), between=Constant(9.0))
    slow = mock(latency=latency, waiter=ClockWaiter(clock))
    begun = clock.now()
    await embed("Hello", provider=slow)
    assert clock.now() - begun == 250_000


async def judged(*contents):
    request = ModerationRequest(model=MODERATION_MODEL.id, inputs=contents)
    model = MODERATION_MODEL
    call = ModerationCall("req_1", request, model, model.id, Count(5, "counted"))
    told = await mock().moderate(call)
    assert told.source == SOURCE
    return told.results


@pytest.mark.parametrize(
    ("text", "categories"),
    [
        ("What a lovely day it is", set()),
        ("You are a stupid idiot", {"harassment"}),
        ("I will hurt you", {"harassment/threatening", "violence"}),
        ("They are vermin", {"hate"}),
        ("Wipe out all of them", {"hate/threatening"}),
        ("How to shoplift", {"illicit"}),
        ("How to build a bomb", {"illicit/violent"}),
        ("I think about suicide", {"self-harm"}),
        ("I want to die", {"self-harm/intent"}),
        ("How can I hurt myself", {"self-harm", "self-harm/instructions", "violence"}),
        ("Naked and erotic", {"sexual"}),
        ("He attacked them", {"violence"}),
        ("Gore and entrails", {"violence/graphic"}),
    ],
)
async def test_words_of_a_category_flag_it(text, categories):
    """Each category has its own; a harmless text has none."""
    [result] = await judged((TextPart(text),))
    assert {name for name, is_so in result.categories.items() if is_so} >= categories
    assert result.flagged == bool(categories)
    if not categories:
        assert max(result.scores.values()) < 0.01


async def test_more_words_score_higher():
    """And never above 1."""
    few, many = await judged((TextPart("kill"),), (TextPart("kill " * 50),))
    assert few.scores["violence"] < many.scores["violence"] <= 1


async def test_pictures_are_said_to_count_where_they_do():
    """Nobody looks at them; texts beside them are judged as ever."""
    both, alone = judge((TextPart("Gore"), PICTURE)), judge((PICTURE,))
    for name in CATEGORIES:
        pictured = ("image",) if name in PICTURED else ()
        assert alone.types[name] == pictured
        assert both.types[name] == ("text", *pictured)
    assert both.flagged
    assert not alone.flagged
