"""OpenAI's Responses over HTTP, as values: answers, events, errors, what is kept."""

import pytest

from aihub.dialects.openai_responses.secrets import seal
from aihub.errors import UpstreamFailed
from aihub.model.events import Finished, Reasoning, Refusal, Text, ToolDelta
from aihub.testing import ScriptedProvider

from .test_app import Client, open_client
from .test_messages import events_of, open_mock

pytestmark = pytest.mark.anyio

PATH = "/v1/responses"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
    },
}


def hi(input="Hi", **more):
    return {"model": "gpt-4", "input": input, **more}


async def made(client, input="Hi", **more):
    """Make a response and give it."""
    status, _, done = await client.ask("POST", PATH, hi(input, **more))
    assert status == 200, done
    return done


async def owner(client):
    """Whose key the client has."""
    return (await client.hub.authenticate(client.secret)).account.id


async def test_an_input_is_answered():
    """Output, counts with our cost, and what was asked, as OpenAI's document has it."""
    async with open_mock() as client:
        done = await made(client, instructions="Be brief.", metadata={"a": "b"})
        assert done["id"].startswith("resp_")
        assert (done["status"], done["error"], done["store"]) == ("completed", None, True)
        (item,) = done["output"]
        assert (item["type"], item["role"], item["status"]) == ("message", "assistant", "completed")
        assert item["content"][0]["text"]
        assert done["usage"]["cost"] > 0
        assert (done["instructions"], done["metadata"]) == ("Be brief.", {"a": "b"})
        assert done["completed_at"] >= done["created_at"]


