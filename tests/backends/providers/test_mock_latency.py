"""How long the mock takes: drawn from the request, waited for in real time or by moving a clock."""

import math
import re
import statistics

import anyio
import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.clocks import ManualClock
from aihub.backends.providers.mock import MockProvider, parse_latency
from aihub.backends.providers.mock.choosing import Chooser
from aihub.backends.providers.mock.latency import (
    LONGEST,
    PRESETS,
    ClockWaiter,
    Constant,
    Latency,
    Lognormal,
    Uniform,
)
from aihub.backends.tokens import EstimateCounter
from aihub.model.chat import Chat, Message
from aihub.model.events import Finished, Text
from aihub.model.units import SECOND
from aihub.model.usage import Count
from aihub.protocols import ProviderCall
from aihub.testing.providers import MODEL

TYPICAL = PRESETS["typical"]
ESTIMATE = EstimateCounter()


def call(prompt="Tell me a story", *, tokens=10, **more):
    """A call whose prompt counts as so many tokens."""
    chat = Chat(model="gpt-4", messages=(Message("user", prompt),), **more)
    return ProviderCall("req_1", chat, MODEL, MODEL.id, Count(tokens, "counted"))


async def times_of(asked, latency=TYPICAL, *, provider=None, clock=None):
    """Each event of an answer and the microseconds after which it came, by a manual clock."""
    clock = clock or ManualClock()
    provider = provider or mock(latency, clock)
    began, times = clock.now(), []
    async with provider.open(asked) as events:
        async for event in events:
            times.append((event, clock.now() - began))
    return times


def mock(latency, clock, seed=0):
    """A provider that moves a clock."""
    return MockProvider(
        tokens=ESTIMATE, clock=clock, seed=seed, latency=latency, waiter=ClockWaiter(clock)
    )


# Distributions


def drawn(delay, count=4000):
    """Many values of a distribution."""
    chooser = Chooser(b"\1" * 32)
    return [delay.draw(chooser) for _ in range(count)]


def test_a_constant_is_always_the_same():
    """Whatever is drawn."""
    assert set(drawn(Constant(0.25))) == {0.25}


def test_a_uniform_delay_is_anywhere_between_its_bounds():
    """And in the middle on average."""
    values = drawn(Uniform(1.0, 3.0))

    assert 1.0 <= min(values) < 1.01
    assert 2.99 < max(values) <= 3.0
    assert statistics.mean(values) == pytest.approx(2.0, abs=0.03)


def test_a_lognormal_delay_has_its_median_and_its_sigma():
    """Its logarithm is normal: as many below as above, two thirds within a sigma."""
    logs = [math.log(value / 0.3) for value in drawn(Lognormal(0.3, 0.5))]

    assert statistics.median(logs) == pytest.approx(0, abs=0.03)
    assert statistics.stdev(logs) == pytest.approx(0.5, abs=0.02)
    assert sum(abs(one) < 0.5 for one in logs) / len(logs) == pytest.approx(0.683, abs=0.02)
    assert set(drawn(Lognormal(0.3, 0.0))) == {0.3}


def test_delays_are_the_same_on_every_machine_and_python():
    """To the microsecond; whoever changes how they are drawn does so knowingly."""
    assert [round(one * SECOND) for one in drawn(Lognormal(0.3, 0.5), 3)] == LOGNORMAL
    assert [round(one * SECOND) for one in drawn(Uniform(0.01, 0.04), 3)] == UNIFORM


LOGNORMAL = [424821, 229990, 415078]
UNIFORM = [10118, 10118, 10118]


# What a command line says


@pytest.mark.parametrize(
    ("text", "latency"),
    [
        ("off", None),
        ("0s", Latency()),
        ("200ms", Latency(first=Constant(0.2))),
        ("1.5", Latency(first=Constant(1.5))),
        (".5s,20ms", Latency(first=Constant(0.5), between=Constant(0.02))),
        (
            "lognormal:300ms:0.5,uniform:10ms:40ms",
            Latency(first=Lognormal(0.3, 0.5), between=Uniform(0.01, 0.04)),
        ),
        (
            "load=5%,between=10ms,prompt=0.2ms,first=1s",
            Latency(first=Constant(1.0), between=Constant(0.01), prompt=0.0002, load=0.05),
        ),
        ("200ms,prompt=1ms", Latency(first=Constant(0.2), prompt=0.001)),
        ("typical", TYPICAL),
        ("typical,load=50%", attrs.evolve(TYPICAL, load=0.5)),
        ("600s", Latency(first=Constant(LONGEST))),
    ],
)
def test_a_latency_is_read(text, latency):
    """Off, a name, delays by place, terms by name."""
    assert parse_latency(text) == latency


@given(st.one_of(st.text(), st.text(alphabet="0123456789.,:=%msfirtlogad")))
def test_any_text_is_a_latency_or_refused(text):
    """Nothing else is raised, and the error says what would be right."""
    try:
        read = parse_latency(text)
    except ValueError as error:
        refused = str(error)
    else:
        refused = "use off, or say more"
        assert read is None or read.first.draw(Chooser(b"1" * 32)) >= 0
    assert re.search("use|at most|more than|said twice|smaller", refused)


