"""OpenAI's Responses, read and written without a hub."""

import orjson
import pytest

from aihub.dialects import openai_responses as dialect
from aihub.dialects.openai_chat import stored
from aihub.dialects.openai_responses import queries, secrets
from aihub.dialects.openai_responses.answers import echo, output_items
from aihub.errors import InvalidRequest
from aihub.model.chat import Message, OtherPart, ReasoningPart, TextPart, Tool, ToolCall, ToolChoice
from aihub.model.events import Choice, Finished, Reasoning, Started, Text, ToolDelta
from aihub.model.record import Record
from aihub.model.usage import Usage


def asked(**fields):
    """A request that was read."""
    return dialect.decode_request(orjson.dumps({"model": "gpt-4", "input": "Hi", **fields}))


def chat(**fields):
    """The chat that a request is."""
    one = asked(**fields)
    return one.chat(one.items)


def refused(**fields):
    """What a request is refused for."""
    with pytest.raises(InvalidRequest) as error:
        asked(**fields)
    return error.value.param


def test_parts_are_those_of_chat_completions():
    """What only OpenAI can resolve stays in this dialect's words, which others refuse."""
    content = [
        {"type": "input_text", "text": "Look"},
        {"type": "input_image", "image_url": "data:,", "detail": "low"},
        {"type": "input_image", "image_url": "data:,", "detail": "original"},
        {"type": "input_image", "image_url": "data:,"},
        {"type": "input_image", "file_id": "file_1", "detail": "auto"},
        {"type": "input_file", "file_data": "data:,", "filename": "a.pdf"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_novelty", "x": 1},
    ]
    (message,) = chat(input=[{"role": "user", "content": content}]).messages
    text, low, original, plain, by_id, file, by_url, other = message.content
    assert text == TextPart("Look")
    assert low.data["image_url"] == {"url": "data:,", "detail": "low"}
    assert original.data["image_url"]["detail"] == "high"
    assert plain.data["image_url"] == {"url": "data:,"}
    assert file.data["file"] == {"file_data": "data:,", "filename": "a.pdf"}
    foreign = [by_id, by_url, other]
    assert [one.type for one in foreign] == ["input_image", "input_file", "input_novelty"]
    assert {one.dialect for one in foreign} == {"openai_responses"}
    assert refused(input=[{"role": "user", "content": 7}]) == "input[0].content"


def test_a_models_own_items_are_one_message():
    """Text, refusal and calls; reasoning that nobody signed says nothing."""
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "hidden:x"},
        {"type": "message", "role": "assistant", "content": [{"type": "refusal", "refusal": "No"}]},
        {"type": "custom_tool_call", "call_id": "c", "name": "g", "input": "text"},
        {"type": "custom_tool_call_output", "call_id": "c", "output": "done"},
        {"type": "reasoning", "id": "rs_3", "summary": []},
        {"type": "function_call", "call_id": "d", "name": "f", "arguments": "{}"},
        {
            "type": "function_call_output",
            "call_id": "d",
            "output": [{"type": "input_text", "text": "ok"}],
        },
        {"role": "assistant", "content": "Yes"},
    ]
    own, result, again, parts, last = chat(input=items).messages
    refusal = OtherPart("refusal", {"type": "refusal", "refusal": "No"})
    assert own.content == (ReasoningPart("", redacted="x"), refusal)
    assert own.tool_calls == (ToolCall("c", "g", "text", "custom"),)
    assert (result.role, result.content, result.tool_call_id) == ("tool", "done", "c")
    assert (again.content, again.tool_calls) == (None, (ToolCall("d", "f", "{}"),))
    assert parts.content == (TextPart("ok"),)
    assert last.content == "Yes"
    with pytest.raises(InvalidRequest):
        chat(input=[{"type": "reasoning", "id": "rs_1", "summary": []}])


