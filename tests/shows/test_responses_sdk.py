"""OpenAI's own SDK, unmodified, against a real server process: Responses and stored completions."""

import json
import time

import pytest

openai = pytest.importorskip("openai")
pydantic = pytest.importorskip("pydantic")
pytest.importorskip("trio")

pytestmark = pytest.mark.slow

MODEL = "gpt-4o"
HELLO = "Tell me about Paris in one sentence."
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


class City(pydantic.BaseModel):
    """What an answer in a form must be."""

    name: str
    people: int


@pytest.fixture
def client(server):
    """The SDK, pointed at the server."""
    url = server.url + "/v1"
    with openai.OpenAI(base_url=url, api_key="test", max_retries=0) as client:
        yield client


def test_it_gets_a_whole_answer(client):
    """Text, status, counts, and the request's id, which the SDK reads from its header."""
    done = client.responses.create(model=MODEL, input=HELLO, instructions="Be brief.")

    assert (done.object, done.status, done.model) == ("response", "completed", MODEL)
    assert "Paris" in done.output_text
    assert done.usage.output_tokens > 0
    assert done.id == "resp_" + done._request_id.removeprefix("req_")


def test_it_streams_the_same_text(client):
    """Typed events; the SDK's own snapshot of them is the response that is kept."""
    whole = client.responses.create(model=MODEL, input=HELLO)
    with client.responses.stream(model=MODEL, input=HELLO) as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        done = stream.get_final_response()

    assert "".join(pieces) == done.output_text == whole.output_text
    assert client.responses.retrieve(done.id).output_text == done.output_text


def test_it_calls_a_tool_and_goes_on(client):
    """The result is sent alone; the response before has the rest."""
    asked = client.responses.create(
        model=MODEL,
        input="What is the weather in Paris?",
        tools=[WEATHER],
        tool_choice="required",
    )
    (call,) = [item for item in asked.output if item.type == "function_call"]
    assert call.name == "get_weather"
    assert "city" in json.loads(call.arguments)
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "Sunny, 20 C"}
    done = client.responses.create(
        model=MODEL, input=[result], tools=[WEATHER], previous_response_id=asked.id
    )
    assert done.previous_response_id == asked.id
    assert done.output_text
    assert done.usage.input_tokens > asked.usage.input_tokens


def test_it_parses_an_answer_in_a_form(client):
    """The schema of a class; what comes back is of it."""
    done = client.responses.parse(model=MODEL, input="Describe Paris", text_format=City)
    assert isinstance(done.output_parsed, City)


def test_what_is_kept_is_read_listed_and_erased(client):
    """Then it is gone."""
    done = client.responses.create(model=MODEL, input=[{"role": "user", "content": "Hi"}])
    assert client.responses.retrieve(done.id) == done
    (item,) = client.responses.input_items.list(done.id)
    assert (item.role, item.content[0].text) == ("user", "Hi")
    client.responses.delete(done.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(done.id)
    with pytest.raises(openai.NotFoundError) as error:
        client.responses.create(model=MODEL, input="Hi", previous_response_id=done.id)
    assert error.value.code == "previous_response_not_found"


def test_it_asks_in_the_background_and_polls(client):
    """Until it has ended; to cancel it then changes nothing."""
    done = client.responses.create(model=MODEL, input=HELLO, background=True)
    assert done.status == "queued"
    ends = time.monotonic() + 60
    while done.status in {"queued", "in_progress"} and time.monotonic() < ends:
        done = client.responses.retrieve(done.id)
    assert "Paris" in done.output_text
    assert client.responses.cancel(done.id) == done
    other = client.responses.create(model=MODEL, input=HELLO)
    with pytest.raises(openai.BadRequestError):
        client.responses.cancel(other.id)


def test_it_makes_a_conversation_short(client):
    """What it is given back, it sends in place of what was said."""
    short = client.responses.compact(model=MODEL, input=HELLO)
    assert short.object == "response.compaction"
    items = [item.to_dict() for item in short.output]
    done = client.responses.create(
        model=MODEL, input=[*items, {"role": "user", "content": "And Rome?"}]
    )
    assert done.output_text


def test_it_counts_tokens(client):
    """As many as the answer is charged with."""
    count = client.responses.input_tokens.count(model=MODEL, input=HELLO)
    done = client.responses.create(model=MODEL, input=HELLO)
    assert count.input_tokens == done.usage.input_tokens


def test_a_conversation_is_a_session(client, server):
    """One that was begun under our own path."""
    session = server.ask("/v1/sessions", "test", {"model": MODEL})
    done = client.responses.create(input="Hi", conversation=session["id"])
    assert done.conversation.id == session["id"]
    found = server.ask(f"/v1/sessions/{session['id']}", "test")
    assert [one["role"] for one in found["messages"]["data"]] == ["user", "assistant"]


def test_errors_are_the_sdks_own(client):
    """By status, with the field in the words that the caller used."""
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=MODEL, input="Hi", max_output_tokens=3)
    assert error.value.param == "max_output_tokens"
    with pytest.raises(openai.BadRequestError) as error:
        client.responses.create(model=MODEL, input="Hi", tools=[{"type": "web_search"}])
    assert error.value.param == "tools[0].type"


def test_completions_are_kept_listed_changed_and_erased(client):
    """By their metadata, page by page, as the SDK does it."""
    made = [
        client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": f"Number {n}"}],
            store=True,
            metadata={"test": "kept", "n": str(n)},
        )
        for n in range(3)
    ]
    found = list(client.chat.completions.list(limit=2, metadata={"test": "kept"}))
    assert [one.id for one in found] == [one.id for one in made]
    (last,) = client.chat.completions.list(metadata={"test": "kept", "n": "2"})
    assert last.id == made[2].id
    first = client.chat.completions.retrieve(made[0].id)
    assert first.choices == made[0].choices
    (message,) = client.chat.completions.messages.list(first.id)
    assert (message.role, message.content) == ("user", "Number 0")
    changed = client.chat.completions.update(first.id, metadata={"test": "other"})
    assert changed.metadata == {"test": "other"}
    assert client.chat.completions.delete(first.id).deleted
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.retrieve(first.id)
