"""Google's own SDK for Gemini, unmodified, against a real server process."""

import anyio
import pytest

genai = pytest.importorskip("google.genai")
pydantic = pytest.importorskip("pydantic")
pytest.importorskip("trio")

from google.genai import errors, types  # noqa: E402 - after it is known to be there

pytestmark = pytest.mark.slow

MODEL = "gemini-2.5-flash"
HELLO = "Tell me about Paris in one sentence."


class City(pydantic.BaseModel):
    """What an answer in a form must be."""

    name: str
    people: int


WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather of a city",
            parameters=types.Schema(
                type="OBJECT",
                properties={"city": types.Schema(type="STRING")},
                required=["city"],
            ),
        )
    ]
)


def client_of(server, key="test", **options):
    """The SDK, pointed at a server."""
    options = types.HttpOptions(base_url=server.url, **options)
    return genai.Client(api_key=key, vertexai=False, http_options=options)


@pytest.fixture
def client(server):
    """The SDK, pointed at the server."""
    with client_of(server) as client:
        yield client


def test_it_gets_a_whole_answer(client):
    """Text, reason and counts."""
    done = client.models.generate_content(model=MODEL, contents=HELLO)
    assert "Paris" in done.text
    assert done.candidates[0].finish_reason == types.FinishReason.STOP
    assert done.model_version == MODEL
    counts = done.usage_metadata
    assert counts.total_token_count == counts.prompt_token_count + counts.candidates_token_count


@pytest.mark.parametrize("version", ["v1beta", "v1"])
def test_it_streams_the_same_text(server, version):
    """Piece by piece, under both versions of the API."""
    with client_of(server, api_version=version) as client:
        whole = client.models.generate_content(model=MODEL, contents=HELLO)
        pieces = list(client.models.generate_content_stream(model=MODEL, contents=HELLO))
    assert len(pieces) > 3
    assert "".join(piece.text or "" for piece in pieces) == whole.text
    assert pieces[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert pieces[-1].usage_metadata.total_token_count == whole.usage_metadata.total_token_count


def test_its_asynchronous_client_does_the_same(server):
    """Whole and streamed, on asyncio."""

    async def main():
        async with client_of(server).aio as client:
            whole = await client.models.generate_content(model=MODEL, contents=HELLO)
            stream = await client.models.generate_content_stream(model=MODEL, contents=HELLO)
            pieces = [piece.text or "" async for piece in stream]
        assert "".join(pieces) == whole.text

    anyio.run(main)


def test_a_round_trip_of_functions(client):
    """It is called, streamed too; its result is in the answer."""
    config = types.GenerateContentConfig(tools=[WEATHER])
    asked = [types.Content(role="user", parts=[types.Part(text="What is the weather in Paris?")])]
    done = client.models.generate_content(model=MODEL, contents=asked, config=config)
    (call,) = done.function_calls
    assert (call.name, call.args) == ("get_weather", {"city": "Paris"})
    pieces = client.models.generate_content_stream(model=MODEL, contents=asked, config=config)
    told = [call for piece in pieces for call in piece.function_calls or ()]
    assert [one.args for one in told] == [call.args]
    result = types.Part.from_function_response(name=call.name, response={"output": "Rain, 12"})
    more = [*asked, done.candidates[0].content, types.Content(role="user", parts=[result])]
    done = client.models.generate_content(model=MODEL, contents=more, config=config)
    assert "Rain, 12" in done.text


def test_a_python_function_is_called_by_the_sdk_itself(client):
    """Automatic function calling: the SDK asks, calls, and asks again until there is text."""
    asked = []

    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        asked.append(city)
        return "Rain, 12 degrees"

    done = client.models.generate_content(
        model=MODEL,
        contents="What is the weather in Paris?",
        config=types.GenerateContentConfig(tools=[get_weather]),
    )
    assert asked == ["Paris"]
    assert "Rain, 12 degrees" in done.text


def test_an_answer_in_a_form(client):
    """By the SDK's own helper, and by JSON Schema."""
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_schema=City
    )
    done = client.models.generate_content(model=MODEL, contents=HELLO, config=config)
    assert isinstance(done.parsed, City)
    config = types.GenerateContentConfig(
        response_mime_type="application/json",
        response_json_schema=City.model_json_schema(),
    )
    done = client.models.generate_content(model=MODEL, contents=HELLO, config=config)
    City.model_validate_json(done.text)


