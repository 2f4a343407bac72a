"""OpenAI's chat completions on the wire: what is read, refused and written."""

import json
from contextlib import suppress
from decimal import Decimal

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import openai_chat as dialect
from aihub.errors import InvalidRequest
from aihub.model.chat import (
    Message,
    OtherPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from aihub.model.events import (
    Choice,
    Completion,
    Finished,
    Reasoning,
    Started,
    Text,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from aihub.model.usage import Usage

HELLO = {"model": "gpt-4", "messages": [{"role": "user", "content": "Hi"}]}


def read(**fields):
    """Read a good request with some fields otherwise."""
    return dialect.request_from({**HELLO, **fields})


def fault(body):
    """The error that a body is refused with."""
    with pytest.raises(InvalidRequest) as refused:
        dialect.decode_request(body if isinstance(body, bytes) else orjson.dumps(body))
    return refused.value


def test_a_plain_request_is_read():
    """Model and messages are all that is needed."""
    chat = dialect.decode_request(orjson.dumps(HELLO))

    assert (chat.model, chat.messages) == ("gpt-4", (Message("user", "Hi"),))
    assert (chat.stream, chat.n, chat.max_tokens, chat.extra) == (False, 1, None, None)


def test_every_field_finds_its_place():
    """What the table knows is typed, what it does not travels on."""
    chat = read(
        stream=True,
        stream_options={"include_usage": True},
        n=2,
        max_tokens=5.0,
        temperature=0,
        top_p=1,
        stop="END",
        seed=-7,
        presence_penalty=-2,
        frequency_penalty=2.0,
        tools=[{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        tool_choice="auto",
        parallel_tool_calls=False,
        response_format={"type": "text"},
        logprobs=True,
        top_logprobs=3,
        logit_bias={"50256": -100},
        user="eve",
        reasoning_effort="low",
        service_tier="flex",
    )

    assert (chat.stream, chat.include_usage, chat.n, chat.max_tokens) == (True, True, 2, 5)
    assert type(chat.max_tokens) is int
    assert (chat.temperature, chat.top_p, chat.stop, chat.seed) == (0.0, 1.0, ("END",), -7)
    assert (chat.presence_penalty, chat.frequency_penalty) == (-2.0, 2.0)
    assert chat.tools == (Tool(name="f", parameters={"type": "object"}),)
    assert (chat.tool_choice, chat.parallel_tool_calls) == (ToolChoice("auto"), False)
    assert chat.response_format == ResponseFormat(kind="text")
    assert (chat.logprobs, chat.top_logprobs, chat.logit_bias) == (True, 3, {"50256": -100})
    assert (chat.user, chat.reasoning_effort) == ("eve", "low")
    assert chat.extra == {"service_tier": "flex"}


def test_null_is_as_if_not_given():
    """Clients send null for what they leave out."""
    assert read(temperature=None, stop=None, stream=None, tools=None, n=None) == read()
    assert read(stream_options=None, stream=True).include_usage is False
    assert read(stream_options={}, stream=True).include_usage is False


def test_the_newer_name_of_the_bound_wins():
    """max_completion_tokens replaces max_tokens."""
    assert read(max_tokens=9, max_completion_tokens=4).bound == 4
    assert read(max_completion_tokens=4).bound == 4
    assert read(max_tokens=9).bound == 9
    assert read().bound is None


def test_messages_of_all_kinds_are_read():
    """Parts, names, tool calls and their results, and fields we do not know."""
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    image = {"type": "image_url", "image_url": {"url": "https://x"}}
    chat = read(
        messages=[
            {"role": "developer", "content": [{"type": "text", "text": "a"}, image]},
            {"role": "user", "content": "b", "name": "eve"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "c", "tool_call_id": "c1"},
            {"role": "assistant", "content": None, "refusal": "no", "audio": None},
            {"role": "function", "content": None, "name": "g"},
        ]
    )

    first, second, third, fourth, fifth, sixth = chat.messages
    assert first.content == (TextPart("a"), OtherPart("image_url", image))
    assert first.text == "a"
    assert (second.name, second.text) == ("eve", "b")
    assert third.tool_calls == (ToolCall("c1", "f", "{}"),)
    assert third.text == ""
    assert fourth.tool_call_id == "c1"
    assert fifth.extra == {"refusal": "no", "audio": None}
    assert sixth.role == "function"


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"model": 5}, "model", "invalid_type"),
        ({"model": ""}, "model", "string_below_min_length"),
        ({"model": "x" * 300}, "model", "string_above_max_length"),
        ({"model": None}, "model", "missing_required_parameter"),
        ({"messages": None}, "messages", "missing_required_parameter"),
        ({"messages": "Hi"}, "messages", "invalid_type"),
        ({"messages": []}, "messages", "empty_array"),
        ({"messages": ["Hi"]}, "messages[0]", "invalid_type"),
        ({"messages": [{"content": "Hi"}]}, "messages[0].role", "missing_required_parameter"),
        ({"messages": [{"role": "boss", "content": ""}]}, "messages[0].role", "invalid_value"),
        ({"messages": [{"role": 5, "content": ""}]}, "messages[0].role", "invalid_type"),
        ({"messages": [{"role": "user"}]}, "messages[0].content", "missing_required_parameter"),
        (
            {"messages": [{"role": "assistant"}]},
            "messages[0].content",
            "missing_required_parameter",
        ),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content", "invalid_type"),
        ({"messages": [{"role": "user", "content": {}}]}, "messages[0].content", "invalid_type"),
        (
            {"messages": [{"role": "user", "content": []}]},
            "messages[0].content",
            "empty_array",
        ),
        (
            {"messages": [{"role": "user", "content": ["a"]}]},
            "messages[0].content[0]",
            "invalid_type",
        ),
        (
            {"messages": [{"role": "user", "content": [{}]}]},
            "messages[0].content[0].type",
            "missing_required_parameter",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": 1}]}]},
            "messages[0].content[0].type",
            "invalid_type",
        ),
        (
            {"messages": [{"role": "user", "content": [{"type": "text"}]}]},
            "messages[0].content[0].text",
            "missing_required_parameter",
        ),
        (
            {"messages": [{"role": "user", "content": "a", "name": 5}]},
            "messages[0].name",
            "invalid_type",
        ),
        (
            {"messages": [{"role": "tool", "content": "a"}]},
            "messages[0].tool_call_id",
            "missing_required_parameter",
        ),
        (
            {"messages": [{"role": "tool", "content": "a", "tool_call_id": 5}]},
            "messages[0].tool_call_id",
            "invalid_type",
        ),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a"}]}]},
            "messages[0].tool_calls[0].type",
            "missing_required_parameter",
        ),
        ({"temperature": 9}, "temperature", "decimal_above_max_value"),
        ({"temperature": -0.1}, "temperature", "decimal_below_min_value"),
        ({"temperature": "1"}, "temperature", "invalid_type"),
        ({"temperature": True}, "temperature", "invalid_type"),
        ({"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
        ({"max_tokens": 1.5}, "max_tokens", "invalid_type"),
        ({"max_tokens": 10**12}, "max_tokens", "integer_above_max_value"),
        ({"max_tokens": True}, "max_tokens", "invalid_type"),
        ({"n": 0}, "n", "integer_below_min_value"),
        ({"n": 129}, "n", "integer_above_max_value"),
        ({"stream": "false"}, "stream", "invalid_type"),
        ({"stream_options": True}, "stream_options", "invalid_type"),
        ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
        ({"stop": 5}, "stop", "invalid_type"),
        ({"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ({"stop": ["a", None]}, "stop[1]", "invalid_type"),
        ({"logit_bias": {"1": 101}}, "logit_bias.1", "integer_above_max_value"),
        ({"logit_bias": []}, "logit_bias", "invalid_type"),
        ({"tools": {}}, "tools", "invalid_type"),
        ({"response_format": "json"}, "response_format", "invalid_type"),
        ({"response_format": {}}, "response_format.type", "missing_required_parameter"),
        (
            {"tools": [{"type": "function", "function": {"name": "a b"}}]},
            "tools[0].function.name",
            "invalid_value",
        ),
        ({"tool_choice": 5}, "tool_choice", "invalid_type"),
        ({"tool_choice": {}}, "tool_choice.type", "missing_required_parameter"),
        ({"function_call": 5}, "function_call", "invalid_type"),
        ({"metadata": {str(n): "" for n in range(17)}}, "metadata", "object_above_max_properties"),
        ({"metadata": {"a": "b" * 513}}, "metadata.a", "string_above_max_length"),
        ({"prediction": {"type": "content", "content": 5}}, "prediction.content", "invalid_type"),
        ({"stop": []}, "stop", "empty_array"),
        ({"top_logprobs": 21}, "top_logprobs", "integer_above_max_value"),
        ({"seed": 2**63 + 200}, "seed", "integer_above_max_value"),
        ({"user": 5}, "user", "invalid_type"),
    ],
)
def test_a_wrong_field_is_named(fields, param, code):
    """Type, range and path: 400 with the field's own path, nothing coerced."""
    error = fault({**HELLO, **fields})

    assert (error.param, error.code) == (param, code)
    assert param.split("[")[0].split(".")[0] in str(error) or "Supported values" in str(error)


def test_functions_in_the_old_form_are_tools():
    """One of which is called at most; tools in the new form win."""
    old = {"functions": [{"name": "f", "description": "d"}], "function_call": {"name": "f"}}
    chat = read(**old)
    assert chat.tools == (Tool(name="f", description="d"),)
    assert chat.tool_choice == ToolChoice("required", ("f",))
    assert (chat.legacy, chat.parallel_tool_calls, chat.extra) == (True, False, None)
    assert read(functions=old["functions"], function_call="none").tool_choice == ToolChoice("none")
    assert read(function_call="auto").tools == ()

    new = {"tools": [{"type": "function", "function": {"name": "g"}}]}
    both = read(**old, **new)
    assert (both.legacy, both.tools, both.tool_choice) == (False, (Tool(name="g"),), None)


def test_tools_of_each_kind_are_read():
    """Functions and custom tools as values, others as they are."""
    grammar = {"type": "grammar", "grammar": {"definition": "a", "syntax": "regex"}}
    other = {"type": "web_search", "size": 3}
    chat = read(
        tools=[
            {"type": "function", "function": {"name": "f", "strict": True}},
            {"type": "custom", "custom": {"name": "g", "description": "d", "format": grammar}},
            other,
        ]
    )
    assert chat.tools == (
        Tool(name="f", strict=True),
        Tool(kind="custom", name="g", description="d", format=grammar),
        Tool(kind="web_search", name="", data=other),
    )


@pytest.mark.parametrize(
    ("choice", "read_as"),
    [
        ("required", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("required", ("f",))),
        ({"type": "custom", "custom": {"name": "f"}}, ToolChoice("required", ("f",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "f"}}, {"name": "g"}],
                },
            },
            ToolChoice("auto", ("f", "g")),
        ),
    ],
)
def test_every_choice_of_tools_is_a_mode_and_a_set(choice, read_as):
    """A named tool is a set of one that must be called."""
    assert read(tool_choice=choice).tool_choice == read_as