def test_what_is_carried_says_what_it_is():
    """Signed, hidden, a summary; another's is taken to be hidden."""
    signed = {"encrypted_content": "signed:s", "summary": [{"text": "a"}, {"text": "b"}]}
    assert secrets.reasoning(signed) == ReasoningPart("ab", "s")
    assert secrets.reasoning({"encrypted_content": "gAAA"}) == ReasoningPart("", redacted="gAAA")
    assert secrets.encrypted(ReasoningPart("a")) is None
    assert secrets.summary(secrets.seal("né")) == "né"
    for told in ("né", "summary:a", "summary:_w=="):
        assert secrets.summary(told) is None


def test_tools_and_choices_are_those_of_chat_completions():
    """With a wrapping less; a tool of the vendor's own is passed on as it is."""
    grammar = {"type": "grammar", "syntax": "regex", "definition": "a+"}
    tools = [
        {"type": "function", "name": "f", "parameters": None, "strict": True},
        {"type": "custom", "name": "g", "format": grammar},
        {"type": "custom", "name": "h", "format": {"type": "text"}},
        {"type": "web_search"},
    ]
    function, custom, plain, own = chat(tools=tools).tools
    assert function == Tool(name="f", strict=True)
    assert custom.format == {
        "type": "grammar",
        "grammar": {"definition": "a+", "syntax": "regex"},
    }
    assert plain.format == {"type": "text"}
    assert (own.kind, own.data) == ("web_search", {"type": "web_search"})
    allowed = {
        "type": "allowed_tools",
        "mode": "required",
        "tools": [{"type": "function", "name": "f"}, {"type": "web_search"}],
    }
    assert chat(tools=tools, tool_choice=allowed).tool_choice == ToolChoice("required", ("f",))
    named = {"type": "custom", "name": "g"}
    assert chat(tools=tools, tool_choice=named).tool_choice == ToolChoice("required", ("g",))
    assert chat(tool_choice="none").tool_choice == ToolChoice("none")
    assert refused(tool_choice=7) == "tool_choice"


def test_the_form_of_an_answer_is_that_of_chat_completions():
    """One that is not known is a provider's own."""
    made = chat(text={"format": {"type": "json_object"}, "verbosity": "low"})
    assert (made.response_format.kind, made.extra) == ("json_object", {"verbosity": "low"})
    other = {"type": "poem"}
    assert chat(text={"format": other}).response_format.data == other
    form = {"type": "json_schema", "name": "a", "schema": {}, "strict": True}
    assert chat(text={"format": form}).response_format.strict


def test_what_stands_elsewhere_goes_to_its_place():
    """And what is not known travels on."""
    made = chat(
        max_output_tokens=50,
        reasoning={"effort": "low", "generate_summary": "auto"},
        include=["message.output_text.logprobs"],
        top_logprobs=2,
        service_tier="flex",
        novelty={"a": 1},
    )
    assert (made.max_completion_tokens, made.reasoning_effort) == (50, "low")
    assert (made.reasoning_summary, made.logprobs, made.top_logprobs) == (True, True, 2)
    assert made.extra == {"service_tier": "flex", "novelty": {"a": 1}}
    assert not chat(top_logprobs=0).logprobs
    assert refused(conversation=7) == "conversation"
    assert refused(background=True, store=False) == "background"


def test_every_fault_is_told():
    """By its path, as many as are looked for."""
    with pytest.raises(InvalidRequest) as error:
        asked(temperature=3, top_p="x", input=[{"role": "x", "content": "a"}])
    paths = [path for path, _ in error.value.faults]
    assert paths == ["input[0].role", "temperature", "top_p"]


def test_items_are_shown_whole():
    """With ids, the parts in the words of whose they are, and what their document wants."""
    given = [
        {"type": "message", "role": "assistant", "content": [{"type": "input_text", "text": "a"}]},
        {"type": "message", "role": "user", "content": [{"type": "input_image", "file_id": "f"}]},
        {"type": "reasoning", "encrypted_content": "x"},
        {"type": "mcp_call", "id": "mine"},
        {"type": "compaction", "encrypted_content": "x"},
    ]
    own, picture, thought, other, short = dialect.input_items(given, "1")
    assert own["id"] == "msg_1_in_0"
    assert own["content"] == [
        {"type": "output_text", "text": "a", "annotations": [], "logprobs": []}
    ]
    assert picture["content"][0]["detail"] == "auto"
    assert (thought["summary"], "status" in thought) == ([], False)
    assert other == {"type": "mcp_call", "id": "mine"}
    assert short["id"] == "cmp_1_in_4"


