"""The mock provider: a model that obeys the request, the same each time, on every machine."""

from contextlib import aclosing, asynccontextmanager
from hashlib import sha256

import anyio
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.providers.mock.latency import Constant, Latency
from aihub.backends.providers.mock.text import write
from aihub.backends.tokens import EstimateCounter, TiktokenCounter
from aihub.errors import InvalidRequest, UpstreamFailed
from aihub.model.chat import (
    Chat,
    Message,
    ResponseFormat,
    TextPart,
    ToolChoice,
)
from aihub.model.events import Finished, Started, Text, UsageSeen
from aihub.model.usage import Usage
from aihub.testing import ProviderSuite
from aihub.testing.providers import MODEL

from .asking import STORY, answer, chat, events_of, fold, make_call, provider_of

ESTIMATE = EstimateCounter()
COUNTERS = [
    pytest.param(ESTIMATE, id="estimate"),
    pytest.param(TiktokenCounter(), id="tiktoken", marks=pytest.mark.needs("tiktoken")),
]
both_counters = pytest.mark.parametrize("tokens", COUNTERS)


async def text_of(asked, tokens=ESTIMATE, **more):
    """The first choice's text."""
    return (await answer(asked, tokens, **more))[0][0].text


# The contract


class MockSuite(ProviderSuite):
    """The mock under one counter."""

    tokens = EstimateCounter()

    def provider(self):
        return provider_of(self.tokens)

    def refused(self):
        call = self.call()
        return attrs.evolve(call, chat=attrs.evolve(call.chat, top_logprobs=2))


@pytest.mark.anyio
class TestEstimated(MockSuite):
    """The contract, counted by a rule of thumb."""


@pytest.mark.anyio
@pytest.mark.needs("tiktoken")
class TestCounted(MockSuite):
    """The contract, counted by a tokenizer."""

    tokens = TiktokenCounter()


@pytest.mark.anyio
class TestSeveralChoices(MockSuite):
    """The contract for an answer with several choices."""

    def call(self):
        call = super().call()
        return attrs.evolve(call, chat=attrs.evolve(call.chat, n=3))


# Texts


@pytest.mark.anyio
async def test_a_greeting_is_answered_as_the_documentation_prints_it():
    """The sample call gets the sample answer, word for word, and ends by itself."""
    asked = Chat(
        model="gpt-4",
        messages=(
            Message("system", "You are a helpful assistant."),
            Message("user", "Hello, AI Hub!"),
        ),
        max_tokens=1000,
        temperature=0.7,
    )

    (choice,), _ = await answer(asked, EstimateCounter())

    assert choice.text == "Hello! I'm here to help you with AI Hub. How can I assist you today?"
    assert choice.finish_reason == "stop"


@pytest.mark.anyio
@pytest.mark.needs("tiktoken")
async def test_the_documented_greeting_has_a_tokenizers_count():
    """Completion tokens of the sample answer by cl100k_base."""
    _, usage = await answer(chat("Hello, AI Hub!"), TiktokenCounter())

    assert usage == Usage(12, 19, source="counted")


@pytest.mark.anyio
async def test_a_text_is_the_same_on_every_machine_and_python():
    """The digest of one answer is fixed: whoever changes texts changes it knowingly."""
    text = await text_of(chat(STORY, seed=5, temperature=0.7), seed=1)

    assert sha256(text.encode()).hexdigest() == PINNED


PINNED = "848421391e881f2e52dd366bc1b4e60916b767fc8f6f8c69a581f7838ffae8f7"


@pytest.mark.anyio
async def test_a_text_depends_on_seed_and_request_alone():
    """Again the same; with another seed, model, message, name, temperature or choice another."""
    asked = chat(STORY)
    first = await text_of(asked)
    others = [
        await text_of(asked, seed=1),
        await text_of(attrs.evolve(asked, seed=1)),
        await text_of(attrs.evolve(asked, temperature=0.5)),
        await text_of(attrs.evolve(asked, model="gpt-4-0613")),
        await text_of(chat("Before", STORY)),
        await text_of(attrs.evolve(asked, messages=(Message("user", STORY, name="eve"),))),
        (await answer(attrs.evolve(asked, n=2), EstimateCounter()))[0][1].text,
    ]

    assert await text_of(asked) == first
    assert len({first, *others}) == 1 + len(others)


