"""Tools: which the mock calls, by rule, and how calls are told."""

import re

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.backends.providers.mock.tools import MAX_CALLS, to_call
from aihub.backends.tokens import EstimateCounter, TiktokenCounter
from aihub.errors import InvalidRequest
from aihub.model.chat import Message, Tool, ToolCall, ToolChoice
from aihub.model.events import Finished, ToolDelta
from aihub.testing import open_test_hub
from aihub.testing.providers import MODEL

from .asking import TIME, WEATHER, answer, arguments, chat, events_of, provider_of

ESTIMATE = EstimateCounter()
COUNTERS = [
    pytest.param(ESTIMATE, id="estimate"),
    pytest.param(TiktokenCounter(), id="tiktoken", marks=pytest.mark.needs("tiktoken")),
]
both_counters = pytest.mark.parametrize("tokens", COUNTERS)

ASKED = "What is the weather in Paris in celsius?"
BOTH = "What is the weather in Paris, and what is the time there?"
CALLED = Message("assistant", None, tool_calls=(ToolCall("call_1", "get_weather", "{}"),))
RESULT = Message("tool", "18 degrees", tool_call_id="call_1")


def names(asked):
    """The tools that are called."""
    return [tool.name for tool in to_call(asked)]


def tool(name, description=None):
    """A tool without arguments."""
    return Tool(name=name, description=description)


# Which


@pytest.mark.parametrize(
    ("said", "one", "called"),
    [
        ("Call get_weather please", tool("get_weather"), True),
        ("please GET_WEATHER", tool("get_weather"), True),
        ("What's the weather in Paris?", tool("get_current_weather"), True),
        ("How will the weather be?", tool("fetchWeather"), True),
        ("Where is my order 77?", tool("lookup_order"), True),
        ("Show me all orders", tool("list_order"), True),
        ("Add 2 and 3", tool("add"), True),
        ("Which city has the most rain?", tool("f", "Count the rain of a city"), True),
        ("Tell me a story about a city", tool("f", "Count the rain of a city"), False),
        ("Tell me a story", tool("get_weather", "Get the current weather for a city"), False),
        ("What is it?", tool("get_it", "Get it"), False),
        ("Hello", tool("f"), False),
        ("Please use the result", tool("g", "Return the result for the user"), False),
        ("東京の天気はどうですか", tool("f", "都市の天気を調べる"), True),
        ("東京の天気予報を教えて", tool("f", "天気予報"), True),
        ("", tool("get_weather"), False),
        ("weather", Tool(kind="web_search", name=""), False),
    ],
)
def test_by_itself_it_calls_what_the_prompt_plainly_asks_for(said, one, called):
    """Name, words of the name, or two telling words of the description: a rule, no chance."""
    for choice in (None, ToolChoice("auto")):
        assert bool(to_call(chat(said, tools=(one,), tool_choice=choice))) == called


def test_none_is_none_and_without_tools_there_are_none():
    """Whatever the prompt says."""
    assert names(chat(ASKED, tools=(WEATHER,), tool_choice=ToolChoice("none"))) == []
    assert names(chat(ASKED)) == []
    assert names(chat(ASKED, tool_choice=ToolChoice("auto"))) == []


def test_a_named_tool_is_called_whatever_the_prompt_says():
    """Also after its result: who names a tool wants a call."""
    named = ToolChoice("required", ("get_time",))
    assert names(chat("Hi", tools=(WEATHER, TIME), tool_choice=named)) == ["get_time"]
    again = chat("Hi", CALLED, RESULT, tools=(WEATHER, TIME), tool_choice=named)
    assert names(again) == ["get_time"]


def test_several_that_are_asked_for_are_called_together():
    """In the order in which they were given; one at a time where the request says so."""
    both = chat(BOTH, tools=(TIME, WEATHER))
    assert names(both) == ["get_time", "get_weather"]
    assert names(attrs.evolve(both, parallel_tool_calls=True)) == ["get_time", "get_weather"]
    assert names(attrs.evolve(both, parallel_tool_calls=False)) == ["get_time"]