@pytest.mark.parametrize(
    ("read", "query"),
    [
        (queries.read_asked, "stream=true"),
        (queries.read_asked, "include=all"),
        (queries.read_asked, "&".join(f"a{n}=" for n in range(30))),
        (queries.read_asked, "novelty=1"),
        (queries.read_items_page, "order=up"),
        (stored.read_listed, "&".join(f"a{n}=" for n in range(30))),
    ],
)
def test_a_wrong_query_is_refused(read, query):
    """Whatever is asked of what is kept."""
    with pytest.raises(InvalidRequest):
        read(query)


def test_a_query_may_say_what_changes_nothing():
    """All is told in any case."""
    queries.read_asked("include=reasoning.encrypted_content&stream=false&include_obfuscation=False")


def encoder():
    """An encoder of a stream."""
    return dialect.StreamEncoder(
        id="resp_1", created=0, model="gpt-4", repeated={"service_tier": "auto"}, ended=lambda: 7
    )


def kinds(data):
    """The types of events."""
    blocks = data.decode().split("\n\n")[:-1]
    return [block.split("\n")[0].removeprefix("event: ") for block in blocks]


def test_an_answer_is_never_nothing():
    """A message without text, where nothing came but reasoning, or nothing at all."""
    for events in ([], [Started(), Text(""), Reasoning("")], [Reasoning("Hm")]):
        one = encoder()
        told = b"".join([one.encode(event) for event in events])
        told += one.end(Usage(1, 0), 0)
        assert kinds(told)[-1] == "response.completed"
        assert "response.output_text.done" in kinds(told)


def test_text_after_a_call_is_another_message():
    """Each item is told in its turn."""
    one = encoder()
    told = one.encode(Text("a")) + one.encode(ToolDelta(0, "c", "f", "{}")) + one.encode(Text("b"))
    told += one.end(Usage(1, 1), 0)
    last = orjson.loads(told.split(b"\ndata: ")[-1])
    ids = [item["id"] for item in last["response"]["output"]]
    assert ids == ["msg_1", "fc_1_0", "msg_1_1"]


def test_a_stream_that_breaks_before_it_began_is_an_error_alone():
    """There is no response yet that could have failed."""
    assert kinds(encoder().fail({"code": "x", "message": "No."})) == ["error"]


def test_what_is_repeated_says_what_was_not_given():
    """In the words of OpenAI's defaults."""
    told = echo(asked(service_tier="auto", conversation="ses_1", user="u").fields)
    assert (told["service_tier"], told["conversation"]) == ("default", {"id": "ses_1"})
    assert (told["user"], "safety_identifier" in told) == ("u", False)
    assert (told["temperature"], told["truncation"]) == (1.0, "disabled")


def test_an_answer_that_only_calls_has_no_message():
    """Whole and streamed, a call that takes nothing too."""
    call = ToolCall("c", "f", "")
    choice = Choice(index=0, text=None, finish_reason="tool_calls", tool_calls=(call,))
    (item,) = output_items("resp_1", choice, summarized=False)
    one = encoder()
    told = one.encode(ToolDelta(0, "c", "f")) + one.encode(Finished("tool_calls"))
    told += one.end(Usage(1, 1), 0)
    assert orjson.loads(told.split(b"\ndata: ")[-1])["response"]["output"] == [item]


def test_a_response_in_the_background_is_not_streamed():
    """Refused by the field that asks for it."""
    assert refused(background=True, stream=True) == "stream"


def test_a_message_without_text_has_none():
    """Its parts are beside."""
    image = {"type": "image_url", "image_url": {"url": "data:,"}}
    record = Record(
        id="chatcmpl-1",
        account="a",
        kind="completion",
        created=0,
        model="gpt-4",
        request="req_1",
        messages=(Message("user", (OtherPart("image_url", image),)),),
    )
    (told,) = stored.stored_messages(record)
    assert (told["content"], told["content_parts"]) == (None, [image])