@both_counters
@pytest.mark.anyio
async def test_streamed_and_whole_say_the_same(tokens):
    """Pieces join to the whole answer; reason and usage are equal."""
    for asked in (chat("Hi"), chat(STORY, n=3), chat(STORY, max_tokens=7), chat("Привет, 世界")):
        whole = await events_of(asked, tokens)
        streamed = await events_of(attrs.evolve(asked, stream=True), tokens)

        assert fold(streamed) == fold(whole)
        assert sum(isinstance(event, Text) for event in whole) == asked.n
        assert streamed[0] == whole[0] == Started("mock-req_1", MODEL.id, "fp_mock_0")


@both_counters
@pytest.mark.anyio
async def test_a_stream_comes_token_by_token_and_choice_by_choice(tokens):
    """Each piece is a token; choices take turns; usage comes last."""
    events = await events_of(chat(STORY, n=2, max_tokens=20, stream=True), tokens)

    pieces = [event for event in events if isinstance(event, Text)]
    assert [event.index for event in pieces] == [0, 1] * 20
    assert isinstance(events[-1], UsageSeen)
    assert events[-1].usage.completion == len(pieces)


# Bounds


@both_counters
@pytest.mark.parametrize("most", [1, 2, 5, 16, 40])
@pytest.mark.anyio
async def test_max_tokens_is_exact(tokens, most):
    """An answer that is cut has as many tokens as were allowed, and says why it ended."""
    (choice,), usage = await answer(chat(STORY, max_tokens=most), tokens)

    assert tokens.count_text(MODEL, choice.text).tokens == usage.completion == most
    assert choice.finish_reason == "length"
    assert (await text_of(chat(STORY), tokens)).startswith(choice.text)


@both_counters
@pytest.mark.anyio
async def test_an_answer_that_just_fits_is_not_cut(tokens):
    """At its own length it ends by itself, one token less and it is cut."""
    _, usage = await answer(chat(STORY), tokens)
    (fits,), _ = await answer(chat(STORY, max_tokens=usage.completion), tokens)
    (cut,), _ = await answer(chat(STORY, max_tokens=usage.completion - 1), tokens)

    assert (fits.finish_reason, cut.finish_reason) == ("stop", "length")


@both_counters
@pytest.mark.anyio
async def test_the_models_own_bounds_hold_too(tokens):
    """Its longest answer, and what its context leaves beside the prompt."""
    asked = chat(STORY)
    prompt = tokens.count_prompt(MODEL, asked).tokens
    short = attrs.evolve(MODEL, max_output=9)
    tight = attrs.evolve(MODEL, context_window=prompt + 11)
    open_ended = attrs.evolve(MODEL, max_output=None)

    assert (await answer(asked, tokens, model=short))[1].completion == 9
    assert (await answer(asked, tokens, model=tight))[1].completion == 11
    assert (await answer(asked, tokens, model=open_ended))[0][0].finish_reason == "stop"


@pytest.mark.anyio
async def test_a_stop_string_ends_the_answer_before_it():
    """The first that would appear; it is not part of the answer, and the reason is `stop`."""
    whole = await text_of(chat(STORY))
    stop = whole.split()[7]
    (choice,), _ = await answer(chat(STORY, stop=("nowhere", stop, "")), EstimateCounter())

    assert choice.text == whole[: whole.index(stop)]
    assert choice.finish_reason == "stop"
    assert await text_of(chat(STORY, stop=("nowhere",))) == whole
    assert await text_of(chat(STORY, stop=(whole[0],))) == ""


@pytest.mark.anyio
async def test_whichever_bound_comes_first_ends_the_answer():
    """A stop string behind the last token allowed changes nothing."""
    whole = await text_of(chat(STORY))
    late = whole.split()[-1]
    (choice,), _ = await answer(chat(STORY, stop=(late,), max_tokens=3), EstimateCounter())

    assert choice.finish_reason == "length"


@both_counters
@pytest.mark.anyio
async def test_each_of_n_choices_is_another_and_all_are_counted(tokens):
    """Usage sums the choices; the prompt is counted once."""
    choices, usage = await answer(chat(STORY, n=4, max_tokens=30), tokens)

    assert [choice.index for choice in choices] == [0, 1, 2, 3]
    assert len({choice.text for choice in choices}) == 4
    assert usage.completion == 4 * 30
    assert usage.prompt == tokens.count_prompt(MODEL, chat(STORY)).tokens