def test_response_formats_are_values():
    """A schema with its name; what we do not know as it is."""
    schema = {"type": "object"}
    wanted = {"name": "n", "schema": schema, "strict": True, "description": "d"}
    assert read(
        response_format={"type": "json_schema", "json_schema": wanted}
    ).response_format == ResponseFormat(
        kind="json_schema", name="n", description="d", schema=schema, strict=True
    )
    own = {"type": "yaml", "indent": 2}
    assert read(response_format=own).response_format == ResponseFormat(kind="yaml", data=own)


def test_what_is_wrong_may_be_left_out():
    """A lenient reader drops it; without a model or messages there is no request."""
    wrong = {**HELLO, "temperature": 9, "tools": 5, "stop": [], "n": 2}
    chat = dialect.request_from(wrong, lenient=True)
    assert (chat.temperature, chat.tools, chat.stop, chat.n) == (None, (), (), 2)
    for name in ("model", "messages", "session_id"):
        with pytest.raises(InvalidRequest):
            dialect.request_from({**HELLO, name: 5}, lenient=True)


def test_all_faults_are_listed():
    """The first is the error's own; the others are there for whoever looks."""
    error = fault({"model": 5, "temperature": 9})

    assert [path for path, _ in error.faults] == ["model", "temperature", "messages"]
    assert error.param == "model"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"hi"',
        b"null",
        b'{"model": NaN}',
        b'{"temperature": 1e999}',
        b"\xff\xfe",
        b'{"model": "\xff"}',
        b'{"model": "\\ud800"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=range(12),
)
def test_a_body_that_is_no_json_object_is_refused(body):
    """Malformed, not an object, not UTF-8, endless: one clear error."""
    assert fault(body).code in {"invalid_json", "missing_required_parameter"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
FIELDS = st.sampled_from(
    """
    model messages stream stream_options n max_tokens temperature stop seed tools logit_bias user
    response_format logprobs role content name tool_calls type text function id
    """.split()  # noqa: SIM905 - read better so
)


@given(
    st.dictionaries(FIELDS, JSON | st.lists(st.dictionaries(FIELDS, JSON, max_size=4)), max_size=8)
)
def test_whatever_comes_is_read_or_refused(fields):
    """No request makes the decoder fail in any other way."""
    with suppress(InvalidRequest):
        dialect.request_from(fields)


DONE = Completion(
    id="chatcmpl-1",
    created=1_677_652_288_999_999,
    model="gpt-4",
    served_model="gpt-4-0613",
    choices=(Choice(index=0, text="Hello!", finish_reason="stop"),),
    usage=Usage(12, 18, cached=2, reasoning=3, source="counted"),
    cost=123_456_789,
)


def test_an_answer_has_openais_shape():
    """Required nullable fields are there as null; the cost is exact, and who counted is said."""
    told = json.loads(dialect.encode_completion(DONE), parse_float=Decimal)

    assert told == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1677652288,
        "model": "gpt-4",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello!", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 12,
            "completion_tokens": 18,
            "total_tokens": 30,
            "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 3,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
            "cost": Decimal("0.000123456789"),
            "source": "counted",
        },
    }