def test_calls_in_one_answer_are_bounded():
    """However many tools a prompt names."""
    tools = tuple(tool(f"weather_{n}") for n in range(3 * MAX_CALLS))
    said = " ".join(one.name for one in tools)
    assert len(names(chat(said, tools=tools))) == MAX_CALLS


def test_after_a_result_it_answers_in_text():
    """So that loops of agents end; the user's next question may call again."""
    done = chat(ASKED, CALLED, RESULT, tools=(WEATHER, TIME))
    assert names(done) == []
    old = chat(ASKED, Message("function", "18 degrees", name="get_weather"), tools=(WEATHER,))
    assert names(old) == []
    assert names(chat(ASKED, CALLED, RESULT, "And the weather in Rome?", tools=(WEATHER,)))


@pytest.mark.parametrize(
    ("said", "begins"),
    [
        ("What is the weather in Paris?", "Here is what I found: "),
        ("¿Qué tiempo hace en París?", "Esto es lo que encontré: "),
        ("Quel temps fait-il à Paris ?", "Voici ce que j'ai trouvé : "),
        ("Wie ist das Wetter in Paris?", "Das habe ich gefunden: "),
        ("Como está o tempo em Paris?", "Isto é o que encontrei: "),
        ("パリの天気はどうですか", "調べた結果は次のとおりです："),
        ("巴黎的天气怎么样?", "查到的结果是："),
    ],
)
@pytest.mark.anyio
async def test_the_text_after_results_repeats_them(said, begins):
    """All of the last calls, in their order, so that a test sees that they arrived."""
    other = Message("tool", '{"time":\n "noon"}', tool_call_id="call_2")
    asked = chat(said, CALLED, RESULT, other, tools=(WEATHER, TIME), n=2)
    choices, _ = await answer(asked, ESTIMATE)

    for choice in choices:
        assert choice.text.startswith(f'{begins}18 degrees; {{"time": "noon"}}\n\n')
    assert choices[0].text != choices[1].text


@pytest.mark.anyio
async def test_a_result_may_be_empty_or_long():
    """Then there is a sentence all the same, or as much of it as shows that it came."""
    for content, most in (("", 300), ("x" * 10_000, 1000)):
        result = Message("tool", content, tool_call_id="call_1")
        (choice,), _ = await answer(chat(ASKED, CALLED, result), ESTIMATE)
        assert 10 < len(choice.text) < most


def test_required_calls_what_was_not_called_yet():
    """First what is asked for, then the next in order, at last the last: such loops end too."""
    required = ToolChoice("required")
    final = tool("final_result", "The answer")
    tools = (TIME, WEATHER, final)
    timed = Message("assistant", None, tool_calls=(ToolCall("call_2", "get_time", "{}"),))
    ended = Message("assistant", None, tool_calls=(ToolCall("call_3", "final_result", "{}"),))
    old = Message("assistant", None, extra={"function_call": {"name": "get_time"}})

    assert names(chat(ASKED, tools=tools, tool_choice=required)) == ["get_weather"]
    assert names(chat("Hi", tools=tools, tool_choice=required)) == ["get_time"]
    assert names(chat(ASKED, CALLED, tools=tools, tool_choice=required)) == ["get_time"]
    assert names(chat(ASKED, CALLED, old, tools=tools, tool_choice=required)) == ["final_result"]
    for more in ((timed, ended), (timed, ended, timed)):
        asked = chat(ASKED, CALLED, *more, tools=tools, tool_choice=required)
        assert names(asked) == ["final_result"]


def test_an_allowed_set_bounds_the_choice():
    """Only its tools are called, by its mode."""
    both = chat(BOTH, tools=(WEATHER, TIME))
    assert names(attrs.evolve(both, tool_choice=ToolChoice("auto", ("get_time",)))) == ["get_time"]
    hi = chat("Hi", tools=(WEATHER, TIME))
    assert names(attrs.evolve(hi, tool_choice=ToolChoice("auto", ("get_time",)))) == []
    assert names(attrs.evolve(hi, tool_choice=ToolChoice("required", ("get_time",)))) == [
        "get_time"
    ]