@pytest.mark.anyio
@pytest.mark.needs("tiktoken")
async def test_usage_says_who_counted():
    """Without a tokenizer for the model, or without any, a count is an estimate."""
    strange = attrs.evolve(MODEL, exact_tokens=False)

    assert (await answer(chat("Hi"), TiktokenCounter()))[1].source == "counted"
    assert (await answer(chat("Hi"), TiktokenCounter(), model=strange))[1].source == "estimated"
    assert (await answer(chat("Hi"), EstimateCounter()))[1].source == "estimated"


PROMPT = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(["rivers", "Über", "東京", "🎉", "story", "e\u0301", "\n"]), max_size=9
    ).map(" ".join),
)


@both_counters
@given(
    prompt=PROMPT,
    most=st.one_of(st.none(), st.integers(1, 60)),
    n=st.integers(1, 3),
    stop=st.lists(st.sampled_from(["a", "the", ". ", "東", "🎉"]), max_size=2),
    seed=st.integers(0, 3),
)
def test_any_request_is_answered_within_its_bounds(tokens, prompt, most, n, stop, seed):
    """Folding a stream is the whole answer, and no bound that was given is passed."""
    asked = chat(prompt, max_tokens=most, n=n, stop=tuple(stop), seed=seed)

    async def ask():
        whole = await events_of(asked, tokens)
        return whole, await events_of(attrs.evolve(asked, stream=True), tokens)

    whole, streamed = anyio.run(ask)

    assert fold(streamed) == fold(whole)
    choices, usage = fold(whole)
    assert len(choices) == n
    counts = [tokens.count_text(MODEL, choice.text).tokens for choice in choices]
    assert sum(counts) == usage.completion
    assert most is None or max(counts) <= most
    assert not any(one in choice.text for one in stop for choice in choices)
    assert {choice.finish_reason for choice in choices} <= {"stop", "length"}


# What is let be


@pytest.mark.anyio
async def test_what_changes_nothing_is_taken():
    """Text in parts, no tools by choice, the text format, sampling, and fields unknown to us."""
    plain = await text_of(chat(STORY))
    parts = (Message("user", (TextPart(STORY[:9]), TextPart(STORY[9:]))),)
    for same in (
        Chat(model="gpt-4", messages=parts),
        chat(STORY, tool_choice=ToolChoice("none")),
        chat(STORY, response_format=ResponseFormat(kind="text")),
        chat(STORY, top_p=0.5, presence_penalty=1.0, frequency_penalty=-1.0, user="eve"),
        chat(STORY, logit_bias={}, extra={"functions": [], "store": True, "metadata": {"a": "b"}}),
    ):
        assert await text_of(same) == plain


# Patience

PATIENCE = Latency(first=Constant(2.0), between=Constant(0.5))


@pytest.mark.needs("pytest_trio")
@pytest.mark.trio
async def test_delays_are_kept_between_tokens(autojump_clock):
    """The first event comes after the first delay, each further token after another."""
    import trio

    provider = provider_of(ESTIMATE, latency=PATIENCE)
    asked = chat(STORY, max_tokens=4, stream=True)
    began, times = trio.current_time(), []
    async with provider.open(make_call(asked, EstimateCounter())) as events:
        async for event in events:
            times.append((type(event), trio.current_time() - began))

    assert times == [
        (Started, 2.0),
        (Text, 2.0),
        (Text, 2.5),
        (Text, 3.0),
        (Text, 3.5),
        (Finished, 4.0),
        (UsageSeen, 4.0),
    ]


@pytest.mark.needs("pytest_trio")
@pytest.mark.trio
async def test_a_whole_answer_takes_as_long_as_a_streamed_one(autojump_clock):
    """And whoever leaves meanwhile is not kept."""
    import trio

    provider = provider_of(ESTIMATE, latency=PATIENCE)
    began = trio.current_time()
    asked = chat(STORY, max_tokens=4)
    async with provider.open(make_call(asked, EstimateCounter())) as events:
        assert len([event async for event in events]) == 4
    assert trio.current_time() - began == 4.0

    with trio.move_on_after(3.5) as scope:
        async with provider.open(make_call(asked, EstimateCounter())) as events:
            async for _ in events:
                pytest.fail("nothing comes before its time")
    assert scope.cancelled_caught
    assert trio.current_time() - began == 7.5


# The suite itself