def test_thoughts_are_told_where_they_are_asked_for(client):
    """As parts of their own, counted apart."""
    config = types.GenerateContentConfig(
        thinking_config=types.ThinkingConfig(include_thoughts=True, thinking_budget=2000)
    )
    done = client.models.generate_content(model=MODEL, contents=HELLO, config=config)
    thoughts = [part for part in done.candidates[0].content.parts if part.thought]
    assert thoughts[0].text
    assert done.usage_metadata.thoughts_token_count > 0


def test_bounds_are_kept(client):
    """Tokens, sequences that stop, several candidates."""
    config = types.GenerateContentConfig(max_output_tokens=2, candidate_count=2)
    done = client.models.generate_content(model=MODEL, contents=HELLO, config=config)
    assert [one.finish_reason for one in done.candidates] == [types.FinishReason.MAX_TOKENS] * 2
    config = types.GenerateContentConfig(stop_sequences=["Paris"])
    done = client.models.generate_content(model=MODEL, contents=HELLO, config=config)
    assert "Paris" not in (done.text or "")


def test_a_chat_goes_on(client):
    """The SDK's own conversations: what was said is sent again."""
    chat = client.chats.create(model=MODEL)
    first = chat.send_message("Hello")
    again = chat.send_message("Tell me about Rome")
    assert again.usage_metadata.prompt_token_count > first.usage_metadata.prompt_token_count
    assert "Rome" in again.text


def test_tokens_are_counted_as_they_are_charged(client):
    """The same number as the answer's."""
    counted = client.models.count_tokens(model=MODEL, contents=HELLO)
    done = client.models.generate_content(model=MODEL, contents=HELLO)
    assert counted.total_tokens == done.usage_metadata.prompt_token_count


@pytest.mark.parametrize("version", ["v1beta", "v1"])
def test_models_are_listed_to_the_end_and_found(server, version):
    """The SDK pages by itself."""
    with client_of(server, api_version=version) as client:
        names = [one.name for one in client.models.list(config={"page_size": 100})]
        one = client.models.get(model=MODEL)
    assert len(names) == len(set(names)) > 100
    assert f"models/{MODEL}" in names
    assert (one.name, one.input_token_limit > 100_000) == (f"models/{MODEL}", True)


def test_errors_have_the_sdks_classes(server):
    """Who may not, what is not there, what is wrong."""
    wrong = {"max_output_tokens": -1}
    for key, model, config, code, word in (
        ("wrong", MODEL, None, 401, "UNAUTHENTICATED"),
        ("reader", MODEL, None, 403, "PERMISSION_DENIED"),
        ("test", "no-such-model", None, 404, "NOT_FOUND"),
        ("test", MODEL, wrong, 400, "INVALID_ARGUMENT"),
    ):
        with client_of(server, key) as client:
            with pytest.raises(errors.ClientError) as caught:
                client.models.generate_content(model=model, contents=HELLO, config=config)
            assert (caught.value.code, caught.value.status) == (code, word)
            with pytest.raises(errors.ClientError) as caught:
                list(
                    client.models.generate_content_stream(
                        model=model, contents=HELLO, config=config
                    )
                )
            assert caught.value.code == code


def test_a_full_window_is_told(run_server):
    """As Google's own word for it."""
    with (
        run_server("--ephemeral", "--key", "small=free", "--log-level", "warning") as server,
        client_of(server, "small") as client,
    ):
        with pytest.raises(errors.ClientError) as caught:
            for _ in range(100):
                client.models.generate_content(model=MODEL, contents=HELLO)
        assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
