"""Agents of `openai-agents` over Responses, which is what it uses where nobody says otherwise."""

import json

import pytest

pytest.importorskip("agents")

import agents
import httpx2
import openai

from .asking import ASKED, BOTH, CALLED, MOST_REQUESTS, Report, check, check_report, tools_noting

pytestmark = [pytest.mark.slow, pytest.mark.anyio]


@pytest.fixture(autouse=True)
def _untraced():
    """It would send what it does to its vendor."""
    agents.set_tracing_disabled(disabled=True)


@pytest.fixture
async def responses(server, sent):
    """The asynchronous SDK at the server, noting what it sends."""

    async def note(request):
        sent.append(json.loads(request.content))

    hooks = {"request": [note]}
    async with (
        httpx2.AsyncClient(event_hooks=hooks) as http,
        openai.AsyncOpenAI(
            base_url=server.url + "/v1", api_key="test", max_retries=0, http_client=http
        ) as client,
    ):
        yield client


def agent_of(client, calls, **more):
    """An agent with two tools."""
    model = agents.OpenAIResponsesModel(model="gpt-4o", openai_client=client)
    tools = [agents.function_tool(tool) for tool in tools_noting(calls)]
    return agents.Agent(name="Guide", instructions="Help.", model=model, tools=tools, **more)


async def run(agent, prompt, **more):
    """The final output of a run."""
    return (await agents.Runner.run(agent, prompt, max_turns=MOST_REQUESTS, **more)).final_output


async def run_streamed(agent, prompt, **more):
    """The final output of a streamed one, and that it came in pieces."""
    going = agents.Runner.run_streamed(agent, prompt, max_turns=MOST_REQUESTS, **more)
    kinds = [event.type async for event in going.stream_events()]
    assert kinds.count("raw_response_event") > 10
    return going.final_output


both_ways = pytest.mark.parametrize("ask", [run, run_streamed], ids=["whole", "streamed"])


@both_ways
@pytest.mark.parametrize(("prompt", "called"), ASKED)
async def test_an_agent_calls_its_tools_and_ends(responses, sent, ask, prompt, called):
    """With arguments of the right types; the results go back, and then it answers."""
    calls = []

    said = await ask(agent_of(responses, calls), prompt)

    check(calls, called, sent, said)


@both_ways
async def test_an_agent_sends_only_what_is_new(responses, sent, ask):
    """The response before is named; the server has what was said."""
    calls = []

    said = await ask(agent_of(responses, calls), BOTH, auto_previous_response_id=True)

    check(calls, CALLED, sent, said)
    assert sent[1]["previous_response_id"].startswith("resp_")
    assert {item["type"] for item in sent[1]["input"]} == {"function_call_output"}


@both_ways
async def test_an_agent_answers_in_a_form(responses, sent, ask):
    """`output_type` is a schema, which the last answer keeps to."""
    calls = []

    said = await ask(agent_of(responses, calls, output_type=Report), BOTH)

    check_report(calls, sent, said)