class Broken:
    """A provider that does what the subclass does wrong."""

    def open(self, call):
        if call.chat.top_logprobs:
            raise InvalidRequest("no", param="logprobs")
        return aclosing(self.events(call))

    async def events(self, call):
        for event in (Text("Once"), Text(" upon"), Finished("stop")):
            await anyio.lowlevel.checkpoint()
            yield event


class NeverFinishes(Broken):
    """Broken: stops without an end."""

    async def events(self, call):
        await anyio.lowlevel.checkpoint()
        yield Text("Once")


class FinishesTwice(Broken):
    """Broken: ends a choice again."""

    async def events(self, call):
        async for event in super().events(call):
            yield event
        yield Finished("length")


class TalksOn(Broken):
    """Broken: more text after the end."""

    async def events(self, call):
        async for event in super().events(call):
            yield event
        yield Text("...")


class FinishesAnother(Broken):
    """Broken: ends a choice that was not asked for."""

    async def events(self, call):
        async for event in super().events(call):
            yield attrs.evolve(event, index=1)


class SaysNothing(Broken):
    """Broken: an answer without content."""

    async def events(self, call):
        await anyio.lowlevel.checkpoint()
        yield Finished("stop")


class BreaksWhenStreaming(Broken):
    """Broken: keeps the contract for whole answers alone."""

    async def events(self, call):
        async for event in super().events(call):
            yield event
        if call.chat.stream:
            yield Finished("stop")


class Leaks(Broken):
    """Broken: the generator stays open when its context is left."""

    @asynccontextmanager
    async def open(self, call):
        if call.chat.top_logprobs:
            raise InvalidRequest("no", param="logprobs")
        yield self.events(call)


class RaisesForeign(Broken):
    """Broken: a refusal in somebody else's words."""

    def open(self, call):
        if call.chat.top_logprobs:
            raise ValueError("logprobs")
        return super().open(call)


class RefusesAsFailure(Broken):
    """Broken: blames itself for what the caller asked."""

    def open(self, call):
        if call.chat.top_logprobs:
            raise UpstreamFailed("logprobs")
        return super().open(call)


class RefusesLate(Broken):
    """Broken: begins to answer what it then refuses."""

    def open(self, call):
        return aclosing(self.events(call))

    async def events(self, call):
        await anyio.lowlevel.checkpoint()
        yield Text("Once")
        if call.chat.top_logprobs:
            raise InvalidRequest("no", param="logprobs")
        yield Finished("stop")


class Forgives(Broken):
    """Broken: answers what it should refuse."""

    def open(self, call):
        return aclosing(self.events(call))


class Shares(Broken):
    """Broken: all answers come out of one generator."""

    one = None

    async def events(self, call):
        if self.one is None:
            self.one = super().events(call)
        async with aclosing(self.one):
            async for event in self.one:
                yield event


class HearsNoCancellation(Broken):
    """Broken: goes on for a caller who has left."""

    async def events(self, call):
        with anyio.CancelScope(shield=True):
            events = [event async for event in super().events(call)]
        for event in events:
            yield event


BROKEN = [
    NeverFinishes,
    FinishesTwice,
    TalksOn,
    FinishesAnother,
    SaysNothing,
    BreaksWhenStreaming,
    Leaks,
    RaisesForeign,
    RefusesAsFailure,
    RefusesLate,
    Forgives,
    Shares,
    HearsNoCancellation,
]


def failing(broken):
    """Run the suite over a provider and return the tests that fail."""

    class Suite(MockSuite):
        def provider(self):
            return broken()

    failed = []
    for name in (name for name in dir(Suite) if name.startswith("test_")):
        try:
            anyio.run(getattr(Suite(), name))
        except Exception:  # noqa: BLE001 - a suite fails by whatever its provider raises
            failed.append(name)
    return failed


def test_the_suite_passes_a_provider_that_is_whole():
    """What the broken ones are made from keeps the contract."""
    assert failing(Broken) == []


@pytest.mark.parametrize("broken", BROKEN, ids=lambda provider: provider.__name__)
def test_the_suite_catches_a_broken_provider(broken):
    """Each way of being wrong fails at least one test of the suite."""
    assert failing(broken)


def test_a_polite_beginning_does_not_stall():
    """The pattern for greetings is asked only of what is as short as one."""
    chat = Chat(model="m", messages=(Message("user", "hi" + " " * 1900 + "a\nb"),))
    assert write(0, chat, 0)
