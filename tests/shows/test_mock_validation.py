"""What is wrong is refused as OpenAI refuses it: the SDK's BadRequestError, `param` and `code`."""

import pytest

pytest.importorskip("openai")
pytest.importorskip("trio")

import openai

from ..openai_sdk import ask, asked, chunks, client_of, only, refusal, user

pytestmark = pytest.mark.slow

HELLO = user("Hello")
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}

# Types and ranges, for every model: OpenAI's published document.
WRONG = [
    ({"model": "gpt-9"}, "model", "model_not_found"),
    ({"messages": "Hello"}, "messages", "invalid_type"),
    ({"messages": []}, "messages", "empty_array"),
    ({"messages": [{"role": "wizard", "content": "a"}]}, "messages[0].role", "invalid_value"),
    ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
        "messages[0].content[0].text",
        "missing_required_parameter",
    ),
    (
        {"messages": [{"role": "tool", "content": "a"}]},
        "messages[0].tool_call_id",
        "missing_required_parameter",
    ),
    ({"temperature": 2.1}, "temperature", "decimal_above_max_value"),
    ({"temperature": -1}, "temperature", "decimal_below_min_value"),
    ({"temperature": "warm"}, "temperature", "invalid_type"),
    ({"top_p": 1.5}, "top_p", "decimal_above_max_value"),
    ({"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
    ({"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value"),
    ({"n": 0}, "n", "integer_below_min_value"),
    ({"n": 129}, "n", "integer_above_max_value"),
    ({"n": 1.5}, "n", "invalid_type"),
    ({"max_tokens": 0}, "max_tokens", "integer_below_min_value"),
    ({"max_completion_tokens": "many"}, "max_completion_tokens", "invalid_type"),
    ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
    ({"stop": 5}, "stop", "invalid_type"),
    ({"seed": "x"}, "seed", "invalid_type"),
    ({"logprobs": "yes"}, "logprobs", "invalid_type"),
    ({"logprobs": True, "top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
    ({"logit_bias": {"1": 101}}, "logit_bias.1", "integer_above_max_value"),
    ({"tools": [{"type": "function"}]}, "tools[0].function", "missing_required_parameter"),
    (
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        "tools[0].function.name",
        "invalid_value",
    ),
    ({"tools": [TOOL], "tool_choice": "maybe"}, "tool_choice", "invalid_value"),
    ({"tools": [TOOL], "parallel_tool_calls": "no"}, "parallel_tool_calls", "invalid_type"),
    ({"response_format": "json"}, "response_format", "invalid_type"),
    ({"response_format": {"type": "yaml"}}, "response_format.type", "invalid_value"),
    (
        {"response_format": {"type": "json_schema"}},
        "response_format.json_schema",
        "missing_required_parameter",
    ),
    (
        {"response_format": {"type": "json_schema", "json_schema": {"schema": {}}}},
        "response_format.json_schema.name",
        "missing_required_parameter",
    ),
    ({"reasoning_effort": "extreme"}, "reasoning_effort", "invalid_value"),
    ({"service_tier": "gold"}, "service_tier", "invalid_value"),
    ({"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
    ({"modalities": ["smell"]}, "modalities[0]", "invalid_value"),
    ({"verbosity": "chatty"}, "verbosity", "invalid_value"),
]


@pytest.mark.parametrize(
    ("more", "param", "code"), WRONG, ids=[f"{param} {code}" for _, param, code in WRONG]
)
def test_a_wrong_field_is_named(sdk, more, param, code):
    """By its path and OpenAI's code, whole and streamed alike."""
    found = refusal(sdk, **{"messages": HELLO, **more})

    assert found[:2] == (param, code)
    assert found[2]


# What the model asked for cannot do, whatever the document allows.
FACTS = [
    ("gpt-4", {"max_tokens": 8193}, "max_tokens", "invalid_value"),
    ("gpt-4", {"max_tokens": 8192}, "messages", "context_length_exceeded"),
    (
        "gpt-4",
        {"messages": [{"role": "user", "content": [IMAGE]}]},
        "messages[0].content[0].type",
        "invalid_value",
    ),
    ("o3", {"max_tokens": 5}, "max_tokens", "unsupported_parameter"),
    ("o3", {"temperature": 0.2}, "temperature", "unsupported_value"),
    ("o3", {"top_p": 0.2}, "top_p", "unsupported_value"),
    ("o3", {"stop": "a"}, "stop", "unsupported_parameter"),
    ("o3", {"logprobs": True}, "logprobs", "unsupported_parameter"),
    ("o3", {"reasoning_effort": "none"}, "reasoning_effort", "unsupported_value"),
    ("gpt-4o", {"reasoning_effort": "low"}, "reasoning_effort", "unsupported_parameter"),
    ("gpt-5-pro", {"reasoning_effort": "low"}, "reasoning_effort", "unsupported_value"),
    ("chatgpt-4o-latest", {"tools": [TOOL]}, "tools", "unsupported_parameter"),
    ("gpt-4o", {"web_search_options": {}}, "web_search_options", "unsupported_parameter"),
]


@pytest.mark.parametrize(
    ("model", "more", "param", "code"),
    FACTS,
    ids=[f"{model} {param} {code}" for model, _, param, code in FACTS],
)
def test_what_a_model_cannot_do_is_refused(sdk, model, more, param, code):
    """The same parameter is fine with another model."""
    fields = {"messages": HELLO, **more}
    assert refusal(sdk, model=model, **fields)[:2] == (param, code)


# The same words, with models that can.
CAN = [
    ("gpt-4o", {"max_tokens": 8193}),
    ("gpt-4o", {"messages": [{"role": "user", "content": [IMAGE]}]}),
    ("o3", {"max_completion_tokens": 5000}),
    ("gpt-4o", {"temperature": 0.2, "top_p": 0.2, "stop": "a", "logprobs": True}),
    ("o3", {"reasoning_effort": "low"}),
    ("gpt-5-pro", {"reasoning_effort": "high"}),
    ("gpt-5.1", {"reasoning_effort": "none", "temperature": 0.2}),
    ("gpt-4o", {"tools": [TOOL]}),
    ("claude-sonnet-4-5", {"reasoning_effort": "high", "max_tokens": 5000}),
    ("gemini-2.5-flash", {"messages": [{"role": "user", "content": [IMAGE]}]}),
    (
        "gpt-4o",
        {
            "metadata": {"a": "b"},
            "service_tier": "auto",
            "store": False,
            "user": "eve",
            "presence_penalty": 1,
            "frequency_penalty": -1,
            "modalities": ["text"],
            "prompt_cache_key": "k",
            "safety_identifier": "s",
        },
    ),
]


@pytest.mark.parametrize(("model", "more"), CAN, ids=[f"{one} {', '.join(of)}" for one, of in CAN])
def test_what_a_model_can_do_passes(sdk, model, more):
    """Nothing stricter than the document and the model's own facts."""
    assert only(ask(sdk, model=model, **{"messages": HELLO, **more})).message.content


def test_unknown_fields_pass(sdk):
    """What the SDK sends in `extra_body` may be another provider's."""
    done = sdk.chat.completions.create(
        **asked({"messages": HELLO}), extra_body={"top_k": 5, "hologram": {"a": 1}}
    )

    assert only(done).message.content


# Lenient


@pytest.fixture(scope="module")
def lenient(run_server):
    """The SDK at a server that lets be what it can."""
    options = ["--ephemeral", "--lenient", "--log-level", "warning", "--key", "test=enterprise"]
    with run_server(*options) as server, client_of(server.url) as client:
        yield client


LEFT_OUT = [
    {"temperature": 9},
    {"temperature": "warm"},
    {"n": 0},
    {"stop": 5},
    {"seed": "x"},
    {"service_tier": "gold"},
    {"metadata": {"a": 1}},
    {"reasoning_effort": "extreme"},
    {"tools": [TOOL], "tool_choice": "maybe"},
    {"model": "o3", "temperature": 0.2, "max_tokens": 5000, "stop": "a"},
    {"model": "gpt-4", "messages": [{"role": "user", "content": [IMAGE]}]},
    {"model": "chatgpt-4o-latest", "tools": [TOOL]},
    {"modalities": ["audio"]},
    {"top_logprobs": 3},
]


@pytest.mark.parametrize("more", LEFT_OUT, ids=", ".join)
def test_a_lenient_server_lets_be_what_is_wrong(sdk, lenient, more):
    """What the other refuses is answered here, both ways."""
    fields = {"messages": HELLO, **more}

    with pytest.raises(openai.BadRequestError):
        sdk.chat.completions.create(**asked(fields))
    whole = lenient.chat.completions.create(**asked(fields))
    told = chunks(lenient, **fields)

    streamed = "".join(chunk.choices[0].delta.content or "" for chunk in told)
    assert whole.choices[0].message.content == streamed
    assert streamed


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"messages": "Hello"}, "messages"),
        ({"model": "gpt-9"}, "model"),
        ({"logit_bias": {"no": 1}}, "logit_bias"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "a", "schema": {"type": "text"}},
                }
            },
            "response_format",
        ),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_what_cannot_be_left_out_is_refused_all_the_same(lenient, more, param):
    """There is no right answer to it."""
    assert refusal(lenient, **{"messages": HELLO, **more})[0] == param
