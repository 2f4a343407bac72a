"""Agents of `langchain` call the tools that the prompt asks for, and end by themselves."""

import httpx2
import pytest

pytest.importorskip("langchain")
pytest.importorskip("langchain_openai")

from langchain.agents import create_agent
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_openai import ChatOpenAI

from ..openai_sdk import hold_response
from .asking import ASKED, BOTH, MOST_REQUESTS, Report, check, check_report, tools_noting

pytestmark = pytest.mark.slow

BOUND = {"recursion_limit": 2 * MOST_REQUESTS}
"""Steps of its graph, a request and its tools' calls being two."""


@pytest.fixture
def model(server, sent):
    """Its model at the server; every answer is held to OpenAI's document."""
    hooks = {"request": [lambda request: sent.append(request.content)], "response": [hold_response]}
    with httpx2.Client(event_hooks=hooks) as http:
        yield ChatOpenAI(
            model="gpt-4o",
            base_url=f"{server.url}/v1",
            api_key="test",
            max_retries=0,
            http_client=http,
        )


def run(agent, prompt):
    """The state in which a run ends."""
    return agent.invoke({"messages": [("user", prompt)]}, BOUND)


def run_streamed(agent, prompt):
    """The state in which a streamed one ends, and that its answer came in pieces."""
    state, pieces = {}, 0
    asked = {"messages": [("user", prompt)]}
    for mode, told in agent.stream(asked, BOUND, stream_mode=["values", "messages"]):
        if mode == "values":
            state = told
        else:
            pieces += 1
    assert pieces > 5
    return state


both_ways = pytest.mark.parametrize("ask", [run, run_streamed], ids=["whole", "streamed"])


@both_ways
@pytest.mark.parametrize(("prompt", "called"), ASKED)
def test_an_agent_calls_its_tools_and_ends(model, sent, ask, prompt, called):
    """With arguments of the right types; the results go back, and then it answers."""
    calls = []

    state = ask(create_agent(model, tools_noting(calls)), prompt)

    check(calls, called, sent, state["messages"][-1].content)
    kinds = [message.type for message in state["messages"]]
    called_and_told = ["ai", *["tool"] * len(called)] if called else []
    assert kinds == ["human", *called_and_told, "ai"]


FORMS = {
    "a class": Report,
    "a tool": ToolStrategy(Report),
    "the format": ProviderStrategy(Report),
}


@both_ways
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_agent_answers_in_a_form(model, sent, ask, form):
    """By a tool that it has to call last, or by `response_format`."""
    calls = []

    state = ask(create_agent(model, tools_noting(calls), response_format=form), BOTH)

    check_report(calls, sent, state["structured_response"])


@pytest.mark.parametrize("method", ["json_schema", "function_calling"])
def test_a_model_answers_in_a_form(model, sent, method):
    """`with_structured_output`, without an agent."""
    said = model.with_structured_output(Report, method=method).invoke("3 days in Paris")

    assert (said.city, said.days) == ("Paris", 3)
    assert len(sent) == 1


def test_a_bound_tool_is_called(model):
    """`bind_tools` with a choice; whole and streamed agree."""
    bound = model.bind_tools(tools_noting([]), tool_choice="get_time")

    (whole,) = bound.invoke(BOTH).tool_calls
    pieces = list(bound.stream(BOTH))
    streamed = pieces[0]
    for piece in pieces[1:]:
        streamed += piece

    assert (whole["name"], whole["args"]) == ("get_time", {"city": "Paris"})
    assert streamed.tool_calls == [whole]
