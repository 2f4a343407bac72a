"""The mock calls tools as the request says: through OpenAI's SDK, whole and streamed."""

import json

import pytest

pytest.importorskip("openai")
pytest.importorskip("trio")
pytest.importorskip("tiktoken")

from ..openai_sdk import ask, asked, calls_of, chunks, only, plain, refusal, user

pytestmark = pytest.mark.slow


def function(name, description, properties, **more):
    """A tool as a request has it."""
    parameters = {
        "type": "object",
        "properties": properties,
        "required": [*properties],
        "additionalProperties": False,
    }
    told = {"name": name, "description": description, "parameters": parameters, **more}
    return {"type": "function", "function": told}


CITY = {"city": {"type": "string"}}
WEATHER = function("get_weather", "Get the current weather in a city", CITY)
TIME = function("get_time", "Tell the time of day in a city", CITY)
ADD = function("add", "Add two numbers", {"a": {"type": "integer"}, "b": {"type": "integer"}})
TOOLS = [WEATHER, TIME, ADD]
PARIS = "What is the weather in Paris?"
BOTH = "Tell me the weather and the time in Paris"
NONE = "Hello, who are you?"
IN_PARIS = {"city": "Paris"}


def named(name):
    """A choice of one tool."""
    return {"type": "function", "function": {"name": name}}