async def test_a_stream_says_what_the_whole_answer_says():
    """Events are numbered from 0, and the last has the whole response."""
    async with open_mock() as client:
        done = await made(client)
        _, headers, text = await client.ask("POST", PATH, hi(stream=True))
    assert headers["content-type"].startswith("text/event-stream")
    events = events_of(text)
    assert [data["sequence_number"] for _, data in events] == list(range(len(events)))
    assert all(name == data["type"] for name, data in events)
    names = [name for name, _ in events]
    assert names[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert names[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    said = "".join([data["delta"] for name, data in events if name.endswith("text.delta")])
    last = events[-1][1]["response"]
    assert said == last["output"][0]["content"][0]["text"]
    assert said == done["output"][0]["content"][0]["text"]
    assert last["usage"] == done["usage"]


async def test_every_kind_of_piece_has_its_events():
    """Reasoning, a refusal, calls that come interleaved; both ways say the same."""
    script = [
        Reasoning("Let me "),
        Reasoning("think.", signature="sig"),
        Reasoning("", redacted="xyz"),
        Refusal("No"),
        Refusal("."),
        ToolDelta(0, "call_1", "f", '{"a"'),
        ToolDelta(1, "call_2", "g", "tex", type="custom"),
        ToolDelta(0, arguments=":1}", signature="why"),
        ToolDelta(1, arguments="t"),
        Finished("tool_calls"),
    ]
    async with open_client(ScriptedProvider(script)) as client:
        for summary in (None, "auto"):
            more = {"reasoning": {"summary": summary}}
            done = await made(client, **more)
            _, _, text = await client.ask("POST", PATH, hi(stream=True, **more))
            events = events_of(text)
            names = {name for name, _ in events}
            word = "summary_text" if summary else "text"
            assert f"response.reasoning_{word}.delta" in names
            assert "response.function_call_arguments.done" in names
            assert "response.custom_tool_call_input.done" in names
            assert "response.refusal.done" in names
            streamed = events[-1][1]["response"]
            place, other = done["id"][5:], streamed["id"][5:]
            told = str(streamed["output"]).replace(other, place)
            assert told == str(done["output"])
    kinds = [item["type"] for item in done["output"]]
    assert kinds == ["reasoning", "reasoning", "message", "function_call", "custom_tool_call"]
    assert done["output"][0]["encrypted_content"] == "signed:sig"
    assert done["output"][3]["arguments"] == '{"a":1}'


async def test_what_a_model_made_is_understood_when_it_comes_back():
    """Signed and hidden reasoning, text and calls are one message of the model's again."""
    script = [
        Reasoning("Think.", signature="sig"),
        Text("So"),
        ToolDelta(0, "call_1", "get_weather", "{}", signature="why"),
        Finished("tool_calls"),
    ]
    provider = ScriptedProvider(script)
    async with open_client(provider) as client:
        done = await made(client, tools=[WEATHER], store=False)
        output = {"type": "function_call_output", "call_id": "call_1", "output": "Sunny"}
        await made(client, [{"role": "user", "content": "Hi"}, *done["output"], output])
    user, own, result = provider.calls[1].chat.messages
    assert (user.role, user.text, result.role, result.tool_call_id) == (
        "user",
        "Hi",
        "tool",
        "call_1",
    )
    thought, text = own.content
    assert (thought.text, thought.signature, text.text) == ("Think.", "sig", "So")
    assert (own.tool_calls[0].id, own.tool_calls[0].signature) == ("call_1", "why")


async def test_a_cut_answer_is_incomplete():
    """It says why, whole and streamed."""
    async with open_client(ScriptedProvider([Text("a"), Finished("length")])) as client:
        done = await made(client)
        assert (done["status"], done["incomplete_details"]) == (
            "incomplete",
            {"reason": "max_output_tokens"},
        )
        _, _, text = await client.ask("POST", PATH, hi(stream=True))
    name, data = events_of(text)[-1]
    assert (name, data["response"]["status"]) == ("response.incomplete", "incomplete")


async def test_a_stream_that_breaks_says_so():
    """An error, and a response that failed; nothing of it is kept."""
    provider = ScriptedProvider([Text("a"), UpstreamFailed("It broke.")])
    async with open_client(provider) as client:
        _, _, text = await client.ask("POST", PATH, hi(stream=True))
        events = events_of(text)
        assert [name for name, _ in events[-2:]] == ["error", "response.failed"]
        response = events[-1][1]["response"]
        assert (response["status"], response["error"]["code"]) == ("failed", "server_error")
        assert (await client.ask("GET", f"{PATH}/{response['id']}"))[0] == 404
        assert await client.hub.sessions.list(account=await owner(client)) == []


async def test_an_error_before_the_stream_is_an_answer():
    """With its status, in OpenAI's form."""
    async with open_client(ScriptedProvider([UpstreamFailed("no")])) as client:
        status, _, told = await client.ask("POST", PATH, hi(stream=True))
    assert (status, told["error"]["type"]) == (502, "model_error")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "gpt-4"}, "input"),
        ({"input": "Hi"}, "model"),
        (hi([]), "input"),
        (hi(7), "input"),
        (hi([{"role": "king", "content": "Hi"}]), "input[0].role"),
        (hi([{"role": "user", "content": [{"type": "input_text"}]}]), "input[0].content[0].text"),
        (hi([{"type": "function_call_output", "output": "x"}]), "input[0].call_id"),
        (hi(max_output_tokens=15), "max_output_tokens"),
        (hi(max_output_tokens=999_999), "max_output_tokens"),
        (hi(text={"format": {"type": "json_schema", "name": "a"}}), "text.format.schema"),
        (hi(text={"verbosity": "loud"}), "text.verbosity"),
        (hi(reasoning={"effort": "much"}), "reasoning.effort"),
        (hi(reasoning={"effort": "low"}), "reasoning.effort"),
        (hi(tools=[{"type": "function"}]), "tools[0].name"),
        (hi(tools=[{"type": "web_find"}]), "tools[0].type"),
        (hi(tools=[{"type": "file_search"}]), "tools[0].vector_store_ids"),
        (hi(tools=[{"type": "mcp", "server_label": "a", "headers": 5}]), "tools[0].headers"),
        (hi(tool_choice={"type": "hologram"}), "tool_choice.type"),
        (hi(tool_choice={"type": "web_search_preview"}), "tool_choice"),
        (hi(tool_choice={"type": "function", "name": "f"}), "tool_choice"),
        (hi(include=["everything"]), "include[0]"),
        (hi(prompt={"version": "1"}), "prompt.id"),
        (hi(prompt={"id": "pmpt_1", "variables": {"a": 5}}), "prompt.variables.a"),
        (hi(context_management=[]), "context_management"),
        (hi(context_management=[{"type": "hologram"}]), "context_management[0].type"),
        (hi(previous_response_id="resp_1", conversation="ses_1"), "conversation"),
        (hi([{"type": "web_search_call", "id": "ws_1", "status": "completed"}]), "input[0].action"),
        (hi([{"type": "hologram"}]), "input"),
        (
            hi([{"role": "assistant", "content": [{"type": "input_image"}]}]),
            "input[0].content[0].type",
        ),
        (
            hi([{"role": "user", "content": [{"type": "refusal", "refusal": "No"}]}]),
            "input[0].content[0].type",
        ),
        (hi([{"type": "compaction", "encrypted_content": "abc"}]), "input[0]"),
        (hi([{"type": "item_reference", "id": "x"}] * 101), "input"),
        (hi(model="gpt-0"), "model"),
    ],
)
async def test_what_is_wrong_is_named_in_its_own_words(body, param):
    """Whether the decoder finds it, or who answers."""
    async with open_mock() as client:
        status, _, told = await client.ask("POST", PATH, body)
    assert (status, told["error"]["param"]) == (400, param)


