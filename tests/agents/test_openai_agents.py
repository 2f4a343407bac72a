"""Agents of `openai-agents` call the tools that the prompt asks for, and end by themselves."""

import pytest

pytest.importorskip("agents")

import agents

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


@pytest.fixture(autouse=True)
def _untraced():
    """It would send what it does to its vendor."""
    agents.set_tracing_disabled(disabled=True)


def agent_of(client, calls, **more):
    """An agent with two tools."""
    model = agents.OpenAIChatCompletionsModel(model="gpt-4o", openai_client=client)
    tools = [agents.function_tool(tool) for tool in tools_noting(calls)]
    return agents.Agent(name="Guide", instructions="Help.", model=model, tools=tools, **more)


async def run(agent, prompt):
    """The final output of a run."""
    return (await agents.Runner.run(agent, prompt, max_turns=MOST_REQUESTS)).final_output


async def run_streamed(agent, prompt):
    """The final output of a streamed one, and that it came in pieces."""
    going = agents.Runner.run_streamed(agent, prompt, max_turns=MOST_REQUESTS)
    kinds = [event.type async for event in going.stream_events()]
    assert kinds.count("raw_response_event") > 10
    return going.final_output


both_ways = pytest.mark.parametrize("ask", [run, run_streamed], ids=["whole", "streamed"])


@both_ways
@pytest.mark.parametrize(("prompt", "called"), ASKED)
async def test_an_agent_calls_its_tools_and_ends(client, sent, ask, prompt, called):
    """With arguments of the right types; the results go back, and then it answers."""
    calls = []

    said = await ask(agent_of(client, calls), prompt)

    check(calls, called, sent, said)
    results = [message for message in sent[-1]["messages"] if message["role"] == "tool"]
    assert len(results) == len(called)


@both_ways
async def test_an_agent_answers_in_a_form(client, sent, ask):
    """`output_type` is a schema, which the last answer keeps to."""
    calls = []

    said = await ask(agent_of(client, calls, output_type=Report), BOTH)

    check_report(calls, sent, said)


@both_ways
async def test_an_agent_that_has_to_call_ends_as_well(client, sent, ask):
    """`tool_choice` required, which the framework takes back once a tool was called."""
    calls = []
    settings = agents.ModelSettings(tool_choice="required")

    said = await ask(agent_of(client, calls, model_settings=settings), BOTH)

    check(calls, CALLED, sent, said)


@both_ways
async def test_an_agent_hands_over(client, sent, ask):
    """To another, by a tool of the framework's own; that one answers."""
    calls = []
    guide = agent_of(client, calls)
    billing = agents.Agent(name="Billing", instructions="Bill.", model=guide.model)
    desk = agents.Agent(name="Desk", model=guide.model, handoffs=[billing, guide])

    said = await ask(desk, "Please transfer me to billing")

    check([], [], sent[1:], said)
    assert len(sent) == 2
    assert sent[-1]["messages"][0] == {"role": "system", "content": "Bill."}


async def test_a_conversation_goes_on(client, sent):
    """What was said before goes along, and its tools are called anew."""
    calls = []
    agent = agent_of(client, calls)

    first = await agents.Runner.run(agent, BOTH, max_turns=MOST_REQUESTS)
    again = [*first.to_input_list(), {"role": "user", "content": "And the time in Rome?"}]
    said = await run(agent, again)

    check_calls(calls[:-1], CALLED)
    assert calls[-1] == ("get_time", "Rome")
    assert said != first.final_output
    assert len(sent) == 4
