"""Anthropic's own SDK, unmodified, against a real server process."""

import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import pytest

anthropic = pytest.importorskip("anthropic")
httpx2 = pytest.importorskip("httpx2")
pydantic = pytest.importorskip("pydantic")
pytest.importorskip("trio")

pytestmark = pytest.mark.slow

MODEL = "claude-opus-4-6"
HELLO = [{"role": "user", "content": "Tell me about Paris in one sentence."}]
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
}


class City(pydantic.BaseModel):
    """What an answer in a form must be."""

    name: str
    people: int


@pytest.fixture
def client(server):
    """The SDK, pointed at the server."""
    with anthropic.Anthropic(base_url=server.url, api_key="test", max_retries=0) as client:
        yield client


def test_it_gets_a_whole_answer(client):
    """Text, reason, counts, and the request's id, which the SDK reads from its header."""
    done = client.messages.create(model=MODEL, max_tokens=200, messages=HELLO)

    assert (done.type, done.role, done.model, done.stop_reason) == (
        "message",
        "assistant",
        MODEL,
        "end_turn",
    )
    assert "Paris" in done.content[0].text
    assert done.usage.output_tokens > 0
    assert done._request_id.startswith("req_")
    assert done.id == "msg_" + done._request_id.removeprefix("req_")


def test_it_streams_the_same_text(client):
    """Piece by piece; the SDK's own sum is the whole answer."""
    whole = client.messages.create(model=MODEL, max_tokens=200, messages=HELLO)
    with client.messages.stream(model=MODEL, max_tokens=200, messages=HELLO) as stream:
        pieces = list(stream.text_stream)
        done = stream.get_final_message()

    assert len(pieces) > 3
    assert "".join(pieces) == done.content[0].text == whole.content[0].text
    assert done.usage.output_tokens == whole.usage.output_tokens
    assert done.usage.input_tokens == whole.usage.input_tokens


def test_its_asynchronous_client_does_the_same(server):
    """Whole and streamed, on asyncio."""

    async def main():
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="test") as client:
            whole = await client.messages.create(model=MODEL, max_tokens=200, messages=HELLO)
            asked = client.messages.stream(model=MODEL, max_tokens=200, messages=HELLO)
            async with asked as stream:
                pieces = [piece async for piece in stream.text_stream]
            assert "".join(pieces) == whole.content[0].text

    anyio.run(main)


def test_a_round_trip_of_tools(client):
    """It is called, streamed too; its result is in the answer."""
    asked = [{"role": "user", "content": "What is the weather in Paris?"}]
    done = client.messages.create(model=MODEL, max_tokens=200, messages=asked, tools=[WEATHER])
    assert done.stop_reason == "tool_use"
    call = next(block for block in done.content if block.type == "tool_use")
    assert (call.name, call.input) == ("get_weather", {"city": "Paris"})
    with client.messages.stream(
        model=MODEL, max_tokens=200, messages=asked, tools=[WEATHER]
    ) as stream:
        again = stream.get_final_message()
    assert [block.input for block in again.content if block.type == "tool_use"] == [call.input]
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "Rain, 12 degrees"}
    more = [
        *asked,
        {"role": "assistant", "content": done.content},
        {"role": "user", "content": [result]},
    ]
    done = client.messages.create(model=MODEL, max_tokens=200, messages=more, tools=[WEATHER])
    assert done.stop_reason == "end_turn"
    assert "Rain, 12 degrees" in done.content[0].text


def test_thinking_is_told_and_taken_back(client):
    """A signed block, whole and streamed; the next turn may begin with it."""
    asked = {
        "model": MODEL,
        "max_tokens": 2000,
        "messages": HELLO,
        "thinking": {"type": "adaptive"},
    }
    done = client.messages.create(**asked)
    assert [block.type for block in done.content] == ["thinking", "text"]
    with client.messages.stream(**asked) as stream:
        streamed = stream.get_final_message()
    assert streamed.content[0].thinking == done.content[0].thinking
    assert streamed.content[0].signature == done.content[0].signature != ""
    more = [*HELLO, {"role": "assistant", "content": done.content}, *HELLO]
    assert client.messages.create(**{**asked, "messages": more}).stop_reason == "end_turn"


def test_an_answer_in_a_form(client):
    """By the SDK's own helper, which makes the schema and reads the answer."""
    done = client.messages.parse(model=MODEL, max_tokens=500, messages=HELLO, output_format=City)
    assert isinstance(done.parsed_output, City)