def among(mode, *names):
    """A choice among some tools."""
    tools = [named(name) for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": mode, "tools": tools}}


# A prompt, what else the request says, and what is called.
CALLED = {
    "auto": (PARIS, {}, [("get_weather", IN_PARIS)]),
    "auto by name": (PARIS, {"tool_choice": "auto"}, [("get_weather", IN_PARIS)]),
    "numbers": ("Please add 2 and 3", {}, [("add", {"a": 2, "b": 3})]),
    "two at once": (BOTH, {}, [("get_weather", IN_PARIS), ("get_time", IN_PARIS)]),
    "one at a time": (BOTH, {"parallel_tool_calls": False}, [("get_weather", IN_PARIS)]),
    "nothing to call": (NONE, {}, []),
    "none": (PARIS, {"tool_choice": "none"}, []),
    "required": (PARIS, {"tool_choice": "required"}, [("get_weather", IN_PARIS)]),
    "named": (PARIS, {"tool_choice": named("get_time")}, [("get_time", IN_PARIS)]),
    "allowed, asked for": (
        BOTH,
        {"tool_choice": among("auto", "get_time", "add")},
        [("get_time", IN_PARIS)],
    ),
    "allowed, not asked for": (PARIS, {"tool_choice": among("auto", "get_time")}, []),
    "allowed and required": (
        PARIS,
        {"tool_choice": among("required", "get_time")},
        [("get_time", IN_PARIS)],
    ),
}


@pytest.mark.parametrize(("prompt", "more", "called"), CALLED.values(), ids=CALLED)
def test_tools_are_called_as_the_request_says(sdk, prompt, more, called):
    """Which, how many, with what; where none is called, there is a text."""
    done = ask(sdk, messages=user(prompt), tools=TOOLS, **more)

    choice = only(done)
    assert calls_of(done) == called
    assert choice.finish_reason == ("tool_calls" if called else "stop")
    assert bool(choice.message.content) is not bool(called)
    ids = [call.id for call in choice.message.tool_calls or ()]
    assert len(set(ids)) == len(called)
    assert all(id.startswith("call_") for id in ids)


def test_required_calls_some_tool_where_none_is_asked_for(sdk):
    """With arguments that keep to its schema all the same."""
    ((name, arguments),) = calls_of(
        ask(sdk, messages=user(NONE), tools=TOOLS, tool_choice="required")
    )

    assert name == "get_weather"
    assert isinstance(arguments["city"], str)


def test_a_call_is_streamed_in_pieces(sdk):
    """Its id and name first, with no arguments; they come by and by, as the real ones do."""
    told = chunks(sdk, messages=user(BOTH), tools=TOOLS)

    pieces = [piece for chunk in told for piece in chunk.choices[0].delta.tool_calls or ()]
    for position, name in enumerate(["get_weather", "get_time"]):
        first, *rest = [piece for piece in pieces if piece.index == position]
        assert (first.type, first.function.name, first.function.arguments) == ("function", name, "")
        assert first.id
        assert len(rest) > 2
        assert all(piece.id is None and piece.function.name is None for piece in rest)
        arguments = "".join(piece.function.arguments for piece in rest)
        assert json.loads(arguments) == IN_PARIS
    assert told[0].choices[0].delta.role == "assistant"
    assert told[-1].choices[0].finish_reason == "tool_calls"


def test_after_a_result_the_answer_is_a_text(sdk):
    """A loop that calls what it is told to and sends the results ends by itself."""
    messages = user(BOTH)
    called = only(ask(sdk, messages=messages, tools=TOOLS)).message
    messages.append(called.to_dict())
    messages += [
        {"role": "tool", "tool_call_id": call.id, "content": "19 degrees"}
        for call in called.tool_calls
    ]

    done = only(ask(sdk, messages=messages, tools=TOOLS))

    assert done.finish_reason == "stop"
    assert done.message.content
    assert not done.message.tool_calls


def test_a_bound_cuts_the_arguments(sdk):
    """In their middle, and the reason is `length`."""
    done = ask(sdk, messages=user(PARIS), tools=TOOLS, max_tokens=4)

    choice = only(done)
    assert choice.finish_reason == "length"
    assert done.usage.completion_tokens == 4
    (call,) = choice.message.tool_calls
    with pytest.raises(json.JSONDecodeError):
        json.loads(call.function.arguments)


def test_each_choice_has_calls_of_its_own(sdk):
    """With `n`, each calls with ids of its own."""
    done = ask(sdk, messages=user(PARIS), tools=TOOLS, n=3)

    assert len({choice.message.tool_calls[0].id for choice in done.choices}) == 3


# The old form


def folded(told, find):
    """The pieces of a streamed call, joined: what *find* gives of each, a name and a text."""
    pieces = [piece for chunk in told for piece in find(chunk.choices[0].delta) or ()]
    (name,) = [name for name, _ in pieces if name]
    return name, "".join(text or "" for _, text in pieces)


@pytest.mark.parametrize(
    ("prompt", "choice", "name"),
    [
        (PARIS, None, "get_weather"),
        (PARIS, "auto", "get_weather"),
        (NONE, {"name": "get_time"}, "get_time"),
    ],
)
def test_functions_are_called_in_the_old_form(sdk, prompt, choice, name):
    """`functions` and `function_call`: asked for so, answered so."""
    fields = {"messages": user(prompt), "functions": [tool["function"] for tool in TOOLS]}
    if choice is not None:
        fields["function_call"] = choice

    whole = only(sdk.chat.completions.create(**asked(fields)))
    told = chunks(sdk, **fields)

    call = whole.message.function_call
    assert call.name == name
    assert isinstance(json.loads(call.arguments)["city"], str)
    assert whole.finish_reason == told[-1].choices[0].finish_reason == "function_call"

    def pieces(delta):
        return delta.function_call and [(delta.function_call.name, delta.function_call.arguments)]

    assert folded(told, pieces) == (call.name, call.arguments)


def test_the_old_form_calls_nothing_where_nothing_is_asked_for(sdk):
    """Nor where `function_call` says so."""
    functions = [WEATHER["function"]]
    assert only(ask(sdk, messages=user(NONE), functions=functions)).message.content
    told = ask(sdk, messages=user(PARIS), functions=functions, function_call="none")
    assert only(told).message.content


# Custom tools


def custom(name, **more):
    """A tool whose input is text."""
    return {"type": "custom", "custom": {"name": name, "description": "Run some code", **more}}


def regex(pattern):
    """A grammar of a custom tool's input."""
    return {"type": "grammar", "grammar": {"syntax": "regex", "definition": pattern}}


@pytest.mark.parametrize(
    ("more", "fits"),
    [({}, ""), ({"format": {"type": "text"}}, ""), ({"format": regex(r"[a-z]+\(\d\);")}, ");")],
)
def test_custom_tools_get_a_text(sdk, more, fits):
    """A sentence, or what a grammar allows."""
    fields = {"messages": user("Please run_code for me"), "tools": [custom("run_code", **more)]}

    whole = only(sdk.chat.completions.create(**asked(fields)))
    told = chunks(sdk, **fields)

    (call,) = whole.message.tool_calls
    assert (call.type, call.custom.name) == ("custom", "run_code")
    assert call.custom.input.endswith(fits)
    assert whole.finish_reason == told[-1].choices[0].finish_reason == "tool_calls"

    def pieces(delta):
        # The SDK's own type of a piece knows no custom tools; it keeps them as they came.
        found = [piece.to_dict()["custom"] for piece in delta.tool_calls or ()]
        return [(piece.get("name"), piece["input"]) for piece in found]

    assert folded(told, pieces) == ("run_code", call.custom.input)


# What is refused

BROKEN = function("f", "d", {"a": {"type": "string", "minLength": 9, "maxLength": 3}})
LOOSE = function("f", "d", {"a": {"type": "string"}}, strict=True)
LOOSE["function"]["parameters"]["required"] = []
REFUSED = {
    "a schema that nothing fits": (
        {"tools": [WEATHER, BROKEN]},
        "tools[1].function.parameters",
        "invalid_function_parameters",
        "'minLength' at #/properties/a/minLength",
    ),
    "strict without `required`": (
        {"tools": [LOOSE]},
        "tools[0].function.parameters",
        "invalid_function_parameters",
        "'required'",
    ),
    "a choice of no tool": (
        {"tools": TOOLS, "tool_choice": named("get_wether")},
        "tool_choice",
        "invalid_value",
        "'get_wether' not found",
    ),
    "required without tools": ({"tool_choice": "required"}, "tool_choice", "invalid_value", ""),
    "a grammar that is not read": (
        {
            "tools": [
                custom(
                    "f",
                    format={"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}},
                )
            ]
        },
        "tools[0].custom.format.grammar.syntax",
        "unsupported_value",
        "'regex' alone",
    ),
    "no kind of tool": (
        {"tools": [{"type": "retrieval"}]},
        "tools[0].type",
        "invalid_value",
        "retrieval",
    ),
    "a name that is none": (
        {"tools": [function("get weather", "d", CITY)]},
        "tools[0].function.name",
        "invalid_value",
        "",
    ),
}


@pytest.mark.parametrize(("more", "param", "code", "said"), REFUSED.values(), ids=REFUSED)
def test_tools_that_cannot_be_are_refused(sdk, more, param, code, said):
    """With the field's path and OpenAI's codes, whole and streamed."""
    found = refusal(sdk, messages=user(PARIS), **more)

    assert found[:2] == (param, code)
    assert said in found[2]


def test_the_same_request_has_the_same_calls(sdk):
    """Ids and arguments are a function of the request."""
    fields = {"messages": user(BOTH), "tools": TOOLS, "seed": 3}

    assert plain(ask(sdk, **fields)) == plain(ask(sdk, **fields))