@given(st.text(max_size=40), st.text(max_size=20), st.text(max_size=40))
def test_any_prompt_and_any_tool_have_an_answer(said, name, description):
    """Whatever they are made of, and twice the same."""
    asked = chat(said, tools=(tool(name, description),))
    assert names(asked) == names(asked)


# How


@both_counters
@pytest.mark.anyio
async def test_a_call_has_arguments_by_its_schema(tokens):
    """Reason, id, name and arguments; no text; the words of the prompt where they fit."""
    (choice,), usage = await answer(chat(ASKED, tools=(WEATHER, TIME)), tokens)

    (call,) = choice.tool_calls
    assert (choice.text, choice.finish_reason) == (None, "tool_calls")
    assert (call.name, call.type, len(call.id)) == ("get_weather", "function", 29)
    assert arguments(call) == {"city": "Paris", "unit": "celsius"}
    counted = [tokens.count_text(MODEL, text).tokens for text in (call.name, call.arguments)]
    assert usage.completion == sum(counted)


@pytest.mark.anyio
async def test_a_tool_without_parameters_gets_an_empty_object():
    """OpenAI's document: leaving them out means no arguments."""
    for parameters in (None, {}):
        one = Tool(name="ping", parameters=parameters)
        (choice,), _ = await answer(chat("ping", tools=(one,)), ESTIMATE)
        assert arguments(choice.tool_calls[0]) == {}


@both_counters
@pytest.mark.anyio
async def test_a_streamed_call_comes_as_the_real_api_cuts_it(tokens):
    """First id and name with no arguments, then a piece for each token, call after call."""
    events = await events_of(chat(BOTH, tools=(TIME, WEATHER), stream=True), tokens)

    pieces = [event for event in events if isinstance(event, ToolDelta)]
    first = [event for event in pieces if event.id is not None]
    assert [(one.position, one.name, one.arguments) for one in first] == [
        (0, "get_time", ""),
        (1, "get_weather", ""),
    ]
    assert [one.position for one in pieces] == sorted(one.position for one in pieces)
    assert all(one.name is None and one.arguments for one in pieces if one.id is None)
    assert len(pieces) > 8
    assert Finished("tool_calls") in events


@both_counters
@pytest.mark.anyio
async def test_calls_are_cut_at_the_bound(tokens):
    """As many tokens as were allowed, of the name or the arguments; then the reason is `length`."""
    whole, usage = await answer(chat(BOTH, tools=(TIME, WEATHER)), tokens)
    for most in range(1, usage.completion + 1):
        asked = chat(BOTH, tools=(TIME, WEATHER), max_tokens=most)
        (choice,), used = await answer(asked, tokens)

        assert used.completion <= most
        ended = most >= usage.completion
        assert choice.finish_reason == ("tool_calls" if ended else "length")
        for cut, full in zip(choice.tool_calls, whole[0].tool_calls, strict=False):
            assert (cut.id, cut.name) == (full.id, full.name)
            assert full.arguments.startswith(cut.arguments)


@pytest.mark.anyio
async def test_choices_and_requests_have_calls_of_their_own():
    """Ids are of the request and its choice; the same request has the same ones."""
    asked = chat(ASKED, tools=(WEATHER,), n=3)
    choices, _ = await answer(asked, ESTIMATE)
    again, _ = await answer(asked, ESTIMATE)
    other, _ = await answer(attrs.evolve(asked, seed=1), ESTIMATE)

    ids = {choice.tool_calls[0].id for choice in (*choices, *other)}
    assert len(ids) == 6
    assert again == choices