def test_tool_calls_reasoning_and_probabilities_are_written():
    """What a choice has besides text stands where OpenAI's clients look for it."""
    choice = Choice(
        index=0,
        text=None,
        finish_reason="tool_calls",
        reasoning="hm",
        tool_calls=(ToolCall("c1", "f", "{}"),),
        logprobs=[{"token": "a"}],
    )
    done = attrs.evolve(DONE, choices=(choice,))
    told = json.loads(dialect.encode_completion(done))["choices"][0]

    assert told["message"]["content"] is None
    assert told["message"]["reasoning_content"] == "hm"
    assert told["message"]["tool_calls"][0]["function"] == {"name": "f", "arguments": "{}"}
    assert told["logprobs"] == {"content": [{"token": "a"}], "refusal": None}


def encoder(**options):
    """An encoder for one stream."""
    return dialect.StreamEncoder(
        id="chatcmpl-1",
        created=1_000_000,
        model="gpt-4",
        **{"include_usage": False, **options},
    )


def chunks(data):
    """The JSON of each event in *data*."""
    return [json.loads(part.removeprefix(b"data: ")) for part in data.split(b"\n\n") if part]


def test_a_stream_begins_each_choice_with_its_role():
    """Role first, then text, then the reason; other events have no chunk."""
    one = encoder()
    told = [
        chunks(one.encode(event))
        for event in (Started(), Text("Once"), Text(" upon", 1), Text("!"), Finished("stop"))
    ]

    assert [len(part) for part in told] == [0, 2, 2, 1, 1]
    assert told[1][0]["choices"][0]["delta"] == {
        "role": "assistant",
        "content": "",
        "refusal": None,
    }
    assert told[1][1] == {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4",
        "choices": [
            {"index": 0, "delta": {"content": "Once"}, "logprobs": None, "finish_reason": None}
        ],
    }
    assert told[2][1]["choices"][0]["index"] == 1
    assert told[4][0]["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "stop",
    }