async def test_there_are_no_templates():
    """Which is said as OpenAI says it of one that is not there, also where it has all the rest."""
    async with open_mock() as client:
        for body in (hi(prompt={"id": "pmpt_1"}), {"prompt": {"id": "pmpt_1", "version": None}}):
            status, _, told = await client.ask("POST", PATH, body)
            assert (status, told["error"]["param"]) == (404, "prompt.id")
            assert told["error"]["message"].endswith("Prompt with id 'pmpt_1' not found.")


async def test_making_it_short_on_the_way_may_be_asked_for():
    """It is not done: the answer is that of the whole conversation."""
    short = {"context_management": [{"type": "compaction", "compact_threshold": 1000}]}
    async with open_mock() as client:
        done = await made(client, **short)
        asked = [{"role": "user", "content": "Hi"}, {"type": "compaction_trigger"}]
        other = await made(client, asked)
    texts = [one["output"][0]["content"][0]["text"] for one in (done, other)]
    assert all(texts)
    assert [item["type"] for item in other["output"]] == ["message"]


# What is kept


async def test_a_response_is_read_again():
    """As it was answered, and until it is erased; its input too."""
    async with open_mock() as client:
        done = await made(client)
        path = f"{PATH}/{done['id']}"
        query = "include[]=reasoning.encrypted_content&include[]=message.output_text.logprobs"
        status, _, found = await client.ask("GET", path, query=query)
        assert (status, found) == (200, done)
        _, _, listed = await client.ask("GET", path + "/input_items")
        (item,) = listed["data"]
        assert (item["role"], item["content"]) == ("user", [{"type": "input_text", "text": "Hi"}])
        status, _, told = await client.ask("DELETE", path)
        assert (status, told["deleted"]) == (200, True)
        for method, where in (("GET", path), ("DELETE", path), ("GET", path + "/input_items")):
            status, _, told = await client.ask(method, where)
            assert (status, told["error"]["code"]) == (404, "response_not_found")


async def test_a_streamed_response_is_read_again():
    """As its last event had it."""
    async with open_mock() as client:
        _, _, text = await client.ask("POST", PATH, hi(stream=True))
        last = events_of(text)[-1][1]["response"]
        assert (await client.ask("GET", f"{PATH}/{last['id']}"))[2] == last


async def test_without_store_nothing_is_kept():
    """Neither the response nor a session."""
    async with open_mock() as client:
        done = await made(client, store=False)
        assert (await client.ask("GET", f"{PATH}/{done['id']}"))[0] == 404
        assert await client.hub.responses.list(account=await owner(client)) == []


