"""How long the mock takes, and what time it is: through OpenAI's SDK."""

import time
from datetime import UTC, datetime

import pytest

pytest.importorskip("openai")
pytest.importorskip("trio")

from ..openai_sdk import ask, asked, chunks, client_of, user

pytestmark = pytest.mark.slow

START = datetime(2026, 1, 1, tzinfo=UTC)
TEA = user("Tell me about tea")
FIRST, BETWEEN, TOKENS = 200, 20, 10
"""Seconds: nobody waits as long in real time."""


@pytest.fixture(scope="module")
def slow(run_server):
    """The SDK at a server whose model is slow, and whose clock only the model moves."""
    options = ["--ephemeral", "--clock", START.isoformat(), "--latency", f"{FIRST}s,{BETWEEN}s"]
    options += ["--seed", "7", "--key", "test=enterprise", "--log-level", "warning"]
    with run_server(*options) as server, client_of(server.url) as client:
        yield client


def test_time_is_what_the_clock_says(slow):
    """`created` is when the request came; the next came after the answer, whole or streamed."""
    began = time.monotonic()
    fields = {"messages": TEA, "max_tokens": TOKENS}

    one = slow.chat.completions.create(**asked(fields))
    told = chunks(slow, **fields)
    last = slow.chat.completions.create(**asked(fields))

    took = FIRST + BETWEEN * TOKENS
    assert [told[0].created - one.created, last.created - told[0].created] == [took, took]
    assert {chunk.created for chunk in told} == {told[0].created}
    assert (one.created - START.timestamp()) % took == 0
    assert time.monotonic() - began < FIRST


def test_without_latency_the_clock_stands(run_server):
    """However many requests come."""
    options = ["--ephemeral", "--clock", START.isoformat(), "--key", "test=enterprise"]
    with (
        run_server(*options, "--log-level", "warning") as server,
        client_of(server.url) as client,
    ):
        created = {ask(client, messages=TEA).created for _ in range(3)}

    assert created == {int(START.timestamp())}


def test_without_a_clock_it_is_now(sdk):
    """As the machine's clock has it."""
    before = int(time.time())
    created = ask(sdk, messages=TEA).created

    assert before <= created <= time.time()


def test_a_delay_is_waited_for(run_server):
    """In real time, where there is no other clock: first the head, then a token at a time."""
    options = ["--ephemeral", "--latency", "150ms,15ms", "--key", "test=enterprise"]
    with (
        run_server(*options, "--log-level", "warning") as server,
        client_of(server.url) as client,
    ):
        began = time.monotonic()
        stream = client.chat.completions.create(
            **asked({"messages": TEA, "max_tokens": TOKENS}), stream=True
        )
        times = [time.monotonic() - began for chunk in stream if chunk.choices[0].delta.content]

    assert times[0] >= 0.15
    assert times[-1] >= 0.15 + 0.015 * (TOKENS - 1)
    assert times[-1] - times[0] >= 0.015 * (TOKENS - 2)