# What an answer takes


@pytest.mark.anyio
@pytest.mark.parametrize("prompt", ["Tell me a story", "讲一个关于🐉的故事", "Hi"])
@pytest.mark.parametrize("n", [1, 3])
async def test_whole_and_streamed_answers_take_the_same_time(prompt, n):
    """To the microsecond, whatever the pieces; and a stream begins long before."""
    streamed = await times_of(call(prompt, n=n, stream=True))
    (*_, (_, whole)) = await times_of(call(prompt, n=n))

    assert streamed[-1][1] == whole > streamed[0][1] > 0
    assert [at for _, at in streamed] == sorted(at for _, at in streamed)


@pytest.mark.anyio
async def test_delays_depend_on_seed_and_request_alone():
    """Again the same; with another seed or message others; bounds only cut."""
    first = await times_of(call(stream=True))
    cut = await times_of(call(stream=True, max_tokens=5))

    assert await times_of(call(stream=True)) == first
    assert cut[:5] == first[:5]
    assert (await times_of(call("Tell me another", stream=True)))[0][1] != first[0][1]
    clock = ManualClock()
    other = await times_of(call(stream=True), provider=mock(TYPICAL, clock, seed=1), clock=clock)
    assert other[0][1] != first[0][1]


@pytest.mark.anyio
async def test_constant_delays_come_before_the_first_token_and_after_each():
    """The end comes a gap after the last token."""
    latency = Latency(first=Constant(2.0), between=Constant(0.5))
    times = await times_of(call(stream=True, max_tokens=3), latency)

    assert [at / SECOND for event, at in times if isinstance(event, Text)] == [2.0, 2.5, 3.0]
    assert [at / SECOND for event, at in times if isinstance(event, Finished)] == [3.5]


@pytest.mark.anyio
async def test_a_longer_prompt_takes_longer_to_the_first_token():
    """By so much a token; what follows takes as long."""
    latency = Latency(first=Constant(0.1), between=Constant(0.01), prompt=0.002)
    times = await times_of(call(tokens=1000, stream=True), latency)
    short = await times_of(call(tokens=0, stream=True), latency)

    assert times[0][1] - short[0][1] == 2 * SECOND
    assert times[-1][1] - short[-1][1] == 2 * SECOND


@pytest.mark.anyio
async def test_requests_beside_slow_each_other_down():
    """By a share for each that is open at the start; those that have ended or left do not count."""
    clock = ManualClock()
    provider = mock(Latency(first=Constant(1.0), load=0.5), clock)
    asked = call(stream=True, max_tokens=1)

    async def first_of(events):
        began = clock.now()
        await anext(events)
        return (clock.now() - began) / SECOND

    async with provider.open(asked) as one, provider.open(asked) as two:
        assert await first_of(one) == 1.0
        assert await first_of(two) == 1.5
        async with provider.open(attrs.evolve(asked, chat=call().chat)):
            pass
        async with provider.open(asked) as three:
            assert await first_of(three) == 2.0
    async with provider.open(asked) as alone:
        assert await first_of(alone) == 1.0


@pytest.mark.anyio
async def test_who_waits_beside_others_moves_the_clock_to_its_own_time():
    """The clock is where the latest due time is, and never goes back."""
    clock = ManualClock()
    began = clock.now()
    seen = []

    async def ask(seconds):
        provider = mock(Latency(first=Constant(seconds)), clock)
        async with provider.open(call()) as events:
            async for _ in events:
                seen.append((clock.now() - began) / SECOND)

    async with anyio.create_task_group() as tasks:
        for seconds in (3.0, 1.0, 2.0):
            tasks.start_soon(ask, seconds)

    assert seen == sorted(seen)
    # Requests at once take as long as the longest, or one after the other no longer than all.
    assert 3.0 <= (clock.now() - began) / SECOND <= 6.0


@pytest.mark.anyio
async def test_no_delay_is_longer_than_the_longest():
    """However long the prompt and however many are open."""
    latency = Latency(first=Constant(LONGEST), prompt=LONGEST)
    times = await times_of(call(tokens=100_000), latency)

    assert times[0][1] == LONGEST * SECOND


@pytest.mark.anyio
async def test_who_leaves_a_wait_is_not_kept_and_not_counted():
    """In real time: cancelled at once, and the next request is alone again."""
    provider = MockProvider(
        clock=ManualClock(),
        tokens=ESTIMATE,
        latency=Latency(first=Constant(300.0), load=1.0),
        waiter=None,
    )
    for asked in (call(), call(stream=True)):
        with anyio.move_on_after(0.01) as scope:
            async with provider.open(asked) as events:
                await anext(events)
        assert scope.cancelled_caught
    assert provider._pacer._open == 0