async def test_items_come_in_pages():
    """The newest first, unless asked otherwise; each with an id."""
    said = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": [{"type": "input_text", "text": "Three"}]},
    ]
    async with open_mock() as client:
        done = await made(client, said)
        path = f"{PATH}/{done['id']}/input_items"

        async def texts(query=""):
            _, _, found = await client.ask("GET", path, query=query)
            return [one["content"][0]["text"] for one in found["data"]], found

        newest, found = await texts()
        assert newest == ["Three", "Two", "One"]
        assert (await texts("order=asc&limit=2"))[0] == ["One", "Two"]
        assert (await texts(f"after={found['first_id']}"))[0] == ["Two", "One"]
        assert found["data"][1]["content"][0]["type"] == "output_text"


def told(call):
    """What a provider was asked, message by message."""
    return [(one.role, one.text) for one in call.chat.messages]


async def test_a_response_is_gone_on_from():
    """The history comes first; instructions of the former do not carry over."""
    provider = ScriptedProvider([Text("ok"), Finished("stop")])
    async with open_client(provider) as client:
        one = await made(client, "One", instructions="Be brief.")
        two = await made(client, "Two", previous_response_id=one["id"])
        assert two["previous_response_id"] == one["id"]
        await made(client, "Three", previous_response_id=two["id"], instructions="Shout.")
        # From an earlier one the history forks.
        await made(client, "Other", previous_response_id=one["id"])
        # What is not kept goes on all the same, and leaves no trace.
        lone = {"model": None, "store": False}
        await made(client, "Lone", previous_response_id=two["id"], **lone)
        await made(client, "Four", previous_response_id=two["id"])
        kept = await client.hub.responses.list(account=await owner(client))
        sessions = [one.session for one in kept]
        assert await client.hub.sessions.list(account=await owner(client)) == []
    ok = ("assistant", "ok")
    assert told(provider.calls[1]) == [("user", "One"), ok, ("user", "Two")]
    history = [("user", "One"), ok, ("user", "Two"), ok]
    assert told(provider.calls[2]) == [("system", "Shout."), *history, ("user", "Three")]
    assert told(provider.calls[3]) == [("user", "One"), ok, ("user", "Other")]
    assert told(provider.calls[4]) == [*history, ("user", "Lone")]
    assert told(provider.calls[5]) == [*history, ("user", "Four")]
    assert sessions[0] == sessions[1] == sessions[2]
    assert len(set(sessions)) == 3


async def test_prompts_in_an_input_carry_over_and_instructions_do_not():
    """In their place; in a conversation that is a session they hold for one request, as there."""
    provider = ScriptedProvider([Text("ok"), Finished("stop")])
    async with open_client(provider) as client:
        rule = {"role": "developer", "content": "Rhyme."}
        said = [{"role": "user", "content": "One"}, rule]
        one = await made(client, said, instructions="Be brief.")
        two = await made(client, "Two", previous_response_id=one["id"], instructions="Shout.")
        await made(client, [rule, *said], previous_response_id=two["id"])
        _, _, session = await client.ask("POST", "/v1/sessions", {"model": "gpt-4"})
        for _ in range(2):
            held = await made(client, [rule, said[0]], conversation=session["id"])
        await made(client, "Three", previous_response_id=held["id"])
        short = {"model": "gpt-4", "previous_response_id": one["id"]}
        _, _, count = await client.ask("POST", PATH + "/input_tokens", {**short, "input": "Two"})
        assert count["input_tokens"] > 0
    ok, rhyme = ("assistant", "ok"), ("developer", "Rhyme.")
    first = [("user", "One"), rhyme, ok]
    assert told(provider.calls[0]) == [("system", "Be brief."), *first[:2]]
    assert told(provider.calls[1]) == [("system", "Shout."), *first, ("user", "Two")]
    second = [*first, ("user", "Two"), ok]
    assert told(provider.calls[2]) == [*second, rhyme, *first[:2]]
    plain = [("user", "One"), ok]
    assert told(provider.calls[4]) == [rhyme, *plain, ("user", "One")]
    assert told(provider.calls[5]) == [*plain, *plain, ("user", "Three")]