def test_bounds_are_kept(client):
    """Tokens, and a sequence that stops, which is told by name."""
    cut = client.messages.create(model=MODEL, max_tokens=2, messages=HELLO)
    assert (cut.stop_reason, cut.usage.output_tokens) == ("max_tokens", 2)
    stopped = client.messages.create(
        model=MODEL, max_tokens=200, messages=HELLO, stop_sequences=["Paris"]
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "Paris")


def test_tokens_are_counted_as_they_are_charged(client):
    """With a system prompt and tools."""
    asked = {"model": MODEL, "messages": HELLO, "system": "Be brief.", "tools": [WEATHER]}
    counted = client.messages.count_tokens(**asked)
    assert counted.input_tokens == client.messages.create(**asked, max_tokens=9).usage.input_tokens


def test_models_are_listed_to_the_end_and_found(client):
    """The SDK pages by itself."""
    listed = list(client.models.list(limit=100))
    ids = [one.id for one in listed]
    assert len(ids) == len(set(ids)) > 100
    assert MODEL in ids
    assert client.models.retrieve(MODEL).max_input_tokens > 100_000
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("no-such-model")


def test_a_token_in_place_of_a_key(server):
    """The SDK's `auth_token` is sent as Bearer."""
    with anthropic.Anthropic(base_url=server.url, auth_token="test") as client:
        assert client.messages.create(model=MODEL, max_tokens=9, messages=HELLO).content


def test_errors_have_the_sdks_classes(server, client):
    """Who may not, what is not there, what is wrong; each with the request's id."""
    asked = {"model": MODEL, "max_tokens": 9, "messages": HELLO}
    for key, change, kind in (
        ("wrong", {}, anthropic.AuthenticationError),
        ("reader", {}, anthropic.PermissionDeniedError),
        ("test", {"model": "no-such-model"}, anthropic.NotFoundError),
        ("test", {"max_tokens": -1}, anthropic.BadRequestError),
        ("test", {"messages": []}, anthropic.BadRequestError),
    ):
        with pytest.raises(kind) as caught:
            client.with_options(api_key=key).messages.create(**{**asked, **change})
        assert caught.value.request_id.startswith("req_")
        assert caught.value.body["error"]["message"]
    assert server.process.poll() is None


def test_a_full_window_is_waited_for_and_then_told(run_server):
    """RateLimitError with the wait; the SDK's own retries obey `retry-after`."""
    with run_server("--ephemeral", "--key", "small=free", "--log-level", "warning") as server:
        asked = {"model": MODEL, "max_tokens": 9, "messages": HELLO}
        with (
            anthropic.Anthropic(base_url=server.url, api_key="small", max_retries=0) as client,
            pytest.raises(anthropic.RateLimitError) as caught,
        ):
            for _ in range(100):
                client.messages.create(**asked)
        assert 1 <= int(caught.value.response.headers["retry-after"]) <= 60
        assert caught.value.body["error"]["type"] == "rate_limit_error"


def test_the_sdk_waits_as_it_is_told_and_asks_again(run_server):
    """One request at a time: the second is a 429 until the first, which streams, has ended."""
    operator = ["--key", "op=enterprise:read+inference+admin"]
    with run_server("--ephemeral", "--latency", "10ms,20ms", *operator) as server:
        server.ask("/v1/plans/enterprise", "op", {"parallel": 1}, method="PUT")
        refused = threading.Event()

        def see(response):
            if response.status_code == 429:
                refused.set()

        asked = {"model": MODEL, "max_tokens": 500, "messages": HELLO}
        with (
            httpx2.Client(event_hooks={"response": [see]}) as http,
            anthropic.Anthropic(
                base_url=server.url, api_key="op", max_retries=5, http_client=http
            ) as client,
            ThreadPoolExecutor(1) as threads,
        ):
            with client.messages.stream(**asked) as stream:
                pieces = stream.text_stream
                next(pieces)
                other = threads.submit(client.messages.create, **asked)
                assert refused.wait(60)
                told = "".join(pieces)
            assert told
            assert other.result(60).stop_reason == "end_turn"


def test_previews_are_the_same_messages(client):
    """`client.beta` asks the same path with a word in the query; its runner of tools goes on."""

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """Return the weather of a city.

        Args:
            city: its name.
        """
        return f"Rain in {city}"

    runner = client.beta.messages.tool_runner(
        model=MODEL,
        max_tokens=500,
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[get_weather],
    )
    done = runner.until_done()
    assert done.stop_reason == "end_turn"
    assert "Rain in Paris" in done.content[0].text
