"""Agents of `pydantic-ai` call the tools that the prompt asks for, and end by themselves."""

import pytest

pytest.importorskip("pydantic_ai")

from pydantic_ai import Agent, NativeOutput, ToolOutput, UsageLimits
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from .asking import (
    ASKED,
    BOTH,
    CALLED,
    MOST_REQUESTS,
    Report,
    check,
    check_calls,
    check_report,
    tools_noting,
)

pytestmark = [pytest.mark.slow, pytest.mark.anyio]

LIMITS = UsageLimits(request_limit=MOST_REQUESTS)


def agent_of(client, calls, **more):
    """An agent with two tools."""
    model = OpenAIChatModel("gpt-4o", provider=OpenAIProvider(openai_client=client))
    return Agent(model, tools=tools_noting(calls), **more)


async def run(agent, prompt):
    """The output of a run."""
    return (await agent.run(prompt, usage_limits=LIMITS)).output


async def run_streamed(agent, prompt):
    """The output of a streamed one."""
    async with agent.run_stream(prompt, usage_limits=LIMITS) as going:
        return await going.get_output()


both_ways = pytest.mark.parametrize("ask", [run, run_streamed], ids=["whole", "streamed"])


@both_ways
@pytest.mark.parametrize(("prompt", "called"), ASKED)
async def test_an_agent_calls_its_tools_and_ends(client, sent, ask, prompt, called):
    """With arguments of the right types; the results go back, and then it answers."""
    calls = []

    said = await ask(agent_of(client, calls), prompt)

    check(calls, called, sent, said)


OUTPUTS = {
    "a class": Report,
    "a tool": ToolOutput(Report, name="tell"),
    "the format": NativeOutput(Report),
}


@both_ways
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
async def test_an_agent_answers_in_a_form(client, sent, ask, output):
    """By a tool of the framework's own, called last (`required`), or by `response_format`."""
    calls = []

    said = await ask(agent_of(client, calls, output_type=output), BOTH)

    check_report(calls, sent, said)
    assert len(sent) == 2


@both_ways
async def test_an_agent_without_tools_answers_in_a_form(client, sent, ask):
    """With the first answer."""
    model = agent_of(client, []).model

    said = await ask(Agent(model, output_type=Report), "3 days in Paris, please")

    assert isinstance(said, Report)
    assert (said.city, said.days) == ("Paris", 3)
    assert len(sent) == 1


async def test_pieces_come_as_they_are_said(client):
    """A text that is streamed grows."""
    agent = agent_of(client, [])

    async with agent.run_stream(BOTH, usage_limits=LIMITS) as going:
        told = [text async for text in going.stream_text(delta=True, debounce_by=None)]

    assert len(told) > 10


async def test_a_conversation_goes_on(client, sent):
    """What was said before goes along, and its tools are called anew."""
    calls = []
    agent = agent_of(client, calls)

    first = await agent.run(BOTH, usage_limits=LIMITS)
    again = await agent.run("And the time in Rome?", message_history=first.all_messages())

    check_calls(calls[:-1], CALLED)
    assert calls[-1] == ("get_time", "Rome")
    assert again.output != first.output
    assert len(sent) == 4