async def test_what_is_gone_cannot_be_gone_on_from():
    """Erased, another's, or never there: 404, in OpenAI's words."""
    async with open_mock() as client:
        done = await made(client)
        account = await client.hub.accounts.create("b")
        key = await client.hub.accounts.create_key(account.id)
        other = Client(client.hub, key.secret)
        await client.ask("DELETE", f"{PATH}/{(await made(client))['id']}")
        for asker, id in ((other, done["id"]), (client, "resp_1")):
            body = hi(previous_response_id=id)
            status, _, error = await asker.ask("POST", PATH, body)
            assert (status, error["error"]["code"], error["error"]["param"]) == (
                404,
                "previous_response_not_found",
                "previous_response_id",
            )
        for where in ("", "/input_items"):
            assert (await other.ask("GET", f"{PATH}/{done['id']}{where}"))[0] == 404


async def test_a_history_stays_as_long_as_somebody_goes_on_from_it():
    """Erasing a former response leaves the later ones what was said; with the last it goes."""
    provider = ScriptedProvider([Text("ok"), Finished("stop")])
    async with open_client(provider) as client:
        one = await made(client, "One")
        two = await made(client, "Two", previous_response_id=one["id"])
        session = (await client.hub.responses.get(two["id"], account=await owner(client))).session
        await client.ask("DELETE", f"{PATH}/{one['id']}")
        await made(client, "Three", previous_response_id=two["id"], store=False)
        assert len(provider.calls[-1].chat.messages) == 5
        assert await client.hub.sessions.get(session, account=await owner(client))
        await client.ask("DELETE", f"{PATH}/{two['id']}")
        status, _, _ = await client.ask("GET", f"/v1/sessions/{session}")
        assert status == 404


async def test_a_conversation_is_a_session():
    """By its id or an object with it; the turn is the session's, and named in the answer."""
    provider = ScriptedProvider([Text("ok"), Finished("stop")])
    async with open_client(provider) as client:
        _, _, session = await client.ask("POST", "/v1/sessions", {"model": "gpt-4"})
        id = session["id"]
        done = await made(client, "One", conversation=id, model=None)
        assert (done["model"], done["conversation"]) == ("gpt-4", {"id": id})
        two = await made(client, "Two", conversation={"id": id}, model=None)
        # Going on from one of its responses leaves the conversation as it is.
        await made(client, "Three", previous_response_id=two["id"])
        _, _, found = await client.ask("GET", f"/v1/sessions/{id}")
        assert [one["content"] for one in found["messages"]["data"]] == ["One", "ok", "Two", "ok"]
        assert len(provider.calls[-1].chat.messages) == 5
        await client.ask("DELETE", f"{PATH}/{two['id']}")
        assert (await client.ask("GET", f"/v1/sessions/{id}"))[0] == 200
        status, _, error = await client.ask("POST", PATH, hi(conversation="ses_none"))
        assert (status, error["error"]["param"]) == (404, "conversation")


async def test_items_may_be_named():
    """Of the input or the output of what is kept; another's are not there."""
    provider = ScriptedProvider([Text("ok"), Finished("stop")])
    async with open_client(provider) as client:
        done = await made(client, "One")
        _, _, items = await client.ask("GET", f"{PATH}/{done['id']}/input_items")
        named = [
            {"id": items["first_id"]},
            {"type": "item_reference", "id": done["output"][0]["id"]},
        ]
        await made(client, [*named, {"role": "user", "content": "Two"}])
        assert told(provider.calls[1]) == [("user", "One"), ("assistant", "ok"), ("user", "Two")]
        for id in ("msg_1", "msg", done["output"][0]["id"] + "x"):
            body = hi([{"type": "item_reference", "id": id}])
            status, _, error = await client.ask("POST", PATH, body)
            assert (status, error["error"]["code"]) == (404, "item_not_found")