@pytest.mark.anyio
async def test_a_custom_tool_gets_text():
    """Free, or by its pattern."""
    free = Tool(kind="custom", name="note", description="Write a note")
    bound = attrs.evolve(
        free,
        format={
            "type": "grammar",
            "grammar": {"syntax": "regex", "definition": "note: [a-z]{3,9}"},
        },
    )
    for one, pattern in ((free, r"\w.*"), (bound, r"note: [a-z]{3,9}")):
        (choice,), _ = await answer(chat("note this", tools=(one,)), ESTIMATE)
        (call,) = choice.tool_calls
        assert call.type == "custom"
        assert re.fullmatch(pattern, call.arguments)


@pytest.mark.anyio
async def test_who_leaves_in_the_middle_of_a_call_pays_for_what_came():
    """The name and the arguments so far, as an estimate; the request is settled once."""
    async with open_test_hub(provider_of(ESTIMATE)) as hub:
        async with hub.stream("gpt-4", ASKED, tools=(WEATHER,)) as stream:
            pieces = 0
            async for event in stream:
                pieces += isinstance(event, ToolDelta)
                if pieces == 3:
                    break
        (row,) = await hub.requests()

    assert (row.state, row.usage.source) == ("aborted", "estimated")
    whole, usage = await answer(chat(ASKED, tools=(WEATHER,)), ESTIMATE)
    assert whole[0].tool_calls
    assert 0 < row.usage.completion < usage.completion


# Refusals


def refused(asked, **settings):
    """The error that a chat is refused with."""
    with pytest.raises(InvalidRequest) as error:
        provider_of(ESTIMATE, **settings).check(MODEL, asked)
    return error.value.param, error.value.code


def grammar(syntax, definition):
    """A custom tool with a grammar."""
    form = {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}
    return Tool(kind="custom", name="f", format=form)


BAD = Tool(name="f", parameters={"type": "object", "properties": {"a": {"type": "colour"}}})
LOOSE = Tool(name="f", strict=True, parameters={"type": "object", "properties": {}})


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"tool_choice": ToolChoice("required")}, "tool_choice", "invalid_value"),
        ({"tool_choice": ToolChoice("required", ("g",))}, "tool_choice", "invalid_value"),
        (
            {"tools": (WEATHER,), "tool_choice": ToolChoice("auto", ("g",))},
            "tool_choice",
            "invalid_value",
        ),
        (
            {"tools": (WEATHER,), "tool_choice": ToolChoice("required", ("g",)), "legacy": True},
            "function_call",
            "invalid_value",
        ),
        ({"tools": (WEATHER, Tool(kind="map", name=""))}, "tools[1].type", "invalid_value"),
        (
            {"tools": (WEATHER, BAD)},
            "tools[1].function.parameters",
            "invalid_function_parameters",
        ),
        (
            {"tools": (BAD,), "legacy": True},
            "functions[0].parameters",
            "invalid_function_parameters",
        ),
        ({"tools": (LOOSE,)}, "tools[0].function.parameters", "invalid_function_parameters"),
        (
            {"tools": (grammar("lark", "start: A"),)},
            "tools[0].custom.format.grammar.syntax",
            "unsupported_value",
        ),
        (
            {"tools": (grammar("regex", "("),)},
            "tools[0].custom.format.grammar.definition",
            "invalid_value",
        ),
    ],
)
def test_what_cannot_be_called_is_refused_by_name(fields, param, code):
    """Before anything is admitted: the hub asks the provider first."""
    assert refused(chat("Hi", **fields)) == (param, code)


@pytest.mark.anyio
async def test_a_lenient_mock_calls_what_there_is():
    """A choice that names no tool is none; tools of a kind unknown to it are let be."""
    odd = chat(
        ASKED,
        tools=(Tool(kind="map", name=""), WEATHER),
        tool_choice=ToolChoice("required", ("nobody",)),
    )
    (choice,), _ = await answer(odd, ESTIMATE, lenient=True)
    assert choice.finish_reason == "stop"
    (choice,), _ = await answer(attrs.evolve(odd, tool_choice=None), ESTIMATE, lenient=True)
    assert [call.name for call in choice.tool_calls] == ["get_weather"]