def test_usage_comes_last_where_it_is_asked_for():
    """With include_usage the other chunks say null and the last one has no choice."""
    asked = encoder(include_usage=True)
    (text,) = chunks(asked.encode(Text("a")))[1:]
    (usage,) = chunks(asked.usage(Usage(1, 2), 3))

    assert text["usage"] is None
    assert usage["choices"] == []
    assert usage["usage"]["total_tokens"] == 3
    assert encoder().usage(Usage(1, 2), 3) == b""


def deltas(events, **options):
    """The delta of each chunk that *events* make."""
    one = encoder(**options)
    return [told["choices"][0]["delta"] for event in events for told in chunks(one.encode(event))]


def test_a_call_opens_its_choice_and_comes_in_pieces():
    """The first piece has role, id and name, as OpenAI's own; later ones are arguments alone."""
    first = ToolDelta(0, "c1", "f", "", type="function")
    told = deltas([first, ToolDelta(0, arguments="{}"), ToolDelta(1, "c2", "g", "{")])

    assert told == [
        {
            "role": "assistant",
            "content": None,
            "refusal": None,
            "tool_calls": [
                {
                    "index": 0,
                    "id": "c1",
                    "type": "function",
                    "function": {"name": "f", "arguments": ""},
                }
            ],
        },
        {"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]},
        {
            "tool_calls": [
                {
                    "index": 1,
                    "id": "c2",
                    "type": "function",
                    "function": {"name": "g", "arguments": "{"},
                }
            ]
        },
    ]


def test_calls_in_the_old_form():
    """Where functions were asked for, the call and the reason are said as then."""
    told = deltas([ToolDelta(0, "c1", "f", ""), ToolDelta(0, arguments="{}")], legacy=True)
    assert [one["function_call"] for one in told] == [
        {"name": "f", "arguments": ""},
        {"arguments": "{}"},
    ]
    (end,) = chunks(encoder(legacy=True).encode(Finished("tool_calls")))[1:]
    assert end["choices"][0]["finish_reason"] == "function_call"

    call = Choice(
        index=0, text=None, finish_reason="tool_calls", tool_calls=(ToolCall("c1", "f", "{}"),)
    )
    whole = json.loads(dialect.encode_completion(attrs.evolve(DONE, choices=(call,)), legacy=True))[
        "choices"
    ][0]
    assert whole["finish_reason"] == "function_call"
    assert whole["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in whole["message"]


def test_calls_of_custom_tools():
    """Their input is text; a chunk has no type, for OpenAI's document knows none for it."""
    told = deltas([ToolDelta(0, "c1", "f", "", type="custom"), ToolDelta(0, arguments="x")])
    assert told[0]["tool_calls"] == [{"index": 0, "id": "c1", "custom": {"name": "f", "input": ""}}]
    assert told[1]["tool_calls"] == [{"index": 0, "custom": {"input": "x"}}]

    call = ToolCall("c1", "f", "x", "custom")
    one = Choice(index=0, text=None, finish_reason="tool_calls", tool_calls=(call,))
    whole = json.loads(dialect.encode_completion(attrs.evolve(DONE, choices=(one,))))
    assert whole["choices"][0]["message"]["tool_calls"] == [
        {"id": "c1", "type": "custom", "custom": {"name": "f", "input": "x"}}
    ]


def test_probabilities_stand_beside_their_text():
    """In the same chunk, as a list with an entry for each token."""
    first, second = chunks(encoder().encode(Text("a", logprobs=[{"token": "a"}])))
    assert first["choices"][0]["delta"]["role"] == "assistant"
    assert second["choices"][0]["delta"] == {"content": "a"}
    assert second["choices"][0]["logprobs"] == {"content": [{"token": "a"}], "refusal": None}


def test_what_the_dialect_has_no_word_for_is_not_told():
    """Counts come at the end, and what nobody knows not at all."""
    for event in (UsageSeen(Usage(1, 1)), Unknown({"type": "ping"})):
        assert encoder().encode(event) == b""


def test_reasoning_opens_a_choice_too():
    """It may come first."""
    told = deltas([Reasoning("hm"), Reasoning("ha")])
    assert [sorted(one) for one in told] == [
        ["content", "refusal", "role"],
        ["reasoning_content"],
        ["reasoning_content"],
    ]


def test_the_fingerprint_is_in_answers_and_chunks():
    """Where the provider told one; else it is left out, for it is a text."""
    one = encoder()
    assert one.encode(Started(fingerprint="fp_1")) == b""
    told = chunks(one.encode(Text("a")) + one.encode(Finished("stop")))
    assert {chunk["system_fingerprint"] for chunk in told} == {"fp_1"}
    assert "system_fingerprint" not in chunks(encoder().encode(Text("a")))[0]

    done = attrs.evolve(DONE, fingerprint="fp_1")
    assert json.loads(dialect.encode_completion(done))["system_fingerprint"] == "fp_1"


@given(st.text(), st.integers(0, 127), st.booleans())
def test_the_prebuilt_chunk_is_what_json_would_write(text, index, include_usage):
    """The fast path says exactly what the plain one would, for any text."""
    one = encoder(include_usage=include_usage)
    try:
        orjson.dumps(text)
    except orjson.JSONEncodeError:
        return
    one.encode(Text("", index))
    fast = one.encode(Text(text, index))

    plain = one._chunk(index, {"content": text})
    assert chunks(fast) == chunks(plain)
    assert fast.endswith(b"\n\n")
    assert fast.count(b"\n") == 2