async def test_tokens_are_counted_without_a_request():
    """As they would be charged, history included; nothing is on the ledger."""
    async with open_mock() as client:
        done = await made(client)
        status, _, count = await client.ask("POST", f"{PATH}/input_tokens", hi())
        assert (status, count["input_tokens"]) == (200, done["usage"]["input_tokens"])
        body = hi("Again", previous_response_id=done["id"])
        _, _, more = await client.ask("POST", f"{PATH}/input_tokens", body)
        again = await made(client, "Again", previous_response_id=done["id"])
        assert more["input_tokens"] == again["usage"]["input_tokens"] > count["input_tokens"]
        assert len(await client.hub.requests(await owner(client))) == 2


async def test_a_retry_is_told_the_same_response():
    """Under one idempotency key there is one response."""
    async with open_mock() as client:
        answers = [await client.ask("POST", PATH, hi(), idempotency_key="a") for _ in range(2)]
        assert answers[0][2] == answers[1][2]
        assert len(await client.hub.responses.list(account=await owner(client))) == 1


async def test_a_conversation_is_made_short():
    """The mock says that it is one; the item is understood when it comes back. It is billed."""
    async with open_mock() as client:
        done = await made(client, "My name is Ada.")
        for body in (
            hi([{"role": "user", "content": "One"}, {"role": "user", "content": "Two"}]),
            {"model": "gpt-4", "previous_response_id": done["id"]},
        ):
            status, _, short = await client.ask("POST", PATH + "/compact", body)
            assert (status, short["object"]) == (200, "response.compaction")
            (item,) = short["output"]
            assert item["type"] == "compaction"
            again = await made(client, [item, {"role": "user", "content": "Hi"}])
            assert again["usage"]["input_tokens"] > done["usage"]["input_tokens"]
        (row,) = [
            one for one in await client.hub.requests(await owner(client)) if one.kind != "chat"
        ][:1]
        assert (row.kind, row.state) == ("compaction", "ok")
        assert row.cost > 0


async def test_what_compacts_nothing_is_refused_by_name():
    """A provider that cannot do it, and an item of another's."""
    async with open_client(ScriptedProvider([Text("ok"), Finished("stop")])) as client:
        status, _, told = await client.ask("POST", PATH + "/compact", hi())
        assert (status, told["error"]["param"]) == (400, "model")
        for secret in ("gAAAA", "summary:é", "summary:abc"):
            item = {"type": "compaction", "encrypted_content": secret}
            await client.ask("POST", PATH, hi([item]))


async def test_a_summary_is_a_message_of_the_users():
    """So any provider understands it."""
    provider = ScriptedProvider([Text("ok"), Finished("stop")])
    async with open_client(provider) as client:
        item = {"type": "compaction", "encrypted_content": seal("They met.")}
        await made(client, [item, {"role": "user", "content": "Who?"}])
    assert told(provider.calls[0]) == [("user", "They met."), ("user", "Who?")]


async def test_what_is_nested_too_deep_is_refused():
    """A response repeats its request, so that it must be there to be written again."""

    def nested(depth):
        made = {}
        for _ in range(depth):
            made = {"a": made}
        return made

    async with open_client(ScriptedProvider([Text("ok"), Finished("stop")])) as client:
        for depth, wanted in ((50, 200), (120, 200), (130, 400), (300, 400)):
            function = {"type": "function", "name": "f", "parameters": nested(depth - 4)}
            for more in ({"tools": [function]}, {"tools": [function], "store": False}):
                status, _, told = await client.ask("POST", PATH, hi(**more))
                assert status == wanted, (depth, told)
        item = {"role": "user", "content": "Hi", "more": nested(200)}
        status, _, told = await client.ask("POST", PATH, hi([item]))
        assert (status, told["error"]["param"]) == (400, "input")
